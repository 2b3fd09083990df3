/* SPDX-License-Identifier: MIT */
/* Events by tick. Insertion sort would be quadratic on many tracks, so bottom-up merging; nothing is done where the
   list is in order already. */
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
