/* SPDX-License-Identifier: MIT */
/* The only malloc of the library: checked products, and a counter by which tests fail the n-th call. */
#include <mgen/base.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_uint_fast64_t calls, fail_from; /* fail_from 0: never */

void mg_alloc_fail_at(uint64_t n) { atomic_store(&fail_from, n ? atomic_load(&calls) + n : 0); }

uint64_t mg_alloc_count(void) { return atomic_load(&calls); }

/* The bytes wanted, at least 1; 0 where the call must fail. */
static size_t wanted(size_t count, size_t size)
{
    uint64_t call = atomic_fetch_add(&calls, 1) + 1, from = atomic_load(&fail_from);
    size_t bytes;
    if ((from && call >= from) || __builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX) return 0;
    return bytes ? bytes : 1;
}

void *mg_alloc(size_t count, size_t size)
{
    size_t bytes = wanted(count, size);
    return bytes ? malloc(bytes) : NULL;
}

void *mg_alloc_zero(size_t count, size_t size)
{
    size_t bytes = wanted(count, size);
    return bytes ? calloc(1, bytes) : NULL;
}

void *mg_realloc(void *block, size_t count, size_t size)
{
    size_t bytes = wanted(count, size);
    return bytes ? realloc(block, bytes) : NULL;
}

void mg_free(void *block) { free(block); }

char *mg_strndup(const char *text, size_t length)
{
    char *copy = mg_alloc(length + 1, 1);
    if (!copy) return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *mg_strdup(const char *text) { return mg_strndup(text, strlen(text)); }

bool mg_grow(void **items, size_t count, size_t *capacity, size_t item_size)
{
    if (count < *capacity) return true;
    size_t larger = *capacity ? *capacity * 2 : 16;
    void *moved = mg_realloc(*items, larger, item_size);
    if (!moved) return false;
    *items = moved;
    *capacity = larger;
    return true;
}
