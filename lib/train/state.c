/* SPDX-License-Identifier: MIT */
/* MODEL.state: safetensors with all that training needs to go on to the same bits.

   tensors    params/NAME, average/NAME, best/NAME, carried/STATE, PHASE/NAME/SLOT
   metadata   state: JSON with configuration, options, place in the data, losses; checksum: XXH3-128 of that text and of
              every tensor's name, shape and bytes */
#include "train/loop.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the sets of a loop ---- */

enum { MOST_SETS = 4 + MG_MOST_PHASES };
typedef struct { char prefix[16]; mg_tensor_set *set; } part;

static int parts_of(const mg_loop *loop, part parts[MOST_SETS])
{
    int n = 0;
    parts[n++] = (part){"params", &loop->trained->params};
    if (loop->trainer->average.n) parts[n++] = (part){"average", &loop->trainer->average};
    if (loop->best.n) parts[n++] = (part){"best", (mg_tensor_set *)(uintptr_t)&loop->best};
    if (loop->trainer->carried[MG_TRAINING].n) parts[n++] = (part){"carried", &loop->trainer->carried[MG_TRAINING]};
    for (int i = 0; i < loop->job->model->n_phases; i++) {
        snprintf(parts[n].prefix, sizeof parts[n].prefix, "%d", i);
        parts[n++].set = &loop->trainer->phases[i].slots;
    }
    return n;
}

/* ---- checksum ---- */

static mg_hash checksum(const char *text, const mg_stored *stored, size_t n)
{
    mg_hasher *hasher = mg_hasher_new();
    mg_hash hash = {0, 0};
    if (!hasher) return hash;
    mg_hasher_add(hasher, text, strlen(text));
    for (size_t i = 0; i < n; i++) {
        mg_hasher_add(hasher, stored[i].name, strlen(stored[i].name) + 1);
        mg_hasher_add(hasher, stored[i].dim, (size_t)stored[i].rank * sizeof *stored[i].dim);
        mg_hasher_add(hasher, stored[i].data, stored[i].count * mg_dtype_size(stored[i].dtype));
    }
    hash = mg_hasher_end(hasher);
    mg_hasher_free(hasher);
    return hash;
}

/* ---- writing ---- */

static void put_options(mg_json_writer *json, const char *key, const mg_option *rows, const void *config)
{
    mg_json_object_begin(json, key);
    mg_options_write(rows, config, json);
    mg_json_object_end(json);
}

static void describe(const mg_loop *loop, mg_buffer *out)
{
    const mg_loop_state *at = &loop->at;
    mg_json_writer json = mg_json_to(out);
    char hex[33];
    mg_hash_hex(mg_corpus_hash(loop->corpus), hex);
    mg_json_object_begin(&json, NULL);
    mg_json_put_text(&json, "model", loop->job->model->name);
    put_options(&json, "config", loop->job->model->options, loop->job->config);
    put_options(&json, "optim", mg_optim_options, &loop->job->optim);
    put_options(&json, "data", mg_train_data_rows, &loop->job->options);
    put_options(&json, "stop", mg_train_stop_rows, &loop->job->options);
    mg_json_put_bool(&json, "provenance", loop->job->has_provenance);
    if (loop->data_path.length) mg_record_put_path(&json, "path", loop->data_path.data);
    mg_json_put_int(&json, "seed", (int64_t)loop->trained->seed);
    mg_json_put_text(&json, "class", mg_cpu_name(mg_cpu_class()));
    mg_json_put_text(&json, "data_hash", hex);
    mg_json_put_int(&json, "step", (int64_t)loop->trainer->steps);
    mg_json_put_int(&json, "epoch", (int64_t)at->epoch);
    mg_json_put_int(&json, "place", (int64_t)at->place);
    mg_json_put_real(&json, "epoch_nll", at->epoch_nll);
    mg_json_put_real(&json, "epoch_targets", at->epoch_targets);
    mg_json_put_reals(&json, "last", (const double[]){at->last.loss, at->last.grad_norm, at->last.rate}, 3);
    mg_json_put_real(&json, "best_loss", at->best_loss); /* null: none yet */
    mg_json_put_int(&json, "best_step", (int64_t)at->best_step);
    mg_json_put_int(&json, "waited", (int64_t)at->waited);
    mg_json_put_real(&json, "divisor", loop->trainer->divisor);
    mg_json_put_int(&json, "plateau_epochs", at->plateau.epochs);
    mg_json_put_real(&json, "plateau_divisor", at->plateau.divisor);
    mg_json_put_reals(&json, "plateau_losses", at->plateau.losses, sizeof at->plateau.losses / sizeof(double));
    mg_json_put_real(&json, "plateau_best", at->plateau.best);
    mg_json_put_int(&json, "plateau_waited", at->plateau.waited);
    mg_json_array_begin(&json, "updates");
    for (int i = 0; i < loop->job->model->n_phases; i++)
        mg_json_put_int(&json, NULL, (int64_t)loop->trainer->phases[i].t);
    mg_json_array_end(&json);
    mg_json_array_begin(&json, "round");
    mg_json_put_int(&json, NULL, (int64_t)loop->trainer->rounds);
    mg_json_put_int(&json, NULL, loop->trainer->phase);
    mg_json_put_int(&json, NULL, loop->trainer->updates);
    mg_json_array_end(&json);
    mg_json_object_end(&json);
}

