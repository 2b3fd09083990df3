/* SPDX-License-Identifier: MIT */
/* Polyphony on a grid of beats, as Magenta's polyphony_rnn writes it: in each step the pitches that sound, from high to
   low, each as new or continued, then the end of the step. 0 START, 1 END, 2 STEP_END, 3 + p new, 131 + p continued. */
#include <mgen/data.h>
#include "data/encodings.h"
#include "data/steps.h"

enum { START, END, STEP_END, NEW, CONTINUED = NEW + 128, VOCAB = CONTINUED + 128 };

static bool is_pitch(int32_t token) { return token >= NEW && token < VOCAB; }
static int pitch_of(int32_t token) { return (token - NEW) % 128; }

static void token_name(const mg_encoding *e, int token, mg_buffer *out)
{
    (void)e;
    static const char *const names[] = {"START", "END", "STEP_END"};
    if (!is_pitch(token)) mg_buffer_add_text(out, names[token]);
    else mg_buffer_print(out, "%s_%d", token < CONTINUED ? "NEW_NOTE" : "CONTINUED_NOTE", pitch_of(token));
}

/* ---- what may follow ---- */

/* before: pitches of the step before; sounding: those of this step so far; last: what was said, plus 1. */
static bool allows(const mg_encoding *e, const mg_grammar *grammar, int32_t next)
{
    (void)e;
    bool has_begun = is_pitch(grammar->last - 1);
    if (next == STEP_END) return true;
    if (next == END) return !has_begun;
    if (!is_pitch(next) || (has_begun && pitch_of(next) >= pitch_of(grammar->last - 1))) return false;
    return next < CONTINUED || data_has(grammar->before, pitch_of(next));
}

static void follow(const mg_encoding *e, mg_grammar *grammar, int32_t token)
{
    if (token < 0 || token >= e->vocab) return;
    if (is_pitch(token)) data_put(grammar->sounding, pitch_of(token));
    if (token == STEP_END)
        for (int i = 0; i < 2; i++) {
            grammar->before[i] = grammar->sounding[i];
            grammar->sounding[i] = 0;
        }
    grammar->last = token + 1;
}

/* ---- encode ---- */

static void say(mg_buffer *tokens, int32_t token) { mg_buffer_add(tokens, &token, sizeof token); }

/* Step by step: `ends` of each pitch that sounds. A note struck again while it sounds is new. */
static void write_steps(const data_steps *steps, mg_buffer *tokens)
{
    int64_t ends[128] = {0};
    size_t next = 0;
    for (int64_t step = 0; step < steps->end && !tokens->failed; step++) {
        uint64_t fresh[2] = {0};
        for (; next < steps->n && steps->notes[next].start == step; next++) {
            const data_step_note *note = &steps->notes[next];
            if (!data_has(fresh, note->pitch) || note->end > ends[note->pitch]) ends[note->pitch] = note->end;
            data_put(fresh, note->pitch);
        }
        for (int pitch = 127; pitch >= 0; pitch--)
            if (ends[pitch] > step) say(tokens, (data_has(fresh, pitch) ? NEW : CONTINUED) + pitch);
        say(tokens, STEP_END);
    }
}

static mg_status encode(const mg_encoding *e, const mg_score *score, int resolution, mg_buffer *tokens, mg_error *why)
{
    data_steps steps;
    MG_TRY(data_steps_from(score, resolution ? resolution : e->steps_per_quarter, 0, &steps, why));
    mg_status status = data_steps_check(&steps, e, why);
    if (!status) write_steps(&steps, tokens);
    data_steps_free(&steps);
    return !status && tokens->failed ? mg_fail(why, MG_NO_MEMORY, "out of memory") : status;
}

/* ---- decode ---- */

typedef struct {
    data_steps steps;
    int64_t start[128]; /* of what sounded in the step before or sounds in this one; -1: nothing does */
    uint64_t now[2];    /* pitches of this step */
    int64_t step;
} reader;

static mg_status end_note(reader *r, int pitch, mg_error *why)
{
    data_step_note note = {.start = r->start[pitch], .end = r->step, .pitch = (uint8_t)pitch,
                           .velocity = DATA_VELOCITY};
    r->start[pitch] = -1;
    return data_steps_add(&r->steps, note, why);
}

static mg_status say_pitch(reader *r, int pitch, bool is_new, mg_error *why)
{
    if (data_has(r->now, pitch)) return MG_OK; /* said twice */
    if (!is_new && r->start[pitch] < 0) return MG_OK; /* goes on from nothing */
    data_put(r->now, pitch);
    if (!is_new) return MG_OK;
    if (r->start[pitch] >= 0) MG_TRY(end_note(r, pitch, why));
    r->start[pitch] = r->step;
    return MG_OK;
}

/* What this step did not name ended before it. */
static mg_status end_step(reader *r, mg_error *why)
{
    for (int pitch = 0; pitch < 128; pitch++)
        if (r->start[pitch] >= 0 && !data_has(r->now, pitch)) MG_TRY(end_note(r, pitch, why));
    r->now[0] = r->now[1] = 0;
    r->step++;
    return MG_OK;
}

static mg_status read_tokens(reader *r, const int32_t *tokens, size_t n, mg_error *why)
{
    for (size_t i = 0; i < n && tokens[i] != END; i++) {
        if (is_pitch(tokens[i])) MG_TRY(say_pitch(r, pitch_of(tokens[i]), tokens[i] < CONTINUED, why));
        else if (tokens[i] == STEP_END) MG_TRY(end_step(r, why));
    }
    if (r->now[0] | r->now[1]) MG_TRY(end_step(r, why)); /* a step that was cut */
    MG_TRY(end_step(r, why));
    r->steps.length = r->step - 1;
    return MG_OK;
}

static mg_status decode(const mg_encoding *e, const int32_t *tokens, size_t n, double bpm, int resolution,
                        mg_score **score, mg_error *why)
{
    reader r = {0};
    for (int pitch = 0; pitch < 128; pitch++) r.start[pitch] = -1;
    mg_status status = read_tokens(&r, tokens, n, why);
    if (!status)
        status = data_steps_score(&r.steps, resolution ? resolution : e->steps_per_quarter, 0, bpm, score, why);
    data_steps_free(&r.steps);
    return status;
}

const mg_encoding data_polyphony259 = {
    .name = "polyphony259", .summary = "chords step by step, notes new or continued (Magenta polyphony_rnn)",
    .vocab = VOCAB, .low = 0, .high = 127, .steps_per_quarter = 4, .start = START, .end = END, .step_end = STEP_END,
    .token_name = token_name, .allows = allows, .follow = follow, .encode = encode, .decode = decode};
