/* SPDX-License-Identifier: MIT */
/* mgen-eval: what is measured of a piece, and how two sets compare. */
#include "cli/cli.h"
#include "cli/music.h"

#include <mgen/metric.h>

enum { MAX_AGAINST = 64 };

static struct {
    mg_eval_options options;
    const char *against[MAX_AGAINST];
    bool metrics, list;
} me;

static const char *add_against(const char *text, void *value)
{
    (void)value;
    if (me.options.n_against == MAX_AGAINST) return "comes too often";
    me.against[me.options.n_against++] = text;
    return NULL;
}

static const char *const meanings[] = {"strict", "compat", NULL};

/* clang-format off */
static const cli_row rows[] = {
    {.kind = CLI_SECTION, .help = "What to do"},
    {.name = "metrics", .kind = CLI_FLAG, .value = &me.metrics,
     .help = "write a metrics record for each piece (the default, unless sets are compared)"},
    {.name = "against", .kind = CLI_PARSED, .parse = add_against, .arg = "PATH", .fallback = "none",
     .help = "compare the pieces with those of a reference set (file or folder; may be given several times)"},
    {.name = "list", .kind = CLI_FLAG, .value = &me.list, .stands_alone = true,
     .help = "list every metric: name, unit, range, definition, source"},
    {.kind = CLI_SECTION, .help = "What to measure"},
    {.name = "only", .kind = CLI_TEXT, .value = &me.options.only, .arg = "NAME,...",
     .help = "only these metrics"},
    {.name = "meaning", .kind = CLI_CHOICE, .value = &me.options.meaning, .arg = "WHICH", .choices = meanings,
     .help = "how to define what MusPy defines: strict, or compat for its very numbers"},
    {.name = "resamples", .kind = CLI_INT, .value = &me.options.resamples, .arg = "N", .low = 100, .high = 1e6,
     .help = "bootstrap samples, and permutations, of a comparison"},
    CLI_MUSIC_ROWS(me.options.pieces),
    {0}};
/* clang-format on */

int main(int argc, char **argv)
{
    static const cli_about about = {
        .name = "mgen-eval", .summary = "measure music, and compare sets of it", .synopsis = "[FILE|FOLDER|-]...",
        .reads = "Reads MIDI and ABC files, folders of them, and records.", .wants_input = true, .wants_music = true};
    cli c;
    me.options = mg_eval_defaults();
    if (!cli_start(&c, &about, rows, argc, argv)) return c.exit;
    mg_error why = {0};
    mg_source *source = NULL;
    mg_status status;
    if (me.list) return status = mg_eval_list(cli_run(&c), &why), cli_finish(&c, status, &why);
    me.options.paths = c.paths;
    me.options.n_paths = c.n_paths;
    me.options.against = me.against;
    me.options.writes_pieces = me.metrics || me.options.n_against == 0;
    status = cli_source(&c, &source, &why);
    if (!status) status = mg_eval_run(&me.options, source, cli_run(&c), &why);
    mg_source_close(source);
    return cli_finish(&c, status, &why);
}
