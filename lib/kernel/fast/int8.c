/* SPDX-License-Identifier: MIT */
/* Products by weights in 8 bits (kernel/int8.c has their order). Rows of a become 8 bits with a step of their own, sums
   are whole numbers, so that only quantising and the last line can round. */
#include "kernel/fast/fast.h"
#include "kernel/fast/vector.h"

enum { BLOCK = MG_INT8_BLOCK, QUAD = MG_INT8_QUAD, PER_BLOCK = BLOCK / WIDTH, MOST = 16, CHUNK = 8 };

typedef int8_t bytes __attribute__((vector_size(WIDTH)));

typedef struct {
    int64_t m, k;           /* k up to a multiple of QUAD */
    int64_t row;            /* bytes from one row of q to the next */
    int8_t *q;              /* rows of a in steps */
    float *step;            /* of each row */
    int32_t *sum;           /* of each row's q */
} quantised;

/* ---- rows of a in 8 bits ---- */

static float largest(const vec *x)
{
    float most = 0;
    for (int i = 0; i < WIDTH; i++) most = (*x)[i] > most ? (*x)[i] : most;
    return most;
}

static void quantise(int64_t k, const float *x, int8_t *q, float *step, int32_t *sum)
{
    vec most = v_all(0), broken = v_all(0);
    ivec total = {0};
    float unsound = 0;
    for (int64_t l = 0; l < k; l += WIDTH) {
        vec size = v_abs(v_load_left(x + l, k - l));
        most = v_max(most, size);
        broken += size * 0; /* a NaN where there is one, or an infinity */
    }
    for (int i = 0; i < WIDTH; i++) unsound += broken[i];
    *step = mg_int8_step(largest(&most) + unsound);
    for (int64_t l = 0; l < k; l += WIDTH) {
        vec at = *step > 0 ? v_round(v_load_left(x + l, k - l) / v_all(*step)) : v_all(0);
        ivec whole = v_int(at);
        bytes small = __builtin_convertvector(whole, bytes);
        total += whole;
        memcpy(q + l, &small, sizeof small); /* rows have room for a vector more */
    }
    *sum = 0;
    for (int i = 0; i < WIDTH; i++) *sum += total[i];
}

static quantised begin(const mg_product_call *p)
{
    quantised r = {.m = p->m, .k = (p->k + QUAD - 1) / QUAD * QUAD, .row = (p->k + 63) / 64 * 64};
    r.q = (int8_t *)(void *)p->scratch;
    r.step = (float *)(void *)(r.q + r.m * r.row);
    r.sum = (int32_t *)(void *)(r.step + r.m);
    for (int64_t i = 0; i < r.m; i++)
        quantise(p->k, p->a.p + i * p->a.step_row, r.q + i * r.row, &r.step[i], &r.sum[i]);
    return r;
}

/* ---- sums ---- */

/* How four products are added to each lane. VNNI multiplies what has no sign by what has one: weights then are 128 too
   large, and the row's sum puts that right. */
typedef enum { PLAIN, VNNI } way;

ALWAYS ivec dot(way w, ivec sum, const int8_t *weights, const int8_t *q)
{
    int32_t quad;
    memcpy(&quad, q, sizeof quad);
#if defined __AVX512F__
    __m512i a = _mm512_set1_epi32(quad), b = _mm512_loadu_si512(weights);
    if (w == VNNI) {
        b = _mm512_xor_si512(b, _mm512_set1_epi8(-128));
        __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(b), "v"(a));
        return sum;
    }
    b = _mm512_mask_sub_epi8(b, _mm512_movepi8_mask(a), _mm512_setzero_si512(), b);
    __m512i pairs = _mm512_maddubs_epi16(_mm512_abs_epi8(a), b); /* at most 2 x 127 x 127 */
    return sum + (ivec)_mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
