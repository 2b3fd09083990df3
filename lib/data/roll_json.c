/* SPDX-License-Identifier: MIT */
/* Rolls as JSON: {"train": [piece, ...], "valid": [...], "test": [...]}, a piece a list of steps, a step the list of
   the pitches that sound in it; -1 is silence. So come the JSB chorales of czhuang/JSB-Chorales-dataset. */
#include <mgen/data.h>
#include "data/rolls.h"

#include <string.h>

const char *data_split_named(const char *name, size_t length)
{
    static const char *const splits[] = {"train", "valid", "test"};
    for (int i = 0; i < 3; i++) {
        size_t n = strlen(splits[i]);
        if (length < n || memcmp(name, splits[i], n)) continue;
        if (length == n || (length == n + 4 && memcmp(name + n, "data", 4) == 0)) return splits[i];
    }
    return NULL;
}

/* An object whose first key names a part of a data set. */
bool data_roll_json_is(const void *bytes, size_t size)
{
    if (size == 0) return false;
    const char *at = bytes, *end = at + size;
    while (at < end && memchr(" \t\r\n", *at, 4)) at++;
    if (at == end || *at++ != '{') return false;
    while (at < end && memchr(" \t\r\n", *at, 4)) at++;
    if (at == end || *at++ != '"') return false;
    const char *quote = memchr(at, '"', (size_t)(end - at));
    return quote && data_split_named(at, (size_t)(quote - at));
}

static void insert(int32_t *pitches, size_t n, int32_t pitch)
{
    for (; n > 0 && pitches[n - 1] > pitch; n--) pitches[n] = pitches[n - 1];
    pitches[n] = pitch;
}

static mg_status add_step(const mg_json *step, mg_buffer *tokens, mg_error *why)
{
    enum { MOST = 128 };
    int32_t pitches[MOST + 1];
    size_t n = 0;
    if (!step || mg_json_kind_of(step) != MG_JSON_ARRAY) return mg_fail(why, MG_BAD_DATA, "a step that is no list");
    if (mg_json_count(step) > MOST) return mg_fail(why, MG_BAD_DATA, "a step of more than %d pitches", (int)MOST);
    for (size_t i = 0; i < mg_json_count(step); i++) {
        double pitch = -2;
        if (!mg_json_real(mg_json_at(step, i), &pitch) || pitch < -1 || pitch > 127 || pitch != (int32_t)pitch)
            return mg_fail(why, MG_BAD_DATA, "a pitch that is neither a whole number of 0 to 127 nor -1");
        if (pitch >= 0) insert(pitches, n++, (int32_t)pitch);
    }
    pitches[n++] = MG_FRAME_END;
    mg_buffer_add(tokens, pitches, n * sizeof *pitches);
    return tokens->failed ? mg_fail(why, MG_NO_MEMORY, "out of memory") : MG_OK;
}

static mg_status read_piece(const mg_json *piece, const char *split, int number, mg_roll_fn visit, void *user,
                            mg_error *why)
{
    mg_buffer tokens = {0};
    mg_status status = MG_OK;
    if (mg_json_kind_of(piece) != MG_JSON_ARRAY) return mg_fail(why, MG_BAD_DATA, "a piece that is no list of steps");
    for (size_t i = 0; !status && i < mg_json_count(piece); i++) {
        status = add_step(mg_json_at(piece, i), &tokens, why);
        if (status == MG_BAD_DATA) mg_error_at(why, "piece %d, step %zu", number, i);
    }
    mg_roll roll = {.split = split, .number = number, .tokens = (const int32_t *)(const void *)tokens.data,
                    .n_tokens = tokens.length / sizeof(int32_t), .n_frames = mg_json_count(piece)};
    if (!status) status = visit(user, &roll, why);
    mg_buffer_free(&tokens);
    return status;
}

mg_status data_roll_json_read(const void *bytes, size_t size, mg_roll_fn visit, void *user, mg_error *why)
{
    mg_json *root;
    MG_TRY(mg_json_parse(bytes, size, &root, why));
    mg_status status = MG_OK;
    const char *key;
    const mg_json *pieces;
    int number = 0;
    for (void *place = NULL; !status && mg_json_next(root, &place, &key, &pieces);) {
        const char *split = data_split_named(key, strlen(key));
        for (size_t i = 0; split && !status && i < mg_json_count(pieces); i++)
            status = read_piece(mg_json_at(pieces, i), split, ++number, visit, user, why);
    }
    mg_json_free(root);
    return status;
}
