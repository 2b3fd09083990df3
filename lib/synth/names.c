/* SPDX-License-Identifier: MIT */
/* Names for output files. */
#include "synth/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 240, LONGEST_ENDING = 8 }; /* of 255: room for a number and an ending */

/* Where the ending begins: the last dot of a name that does not begin with it, and has no more than a few letters. */
static size_t without_ending(const char *name, size_t length)
{
    for (size_t i = length; i-- > 1;)
        if (name[i] == '.') return length - i <= LONGEST_ENDING ? i : length;
    return length;
}

/* No more than `room` bytes, and no character cut in two. */
static size_t shortened(const char *name, size_t length, size_t room)
{
    if (length <= room) return length;
    while (room > 0 && ((unsigned char)name[room] & 0xc0) == 0x80) room--;
    return room;
}

static void add_base(mg_buffer *out, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *hash = strrchr(name, '#');
    char *end = NULL;
    bool is_numbered = hash && hash[1] >= '1' && hash[1] <= '9' && (strtol(hash + 1, &end, 10), *end == '\0');
    size_t whole = is_numbered ? (size_t)(hash - name) : strlen(name);
    size_t length = shortened(name, without_ending(name, whole), LONGEST - (is_numbered ? strlen(hash) : 0));
    bool is_special = length == 0 || (length <= 2 && !strncmp(name, "..", length)) || (length == 1 && *name == '-');
    if (is_special) mg_buffer_add_text(out, "piece");
    else mg_buffer_add(out, name, length);
    if (is_numbered) mg_buffer_print(out, "-%s", hash + 1);
}

/* NAME_k, NAME itself for k = 1, is free. */
static bool is_free(const names *given, const char *base, unsigned k, mg_buffer *name)
{
    char suffix[16] = "";
    if (k > 1) snprintf(suffix, sizeof suffix, "_%u", k);
    mg_buffer_clear(name);
    mg_buffer_add(name, base, shortened(base, strlen(base), LONGEST - strlen(suffix)));
    mg_buffer_add_text(name, suffix);
    return name->failed || !mg_hash_set_has(&given->taken, mg_hash_bytes(name->data, name->length));
}

char *names_take(names *given, const char *path)
{
    mg_buffer base = {0}, name = {0};
    bool is_new;
    add_base(&base, path);
    if (!base.failed && !is_free(given, base.data, 1, &name)) {
        unsigned taken = 1, free_k = 2; /* the first free number: by doubling, then by halving */
        for (; !is_free(given, base.data, free_k, &name); free_k *= 2) taken = free_k;
        while (free_k - taken > 1) {
            unsigned middle = taken + (free_k - taken) / 2;
            if (is_free(given, base.data, middle, &name)) free_k = middle;
            else taken = middle;
        }
        is_free(given, base.data, free_k, &name);
    }
    bool failed = base.failed || name.failed ||
                  mg_hash_set_add(&given->taken, mg_hash_bytes(name.data, name.length), &is_new);
    mg_buffer_free(&base);
    if (failed) mg_buffer_free(&name);
    return name.data;
}

void names_free(names *given) { mg_hash_set_free(&given->taken); }
