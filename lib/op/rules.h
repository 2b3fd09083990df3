/* SPDX-License-Identifier: MIT */
/* The functions that the rows of op_list.h name, declared by the list itself: a row without its function does not
   link. */
#ifndef OP_RULES_H
#define OP_RULES_H

#include "op/op.h"

#define OP(name, arity, shape, run, derive, flags) \
    const char *mg_##shape(mg_node *y);            \
    void mg_##run(const mg_call *call);            \
    void mg_##derive(mg_derive *d);
#define FUSED(name, arity, shape, run, derive, flags, spell, scratch)                   \
    OP(name, arity, shape, run, derive, flags)                                          \
    void mg_##spell(mg_graph *g, const mg_node *y, mg_node *const *in, mg_node **part); \
    mg_room mg_##scratch(const mg_node *y);
MG_OP_LIST(OP, FUSED)
#undef OP
#undef FUSED

/* Where the results of lstm and lstm_back stand in their node, in elements. */
typedef struct { int64_t y, c, act, total; } mg_lstm_places;
mg_lstm_places mg_lstm_parts(int64_t steps, int64_t batch, int64_t units);
typedef struct { int64_t dpre, dh, dc, total; } mg_lstm_back_places;
mg_lstm_back_places mg_lstm_back_parts(int64_t steps, int64_t batch, int64_t units);

#endif
