/* SPDX-License-Identifier: MIT */
/* Convolution over one to three axes and its two transposes: three ops that share one attribute and are each other's
   derivatives. With C(x, w) = y linear in both,

       conv            y = C(x, w)
       conv_to_input   x = I(y, w), the transposed convolution: its derivatives are C(g, w) and K(g, y)
       conv_to_kernel  w = K(x, y): its derivatives are I(y, g) and C(x, g)

   A stride leaves the lengths of the input, or of the kernel, open: the attribute's `size` has those of the result. */
#include "op/rules.h"

#include <assert.h>

enum { AXES = 3, LEADING = 2 };

/* ---- attributes ---- */

static bool fits(int64_t x, int64_t least) { return x >= least && x < 1 << 30; }

/* false, and the graph has failed, where a number is out of range. */
static bool attr_of(mg_graph *g, const mg_window *w, const int64_t *size, int axes, mg_attr *attr)
{
    *attr = (mg_attr){0};
    bool ok = axes >= 1 && axes <= AXES && fits(w->groups, 0);
    for (int a = 0; ok && a < axes; a++) {
        int64_t stride = w->stride[a] ? w->stride[a] : 1, dilation = w->dilation[a] ? w->dilation[a] : 1;
        ok = fits(stride, 1) && fits(dilation, 1) && fits(w->before[a], 0) && fits(w->after[a], 0) &&
             (!size || fits(size[a], 1));
        attr->conv.stride[a] = (int32_t)stride;
        attr->conv.dilation[a] = (int32_t)dilation;
        attr->conv.before[a] = (int32_t)w->before[a];
        attr->conv.after[a] = (int32_t)w->after[a];
        attr->conv.size[a] = size ? (int32_t)size[a] : 0;
    }
    attr->conv.groups = w->groups ? (int32_t)w->groups : 1;
    return ok || mg_graph_fail(g, MG_BAD_ARGUMENT, "convolution: stride, dilation, padding or groups out of range");
}

static mg_node *make(mg_graph *g, mg_op op, mg_node *a, mg_node *b, const mg_window *window, const int64_t *size)
{
    mg_attr attr;
    if (mg_graph_failed(g) || !attr_of(g, window, size, a->shape.rank - LEADING, &attr)) return &g->lost;
    return mg_node_make(g, op, (mg_node *[]){a, b}, 2, &attr, NULL);
}

mg_node *mg_conv(mg_graph *g, mg_node *x, mg_node *w, const mg_window *window)
{
    return make(g, MG_OP_conv, x, w, window, NULL);
}

mg_node *mg_conv_to_input(mg_graph *g, mg_node *y, mg_node *w, const mg_window *window, const int64_t *size)
{
    return make(g, MG_OP_conv_to_input, y, w, window, size);
}

mg_node *mg_conv_to_kernel(mg_graph *g, mg_node *x, mg_node *y, const mg_window *window, const int64_t *size)
{
    return make(g, MG_OP_conv_to_kernel, x, y, window, size);
}

/* ---- shapes ---- */

/* Places of the result along an axis; 0 where the kernel does not fit into the input. */
static int64_t places(const mg_attr *attr, int a, int64_t in, int64_t kernel)
{
    int64_t room = in + attr->conv.before[a] + attr->conv.after[a] - 1, dilation = attr->conv.dilation[a];
    if (kernel < 1 || room < 0 || kernel - 1 > room / dilation) return 0;
    return (room - dilation * (kernel - 1)) / attr->conv.stride[a] + 1;
}

static const char *check(const mg_attr *attr, const mg_shape *x, const mg_shape *w, const mg_shape *y)
{
    int64_t groups = attr->conv.groups;
    if (x->rank != w->rank || y->rank != w->rank) return "the ranks differ";
    if (x->dim[0] != y->dim[0]) return "the batches differ";
    if (x->dim[1] != groups * w->dim[1]) return "the channels are not those of the weight";
    if (w->dim[0] % groups) return "the filters do not fall into groups";
    if (y->dim[1] != w->dim[0]) return "the filters are not those of the weight";
    for (int d = LEADING; d < x->rank; d++) {
        int64_t n = places(attr, d - LEADING, x->dim[d], w->dim[d]);
        if (n == 0) return "the kernel is longer than the input";
        if (y->dim[d] != n) return "the lengths do not fit";
    }
    return NULL;
}

const char *mg_shape_conv(mg_node *y)
{
    const mg_shape *x = &y->in[0]->shape, *w = &y->in[1]->shape;
    if (x->rank != w->rank) return "the ranks differ";
    y->shape = MG_SHAPE(x->dim[0], w->dim[0]);
    for (int d = LEADING; d < x->rank; d++)
        y->shape.dim[y->shape.rank++] = places(&y->attr, d - LEADING, x->dim[d], w->dim[d]);
    return check(&y->attr, x, w, &y->shape);
}

