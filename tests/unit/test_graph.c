/* SPDX-License-Identifier: MIT */
/* Graphs, plans and instances: results do not depend on how memory is shared, failures are told and survived. */
#include "tests/unit/tap.h"

#include <mgen/grad.h>

#include "op/plan.h"

static const mg_use training = {MG_TRAINING, 0, 1, 1, false}, streaming = {MG_STREAMING, 0, 1, 1, false};

/* ---- random graphs ---- */

enum { INPUTS = 3, OPS = 60 };

static mg_node *any(mg_random *random, mg_node **pool, int n) { return pool[mg_random_below(random, (uint32_t)n)]; }

/* Ops over [4, 6] tensors, views and in-place candidates among them. `keeps` makes every node an output, so that
   nothing shares memory. */
static mg_graph *random_graph(uint64_t seed, bool keeps)
{
    mg_graph *g = mg_graph_new(training);
    mg_random random = mg_random_at(seed, "graph", 0);
    mg_shape shape = MG_SHAPE(4, 6);
    mg_node *pool[INPUTS + OPS];
    int n = 0;
    for (; n < INPUTS; n++) pool[n] = mg_input(g, n == 0 ? "a" : n == 1 ? "b" : "c", &shape);
    for (; n < INPUTS + OPS; n++) {
        mg_node *x = any(&random, pool, n), *y = any(&random, pool, n), *z = any(&random, pool, n);
        switch (mg_random_below(&random, 11)) {
        case 0: x = mg_add(g, x, y); break;
        case 1: x = mg_mul(g, mg_tanh(g, x), y); break;
        case 2: x = mg_reshape(g, mg_transpose(g, mg_reshape(g, x, &MG_SHAPE(6, 4)), 0, 1), &shape); break;
        case 3: x = mg_add(g, mg_slice(g, x, 0, 2, 1, 1), y); break;
        case 4: x = mg_concat(g, 0, (mg_node *[]){mg_slice(g, x, 0, 2, 2, 1), mg_slice(g, y, 0, 0, 2, 1)}, 2); break;
        case 5: x = mg_sub(g, x, mg_sum(g, y, 2)); break;
        case 6: x = mg_select(g, mg_step(g, x), y, z); break;
        case 7: x = mg_matmul(g, x, mg_matmul(g, mg_tanh(g, y), mg_tanh(g, z), true, false), false, false); break;
        case 8: x = mg_softmax(g, x); break;
        case 9: x = mg_pad(g, mg_slice(g, x, 1, 0, 3, 2), 1, 1, 0, 1); break;
        default: x = mg_max(g, x, mg_affine(g, y, -1, 0.5)); break;
        }
        pool[n] = mg_tanh(g, x);
    }
    mg_output(g, "end", mg_add(g, pool[n - 1], mg_add(g, pool[n - 2], pool[n - 3])));
    for (int i = 0; keeps && i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        mg_output(g, name, pool[i]);
    }
    return g;
}

static mg_instance *ready(mg_plan *plan, double shift)
{
    mg_instance *run;
    mg_error why = {0};
    if (mg_instance_new(plan, NULL, 1, &run, &why)) return NULL;
    for (int k = 0; k < INPUTS; k++) {
        mg_real *x = mg_instance_input(run, (const char *[]){"a", "b", "c"}[k]).data;
        for (int i = 0; i < 24; i++) x[i] = (mg_real)(sin(i + 10 * k) + shift);
    }
    return run;
}

static void sharing_changes_nothing(void)
{
    size_t shared_bytes = 0, apart_bytes = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        mg_error why = {0};
        mg_plan *shared, *apart;
        REQUIRE(mg_plan_new(random_graph(seed, false), &shared, &why) == MG_OK);
        REQUIRE(mg_plan_new(random_graph(seed, true), &apart, &why) == MG_OK);
        shared_bytes += mg_plan_bytes(shared), apart_bytes += mg_plan_bytes(apart);
        mg_instance *x = ready(shared, 0.5), *y = ready(apart, 0);
        REQUIRE(x && y);
        CHECK_INT(mg_instance_run(x, &why), MG_OK); /* leaves its traces in the memory */
        for (int k = 0; k < INPUTS; k++) {
            const char *name = (const char *[]){"a", "b", "c"}[k];
            memcpy(mg_instance_input(x, name).data, mg_instance_input(y, name).data, 24 * sizeof(mg_real));
        }
        CHECK_INT(mg_instance_run(x, &why), MG_OK);
        CHECK_INT(mg_instance_run(y, &why), MG_OK);
        CHECK(!memcmp(mg_instance_output(x, "end").data, mg_instance_output(y, "end").data, 24 * sizeof(mg_real)));
        mg_instance_free(x), mg_instance_free(y);
        mg_plan_free(shared), mg_plan_free(apart);
    }
    CHECK(shared_bytes * 2 < apart_bytes); /* and it does share */
}

