/* SPDX-License-Identifier: MIT */
/* Matrix products by blocks of rows x columns held in registers. Both loops obey a law that knows neither blocks nor
   vector width (kernel.h), so the plain loops of kernel/reference.c give the same bits. */
#include "kernel/fast/fast.h"
#include "kernel/fast/vector.h"

/* ---- by chains ---- */

/* A block of the result fills the registers: ROWS x 2 vectors of sums, each a chain. Of b, MG_DEEP x MG_WIDE numbers
   are packed at a time, in panels of STRIP columns; they stay in the second cache, as does the part of c that is of
   MG_TALL rows of a, which go by one chain after the other. Of these MG_DEPTH columns stay in the nearest cache,
   packed, in panels of ROWS rows, if they lie transposed. */
#if defined __AVX512F__
enum { ROWS = 12, IN_ROW = 16 * WIDTH };
#elif defined __AVX2__
enum { ROWS = 6, IN_ROW = 12 * WIDTH };
#else
enum { ROWS = 4, IN_ROW = 12 * WIDTH };
#endif
enum { STRIP = 2 * WIDTH, FEW = 2 * ROWS, MOST = 24, LINE = 16 };
_Static_assert(MG_TALL % ROWS == 0 && MG_MANY % ROWS == 0, "panels of a are whole");
_Static_assert(MG_STRIP % STRIP == 0 && MG_WIDE % STRIP == 0, "panels of b are whole");

/* What comes after the rows of a that are gone through: fetched on the way, some lines a block. */
typedef struct {
    const float *p;
    int64_t step, lines; /* of `lines` times LINE numbers, to the next of these */
    int64_t left, at_once;
} fetch;

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

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
    fetch *later;       /* NULL: nothing */
} piece;

/* A vector of c: start + a chain; `some` of its numbers. */
ALWAYS void add_up(vec chain, int64_t some, const piece *p, int i, int j)
{
    float *to = p->c + i * p->ldc + j * WIDTH;
    const float *start = p->start ? p->start + i * p->start_row + j * WIDTH : NULL;
    vec before = !start ? v_all(0) : some == WIDTH ? v_load(start) : v_load_some(start, some);
    if (some == WIDTH) v_store(to, before + chain);
    else v_store_some(to, before + chain, some);
}

/* c[rows, cols] = start + a chain, cols in vectors; the last vector has `some` numbers. A row of a is found from the
   first of three: for so many addresses there are registers. */
ALWAYS void block(int rows, int cols, int64_t some, bool fetches, const piece *p)
{
    enum { APART = 3 };
    vec sum[MOST];
    const float *a[ROWS / APART + 1], *b = p->b, *ahead = p->ahead;
    int64_t a_row = p->a_row;
    for (int i = 0; i < rows; i += APART) a[i / APART] = p->a + i * a_row;
    for (int i = 0; i < rows && p->start; i++) /* so that it is there in the end */
        for (int j = 0; j < cols; j++) __builtin_prefetch(p->start + i * p->start_row + j * WIDTH);
#pragma GCC unroll 24 /* else they are cleared in memory */
    for (int i = 0; i < rows * cols; i++) sum[i] = v_all(0);
#pragma GCC unroll 4
    for (int64_t l = 0; l < p->k; l++) {
        vec row[MOST];
        for (int j = 0; j < cols; j++) {
            int64_t in_panel = j / 2 * p->b_panel + j % 2 * WIDTH;
            if (fetches) __builtin_prefetch(ahead + in_panel, 0, 2); /* a strip later, so not into the nearest cache */
            row[j] = j < cols - 1 || some == WIDTH ? v_load(b + in_panel) : v_load_some(b + in_panel, some);
        }
        for (int i = 0; i < rows; i++) {
            vec x = v_all(a[i / APART][i % APART * a_row]);
            for (int j = 0; j < cols; j++) sum[i * cols + j] = v_fma(x, row[j], sum[i * cols + j]);
        }
        for (int i = 0; i < rows; i += APART) a[i / APART] += p->a_col;
        b += p->b_row;
        if (fetches) ahead += p->ahead_row;
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) add_up(sum[i * cols + j], j < cols - 1 ? WIDTH : some, p, i, j);
}

static void go_on(fetch *f)
{
    for (int64_t i = 0; i < f->at_once && f->left > 0; i++, f->left--, f->p += f->step)
        for (int64_t line = 0; line < f->lines; line++) __builtin_prefetch(f->p + line * LINE, 0, 2);
}

/* As many rows as there are, in blocks of ROWS, then of less; where 16 are left, two of 8, unless they are packed by
   ROWS. Each fetches its share of what comes next. */
