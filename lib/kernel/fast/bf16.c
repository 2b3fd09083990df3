/* SPDX-License-Identifier: MIT */
/* Products in bfloat16 (kernel/bf16.c has their law). Both sides are packed in tiles of pairs, which AMX multiplies
   where the processor has it; else they become floats again on the way. */
#include "kernel/fast/fast.h"
#include "kernel/fast/vector.h"

enum { TILE = MG_BF16_TILE, DEPTH = MG_BF16_DEPTH, PAIRS = DEPTH / 2, WHOLE = TILE * DEPTH, PER_TILE = TILE / WIDTH,
       TALL = 2 * TILE, MOST = 8 };
_Static_assert(MG_BF16_MANY % TALL == 0, "what is packed of a is whole blocks");

typedef uint32_t uvec __attribute__((vector_size(4 * WIDTH)));
typedef uint32_t uvec_any __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));
typedef uint16_t halves __attribute__((vector_size(2 * WIDTH)));

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t tiles_of(int64_t k) { return (k + DEPTH - 1) / DEPTH; }

/* ---- packing ---- */

/* The nearest bfloat16 of each, of two the even one, in the upper half; a NaN stays one, what is no normal number
   becomes zero. */
ALWAYS uvec rounded(vec x)
{
    uvec bits = (uvec)x, broken = (uvec)(x != x), normal = (uvec)((bits & 0x7f800000) != 0);
    return (broken & (bits | 0x400000)) | (~broken & normal & (bits + 0x7fff + (bits >> 16 & 1)));
}

/* The same of 32 at a time by an instruction, where there is one: first those of low. */
#if defined __AVX512F__
ALWAYS uvec rounded_halves(vec low, vec high)
{
    uvec both;
    __asm__("vcvtne2ps2bf16 %1, %2, %0" : "=v"(both) : "v"(low), "v"(high));
    return both;
}

ALWAYS uvec pairs_of(uvec halves_of_two)
{
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                           21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return (uvec)_mm512_permutexvar_epi16(order, (__m512i)halves_of_two);
}
#endif

/* k x x numbers, `step_k` apart along the sum and `step_x` across it, along rows of a or columns of b. */
typedef struct { const float *p; int64_t step_k, step_x, k, x; } corner;

/* One row of pairs from numbers that are neighbours. */
ALWAYS void pairs_along(uint16_t *to, const float *from, int64_t k, bool is_native)
{
#if defined __AVX512F__
    if (is_native) {
        *(uvec_any *)(void *)to = rounded_halves(v_load_left(from, k), v_load_left(from + WIDTH, k - WIDTH));
        return;
    }
#endif
    (void)is_native;
    for (int v = 0; v < DEPTH / WIDTH; v++) {
        halves some = __builtin_convertvector(rounded(v_load_left(from + v * WIDTH, k - v * WIDTH)) >> 16, halves);
        memcpy(to + v * WIDTH, &some, sizeof some);
    }
}

/* One pair of each column. */
ALWAYS void pairs_across(uint16_t *to, const float *even, const float *odd, int64_t x, bool is_native)
{
#if defined __AVX512F__
    if (is_native) {
        vec high = odd ? v_load_left(odd, x) : v_all(0);
        *(uvec_any *)(void *)to = pairs_of(rounded_halves(v_load_left(even, x), high));
        return;
    }
#endif
    (void)is_native;
    for (int v = 0; v < PER_TILE; v++) {
        uvec low = rounded(v_load_left(even + v * WIDTH, x - v * WIDTH)) >> 16;
        uvec high = odd ? rounded(v_load_left(odd + v * WIDTH, x - v * WIDTH)) & 0xffff0000 : (uvec){0};
        *(uvec_any *)(void *)(to + 2 * v * WIDTH) = low | high;
    }
}

/* [TILE][PAIRS] pairs; rows beyond x are left. */
static void fill_along(uint16_t *to, const corner *c, bool is_native)
{
    for (int64_t x = 0; x < c->x; x++) {
        const float *from = c->p + x * c->step_x;
        if (c->k == DEPTH) pairs_along(to + x * DEPTH, from, DEPTH, is_native);
        else pairs_along(to + x * DEPTH, from, c->k, is_native);
    }
}

/* [PAIRS][TILE] pairs. */
static void fill_across(uint16_t *to, const corner *c, bool is_native)
{
    int64_t step = c->step_k;
    for (int64_t l = 0; l < DEPTH; l += 2) {
        const float *even = c->p + l * step, *odd = l + 1 < c->k ? even + step : NULL;
        uint16_t *row = to + l * TILE;
        for (int i = 0; i < 2; i++) __builtin_prefetch(even + (DEPTH + i) * step); /* what comes a tile later */
        if (odd && c->x == TILE) pairs_across(row, even, odd, TILE, is_native);
        else if (l < c->k) pairs_across(row, even, odd, c->x, is_native);
        else memset(row, 0, 2 * TILE * sizeof *row);
    }
}

static void turn(uint16_t *pairs, const uint16_t *other)
{
    float *to = (float *)(void *)pairs;
    const float *from = (const float *)(const void *)other;
    for (int i = 0; i < TILE; i += 4)
        for (int j = 0; j < TILE; j += 4) v_turn_4x4(to + i * TILE + j, TILE, from + j * TILE + i, TILE);
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
    bool is_along = c.step_k == 1, is_native = mg_cpu_has_bf16();
    uint16_t *first = is_along == is_right ? other : to;
    if (is_along && is_right && c.x < TILE) memset(other, 0, sizeof other);
    if (is_along) fill_along(first, &c, is_native);
    else fill_across(first, &c, is_native);
    if (first == other) turn(to, other);
}

