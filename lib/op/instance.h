/* SPDX-License-Identifier: MIT */
/* An instance from the inside. */
#ifndef OP_INSTANCE_H
#define OP_INSTANCE_H

#include "op/plan.h"

struct mg_instance {
    const mg_plan *plan;
    mg_real *const *params;
    void *block;
    char *memory;      /* inputs and states, then buffers, then scratch */
    mg_real *constants; /* by node id: values of fills */
    mg_call *calls;
    mg_span *spans;
    void *packed_block; /* weights as the kernels like them; NULL: none are */
    mg_random_key key;
    int threads;
    bool is_warm;      /* the fixed steps were made */
    mg_op_time *times;
};

#endif
