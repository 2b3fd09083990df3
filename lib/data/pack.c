/* SPDX-License-Identifier: MIT */
/* Packed training sets: see mgen-pack(5).

   tensors    tokens I32 or U8 [total], offsets I64 [n+1], records U8 [bytes], record_offsets I64 [n+1]
   metadata   format, encoding, vocab_hash, count

   A stored record is the line without its last member (tokens or frames) and its closing brace, so that giving it back
   is appending. */
#include <mgen/data.h>
#include "data/prepare.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

struct mg_pack {
    atomic_int users;
    char *path;
    mg_file bytes;
    mg_tensors *file;
    size_t n;
    mg_dtype dtype; /* of tokens: MG_I32 or MG_U8 */
    const uint8_t *tokens;
    const char *records;
    const int64_t *token_offsets, *record_offsets;
    const char *encoding, *vocab_hash;
    atomic_size_t seen; /* bytes looked at since the file was last forgotten */
};

/* Memory does not grow with the set: what was looked at is forgotten now and then. A look brings its neighbourhood. */
enum { MOST_SEEN = 1 << 24, NEIGHBOURHOOD = 1 << 16 };
static void see(const mg_pack *pack, size_t bytes)
{
    atomic_size_t *seen = &((mg_pack *)(uintptr_t)pack)->seen;
    if (atomic_fetch_add(seen, bytes + NEIGHBOURHOOD) < MOST_SEEN) return;
    atomic_store(seen, 0);
    mg_file_forget(&pack->bytes);
}

static const mg_stored *part(const mg_pack *pack, const char *name, mg_dtype dtype)
{
    const mg_stored *stored = mg_tensors_find(pack->file, name);
    return stored && stored->rank == 1 && stored->dtype == dtype ? stored : NULL;
}

/* Whether `offsets` has n+1 entries that rise from 0 to `end`. */
static bool are_offsets(const mg_stored *offsets, size_t n, size_t end)
{
    const int64_t *at = offsets->data;
    if (offsets->count != n + 1 || (uintptr_t)at % sizeof *at || at[0] != 0 || (size_t)at[n] != end) return false;
    for (size_t i = 0; i < n; i++)
        if (at[i + 1] < at[i]) return false;
    return true;
}

static mg_status check(mg_pack *pack, mg_error *why)
{
    const char *format = mg_tensors_metadata(pack->file, "format"), *count = mg_tensors_metadata(pack->file, "count");
    const mg_stored *wide = part(pack, "tokens", MG_I32), *narrow = part(pack, "tokens", MG_U8);
    const mg_stored *tokens = wide ? wide : narrow, *records = part(pack, "records", MG_U8);
    const mg_stored *offsets = part(pack, "offsets", MG_I64), *record_offsets = part(pack, "record_offsets", MG_I64);
    pack->encoding = mg_tensors_metadata(pack->file, "encoding");
    pack->vocab_hash = mg_tensors_metadata(pack->file, "vocab_hash");
    if (!format || strcmp(format, MG_PACK_FORMAT) || !count || !pack->encoding || !pack->vocab_hash)
        return mg_fail(why, MG_BAD_DATA, "%s: not a packed set", pack->path);
    pack->n = strtoull(count, NULL, 10);
    if (!tokens || !records || !offsets || !record_offsets || pack->n > records->count ||
        !are_offsets(offsets, pack->n, tokens->count) || !are_offsets(record_offsets, pack->n, records->count))
        return mg_fail(why, MG_BAD_DATA, "%s: packed set with missing or broken parts", pack->path);
    pack->dtype = tokens->dtype;
    pack->tokens = tokens->data;
    pack->records = records->data;
    pack->token_offsets = offsets->data;
    pack->record_offsets = record_offsets->data;
    mg_file_forget(&pack->bytes);
    return MG_OK;
}

