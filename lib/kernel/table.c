/* SPDX-License-Identifier: MIT */
/* Which loops run: one table for each processor class, chosen by mg_cpu_class. */
#include "kernel/kernel.h"

#ifdef MG_REAL_double

const mg_kernels *mg_kernels_now(void) { return &mg_kernels_reference; }

#else

extern const mg_kernels mg_kernels_baseline, mg_kernels_avx2, mg_kernels_avx512;

const mg_kernels *mg_kernels_now(void)
{
#ifdef __x86_64__
    static const mg_kernels *const of_class[MG_CPU_CLASSES] = {&mg_kernels_baseline, &mg_kernels_avx2,
                                                               &mg_kernels_avx512};
    return of_class[mg_cpu_class()];
#else
    return &mg_kernels_baseline;
#endif
}

#endif
