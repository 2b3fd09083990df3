/* SPDX-License-Identifier: MIT */
/* Pieces by tier: for each tier a table of the first entry with that hash, four bytes a slot; for what only rounding
   keeps apart in T4 a table of the first entry with that outline, from which a chain leads through the others. */
#include "match/exact.h"
#include "match/shape.h"

#include <stdlib.h>
#include <string.h>

enum { OUTLINE = MG_TIERS, TABLES };

typedef struct {
    found_piece piece;
    uint32_t next, last; /* with the same outline; last: of the chain, kept in its first entry */
} entry;

typedef struct { uint32_t *slot; size_t capacity, count; } table; /* slots hold entry + 1; at most half are used */

struct exact {
    const mg_dedup_options *options;
    entry *entries;
    size_t n, capacity;
    table tables[TABLES];
};

void found_piece_clear(found_piece *piece)
{
    mg_free(piece->path);
    mg_free(piece->file);
    *piece = (found_piece){0};
}

exact *exact_new(const mg_dedup_options *options)
{
    exact *index = mg_alloc_zero(1, sizeof *index);
    if (index) index->options = options;
    return index;
}

void exact_free(exact *index)
{
    if (!index) return;
    for (size_t i = 0; i < index->n; i++) found_piece_clear(&index->entries[i].piece);
    for (int t = 0; t < TABLES; t++) mg_free(index->tables[t].slot);
    mg_free(index->entries);
    mg_free(index);
}

mg_status exact_add(exact *index, found_piece *piece, mg_error *why)
{
    if (index->n == NO_ENTRY - 1) return mg_fail(why, MG_TOO_LARGE, "more than 2^32 pieces");
    if (!mg_grow((void **)&index->entries, index->n, &index->capacity, sizeof *index->entries))
        return mg_fail(why, MG_NO_MEMORY, "out of memory");
    index->entries[index->n++] = (entry){.piece = *piece, .next = NO_ENTRY};
    *piece = (found_piece){0};
    return MG_OK;
}

size_t exact_count(const exact *index) { return index->n; }
const found_piece *exact_at(const exact *index, size_t i) { return &index->entries[i].piece; }

/* ---- order ---- */

/* By path; pieces of one path by what they are, so that the order of the inputs is forgotten. */
static int by_path(const void *p, const void *q)
{
    const found_piece *x = &((const entry *)p)->piece, *y = &((const entry *)q)->piece;
    int order = strcmp(x->path, y->path);
    for (int t = MG_T0; !order && t <= MG_T4; t++)
        order = memcmp(&x->print.tier[t], &y->print.tier[t], sizeof x->print.tier[t]);
    return order;
}

/* The same piece, named twice. */
static bool is_again(const found_piece *x, const found_piece *y)
{
    return strcmp(x->path, y->path) == 0 && mg_hash_equal(x->print.tier[MG_T0], y->print.tier[MG_T0]) &&
           mg_hash_equal(x->print.tier[MG_T3], y->print.tier[MG_T3]);
}

mg_status exact_sort(exact *index, mg_error *why)
{
    if (index->n == 0) return MG_OK;
    qsort(index->entries, index->n, sizeof *index->entries, by_path);
    size_t kept = 1;
    for (size_t i = 1; i < index->n; i++) {
        if (is_again(&index->entries[kept - 1].piece, &index->entries[i].piece))
            found_piece_clear(&index->entries[i].piece);
        else
            index->entries[kept++] = index->entries[i];
    }
    index->n = kept;
    size_t capacity = 16;
    while (capacity < 2 * kept) capacity *= 2;
    for (int t = 0; t < TABLES; t++) {
        index->tables[t] = (table){.slot = mg_alloc_zero(capacity, sizeof(uint32_t)), .capacity = capacity};
        if (!index->tables[t].slot) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    }
    return MG_OK;
}

/* ---- tables ---- */

static bool has_tier(const mg_fingerprint *print, int t) { return print->tiers >> (t == OUTLINE ? MG_T4 : t) & 1; }

