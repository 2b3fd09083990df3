/* SPDX-License-Identifier: MIT */
/* From a call to the kernel that computes it: unpacks attributes and shapes, computes nothing itself. */
#include "op/rules.h"

#include <math.h>
#include <string.h>

/* Only affine has numbers of its own; those of the others are 0 and not looked at. */
#define E(name, inputs, value)                                                                                  \
    void mg_run_##name(const mg_call *c)                                                                        \
    {                                                                                                           \
        const mg_span *in[3] = {NULL};                                                                          \
        const mg_attr *attr = &c->node->attr;                                                                   \
        for (int k = 0; k < c->node->n_in; k++) in[k] = &c->x[k];                                               \
        mg_span_each(MG_EACH_##name, &c->y, in, (mg_real)attr->affine.scale, (mg_real)attr->affine.shift);      \
    }
MG_EACH_LIST(E)
#undef E

/* ---- moving ---- */

void mg_run_rearrange(const mg_call *c) { mg_span_copy(&c->y, &c->x[0], mg_type_size((mg_type)c->node->type)); }

void mg_run_cast(const mg_call *c)
{
    mg_real *y = c->y.p;
    const int32_t *x = c->x[0].p;
    for (int64_t i = 0, n = mg_span_count(&c->y); i < n; i++) y[i] = (mg_real)x[i];
}

/* The nearest; what is no number, or far away, becomes a place that gather clamps. */
void mg_run_to_index(const mg_call *c)
{
    int32_t *y = c->y.p;
    const mg_real *x = c->x[0].p;
    for (int64_t i = 0, n = mg_span_count(&c->y); i < n; i++)
        y[i] = x[i] > -1e9f && x[i] < 1e9f ? (int32_t)lrint((double)x[i]) : 0;
}

/* The part of y that starts `from` along an axis and takes every step-th place of it. */
static mg_span window(const mg_span *y, int64_t axis, int64_t from, int64_t count, int64_t step, size_t size)
{
    mg_span w = *y;
    w.p = (char *)y->p + from * y->stride[axis] * (int64_t)size;
    w.dim[axis] = count;
    w.stride[axis] *= step;
    return w;
}

void mg_run_pad(const mg_call *c)
{
    const mg_attr *a = &c->node->attr;
    size_t size = mg_type_size((mg_type)c->node->type);
    memset(c->y.p, 0, (size_t)mg_span_count(&c->y) * size);
    mg_span inside = window(&c->y, a->edge.axis, a->edge.before, c->x[0].dim[a->edge.axis], a->edge.inner + 1, size);
    mg_span_copy(&inside, &c->x[0], size);
}

void mg_run_concat(const mg_call *c)
{
    int64_t axis = c->node->attr.join.axis, at = 0;
    size_t size = mg_type_size((mg_type)c->node->type);
    for (int k = 0; k < c->node->n_in; k++) {
        mg_span inside = window(&c->y, axis, at, c->x[k].dim[axis], 1, size);
        mg_span_copy(&inside, &c->x[k], size);
        at += c->x[k].dim[axis];
    }
}

static int64_t product_of(const mg_shape *shape, int from, int to)
{
    int64_t n = 1;
    for (int d = from; d < to; d++) n *= shape->dim[d];
    return n;
}

void mg_run_gather(const mg_call *c)
{
    const mg_shape *x = &c->node->in[0]->shape, *index = &c->node->in[1]->shape;
    int batch = (int)c->node->attr.gather.batch;
    mg_row_call call = {product_of(x, 0, batch), x->dim[batch], product_of(index, batch, index->rank),
                        product_of(x, batch + 1, x->rank), c->x[1].p};
    mg_rows_gather(&call, c->y.p, c->x[0].p);
}

void mg_run_scatter_add(const mg_call *c)
{
    const mg_shape *x = &c->node->in[0]->shape, *index = &c->node->in[1]->shape;
    int batch = (int)c->node->attr.gather.batch;
    mg_row_call call = {product_of(x, 0, batch), c->node->attr.gather.rows, product_of(index, batch, index->rank),
                        product_of(x, index->rank, x->rank), c->x[1].p};
    mg_rows_scatter(&call, c->y.p, c->x[0].p);
}

void mg_run_uniform(const mg_call *c)
{
    int axis = (int)c->node->attr.random.examples;
    const mg_shape *y = &c->node->shape;
    mg_fill_uniform(product_of(y, 0, axis), y->dim[axis], product_of(y, axis + 1, y->rank), c->key->seed,
                    c->node->name, c->key->record, c->y.p);
}

/* ---- reductions and rows ---- */

void mg_run_sum(const mg_call *c) { mg_span_sum(&c->y, &c->x[0]); }
void mg_run_max_over(const mg_call *c) { mg_span_max(&c->y, &c->x[0]); }

static void each_row(const mg_call *c, void (*row)(int64_t n, mg_real *y, const mg_real *x))
{
    const mg_shape *shape = &c->node->shape;
    int64_t n = shape->dim[shape->rank - 1], rows = product_of(shape, 0, shape->rank - 1);
    const mg_real *x = c->x[0].p;
    mg_real *y = c->y.p;
    for (int64_t i = 0; n > 0 && i < rows; i++) row(n, y + i * n, x + i * n);
}

void mg_run_softmax(const mg_call *c) { each_row(c, mg_kernels_now()->softmax); }
void mg_run_log_softmax(const mg_call *c) { each_row(c, mg_kernels_now()->log_softmax); }

/* ---- products ---- */

static mg_matrix matrix(const mg_span *x, const mg_real *at, bool is_turned)
{
    int64_t row = x->stride[x->rank - 2], col = x->stride[x->rank - 1];
    return (mg_matrix){at, is_turned ? col : row, is_turned ? row : col};
}

/* Where block i of the leading axes starts. */
static int64_t block_at(const mg_span *x, int64_t i)
{
    int64_t at = 0;
    for (int d = x->rank - 3; d >= 0; d--) {
        at += i % x->dim[d] * x->stride[d];
        i /= x->dim[d];
    }
    return at;
}

mg_room mg_scratch_matmul(const mg_node *y)
{
    const mg_shape *a = &y->in[0]->shape;
    return (mg_room){0, mg_product_scratch(mg_dim(y, -1), a->dim[a->rank - (y->attr.product.ta ? 2 : 1)])};
}

mg_room mg_scratch_linear(const mg_node *y)
{
    return (mg_room){0, mg_product_scratch(mg_dim(y, -1), mg_dim(y->in[0], -1))};
}

void mg_run_matmul(const mg_call *c)
{
    const mg_span *a = &c->x[0], *b = &c->x[1], *y = &c->y;
    const mg_attr *attr = &c->node->attr;
    int r = y->rank;
    int64_t blocks = product_of(&c->node->shape, 0, r - 2), k = a->dim[attr->product.ta ? r - 2 : r - 1];
    for (int64_t i = 0; i < blocks; i++)
        mg_product(&(mg_product_call){
            .m = y->dim[r - 2], .n = y->dim[r - 1], .k = k,
            .a = matrix(a, (const mg_real *)a->p + block_at(a, i), attr->product.ta),
            .b = matrix(b, (const mg_real *)b->p + block_at(b, i), attr->product.tb),
            .c = (mg_real *)y->p + i * y->dim[r - 2] * y->dim[r - 1], .ldc = y->dim[r - 1], .is_bf16 = c->is_bf16,
            .scratch = c->scratch.own}, c->team);
}

void mg_run_linear(const mg_call *c)
{
    const mg_shape *x = &c->node->in[0]->shape;
    int64_t in = x->dim[x->rank - 1], rows = product_of(x, 0, x->rank - 1), out = c->x[1].dim[0];
    mg_product_call call = {.m = rows, .n = out, .k = in, .a = {c->x[0].p, in, 1}, .b = {c->x[1].p, 1, in},
                            .packed = c->packed, .is_bf16 = c->is_bf16, .start = c->x[2].p, .c = c->y.p,
                            .ldc = out, .scratch = c->scratch.own};
    mg_product(&call, c->team);
}

/* ---- LSTM ---- */

void mg_run_lstm(const mg_call *c)
{
    const mg_shape *pre = &c->node->in[0]->shape;
    int64_t units = c->x[1].dim[1];
    mg_lstm_places at = mg_lstm_parts(pre->dim[0], pre->dim[1], units);
    mg_real *y = c->y.p;
    mg_lstm_forward(&(mg_lstm_call){
        .team = c->team, .steps = pre->dim[0], .batch = pre->dim[1],
        .units = units, .pre = c->x[0].p, .h0 = c->x[1].p, .c0 = c->x[2].p, .w = c->x[3].p, .packed = c->packed,
        .is_bf16 = c->is_bf16,
        .mask = c->x[4].p, .y = y + at.y, .c = y + at.c, .act = y + at.act, .scratch = c->scratch});
}

void mg_run_lstm_back(const mg_call *c)
{
    const mg_shape *shape = &c->node->in[3]->shape;
    const mg_attr *attr = &c->node->attr;
    mg_lstm_back_places at = mg_lstm_back_parts(shape->dim[0], shape->dim[1], shape->dim[2]);
    mg_real *y = c->y.p;
    mg_lstm_backward(&(mg_lstm_back_call){
        .team = c->team, .is_bf16 = c->is_bf16, .steps = shape->dim[0], .batch = shape->dim[1],
        .units = shape->dim[2], .w = c->x[0].p, .mask = c->x[1].p, .c0 = c->x[2].p, .c = c->x[3].p, .act = c->x[4].p,
        .dy = attr->lstm.has_dy ? c->x[5].p : NULL, .dc = attr->lstm.has_dc ? c->x[6].p : NULL,
        .dact = attr->lstm.has_dact ? c->x[7].p : NULL, .dpre = y + at.dpre, .dh0 = y + at.dh, .dc0 = y + at.dc,
        .scratch = c->scratch});
}

mg_room mg_scratch_lstm(const mg_node *y)
{
    const mg_shape *pre = &y->in[0]->shape;
    return mg_lstm_room(pre->dim[0], pre->dim[1], pre->dim[2] / 4);
}

mg_room mg_scratch_lstm_back(const mg_node *y)
{
    const mg_shape *c = &y->in[3]->shape;
    return mg_lstm_back_room(c->dim[0], c->dim[1], c->dim[2]);
}
