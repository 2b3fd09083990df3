/* SPDX-License-Identifier: MIT */
/* The LSTM over time: its derivative, and both directions spelled in plain ops. With a = (i, f, g, o) the activations
   and m the mask of a step,
       c' = f c + i g,  h' = o tanh c',     c, h stay where m = 0.
   Backwards, with dh, dc what comes from the outputs and from the next step (kernel/reference.c has the step), a masked
   step hands both on untouched. The saved activations are results of the forward op, so that the gradient of the
   backward op, which is that of its spelling, finds its way to them. */
#include "op/rules.h"

#include <string.h>

enum { PRE, H0, C0, W, MASK };                               /* inputs of lstm */
enum { BACK_W, BACK_MASK, BACK_C0, BACK_C, BACK_ACT, BACK_DY, BACK_DC, BACK_DACT }; /* of lstm_back */
enum { I, F, CANDIDATE, O, GATES };

/* ---- the derivative: one fused op, and a product for the weight ---- */

static mg_node *or_nothing(mg_graph *g, mg_node *x) { return x ? x : mg_fill(g, &(mg_shape){0}, 0); }

void mg_d_lstm(mg_derive *d)
{
    mg_graph *g = d->g;
    mg_node *const *in = d->y->in;
    int64_t steps = mg_dim(in[PRE], 0), batch = mg_dim(in[PRE], 1), units = mg_dim(in[H0], 1);
    mg_lstm_places at = mg_lstm_parts(steps, batch, units);
    mg_shape shape = MG_SHAPE(steps, batch, units), wide = MG_SHAPE(steps, batch, 4 * units);
    mg_node *y = mg_node_part(g, d->y, 0, at.y, &shape), *c = mg_node_part(g, d->y, 1, at.c, &shape);
    mg_node *act = mg_node_part(g, d->y, 2, at.act, &wide);
    mg_node *dy = mg_part_sum(d, 0), *dc = mg_part_sum(d, 1), *dact = mg_part_sum(d, 2);
    mg_attr attr = {.lstm = {dy != NULL, dc != NULL, dact != NULL}};
    mg_node *args[] = {in[W], in[MASK], in[C0], c, act, or_nothing(g, dy), or_nothing(g, dc), or_nothing(g, dact)};
    mg_node *back = mg_node_make(g, MG_OP_lstm_back, args, 8, &attr, NULL);
    if (back->id < 0) return;
    mg_lstm_back_places to = mg_lstm_back_parts(steps, batch, units);
    mg_node *dpre = mg_node_part(g, back, 0, to.dpre, &wide);
    mg_node *dh0 = mg_node_part(g, back, 1, to.dh, &MG_SHAPE(batch, units));
    mg_node *dc0 = mg_node_part(g, back, 2, to.dc, &MG_SHAPE(batch, units));
    mg_give(d, PRE, dpre);
    mg_give(d, H0, dh0);
    mg_give(d, C0, dc0);
    if (!mg_wants(d, W)) return;
    mg_node *before = mg_reshape(g, in[H0], &MG_SHAPE(1, batch, units));
    mg_node *h = mg_concat(g, 0, (mg_node *[]){before, mg_slice(g, y, 0, 0, steps - 1, 1)}, 2);
    mg_give(d, W, mg_matmul(g, mg_reshape(g, dpre, &MG_SHAPE(steps * batch, 4 * units)),
                            mg_reshape(g, h, &MG_SHAPE(steps * batch, units)), true, false));
}

/* ---- spelled ---- */

/* Rows of x; NULL after a failure. */
static mg_node **rows_of(mg_graph *g, mg_node *x)
{
    mg_node **rows = mg_node_array(g, mg_dim(x, 0));
    if (rows) mg_rows(g, x, rows);
    return rows;
}

static void gates_of(mg_graph *g, mg_node *x, mg_node *gate[GATES])
{
    int64_t units = mg_dim(x, 1) / GATES;
    for (int k = 0; k < GATES; k++) gate[k] = mg_slice(g, x, 1, k * units, units, 1);
}

/* The rows as one tensor again. */
static mg_node *stack(mg_graph *g, mg_node **rows, int64_t n)
{
    mg_node *x = mg_concat(g, 0, rows, (int)n);
    return mg_reshape(g, x, &MG_SHAPE(n, mg_dim(rows[0], 0), mg_dim(rows[0], 1)));
}

