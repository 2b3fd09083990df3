/* SPDX-License-Identifier: MIT */
/* The loop: epochs over the examples, validation, records, checkpoints, and all the reasons to stop. A checkpoint is
   MODEL.state, from which everything else follows, then MODEL.safetensors, the weights that did best in validation. */
#include "train/loop.h"

#include <math.h>
#include <string.h>

uint64_t mg_loop_batches(const mg_loop *l, mg_split split)
{
    size_t n = mg_corpus_count(l->corpus, split), batch = (size_t)l->job->options.batch;
    return (n + batch - 1) / batch;
}

bool mg_loop_has_validation(const mg_loop *l) { return mg_corpus_count(l->corpus, MG_SPLIT_VALID) > 0; }

static uint32_t *order_of(const mg_loop *l, mg_split split, uint64_t epoch)
{
    const mg_train_options *o = &l->job->options;
    return (o->carry ? mg_corpus_lanes : mg_corpus_order)(l->corpus, split, o->batch, l->trained->seed, epoch);
}

static mg_status fill_batch(mg_loop *l, mg_split split, const uint32_t *order, uint64_t b, mg_error *why)
{
    size_t batch = (size_t)l->job->options.batch;
    return mg_batch_fill(&l->batch, l->corpus, split, order + (size_t)b * batch, batch, why);
}

/* ---- saving ---- */

/* The model as it is to be used: `params`, as they were after that step, in its file. */
static mg_status save_model(mg_loop *l, const mg_tensor_set *params, uint64_t step, mg_error *why)
{
    mg_made_with data = {"data", mg_pack_path(l->pack), mg_corpus_hash(l->corpus)};
    mg_provenance provenance = {.tool = l->job->tool, .seed = (int64_t)l->trained->seed, .with = &data,
                                .n_with = 1};
    mg_trained model = *l->trained;
    model.params = *params;
    model.step = step;
    return mg_trained_save(&model, l->job->output, l->job->has_provenance ? &provenance : NULL, why);
}

/* Nothing is saved that could not be gone on with: what was saved before is better. */
static mg_status check_params(const mg_loop *l, mg_error *why)
{
    if (isfinite(mg_optim_norm(&l->trained->params, 1))) return MG_OK;
    return mg_fail(why, MG_BAD_NUMBER, "step %llu: the weights are not finite", (unsigned long long)l->trainer->steps);
}

static mg_status checkpoint(mg_loop *l, mg_error *why)
{
    bool has_best = isfinite(l->at.best_loss);
    const mg_sink *out = &l->run->out;
    MG_TRY(check_params(l, why));
    if (out->flush) out->flush(out->user); /* what a resumed run will not tell again */
    MG_TRY(mg_loop_save(l, why));
    MG_TRY(save_model(l, has_best ? &l->best : mg_trainer_best_guess(l->trainer),
                      has_best ? l->at.best_step : l->trainer->steps, why));
    l->saved_s = mg_now_s();
    return MG_OK;
}

static mg_status save_if_due(mg_loop *l, mg_error *why)
{
    bool is_due = mg_save_take() || mg_now_s() - l->saved_s >= l->job->options.save_seconds;
    return is_due ? checkpoint(l, why) : MG_OK;
}

/* ---- validation ---- */

static mg_status validate(mg_loop *l, double *loss, mg_error *why)
{
    double nll = 0, targets = 0;
    mg_status status = MG_OK;
    uint32_t *order = order_of(l, MG_SPLIT_VALID, 0);
    if (!order) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_trainer_forget(l->trainer, MG_LIKELIHOOD);
    for (uint64_t b = 0; !status && b < mg_loop_batches(l, MG_SPLIT_VALID); b++) {
        double part = 0;
        status = fill_batch(l, MG_SPLIT_VALID, order, b, why);
        if (!status) status = mg_trainer_evaluate(l->trainer, &l->batch, &part, why);
        nll += part;
        targets += l->batch.targets;
        if (!status) status = mg_loop_show_progress(l, why);
        if (!status) status = save_if_due(l, why);
    }
    mg_free(order);
    *loss = nll / fmax(targets, 1);
    if (!status && !isfinite(*loss))
        status = mg_fail(why, MG_BAD_NUMBER, "step %llu: the validation loss is not finite",
                         (unsigned long long)l->trainer->steps);
    return status;
}

static void copy_params(mg_tensor_set *to, const mg_tensor_set *from)
{
    for (size_t i = 0; i < to->n; i++)
        memcpy(to->tensors[i].data, from->tensors[i].data,
               (size_t)mg_shape_count(&to->tensors[i].shape) * sizeof(mg_real));
}

