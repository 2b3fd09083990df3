/* SPDX-License-Identifier: MIT */
/* Rolls in level-5 MAT files: variables traindata, validdata and testdata, each a cell array of matrices of time x keys
   ("MAT-File Format", The MathWorks, 1999-2023). Elements are bare or compressed, in either byte order; matrices of any
   real number class, logical too, stored in any number type.

   A compressed element is unpacked as it is read, so memory is bounded by one matrix. No element may claim more bytes
   than are left in the one around it, a compressed one no more than deflate can hold, and all together a gibibyte. */
#include <mgen/data.h>
#include "data/inflate.h"
#include "data/rolls.h"

#include <string.h>

enum { HEADER = 128, MOST_CELLS = 1 << 24, MOST_UNPACKED = 1 << 30 };
enum { INT8 = 1, INT32 = 5, UINT32 = 6, MATRIX = 14, COMPRESSED = 15 };
enum { CELL_CLASS = 1, FIRST_NUMBER_CLASS = 6, LAST_NUMBER_CLASS = 15, COMPLEX = 0x800 };

/* A variable, or one cell of it. */
typedef struct {
    unsigned class;
    uint32_t flags;
    uint32_t rows, columns;
    char name[16];
    size_t name_length;
} array;

typedef struct {
    const uint8_t *at;   /* of the element's bytes, unless they are compressed */
    data_inflate *stream;
    uint64_t left;       /* bytes left in the innermost element */
    uint64_t unpacked;   /* bytes that compressed elements claimed so far */
    bool is_swapped;
    mg_roll_fn visit;
    void *user;
    const char *split;
    int number;
    mg_error *why;
} reader;

static mg_status broken(reader *r, const char *what) { return mg_fail(r->why, MG_BAD_DATA, "MAT file: %s", what); }

/* ---- bytes ---- */

static mg_status take(reader *r, void *out, uint64_t n)
{
    if (n > r->left) return broken(r, "an element is larger than the one around it");
    r->left -= n;
    if (r->stream) return data_inflate_read(r->stream, out, n, r->why);
    memcpy(out, r->at, n);
    r->at += n;
    return MG_OK;
}

static mg_status skip(reader *r, uint64_t n)
{
    if (n > r->left) return broken(r, "an element is larger than the one around it");
    if (!r->stream) {
        r->left -= n;
        r->at += n;
        return MG_OK;
    }
    char piece[4096];
    for (uint64_t k; n > 0; n -= k) MG_TRY(take(r, piece, k = n < sizeof piece ? n : sizeof piece));
    return MG_OK;
}

static uint64_t number_at(const reader *r, const void *at, size_t size)
{
    const uint8_t *bytes = at;
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value |= (uint64_t)bytes[r->is_swapped ? size - 1 - i : i] << 8 * i;
    return value;
}

/* An element's type and size; those of up to four bytes stand inside the tag. */
typedef struct {
    uint32_t type, size, padding;
    uint8_t small[4];
    bool is_small;
} tag;

static mg_status take_tag(reader *r, tag *t)
{
    uint8_t bytes[8];
    MG_TRY(take(r, bytes, sizeof bytes));
    uint32_t word = (uint32_t)number_at(r, bytes, 4);
    t->is_small = word >> 16 != 0;
    t->type = t->is_small ? word & 0xffff : word;
    t->size = t->is_small ? word >> 16 : (uint32_t)number_at(r, bytes + 4, 4);
    t->padding = t->is_small || t->type == COMPRESSED ? 0 : -t->size & 7;
    memcpy(t->small, bytes + 4, 4);
    return t->is_small && t->size > 4 ? broken(r, "a small element of more than four bytes") : MG_OK;
}

/* Up to `most` bytes of the element whose tag was just read; the rest is passed over. */
static mg_status take_content(reader *r, const tag *t, void *out, size_t most)
{
    size_t n = t->size < most ? t->size : most;
    if (t->is_small) return memcpy(out, t->small, n), MG_OK;
    MG_TRY(take(r, out, n));
    uint64_t rest = (uint64_t)t->size - n + t->padding;
    return skip(r, rest < r->left ? rest : r->left); /* the last padding may be missing */
}

/* ---- arrays ---- */

