/* SPDX-License-Identifier: MIT */
/* Presets: the files of share/presets, which the build puts in here as text, so that a tool has them wherever it is. */
#include "train/loop.h"

#include <string.h>

typedef struct { const char *name, *text; } preset;

static const preset presets[] = {
#define PRESET(name, text) {name, text},
#include "train/preset_list.inc"
#undef PRESET
    {NULL, NULL},
};

const char *const mg_preset_names[] = {
#define PRESET(name, text) name,
#include "train/preset_list.inc"
#undef PRESET
    NULL
};

static mg_status parse(const char *name, mg_json **about, mg_error *why)
{
    for (size_t i = 0; presets[i].name; i++)
        if (strcmp(presets[i].name, name) == 0)
            return mg_json_parse(presets[i].text, strlen(presets[i].text), about, why);
    return mg_fail(why, MG_BAD_ARGUMENT, "there is no preset '%s'", name);
}

mg_status mg_job_read(mg_train_job *job, const mg_json *about, mg_model_finder find, mg_error *why)
{
    const char *name = mg_json_get_string(about, "model", "?");
    const mg_model *model = find(name);
    if (!model) return mg_fail(why, MG_UNSUPPORTED, "there is no model '%s'", name);
    if (!job->config || job->model != model) {
        void *config = mg_model_config(model);
        if (!config) return mg_fail(why, MG_NO_MEMORY, "out of memory");
        mg_free(job->config);
        job->config = config;
        job->model = model;
    }
    MG_TRY(mg_options_read(model->options, mg_json_get(about, "config"), job->config, why));
    MG_TRY(mg_options_read(mg_optim_options, mg_json_get(about, "optim"), &job->optim, why));
    MG_TRY(mg_options_read(mg_train_data_rows, mg_json_get(about, "data"), &job->options, why));
    return mg_options_read(mg_train_stop_rows, mg_json_get(about, "stop"), &job->options, why);
}

mg_status mg_preset_take(mg_train_job *job, const char *name, mg_model_finder find, mg_error *why)
{
    mg_json *about = NULL;
    MG_TRY(parse(name, &about, why));
    mg_status status = mg_job_read(job, about, find, why);
    job->preset_for = mg_encoding_find(mg_json_get_string(about, "encoding", ""));
    mg_json_free(about);
    return status;
}

static mg_status list(const preset *p, mg_buffer *out, mg_error *why)
{
    mg_json *about = NULL;
    static const char *const members[] = {"about", "encoding", "model", "config", "optim", "data", "stop"};
    MG_TRY(parse(p->name, &about, why));
    mg_json_writer json = mg_record_begin(out, "preset");
    mg_json_put_text(&json, "name", p->name);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (mg_json_get(about, members[i])) mg_json_put_copy(&json, members[i], mg_json_get(about, members[i]));
    mg_record_end(&json);
    mg_json_free(about);
    return MG_OK;
}

mg_status mg_preset_list(mg_run *run, mg_error *why)
{
    mg_buffer out = {0};
    mg_status status = MG_OK;
    for (size_t i = 0; !status && presets[i].name; i++) status = list(&presets[i], &out, why);
    if (!status) status = mg_run_emit(run, &out, why);
    mg_buffer_free(&out);
    return status;
}
