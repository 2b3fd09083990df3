/* SPDX-License-Identifier: MIT */
/* Gradients of every op in the list, against central differences in double: P = sum r y for a random r, and of the
   second order Q = sum of weights times all first gradients of P. Fused ops are held to their spelling, both orders. */
#include "tests/unit/tap.h"

#include <mgen/grad.h>

#include "tests/grad/cases.h"

/* ---- one case as a graph, planned and ready ---- */

typedef struct {
    mg_plan *plan;
    mg_instance *run;
    const grad_case *c;
    int n_real, real[MOST_INPUTS + 1]; /* the inputs that have gradients; MOST_INPUTS stands for r */
} bench;

static const char *name_of(int k)
{
    static const char *const names[] = {"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "r"};
    return names[k];
}

static const char *numbered(char kind, int k)
{
    static char text[8][16];
    static int turn;
    turn = (turn + 1) % 8;
    snprintf(text[turn], sizeof *text, "%c%d", kind, k);
    return text[turn];
}

/* Random numbers that keep clear of kinks: multiples of 1/8 + noise never meet. */
static void fill(mg_tensor *t, input_kind kind, mg_random *random)
{
    int64_t n = mg_shape_count(&t->shape);
    for (int64_t i = 0; i < n; i++) {
        double u = mg_random_unit(random) * 2 - 1;
        if (kind == INDEX) ((int32_t *)t->data)[i] = (int32_t)mg_random_below(random, 4);
        else if (kind == MASK) ((mg_real *)t->data)[i] = mg_random_below(random, 3) > 0;
        else ((mg_real *)t->data)[i] = kind == POSITIVE ? 0.5 + fabs(u) : u;
    }
}

static bool bench_open(bench *b, const grad_case *c, bool spells)
{
    mg_error why = {0};
    mg_graph *g = mg_graph_new((mg_use){MG_TRAINING, 0, 1, 1, false});
    mg_node *in[MOST_INPUTS], *dx[MOST_INPUTS + 1], *ddx[MOST_INPUTS + 1], *wanted[MOST_INPUTS + 1];
    *b = (bench){.c = c};
    mg_graph_spell(g, spells);
    for (int k = 0; k < c->n; k++) {
        bool is_index = c->in[k].kind == INDEX;
        in[k] = is_index ? mg_input_index(g, name_of(k), 4, &c->in[k].shape) : mg_input(g, name_of(k), &c->in[k].shape);
        if (is_index || c->in[k].kind == MASK) continue;
        wanted[b->n_real] = in[k];
        b->real[b->n_real++] = k;
    }
    mg_node *y = c->build(g, in), *r = mg_input(g, "r", mg_node_shape(y));
    wanted[b->n_real] = r;
    b->real[b->n_real++] = MOST_INPUTS;
    mg_node *first = mg_sum_all(g, mg_mul(g, r, y)), *second = NULL;
    mg_output(g, "y", y);
    mg_output(g, "P", first);
    mg_grad(g, first, NULL, wanted, b->n_real, dx);
    for (int k = 0; k < b->n_real; k++) {
        mg_node *weights = mg_input(g, numbered('w', k), mg_node_shape(dx[k]));
        mg_node *part = mg_sum_all(g, mg_mul(g, weights, dx[k]));
        second = second ? mg_add(g, second, part) : part;
        mg_output(g, numbered('d', k), dx[k]);
    }
    mg_output(g, "Q", second);
    mg_grad(g, second, NULL, wanted, b->n_real, ddx);
    for (int k = 0; k < b->n_real; k++) mg_output(g, numbered('D', k), ddx[k]);
    if (!mg_plan_new(g, &b->plan, &why) && !mg_instance_new(b->plan, NULL, 1, &b->run, &why)) {
        mg_random random = mg_random_at(7, c->op, (uint64_t)(c - cases));
        for (int k = 0; k < c->n; k++) {
            mg_tensor t = mg_instance_input(b->run, name_of(k));
            fill(&t, c->in[k].kind, &random);
        }
        mg_tensor t = mg_instance_input(b->run, "r");
        fill(&t, PLAIN, &random);
        for (int k = 0; k < b->n_real; k++) {
            t = mg_instance_input(b->run, numbered('w', k));
            fill(&t, PLAIN, &random);
        }
        if (!mg_instance_run(b->run, &why)) return true;
    }
    printf("# %s: %s\n", c->op, why.text);
    return false;
}

static void bench_close(bench *b)
{
    mg_instance_free(b->run);
    mg_plan_free(b->plan);
}

static double scalar(const bench *b, const char *name)
{
    mg_error why = {0};
    CHECK_INT(mg_instance_run(b->run, &why), MG_OK);
    return *(const mg_real *)mg_instance_output(b->run, name).data;
}

/* d value / d *x by a five-point stencil, exact to the fourth order. */
static double difference(const bench *b, const char *value, mg_real *x)
{
    double h = 1e-3, at = *x, f[4];
    static const double places[] = {-2, -1, 1, 2};
    for (int i = 0; i < 4; i++) {
        *x = at + places[i] * h;
        f[i] = scalar(b, value);
    }
    *x = at;
    return (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
}

static bool agrees(const bench *b, const char *value, char kind)
{
    bool all = true;
    for (int k = 0; k < b->n_real; k++) {
        const char *name = name_of(b->real[k]);
        mg_tensor x = mg_instance_input(b->run, name);
        int64_t n = mg_shape_count(&x.shape);
        double *want = mg_alloc((size_t)n, sizeof *want);
        for (int64_t i = 0; i < n; i++) want[i] = difference(b, value, (mg_real *)x.data + i);
        scalar(b, value);
        const mg_real *got = mg_instance_output(b->run, numbered(kind, k)).data;
        for (int64_t i = 0; i < n; i++) {
            if (fabs(got[i] - want[i]) <= 1e-8 * (1 + fabs(want[i]))) continue;
            printf("# %s: d%s/d%s[%lld] is %.12g, differences say %.12g\n", b->c->op, value, name, (long long)i, got[i],
                   want[i]);
            all = false;
        }
        mg_free(want);
    }
    return all;
}

/* ---- the tests ---- */

static bool has_derivative(int op) { return mg_op_rows[op].derive != NULL; }

static void every_op_has_a_case(void)
{
    for (int op = 0; op < MG_OP_COUNT; op++) {
        bool found = !has_derivative(op);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) found |= !strcmp(cases[i].op, mg_op_rows[op].name);
        if (!CHECK(found)) printf("# %s has a derivative and no case in tests/grad/cases.h\n", mg_op_rows[op].name);
    }
}

static void check_all(const char *value, char kind)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bench b;
        if (CHECK(bench_open(&b, &cases[i], false))) CHECK(agrees(&b, value, kind));
        bench_close(&b);
    }
}

