/* SPDX-License-Identifier: MIT */
/* How probable a model finds pieces: a group of them side by side through its likelihood graph, PART steps at a time,
   so that memory does not grow with their length. The model's own output "nll" is what counts; "logits" are looked at
   for the calibration alone. */
#include "sample/sample.h"

#include <math.h>
#include <string.h>

enum { PART = 128 };

struct mg_listener {
    const mg_encoding *encoding;
    const mg_controls *controls;
    mg_plan *plan;
    mg_real **params;
    mg_instance *run;
    mg_tensor input, features, target, mask, nll, logits; /* input or features: what the model takes of them */
};

/* ---- calibration ---- */

static void note(mg_calibration *c, double predicted, bool came)
{
    int bin = predicted < 1 ? (int)(predicted * MG_BINS) : MG_BINS - 1;
    c->predicted[bin] += predicted;
    c->observed[bin] += came;
    c->count[bin]++;
}

double mg_calibration_error(const mg_calibration *c)
{
    double sum = 0, total = 0;
    for (int i = 0; i < MG_BINS; i++) {
        sum += fabs(c->predicted[i] - c->observed[i]);
        total += (double)c->count[i];
    }
    return total > 0 ? sum / total : 0;
}

static void note_token(mg_calibration *c, const mg_real *logits, int64_t n, int32_t came)
{
    int64_t best = 0;
    double total = 0;
    for (int64_t i = 1; i < n; i++)
        if (logits[i] > logits[best]) best = i;
    for (int64_t i = 0; i < n; i++) total += exp((double)logits[i] - (double)logits[best]);
    note(c, 1 / total, came == best);
}

static void note_frame(mg_calibration *c, const mg_real *logits, int64_t n, const mg_real *came)
{
    for (int64_t i = 0; i < n; i++) note(c, 1 / (1 + exp(-(double)logits[i])), came[i] > 0);
}

/* ---- one part of a group ---- */

static void *row_of(const mg_tensor *t, int64_t row)
{
    size_t size = (size_t)(mg_shape_count(&t->shape) / t->shape.dim[0]) * mg_type_size(t->type);
    return (char *)t->data + (size_t)row * size;
}

static void clear(const mg_tensor *t)
{
    if (t->data) memset(t->data, 0, (size_t)mg_shape_count(&t->shape) * mg_type_size(t->type));
}

/* Steps of a piece that lie in the part from `start` on. */
static int64_t part_of(const mg_heard *piece, int64_t start)
{
    int64_t left = piece->predictions - start;
    return left < 0 ? 0 : left < PART ? left : PART;
}

static void fill(mg_listener *l, const mg_heard *pieces, size_t n, int64_t start)
{
    clear(&l->input), clear(&l->features), clear(&l->target), clear(&l->mask);
    for (size_t i = 0; i < n; i++) {
        int64_t row = (int64_t)i, length = part_of(&pieces[i], start);
        mg_real *mask = l->mask.data ? row_of(&l->mask, row) : NULL;
        if (length == 0) continue;
        mg_example_fill(l->encoding, pieces[i].tokens, pieces[i].n, start, length,
                        l->input.data ? row_of(&l->input, row) : NULL, row_of(&l->target, row));
        if (l->features.data)
            mg_features_fill(l->encoding, l->controls, 0, pieces[i].tokens, pieces[i].n, start, length,
                             row_of(&l->features, row));
        for (int64_t t = 0; mask && t < length; t++) mask[t] = 1;
    }
}

static void count(const mg_listener *l, mg_heard *piece, int64_t row, int64_t length, mg_calibration *c)
{
    int64_t width = l->encoding->vocab;
    const mg_real *nll = row_of(&l->nll, row), *logits = row_of(&l->logits, row);
    const void *target = row_of(&l->target, row);
    for (int64_t t = 0; t < length; t++, logits += width) {
        piece->nats += (double)nll[t];
        if (l->encoding->is_roll) note_frame(c, logits, width, (const mg_real *)target + t * width);
        else note_token(c, logits, width, ((const int32_t *)target)[t]);
    }
}

mg_status mg_listener_hear(mg_listener *l, mg_heard *pieces, size_t n, mg_calibration *c, mg_error *why)
{
    int64_t longest = 0;
    for (size_t i = 0; i < n; i++) {
        pieces[i].nats = 0;
        pieces[i].predictions = mg_example_steps(l->encoding, pieces[i].tokens, pieces[i].n);
        if (pieces[i].predictions > longest) longest = pieces[i].predictions;
    }
    mg_instance_reset(l->run);
    for (int64_t start = 0; start < longest; start += PART) {
        if (mg_stop_asked()) return mg_fail(why, MG_STOPPED, "asked to stop");
        fill(l, pieces, n, start);
        MG_TRY(mg_instance_run(l->run, why));
        for (size_t i = 0; i < n; i++) count(l, &pieces[i], (int64_t)i, part_of(&pieces[i], start), c);
    }
    for (size_t i = 0; i < n; i++)
        if (!isfinite(pieces[i].nats)) return mg_fail(why, MG_BAD_NUMBER, "a likelihood is not finite");
    return MG_OK;
}

/* ---- making ---- */

static mg_status find_tensors(mg_listener *l, mg_error *why)
{
    const mg_encoding *e = l->encoding;
    l->input = mg_instance_input(l->run, e->is_roll ? "roll" : "tokens");
    l->features = mg_instance_input(l->run, "features");
    l->target = mg_instance_input(l->run, "targets");
    l->mask = mg_instance_input(l->run, "mask");
    l->nll = mg_instance_output(l->run, "nll");
    l->logits = mg_instance_output(l->run, "logits");
    int64_t width = mg_features_width(e, l->controls);
    bool fits = !l->features.data || mg_shape_count(&l->features.shape) == MG_STREAMS * PART * width;
    bool is_there = fits && (l->input.data || l->features.data) && l->target.data && l->nll.data && l->logits.data;
    if (!is_there || mg_shape_count(&l->logits.shape) != (int64_t)MG_STREAMS * PART * e->vocab ||
        mg_shape_count(&l->nll.shape) != MG_STREAMS * PART)
        return mg_fail(why, MG_BAD_DATA, "what it takes and gives does not fit its encoding, %s", e->name);
    mg_tensor per_target = mg_instance_input(l->run, "per_target");
    if (per_target.data) *(mg_real *)per_target.data = 1;
    return MG_OK;
}

static mg_status make(mg_listener *l, const mg_trained *t, mg_error *why)
{
    l->controls = &t->controls;
    MG_TRY(sample_encoding(t, &l->encoding, why));
    mg_graph *g = mg_model_graph(t->model, t->config, (mg_use){MG_LIKELIHOOD, 0, MG_STREAMS, PART, false});
    if (!g) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    MG_TRY(mg_plan_new(g, &l->plan, why));
    MG_TRY(mg_model_bind(mg_plan_graph(l->plan), &t->params, &l->params, why));
    MG_TRY(mg_instance_new(l->plan, l->params, 1, &l->run, why));
    return find_tensors(l, why);
}

mg_status mg_listener_new(const mg_trained *trained, mg_listener **listener, mg_error *why)
{
    mg_listener *l = *listener = mg_alloc_zero(1, sizeof *l);
    if (!l) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_status status = make(l, trained, why);
    if (status) mg_listener_free(l), *listener = NULL;
    return status;
}

void mg_listener_free(mg_listener *l)
{
    if (!l) return;
    mg_instance_free(l->run);
    mg_plan_free(l->plan);
    mg_free(l->params);
    mg_free(l);
}
