/* SPDX-License-Identifier: MIT */
/* Which loops compute a matrix product. */
#include "kernel/kernel.h"

const char *mg_product_library(void)
{
#ifdef MG_REAL_double
    return "own loops";
#else
    return mg_onednn_version();
#endif
}

void mg_product(const mg_product_call *p)
{
    if (p->m == 0 || p->n == 0) return;
    const mg_kernels *k = mg_kernels_now();
    bool is_skinny = p->m <= MG_SKINNY, is_turned = p->a.step_col != 1;
    if (p->panels) k->product(p);
    else if (is_skinny && !is_turned && p->b.step_row == 1 && p->b.step_col != 1) k->dots(p);
    else if (is_skinny || is_turned || p->k == 0 || !mg_onednn_product(p)) k->product(p);
}
