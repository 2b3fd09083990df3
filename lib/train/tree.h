/* SPDX-License-Identifier: MIT */
/* Gradients of shards, added in a binary tree whose shape does not depend on which shard is done first: leaves 0 and 1
   meet, 2 and 3, then these sums ... */
#ifndef TRAIN_TREE_H
#define TRAIN_TREE_H

#include <mgen/nn.h>

#include <pthread.h>

enum { MG_MOST_SHARDS = 64, MG_TREE_LEVELS = 7 };

/* What a shard gives, and every sum on the way. */
typedef struct {
    mg_tensor_set grads;
    double loss, parts[MG_PARTS]; /* of the phase, in its order */
} mg_share;

typedef struct {
    pthread_mutex_t lock;
    mg_share *shares;        /* all there are; enough for those that threads hold and those that wait */
    mg_share *idle[MG_MOST_SHARDS];
    int n_shares, n_idle, leaves;
    bool lends; /* there is never but one leaf, and its gradients stay where they are */
    mg_share *waiting[MG_TREE_LEVELS][MG_MOST_SHARDS];
} mg_tree;

/* Shares like `params`, for up to `leaves` shards on `threads` threads; of one that lends, without memory. */
mg_status mg_tree_open(mg_tree *tree, const mg_tensor_set *params, int leaves, int threads, mg_error *why);
void mg_tree_close(mg_tree *tree);
/* Begin a sum of `leaves` shares. */
void mg_tree_start(mg_tree *tree, int leaves);
/* An idle share for a shard to write into. From any thread. */
mg_share *mg_tree_take(mg_tree *tree);
/* The gradient of parameter i, which stays what it is until the sum has been used. */
void mg_tree_put(const mg_tree *tree, mg_share *share, size_t i, mg_real *grad);
/* The shard is done: add its share to those that it meets. From any thread. */
void mg_tree_give(mg_tree *tree, int leaf, mg_share *share);
/* The sum, when all have been given; lent until the next start. */
mg_share *mg_tree_sum(const mg_tree *tree);

#endif