/* The bytes of a whole file, which the set takes. */
static mg_status open_bytes(const char *path, mg_file *bytes, mg_pack **result, mg_error *why)
{
    mg_pack *pack = mg_alloc_zero(1, sizeof *pack);
    if (!pack || !(pack->path = mg_strdup(path)))
        return mg_free(pack), mg_file_free(bytes), mg_fail(why, MG_NO_MEMORY, "%s: out of memory", path);
    atomic_init(&pack->users, 1);
    pack->bytes = *bytes;
    mg_status status = mg_tensors_parse(bytes->data, bytes->size, path, &pack->file, why);
    if (!status) status = check(pack, why);
    if (status) return mg_pack_release(pack), status;
    *result = pack;
    return MG_OK;
}

mg_status mg_pack_open(const char *path, mg_pack **pack, mg_error *why)
{
    mg_file bytes;
    *pack = NULL;
    MG_TRY(mg_file_read(path, 0, &bytes, why));
    return open_bytes(path, &bytes, pack, why);
}

mg_status mg_pack_open_out(mg_out *out, mg_pack **pack, mg_error *why)
{
    mg_file bytes;
    *pack = NULL;
    MG_TRY(mg_out_read(out, &bytes, why));
    return open_bytes(mg_out_path(out), &bytes, pack, why);
}

mg_pack *mg_pack_retain(mg_pack *pack)
{
    atomic_fetch_add(&pack->users, 1);
    return pack;
}

void mg_pack_release(mg_pack *pack)
{
    if (!pack || atomic_fetch_sub(&pack->users, 1) > 1) return;
    mg_tensors_close(pack->file);
    mg_file_free(&pack->bytes);
    mg_free(pack->path);
    mg_free(pack);
}

const char *mg_pack_path(const mg_pack *pack) { return pack->path; }

mg_hash mg_pack_hash(const mg_pack *pack)
{
    enum { PIECE = 1 << 22 };
    const mg_file *file = &pack->bytes;
    mg_hasher *hasher = mg_hasher_new();
    if (!hasher) return mg_hash_bytes(file->data, file->size);
    for (size_t at = 0; at < file->size; at += PIECE) {
        size_t n = file->size - at < PIECE ? file->size - at : PIECE;
        see(pack, n);
        mg_hasher_add(hasher, file->data + at, n);
    }
    mg_hash hash = mg_hasher_end(hasher);
    mg_hasher_free(hasher);
    return hash;
}

size_t mg_pack_count(const mg_pack *pack) { return pack->n; }
const char *mg_pack_encoding(const mg_pack *pack) { return pack->encoding; }
const char *mg_pack_vocab_hash(const mg_pack *pack) { return pack->vocab_hash; }
size_t mg_pack_total(const mg_pack *pack) { return (size_t)pack->token_offsets[pack->n]; }

size_t mg_pack_length(const mg_pack *pack, size_t record)
{
    return (size_t)(pack->token_offsets[record + 1] - pack->token_offsets[record]);
}

void mg_pack_tokens(const mg_pack *pack, size_t record, int32_t *out)
{
    size_t first = (size_t)pack->token_offsets[record], n = mg_pack_length(pack, record);
    see(pack, n * mg_dtype_size(pack->dtype));
    if (pack->dtype == MG_U8)
        for (size_t i = 0; i < n; i++) out[i] = pack->tokens[first + i];
    else if (n)
        memcpy(out, pack->tokens + first * sizeof *out, n * sizeof *out);
}

/* What is stored: the line up to its last member. */
static const char *stem(const mg_pack *pack, size_t record, size_t *length)
{
    *length = (size_t)(pack->record_offsets[record + 1] - pack->record_offsets[record]);
    see(pack, *length);
    return pack->records + pack->record_offsets[record];
}

mg_status mg_pack_stem(const mg_pack *pack, size_t record, mg_json **result, mg_error *why)
{
    size_t length;
    const char *text = stem(pack, record, &length);
    mg_buffer line = {0};
    mg_buffer_add(&line, text, length);
    mg_buffer_add_char(&line, '}');
    mg_status status = line.failed ? mg_fail(why, MG_NO_MEMORY, "out of memory")
                                   : mg_json_parse(line.data, line.length, result, why);
    mg_buffer_free(&line);
    return status;
}

