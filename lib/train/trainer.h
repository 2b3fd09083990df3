/* SPDX-License-Identifier: MIT */
/* A trainer from the inside: what its checkpoint must hold. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include <mgen/train.h>

#include "train/tree.h"

enum { MG_PLANS = 8, MG_MOST_PHASES = 4, MG_MOST_THREADS = MG_MOST_SHARDS };

/* A plan for one use, with an instance for each thread. */
typedef struct {
    mg_use use;
    mg_plan *plan;
    mg_real **params;
    mg_instance **instances;
    uint64_t used_at;
    double flops; /* of a run */
    size_t bytes; /* of its instances */
} mg_machine;

typedef struct {
    mg_optim optim;
    mg_tensor_set moved; /* the parameters that it moves, lent */
    mg_tensor_set slots;
    mg_tree tree;
    bool couples;
    uint64_t t; /* updates made */
} mg_phase_state;

struct mg_trainer {
    mg_trainer_options options;
    mg_phase_state phases[MG_MOST_PHASES];
    mg_tensor_set average;
    mg_tensor_set statistics; /* as the graph that is running leaves them */
    mg_tensor_set carried[2]; /* of MG_TRAINING and MG_LIKELIHOOD; empty where nothing is carried */
    uint64_t steps, rounds;
    int phase;        /* of the next update */
    int64_t updates;  /* of it that this round has had */
    double flops;     /* of the steps that this trainer has made */
    int team;       /* threads that make a shard together where there are many more of them */
    double divisor; /* of the rates; 0: none yet */
    mg_machine machines[MG_PLANS];
    uint64_t clock;
    mg_op_time *times; /* of each thread in turn */
};

#endif
