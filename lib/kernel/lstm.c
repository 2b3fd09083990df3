/* SPDX-License-Identifier: MIT */
/* An LSTM over time for a batch: one skinny product a step, whose weight is packed once for all steps, then the gates
   row by row. */
#include "kernel/kernel.h"

#include <string.h>

/* Of one step there is no need to pack. */
static size_t panels_of(int64_t steps, int64_t k, int64_t n) { return steps > 1 ? mg_panels_size(k, n) : 0; }

size_t mg_lstm_scratch(int64_t steps, int64_t batch, int64_t units)
{
    return panels_of(steps, units, 4 * units) + (size_t)(batch * 4 * units);
}

size_t mg_lstm_back_scratch(int64_t steps, int64_t units)
{
    return panels_of(steps, 4 * units, units) + (size_t)(2 * units);
}

/* A product of `batch` rows by b [k, n], packed where there are several steps. */
static mg_product_call step_product(int64_t steps, int64_t batch, int64_t n, int64_t k, mg_matrix b, mg_real *panels)
{
    mg_product_call call = {.m = batch, .n = n, .k = k, .a = {NULL, k, 1}, .b = b, .ldc = n, .adds = true};
    if (steps > 1) {
        mg_kernels_now()->pack(k, n, &b, panels);
        call.panels = panels;
    }
    return call;
}

void mg_lstm_forward(const mg_lstm_call *p)
{
    const mg_kernels *kernels = mg_kernels_now();
    int64_t n = p->units, size = p->batch * n;
    mg_real *gates = p->scratch + panels_of(p->steps, n, 4 * n);
    mg_product_call product = step_product(p->steps, p->batch, 4 * n, n, (mg_matrix){p->w, 1, n}, p->scratch);
    product.c = gates;
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
    mg_real *dh = p->dh0 + b * n, *dc = p->dc0 + b * n, *dpre = p->dpre + at * 4 * n;
    mg_real *nothing = p->scratch + panels_of(p->steps, 4 * n, n);
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
    memset(p->scratch + panels_of(p->steps, 4 * n, n), 0, (size_t)(2 * n) * sizeof *p->scratch);
    mg_product_call product = step_product(p->steps, p->batch, n, 4 * n, (mg_matrix){p->w, n, 1}, p->scratch);
    product.c = p->dh0;
    for (int64_t t = p->steps; t-- > 0;) {
        if (p->dy) add(size, p->dh0, p->dh0, p->dy + t * size, NULL, 0, 0);
        if (p->dc) add(size, p->dc0, p->dc0, p->dc + t * size, NULL, 0, 0);
        for (int64_t b = 0; b < p->batch; b++) back_row(p, t, b, kernels);
        product.a.p = p->dpre + t * 4 * size;
        mg_product(&product);
    }
}
