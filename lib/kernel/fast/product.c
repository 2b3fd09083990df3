/* SPDX-License-Identifier: MIT */
/* Matrix products by blocks of rows x columns held in registers. Both loops obey a law that knows neither blocks nor
   vector width (kernel.h), so the plain loops of kernel/reference.c give the same bits. */
#include "kernel/fast/fast.h"
#include "kernel/fast/vector.h"

/* ---- by chains ---- */

/* A block of the result fills the registers: ROWS x 2 vectors of sums, each a chain. Of b, MG_DEPTH x MG_WIDE numbers
   are packed at a time, in panels of STRIP columns, each of which stays in the nearest cache while MG_TALL rows of a go
   by; of an `a` that lies transposed, MG_DEPTH x MG_TALL numbers, in panels of ROWS rows. */
#if defined __AVX512F__
enum { ROWS = 12 };
#elif defined __AVX2__
enum { ROWS = 6 };
#else
enum { ROWS = 4 };
#endif
enum { AHEAD = 32, STRIP = 2 * WIDTH, FEW = 2 * ROWS, MOST = 24 };
_Static_assert(MG_TALL % ROWS == 0 && MG_STRIP % STRIP == 0 && MG_WIDE % STRIP == 0, "panels are whole");

/* One block: where its rows of a, its columns of b and its place in c lie. */
typedef struct {
    int64_t k; /* up to MG_DEPTH; strips() sets it, and ahead, for each block */
    const float *a;
    int64_t a_row, a_col, a_block; /* to the next row, column, ROWS rows */
    bool is_turned;                /* it lay transposed, and rows are packed by ROWS */
    const float *b;
    int64_t b_row, b_panel;        /* to the next row, STRIP columns */
    float *c;
    int64_t ldc;
    const float *start; /* NULL: zeros */
    int64_t start_row;
    const float *ahead; /* what to fetch meanwhile, as much at each row of b as there are columns, past the end too */
    int64_t ahead_row;
} piece;

/* c[rows, cols] = start + a chain, cols in vectors; the last vector has `some` numbers. A row of a is found from the
   first of three: for so many addresses there are registers. */
ALWAYS void block(int rows, int cols, int64_t some, const piece *p)
{
    enum { APART = 3 };
    vec sum[MOST];
    const float *a[ROWS / APART + 1], *b = p->b, *ahead = p->ahead;
    int64_t a_row = p->a_row;
    for (int i = 0; i < rows; i += APART) a[i / APART] = p->a + i * a_row;
    for (int i = 0; i < rows && p->start; i++) /* so that it is there in the end */
        for (int j = 0; j < cols; j++) __builtin_prefetch(p->start + i * p->start_row + j * WIDTH);
    for (int i = 0; i < rows * cols; i++) sum[i] = v_all(0);
#pragma GCC unroll 4
    for (int64_t l = 0; l < p->k; l++) {
        vec row[MOST];
        for (int j = 0; j < cols; j++) {
            int64_t in_panel = j / 2 * p->b_panel + j % 2 * WIDTH;
            if (rows == 1) __builtin_prefetch(ahead + in_panel); /* it comes next */
            else __builtin_prefetch(ahead + in_panel, 0, 2);     /* a strip later, so further away */
            row[j] = j < cols - 1 || some == WIDTH ? v_load(b + in_panel) : v_load_some(b + in_panel, some);
        }
        for (int i = 0; i < rows; i++) {
            vec x = v_all(a[i / APART][i % APART * a_row]);
            for (int j = 0; j < cols; j++) sum[i * cols + j] = v_fma(x, row[j], sum[i * cols + j]);
        }
        for (int i = 0; i < rows; i += APART) a[i / APART] += p->a_col;
        b += p->b_row;
        ahead += p->ahead_row;
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) {
            bool is_whole = j < cols - 1 || some == WIDTH;
            float *to = p->c + i * p->ldc + j * WIDTH;
            const float *start = p->start ? p->start + i * p->start_row + j * WIDTH : NULL;
            vec before = !start ? v_all(0) : is_whole ? v_load(start) : v_load_some(start, some);
            vec x = before + sum[i * cols + j];
            if (is_whole) v_store(to, x);
            else v_store_some(to, x, some);
        }
}

/* As many rows as there are, in blocks of ROWS, then of less; where 16 are left, two of 8, unless they are packed by
   ROWS. Each fetches its share of what comes next. */
