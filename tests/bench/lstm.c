/* SPDX-License-Identifier: MIT */
/* lstm PRESET [THREADS] [--WHAT]: a training step, in floats and in bfloat16, and generation of an LSTM, beside the
   machine's own peak of the same minute. PRESET: melody (2 x 128, batch 64 x 128), performance (3 x 512, batch 64 x
   256), jsb (1 x 400, one sequence of 60). With --ops: also where the time of a step goes. With --step, --step-bf16 or
   --generate: that alone. */
#include "tests/bench/bench.h"

#include <mgen/model.h>
#include <mgen/sample.h>
#include <mgen/train.h>

typedef struct {
    const char *name, *config, *encoding;
    int64_t vocab, batch, length, products; /* products: multiply-adds of a token, forwards */
} preset;

static const preset presets[] = {
    {"melody", "{\"input\":\"onehot\",\"hidden\":128,\"layers\":2}", "melody38", 38, 64, 128,
     3 * 4 * 128 * 128 + 38 * 128},
    {"performance", "{\"input\":\"onehot\",\"hidden\":512,\"layers\":3}", "performance388", 388, 64, 256,
     5 * 4 * 512 * 512 + 388 * 512},
    {"jsb", "{\"hidden\":400,\"layers\":1}", "roll88", 0, 1, 60, 4 * 400 * (400 + 88) + 88 * 400},
};

static mg_error why;

static void need(mg_status status)
{
    if (!status) return;
    fprintf(stderr, "lstm: %s\n", why.text);
    exit(3);
}

static void print(const preset *p, const char *what, double value, const char *unit)
{
    char name[64];
    snprintf(name, sizeof name, "lstm.%s.%s", p->name, what);
    bench_print(name, value, unit);
}

/* ---- a batch of numbers that mean nothing ---- */

static mg_batch make_batch(const preset *p)
{
    mg_batch b = {.examples = p->batch, .length = p->length, .targets = (double)(p->batch * p->length), .n_parts = 3};
    bool is_roll = p->vocab == 0;
    mg_shape shape = MG_SHAPE(p->batch, p->length, 88);
    if (!is_roll) shape.rank = 2;
    b.parts[0].name = is_roll ? "roll" : "tokens", b.parts[1].name = "targets", b.parts[2].name = "mask";
    need(mg_tensor_make(is_roll ? MG_REAL : MG_INDEX, &shape, &b.parts[0].tensor, &why));
    need(mg_tensor_make(is_roll ? MG_REAL : MG_INDEX, &shape, &b.parts[1].tensor, &why));
    need(mg_tensor_make(MG_REAL, &MG_SHAPE(p->batch, p->length), &b.parts[2].tensor, &why));
    for (int part = 0; part < 2; part++)
        for (int64_t i = 0; i < mg_shape_count(&shape); i++)
            if (is_roll) ((mg_real *)b.parts[part].tensor.data)[i] = i % 22 == part;
            else ((int32_t *)b.parts[part].tensor.data)[i] = (int32_t)((i * 31 + part) % p->vocab);
    for (int64_t i = 0; i < p->batch * p->length; i++) ((mg_real *)b.parts[2].tensor.data)[i] = 1;
    return b;
}

/* ---- measures ---- */

static void print_ops(const preset *p, const char *step, mg_trainer *trainer, const mg_batch *batch, int threads)
{
    size_t n = mg_op_count();
    mg_op_time *times = mg_alloc_zero(n * (size_t)threads, sizeof *times);
    mg_step_result result;
    mg_trainer_profile(trainer, times);
    need(mg_trainer_step(trainer, batch, &result, &why));
    mg_trainer_profile(trainer, NULL);
    for (size_t i = 0; i < n; i++) {
        const char *name = NULL;
        double seconds = 0;
        for (int k = 0; k < threads; k++) {
            const mg_op_time *t = &times[(size_t)k * n + i];
            if (t->name) name = t->name;
            seconds += t->seconds;
        }
        char what[64];
        if (!name) continue;
        snprintf(what, sizeof what, "%s.op.%s", step, name);
        print(p, what, seconds * 1e3, "ms of a step, all threads");
    }
    mg_free(times);
}

