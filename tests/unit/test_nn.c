/* SPDX-License-Identifier: MIT */
/* Layers say what they promise, models need no more than a description, and files of models are believed nothing. */
#include "tests/unit/tap.h"

#include <mgen/nn.h>

#include <unistd.h>

/* ---- layers ---- */

static mg_instance *run_once(mg_graph *g, mg_plan **plan, const double *values)
{
    mg_error why = {0};
    mg_instance *run;
    if (mg_plan_new(g, plan, &why) || mg_instance_new(*plan, NULL, 1, &run, &why)) return NULL;
    mg_tensor x = mg_instance_input(run, "x");
    for (int64_t i = 0; i < mg_shape_count(&x.shape); i++) ((mg_real *)x.data)[i] = (mg_real)(values ? values[i] : 1);
    mg_instance_seed(run, 3, 0);
    return mg_instance_run(run, &why) ? NULL : run;
}

static void dropout_keeps_the_mean(void)
{
    enum { ROWS = 200, COLUMNS = 150, N = ROWS * COLUMNS };
    static const double shares[] = {0.1, 0.5, 0.9};
    for (int k = 0; k < 3; k++) {
        double p = shares[k], dropped = 0, mean = 0;
        mg_graph *g = mg_graph_new((mg_use){MG_TRAINING, 0, 1, 1, false});
        mg_output(g, "y", mg_dropout(g, "drop", mg_input(g, "x", &MG_SHAPE(ROWS, COLUMNS)), p, 0));
        mg_plan *plan;
        mg_instance *run = run_once(g, &plan, NULL);
        REQUIRE(run);
        const mg_real *y = mg_instance_output(run, "y").data;
        for (int i = 0; i < N; i++) {
            CHECK(y[i] == 0 || fabs((double)y[i] - 1 / (1 - p)) < 1e-6 / (1 - p));
            dropped += (y[i] == 0) / (double)N;
            mean += (double)y[i] / N;
        }
        double deviation = sqrt(p * (1 - p) / N);
        CHECK(fabs(dropped - p) <= 4 * deviation);
        CHECK(fabs(mean - 1) <= 4 * deviation / (1 - p));
        mg_instance_free(run);
        mg_plan_free(plan);
    }
}

static void dropout_is_of_training(void)
{
    for (int purpose = MG_TRAINING; purpose <= MG_STREAMING; purpose++) {
        mg_graph *g = mg_graph_new((mg_use){(mg_purpose)purpose, 0, 1, 1, false});
        mg_node *x = mg_input(g, "x", &MG_SHAPE(2, 3));
        CHECK((mg_dropout(g, "drop", x, 0.5, 0) == x) == (purpose != MG_TRAINING));
        CHECK(mg_dropout(g, "drop", x, 0, 0) == x);
        mg_graph_free(g);
    }
}

static void means_are_over_their_axes(void)
{
    static const double values[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 24};
    static const struct { unsigned axes; int n; double mean[6]; } cases[] = {
        {1, 6, {4, 5, 6, 7, 8, 15}}, {2, 4, {3, 4, 9, 14}}, {6, 2, {3.5, 11.5}}, {7, 1, {7.5}}, {0, 0, {0}}};
    for (int k = 0; k < 5; k++) {
        mg_graph *g = mg_graph_new((mg_use){MG_TRAINING, 0, 1, 1, false});
        mg_node *x = mg_input(g, "x", &MG_SHAPE(2, 3, 2));
        mg_output(g, "y", mg_mean(g, x, cases[k].axes));
        if (cases[k].axes == 0) CHECK(mg_mean(g, x, 0) == x);
        mg_plan *plan;
        mg_instance *run = run_once(g, &plan, values);
        REQUIRE(run);
        const mg_real *y = mg_instance_output(run, "y").data;
        for (int i = 0; i < cases[k].n; i++) CHECK_NEAR((double)y[i], cases[k].mean[i], 1e-6);
        mg_instance_free(run);
        mg_plan_free(plan);
    }
}

/* ---- a model that is no more than its description ---- */

enum { VOCAB = 38 };

/* A table of logits, a row for each token before. */
static void describe(mg_graph *g, const void *config, mg_use use)
{
    (void)config;
    mg_node *tokens = mg_input_index(g, "tokens", VOCAB, &MG_SHAPE(use.batch, use.length));
    mg_output(g, "logits", mg_layer_embedding(g, "table", tokens, VOCAB, VOCAB));
}

static const mg_option none[] = {{0}};
static const mg_phase phases[] = {{.name = "train", .loss = "loss", .params = ""}};
static const mg_model bigram = {.name = "bigram", .summary = "a table", .options = none, .describe = describe,
                                .phases = phases, .n_phases = 1};

/* As the table, but that no configuration fits. */
static mg_status refuse(const void *config, mg_error *why)
{
    (void)config;
    return mg_fail(why, MG_BAD_ARGUMENT, "picky: nothing fits");
}

static const mg_model picky = {.name = "picky", .summary = "a table", .options = none, .check = refuse,
                               .describe = describe, .phases = phases, .n_phases = 1};

static const mg_model *find(const char *name)
{
    return !strcmp(name, bigram.name) ? &bigram : !strcmp(name, picky.name) ? &picky : NULL;
}

static char path[64];

