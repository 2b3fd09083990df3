/* SPDX-License-Identifier: MIT */
/* How much a plan computes: the operations of its products, two a multiply-add. All else is small beside them. */
#include "op/plan.h"

static double count(const mg_node *x) { return (double)mg_shape_count(&x->shape); }

/* [.., m, k] times [.., k, n]: m k n */
static double product(const mg_node *y) { return 2 * count(y->in[0]) * (double)mg_dim(y, -1); }

/* Rows of 4H gates at every step, each a sum of H products, there and back again. */
static double lstm(const mg_node *y) { return 2 * count(y->in[0]) * (double)mg_dim(y->in[3], 1); }
static double lstm_back(const mg_node *y) { return 2 * count(y->in[4]) * (double)mg_dim(y->in[0], 1); }

/* Every number of y is a sum over what a filter sees. */
static double filtered(const mg_node *y, const mg_node *w) { return 2 * count(y) * count(w) / (double)mg_dim(w, 0); }
static double conv(const mg_node *y) { return filtered(y, y->in[1]); }
static double conv_to_input(const mg_node *x) { return filtered(x->in[0], x->in[1]); }
static double conv_to_kernel(const mg_node *w) { return filtered(w->in[1], w); }

static double (*const of_op[MG_OP_COUNT])(const mg_node *y) = {
    [MG_OP_matmul] = product, [MG_OP_linear] = product, [MG_OP_lstm] = lstm, [MG_OP_lstm_back] = lstm_back,
    [MG_OP_conv] = conv, [MG_OP_conv_to_input] = conv_to_input, [MG_OP_conv_to_kernel] = conv_to_kernel,
};

double mg_plan_flops(const mg_plan *plan)
{
    double sum = 0;
    for (size_t s = 0; s < plan->n_steps; s++) {
        const mg_node *x = plan->steps[s].node;
        if (!plan->steps[s].moves && of_op[x->op]) sum += of_op[x->op](x);
    }
    return sum;
}
