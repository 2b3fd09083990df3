/* SPDX-License-Identifier: MIT */
/* Any bytes: rolls whose frames are whole and which come back through music, or a reason. */
#include "tests/fuzz/fuzz.h"

#include <mgen/data.h>

#include <string.h>

static mg_status check(void *user, const mg_roll *roll, mg_error *why)
{
    (void)user, (void)why;
    const mg_encoding *e = mg_encoding_find("roll88");
    size_t frames = 0;
    bool is_plain = true; /* no pitch twice in a frame, none outside of the keys */
    for (size_t i = 0; i < roll->n_tokens; i++) {
        int32_t token = roll->tokens[i], before = i ? roll->tokens[i - 1] : MG_FRAME_END;
        MUST(token >= 0 && token <= MG_FRAME_END);
        MUST(token == MG_FRAME_END || before == MG_FRAME_END || token >= before);
        frames += token == MG_FRAME_END;
        is_plain &= token == MG_FRAME_END || (token != before && token >= e->low && token <= e->high);
    }
    MUST(frames == roll->n_frames && roll->split && roll->resolution > 0);
    mg_score *score = NULL;
    mg_buffer again = {0};
    mg_status status = mg_roll_score(roll, 120, &score, NULL);
    MUST(!is_plain || status == MG_OK);
    if (is_plain) {
        MUST(e->encode(e, score, roll->resolution, &again, NULL) == MG_OK);
        MUST(again.length == roll->n_tokens * sizeof(int32_t));
        MUST(again.length == 0 || memcmp(again.data, roll->tokens, again.length) == 0);
    }
    mg_buffer_free(&again);
    mg_score_free(score);
    return MG_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    mg_error why = {0};
    if (!mg_rolls_is(bytes, size)) return 0;
    if (mg_rolls_read(bytes, size, 0, check, NULL, &why)) MUST(why.text[0]);
    return 0;
}
