/* SPDX-License-Identifier: MIT */
/* Products in bfloat16 (kernel/bf16.c has their law). Both sides are packed in tiles of pairs, which AMX multiplies
   where the processor has it; else they become floats again on the way. */
#include "kernel/fast/fast.h"
#include "kernel/fast/vector.h"

enum { TILE = MG_BF16_TILE, DEPTH = MG_BF16_DEPTH, PAIRS = DEPTH / 2, WHOLE = TILE * DEPTH, PER_TILE = TILE / WIDTH,
       TALL = 2 * TILE, MOST = 8 };

typedef uint32_t uvec __attribute__((vector_size(4 * WIDTH)));
typedef uint32_t uvec_any __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));
typedef uint16_t halves __attribute__((vector_size(2 * WIDTH)));

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t tiles_of(int64_t k) { return (k + DEPTH - 1) / DEPTH; }

/* ---- packing ---- */

/* The nearest bfloat16 of each, of two the even one, in the upper half; a NaN stays one. */
ALWAYS uvec rounded(vec x)
{
    uvec bits = (uvec)x, broken = (uvec)(x != x);
    return (broken & (bits | 0x400000)) | (~broken & (bits + 0x7fff + (bits >> 16 & 1)));
}

/* Numbers `step_k` apart along the sum and `step_x` along rows of a or columns of b; k <= DEPTH, x <= TILE of them. */
typedef struct { const float *p; int64_t step_k, step_x, k, x; } corner;

/* One row of pairs from numbers that are neighbours. */
ALWAYS void pairs_along(uint16_t *to, const float *from, int64_t k)
{
    for (int v = 0; v < DEPTH / WIDTH; v++) {
        halves some = __builtin_convertvector(rounded(v_load_left(from + v * WIDTH, k - v * WIDTH)) >> 16, halves);
        memcpy(to + v * WIDTH, &some, sizeof some);
    }
}

/* One pair of each column. */
ALWAYS void pairs_across(uint16_t *to, const float *even, const float *odd, int64_t x)
{
    for (int v = 0; v < PER_TILE; v++) {
        uvec low = rounded(v_load_left(even + v * WIDTH, x - v * WIDTH)) >> 16;
        uvec high = odd ? rounded(v_load_left(odd + v * WIDTH, x - v * WIDTH)) & 0xffff0000 : low ^ low;
        *(uvec_any *)(void *)(to + 2 * v * WIDTH) = low | high;
    }
}

/* [TILE][PAIRS] pairs; rows beyond x are left. */
static void fill_along(uint16_t *to, const corner *c)
{
    if (c->k == DEPTH)
        for (int64_t x = 0; x < c->x; x++) pairs_along(to + x * DEPTH, c->p + x * c->step_x, DEPTH);
    else
        for (int64_t x = 0; x < c->x; x++) pairs_along(to + x * DEPTH, c->p + x * c->step_x, c->k);
}

/* [PAIRS][TILE] pairs. */
static void fill_across(uint16_t *to, const corner *c)
{
    int64_t step = c->step_k;
    for (int64_t l = 0; l < DEPTH; l += 2) {
        const float *even = c->p + l * step;
        uint16_t *row = to + l * TILE;
        if (l + 1 < c->k && c->x == TILE) pairs_across(row, even, even + step, TILE);
        else if (l < c->k) pairs_across(row, even, l + 1 < c->k ? even + step : NULL, c->x);
        else memset(row, 0, 2 * TILE * sizeof *row);
    }
}

static void turn(uint16_t *to, const uint16_t *from)
{
    for (int i = 0; i < TILE; i += 4)
        for (int j = 0; j < TILE; j += 4)
            v_turn_4x4((float *)(void *)to + i * TILE + j, TILE, (const float *)(const void *)from + j * TILE + i, TILE);
}

