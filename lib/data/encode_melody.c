/* SPDX-License-Identifier: MIT */
/* Melodies, as Magenta's melody_rnn writes them: one event a step. 0 no event (what sounds goes on), 1 note off,
   2 + p - low note on. The basic_rnn vocabulary has 36 pitches from 48, mono_rnn all 128. */
#include <mgen/data.h>
#include "data/encodings.h"
#include "data/steps.h"

enum { NO_EVENT, OFF, FIRST_ON };

static void token_name(const mg_encoding *e, int token, mg_buffer *out)
{
    if (token < FIRST_ON) mg_buffer_add_text(out, token == NO_EVENT ? "NO_EVENT" : "NOTE_OFF");
    else mg_buffer_print(out, "NOTE_ON_%d", token - FIRST_ON + e->low);
}

/* ---- what may follow ---- */

/* level: whether a note sounds */
static bool allows(const mg_encoding *e, const mg_grammar *grammar, int32_t next)
{
    (void)e;
    return next != OFF || grammar->level;
}

static void follow(const mg_encoding *e, mg_grammar *grammar, int32_t token)
{
    (void)e;
    if (token != NO_EVENT) grammar->level = token != OFF;
}

/* ---- encode ---- */

static mg_status check_line(const data_steps *steps, const mg_encoding *e, mg_error *why)
{
    MG_TRY(data_steps_check(steps, e, why));
    for (size_t i = 1; i < steps->n; i++)
        if (steps->notes[i].start < steps->notes[i - 1].end)
            return mg_fail(why, MG_BAD_DATA, "two notes sound at step %lld", (long long)steps->notes[i].start);
    return MG_OK;
}

/* The line up to the end of its last note, which needs no note-off. */
static mg_status write_line(const data_steps *steps, const mg_encoding *e, mg_buffer *tokens, mg_error *why)
{
    size_t length = (size_t)steps->end, first = tokens->length;
    if (!mg_buffer_room(tokens, length * sizeof(int32_t))) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    int32_t *events = (int32_t *)(void *)(tokens->data + first);
    for (size_t i = 0; i < length; i++) events[i] = NO_EVENT;
    for (size_t i = 0; i < steps->n; i++) {
        const data_step_note *note = &steps->notes[i];
        if (note->end < steps->end) events[note->end] = OFF; /* the next note may begin there and replace it */
        events[note->start] = FIRST_ON + note->pitch - e->low;
    }
    return MG_OK;
}

static mg_status encode(const mg_encoding *e, const mg_score *score, int resolution, mg_buffer *tokens, mg_error *why)
{
    data_steps steps;
    MG_TRY(data_steps_from(score, resolution ? resolution : e->steps_per_quarter, 0, &steps, why));
    mg_status status = check_line(&steps, e, why);
    if (!status) status = write_line(&steps, e, tokens, why);
    data_steps_free(&steps);
    return status;
}

/* ---- decode ---- */

static mg_status decode(const mg_encoding *e, const int32_t *tokens, size_t n, double bpm, int resolution,
                        mg_score **score, mg_error *why)
{
    data_steps steps = {0};
    data_step_note note = {.velocity = DATA_VELOCITY};
    bool is_sounding = false;
    mg_status status = MG_OK;
    int64_t step = 0;
    for (size_t i = 0; !status && i < n; i++) {
        if (tokens[i] < 0 || tokens[i] >= e->vocab) continue;
        if (tokens[i] != NO_EVENT && is_sounding) {
            note.end = step;
            status = data_steps_add(&steps, note, why);
            is_sounding = false;
        }
        if (tokens[i] >= FIRST_ON) {
            note.start = step;
            note.pitch = (uint8_t)(tokens[i] - FIRST_ON + e->low);
            is_sounding = true;
        }
        step++;
    }
    note.end = step;
    if (!status && is_sounding) status = data_steps_add(&steps, note, why);
    steps.length = step;
    if (!status) status = data_steps_score(&steps, resolution ? resolution : e->steps_per_quarter, 0, bpm, score, why);
    data_steps_free(&steps);
    return status;
}

/* ---- rows ---- */

#define CALLS .token_name = token_name, .allows = allows, .follow = follow, .encode = encode, .decode = decode

const mg_encoding data_melody38 = {
    .name = "melody38", .summary = "a melody of 36 pitches, an event a step (Magenta basic_rnn)", .vocab = 38,
    .low = 48, .high = 83, .steps_per_quarter = 4, .start = NO_EVENT, .end = -1, .step_end = -1, CALLS};

const mg_encoding data_melody130 = {
    .name = "melody130", .summary = "a melody of 128 pitches, an event a step (Magenta mono_rnn)", .vocab = 130,
    .low = 0, .high = 127, .steps_per_quarter = 4, .start = NO_EVENT, .end = -1, .step_end = -1, CALLS};
