/* SPDX-License-Identifier: MIT */
/* The rows of optimisers and schedules. */
#ifndef OPTIM_TABLES_H
#define OPTIM_TABLES_H

#include <mgen/optim.h>

#include "kernel/kernel.h"

enum { MG_MOST_HEEDED = 4 };
typedef struct {
    const char *name;
    double (*rate)(const mg_optim *optim, double t);
    bool has_end; /* needs `total` */
    /* After the next epoch: whether its loss makes the rate drop. NULL: it never does. */
    bool (*drops)(mg_plateau *plateau, const mg_optim *optim, double loss);
    const char *heeds[MG_MOST_HEEDED + 1]; /* the options that mean something to it, of those that some heed */
} mg_schedule_row;
extern const mg_schedule_row mg_schedules[];
extern const char *const mg_schedule_names[];

enum { MG_MOST_SLOTS = 2 };
typedef struct {
    const char *name;
    const char *slots[MG_MOST_SLOTS + 1]; /* what it always remembers */
    bool has_momentum;                    /* one slot more, "buf", where momentum is not 0 */
    /* The numbers of update t that are the same for all parameters. */
    mg_update (*prepare)(const mg_optim *optim, double t, double rate);
    size_t kernel;                        /* offset of an mg_update_fn in mg_kernels */
    bool has_initial;                     /* its first slot starts at `initial`, not at 0 */
    const char *heeds[MG_MOST_HEEDED + 1]; /* as above */
} mg_optimiser_row;
extern const mg_optimiser_row mg_optimisers[];
extern const char *const mg_optimiser_names[];

#endif
