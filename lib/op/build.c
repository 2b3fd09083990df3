/* SPDX-License-Identifier: MIT */
/* Builders: what people write graphs with. They put the broadcasts in that derivatives count on, and leave out what
   changes nothing (x 1, x + 0, a reshape to the same shape); nothing inexact is folded. */
#include "op/rules.h"

#include <assert.h>
#include <string.h>

static mg_node *make1(mg_graph *g, mg_op op, mg_node *x, const mg_attr *attr)
{
    return mg_node_make(g, op, &x, 1, attr, NULL);
}

static bool is_fill(const mg_node *x, double value) { return x->op == MG_OP_fill && x->attr.fill.value == value; }

/* ---- element by element ---- */

/* The shape that both can be repeated to; where there is none, that of a, so that the op says what is wrong. */
static mg_shape common(const mg_node *a, const mg_node *b)
{
    const mg_shape *x = &a->shape, *y = &b->shape;
    mg_shape shape = {.rank = x->rank > y->rank ? x->rank : y->rank};
    for (int d = 1; d <= shape.rank; d++) {
        int64_t i = d <= x->rank ? x->dim[x->rank - d] : 1, j = d <= y->rank ? y->dim[y->rank - d] : 1;
        if (i != j && i != 1 && j != 1) return *x;
        shape.dim[shape.rank - d] = i == 1 ? j : i;
    }
    return shape;
}

static mg_node *fit(mg_graph *g, mg_node *x, const mg_shape *shape)
{
    if (mg_graph_failed(g) || mg_shape_equal(&x->shape, shape) || x->shape.rank > shape->rank) return x;
    if (x->op == MG_OP_fill) return mg_fill(g, shape, x->attr.fill.value);
    mg_shape long_form = {.rank = shape->rank};
    for (int d = 0, skip = shape->rank - x->shape.rank; d < shape->rank; d++)
        long_form.dim[d] = d < skip ? 1 : x->shape.dim[d - skip];
    return mg_broadcast(g, mg_reshape(g, x, &long_form), shape);
}

static mg_node *make2(mg_graph *g, mg_op op, mg_node *a, mg_node *b)
{
    mg_shape shape = common(a, b);
    return mg_node_make(g, op, (mg_node *[]){fit(g, a, &shape), fit(g, b, &shape)}, 2, NULL, NULL);
}

mg_node *mg_affine(mg_graph *g, mg_node *x, double scale, double shift)
{
    if (scale == 1 && shift == 0) return x;
    return make1(g, MG_OP_affine, x, &(mg_attr){.affine = {scale, shift}});
}

/* Whether x would be left as it is by an op with `other`, which fits it. */
static bool covers(const mg_node *x, const mg_node *other)
{
    mg_shape shape = common(x, other);
    return mg_shape_equal(&shape, &x->shape);
}

mg_node *mg_add(mg_graph *g, mg_node *a, mg_node *b)
{
    if (is_fill(b, 0) && covers(a, b)) return a;
    if (is_fill(a, 0) && covers(b, a)) return b;
    return make2(g, MG_OP_add, a, b);
}

mg_node *mg_sub(mg_graph *g, mg_node *a, mg_node *b)
{
    return is_fill(b, 0) && covers(a, b) ? a : make2(g, MG_OP_sub, a, b);
}

mg_node *mg_mul(mg_graph *g, mg_node *a, mg_node *b)
{
    if (is_fill(b, 1) && covers(a, b)) return a;
    if (is_fill(a, 1) && covers(b, a)) return b;
    return make2(g, MG_OP_mul, a, b);
}

mg_node *mg_div(mg_graph *g, mg_node *a, mg_node *b)
{
    return is_fill(b, 1) && covers(a, b) ? a : make2(g, MG_OP_div, a, b);
}

mg_node *mg_max(mg_graph *g, mg_node *a, mg_node *b) { return make2(g, MG_OP_max, a, b); }
mg_node *mg_equal(mg_graph *g, mg_node *a, mg_node *b) { return make2(g, MG_OP_equal, a, b); }

mg_node *mg_select(mg_graph *g, mg_node *mask, mg_node *b, mg_node *c)
{
    mg_shape shape = common(b, c);
    mg_node like = {.shape = shape};
    shape = common(&like, mask);
    return mg_node_make(g, MG_OP_select, (mg_node *[]){fit(g, mask, &shape), fit(g, b, &shape), fit(g, c, &shape)}, 3,
                        NULL, NULL);
}