ALWAYS void column(int64_t m, int cols, int64_t some, piece p)
{
    int64_t all = m;
#define BLOCKS_OF(rows, wanted)                                                  \
    for (; m >= (rows) && (wanted); m -= (rows)) {                               \
        p.ahead_row = p.b_row * (rows) / all;                                    \
        block(rows, cols, some, &p);                                             \
        p.ahead += p.ahead_row * p.k;                                            \
        p.a += (rows) == ROWS ? p.a_block : (rows) * p.a_row;                    \
        p.c += (rows) * p.ldc;                                                   \
        if (p.start) p.start += (rows) * p.start_row;                            \
    }
#if defined __AVX512F__
    BLOCKS_OF(ROWS, p.is_turned || m != 16)
    BLOCKS_OF(8, true)
#else
    BLOCKS_OF(ROWS, true)
#endif
    BLOCKS_OF(4, true)
    BLOCKS_OF(2, true)
    BLOCKS_OF(1, true)
#undef BLOCKS_OF
}

static void strip(int64_t m, int64_t n, const piece *p)
{
    if (n == STRIP) column(m, 2, WIDTH, *p);
    else if (n > WIDTH) column(m, 2, n - WIDTH, *p);
    else if (n == WIDTH) column(m, 1, WIDTH, *p);
    else column(m, 1, n, *p);
}

/* One row of a against up to 4 strips of b: as many at a time keep the adders busy. */
static void one_row_of(int64_t n, piece *p)
{
    p->ahead = p->b + AHEAD * p->b_row;
    p->ahead_row = p->b_row;
    int64_t some = n % WIDTH ? n % WIDTH : WIDTH;
    switch ((n + WIDTH - 1) / WIDTH) {
#define COLUMNS(cols) \
    case cols: block(1, cols, some, p); return;
    COLUMNS(1) COLUMNS(2) COLUMNS(3) COLUMNS(4) COLUMNS(5) COLUMNS(6) COLUMNS(7)
    default: block(1, 8, some, p);
#undef COLUMNS
    }
}

/* Rows of a, k deep, against n columns of b: strip by strip, of each a chain after the other. */
static void strips(int64_t rows, int64_t k, int64_t n, const piece *from)
{
    int64_t wide = (rows == 1 ? 4 : 1) * STRIP;
    for (int64_t j = 0; j < n; j += wide)
        for (int64_t l = 0; l == 0 || l < k; l += MG_DEPTH) {
            bool is_last = l + MG_DEPTH >= k;
            int64_t cols = n - j < wide ? n - j : wide;
            const float *strip_of_b = from->b + j / STRIP * from->b_panel;
            piece p = *from;
            p.k = is_last ? k - l : MG_DEPTH;
            p.a += l * p.a_col;
            p.b = strip_of_b + l * p.b_row;
            p.ahead = strip_of_b + (is_last ? p.b_panel : (l + MG_DEPTH) * p.b_row);
            p.c += j;
            if (p.start) p.start += j;
            if (l > 0) p.start = p.c, p.start_row = p.ldc;
            if (rows == 1) one_row_of(cols, &p);
            else strip(rows, cols, &p);
        }
}

/* ---- packing ---- */

/* Columns col .. col + cols - 1 of b as a panel: `rows` rows of STRIP numbers. */
static void pack_panel(float *to, const mg_matrix *b, int64_t row, int64_t rows, int64_t col, int64_t cols)
{
    const float *from = b->p + row * b->step_row + col * b->step_col;
    if (b->step_col == 1 && cols == STRIP)
        for (int64_t l = 0; l < rows; l++) memcpy(to + l * STRIP, from + l * b->step_row, STRIP * sizeof *to);
    else if (b->step_row == 1)
        for (int64_t l = 0; l < rows; l += WIDTH)
            for (int64_t j = 0; j < cols; j++)
                for (int64_t i = l; i < l + WIDTH && i < rows; i++) to[i * STRIP + j] = from[i + j * b->step_col];
    else
        for (int64_t l = 0; l < rows; l++)
            for (int64_t j = 0; j < cols; j++) to[l * STRIP + j] = from[l * b->step_row + j * b->step_col];
}

void MG_K(pack)(int64_t k, int64_t n, const mg_matrix *b, mg_real *panels)
{
    for (int64_t j = 0; j < n; j += STRIP, panels += k * STRIP)
        pack_panel(panels, b, 0, k, j, n - j < STRIP ? n - j : STRIP);
}

