/* SPDX-License-Identifier: MIT */
/* Causal attention, with the relative positions of Music Transformer (Huang et al. 2018): the products of queries with
   distances are made for all distances at once and shifted into place ("skewing") instead of being gathered. */
#include <mgen/nn.h>

#include <math.h>

/* 1 where column j <= row i: [length, length]. */
static mg_node *past(mg_graph *g, int64_t length)
{
    mg_node *j = mg_count_up(g, length), *i = mg_reshape(g, j, &MG_SHAPE(length, 1));
    return mg_step(g, mg_affine(g, mg_sub(g, i, j), 1, 0.5));
}

/* q_i e(i - j) where j <= i: rows of `relative` [H, M, D] are distances M - 1 .. 0, those beyond are zeros. */
static mg_node *by_distance(mg_graph *g, mg_node *q, mg_node *relative)
{
    int64_t batch = mg_dim(q, 0), heads = mg_dim(q, 1), length = mg_dim(q, 2), depth = mg_dim(q, 3);
    int64_t known = mg_dim(relative, 1), lacking = length > known ? length - known : 0;
    mg_node *e = mg_slice(g, relative, 1, known + lacking - length, length - lacking, 1);
    e = mg_reshape(g, mg_pad(g, e, 1, lacking, 0, 0), &MG_SHAPE(1, heads, length, depth));
    mg_node *all = mg_matmul(g, q, mg_broadcast(g, e, &MG_SHAPE(batch, heads, length, depth)), false, true);
    mg_node *shifted = mg_reshape(g, mg_pad(g, all, 3, 1, 0, 0), &MG_SHAPE(batch, heads, length + 1, length));
    return mg_slice(g, shifted, 2, 1, length, 1);
}

mg_node *mg_attention(mg_graph *g, mg_node *q, mg_node *k, mg_node *v, mg_node *relative)
{
    q = mg_affine(g, q, 1 / sqrt((double)mg_dim(q, -1)), 0);
    mg_node *logits = mg_matmul(g, q, k, false, true);
    if (relative) logits = mg_add(g, logits, by_distance(g, q, relative));
    mg_node *never = mg_fill(g, mg_node_shape(logits), -INFINITY);
    logits = mg_select(g, past(g, mg_dim(q, 2)), logits, never);
    return mg_matmul(g, mg_softmax(g, logits), v, false, false);
}