/* The proof is worth something: it sees two living buffers moved over each other. */
static void overlaps_are_seen(void)
{
    mg_error why = {0};
    mg_plan *plan;
    int planted = 0, seen = 0;
    REQUIRE(mg_plan_new(random_graph(3, true), &plan, &why) == MG_OK);
    for (size_t i = 0; i < plan->n_buffers; i++) {
        mg_plan_buffer *a = &plan->buffers[i];
        for (size_t j = i + 1; j < plan->n_buffers; j++) {
            mg_plan_buffer *b = &plan->buffers[j];
            if (a->joined != (int64_t)i || b->joined != (int64_t)j || b->made > a->last) continue;
            size_t offset = b->offset;
            bool holds = true;
            b->offset = a->offset + a->bytes / 2;
            CHECK_INT(mg_plan_prove(plan, &holds, &why), MG_OK);
            b->offset = offset;
            planted++;
            seen += !holds;
        }
    }
    CHECK(planted > 50);
    CHECK_INT(seen, planted);
    mg_plan_free(plan);
}

static void equal_nodes_are_one(void)
{
    mg_graph *g = mg_graph_new(training);
    mg_node *x = mg_input(g, "x", &MG_SHAPE(2, 3)), *y = mg_input(g, "y", &MG_SHAPE(2, 3));
    CHECK(mg_add(g, x, y) == mg_add(g, x, y));
    CHECK(mg_add(g, x, y) != mg_add(g, y, x));
    CHECK(mg_affine(g, x, 2, 0) != mg_affine(g, x, 2, 1));
    CHECK(mg_affine(g, x, 1, 0) == x && mg_add(g, x, mg_fill(g, &MG_SHAPE(3), 0)) == x);
    CHECK(mg_mul(g, mg_fill(g, &MG_SHAPE(2, 3), 1), y) == y);
    CHECK(mg_uniform(g, "u", &MG_SHAPE(2), 0) != mg_uniform(g, "u", &MG_SHAPE(2), 0));
    CHECK(mg_input(g, "x", &MG_SHAPE(2, 3)) == x);
    mg_graph_free(g);
}

/* ---- state ---- */

static void state_lives_on(void)
{
    mg_error why = {0};
    mg_graph *g = mg_graph_new(streaming);
    mg_shape shape = MG_SHAPE(2);
    mg_node *a = mg_state(g, "a", &shape), *b = mg_state(g, "b", &shape), *x = mg_input(g, "x", &shape);
    mg_output(g, "old", mg_affine(g, a, 1, 0.5));
    mg_write(g, a, b); /* the two change places, and x comes in */
    mg_write(g, b, mg_add(g, a, x));
    mg_plan *plan;
    mg_instance *run;
    REQUIRE(mg_plan_new(g, &plan, &why) == MG_OK);
    REQUIRE(mg_instance_new(plan, NULL, 1, &run, &why) == MG_OK);
    mg_real *in = mg_instance_input(run, "x").data;
    in[0] = 1, in[1] = 10;
    for (int i = 0; i < 5; i++) CHECK_INT(mg_instance_run(run, &why), MG_OK);
    const mg_real *pa = mg_instance_state(run, "a").data, *pb = mg_instance_state(run, "b").data;
    const mg_real *old = mg_instance_output(run, "old").data;
    CHECK(pa[0] == 2 && pa[1] == 20 && pb[0] == 3 && pb[1] == 30 && old[0] == 2.5f && old[1] == 20.5f);
    mg_instance_reset(run);
    CHECK(pa[0] == 0 && pb[1] == 0);
    CHECK(!mg_instance_state(run, "c").data && !mg_instance_output(run, "new").data);
    mg_instance_free(run);
    mg_plan_free(plan);

    g = mg_graph_new(training); /* elsewhere a state is zero and its writes vanish */
    a = mg_state(g, "a", &shape);
    mg_write(g, a, mg_input(g, "x", &shape));
    mg_output(g, "a", a);
    REQUIRE(mg_plan_new(g, &plan, &why) == MG_OK);
    REQUIRE(mg_instance_new(plan, NULL, 1, &run, &why) == MG_OK);
    CHECK_INT(mg_instance_run(run, &why), MG_OK);
    CHECK(((mg_real *)mg_instance_output(run, "a").data)[1] == 0);
    mg_instance_free(run);
    mg_plan_free(plan);
}

