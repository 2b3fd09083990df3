/* SPDX-License-Identifier: MIT */
/* Small things that die together: blocks of doubling size, freed as one. */
#include <mgen/base.h>

#include <string.h>

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20, ALIGN = 16 };

struct mg_arena_block {
    struct mg_arena_block *older;
    size_t used, size;
    _Alignas(ALIGN) char bytes[];
};

void *mg_arena_alloc(mg_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX - ALIGN) return NULL;
    bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    struct mg_arena_block *block = arena->block;
    if (!block || block->size - block->used < bytes) {
        size_t larger = !block ? FIRST_BLOCK : block->size < LARGEST_BLOCK ? block->size * 2 : LARGEST_BLOCK;
        if (larger < bytes) larger = bytes;
        block = mg_alloc(1, sizeof *block + larger);
        if (!block) return NULL;
        *block = (struct mg_arena_block){.older = arena->block, .size = larger};
        arena->block = block;
    }
    void *place = block->bytes + block->used;
    block->used += bytes;
    arena->total += bytes;
    return place;
}

char *mg_arena_strndup(mg_arena *arena, const char *text, size_t length)
{
    char *copy = mg_arena_alloc(arena, length + 1, 1);
    if (!copy) return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void mg_arena_free(mg_arena *arena)
{
    for (struct mg_arena_block *block = arena->block, *older; block; block = older) {
        older = block->older;
        mg_free(block);
    }
    *arena = (mg_arena){0};
}
