/* SPDX-License-Identifier: MIT */
/* mgen-prep: from music files to training records. */
#include "cli/cli.h"
#include "cli/music.h"
#include "cli/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ENCODINGS = 64 };

static struct {
    const char *encodings[MOST_ENCODINGS];
    int encoding;
    bool list;
    mg_prep_options options;
} me;

static const char *const no_yes[] = {"no", "yes", NULL};
static const char *const drums[] = {"keep", "drop", "only", NULL};
static const char *const melodies[] = {"off", "strict", "highest", NULL};
static const char *const changes[] = {"none", "meter", "tempo", "both", NULL};
static const char *const ranges[] = {"refuse", "drop", "fold", NULL};
static const char *const longs[] = {"drop", "cut", NULL};
static const char *const augments[] = {"all", "random", NULL};

static const char *parse_stretch(const char *text, void *value)
{
    mg_prep_options *o = value;
    for (o->n_stretch = 0; o->n_stretch < MG_MOST_STRETCHES; text++) {
        char *end;
        double factor = strtod(text, &end);
        if (end == text || !(factor >= 0.25 && factor <= 4)) return "is no list of factors between 0.25 and 4";
        o->stretch[o->n_stretch++] = factor;
        text = end;
        if (*text == '\0') return NULL;
        if (*text != ',') return "is no list of factors, a comma between them";
    }
    return "has more than 16 factors";
}

static const char *unknown_test(const char *name, size_t n)
{
    static char message[128];
    const char *names[MG_QUALITY_TESTS + 1] = {NULL};
    char word[64];
    for (int test = 0; test < MG_QUALITY_TESTS; test++) names[test] = mg_quality_name(test);
    snprintf(word, sizeof word, "%.*s", (int)n, name);
    const char *near = mg_nearest_word(word, names);
    if (!near) return "names a test that there is not; mgen-prep(1) lists them";
    snprintf(message, sizeof message, "names a test that there is not; did you mean '%s'?", near);
    return message;
}

static const char *parse_tests(const char *text, void *value)
{
    uint32_t *tests = value;
    if (strcmp(text, "all") == 0) return *tests = (1u << MG_QUALITY_TESTS) - 1, NULL;
    for (*tests = 0; *text; text += strspn(text, ",")) {
        size_t n = strcspn(text, ",");
        int test = 0;
        for (; test < MG_QUALITY_TESTS; test++)
            if (strlen(mg_quality_name(test)) == n && memcmp(mg_quality_name(test), text, n) == 0) break;
        if (test == MG_QUALITY_TESTS) return unknown_test(text, n);
        *tests |= 1u << test;
        text += n;
    }
    return *tests ? NULL : "names no test";
}

/* clang-format off */
#define LEAST(option, member, unit, words) \
    {.name = option, .kind = CLI_REAL, .value = &me.options.member, .arg = unit, .high = 1e12, .help = words}

