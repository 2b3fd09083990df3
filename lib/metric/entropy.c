/* SPDX-License-Identifier: MIT */
/* Shannon entropy in bits: -sum p log2 p over the relative frequencies of what occurs. */
#include "metric/analysis.h"

#include <math.h>

double entropy_of_counts(const uint32_t *counts, size_t n)
{
    double total = 0, sum = 0;
    for (size_t i = 0; i < n; i++) total += counts[i];
    for (size_t i = 0; i < n; i++)
        if (counts[i]) sum -= counts[i] / total * log2(counts[i] / total);
    return sum + 0.0; /* no negative zero */
}

/* Values are counted in a table that is never more than half full; a slot is empty where its count is 0. */
double entropy_of_values(const int64_t *values, size_t n, bool *has_memory)
{
    size_t capacity = 16;
    while (capacity < 2 * n) capacity *= 2;
    struct slot { int64_t value; uint32_t count; } *table = mg_alloc_zero(capacity, sizeof *table);
    uint32_t *counts = mg_alloc(n, sizeof *counts);
    *has_memory = table && counts;
    double entropy = 0;
    if (*has_memory) {
        size_t n_values = 0;
        for (size_t i = 0; i < n; i++) {
            uint64_t hash = (uint64_t)values[i] * 0x9e3779b97f4a7c15u;
            size_t at = (hash ^ hash >> 32) & (capacity - 1);
            while (table[at].count && table[at].value != values[i]) at = (at + 1) & (capacity - 1);
            table[at].value = values[i];
            table[at].count++;
        }
        for (size_t i = 0; i < capacity; i++)
            if (table[i].count) counts[n_values++] = table[i].count;
        entropy = entropy_of_counts(counts, n_values);
    }
    mg_free(table);
    mg_free(counts);
    return entropy;
}
