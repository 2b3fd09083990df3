/* SPDX-License-Identifier: MIT */
/* The rows of each_list.h as fast loops: the plain ones as the compiler vectorises them, the functions by hand. */
#include "kernel/fast/fast.h"
#include "kernel/fast/functions.h"

#define real_sqrt __builtin_sqrtf

#define E(name, inputs, value) MG_EACH_LOOP(MG_K(each_##name), inputs, value)
MG_EACH_PLAIN(E)
#undef E

/* The end of a run goes through the same instructions as the rest of it. */
#define E(name, inputs, value)                                                                                   \
    void MG_K(each_##name)(int64_t n, mg_real *y, const mg_real *x, const mg_real *x1, const mg_real *x2,        \
                           mg_real p, mg_real q)                                                                 \
    {                                                                                                            \
        (void)x1, (void)x2, (void)p, (void)q;                                                                    \
        int64_t i = 0;                                                                                           \
        for (; i + WIDTH <= n; i += WIDTH) v_store(y + i, v_##name(v_load(x + i)));                              \
        if (i < n) v_store_some(y + i, v_##name(v_load_some(x + i, n - i)), n - i);                              \
    }
MG_EACH_FUNCTION(E)
#undef E
