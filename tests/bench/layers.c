/* SPDX-License-Identifier: MIT */
/* layers [PART OF A NAME]: convolutions with their transposes, and LSTMs over time there and back, in the shapes that
   the model families ask for, on one core, beside the core's own peak of the same minute. */
#include "tests/bench/bench.h"

#include "kernel/kernel.h"

/* ---- shapes ---- */

/* What a kernel sees is given; the input is what it then needs. */
typedef struct {
    const char *name;
    int64_t batch, channels, filters, out[3], kernel[3], stride, dilation;
} conv_shape;

static const conv_shape convs[] = {
    {"tcn.jsb", 1, 150, 150, {1, 1, 128}, {1, 1, 3}, 1, 2},
    {"wavenet.dilated", 1, 32, 64, {1, 1, 16384}, {1, 1, 2}, 1, 256},
    {"wavenet.skip", 1, 32, 512, {1, 1, 16384}, {1, 1, 1}, 1, 1},
    {"wavegan.d1", 8, 64, 128, {1, 1, 1024}, {1, 1, 25}, 4, 1},
    {"wavegan.d3", 8, 256, 512, {1, 1, 64}, {1, 1, 25}, 4, 1},
    {"specgan.d2", 8, 128, 256, {1, 16, 16}, {1, 5, 5}, 2, 1},
    {"musegan.shared", 16, 128, 64, {4, 12, 12}, {1, 4, 1}, 1, 1},
    {"gansynth.8x64", 8, 256, 256, {1, 8, 64}, {1, 3, 3}, 1, 1},
    {"encodec.down", 1, 64, 128, {1, 1, 4000}, {1, 1, 8}, 4, 1},
};

typedef struct {
    const char *name;
    int64_t steps, batch, units;
} lstm_shape;

static const lstm_shape lstms[] = {
    {"melody", 128, 8, 128}, {"performance", 256, 32, 512}, {"jsb", 60, 1, 400}, {"chorales", 64, 8, 200},
};

/* ---- measures ---- */

typedef struct {
    mg_conv_call conv;
    mg_lstm_call lstm;
    mg_lstm_back_call back;
    mg_real *x, *w, *y;
    mg_scratch scratch;
} work;

#define RUN(name, call)         \
    static void name(void *user) \
    {                           \
        const work *k = user;   \
        call;                   \
    }
RUN(conv, mg_conv_run(&k->conv, k->x, k->w, k->y, k->scratch))
RUN(conv_to_input, mg_conv_run_to_input(&k->conv, k->y, k->w, k->x, k->scratch))
RUN(conv_to_kernel, mg_conv_run_to_kernel(&k->conv, k->x, k->y, k->w, k->scratch))
RUN(lstm, mg_lstm_forward(&k->lstm))
RUN(lstm_back, mg_lstm_backward(&k->back))

static void measure(const char *kind, const char *name, work *k, void (*run)(void *user), double flops)
{
    char full[96];
    snprintf(full, sizeof full, "layer.%s.%s", kind, name);
    bench_print(full, flops / bench_seconds(run, k, flops) / 1e9, "GFLOP/s");
}

static mg_scratch scratch_of(mg_room room, void **block)
{
    mg_real *shared = bench_numbers((int64_t)(room.shared + room.own), block);
    return (mg_scratch){shared, shared + room.shared};
}

static int64_t volume(const int64_t n[3]) { return n[0] * n[1] * n[2]; }

static void measure_conv(const conv_shape *s)
{
    void *block[4];
    work k = {.conv = {.team = MG_ALONE, .batch = s->batch, .groups = 1, .channels = s->channels,
                       .filters = s->filters}};
    mg_conv_call *c = &k.conv;
    for (int a = 0; a < 3; a++) {
        bool is_used = s->kernel[a] > 1 || s->out[a] > 1;
        c->kernel[a] = s->kernel[a], c->out[a] = s->out[a];
        c->stride[a] = is_used ? s->stride : 1, c->dilation[a] = is_used ? s->dilation : 1;
        c->in[a] = (c->out[a] - 1) * c->stride[a] + (c->kernel[a] - 1) * c->dilation[a] + 1;
    }
    k.x = bench_numbers(s->batch * s->channels * volume(c->in), &block[0]);
    k.w = bench_numbers(s->filters * s->channels * volume(c->kernel), &block[1]);
    k.y = bench_numbers(s->batch * s->filters * volume(c->out), &block[2]);
    k.scratch = scratch_of(mg_conv_room(c), &block[3]);
    double flops = 2.0 * (double)(s->batch * s->filters * volume(c->out) * s->channels * volume(c->kernel));
    measure("conv", s->name, &k, conv, flops);
    measure("conv_to_input", s->name, &k, conv_to_input, flops);
    measure("conv_to_kernel", s->name, &k, conv_to_kernel, flops);
    for (int i = 0; i < 4; i++) mg_free(block[i]);
}

static void measure_lstm(const lstm_shape *s)
{
    enum { BLOCKS = 11 };
    void *block[BLOCKS];
    int64_t t = s->steps, b = s->batch, h = s->units, row = b * h, all = t * row;
    mg_real *pre = bench_numbers(4 * all, &block[0]), *w = bench_numbers(4 * h * h, &block[1]);
    mg_real *mask = bench_numbers(t * b, &block[2]), *h0 = bench_numbers(row, &block[3]);
    mg_real *c0 = bench_numbers(row, &block[4]), *y = bench_numbers(all, &block[5]);
    mg_real *c = bench_numbers(all, &block[6]), *act = bench_numbers(4 * all, &block[7]);
    mg_real *dpre = bench_numbers(4 * all, &block[8]);
    mg_scratch there = scratch_of(mg_lstm_room(t, b, h), &block[9]);
    mg_scratch back = scratch_of(mg_lstm_back_room(t, b, h), &block[10]);
    for (int64_t i = 0; i < t * b; i++) mask[i] = 1;
    work k = {.lstm = {.team = MG_ALONE, .steps = t, .batch = b, .units = h, .pre = pre, .h0 = h0, .c0 = c0, .w = w,
                       .mask = mask, .y = y, .c = c, .act = act, .scratch = there},
              .back = {.team = MG_ALONE, .steps = t, .batch = b, .units = h, .w = w, .mask = mask, .c0 = c0, .c = c,
                       .act = act, .dy = y, .dpre = dpre, .dh0 = h0, .dc0 = c0, .scratch = back}};
    double flops = 8.0 * (double)all * (double)h;
    measure("lstm", s->name, &k, lstm, flops);
    measure("lstm_back", s->name, &k, lstm_back, flops);
    for (int i = 0; i < BLOCKS; i++) mg_free(block[i]);
}

int main(int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : "";
    bench_start();
    bench_print("layer.peak", mg_peak_gflops(mg_cpu_class(), 1), "GFLOP/s");
    for (size_t i = 0; i < sizeof convs / sizeof *convs; i++)
        if (strstr(convs[i].name, wanted)) measure_conv(&convs[i]);
    for (size_t i = 0; i < sizeof lstms / sizeof *lstms; i++)
        if (strstr(lstms[i].name, wanted)) measure_lstm(&lstms[i]);
    return 0;
}
