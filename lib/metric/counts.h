/* SPDX-License-Identifier: MIT */
/* How often each of some names came. */
#ifndef METRIC_COUNTS_H
#define METRIC_COUNTS_H

#include <mgen/text.h>

enum { COUNTS_NAMES = 256 }; /* beyond these all are "(other)" */

typedef struct {
    char *name;
    uint64_t count;
} counts_row;

/* Zero it to start. */
typedef struct {
    counts_row *rows;
    size_t n, capacity;
} counts;

mg_status counts_add(counts *counts, const char *name, uint64_t count);
mg_status counts_merge(counts *into, const counts *from);
/* As an object, the most frequent first, equal ones by name; nothing at all where there are none. */
mg_status counts_put(mg_json_writer *json, const char *key, const counts *counts);
void counts_free(counts *counts);

#endif
