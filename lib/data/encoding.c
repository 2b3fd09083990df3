/* SPDX-License-Identifier: MIT */
/* The list of encodings. A new one is a row here and a file of its own. */
#include <mgen/data.h>

#include <string.h>

static const mg_encoding *const encodings[] = {NULL};

const mg_encoding *mg_encoding_at(size_t i)
{
    return i < sizeof encodings / sizeof *encodings - 1 ? encodings[i] : NULL;
}

const mg_encoding *mg_encoding_find(const char *name)
{
    for (size_t i = 0; encodings[i]; i++)
        if (strcmp(encodings[i]->name, name) == 0) return encodings[i];
    return NULL;
}

void mg_encoding_vocab_hash(const mg_encoding *encoding, char hex[33])
{
    mg_buffer names = {0};
    for (int token = 0; token < encoding->vocab; token++) {
        if (token) mg_buffer_add_char(&names, '\n');
        encoding->token_name(token, &names);
    }
    mg_hash_hex(mg_hash_bytes(names.data ? names.data : "", names.length), hex);
    mg_buffer_free(&names);
}