const char *mg_shape_conv_to_input(mg_node *x)
{
    const mg_shape *y = &x->in[0]->shape, *w = &x->in[1]->shape;
    x->shape = MG_SHAPE(y->dim[0], x->attr.conv.groups * w->dim[1]);
    for (int d = LEADING; d < y->rank; d++) x->shape.dim[x->shape.rank++] = x->attr.conv.size[d - LEADING];
    return check(&x->attr, &x->shape, w, y);
}

const char *mg_shape_conv_to_kernel(mg_node *w)
{
    const mg_shape *x = &w->in[0]->shape, *y = &w->in[1]->shape;
    w->shape = MG_SHAPE(y->dim[1], x->dim[1] / w->attr.conv.groups);
    for (int d = LEADING; d < x->rank; d++) w->shape.dim[w->shape.rank++] = w->attr.conv.size[d - LEADING];
    return check(&w->attr, x, &w->shape, y);
}

/* ---- derivatives ---- */

/* Another op of the three over a and b; the result has the spatial lengths of `like`. */
static mg_node *other(mg_derive *d, mg_op op, mg_node *a, mg_node *b, const mg_node *like)
{
    mg_attr attr = d->y->attr;
    for (int axis = 0; axis < AXES; axis++)
        attr.conv.size[axis] = op != MG_OP_conv && axis < like->shape.rank - LEADING
                                   ? (int32_t)like->shape.dim[axis + LEADING] : 0;
    return mg_node_make(d->g, op, (mg_node *[]){a, b}, 2, &attr, NULL);
}

void mg_d_conv(mg_derive *d)
{
    mg_node *x = d->y->in[0], *w = d->y->in[1];
    if (mg_wants(d, 0)) mg_give(d, 0, other(d, MG_OP_conv_to_input, d->dy, w, x));
    if (mg_wants(d, 1)) mg_give(d, 1, other(d, MG_OP_conv_to_kernel, x, d->dy, w));
}

void mg_d_conv_to_input(mg_derive *d)
{
    mg_node *y = d->y->in[0], *w = d->y->in[1];
    if (mg_wants(d, 0)) mg_give(d, 0, other(d, MG_OP_conv, d->dy, w, NULL));
    if (mg_wants(d, 1)) mg_give(d, 1, other(d, MG_OP_conv_to_kernel, d->dy, y, w));
}

void mg_d_conv_to_kernel(mg_derive *d)
{
    mg_node *x = d->y->in[0], *y = d->y->in[1];
    if (mg_wants(d, 0)) mg_give(d, 0, other(d, MG_OP_conv_to_input, y, d->dy, x));
    if (mg_wants(d, 1)) mg_give(d, 1, other(d, MG_OP_conv, x, d->dy, NULL));
}

/* ---- kernels ---- */

static mg_conv_call call_of(const mg_attr *attr, const mg_shape *x, const mg_shape *w, const mg_shape *y)
{
    int64_t groups = attr->conv.groups;
    mg_conv_call c = {.batch = x->dim[0], .groups = groups, .channels = w->dim[1], .filters = w->dim[0] / groups,
                      .in = {1, 1, 1}, .kernel = {1, 1, 1}, .out = {1, 1, 1}, .stride = {1, 1, 1},
                      .dilation = {1, 1, 1}};
    for (int a = 0, axes = x->rank - LEADING; a < axes; a++) {
        int to = AXES - axes + a; /* the last axis is the one that is contiguous */
        c.in[to] = x->dim[a + LEADING];
        c.kernel[to] = w->dim[a + LEADING];
        c.out[to] = y->dim[a + LEADING];
        c.stride[to] = attr->conv.stride[a];
        c.dilation[to] = attr->conv.dilation[a];
        c.before[to] = attr->conv.before[a];
    }
    return c;
}

/* The result and the inputs of one of the three, as x, w and y. */
static mg_conv_call call_of_node(const mg_node *node)
{
    const mg_shape *r = &node->shape, *a = &node->in[0]->shape, *b = &node->in[1]->shape;
    switch (node->op) {
    case MG_OP_conv: return call_of(&node->attr, a, b, r);
    case MG_OP_conv_to_input: return call_of(&node->attr, r, b, a);
    default: return call_of(&node->attr, a, r, b);
    }
}

mg_room mg_scratch_conv(const mg_node *node)
{
    mg_conv_call c = call_of_node(node);
    return mg_conv_room(&c);
}

#define RUN(name, kernel)                                                    \
    void mg_run_##name(const mg_call *call)                                  \
    {                                                                        \
        mg_conv_call c = call_of_node(call->node);                           \
        c.team = call->team, c.is_bf16 = call->is_bf16;                      \
        kernel(&c, call->x[0].p, call->x[1].p, call->y.p, call->scratch);    \
    }
RUN(conv, mg_conv_run)
RUN(conv_to_input, mg_conv_run_to_input)
RUN(conv_to_kernel, mg_conv_run_to_kernel)
