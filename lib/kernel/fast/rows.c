/* SPDX-License-Identifier: MIT */
/* Sums by 16 lanes, and what is normalised row by row. */
#include "kernel/fast/fast.h"
#include "kernel/fast/functions.h"

enum { PIECE = 4096 };

static float sum_piece(int64_t n, const float *x)
{
    vec lane[VECTORS] = {{0}};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int v = 0; v < VECTORS; v++) lane[v] += v_load(x + i + v * WIDTH);
    for (int v = 0; i < n; v++, i += WIDTH) lane[v] += v_load_some(x + i, n - i < WIDTH ? n - i : WIDTH);
    return v_tree(lane);
}

mg_real MG_K(sum)(int64_t n, const mg_real *x)
{
    float total = 0;
    for (int64_t from = 0; from < n; from += PIECE) total += sum_piece(n - from < PIECE ? n - from : PIECE, x + from);
    return total;
}

static float largest(int64_t n, const float *x)
{
    vec top = v_all(x[0]);
    int64_t i = 0;
    for (; i + WIDTH <= n; i += WIDTH) top = v_choose(v_load(x + i) > top, v_load(x + i), top);
    float y = x[0];
    for (int l = 0; l < WIDTH; l++) y = top[l] > y ? top[l] : y;
    for (; i < n; i++) y = x[i] > y ? x[i] : y;
    return y;
}

static void exp_of_difference(int64_t n, float *y, const float *x, float shift)
{
    int64_t i = 0;
    for (; i + WIDTH <= n; i += WIDTH) v_store(y + i, v_exp(v_load(x + i) - shift));
    if (i < n) v_store_some(y + i, v_exp(v_load_some(x + i, n - i) - shift), n - i);
}

void MG_K(softmax)(int64_t n, mg_real *y, const mg_real *x)
{
    exp_of_difference(n, y, x, largest(n, x));
    float total = MG_K(sum)(n, y);
    for (int64_t i = 0; i < n; i++) y[i] /= total;
}

void MG_K(log_softmax)(int64_t n, mg_real *y, const mg_real *x)
{
    float top = largest(n, x), log_sum;
    exp_of_difference(n, y, x, top);
    float total = MG_K(sum)(n, y);
    MG_K(each_log)(1, &log_sum, &total, NULL, NULL, 0, 0);
    float shift = top + log_sum;
    for (int64_t i = 0; i < n; i++) y[i] = x[i] - shift;
}
