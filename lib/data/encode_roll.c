/* SPDX-License-Identifier: MIT */
/* Piano-rolls of 88 keys: each frame the pitches that sound in it. A note held and a note struck again are one, as in
   the published benchmarks (Boulanger-Lewandowski et al., ICML 2012). */
#include <mgen/data.h>
#include "data/encodings.h"
#include "data/steps.h"

static void token_name(const mg_encoding *e, int token, mg_buffer *out)
{
    mg_buffer_print(out, "PITCH_%d", token + e->low);
}

/* ---- encode ---- */

static void write_frames(const mg_encoding *e, const data_steps *steps, mg_buffer *tokens)
{
    int64_t ends[128] = {0};
    size_t next = 0;
    for (int64_t step = 0; step < steps->length && !tokens->failed; step++) {
        for (; next < steps->n && steps->notes[next].start == step; next++)
            if (steps->notes[next].end > ends[steps->notes[next].pitch])
                ends[steps->notes[next].pitch] = steps->notes[next].end;
        for (int32_t pitch = e->low; pitch <= e->high; pitch++)
            if (ends[pitch] > step) mg_buffer_add(tokens, &pitch, sizeof pitch);
        mg_buffer_add(tokens, &(int32_t){MG_FRAME_END}, sizeof(int32_t));
    }
}

static mg_status encode(const mg_encoding *e, const mg_score *score, int resolution, mg_buffer *tokens, mg_error *why)
{
    data_steps steps;
    MG_TRY(data_steps_from(score, resolution ? resolution : e->steps_per_quarter, 0, &steps, why));
    mg_status status = data_steps_check(&steps, e, why);
    if (!status) write_frames(e, &steps, tokens);
    data_steps_free(&steps);
    return !status && tokens->failed ? mg_fail(why, MG_NO_MEMORY, "out of memory") : status;
}

/* ---- decode ---- */

typedef struct {
    data_steps steps;
    int64_t start[128]; /* of the run that goes on; -1: none */
    uint64_t now[2];
    int64_t step;
} reader;

static mg_status end_frame(const mg_encoding *e, reader *r, mg_error *why)
{
    for (int pitch = e->low; pitch <= e->high; pitch++) {
        bool is_on = data_has(r->now, pitch);
        if (!is_on && r->start[pitch] >= 0) {
            data_step_note note = {.start = r->start[pitch], .end = r->step, .pitch = (uint8_t)pitch,
                                   .velocity = DATA_VELOCITY};
            MG_TRY(data_steps_add(&r->steps, note, why));
        }
        if (!is_on) r->start[pitch] = -1;
        else if (r->start[pitch] < 0) r->start[pitch] = r->step;
    }
    r->now[0] = r->now[1] = 0;
    r->step++;
    return MG_OK;
}

static mg_status read_frames(const mg_encoding *e, reader *r, const int32_t *tokens, size_t n, mg_error *why)
{
    for (size_t i = 0; i < n; i++) {
        if (tokens[i] >= e->low && tokens[i] <= e->high) data_put(r->now, tokens[i]);
        else if (tokens[i] == MG_FRAME_END) MG_TRY(end_frame(e, r, why));
    }
    if (r->now[0] | r->now[1]) MG_TRY(end_frame(e, r, why)); /* a frame that was cut */
    MG_TRY(end_frame(e, r, why));
    r->steps.length = r->step - 1;
    return MG_OK;
}

static mg_status decode(const mg_encoding *e, const int32_t *tokens, size_t n, double bpm, int resolution,
                        mg_score **score, mg_error *why)
{
    reader r = {0};
    for (int pitch = 0; pitch < 128; pitch++) r.start[pitch] = -1;
    mg_status status = read_frames(e, &r, tokens, n, why);
    if (!status)
        status = data_steps_score(&r.steps, resolution ? resolution : e->steps_per_quarter, 0, bpm, score, why);
    data_steps_free(&r.steps);
    return status;
}

const mg_encoding data_roll88 = {
    .name = "roll88", .summary = "piano-roll frames of the 88 keys", .vocab = 88, .is_roll = true, .low = 21,
    .high = 108, .steps_per_quarter = 4, .start = -1, .end = -1, .step_end = MG_FRAME_END, .token_name = token_name,
    .encode = encode, .decode = decode};
