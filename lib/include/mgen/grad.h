/* SPDX-License-Identifier: MIT */
/** Gradients: of a graph, as more of the same graph. */
#ifndef MGEN_GRAD_H
#define MGEN_GRAD_H

#include <mgen/op.h>

MG_PUBLIC_BEGIN

/** d y / d x[i] for each of the n nodes x, weighted by `seed` of y's shape (NULL: ones): new nodes dx[i] of the same
    graph, zeros where y does not depend on x[i]. As they are ordinary nodes, they have gradients of their own.
    Contributions are added in one fixed order. */
void mg_grad(mg_graph *g, mg_node *y, mg_node *seed, mg_node *const *x, int n, mg_node **dx);

MG_PUBLIC_END
#endif
