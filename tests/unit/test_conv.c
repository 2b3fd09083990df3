/* SPDX-License-Identifier: MIT */
/* Convolutions against the sums that define them, and what is refused. */
#include "tests/unit/tap.h"

#include <mgen/op.h>

#include "kernel/kernel.h"

#include <string.h>

static int64_t volume(const int64_t n[3]) { return n[0] * n[1] * n[2]; }

/* ---- the definition ---- */

static int64_t at3(const int64_t n[3], const int64_t p[3]) { return (p[0] * n[1] + p[1]) * n[2] + p[2]; }

static void unflatten(int64_t i, const int64_t n[3], int64_t p[3])
{
    p[2] = i % n[2], p[1] = i / n[2] % n[1], p[0] = i / n[2] / n[1];
}

typedef void (*term_fn)(void *user, int64_t x, int64_t w, int64_t y);

/* Every triple of places whose product is a term of the sum. */
static void each_term(const mg_conv_call *c, term_fn term, void *user)
{
    int64_t in = volume(c->in), taps = volume(c->kernel), out = volume(c->out);
    for (int64_t b = 0; b < c->batch; b++)
        for (int64_t gf = 0; gf < c->groups * c->filters; gf++)
            for (int64_t ch = 0; ch < c->channels; ch++)
                for (int64_t t = 0; t < taps; t++)
                    for (int64_t p = 0; p < out; p++) {
                        int64_t tap_at[3], to[3], from[3], group = gf / c->filters;
                        bool is_inside = true;
                        unflatten(t, c->kernel, tap_at);
                        unflatten(p, c->out, to);
                        for (int a = 0; a < 3; a++) {
                            from[a] = to[a] * c->stride[a] + tap_at[a] * c->dilation[a] - c->before[a];
                            is_inside &= from[a] >= 0 && from[a] < c->in[a];
                        }
                        if (is_inside)
                            term(user, ((b * c->groups + group) * c->channels + ch) * in + at3(c->in, from),
                                 (gf * c->channels + ch) * taps + t, (b * c->groups * c->filters + gf) * out + p);
                    }
}

typedef struct { const mg_real *x, *w, *y; double *sum; } sums;

static void to_y(void *user, int64_t x, int64_t w, int64_t y)
{
    sums *s = user;
    s->sum[y] += (double)s->x[x] * (double)s->w[w];
}

static void to_x(void *user, int64_t x, int64_t w, int64_t y)
{
    sums *s = user;
    s->sum[x] += (double)s->y[y] * (double)s->w[w];
}

static void to_w(void *user, int64_t x, int64_t w, int64_t y)
{
    sums *s = user;
    s->sum[w] += (double)s->x[x] * (double)s->y[y];
}

/* ---- the comparison ---- */

static mg_real *numbers(int64_t n, mg_random *random)
{
    mg_real *x = mg_alloc((size_t)n, sizeof *x);
    for (int64_t i = 0; i < n; i++) x[i] = (mg_real)(mg_random_unit(random) - 0.5);
    return x;
}

/* The farthest of them, in rounding errors of so many terms. */
static double distance(const mg_real *got, const double *want, int64_t n, int64_t terms)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs((double)got[i] - want[i]));
    return most / sqrt((double)terms);
}

/* One of the three, made by a team. */
typedef struct {
    mg_conv_call c;
    void (*run)(const mg_conv_call *c, const mg_real *a, const mg_real *b, mg_real *y, mg_scratch scratch);
    const mg_real *a, *b;
    mg_real *y, *memory; /* scratch: the team's, then that of each */
} job;

static void run_part(void *user, mg_team team)
{
    job j = *(const job *)user;
    mg_room room = mg_conv_room(&j.c);
    mg_real *own = j.memory + room.shared + (size_t)team.rank * room.own;
    j.c.team = team;
    j.run(&j.c, j.a, j.b, j.y, (mg_scratch){j.memory, own});
}