/* Flags, dimensions and name: what every array begins with. */
static mg_status take_array(reader *r, array *a)
{
    tag t;
    uint8_t flags[8], dimensions[8];
    *a = (array){0};
    MG_TRY(take_tag(r, &t));
    if (t.type != UINT32 || t.size != 8) return broken(r, "an array without flags");
    MG_TRY(take_content(r, &t, flags, sizeof flags));
    a->flags = (uint32_t)number_at(r, flags, 4);
    a->class = a->flags & 0xff;
    MG_TRY(take_tag(r, &t));
    if (t.type != INT32 || t.size != 8)
        return mg_fail(r->why, MG_UNSUPPORTED, "MAT file: an array of other than two dimensions");
    MG_TRY(take_content(r, &t, dimensions, sizeof dimensions));
    a->rows = (uint32_t)number_at(r, dimensions, 4);
    a->columns = (uint32_t)number_at(r, dimensions + 4, 4);
    MG_TRY(take_tag(r, &t));
    if (t.type != INT8) return broken(r, "an array without name");
    a->name_length = t.size < sizeof a->name ? t.size : sizeof a->name;
    return take_content(r, &t, a->name, sizeof a->name);
}

/* ---- numbers ---- */

static size_t number_size(uint32_t type)
{
    static const uint8_t sizes[] = {[1] = 1, 1, 2, 2, 4, 4, 4, [9] = 8, [12] = 8, 8};
    return type < sizeof sizes ? sizes[type] : 0;
}

/* Whether the number at `at` is other than 0; both signs of 0 in floating point have no bit but the highest. */
static bool is_on(const reader *r, const uint8_t *at, uint32_t type)
{
    size_t size = number_size(type);
    uint64_t bits = number_at(r, at, size);
    bool is_real = type == 7 || type == 9;
    return (is_real ? bits & ~(1ull << (8 * size - 1)) : bits) != 0;
}

static mg_status add_frames(const array *a, const uint8_t *on, int low, mg_buffer *tokens, mg_error *why)
{
    for (size_t row = 0; row < a->rows; row++) {
        for (size_t column = 0; column < a->columns; column++)
            if (on[column * a->rows + row])
                mg_buffer_add(tokens, &(int32_t){low + (int32_t)column}, sizeof(int32_t));
        mg_buffer_add(tokens, &(int32_t){MG_FRAME_END}, sizeof(int32_t));
    }
    return tokens->failed ? mg_fail(why, MG_NO_MEMORY, "out of memory") : MG_OK;
}

/* The numbers of the array's real part as cells that are on or off, column by column. */
static mg_status take_cells(reader *r, const array *a, uint8_t *on)
{
    tag t;
    MG_TRY(take_tag(r, &t));
    size_t size = number_size(t.type), n = (size_t)a->rows * a->columns;
    if (!size || (uint64_t)n * size != t.size) return broken(r, "an array's size and its numbers do not agree");
    uint8_t piece[4096 * 8];
    for (size_t at = 0, k; at < n; at += k) {
        k = n - at < 4096 ? n - at : 4096;
        if (t.is_small) memcpy(piece, t.small, t.size);
        else MG_TRY(take(r, piece, k * size));
        for (size_t i = 0; i < k; i++) on[at + i] = is_on(r, piece + i * size, t.type);
    }
    return MG_OK;
}

static mg_status take_roll(reader *r, const array *a)
{
    if (a->class < FIRST_NUMBER_CLASS || a->class > LAST_NUMBER_CLASS || (a->flags & COMPLEX))
        return mg_fail(r->why, MG_UNSUPPORTED, "MAT file: an array that holds no real numbers");
    bool is_empty = a->rows == 0 || a->columns == 0;
    if (!is_empty && a->columns != 88 && a->columns != 128)
        return mg_fail(r->why, MG_UNSUPPORTED, "MAT file: a roll of %u keys; 88 or 128 are read", a->columns);
    uint64_t n = (uint64_t)a->rows * a->columns;
    if (n > r->left || n > MOST_CELLS) return broken(r, "an array is larger than the element that holds it");
    uint8_t *on = mg_alloc(n, 1);
    if (!on) return mg_fail(r->why, MG_NO_MEMORY, "out of memory");
    mg_buffer tokens = {0};
    mg_status status = is_empty ? MG_OK : take_cells(r, a, on);
    if (!status && !is_empty) status = add_frames(a, on, a->columns == 88 ? 21 : 0, &tokens, r->why);
    mg_free(on);
    mg_roll roll = {.split = r->split, .number = r->number, .tokens = (const int32_t *)(const void *)tokens.data,
                    .n_tokens = tokens.length / sizeof(int32_t), .n_frames = is_empty ? 0 : a->rows};
    if (!status) status = r->visit(r->user, &roll, r->why);
    mg_buffer_free(&tokens);
    return status;
}

