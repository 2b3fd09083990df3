/* SPDX-License-Identifier: MIT */
/* mgen-train: train a model on records. */
#include "cli/cli.h"

#include <mgen/model.h>
#include <mgen/train.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_ROWS = 128 };

static struct {
    mg_train_job job;
    int model, preset;             /* preset -1: none */
    bool has_recalled, lists;
    uint64_t seed; /* that the training began with */
    const char *svg;
    mg_curves *curves;
    cli_row rows[MOST_ROWS];
} me = {.preset = -1};

/* ---- options ---- */

static const cli_row first_rows[] = {
    {.kind = CLI_SECTION, .help = "What to train"},
    {.name = "model", .kind = CLI_CHOICE, .value = &me.model, .arg = "NAME", .choices = mg_model_names,
     .help = "kind of model; its own options stand below"},
    {.name = "preset", .kind = CLI_CHOICE, .value = &me.preset, .arg = "NAME", .choices = mg_preset_names,
     .help = "a published model, its data and training: sets the defaults that this help shows with it"},
    {.name = "presets", .kind = CLI_FLAG, .value = &me.lists, .stands_alone = true,
     .help = "list the presets, with what each is and sets"},
    {.letter = 'o', .name = "output", .kind = CLI_TEXT, .value = &me.job.output, .arg = "MODEL.safetensors",
     .help = "the model; MODEL.state, and MODEL.data for what comes through a pipe, lie beside it"},
    {.name = "resume", .kind = CLI_FLAG, .value = &me.job.resumes, .stands_alone = true,
     .help = "go on with the training that MODEL.state tells of, to the same bits as if it had never stopped"},
    {.name = "tfevents", .kind = CLI_TEXT, .value = &me.job.events, .arg = "DIR", .fallback = "none",
     .help = "write the step records also as events for TensorBoard, to a new file in this folder"},
    {.name = "curve", .kind = CLI_TEXT, .value = &me.svg, .arg = "FILE.svg", .fallback = "none",
     .help = "draw the losses of this run as a picture, which a terminal shows at the end in any case"},
    {.kind = CLI_SECTION, .help = "Training"},
    {0},
};

static void make_rows(void)
{
    static char heading[64];
    size_t n = sizeof first_rows / sizeof *first_rows - 1;
    memcpy(me.rows, first_rows, sizeof first_rows);
    n = cli_add_options(me.rows, n, mg_train_stop_rows, &me.job.options);
    n = cli_add_options(me.rows, n, mg_train_tell_rows, &me.job.options);
    n = cli_add_options(me.rows, n, mg_train_data_rows, &me.job.options);
    me.rows[n++] = (cli_row){.kind = CLI_SECTION, .help = "Optimiser"};
    n = cli_add_options(me.rows, n, mg_optim_options, &me.job.optim);
    snprintf(heading, sizeof heading, "%s options", me.job.model->name);
    me.rows[n++] = (cli_row){.kind = CLI_SECTION, .help = heading};
    cli_add_options(me.rows, n, me.job.model->options, me.job.config);
}

/* Which options there are, and what they are where nobody gives them, follows from the model that is named, or from
   the training that is gone on with. */
static mg_status make_defaults(int argc, char **argv, mg_error *why)
{
    static const char *const decisive[] = {"model", "preset", "output", "resume"};
    for (size_t i = 0; i < sizeof decisive / sizeof *decisive; i++)
        if (!cli_peek(first_rows, decisive[i], argc, argv)) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    me.job.model = mg_model_at((size_t)me.model);
    me.job.optim = mg_train_optim_defaults();
    me.job.options = mg_train_defaults();
    me.job.config = mg_model_config(me.job.model);
    if (!me.job.config) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    if (me.job.resumes && me.job.output) {
        MG_TRY(mg_train_recall(&me.job, mg_model_find, &me.seed, why));
        me.has_recalled = true;
    }
    if (me.preset >= 0) MG_TRY(mg_preset_take(&me.job, mg_preset_names[me.preset], mg_model_find, why));
    for (me.model = 0; mg_model_at((size_t)me.model) != me.job.model;) me.model++;
    return MG_OK;
}

/* An option that another one's value leaves without effect is a misunderstanding. */
static bool have_effect(cli *c)
{
    for (const mg_option *o = mg_optim_options; o->name; o++) {
        const char *value, *other = cli_is_given(c, o->name) ? mg_optim_idle(&me.job.optim, o->name, &value) : NULL;
        if (other) return cli_refuse(c, "--%s has no effect with --%s %s", o->name, other, value);
    }
    return true;
}

