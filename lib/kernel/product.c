/* SPDX-License-Identifier: MIT */
/* Which loops compute a matrix product. */
#include "kernel/kernel.h"

#include <string.h>

const char *mg_product_library(void)
{
#ifdef MG_REAL_double
    return "own loops";
#else
    return mg_onednn_version();
#endif
}

/* Rows from .. to-1 of c, or columns. */
static mg_product_call rows_of(mg_product_call p, int64_t from, int64_t to)
{
    p.a.p += from * p.a.step_row;
    p.c += from * p.ldc;
    if (p.start) p.start += from * p.start_row;
    p.m = to - from;
    return p;
}

static mg_product_call columns_of(mg_product_call p, int64_t from, int64_t to)
{
    p.b.p += from * p.b.step_col;
    p.c += from;
    p.n = to - from;
    if (p.start) p.start += from;
    if (p.packed.panels) p.packed.panels += from * p.k;
    if (p.packed.bf16) p.packed.bf16 += mg_bf16_at(p.k, from);
    if (p.packed.int8.q) p.packed.int8 = mg_int8_from(&p.packed.int8, p.k, from);
    return p;
}

/* The library can only add to what is there. */
static void begin(mg_product_call *p)
{
    if (!p->start || p->start == p->c) return;
    for (int64_t i = 0; i < p->m; i++)
        memcpy(p->c + i * p->ldc, p->start + i * p->start_row, (size_t)p->n * sizeof *p->c);
    p->start = p->c;
    p->start_row = p->ldc;
}

/* Its bits may show in which parts a product is made: those are the same for every team. */
static void by_library(const mg_product_call *p, mg_team team)
{
    enum { TILE = 512 };
    bool is_tall = p->m >= p->n;
    int64_t tiles = ((is_tall ? p->m : p->n) + TILE - 1) / TILE;
    for (int64_t t = team.rank; t < tiles; t += team.size) {
        int64_t from = t * TILE, end = is_tall ? p->m : p->n, to = from + TILE < end ? from + TILE : end;
        mg_product_call tile = is_tall ? rows_of(*p, from, to) : columns_of(*p, from, to);
        begin(&tile);
        if (!mg_onednn_product(&tile)) mg_kernels_now()->product(&tile);
    }
}

/* Its part of the longer side; the law of these loops does not know how they are shared. */
static void by_own(void (*loops)(const mg_product_call *), const mg_product_call *p, mg_team team)
{
    bool is_tall = p->m >= p->n;
    int64_t from, to;
    mg_team_part(team, is_tall ? p->m : p->n, MG_STRIP, &from, &to);
    mg_product_call part = is_tall ? rows_of(*p, from, to) : columns_of(*p, from, to);
    if (from < to) loops(&part);
}

/* Some rows at a time. */
static void by_int8(const mg_product_call *p, mg_team team)
{
    for (int64_t i = 0; i < p->m; i += MG_SKINNY) {
        mg_product_call rows = rows_of(*p, i, i + MG_SKINNY < p->m ? i + MG_SKINNY : p->m);
        by_own(mg_kernels_now()->int8_product, &rows, team);
    }
}

void mg_product(const mg_product_call *p, mg_team team)
{
    if (p->m == 0 || p->n == 0) return;
    const mg_kernels *k = mg_kernels_now();
    bool is_skinny = p->m <= MG_SKINNY, is_turned = p->a.step_col != 1;
    if (p->packed.int8.q) by_int8(p, team);
    else if (p->is_bf16) by_own(k->bf16_product, p, team);
    else if (p->packed.panels) by_own(k->product, p, team);
    else if (is_skinny && !is_turned && p->b.step_row == 1 && p->b.step_col != 1) by_own(k->dots, p, team);
    else if (is_skinny || is_turned || p->k == 0) by_own(k->product, p, team);
    else by_library(p, team);
}
