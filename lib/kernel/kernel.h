/* SPDX-License-Identifier: MIT */
/* Loops over numbers. A kernel knows pointers, lengths and strides; shapes were checked a floor above, no graph is seen
   here. Readable references (reference.c) stand beside fast loops (fast/, one table for each instruction set); a test
   holds them together. */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include <mgen/kernel.h>

#include "kernel/each_list.h"

/* What a kernel sees of a tensor: where it starts, its axes, and the step along each in elements (0: broadcast). */
typedef struct {
    void *p;
    int rank;
    int64_t dim[MG_RANK], stride[MG_RANK];
} mg_span;

/* Memory that a kernel wants besides its operands, in reals: what the team has in common, and what each of it has. */
typedef struct { size_t shared, own; } mg_room;
typedef struct { mg_real *shared, *own; } mg_scratch;

int64_t mg_span_count(const mg_span *span);
bool mg_span_is_dense(const mg_span *span); /* row-major without holes */

/* ---- the table of loops over contiguous numbers ---- */

typedef void (*mg_each_fn)(int64_t n, mg_real *y, const mg_real *a, const mg_real *b, const mg_real *c, mg_real p,
                           mg_real q);

/* Units from .. to-1 of one step of an LSTM for one sequence of n units; act holds i, f, g, o after their functions, n
   each. */
typedef struct {
    int64_t n;
    const mg_real *pre;           /* 4n: pre-activations of i, f, g, o */
    const mg_real *c_before;      /* n */
    mg_real *act, *c, *h;         /* 4n, n, n */
} mg_lstm_row;

/* The same step backwards: what comes in, and what goes on to the step before. */
typedef struct {
    int64_t n;
    const mg_real *act, *c, *c_before;
    const mg_real *dh, *dy;       /* n: of the next step; of the output, NULL: none */
    const mg_real *dact;          /* 4n: of the activations themselves; NULL: none */
    mg_real *dpre;                /* 4n */
    mg_real *dc;                  /* n: in from the next step, out to the step before */
} mg_lstm_back_row;

/* What an update of one parameter needs besides its numbers; factors that depend on the step are computed once in
   double, in optim. */
typedef struct {
    mg_real rate, decay, l2, beta1, gain1, beta2, gain2, eps, momentum, root_scale; /* gain = 1 - beta, from double */
    bool is_first, is_nesterov, has_eps_inside;
} mg_update;
typedef void (*mg_update_fn)(int64_t n, mg_real *w, const mg_real *g, mg_real *s0, mg_real *s1, const mg_update *u);

/* c[m,n] = start[m,n] + a[m,k] b[k,n]; any of a and b may lie transposed. */
typedef struct { const mg_real *p; int64_t step_row, step_col; } mg_matrix;
/* b [k, n] in 8 bits, each column in steps of its own: step times q, |q| <= 127. Sums are of 32 bits, so k is at most
   MG_INT8_DEEPEST. */
enum { MG_INT8_BLOCK = 16, MG_INT8_QUAD = 4, MG_INT8_DEEPEST = 1 << 16 };
typedef struct {
    const int8_t *q;     /* [n / BLOCK][k / QUAD][BLOCK][QUAD], zeros beyond k and n; NULL: none */
    const mg_real *step; /* n */
} mg_int8;
/* b as one of the kinds of products reads it quickest; NULL: not that. */
typedef struct {
    const mg_real *panels; /* as `pack` leaves it */
    const uint16_t *bf16;  /* as `bf16_pack` leaves it */
    mg_int8 int8;          /* rows of a lie row by row */
} mg_packed;
typedef struct {
    int64_t m, n, k;
    mg_matrix a, b;
    mg_real *c;
    int64_t ldc; /* row length of c, whose rows are contiguous */
    const mg_real *start;  /* what is added to; c itself with ldc for +=; NULL: zeros */
    int64_t start_row;     /* to its next row; 0: all rows of c start alike */
    mg_packed packed;      /* instead of b */
    bool is_bf16;          /* computed in bfloat16; so is what was packed for it */
    mg_real *scratch;      /* mg_product_scratch numbers, where something is to be packed on the way */
} mg_product_call;