/* a b: the gradient of each is the other, which moves while it is read. */
static void results_lie_in_no_parameter(void)
{
    mg_error why = {0};
    mg_graph *g = mg_graph_new(training);
    mg_shape row = MG_SHAPE(1, 2), column = MG_SHAPE(2, 1);
    mg_node *a = mg_param(g, "a", &row, (mg_start){MG_START_CONSTANT, 3});
    mg_node *b = mg_param(g, "b", &row, (mg_start){MG_START_CONSTANT, 5});
    mg_output(g, "grad/a", b);
    mg_output(g, "grad/b", mg_reshape(g, a, &column));
    mg_plan *plan;
    mg_instance *run;
    mg_real values[2][2] = {{1, 2}, {3, 4}}, *params[] = {values[0], values[1]};
    REQUIRE(mg_plan_new(g, &plan, &why) == MG_OK);
    REQUIRE(mg_instance_new(plan, params, 1, &run, &why) == MG_OK);
    CHECK_INT(mg_instance_run(run, &why), MG_OK);
    memset(values, 0, sizeof values);
    const mg_real *of_a = mg_instance_output(run, "grad/a").data, *of_b = mg_instance_output(run, "grad/b").data;
    CHECK(of_a[0] == 3 && of_a[1] == 4 && of_b[0] == 1 && of_b[1] == 2);
    mg_instance_free(run);
    mg_plan_free(plan);
}

static void rows_go_on_from_others(void)
{
    mg_error why = {0};
    enum { ROWS = 3 };
    mg_graph *g = mg_graph_new((mg_use){MG_STREAMING, 0, ROWS, 1, false});
    mg_node *a = mg_state(g, "a", &MG_SHAPE(ROWS, 2)), *all = mg_state(g, "all", &MG_SHAPE(1));
    mg_node *x = mg_input(g, "x", &MG_SHAPE(ROWS, 2)), *shared = mg_input(g, "shared", &MG_SHAPE(1));
    mg_write(g, a, mg_add(g, a, x));
    mg_write(g, all, mg_add(g, all, shared));
    mg_plan *plan;
    mg_instance *run;
    REQUIRE(mg_plan_new(g, &plan, &why) == MG_OK && mg_instance_new(plan, NULL, 1, &run, &why) == MG_OK);
    mg_real *in = mg_instance_input(run, "x").data, *pa = mg_instance_state(run, "a").data;
    mg_real *one = mg_instance_input(run, "shared").data, *pall = mg_instance_state(run, "all").data;
    for (int i = 0; i < 2 * ROWS; i++) in[i] = (mg_real)i;
    *one = 5;
    CHECK_INT(mg_instance_run(run, &why), MG_OK);
    CHECK_INT(mg_instance_take_rows(run, (const int32_t[]){2, 2, 0}, &why), MG_OK);
    static const mg_real want[2 * ROWS] = {4, 5, 4, 5, 0, 1};
    for (int i = 0; i < 2 * ROWS; i++) CHECK(pa[i] == want[i] && in[i] == want[i]);
    CHECK(*pall == 5 && *one == 5);
    mg_instance_free(run);
    mg_plan_free(plan);
}

/* Within a stream what follows from parameters alone is computed once, and again for the next stream. */
static void streams_keep_what_is_fixed(void)
{
    mg_error why = {0};
    mg_graph *g = mg_graph_new(streaming);
    mg_shape shape = MG_SHAPE(4);
    mg_node *w = mg_param(g, "w", &shape, (mg_start){0}), *x = mg_input(g, "x", &shape), *y = mg_square(g, x);
    for (int i = 0; i < 5; i++) y = mg_tanh(g, mg_add(g, y, mg_exp(g, mg_affine(g, w, i + 1, 0))));
    mg_output(g, "y", y);
    mg_plan *plan;
    mg_instance *run;
    mg_real weights[4] = {0.1f, 0.2f, 0.3f, 0.4f}, first[4];
    REQUIRE(mg_plan_new(g, &plan, &why) == MG_OK);
    CHECK_INT(plan->n_fixed, 9); /* exp and affine of w, but no affine for 1 w + 0 */
    REQUIRE(mg_instance_new(plan, (mg_real *const[]){weights}, 1, &run, &why) == MG_OK);
    const mg_real *out = mg_instance_output(run, "y").data;
    for (int i = 0; i < 4; i++) {
        CHECK_INT(mg_instance_run(run, &why), MG_OK);
        if (i == 0) memcpy(first, out, sizeof first);
        CHECK(!memcmp(first, out, sizeof first)); /* nothing runs over what is kept */
    }
    weights[0] = 0.7f;
    CHECK_INT(mg_instance_run(run, &why), MG_OK);
    CHECK(!memcmp(first, out, sizeof first));
    mg_instance_reset(run);
    CHECK_INT(mg_instance_run(run, &why), MG_OK);
    CHECK(out[0] != first[0] && out[1] == first[1]);
    mg_instance_free(run);
    mg_plan_free(plan);
}

