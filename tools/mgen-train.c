/* SPDX-License-Identifier: MIT */
/* mgen-train: train a model on records. */
#include "cli/cli.h"

#include <mgen/model.h>
#include <mgen/train.h>

#include <stdio.h>
#include <string.h>

enum { MOST_ROWS = 128 };

static struct {
    mg_train_job job;
    int model;
    cli_row rows[MOST_ROWS];
} me;

/* The model that --model names, looked for before the options are read, as it decides which there are. */
static int named_model(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
        const char *name = strncmp(argv[i], "--model=", 8) == 0 ? argv[i] + 8
                         : strcmp(argv[i], "--model") == 0 && i + 1 < argc ? argv[i + 1] : NULL;
        for (int k = 0; name && mg_model_at((size_t)k); k++)
            if (strcmp(mg_model_at((size_t)k)->name, name) == 0) return k;
    }
    return 0;
}

static void make_rows(void)
{
    static char heading[64];
    const cli_row first[] = {
        {.kind = CLI_SECTION, .help = "What to train"},
        {.name = "model", .kind = CLI_CHOICE, .value = &me.model, .arg = "NAME", .choices = mg_model_names,
         .help = "kind of model; its own options stand below"},
        {.letter = 'o', .name = "output", .kind = CLI_TEXT, .value = &me.job.output, .arg = "MODEL.safetensors",
         .help = "the model; MODEL.state, and MODEL.data for what comes through a pipe, lie beside it"},
        {.name = "resume", .kind = CLI_FLAG, .value = &me.job.resumes,
         .help = "go on with the training that MODEL.state tells of, to the same bits as if it had never stopped"},
        {.kind = CLI_SECTION, .help = "Training"},
    };
    size_t n = sizeof first / sizeof *first;
    memcpy(me.rows, first, sizeof first);
    n = cli_add_options(me.rows, n, mg_train_rows, &me.job.options);
    n = cli_add_options(me.rows, n, mg_train_data_rows, &me.job.options);
    me.rows[n++] = (cli_row){.kind = CLI_SECTION, .help = "Optimiser"};
    n = cli_add_options(me.rows, n, mg_optim_options, &me.job.optim);
    snprintf(heading, sizeof heading, "%s options", me.job.model->name);
    me.rows[n++] = (cli_row){.kind = CLI_SECTION, .help = heading};
    cli_add_options(me.rows, n, me.job.model->options, me.job.config);
}

static void say(void *user, const char *text) { cli_say(user, "%s", text); }

int main(int argc, char **argv)
{
    cli_about about = {.name = "mgen-train", .summary = "train a model on records", .synopsis = "[FILE|FOLDER|-]...",
                       .reads = "Reads records of pieces or rolls, as mgen-prep writes them, or a packed set.",
                       .wants_input = true};
    cli c;
    me.model = named_model(argc, argv);
    me.job = (mg_train_job){.model = mg_model_at((size_t)me.model), .tool = about.name, .say = say, .say_user = &c,
                            .optim = mg_train_optim_defaults(), .options = mg_train_defaults()};
    me.job.config = mg_model_config(me.job.model);
    if (!me.job.config) return 3;
    make_rows();
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--resume") == 0) about.wants_input = false; /* what it needs lies beside the model */
    if (!cli_start(&c, &about, me.rows, argc, argv)) return mg_free(me.job.config), c.exit;
    me.job.may_replace = c.force;
    me.job.has_provenance = !c.no_provenance;
    mg_error why = {0};
    mg_source *source = NULL;
    mg_pack *pack = NULL;
    mg_status status = me.job.output ? MG_OK : mg_fail(&why, MG_BAD_ARGUMENT, "say with -o where the model goes");
    if (!status) status = cli_source(&c, &source, &why);
    if (!status) status = mg_train_data(&me.job, source, c.paths, c.n_paths, cli_run(&c), &pack, &why);
    if (!status) status = mg_train(&me.job, pack, cli_run(&c), &why);
    mg_pack_release(pack);
    mg_source_close(source);
    mg_free(me.job.config);
    return cli_finish(&c, status, &why);
}
