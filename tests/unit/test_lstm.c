/* SPDX-License-Identifier: MIT */
/* The LSTM's options: what each does to the numbers, and that a stream gives what the whole does. */
#include "tests/unit/tap.h"

#include <mgen/model.h>

extern const mg_model mg_model_lstm;

enum { STEPS = 5, VOCAB = 6, FEATURES = 4, BATCH = 2 };

/* A configuration over data with a vocabulary and features, and its parameters at their start. */
typedef struct {
    void *config;
    mg_tensor_set params;
} made;

static made make(const char *settings, mg_data_form data)
{
    mg_error why = {0};
    made m = {.config = mg_model_config(&mg_model_lstm)};
    mg_json *json;
    REQUIRE(m.config && mg_json_parse(settings, strlen(settings), &json, &why) == MG_OK);
    REQUIRE(mg_options_read(mg_model_lstm.options, json, m.config, &why) == MG_OK);
    mg_model_adapt(&mg_model_lstm, m.config, data);
    REQUIRE(mg_model_start(&mg_model_lstm, m.config, 1, &m.params, &why) == MG_OK);
    mg_json_free(json);
    return m;
}

static void unmake(made *m)
{
    mg_tensor_set_clear(&m->params);
    mg_free(m->config);
}

static mg_real *param(const made *m, const char *name)
{
    for (size_t i = 0; i < m->params.n; i++)
        if (strcmp(m->params.names[i], name) == 0) return m->params.tensors[i].data;
    return NULL;
}

typedef struct {
    mg_plan *plan;
    mg_real **bound;
    mg_instance *run;
} machine;

static machine start_on(const made *m, mg_use use, int threads)
{
    mg_error why = {0};
    machine x;
    REQUIRE(mg_plan_new(mg_model_graph(&mg_model_lstm, m->config, use), &x.plan, &why) == MG_OK);
    REQUIRE(mg_model_bind(mg_plan_graph(x.plan), &m->params, &x.bound, &why) == MG_OK);
    REQUIRE(mg_instance_new(x.plan, x.bound, threads, &x.run, &why) == MG_OK);
    return x;
}

static machine start(const made *m, mg_use use) { return start_on(m, use, 1); }

static void stop(machine *x)
{
    mg_instance_free(x->run);
    mg_plan_free(x->plan);
    mg_free(x->bound);
}

/* Steps from .. from + n of one random sequence an example. */
static void fill(mg_instance *run, int batch, int from, int n)
{
    int32_t *tokens = mg_instance_input(run, "tokens").data, *targets = mg_instance_input(run, "targets").data;
    mg_real *features = mg_instance_input(run, "features").data, *mask = mg_instance_input(run, "mask").data;
    for (int b = 0; b < batch; b++) {
        mg_random random = mg_random_at(7, "sequence", (uint64_t)b);
        for (int t = 0; t < STEPS; t++) {
            int at = b * n + t - from;
            bool is_in = t >= from && t < from + n;
            int32_t token = (int32_t)mg_random_below(&random, VOCAB);
            if (is_in && tokens) tokens[at] = token;
            if (is_in && targets) targets[at] = (token + 1) % VOCAB;
            if (is_in && mask) mask[at] = 1;
            for (int f = 0; f < FEATURES; f++) {
                double value = mg_random_normal(&random);
                if (is_in && features) features[at * FEATURES + f] = (mg_real)value;
            }
        }
    }
}

static const char *const configs[] = {
    "{\"hidden\":5,\"layers\":2,\"embedding\":3,\"residual\":true}",
    "{\"hidden\":5,\"layers\":1,\"input\":\"onehot\",\"input_layer\":7,\"dropout\":0.5,\"dropout_in\":0.4}",
    "{\"hidden\":5,\"layers\":2,\"input\":\"features\",\"attention\":3,\"residual\":true}",
    "{\"hidden\":5,\"layers\":2,\"input\":\"onehot\",\"input_layer\":5,\"residual\":true,\"dropout_in\":0.1}",
};

