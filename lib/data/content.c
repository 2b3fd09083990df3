/* SPDX-License-Identifier: MIT */
/* The content of records: token lists and frames, which always stand last. */
#include <mgen/data.h>
#include "data/prepare.h"

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

mg_status data_read_content(const mg_json *content, bool is_roll, mg_buffer *tokens, mg_error *why)
{
    for (size_t i = 0; i < mg_json_count(content); i++) {
        const mg_json *item = mg_json_at(content, i);
        size_t n = is_roll ? mg_json_count(item) : 1;
        for (size_t k = 0; k < n; k++) {
            int64_t token;
            if (!mg_json_int(is_roll ? mg_json_at(item, k) : item, &token) || token < 0 ||
                token > (is_roll ? MG_FRAME_END - 1 : INT32_MAX))
                return mg_fail(why, MG_BAD_DATA, "a token that is no number of a vocabulary");
            mg_buffer_add(tokens, &(int32_t){(int32_t)token}, sizeof(int32_t));
        }
        if (is_roll) mg_buffer_add(tokens, &(int32_t){MG_FRAME_END}, sizeof(int32_t));
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

mg_status mg_record_check(const mg_json *record, mg_error *why)
{
    const mg_json *frames = mg_json_get(record, "frames"), *content = frames ? frames : mg_json_get(record, "tokens");
    const char *name = mg_json_get_string(record, "encoding", frames ? "roll88" : "");
    const mg_encoding *encoding = mg_encoding_find(name);
    mg_buffer tokens = {0};
    if (!content) return mg_fail(why, MG_BAD_DATA, "a record without tokens or frames");
    if (!encoding) return mg_fail(why, MG_UNSUPPORTED, "encoding '%s' is not known", name);
    if (encoding->is_roll != (frames != NULL))
        return mg_fail(why, MG_BAD_DATA, "%s where %s has %s", frames ? "frames" : "tokens", name,
                       frames ? "tokens" : "frames");
    mg_status status = data_read_content(content, encoding->is_roll, &tokens, why);
    if (!status)
        status = mg_encoding_check(encoding, (const int32_t *)(const void *)tokens.data,
                                   tokens.length / sizeof(int32_t), why);
    mg_buffer_free(&tokens);
    return status;
}
