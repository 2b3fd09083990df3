/* SPDX-License-Identifier: MIT */
/* A plan from the inside: where every result lies, and the steps that compute it. */
#ifndef OP_PLAN_H
#define OP_PLAN_H

#include "op/op.h"

/* The memory that a node's numbers lie in. */
typedef enum {
    MG_NOWHERE,
    MG_IN_BUFFER,   /* number: buffer; shared by all whose lives do not meet */
    MG_IN_INPUT,    /* number: of the input; filled before a run */
    MG_IN_STATE,    /* number: of the state; kept from run to run */
    MG_IN_PARAM,    /* number: of the parameter; the caller's */
    MG_IN_TABLE,    /* the node's own data */
    MG_IN_CONSTANT  /* one number, the value of a fill */
} mg_where;

typedef struct {
    mg_where where;
    int64_t number, offset; /* offset in elements */
    int64_t stride[MG_RANK];
} mg_place;

/* One call of a kernel. `moves`: no op is computed, but what lies at `from` is laid out densely. */
typedef struct {
    const mg_node *node;
    bool moves;
    mg_place from;
    mg_shape shape; /* of what is moved */
} mg_plan_step;

/* Memory of one or more results, from the step that makes it to the last that reads it. */
typedef struct {
    size_t bytes;
    int64_t made, last;
    int64_t joined; /* the buffer that it became one with, itself if none */
    size_t offset;
} mg_plan_buffer;

struct mg_plan {
    mg_graph *g;
    bool *is_used;             /* by node id */
    mg_place *place;           /* by node id */
    mg_plan_step *steps;       size_t n_steps;
    size_t n_fixed;            /* steps that come first, and once for a whole stream */
    mg_plan_buffer *buffers;   size_t n_buffers;
    size_t *input_at, *state_at; /* where each lies in the memory of an instance */
    size_t kept_bytes;         /* inputs and states */
    size_t arena_bytes;
    mg_room scratch;           /* the largest of all steps */
};

/* The steps along each axis of what lies row by row without holes. */
void mg_dense_strides(const mg_shape *shape, int64_t *stride);

int64_t mg_plan_root(const mg_plan *plan, int64_t buffer);

/* Lay the buffers out so that those alive at one time lie apart (layout.c); MG_NO_MEMORY. */
mg_status mg_plan_layout(mg_plan *plan, mg_error *why);
/* Whether they do, by a sweep that knows nothing of how they were laid out. */
mg_status mg_plan_prove(const mg_plan *plan, bool *holds, mg_error *why);

#endif
