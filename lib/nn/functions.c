/* SPDX-License-Identifier: MIT */
/* Activations, spelled in ops. */
#include <mgen/nn.h>

#include <math.h>

mg_node *mg_leaky_relu(mg_graph *g, mg_node *x, double slope)
{
    return mg_select(g, mg_step(g, x), x, mg_affine(g, x, slope, 0));
}

/* The exponential sees nothing above 0, where it could overflow without being chosen. */
mg_node *mg_elu(mg_graph *g, mg_node *x, double alpha)
{
    mg_node *low = mg_affine(g, mg_relu(g, mg_affine(g, x, -1, 0)), -1, 0);
    return mg_select(g, mg_step(g, x), x, mg_affine(g, mg_exp(g, low), alpha, -alpha));
}

mg_node *mg_gelu(mg_graph *g, mg_node *x)
{
    mg_node *gate = mg_affine(g, mg_erf(g, mg_affine(g, x, M_SQRT1_2, 0)), 0.5, 0.5);
    return mg_mul(g, x, gate);
}

mg_node *mg_gelu_tanh(mg_graph *g, mg_node *x)
{
    mg_node *inner = mg_mul(g, x, mg_affine(g, mg_square(g, x), 0.044715, 1));
    return mg_mul(g, x, mg_affine(g, mg_tanh(g, mg_affine(g, inner, M_2_SQRTPI * M_SQRT1_2, 0)), 0.5, 0.5));
}

mg_node *mg_silu(mg_graph *g, mg_node *x) { return mg_mul(g, x, mg_sigmoid(g, x)); }

/* Half `which` of an axis. */
static mg_node *half(mg_graph *g, mg_node *x, int axis, int which)
{
    int64_t n = mg_dim(x, axis) / 2;
    return mg_slice(g, x, axis, which * n, n, 1);
}

mg_node *mg_glu(mg_graph *g, mg_node *x, int axis)
{
    return mg_mul(g, half(g, x, axis, 0), mg_sigmoid(g, half(g, x, axis, 1)));
}

mg_node *mg_gated_tanh(mg_graph *g, mg_node *x, int axis)
{
    return mg_mul(g, mg_tanh(g, half(g, x, axis, 0)), mg_sigmoid(g, half(g, x, axis, 1)));
}
