/* SPDX-License-Identifier: MIT */
/* mgen-split: which pieces to train on, to validate with and to test with. */
#include "cli/cli.h"
#include "cli/music.h"
#include "cli/parse.h"

#include <string.h>

static mg_split_options options;

/* clang-format off */
static const cli_row rows[] = {
    {.kind = CLI_SECTION, .help = "How to split"},
    {.name = "ratio", .kind = CLI_PARSED, .value = options.ratio, .arg = "TRAIN:VALID:TEST", .parse = cli_parse_ratio,
     .fallback = "8:1:1", .help = "shares of the three splits"},
    {.name = "clusters", .kind = CLI_TEXT, .value = &options.clusters, .arg = "FILE",
     .help = "keep together what these cluster records (- for standard input) name together"},
    CLI_MUSIC_ROWS(options.pieces),
    {0}};
/* clang-format on */

/* Clusters and pieces cannot both come through one pipe. */
static bool wants_stdin_twice(const cli *c)
{
    bool takes_pieces = c->n_paths == 0 && !c->names_file;
    for (size_t i = 0; i < c->n_paths; i++) takes_pieces |= strcmp(c->paths[i], "-") == 0;
    return takes_pieces && options.clusters && strcmp(options.clusters, "-") == 0;
}

int main(int argc, char **argv)
{
    static const cli_about about = {
        .name = "mgen-split", .summary = "part a corpus into train, valid and test", .synopsis = "[FILE|FOLDER|-]...",
        .reads = "Reads MIDI and ABC files, roll data sets, folders of them, and records.", .wants_input = true,
        .wants_music = true};
    cli c;
    mg_error why = {0};
    mg_source *source = NULL;
    options = mg_split_defaults();
    if (!cli_start(&c, &about, rows, argc, argv)) return c.exit;
    if (wants_stdin_twice(&c)) return cli_refuse(&c, "--clusters -: name the pieces, or the clusters"), c.exit;
    mg_status status = cli_source(&c, &source, &why);
    if (!status) status = mg_split_run(&options, source, cli_run(&c), &why);
    mg_source_close(source);
    return cli_finish(&c, status, &why);
}
