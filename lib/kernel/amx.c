/* SPDX-License-Identifier: MIT */
/* Blocks of products in bfloat16 by AMX: two by two tiles of sums, so that each tile that is read is used twice. */
#include "kernel/kernel.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TILE = MG_BF16_TILE, WHOLE = TILE * MG_BF16_DEPTH, ROW = 64 /* bytes */ };
#define AMX __attribute__((target("amx-tile,amx-bf16")))

/* ---- whether it is there ---- */

static bool is_there;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The system gives the registers to those who ask. */
static void look(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XTILEDATA = 18, BF16 = 1 << 22, TILES = 1 << 24, OSXSAVE = 1 << 27 };
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & OSXSAVE)) return;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & (BF16 | TILES)) != (BF16 | TILES)) return;
    is_there = syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XTILEDATA) == 0;
}

bool mg_amx_is_there(void)
{
    pthread_once(&once, look);
    return is_there && mg_cpu_allows_extras();
}

/* ---- blocks ---- */

/* The shape of each tile register, as LDTILECFG reads it. */
typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} shapes;

/* Registers 0 to 3 hold sums [two of rows][two of columns], 4 and 5 what stands left, 6 and 7 what stands right. To
   shape them takes as long as a block of little depth. */
static _Thread_local int64_t rows_now, cols_now; /* 0: they are not in use */

static void shape(int64_t rows, int64_t cols)
{
    if (rows == rows_now && cols == cols_now) return;
    shapes s = {.palette = 1};
    for (int i = 0; i < 2; i++) {
        int64_t r = rows - i * TILE, c = cols - i * TILE;
        uint8_t tall = (uint8_t)(r > TILE ? TILE : r > 0 ? r : 1);
        uint16_t wide = (uint16_t)(4 * (c > TILE ? TILE : c > 0 ? c : 1));
        for (int k = 0; k < 2; k++) s.rows[2 * i + k] = tall, s.row_bytes[2 * k + i] = wide;
        s.rows[4 + i] = tall, s.row_bytes[4 + i] = ROW;
        s.rows[6 + i] = TILE, s.row_bytes[6 + i] = wide;
    }
    __asm__ volatile("ldtilecfg %0" : : "m"(s)); /* gcc 12's own way reads 8 bytes of it */
    rows_now = rows, cols_now = cols;
}

AMX void mg_amx_end(void)
{
    _tile_release();
    rows_now = cols_now = 0;
}

/* Two tiles of rows against two of columns, or one where there are no more. Numbers of registers stand in the code. */
#define EACH_SUM(of) of(0, 0, 0) of(1, 0, 1) of(2, 1, 0) of(3, 1, 1)
AMX static void block_of(const mg_bf16_block *p, bool is_tall, bool is_wide, const uint16_t *b, float *c,
                         const float *start)
{
    const uint16_t *a = p->a, *a2 = a + p->a_tile, *b2 = b + p->b_tile;
    int64_t from_row = p->start_row, to_row = p->ldc;
#define IS_THERE(i, j) (((i) == 0 || is_tall) && ((j) == 0 || is_wide))
#define BEGIN(sum, i, j)                                                                                    \
    if (IS_THERE(i, j) && start) _tile_loadd(sum, start + (i) * TILE * from_row + (j) * TILE, from_row * 4); \
    else if (IS_THERE(i, j)) _tile_zero(sum);
#define END(sum, i, j) \
    if (IS_THERE(i, j)) _tile_stored(sum, c + (i) * TILE * to_row + (j) * TILE, to_row * 4);
    EACH_SUM(BEGIN)
    for (int64_t l = 0; l < p->k; l++) {
        _tile_loadd(4, a + l * WHOLE, ROW);
        _tile_loadd(6, b + l * WHOLE, ROW);
        _tile_dpbf16ps(0, 4, 6);
        if (is_wide) {
            _tile_loadd(7, b2 + l * WHOLE, ROW);
            _tile_dpbf16ps(1, 4, 7);
        }
        if (is_tall) {
            _tile_loadd(5, a2 + l * WHOLE, ROW);
            _tile_dpbf16ps(2, 5, 6);
            if (is_wide) _tile_dpbf16ps(3, 5, 7);
        }
    }
    EACH_SUM(END)
#undef IS_THERE
#undef BEGIN
#undef END
}

/* What the next block begins with, or where it will lie. */
static void fetch(const mg_bf16_block *p, int64_t j)
{
    enum { LINE = 16 };
    if (j >= p->n) return;
    const float *from = p->start ? p->start + j : p->c + j;
    int64_t row = p->start ? p->start_row : p->ldc;
    for (int64_t i = 0; i < p->m && row > 0; i++, from += row)
        for (int k = 0; k < 2 * TILE; k += LINE) __builtin_prefetch(from + k);
}

/* Gcc does not know that tiles are read from memory, and written. */
static void settle(void) { __asm__ volatile("" : : : "memory"); }

void mg_amx_block(const mg_bf16_block *p)
{
    settle();
    for (int64_t j = 0; j < p->n; j += 2 * TILE) {
        int64_t cols = p->n - j < 2 * TILE ? p->n - j : 2 * TILE;
        shape(p->m, cols);
        fetch(p, j + 2 * TILE);
        block_of(p, p->m > TILE, cols > TILE, p->b + j / TILE * p->b_tile, p->c + j, p->start ? p->start + j : NULL);
    }
    settle();
}

#else

bool mg_amx_is_there(void) { return false; }
void mg_amx_end(void) {}
void mg_amx_block(const mg_bf16_block *p) { (void)p; }

#endif