/* Tensors by alignment and name, as they will lie in the file, so that the checksum can be made while reading. */
static int by_name(const void *a, const void *b)
{
    return strcmp(((const mg_stored *)a)->name, ((const mg_stored *)b)->name);
}

static mg_stored *list(const mg_loop *loop, mg_arena *names, size_t *n)
{
    part parts[MOST_SETS];
    int n_parts = parts_of(loop, parts);
    *n = 0;
    for (int i = 0; i < n_parts; i++) *n += parts[i].set->n;
    mg_stored *stored = mg_arena_alloc(names, *n, sizeof *stored), *next = stored;
    for (int i = 0; stored && i < n_parts; i++)
        for (size_t k = 0; k < parts[i].set->n; k++) {
            const mg_tensor *t = &parts[i].set->tensors[k];
            char full[512];
            int length = snprintf(full, sizeof full, "%s/%s", parts[i].prefix, parts[i].set->names[k]);
            *next = (mg_stored){.name = mg_arena_strndup(names, full, (size_t)length),
                                .dtype = sizeof(mg_real) == 4 ? MG_F32 : MG_F64, .rank = t->shape.rank,
                                .count = (size_t)mg_shape_count(&t->shape), .data = t->data, .fd = -1};
            memcpy(next->dim, t->shape.dim, sizeof next->dim);
            if (!next->name) return NULL;
            next++;
        }
    if (stored && *n) qsort(stored, *n, sizeof *stored, by_name);
    return stored;
}

mg_status mg_loop_save(const mg_loop *loop, mg_error *why)
{
    mg_arena names = {0};
    mg_buffer about = {0};
    mg_out *out = NULL;
    size_t n;
    char hex[33];
    mg_stored *stored = list(loop, &names, &n);
    describe(loop, &about);
    mg_status status = MG_OK;
    if (!stored || about.failed) status = mg_fail(why, MG_NO_MEMORY, "%s: out of memory", loop->state_path);
    if (!status) {
        mg_hash_hex(checksum(about.data, stored, n), hex);
        mg_metadata metadata[] = {{"state", about.data}, {"checksum", hex}};
        status = mg_out_open(loop->state_path, true, &out, why);
        if (!status) status = mg_tensors_write(out, stored, n, metadata, 2, why);
        if (status) mg_out_abandon(out);
        else status = mg_out_commit(out, why);
    }
    mg_buffer_free(&about);
    mg_arena_free(&names);
    return status;
}

/* ---- reading ---- */

void mg_saved_close(mg_saved *saved)
{
    mg_json_free(saved->about);
    mg_tensors_close(saved->file);
    mg_free(saved->path);
    *saved = (mg_saved){0};
}

static mg_status check(mg_saved *saved, mg_error *why)
{
    const char *text = mg_tensors_metadata(saved->file, "state"), *sum = mg_tensors_metadata(saved->file, "checksum");
    char hex[33];
    if (!text || !sum) return mg_fail(why, MG_BAD_DATA, "%s: not a training state", saved->path);
    size_t n = mg_tensors_count(saved->file);
    mg_stored *stored = mg_alloc(n, sizeof *stored);
    if (!stored) return mg_fail(why, MG_NO_MEMORY, "%s: out of memory", saved->path);
    for (size_t i = 0; i < n; i++) stored[i] = *mg_tensors_at(saved->file, i);
    if (n) qsort(stored, n, sizeof *stored, by_name);
    mg_hash_hex(checksum(text, stored, n), hex);
    mg_free(stored);
    if (strcmp(hex, sum) != 0) return mg_fail(why, MG_BAD_DATA, "%s: damaged: its checksum is wrong", saved->path);
    return mg_json_parse(text, strlen(text), &saved->about, why);
}

mg_status mg_saved_open(const char *path, mg_saved *saved, mg_error *why)
{
    *saved = (mg_saved){.path = mg_strdup(path)};
    if (!saved->path) return mg_fail(why, MG_NO_MEMORY, "%s: out of memory", path);
    mg_status status = mg_tensors_open(path, &saved->file, why);
    if (!status) status = check(saved, why);
    if (status) mg_saved_close(saved);
    return status;
}