static void draws_follow_the_record(void)
{
    mg_error why = {0};
    mg_graph *g = mg_graph_new(training);
    mg_output(g, "u", mg_uniform(g, "drop", &MG_SHAPE(3, 4, 5), 1));
    mg_plan *plan;
    mg_instance *run;
    REQUIRE(mg_plan_new(g, &plan, &why) == MG_OK);
    REQUIRE(mg_instance_new(plan, NULL, 1, &run, &why) == MG_OK);
    mg_real first[60];
    const mg_real *u = mg_instance_output(run, "u").data;
    mg_instance_seed(run, 5, 100);
    CHECK_INT(mg_instance_run(run, &why), MG_OK);
    memcpy(first, u, sizeof first);
    mg_instance_seed(run, 5, 102); /* its first two examples are the last two of before */
    CHECK_INT(mg_instance_run(run, &why), MG_OK);
    for (int t = 0; t < 3; t++) CHECK(!memcmp(u + t * 20, first + t * 20 + 10, 10 * sizeof *u));
    CHECK(memcmp(u, first, 10 * sizeof *u));
    for (int i = 0; i < 60; i++) CHECK(u[i] >= 0 && u[i] < 1);
    mg_instance_free(run);
    mg_plan_free(plan);
}

/* ---- failures ---- */

static void misfits_are_told(void)
{
    mg_error why = {0};
    mg_graph *g = mg_graph_new(training);
    mg_node *x = mg_input(g, "x", &MG_SHAPE(2, 64)), *w = mg_param(g, "w", &MG_SHAPE(8, 48), (mg_start){0});
    mg_node *y = mg_linear(g, x, w, mg_fill(g, &MG_SHAPE(8), 0)), *dx;
    y = mg_softmax(g, mg_transpose(g, mg_add(g, y, x), 0, 1)); /* later builders do nothing */
    mg_grad(g, y, NULL, &x, 1, &dx);
    mg_output(g, "y", y);
    CHECK_INT(mg_graph_status(g, &why), MG_BAD_ARGUMENT);
    CHECK_TEXT(why.text, "linear of [2, 64], [8, 48], [8]: the input's width is not the weight's");
    mg_plan *plan;
    CHECK_INT(mg_plan_new(g, &plan, &why), MG_BAD_ARGUMENT);
    CHECK(!plan);
    g = mg_graph_new(training);
    mg_node *huge = mg_input(g, "huge", &MG_SHAPE(1 << 20, 1 << 20));
    CHECK(huge);
    CHECK_INT(mg_plan_new(g, &plan, &why), MG_TOO_LARGE);
    g = mg_graph_new(training);
    mg_param(g, "w", &MG_SHAPE(2), (mg_start){0});
    mg_param(g, "w", &MG_SHAPE(3), (mg_start){0});
    CHECK_INT(mg_plan_new(g, &plan, &why), MG_BAD_ARGUMENT);
}

static void indices_are_checked(void)
{
    mg_error why = {0};
    mg_graph *g = mg_graph_new(training);
    mg_node *table = mg_table(g, &MG_SHAPE(3, 1), (const double[]){10, 20, 30});
    mg_output(g, "y", mg_gather(g, table, mg_input_index(g, "i", 3, &MG_SHAPE(2)), 0));
    mg_plan *plan;
    mg_instance *run;
    REQUIRE(mg_plan_new(g, &plan, &why) == MG_OK);
    REQUIRE(mg_instance_new(plan, NULL, 1, &run, &why) == MG_OK);
    int32_t *i = mg_instance_input(run, "i").data;
    i[0] = 2, i[1] = 3;
    CHECK_INT(mg_instance_run(run, &why), MG_BAD_DATA);
    i[1] = -1;
    CHECK_INT(mg_instance_run(run, &why), MG_BAD_DATA);
    i[1] = 0;
    CHECK_INT(mg_instance_run(run, &why), MG_OK);
    const mg_real *y = mg_instance_output(run, "y").data;
    CHECK(y[0] == 30 && y[1] == 10);
    mg_instance_free(run);
    mg_plan_free(plan);
}

