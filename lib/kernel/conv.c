/* SPDX-License-Identifier: MIT */
/* Convolutions as matrix products. What the taps of a filter see is gathered into the columns of a matrix, one for each
   place of the result, a block of places at a time: with w as [filters, taps] and the columns as [taps, places],

       y = w columns,     columns' cotangent = w^T y, spread over x again,     w = sum over blocks of y columns^T.

   A block is some places of one example, or all places of several, so that filters are read as seldom as may be. Of a
   team each moves some channels or filters, and makes its part of the products. */
#include "kernel/kernel.h"

#include <string.h>

enum { ROOM = 1 << 19, FEWEST = 128, MOST = 4096, MARGIN = 16 }; /* numbers of a block; its places; between rows */

typedef struct {
    const mg_conv_call *c;
    int64_t taps, places; /* of a filter; of an example */
    int64_t width;        /* most places of a block */
    int64_t row;          /* numbers from one row of a block to the next */
    mg_real *columns, *tile, *scratch;
} work;

/* Places from `first` of `examples` examples from `example`: one with some of its places, or several with all. */
typedef struct { int64_t example, examples, first, places; } block;

static int64_t volume(const int64_t n[3]) { return n[0] * n[1] * n[2]; }

static work plan(const mg_conv_call *c)
{
    work w = {.c = c, .taps = c->channels * volume(c->kernel), .places = volume(c->out)};
    int64_t fits = w.taps > 0 ? ROOM / w.taps : MOST, all = c->batch * w.places;
    w.width = fits < FEWEST ? FEWEST : fits > MOST ? MOST : fits;
    if (w.width > all) w.width = all;
    w.row = w.width + MARGIN;
    return w;
}

/* For the largest of the three products. */
static size_t product_scratch(const work *w)
{
    int64_t deepest = w->taps > w->c->filters ? w->taps : w->c->filters;
    int64_t widest = w->taps > w->width ? w->taps : w->width;
    return mg_product_scratch(widest, deepest > w->width ? deepest : w->width);
}

mg_room mg_conv_room(const mg_conv_call *c)
{
    work w = plan(c);
    return (mg_room){(size_t)((w.taps + c->filters) * w.row), product_scratch(&w)};
}

static work begin(const mg_conv_call *c, mg_scratch scratch)
{
    work w = plan(c);
    w.columns = scratch.shared;
    w.tile = scratch.shared + w.taps * w.row;
    w.scratch = scratch.own;
    return w;
}

/* The block that starts where b ended; false at the end. */
static bool next(const work *w, block *b)
{
    b->first += b->places;
    if (b->first == w->places) b->first = 0, b->example += b->examples;
    if (b->example >= w->c->batch || w->places == 0) return false;
    int64_t whole = w->width / w->places, left = w->c->batch - b->example;
    b->examples = whole < 1 ? 1 : whole < left ? whole : left;
    b->places = w->places - b->first < w->width ? w->places - b->first : w->width;
    return true;
}

static int64_t columns_of(const block *b) { return b->examples * b->places; }

/* ---- between x and the columns ---- */

/* Places lo .. hi - 1 of n along an axis whose tap, at `tap`, falls inside the input. */
static void inside(const mg_conv_call *c, int axis, int64_t tap, int64_t *lo, int64_t *hi)
{
    int64_t shift = tap * c->dilation[axis] - c->before[axis], stride = c->stride[axis], room = c->in[axis] - shift;
    *lo = shift < 0 ? (-shift + stride - 1) / stride : 0;
    *hi = room > 0 ? (room + stride - 1) / stride : 0;
    if (*hi > c->out[axis]) *hi = c->out[axis];
    if (*lo > *hi) *lo = *hi;
}

typedef struct {
    const mg_conv_call *c;
    int64_t lo[3], hi[3]; /* places that the tap reaches */
    int64_t shift[3];     /* where it lies at place 0 */
} tap_view;

