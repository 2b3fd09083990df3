/* SPDX-License-Identifier: MIT */
/* An LSTM over time for a batch: one skinny product a step, then the gates row by row. */
#include "kernel/kernel.h"

#include <string.h>

enum { MARGIN = 16 }; /* added to rows that might be a power of two long, which caches take badly */

size_t mg_lstm_scratch(int64_t steps, int64_t batch, int64_t units)
{
    size_t turned = steps > 1 ? (size_t)(units * (4 * units + MARGIN)) : 0;
    return turned + (size_t)(batch * 4 * units) + 2 * (size_t)units;
}

/* w^T, row by row; its rows are then read one after the other at every step. */
static void turn(mg_real *to, const mg_real *w, int64_t units)
{
    mg_span x = {(void *)(uintptr_t)w, 2, {units, 4 * units}, {1, units}};
    mg_span y = {to, 2, {units, 4 * units}, {4 * units + MARGIN, 1}};
    mg_span_copy(&y, &x, sizeof *to);
}

void mg_lstm_forward(const mg_lstm_call *p)
{
    const mg_kernels *kernels = mg_kernels_now();
    int64_t n = p->units, size = p->batch * n;
    mg_real *gates = p->scratch, *turned = gates + 4 * size + 2 * n;
    mg_product_call product = {.m = p->batch, .n = 4 * n, .k = n, .a = {NULL, n, 1}, .b = {p->w, 1, n},
                               .c = gates, .ldc = 4 * n, .adds = true};
    if (p->steps > 1) {
        turn(turned, p->w, n);
        product.b = (mg_matrix){turned, 4 * n + MARGIN, 1};
    }
    const mg_real *h = p->h0, *c = p->c0;
    for (int64_t t = 0; t < p->steps; t++) {
        mg_real *y = p->y + t * size, *next = p->c + t * size;
        memcpy(gates, p->pre + t * 4 * size, (size_t)(4 * size) * sizeof *gates);
        product.a.p = h;
        mg_product(&product);
        for (int64_t b = 0; b < p->batch; b++) {
            kernels->lstm_row(n, &(mg_lstm_row){.pre = gates + b * 4 * n, .c_before = c + b * n,
                                                .act = p->act + (t * p->batch + b) * 4 * n, .c = next + b * n,
                                                .h = y + b * n});
            if (p->mask[t * p->batch + b] != 0) continue;
            memcpy(y + b * n, h + b * n, (size_t)n * sizeof *y);
            memcpy(next + b * n, c + b * n, (size_t)n * sizeof *y);
        }
        h = y;
        c = next;
    }
}

/* One sequence, one step. A masked step hands its cotangents on; what its activations get still reaches dpre. */
static void back_row(const mg_lstm_back_call *p, int64_t t, int64_t b, const mg_kernels *kernels)
{
    int64_t n = p->units, at = t * p->batch + b;
    mg_real *dh = p->dh0 + b * n, *dc = p->dc0 + b * n, *dpre = p->dpre + at * 4 * n, *nothing = p->scratch;
    bool is_here = p->mask[at] != 0;
    mg_lstm_back_row row = {.act = p->act + at * 4 * n, .c = p->c + at * n,
                            .c_before = t > 0 ? p->c + (at - p->batch) * n : p->c0 + b * n,
                            .dh = is_here ? dh : nothing, .dact = p->dact ? p->dact + at * 4 * n : NULL,
                            .dpre = dpre, .dc = is_here ? dc : nothing + n};
    if (is_here || p->dact) kernels->lstm_back_row(n, &row);
    else memset(dpre, 0, (size_t)(4 * n) * sizeof *dpre);
    if (is_here) memset(dh, 0, (size_t)n * sizeof *dh);
    else memset(nothing, 0, (size_t)(2 * n) * sizeof *nothing);
}

void mg_lstm_backward(const mg_lstm_back_call *p)
{
    const mg_kernels *kernels = mg_kernels_now();
    mg_each_fn add = kernels->each[MG_EACH_add];
    int64_t n = p->units, size = p->batch * n;
    memset(p->dh0, 0, (size_t)size * sizeof *p->dh0);
    memset(p->dc0, 0, (size_t)size * sizeof *p->dc0);
    memset(p->scratch, 0, (size_t)(2 * n) * sizeof *p->scratch);
    for (int64_t t = p->steps; t-- > 0;) {
        if (p->dy) add(size, p->dh0, p->dh0, p->dy + t * size, NULL, 0, 0);
        if (p->dc) add(size, p->dc0, p->dc0, p->dc + t * size, NULL, 0, 0);
        for (int64_t b = 0; b < p->batch; b++) back_row(p, t, b, kernels);
        mg_product(&(mg_product_call){.m = p->batch, .n = n, .k = 4 * n, .a = {p->dpre + t * 4 * size, 4 * n, 1},
                                      .b = {p->w, n, 1}, .c = p->dh0, .ldc = n, .adds = true});
    }
}
