/* SPDX-License-Identifier: MIT */
/* Models whose phases take turns: each moves its own parameters with its own optimiser, statistics are written, and
   weights are kept within bounds. */
#include "tests/unit/tap.h"

#include <mgen/train.h>

/* D: mean of (w x - 1)^2, twice a round, |w| <= 0.5. G: mean of (v - x)^2, once, examples coupled; keeps half of a
   running mean of x. */
static mg_node *mean(mg_graph *g, mg_node *x)
{
    return mg_sum_all(g, mg_mul(g, x, mg_input(g, "per_example", mg_node_shape(x))));
}

static void describe(mg_graph *g, const void *config, mg_use use)
{
    (void)config;
    mg_shape one = MG_SHAPE(1);
    mg_start start = {MG_START_CONSTANT, 0.25};
    mg_node *x = mg_input(g, "x", &MG_SHAPE(use.batch));
    if (use.phase == 0) {
        mg_node *off = mg_affine(g, mg_mul(g, x, mg_param(g, "D.w", &one, start)), 1, -1);
        mg_output(g, "d_loss", mean(g, mg_square(g, off)));
        mg_output(g, "d_off", mean(g, off));
        return;
    }
    mg_node *running = mg_statistic(g, "G.mean", &one, start);
    mg_node *seen = mg_reshape(g, mg_mean(g, x, 1), &one);
    mg_statistic_move(g, running, mg_affine(g, mg_add(g, running, seen), 0.5, 0));
    mg_output(g, "g_loss", mean(g, mg_square(g, mg_sub(g, mg_param(g, "G.v", &one, start), x))));
}

static int64_t two(const void *config, uint64_t round) { return (void)config, (void)round, 2; }
static bool yes(const void *config) { return (void)config, true; }
static double half(const void *config) { return (void)config, 0.5; }

static const char *const parts[] = {"d_off", NULL};
static const mg_option none[] = {{0}};
static const mg_phase phases[] = {
    {.name = "D", .loss = "d_loss", .params = "D.", .parts = parts, .updates = two, .clip_weight = half},
    {.name = "G", .loss = "g_loss", .params = "G.", .couples = yes},
};
static const mg_model model = {.name = "turns", .summary = "", .options = none, .config_size = 1,
                               .describe = describe, .phases = phases, .n_phases = 2};

enum { BATCH = 4 };
static const double xs[BATCH] = {1, 2, -1, 3}; /* mean 1.25 */

typedef struct {
    mg_tensor_set params;
    mg_trainer *trainer;
    mg_batch batch;
    char config;
} turns;

static turns start(void)
{
    mg_error why = {0};
    turns t = {.batch = {.examples = BATCH, .length = 1, .n_parts = 1}};
    t.batch.parts[0].name = "x";
    REQUIRE(mg_tensor_make(MG_REAL, &MG_SHAPE(BATCH), &t.batch.parts[0].tensor, &why) == MG_OK);
    for (int i = 0; i < BATCH; i++) ((mg_real *)t.batch.parts[0].tensor.data)[i] = (mg_real)xs[i];
    REQUIRE(mg_model_start(&model, &t.config, 1, &t.params, &why) == MG_OK);
    return t;
}

static void open_trainer(turns *t, const mg_optim optims[2], int shards)
{
    mg_error why = {0};
    mg_trainer_options o = {.model = &model, .config = &t->config, .optim = optims[0], .of_phase = optims,
                            .params = &t->params, .batch = BATCH, .shards = shards, .threads = 2};
    REQUIRE(mg_trainer_new(&o, &t->trainer, &why) == MG_OK);
}

static mg_step_result step(turns *t)
{
    mg_error why = {0};
    mg_step_result r;
    REQUIRE(mg_trainer_step(t->trainer, &t->batch, &r, &why) == MG_OK);
    return r;
}

