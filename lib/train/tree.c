/* SPDX-License-Identifier: MIT */
/* See tree.h. A share that has no neighbour at its level, as the number of leaves is no power of two, goes up alone. */
#include "train/tree.h"

#include <assert.h>
#include <string.h>

static int levels_of(int leaves)
{
    int levels = 0;
    while (1 << levels < leaves) levels++;
    return levels;
}

static mg_status open_share(const mg_tensor_set *params, bool lends, mg_tensor_set *grads, mg_error *why)
{
    if (!lends) return mg_tensor_set_like(params, false, grads, why);
    for (size_t i = 0; i < params->n; i++) {
        mg_tensor elsewhere = {.type = MG_REAL, .shape = params->tensors[i].shape};
        mg_status status = mg_tensor_set_lend(grads, params->names[i], &elsewhere, why);
        if (status) return mg_tensor_set_clear(grads), status;
    }
    return MG_OK;
}

mg_status mg_tree_open(mg_tree *tree, const mg_tensor_set *params, int leaves, int threads, mg_error *why)
{
    *tree = (mg_tree){.lends = leaves == 1};
    pthread_mutex_init(&tree->lock, NULL);
    /* A thread at work holds one share, and before each of them at most one a level waits. */
    int most = threads * (levels_of(leaves) + 1) + 1, n = most < leaves ? most : leaves;
    tree->shares = mg_alloc_zero((size_t)n, sizeof *tree->shares);
    if (!tree->shares) return mg_tree_close(tree), mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (; tree->n_shares < n; tree->n_shares++) {
        mg_status status = open_share(params, tree->lends, &tree->shares[tree->n_shares].grads, why);
        if (status) return mg_tree_close(tree), status;
    }
    mg_tree_start(tree, 1);
    return MG_OK;
}

void mg_tree_close(mg_tree *tree)
{
    for (int i = 0; i < tree->n_shares; i++) mg_tensor_set_clear(&tree->shares[i].grads);
    mg_free(tree->shares);
    pthread_mutex_destroy(&tree->lock);
    *tree = (mg_tree){0};
}

void mg_tree_start(mg_tree *tree, int leaves)
{
    assert(leaves >= 1 && leaves <= MG_MOST_SHARDS);
    tree->leaves = leaves;
    tree->n_idle = 0;
    for (int i = 0; i < tree->n_shares; i++) tree->idle[tree->n_idle++] = &tree->shares[i];
    for (int l = 0; l < MG_TREE_LEVELS; l++)
        for (int i = 0; i < MG_MOST_SHARDS; i++) tree->waiting[l][i] = NULL;
}

mg_share *mg_tree_take(mg_tree *tree)
{
    pthread_mutex_lock(&tree->lock);
    assert(tree->n_idle > 0);
    mg_share *share = tree->idle[--tree->n_idle];
    pthread_mutex_unlock(&tree->lock);
    return share;
}

void mg_tree_put(const mg_tree *tree, mg_share *share, size_t i, mg_real *grad)
{
    mg_tensor *to = &share->grads.tensors[i];
    if (tree->lends) to->data = grad;
    else memcpy(to->data, grad, (size_t)mg_shape_count(&to->shape) * sizeof *grad);
}

/* left += right */
static void add(mg_share *left, const mg_share *right)
{
    for (size_t i = 0; i < left->grads.n; i++) mg_tensor_add(&left->grads.tensors[i], &right->grads.tensors[i]);
    left->loss += right->loss;
    for (int i = 0; i < MG_PARTS; i++) left->parts[i] += right->parts[i];
}

void mg_tree_give(mg_tree *tree, int leaf, mg_share *share)
{
    int levels = levels_of(tree->leaves), at = leaf;
    for (int level = 0; level < levels; level++, at /= 2) {
        int mate = at ^ 1, width = (tree->leaves + (1 << level) - 1) >> level; /* places at this level */
        if (mate >= width) continue;
        pthread_mutex_lock(&tree->lock);
        mg_share *other = tree->waiting[level][mate];
        if (!other) tree->waiting[level][at] = share;
        pthread_mutex_unlock(&tree->lock);
        if (!other) return; /* whoever comes second adds */
        mg_share *left = at & 1 ? other : share, *right = at & 1 ? share : other;
        add(left, right);
        share = left;
        pthread_mutex_lock(&tree->lock);
        tree->idle[tree->n_idle++] = right;
        pthread_mutex_unlock(&tree->lock);
    }
    tree->waiting[MG_TREE_LEVELS - 1][0] = share;
}

mg_share *mg_tree_sum(const mg_tree *tree) { return tree->waiting[MG_TREE_LEVELS - 1][0]; }
