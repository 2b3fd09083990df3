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

/** What the machine can do at most, measured now (some tenths of a second): multiply-adds of floats in registers, 10^9
    operations a second (two each) with the loops of a class, 0 if the machine lacks it; and reading `bytes` in a row
    again and again, each thread its own, 10^9 bytes a second of all of them, with the loops in use. Speeds are held
    against these. */
double mg_peak_gflops(mg_cpu cpu, int threads);
/** The same for products in bfloat16: by the tiles of AMX, or, where the class in use has none, those of floats. */
double mg_peak_bf16_gflops(int threads);
mg_status mg_peak_read_gbs(int threads, size_t bytes, double *gbs);
/** How fast the core's products are: `rows` x 1024 by 1024 x 1024 on each of the threads, as training (many rows) and
    generation (few) ask for them, in 10^9 operations a second. */
mg_status mg_product_gflops(int rows, int threads, double *gflops);

MG_PUBLIC_END
#endif
