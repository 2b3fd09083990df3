/* SPDX-License-Identifier: MIT */
/* Products in bfloat16: how operands lie, and the plain product that kernel/fast/bf16.c and kernel/amx.c are held to.
   Their law is that of the tiles of AMX (Intel's Software Developer's Manual, TDPBF16PS), so that any processor can
   obey it. */
#include "kernel/kernel.h"

#include <float.h>
#include <math.h>
#include <string.h>

#ifdef MG_REAL_double
#define real_fma fma
#else
#define real_fma fmaf
#endif

enum { TILE = MG_BF16_TILE, DEPTH = MG_BF16_DEPTH };

static int64_t up(int64_t n, int64_t grain) { return (n + grain - 1) / grain * grain; }

size_t mg_bf16_size(int64_t k, int64_t n) { return (size_t)(up(k, DEPTH) * up(n, TILE)) * sizeof(uint16_t); }

int64_t mg_bf16_at(int64_t k, int64_t j) { return j * up(k, DEPTH); }

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

mg_bf16_part mg_bf16_part_of(int64_t k, int64_t n)
{
    int64_t deep = least(up(k, DEPTH), MG_BF16_DEEPEST), wide = MG_BF16_ROOM / (deep > DEPTH ? deep : DEPTH);
    return (mg_bf16_part){deep > DEPTH ? deep : DEPTH, least(up(n, TILE), wide / MG_STRIP * MG_STRIP)};
}

size_t mg_bf16_scratch(int64_t k, int64_t n)
{
    mg_bf16_part part = mg_bf16_part_of(k, n);
    return (size_t)(part.k * (part.n + MG_BF16_MANY)) * sizeof(uint16_t);
}

/* ---- the reference ---- */

/* What is too small to be a normal float counts as zero. */
static mg_real normal(mg_real x) { return x < FLT_MIN && x > -FLT_MIN ? x * 0 : x; }

/* The nearest bfloat16, of two the even one; a NaN stays one. */
static float rounded(mg_real x)
{
    float y = (float)normal(x);
    uint32_t bits;
    memcpy(&bits, &y, sizeof bits);
    bits = y != y ? bits | 0x400000 : bits + 0x7fff + (bits >> 16 & 1);
    bits &= 0xffff0000;
    memcpy(&y, &bits, sizeof y);
    return y;
}

static mg_real left(const mg_product_call *p, int64_t i, int64_t l)
{
    return rounded(p->a.p[i * p->a.step_row + l * p->a.step_col]);
}

static mg_real right(const mg_product_call *p, int64_t l, int64_t j)
{
    return rounded(p->b.p[l * p->b.step_row + j * p->b.step_col]);
}

static mg_real chain(const mg_product_call *p, int64_t i, int64_t j, int64_t from)
{
    mg_real sum = 0;
    for (int64_t l = from; l < p->k && l < from / DEPTH * DEPTH + DEPTH; l += 2)
        sum = normal(real_fma(left(p, i, l), right(p, l, j), sum));
    return sum;
}

void mg_bf16_product(const mg_product_call *p)
{
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t j = 0; j < p->n; j++) {
            mg_real sum = p->start ? p->start[i * p->start_row + j] : 0;
            for (int64_t l = 0; l < p->k; l += DEPTH)
                sum = normal(normal(sum) + normal(chain(p, i, j, l) + chain(p, i, j, l + 1)));
            p->c[i * p->ldc + j] = sum;
        }
}