static void training(const preset *p, mg_trained *t, int threads, mg_precision precision, bool ops)
{
    const char *step = precision == MG_BFLOAT16 ? "step_bf16" : "step";
    mg_optim optim = mg_train_optim_defaults();
    mg_trainer_options options = {.model = t->model, .config = t->config, .optim = optim, .params = &t->params,
                                  .batch = p->batch, .threads = threads, .seed = 1, .precision = precision};
    mg_trainer *trainer;
    mg_step_result result;
    mg_batch batch = make_batch(p);
    need(mg_trainer_new(&options, &trainer, &why));
    need(mg_trainer_step(trainer, &batch, &result, &why)); /* makes the plan */
    enum { MOST = 50 };
    double seconds[MOST], spent_s = 0;
    size_t n = 0;
    while (n < MOST && (n < 5 || spent_s < 3)) {
        double start_s = bench_now_s();
        need(mg_trainer_step(trainer, &batch, &result, &why));
        spent_s += seconds[n] = bench_now_s() - start_s;
        n++;
    }
    double step_s = bench_median(seconds, n), flops = 6.0 * (double)p->products * (double)(p->batch * p->length);
    char what[64];
    print(p, step, step_s * 1e3, "ms");
    snprintf(what, sizeof what, "%s.gflops", step);
    print(p, what, flops / step_s / 1e9, "GFLOP/s");
    snprintf(what, sizeof what, "%s.share", step);
    double peak = precision == MG_BFLOAT16 ? mg_peak_bf16_gflops(threads) : mg_peak_gflops(mg_cpu_class(), threads);
    print(p, what, flops / step_s / 1e9 / peak, "of the peak");
    if (ops) print_ops(p, step, trainer, &batch, threads);
    mg_trainer_free(trainer);
    mg_batch_free(&batch);
}

static void generation(const preset *p, mg_trained *t, int threads)
{
    enum { STEPS = 2000 };
    mg_generation g = {.sampling = {1, 0, 1}, .steps = STEPS, .seed = 1, .threads = threads};
    mg_streams *streams;
    static const char *const names[] = {[MG_FLOAT32] = "float32", [MG_BFLOAT16] = "bfloat16", [MG_INT8] = "int8"};
    for (int how = 0; how < 6; how++) {
        size_t n = how % 2 ? MG_STREAMS : 1;
        g.precision = (mg_precision)(how / 2);
        need(mg_streams_new(t, &g, (int)n, &streams, &why));
        mg_buffer tokens[MG_STREAMS] = {{0}};
        double best_s = 1e9, said = 0;
        for (int round = 0; round < 3; round++) {
            double start_s = bench_now_s();
            need(mg_streams_run(streams, 0, n, tokens, &why));
            double spent_s = bench_now_s() - start_s;
            if (spent_s < best_s) best_s = spent_s;
            said = 0; /* a step of the grid may take several tokens */
            for (size_t i = 0; i < n; i++) said += (double)(tokens[i].length / sizeof(int32_t));
            for (size_t i = 0; i < n; i++) mg_buffer_clear(&tokens[i]);
        }
        char what[64];
        snprintf(what, sizeof what, "generate.%s.%zu", names[g.precision], n);
        print(p, what, said / best_s, "tokens/s");
        for (size_t i = 0; i < n; i++) mg_buffer_free(&tokens[i]);
        mg_streams_free(streams);
    }
}

static mg_trained *make_model(const preset *p)
{
    const mg_model *model = mg_model_find("lstm");
    void *config = mg_model_config(model);
    mg_json *json;
    mg_trained *t;
    char hash[33];
    need(mg_json_parse(p->config, strlen(p->config), &json, &why));
    need(mg_options_read(model->options, json, config, &why));
    mg_model_adapt(model, config, (mg_data_form){p->vocab, 0});
    need(mg_trained_new(model, config, 1, &t, &why));
    need(mg_encoding_vocab_hash(mg_encoding_find(p->encoding), hash, &why));
    mg_free(t->encoding), mg_free(t->vocab_hash), mg_free(config);
    mg_json_free(json);
    t->encoding = mg_strdup(p->encoding), t->vocab_hash = mg_strdup(hash);
    return t;
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 && !strncmp(argv[argc - 1], "--", 2) ? argv[--argc] : "";
    int threads = argc > 2 ? atoi(argv[2]) : mg_cores();
    bench_start();
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        if (argc > 1 && strcmp(argv[1], presets[i].name)) continue;
        mg_trained *t = make_model(&presets[i]);
        for (mg_precision precision = MG_FLOAT32; precision <= MG_BFLOAT16; precision++)
            if (!*only || !strcmp(only, "--ops") || !strcmp(only, precision == MG_FLOAT32 ? "--step" : "--step-bf16"))
                training(&presets[i], t, threads, precision, !strcmp(only, "--ops"));
        if (!*only || !strcmp(only, "--ops") || !strcmp(only, "--generate")) generation(&presets[i], t, threads);
        mg_trained_free(t);
    }
    return 0;
}
