/* SPDX-License-Identifier: MIT */
/* Weights in 8 bits: how they lie, and the plain product by them that kernel/fast/int8.c is held to. */
#include "kernel/kernel.h"

#include <float.h>
#include <math.h>
#include <string.h>

#ifdef MG_REAL_double
#define real_fma fma
#else
#define real_fma fmaf
#endif

enum { BLOCK = MG_INT8_BLOCK, QUAD = MG_INT8_QUAD };

static int64_t up(int64_t n, int64_t grain) { return (n + grain - 1) / grain * grain; }

size_t mg_int8_bytes(int64_t k, int64_t n)
{
    return (size_t)(up(up(k, QUAD) * up(n, BLOCK), 64) + up(n, BLOCK) * (int64_t)sizeof(mg_real));
}

/* Where b[l, j] lies among the numbers. */
static int64_t place(int64_t k, int64_t l, int64_t j)
{
    return (j / BLOCK * up(k, QUAD) + l / QUAD * QUAD) * BLOCK + j % BLOCK * QUAD + l % QUAD;
}

mg_real mg_int8_step(mg_real largest)
{
    mg_real step = largest / 127;
    return step < FLT_MIN ? 0 : step;
}

static mg_real step_of(int64_t n, const mg_real *x, int64_t stride)
{
    mg_real largest = 0, unsound = 0;
    for (int64_t i = 0; i < n; i++) {
        mg_real size = x[i * stride] < 0 ? -x[i * stride] : x[i * stride];
        if (size > largest) largest = size;
        unsound += size * 0; /* a NaN where there is one, or an infinity */
    }
    return mg_int8_step(largest + unsound);
}

static int8_t in_steps(mg_real x, mg_real step) { return (int8_t)(step > 0 ? lrint((double)(x / step)) : 0); }

mg_int8 mg_int8_pack(int64_t k, int64_t n, const mg_matrix *b, void *memory)
{
    int8_t *q = memory;
    mg_real *step = (mg_real *)(void *)(q + up(up(k, QUAD) * up(n, BLOCK), 64));
    memset(memory, 0, mg_int8_bytes(k, n));
    for (int64_t j = 0; j < n; j++) {
        const mg_real *column = b->p + j * b->step_col;
        step[j] = step_of(k, column, b->step_row);
        for (int64_t l = 0; l < k; l++) q[place(k, l, j)] = in_steps(column[l * b->step_row], step[j]);
    }
    return (mg_int8){q, step};
}

mg_int8 mg_int8_from(const mg_int8 *b, int64_t k, int64_t j)
{
    return (mg_int8){b->q + j * up(k, QUAD), b->step + j};
}

size_t mg_int8_scratch(int64_t m, int64_t k) { return (size_t)(m * (up(k, 64) / (int64_t)sizeof(mg_real) + 2)); }

void mg_int8_product(const mg_product_call *p)
{
    for (int64_t i = 0; i < p->m; i++) {
        const mg_real *a = p->a.p + i * p->a.step_row;
        int8_t *q = (int8_t *)(void *)p->scratch;
        mg_real step = step_of(p->k, a, 1);
        for (int64_t l = 0; l < p->k; l++) q[l] = in_steps(a[l], step);
        for (int64_t j = 0; j < p->n; j++) {
            int32_t sum = 0;
            for (int64_t l = 0; l < p->k; l++) sum += q[l] * p->packed.int8.q[place(p->k, l, j)];
            mg_real start = p->start ? p->start[i * p->start_row + j] : 0;
            p->c[i * p->ldc + j] = real_fma((mg_real)sum, step * p->packed.int8.step[j], start);
        }
    }
}
