/* SPDX-License-Identifier: MIT */
/* Shape rules, and the rows themselves. A rule sets the shape of a draft from its inputs and attributes, or says what
   is wrong with them. */
#include "op/rules.h"

#include <assert.h>

const char *mg_shape_given(mg_node *y)
{
    (void)y;
    return NULL;
}

const char *mg_shape_same(mg_node *y)
{
    for (int k = 1; k < y->n_in; k++) {
        if (!mg_shape_equal(&y->in[k]->shape, &y->in[0]->shape)) return "the shapes do not fit";
        assert(y->in[k]->type == y->in[0]->type);
    }
    y->shape = y->in[0]->shape;
    return NULL;
}

const char *mg_shape_cast(mg_node *y)
{
    assert(y->in[0]->type == MG_INDEX);
    y->shape = y->in[0]->shape;
    y->type = MG_REAL;
    return NULL;
}

const char *mg_shape_to_index(mg_node *y)
{
    assert(y->in[0]->type == MG_REAL);
    y->shape = y->in[0]->shape;
    y->type = MG_INDEX;
    return NULL;
}

const char *mg_shape_reshape(mg_node *y)
{
    return mg_shape_count(&y->shape) == mg_shape_count(&y->in[0]->shape) ? NULL : "the number of elements changes";
}

const char *mg_shape_part(mg_node *y)
{
    assert(y->attr.part.offset + mg_shape_count(&y->shape) <= mg_shape_count(&y->in[0]->shape));
    return NULL;
}

const char *mg_shape_permute(mg_node *y)
{
    const mg_shape *x = &y->in[0]->shape;
    unsigned seen = 0;
    y->shape.rank = x->rank;
    for (int d = 0; d < x->rank; d++) {
        int64_t from = y->attr.permute.axis[d];
        assert(from >= 0 && from < x->rank && !(seen >> from & 1));
        seen |= 1u << from;
        y->shape.dim[d] = x->dim[from];
    }
    return NULL;
}

const char *mg_shape_broadcast(mg_node *y)
{
    const mg_shape *x = &y->in[0]->shape;
    assert(x->rank == y->shape.rank);
    for (int d = 0; d < x->rank; d++)
        if (x->dim[d] != y->shape.dim[d] && x->dim[d] != 1) return "only axes of length 1 can be repeated";
    return NULL;
}

const char *mg_shape_slice(mg_node *y)
{
    const mg_shape *x = &y->in[0]->shape;
    int64_t axis = y->attr.range.axis, start = y->attr.range.start, n = y->attr.range.count, step = y->attr.range.step;
    assert(axis >= 0 && axis < x->rank && step >= 1);
    if (start < 0 || n < 0 || (n > 0 && (start >= x->dim[axis] || n - 1 > (x->dim[axis] - 1 - start) / step)))
        return "the slice lies outside";
    y->shape = *x;
    y->shape.dim[axis] = n;
    return NULL;
}

const char *mg_shape_pad(mg_node *y)
{
    int64_t axis = y->attr.edge.axis, n;
    y->shape = y->in[0]->shape;
    assert(axis >= 0 && axis < y->shape.rank);
    assert(y->attr.edge.before >= 0 && y->attr.edge.after >= 0 && y->attr.edge.inner >= 0);
    n = y->shape.dim[axis];
    int64_t between = n > 0 ? n - 1 : 0, spread;
    if (__builtin_mul_overflow(between, y->attr.edge.inner, &spread)) return "too much padding";
    y->shape.dim[axis] = n + spread + y->attr.edge.before + y->attr.edge.after;
    return NULL;
}

const char *mg_shape_concat(mg_node *y)
{
    int64_t axis = y->attr.join.axis;
    assert(y->n_in > 0);
    y->shape = y->in[0]->shape;
    assert(axis >= 0 && axis < y->shape.rank);
    for (int k = 1; k < y->n_in; k++) {
        const mg_shape *x = &y->in[k]->shape;
        if (x->rank != y->shape.rank) return "the ranks differ";
        for (int d = 0; d < x->rank; d++)
            if (d != axis && x->dim[d] != y->shape.dim[d]) return "the shapes do not fit";
        y->shape.dim[axis] += x->dim[axis];
    }
    return NULL;
}

const char *mg_shape_reduce(mg_node *y)
{
    y->shape = y->in[0]->shape;
    for (int d = 0; d < y->shape.rank; d++)
        if (y->attr.reduce.axes >> d & 1) y->shape.dim[d] = 1;
    return NULL;
}

/* x [B.., N, D..], index [B.., K..]: the shape [B.., middle.., D..] with the index's own axes or `rows` in the
   middle. */
static const char *shared_axes(const mg_shape *x, const mg_shape *index, int64_t batch)
{
    assert(batch >= 0 && batch < x->rank && batch <= index->rank);
    for (int d = 0; d < batch; d++)
        if (x->dim[d] != index->dim[d]) return "the shared axes differ";
    return NULL;
}