typedef struct {
    const char *name;
    mg_each_fn each[MG_EACH_COUNT];
    mg_real (*sum)(int64_t n, const mg_real *x);
    void (*softmax)(int64_t n, mg_real *y, const mg_real *x);     /* one row */
    void (*log_softmax)(int64_t n, mg_real *y, const mg_real *x); /* one row */
    void (*lstm_row)(int64_t from, int64_t to, const mg_lstm_row *row);
    void (*lstm_back_row)(int64_t from, int64_t to, const mg_lstm_back_row *row);
    /* Every element is start + chain + chain + ..., a chain being an FMA chain from 0 over the next MG_DEPTH of k:
       neither m and n nor the vector width shows in the result. */
    void (*product)(const mg_product_call *call);
    /* b [k, n] in the order in which product reads it, for products that come again: mg_panels_size(k, n) numbers.
       Columns from j on, a multiple of MG_STRIP, lie from number j k on. */
    void (*pack)(int64_t k, int64_t n, const mg_matrix *b, mg_real *panels);
    /* The same for b given as rows (b.step_row 1), each element a sum by 16 lanes: for few rows of a. */
    void (*dots)(const mg_product_call *call);
    /* c = start + a b in whole numbers, rows of a in 8 bits too, each in steps of its own: the largest is 127 steps. */
    void (*int8_product)(const mg_product_call *call);
    /* Both sides are rounded to bfloat16. Every element is start + pair + pair + ..., a pair being the sum of two FMA
       chains from 0, over the even and over the odd of the next MG_BF16_DEPTH of k; what is too small for a normal
       float is zero all along. */
    void (*bf16_product)(const mg_product_call *call);
    /* b [k, n] as it reads it: mg_bf16_size(k, n) bytes. */
    void (*bf16_pack)(int64_t k, int64_t n, const mg_matrix *b, uint16_t *tiles);
    mg_update_fn sgd, adam, rmsprop;
    double (*squares)(int64_t n, const mg_real *x); /* their sum, in double */
    void (*blend)(int64_t n, mg_real *y, const mg_real *x, mg_real keep, mg_real gain); /* y = keep y + gain x */
} mg_kernels;

/* ---- weights in 8 bits (int8.c) ---- */

mg_real mg_int8_step(mg_real largest); /* the step that reaches to it in 127; 0 of what is too small; NaN stays */
size_t mg_int8_bytes(int64_t k, int64_t n); /* of the memory that mg_int8_pack fills, aligned as reals are */
mg_int8 mg_int8_pack(int64_t k, int64_t n, const mg_matrix *b, void *memory);
mg_int8 mg_int8_from(const mg_int8 *b, int64_t k, int64_t j); /* its columns from j on, a multiple of 16 */
size_t mg_int8_scratch(int64_t m, int64_t k); /* numbers that a product of m rows of k wants */
void mg_int8_product(const mg_product_call *call); /* the reference of int8_product */

/* ---- products in bfloat16 (bf16.c, amx.c) ---- */

/* Packed, b is [n / TILE][k / DEPTH][DEPTH / 2][TILE][2], and a [m / TILE][k / DEPTH][TILE][DEPTH]; zeros beyond k. */
enum { MG_BF16_TILE = 16, MG_BF16_DEPTH = 32 };
size_t mg_bf16_size(int64_t k, int64_t n); /* bytes of b packed */
int64_t mg_bf16_at(int64_t k, int64_t j); /* where its columns from j on lie, a multiple of MG_BF16_TILE */
/* What a product packs of b at a time, for the second cache, and MG_BF16_MANY rows of a. */
enum { MG_BF16_ROOM = 1 << 19, MG_BF16_DEEPEST = 1024, MG_BF16_MANY = 64 };
typedef struct { int64_t k, n; } mg_bf16_part;
mg_bf16_part mg_bf16_part_of(int64_t k, int64_t n);
size_t mg_bf16_scratch(int64_t k, int64_t n); /* bytes that a product wants */
void mg_bf16_product(const mg_product_call *call); /* the reference of bf16_product */

/* Up to 32 rows of a against n columns of b, both packed. */
typedef struct {
    int64_t m, n, k;         /* k in tiles */
    const uint16_t *a, *b;
    int64_t a_tile, b_tile;  /* to the next tile of rows, of columns */
    float *c;
    int64_t ldc;
    const float *start;      /* NULL: zeros */
    int64_t start_row;
} mg_bf16_block;
bool mg_amx_is_there(void);
void mg_amx_block(const mg_bf16_block *block);
void mg_amx_end(void); /* after some blocks: registers that are not in use need not be kept */

/* ---- room for products ---- */

/* Rows of a that are few: loops of their own suit them. */
enum { MG_SKINNY = 16 };
/* What a product packs on the way, sized for the caches: MG_DEEP x MG_WIDE numbers of b and MG_DEPTH x MG_TALL of an
   `a` that lies transposed; where b is packed already, MG_DEPTH x MG_MANY of it. */
enum { MG_DEPTH = 128, MG_DEEP = 4 * MG_DEPTH, MG_WIDE = 512, MG_TALL = 48, MG_MANY = 192, MG_STRIP = 32 };
static inline size_t mg_larger(size_t a, size_t b) { return a > b ? a : b; }
/* Numbers of the memory for b [k, n] packed in floats or in bfloat16. */
static inline size_t mg_panels_size(int64_t k, int64_t n)
{
    size_t floats = (size_t)(k * ((n + MG_STRIP - 1) / MG_STRIP * MG_STRIP));
    return mg_larger(floats, mg_bf16_size(k, n) / sizeof(mg_real));
}
static inline size_t mg_product_scratch(int64_t n, int64_t k)
{
    size_t packed = mg_panels_size(k < MG_DEEP ? k : MG_DEEP, n < MG_WIDE ? n : MG_WIDE) +
                    (size_t)((k < MG_DEPTH ? k : MG_DEPTH) * MG_MANY);
    return mg_larger(packed, mg_larger(mg_int8_scratch(MG_SKINNY, k), mg_bf16_scratch(k, n) / sizeof(mg_real) + 1));
}