/* Rows of a that lies transposed, `k` columns of them, in panels of ROWS: some columns at a time, as they are far apart
   in memory. */
static void pack_rows(float *to, const float *a, int64_t step_row, int64_t step_col, int64_t k, int64_t rows)
{
    enum { SOME = 8 };
    for (int64_t from = 0; from < k; from += SOME) {
        int64_t end = from + SOME < k ? from + SOME : k, r = 0;
        if (step_row == 1)
            for (; r + ROWS <= rows; r += ROWS)
                for (int64_t l = from; l < end; l++)
                    memcpy(to + r * k + l * ROWS, a + r + l * step_col, ROWS * sizeof *to);
        for (; r < rows; r++)
            for (int64_t l = from; l < end; l++)
                to[r / ROWS * ROWS * k + l * ROWS + r % ROWS] = a[r * step_row + l * step_col];
    }
}

/* ---- products ---- */

/* b as it lies, its rows contiguous; without any, it is not read and need not be there. */
static void unpacked(const mg_product_call *call)
{
    piece p = {.a = call->a.p, .a_row = call->a.step_row, .a_col = call->a.step_col,
               .a_block = ROWS * call->a.step_row, .b = call->k > 0 ? call->b.p : call->c,
               .b_row = call->b.step_row, .b_panel = STRIP,
               .c = call->c, .ldc = call->ldc, .start = call->start, .start_row = call->start_row};
    strips(call->m, call->k, call->n, &p);
}

/* The k numbers from `from` on; `packed` has room for rows of a. */
static void some_depth(const mg_product_call *call, int64_t from, int64_t k, int64_t j, int64_t n, const float *panels,
                       int64_t panel, float *packed)
{
    bool is_turned = call->a.step_col != 1;
    int64_t a_row = call->a.step_row, a_col = call->a.step_col;
    piece p = {.a_row = a_row, .a_col = a_col, .a_block = ROWS * a_row, .b = panels, .b_row = STRIP,
               .b_panel = panel, .ldc = call->ldc, .start_row = from == 0 ? call->start_row : call->ldc};
    const float *start = from == 0 ? call->start : call->c;
    if (is_turned) p.is_turned = true, p.a_row = 1, p.a_col = ROWS, p.a_block = ROWS * k;
    for (int64_t i = 0; i < call->m; i += MG_TALL) {
        int64_t rows = call->m - i < MG_TALL ? call->m - i : MG_TALL;
        p.a = call->a.p + i * a_row + from * a_col;
        p.c = call->c + i * call->ldc + j;
        p.start = start ? start + i * p.start_row + j : NULL;
        if (is_turned) {
            pack_rows(packed, p.a, a_row, a_col, k, rows);
            p.a = packed;
        }
        strips(rows, k, n, &p);
    }
}

static void packing(const mg_product_call *call)
{
    for (int64_t j = 0; j < call->n; j += MG_WIDE)
        for (int64_t l = 0; l < call->k; l += MG_DEPTH) {
            int64_t n = call->n - j < MG_WIDE ? call->n - j : MG_WIDE;
            int64_t k = call->k - l < MG_DEPTH ? call->k - l : MG_DEPTH;
            mg_matrix b = call->b;
            b.p += l * b.step_row + j * b.step_col;
            MG_K(pack)(k, n, &b, call->scratch);
            some_depth(call, l, k, j, n, call->scratch, k * STRIP, call->scratch + mg_panels_size(k, n));
        }
}

/* Few rows stay in the nearest cache at any depth; then the panels are read in one go. */
static void packed_before(const mg_product_call *call)
{
    int64_t depth = call->m <= FEW && call->a.step_col == 1 ? call->k : MG_DEPTH;
    for (int64_t l = 0; l < call->k; l += depth)
        some_depth(call, l, call->k - l < depth ? call->k - l : depth, 0, call->n, call->packed.panels + l * STRIP,
                   call->k * STRIP, call->scratch);
}

void MG_K(product)(const mg_product_call *call)
{
    if (call->k == 0) unpacked(call);
    else if (call->packed.panels) packed_before(call);
    else if (call->m <= FEW && call->b.step_col == 1) unpacked(call);
    else packing(call);
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
    const float *start = p->start ? p->start + i * p->start_row + j : NULL;
    for (int c = 0; c < cols; c++) to[c] = (start ? start[c] : 0) + v_tree(&sum[c * VECTORS]);
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