static tap_view view_of(const mg_conv_call *c, int64_t tap)
{
    tap_view v = {.c = c};
    for (int axis = 2; axis >= 0; axis--) {
        int64_t k = tap % c->kernel[axis];
        tap /= c->kernel[axis];
        inside(c, axis, k, &v.lo[axis], &v.hi[axis]);
        v.shift[axis] = k * c->dilation[axis] - c->before[axis];
    }
    return v;
}

/* A run of `n` places along the last axis, of which lo .. hi - 1 are inside the input, the first of these at `from` in
   the channel. */
typedef struct { int64_t n, lo, hi, from; } run;

/* The run at places p .. end - 1 of an example. */
static run run_at(const tap_view *v, int64_t p, int64_t end)
{
    const mg_conv_call *c = v->c;
    int64_t x = p % c->out[2], y = p / c->out[2] % c->out[1], z = p / c->out[2] / c->out[1];
    int64_t n = c->out[2] - x < end - p ? c->out[2] - x : end - p;
    run r = {.n = n};
    if (z < v->lo[0] || z >= v->hi[0] || y < v->lo[1] || y >= v->hi[1]) return r;
    r.lo = v->lo[2] > x ? v->lo[2] - x : 0;
    r.hi = v->hi[2] - x < n ? v->hi[2] - x : n;
    if (r.lo >= r.hi) return r.lo = r.hi = 0, r;
    int64_t iz = z * c->stride[0] + v->shift[0], iy = y * c->stride[1] + v->shift[1];
    r.from = (iz * c->in[1] + iy) * c->in[2] + (x + r.lo) * c->stride[2] + v->shift[2];
    return r;
}

static void gather_run(mg_real *to, const mg_real *x, const run *r, int64_t stride)
{
    for (int64_t i = 0; i < r->lo; i++) to[i] = 0;
    if (stride == 1) memcpy(to + r->lo, x + r->from, (size_t)(r->hi - r->lo) * sizeof *to);
    else for (int64_t i = r->lo, at = r->from; i < r->hi; i++, at += stride) to[i] = x[at];
    for (int64_t i = r->hi; i < r->n; i++) to[i] = 0;
}

static void spread_run(mg_real *x, const mg_real *from, const run *r, int64_t stride)
{
    for (int64_t i = r->lo, at = r->from; i < r->hi; i++, at += stride) x[at] += from[i];
}

/* Every run of every tap of a block, of its channels: columns from x, or x from columns. */
static void each_run(const work *w, const block *b, int64_t group, mg_real *x, bool gathers)
{
    const mg_conv_call *c = w->c;
    int64_t taps = volume(c->kernel), size = volume(c->in), first, last;
    mg_team_part(c->team, c->channels, 1, &first, &last);
    for (int64_t row = first * taps; row < last * taps; row++) {
        tap_view v = view_of(c, row % taps);
        mg_real *columns = w->columns + row * w->row;
        for (int64_t e = 0; e < b->examples; e++) {
            mg_real *channel = x + (((b->example + e) * c->groups + group) * c->channels + row / taps) * size;
            int64_t p = b->first, end = b->first + b->places;
            for (run r; p < end; p += r.n, columns += r.n) {
                r = run_at(&v, p, end);
                if (gathers) gather_run(columns, channel, &r, c->stride[2]);
                else spread_run(channel, columns, &r, c->stride[2]);
            }
        }
    }
}

/* ---- between y and a tile [filters, places of the block] ---- */

static mg_real *in_y(const work *w, const block *b, int64_t group, int64_t e, mg_real *y)
{
    return y + ((b->example + e) * w->c->groups + group) * w->c->filters * w->places + b->first;
}

/* y's part of the block as a matrix: where it lies, if that is one example, else in the tile. */
static mg_real *tile_of(const work *w, const block *b, int64_t group, mg_real *y, int64_t *row)
{
    *row = b->examples == 1 ? w->places : w->row;
    return b->examples == 1 ? in_y(w, b, group, 0, y) : w->tile;
}

