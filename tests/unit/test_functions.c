/* SPDX-License-Identifier: MIT */
/* What is spelled in ops: activations by their formulas, norms by what they promise, places by what lies where. */
#include "tests/unit/tap.h"

#include <mgen/nn.h>

typedef struct {
    mg_graph *g;
    mg_node *x;
    mg_plan *plan;
    mg_instance *run;
} bench;

static bench begin(const mg_shape *shape)
{
    bench b = {.g = mg_graph_new((mg_use){MG_TRAINING, 0, 1, 1, false})};
    b.x = mg_input(b.g, "x", shape);
    return b;
}

/* y for x = f(i), lent. */
static const mg_real *run(bench *b, mg_node *y, double (*f)(int64_t i))
{
    mg_error why = {0};
    mg_output(b->g, "y", y);
    REQUIRE(mg_plan_new(b->g, &b->plan, &why) == MG_OK);
    REQUIRE(mg_instance_new(b->plan, NULL, 1, &b->run, &why) == MG_OK);
    mg_tensor x = mg_instance_input(b->run, "x");
    for (int64_t i = 0; i < mg_shape_count(&x.shape); i++) ((mg_real *)x.data)[i] = (mg_real)f(i);
    REQUIRE(mg_instance_run(b->run, &why) == MG_OK);
    return mg_instance_output(b->run, "y").data;
}

static void end(bench *b)
{
    mg_instance_free(b->run);
    mg_plan_free(b->plan);
}

static double ramp(int64_t i) { return (double)i / 4 - 4; } /* -4 .. */
static double count(int64_t i) { return (double)i; }
static double rough(int64_t i) { return (double)(i * 37 % 23) / 5 - 1.5; }
static double huge(int64_t i) { return i % 2 ? 200 : -200; }

/* ---- activations ---- */

enum { ALL = 33 };
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static mg_node *leaky(mg_graph *g, mg_node *x) { return mg_leaky_relu(g, x, 0.2); }
static mg_node *elu(mg_graph *g, mg_node *x) { return mg_elu(g, x, 1.5); }
static double leaky_of(double x) { return x > 0 ? x : 0.2 * x; }
static double elu_of(double x) { return x > 0 ? x : 1.5 * (exp(x) - 1); }
static double gelu_of(double x) { return x * 0.5 * (1 + erf(x / sqrt(2))); }
static double gelu_tanh_of(double x) { return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }
static double silu_of(double x) { return x * sigmoid(x); }

static void activations(void)
{
    static const struct { mg_node *(*build)(mg_graph *g, mg_node *x); double (*want)(double x); } cases[] = {
        {leaky, leaky_of}, {elu, elu_of}, {mg_gelu, gelu_of}, {mg_gelu_tanh, gelu_tanh_of}, {mg_silu, silu_of}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        bench b = begin(&MG_SHAPE(ALL));
        const mg_real *y = run(&b, cases[k].build(b.g, b.x), ramp);
        for (int i = 0; i < ALL; i++) CHECK_NEAR((double)y[i], cases[k].want(ramp(i)), 2e-6);
        end(&b);
    }
}

/* What is not chosen must not overflow into what is. */
static void activations_far_out(void)
{
    bench b = begin(&MG_SHAPE(2));
    const mg_real *y = run(&b, elu(b.g, b.x), huge);
    CHECK_NEAR((double)y[0], -1.5, 1e-6);
    CHECK_NEAR((double)y[1], 200, 1e-6);
    end(&b);
}

static void gates(void)
{
    for (int k = 0; k < 2; k++) {
        bench b = begin(&MG_SHAPE(2, 4));
        const mg_real *y = run(&b, (k ? mg_gated_tanh : mg_glu)(b.g, b.x, 1), rough);
        for (int64_t r = 0; r < 2; r++)
            for (int64_t i = 0; i < 2; i++) {
                double left = rough(r * 4 + i), gate = sigmoid(rough(r * 4 + 2 + i));
                CHECK_NEAR((double)y[r * 2 + i], (k ? tanh(left) : left) * gate, 1e-6);
            }
        end(&b);
    }
}

/* ---- norms ---- */

