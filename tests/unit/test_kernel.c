/* SPDX-License-Identifier: MIT */
/* Fast loops against the references, in every class that this machine runs: bit for bit where the law says so, within
   units in the last place where the reference is libm. */
#include "tests/unit/tap.h"

#include "kernel/kernel.h"

static void in_every_class(void (*test)(const mg_kernels *k, bool has_fma))
{
    mg_cpu before = mg_cpu_class();
    for (int cpu = 0; cpu <= (int)mg_cpu_best(); cpu++) {
        mg_cpu_force((mg_cpu)cpu);
        test(mg_kernels_now(), cpu != MG_CPU_BASELINE);
    }
    mg_cpu_force(before);
}

static void fill(mg_real *x, int64_t n, const char *stream, double low, double high)
{
    mg_random random = mg_random_at(1, stream, (uint64_t)n);
    for (int64_t i = 0; i < n; i++) x[i] = (mg_real)(low + (high - low) * mg_random_unit(&random));
}

static bool same_bits(const mg_real *a, const mg_real *b, int64_t n, const char *what)
{
    for (int64_t i = 0; i < n; i++)
        if (memcmp(&a[i], &b[i], sizeof *a) != 0) {
            printf("# %s[%lld]: %.9g is not %.9g\n", what, (long long)i, (double)a[i], (double)b[i]);
            return false;
        }
    return true;
}

enum { N = 1037 }; /* no multiple of any width */
static mg_real a[N], b[N], c[N], got[N], want[N];

/* ---- element by element ---- */