static double value(const turns *t, const char *name)
{
    return (double)*(mg_real *)mg_tensor_set_find(&t->params, name)->data;
}

static void stop(turns *t)
{
    mg_trainer_free(t->trainer);
    mg_tensor_set_clear(&t->params);
    mg_batch_free(&t->batch);
}

static void turns_are_taken(void)
{
    /* Decay would show where a phase moved what is not its own. */
    mg_optim optims[2] = {mg_optim_defaults(), mg_optim_defaults()};
    for (int i = 0; i < 2; i++) optims[i].optimizer = 1, optims[i].weight_decay = 0.5, optims[i].lr = 0.01 * (i + 1);
    static const int order[] = {0, 0, 1, 0, 0, 1};
    turns t = start();
    open_trainer(&t, optims, 8);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        double w = value(&t, "D.w"), v = value(&t, "G.v"), m = value(&t, "G.mean");
        mg_step_result r = step(&t);
        CHECK_INT(r.phase, order[i]);
        CHECK((value(&t, "D.w") != w) == (order[i] == 0));
        CHECK((value(&t, "G.v") != v) == (order[i] == 1));
        CHECK_NEAR(value(&t, "G.mean"), order[i] == 1 ? (m + 1.25) / 2 : m, 1e-6);
        if (order[i] == 0) CHECK_NEAR(r.parts[0], 1.25 * w - 1, 1e-6);
        CHECK_NEAR(r.rate, optims[order[i]].lr, 1e-12);
    }
    CHECK(mg_trainer_steps(t.trainer) == 6);
    stop(&t);
}

/* sgd: w - rate mean of 2 x (w x - 1), kept within a half; that the batch is cut in shards does not show. */
static void weights_stay_within_bounds(void)
{
    mg_optim optims[2] = {mg_optim_defaults(), mg_optim_defaults()};
    for (int i = 0; i < 2; i++) optims[i].optimizer = 2;
    static const struct { double rate; bool reaches; } cases[] = {{0.01, false}, {1, true}};
    for (int k = 0; k < 2; k++)
        for (int shards = 1; shards <= 8; shards *= 2) {
            optims[0].lr = cases[k].rate;
            turns t = start();
            open_trainer(&t, optims, shards);
            double w = 0.25, slope = 0;
            for (int i = 0; i < BATCH; i++) slope += 2 * xs[i] * (w * xs[i] - 1) / BATCH;
            step(&t);
            double free_w = w - cases[k].rate * slope;
            CHECK((fabs(free_w) > 0.5) == cases[k].reaches);
            CHECK_NEAR(value(&t, "D.w"), fmin(fmax(free_w, -0.5), 0.5), 1e-6);
            stop(&t);
        }
}

/* s starts at `initial`: w - rate g / sqrt(alpha s + (1 - alpha) g^2 + eps) */
static void tensorflows_rmsprop(void)
{
    mg_optim optims[2] = {mg_optim_defaults(), mg_optim_defaults()};
    for (int i = 0; i < 2; i++)
        optims[i].optimizer = 4, optims[i].alpha = 0.9, optims[i].eps = 1e-3, optims[i].initial = 1, optims[i].lr = 0.1;
    turns t = start();
    open_trainer(&t, optims, 1);
    double w = 0.25, slope = 0;
    for (int i = 0; i < BATCH; i++) slope += 2 * xs[i] * (w * xs[i] - 1) / BATCH;
    step(&t);
    CHECK_NEAR(value(&t, "D.w"), w - 0.1 * slope / sqrt(0.9 + 0.1 * slope * slope + 1e-3), 1e-6);
    stop(&t);
}

int main(void)
{
    TEST("phases take turns, each moves its own, and statistics are written", turns_are_taken);
    TEST("weights stay within the bounds of their phase, in any number of shards", weights_stay_within_bounds);
    TEST("TensorFlow's rmsprop starts at its initial value, with eps under the root", tensorflows_rmsprop);
    return tap_end();
}