/* Mean and deviation of the numbers that `belongs` picks. */
static void moments(const mg_real *y, int64_t n, bool (*belongs)(int64_t i, int64_t k), int64_t k, double *mean,
                    double *deviation)
{
    double sum = 0, squares = 0, count_of = 0;
    for (int64_t i = 0; i < n; i++)
        if (belongs(i, k)) sum += (double)y[i], squares += (double)y[i] * (double)y[i], count_of++;
    *mean = sum / count_of;
    *deviation = sqrt(squares / count_of - *mean * *mean);
}

enum { B = 3, C = 4, T = 5, N = B * C * T };
static bool of_row(int64_t i, int64_t k) { return i / T == k; }               /* layer norm: each [b, c] */
static bool of_channel(int64_t i, int64_t k) { return i / T % C == k; }       /* batch norm */
static bool of_group(int64_t i, int64_t k) { return i / (T * C / 2) == k; }   /* two groups of two channels */

static void norms(void)
{
    static const struct { bool (*belongs)(int64_t i, int64_t k); int64_t sets, width; } cases[] = {
        {of_row, B * C, T}, {of_channel, C, C}, {of_group, B * 2, C}};
    for (int k = 0; k < 3; k++) {
        bench b = begin(&MG_SHAPE(B, C, T));
        mg_node *w = mg_fill(b.g, &MG_SHAPE(cases[k].width), 3), *shift = mg_fill(b.g, &MG_SHAPE(cases[k].width), -2);
        mg_node *y = k == 0 ? mg_layer_norm(b.g, b.x, w, shift, 0) : k == 1 ? mg_batch_norm(b.g, b.x, w, shift, 0)
                                                                          : mg_group_norm(b.g, b.x, 2, w, shift, 0);
        const mg_real *numbers = run(&b, y, rough);
        for (int64_t set = 0; set < cases[k].sets; set++) {
            double mean, deviation;
            moments(numbers, N, cases[k].belongs, set, &mean, &deviation);
            CHECK_NEAR(mean, -2, 1e-5);
            CHECK_NEAR(deviation, 3, 1e-5);
        }
        end(&b);
    }
}

/* By the statistics of the batch it is the batch norm, but for the unbiased variance. */
static void given_statistics(void)
{
    bench b = begin(&MG_SHAPE(B, C, T));
    mg_node *one = mg_fill(b.g, &MG_SHAPE(C), 1), *zero = mg_fill(b.g, &MG_SHAPE(C), 0), *mean, *variance;
    mg_batch_moments(b.g, b.x, &mean, &variance);
    variance = mg_affine(b.g, variance, (B * T - 1) / (double)(B * T), 0);
    mg_node *by = mg_batch_norm_by(b.g, b.x, one, zero, mean, variance, 1e-3);
    const mg_real *gap = run(&b, mg_sub(b.g, by, mg_batch_norm(b.g, b.x, one, zero, 1e-3)), rough);
    for (int i = 0; i < N; i++) CHECK_NEAR((double)gap[i], 0, 1e-5);
    end(&b);
}

static void lengths(void)
{
    bench b = begin(&MG_SHAPE(B, C, T));
    const mg_real *v = run(&b, mg_weight_norm(b.g, b.x, mg_fill(b.g, &MG_SHAPE(B, 1, 1), 7)), rough);
    for (int r = 0; r < B; r++) {
        double squares = 0;
        for (int i = 0; i < C * T; i++) squares += (double)v[r * C * T + i] * (double)v[r * C * T + i];
        CHECK_NEAR(sqrt(squares), 7, 1e-5);
    }
    end(&b);
    b = begin(&MG_SHAPE(B, C, T));
    const mg_real *p = run(&b, mg_pixel_norm(b.g, b.x, 0), rough);
    for (int r = 0; r < B; r++)
        for (int t = 0; t < T; t++) {
            double squares = 0;
            for (int c = 0; c < C; c++) squares += pow((double)p[(r * C + c) * T + t], 2);
            CHECK_NEAR(squares, C, 1e-5);
        }
    end(&b);
}

/* Deviations over the batch of 0, 3, 6 steps of C T each: the same everywhere. */
static void spread_of_a_batch(void)
{
    bench b = begin(&MG_SHAPE(B, C, T));
    const mg_real *y = run(&b, mg_minibatch_stddev(b.g, b.x, 0), count);
    double want = C * T * sqrt(2.0 / 3);
    for (int r = 0; r < B; r++)
        for (int i = 0; i < (C + 1) * T; i++)
            CHECK_NEAR((double)y[r * (C + 1) * T + i], i < C * T ? (double)(r * C * T + i) : want, 1e-4);
    end(&b);
}

