/* SPDX-License-Identifier: MIT */
/* mgen-gen: generate music with a trained model. */
#include "cli/cli.h"

#include <mgen/model.h>
#include <mgen/sample.h>

#include <string.h>

enum { MOST_ROWS = 32 };

static struct {
    mg_generate_job job;
    int64_t count;
    cli_row rows[MOST_ROWS];
} me = {.count = 1};

int main(int argc, char **argv)
{
    static const cli_about about = {
        .name = "mgen-gen", .summary = "generate music with a trained model", .synopsis = "-m MODEL -o FOLDER"};
    const cli_row first[] = {
        {.kind = CLI_SECTION, .help = "What to generate"},
        {.letter = 'm', .name = "model", .kind = CLI_TEXT, .value = &me.job.model_path, .arg = "MODEL.safetensors",
         .help = "the model, as mgen-train writes it"},
        {.letter = 'o', .name = "output", .kind = CLI_TEXT, .value = &me.job.folder, .arg = "FOLDER",
         .help = "where the files go, 0001.mid and so on"},
        {.letter = 'n', .name = "count", .kind = CLI_INT, .value = &me.count, .arg = "N", .low = 0, .high = 1e9,
         .help = "number of pieces; a piece does not depend on it"},
        {.name = "primer", .kind = CLI_TEXT, .value = &me.job.primer_path, .arg = "FILE",
         .help = "MIDI or ABC file whose first piece every piece begins with"},
    };
    cli c;
    size_t n = sizeof first / sizeof *first;
    memcpy(me.rows, first, sizeof first);
    me.job.options = mg_generate_defaults();
    cli_add_options(me.rows, n, mg_generate_rows, &me.job.options);
    if (!cli_start(&c, &about, me.rows, argc, argv)) return c.exit;
    mg_error why = {0};
    mg_status status = MG_OK;
    me.job.count = (uint64_t)me.count;
    me.job.tool = about.name;
    me.job.may_replace = c.force;
    me.job.has_provenance = !c.no_provenance;
    if (!me.job.model_path) status = mg_fail(&why, MG_BAD_ARGUMENT, "say with -m which model");
    else if (!me.job.folder) status = mg_fail(&why, MG_BAD_ARGUMENT, "say with -o where the files go");
    else if (c.n_paths) status = mg_fail(&why, MG_BAD_ARGUMENT, "%s: takes no inputs but the model", c.paths[0]);
    if (!status) status = mg_generate(&me.job, mg_model_find, cli_run(&c), &why);
    return cli_finish(&c, status, &why);
}
