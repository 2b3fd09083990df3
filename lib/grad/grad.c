/* SPDX-License-Identifier: MIT */
/* Reverse mode as a walk: from the result downwards, each node's rule turns its cotangent into nodes for its inputs.
   Ids fall from results to inputs, so a node's turn comes when all that was given to it has arrived. */
#include <mgen/grad.h>

#include "op/op.h"

#include <assert.h>
#include <string.h>

typedef struct {
    mg_node **sum; /* by id */
    bool *reach;   /* by id: some x lies below */
    int64_t n;
} walk;

static bool has_parts_sum(const walk *w, const mg_node *y)
{
    for (int k = 0; k < y->n_parts && y->id + 1 + k < w->n; k++)
        if (w->sum[y->id + 1 + k]) return true;
    return false;
}

static void find_reach(const mg_graph *g, walk *w, mg_node *const *x, int n)
{
    for (int k = 0; k < n; k++)
        if (x[k]->id < w->n) w->reach[x[k]->id] = true;
    for (int64_t i = 0; i < w->n; i++) {
        const mg_node *y = g->node[i];
        if (y->op == MG_OP_part ? !w->reach[y->in[0]->id] : !mg_op_rows[y->op].derive) continue;
        for (int k = 0; k < y->n_in && !w->reach[i]; k++) w->reach[i] = w->reach[y->in[k]->id];
    }
}

/* The walk over ids below w->n; what it adds to the graph lies above. */
static void descend(mg_graph *g, walk *w)
{
    for (int64_t i = w->n; i-- > 0 && !mg_graph_failed(g);) {
        mg_node *y = g->node[i];
        if (!w->reach[i] || !mg_op_rows[y->op].derive || (!w->sum[i] && !has_parts_sum(w, y))) continue;
        mg_derive d = {g, y, w->sum[i], w->sum, w->reach};
        mg_op_rows[y->op].derive(&d);
    }
}

void mg_grad(mg_graph *g, mg_node *y, mg_node *seed, mg_node *const *x, int n, mg_node **dx)
{
    for (int k = 0; k < n; k++) dx[k] = &g->lost;
    if (mg_graph_failed(g)) return;
    /* Parts of y's own neighbours may have larger ids than y: they count as below. */
    walk w = {.n = (int64_t)g->n};
    w.sum = mg_alloc_zero((size_t)w.n, sizeof *w.sum);
    w.reach = mg_alloc_zero((size_t)w.n, sizeof *w.reach);
    if (w.sum && w.reach) {
        assert(!seed || mg_shape_equal(&seed->shape, &y->shape));
        find_reach(g, &w, x, n);
        w.sum[y->id] = seed ? seed : mg_fill(g, &y->shape, 1);
        descend(g, &w);
        for (int k = 0; k < n && !mg_graph_failed(g); k++)
            dx[k] = w.sum[x[k]->id] && w.reach[x[k]->id] ? w.sum[x[k]->id] : mg_fill(g, &x[k]->shape, 0);
    } else {
        mg_graph_fail(g, MG_NO_MEMORY, "out of memory");
    }
    mg_free(w.sum);
    mg_free(w.reach);
}

/* The derivative of a fused op that has none: its spelling is put beside it, over clones of its inputs, and the
   gradient is taken there. Clones, so that an input that another one depends on is not counted twice. */
void mg_derive_spelled(mg_derive *d)
{
    enum { MOST = 16 };
    mg_graph *g = d->g;
    const mg_node *y = d->y;
    mg_node *in[MOST], *part[MOST], *dx[MOST];
    assert(y->n_in <= MOST && y->n_parts <= MOST);
    for (int k = 0; k < y->n_in; k++) in[k] = mg_node_clone(g, y->in[k]);
    mg_op_rows[y->op].spell(g, y, in, part);
    int n_parts = y->n_parts ? y->n_parts : 1;
    for (int p = 0; p < n_parts && !mg_graph_failed(g); p++) {
        mg_node *seed = y->n_parts ? mg_part_sum(d, p) : d->dy;
        if (!seed) continue;
        mg_grad(g, part[p], seed, in, y->n_in, dx);
        for (int k = 0; k < y->n_in; k++)
            if (y->in[k]->type == MG_REAL) mg_give(d, k, dx[k]);
    }
}
