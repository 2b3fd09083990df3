/* SPDX-License-Identifier: MIT */
/* The machine's own peaks, measured: what speeds are held against. */
#include "kernel/kernel.h"

#include <string.h>

enum { TRIES = 5 };

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

/* Blocks that stay in the nearest cache. */
static void run_tiles(void *user, size_t i)
{
    enum { SIDE_TILES = 2, DEEP_TILES = 4, PART = DEEP_TILES * MG_BF16_TILE * MG_BF16_DEPTH,
           COLS = SIDE_TILES * MG_BF16_TILE };
    static const uint16_t tiles[SIDE_TILES * PART] __attribute__((aligned(64)));
    float c[COLS * COLS];
    const mg_bf16_block block = {.m = COLS, .n = COLS, .k = DEEP_TILES, .a = tiles, .b = tiles, .a_tile = PART,
                                 .b_tile = PART, .c = c, .ldc = COLS};
    const int64_t *rounds = user;
    (void)i;
    for (int64_t round = 0; round < *rounds; round++) mg_amx_block(&block);
    mg_amx_end();
    if (c[0] == 12345.0f) sink = c[0];
}

double mg_peak_bf16_gflops(int threads)
{
    enum { FLOPS = 2 * 32 * 32 * 4 * MG_BF16_DEPTH };
    int64_t rounds = 200000;
    double best = 0;
    if (mg_cpu_class() != MG_CPU_AVX512 || !mg_amx_is_there()) return mg_peak_gflops(mg_cpu_class(), threads);
    for (int t = 0; t < TRIES; t++) {
        double start = mg_now_s();
        mg_each(threads, (size_t)threads, run_tiles, &rounds);
        double rate = (double)threads * (double)rounds * FLOPS / (mg_now_s() - start) / 1e9;
        if (rate > best) best = rate;
    }
    return best;
}

/* ---- reads ---- */

typedef struct {
    const peaks *peaks;
    const float *data;
    int64_t per_thread, rounds;
    int threads; /* that there were */
} read_work;

/* Each its own numbers, so that they stay in its own caches if they can. */
static void run_read(void *user, mg_team team)
{
    read_work *work = user;
    if (team.rank == 0) work->threads = team.size;
    const float *data = work->data + team.rank * work->per_thread;
    for (int64_t i = 0; i < work->rounds; i++) {
        float result = work->peaks->read(work->per_thread, data);
        if (result == 12345.0f) sink = result;
    }
}

mg_status mg_peak_read_gbs(int threads, size_t bytes, double *gbs)
{
    enum { LEAST = 1 << 28 }; /* bytes of a thread in a try: long enough for the clock */
    size_t n = bytes / sizeof(float) / 128 * 128; /* as the loops want it */
    read_work work = {&of_class[mg_cpu_class()], NULL, (int64_t)n, 1 + LEAST / (int64_t)(bytes + 1), 0};
    float *data = mg_alloc(n * (size_t)threads, sizeof *data);
    if (!data) return MG_NO_MEMORY;
    memset(data, 1, n * (size_t)threads * sizeof *data);
    work.data = data;
    *gbs = 0;
    for (int t = 0; t < TRIES; t++) {
        double start = mg_now_s();
        mg_team_run(threads, run_read, &work);
        double all = (double)n * sizeof *data * (double)work.rounds * work.threads;
        double rate = all / (mg_now_s() - start) / 1e9;
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
