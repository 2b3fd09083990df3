/* SPDX-License-Identifier: MIT */
/* What the files of this room, and the walk in grad/, share: nodes, rows, and the calls that kernels get. */
#ifndef OP_OP_H
#define OP_OP_H

#include <mgen/op.h>

#include "kernel/kernel.h"
#include "op/op_list.h"

typedef enum {
#define OP(name, ...) MG_OP_##name,
    MG_OP_LIST(OP, OP)
#undef OP
    MG_OP_COUNT
} mg_op;

enum { MG_EACH = 1, MG_STRIDES = 2, MG_ALIAS = 4, MG_DENSE = 8, MG_VIEW = 16, MG_SOURCE = 32, MG_DISTINCT = 64,
       MG_SHARED = 128 };

/* What an op is told besides its inputs. Words and doubles alone, so that equal attributes are equal bytes. */
typedef union {
    int64_t word[MG_RANK];
    struct { double scale, shift; } affine;
    struct { double value; } fill;
    struct { int64_t axes; } reduce;                         /* bit d: axis d */
    struct { int64_t axis[MG_RANK]; } permute;
    struct { int64_t axis, start, count, step; } range;      /* slice */
    struct { int64_t axis, before, after, inner; } edge;     /* pad */
    struct { int64_t axis; } join;                           /* concat */
    struct { int64_t batch, rows; } gather;                  /* rows: of scatter_add */
    struct { int64_t ta, tb; } product;
    struct { int32_t stride[3], dilation[3], before[3], after[3], size[3], groups; } conv; /* size: see conv.c */
    struct { int64_t index, offset; } part;                  /* the index-th, starting at an element */
    struct { int64_t examples; } random;                     /* the axis that counts them */
    struct { int64_t limit; } input;                         /* of an index */
    struct { int64_t has_dy, has_dc, has_dact; } lstm;       /* which cotangents of lstm_back are there */
    struct { int64_t place; } source;                        /* number among params, inputs, states; table: see data */
} mg_attr;

struct mg_node {
    uint16_t op;
    uint8_t type;
    int32_t n_in, n_parts, id; /* inputs have smaller ids; the parts of a node follow it */
    mg_shape shape;
    mg_node **in;
    mg_attr attr;
    const char *name;          /* of inputs, params, states, random nodes */
    const void *data;          /* of a table: reals in the graph's arena */
};

typedef struct { mg_node *state, *value; } mg_state_write;
typedef struct { const char *name; mg_node *node; } mg_named_node;

struct mg_graph {
    mg_use use;
    mg_arena arena;
    mg_node **node;
    size_t n, capacity;
    int32_t *slot;             /* hash table of node ids, -1 free */
    size_t n_slots;
    mg_param_info *params;     size_t n_params, params_capacity;
    mg_node **inputs;          size_t n_inputs, inputs_capacity;
    mg_node **states;          size_t n_states, states_capacity;
    mg_state_write *writes;    size_t n_writes, writes_capacity;
    mg_named_node *outputs;    size_t n_outputs, outputs_capacity;
    bool spells;
    mg_error why;              /* the first failure */
    mg_node lost;              /* what builders return after it */
};

/* ---- rows ---- */

typedef struct mg_call mg_call;
typedef struct mg_derive mg_derive;

typedef struct {
    const char *name;
    int arity;                                               /* -1: any */
    const char *(*shape)(mg_node *y);                        /* NULL, or what is wrong */
    void (*run)(const mg_call *call);                        /* NULL: nothing to compute */
    void (*derive)(mg_derive *d);                            /* NULL: gradients end here */
    unsigned flags;
    void (*spell)(mg_graph *g, const mg_node *y, mg_node *const *in, mg_node **part); /* of a fused op */
    mg_room (*scratch)(const mg_node *y);
} mg_op_row;

extern const mg_op_row mg_op_rows[MG_OP_COUNT];
/* The derivative of an op that has none of its own but that of its spelling; grad/grad.c does it. */
void mg_derive_spelled(mg_derive *d);

/* ---- making nodes (graph.c) ---- */

/* A node, or an equal one that is there already. `given` is the shape where the op takes it as it is (else NULL). */
mg_node *mg_node_make(mg_graph *g, mg_op op, mg_node *const *in, int n_in, const mg_attr *attr, const mg_shape *given);
/* The same for a fused op without attributes, or its spelling where the graph asks for that. */
mg_node *mg_node_fused(mg_graph *g, mg_op op, mg_node *const *in, int n_in);
mg_node *mg_node_part(mg_graph *g, mg_node *whole, int index, int64_t offset, const mg_shape *shape);
/* Another node for the same numbers, never merged with x. */
mg_node *mg_node_clone(mg_graph *g, mg_node *x);
bool mg_graph_fail(mg_graph *g, mg_status status, const char *format, ...) MG_PRINTF(3, 4); /* false */
bool mg_graph_failed(const mg_graph *g);

/* ---- derivatives (derive.c) ---- */

/* One node's turn: its cotangents (of the whole, or of its parts, NULL where none) become nodes for its inputs. */
struct mg_derive {
    mg_graph *g;
    mg_node *y, *dy;
    mg_node **sum;     /* by id: the cotangents given so far */
    const bool *reach; /* by id: whether a gradient is wanted there */
};
bool mg_wants(const mg_derive *d, int k);
void mg_give(mg_derive *d, int k, mg_node *dx);
mg_node *mg_part_sum(const mg_derive *d, int part); /* the cotangent of a part, NULL if none */

/* ---- running ---- */

typedef struct { uint64_t seed, record; } mg_random_key;

struct mg_call {
    const mg_node *node; /* attributes and shapes */
    mg_span y;
    const mg_span *x;    /* n_in of them */
    mg_packed packed;    /* its weight, where that was packed before */
    bool is_bf16;        /* its products are made in bfloat16 */
    mg_scratch scratch;  /* as large as the row says */
    const mg_random_key *key;
    mg_team team;        /* who makes the call together, where the op is SHARED */
};

#endif