/* One thread comes near what is wanted, and three make the same bits. */
static void check_job(job j, const double *want, int64_t n, int64_t terms)
{
    enum { TEAM = 3 };
    mg_real *again = mg_alloc((size_t)n, sizeof *again);
    mg_room room = mg_conv_room(&j.c);
    j.memory = mg_alloc(room.shared + TEAM * room.own, sizeof *j.memory);
    REQUIRE(again && j.memory);
    mg_team_run(1, run_part, &j);
    double far = distance(j.y, want, n, terms);
    CHECK(far <= (j.c.is_bf16 ? 2e-3 : 1e-6));
    CHECK(!j.c.is_bf16 || n < 20 || far == 0 || far > 1e-5); /* it was no float, or all is padding */
    const mg_real *alone = j.y;
    j.y = again;
    mg_team_run(TEAM, run_part, &j);
    CHECK(memcmp(alone, again, (size_t)n * sizeof *alone) == 0);
    mg_free(again), mg_free(j.memory);
}

static void check(const mg_conv_call *c)
{
    int64_t n_x = c->batch * c->groups * c->channels * volume(c->in);
    int64_t n_y = c->batch * c->groups * c->filters * volume(c->out);
    int64_t n_w = c->groups * c->filters * c->channels * volume(c->kernel);
    int64_t most = n_x > n_y ? n_x : n_y;
    most = most > n_w ? most : n_w;
    mg_random random = mg_random_at(3, "conv", (uint64_t)(n_x * 31 + n_w));
    mg_real *x = numbers(n_x, &random), *w = numbers(n_w, &random), *y = numbers(n_y, &random);
    mg_real *got = mg_alloc((size_t)most, sizeof *got);
    double *want = mg_alloc_zero((size_t)most, sizeof *want);
    sums s = {x, w, y, want};
    mg_conv_call both[] = {*c, *c};
    both[1].is_bf16 = true;
    each_term(c, to_y, &s);
    for (int i = 0; i < 2; i++)
        check_job((job){both[i], mg_conv_run, x, w, got, NULL}, want, n_y, c->channels * volume(c->kernel));
    memset(want, 0, (size_t)most * sizeof *want);
    each_term(c, to_x, &s);
    for (int i = 0; i < 2; i++)
        check_job((job){both[i], mg_conv_run_to_input, y, w, got, NULL}, want, n_x, c->filters * volume(c->kernel));
    memset(want, 0, (size_t)most * sizeof *want);
    each_term(c, to_w, &s);
    for (int i = 0; i < 2; i++)
        check_job((job){both[i], mg_conv_run_to_kernel, x, y, got, NULL}, want, n_w, c->batch * volume(c->out));
    mg_free(x), mg_free(w), mg_free(y), mg_free(got), mg_free(want);
}

/* The longest result that stays inside the padding. */
static void fit(mg_conv_call *c, const int64_t after[3])
{
    for (int a = 0; a < 3; a++)
        c->out[a] = (c->in[a] + c->before[a] + after[a] - c->dilation[a] * (c->kernel[a] - 1) - 1) / c->stride[a] + 1;
}

static void small_ones(void)
{
    mg_random random = mg_random_at(1, "conv shapes", 0);
    for (int round = 0; round < 60; round++) {
        mg_conv_call c = {.team = MG_ALONE, .batch = 1 + mg_random_below(&random, 3),
                          .groups = 1 + mg_random_below(&random, 2),
                          .channels = 1 + mg_random_below(&random, 3), .filters = 1 + mg_random_below(&random, 20)};
        int64_t after[3];
        for (int a = 0; a < 3; a++) {
            bool is_one = a < (int)mg_random_below(&random, 3);
            c.kernel[a] = is_one ? 1 : 1 + mg_random_below(&random, 4);
            c.stride[a] = 1 + mg_random_below(&random, 3);
            c.dilation[a] = 1 + mg_random_below(&random, 3);
            c.before[a] = is_one ? 0 : mg_random_below(&random, 5);
            after[a] = is_one ? 0 : mg_random_below(&random, 5);
            c.in[a] = is_one ? 1 : c.dilation[a] * (c.kernel[a] - 1) + 1 + mg_random_below(&random, 5);
        }
        fit(&c, after);
        check(&c);
    }
}

