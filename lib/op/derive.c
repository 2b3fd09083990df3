/* SPDX-License-Identifier: MIT */
/* Derivatives: each rule turns the cotangent g of a result y into nodes for the inputs, with rows of the op list
   only. */
#include "op/rules.h"

#include <assert.h>
#include <math.h>

bool mg_wants(const mg_derive *d, int k) { return d->reach[d->y->in[k]->id]; }

void mg_give(mg_derive *d, int k, mg_node *dx)
{
    if (!mg_wants(d, k) || mg_graph_failed(d->g)) return;
    mg_node **sum = &d->sum[d->y->in[k]->id];
    assert(mg_shape_equal(&dx->shape, &d->y->in[k]->shape));
    *sum = *sum ? mg_add(d->g, *sum, dx) : dx;
}

mg_node *mg_part_sum(const mg_derive *d, int part) { return part < d->y->n_parts ? d->sum[d->y->id + 1 + part] : NULL; }

/* Short names for the rules below: the graph, the result, its cotangent and the inputs. */
#define G (d->g)
#define Y (d->y)
#define DY (d->dy)
#define X(k) (d->y->in[k])
#define GIVE(k, node)                       \
    do {                                    \
        if (mg_wants(d, k)) mg_give(d, k, node); \
    } while (0)

/* ---- element by element ---- */

void mg_d_affine(mg_derive *d) { GIVE(0, mg_affine(G, DY, Y->attr.affine.scale, 0)); }

void mg_d_add(mg_derive *d)
{
    GIVE(0, DY);
    GIVE(1, DY);
}

void mg_d_sub(mg_derive *d)
{
    GIVE(0, DY);
    GIVE(1, mg_affine(G, DY, -1, 0));
}

void mg_d_mul(mg_derive *d)
{
    GIVE(0, mg_mul(G, DY, X(1)));
    GIVE(1, mg_mul(G, DY, X(0)));
}

/* a/b: g/b and -g y/b */
void mg_d_div(mg_derive *d)
{
    GIVE(0, mg_div(G, DY, X(1)));
    GIVE(1, mg_affine(G, mg_div(G, mg_mul(G, DY, Y), X(1)), -1, 0));
}

/* Of equals, the second gets the gradient. */
void mg_d_max(mg_derive *d)
{
    mg_node *first = mg_step(G, mg_sub(G, X(0), X(1))), *zero = mg_fill(G, &Y->shape, 0);
    GIVE(0, mg_select(G, first, DY, zero));
    GIVE(1, mg_select(G, first, zero, DY));
}

void mg_d_select(mg_derive *d)
{
    mg_node *zero = mg_fill(G, &Y->shape, 0);
    GIVE(1, mg_select(G, X(0), DY, zero));
    GIVE(2, mg_select(G, X(0), zero, DY));
}

void mg_d_exp(mg_derive *d) { GIVE(0, mg_mul(G, DY, Y)); }
void mg_d_log(mg_derive *d) { GIVE(0, mg_div(G, DY, X(0))); }
void mg_d_sqrt(mg_derive *d) { GIVE(0, mg_affine(G, mg_div(G, DY, Y), 0.5, 0)); }
void mg_d_tanh(mg_derive *d) { GIVE(0, mg_mul(G, DY, mg_affine(G, mg_square(G, Y), -1, 1))); }
/* 2 / sqrt(pi) e^-x^2 */
void mg_d_erf(mg_derive *d)
{
    mg_node *bell = mg_exp(G, mg_affine(G, mg_square(G, X(0)), -1, 0));
    GIVE(0, mg_affine(G, mg_mul(G, DY, bell), M_2_SQRTPI, 0));
}

void mg_d_sigmoid(mg_derive *d) { GIVE(0, mg_mul(G, DY, mg_mul(G, Y, mg_affine(G, Y, -1, 1)))); }
void mg_d_softplus(mg_derive *d) { GIVE(0, mg_mul(G, DY, mg_sigmoid(G, X(0)))); }
void mg_d_copy(mg_derive *d) { GIVE(0, DY); }

/* ---- shape ---- */

void mg_d_reshape(mg_derive *d) { GIVE(0, mg_reshape(G, DY, &X(0)->shape)); }

void mg_d_permute(mg_derive *d)
{
    int back[MG_RANK];
    for (int i = 0; i < Y->shape.rank; i++) back[Y->attr.permute.axis[i]] = i;
    GIVE(0, mg_permute(G, DY, back));
}

void mg_d_broadcast(mg_derive *d)
{
    unsigned axes = 0;
    for (int i = 0; i < Y->shape.rank; i++)
        if (X(0)->shape.dim[i] != Y->shape.dim[i]) axes |= 1u << i;
    GIVE(0, mg_sum(G, DY, axes));
}

void mg_d_sum(mg_derive *d) { GIVE(0, mg_broadcast(G, DY, &X(0)->shape)); }

/* The cotangent is shared among all that are largest. */
void mg_d_max_over(mg_derive *d)
{
    const mg_shape *shape = &X(0)->shape;
    mg_node *is_top = mg_equal(G, X(0), mg_broadcast(G, Y, shape));
    mg_node *share = mg_div(G, DY, mg_sum(G, is_top, (unsigned)Y->attr.reduce.axes));
    GIVE(0, mg_mul(G, is_top, mg_broadcast(G, share, shape)));
}

