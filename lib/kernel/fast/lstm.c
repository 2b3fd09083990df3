/* SPDX-License-Identifier: MIT */
/* One step of an LSTM for one sequence, forwards and backwards; the formulas stand in kernel/reference.c. */
#include "kernel/fast/fast.h"
#include "kernel/fast/functions.h"

/* A vector of units k .. k + some - 1; `some` is WIDTH but at the end of a row. */
#define LOAD(from) (some == WIDTH ? v_load(from) : v_load_some(from, some))
#define STORE(to, x) (some == WIDTH ? v_store(to, x) : v_store_some(to, x, some))

/* Divisions are what takes longest, so two are made as one: of numbers whose product is finite, (1 + e^43)^2 at most,
   for which the bounds below are there. A NaN in one gate is one in the other too: the step is lost either way. */
ALWAYS void invert(vec *a, vec *b)
{
    vec both = 1 / (*a * *b), of_a = both * *b;
    *b = both * *a;
    *a = of_a;
}

ALWAYS vec inverse_sigmoid(vec x) { return 1 + v_exp(-v_max(x, v_all(-43))); }

ALWAYS void forward(int64_t k, int64_t some, const mg_lstm_row *r)
{
    int64_t n = r->n;
    vec i = inverse_sigmoid(LOAD(r->pre + k)), f = inverse_sigmoid(LOAD(r->pre + n + k));
    vec o = inverse_sigmoid(LOAD(r->pre + 3 * n + k)), x = LOAD(r->pre + 2 * n + k);
    vec g = 1 + v_exp(v_min(v_abs(x), v_all(20)) * 2);
    invert(&i, &f);
    invert(&o, &g);
    g = v_tanh_of(x, g);
    vec c = f * LOAD(r->c_before + k) + i * g, h = o * v_tanh(c);
    STORE(r->act + k, i);
    STORE(r->act + n + k, f);
    STORE(r->act + 2 * n + k, g);
    STORE(r->act + 3 * n + k, o);
    STORE(r->c + k, c);
    STORE(r->h + k, h);
}

ALWAYS void backward(int64_t k, int64_t some, const mg_lstm_back_row *r)
{
    int64_t n = r->n;
    vec i = LOAD(r->act + k), f = LOAD(r->act + n + k), g = LOAD(r->act + 2 * n + k), o = LOAD(r->act + 3 * n + k);
    vec t = v_tanh(LOAD(r->c + k)), dh = LOAD(r->dh + k);
    if (r->dy) dh += LOAD(r->dy + k);
    vec dc = LOAD(r->dc + k) + dh * o * (1 - t * t);
    vec di = dc * g, df = dc * LOAD(r->c_before + k), dg = dc * i, d_o = dh * t;
    if (r->dact) {
        di += LOAD(r->dact + k);
        df += LOAD(r->dact + n + k);
        dg += LOAD(r->dact + 2 * n + k);
        d_o += LOAD(r->dact + 3 * n + k);
    }
    STORE(r->dpre + k, di * i * (1 - i));
    STORE(r->dpre + n + k, df * f * (1 - f));
    STORE(r->dpre + 2 * n + k, dg * (1 - g * g));
    STORE(r->dpre + 3 * n + k, d_o * o * (1 - o));
    STORE(r->dc + k, dc * f);
}

void MG_K(lstm_row)(int64_t from, int64_t to, const mg_lstm_row *row)
{
    int64_t k = from;
    for (; k + WIDTH <= to; k += WIDTH) forward(k, WIDTH, row);
    if (k < to) forward(k, to - k, row);
}

void MG_K(lstm_back_row)(int64_t from, int64_t to, const mg_lstm_back_row *row)
{
    int64_t k = from;
    for (; k + WIDTH <= to; k += WIDTH) backward(k, WIDTH, row);
    if (k < to) backward(k, to - k, row);
}