ALWAYS void column(int64_t m, int cols, int64_t some, piece p)
{
    int64_t all = m;
#define BLOCKS_OF(rows, wanted)                                                  \
    for (; m >= (rows) && (wanted); m -= (rows)) {                               \
        if ((rows) == ROWS && p.later) {                                         \
            go_on(p.later);                                                      \
            block(rows, cols, some, false, &p);                                  \
        } else {                                                                 \
            p.ahead_row = p.b_row * (rows) / all;                                \
            block(rows, cols, some, true, &p);                                   \
            p.ahead += p.ahead_row * p.k;                                        \
        }                                                                        \
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

/* One row of a against `cols` vectors of b, the last of `some` numbers. There is nothing to do but to read b, in order:
   the caches see that for themselves, and are slower where they are told. */
ALWAYS void row(int cols, int64_t some, int64_t b_panel, const piece *p)
{
    vec sum[MOST];
    const float *a = p->a, *b = p->b;
#pragma GCC unroll 24
    for (int j = 0; j < cols; j++) sum[j] = v_all(0);
#pragma GCC unroll 4
    for (int64_t l = 0; l < p->k; l++, a += p->a_col, b += p->b_row) {
        vec x = v_all(*a);
#pragma GCC unroll 24
        for (int j = 0; j < cols; j++) {
            const float *from = b + j / 2 * b_panel + j % 2 * WIDTH;
            sum[j] = v_fma(x, j < cols - 1 || some == WIDTH ? v_load(from) : v_load_some(from, some), sum[j]);
        }
    }
#pragma GCC unroll 24
    for (int j = 0; j < cols; j++) add_up(sum[j], j < cols - 1 ? WIDTH : some, p, 0, j);
}

/* Of panels at most 4 at a time, which keep the adders busy; else as many columns as there are registers for. */
static void one_row(int64_t n, const piece *p)
{
    int64_t some = n % WIDTH ? n % WIDTH : WIDTH, cols = (n + WIDTH - 1) / WIDTH;
#define COLUMNS(cols, b_panel) case cols: row(cols, some, b_panel, p); return;
    if (p->b_panel != STRIP)
        switch (cols) {
        COLUMNS(1, p->b_panel) COLUMNS(2, p->b_panel) COLUMNS(3, p->b_panel) COLUMNS(4, p->b_panel)
        COLUMNS(5, p->b_panel) COLUMNS(6, p->b_panel) COLUMNS(7, p->b_panel) COLUMNS(8, p->b_panel)
        }
    switch (cols) {
    COLUMNS(1, STRIP) COLUMNS(2, STRIP) COLUMNS(3, STRIP) COLUMNS(4, STRIP) COLUMNS(5, STRIP) COLUMNS(6, STRIP)
    COLUMNS(7, STRIP) COLUMNS(8, STRIP) COLUMNS(9, STRIP) COLUMNS(10, STRIP) COLUMNS(11, STRIP) COLUMNS(12, STRIP)
#if defined __AVX512F__
    COLUMNS(13, STRIP) COLUMNS(14, STRIP) COLUMNS(15, STRIP) COLUMNS(16, STRIP)
#endif
    }
#undef COLUMNS
}

/* Rows of a, k deep, against n columns of b: strip by strip, of each a chain after the other. */
static void strips(int64_t rows, int64_t k, int64_t n, const piece *from)
{
    int64_t wide = rows > 1 ? STRIP : from->b_panel == STRIP ? IN_ROW : 4 * STRIP;
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
            if (rows == 1) one_row(cols, &p);
            else strip(rows, cols, &p);
        }
}

/* ---- packing ---- */

/* Columns of b, which lie as rows of `from`, as a panel: a line of each at a time. */
static void turn_panel(float *to, const float *from, int64_t step, int64_t rows, int64_t cols)
{
    for (int64_t l = 0; l < rows; l += LINE) {
        int64_t end = least(rows, l + LINE), whole = end - end % 4, j = 0;
        for (; j + 4 <= cols; j += 4) {
            for (int64_t i = l; i < whole; i += 4) v_turn_4x4(to + i * STRIP + j, STRIP, from + i + j * step, step);
            for (int64_t i = whole; i < end; i++)
                for (int64_t c = j; c < j + 4; c++) to[i * STRIP + c] = from[i + c * step];
        }
        for (; j < cols; j++)
            for (int64_t i = l; i < end; i++) to[i * STRIP + j] = from[i + j * step];
    }
}

/* Columns col .. col + cols - 1 of b as a panel: `rows` rows of STRIP numbers. */
static void pack_panel(float *to, const mg_matrix *b, int64_t rows, int64_t col, int64_t cols)
{
    const float *from = b->p + col * b->step_col;
    if (b->step_row == 1)
        turn_panel(to, from, b->step_col, rows, cols);
    else
        for (int64_t l = 0; l < rows; l++)
            for (int64_t j = 0; j < cols; j++) to[l * STRIP + j] = from[l * b->step_row + j * b->step_col];
}

void MG_K(pack)(int64_t k, int64_t n, const mg_matrix *b, mg_real *panels)
{
    int64_t whole = b->step_col == 1 ? n - n % STRIP : 0;
    for (int64_t l = 0; l < k && whole > 0; l++)
        for (int64_t j = 0; j < whole; j += STRIP)
            memcpy(panels + j * k + l * STRIP, b->p + l * b->step_row + j, STRIP * sizeof *panels);
    for (int64_t j = whole; j < n; j += STRIP)
        pack_panel(panels + j * k, b, k, j, n - j < STRIP ? n - j : STRIP);
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

/* Part of the whole: rows of a from i on, k of its columns from l on, columns of b from j on. */
typedef struct { int64_t i, m, l, k, j, n; } part;

/* panels: of the part's k and n, a strip `panel` numbers after the other; packed: room for its rows of a. */
static void compute(const mg_product_call *call, part t, const float *panels, int64_t panel, float *packed,
                    fetch *later)
{
    int64_t a_row = call->a.step_row, a_col = call->a.step_col;
    piece p = {.a = call->a.p + t.i * a_row + t.l * a_col, .a_row = a_row, .a_col = a_col, .a_block = ROWS * a_row,
               .is_turned = a_col != 1, .b = panels, .b_row = STRIP, .b_panel = panel,
               .c = call->c + t.i * call->ldc + t.j, .ldc = call->ldc, .start_row = call->ldc, .later = later};
    if (t.l > 0) p.start = p.c;
    else if (call->start) p.start = call->start + t.i * call->start_row + t.j, p.start_row = call->start_row;
    if (p.is_turned) {
        pack_rows(packed, p.a, a_row, a_col, t.k, t.m);
        p.a = packed, p.a_row = 1, p.a_col = ROWS, p.a_block = ROWS * t.k;
    }
    strips(t.m, t.k, t.n, &p);
}

/* What the part reads of a, while one of m rows and n columns is computed. */
static fetch fetch_rows(const mg_matrix *a, part t, int64_t m, int64_t n)
{
    int64_t blocks = (m + ROWS - 1) / ROWS * ((n + STRIP - 1) / STRIP);
    bool is_turned = a->step_col != 1;
    fetch f = {.p = a->p + t.i * a->step_row + t.l * a->step_col, .step = is_turned ? a->step_col : a->step_row,
               .lines = ((is_turned ? t.m : t.k) + LINE - 1) / LINE, .left = is_turned ? t.k : t.m};
    f.at_once = (f.left + blocks - 1) / blocks;
    return f;
}

/* All rows of a against packed columns of b, some rows at a time, of which all chains. */
static void all_rows(const mg_product_call *call, part t, const float *panels, float *packed)
{
    for (part now = t; now.i < t.m; now.i += MG_TALL) {
        now.m = least(t.m - now.i, MG_TALL);
        for (now.l = t.l; now.l < t.l + t.k; now.l += MG_DEPTH) {
            now.k = least(t.l + t.k - now.l, MG_DEPTH);
            part next = now;
            next.l += MG_DEPTH;
            if (next.l >= t.l + t.k) next.l = t.l, next.i += MG_TALL;
            next.m = least(t.m - next.i, MG_TALL), next.k = least(t.l + t.k - next.l, MG_DEPTH);
            fetch later = next.i < t.m ? fetch_rows(&call->a, next, now.m, now.n) : (fetch){0};
            compute(call, now, panels + (now.l - t.l) * STRIP, t.k * STRIP, packed, &later);
        }
    }
}

static void packing(const mg_product_call *call)
{
    for (part t = {.m = call->m}; t.j < call->n; t.j += MG_WIDE)
        for (t.l = 0; t.l < call->k; t.l += MG_DEEP) {
            mg_matrix b = call->b;
            b.p += t.l * b.step_row + t.j * b.step_col;
            t.n = least(call->n - t.j, MG_WIDE), t.k = least(call->k - t.l, MG_DEEP);
            MG_K(pack)(t.k, t.n, &b, call->scratch);
            all_rows(call, t, call->scratch, call->scratch + mg_panels_size(t.k, t.n));
        }
}

/* Few rows stay in the nearest cache at any depth; then the panels are read in one go. Of more, a chain's worth. */
static void packed_before(const mg_product_call *call)
{
    int64_t depth = call->m <= FEW && call->a.step_col == 1 ? call->k : MG_DEPTH;
    for (part t = {.n = call->n}; t.l < call->k; t.l += depth)
        for (t.i = 0, t.k = least(call->k - t.l, depth); t.i < call->m; t.i += t.m) {
            t.m = least(call->m - t.i, MG_MANY);
            compute(call, t, call->packed.panels + t.l * STRIP, call->k * STRIP, call->scratch, NULL);
        }
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