/* Any number of rows at any length, in every class: gradients of the whole are the sums of those of its rows. */
static void any_number_of_rows(void)
{
    enum { MOST = 17, UNITS = 5 };
    mg_error why = {0};
    made m = make("{\"hidden\":5,\"layers\":1,\"input\":\"onehot\"}", (mg_data_form){VOCAB, FEATURES});
    for (int cpu = 0; cpu <= (int)mg_cpu_best(); cpu++)
        for (int steps = 1; steps <= 2; steps++) {
            double sum[4 * UNITS * UNITS] = {0};
            mg_cpu_force((mg_cpu)cpu);
            for (int batch = 1; batch <= MOST; batch++) {
                machine all = start(&m, (mg_use){MG_TRAINING, 0, batch, steps, false});
                machine one = start(&m, (mg_use){MG_TRAINING, 0, 1, steps, false});
                for (int i = 0; i < 2; i++) { /* the whole, then its last row */
                    mg_instance *run = i ? one.run : all.run;
                    for (int k = 0; k < (i ? 1 : batch) * steps; k++) {
                        int token = (i ? (batch - 1) * steps + k : k) * 5 % VOCAB;
                        ((int32_t *)mg_instance_input(run, "tokens").data)[k] = token;
                        ((int32_t *)mg_instance_input(run, "targets").data)[k] = (token + 1) % VOCAB;
                        ((mg_real *)mg_instance_input(run, "mask").data)[k] = 1;
                    }
                    *(mg_real *)mg_instance_input(run, "per_target").data = 1;
                    REQUIRE(mg_instance_run(run, &why) == MG_OK);
                }
                const mg_real *whole = mg_instance_output(all.run, "grad/lstm.weight_hh_l0").data;
                const mg_real *last = mg_instance_output(one.run, "grad/lstm.weight_hh_l0").data;
                for (int k = 0; k < 4 * UNITS * UNITS; k++) {
                    sum[k] += (double)last[k];
                    CHECK_NEAR((double)whole[k], sum[k], 1e-5);
                }
                stop(&all), stop(&one);
            }
        }
    mg_cpu_force(mg_cpu_best());
    unmake(&m);
}

/* Results of a training step, gradients among them, of a config wide enough to be shared. */
static void threads_do_not_show(void)
{
    static const char *const outputs[] = {"loss", "grad/lstm.weight_hh_l0", "grad/lstm.weight_ih_l1",
                                          "grad/lstm.bias_hh_l0", "grad/output.weight"};
    mg_error why = {0};
    made m = make("{\"hidden\":70,\"layers\":2,\"input\":\"onehot\"}", (mg_data_form){VOCAB, FEATURES});
    for (int how = 0; how < 2 * BATCH; how++) {
        int batch = how / 2 + 1;
        machine alone = start_on(&m, (mg_use){MG_TRAINING, 0, batch, STEPS, false}, 1);
        machine shared = start_on(&m, (mg_use){MG_TRAINING, 0, batch, STEPS, false}, 3);
        for (int i = 0; i < 2; i++) {
            machine *x = i ? &shared : &alone;
            mg_instance_compute_in(x->run, how % 2 ? MG_BFLOAT16 : MG_FLOAT32);
            fill(x->run, batch, 0, STEPS);
            ((mg_real *)mg_instance_input(x->run, "mask").data)[STEPS - 1] = 0;
            *(mg_real *)mg_instance_input(x->run, "per_target").data = 1;
            REQUIRE(mg_instance_run(x->run, &why) == MG_OK);
        }
        for (size_t k = 0; k < sizeof outputs / sizeof *outputs; k++) {
            mg_tensor x = mg_instance_output(alone.run, outputs[k]), y = mg_instance_output(shared.run, outputs[k]);
            REQUIRE(x.data && y.data);
            CHECK(memcmp(x.data, y.data, (size_t)mg_shape_count(&x.shape) * sizeof(mg_real)) == 0);
        }
        stop(&alone), stop(&shared);
    }
    unmake(&m);
}

/* A step in bfloat16 is near the one in floats, and not the same; its bits are those of other processors. */
static void bfloat16_is_near(void)
{
    enum { NAMES = 3 };
    static const char *const outputs[NAMES] = {"loss", "grad/lstm.weight_hh_l0", "grad/output.weight"};
    mg_error why = {0};
    made m = make("{\"hidden\":70,\"layers\":2,\"input\":\"onehot\"}", (mg_data_form){VOCAB, FEATURES});
    machine real = start(&m, (mg_use){MG_TRAINING, 0, BATCH, STEPS, false});
    machine bf16 = start(&m, (mg_use){MG_TRAINING, 0, BATCH, STEPS, false});
    machine other = start(&m, (mg_use){MG_TRAINING, 0, BATCH, STEPS, false});
    machine *all[] = {&real, &bf16, &other};
    for (int i = 0; i < 3; i++) {
        if (i > 0) mg_instance_compute_in(all[i]->run, MG_BFLOAT16);
        mg_cpu_allow_extras(i < 2);
        fill(all[i]->run, BATCH, 0, STEPS);
        *(mg_real *)mg_instance_input(all[i]->run, "per_target").data = 1;
        REQUIRE(mg_instance_run(all[i]->run, &why) == MG_OK);
    }
    mg_cpu_allow_extras(true);
    for (int k = 0; k < NAMES; k++) {
        mg_tensor x = mg_instance_output(real.run, outputs[k]), y = mg_instance_output(bf16.run, outputs[k]);
        mg_tensor z = mg_instance_output(other.run, outputs[k]);
        const mg_real *a = x.data, *b = y.data;
        int64_t n = mg_shape_count(&x.shape);
        double apart = 0, size = 0;
        for (int64_t i = 0; i < n; i++) apart += pow((double)(a[i] - b[i]), 2), size += pow((double)a[i], 2);
        CHECK(apart > 0 && sqrt(apart) < 0x1p-7 * sqrt(size));
        CHECK(memcmp(y.data, z.data, (size_t)n * sizeof *b) == 0);
    }
    for (int i = 0; i < 3; i++) stop(all[i]);
    unmake(&m);
}

