/* SPDX-License-Identifier: MIT */
/* What a training tells on its way: step records, events for TensorBoard, progress, and a few lines for people. */
#include <mgen/kernel.h>

#include "train/loop.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

void mg_loop_say(const mg_loop *l, const char *format, ...)
{
    char text[400];
    va_list args;
    if (!l->job->say) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    l->job->say(l->job->say_user, text);
}

/* ---- how far, how fast ---- */

uint64_t mg_loop_last_step(const mg_loop *l)
{
    const mg_train_options *o = &l->job->options;
    uint64_t by_epochs = (uint64_t)o->epochs * mg_loop_batches(l, MG_SPLIT_TRAIN), by_steps = (uint64_t)o->max_steps;
    if (!by_epochs || (by_steps && by_steps < by_epochs)) return by_steps;
    return by_epochs;
}

/* What is left, by the steps, or by the clock if that comes first; negative where there is no end. */
static double seconds_left(const mg_loop *l, double spent_s)
{
    uint64_t done = l->trainer->steps, end = mg_loop_last_step(l);
    double left = -1;
    if (end && done >= end) return 0;
    if (end && done > l->first_step) left = (double)(end - done) * spent_s / (double)(done - l->first_step);
    double by_clock = l->job->options.max_seconds - spent_s;
    return l->job->options.max_seconds > 0 && (left < 0 || by_clock < left) ? fmax(by_clock, 0) : left;
}

/* Of what multiply-adds reach on this machine, the part that the products of the steps took in their time. */
static double peak_share(const mg_loop *l) { return mg_trainer_flops(l->trainer) / l->step_s / (l->peak_gflops * 1e9); }

void mg_loop_find_peak(mg_loop *l)
{
    bool is_bf16 = l->job->options.precision == MG_BFLOAT16;
    l->peak_gflops = is_bf16 ? mg_peak_bf16_gflops(l->run->threads) : mg_peak_gflops(mg_cpu_class(), l->run->threads);
}

/* ---- records ---- */

enum { MOST_SCALARS = 5 };

static size_t scalars_of(const mg_loop *l, const double *valid, mg_scalar_value out[MOST_SCALARS])
{
    const mg_step_result *r = &l->at.last;
    size_t n = 0;
    out[n++] = (mg_scalar_value){"loss", r->loss};
    out[n++] = (mg_scalar_value){"grad_norm", r->grad_norm};
    out[n++] = (mg_scalar_value){"lr", r->rate};
    if (valid) out[n++] = (mg_scalar_value){"train_loss", l->at.epoch_nll / fmax(l->at.epoch_targets, 1)};
    if (valid && mg_loop_has_validation(l)) out[n++] = (mg_scalar_value){"valid_loss", *valid};
    return n;
}

static void put_speed(const mg_loop *l, mg_json_writer *json)
{
    double spent_s = mg_now_s() - l->start_s, left_s = seconds_left(l, spent_s);
    mg_json_put_real(json, "seconds", spent_s);
    if (l->tokens > 0) mg_json_put_real(json, "tokens_per_s", l->tokens / fmax(spent_s, 1e-9));
    if (l->tokens > 0) mg_json_put_real(json, "peak_share", peak_share(l));
    if (left_s >= 0) mg_json_put_real(json, "eta_s", left_s);
}

mg_status mg_loop_tell_step(mg_loop *l, const double *valid, bool is_best, mg_error *why)
{
    mg_buffer line = {0};
    mg_scalar_value scalars[MOST_SCALARS];
    size_t n = scalars_of(l, valid, scalars);
    mg_json_writer json = mg_record_begin(&line, "step");
    mg_json_put_int(&json, "step", (int64_t)l->trainer->steps);
    mg_json_put_int(&json, "epoch", (int64_t)(l->at.epoch + (l->at.place > 0))); /* that the step is of */
    for (size_t i = 0; i < n; i++) mg_json_put_real(&json, scalars[i].name, scalars[i].value);
    if (valid && mg_loop_has_validation(l)) mg_json_put_bool(&json, "best", is_best);
    put_speed(l, &json);
    mg_record_end(&json);
    mg_status status = mg_run_emit(l->run, &line, why);
    mg_buffer_free(&line);
    if (!status && l->events) status = mg_events_add(l->events, (int64_t)l->trainer->steps, scalars, n, why);
    l->told_step = l->trainer->steps;
    return status;
}

