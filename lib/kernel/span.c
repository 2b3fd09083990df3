/* SPDX-License-Identifier: MIT */
/* Going through strided tensors in runs of contiguous numbers, so that the loops of the table need to know no
   strides. */
#include "kernel/kernel.h"

#include <assert.h>
#include <string.h>

enum { BLOCK = 512 }; /* elements of a strided input that are gathered at a time */

int64_t mg_span_count(const mg_span *span)
{
    int64_t n = 1;
    for (int d = 0; d < span->rank; d++) n *= span->dim[d];
    return n;
}

bool mg_span_is_dense(const mg_span *span)
{
    int64_t step = 1;
    for (int d = span->rank - 1; d >= 0; d--) {
        if (span->dim[d] != 1 && span->stride[d] != step) return false;
        step *= span->dim[d];
    }
    return true;
}

/* Several spans of one shape with their axes merged as far as the strides allow, walked together. */
enum { MOST = 4 };
typedef struct {
    int n, rank;
    int64_t dim[MG_RANK + 1], stride[MOST][MG_RANK + 1];
    int64_t place[MG_RANK + 1], at[MOST]; /* of the run that is next */
} walk;

static bool can_merge(const walk *w, const mg_span *const spans[], int d)
{
    for (int i = 0; i < w->n; i++)
        if (w->stride[i][w->rank - 1] != spans[i]->stride[d] * spans[i]->dim[d]) return false;
    return true;
}

static walk walk_start(const mg_span *const spans[], int n)
{
    walk w = {.n = n};
    for (int d = 0; d < spans[0]->rank; d++) {
        if (spans[0]->dim[d] == 1) continue;
        if (w.rank > 0 && can_merge(&w, spans, d)) {
            w.dim[w.rank - 1] *= spans[0]->dim[d];
        } else {
            w.dim[w.rank++] = spans[0]->dim[d];
        }
        for (int i = 0; i < n; i++) w.stride[i][w.rank - 1] = spans[i]->stride[d];
    }
    if (w.rank == 0) {
        w.dim[w.rank++] = 1;
        for (int i = 0; i < n; i++) w.stride[i][0] = 1;
    }
    return w;
}

/* Step to the next run along the last axis; false at the end. */
static bool walk_next(walk *w)
{
    for (int d = w->rank - 2; d >= 0; d--) {
        for (int i = 0; i < w->n; i++) w->at[i] += w->stride[i][d];
        if (++w->place[d] < w->dim[d]) return true;
        for (int i = 0; i < w->n; i++) w->at[i] -= w->stride[i][d] * w->dim[d];
        w->place[d] = 0;
    }
    return false;
}

static void gather(mg_real *to, const mg_real *from, int64_t stride, int64_t n)
{
    if (stride == 0)
        for (int64_t i = 0; i < n; i++) to[i] = *from;
    else
        for (int64_t i = 0; i < n; i++) to[i] = from[i * stride];
}

static void each_run(mg_each_fn f, const walk *w, const mg_span *const spans[], mg_real p, mg_real q)
{
    mg_real store[MOST - 1][BLOCK];
    const mg_real *in[MOST - 1] = {NULL};
    int last = w->rank - 1;
    int64_t n = w->dim[last], block = n;
    for (int i = 1; i < w->n; i++)
        if (w->stride[i][last] != 1) block = BLOCK;
    mg_real *y = (mg_real *)spans[0]->p + w->at[0];
    for (int64_t from = 0; from < n; from += block) {
        int64_t count = n - from < block ? n - from : block;
        for (int i = 1; i < w->n; i++) {
            int64_t stride = w->stride[i][last];
            in[i - 1] = (const mg_real *)spans[i]->p + w->at[i] + from * stride;
            if (stride == 1) continue;
            /* A number that is the same for the whole run need be spread only once. */
            if (stride != 0 || from == 0) gather(store[i - 1], in[i - 1], stride, count);
            in[i - 1] = store[i - 1];
        }
        f(count, y + from, in[0], in[1], in[2], p, q);
    }
}

