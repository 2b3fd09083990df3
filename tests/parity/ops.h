/* SPDX-License-Identifier: MIT */
/* Single ops of the fixtures, as graphs. */
#ifndef TESTS_PARITY_OPS_H
#define TESTS_PARITY_OPS_H

#include "tests/parity/fixture.h"

#include <mgen/op.h>

enum { OP_INPUTS = 8, OP_OUTPUTS = 3 };

typedef struct {
    mg_graph *g;
    const mg_json *params;
    mg_node *in[OP_INPUTS], *out[OP_OUTPUTS]; /* in the order of the fixture */
    int n_in;
} op_case;

typedef void (*op_builder)(op_case *c); /* makes the outputs from the inputs */
op_builder op_find(const char *name);   /* ops_table.c; NULL if there is none */

#endif