/* Logits of a stream, step after step. */
static void stream(const made *m, int threads, bool packs, mg_precision precision, mg_real *logits)
{
    mg_error why = {0};
    machine x = start_on(m, (mg_use){MG_STREAMING, 0, BATCH, 1, false}, threads);
    if (packs) REQUIRE(mg_instance_pack(x.run, precision, &why) == MG_OK);
    for (int t = 0; t < STEPS; t++) {
        fill(x.run, BATCH, t, 1);
        REQUIRE(mg_instance_run(x.run, &why) == MG_OK);
        memcpy(logits + t * BATCH * VOCAB, mg_instance_output(x.run, "logits").data, BATCH * VOCAB * sizeof *logits);
    }
    stop(&x);
}

static void packed_weights_are_the_same_or_close(void)
{
    enum { ALL = STEPS * BATCH * VOCAB };
    static mg_real plain[ALL], packed[ALL], shared[ALL];
    made m = make("{\"hidden\":70,\"layers\":2,\"input\":\"onehot\"}", (mg_data_form){VOCAB, FEATURES});
    for (mg_precision precision = MG_FLOAT32; precision <= MG_INT8; precision++) {
        double most = 0;
        stream(&m, 1, false, MG_FLOAT32, plain);
        stream(&m, 1, true, precision, packed);
        stream(&m, 3, true, precision, shared);
        CHECK(memcmp(packed, shared, sizeof packed) == 0);
        for (int i = 0; i < ALL; i++) most = fmax(most, fabs((double)packed[i] - (double)plain[i]));
        CHECK(most < (precision == MG_FLOAT32 ? 1e-6 : 5e-3));
        CHECK(precision == MG_FLOAT32 || most > 1e-5); /* it was no float */
    }
    unmake(&m);
}

static void streams_as_it_learns(void)
{
    mg_error why = {0};
    for (size_t k = 0; k < sizeof configs / sizeof *configs; k++) {
        made m = make(configs[k], (mg_data_form){VOCAB, FEATURES});
        machine whole = start(&m, (mg_use){MG_LIKELIHOOD, 0, BATCH, STEPS, false});
        machine stream = start(&m, (mg_use){MG_STREAMING, 0, BATCH, 1, false});
        fill(whole.run, BATCH, 0, STEPS);
        REQUIRE(mg_instance_run(whole.run, &why) == MG_OK);
        const mg_real *want = mg_instance_output(whole.run, "logits").data;
        for (int t = 0; t < STEPS; t++) {
            fill(stream.run, BATCH, t, 1);
            REQUIRE(mg_instance_run(stream.run, &why) == MG_OK);
            const mg_real *got = mg_instance_output(stream.run, "logits").data;
            for (int b = 0; b < BATCH; b++)
                for (int i = 0; i < VOCAB; i++)
                    CHECK_NEAR((double)got[b * VOCAB + i], (double)want[(b * STEPS + t) * VOCAB + i], 1e-5);
        }
        stop(&whole), stop(&stream);
        unmake(&m);
    }
}

/* Without weights a layer says nothing, so that with a residual its input alone reaches the output: relu(W x + b) of
   the input layer, as it is as wide as the LSTM. */