/* Several examples in a block, and several blocks an example. */
static void large_ones(void)
{
    mg_conv_call many = {.team = MG_ALONE, .batch = 9, .groups = 1, .channels = 64, .filters = 24, .in = {1, 1, 50},
                         .kernel = {1, 1, 25},
                         .stride = {1, 1, 4}, .dilation = {1, 1, 1}, .before = {0, 0, 11}};
    mg_conv_call lengthy = {.team = MG_ALONE, .batch = 2, .groups = 1, .channels = 2, .filters = 3, .in = {1, 2, 5000},
                            .kernel = {1, 2, 3}, .stride = {1, 1, 1}, .dilation = {1, 1, 2}, .before = {0, 0, 4}};
    fit(&many, (const int64_t[]){0, 0, 10});
    fit(&lengthy, (const int64_t[]){0, 1, 0});
    check(&many);
    check(&lengthy);
}

/* An example's result does not depend on those beside it. */
static void alone(void)
{
    mg_conv_call c = {.team = MG_ALONE, .batch = 4, .groups = 1, .channels = 3, .filters = 5, .in = {1, 1, 40},
                      .kernel = {1, 1, 5},
                      .stride = {1, 1, 2}, .dilation = {1, 1, 1}, .before = {0, 0, 2}};
    fit(&c, (const int64_t[]){0, 0, 2});
    mg_random random = mg_random_at(2, "conv", 0);
    int64_t size = c.filters * volume(c.out);
    mg_real *x = numbers(4 * 3 * 40, &random), *w = numbers(5 * 3 * 5, &random);
    mg_real *y = numbers(4 * size, &random), *one = numbers(size, &random);
    mg_room room = mg_conv_room(&c);
    mg_real *memory = mg_alloc(room.shared + room.own, sizeof *memory);
    REQUIRE(memory);
    mg_scratch scratch = {memory, memory + room.shared};
    mg_conv_run(&c, x, w, y, scratch);
    c.batch = 1;
    mg_conv_run(&c, x + 3 * 3 * 40, w, one, scratch);
    CHECK(memcmp(one, y + 3 * size, (size_t)size * sizeof *y) == 0);
    mg_free(x), mg_free(w), mg_free(y), mg_free(one), mg_free(memory);
}

/* ---- what does not fit ---- */

static mg_status status_of(const mg_shape *x, const mg_shape *w, const mg_window *window, char text[480])
{
    mg_error why = {0};
    mg_graph *g = mg_graph_new((mg_use){MG_TRAINING, 0, 1, 1, false});
    mg_conv(g, mg_input(g, "x", x), mg_input(g, "w", w), window);
    mg_status status = mg_graph_status(g, &why);
    snprintf(text, 480, "%s", why.text);
    mg_graph_free(g);
    return status;
}

static void refusals(void)
{
    char text[480];
    static const struct { int64_t x[2], w[3]; mg_window window; const char *says; } cases[] = {
        {{4, 9}, {2, 3, 3}, {.groups = 1}, "the channels are not those of the weight"},
        {{4, 9}, {3, 2, 3}, {.groups = 2}, "the filters do not fall into groups"},
        {{4, 2}, {3, 4, 3}, {.groups = 1}, "the kernel is longer than the input"},
        {{4, 9}, {3, 4, 1 << 30}, {.dilation = {1 << 29}}, "the kernel is longer than the input"},
        {{4, 9}, {3, 4, 3}, {.stride = {-1}}, "out of range"},
        {{4, 9}, {3, 4, 3}, {.before = {(int64_t)1 << 40}}, "out of range"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mg_shape x = MG_SHAPE(2, cases[i].x[0], cases[i].x[1]);
        mg_shape w = MG_SHAPE(cases[i].w[0], cases[i].w[1], cases[i].w[2]);
        CHECK_INT(status_of(&x, &w, &cases[i].window, text), MG_BAD_ARGUMENT);
        if (!CHECK(strstr(text, cases[i].says))) printf("# %s\n", text);
    }
    CHECK_INT(status_of(&MG_SHAPE(2, 4, 9), &MG_SHAPE(3, 4, 9), &(mg_window){0}, text), MG_OK);
}

int main(void)
{
    TEST("a convolution and its two transposes are the sums that define them", small_ones);
    TEST("they are, where a block holds several examples or a part of one", large_ones);
    TEST("an example's convolution does not depend on its neighbours", alone);
    TEST("shapes and windows that do not fit are refused with the reason", refusals);
    return tap_end();
}