mg_status mg_loop_show_progress(mg_loop *l, mg_error *why)
{
    char note[80];
    int n = snprintf(note, sizeof note, "loss %.3f", l->at.last.loss);
    if (isfinite(l->last_valid)) snprintf(note + n, sizeof note - (size_t)n, ", valid %.3f", l->last_valid);
    mg_progress now = {.what = "steps", .done = l->trainer->steps, .total = mg_loop_last_step(l), .note = note};
    return mg_run_progress(l->run, &now) ? mg_fail(why, MG_STOPPED, "asked to stop") : MG_OK;
}

/* ---- for people ---- */

void mg_loop_say_begin(const mg_loop *l)
{
    const mg_corpus *c = l->corpus;
    mg_loop_say(l, "%zu pieces, %llu %s in %s; %zu held out; a %s of %lld numbers",
                mg_corpus_pieces(c, MG_SPLIT_TRAIN), (unsigned long long)mg_corpus_steps(c, MG_SPLIT_TRAIN),
                mg_corpus_encoding(c)->is_roll ? "frames" : "tokens", mg_corpus_encoding(c)->name,
                mg_corpus_pieces(c, MG_SPLIT_VALID), l->job->model->name,
                (long long)mg_tensor_set_count(&l->trained->params));
    if (l->job->preset_for && l->job->preset_for != mg_corpus_encoding(c))
        mg_loop_say(l, "the preset was made for %s, which this is not", l->job->preset_for->name);
    if (mg_corpus_steps(c, MG_SPLIT_TRAIN) < 1000)
        mg_loop_say(l, "so little music is learnt by heart rather than understood");
    if (l->job->resumes) mg_loop_say(l, "going on after step %llu", (unsigned long long)l->first_step);
    if (mg_corpus_has_grids(c))
        mg_loop_say(l, "a quarter has other numbers of steps in some of the pieces: a model can not tell them apart");
}

static void say_files(const mg_loop *l)
{
    const char *data = l->data_path.length ? NULL : mg_pack_path(l->pack);
    mg_loop_say(l, "wrote %s, %s%s%s%s%s", l->job->output, l->state_path, data ? ", " : "", data ? data : "",
                l->events ? ", " : "", l->events ? mg_events_path(l->events) : "");
}

void mg_loop_say_end(const mg_loop *l)
{
    uint64_t steps = l->trainer->steps, batches = mg_loop_batches(l, MG_SPLIT_TRAIN);
    double spent_s = mg_now_s() - l->start_s;
    mg_loop_say(l, "%llu steps, %llu epochs; %llu of these steps now, in %.1f s", (unsigned long long)steps,
                (unsigned long long)l->at.epoch, (unsigned long long)(steps - l->first_step), spent_s);
    if (l->tokens > 0)
        mg_loop_say(l, "%.0f %s a second; the products took %.0f %% of the %.0f GFLOP/s that %d threads reach",
                    l->tokens / spent_s, mg_corpus_encoding(l->corpus)->is_roll ? "frames" : "tokens",
                    100 * peak_share(l), l->peak_gflops, l->run->threads);
    if (isfinite(l->at.best_loss))
        mg_loop_say(l, "best validation loss %.4f after step %llu, in epoch %llu", l->at.best_loss,
                    (unsigned long long)l->at.best_step,
                    (unsigned long long)((l->at.best_step + batches - 1) / batches));
    say_files(l);
}
