/* SPDX-License-Identifier: MIT */
/* Rows by number, and random numbers by place. */
#include "kernel/kernel.h"

#include <string.h>

static int64_t row_of(const mg_row_call *call, int64_t k)
{
    int64_t i = call->index[k];
    return i < 0 ? 0 : i < call->rows ? i : call->rows - 1;
}

void mg_rows_gather(const mg_row_call *call, mg_real *y, const mg_real *x)
{
    for (int64_t b = 0; b < call->batch; b++, x += call->rows * call->width)
        for (int64_t k = b * call->picks; k < (b + 1) * call->picks; k++)
            memcpy(y + k * call->width, x + row_of(call, k) * call->width, (size_t)call->width * sizeof *y);
}

void mg_rows_scatter(const mg_row_call *call, mg_real *y, const mg_real *x)
{
    mg_each_fn add = mg_kernels_now()->each[MG_EACH_add];
    memset(y, 0, (size_t)(call->batch * call->rows * call->width) * sizeof *y);
    for (int64_t b = 0; b < call->batch; b++, y += call->rows * call->width)
        for (int64_t k = b * call->picks; k < (b + 1) * call->picks; k++) {
            mg_real *to = y + row_of(call, k) * call->width;
            add(call->width, to, to, x + k * call->width, NULL, 0, 0);
        }
}

void mg_fill_uniform(int64_t outer, int64_t examples, int64_t inner, uint64_t seed, const char *name, uint64_t record,
                     mg_real *y)
{
    for (int64_t e = 0; e < examples; e++) {
        mg_random random = mg_random_at(seed, name, record + (uint64_t)e);
        for (int64_t o = 0; o < outer; o++)
            for (int64_t i = 0; i < inner; i++)
                y[(o * examples + e) * inner + i] = (mg_real)(mg_random_bits(&random) >> 8) * (mg_real)0x1p-24;
    }
}