/* ---- what it was begun with ---- */

static mg_status read_options(const mg_saved *saved, const char *key, const mg_option *rows, void *config,
                              mg_error *why)
{
    mg_error inner = {0};
    mg_status status = mg_options_read(rows, mg_json_get(saved->about, key), config, &inner);
    return status ? mg_fail_in(why, status, saved->path, &inner) : MG_OK;
}

static mg_status recall_path(const mg_saved *saved, mg_train_job *job, mg_error *why)
{
    if (!mg_json_get(saved->about, "path")) return MG_OK;
    job->data_path = mg_record_path(saved->about, "path");
    return job->data_path ? MG_OK : mg_fail(why, MG_NO_MEMORY, "out of memory");
}

static mg_status recall(const mg_saved *saved, mg_train_job *job, mg_model_finder find, uint64_t *seed, mg_error *why)
{
    mg_error inner = {0};
    mg_train_job_clear(job);
    mg_status status = mg_job_read(job, saved->about, find, &inner);
    if (status) return mg_fail_in(why, status, saved->path, &inner);
    bool has_provenance = true;
    mg_json_bool(mg_json_get(saved->about, "provenance"), &has_provenance);
    job->has_provenance &= has_provenance;
    *seed = (uint64_t)mg_json_get_int(saved->about, "seed", 1);
    return recall_path(saved, job, why);
}

void mg_train_job_clear(mg_train_job *job)
{
    mg_free(job->config);
    mg_free(job->data_path);
    job->config = NULL;
    job->data_path = NULL;
}

mg_status mg_train_recall(mg_train_job *job, mg_model_finder find, uint64_t *seed, mg_error *why)
{
    mg_saved saved = {0};
    char *path = mg_train_path(job->output, "state");
    if (!path) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    bool is_there = access(path, F_OK) == 0 || errno != ENOENT;
    mg_status status = is_there ? mg_saved_open(path, &saved, why)
                                : mg_fail(why, MG_IO, "%s: is not there: nothing to go on with", path);
    if (!status) status = recall(&saved, job, find, seed, why);
    mg_saved_close(&saved);
    mg_free(path);
    return status;
}

static mg_status same_options(const mg_saved *saved, const char *key, const mg_option *rows, const void *given,
                              size_t size, mg_error *why)
{
    void *begun = mg_alloc(1, size);
    if (!begun) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    memcpy(begun, given, size);
    mg_options_default(rows, begun); /* of what an older state does not say */
    mg_status status = read_options(saved, key, rows, begun, why);
    const char *name = status ? NULL : mg_options_differ(rows, given, begun);
    mg_free(begun);
    if (!name) return status;
    char option[40];
    snprintf(option, sizeof option, "%s", name);
    for (char *at = option; (at = strchr(at, '_'));) *at = '-';
    return mg_fail(why, MG_BAD_ARGUMENT, "%s: --%s is not what the training began with; leave it out to go on",
                   saved->path, option);
}

/* Before memory is taken for a parameter, the state must have its numbers. */
static mg_status has_param(void *user, const mg_param_info *info, mg_error *why)
{
    const mg_saved *saved = user;
    const mg_stored *stored;
    char full[512];
    snprintf(full, sizeof full, "params/%s", info->name);
    return mg_tensor_find_stored(saved->file, saved->path, full, &info->shape, &stored, why);
}

mg_status mg_saved_check(const mg_saved *saved, const mg_train_job *job, uint64_t seed, mg_error *why)
{
    const char *model = mg_json_get_string(saved->about, "model", "?");
    if (strcmp(model, job->model->name) != 0)
        return mg_fail(why, MG_BAD_ARGUMENT, "%s: training of a %s, not of a %s", saved->path, model, job->model->name);
    MG_TRY(same_options(saved, "config", job->model->options, job->config, job->model->config_size, why));
    MG_TRY(same_options(saved, "optim", mg_optim_options, &job->optim, sizeof job->optim, why));
    MG_TRY(same_options(saved, "data", mg_train_data_rows, &job->options, sizeof job->options, why));
    if (seed != (uint64_t)mg_json_get_int(saved->about, "seed", 1))
        return mg_fail(why, MG_BAD_ARGUMENT, "%s: --seed is not what the training began with; leave it out to go on",
                       saved->path);
    return mg_model_each_param(job->model, job->config, has_param, (void *)(uintptr_t)saved, why);
}

/* ---- going on ---- */