#elif defined __AVX2__
    (void)w;
    __m256i a = _mm256_set1_epi32(quad), b = _mm256_loadu_si256((const __m256i *)(const void *)weights);
    __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(a), _mm256_sign_epi8(b, a)); /* at most 2 x 127 x 127 */
    return sum + (ivec)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
#else
    (void)w, (void)quad;
    for (int i = 0; i < WIDTH; i++)
        for (int t = 0; t < QUAD; t++) sum[i] += weights[i * QUAD + t] * q[t];
    return sum;
#endif
}

/* c[rows, blocks x 16] from row i and column j on; the last block has `some` columns. */
ALWAYS void tile(way w, int rows, int blocks, const mg_product_call *p, const quantised *r, int64_t i, int64_t j)
{
    enum { AHEAD = 8 * BLOCK * QUAD };
    ivec sum[MOST * PER_BLOCK];
    const int8_t *b = p->packed.int8.q + j * r->k, *q = r->q + i * r->row;
#pragma GCC unroll 16 /* else they are cleared in memory */
    for (int s = 0; s < rows * blocks * PER_BLOCK; s++) sum[s] = (ivec){0};
    for (int64_t l = 0; l < r->k; l += QUAD)
        for (int n = 0; n < blocks; n++) {
            const int8_t *weights = b + n * r->k * BLOCK + l * BLOCK;
            __builtin_prefetch(weights + AHEAD); /* past the end no harm is done */
            for (int row = 0; row < rows; row++)
                for (int v = 0; v < PER_BLOCK; v++) {
                    ivec *s = &sum[(row * blocks + n) * PER_BLOCK + v];
                    *s = dot(w, *s, weights + v * WIDTH * QUAD, q + row * r->row + l);
                }
        }
    for (int row = 0; row < rows; row++)
        for (int v = 0; v < blocks * PER_BLOCK; v++) {
            int64_t at = j + v * WIDTH, left = p->n - at;
            if (left <= 0) break;
            if (w == VNNI) sum[row * blocks * PER_BLOCK + v] -= 128 * r->sum[i + row];
            const float *start = p->start ? p->start + (i + row) * p->start_row + at : NULL;
            vec scale = v_all(r->step[i + row]) * v_load_left(p->packed.int8.step + at, left);
            vec before = start ? v_load_left(start, left) : v_all(0);
            vec y = v_fma(v_real(sum[row * blocks * PER_BLOCK + v]), scale, before);
            float *to = p->c + (i + row) * p->ldc + at;
            if (left >= WIDTH) v_store(to, y);
            else v_store_some(to, y, left);
        }
}

/* `blocks` blocks of columns from j on for all rows: as many sums at a time as there are registers. */
ALWAYS void columns(way w, const mg_product_call *p, const quantised *r, int64_t j, int64_t blocks)
{
    int64_t i = 0;
#define TILES(rows, wide)                                                                        \
    for (; i + (rows) <= r->m; i += (rows)) {                                                    \
        int64_t n = 0;                                                                           \
        for (; n + (wide) <= blocks; n += (wide)) tile(w, rows, wide, p, r, i, j + n * BLOCK);   \
        for (; n < blocks; n++) tile(w, rows, 1, p, r, i, j + n * BLOCK);                        \
    }
#if defined __AVX512F__
    TILES(8, 2)
    TILES(4, 4)
    TILES(1, 8)
#else
    TILES(4, 1)
    TILES(1, 4)
#endif
#undef TILES
}

ALWAYS void all_columns(way w, const mg_product_call *p)
{
    quantised r = begin(p);
    for (int64_t j = 0; j < p->n; j += CHUNK * BLOCK) {
        int64_t blocks = (p->n - j + BLOCK - 1) / BLOCK;
        columns(w, p, &r, j, blocks < CHUNK ? blocks : CHUNK);
    }
}

void MG_K(int8_product)(const mg_product_call *call)
{
#if defined __AVX512F__
    if (mg_cpu_has_vnni()) {
        all_columns(VNNI, call);
        return;
    }
#endif
    all_columns(PLAIN, call);
}