const char *mg_shape_gather(mg_node *y)
{
    const mg_shape *x = &y->in[0]->shape, *index = &y->in[1]->shape;
    int batch = (int)y->attr.gather.batch;
    assert(y->in[1]->type == MG_INDEX);
    if (index->rank + x->rank - batch - 1 > MG_RANK) return "too many axes";
    y->shape = *index;
    for (int d = batch + 1; d < x->rank; d++) y->shape.dim[y->shape.rank++] = x->dim[d];
    return shared_axes(x, index, batch);
}

const char *mg_shape_scatter(mg_node *y)
{
    const mg_shape *x = &y->in[0]->shape, *index = &y->in[1]->shape;
    int batch = (int)y->attr.gather.batch;
    assert(y->in[1]->type == MG_INDEX && index->rank <= x->rank);
    for (int d = 0; d < index->rank; d++)
        if (x->dim[d] != index->dim[d]) return "the rows and their numbers do not fit";
    y->shape.rank = 0;
    for (int d = 0; d < batch; d++) y->shape.dim[y->shape.rank++] = x->dim[d];
    y->shape.dim[y->shape.rank++] = y->attr.gather.rows;
    for (int d = index->rank; d < x->rank; d++) y->shape.dim[y->shape.rank++] = x->dim[d];
    return NULL;
}

const char *mg_shape_matmul(mg_node *y)
{
    const mg_shape *a = &y->in[0]->shape, *b = &y->in[1]->shape;
    int r = a->rank;
    assert(r >= 2 && b->rank == r);
    for (int d = 0; d < r - 2; d++)
        if (a->dim[d] != b->dim[d]) return "the leading axes differ";
    bool ta = y->attr.product.ta, tb = y->attr.product.tb;
    if (a->dim[ta ? r - 2 : r - 1] != b->dim[tb ? r - 1 : r - 2]) return "the inner lengths differ";
    y->shape = *a;
    y->shape.dim[r - 2] = a->dim[ta ? r - 1 : r - 2];
    y->shape.dim[r - 1] = b->dim[tb ? r - 2 : r - 1];
    return NULL;
}

const char *mg_shape_linear(mg_node *y)
{
    const mg_shape *x = &y->in[0]->shape, *w = &y->in[1]->shape, *b = &y->in[2]->shape;
    assert(x->rank >= 1 && w->rank == 2 && b->rank == 1);
    if (x->dim[x->rank - 1] != w->dim[1]) return "the input's width is not the weight's";
    if (b->dim[0] != w->dim[0]) return "the bias is not as long as the weight is high";
    y->shape = *x;
    y->shape.dim[x->rank - 1] = w->dim[0];
    return NULL;
}

/* ---- LSTM: one flat node whose parts are the results ---- */

const char *mg_shape_lstm(mg_node *y)
{
    const mg_shape *pre = &y->in[0]->shape, *h = &y->in[1]->shape, *c = &y->in[2]->shape, *w = &y->in[3]->shape;
    const mg_shape *mask = &y->in[4]->shape;
    assert(pre->rank == 3 && h->rank == 2 && c->rank == 2 && w->rank == 2 && mask->rank == 2);
    int64_t units = h->dim[1];
    if (pre->dim[2] != 4 * units || w->dim[0] != 4 * units || w->dim[1] != units) return "the widths do not fit";
    if (!mg_shape_equal(h, c) || h->dim[0] != pre->dim[1]) return "the state does not fit the batch";
    if (mask->dim[0] != pre->dim[0] || mask->dim[1] != pre->dim[1]) return "the mask does not fit";
    y->shape = MG_SHAPE(mg_lstm_parts(pre->dim[0], pre->dim[1], units).total);
    return NULL;
}

const char *mg_shape_lstm_back(mg_node *y)
{
    const mg_shape *c = &y->in[3]->shape;
    y->shape = MG_SHAPE(mg_lstm_back_parts(c->dim[0], c->dim[1], c->dim[2]).total);
    return NULL;
}

/* ---- the rows ---- */

enum { EACH = MG_EACH | MG_STRIDES, STRIDES = MG_STRIDES, ALIAS = MG_ALIAS, DENSE = MG_DENSE, VIEW = MG_VIEW,
       SOURCE = MG_SOURCE, DISTINCT = MG_DISTINCT, SHARED = MG_SHARED, ANY = -1 };
/* What a row says where it has no such function. */
#define mg_run_none NULL
#define mg_d_none NULL
#define mg_d_spelled mg_derive_spelled
#define mg_no_scratch NULL
#define mg_no_spelling NULL

const mg_op_row mg_op_rows[MG_OP_COUNT] = {
#define OP(name, arity, shape, run, derive, flags) {#name, arity, mg_##shape, mg_##run, mg_##derive, flags, NULL, NULL},
#define FUSED(name, arity, shape, run, derive, flags, spell, scratch) \
    {#name, arity, mg_##shape, mg_##run, mg_##derive, flags, mg_##spell, mg_##scratch},
    MG_OP_LIST(OP, FUSED)
#undef OP
#undef FUSED
};

size_t mg_op_count(void) { return MG_OP_COUNT; }
