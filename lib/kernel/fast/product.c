/* SPDX-License-Identifier: MIT */
/* Matrix products by blocks of rows x columns held in registers. Both loops obey a law that knows neither blocks nor
   vector width (kernel.h), so the plain loops of kernel/reference.c give the same bits. */
#include "kernel/fast/fast.h"
#include "kernel/fast/vector.h"

enum { CHAIN = 64 };

/* ---- by chains ---- */

/* A block fills the registers: ROWS x 2 vectors of sums. Of b, CHAIN x STRIP numbers are packed at a time. */
#if defined __AVX512F__
enum { ROWS = 12 };
#elif defined __AVX2__
enum { ROWS = 6 };
#else
enum { ROWS = 4 };
#endif
enum { STRIP = 2 * WIDTH, TALL = 192, MOST = 24 };

typedef struct {
    int64_t k;
    const float *a;
    int64_t a_row, a_col;
    const float *b;
    int64_t b_row;
    float *c;
    int64_t ldc;
} piece;

/* c[rows, cols] += one chain, cols in vectors; the last vector has `some` numbers. */
ALWAYS void block(int rows, int cols, int64_t some, const piece *p)
{
    vec sum[MOST];
    for (int i = 0; i < rows * cols; i++) sum[i] = v_all(0);
    for (int64_t l = 0; l < p->k; l++) {
        vec row[MOST];
        const float *b = p->b + l * p->b_row, *a = p->a + l * p->a_col;
        for (int j = 0; j < cols; j++)
            row[j] = j < cols - 1 || some == WIDTH ? v_load(b + j * WIDTH) : v_load_some(b + j * WIDTH, some);
        for (int i = 0; i < rows; i++) {
            vec x = v_all(a[i * p->a_row]);
            for (int j = 0; j < cols; j++) sum[i * cols + j] = v_fma(x, row[j], sum[i * cols + j]);
        }
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) {
            float *to = p->c + i * p->ldc + j * WIDTH;
            if (j < cols - 1 || some == WIDTH) v_store(to, v_load(to) + sum[i * cols + j]);
            else v_store_some(to, v_load_some(to, some) + sum[i * cols + j], some);
        }
}

/* As many rows as there are, in blocks of ROWS, then of less. */
ALWAYS void column(int64_t m, int cols, int64_t some, piece p)
{
#define BLOCKS_OF(rows)                                                          \
    for (; m >= (rows); m -= (rows)) {                                           \
        block(rows, cols, some, &p);                                             \
        p.a += (rows) * p.a_row, p.c += (rows) * p.ldc;                          \
    }
    BLOCKS_OF(ROWS)
#if defined __AVX512F__
    BLOCKS_OF(8)
#endif
    BLOCKS_OF(4)
    BLOCKS_OF(2)
    BLOCKS_OF(1)
#undef BLOCKS_OF
}

static void strip(int64_t m, int64_t n, const piece *p)
{
    if (n == STRIP) column(m, 2, WIDTH, *p);
    else if (n > WIDTH) column(m, 2, n - WIDTH, *p);
    else if (n == WIDTH) column(m, 1, WIDTH, *p);
    else column(m, 1, n, *p);
}

/* One row of a against much of b: more columns at a time keep the adders busy. */
static void one_row(int64_t n, piece p)
{
    for (; n >= 4 * STRIP; n -= 4 * STRIP) {
        block(1, 8, WIDTH, &p);
        p.b += 4 * STRIP, p.c += 4 * STRIP;
    }
    for (; n > 0; n -= STRIP) {
        strip(1, n < STRIP ? n : STRIP, &p);
        p.b += STRIP, p.c += STRIP;
    }
}

static void pack(float *to, const mg_matrix *b, int64_t row, int64_t rows, int64_t col, int64_t cols)
{
    const float *from = b->p + row * b->step_row + col * b->step_col;
    if (b->step_col == 1 && cols == STRIP)
        for (int64_t l = 0; l < rows; l++) memcpy(to + l * STRIP, from + l * b->step_row, STRIP * sizeof *to);
    else
        for (int64_t j = 0; j < cols; j++)
            for (int64_t l = 0; l < rows; l++) to[l * STRIP + j] = from[l * b->step_row + j * b->step_col];
}

static void clear(const mg_product_call *call)
{
    for (int64_t i = 0; i < call->m; i++) memset(call->c + i * call->ldc, 0, (size_t)call->n * sizeof(float));
}

void MG_K(product)(const mg_product_call *call)
{
    _Alignas(64) float packed[CHAIN * STRIP];
    bool is_packed = call->m > 2 * ROWS || call->b.step_col != 1;
    if (!call->adds) clear(call);
    for (int64_t l = 0; l < call->k; l += CHAIN)
        for (int64_t i = 0; i < call->m; i += TALL) {
            int64_t k = call->k - l < CHAIN ? call->k - l : CHAIN, m = call->m - i < TALL ? call->m - i : TALL;
            piece p = {.k = k, .a = call->a.p + i * call->a.step_row + l * call->a.step_col,
                       .a_row = call->a.step_row, .a_col = call->a.step_col,
                       .b = call->b.p + l * call->b.step_row, .b_row = call->b.step_row,
                       .c = call->c + i * call->ldc, .ldc = call->ldc};
            if (m == 1 && !is_packed) {
                one_row(call->n, p);
                continue;
            }
            for (int64_t j = 0; j < call->n; j += STRIP, p.c += STRIP) {
                int64_t n = call->n - j < STRIP ? call->n - j : STRIP;
                if (is_packed) {
                    pack(packed, &call->b, l, k, j, n);
                    p.b = packed, p.b_row = STRIP;
                } else {
                    p.b = call->b.p + l * call->b.step_row + j;
                }
                strip(m, n, &p);
            }
        }
}

/* ---- by lanes ---- */

/* A row of a times `cols` rows of b. */
ALWAYS void dots_of(int cols, const mg_product_call *p, int64_t i, int64_t j)
{
    vec sum[MOST];
    const float *a = p->a.p + i * p->a.step_row, *b = p->b.p + j * p->b.step_col;
    for (int s = 0; s < cols * VECTORS; s++) sum[s] = v_all(0);
    int64_t l = 0;
    for (; l + LANES <= p->k; l += LANES)
        for (int v = 0; v < VECTORS; v++) {
            vec x = v_load(a + l + v * WIDTH);
            for (int c = 0; c < cols; c++)
                sum[c * VECTORS + v] = v_fma(x, v_load(b + c * p->b.step_col + l + v * WIDTH), sum[c * VECTORS + v]);
        }
    for (int v = 0; l < p->k; v++, l += WIDTH) {
        int64_t some = p->k - l < WIDTH ? p->k - l : WIDTH;
        vec x = v_load_some(a + l, some);
        for (int c = 0; c < cols; c++)
            sum[c * VECTORS + v] = v_fma(x, v_load_some(b + c * p->b.step_col + l, some), sum[c * VECTORS + v]);
    }
    float *to = p->c + i * p->ldc + j;
    for (int c = 0; c < cols; c++) to[c] = (p->adds ? to[c] : 0) + v_tree(&sum[c * VECTORS]);
}

/* The rows of b are read once: those of a, which are few, stay in the nearest cache. */
void MG_K(dots)(const mg_product_call *call)
{
    int64_t j = 0;
    for (; j + 4 <= call->n; j += 4)
        for (int64_t i = 0; i < call->m; i++) dots_of(4, call, i, j);
    for (; j < call->n; j++)
        for (int64_t i = 0; i < call->m; i++) dots_of(1, call, i, j);
}
