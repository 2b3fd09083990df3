/* SPDX-License-Identifier: MIT */
/* Cross entropy of each row of logits with the number of its class, y = log sum exp x - x[class], and the op that its
   derivative emits: dx = (softmax x - one-hot) dy. The latter's derivative is that of its spelling. */
#include "op/rules.h"

#include <assert.h>

enum { LOGITS, CLASS, DY };

mg_node *mg_cross_entropy(mg_graph *g, mg_node *logits, mg_node *targets)
{
    mg_node *in[] = {logits, targets};
    return mg_node_fused(g, MG_OP_cross_entropy, in, 2);
}

/* ---- shapes ---- */

static const char *check(const mg_node *y)
{
    const mg_shape *x = &y->in[LOGITS]->shape, *class = &y->in[CLASS]->shape;
    mg_shape rows = *x;
    assert(x->rank >= 1 && y->in[CLASS]->type == MG_INDEX);
    rows.rank--;
    if (x->dim[rows.rank] < 1) return "there are no classes";
    return mg_shape_equal(&rows, class) ? NULL : "rows and classes do not fit";
}

const char *mg_shape_cross_entropy(mg_node *y)
{
    y->shape = y->in[CLASS]->shape;
    return check(y);
}

const char *mg_shape_cross_entropy_back(mg_node *y)
{
    y->shape = y->in[LOGITS]->shape;
    return check(y);
}

/* ---- the derivative, and both spelled ---- */

void mg_d_cross_entropy(mg_derive *d)
{
    mg_node *in[] = {d->y->in[LOGITS], d->y->in[CLASS], d->dy};
    if (mg_wants(d, LOGITS)) mg_give(d, LOGITS, mg_node_fused(d->g, MG_OP_cross_entropy_back, in, 3));
}

/* [..] as [.., 1] */
static mg_node *as_column(mg_graph *g, mg_node *x)
{
    mg_shape shape = x->shape;
    shape.dim[shape.rank++] = 1;
    return mg_reshape(g, x, &shape);
}

void mg_spell_cross_entropy(mg_graph *g, const mg_node *y, mg_node *const *in, mg_node **part)
{
    int last = in[LOGITS]->shape.rank - 1;
    mg_shape shape = y->shape;
    mg_node *log_p = mg_log_softmax(g, in[LOGITS]), *zero = mg_fill(g, &in[LOGITS]->shape, 0);
    mg_node *chosen = mg_select(g, mg_one_hot(g, in[CLASS], mg_dim(in[LOGITS], last)), log_p, zero);
    *part = mg_affine(g, mg_reshape(g, mg_sum(g, chosen, 1u << last), &shape), -1, 0);
}

void mg_spell_cross_entropy_back(mg_graph *g, const mg_node *y, mg_node *const *in, mg_node **part)
{
    (void)y;
    mg_node *is_class = mg_one_hot(g, in[CLASS], mg_dim(in[LOGITS], -1));
    *part = mg_mul(g, mg_sub(g, mg_softmax(g, in[LOGITS]), is_class), as_column(g, in[DY]));
}

/* ---- kernels: a class that is out of range, which only a computed one can be, clamps ---- */

static int64_t class_at(const mg_call *c, int64_t row, int64_t n)
{
    int64_t class = ((const int32_t *)c->x[CLASS].p)[row];
    return class < 0 ? 0 : class < n ? class : n - 1;
}

void mg_run_cross_entropy(const mg_call *c)
{
    const mg_kernels *k = mg_kernels_now();
    int64_t n = c->x[LOGITS].dim[c->x[LOGITS].rank - 1];
    const mg_real *x = c->x[LOGITS].p;
    mg_real *y = c->y.p, *row = c->scratch.own;
    for (int64_t i = 0, rows = mg_span_count(&c->y); i < rows; i++, x += n) {
        k->log_softmax(n, row, x);
        y[i] = -row[class_at(c, i, n)];
    }
}

void mg_run_cross_entropy_back(const mg_call *c)
{
    const mg_kernels *k = mg_kernels_now();
    int64_t n = c->y.dim[c->y.rank - 1];
    const mg_real *x = c->x[LOGITS].p, *dy = c->x[DY].p;
    mg_real *y = c->y.p;
    for (int64_t i = 0, rows = mg_span_count(&c->x[CLASS]); i < rows; i++, x += n, y += n) {
        k->softmax(n, y, x);
        y[class_at(c, i, n)] -= 1;
        k->each[MG_EACH_affine](n, y, y, NULL, NULL, dy[i], 0);
    }
}

mg_room mg_scratch_cross_entropy(const mg_node *y) { return (mg_room){0, (size_t)mg_dim(y->in[LOGITS], -1)}; }
