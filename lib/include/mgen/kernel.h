/* SPDX-License-Identifier: MIT */
/** Kernels: the one real type of the compute core, and which loops run on this machine. */
#ifndef MGEN_KERNEL_H
#define MGEN_KERNEL_H

#include <mgen/base.h>

MG_PUBLIC_BEGIN

/** The core is built once for float, the product, and once for double, in which gradients are checked. */
#ifdef MG_REAL_double
typedef double mg_real;
#else
typedef float mg_real;
#endif

enum { MG_RANK = 8 }; /**< most axes of a tensor */

/** The library behind large matrix products, with its version: "oneDNN 2.6.3", or "own loops". */
const char *mg_product_library(void);

MG_PUBLIC_END
#endif