void mg_d_slice(mg_derive *d)
{
    int axis = (int)Y->attr.range.axis;
    int64_t n = Y->attr.range.count, start = Y->attr.range.start, step = Y->attr.range.step, whole = mg_dim(X(0), axis);
    int64_t covered = n > 0 ? (n - 1) * step + 1 : 0;
    GIVE(0, mg_pad(G, DY, axis, start, whole - start - covered, step - 1));
}

void mg_d_pad(mg_derive *d)
{
    int axis = (int)Y->attr.edge.axis;
    GIVE(0, mg_slice(G, DY, axis, Y->attr.edge.before, mg_dim(X(0), axis), Y->attr.edge.inner + 1));
}

void mg_d_concat(mg_derive *d)
{
    int axis = (int)Y->attr.join.axis;
    int64_t at = 0;
    for (int k = 0; k < Y->n_in; k++) {
        int64_t n = mg_dim(X(k), axis);
        GIVE(k, mg_slice(G, DY, axis, at, n, 1));
        at += n;
    }
}

/* A cotangent of the whole and those of its rows. */
void mg_d_split(mg_derive *d)
{
    const mg_shape *shape = &Y->shape;
    mg_shape row = {.rank = shape->rank, .dim = {1}};
    for (int i = 1; i < shape->rank; i++) row.dim[i] = shape->dim[i];
    mg_node **rows = mg_node_array(G, shape->dim[0]);
    if (!rows) return;
    bool any = false;
    for (int i = 0; i < shape->dim[0]; i++) {
        mg_node *part = mg_part_sum(d, i);
        rows[i] = part ? mg_reshape(G, part, &row) : mg_fill(G, &row, 0);
        any |= part != NULL;
    }
    if (any) GIVE(0, mg_concat(G, 0, rows, (int)shape->dim[0]));
    if (DY) GIVE(0, DY);
}

void mg_d_gather(mg_derive *d)
{
    int batch = (int)Y->attr.gather.batch;
    GIVE(0, mg_scatter_add(G, DY, X(1), batch, mg_dim(X(0), batch)));
}

void mg_d_scatter_add(mg_derive *d) { GIVE(0, mg_gather(G, DY, X(1), (int)Y->attr.gather.batch)); }

/* ---- products ---- */

/* y = op(a) op(b): the cotangents are g op(b)^T and op(a)^T g, turned where the input was. */
void mg_d_matmul(mg_derive *d)
{
    bool ta = Y->attr.product.ta, tb = Y->attr.product.tb;
    GIVE(0, ta ? mg_matmul(G, X(1), DY, tb, true) : mg_matmul(G, DY, X(1), false, !tb));
    GIVE(1, tb ? mg_matmul(G, DY, X(0), true, ta) : mg_matmul(G, X(0), DY, !ta, false));
}

/* x with all axes but the last as one. */
static mg_node *flat(mg_graph *g, mg_node *x)
{
    int64_t width = mg_dim(x, -1), rows = 1;
    for (int i = 0; i < x->shape.rank - 1; i++) rows *= x->shape.dim[i];
    return mg_reshape(g, x, &MG_SHAPE(rows, width));
}

/* g w, g^T x, and g summed over all rows. */
void mg_d_linear(mg_derive *d)
{
    mg_node *dy = flat(G, DY);
    GIVE(0, mg_reshape(G, mg_matmul(G, dy, X(1), false, false), &X(0)->shape));
    GIVE(1, mg_matmul(G, dy, flat(G, X(0)), true, false));
    GIVE(2, mg_reshape(G, mg_sum(G, dy, 1), &X(2)->shape));
}

void mg_spell_linear(mg_graph *g, const mg_node *y, mg_node *const *in, mg_node **part)
{
    mg_shape shape = y->shape; /* the draft of a node that is not made */
    *part = mg_add(g, mg_reshape(g, mg_matmul(g, flat(g, in[0]), in[1], false, true), &shape), in[2]);
}

/* ---- over the last axis ---- */

static unsigned last(const mg_node *x) { return 1u << (x->shape.rank - 1); }

/* y (g - sum y g) */
void mg_d_softmax(mg_derive *d)
{
    mg_node *dot = mg_sum(G, mg_mul(G, DY, Y), last(Y));
    GIVE(0, mg_mul(G, Y, mg_sub(G, DY, dot)));
}

/* g - e^y sum g */
void mg_d_log_softmax(mg_derive *d) { GIVE(0, mg_sub(G, DY, mg_mul(G, mg_exp(G, Y), mg_sum(G, DY, last(Y))))); }

void mg_spell_softmax(mg_graph *g, const mg_node *y, mg_node *const *in, mg_node **part)
{
    (void)y;
    mg_node *e = mg_exp(g, mg_sub(g, in[0], mg_stop_gradient(g, mg_max_over(g, in[0], last(in[0])))));
    *part = mg_div(g, e, mg_sum(g, e, last(e)));
}

void mg_spell_log_softmax(mg_graph *g, const mg_node *y, mg_node *const *in, mg_node **part)
{
    (void)y;
    mg_node *x = mg_sub(g, in[0], mg_stop_gradient(g, mg_max_over(g, in[0], last(in[0]))));
    *part = mg_sub(g, x, mg_log(g, mg_sum(g, mg_exp(g, x), last(x))));
}