/* Numbers that are neighbours in no direction become so. */
static corner gathered(const corner *c, float room[WHOLE])
{
    for (int64_t x = 0; x < c->x; x++)
        for (int64_t l = 0; l < c->k; l++) room[x * DEPTH + l] = c->p[l * c->step_k + x * c->step_x];
    return (corner){room, 1, DEPTH, c->k, c->x};
}

/* A tile as [TILE][PAIRS] pairs, as AMX wants what stands left, or turned, as it wants what stands right. */
static void pack_tile(uint16_t *to, corner c, bool is_right)
{
    float room[WHOLE];
    uint16_t other[WHOLE] __attribute__((aligned(64)));
    if (c.step_k != 1 && c.step_x != 1) c = gathered(&c, room);
    bool is_along = c.step_k == 1;
    uint16_t *first = is_along == is_right ? other : to;
    if (is_along && is_right && c.x < TILE) memset(other, 0, sizeof other);
    if (is_along) fill_along(first, &c);
    else fill_across(first, &c);
    if (first == other) turn(to, other);
}

/* Some rows of a, or columns of b, of any depth: tiles follow each other along the sum. */
static void pack_tiles(uint16_t *to, const float *p, int64_t step_k, int64_t step_x, int64_t k, int64_t x, bool is_right)
{
    for (int64_t l = 0; l < k; l += DEPTH)
        pack_tile(to + l * TILE, (corner){p + l * step_k, step_k, step_x, least(k - l, DEPTH), x}, is_right);
}

void MG_K(bf16_pack)(int64_t k, int64_t n, const mg_matrix *b, uint16_t *tiles)
{
    for (int64_t j = 0; j < n; j += TILE)
        pack_tiles(tiles + j * tiles_of(k) * DEPTH, b->p + j * b->step_col, b->step_row, b->step_col, k,
                   least(n - j, TILE), true);
}

/* ---- sums without AMX ---- */

ALWAYS vec even_of(uvec pairs) { return (vec)(pairs << 16); }
ALWAYS vec odd_of(uvec pairs) { return (vec)(pairs & 0xffff0000); }

/* c[rows, `wide` tiles of columns] from row i and column j on. */
ALWAYS void block(int rows, int wide, const mg_bf16_block *p, int64_t i, int64_t j)
{
    vec sum[MOST], even[MOST], odd[MOST];
    const uint16_t *a = p->a + i / TILE * p->a_tile + i % TILE * DEPTH, *b = p->b + j / TILE * p->b_tile;
    int vectors = wide * PER_TILE;
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++) {
            int64_t at = j + v * WIDTH;
            sum[r * vectors + v] =
                p->start ? v_load_left(p->start + (i + r) * p->start_row + at, p->n - at) : v_all(0);
        }
    for (int64_t tile = 0; tile < p->k; tile++, a += WHOLE, b += WHOLE) {
        for (int s = 0; s < rows * vectors; s++) even[s] = odd[s] = v_all(0);
        for (int pair = 0; pair < PAIRS; pair++)
            for (int v = 0; v < vectors; v++) {
                const uint16_t *from = b + v / PER_TILE * p->b_tile + (pair * TILE + v % PER_TILE * WIDTH) * 2;
                uvec right = *(const uvec_any *)(const void *)from;
                for (int r = 0; r < rows; r++) {
                    uint32_t two;
                    memcpy(&two, a + r * DEPTH + 2 * pair, sizeof two);
                    uvec left = two - (uvec){0};
                    even[r * vectors + v] = v_fma(even_of(left), even_of(right), even[r * vectors + v]);
                    odd[r * vectors + v] = v_fma(odd_of(left), odd_of(right), odd[r * vectors + v]);
                }
            }
        for (int s = 0; s < rows * vectors; s++) sum[s] += even[s] + odd[s];
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++) {
            int64_t at = j + v * WIDTH, left = p->n - at;
            float *to = p->c + (i + r) * p->ldc + at;
            if (left >= WIDTH) v_store(to, sum[r * vectors + v]);
            else if (left > 0) v_store_some(to, sum[r * vectors + v], left);
        }
}

