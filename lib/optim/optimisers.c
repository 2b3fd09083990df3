/* SPDX-License-Identifier: MIT */
/* Updates of the parameters w by their gradients g:

       sgd      g += decay w;  buf = g at t = 1, else momentum buf + g;
                w -= rate buf, with nesterov rate (g + momentum buf)
       adam     g += decay w;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
                w -= rate / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps)     (Kingma and Ba 2015)
       adamw    w *= 1 - rate decay, then as adam without decay                 (Loshchilov and Hutter 2019)
       rmsprop  g += decay w;  s = alpha s + (1 - alpha) g^2;  d = g / (sqrt(s) + eps);
                buf = momentum buf + d;  w -= rate buf
       rmsprop-tf  TensorFlow 1's: s starts at `initial`, d = g / sqrt(s + eps)

   The loops are kernels; what depends on t alone is worked out here in double. */
#include "optim/tables.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static mg_update plain(const mg_optim *o, double t, double rate)
{
    return (mg_update){.rate = (mg_real)rate, .decay = 1, .l2 = (mg_real)o->weight_decay, .eps = (mg_real)o->eps,
                       .momentum = (mg_real)o->momentum, .is_first = t == 1, .is_nesterov = o->nesterov};
}

static mg_update adam(const mg_optim *o, double t, double rate)
{
    mg_update u = plain(o, t, rate / (1 - pow(o->betas[0], t)));
    u.beta1 = (mg_real)o->betas[0], u.gain1 = (mg_real)(1 - o->betas[0]);
    u.beta2 = (mg_real)o->betas[1], u.gain2 = (mg_real)(1 - o->betas[1]);
    u.root_scale = (mg_real)(1 / sqrt(1 - pow(o->betas[1], t)));
    return u;
}

static mg_update adamw(const mg_optim *o, double t, double rate)
{
    mg_update u = adam(o, t, rate);
    u.decay = (mg_real)(1 - rate * o->weight_decay);
    u.l2 = 0;
    return u;
}

static mg_update rmsprop(const mg_optim *o, double t, double rate)
{
    mg_update u = plain(o, t, rate);
    u.beta2 = (mg_real)o->alpha, u.gain2 = (mg_real)(1 - o->alpha);
    return u;
}

static mg_update rmsprop_tf(const mg_optim *o, double t, double rate)
{
    mg_update u = rmsprop(o, t, rate);
    u.has_eps_inside = true;
    return u;
}

const mg_optimiser_row mg_optimisers[] = {
    {"adam", {"m", "v"}, false, adam, offsetof(mg_kernels, adam), false, {"betas", "eps"}},
    {"adamw", {"m", "v"}, false, adamw, offsetof(mg_kernels, adam), false, {"betas", "eps"}},
    {"sgd", {NULL}, true, plain, offsetof(mg_kernels, sgd), false, {"momentum", "nesterov"}},
    {"rmsprop", {"sq"}, true, rmsprop, offsetof(mg_kernels, rmsprop), false, {"eps", "momentum", "alpha"}},
    {"rmsprop-tf", {"sq"}, true, rmsprop_tf, offsetof(mg_kernels, rmsprop), true,
     {"eps", "momentum", "alpha", "initial"}},
    {NULL, {NULL}, false, NULL, 0, false, {NULL}},
};
const char *const mg_optimiser_names[] = {"adam", "adamw", "sgd", "rmsprop", "rmsprop-tf", NULL};

/* ---- slots ---- */

const char *mg_optim_slot(const mg_optim *o, int i)
{
    const mg_optimiser_row *row = &mg_optimisers[o->optimizer];
    int n = 0;
    while (row->slots[n]) n++;
    if (i < n) return row->slots[i];
    return i == n && row->has_momentum && o->momentum != 0 ? "buf" : NULL;
}

/* PARAMETER/SLOT, new and yours. */
static char *slot_name(const char *param, const char *slot)
{
    mg_buffer name = {0};
    mg_buffer_print(&name, "%s/%s", param, slot);
    if (name.failed) mg_buffer_free(&name);
    return name.data;
}

static void fill(mg_tensor *tensor, double value)
{
    mg_real *x = tensor->data;
    for (int64_t i = 0, n = mg_shape_count(&tensor->shape); i < n; i++) x[i] = (mg_real)value;
}

mg_status mg_optim_slots(const mg_optim *o, const mg_tensor_set *params, mg_tensor_set *slots, mg_error *why)
{
    mg_status status = MG_OK;
    *slots = (mg_tensor_set){0};
    for (size_t i = 0; !status && i < params->n; i++)
        for (int k = 0; !status && mg_optim_slot(o, k); k++) {
            char *name = slot_name(params->names[i], mg_optim_slot(o, k));
            status = name ? mg_tensor_set_add(slots, name, &params->tensors[i].shape, why)
                          : mg_fail(why, MG_NO_MEMORY, "out of memory");
            if (!status && k == 0 && mg_optimisers[o->optimizer].has_initial)
                fill(mg_tensor_set_find(slots, name), o->initial);
            mg_free(name);
        }
    if (status) mg_tensor_set_clear(slots);
    return status;
}