static void first_order(void) { check_all("P", 'd'); }
static void second_order(void) { check_all("Q", 'D'); }

static bool are_equal(const bench *a, const bench *b, const char *name)
{
    mg_tensor x = mg_instance_output(a->run, name), y = mg_instance_output(b->run, name);
    for (int64_t i = 0, n = mg_shape_count(&x.shape); i < n; i++) {
        double got = ((mg_real *)x.data)[i], want = ((mg_real *)y.data)[i];
        if (fabs(got - want) <= 1e-12 * (1 + fabs(want))) continue;
        printf("# %s: %s[%lld] is %.15g fused and %.15g spelled\n", a->c->op, name, (long long)i, got, want);
        return false;
    }
    return true;
}

static void fused_is_spelled(void)
{
    int seen = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool is_fused = false;
        for (int op = 0; op < MG_OP_COUNT; op++)
            is_fused |= mg_op_rows[op].spell && !strcmp(mg_op_rows[op].name, cases[i].op);
        if (!is_fused) continue;
        bench a, b;
        seen++;
        bool open = CHECK(bench_open(&a, &cases[i], false));
        if (CHECK(bench_open(&b, &cases[i], true)) && open) {
            CHECK(are_equal(&a, &b, "y"));
            CHECK(are_equal(&a, &b, "P"));
            CHECK(are_equal(&a, &b, "Q"));
            for (int k = 0; k < a.n_real; k++) {
                CHECK(are_equal(&a, &b, numbered('d', k)));
                CHECK(are_equal(&a, &b, numbered('D', k)));
            }
        }
        bench_close(&a);
        bench_close(&b);
    }
    CHECK(seen >= 5);
}