/* Rows of a, or columns of b, of any depth: tiles follow each other along the sum, `tile` apart across it. What lies
   close together in memory is read one after the other. */
static void pack_tiles(uint16_t *to, int64_t tile, corner all, bool is_right)
{
    bool is_along = all.step_k == 1;
    int64_t outer = is_along ? all.x : all.k, inner = is_along ? all.k : all.x;
    int64_t by = is_along ? TILE : DEPTH, then = is_along ? DEPTH : TILE;
    for (int64_t i = 0; i < outer; i += by)
        for (int64_t j = 0; j < inner; j += then) {
            int64_t x = is_along ? i : j, l = is_along ? j : i;
            corner c = {all.p + l * all.step_k + x * all.step_x, all.step_k, all.step_x, least(all.k - l, DEPTH),
                        least(all.x - x, TILE)};
            pack_tile(to + x / TILE * tile + l * TILE, c, is_right);
        }
}

void MG_K(bf16_pack)(int64_t k, int64_t n, const mg_matrix *b, uint16_t *tiles)
{
    pack_tiles(tiles, tiles_of(k) * WHOLE, (corner){b->p, b->step_row, b->step_col, k, n}, true);
}

/* ---- sums without AMX ---- */

#if defined __AVX512F__
enum { ROWS = 4, WIDE = 2 };
#elif defined __AVX2__
enum { ROWS = 2, WIDE = 1 };
#else
enum { ROWS = 1, WIDE = 1 };
#endif
enum { WIDEST = MOST / 2 > PER_TILE ? MOST / 2 / PER_TILE : 1 }; /* tiles of columns against a single row */

ALWAYS vec even_of(uvec pairs) { return (vec)(pairs << 16); }
ALWAYS vec odd_of(uvec pairs) { return (vec)(pairs & 0xffff0000); }

/* A row of a as floats again. */
static void widen(float *to, const uint16_t *a, int64_t tiles)
{
    for (int64_t tile = 0; tile < tiles; tile++, a += WHOLE, to += DEPTH)
        for (int v = 0; v < DEPTH / WIDTH; v++) {
            halves some;
            memcpy(&some, a + v * WIDTH, sizeof some);
            v_store(to + v * WIDTH, (vec)(__builtin_convertvector(some, uvec) << 16));
        }
}

/* c[rows, `wide` tiles of columns] from row i and column j on; a: these rows, widened. */
ALWAYS void block(int rows, int wide, const mg_bf16_block *p, const float (*a)[MG_BF16_DEEPEST], int64_t i, int64_t j)
{
    vec sum[MOST], even[MOST], odd[MOST];
    const uint16_t *b = p->b + j / TILE * p->b_tile;
    int vectors = wide * PER_TILE;
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++) {
            int64_t at = j + v * WIDTH;
            sum[r * vectors + v] =
                p->start ? v_load_left(p->start + (i + r) * p->start_row + at, p->n - at) : v_all(0);
        }
    for (int64_t tile = 0; tile < p->k; tile++, b += WHOLE) {
        for (int s = 0; s < rows * vectors; s++) even[s] = odd[s] = v_all(0);
#pragma GCC unroll 4
        for (int pair = 0; pair < PAIRS; pair++)
            for (int v = 0; v < vectors; v++) {
                const uint16_t *from = b + v / PER_TILE * p->b_tile + (pair * TILE + v % PER_TILE * WIDTH) * 2;
                uvec right = *(const uvec_any *)(const void *)from;
                for (int r = 0; r < rows; r++) {
                    const float *left = &a[r][tile * DEPTH + 2 * pair];
                    even[r * vectors + v] = v_fma(v_all(left[0]), even_of(right), even[r * vectors + v]);
                    odd[r * vectors + v] = v_fma(v_all(left[1]), odd_of(right), odd[r * vectors + v]);
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

/* All columns of some rows. */
ALWAYS void rows_of(int rows, int wide, const mg_bf16_block *p, int64_t i)
{
    float a[ROWS][MG_BF16_DEEPEST];
    int64_t j = 0;
    for (int r = 0; r < rows; r++) widen(a[r], p->a + (i + r) / TILE * p->a_tile + (i + r) % TILE * DEPTH, p->k);
    for (; j + wide * TILE <= p->n; j += wide * TILE) block(rows, wide, p, a, i, j);
    for (; j < p->n; j += TILE) block(rows, 1, p, a, i, j);
}

static void by_vectors(const mg_bf16_block *p)
{
    int64_t i = 0;
    for (; i + ROWS <= p->m; i += ROWS) rows_of(ROWS, WIDE, p, i);
    for (; i < p->m; i++) rows_of(1, WIDEST, p, i);
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
    p.k = tiles_of(k), p.a_tile = p.k * WHOLE, p.ldc = call->ldc;
    for (int64_t i = 0; i < call->m; i += TALL) {
        if (i % MG_BF16_MANY == 0) {
            const float *a = call->a.p + i * call->a.step_row + l * call->a.step_col;
            int64_t rows = least(call->m - i, MG_BF16_MANY);
            pack_tiles(packed, p.a_tile, (corner){a, call->a.step_col, call->a.step_row, k, rows}, false);
        }
        p.m = least(call->m - i, TALL), p.a = packed + i % MG_BF16_MANY / TILE * p.a_tile;
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