/* ---- places ---- */

static void check_row(mg_node *y, bench *b, const double *want, int n)
{
    const mg_real *got = run(b, y, count);
    CHECK(mg_shape_count(mg_node_shape(y)) == n);
    for (int i = 0; i < n; i++) CHECK_NEAR((double)got[i], want[i], 1e-6);
    end(b);
}

static void places(void)
{
    bench b = begin(&MG_SHAPE(1, 1, 4));
    check_row(mg_pad_mirrored(b.g, b.x, 2, 3, 2), &b, (const double[]){3, 2, 1, 0, 1, 2, 3, 2, 1}, 9);
    b = begin(&MG_SHAPE(1, 1, 4));
    check_row(mg_pad_value(b.g, b.x, 2, 1, 2, 9), &b, (const double[]){9, 0, 1, 2, 3, 9, 9}, 7);
    b = begin(&MG_SHAPE(1, 1, 4));
    check_row(mg_upsample(b.g, b.x, (const int64_t[]){2}), &b, (const double[]){0, 0, 1, 1, 2, 2, 3, 3}, 8);
    b = begin(&MG_SHAPE(1, 1, 4));
    mg_node *pooled = mg_average_pool(b.g, b.x, (const int64_t[]){2}, (const int64_t[]){1});
    check_row(pooled, &b, (const double[]){0.5, 1.5, 2.5}, 3);
    b = begin(&MG_SHAPE(1, 1, 2, 2));
    check_row(mg_upsample(b.g, b.x, (const int64_t[]){1, 2}), &b, (const double[]){0, 0, 1, 1, 2, 2, 3, 3}, 8);
    b = begin(&MG_SHAPE(2, 3));
    mg_node *index = mg_to_index(b.g, mg_table(b.g, &MG_SHAPE(2), (const double[]){2, 0}));
    check_row(mg_take(b.g, b.x, 1, index), &b, (const double[]){2, 0, 5, 3}, 4);
}

/* ---- attention ---- */

/* Equal keys: each place is the mean of all values up to it; nothing of what comes. */
static void attention_sees_the_past_alone(void)
{
    enum { LONG = 6 };
    bench b = begin(&MG_SHAPE(1, 1, LONG, 1));
    mg_node *same = mg_fill(b.g, mg_node_shape(b.x), 1);
    const mg_real *y = run(&b, mg_attention(b.g, same, same, b.x, NULL), count);
    for (int i = 0; i < LONG; i++) CHECK_NEAR((double)y[i], i / 2.0, 1e-5);
    end(&b);
}

/* A large e(1) makes every place look one back; distances beyond the table, and the first place, have none. */
static void attention_by_distance(void)
{
    enum { LONG = 5, KNOWN = 2 };
    bench b = begin(&MG_SHAPE(1, 1, LONG, 1));
    mg_node *one = mg_fill(b.g, mg_node_shape(b.x), 1);
    mg_node *relative = mg_table(b.g, &MG_SHAPE(1, KNOWN, 1), (const double[]){60, 0});
    const mg_real *y = run(&b, mg_attention(b.g, one, one, b.x, relative), count);
    for (int i = 0; i < LONG; i++) CHECK_NEAR((double)y[i], i ? i - 1 : 0, 1e-5);
    end(&b);
}

int main(void)
{
    TEST("activations are their formulas", activations);
    TEST("an activation does not overflow where it is not looked at", activations_far_out);
    TEST("gates multiply one half of an axis by the sigmoid of the other", gates);
    TEST("layer, batch and group norms give their sets the mean and deviation that are asked for", norms);
    TEST("a batch norm by the batch's own statistics is the batch norm", given_statistics);
    TEST("weight norm and pixel norm give lengths", lengths);
    TEST("the deviation over a batch becomes a channel", spread_of_a_batch);
    TEST("padding, stretching, pooling and taking put numbers where they belong", places);
    TEST("attention sees the past alone", attention_sees_the_past_alone);
    TEST("relative attention looks by distance", attention_by_distance);
    return tap_end();
}