static void describing_is_enough(void)
{
    mg_error why = {0};
    mg_trained *made, *read;
    void *config = mg_model_config(&bigram);
    REQUIRE(config);
    mg_model_adapt(&bigram, config, (mg_data_form){VOCAB, 0});
    REQUIRE(mg_trained_new(&bigram, config, 5, &made, &why) == MG_OK);
    made->bpm = 77.5, made->resolution = 12, made->step = 34;
    REQUIRE(mg_trained_save(made, path, NULL, &why) == MG_OK);
    REQUIRE(mg_trained_load(path, find, &read, &why) == MG_OK);
    CHECK(mg_hash_equal(mg_tensor_set_hash(&made->params), mg_tensor_set_hash(&read->params)));
    CHECK(read->bpm == 77.5 && read->resolution == 12 && read->step == 34 && read->seed == 5);
    mg_trained_free(made);
    mg_trained_free(read);
    mg_free(config);
}

/* ---- files that lie ---- */

/* A file with a table whose number `at` is `odd`, a tensor more where `surplus` is its name, and `about` in it. */
static void write_file(int at, float odd, const char *surplus, const char *about)
{
    static float weights[VOCAB * VOCAB];
    mg_error why = {0};
    mg_out *out;
    mg_metadata metadata = {"mgen", about};
    mg_stored stored[] = {
        {.name = "table.weight", .dtype = MG_F32, .rank = 2, .dim = {VOCAB, VOCAB}, .count = VOCAB * VOCAB,
         .data = weights, .fd = -1},
        {.name = surplus, .dtype = MG_F32, .rank = 1, .dim = {3}, .count = 3, .data = weights, .fd = -1}};
    for (int i = 0; i < VOCAB * VOCAB; i++) weights[i] = i == at ? odd : 0.5f;
    REQUIRE(mg_out_open(path, true, &out, &why) == MG_OK);
    REQUIRE(mg_tensors_write(out, stored, surplus ? 2 : 1, &metadata, 1, &why) == MG_OK);
    REQUIRE(mg_out_commit(out, &why) == MG_OK);
}

/* The file is refused, in words that begin with its name, once, and say what is wrong. */
static void check_refused(mg_status status, const char *reason)
{
    mg_error why = {0};
    mg_trained *trained;
    CHECK_INT(mg_trained_load(path, find, &trained, &why), status);
    CHECK(!trained);
    bool is_clear = strncmp(why.text, path, strlen(path)) == 0 && !strstr(why.text + 1, path) &&
                    strstr(why.text, reason);
    if (!CHECK(is_clear)) printf("# %s, but no word of %s\n", why.text, reason);
}

#define ABOUT "{\"model\":\"bigram\",\"encoding\":\"melody38\""

static void odd_numbers_are_refused(void)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY};
    for (int k = 0; k < 3; k++)
        for (int at = 0; at < VOCAB * VOCAB; at += VOCAB * VOCAB - 1) {
            write_file(at, odd[k], NULL, ABOUT "}");
            check_refused(MG_BAD_NUMBER, ": tensor table.weight: ");
        }
}

static void odd_metadata_are_refused(void)
{
    static const struct { const char *about, *reason; } wrong[] = {
        {"{", "not JSON"},
        {"{\"model\":\"lstm\"}", "there is no model 'lstm'"},
        {"{\"model\":\"picky\"}", ": picky: nothing fits"},
        {ABOUT ",\"bpm\":1e308}", "bpm: "},
        {ABOUT ",\"bpm\":0.001}", "bpm: "},
        {ABOUT ",\"bpm\":-1}", "bpm: "},
        {ABOUT ",\"bpm\":\"fast\"}", "bpm: not a number"},
        {ABOUT ",\"resolution\":1000000000}", "resolution: "},
        {ABOUT ",\"resolution\":-4}", "resolution: "},
        {ABOUT ",\"resolution\":2.5}", "resolution: not a whole number"},
        {ABOUT ",\"seed\":-1}", "seed: "},
        {ABOUT ",\"step\":-1}", "step: "},
        {ABOUT ",\"first\":[1]}", "first: "},
        {ABOUT ",\"first\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1.5]}",
         "first: not shares"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        write_file(-1, 0, NULL, wrong[i].about);
        check_refused(i == 1 ? MG_UNSUPPORTED : MG_BAD_DATA, wrong[i].reason);
    }
}

static void other_tensors_are_refused(void)
{
    mg_error why = {0};
    mg_trained *trained;
    write_file(-1, 0, "another", ABOUT "}");
    check_refused(MG_BAD_DATA, "tensor another ");
    write_file(-1, 0, NULL, ABOUT "}");
    CHECK_INT(mg_trained_load(path, find, &trained, &why), MG_OK);
    mg_trained_free(trained);
}

int main(void)
{
    snprintf(path, sizeof path, "/tmp/mgen-nn-%d.safetensors", (int)getpid());
    TEST("dropout drops its share and keeps the mean", dropout_keeps_the_mean);
    TEST("dropout is of training alone", dropout_is_of_training);
    TEST("means are over the axes that were asked for", means_are_over_their_axes);
    TEST("a description is enough for a model", describing_is_enough);
    TEST("parameters that are not finite are refused, with the tensor's name", odd_numbers_are_refused);
    TEST("metadata that cannot be are refused", odd_metadata_are_refused);
    TEST("tensors that are none of the model's are refused", other_tensors_are_refused);
    unlink(path);
    return tap_end();
}