static const int inputs_of[MG_EACH_COUNT] = {
#define E(name, inputs, value) [MG_EACH_##name] = inputs,
    MG_EACH_LIST(E)
#undef E
};

void mg_span_each(mg_each_what what, const mg_span *y, const mg_span *const in[], mg_real p, mg_real q)
{
    const mg_span *spans[MOST] = {y};
    for (int i = 0; i < inputs_of[what]; i++) spans[i + 1] = in[i];
    if (mg_span_count(y) == 0) return;
    walk w = walk_start(spans, 1 + inputs_of[what]);
    mg_each_fn f = mg_kernels_now()->each[what];
    do each_run(f, &w, spans, p, q);
    while (walk_next(&w));
}

void mg_span_copy(const mg_span *y, const mg_span *x, size_t size)
{
    const mg_span *spans[] = {y, x};
    if (mg_span_count(y) == 0) return;
    walk w = walk_start(spans, 2);
    int last = w.rank - 1;
    int64_t n = w.dim[last], bytes = (int64_t)size, to_step = w.stride[0][last], from_step = w.stride[1][last];
    do {
        char *to = (char *)y->p + w.at[0] * bytes;
        const char *from = (const char *)x->p + w.at[1] * bytes;
        if (to_step == 1 && from_step == 1)
            memcpy(to, from, (size_t)n * size);
        else if (to_step == 1 && size == sizeof(mg_real))
            gather((mg_real *)(void *)to, (const mg_real *)(const void *)from, from_step, n);
        else
            for (int64_t i = 0; i < n; i++) memcpy(to + i * to_step * bytes, from + i * from_step * bytes, size);
    } while (walk_next(&w));
}

/* ---- reductions ---- */

static mg_real largest(int64_t n, const mg_real *x)
{
    mg_real y = x[0];
    for (int64_t i = 1; i < n; i++) y = x[i] > y || x[i] != x[i] ? x[i] : y;
    return y;
}

/* y with the strides that let it be walked along with x: 0 on the axes that are reduced. */
static mg_span along(const mg_span *y, const mg_span *x)
{
    mg_span s = *x;
    s.p = y->p;
    for (int d = 0; d < x->rank; d++) s.stride[d] = y->dim[d] == x->dim[d] ? y->stride[d] : 0;
    return s;
}

typedef mg_real (*fold_fn)(int64_t n, const mg_real *x);

static void reduce(const mg_span *y, const mg_span *x, mg_each_what pairwise, fold_fn fold, mg_real start)
{
    mg_real *to = y->p;
    for (int64_t i = 0, n = mg_span_count(y); i < n; i++) to[i] = start;
    if (mg_span_count(x) == 0) return;
    const mg_kernels *k = mg_kernels_now();
    mg_span target = along(y, x);
    const mg_span *spans[] = {&target, x};
    walk w = walk_start(spans, 2);
    int last = w.rank - 1;
    int64_t n = w.dim[last], stride = w.stride[1][last];
    mg_real store[BLOCK];
    do {
        mg_real *out = to + w.at[0];
        for (int64_t from = 0, count; from < n; from += count) {
            const mg_real *in = (const mg_real *)x->p + w.at[1] + from * stride;
            count = stride == 1 || n - from < BLOCK ? n - from : BLOCK;
            if (stride != 1) {
                gather(store, in, stride, count);
                in = store;
            }
            if (w.stride[0][last] == 0) {
                mg_real part = fold(count, in);
                k->each[pairwise](1, out, out, &part, NULL, 0, 0);
            } else { /* the last axis stays: whole rows meet */
                assert(w.stride[0][last] == 1);
                k->each[pairwise](count, out + from, out + from, in, NULL, 0, 0);
            }
        }
    } while (walk_next(&w));
}

void mg_span_sum(const mg_span *y, const mg_span *x) { reduce(y, x, MG_EACH_add, mg_kernels_now()->sum, 0); }

void mg_span_max(const mg_span *y, const mg_span *x)
{
    reduce(y, x, MG_EACH_max, largest, -(mg_real)__builtin_inf());
}
