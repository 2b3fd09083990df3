/* SPDX-License-Identifier: MIT */
/* Every loop of the table as plainly as it can be said. Double builds run these; in float builds a test holds the fast
   ones to them. */
#include "kernel/kernel.h"

#include <math.h>

#ifdef MG_REAL_double
#define real_exp exp
#define real_log log
#define real_tanh tanh
#define real_erf erf
#define real_log1p log1p
#define real_sqrt sqrt
#define real_fma fma
#else
#define real_exp expf
#define real_log logf
#define real_tanh tanhf
#define real_erf erff
#define real_log1p log1pf
#define real_sqrt sqrtf
#define real_fma fmaf
#endif

/* ---- element by element ---- */

#define E(name, inputs, value) static MG_EACH_LOOP(each_##name, inputs, value)
MG_EACH_LIST(E)
#undef E

static mg_real sigmoid(mg_real x) { return 1 / (1 + real_exp(-x)); }

/* ---- sums ---- */

/* 16 lanes over pieces of 4096, lanes and pieces meeting in a binary tree: bound to no vector width. */
enum { LANES = 16, PIECE = 4096 };

static mg_real tree(mg_real *x, int n)
{
    for (int half = n / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) x[i] += x[i + half];
    return x[0];
}

static mg_real sum(int64_t n, const mg_real *x)
{
    mg_real total = 0;
    for (int64_t from = 0; from < n; from += PIECE) {
        mg_real lane[LANES] = {0};
        for (int64_t i = from; i < n && i < from + PIECE; i++) lane[(i - from) % LANES] += x[i];
        total += tree(lane, LANES);
    }
    return total;
}

/* ---- rows ---- */

static mg_real largest(int64_t n, const mg_real *x)
{
    mg_real y = x[0];
    for (int64_t i = 1; i < n; i++) y = x[i] > y ? x[i] : y;
    return y;
}

static void softmax(int64_t n, mg_real *y, const mg_real *x)
{
    mg_real top = largest(n, x), total;
    for (int64_t i = 0; i < n; i++) y[i] = real_exp(x[i] - top);
    total = sum(n, y);
    for (int64_t i = 0; i < n; i++) y[i] /= total;
}

/* y = x - log sum exp x */
static void log_softmax(int64_t n, mg_real *y, const mg_real *x)
{
    mg_real top = largest(n, x);
    for (int64_t i = 0; i < n; i++) y[i] = real_exp(x[i] - top);
    mg_real shift = top + real_log(sum(n, y));
    for (int64_t i = 0; i < n; i++) y[i] = x[i] - shift;
}

/* ---- LSTM ---- */

/* c' = f c + i g, h = o tanh c', with i, f, o = sigmoid and g = tanh of the pre-activations. */
static void lstm_row(int64_t from, int64_t to, const mg_lstm_row *r)
{
    for (int64_t n = r->n, k = from; k < to; k++) {
        mg_real i = sigmoid(r->pre[k]), f = sigmoid(r->pre[n + k]);
        mg_real g = real_tanh(r->pre[2 * n + k]), o = sigmoid(r->pre[3 * n + k]);
        r->act[k] = i, r->act[n + k] = f, r->act[2 * n + k] = g, r->act[3 * n + k] = o;
        r->c[k] = f * r->c_before[k] + i * g;
        r->h[k] = o * real_tanh(r->c[k]);
    }
}

static void lstm_back_row(int64_t from, int64_t to, const mg_lstm_back_row *r)
{
    for (int64_t n = r->n, k = from; k < to; k++) {
        mg_real i = r->act[k], f = r->act[n + k], g = r->act[2 * n + k], o = r->act[3 * n + k];
        mg_real t = real_tanh(r->c[k]), dh = r->dy ? r->dh[k] + r->dy[k] : r->dh[k];
        mg_real dc = r->dc[k] + dh * o * (1 - t * t);
        mg_real di = dc * g, df = dc * r->c_before[k], dg = dc * i, d_o = dh * t;
        if (r->dact) di += r->dact[k], df += r->dact[n + k], dg += r->dact[2 * n + k], d_o += r->dact[3 * n + k];
        r->dpre[k] = di * i * (1 - i);
        r->dpre[n + k] = df * f * (1 - f);
        r->dpre[2 * n + k] = dg * (1 - g * g);
        r->dpre[3 * n + k] = d_o * o * (1 - o);
        r->dc[k] = dc * f;
    }
}

/* ---- products ---- */

static mg_real at(const mg_matrix *x, int64_t row, int64_t col) { return x->p[row * x->step_row + col * x->step_col]; }

static int64_t in_panels(int64_t k, int64_t l, int64_t j) { return (j / MG_STRIP * k + l) * MG_STRIP + j % MG_STRIP; }

