/* SPDX-License-Identifier: MIT */
/* Optimisers on given gradients, and schedules. */
#include "tests/parity/fixture.h"

#include <mgen/nn.h>
#include <mgen/optim.h>

#include <stdio.h>
#include <string.h>

static size_t count(const mg_tensor *t) { return (size_t)mg_shape_count(&t->shape); }

/* A tensor's numbers, scaled, into row `step` of [steps, ...]. */
static void put(double *rows, size_t step, const mg_tensor *t, double scale)
{
    for (size_t i = 0; i < count(t); i++)
        rows[step * count(t) + i] = (double)((mg_real)scale * ((mg_real *)t->data)[i]);
}

typedef struct {
    mg_optim o;
    int64_t steps;
    mg_tensor_set params, grads, slots, average;
    double **seen, **clipped; /* [tensor][steps, ...] */
    double *norms, *rates;
} state;

static mg_status add_weights(const fixture *fx, mg_tensor_set *params, mg_error *why)
{
    for (size_t i = 0; i < mg_tensors_count(fx->weights); i++) {
        const mg_stored *stored = mg_tensors_at(fx->weights, i);
        mg_shape shape = {.rank = stored->rank};
        memcpy(shape.dim, stored->dim, sizeof shape.dim);
        MG_TRY(mg_tensor_set_add(params, stored->name, &shape, why));
    }
    return mg_tensor_set_read(params, fx->weights, fx->path, why);
}

static mg_status start(const fixture *fx, state *s, mg_error *why)
{
    s->o = mg_optim_defaults();
    s->steps = mg_json_get_int(fx->train, "steps", 0);
    MG_TRY(mg_options_read(mg_optim_options, fx->train, &s->o, why));
    MG_TRY(add_weights(fx, &s->params, why));
    MG_TRY(mg_tensor_set_like(&s->params, false, &s->grads, why));
    MG_TRY(mg_tensor_set_like(&s->params, true, &s->average, why));
    MG_TRY(mg_optim_slots(&s->o, &s->params, &s->slots, why));
    s->seen = mg_alloc_zero(s->params.n, sizeof *s->seen);
    s->clipped = mg_alloc_zero(s->params.n, sizeof *s->clipped);
    s->norms = mg_alloc((size_t)s->steps, sizeof *s->norms);
    s->rates = mg_alloc((size_t)s->steps, sizeof *s->rates);
    bool ok = s->seen && s->clipped && s->norms && s->rates;
    for (size_t i = 0; ok && i < s->params.n; i++) {
        s->seen[i] = mg_alloc((size_t)s->steps * count(&s->params.tensors[i]), sizeof **s->seen);
        s->clipped[i] = mg_alloc((size_t)s->steps * count(&s->params.tensors[i]), sizeof **s->clipped);
        ok = s->seen[i] && s->clipped[i];
    }
    return ok ? MG_OK : mg_fail(why, MG_NO_MEMORY, "out of memory");
}

static mg_status read_gradient(const fixture *fx, state *s, size_t i, size_t step, mg_error *why)
{
    char name[300];
    snprintf(name, sizeof name, "grads/%s", s->params.names[i]);
    const mg_stored *all = mg_tensors_find(fx->inputs, name);
    size_t n = count(&s->grads.tensors[i]);
    if (!all || all->count != n * (size_t)s->steps || all->dtype != MG_F32)
        return mg_fail(why, MG_BAD_DATA, "%s: missing or of another size", name);
    const float *from = (const float *)all->data + step * n;
    for (size_t k = 0; k < n; k++) ((mg_real *)s->grads.tensors[i].data)[k] = (mg_real)from[k];
    return MG_OK;
}

