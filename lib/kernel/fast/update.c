/* SPDX-License-Identifier: MIT */
/* Updates of one parameter, as the compiler vectorises them; the formulas stand in optim/optimisers.c. */
#include "kernel/fast/fast.h"

void MG_K(sgd)(int64_t n, mg_real *w, const mg_real *g, mg_real *buf, mg_real *unused, const mg_update *u)
{
    (void)unused;
    const mg_update by = *u;
    if (!buf)
        for (int64_t i = 0; i < n; i++) w[i] -= by.rate * (g[i] + by.l2 * w[i]);
    else
        for (int64_t i = 0; i < n; i++) {
            mg_real d = g[i] + by.l2 * w[i];
            buf[i] = by.is_first ? d : by.momentum * buf[i] + d;
            w[i] -= by.rate * (by.is_nesterov ? d + by.momentum * buf[i] : buf[i]);
        }
}

void MG_K(adam)(int64_t n, mg_real *w, const mg_real *g, mg_real *m, mg_real *v, const mg_update *u)
{
    const mg_update by = *u;
    for (int64_t i = 0; i < n; i++) {
        mg_real d = g[i] + by.l2 * w[i];
        m[i] = by.beta1 * m[i] + by.gain1 * d;
        v[i] = by.beta2 * v[i] + by.gain2 * d * d;
        w[i] = w[i] * by.decay - by.rate * m[i] / (__builtin_sqrtf(v[i]) * by.root_scale + by.eps);
    }
}

void MG_K(rmsprop)(int64_t n, mg_real *w, const mg_real *g, mg_real *s, mg_real *buf, const mg_update *u)
{
    const mg_update by = *u;
    for (int64_t i = 0; i < n; i++) {
        mg_real d = g[i] + by.l2 * w[i];
        s[i] = by.beta2 * s[i] + by.gain2 * d * d;
        d /= by.has_eps_inside ? __builtin_sqrtf(s[i] + by.eps) : __builtin_sqrtf(s[i]) + by.eps;
        if (buf) d = buf[i] = by.momentum * buf[i] + d;
        w[i] -= by.rate * d;
    }
}

/* 16 lanes over pieces of 4096, as sum has them, in double. */
double MG_K(squares)(int64_t n, const mg_real *x)
{
    enum { LANES = 16, PIECE = 4096 };
    double total = 0;
    for (int64_t from = 0; from < n; from += PIECE) {
        double lane[LANES] = {0};
        int64_t end = n - from < PIECE ? n : from + PIECE, i = from;
        for (; i + LANES <= end; i += LANES)
            for (int l = 0; l < LANES; l++) lane[l] += (double)x[i + l] * (double)x[i + l];
        for (int l = 0; i < end; i++, l++) lane[l] += (double)x[i] * (double)x[i];
        for (int half = LANES / 2; half > 0; half /= 2)
            for (int l = 0; l < half; l++) lane[l] += lane[l + half];
        total += lane[0];
    }
    return total;
}

void MG_K(blend)(int64_t n, mg_real *y, const mg_real *x, mg_real keep, mg_real gain)
{
    for (int64_t i = 0; i < n; i++) y[i] = keep * y[i] + gain * x[i];
}
