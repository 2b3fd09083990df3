/* SPDX-License-Identifier: MIT */
/* What the bench programs share: a clock, the median, the record that they print. */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <mgen/base.h>
#include <mgen/tensor.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline double bench_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline int bench_by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline double bench_median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, bench_by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* Seconds of a call that computes `flops`: the median of batches long enough for the clock. */
static inline double bench_seconds(void (*run)(void *user), void *user, double flops)
{
    enum { TRIES = 7 };
    double taken[TRIES];
    int rounds = 1 + (int)(2e8 / flops);
    run(user);
    for (int t = 0; t < TRIES; t++) {
        double start_s = bench_now_s();
        for (int i = 0; i < rounds; i++) run(user);
        taken[t] = (bench_now_s() - start_s) / rounds;
    }
    return bench_median(taken, TRIES);
}

/* Numbers around 0, on a 64-byte boundary as all tensors are. */
static inline mg_real *bench_numbers(int64_t n, void **block)
{
    mg_real *x = mg_aligned((size_t)n * sizeof *x, block);
    if (!x) exit(3);
    for (int64_t i = 0; i < n; i++) x[i] = (mg_real)((i * 7919 % 1009) - 504) / 5040;
    return x;
}

/* As the tools do: memory is kept between files. */
static inline void bench_start(void)
{
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
}

static inline void bench_print(const char *name, double value, const char *unit)
{
    printf("{\"kind\":\"bench\",\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"cpu\":\"%s\","
           "\"class\":\"%s\"}\n",
           name, value, unit, mg_cpu_model(), mg_cpu_name(mg_cpu_class()));
    fflush(stdout);
}

#endif
