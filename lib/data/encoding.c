/* SPDX-License-Identifier: MIT */
/* The list of encodings. A new one is a row here and a file of its own. */
#include <mgen/data.h>
#include "data/encodings.h"

#include <stdatomic.h>
#include <string.h>

static const mg_encoding *const encodings[] = {
    &data_melody38,       &data_melody130,      &data_melody_lookback40, &data_melody_key40, &data_performance388,
    &data_performance308, &data_performance310, &data_polyphony259,      &data_roll88,       NULL,
};

const mg_encoding *mg_encoding_at(size_t i)
{
    return i < sizeof encodings / sizeof *encodings ? encodings[i] : NULL;
}

const mg_encoding *mg_encoding_find(const char *name)
{
    for (size_t i = 0; encodings[i]; i++)
        if (strcmp(encodings[i]->name, name) == 0) return encodings[i];
    return NULL;
}

static mg_status hash_names(const mg_encoding *encoding, char hex[33], mg_error *why)
{
    mg_buffer names = {0};
    for (int token = 0; token < encoding->vocab; token++) {
        if (token) mg_buffer_add_char(&names, '\n');
        encoding->token_name(encoding, token, &names);
    }
    if (!names.failed) mg_hash_hex(mg_hash_bytes(names.data, names.length), hex);
    mg_status status = names.failed ? mg_fail(why, MG_NO_MEMORY, "out of memory") : MG_OK;
    mg_buffer_free(&names);
    return status;
}

/* The hashes are asked for with every record, so each is computed once. */
typedef enum { UNKNOWN, BEING_WRITTEN, KNOWN } cache_state;
static struct {
    atomic_int state;
    char hex[33];
} cache[sizeof encodings / sizeof *encodings];

static size_t index_of(const mg_encoding *encoding)
{
    size_t i = 0;
    while (encodings[i] && encodings[i] != encoding) i++;
    return i;
}

mg_status mg_encoding_vocab_hash(const mg_encoding *encoding, char hex[33], mg_error *why)
{
    size_t i = index_of(encoding);
    if (atomic_load(&cache[i].state) == KNOWN) return memcpy(hex, cache[i].hex, sizeof cache[i].hex), MG_OK;
    MG_TRY(hash_names(encoding, hex, why));
    int expected = UNKNOWN;
    if (encodings[i] && atomic_compare_exchange_strong(&cache[i].state, &expected, BEING_WRITTEN)) {
        memcpy(cache[i].hex, hex, sizeof cache[i].hex);
        atomic_store(&cache[i].state, KNOWN);
    }
    return MG_OK;
}

static int steps_of(const mg_encoding *e, int32_t token)
{
    if (e->steps) return e->steps(e, token);
    return e->step_end < 0 || token == e->step_end;
}

int64_t mg_encoding_steps(const mg_encoding *encoding, const int32_t *tokens, size_t n)
{
    int64_t steps = 0;
    for (size_t i = 0; i < n; i++) steps += steps_of(encoding, tokens[i]);
    return steps;
}
