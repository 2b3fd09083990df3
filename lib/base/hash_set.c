/* SPDX-License-Identifier: MIT */
/* A set of 128-bit hashes: open addressing with linear probing; the all-zero hash marks a free slot and is kept
   aside. */
#include <mgen/base.h>

static bool is_zero(mg_hash h) { return h.hi == 0 && h.lo == 0; }

/* The slot that holds `hash`, or the free one where it belongs. */
static mg_hash *place(mg_hash *slot, size_t capacity, mg_hash hash)
{
    size_t i = hash.lo & (capacity - 1);
    while (!is_zero(slot[i]) && !mg_hash_equal(slot[i], hash)) i = (i + 1) & (capacity - 1);
    return &slot[i];
}

static mg_status enlarge(mg_hash_set *set)
{
    size_t larger = set->capacity ? set->capacity * 2 : 64;
    mg_hash *slot = mg_alloc_zero(larger, sizeof *slot);
    if (!slot) return MG_NO_MEMORY;
    for (size_t i = 0; i < set->capacity; i++)
        if (!is_zero(set->slot[i])) *place(slot, larger, set->slot[i]) = set->slot[i];
    mg_free(set->slot);
    set->slot = slot;
    set->capacity = larger;
    return MG_OK;
}

mg_status mg_hash_set_add(mg_hash_set *set, mg_hash hash, bool *is_new)
{
    if (is_zero(hash)) {
        *is_new = !set->has_zero;
        set->has_zero = true;
        return MG_OK;
    }
    if (set->count + 1 > set->capacity / 10 * 7) MG_TRY(enlarge(set));
    mg_hash *slot = place(set->slot, set->capacity, hash);
    *is_new = is_zero(*slot);
    set->count += *is_new;
    *slot = hash;
    return MG_OK;
}

bool mg_hash_set_has(const mg_hash_set *set, mg_hash hash)
{
    if (is_zero(hash)) return set->has_zero;
    return set->capacity && !is_zero(*place(set->slot, set->capacity, hash));
}

void mg_hash_set_free(mg_hash_set *set)
{
    mg_free(set->slot);
    *set = (mg_hash_set){0};
}