#if defined __AVX512F__
enum { ROWS = 4, WIDE = 2 };
#elif defined __AVX2__
enum { ROWS = 2, WIDE = 1 };
#else
enum { ROWS = 1, WIDE = 1 };
#endif
enum { WIDEST = MOST / 2 / PER_TILE > 0 ? MOST / 2 / PER_TILE : 1 }; /* of a single row */

static void by_vectors(const mg_bf16_block *p)
{
    int64_t i = 0, j;
    for (; i + ROWS <= p->m; i += ROWS) {
        for (j = 0; j + WIDE * TILE <= p->n; j += WIDE * TILE) block(ROWS, WIDE, p, i, j);
        for (; j < p->n; j += TILE) block(ROWS, 1, p, i, j);
    }
    for (; i < p->m; i++) {
        for (j = 0; j + WIDEST * TILE <= p->n; j += WIDEST * TILE) block(1, WIDEST, p, i, j);
        for (; j < p->n; j += TILE) block(1, 1, p, i, j);
    }
}

/* ---- products ---- */

/* Numbers too small to be normal are zeros, as they are for AMX; says what was so before. */
static unsigned begin_flushing(void)
{
#ifdef __x86_64__
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040);
    return before;
#else
    return 0;
#endif
}

static void end_flushing(unsigned before)
{
#ifdef __x86_64__
    _mm_setcsr(before);
#else
    (void)before;
#endif
}

/* A tile of which few rows are of use takes as long as a whole one. */
static bool suits_amx(int64_t m)
{
#if defined __AVX512F__
    enum { FEW = 3 };
    return m > FEW && mg_amx_is_there();
#else
    (void)m;
    return false;
#endif
}

/* All rows of a, k of its columns from l on, against packed columns of b from j on. */
static void all_rows(const mg_product_call *call, int64_t l, int64_t k, mg_bf16_block p, int64_t j, uint16_t *packed)
{
    p.k = tiles_of(k), p.a = packed, p.a_tile = p.k * WHOLE, p.ldc = call->ldc;
    for (int64_t i = 0; i < call->m; i += TALL) {
        const float *a = call->a.p + i * call->a.step_row + l * call->a.step_col;
        p.m = least(call->m - i, TALL);
        for (int64_t r = 0; r < p.m; r += TILE)
            pack_tiles(packed + r / TILE * p.a_tile, a + r * call->a.step_row, call->a.step_col, call->a.step_row, k,
                       least(p.m - r, TILE), false);
        p.c = call->c + i * call->ldc + j;
        p.start = l > 0 ? p.c : call->start ? call->start + i * call->start_row + j : NULL;
        p.start_row = l > 0 ? call->ldc : call->start_row;
        if (suits_amx(call->m)) mg_amx_block(&p);
        else by_vectors(&p);
    }
}

/* As deep a part of b after the other as stays near; packed before or on the way. */
void MG_K(bf16_product)(const mg_product_call *call)
{
    mg_bf16_part most = mg_bf16_part_of(call->k, call->n);
    unsigned before = begin_flushing();
    for (int64_t l = 0; l == 0 || l < call->k; l += most.k) {
        int64_t k = least(call->k - l, most.k);
        uint16_t *tiles = (uint16_t *)(void *)call->scratch, *packed = tiles + most.k * most.n;
        for (int64_t j = 0; j < call->n; j += most.n) {
            int64_t n = least(call->n - j, most.n);
            mg_bf16_block p = {.n = n, .b = tiles, .b_tile = tiles_of(k) * WHOLE};
            if (call->packed.bf16) {
                p.b_tile = tiles_of(call->k) * WHOLE;
                p.b = call->packed.bf16 + j / TILE * p.b_tile + l * TILE;
            } else {
                mg_matrix b = call->b;
                b.p += l * b.step_row + j * b.step_col;
                MG_K(bf16_pack)(k, n, &b, tiles);
            }
            all_rows(call, l, k, p, j, packed);
        }
    }
    if (suits_amx(call->m)) mg_amx_end();
    end_flushing(before);
}