static mg_status restore_sets(const mg_saved *saved, mg_loop *loop, mg_error *why)
{
    part parts[MOST_SETS];
    int n = parts_of(loop, parts);
    for (int i = 0; i < n; i++)
        for (size_t k = 0; k < parts[i].set->n; k++) {
            char full[512];
            snprintf(full, sizeof full, "%s/%s", parts[i].prefix, parts[i].set->names[k]);
            MG_TRY(mg_tensor_read(&parts[i].set->tensors[k], full, saved->file, saved->path, why));
        }
    return MG_OK;
}

/* A whole number of at least 0. */
static bool get_count(const mg_json *object, const char *key, uint64_t *count)
{
    int64_t value = -1;
    if (!mg_json_int(mg_json_get(object, key), &value) || value < 0) return false;
    *count = (uint64_t)value;
    return true;
}

static bool get_real(const mg_json *object, const char *key, double low, double *real)
{
    return mg_json_real(mg_json_get(object, key), real) && isfinite(*real) && *real >= low;
}

static bool get_plateau(const mg_json *about, mg_plateau *plateau)
{
    uint64_t epochs, waited;
    const mg_json *losses = mg_json_get(about, "plateau_losses");
    size_t n = sizeof plateau->losses / sizeof *plateau->losses;
    if (!get_count(about, "plateau_epochs", &epochs) || !get_count(about, "plateau_waited", &waited) ||
        !get_real(about, "plateau_best", -INFINITY, &plateau->best) || mg_json_count(losses) != n)
        return false;
    plateau->epochs = (int64_t)epochs;
    plateau->waited = (int64_t)waited;
    for (size_t i = 0; i < n; i++)
        if (!mg_json_real(mg_json_at(losses, i), &plateau->losses[i])) return false;
    return get_real(about, "plateau_divisor", 0, &plateau->divisor);
}

static bool get_last(const mg_json *about, mg_step_result *last)
{
    const mg_json *list = mg_json_get(about, "last");
    return mg_json_real(mg_json_at(list, 0), &last->loss) && mg_json_real(mg_json_at(list, 1), &last->grad_norm) &&
           mg_json_real(mg_json_at(list, 2), &last->rate);
}

static bool get_updates(const mg_json *about, mg_trainer *trainer)
{
    const mg_json *updates = mg_json_get(about, "updates");
    for (int i = 0; i < trainer->options.model->n_phases; i++) {
        int64_t t = -1;
        if (!mg_json_int(mg_json_at(updates, (size_t)i), &t) || t < 0) return false;
        trainer->phases[i].t = (uint64_t)t;
    }
    return true;
}

static bool get_round(const mg_json *about, mg_trainer *trainer)
{
    const mg_json *list = mg_json_get(about, "round");
    int64_t n[3];
    for (size_t i = 0; i < 3; i++)
        if (!mg_json_int(mg_json_at(list, i), &n[i]) || n[i] < 0) return false;
    trainer->rounds = (uint64_t)n[0], trainer->phase = (int)n[1], trainer->updates = n[2];
    return n[1] < trainer->options.model->n_phases;
}

static mg_status restore_numbers(const mg_saved *saved, mg_loop *loop, mg_error *why)
{
    const mg_json *about = saved->about;
    mg_loop_state *at = &loop->at;
    double best = INFINITY; /* null: none yet */
    mg_json_real(mg_json_get(about, "best_loss"), &best);
    at->best_loss = best;
    if (get_count(about, "step", &loop->trainer->steps) && get_count(about, "epoch", &at->epoch) &&
        get_count(about, "place", &at->place) && at->place <= mg_loop_batches(loop, MG_SPLIT_TRAIN) &&
        get_count(about, "best_step", &at->best_step) && get_count(about, "waited", &at->waited) &&
        get_real(about, "epoch_nll", -INFINITY, &at->epoch_nll) &&
        get_real(about, "epoch_targets", 0, &at->epoch_targets) &&
        get_real(about, "divisor", 0, &loop->trainer->divisor) && get_plateau(about, &at->plateau) &&
        get_last(about, &at->last) && get_updates(about, loop->trainer) && get_round(about, loop->trainer))
        return MG_OK;
    return mg_fail(why, MG_BAD_DATA, "%s: numbers that no training has", saved->path);
}

mg_status mg_saved_restore(const mg_saved *saved, mg_loop *loop, mg_error *why)
{
    char hex[33];
    mg_hash_hex(mg_corpus_hash(loop->corpus), hex);
    if (strcmp(mg_json_get_string(saved->about, "data_hash", ""), hex) != 0)
        return mg_fail(why, MG_BAD_ARGUMENT, "%s: these are not the data that the training began with", saved->path);
    MG_TRY(restore_sets(saved, loop, why));
    return restore_numbers(saved, loop, why);
}
