/* SPDX-License-Identifier: MIT */
/* What is done along the axes of time and space: picking, padding, pooling, stretching. */
#include <mgen/nn.h>

enum { LEADING = 2 }; /* axes before them: batch, channels */

mg_node *mg_take(mg_graph *g, mg_node *x, int axis, mg_node *index)
{
    return mg_transpose(g, mg_gather(g, mg_transpose(g, x, 0, axis), index, 0), 0, axis);
}

/* Where place p of an axis of n lies when it is mirrored at both ends, which are not repeated: |p|, and 2 (n - 1) - p
   past the end. */
mg_node *mg_mirrored(mg_graph *g, mg_node *p, int64_t n)
{
    mg_node *size = mg_max(g, p, mg_affine(g, p, -1, 0)), *back = mg_affine(g, size, -1, 2 * (double)(n - 1));
    return mg_affine(g, mg_max(g, mg_affine(g, size, -1, 0), mg_affine(g, back, -1, 0)), -1, 0);
}

mg_node *mg_pad_mirrored(mg_graph *g, mg_node *x, int axis, int64_t before, int64_t after)
{
    int64_t n = mg_dim(x, axis);
    mg_node *places = mg_affine(g, mg_count_up(g, before + n + after), 1, -(double)before);
    return mg_take(g, x, axis, mg_to_index(g, mg_mirrored(g, places, n)));
}

mg_node *mg_pad_value(mg_graph *g, mg_node *x, int axis, int64_t before, int64_t after, double value)
{
    /* Zeros around x - value, so that no mask is needed. */
    return mg_affine(g, mg_pad(g, mg_affine(g, x, 1, -value), axis, before, after, 0), 1, value);
}

/* The mean of the shifted copies of x that a window of `kernel` places steps over. */
static mg_node *pool_axis(mg_graph *g, mg_node *x, int axis, int64_t kernel, int64_t stride)
{
    int64_t n = (mg_dim(x, axis) - kernel) / stride + 1;
    mg_node *sum = NULL;
    for (int64_t k = 0; k < kernel; k++) {
        mg_node *shifted = mg_slice(g, x, axis, k, n, stride);
        sum = sum ? mg_add(g, sum, shifted) : shifted;
    }
    return mg_affine(g, sum, 1 / (double)kernel, 0);
}

mg_node *mg_average_pool(mg_graph *g, mg_node *x, const int64_t *kernel, const int64_t *stride)
{
    for (int axis = LEADING; axis < mg_node_shape(x)->rank; axis++)
        x = pool_axis(g, x, axis, kernel[axis - LEADING], stride[axis - LEADING]);
    return x;
}

mg_node *mg_upsample(mg_graph *g, mg_node *x, const int64_t *scale)
{
    for (int axis = LEADING; axis < mg_node_shape(x)->rank; axis++) {
        mg_shape narrow = *mg_node_shape(x), wide, result = narrow;
        for (int d = narrow.rank++; d > axis + 1; d--) narrow.dim[d] = narrow.dim[d - 1];
        narrow.dim[axis + 1] = 1;
        wide = narrow;
        wide.dim[axis + 1] = scale[axis - LEADING];
        result.dim[axis] *= scale[axis - LEADING];
        x = mg_reshape(g, mg_broadcast(g, mg_reshape(g, x, &narrow), &wide), &result);
    }
    return x;
}