static void pack(int64_t k, int64_t n, const mg_matrix *b, mg_real *panels)
{
    for (int64_t l = 0; l < k; l++)
        for (int64_t j = 0; j < n; j++) panels[in_panels(k, l, j)] = at(b, l, j);
}

static mg_real start_of(const mg_product_call *p, int64_t i, int64_t j)
{
    return p->start ? p->start[i * p->start_row + j] : 0;
}

static mg_real right_of(const mg_product_call *p, int64_t l, int64_t j)
{
    return p->packed.panels ? p->packed.panels[in_panels(p->k, l, j)] : at(&p->b, l, j);
}

static void product(const mg_product_call *p)
{
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t j = 0; j < p->n; j++) {
            mg_real sum = start_of(p, i, j);
            for (int64_t from = 0; from == 0 || from < p->k; from += MG_DEPTH) {
                mg_real chain = 0;
                for (int64_t l = from; l < p->k && l < from + MG_DEPTH; l++)
                    chain = real_fma(at(&p->a, i, l), right_of(p, l, j), chain);
                sum += chain;
            }
            p->c[i * p->ldc + j] = sum;
        }
}

static void dots(const mg_product_call *p)
{
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t j = 0; j < p->n; j++) {
            mg_real lane[LANES] = {0};
            for (int64_t l = 0; l < p->k; l++)
                lane[l % LANES] = real_fma(at(&p->a, i, l), at(&p->b, l, j), lane[l % LANES]);
            p->c[i * p->ldc + j] = start_of(p, i, j) + tree(lane, LANES);
        }
}

/* ---- updates of a parameter (the formulas: optim/optimisers.c) ---- */

static mg_real decayed(const mg_update *u, mg_real w, mg_real g) { return g + u->l2 * w; }

static void sgd(int64_t n, mg_real *w, const mg_real *g, mg_real *buf, mg_real *unused, const mg_update *u)
{
    (void)unused;
    for (int64_t i = 0; i < n; i++) {
        mg_real d = decayed(u, w[i], g[i]);
        if (buf) {
            buf[i] = u->is_first ? d : u->momentum * buf[i] + d;
            d = u->is_nesterov ? d + u->momentum * buf[i] : buf[i];
        }
        w[i] -= u->rate * d;
    }
}

static void adam(int64_t n, mg_real *w, const mg_real *g, mg_real *m, mg_real *v, const mg_update *u)
{
    for (int64_t i = 0; i < n; i++) {
        mg_real d = decayed(u, w[i], g[i]);
        m[i] = u->beta1 * m[i] + u->gain1 * d;
        v[i] = u->beta2 * v[i] + u->gain2 * d * d;
        w[i] = w[i] * u->decay - u->rate * m[i] / (real_sqrt(v[i]) * u->root_scale + u->eps);
    }
}

static void rmsprop(int64_t n, mg_real *w, const mg_real *g, mg_real *s, mg_real *buf, const mg_update *u)
{
    for (int64_t i = 0; i < n; i++) {
        mg_real d = decayed(u, w[i], g[i]);
        s[i] = u->beta2 * s[i] + u->gain2 * d * d;
        d /= u->has_eps_inside ? real_sqrt(s[i] + u->eps) : real_sqrt(s[i]) + u->eps;
        if (buf) d = buf[i] = u->momentum * buf[i] + d;
        w[i] -= u->rate * d;
    }
}

static double squares(int64_t n, const mg_real *x)
{
    double total = 0;
    for (int64_t from = 0; from < n; from += PIECE) {
        double lane[LANES] = {0};
        for (int64_t i = from; i < n && i < from + PIECE; i++) lane[(i - from) % LANES] += (double)x[i] * (double)x[i];
        for (int half = LANES / 2; half > 0; half /= 2)
            for (int i = 0; i < half; i++) lane[i] += lane[i + half];
        total += lane[0];
    }
    return total;
}

static void blend(int64_t n, mg_real *y, const mg_real *x, mg_real keep, mg_real gain)
{
    for (int64_t i = 0; i < n; i++) y[i] = keep * y[i] + gain * x[i];
}

const mg_kernels mg_kernels_reference = {
    .name = "reference",
    .each = {
#define E(name, inputs, value) [MG_EACH_##name] = each_##name,
        MG_EACH_LIST(E)
#undef E
    },
    .sum = sum, .softmax = softmax, .log_softmax = log_softmax,
    .lstm_row = lstm_row, .lstm_back_row = lstm_back_row, .product = product, .pack = pack, .dots = dots,
    .int8_product = mg_int8_product, .bf16_product = mg_bf16_product,
    .sgd = sgd, .adam = adam, .rmsprop = rmsprop, .squares = squares, .blend = blend,
};
