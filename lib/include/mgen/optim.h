/* SPDX-License-Identifier: MIT */
/** Optimisers, schedules, clipping and averaging, each a row of a table. Definitions are PyTorch's; t counts updates
    from 1 and g is the gradient after clipping. */
#ifndef MGEN_OPTIM_H
#define MGEN_OPTIM_H

#include <mgen/tensor.h>
#include <mgen/text.h>

MG_PUBLIC_BEGIN

/** How parameters are moved. Members as in a configuration's JSON. */
typedef struct {
    int optimizer;         /**< row of the table: "adam" ... */
    double lr, betas[2], eps, weight_decay, momentum, alpha, initial;
    bool nesterov;
    double clip;           /**< largest norm of all gradients together, 0: none */
    double ema;            /**< weight of the old value in a running average of the parameters, 0: none */
    int schedule;          /**< row of the table: "constant" ... */
    int64_t warmup, total; /**< updates */
    double final;          /**< the rate at the end of a schedule; below it, one that drops is over */
    int64_t hidden;        /**< noam: width of the model */
    double factor;         /**< plateau, stall: what the rate is divided by */
    int64_t start, window; /**< plateau: epochs before the first drop; losses looked back at, at most 64 */
    int64_t wait;          /**< stall: epochs without a better loss that are put up with */
} mg_optim;

extern const mg_option mg_optim_options[];
mg_optim mg_optim_defaults(void);
/** Whether the members fit each other (a cosine schedule that ends before its warm-up does not). */
mg_status mg_optim_check(const mg_optim *optim, mg_error *why);
/** The option that leaves the option `name` without effect, "optimizer" or "schedule", and its value that does; NULL if
    none does. */
const char *mg_optim_idle(const mg_optim *optim, const char *name, const char **value);

/* ---- schedules ---- */

/** The rate of update t: `lr` by the schedule, divided by what plateaus have asked for so far. */
double mg_optim_rate(const mg_optim *optim, uint64_t t, double divisor);

/** Epochs so far, for the schedules that drop: plateau, stall. Zero to start. */
typedef struct {
    int64_t epochs;
    double divisor;    /**< 0 at the start, meaning 1 */
    double losses[64]; /**< plateau: the last ones, loss of epoch e at e % 64 */
    double best;       /**< stall: the lowest loss so far */
    int64_t waited;    /**< stall: epochs since then, or since the last drop */
} mg_plateau;

/** After an epoch. plateau: where its loss is above the largest of the `window` before it, the rate drops by `factor`;
    stall: where more than `wait` epochs did not better the lowest loss by 1e-4 of it (PyTorch's ReduceLROnPlateau).
    Returns the divisor from now on. Does nothing for other schedules. */
double mg_plateau_tell(mg_plateau *plateau, const mg_optim *optim, double loss);
/** Whether a schedule that drops has come below `final` at update t. */
bool mg_optim_is_over(const mg_optim *optim, uint64_t t, double divisor);

/* ---- steps ---- */

/** Which numbers an optimiser remembers for a parameter: "m", "v"; NULL past the end. */
const char *mg_optim_slot(const mg_optim *optim, int i);

/** Slots for every parameter as they start: named PARAMETER/SLOT. */
mg_status mg_optim_slots(const mg_optim *optim, const mg_tensor_set *params, mg_tensor_set *slots, mg_error *why);

/** sqrt of the sum of squares of all numbers, in double, by up to `threads`, which do not show in it. */
double mg_optim_norm(const mg_tensor_set *grads, int threads);
/** What gradients of this norm are clipped by: min(1, clip / (norm + 1e-6)); 1 where clip is 0. */
double mg_optim_clip(const mg_optim *optim, double norm);
/** Update t (from 1) of all parameters at `rate` by `scale` times their gradients, by up to `threads`. The sets have
    the same names. */
void mg_optim_step(const mg_optim *optim, uint64_t t, double rate, double scale, int threads, mg_tensor_set *params,
                   const mg_tensor_set *grads, mg_tensor_set *slots);
/** Every parameter is kept within -most .. most (Arjovsky et al. 2017). */
void mg_optim_clip_weights(double most, mg_tensor_set *params);
/** average = ema average + (1 - ema) params. */
void mg_optim_average(const mg_optim *optim, mg_tensor_set *average, const mg_tensor_set *params);

MG_PUBLIC_END
#endif