static const cli_row rows[] = {
    {.kind = CLI_SECTION, .help = "What to write"},
    {.letter = 'e', .name = "encoding", .kind = CLI_CHOICE, .value = &me.encoding, .arg = "NAME",
     .choices = me.encodings, .help = "how music becomes tokens; sets the defaults that this help shows with it"},
    {.name = "steps-per-quarter", .kind = CLI_INT, .value = &me.options.steps_per_quarter, .arg = "N", .high = 960,
     .fallback = "the encoding's own", .help = "grid of encodings that count beats; a roll stays on the grid it has"},
    {.letter = 'o', .name = "output", .kind = CLI_TEXT, .value = &me.options.packed, .arg = "FILE",
     .help = "write one packed set (safetensors) instead of records"},
    {.name = "list", .kind = CLI_FLAG, .value = &me.list, .stands_alone = true,
     .help = "list the encodings with their vocabulary hashes"},

    {.kind = CLI_SECTION, .help = "Which pieces"},
    {.name = "licence-allow", .kind = CLI_TEXT, .value = &me.options.licence_allow, .arg = "NAME,...",
     .help = "only pieces under these licences (SPDX identifiers, with or without version; unknown)"},
    {.name = "corpus-tests", .kind = CLI_PARSED, .value = &me.options.corpus_tests, .arg = "NAME,...|all",
     .parse = parse_tests, .fallback = "none", .help = "only pieces that pass these tests of aria-utils"},
    {.name = "drop-duplicates", .kind = CLI_FLAG, .value = &me.options.drop_duplicates,
     .help = "of pieces with equal notes keep the first; needs 16 to 46 bytes a piece"},

    {.kind = CLI_SECTION, .help = "Changes to the whole piece"},
    {.name = "sustain", .kind = CLI_CHOICE, .value = &me.options.sustain, .arg = "WHETHER", .choices = no_yes,
     .help = "let notes last as long as the sustain pedal holds them"},
    {.name = "drums", .kind = CLI_CHOICE, .value = &me.options.drums, .arg = "WHAT", .choices = drums,
     .help = "what becomes of drum notes"},
    {.name = "quantise", .kind = CLI_INT, .value = &me.options.quantise, .arg = "N", .high = 960,
     .help = "snap notes to N steps a quarter; 0: leave them as played"},
    {.name = "stretch", .kind = CLI_PARSED, .value = &me.options, .arg = "FACTOR,...", .parse = parse_stretch,
     .fallback = "1", .help = "copies with time stretched by these factors, where seconds count"},

    {.kind = CLI_SECTION, .help = "Parts"},
    {.name = "at-changes", .kind = CLI_CHOICE, .value = &me.options.at_changes, .arg = "OF", .choices = changes,
     .help = "part pieces where the meter or the tempo changes"},
    {.name = "split-silence", .kind = CLI_REAL, .value = &me.options.split_silence, .arg = "SECONDS", .high = 1e9,
     .help = "part pieces at longer silences; 0: do not"},
    {.name = "split-bars", .kind = CLI_INT, .value = &me.options.split_bars, .arg = "N", .high = 1e9,
     .help = "part pieces every N bars; 0: do not"},
    {.name = "split-seconds", .kind = CLI_REAL, .value = &me.options.split_seconds, .arg = "SECONDS", .high = 1e9,
     .help = "part pieces every so many seconds; 0: do not"},
    {.name = "melody", .kind = CLI_CHOICE, .value = &me.options.melody, .arg = "RULE", .choices = melodies,
     .help = "take melodies out of each channel: those without chords, or the highest notes"},
    {.name = "gap-bars", .kind = CLI_REAL, .value = &me.options.gap_bars, .arg = "N", .high = 1e9,
     .help = "bars of silence that end a melody"},

    {.kind = CLI_SECTION, .help = "Which parts stay (0 is no limit)"},
    LEAST("min-notes", min_notes, "N", "at least so many notes"),
    LEAST("max-notes", max_notes, "N", "at most so many notes"),
    LEAST("min-pitch-classes", min_pitch_classes, "N", "at least so many of the twelve pitch classes"),
    LEAST("min-bars", min_bars, "N", "at least so many bars"),
    LEAST("max-bars", max_bars, "N", "at most so many bars"),
    LEAST("max-empty-bars", max_empty_bars, "SHARE", "at most this share of bars without a note"),
    LEAST("min-seconds", min_seconds, "SECONDS", "at least that long"),
    LEAST("max-seconds", max_seconds, "SECONDS", "at most that long"),
    LEAST("min-density", min_density, "RATE", "at least so many notes a second"),
    LEAST("max-density", max_density, "RATE", "at most so many notes a second"),
    LEAST("min-steps", min_steps, "N", "at least so many steps of the grid"),
    LEAST("max-steps", max_steps, "N", "at most so many steps of the grid"),
    LEAST("min-tokens", min_tokens, "N", "at least so many tokens"),
    LEAST("max-tokens", max_tokens, "N", "at most so many tokens"),
    {.name = "too-long", .kind = CLI_CHOICE, .value = &me.options.too_long, .arg = "WHAT", .choices = longs,
     .help = "what becomes of parts with more steps or tokens"},

    {.kind = CLI_SECTION, .help = "Copies of each part"},
    {.name = "key-c", .kind = CLI_CHOICE, .value = &me.options.key_c, .arg = "WHETHER", .choices = no_yes,
     .help = "transpose to C major or A minor"},
    {.name = "transpose", .kind = CLI_PARSED, .value = &me.options.transpose_low, .arg = "LOW:HIGH",
     .parse = cli_parse_range, .fallback = "0:0", .help = "a copy for each transposition, in semitones"},
    {.name = "augment", .kind = CLI_CHOICE, .value = &me.options.augment, .arg = "HOW", .choices = augments,
     .help = "make all copies, or one drawn at random"},
    {.name = "out-of-range", .kind = CLI_CHOICE, .value = &me.options.out_of_range, .arg = "WHAT", .choices = ranges,
     .help = "what becomes of pitches that the encoding lacks: refuse the part, drop the notes, fold by octaves"},

    {.kind = CLI_SECTION, .help = "Data set"},
    {.name = "split-ratio", .kind = CLI_PARSED, .value = me.options.ratio, .arg = "TRAIN:VALID:TEST",
     .parse = cli_parse_ratio, .fallback = "none",
     .help = "draw a split for each piece, the same for all its parts and copies and for equal pieces"},
    CLI_MUSIC_ROWS(me.options.pieces),
    {0}};
/* clang-format on */

static bool is_usable(cli *c)
{
    if (cli_is_given(c, "gap-bars") && me.options.melody == MG_MELODY_ALL)
        return cli_refuse(c, "--gap-bars has no effect with --melody off");
    return true;
}

static mg_status prepare(cli *c, mg_error *why)
{
    mg_provenance provenance = {.tool = c->about->name, .seed = c->seed};
    mg_source *source;
    if (me.options.packed && strcmp(me.options.packed, "-") == 0) cli_gives_medium(c);
    me.options.may_replace = c->force;
    me.options.provenance = c->no_provenance ? NULL : &provenance;
    MG_TRY(cli_source(c, &source, why));
    mg_status status = mg_prep_run(&me.options, source, cli_run(c), why);
    mg_source_close(source);
    return status;
}

int main(int argc, char **argv)
{
    static const cli_about about = {
        .name = "mgen-prep", .summary = "turn music into training records", .synopsis = "[FILE|FOLDER|-]...",
        .reads = "Reads MIDI and ABC files, roll data sets (.mat, JSON), folders of them, and records.",
        .wants_input = true, .wants_music = true};
    for (size_t i = 0; mg_encoding_at(i) && i + 1 < MOST_ENCODINGS; i++) me.encodings[i] = mg_encoding_at(i)->name;
    cli c;
    mg_error why = {0};
    if (!cli_peek(rows, "encoding", argc, argv)) return fputs("mgen-prep: out of memory\n", stderr), 3;
    me.options = mg_prep_preset(mg_encoding_at((size_t)me.encoding));
    if (!cli_start(&c, &about, rows, argc, argv) || !is_usable(&c)) return c.exit;
    mg_status status = me.list ? mg_prep_list(cli_run(&c), &why) : prepare(&c, &why);
    return cli_finish(&c, status, &why);
}
