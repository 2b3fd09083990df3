/* SPDX-License-Identifier: MIT */
/* The content of records: token lists and frames, which always stand last. */
#include <mgen/data.h>
#include "data/prepare.h"

#include <string.h>

void data_end_record(mg_buffer *out, bool is_roll, const int32_t *tokens, size_t n)
{
    mg_json_writer json = mg_json_to(out);
    json.has_items = 1; /* members stand before */
    if (is_roll) {
        mg_json_array_begin(&json, "frames");
        for (size_t i = 0; i < n; i++) {
            mg_json_array_begin(&json, NULL);
            for (; i < n && tokens[i] != MG_FRAME_END; i++) mg_json_put_int(&json, NULL, tokens[i]);
            mg_json_array_end(&json);
        }
        mg_json_array_end(&json);
    } else {
        mg_json_put_ints(&json, "tokens", tokens, n);
    }
    mg_buffer_add_text(out, "}\n");
}

static mg_status read_list(const mg_json *list, int64_t limit, mg_buffer *tokens, mg_error *why)
{
    if (mg_json_kind_of(list) != MG_JSON_ARRAY)
        return mg_fail(why, MG_BAD_DATA, "tokens, or pitches of a frame, that are no list");
    for (size_t i = 0; i < mg_json_count(list); i++) {
        int64_t token;
        if (!mg_json_int(mg_json_at(list, i), &token) || token < 0 || token > limit)
            return mg_fail(why, MG_BAD_DATA, "a token that is no number of a vocabulary");
        mg_buffer_add(tokens, &(int32_t){(int32_t)token}, sizeof(int32_t));
    }
    return tokens->failed ? mg_fail(why, MG_NO_MEMORY, "out of memory") : MG_OK;
}

mg_status data_read_frames(const mg_json *frames, mg_buffer *tokens, mg_error *why)
{
    if (mg_json_kind_of(frames) != MG_JSON_ARRAY) return mg_fail(why, MG_BAD_DATA, "frames that are no list");
    for (size_t i = 0; i < mg_json_count(frames); i++) {
        MG_TRY(read_list(mg_json_at(frames, i), MG_FRAME_END - 1, tokens, why));
        mg_buffer_add(tokens, &(int32_t){MG_FRAME_END}, sizeof(int32_t));
    }
    return tokens->failed ? mg_fail(why, MG_NO_MEMORY, "out of memory") : MG_OK;
}

mg_status mg_encoding_check(const mg_encoding *e, const int32_t *tokens, size_t n, mg_error *why)
{
    for (size_t i = 0; i < n; i++) {
        bool fits = e->is_roll ? tokens[i] == MG_FRAME_END || (tokens[i] >= e->low && tokens[i] <= e->high)
                               : tokens[i] >= 0 && tokens[i] < e->vocab;
        if (!fits) return mg_fail(why, MG_BAD_DATA, "%d is no token of %s", tokens[i], e->name);
    }
    return MG_OK;
}

static mg_status find_encoding(const mg_json *record, bool is_roll, const mg_encoding **encoding, mg_error *why)
{
    char ours[33];
    const char *name = mg_json_get_string(record, "encoding", is_roll ? "roll88" : "");
    const char *theirs = mg_json_get_string(record, "vocab_hash", "");
    const mg_encoding *e = *encoding = mg_encoding_find(name);
    if (!e) return mg_fail(why, MG_UNSUPPORTED, "encoding '%s' is not known", name);
    if (e->is_roll != is_roll)
        return mg_fail(why, MG_BAD_DATA, "%s, where %s has %s", is_roll ? "frames" : "tokens", name,
                       is_roll ? "tokens" : "frames");
    MG_TRY(mg_encoding_vocab_hash(e, ours, why));
    return !*theirs || strcmp(theirs, ours) == 0 ? MG_OK
               : mg_fail(why, MG_UNSUPPORTED, "a vocabulary of %s that is not ours", name);
}

mg_status mg_record_tokens(const mg_json *record, const mg_encoding **encoding, mg_buffer *tokens, mg_error *why)
{
    const mg_json *list = mg_json_get(record, "tokens"), *frames = mg_json_get(record, "frames");
    bool is_roll = mg_json_kind_of(list) != MG_JSON_ARRAY;
    if (!list && !frames) return mg_fail(why, MG_BAD_DATA, "a record without tokens or frames");
    MG_TRY(find_encoding(record, is_roll, encoding, why));
    MG_TRY(is_roll ? data_read_frames(frames, tokens, why) : read_list(list, INT32_MAX, tokens, why));
    return mg_encoding_check(*encoding, (const int32_t *)(const void *)tokens->data, tokens->length / sizeof(int32_t),
                             why);
}
