/* SPDX-License-Identifier: MIT */
/* What the bench programs share: a clock, the median, the record that they print. */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <mgen/base.h>

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
