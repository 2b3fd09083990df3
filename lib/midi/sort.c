/* SPDX-License-Identifier: MIT */
/* Events by tick: insertion sort would be quadratic on many tracks, so bottom-up merging; nothing is done where the
   list is in order already. Notes by keys that fit a word: byte by byte from the lowest (radix sort), leaving out the
   bytes in which all keys agree, which are most of them. */
#include <mgen/base.h>
#include "midi/sort.h"

#include <string.h>

bool midi_sort_by_tick(void *items, size_t n, size_t size)
{
#define TICK(base, i) (*(const int64_t *)(const void *)((const char *)(base) + (i) * size)) /* the first member */
    size_t sorted = 1;
    while (sorted < n && TICK(items, sorted - 1) <= TICK(items, sorted)) sorted++;
    if (sorted >= n) return true;
    char *other = mg_alloc(n, size), *from = items, *to = other;
    if (!other) return false;
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t left = 0; left < n; left += 2 * run) {
            size_t middle = left + run < n ? left + run : n, right = left + 2 * run < n ? left + 2 * run : n;
            for (size_t i = left, j = middle, k = left; k < right; k++) {
                bool takes_left = i < middle && (j == right || TICK(from, i) <= TICK(from, j));
                memcpy(to + k * size, from + (takes_left ? i++ : j++) * size, size);
            }
        }
        char *kept = from;
        from = to;
        to = kept;
    }
    if (from != items) memcpy(items, from, n * size);
    mg_free(other);
    return true;
#undef TICK
}

midi_sort_key *midi_sort_keys(midi_sort_key *keys, midi_sort_key *other, size_t n)
{
    uint64_t any = 0, all = ~(uint64_t)0;
    size_t sorted = 1;
    while (sorted < n && keys[sorted - 1].key <= keys[sorted].key) sorted++;
    if (sorted >= n) return keys;
    for (size_t i = 0; i < n; i++) {
        any |= keys[i].key;
        all &= keys[i].key;
    }
    for (int shift = 0; shift < 64; shift += 8) {
        if (((any ^ all) >> shift & 0xff) == 0) continue;
        size_t start[257] = {0};
        for (size_t i = 0; i < n; i++) start[(keys[i].key >> shift & 0xff) + 1]++;
        for (int b = 1; b < 256; b++) start[b] += start[b - 1];
        for (size_t i = 0; i < n; i++) other[start[keys[i].key >> shift & 0xff]++] = keys[i];
        midi_sort_key *kept = keys;
        keys = other;
        other = kept;
    }
    return keys;
}