/* Everything once: an LSTM with its gradient of the second order, planned and run. */
static mg_status build_and_run(mg_error *why)
{
    mg_graph *g = mg_graph_new(training);
    if (!g) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_node *pre = mg_input(g, "pre", &MG_SHAPE(3, 2, 8)), *w = mg_param(g, "w", &MG_SHAPE(8, 2), (mg_start){0});
    mg_node *zero = mg_fill(g, &MG_SHAPE(2, 2), 0), *mask = mg_fill(g, &MG_SHAPE(3, 2), 1), *dw, *ddw;
    mg_node *y = mg_sum_all(g, mg_square(g, mg_lstm(g, pre, zero, zero, w, mask).y));
    mg_grad(g, y, NULL, &w, 1, &dw);
    mg_grad(g, mg_sum_all(g, mg_square(g, dw)), NULL, &w, 1, &ddw);
    mg_output(g, "ddw", ddw);
    mg_plan *plan;
    mg_instance *run = NULL;
    mg_real weights[16] = {1};
    mg_status status = mg_plan_new(g, &plan, why);
    if (!status) status = mg_instance_new(plan, (mg_real *const[]){weights}, 1, &run, why);
    if (!status) {
        uint64_t before = mg_alloc_count();
        status = mg_instance_run(run, why);
        CHECK_INT(mg_alloc_count(), before); /* a run allocates nothing */
    }
    mg_instance_free(run);
    mg_plan_free(plan);
    return status;
}

static void allocations_may_fail(void)
{
    mg_error why = {0};
    CHECK_FAILING_ALLOCATIONS(build_and_run(&why));
}

/* ---- work ---- */

static void products_are_counted(void)
{
    mg_error why = {0};
    mg_plan *plan;
    mg_start start = {MG_START_CONSTANT, 0};
    mg_graph *g = mg_graph_new(training);
    mg_node *x = mg_input(g, "x", &MG_SHAPE(2, 5, 3)), *w = mg_param(g, "w", &MG_SHAPE(7, 3), start);
    mg_node *y = mg_linear(g, mg_tanh(g, x), w, mg_param(g, "b", &MG_SHAPE(7), start)); /* 10 x 3 x 7 */
    mg_output(g, "y", mg_matmul(g, y, mg_tanh(g, y), true, false));                     /* 2 of 7 x 5 x 7 */
    REQUIRE(mg_plan_new(g, &plan, &why) == MG_OK);
    CHECK_NEAR(mg_plan_flops(plan), 2.0 * (10 * 3 * 7 + 2 * 7 * 5 * 7), 0);
    mg_plan_free(plan);
    g = mg_graph_new(training);
    enum { STEPS = 6, BATCH = 2, UNITS = 5 };
    mg_node *pre = mg_param(g, "pre", &MG_SHAPE(STEPS, BATCH, 4 * UNITS), start), *dx[2];
    mg_node *zero = mg_fill(g, &MG_SHAPE(BATCH, UNITS), 0), *u = mg_param(g, "u", &MG_SHAPE(4 * UNITS, UNITS), start);
    mg_lstm_out r = mg_lstm(g, pre, zero, zero, u, mg_fill(g, &MG_SHAPE(STEPS, BATCH), 1));
    mg_grad(g, mg_sum_all(g, mg_square(g, r.y)), NULL, (mg_node *[]){pre, u}, 2, dx);
    mg_output(g, "dpre", dx[0]), mg_output(g, "du", dx[1]);
    REQUIRE(mg_plan_new(g, &plan, &why) == MG_OK); /* there, back, and the weight's gradient */
    CHECK_NEAR(mg_plan_flops(plan), 3 * 2.0 * STEPS * BATCH * 4 * UNITS * UNITS, 0);
    mg_plan_free(plan);
}

int main(void)
{
    TEST("sharing memory changes no result", sharing_changes_nothing);
    TEST("the proof of a layout sees every planted overlap", overlaps_are_seen);
    TEST("equal nodes are one, and what changes nothing is left out", equal_nodes_are_one);
    TEST("states live from run to run and are written at its end", state_lives_on);
    TEST("results of training lie in no parameter", results_lie_in_no_parameter);
    TEST("a row goes on from another's inputs and states", rows_go_on_from_others);
    TEST("what follows from parameters alone is computed once a stream", streams_keep_what_is_fixed);
    TEST("random numbers follow seed, name and record", draws_follow_the_record);
    TEST("shapes that do not fit are told with op and shapes", misfits_are_told);
    TEST("indices outside their limit are refused", indices_are_checked);
    TEST("every allocation may fail, and a run makes none", allocations_may_fail);
    TEST("the operations of products are counted", products_are_counted);
    return tap_end();
}
