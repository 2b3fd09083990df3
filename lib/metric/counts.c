/* SPDX-License-Identifier: MIT */
/* Names counted. Few are expected, so they are looked through one by one. */
#include "metric/counts.h"

#include <stdlib.h>
#include <string.h>

mg_status counts_add(counts *c, const char *name, uint64_t count)
{
    if (count == 0) return MG_OK;
    for (int tries = 0; tries < 2; tries++, name = "(other)") {
        for (size_t i = 0; i < c->n; i++)
            if (strcmp(c->rows[i].name, name) == 0) return c->rows[i].count += count, MG_OK;
        if (c->n < COUNTS_NAMES) break;
    }
    if (!mg_grow((void **)&c->rows, c->n, &c->capacity, sizeof *c->rows)) return MG_NO_MEMORY;
    counts_row row = {mg_strdup(name), count};
    if (!row.name) return MG_NO_MEMORY;
    c->rows[c->n++] = row;
    return MG_OK;
}

mg_status counts_merge(counts *into, const counts *from)
{
    for (size_t i = 0; i < from->n; i++) MG_TRY(counts_add(into, from->rows[i].name, from->rows[i].count));
    return MG_OK;
}

static int by_count(const void *a, const void *b)
{
    const counts_row *x = a, *y = b;
    if (x->count != y->count) return x->count < y->count ? 1 : -1;
    return strcmp(x->name, y->name);
}

mg_status counts_put(mg_json_writer *json, const char *key, const counts *c)
{
    if (c->n == 0) return MG_OK;
    counts_row *sorted = mg_alloc(c->n, sizeof *sorted);
    if (!sorted) return MG_NO_MEMORY;
    memcpy(sorted, c->rows, c->n * sizeof *sorted);
    qsort(sorted, c->n, sizeof *sorted, by_count);
    mg_json_object_begin(json, key);
    for (size_t i = 0; i < c->n; i++) mg_json_put_int(json, sorted[i].name, (int64_t)sorted[i].count);
    mg_json_object_end(json);
    mg_free(sorted);
    return MG_OK;
}

void counts_free(counts *c)
{
    for (size_t i = 0; i < c->n; i++) mg_free(c->rows[i].name);
    mg_free(c->rows);
    *c = (counts){0};
}