/* The numbers of PARAMETER/SLOT; NULL if the optimiser has no such slot. Names are short: no memory is wanted in a
   step. */
static mg_real *slot(const mg_tensor_set *slots, const char *param, const char *name)
{
    char full[512];
    if (!name) return NULL;
    snprintf(full, sizeof full, "%s/%s", param, name);
    mg_tensor *tensor = mg_tensor_set_find(slots, full);
    return tensor ? tensor->data : NULL;
}

/* ---- steps ---- */

/* What a thread takes of a parameter at a time stays in its second cache; less is not worth while. */
enum { GRAIN = 1 << 14 };

enum { PARTS = 16 }; /* in which a norm is summed up */
typedef struct {
    const mg_tensor_set *grads;
    double squares[PARTS];
} norm_of;

static void add_squares(void *user, size_t rank)
{
    norm_of *n = user;
    for (size_t i = 0; i < n->grads->n; i++) {
        const mg_tensor *g = &n->grads->tensors[i];
        int64_t from, to;
        mg_team_part((mg_team){.rank = (int)rank, .size = PARTS}, mg_shape_count(&g->shape), GRAIN, &from, &to);
        n->squares[rank] += mg_kernels_now()->squares(to - from, (const mg_real *)g->data + from);
    }
}

double mg_optim_norm(const mg_tensor_set *grads, int threads)
{
    norm_of n = {.grads = grads};
    double total = 0;
    mg_each(threads, PARTS, add_squares, &n);
    for (int part = 0; part < PARTS; part++) total += n.squares[part];
    return sqrt(total);
}

double mg_optim_clip(const mg_optim *o, double norm)
{
    double scale = o->clip > 0 ? o->clip / (norm + 1e-6) : 1;
    return scale < 1 ? scale : 1;
}

typedef struct {
    const mg_optim *optim;
    mg_update update;
    mg_update_fn run;
    mg_tensor_set *params;
    const mg_tensor_set *grads, *slots;
    mg_real scale; /* of the gradients */
} work;

static mg_real *numbers(mg_real *x, int64_t from) { return x ? x + from : NULL; }

/* Its part of each parameter, some of it at a time. */
static void update_part(void *user, mg_team team)
{
    const work *w = user;
    const char *first = mg_optim_slot(w->optim, 0), *second = first ? mg_optim_slot(w->optim, 1) : NULL;
    mg_each_fn affine = mg_kernels_now()->each[MG_EACH_affine];
    mg_real scaled[GRAIN];
    for (size_t i = 0; i < w->params->n; i++) {
        const char *name = w->params->names[i];
        int64_t from, end;
        assert(strcmp(name, w->grads->names[i]) == 0);
        mg_real *s0 = slot(w->slots, name, first), *s1 = slot(w->slots, name, second);
        mg_team_part(team, mg_shape_count(&w->params->tensors[i].shape), GRAIN, &from, &end);
        for (; from < end; from += GRAIN) {
            int64_t n = end - from < GRAIN ? end - from : GRAIN;
            const mg_real *g = numbers(w->grads->tensors[i].data, from);
            if (w->scale != 1) affine(n, scaled, g, NULL, NULL, w->scale, 0), g = scaled;
            w->run(n, numbers(w->params->tensors[i].data, from), g, numbers(s0, from), numbers(s1, from), &w->update);
        }
    }
}

void mg_optim_step(const mg_optim *o, uint64_t t, double rate, double scale, int threads, mg_tensor_set *params,
                   const mg_tensor_set *grads, mg_tensor_set *slots)
{
    const mg_optimiser_row *row = &mg_optimisers[o->optimizer];
    work w = {.optim = o, .update = row->prepare(o, (double)t, rate), .params = params, .grads = grads, .slots = slots,
              .scale = (mg_real)scale};
    memcpy(&w.run, (const char *)mg_kernels_now() + row->kernel, sizeof w.run);
    mg_team_run(threads, update_part, &w);
}

void mg_optim_average(const mg_optim *o, mg_tensor_set *average, const mg_tensor_set *params)
{
    for (size_t i = 0; i < params->n; i++)
        mg_kernels_now()->blend(mg_shape_count(&params->tensors[i].shape), average->tensors[i].data,
                                params->tensors[i].data, (mg_real)o->ema, (mg_real)(1 - o->ema));
}

void mg_optim_clip_weights(double most, mg_tensor_set *params)
{
    for (size_t i = 0; i < params->n; i++) {
        mg_real *w = params->tensors[i].data, limit = (mg_real)most;
        for (int64_t k = 0, n = mg_shape_count(&params->tensors[i].shape); k < n; k++)
            w[k] = w[k] > limit ? limit : w[k] < -limit ? -limit : w[k];
    }
}

/* ---- options ---- */

