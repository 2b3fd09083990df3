/* SPDX-License-Identifier: MIT */
/* mgen-render: music as sound. */
#include "cli/cli.h"
#include "cli/music.h"

#include <mgen/synth.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static struct {
    mg_render_job job;
    int synth;
    const char *soundfont;
    int64_t rate, channels;
} me;

static const char *const synths[] = {"auto", "built-in", "fluidsynth", NULL};
static const char *const formats[] = {"wav", "flac", NULL};
static const char *const depths[] = {"16", "24", "float", NULL};

static const char *parse_loudness(const char *text, void *value)
{
    char *end;
    double lufs = strtod(text, &end);
    if (strcmp(text, "none") == 0) return *(double *)value = __builtin_nan(""), NULL;
    if (end == text || *end || !(lufs >= -70 && lufs <= 0)) return "is neither none nor a loudness from -70 to 0";
    *(double *)value = lufs;
    return NULL;
}

/* clang-format off */
static const cli_row rows[] = {
    {.kind = CLI_SECTION, .help = "What to write"},
    {.letter = 'o', .name = "output", .kind = CLI_TEXT, .value = &me.job.output, .arg = "FILE|FOLDER",
     .help = "a file ending in .wav or .flac for one piece, a folder for many, - for WAV on standard output"},
    {.name = "format", .kind = CLI_CHOICE, .value = &me.job.render.format, .arg = "FORMAT", .choices = formats,
     .help = "format of the files in a folder"},
    {.name = "depth", .kind = CLI_CHOICE, .value = &me.job.render.depth, .arg = "BITS", .choices = depths,
     .help = "bits of a sample (float: 32, WAV only)"},
    {.name = "rate", .kind = CLI_INT, .value = &me.rate, .arg = "HZ", .low = 8000, .high = 96000,
     .help = "frames a second"},
    {.name = "channels", .kind = CLI_INT, .value = &me.channels, .arg = "N", .low = 1, .high = 2,
     .help = "1 for mono, 2 for stereo"},
    {.kind = CLI_SECTION, .help = "How loud"},
    {.name = "loudness", .kind = CLI_PARSED, .value = &me.job.render.loudness_lufs, .arg = "LUFS|none",
     .parse = parse_loudness, .fallback = "-18",
     .help = "integrated loudness (EBU R 128) that each file gets, limited where peaks would pass -1 dBTP; none: as "
             "loud as the synthesiser makes it"},
    {.name = "gain", .kind = CLI_REAL, .value = &me.job.render.gain_db, .arg = "DB", .low = -60, .high = 40,
     .help = "gain in dB, added to that"},
    {.kind = CLI_SECTION, .help = "What plays"},
    {.name = "synth", .kind = CLI_CHOICE, .value = &me.synth, .arg = "WHICH", .choices = synths,
     .help = "auto takes fluidsynth where a sound font is found"},
    {.name = "soundfont", .kind = CLI_TEXT, .value = &me.soundfont, .arg = "FILE", .fallback = "$SOUNDFONT, or found",
     .help = "sound font (SF2, SF3)"},
    {.name = "chords", .kind = CLI_FLAG, .value = &me.job.render.has_chords,
     .help = "play the chord symbols of ABC softly"},
    {.name = "max-seconds", .kind = CLI_REAL, .value = &me.job.render.max_seconds, .arg = "S", .low = 0.01,
     .high = 86400, .help = "cut off, with a short fade, what lies later"},
    CLI_MUSIC_ROWS(me.job.pieces),
    {0}};
/* clang-format on */

static bool has_ending(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n > m && strcasecmp(name + n - m, ending) == 0;
}

/* The format of a file is that of its name. */
static bool has_clear_format(cli *c)
{
    static const char *const others[] = {".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".mid"};
    const char *output = me.job.output;
    bool is_new = me.job.is_folder && access(output, F_OK);
    for (size_t i = 0; is_new && i < sizeof others / sizeof *others; i++)
        if (has_ending(output, others[i])) return cli_refuse(c, "%s: only WAV and FLAC are written", output);
    if (me.job.is_folder) return true;
    int format = has_ending(output, ".flac") ? MG_FLAC : MG_WAV, wanted = me.job.render.format;
    me.job.render.format = format;
    if (cli_is_given(c, "format") && format != wanted)
        return cli_refuse(c, "--format %s: %s gets %s", formats[wanted], output, formats[format]);
    return true;
}

/* What the options say together. */
static bool is_usable(cli *c)
{
    mg_render_options *o = &me.job.render;
    if (!me.job.output || !*me.job.output) return cli_refuse(c, "where to? name a file or a folder with -o");
    me.job.is_folder = mg_render_is_folder(me.job.output);
    if (!has_clear_format(c)) return false;
    if (o->format == MG_FLAC && o->depth == MG_FLOAT_32) return cli_refuse(c, "FLAC has no float samples");
    if (me.synth == MG_SYNTH_BUILT_IN && me.soundfont) return cli_refuse(c, "--soundfont is for --synth fluidsynth");
    o->rate = (int)me.rate;
    o->channels = (int)me.channels;
    me.job.may_replace = c->force;
    me.job.has_provenance = !c->no_provenance;
    return strcmp(me.job.output, "-") || cli_gives_bytes(c);
}

int main(int argc, char **argv)
{
    static const cli_about about = {
        .name = "mgen-render", .summary = "play music into sound files",
        .synopsis = "-o FILE|FOLDER [FILE|FOLDER|-]...",
        .reads = "Reads MIDI and ABC files, folders of them, and records that hold or name music.",
        .wants_input = true, .wants_music = true};
    cli c;
    mg_error why = {0};
    mg_source *source = NULL;
    mg_synth *synth = NULL;
    me.job.pieces.read = mg_read_defaults();
    me.job.render = mg_render_defaults();
    me.rate = me.job.render.rate;
    me.channels = me.job.render.channels;
    if (!cli_start(&c, &about, rows, argc, argv)) return c.exit;
    if (!is_usable(&c)) return c.exit;
    mg_status status = mg_synth_open((mg_synth_kind)me.synth, me.soundfont, &synth, &why);
    if (!status) status = cli_source(&c, &source, &why);
    if (!status) status = mg_render_run(&me.job, synth, source, cli_run(&c), &why);
    mg_source_close(source);
    mg_synth_close(synth);
    return cli_finish(&c, status, &why);
}