static mg_status steps(const fixture *fx, state *s, mg_error *why)
{
    for (size_t t = 0; t < (size_t)s->steps; t++) {
        for (size_t i = 0; i < s->grads.n; i++) MG_TRY(read_gradient(fx, s, i, t, why));
        s->rates[t] = mg_optim_rate(&s->o, t + 1, 0);
        s->norms[t] = mg_optim_norm(&s->grads, 2);
        double scale = mg_optim_clip(&s->o, s->norms[t]);
        mg_optim_step(&s->o, t + 1, s->rates[t], scale, 2, &s->params, &s->grads, &s->slots);
        mg_optim_average(&s->o, &s->average, &s->params);
        for (size_t i = 0; i < s->params.n; i++) {
            put(s->seen[i], t, &s->params.tensors[i], 1);
            put(s->clipped[i], t, &s->grads.tensors[i], scale);
        }
    }
    return MG_OK;
}

static mg_status give(fixture *fx, const char *part, const char *name, const double *values, size_t n, mg_error *why)
{
    char full[300];
    snprintf(full, sizeof full, "%s/%s", part, name);
    return fixture_give(fx, "train", full, values, n, why);
}

static mg_status give_all(fixture *fx, state *s, mg_error *why)
{
    size_t n_steps = (size_t)s->steps;
    MG_TRY(fixture_give(fx, "train", "lr", s->rates, n_steps, why));
    MG_TRY(fixture_give(fx, "train", "grad_norm", s->norms, n_steps, why));
    for (size_t i = 0; i < s->params.n; i++) {
        size_t n = count(&s->params.tensors[i]);
        const char *name = s->params.names[i];
        MG_TRY(give(fx, "steps", name, s->seen[i], n_steps * n, why));
        MG_TRY(give(fx, "clipped", name, s->clipped[i], n_steps * n, why));
        MG_TRY(give(fx, "weights", name, s->seen[i] + (n_steps - 1) * n, n, why));
        put(s->seen[i], 0, &s->average.tensors[i], 1);
        MG_TRY(give(fx, "ema", name, s->seen[i], n, why));
    }
    return MG_OK;
}

mg_status run_optim(fixture *fx, mg_error *why)
{
    state s = {0};
    mg_status status = start(fx, &s, why);
    if (!status) status = steps(fx, &s, why);
    if (!status) status = give_all(fx, &s, why);
    for (size_t i = 0; i < s.params.n; i++) {
        if (s.seen) mg_free(s.seen[i]);
        if (s.clipped) mg_free(s.clipped[i]);
    }
    mg_free(s.seen);
    mg_free(s.clipped);
    mg_free(s.norms);
    mg_free(s.rates);
    mg_tensor_set *sets[] = {&s.params, &s.grads, &s.slots, &s.average};
    for (int i = 0; i < 4; i++) mg_tensor_set_clear(sets[i]);
    return status;
}

/* ---- schedules ---- */

enum { MOST = 4096 };

/* The rates during epochs 1 .. n, then the one after the last. */
static size_t plateau(const fixture *fx, const mg_optim *o, const char *name, double *rates)
{
    char full[300];
    double losses[MOST];
    snprintf(full, sizeof full, "%s/losses", name);
    const mg_stored *stored = mg_tensors_find(fx->inputs, full);
    if (!stored || stored->count >= MOST) return 0;
    mg_stored_doubles(stored, losses);
    mg_plateau p = {0};
    rates[0] = mg_optim_rate(o, 1, 0);
    for (size_t e = 0; e < stored->count; e++) rates[e + 1] = mg_optim_rate(o, e + 2,
                                                                            mg_plateau_tell(&p, o, losses[e]));
    return stored->count + 1;
}

mg_status run_schedules(fixture *fx, mg_error *why)
{
    const char *name;
    const mg_json *settings;
    double rates[MOST];
    for (void *place = NULL; mg_json_next(mg_json_get(fx->config, "schedules"), &place, &name, &settings);) {
        mg_optim o = mg_optim_defaults();
        MG_TRY(mg_options_read(mg_optim_options, settings, &o, why));
        size_t n = (size_t)mg_json_get_int(settings, "count", 0);
        for (size_t t = 0; t < n && t < MOST; t++) rates[t] = mg_optim_rate(&o, t + 1, 0);
        if (n == 0) n = plateau(fx, &o, name, rates);
        MG_TRY(fixture_give(fx, "forward", name, rates, n < MOST ? n : MOST, why));
    }
    return MG_OK;
}
