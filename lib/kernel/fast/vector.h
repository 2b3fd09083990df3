/* SPDX-License-Identifier: MIT */
/* One vector of floats as wide as the class allows, in the compilers' own vector types; only what these lack is said in
   intrinsics. FMA is written, never contracted: classes that have it give equal bits, the baseline has bits of its
   own. */
#ifndef KERNEL_FAST_VECTOR_H
#define KERNEL_FAST_VECTOR_H

#include "kernel/kernel.h"

#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#if defined __AVX512F__
enum { WIDTH = 16 };
#elif defined __AVX2__
enum { WIDTH = 8 };
#else
enum { WIDTH = 4 };
#endif

typedef float vec __attribute__((vector_size(4 * WIDTH)));
typedef int32_t ivec __attribute__((vector_size(4 * WIDTH)));
typedef float vec_any __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias)); /* at any address */

#define ALWAYS static inline __attribute__((always_inline))

ALWAYS vec v_load(const float *p) { return *(const vec_any *)p; }
ALWAYS void v_store(float *p, vec x) { *(vec_any *)p = x; }
ALWAYS vec v_all(float x) { return x - (vec){0}; }
ALWAYS vec v_fma(vec a, vec b, vec c)
{
#if defined __AVX512F__
    return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined __AVX2__
    return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    return a * b + c;
#endif
}

/* a where the mask (a comparison's -1 or 0) is set, else b. */
ALWAYS vec v_choose(ivec mask, vec a, vec b) { return (vec)((mask & (ivec)a) | (~mask & (ivec)b)); }
/* Both keep a NaN of a. */
#if defined __AVX512F__
ALWAYS vec v_min(vec a, vec b) { return (vec)_mm512_min_ps((__m512)b, (__m512)a); }
ALWAYS vec v_max(vec a, vec b) { return (vec)_mm512_max_ps((__m512)b, (__m512)a); }
#elif defined __AVX2__
ALWAYS vec v_min(vec a, vec b) { return (vec)_mm256_min_ps((__m256)b, (__m256)a); }
ALWAYS vec v_max(vec a, vec b) { return (vec)_mm256_max_ps((__m256)b, (__m256)a); }
#else
ALWAYS vec v_min(vec a, vec b) { return v_choose(a > b, b, a); }
ALWAYS vec v_max(vec a, vec b) { return v_choose(a < b, b, a); }
#endif
ALWAYS vec v_abs(vec x) { return (vec)((ivec)x & 0x7fffffff); }
ALWAYS vec v_sign_of(vec sign, vec x) { return (vec)(((ivec)sign & (int32_t)0x80000000) | ((ivec)x & 0x7fffffff)); }

/* The nearest whole number, for |x| < 2^22. */
ALWAYS vec v_round(vec x) { return (x + 0x1.8p23f) - 0x1.8p23f; }
ALWAYS ivec v_int(vec x) { return __builtin_convertvector(x, ivec); }
ALWAYS vec v_real(ivec x) { return __builtin_convertvector(x, vec); }

/* The first n <= WIDTH numbers, zeros behind them; and back. */
#if defined __AVX512F__
ALWAYS vec v_load_some(const float *p, int64_t n) { return (vec)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p); }
ALWAYS void v_store_some(float *p, vec x, int64_t n)
{
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)x);
}
#elif defined __AVX2__
ALWAYS __m256i v_first(int64_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
ALWAYS vec v_load_some(const float *p, int64_t n) { return (vec)_mm256_maskload_ps(p, v_first(n)); }
ALWAYS void v_store_some(float *p, vec x, int64_t n) { _mm256_maskstore_ps(p, v_first(n), (__m256)x); }
#else
ALWAYS vec v_load_some(const float *p, int64_t n)
{
    vec x = {0};
    memcpy(&x, p, (size_t)n * sizeof *p);
    return x;
}
ALWAYS void v_store_some(float *p, vec x, int64_t n) { memcpy(p, &x, (size_t)n * sizeof *p); }
#endif

/* The same of as many as are left: of more than WIDTH the first, of none zeros. */
ALWAYS vec v_load_left(const float *p, int64_t left)
{
    return left >= WIDTH ? v_load(p) : left > 0 ? v_load_some(p, left) : v_all(0);
}

/* to[i, j] = from[j, i] for 4 x 4 of them, whatever their bits mean. */
typedef float four __attribute__((vector_size(16), aligned(4), may_alias));
ALWAYS void v_turn_4x4(float *to, int64_t to_step, const float *from, int64_t from_step)
{
    four x[4], pairs[4];
    for (int j = 0; j < 4; j++) x[j] = *(const four *)(from + j * from_step);
    for (int j = 0; j < 4; j += 2) {
        pairs[j] = __builtin_shufflevector(x[j], x[j + 1], 0, 4, 1, 5);
        pairs[j + 1] = __builtin_shufflevector(x[j], x[j + 1], 2, 6, 3, 7);
    }
    for (int i = 0; i < 2; i++) {
        *(four *)(to + 2 * i * to_step) = __builtin_shufflevector(pairs[i], pairs[i + 2], 0, 1, 4, 5);
        *(four *)(to + (2 * i + 1) * to_step) = __builtin_shufflevector(pairs[i], pairs[i + 2], 2, 3, 6, 7);
    }
}

/* The 16 lanes that sums run in, whatever the width: lane i meets lane i + 8, then i + 4 ... */
enum { LANES = 16, VECTORS = LANES / WIDTH };
#if defined __AVX512F__
#define V_LOWER(x, half) /* lane i is x's lane i + half, for i < half */                                               \
    __builtin_shufflevector(x, x, (half), (half) + 1, (half) + 2, (half) + 3, (half) + 4, (half) + 5, (half) + 6,      \
                            (half) + 7, 0, 0, 0, 0, 0, 0, 0, 0)
#elif defined __AVX2__
#define V_LOWER(x, half) __builtin_shufflevector(x, x, (half), (half) + 1, (half) + 2, (half) + 3, 0, 0, 0, 0)
#else
#define V_LOWER(x, half) __builtin_shufflevector(x, x, (half), (half) + 1, 0, 0)
#endif
ALWAYS float v_tree(const vec lane[VECTORS])
{
    vec x = lane[0];
#if defined __AVX512F__
    x += V_LOWER(x, 8);
    x += V_LOWER(x, 4);
#elif defined __AVX2__
    x += lane[1];
    x += V_LOWER(x, 4);
#else
    x += lane[2];
    x += lane[1] + lane[3];
#endif
    x += V_LOWER(x, 2);
    x += V_LOWER(x, 1);
    return x[0];
}

#endif