static void adds_the_input_to_the_output(void)
{
    mg_error why = {0};
    made m = make("{\"hidden\":3,\"layers\":2,\"input\":\"features\",\"input_layer\":3,\"residual\":true}",
                  (mg_data_form){3, FEATURES});
    static const char *const silent[] = {"lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.weight_ih_l1",
                                         "lstm.weight_hh_l1"};
    for (int i = 0; i < 4; i++) memset(param(&m, silent[i]), 0, 4 * 3 * 3 * sizeof(mg_real));
    mg_real *out = param(&m, "output.weight"), *bias = param(&m, "output.bias");
    for (int i = 0; i < 9; i++) out[i] = i % 4 == 0;
    memset(bias, 0, 3 * sizeof *bias);
    CHECK(!param(&m, "projection.0.weight")); /* the sizes are equal */
    const mg_real *w = param(&m, "input.weight"), *b = param(&m, "input.bias");
    machine x = start(&m, (mg_use){MG_STREAMING, 0, 1, 1, false});
    mg_real *in = mg_instance_input(x.run, "features").data, *mask = mg_instance_input(x.run, "mask").data;
    for (int f = 0; f < FEATURES; f++) in[f] = (mg_real)(f * f - 3);
    if (mask) mask[0] = 1;
    REQUIRE(mg_instance_run(x.run, &why) == MG_OK);
    const mg_real *logits = mg_instance_output(x.run, "logits").data;
    int n_positive = 0;
    for (int i = 0; i < 3; i++) {
        double sum = (double)b[i];
        for (int f = 0; f < FEATURES; f++) sum += (double)w[i * FEATURES + f] * (f * f - 3);
        CHECK_NEAR((double)logits[i], fmax(sum, 0), 1e-5);
        n_positive += sum > 0;
    }
    CHECK(n_positive > 0);
    stop(&x);
    unmake(&m);
}

static void projects_where_sizes_differ(void)
{
    made m = make("{\"hidden\":5,\"layers\":2,\"embedding\":3,\"residual\":true}", (mg_data_form){VOCAB, FEATURES});
    CHECK(param(&m, "projection.0.weight") && param(&m, "projection.0.bias"));
    CHECK(!param(&m, "projection.1.weight"));
    unmake(&m);
    m = make("{\"hidden\":5,\"layers\":1,\"embedding\":3}", (mg_data_form){VOCAB, 0});
    CHECK(!param(&m, "projection.0.weight") && !param(&m, "input.weight"));
    unmake(&m);
}

/* The loss of a run with this seed, from the beginning. */
static double loss_of(machine *x, uint64_t seed)
{
    mg_error why = {0};
    fill(x->run, BATCH, 0, STEPS);
    *(mg_real *)mg_instance_input(x->run, "per_target").data = (mg_real)(1.0 / (STEPS * BATCH));
    mg_instance_seed(x->run, seed, 0);
    mg_instance_reset(x->run);
    REQUIRE(mg_instance_run(x->run, &why) == MG_OK);
    return (double)*(const mg_real *)mg_instance_output(x->run, "loss").data;
}

static void drops_what_enters_in_training_alone(void)
{
    made m = make("{\"hidden\":5,\"layers\":1,\"input\":\"onehot\",\"dropout_in\":0.5}", (mg_data_form){VOCAB, 0});
    machine training = start(&m, (mg_use){MG_TRAINING, 0, BATCH, STEPS, false});
    machine likelihood = start(&m, (mg_use){MG_LIKELIHOOD, 0, BATCH, STEPS, false});
    CHECK(loss_of(&training, 1) != loss_of(&training, 2));
    CHECK(loss_of(&training, 1) == loss_of(&training, 1));
    CHECK(loss_of(&likelihood, 1) == loss_of(&likelihood, 2));
    stop(&training), stop(&likelihood);
    unmake(&m);
}

static void refuses_features_that_are_none(void)
{
    mg_error why = {0};
    made m = make("{\"hidden\":5,\"layers\":1,\"input\":\"features\"}", (mg_data_form){VOCAB, FEATURES});
    mg_model_adapt(&mg_model_lstm, m.config, (mg_data_form){VOCAB, 0});
    CHECK_INT(mg_model_lstm.check(m.config, &why), MG_BAD_ARGUMENT);
    CHECK(strstr(why.text, "features"));
    unmake(&m);
}

int main(void)
{
    TEST("batches of any number of rows, one step long and longer, in every class", any_number_of_rows);
    TEST("threads do not show in a step of training", threads_do_not_show);
    TEST("a step in bfloat16 is near the one in floats, to the same bits with AMX and without", bfloat16_is_near);
    TEST("packed weights give the same, or in 8 bits nearly the same", packed_weights_are_the_same_or_close);
    TEST("a stream gives what the whole gives, whatever the options", streams_as_it_learns);
    TEST("a residual layer adds its input to its output", adds_the_input_to_the_output);
    TEST("a residual layer projects where sizes differ", projects_where_sizes_differ);
    TEST("what enters is dropped in training alone", drops_what_enters_in_training_alone);
    TEST("features alone are refused where there are none", refuses_features_that_are_none);
    return tap_end();
}