mg_node *mg_step(mg_graph *g, mg_node *x) { return make1(g, MG_OP_step, x, NULL); }
mg_node *mg_exp(mg_graph *g, mg_node *x) { return make1(g, MG_OP_exp, x, NULL); }
mg_node *mg_log(mg_graph *g, mg_node *x) { return make1(g, MG_OP_log, x, NULL); }
mg_node *mg_sqrt(mg_graph *g, mg_node *x) { return make1(g, MG_OP_sqrt, x, NULL); }
mg_node *mg_tanh(mg_graph *g, mg_node *x) { return make1(g, MG_OP_tanh, x, NULL); }
mg_node *mg_erf(mg_graph *g, mg_node *x) { return make1(g, MG_OP_erf, x, NULL); }
mg_node *mg_sigmoid(mg_graph *g, mg_node *x) { return make1(g, MG_OP_sigmoid, x, NULL); }
mg_node *mg_softplus(mg_graph *g, mg_node *x) { return make1(g, MG_OP_softplus, x, NULL); }
mg_node *mg_cast(mg_graph *g, mg_node *index) { return make1(g, MG_OP_cast, index, NULL); }
mg_node *mg_to_index(mg_graph *g, mg_node *x) { return make1(g, MG_OP_to_index, x, NULL); }
mg_node *mg_stop_gradient(mg_graph *g, mg_node *x) { return make1(g, MG_OP_stop_gradient, x, NULL); }
mg_node *mg_square(mg_graph *g, mg_node *x) { return mg_mul(g, x, x); }
mg_node *mg_relu(mg_graph *g, mg_node *x) { return mg_max(g, x, mg_fill(g, &x->shape, 0)); }

/* ---- shape ---- */

mg_node *mg_reshape(mg_graph *g, mg_node *x, const mg_shape *shape)
{
    if (x->op == MG_OP_reshape) x = x->in[0];
    if (mg_shape_equal(&x->shape, shape)) return x;
    return mg_node_make(g, MG_OP_reshape, &x, 1, NULL, shape);
}

mg_node *mg_permute(mg_graph *g, mg_node *x, const int *order)
{
    mg_attr attr = {0};
    bool moves = false;
    for (int d = 0; d < x->shape.rank; d++) {
        attr.permute.axis[d] = order[d];
        moves |= order[d] != d;
    }
    return moves ? make1(g, MG_OP_permute, x, &attr) : x;
}

mg_node *mg_transpose(mg_graph *g, mg_node *x, int a, int b)
{
    int order[MG_RANK];
    if (mg_graph_failed(g)) return &g->lost;
    for (int d = 0; d < x->shape.rank; d++) order[d] = d == a ? b : d == b ? a : d;
    return mg_permute(g, x, order);
}

mg_node *mg_broadcast(mg_graph *g, mg_node *x, const mg_shape *shape)
{
    if (mg_shape_equal(&x->shape, shape)) return x;
    return mg_node_make(g, MG_OP_broadcast, &x, 1, NULL, shape);
}

mg_node *mg_slice(mg_graph *g, mg_node *x, int axis, int64_t start, int64_t count, int64_t step)
{
    if (start == 0 && step == 1 && count == mg_dim(x, axis)) return x;
    return make1(g, MG_OP_slice, x, &(mg_attr){.range = {axis, start, count, step}});
}

mg_node *mg_pad(mg_graph *g, mg_node *x, int axis, int64_t before, int64_t after, int64_t inner)
{
    if (before == 0 && after == 0 && inner == 0) return x;
    return make1(g, MG_OP_pad, x, &(mg_attr){.edge = {axis, before, after, inner}});
}

mg_node *mg_concat(mg_graph *g, int axis, mg_node *const *x, int n)
{
    if (n == 1) return x[0];
    return mg_node_make(g, MG_OP_concat, x, n, &(mg_attr){.join = {axis}}, NULL);
}

void mg_rows(mg_graph *g, mg_node *x, mg_node **rows)
{
    mg_node *whole = make1(g, MG_OP_split, x, NULL);
    mg_shape row = {.rank = x->shape.rank - 1};
    for (int d = 0; d < row.rank; d++) row.dim[d] = x->shape.dim[d + 1];
    int64_t size = mg_shape_count(&row);
    for (int64_t i = 0, n = mg_dim(x, 0); i < n; i++) rows[i] = mg_node_part(g, whole, (int)i, i * size, &row);
}

/* Axes of length 1 need no sum. */
static unsigned long_axes(const mg_node *x, unsigned axes)
{
    for (int d = 0; d < MG_RANK; d++)
        if (d >= x->shape.rank || x->shape.dim[d] == 1) axes &= ~(1u << d);
    return axes;
}

static mg_node *reduce(mg_graph *g, mg_op op, mg_node *x, unsigned axes)
{
    axes = long_axes(x, axes);
    return axes ? make1(g, op, x, &(mg_attr){.reduce = {axes}}) : x;
}

mg_node *mg_sum(mg_graph *g, mg_node *x, unsigned axes) { return reduce(g, MG_OP_sum, x, axes); }
mg_node *mg_max_over(mg_graph *g, mg_node *x, unsigned axes) { return reduce(g, MG_OP_max_over, x, axes); }

