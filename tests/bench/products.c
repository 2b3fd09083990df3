/* SPDX-License-Identifier: MIT */
/* products [PART OF A NAME]: matrix products in the shapes that the model families ask for, on one core, beside the
   core's own peak of the same minute, and what reading can reach. A row: c [m, n] = a [m, k] b [k, n], where ta, tb say
   that a or b lies transposed. Few rows of a are bound by reading b: those are told in GB/s. */
#include "tests/bench/bench.h"

#include "kernel/kernel.h"

typedef struct {
    const char *name;
    int64_t m, n, k;
    bool ta, tb, panels; /* panels: b is packed once and read again and again */
} shape;

static const shape shapes[] = {
    /* LSTM: input product, recurrent step, its way back, gradients of both weights */
    {"lstm.melody.input", 2048, 512, 128, false, true, false},
    {"lstm.melody.weight", 512, 128, 2048, true, false, false},
    {"lstm.performance.input", 8192, 2048, 512, false, true, false},
    {"lstm.performance.step.8", 8, 2048, 512, false, true, true},
    {"lstm.performance.step.16", 16, 2048, 512, false, true, true},
    {"lstm.performance.step.32", 32, 2048, 512, false, true, true},
    {"lstm.performance.step.64", 64, 2048, 512, false, true, true},
    {"lstm.performance.back.32", 32, 512, 2048, false, false, true},
    {"lstm.melody.step.8", 8, 512, 128, false, true, true},
    {"lstm.melody.step.32", 32, 512, 128, false, true, true},
    {"lstm.performance.weight", 2048, 512, 8192, true, false, false},
    {"lstm.performance.output", 8192, 388, 512, false, true, false},
    {"lstm.jsb.input", 64, 1600, 88, false, true, false},
    {"lstm.generate.1", 1, 2048, 512, false, true, false},
    {"lstm.generate.8", 8, 2048, 512, false, true, false},
    {"lstm.generate.16", 16, 2048, 512, false, true, false},
    /* TCN and WaveNet: filters x taps against gathered columns */
    {"tcn.conv", 150, 4096, 450, false, false, false},
    {"wavenet.dilated", 64, 4096, 64, false, false, false},
    {"wavenet.skip", 512, 4096, 32, false, false, false},
    /* WaveGAN */
    {"wavegan.d1", 128, 4096, 1600, false, false, false},
    {"wavegan.d4", 1024, 256, 12800, false, false, false},
    {"wavegan.g0.input", 12800, 256, 1024, true, false, false},
    {"wavegan.d4.weight", 1024, 12800, 256, false, true, false},
    /* MuseGAN, GANSynth */
    {"musegan.shared", 256, 1024, 512, false, false, false},
    {"gansynth.conv", 256, 4096, 2304, false, false, false},
    /* Music Transformer: projections, the feed-forward layer, logits of a head */
    {"transformer.qkv", 2048, 1536, 512, false, true, false},
    {"transformer.ffn", 2048, 2048, 512, false, true, false},
    {"transformer.logits", 512, 2048, 64, false, true, false},
    {"transformer.values", 512, 64, 2048, false, false, false},
    /* MusicGen */
    {"musicgen.step.2", 2, 4096, 1024, false, true, false},
    {"encodec.conv", 256, 4096, 3584, false, false, false},
};

static void run(void *user) { mg_product(user, MG_ALONE); }

/* What reading weights can reach where they lie in the second cache, and beyond it. */
static void print_reads(void)
{
    static const int sizes_mb[] = {1, 4, 11, 22};
    for (size_t i = 0; i < 2 * sizeof sizes_mb / sizeof *sizes_mb; i++) {
        int threads = i % 2 ? mg_cores() : 1;
        char name[96];
        double gbs;
        if (mg_peak_read_gbs(threads, (size_t)sizes_mb[i / 2] * 1000000, &gbs)) exit(3);
        snprintf(name, sizeof name, "read.%d.%s", sizes_mb[i / 2], i % 2 ? "all" : "one");
        bench_print(name, gbs, "GB/s, so many MB a thread");
    }
}

int main(int argc, char **argv)
{
    bench_start();
    bench_print("product.peak", mg_peak_gflops(mg_cpu_class(), 1), "GFLOP/s");
    if (argc == 1) print_reads();
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const shape *s = &shapes[i];
        if (argc > 1 && !strstr(s->name, argv[1])) continue;
        void *block[5];
        mg_real *a = bench_numbers(s->m * s->k, &block[0]), *b = bench_numbers(s->k * s->n, &block[1]);
        mg_real *c = bench_numbers(s->m * s->n, &block[2]);
        mg_real *scratch = bench_numbers(MG_DEEP * MG_WIDE + MG_DEPTH * MG_MANY, &block[3]);
        mg_real *panels = bench_numbers((int64_t)mg_panels_size(s->k, s->n), &block[4]);
        mg_product_call call = {.m = s->m, .n = s->n, .k = s->k, .c = c, .ldc = s->n, .scratch = scratch,
                                .a = {a, s->ta ? 1 : s->k, s->ta ? s->m : 1},
                                .b = {b, s->tb ? 1 : s->n, s->tb ? s->k : 1}};
        if (s->panels) {
            mg_kernels_now()->pack(s->k, s->n, &call.b, panels);
            call.packed.panels = panels;
        }
        double flops = 2.0 * (double)s->m * (double)s->n * (double)s->k, took = bench_seconds(run, &call, flops);
        char name[96];
        snprintf(name, sizeof name, "product.%s", s->name);
        if (s->m <= MG_SKINNY && !s->panels) bench_print(name, (double)(s->k * s->n) * sizeof *b / took / 1e9, "GB/s");
        else bench_print(name, flops / took / 1e9, "GFLOP/s");
        for (int k = 0; k < 5; k++) mg_free(block[k]);
    }
    return 0;
}