static void check_plain(const mg_kernels *k, bool has_fma)
{
    (void)has_fma;
    fill(a, N, "a", -2, 2), fill(b, N, "b", -2, 2), fill(c, N, "c", 0, 2);
    for (int64_t i = 0; i < N; i += 3) b[i] = a[i];
    for (int64_t i = 0; i < N; i += 50) a[i] = (mg_real)NAN, b[i + 7] = (mg_real)NAN;
#define E(name, inputs, value)                                                                         \
    k->each[MG_EACH_##name](N, got, MG_EACH_##name == MG_EACH_sqrt ? c : a, b, c, 1.25f, -0.5f);        \
    mg_kernels_reference.each[MG_EACH_##name](N, want, MG_EACH_##name == MG_EACH_sqrt ? c : a, b, c, 1.25f, -0.5f); \
    CHECK(same_bits(got, want, N, #name));
    MG_EACH_PLAIN(E)
#undef E
}

/* Distance in units in the last place of the true value. */
static double ulps(mg_real x, double truth)
{
    float at = (float)truth;
    if (isnan(truth)) return isnan(x) ? 0 : INFINITY;
    if ((double)x == truth || (isinf(at) && (float)x == at)) return 0;
    if (fabs(truth) < 1.2e-38) return fabs((double)x - truth) / 1.4e-45; /* denormals */
    return fabs((double)x - truth) / ((double)nextafterf(fabsf(at), INFINITY) - (double)fabsf(at));
}

static double softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static void check_function(const mg_kernels *k, mg_each_what what, double (*truth)(double), double low, double high,
                           double most)
{
    double worst = 0, at = 0;
    enum { STEPS = 200 };
    for (int block = 0; block < STEPS; block++) {
        for (int i = 0; i < N; i++) a[i] = (mg_real)(low + (high - low) * (block * N + i) / (double)(STEPS * N - 1));
        k->each[what](N, got, a, NULL, NULL, 0, 0);
        for (int i = 0; i < N; i++) {
            double e = ulps(got[i], truth((double)a[i]));
            if (e > worst) worst = e, at = (double)a[i];
        }
    }
    if (!CHECK(worst <= most)) printf("# %s, function %d: %.3g ulp at %.9g\n", k->name, what, worst, at);
}

static void check_functions(const mg_kernels *k, bool has_fma)
{
    double slack = has_fma ? 1 : 2; /* without FMA every step of a polynomial rounds twice */
    check_function(k, MG_EACH_exp, exp, -87, 88.7, 1.5 * slack);
    check_function(k, MG_EACH_exp, exp, -110, -87, 2);
    check_function(k, MG_EACH_exp, exp, 88.7, 100, 2);
    check_function(k, MG_EACH_log, log, 1e-3, 10, 1.5 * slack);
    check_function(k, MG_EACH_log, log, 0, 1e30, 1.5 * slack);
    check_function(k, MG_EACH_tanh, tanh, -12, 12, 2 * slack);
    check_function(k, MG_EACH_erf, erf, -5, 5, 2 * slack);
    check_function(k, MG_EACH_sigmoid, sigmoid, -80, 80, 3 * slack);
    check_function(k, MG_EACH_softplus, softplus, -80, 80, 3 * slack);
    mg_real odd[4] = {(mg_real)NAN, INFINITY, -INFINITY, 0}, y[4];
    k->each[MG_EACH_exp](4, y, odd, NULL, NULL, 0, 0);
    CHECK(isnan(y[0]) && isinf(y[1]) && y[2] == 0 && y[3] == 1);
    k->each[MG_EACH_log](4, y, odd, NULL, NULL, 0, 0);
    CHECK(isnan(y[0]) && isinf(y[1]) && isnan(y[2]) && y[3] == -INFINITY);
    k->each[MG_EACH_tanh](4, y, odd, NULL, NULL, 0, 0);
    CHECK(isnan(y[0]) && y[1] == 1 && y[2] == -1 && y[3] == 0);
    k->each[MG_EACH_sigmoid](4, y, odd, NULL, NULL, 0, 0);
    CHECK(isnan(y[0]) && y[1] == 1 && y[2] == 0 && y[3] == 0.5f);
    k->each[MG_EACH_softplus](3, y, odd, NULL, NULL, 0, 0);
    CHECK(isnan(y[0]) && isinf(y[1]) && y[2] == 0);
}

/* ---- sums and rows ---- */

static void check_sums(const mg_kernels *k, bool has_fma)
{
    (void)has_fma;
    static mg_real long_row[10000];
    fill(long_row, 10000, "row", -1, 1);
    static const int64_t lengths[] = {0, 1, 15, 16, 17, 4095, 4096, 4097, 10000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        mg_real x = k->sum(lengths[i], long_row), y = mg_kernels_reference.sum(lengths[i], long_row);
        CHECK(same_bits(&x, &y, 1, "sum"));
    }
    for (int64_t n = 1; n <= 100; n += 9) {
        fill(a, n, "logits", -20, 20);
        k->softmax(n, got, a);
        mg_kernels_reference.softmax(n, want, a);
        for (int64_t i = 0; i < n; i++) CHECK_NEAR((double)got[i], (double)want[i], 3e-7);
        k->log_softmax(n, got, a);
        mg_kernels_reference.log_softmax(n, want, a);
        for (int64_t i = 0; i < n; i++) CHECK_NEAR((double)got[i], (double)want[i], 3e-7);
    }
}

/* ---- LSTM ---- */

/* What the first class with FMA has is what every other has. */
static void check_lstm(const mg_kernels *k, bool has_fma)
{
    enum { UNITS = 37, CASES = 4 };
    static mg_real pre[4 * UNITS], state[UNITS], act[2][4 * UNITS], cell[2][UNITS], h[2][UNITS], dpre[2][4 * UNITS];
    static mg_real dh[UNITS], dy[UNITS], dc[2][UNITS], dact[4 * UNITS], first[CASES][3][4 * UNITS];
    static bool has_first[CASES];
    const mg_kernels *both[2] = {k, &mg_kernels_reference};
    fill(pre, 4 * UNITS, "pre", -6, 6), fill(state, UNITS, "state", -2, 2), fill(dh, UNITS, "dh", -1, 1);
    fill(dact, 4 * UNITS, "dact", -1, 1), fill(dy, UNITS, "dy", -1, 1);
    pre[0] = -200, pre[1] = 200, pre[UNITS + 1] = -200, pre[2 * UNITS + 2] = -200, pre[3 * UNITS + 2] = 200;
    for (int which = 0; which < CASES; which++) {
        for (int i = 0; i < 2; i++) {
            fill(dc[i], UNITS, "dc", -1, 1);
            both[i]->lstm_row(0, UNITS, &(mg_lstm_row){UNITS, pre, state, act[i], cell[i], h[i]});
        }
        for (int i = 0; i < 2; i++)
            both[i]->lstm_back_row(0, UNITS, &(mg_lstm_back_row){UNITS, act[1], cell[1], state, dh,
                                                                     which & 1 ? dy : NULL, which & 2 ? dact : NULL,
                                                                     dpre[i], dc[i]});
        for (int j = 0; j < UNITS; j++) {
            CHECK_NEAR((double)cell[0][j], (double)cell[1][j], 5e-7);
            CHECK_NEAR((double)h[0][j], (double)h[1][j], 5e-7);
            CHECK_NEAR((double)dc[0][j], (double)dc[1][j], 5e-7);
        }
        for (int j = 0; j < 4 * UNITS; j++) {
            CHECK_NEAR((double)act[0][j], (double)act[1][j], 5e-7);
            CHECK_NEAR((double)dpre[0][j], (double)dpre[1][j], 5e-7);
        }
        const mg_real *now[] = {act[0], h[0], dpre[0]};
        for (int i = 0; i < 3 && has_fma; i++) {
            int64_t n = i == 1 ? UNITS : 4 * UNITS;
            if (has_first[which]) CHECK(same_bits(now[i], first[which][i], n, "LSTM of another class"));
            else memcpy(first[which][i], now[i], (size_t)n * sizeof *now[i]);
        }
        has_first[which] |= has_fma;
    }
}

/* ---- products ---- */

static const struct { int64_t m, n, k; } shapes[] = {
    {1, 1, 1},  {1, 200, 70}, {3, 33, 257}, {8, 64, 128},  {13, 38, 300},
    {16, 7, 5}, {29, 31, 600}, {40, 96, 19}, {200, 45, 33}, {27, 530, 70},
    {1, 190, 600}, {16, 40, 256}, {15, 40, 512}, {20, 70, 600}, {28, 200, 513}, {205, 33, 300}, {5, 33, 0},
    {50, 70, 600}, {100, 530, 150}, {1, 600, 130}, {1, 200, 1}, {30, 530, 520}};
enum { SHAPES = sizeof shapes / sizeof *shapes, ROOM = 530 * 520 };
static mg_real left[ROOM], right[ROOM], result[2][ROOM];

/* What a product is added to. */
enum { TO_NOTHING, TO_C, TO_ROW, STARTS };

/* A shape with a or b lying transposed, into result[which]. */
static mg_product_call call_of(int s, bool ta, bool tb, int start, int which)
{
    int64_t m = shapes[s].m, n = shapes[s].n, k = shapes[s].k;
    fill(left, m * k, "left", -1, 1), fill(right, k * n, "right", -1, 1), fill(result[which], m * n, "c", -1, 1);
    mg_matrix x = {left, ta ? 1 : k, ta ? m : 1}, y = {right, tb ? 1 : n, tb ? k : 1};
    static mg_real scratch[MG_DEEP * MG_WIDE + MG_DEPTH * MG_MANY + MG_BF16_DEEPEST * MG_BF16_MANY], row[ROOM];
    fill(row, n, "row", -1, 1);
    return (mg_product_call){.m = m, .n = n, .k = k, .a = x, .b = y, .c = result[which], .ldc = n,
                             .start = start == TO_C ? result[which] : start == TO_ROW ? row : NULL,
                             .start_row = start == TO_C ? n : 0, .scratch = scratch};
}

/* Sums of k products of numbers up to 1 in other orders: half a unit of 1 for each. */
static bool near(const mg_real *x, const mg_real *y, int64_t n, int64_t k)
{
    double apart = 0x1p-24 * (double)(k + 1);
    for (int64_t i = 0; i < n; i++)
        if (fabs((double)x[i] - (double)y[i]) > apart) return false;
    return true;
}

static void check_products(const mg_kernels *k, bool has_fma)
{
    static mg_real panels[ROOM * 4];
    for (int s = 0; s < SHAPES; s++)
        for (int how = 0; how < 4 * STARTS; how++) {
            bool ta = how & 1, tb = how & 2;
            int start = how / 4;
            int64_t n = shapes[s].m * shapes[s].n;
            mg_product_call x = call_of(s, ta, tb, start, 0), y = call_of(s, ta, tb, start, 1);
            k->product(&x);
            mg_kernels_reference.product(&y);
            if (has_fma) CHECK(same_bits(result[0], result[1], n, "product"));
            else CHECK(near(result[0], result[1], n, shapes[s].k));
            x = call_of(s, ta, tb, start, 0);
            k->pack(x.k, x.n, &x.b, panels);
            x.packed.panels = panels, x.b = (mg_matrix){0};
            k->product(&x);
            if (has_fma) CHECK(same_bits(result[0], result[1], n, "product of panels"));
            else CHECK(near(result[0], result[1], n, shapes[s].k));
            if (!tb || ta) continue;
            x = call_of(s, ta, tb, start, 0), y = call_of(s, ta, tb, start, 1);
            k->dots(&x);
            mg_kernels_reference.dots(&y);
            if (has_fma) CHECK(same_bits(result[0], result[1], n, "dots"));
            else CHECK(near(result[0], result[1], n, shapes[s].k));
        }
}

static void the_library_agrees(void)
{
    for (int s = 0; s < SHAPES; s++)
        for (int how = 0; how < 8; how++) {
            int start = how & 4 ? TO_C : TO_NOTHING;
            if (shapes[s].k == 0) continue; /* which it is never asked for */
            mg_product_call x = call_of(s, how & 1, how & 2, start, 0), y = call_of(s, how & 1, how & 2, start, 1);
            REQUIRE(mg_onednn_product(&x));
            mg_kernels_reference.product(&y);
            CHECK(near(result[0], result[1], x.m * x.n, x.k));
        }
    CHECK(strncmp(mg_product_library(), "oneDNN ", 7) == 0);
}

/* 8 bits of both sides, by every kind of shape that rows and columns fall into. */
static void check_int8(const mg_kernels *k, bool has_fma)
{
    for (int s = 0; s < SHAPES; s++)
        for (int start = 0; start < STARTS; start++) {
            if (shapes[s].m > MG_SKINNY) continue;
            mg_product_call x = call_of(s, false, true, start, 0), y = call_of(s, false, true, start, 1);
            int64_t n = x.m * x.n;
            void *memory = mg_alloc(mg_int8_bytes(x.k, x.n), 1);
            REQUIRE(memory);
            x.packed.int8 = y.packed.int8 = mg_int8_pack(x.k, x.n, &x.b, memory);
            k->int8_product(&x);
            mg_int8_product(&y);
            if (has_fma) CHECK(same_bits(result[0], result[1], n, "int8"));
            y = call_of(s, false, true, start, 1);
            mg_kernels_reference.product(&y);
            for (int64_t i = 0; i < n; i++) /* half a step of each side, as these spread */
                CHECK_NEAR((double)result[0][i], (double)result[1][i], 0.02 * sqrt((double)x.k));
            mg_free(memory);
        }
    mg_product_call x = call_of(1, false, true, TO_NOTHING, 0);
    void *memory = mg_alloc(mg_int8_bytes(x.k, x.n), 1);
    REQUIRE(memory);
    x.packed.int8 = mg_int8_pack(x.k, x.n, &x.b, memory);
    left[x.k / 2] = (mg_real)NAN;
    k->int8_product(&x);
    CHECK(isnan(result[0][0]) && isnan(result[0][x.n - 1]));
    mg_free(memory);
}

/* Both sides lying as they may, the right one packed before or not; among them numbers that are no normal floats. */
static void check_bf16(const mg_kernels *k, bool has_fma)
{
    static uint16_t tiles[ROOM * 4];
    for (int s = 0; s < SHAPES; s++)
        for (int how = 0; how < 4 * STARTS; how++) {
            bool is_large = shapes[s].m * shapes[s].n * shapes[s].k > 1 << 16;
            if (is_large && how % 5) continue; /* the reference takes its time */
            mg_product_call x = call_of(s, how & 1, how & 2, how / 4, 0), y = call_of(s, how & 1, how & 2, how / 4, 1);
            int64_t n = x.m * x.n;
            for (int64_t i = 0; i < x.m * x.k; i += 7) left[i] *= (mg_real)0x1p-70f;
            for (int64_t i = 0; i < x.k * x.n; i += 3) right[i] *= (mg_real)0x1p-65f;
            if (x.k > 0) left[0] = (mg_real)1e-39f, right[0] = (mg_real)0x1.fffffp-127f; /* below the least, but near */
            k->bf16_product(&x);
            mg_bf16_product(&y);
            if (has_fma) CHECK(same_bits(result[0], result[1], n, "bfloat16"));
            else CHECK(near(result[0], result[1], n, shapes[s].k));
            if (how / 4 == TO_C) continue;
            k->bf16_pack(x.k, x.n, &x.b, tiles);
            x.packed.bf16 = tiles, x.b = (mg_matrix){0};
            k->bf16_product(&x);
            if (has_fma) CHECK(same_bits(result[0], result[1], n, "bfloat16, packed"));
        }
    mg_product_call x = call_of(2, false, true, TO_NOTHING, 0), y = call_of(2, false, true, TO_NOTHING, 1);
    k->bf16_product(&x);
    mg_kernels_reference.product(&y);
    for (int64_t i = 0; i < x.m * x.n; i++) /* each side off by 2^-9 at most */
        CHECK_NEAR((double)result[0][i], (double)result[1][i], 0x1p-8 * sqrt((double)x.k));
    left[x.k / 2] = (mg_real)NAN;
    k->bf16_product(&x);
    CHECK(isnan(result[0][0]) && isnan(result[0][x.n - 1]) && !isnan(result[0][x.n]));
}

/* However many make a product together, its bits are those of one who makes it alone. */
static void teams_make_the_same(void)
{
    enum { SIZE = 3 };
    for (int s = 0; s < SHAPES; s++)
        for (int how = 0; how < 4 * STARTS; how++) {
            mg_product_call x = call_of(s, how & 1, how & 2, how / 4, 0), y = call_of(s, how & 1, how & 2, how / 4, 1);
            mg_product(&x, MG_ALONE);
            for (int rank = SIZE; rank-- > 0;) mg_product(&y, (mg_team){rank, SIZE, NULL});
            CHECK(same_bits(result[0], result[1], x.m * x.n, "team"));
        }
}

/* Weights packed before, in floats and 8 bits: as many rows as there are, alone, by a team, and row by row. */
static void packed_products_are_the_same(void)
{
    enum { SIZE = 3 };
    static mg_real panels[ROOM * 4];
    for (int s = 0; s < SHAPES; s++)
        for (int how = 0; how < 2; how++) {
            mg_product_call x = call_of(s, false, true, TO_ROW, 0), y = call_of(s, false, true, TO_ROW, 1);
            void *memory = mg_alloc(mg_int8_bytes(x.k, x.n), 1);
            REQUIRE(memory);
            if (how == 1) x.packed.int8 = mg_int8_pack(x.k, x.n, &x.b, memory);
            else mg_kernels_now()->pack(x.k, x.n, &x.b, panels), x.packed.panels = panels;
            y.packed = x.packed;
            mg_product(&x, MG_ALONE);
            for (int rank = SIZE; rank-- > 0;) mg_product(&y, (mg_team){rank, SIZE, NULL});
            CHECK(same_bits(result[0], result[1], x.m * x.n, "packed, by a team"));
            for (int64_t i = 0; i < x.m; i++) {
                mg_product_call one = y;
                one.m = 1, one.a.p += i * x.a.step_row, one.c = result[1];
                mg_product(&one, MG_ALONE);
                CHECK(same_bits(result[0] + i * x.n, result[1], x.n, "packed, a row"));
            }
            x.k = y.k = 0;
            mg_product(&x, MG_ALONE);
            mg_kernels_reference.product(&(mg_product_call){.m = x.m, .n = x.n, .a = x.a, .c = result[1], .ldc = x.n,
                                                            .start = x.start});
            if (how == 0) CHECK(same_bits(result[0], result[1], x.m * x.n, "packed, of no depth"));
            mg_free(memory);
        }
}

/* A row's result is the same alone and among others. */
static void rows_stand_for_themselves(void)
{
    for (int s = 0; s < SHAPES; s++) {
        if (shapes[s].m > MG_SKINNY) continue;
        for (int tb = 0; tb < 2; tb++) {
            mg_product_call all = call_of(s, false, tb, TO_NOTHING, 0);
            mg_product(&all, MG_ALONE);
            for (int64_t i = 0; i < all.m; i++) {
                mg_product_call one = all;
                one.m = 1, one.a.p += i * all.a.step_row, one.c = result[1];
                mg_product(&one, MG_ALONE);
                CHECK(same_bits(result[0] + i * all.n, result[1], all.n, "row"));
            }
        }
    }
}

/* ---- updates ---- */

static void check_updates(const mg_kernels *k, bool has_fma)
{
    (void)has_fma;
    static mg_real w[2][N], s0[2][N], s1[2][N];
    const mg_kernels *both[2] = {k, &mg_kernels_reference};
    for (int what = 0; what < 6; what++) {
        for (int i = 0; i < 2; i++) {
            fill(w[i], N, "w", -1, 1), fill(s0[i], N, "s0", 0, 1), fill(s1[i], N, "s1", 0, 1), fill(a, N, "g", -1, 1);
            mg_update u = {.rate = 0.01f, .decay = 0.99f, .l2 = 0.1f, .beta1 = 0.9f, .gain1 = 0.1f, .beta2 = 0.99f,
                           .gain2 = 0.01f, .eps = 1e-8f, .momentum = 0.8f, .root_scale = 3, .is_nesterov = what == 2,
                           .has_eps_inside = what == 5};
            if (what == 0) both[i]->sgd(N, w[i], a, NULL, NULL, &u);
            else if (what <= 2) both[i]->sgd(N, w[i], a, s0[i], NULL, &u);
            else if (what == 3) both[i]->adam(N, w[i], a, s0[i], s1[i], &u);
            else both[i]->rmsprop(N, w[i], a, s0[i], s1[i], &u);
        }
        CHECK(same_bits(w[0], w[1], N, "weights"));
        CHECK(same_bits(s0[0], s0[1], N, "s0") && same_bits(s1[0], s1[1], N, "s1"));
    }
    CHECK(k->squares(N, a) == mg_kernels_reference.squares(N, a));
    for (int i = 0; i < 2; i++) both[i]->blend(N, w[i], a, 0.9f, 0.1f);
    CHECK(same_bits(w[0], w[1], N, "average"));
}

/* ---- spans ---- */

static void strides_are_followed(void)
{
    enum { A = 3, B = 700, C = 5 };
    static mg_real x[A * B * C], y[A * B * C];
    fill(x, A * B * C, "x", -1, 1);
    /* y[b, c, a] = x[a, b, c] + row[c] */
    mg_real row[C] = {1, 2, 3, 4, 5};
    mg_span to = {y, 3, {B, C, A}, {C * A, A, 1}}, turned = {x, 3, {B, C, A}, {C, 1, B * C}};
    mg_span spread = {row, 3, {B, C, A}, {0, 1, 0}};
    mg_span_each(MG_EACH_add, &to, (const mg_span *const[]){&turned, &spread}, 0, 0);
    bool all = true;
    for (int i = 0; i < A; i++)
        for (int j = 0; j < B; j++)
            for (int l = 0; l < C; l++) all &= y[(j * C + l) * A + i] == x[(i * B + j) * C + l] + row[l];
    CHECK(all);
    /* sums over each set of axes, against plain loops in double */
    for (unsigned axes = 0; axes < 8; axes++) {
        int64_t d[3] = {axes & 1 ? 1 : A, axes & 2 ? 1 : B, axes & 4 ? 1 : C};
        mg_span all_of = {x, 3, {A, B, C}, {B * C, C, 1}}, out = {y, 3, {d[0], d[1], d[2]}, {d[1] * d[2], d[2], 1}};
        static double sums[A * B * C];
        memset(sums, 0, sizeof sums);
        for (int i = 0; i < A * B * C; i++) {
            int64_t at[3] = {axes & 1 ? 0 : i / (B * C), axes & 2 ? 0 : i / C % B, axes & 4 ? 0 : i % C};
            sums[(at[0] * d[1] + at[1]) * d[2] + at[2]] += (double)x[i];
        }
        mg_span_sum(&out, &all_of);
        for (int64_t i = 0; i < d[0] * d[1] * d[2]; i++) CHECK_NEAR((double)y[i], sums[i], 1e-4);
    }
}

/* Wherever the NaN stands; and that of a row does not reach the others. */
static void check_maxima(const mg_kernels *k, bool has_fma)
{
    enum { ROWS = 3, LONG = 600 };
    (void)k, (void)has_fma;
    static mg_real x[ROWS * LONG], y[LONG];
    for (int along = 0; along < 2; along++) { /* over the last axis, and over the first */
        mg_span in = {x, 2, {ROWS, LONG}, {LONG, 1}}, out = {y, 2, {ROWS, 1}, {1, 1}};
        if (along == 1) in = (mg_span){x, 2, {LONG, ROWS}, {ROWS, 1}}, out = (mg_span){y, 2, {1, ROWS}, {ROWS, 1}};
        for (int at = 0; at < LONG; at += 37) {
            fill(x, ROWS * LONG, "x", -1, 1);
            x[along ? at * ROWS + 1 : LONG + at] = (mg_real)NAN;
            mg_span_max(&out, &in);
            CHECK(y[0] > 0.9f && y[0] <= 1 && isnan(y[1]) && y[2] > 0.9f && y[2] <= 1);
        }
    }
}

static void plain(void) { in_every_class(check_plain); }
static void maxima(void) { in_every_class(check_maxima); }
static void functions(void) { in_every_class(check_functions); }
static void sums(void) { in_every_class(check_sums); }
static void lstm(void) { in_every_class(check_lstm); }
static void products(void) { in_every_class(check_products); }
static void int8(void)
{
    in_every_class(check_int8);
    mg_cpu_allow_extras(false);
    in_every_class(check_int8);
    mg_cpu_allow_extras(true);
}
static void bf16(void)
{
    in_every_class(check_bf16);
    mg_cpu_allow_extras(false);
    check_bf16(mg_kernels_now(), mg_cpu_class() != MG_CPU_BASELINE);
    mg_cpu_allow_extras(true);
}
static void updates(void) { in_every_class(check_updates); }

int main(void)
{
    TEST("element-by-element loops equal their references bit for bit", plain);
    TEST("exp, log, tanh, erf, sigmoid and softplus are exact to a few units in the last place", functions);
    TEST("sums equal their references bit for bit, normalised rows nearly", sums);
    TEST("LSTM rows agree with their references", lstm);
    TEST("products and dots obey their law, bit for bit where there is FMA", products);
    TEST("the library behind the door agrees with the reference", the_library_agrees);
    TEST("products in 8 bits are those of the reference, close to the real ones, and NaN where one comes in", int8);
    TEST("products in bfloat16 obey their law, bit for bit where there is FMA", bf16);
    TEST("a team makes the product that one makes alone", teams_make_the_same);
    TEST("packed weights give the same for a row, many rows and a team", packed_products_are_the_same);
    TEST("a row of a skinny product does not depend on the others", rows_stand_for_themselves);
    TEST("updates equal their references bit for bit", updates);
    TEST("a maximum over numbers with a NaN is NaN", maxima);
    TEST("spans are read at any strides and summed over any axes", strides_are_followed);
    return tap_end();
}