/* The loops of the processor class in use (mg_cpu_class); the references in a double build. */
const mg_kernels *mg_kernels_now(void);
extern const mg_kernels mg_kernels_reference;

/* ---- over spans (span.c) ---- */

/* y = f(a, b, c) for every element; y dense, inputs broadcast or strided at will and of y's shape. */
void mg_span_each(mg_each_what what, const mg_span *y, const mg_span *const in[], mg_real p, mg_real q);
/* y = x, both at any strides; elements of `size` bytes. */
void mg_span_copy(const mg_span *y, const mg_span *x, size_t size);
/* y = x summed, or its largest, over the axes where y has length 1; y dense. Fixed order. */
void mg_span_sum(const mg_span *y, const mg_span *x);
void mg_span_max(const mg_span *y, const mg_span *x);

/* ---- rows by number (rows.c) ---- */

/* y[b, k, :] = x[b, index[b, k], :] for `batch` blocks of `rows` rows, `picks` of them wanted; numbers outside
   clamp. */
typedef struct { int64_t batch, rows, picks, width; const int32_t *index; } mg_row_call;
void mg_rows_gather(const mg_row_call *call, mg_real *y, const mg_real *x);
/* y[b, index[b, k], :] += x[b, k, :] onto zeros, in the order of k. */
void mg_rows_scatter(const mg_row_call *call, mg_real *y, const mg_real *x);

/* Uniform numbers: y[outer, example, inner] is number (outer, inner) of the Philox sequence (seed, name, record +
   example). */
void mg_fill_uniform(int64_t outer, int64_t examples, int64_t inner, uint64_t seed, const char *name, uint64_t record,
                     mg_real *y);

/* ---- LSTM over time (lstm.c) ---- */

/* pre [T, B, 4H], h0, c0 [B, H], w [4H, H], mask [T, B]; y, c [T, B, H], act [T, B, 4H]. Sums run in chains where
   several rows and steps make packing worth while, else in lanes. */
typedef struct {
    mg_team team;
    int64_t steps, batch, units;
    const mg_real *pre, *h0, *c0, *w, *mask;
    mg_packed packed; /* w^T, where that was done before */
    bool is_bf16;     /* the products */
    mg_real *y, *c, *act;
    mg_scratch scratch; /* as mg_lstm_room says */
} mg_lstm_call;
void mg_lstm_forward(const mg_lstm_call *call);

/* dy, dc, dact may be NULL; dh0, dc0 [B, H] and dpre [T, B, 4H] are results. */
typedef struct {
    mg_team team;
    int64_t steps, batch, units;
    const mg_real *w, *mask, *c0, *c, *act, *dy, *dc, *dact;
    bool is_bf16;
    mg_real *dpre, *dh0, *dc0;
    mg_scratch scratch; /* as mg_lstm_back_room says */
} mg_lstm_back_call;
void mg_lstm_backward(const mg_lstm_back_call *call);
mg_room mg_lstm_room(int64_t steps, int64_t batch, int64_t units);
mg_room mg_lstm_back_room(int64_t steps, int64_t batch, int64_t units);

/* ---- convolutions (conv.c) ---- */

/* Cross-correlation over three axes (1 where there are less), zeros around the input:
       y[b, f, p] = sum over c, k of w[f, c, k] x[b, c, p stride + k dilation - before],
   x [batch, groups channels, in], w [groups filters, channels, kernel], y [batch, groups filters, out]; channels and
   filters are those of a group. */
typedef struct {
    mg_team team;
    bool is_bf16; /* the products */
    int64_t batch, groups, channels, filters;
    int64_t in[3], kernel[3], out[3], stride[3], dilation[3], before[3];
} mg_conv_call;
mg_room mg_conv_room(const mg_conv_call *conv); /* for each of these */
void mg_conv_run(const mg_conv_call *conv, const mg_real *x, const mg_real *w, mg_real *y, mg_scratch scratch);
/* Its transposes: the sums that are linear in y and w, or in x and y. */
void mg_conv_run_to_input(const mg_conv_call *conv, const mg_real *y, const mg_real *w, mg_real *x,
                          mg_scratch scratch);
void mg_conv_run_to_kernel(const mg_conv_call *conv, const mg_real *x, const mg_real *y, mg_real *w,
                           mg_scratch scratch);

/* ---- products (product.c) ---- */

/* The product by whichever loops suit its shape: up to MG_SKINNY rows by own loops whose result for a row does not
   depend on the other rows, else by the library behind onednn.c. One call by each of a team makes it, each with scratch
   of its own; the size of the team does not show in the result. */
void mg_product(const mg_product_call *call, mg_team team);

/* ---- the door to oneDNN (onednn.c) ---- */

/* False where it cannot (a double build, or neither axis of a or b contiguous): then nothing was done. */
bool mg_onednn_product(const mg_product_call *call);
const char *mg_onednn_version(void);

#endif