static uint64_t key_of(const mg_fingerprint *print, int t) { return t == OUTLINE ? print->outline : print->tier[t].lo; }

static bool same_key(const mg_fingerprint *x, const mg_fingerprint *y, int t)
{
    return t == OUTLINE ? x->outline == y->outline : mg_hash_equal(x->tier[t], y->tier[t]);
}

/* The slot of the entry with this key, or the free one where it would be. */
static uint32_t *slot_of(const exact *index, int t, const mg_fingerprint *print)
{
    const table *tab = &index->tables[t];
    size_t at = key_of(print, t) & (tab->capacity - 1);
    while (tab->slot[at] && !same_key(&index->entries[tab->slot[at] - 1].piece.print, print, t))
        at = (at + 1) & (tab->capacity - 1);
    return &tab->slot[at];
}

void exact_link(exact *index, uint32_t number)
{
    const mg_fingerprint *print = &index->entries[number].piece.print;
    bool is_new = true; /* nothing before it has its very notes */
    for (int t = 0; t < OUTLINE; t++) {
        uint32_t *slot = has_tier(print, t) ? slot_of(index, t, print) : NULL;
        if (t == MG_T4) is_new = slot && *slot == 0;
        if (slot && *slot == 0) *slot = number + 1;
    }
    if (!is_new) return;
    uint32_t *slot = slot_of(index, OUTLINE, print);
    if (*slot == 0) *slot = number + 1;
    else index->entries[index->entries[*slot - 1].last].next = number;
    index->entries[*slot - 1].last = number;
}

/* ---- finding ---- */

static mg_status take_shape(void *user, mg_job *job, const mg_piece *piece, mg_error *why)
{
    shape *s = user;
    (void)job;
    shape_free(s);
    return shape_make(piece->score, s, why);
}

/* The notes of a piece that was read before. */
static mg_status read_again(const exact *index, const char *file, shape *s, mg_error *why)
{
    *s = (shape){0};
    mg_job job = {.item.path = mg_strdup(file)};
    if (!job.item.path) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    const mg_piece_options options = {.read = index->options->pieces.read,
                                      .roll_grid = index->options->pieces.roll_grid};
    mg_status status = mg_job_pieces(&job, &options, take_shape, s);
    *why = job.why;
    if (!status && !s->onsets) status = mg_fail(why, MG_BAD_DATA, "cannot be read again");
    mg_item_clear(&job.item);
    mg_buffer_free(&job.out);
    return status;
}

static mg_status is_same_shape(const exact *index, const found_piece *x, const found_piece *y, bool *is_same,
                               mg_error *why)
{
    *is_same = false;
    if (!x->file || !y->file || !mg_fingerprint_may_match(&x->print, &y->print)) return MG_OK;
    shape a, b;
    mg_status status = read_again(index, x->file, &a, why);
    if (!status) {
        status = read_again(index, y->file, &b, why);
        if (!status) *is_same = shape_equal(&a, &b);
        shape_free(&b);
    }
    shape_free(&a);
    return status;
}

mg_status exact_find(const exact *index, const found_piece *piece, uint32_t *number, mg_tier *tier, mg_error *why)
{
    *number = NO_ENTRY;
    if (index->n == 0) return MG_OK;
    for (int t = MG_T0; t <= index->options->tier; t++) {
        if (!has_tier(&piece->print, t)) continue;
        uint32_t found = *slot_of(index, t, &piece->print);
        if (found == 0) continue;
        *number = found - 1;
        *tier = (mg_tier)t;
        return MG_OK;
    }
    if (index->options->tier < MG_T4 || !has_tier(&piece->print, MG_T4)) return MG_OK;
    uint32_t at = *slot_of(index, OUTLINE, &piece->print);
    for (at = at ? at - 1 : NO_ENTRY; at != NO_ENTRY; at = index->entries[at].next) {
        bool is_same;
        MG_TRY(is_same_shape(index, piece, &index->entries[at].piece, &is_same, why));
        if (!is_same) continue;
        *number = at;
        *tier = MG_T4;
        return MG_OK;
    }
    return MG_OK;
}