/* After the last batch of an epoch. */
static mg_status end_epoch(mg_loop *l, mg_error *why)
{
    mg_loop_state *at = &l->at;
    double loss = at->epoch_nll / fmax(at->epoch_targets, 1);
    bool is_best = false;
    if (mg_loop_has_validation(l)) {
        MG_TRY(validate(l, &loss, why));
        l->last_valid = loss;
        at->waited++;
        is_best = loss < at->best_loss;
        if (is_best) {
            at->best_loss = loss;
            at->best_step = l->trainer->steps;
            at->waited = 0;
            copy_params(&l->best, mg_trainer_best_guess(l->trainer));
        }
    }
    mg_trainer_divide(l->trainer, mg_plateau_tell(&at->plateau, &l->job->optim, loss));
    at->epoch++;
    at->place = 0;
    MG_TRY(mg_loop_tell_step(l, &loss, is_best, why));
    at->epoch_nll = at->epoch_targets = 0;
    return MG_OK;
}

/* ---- the loop ---- */

static bool is_done(const mg_loop *l)
{
    const mg_train_options *o = &l->job->options;
    return (o->epochs && l->at.epoch >= (uint64_t)o->epochs) ||
           (o->max_steps && l->trainer->steps >= (uint64_t)o->max_steps) ||
           (o->patience && l->at.waited >= (uint64_t)o->patience) || mg_trainer_is_over(l->trainer) ||
           (o->max_seconds > 0 && mg_now_s() - l->start_s >= o->max_seconds);
}

static bool is_epoch_over(const mg_loop *l) { return l->at.place >= mg_loop_batches(l, MG_SPLIT_TRAIN); }

static mg_status step(mg_loop *l, const uint32_t *order, mg_error *why)
{
    const mg_train_options *o = &l->job->options;
    MG_TRY(fill_batch(l, MG_SPLIT_TRAIN, order, l->at.place, why));
    double start_s = mg_now_s();
    MG_TRY(mg_trainer_step(l->trainer, &l->batch, &l->at.last, why));
    l->step_s += mg_now_s() - start_s;
    l->at.place++;
    l->at.epoch_nll += l->at.last.loss * l->batch.targets;
    l->at.epoch_targets += l->batch.targets;
    l->tokens += l->batch.targets;
    bool ends = is_epoch_over(l) || is_done(l); /* then it is told with what validation finds */
    if (!ends && l->trainer->steps % (uint64_t)o->report == 0) MG_TRY(mg_loop_tell_step(l, NULL, false, why));
    MG_TRY(mg_loop_show_progress(l, why));
    return save_if_due(l, why);
}

static mg_status run_epoch(mg_loop *l, mg_error *why)
{
    mg_status status = MG_OK;
    uint32_t *order = order_of(l, MG_SPLIT_TRAIN, l->at.epoch);
    if (!order) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    if (l->at.place == 0) mg_trainer_forget(l->trainer, MG_TRAINING);
    while (!status && !is_epoch_over(l) && !is_done(l)) status = step(l, order, why);
    mg_free(order);
    return !status && is_epoch_over(l) ? end_epoch(l, why) : status;
}

/* What is left when all is done: a model that is better than the best of an epoch, should the end lie inside one. The
   state knows nothing of it, so that more steps go on as if there had been no end. */
static mg_status finish(mg_loop *l, mg_error *why)
{
    double loss = INFINITY;
    bool is_inside = mg_loop_has_validation(l) && l->at.place > 0;
    MG_TRY(checkpoint(l, why));
    if (is_inside) MG_TRY(validate(l, &loss, why));
    bool is_best = loss < l->at.best_loss;
    if (l->trainer->steps > l->first_step && l->told_step < l->trainer->steps)
        MG_TRY(mg_loop_tell_step(l, is_inside ? &loss : NULL, is_best, why));
    if (!is_best) return MG_OK;
    l->at.best_loss = loss;
    l->at.best_step = l->trainer->steps;
    return save_model(l, mg_trainer_best_guess(l->trainer), l->at.best_step, why);
}

static mg_status run_all(mg_loop *l, mg_error *why)
{
    mg_status status = MG_OK;
    while (!status && (!is_done(l) || is_epoch_over(l))) status = run_epoch(l, why);
    if (!status) status = finish(l, why);
    if (!status || status == MG_STOPPED) mg_loop_say_end(l);
    if (status == MG_STOPPED) mg_loop_say(l, "stopped; %s --resume -o %s goes on", l->job->tool, l->job->output);
    if (status == MG_BAD_NUMBER) checkpoint(l, NULL); /* what was before the step that failed, if it is good */
    if (status == MG_STOPPED) MG_TRY(checkpoint(l, why));
    return status;
}

/* ---- beginning ---- */

/* The optimiser as this run uses it: noam's rate counts with the model's width, and a schedule that ends, ends with
   the training. */
