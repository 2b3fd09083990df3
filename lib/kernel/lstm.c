/* SPDX-License-Identifier: MIT */
/* An LSTM over time for a batch: one skinny product a step, whose weight is packed once for all steps, then the gates
   row by row. Of a team each does its columns of the product (of one sequence, its chains), then its units of the
   gates. */
#include "kernel/kernel.h"

#include <string.h>

/* For one step there is no need to pack; nor for one row, whose weight is read but once a step, unless it becomes less
   to read. */
static size_t panels_of(int64_t steps, int64_t k, int64_t n) { return steps > 1 ? mg_panels_size(k, n) : 0; }
static bool is_to_pack(int64_t steps, int64_t batch, bool is_bf16) { return steps > 1 && (batch > 1 || is_bf16); }

/* In common: panels, and the gates or what masked rows write into. */
mg_room mg_lstm_room(int64_t steps, int64_t batch, int64_t units)
{
    return (mg_room){panels_of(steps, units, 4 * units) + (size_t)(batch * 4 * units),
                     mg_product_scratch(4 * units, units)};
}

static int64_t chains_of(int64_t k) { return (k + MG_DEPTH - 1) / MG_DEPTH; }

/* In common: panels or chains, and what masked rows write into. */
mg_room mg_lstm_back_room(int64_t steps, int64_t batch, int64_t units)
{
    int64_t chains = batch == 1 ? chains_of(4 * units) : 0;
    return (mg_room){panels_of(steps, 4 * units, units) + (size_t)((chains + 2) * units),
                     mg_product_scratch(units, 4 * units)};
}

/* Its columns of b; the whole is there when all have met. */
static mg_packed pack_part(mg_team team, const mg_product_call *p, mg_real *panels)
{
    const mg_kernels *kernels = mg_kernels_now();
    uint16_t *tiles = (uint16_t *)(void *)panels;
    int64_t from, to;
    mg_team_part(team, p->n, MG_STRIP, &from, &to);
    mg_matrix b = p->b;
    b.p += from * b.step_col;
    if (from < to && p->is_bf16) kernels->bf16_pack(p->k, to - from, &b, tiles + mg_bf16_at(p->k, from));
    else if (from < to) kernels->pack(p->k, to - from, &b, panels + from * p->k);
    return p->is_bf16 ? (mg_packed){.bf16 = tiles} : (mg_packed){.panels = panels};
}

/* ---- forwards ---- */

/* h, c of step t from the gates: its units. */
static void forward_step(const mg_lstm_call *p, int64_t t, const mg_real *gates, const mg_real *h, const mg_real *c)
{
    int64_t n = p->units, from, to;
    mg_real *y = p->y + t * p->batch * n, *next = p->c + t * p->batch * n;
    mg_team_part(p->team, n, MG_STRIP, &from, &to);
    for (int64_t b = 0; b < p->batch; b++) {
        mg_lstm_row row = {.n = n, .pre = gates + b * 4 * n, .c_before = c + b * n,
                           .act = p->act + (t * p->batch + b) * 4 * n, .c = next + b * n, .h = y + b * n};
        mg_kernels_now()->lstm_row(from, to, &row);
        if (p->mask[t * p->batch + b] != 0) continue;
        memcpy(row.h + from, h + b * n + from, (size_t)(to - from) * sizeof *y);
        memcpy(row.c + from, row.c_before + from, (size_t)(to - from) * sizeof *y);
    }
}

void mg_lstm_forward(const mg_lstm_call *p)
{
    int64_t n = p->units, size = p->batch * n;
    mg_product_call product = {.m = p->batch, .n = 4 * n, .k = n, .a = {p->h0, n, 1}, .b = {p->w, 1, n},
                               .c = p->scratch.shared + panels_of(p->steps, n, 4 * n), .ldc = 4 * n,
                               .start_row = 4 * n, .packed = p->packed, .is_bf16 = p->is_bf16,
                               .scratch = p->scratch.own};
    if (is_to_pack(p->steps, p->batch, p->is_bf16) && !p->packed.panels && !p->packed.bf16 && !p->packed.int8.q) {
        product.packed = pack_part(p->team, &product, p->scratch.shared);
        mg_team_meet(p->team);
    }
    const mg_real *c = p->c0;
    for (int64_t t = 0; t < p->steps; t++) {
        product.start = p->pre + t * 4 * size;
        mg_product(&product, p->team);
        mg_team_meet(p->team);
        forward_step(p, t, product.c, product.a.p, c);
        mg_team_meet(p->team);
        product.a.p = p->y + t * size;
        c = p->c + t * size;
    }
}

/* ---- backwards ---- */

/* Units from .. to-1 of one sequence at one step. A masked step hands its cotangents on; what its activations get still
   reaches dpre. */