void mg_spell_lstm(mg_graph *g, const mg_node *draft, mg_node *const *in, mg_node **part)
{
    (void)draft;
    int64_t steps = mg_dim(in[PRE], 0), batch = mg_dim(in[PRE], 1);
    mg_node **pre = rows_of(g, in[PRE]), **mask = rows_of(g, in[MASK]), *h = in[H0], *c = in[C0];
    mg_node **ys = mg_node_array(g, steps), **cs = mg_node_array(g, steps), **acts = mg_node_array(g, steps);
    part[0] = part[1] = part[2] = &g->lost;
    if (!pre || !mask || !ys || !cs || !acts) return;
    for (int64_t t = 0; t < steps; t++) {
        mg_node *a[GATES], *m = mg_reshape(g, mask[t], &MG_SHAPE(batch, 1));
        gates_of(g, mg_add(g, pre[t], mg_matmul(g, h, in[W], false, true)), a);
        for (int k = 0; k < GATES; k++) a[k] = k == CANDIDATE ? mg_tanh(g, a[k]) : mg_sigmoid(g, a[k]);
        mg_node *next = mg_add(g, mg_mul(g, a[F], c), mg_mul(g, a[I], a[CANDIDATE]));
        h = mg_select(g, m, mg_mul(g, a[O], mg_tanh(g, next)), h);
        c = mg_select(g, m, next, c);
        ys[t] = h, cs[t] = c, acts[t] = mg_concat(g, 1, a, GATES);
    }
    part[0] = stack(g, ys, steps);
    part[1] = stack(g, cs, steps);
    part[2] = stack(g, acts, steps);
}

static mg_node *plus(mg_graph *g, mg_node *x, mg_node **rows, int64_t t) { return rows ? mg_add(g, x, rows[t]) : x; }

void mg_spell_lstm_back(mg_graph *g, const mg_node *node, mg_node *const *in, mg_node **part)
{
    int64_t steps = mg_dim(in[BACK_C], 0), batch = mg_dim(in[BACK_C], 1), units = mg_dim(in[BACK_C], 2);
    mg_node **mask = rows_of(g, in[BACK_MASK]), **c = rows_of(g, in[BACK_C]), **act = rows_of(g, in[BACK_ACT]);
    mg_node **dy = node->attr.lstm.has_dy ? rows_of(g, in[BACK_DY]) : NULL;
    mg_node **dcs = node->attr.lstm.has_dc ? rows_of(g, in[BACK_DC]) : NULL;
    mg_node **dact = node->attr.lstm.has_dact ? rows_of(g, in[BACK_DACT]) : NULL;
    mg_node **dpre = mg_node_array(g, steps);
    mg_node *zero = mg_fill(g, &MG_SHAPE(batch, units), 0), *dh = zero, *dc = zero;
    part[0] = part[1] = part[2] = &g->lost;
    if (!mask || !c || !act || !dpre) return;
    for (int64_t t = steps; t-- > 0;) {
        mg_node *a[GATES], *da[GATES], *m = mg_reshape(g, mask[t], &MG_SHAPE(batch, 1));
        gates_of(g, act[t], a);
        dh = plus(g, dh, dy, t);
        dc = plus(g, dc, dcs, t);
        mg_node *tanh_c = mg_tanh(g, c[t]);
        mg_node *here = mg_add(g, dc, mg_mul(g, mg_mul(g, dh, a[O]), mg_affine(g, mg_square(g, tanh_c), -1, 1)));
        da[I] = mg_mul(g, here, a[CANDIDATE]);
        da[F] = mg_mul(g, here, t > 0 ? c[t - 1] : in[BACK_C0]);
        da[CANDIDATE] = mg_mul(g, here, a[I]);
        da[O] = mg_mul(g, dh, tanh_c);
        for (int k = 0; k < GATES; k++) da[k] = mg_select(g, m, da[k], zero);
        if (dact) {
            mg_node *more[GATES];
            gates_of(g, dact[t], more);
            for (int k = 0; k < GATES; k++) da[k] = mg_add(g, da[k], more[k]);
        }
        for (int k = 0; k < GATES; k++) {
            mg_node *slope = k == CANDIDATE ? mg_affine(g, mg_square(g, a[k]), -1, 1)
                                            : mg_mul(g, a[k], mg_affine(g, a[k], -1, 1));
            da[k] = mg_mul(g, da[k], slope);
        }
        dpre[t] = mg_concat(g, 1, da, GATES);
        dh = mg_add(g, mg_matmul(g, dpre[t], in[BACK_W], false, false), mg_select(g, m, zero, dh));
        dc = mg_select(g, m, mg_mul(g, here, a[F]), dc);
    }
    part[0] = stack(g, dpre, steps);
    part[1] = dh;
    part[2] = dc;
}