#define AT(member) offsetof(mg_optim, member)
const mg_option mg_optim_options[] = {
    {"optimizer", MG_OPTION_CHOICE, AT(optimizer), {0}, 0, 0, mg_optimiser_names, "NAME", "how parameters are moved"},
    {"lr", MG_OPTION_REAL, AT(lr), {1e-3}, 0, 1e3, NULL, "RATE", "learning rate"},
    {"betas", MG_OPTION_PAIR, AT(betas), {0.9, 0.999}, 0, 0.9999999, NULL, "B1,B2",
     "adam, adamw: decay of both moments"},
    {"eps", MG_OPTION_REAL, AT(eps), {1e-8}, 1e-30, 1, NULL, "X", "adam, adamw, rmsprop: added to the root"},
    {"weight_decay", MG_OPTION_REAL, AT(weight_decay), {0}, 0, 1e3, NULL, "X",
     "decay of the weights; part of the gradient but in adamw"},
    {"momentum", MG_OPTION_REAL, AT(momentum), {0}, 0, 1, NULL, "X", "sgd, rmsprop, rmsprop-tf: momentum"},
    {"nesterov", MG_OPTION_FLAG, AT(nesterov), {0}, 0, 0, NULL, NULL, "sgd: momentum as Nesterov's"},
    {"alpha", MG_OPTION_REAL, AT(alpha), {0.99}, 0, 1, NULL, "X", "rmsprop, rmsprop-tf: decay of the mean square"},
    {"initial", MG_OPTION_REAL, AT(initial), {1}, 0, 1e9, NULL, "X",
     "rmsprop-tf: the mean square before the first update"},
    {"clip", MG_OPTION_REAL, AT(clip), {0}, 0, 1e9, NULL, "NORM", "largest norm of all gradients together; 0: any"},
    {"ema", MG_OPTION_REAL, AT(ema), {0}, 0, 0.9999999, NULL, "X", "keep a running average of the weights; 0: none"},
    {"schedule", MG_OPTION_CHOICE, AT(schedule), {0}, 0, 0, mg_schedule_names, "NAME", "the learning rate over time"},
    {"warmup", MG_OPTION_INT, AT(warmup), {0}, 0, 1e12, NULL, "N",
     "linear, cosine, noam: updates in which the rate rises from 0"},
    {"total", MG_OPTION_INT, AT(total), {0}, 0, 1e12, NULL, "N",
     "linear, cosine: updates until the rate is --final; 0: all"},
    {"final", MG_OPTION_REAL, AT(final), {0}, 0, 1e3, NULL, "RATE",
     "linear, cosine: the rate at the end; plateau, stall: training stops when the rate is below"},
    {"hidden", MG_OPTION_INT, AT(hidden), {512}, 1, 1e9, NULL, "N", NULL},
    {"factor", MG_OPTION_REAL, AT(factor), {10}, 1, 1e9, NULL, "X", "plateau, stall: what the rate is divided by"},
    {"start", MG_OPTION_INT, AT(start), {10}, 0, 1e9, NULL, "N", "plateau: epochs before the first drop"},
    {"window", MG_OPTION_INT, AT(window), {3}, 1, 63, NULL, "N", "plateau: epochs whose losses are looked back at"},
    {"wait", MG_OPTION_INT, AT(wait), {10}, 0, 1e9, NULL, "N",
     "stall: epochs without a better loss that are put up with before a drop"},
    {0},
};

mg_optim mg_optim_defaults(void)
{
    mg_optim o;
    mg_options_default(mg_optim_options, &o);
    return o;
}

/* ---- options that have no effect ---- */

static bool is_among(const char *name, const char *const *names)
{
    while (*names && strcmp(name, *names)) names++;
    return *names != NULL;
}

const char *mg_optim_idle(const mg_optim *o, const char *name, const char **value)
{
    bool is_optimisers = false, is_schedules = false;
    const mg_optimiser_row *optimiser = &mg_optimisers[o->optimizer];
    const mg_schedule_row *schedule = &mg_schedules[o->schedule];
    for (const mg_optimiser_row *row = mg_optimisers; row->name; row++) is_optimisers |= is_among(name, row->heeds);
    for (const mg_schedule_row *row = mg_schedules; row->name; row++) is_schedules |= is_among(name, row->heeds);
    if (is_optimisers && !is_among(name, optimiser->heeds)) return *value = optimiser->name, "optimizer";
    if (is_schedules && !is_among(name, schedule->heeds)) return *value = schedule->name, "schedule";
    return NULL;
}

mg_status mg_optim_check(const mg_optim *o, mg_error *why)
{
    for (int i = 0; i < 2; i++)
        if (!(o->betas[i] >= 0 && o->betas[i] < 1))
            return mg_fail(why, MG_BAD_ARGUMENT, "betas are at least 0 and below 1");
    if (o->nesterov && o->momentum == 0) return mg_fail(why, MG_BAD_ARGUMENT, "nesterov needs a momentum");
    if (mg_schedules[o->schedule].has_end && o->total <= o->warmup)
        return mg_fail(why, MG_BAD_ARGUMENT, "a %s schedule needs a total above its warm-up",
                       mg_schedules[o->schedule].name);
    return MG_OK;
}
