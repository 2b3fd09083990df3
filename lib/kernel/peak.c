/* SPDX-License-Identifier: MIT */
/* The machine's own peaks, measured: what speeds are held against. */
#include "kernel/kernel.h"

#include <string.h>

enum { TRIES = 5, READ_PIECES = 64 };

#define PEAKS(cpu)                                \
    float mg_peak_fma_##cpu(int64_t rounds);      \
    int64_t mg_peak_fma_flops_##cpu(void);        \
    float mg_peak_read_##cpu(int64_t n, const float *p);
PEAKS(baseline)
#ifdef __x86_64__
PEAKS(avx2)
PEAKS(avx512)
#endif

typedef struct {
    float (*fma)(int64_t rounds);
    int64_t (*flops)(void);
    float (*read)(int64_t n, const float *p);
} peaks;

static const peaks of_class[MG_CPU_CLASSES] = {
#define ROW(cpu) {mg_peak_fma_##cpu, mg_peak_fma_flops_##cpu, mg_peak_read_##cpu}
    [MG_CPU_BASELINE] = ROW(baseline),
#ifdef __x86_64__
    [MG_CPU_AVX2] = ROW(avx2),
    [MG_CPU_AVX512] = ROW(avx512),
#endif
};

static volatile float sink; /* what was computed must go somewhere */

/* ---- multiply-adds ---- */

typedef struct {
    const peaks *peaks;
    int64_t rounds;
} fma_work;

static void run_fma(void *user, size_t i)
{
    const fma_work *work = user;
    (void)i;
    float result = work->peaks->fma(work->rounds);
    if (result == 12345.0f) sink = result;
}

double mg_peak_gflops(mg_cpu cpu, int threads)
{
    fma_work work = {&of_class[cpu], 4000000};
    double best = 0;
    if (cpu > mg_cpu_best()) return 0;
    for (int t = 0; t < TRIES; t++) {
        double start = mg_now_s();
        mg_each(threads, (size_t)threads, run_fma, &work);
        double rate = (double)threads * (double)work.rounds * (double)work.peaks->flops() / (mg_now_s() - start) / 1e9;
        if (rate > best) best = rate;
    }
    return best;
}

/* ---- reads ---- */

typedef struct {
    const peaks *peaks;
    const float *data;
    int64_t per_piece;
} read_work;

static void run_read(void *user, size_t i)
{
    const read_work *work = user;
    float result = work->peaks->read(work->per_piece, work->data + (int64_t)i * work->per_piece);
    if (result == 12345.0f) sink = result;
}

mg_status mg_peak_read_gbs(int threads, double *gbs)
{
    size_t n = (size_t)1 << 26; /* 256 MiB: more than the caches hold */
    read_work work = {&of_class[mg_cpu_class()], NULL, (int64_t)(n / READ_PIECES)};
    float *data = mg_alloc(n, sizeof *data);
    if (!data) return MG_NO_MEMORY;
    memset(data, 1, n * sizeof *data);
    work.data = data;
    *gbs = 0;
    for (int t = 0; t < TRIES; t++) {
        double start = mg_now_s();
        mg_each(threads, READ_PIECES, run_read, &work);
        double rate = (double)(n * sizeof *data) / (mg_now_s() - start) / 1e9;
        if (rate > *gbs) *gbs = rate;
    }
    mg_free(data);
    return MG_OK;
}

/* ---- products ---- */

enum { SIDE = 1024 };

typedef struct {
    int64_t rows, rounds;
    const mg_real *a, *b;
    mg_real *c, *scratch; /* one for each thread */
} product_work;

static void run_product(void *user, size_t i)
{
    const product_work *work = user;
    mg_product_call call = {.m = work->rows, .n = SIDE, .k = SIDE, .a = {work->a, SIDE, 1}, .b = {work->b, SIDE, 1},
                            .c = work->c + (int64_t)i * work->rows * SIDE, .ldc = SIDE,
                            .scratch = work->scratch + i * mg_product_scratch(SIDE, SIDE)};
    for (int64_t round = 0; round < work->rounds; round++) mg_product(&call, MG_ALONE);
}

mg_status mg_product_gflops(int rows, int threads, double *gflops)
{
    product_work work = {.rows = rows, .rounds = 1 + SIDE / 2 / rows};
    size_t n_a = (size_t)rows * SIDE, n_b = (size_t)SIDE * SIDE;
    mg_real *data = mg_alloc_zero(n_a + n_b + (n_a + mg_product_scratch(SIDE, SIDE)) * (size_t)threads, sizeof *data);
    if (!data) return MG_NO_MEMORY;
    work.a = data;
    work.b = data + n_a;
    work.c = data + n_a + n_b;
    work.scratch = work.c + n_a * (size_t)threads;
    *gflops = 0;
    for (int t = 0; t < TRIES; t++) {
        double start = mg_now_s(), operations = 2.0 * rows * SIDE * SIDE * (double)work.rounds * threads;
        mg_each(threads, (size_t)threads, run_product, &work);
        double rate = operations / (mg_now_s() - start) / 1e9;
        if (rate > *gflops) *gflops = rate;
    }
    mg_free(data);
    return MG_OK;
}
