/* SPDX-License-Identifier: MIT */
/* mgen-dedup: which pieces are the same, among themselves or in a corpus. */
#include "cli/cli.h"
#include "cli/music.h"

#include <mgen/match.h>

enum { MAX_AGAINST = 64 };

static mg_dedup_options options;
static const char *against[MAX_AGAINST];

static const char *add_against(const char *text, void *value)
{
    (void)value;
    if (options.n_against == MAX_AGAINST) return "comes too often";
    against[options.n_against++] = text;
    return NULL;
}

static const char *const tiers[] = {"T0", "T1", "T2", "T3", "T4", NULL};

/* clang-format off */
static const cli_row rows[] = {
    {.kind = CLI_SECTION, .help = "What to do"},
    {.name = "against", .kind = CLI_PARSED, .parse = add_against, .arg = "PATH", .fallback = "none",
     .help = "compare with a corpus (file or folder; may be given several times), not with each other"},
    {.name = "clusters", .kind = CLI_FLAG, .value = &options.clusters,
     .help = "write a cluster record for all pieces that are the same, and which to keep, instead of matches"},
    {.name = "tier", .kind = CLI_CHOICE, .value = &options.tier, .arg = "TIER", .choices = tiers,
     .help = "what counts as the same: T0 bytes, T1 events, T2 whatever the order of tracks, T3 notes, "
             "T4 whatever key, tempo, velocity and length"},
    CLI_MUSIC_ROWS(options.pieces),
    {0}};
/* clang-format on */

int main(int argc, char **argv)
{
    static const cli_about about = {
        .name = "mgen-dedup", .summary = "find pieces that are the same", .synopsis = "[FILE|FOLDER|-]...",
        .reads = "Reads MIDI and ABC files, folders of them, and records.", .wants_input = true, .wants_music = true};
    cli c;
    options = mg_dedup_defaults();
    options.against = against;
    if (!cli_start(&c, &about, rows, argc, argv)) return c.exit;
    mg_error why = {0};
    mg_source *source;
    mg_status status = cli_source(&c, &source, &why);
    if (!status) status = mg_dedup_run(&options, source, cli_run(&c), &why);
    mg_source_close(source);
    const mg_tally *t = &c.run.tally;
    if (!status && t->pieces && !t->records) /* no output is an answer too, but it does not look like one */
        cli_say(&c, options.n_against ? "no piece is one of the corpus" : "no two pieces are the same");
    return cli_finish(&c, status, &why);
}