/* Its filters. */
static void move_tile(const work *w, const block *b, int64_t group, mg_real *y, bool to_y)
{
    size_t bytes = (size_t)b->places * sizeof *y;
    int64_t first, last;
    mg_team_part(w->c->team, w->c->filters, 1, &first, &last);
    for (int64_t e = 0; b->examples > 1 && e < b->examples; e++)
        for (int64_t f = first; f < last; f++) {
            mg_real *there = in_y(w, b, group, e, y) + f * w->places, *here = w->tile + f * w->row + e * b->places;
            if (to_y) memcpy(there, here, bytes);
            else memcpy(here, there, bytes);
        }
}

/* ---- the three of them ---- */

/* Before it all have moved what the product reads, or cleared what it adds to; after it, all that is moved next is
   there. */
static void multiply(const work *k, mg_product_call call)
{
    call.is_bf16 = k->c->is_bf16, call.scratch = k->scratch;
    mg_team_meet(k->c->team);
    mg_product(&call, k->c->team);
    mg_team_meet(k->c->team);
}

static void clear(const mg_conv_call *c, int64_t n, mg_real *x)
{
    int64_t from, to;
    mg_team_part(c->team, n, MG_STRIP, &from, &to);
    memset(x + from, 0, (size_t)(to - from) * sizeof *x);
}

void mg_conv_run(const mg_conv_call *c, const mg_real *x, const mg_real *w, mg_real *y, mg_scratch scratch)
{
    work k = begin(c, scratch);
    for (int64_t group = 0; group < c->groups; group++)
        for (block b = {0}; next(&k, &b);) {
            int64_t row;
            mg_real *tile = tile_of(&k, &b, group, y, &row);
            each_run(&k, &b, group, (mg_real *)(uintptr_t)x, true);
            multiply(&k, (mg_product_call){.m = c->filters, .n = columns_of(&b), .k = k.taps,
                                           .a = {w + group * c->filters * k.taps, k.taps, 1},
                                           .b = {k.columns, k.row, 1}, .c = tile, .ldc = row});
            move_tile(&k, &b, group, y, true);
        }
}

void mg_conv_run_to_input(const mg_conv_call *c, const mg_real *y, const mg_real *w, mg_real *x, mg_scratch scratch)
{
    work k = begin(c, scratch);
    clear(c, c->batch * c->groups * c->channels * volume(c->in), x);
    for (int64_t group = 0; group < c->groups; group++)
        for (block b = {0}; next(&k, &b);) {
            int64_t row;
            mg_real *tile = tile_of(&k, &b, group, (mg_real *)(uintptr_t)y, &row);
            move_tile(&k, &b, group, (mg_real *)(uintptr_t)y, false);
            multiply(&k, (mg_product_call){.m = k.taps, .n = columns_of(&b), .k = c->filters,
                                           .a = {w + group * c->filters * k.taps, 1, k.taps},
                                           .b = {tile, row, 1}, .c = k.columns, .ldc = k.row});
            each_run(&k, &b, group, x, false);
        }
}

void mg_conv_run_to_kernel(const mg_conv_call *c, const mg_real *x, const mg_real *y, mg_real *w, mg_scratch scratch)
{
    work k = begin(c, scratch);
    clear(c, c->groups * c->filters * k.taps, w);
    for (int64_t group = 0; group < c->groups; group++)
        for (block b = {0}; next(&k, &b);) {
            int64_t row;
            mg_real *tile = tile_of(&k, &b, group, (mg_real *)(uintptr_t)y, &row);
            move_tile(&k, &b, group, (mg_real *)(uintptr_t)y, false);
            each_run(&k, &b, group, (mg_real *)(uintptr_t)x, true);
            multiply(&k, (mg_product_call){.m = c->filters, .n = k.taps, .k = columns_of(&b), .a = {tile, row, 1},
                                           .b = {k.columns, 1, k.row},
                                           .c = w + group * c->filters * k.taps, .ldc = k.taps,
                                           .start = w + group * c->filters * k.taps, .start_row = k.taps});
        }
}