/* ---- ends of gradients ---- */

static void stops(void)
{
    mg_error why = {0};
    mg_graph *g = mg_graph_new((mg_use){MG_TRAINING, 0, 1, 1, false});
    mg_node *x = mg_input(g, "x", &MG_SHAPE(3)), *other = mg_input(g, "other", &MG_SHAPE(2)), *dx[2];
    mg_node *y = mg_sum_all(g, mg_mul(g, x, mg_stop_gradient(g, mg_square(g, x)))); /* counts as x times a constant */
    mg_grad(g, y, NULL, (mg_node *[]){x, other}, 2, dx);
    mg_output(g, "dx", dx[0]);
    mg_output(g, "dother", dx[1]);
    mg_plan *plan;
    mg_instance *run;
    REQUIRE(mg_plan_new(g, &plan, &why) == MG_OK);
    REQUIRE(mg_instance_new(plan, NULL, 1, &run, &why) == MG_OK);
    mg_real *at = mg_instance_input(run, "x").data;
    at[0] = 2, at[1] = -3, at[2] = 0.5;
    CHECK_INT(mg_instance_run(run, &why), MG_OK);
    const mg_real *got = mg_instance_output(run, "dx").data, *none = mg_instance_output(run, "dother").data;
    CHECK(got[0] == 4 && got[1] == 9 && got[2] == 0.25);
    CHECK(none[0] == 0 && none[1] == 0);
    mg_instance_free(run);
    mg_plan_free(plan);
}

/* WGAN-GP in the small: the penalty (||d score / d x|| - 1)^2 of a two-layer critic, its gradient by differences. */
static mg_node *penalty(mg_graph *g, mg_node **in)
{
    mg_node *x = in[0], *slope;
    mg_node *h = mg_linear(g, x, in[1], in[2]);
    h = mg_select(g, mg_step(g, h), h, mg_affine(g, h, 0.2, 0)); /* leaky */
    mg_node *score = mg_matmul(g, mg_tanh(g, h), in[3], false, false);
    mg_grad(g, mg_sum_all(g, score), NULL, &x, 1, &slope);
    mg_node *steep = mg_sqrt(g, mg_affine(g, mg_sum(g, mg_square(g, slope), 2), 1, 1e-12));
    return mg_square(g, mg_affine(g, steep, 1, -1));
}

static void penalties(void)
{
    static const grad_case c = {"penalty", 4, {R(3, 4), R(5, 4), R(5), R(5, 1)}, penalty};
    bench b;
    REQUIRE(bench_open(&b, &c, false));
    CHECK(agrees(&b, "P", 'd'));
    CHECK(agrees(&b, "Q", 'D'));
    bench_close(&b);
}

int main(void)
{
    TEST("every op with a derivative has a case", every_op_has_a_case);
    TEST("first-order gradients of every op agree with differences", first_order);
    TEST("second-order gradients of every op agree with differences", second_order);
    TEST("fused ops and their spellings agree in value and both orders of gradient", fused_is_spelled);
    TEST("stop_gradient and unreached inputs end a gradient", stops);
    TEST("a gradient penalty has the gradients that differences say", penalties);
    return tap_end();
}
