/* SPDX-License-Identifier: MIT */
/* Normalisations, spelled in ops. Variances are means of squares of what is left when the mean is taken away, so that
   nothing cancels. */
#include <mgen/nn.h>

#include <stdio.h>

enum { CHANNELS = 1 }; /* the axis that counts them */

static int64_t count_over(const mg_node *x, unsigned axes)
{
    int64_t n = 1;
    for (int d = 0; d < mg_node_shape(x)->rank; d++)
        if (axes >> d & 1) n *= mg_dim(x, d);
    return n;
}

static unsigned axes_from(const mg_node *x, int first)
{
    return ((1u << mg_node_shape(x)->rank) - 1) & ~((1u << first) - 1);
}

mg_node *mg_variance(mg_graph *g, mg_node *x, unsigned axes)
{
    return mg_mean(g, mg_square(g, mg_sub(g, x, mg_mean(g, x, axes))), axes);
}

mg_node *mg_norm(mg_graph *g, mg_node *x, unsigned axes) { return mg_sqrt(g, mg_sum(g, mg_square(g, x), axes)); }

/* (x - mean) / sqrt(variance + eps) over some axes. */
static mg_node *standardised(mg_graph *g, mg_node *x, unsigned axes, double eps)
{
    mg_node *centred = mg_sub(g, x, mg_mean(g, x, axes));
    mg_node *variance = mg_mean(g, mg_square(g, centred), axes);
    return mg_div(g, centred, mg_sqrt(g, mg_affine(g, variance, 1, eps)));
}

mg_node *mg_per_channel(mg_graph *g, mg_node *v, const mg_node *like)
{
    mg_shape shape = {.rank = mg_node_shape(like)->rank};
    for (int d = 0; d < shape.rank; d++) shape.dim[d] = d == CHANNELS ? mg_dim(v, 0) : 1;
    return mg_reshape(g, v, &shape);
}

static mg_node *scaled(mg_graph *g, mg_node *x, mg_node *w, mg_node *b)
{
    return mg_add(g, mg_mul(g, x, mg_per_channel(g, w, x)), mg_per_channel(g, b, x));
}

mg_node *mg_layer_norm(mg_graph *g, mg_node *x, mg_node *w, mg_node *b, double eps)
{
    int last = mg_node_shape(x)->rank - 1;
    return mg_add(g, mg_mul(g, standardised(g, x, axes_from(x, last), eps), w), b);
}

mg_node *mg_group_norm(mg_graph *g, mg_node *x, int64_t groups, mg_node *w, mg_node *b, double eps)
{
    const mg_shape *shape = mg_node_shape(x);
    int64_t in_group = mg_dim(x, CHANNELS) / groups;
    mg_shape split = {shape->rank + 1, {mg_dim(x, 0), groups, in_group}};
    for (int d = CHANNELS + 1; d < shape->rank; d++) split.dim[d + 1] = shape->dim[d];
    mg_node *parts = mg_reshape(g, x, &split);
    return scaled(g, mg_reshape(g, standardised(g, parts, axes_from(parts, 2), eps), shape), w, b);
}

mg_node *mg_batch_norm(mg_graph *g, mg_node *x, mg_node *w, mg_node *b, double eps)
{
    return scaled(g, standardised(g, x, axes_from(x, 0) & ~(1u << CHANNELS), eps), w, b);
}

mg_node *mg_batch_norm_by(mg_graph *g, mg_node *x, mg_node *w, mg_node *b, mg_node *mean, mg_node *variance, double eps)
{
    mg_node *centred = mg_sub(g, x, mg_per_channel(g, mean, x));
    mg_node *steep = mg_sqrt(g, mg_affine(g, variance, 1, eps));
    return scaled(g, mg_div(g, centred, mg_per_channel(g, steep, x)), w, b);
}

void mg_batch_moments(mg_graph *g, mg_node *x, mg_node **mean, mg_node **variance)
{
    unsigned axes = axes_from(x, 0) & ~(1u << CHANNELS);
    int64_t n = count_over(x, axes);
    mg_shape flat = MG_SHAPE(mg_dim(x, CHANNELS));
    *mean = mg_reshape(g, mg_mean(g, x, axes), &flat);
    *variance = mg_affine(g, mg_reshape(g, mg_variance(g, x, axes), &flat), (double)n / (double)(n > 1 ? n - 1 : 1), 0);
}

mg_node *mg_weight_norm(mg_graph *g, mg_node *v, mg_node *gain)
{
    return mg_mul(g, v, mg_div(g, gain, mg_norm(g, v, axes_from(v, 1))));
}

mg_node *mg_pixel_norm(mg_graph *g, mg_node *x, double eps)
{
    mg_node *power = mg_mean(g, mg_square(g, x), 1u << CHANNELS);
    return mg_div(g, x, mg_sqrt(g, mg_affine(g, power, 1, eps)));
}

mg_node *mg_minibatch_stddev(mg_graph *g, mg_node *x, double eps)
{
    mg_node *spread = mg_sqrt(g, mg_affine(g, mg_variance(g, x, 1), 1, eps));
    mg_shape channel = *mg_node_shape(x), one = {.rank = channel.rank};
    channel.dim[CHANNELS] = 1;
    for (int d = 0; d < one.rank; d++) one.dim[d] = 1;
    mg_node *level = mg_reshape(g, mg_mean(g, spread, axes_from(spread, 0)), &one);
    return mg_concat(g, CHANNELS, (mg_node *[]){x, mg_broadcast(g, level, &channel)}, 2);
}