void mg_pack_add_record(const mg_pack *pack, size_t record, mg_buffer *out)
{
    size_t length, n = mg_pack_length(pack, record);
    const char *text = stem(pack, record, &length);
    int32_t *tokens = mg_alloc(n, sizeof *tokens);
    if (!tokens) {
        out->failed = true;
        return;
    }
    mg_pack_tokens(pack, record, tokens);
    mg_buffer_add(out, text, length);
    data_end_record(out, pack->dtype == MG_U8, tokens, n);
    mg_free(tokens);
}

/* ---- writing ---- */

typedef struct {
    mg_temporary file;
    char bytes[1 << 16];
    size_t pending;
    uint64_t size;
} stage;

struct mg_packer {
    stage tokens, offsets, records, record_offsets;
    size_t n;
    bool is_roll;
    char *encoding, *vocab_hash;
    int64_t n_tokens, n_bytes;
};

static mg_status flush(stage *s, mg_error *why)
{
    mg_status status = mg_write_all(s->file.fd, s->file.name, s->bytes, s->pending, why);
    s->pending = 0;
    return status;
}

static mg_status put(stage *s, const void *bytes, size_t length, mg_error *why)
{
    s->size += length;
    for (const char *at = bytes; length > 0;) {
        size_t n = sizeof s->bytes - s->pending < length ? sizeof s->bytes - s->pending : length;
        memcpy(s->bytes + s->pending, at, n);
        s->pending += n;
        at += n;
        length -= n;
        if (s->pending == sizeof s->bytes) MG_TRY(flush(s, why));
    }
    return MG_OK;
}

mg_status mg_packer_new(const char *beside, mg_packer **result, mg_error *why)
{
    *result = NULL;
    mg_packer *packer = mg_alloc_zero(1, sizeof *packer);
    if (!packer) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    stage *stages[] = {&packer->tokens, &packer->offsets, &packer->records, &packer->record_offsets};
    mg_status status = MG_OK;
    for (int i = 0; !status && i < 4; i++) status = mg_temporary_open(beside, &stages[i]->file, why);
    if (!status) status = put(&packer->offsets, &packer->n_tokens, sizeof packer->n_tokens, why);
    if (!status) status = put(&packer->record_offsets, &packer->n_bytes, sizeof packer->n_bytes, why);
    if (status) return mg_packer_free(packer), status;
    *result = packer;
    return MG_OK;
}

void mg_packer_free(mg_packer *packer)
{
    if (!packer) return;
    stage *stages[] = {&packer->tokens, &packer->offsets, &packer->records, &packer->record_offsets};
    for (int i = 0; i < 4; i++) mg_temporary_close(&stages[i]->file);
    mg_free(packer->encoding);
    mg_free(packer->vocab_hash);
    mg_free(packer);
}

size_t mg_packer_count(const mg_packer *packer) { return packer->n; }

/* The first record decides what the set holds; the others must agree. */
static mg_status agree(mg_packer *packer, const mg_encoding *encoding, const char *vocab_hash, mg_error *why)
{
    if (!packer->encoding) {
        packer->is_roll = encoding->is_roll;
        packer->encoding = mg_strdup(encoding->name);
        packer->vocab_hash = mg_strdup(vocab_hash);
        if (!packer->encoding || !packer->vocab_hash) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    } else if (strcmp(packer->encoding, encoding->name) || strcmp(packer->vocab_hash, vocab_hash)) {
        return mg_fail(why, MG_BAD_DATA, "a record in encoding %s (vocabulary %s) among records in %s (%s)",
                       encoding->name, vocab_hash, packer->encoding, packer->vocab_hash);
    }
    return MG_OK;
}

static mg_status put_tokens(mg_packer *packer, const int32_t *tokens, size_t n, mg_error *why)
{
    packer->n_tokens += (int64_t)n;
    if (!packer->is_roll) return put(&packer->tokens, tokens, n * sizeof *tokens, why);
    for (size_t i = 0; i < n; i++) MG_TRY(put(&packer->tokens, &(uint8_t){(uint8_t)tokens[i]}, 1, why));
    return MG_OK;
}