static void back_row(const mg_lstm_back_call *p, int64_t t, int64_t b, int64_t from, int64_t to, mg_real *nothing)
{
    const mg_kernels *k = mg_kernels_now();
    int64_t n = p->units, at = t * p->batch + b;
    size_t bytes = (size_t)(to - from) * sizeof *p->dpre;
    const mg_real *dy = p->dy ? p->dy + at * n : NULL;
    mg_real *dh = p->dh0 + b * n, *dc = p->dc0 + b * n, *dpre = p->dpre + at * 4 * n;
    mg_lstm_back_row row = {.n = n, .act = p->act + at * 4 * n, .c = p->c + at * n,
                            .c_before = t > 0 ? p->c + (at - p->batch) * n : p->c0 + b * n,
                            .dh = dh, .dy = dy, .dact = p->dact ? p->dact + at * 4 * n : NULL, .dpre = dpre, .dc = dc};
    if (p->dc) k->each[MG_EACH_add](to - from, dc + from, dc + from, p->dc + at * n + from, NULL, 0, 0);
    if (p->mask[at] != 0) {
        k->lstm_back_row(from, to, &row);
        memset(dh + from, 0, bytes);
        return;
    }
    if (dy) k->each[MG_EACH_add](to - from, dh + from, dh + from, dy + from, NULL, 0, 0);
    if (p->dact) {
        row.dh = nothing, row.dy = NULL, row.dc = nothing + n;
        k->lstm_back_row(from, to, &row);
        memset(row.dc + from, 0, bytes);
    } else {
        for (int gate = 0; gate < 4; gate++) memset(dpre + gate * n + from, 0, bytes);
    }
}

/* Step t: its units of dpre. */
static void back_step(const mg_lstm_back_call *p, int64_t t, mg_real *nothing)
{
    int64_t from, to;
    mg_team_part(p->team, p->units, MG_STRIP, &from, &to);
    for (int64_t b = 0; b < p->batch; b++) back_row(p, t, b, from, to, nothing);
}

static void clear_part(mg_team team, int64_t n, mg_real *x)
{
    int64_t from, to;
    mg_team_part(team, n, MG_STRIP, &from, &to);
    memset(x + from, 0, (size_t)(to - from) * sizeof *x);
}

/* dh += dpre w of one sequence, where there are several to do it: each some chains of the sums, so that it reads the
   weight in order, then the units that are its. */
static void chains_back(const mg_lstm_back_call *p, const mg_product_call *whole, mg_real *chains)
{
    int64_t n = whole->n, from, to;
    mg_team_part(p->team, whole->k, MG_DEPTH, &from, &to);
    for (int64_t l = from; l < to; l += MG_DEPTH) {
        mg_product_call chain = *whole;
        chain.k = to - l < MG_DEPTH ? to - l : MG_DEPTH;
        chain.a.p += l, chain.b.p += l * n;
        chain.c = chains + l / MG_DEPTH * n, chain.start = NULL;
        mg_product(&chain, MG_ALONE);
    }
    mg_team_meet(p->team);
    mg_team_part(p->team, n, MG_STRIP, &from, &to);
    mg_real *dh = whole->c + from;
    for (int64_t i = 0; i < chains_of(whole->k); i++)
        mg_kernels_now()->each[MG_EACH_add](to - from, dh, dh, chains + i * n + from, NULL, 0, 0);
}

void mg_lstm_backward(const mg_lstm_back_call *p)
{
    int64_t n = p->units, size = p->batch * n;
    mg_real *nothing = p->scratch.shared + panels_of(p->steps, 4 * n, n), *chains = nothing + 2 * n;
    clear_part(p->team, size, p->dh0);
    clear_part(p->team, size, p->dc0);
    clear_part(p->team, 2 * n, nothing);
    mg_product_call product = {.m = p->batch, .n = n, .k = 4 * n, .a = {NULL, 4 * n, 1}, .b = {p->w, n, 1},
                               .c = p->dh0, .ldc = n, .start = p->dh0, .start_row = n, .is_bf16 = p->is_bf16,
                               .scratch = p->scratch.own};
    if (is_to_pack(p->steps, p->batch, p->is_bf16)) product.packed = pack_part(p->team, &product, p->scratch.shared);
    mg_team_meet(p->team);
    for (int64_t t = p->steps; t-- > 0;) {
        back_step(p, t, nothing);
        mg_team_meet(p->team);
        product.a.p = p->dpre + t * 4 * size;
        if (p->batch == 1 && p->team.size > 1 && !p->is_bf16) {
            chains_back(p, &product, chains);
            continue; /* with units that are its own */
        }
        mg_product(&product, p->team);
        mg_team_meet(p->team);
    }
}