mg_node *mg_mean(mg_graph *g, mg_node *x, unsigned axes)
{
    int64_t n = 1;
    for (int d = 0; d < x->shape.rank; d++)
        if (axes >> d & 1) n *= x->shape.dim[d];
    return mg_affine(g, mg_sum(g, x, axes), 1.0 / (double)(n > 0 ? n : 1), 0);
}

mg_node *mg_sum_all(mg_graph *g, mg_node *x) { return mg_reshape(g, mg_sum(g, x, ~0u), &(mg_shape){0}); }

mg_node *mg_gather(mg_graph *g, mg_node *x, mg_node *index, int batch)
{
    return mg_node_make(g, MG_OP_gather, (mg_node *[]){x, index}, 2, &(mg_attr){.gather = {batch, 0}}, NULL);
}

mg_node *mg_one_hot(mg_graph *g, mg_node *index, int64_t n)
{
    mg_shape column = index->shape, wide = column;
    if (mg_graph_failed(g)) return &g->lost;
    column.dim[column.rank++] = 1;
    wide.dim[wide.rank++] = n;
    mg_node *class = mg_reshape(g, mg_cast(g, index), &column);
    return mg_equal(g, mg_broadcast(g, class, &wide), mg_count_up(g, n));
}

mg_node *mg_scatter_add(mg_graph *g, mg_node *x, mg_node *index, int batch, int64_t rows)
{
    return mg_node_make(g, MG_OP_scatter_add, (mg_node *[]){x, index}, 2, &(mg_attr){.gather = {batch, rows}}, NULL);
}

mg_node *mg_matmul(mg_graph *g, mg_node *a, mg_node *b, bool ta, bool tb)
{
    return mg_node_make(g, MG_OP_matmul, (mg_node *[]){a, b}, 2, &(mg_attr){.product = {ta, tb}}, NULL);
}

/* ---- fused ops: the op, or its spelling where the graph asks for that ---- */

static bool spells(mg_graph *g, mg_op op, mg_node *const *in, int n_in, const mg_attr *attr, mg_node **part)
{
    if (!g->spells || mg_graph_failed(g)) return false;
    mg_node as_if = {.op = (uint16_t)op, .type = MG_REAL, .n_in = n_in, .in = (mg_node **)(uintptr_t)in};
    if (attr) as_if.attr = *attr;
    const char *wrong = mg_op_rows[op].shape(&as_if);
    if (wrong) return false; /* the op itself will say so */
    mg_op_rows[op].spell(g, &as_if, in, part);
    return true;
}

mg_node *mg_node_fused(mg_graph *g, mg_op op, mg_node *const *in, int n_in)
{
    mg_node *y;
    return spells(g, op, in, n_in, NULL, &y) ? y : mg_node_make(g, op, in, n_in, NULL, NULL);
}

mg_node *mg_linear(mg_graph *g, mg_node *x, mg_node *w, mg_node *b)
{
    return mg_node_fused(g, MG_OP_linear, (mg_node *[]){x, w, b}, 3);
}

mg_node *mg_softmax(mg_graph *g, mg_node *x) { return mg_node_fused(g, MG_OP_softmax, &x, 1); }
mg_node *mg_log_softmax(mg_graph *g, mg_node *x) { return mg_node_fused(g, MG_OP_log_softmax, &x, 1); }

/* Parts start on 64-byte boundaries. */
static int64_t rounded(int64_t n) { return (n + 15) / 16 * 16; }

mg_lstm_places mg_lstm_parts(int64_t steps, int64_t batch, int64_t units)
{
    int64_t n = steps * batch * units, c = rounded(n), act = 2 * c;
    return (mg_lstm_places){0, c, act, act + 4 * n};
}

mg_lstm_back_places mg_lstm_back_parts(int64_t steps, int64_t batch, int64_t units)
{
    int64_t dh = rounded(4 * steps * batch * units), dc = dh + rounded(batch * units);
    return (mg_lstm_back_places){0, dh, dc, dc + batch * units};
}

mg_lstm_out mg_lstm(mg_graph *g, mg_node *pre, mg_node *h, mg_node *c, mg_node *w, mg_node *mask)
{
    mg_node *in[] = {pre, h, c, w, mask}, *part[3];
    if (!spells(g, MG_OP_lstm, in, 5, NULL, part)) {
        mg_node *whole = mg_node_make(g, MG_OP_lstm, in, 5, NULL, NULL);
        if (whole->id < 0) return (mg_lstm_out){whole, whole};
        int64_t steps = mg_dim(pre, 0), batch = mg_dim(pre, 1), units = mg_dim(h, 1);
        mg_lstm_places at = mg_lstm_parts(steps, batch, units);
        part[0] = mg_node_part(g, whole, 0, at.y, &MG_SHAPE(steps, batch, units));
        part[1] = mg_node_part(g, whole, 1, at.c, &MG_SHAPE(steps, batch, units));
        part[2] = mg_node_part(g, whole, 2, at.act, &MG_SHAPE(steps, batch, 4 * units));
    }
    return (mg_lstm_out){part[0], part[1]};
}