/* The line without its content, which mgen-prep writes last; of a foreign record a new line in that order. */
static mg_status put_stem(mg_packer *packer, const mg_json *record, mg_error *why)
{
    mg_buffer text = {0};
    mg_json_writer json = mg_json_to(&text);
    const char *key;
    const mg_json *value;
    mg_json_object_begin(&json, NULL);
    for (void *place = NULL; mg_json_next(record, &place, &key, &value);)
        if (strcmp(key, "tokens") && strcmp(key, "frames")) mg_json_put_copy(&json, key, value);
    packer->n_bytes += (int64_t)text.length;
    mg_status status = text.failed ? mg_fail(why, MG_NO_MEMORY, "out of memory")
                                   : put(&packer->records, text.data, text.length, why);
    mg_buffer_free(&text);
    return status;
}

static mg_status end_record(mg_packer *packer, mg_error *why)
{
    MG_TRY(put(&packer->offsets, &packer->n_tokens, sizeof packer->n_tokens, why));
    MG_TRY(put(&packer->record_offsets, &packer->n_bytes, sizeof packer->n_bytes, why));
    packer->n++;
    return MG_OK;
}

mg_status mg_packer_add(mg_packer *packer, const mg_json *record, const mg_encoding *encoding, const int32_t *tokens,
                        size_t n, mg_error *why)
{
    MG_TRY(agree(packer, encoding, mg_json_get_string(record, "vocab_hash", ""), why));
    MG_TRY(put_tokens(packer, tokens, n, why));
    MG_TRY(put_stem(packer, record, why));
    return end_record(packer, why);
}

mg_status mg_packer_put(mg_packer *packer, const mg_encoding *encoding, const char *vocab_hash, const char *stem,
                        size_t length, const int32_t *tokens, size_t n, mg_error *why)
{
    MG_TRY(agree(packer, encoding, vocab_hash, why));
    MG_TRY(put_tokens(packer, tokens, n, why));
    MG_TRY(put(&packer->records, stem, length, why));
    packer->n_bytes += (int64_t)length;
    return end_record(packer, why);
}

mg_status mg_packer_write(mg_packer *packer, const mg_provenance *provenance, mg_out *out, mg_error *why)
{
    stage *stages[] = {&packer->tokens, &packer->offsets, &packer->records, &packer->record_offsets};
    for (int i = 0; i < 4; i++) MG_TRY(flush(stages[i], why));
    char count[24];
    snprintf(count, sizeof count, "%zu", packer->n);
    mg_metadata metadata[] = {{"format", MG_PACK_FORMAT},
                              {"encoding", packer->encoding ? packer->encoding : ""},
                              {"vocab_hash", packer->vocab_hash ? packer->vocab_hash : ""},
                              {"count", count},
                              {"provenance", NULL}};
    mg_buffer origin = {0};
    if (provenance) mg_provenance_add(&origin, provenance);
    if (origin.failed) return mg_buffer_free(&origin), mg_fail(why, MG_NO_MEMORY, "out of memory");
    metadata[4].value = origin.data;
    size_t n_tokens = (size_t)packer->n_tokens, n_bytes = (size_t)packer->n_bytes, n = packer->n + 1;
#define STAGED(part, type, length) \
    {.name = #part, .dtype = type, .rank = 1, .dim = {(int64_t)(length)}, .count = length, .fd = packer->part.file.fd}
    mg_stored stored[] = {STAGED(tokens, packer->is_roll ? MG_U8 : MG_I32, n_tokens), STAGED(offsets, MG_I64, n),
                          STAGED(records, MG_U8, n_bytes), STAGED(record_offsets, MG_I64, n)};
    mg_status status = mg_tensors_write(out, stored, 4, metadata, provenance ? 5 : 4, why);
    mg_buffer_free(&origin);
    return status;
}