static bool is_usable(cli *c)
{
    if (me.lists) return true;
    if (!me.job.output || !*me.job.output) return cli_refuse(c, "say with -o where the model goes");
    if (strcmp(me.job.output, "-") == 0)
        return cli_refuse(c, "-o -: a model goes into a file, with its state beside it");
    const char *ending = strrchr(me.job.output, '.');
    if (!ending || strcmp(ending, ".safetensors") != 0)
        return cli_refuse(c, "-o %s: a model's name ends in .safetensors", me.job.output);
    if (mg_model_at((size_t)me.model) != me.job.model)
        return cli_refuse(c, "--model: the %s is of a %s", me.preset < 0 ? "training to go on with" : "preset",
                          me.job.model->name);
    if (!have_effect(c)) return false;
    c->finds = MG_FIND_RECORDS;
    if (me.has_recalled && !cli_is_given(c, "seed")) c->seed = (int64_t)me.seed;
    return true;
}

/* ---- the tool ---- */

static void say(void *user, const char *text) { cli_say(user, "%s", text); }

static mg_status train(cli *c, mg_source *source, mg_error *why)
{
    mg_train_set set = {0};
    mg_run *run = cli_run(c), own = *run;
    own.out = mg_curves_sink(&(mg_curves_tap){me.curves, run->out});
    mg_status status = mg_train_data(&me.job, source, &own, &set, why);
    if (!status) status = mg_train(&me.job, &set, &own, why);
    run->tally = own.tally;
    mg_train_set_clear(&set);
    return status;
}

static void show(const cli *c)
{
    mg_buffer picture = {0};
    mg_picture_options options = {.title = me.job.output, .style = cli_style(STDERR_FILENO, 0)};
    if (!mg_curves_draw(me.curves, &options, &picture, NULL)) cli_show(c, picture.data);
    mg_buffer_free(&picture);
}

/* The picture's file is begun before hours are spent. */
static mg_status train_and_draw(cli *c, mg_source *source, mg_error *why)
{
    static const char *const names[] = {"loss", "valid_loss"};
    mg_picture_options picture = {.svg = me.svg, .title = me.job.output};
    mg_out *svg = NULL;
    mg_error inner = {0};
    MG_TRY(mg_curves_new(names, 2, &me.curves, why));
    mg_status status = me.svg ? mg_out_open(me.svg, c->force || me.job.resumes, &svg, why) : MG_OK;
    if (!status) status = train(c, source, why);
    bool has_ended = !status || status == MG_STOPPED;
    if (has_ended && cli_is_watched(c)) show(c);
    if (!has_ended) mg_out_abandon(svg);
    else if (svg && mg_curves_write(me.curves, &picture, svg, &inner) && !status) *why = inner, status = inner.status;
    mg_curves_free(me.curves);
    return status;
}

static mg_status work(cli *c, mg_error *why)
{
    mg_out *lock;
    mg_source *source = NULL;
    me.job.may_replace = c->force;
    me.job.has_provenance &= !c->no_provenance;
    MG_TRY(mg_train_lock(&me.job, &lock, why));
    mg_status status = cli_source(c, &source, why);
    if (!status) status = train_and_draw(c, source, why);
    mg_source_close(source);
    mg_out_abandon(lock);
    return status;
}

static int run(cli *c, const cli_about *about, int argc, char **argv)
{
    mg_error why = {0};
    mg_status status = make_defaults(argc, argv, &why);
    if (!me.job.config) return fputs("mgen-train: out of memory\n", stderr), 3;
    make_rows();
    if (!cli_start(c, about, me.rows, argc, argv) || !is_usable(c)) return c->exit;
    if (!status) status = me.lists ? mg_preset_list(cli_run(c), &why) : work(c, &why);
    return cli_finish(c, status, &why);
}

int main(int argc, char **argv)
{
    cli c;
    static const cli_about about = {
        .name = "mgen-train", .summary = "train a model on records", .synopsis = "[FILE|FOLDER|-]...",
        .reads = "Reads records of pieces or rolls, as mgen-prep writes them, or a packed set; of a folder "
                 "the .ndjson and .jsonl files and packed sets.",
        .wants_input = true};
    me.job = (mg_train_job){.tool = about.name, .say = say, .say_user = &c, .has_provenance = true};
    int code = run(&c, &about, argc, argv);
    mg_train_job_clear(&me.job);
    return code;
}
