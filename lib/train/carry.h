/* SPDX-License-Identifier: MIT */
/* States that are carried from one batch to the next, a row of each for every row of a batch. */
#ifndef TRAIN_CARRY_H
#define TRAIN_CARRY_H

#include <mgen/train.h>

/* Zeros for the states of a model, for `rows` rows. MG_BAD_ARGUMENT if it has none, or several phases. */
mg_status mg_carry_open(const mg_model *model, const void *config, int64_t rows, mg_tensor_set *states, mg_error *why);
/* All rows are zero. */
void mg_carry_forget(mg_tensor_set *states);
/* Rows first .. first + n into an instance's states, zeros where a row does not continue. */
void mg_carry_begin(const mg_tensor_set *states, const bool *continues, int64_t first, int64_t n,
                    mg_instance *instance);
/* And back after the run. */
void mg_carry_end(mg_tensor_set *states, int64_t first, int64_t n, mg_instance *instance);

#endif