/* ---- elements ---- */

/* An array inside the innermost element: its tag was read, and its bytes are the `size` next ones. */
static mg_status take_cell(reader *r)
{
    tag t;
    array a;
    MG_TRY(take_tag(r, &t));
    if (t.type != MATRIX || t.is_small) return broken(r, "a cell that is no array");
    if (t.size > r->left) return broken(r, "an element is larger than the one around it");
    uint64_t behind = r->left - t.size;
    r->left = t.size;
    r->number++;
    if (t.size == 0) { /* MATLAB's empty cell */
        MG_TRY(take_roll(r, &(array){.class = FIRST_NUMBER_CLASS}));
    } else {
        MG_TRY(take_array(r, &a));
        MG_TRY(take_roll(r, &a));
        MG_TRY(skip(r, r->left));
    }
    r->left = behind;
    return skip(r, t.padding < r->left ? t.padding : r->left);
}

/* The array whose bytes are all that is left. */
static mg_status take_variable(reader *r)
{
    array a;
    MG_TRY(take_array(r, &a));
    r->split = data_split_named(a.name, a.name_length);
    if (!r->split) return MG_OK;
    if (a.class != CELL_CLASS) {
        r->number++;
        return take_roll(r, &a);
    }
    uint64_t n = (uint64_t)a.rows * a.columns;
    if (n > r->left / 8) return broken(r, "more cells than there is room for");
    for (uint64_t i = 0; i < n; i++) MG_TRY(take_cell(r));
    return MG_OK;
}

static mg_status take_compressed(reader *r, const uint8_t *bytes, size_t size)
{
    tag t;
    MG_TRY(data_inflate_new(bytes, size, &r->stream, r->why));
    r->left = 8;
    mg_status status = take_tag(r, &t);
    r->left = t.size;
    r->unpacked += t.size;
    if (!status && t.size > (uint64_t)size * DATA_MOST_DEFLATE)
        status = broken(r, "an element larger than deflate allows");
    if (!status && r->unpacked > MOST_UNPACKED)
        status = mg_fail(r->why, MG_TOO_LARGE, "MAT file: it unpacks to more than %d bytes", (int)MOST_UNPACKED);
    if (!status && t.type == MATRIX && !t.is_small) status = take_variable(r);
    data_inflate_free(r->stream);
    r->stream = NULL;
    return status;
}

/* ---- the file ---- */

bool data_mat_is(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    return size >= HEADER && ((at[124] == 0 && at[125] == 1 && at[126] == 'I' && at[127] == 'M') ||
                              (at[124] == 1 && at[125] == 0 && at[126] == 'M' && at[127] == 'I'));
}

mg_status data_mat_read(const void *bytes, size_t size, mg_roll_fn visit, void *user, mg_error *why)
{
    const uint8_t *at = (const uint8_t *)bytes + HEADER, *end = (const uint8_t *)bytes + size;
    reader r = {.is_swapped = at[-2] == 'M', .visit = visit, .user = user, .why = why};
    while (end - at >= 8) {
        tag t;
        r.at = at;
        r.left = (uint64_t)(end - at);
        mg_status status = take_tag(&r, &t);
        if (!status && !t.is_small && t.size > r.left) status = broken(&r, "the file ends inside an element");
        size_t length = t.is_small ? 0 : t.size;
        r.left = length;
        if (!status && t.type == COMPRESSED) status = take_compressed(&r, at + 8, length);
        else if (!status && t.type == MATRIX) status = take_variable(&r);
        if (status) mg_error_at(why, "byte %td", at - (const uint8_t *)bytes);
        if (status) return status;
        size_t rest = (size_t)(end - at) - 8 - length;
        at += 8 + length + (t.padding < rest ? t.padding : rest);
    }
    return at == end ? MG_OK : broken(&r, "the file ends inside an element");
}