static mg_optim optim_of(const mg_loop *l)
{
    const mg_train_job *job = l->job;
    mg_optim optim = job->optim;
    for (const mg_option *row = job->model->options; row->name; row++)
        if (row->kind == MG_OPTION_INT && strcmp(row->name, "hidden") == 0)
            memcpy(&optim.hidden, (const char *)job->config + row->place, sizeof optim.hidden);
    if (optim.total == 0) optim.total = (int64_t)mg_loop_last_step(l);
    return optim;
}

static mg_status open_parts(mg_loop *l, mg_train_job *job, mg_error *why)
{
    const mg_train_options *o = &job->options;
    const mg_tensor_set *params;
    MG_TRY(mg_corpus_open(l->pack, o->valid, o->length, &l->corpus, why));
    MG_TRY(mg_corpus_control(l->corpus, &o->controls, why));
    mg_model_adapt(job->model, job->config, mg_corpus_form(l->corpus));
    MG_TRY(mg_trained_new(job->model, job->config, l->run->seed, &l->trained, why));
    MG_TRY(mg_corpus_describe(l->corpus, l->trained, why));
    mg_trainer_options options = {.model = job->model, .config = job->config, .optim = optim_of(l),
                                  .params = &l->trained->params, .batch = o->batch, .shards = (int)o->shards,
                                  .threads = l->run->threads, .seed = l->run->seed, .carries = o->carry,
                                  .precision = (mg_precision)o->precision};
    MG_TRY(mg_trainer_new(&options, &l->trainer, why));
    job->options.shards = mg_trainer_shards(l->trainer); /* stays so whatever is usual when it goes on */
    params = &l->trained->params;
    if (mg_loop_has_validation(l)) MG_TRY(mg_tensor_set_like(params, false, &l->best, why));
    return mg_batch_new(l->corpus, o->batch, &l->batch, why);
}

/* The loops that a training began with, if this machine has them: others round otherwise. */
static void use_class(const mg_loop *l, const mg_saved *saved)
{
    const char *name = mg_json_get_string(saved->about, "class", "");
    for (int cpu = 0; cpu < MG_CPU_CLASSES; cpu++)
        if (strcmp(name, mg_cpu_name((mg_cpu)cpu)) == 0 && mg_cpu_force((mg_cpu)cpu)) return;
    mg_loop_say(l, "begun with %s instructions, which this machine lacks: it goes on with other rounding", name);
}

static mg_status find_paths(mg_loop *l, mg_error *why)
{
    char *own = mg_train_path(l->job->output, "data");
    l->state_path = mg_train_path(l->job->output, "state");
    if (own && strcmp(own, mg_pack_path(l->pack)) != 0) mg_path_add_absolute(&l->data_path, mg_pack_path(l->pack));
    mg_free(own);
    return own && l->state_path && !l->data_path.failed ? MG_OK : mg_fail(why, MG_NO_MEMORY, "out of memory");
}

/* From now on it can be resumed; and what cannot be written is known now. */
static mg_status save_first(mg_loop *l, mg_train_set *set, mg_error *why)
{
    mg_out *staged = set->staged;
    set->staged = NULL;
    if (staged) MG_TRY(mg_out_commit(staged, why));
    return l->job->resumes ? mg_loop_save(l, why) : checkpoint(l, why);
}

static mg_status begin(mg_loop *l, mg_train_job *job, mg_train_set *set, mg_saved *saved, mg_error *why)
{
    MG_TRY(find_paths(l, why));
    if (job->resumes) {
        MG_TRY(mg_saved_open(l->state_path, saved, why));
        MG_TRY(mg_saved_check(saved, job, l->run->seed, why));
        use_class(l, saved);
    }
    MG_TRY(open_parts(l, job, why));
    if (job->resumes) MG_TRY(mg_saved_restore(saved, l, why));
    l->first_step = l->trainer->steps;
    if (job->events) MG_TRY(mg_events_open(job->events, &l->events, why));
    MG_TRY(save_first(l, set, why));
    mg_loop_say_begin(l);
    mg_loop_find_peak(l);
    return MG_OK;
}

mg_status mg_train(const mg_train_job *asked, mg_train_set *set, mg_run *run, mg_error *why)
{
    mg_train_job job = *asked;
    mg_saved saved = {0};
    mg_loop l = {.job = &job, .run = run, .pack = set->pack, .at = {.best_loss = INFINITY}, .last_valid = INFINITY};
    l.start_s = l.saved_s = mg_now_s();
    mg_status status = begin(&l, &job, set, &saved, why);
    mg_saved_close(&saved);
    if (!status) status = run_all(&l, why);
    mg_events_close(l.events);
    mg_batch_free(&l.batch);
    mg_trainer_free(l.trainer);
    mg_tensor_set_clear(&l.best);
    mg_trained_free(l.trained);
    mg_corpus_free(l.corpus);
    mg_free(l.state_path);
    mg_buffer_free(&l.data_path);
    return status;
}
