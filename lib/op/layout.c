/* SPDX-License-Identifier: MIT */
/* Where buffers lie: taken in the order of the steps, each goes into the smallest hole that holds it, or at the end;
   what has been read for the last time becomes a hole. The proof is a sweep of its own over the result. */
#include "op/plan.h"

#include <string.h>

enum { ALIGN = 64 };

static size_t rounded(size_t bytes) { return (bytes + ALIGN - 1) / ALIGN * ALIGN; }

/* ---- holes, ordered by offset, never touching each other ---- */

typedef struct { size_t at, bytes; } hole;
typedef struct {
    hole *holes;
    size_t n, capacity;
    size_t end; /* of all that was ever taken */
} space;

static void remove_hole(space *s, size_t i)
{
    memmove(&s->holes[i], &s->holes[i + 1], (s->n - i - 1) * sizeof *s->holes);
    s->n--;
}

static size_t take(space *s, size_t bytes)
{
    size_t best = s->n;
    for (size_t i = 0; i < s->n; i++)
        if (s->holes[i].bytes >= bytes && (best == s->n || s->holes[i].bytes < s->holes[best].bytes)) best = i;
    if (best < s->n) {
        size_t at = s->holes[best].at;
        s->holes[best].at += bytes;
        s->holes[best].bytes -= bytes;
        if (s->holes[best].bytes == 0) remove_hole(s, best);
        return at;
    }
    /* A hole at the very end can be made larger. */
    size_t at = s->end;
    if (s->n > 0 && s->holes[s->n - 1].at + s->holes[s->n - 1].bytes == s->end) at = s->holes[--s->n].at;
    s->end = at + bytes;
    return at;
}

static bool give_back(space *s, size_t at, size_t bytes)
{
    if (bytes == 0) return true;
    size_t i = 0;
    while (i < s->n && s->holes[i].at < at) i++;
    bool meets_before = i > 0 && s->holes[i - 1].at + s->holes[i - 1].bytes == at;
    bool meets_after = i < s->n && at + bytes == s->holes[i].at;
    if (meets_before) {
        s->holes[i - 1].bytes += bytes;
        if (meets_after) {
            s->holes[i - 1].bytes += s->holes[i].bytes;
            remove_hole(s, i);
        }
        return true;
    }
    if (meets_after) {
        s->holes[i].at = at;
        s->holes[i].bytes += bytes;
        return true;
    }
    if (!mg_grow((void **)&s->holes, s->n, &s->capacity, sizeof *s->holes)) return false;
    memmove(&s->holes[i + 1], &s->holes[i], (s->n - i) * sizeof *s->holes);
    s->holes[i] = (hole){at, bytes};
    s->n++;
    return true;
}

/* Chains of the buffers that are read last at each step: first[step], then next[buffer]. */
typedef struct { int64_t *first, *next; } ends;

static void ends_free(ends *e)
{
    mg_free(e->first);
    mg_free(e->next);
}

static bool find_ends(const mg_plan *plan, ends *e)
{
    *e = (ends){mg_alloc(plan->n_steps + 1, sizeof *e->first), mg_alloc(plan->n_buffers, sizeof *e->next)};
    if (!e->first || !e->next) return ends_free(e), false;
    for (size_t s = 0; s <= plan->n_steps; s++) e->first[s] = -1;
    for (size_t b = plan->n_buffers; b-- > 0;) {
        if (plan->buffers[b].joined != (int64_t)b) continue;
        e->next[b] = e->first[plan->buffers[b].last];
        e->first[plan->buffers[b].last] = (int64_t)b;
    }
    return true;
}

mg_status mg_plan_layout(mg_plan *plan, mg_error *why)
{
    space s = {0};
    ends e;
    if (!find_ends(plan, &e)) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    bool ok = true;
    size_t b = 0; /* buffers are numbered in the order of their steps */
    for (size_t step = 0; ok && step < plan->n_steps; step++) {
        for (; b < plan->n_buffers && plan->buffers[b].made == (int64_t)step; b++) {
            mg_plan_buffer *buffer = &plan->buffers[b];
            if (buffer->joined == (int64_t)b) buffer->offset = take(&s, rounded(buffer->bytes));
        }
        for (int64_t i = e.first[step]; ok && i >= 0; i = e.next[i])
            ok = give_back(&s, plan->buffers[i].offset, rounded(plan->buffers[i].bytes));
    }
    plan->arena_bytes = s.end;
    mg_free(s.holes);
    ends_free(&e);
    return ok ? MG_OK : mg_fail(why, MG_NO_MEMORY, "out of memory");
}

/* ---- proof ---- */

/* Buffers alive at a step, by offset. As they lie apart, a new one need only be held against its neighbours. */
static size_t place_of(const mg_plan *plan, const int64_t *alive, size_t n, size_t offset)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (plan->buffers[alive[middle]].offset < offset) low = middle + 1;
        else high = middle;
    }
    return low;
}

static bool enter(const mg_plan *plan, int64_t *alive, size_t *n, int64_t b)
{
    const mg_plan_buffer *x = &plan->buffers[b];
    size_t at = place_of(plan, alive, *n, x->offset);
    if (x->bytes == 0) return true;
    if (x->offset + x->bytes > plan->arena_bytes) return false;
    if (at < *n && x->offset + x->bytes > plan->buffers[alive[at]].offset) return false;
    if (at > 0) {
        const mg_plan_buffer *before = &plan->buffers[alive[at - 1]];
        if (before->offset + before->bytes > x->offset) return false;
    }
    memmove(&alive[at + 1], &alive[at], (*n - at) * sizeof *alive);
    alive[at] = b;
    ++*n;
    return true;
}

static void leave(const mg_plan *plan, int64_t *alive, size_t *n, int64_t b)
{
    if (plan->buffers[b].bytes == 0) return;
    size_t at = place_of(plan, alive, *n, plan->buffers[b].offset);
    --*n;
    memmove(&alive[at], &alive[at + 1], (*n - at) * sizeof *alive);
}

mg_status mg_plan_prove(const mg_plan *plan, bool *holds, mg_error *why)
{
    ends e;
    int64_t *alive = mg_alloc(plan->n_buffers + 1, sizeof *alive);
    if (!alive || !find_ends(plan, &e)) return mg_free(alive), mg_fail(why, MG_NO_MEMORY, "out of memory");
    size_t n = 0, b = 0;
    *holds = true;
    for (size_t step = 0; *holds && step < plan->n_steps; step++) {
        for (; *holds && b < plan->n_buffers && plan->buffers[b].made == (int64_t)step; b++)
            if (plan->buffers[b].joined == (int64_t)b) *holds = enter(plan, alive, &n, (int64_t)b);
        for (int64_t i = e.first[step]; *holds && i >= 0; i = e.next[i]) leave(plan, alive, &n, i);
    }
    mg_free(alive);
    ends_free(&e);
    return MG_OK;
}
