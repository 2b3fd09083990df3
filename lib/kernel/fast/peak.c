/* SPDX-License-Identifier: MIT */
/* What the processor can do at most: multiply-adds that wait for nothing but each other, and reads in a row. */
#include "kernel/fast/fast.h"
#include "kernel/fast/vector.h"

enum { CHAINS = 12 }; /* two units, latency of four to five: ten or more are needed, sixteen registers are there */

float MG_K(peak_fma)(int64_t rounds)
{
    vec x[CHAINS], factor = v_all(0.999999f), term = v_all(1e-6f), sum = {0};
    float lanes[WIDTH];
    for (int i = 0; i < CHAINS; i++) x[i] = v_all((float)i);
    for (int64_t r = 0; r < rounds; r++)
        for (int i = 0; i < CHAINS; i++) x[i] = v_fma(x[i], factor, term);
    for (int i = 0; i < CHAINS; i++) sum += x[i];
    v_store(lanes, sum);
    return lanes[0]; /* so that it is computed */
}

int64_t MG_K(peak_fma_flops)(void) { return 2 * CHAINS * WIDTH; }

/* n is a multiple of 8 * 16. */
float MG_K(peak_read)(int64_t n, const float *p)
{
    vec sum[8] = {{0}};
    float lanes[WIDTH];
    for (int64_t at = 0; at < n; at += 8 * WIDTH)
        for (int i = 0; i < 8; i++) sum[i] += v_load(p + at + i * WIDTH);
    for (int i = 1; i < 8; i++) sum[0] += sum[i];
    v_store(lanes, sum[0]);
    return lanes[0];
}
