/* SPDX-License-Identifier: MIT */
/* From a score to notes on a grid and back. step = floor(steps + 1/2) in whole numbers, so that ties go up however the
   tempo map came about. */
#include <mgen/data.h>
#include "data/steps.h"

#include <math.h>
#include <stdlib.h>

/* ---- from a score ---- */

typedef struct {
    const mg_clock *clock; /* of a grid of seconds, NULL for one of quarters */
    int64_t steps, ticks;  /* steps a quarter and ticks a quarter, or steps a second */
} grid;

static int64_t step_of(const grid *g, int64_t tick)
{
    if (g->clock) return mg_clock_step(g->clock, tick, (int)g->steps);
    return (int64_t)((2 * (__int128)tick * g->steps + g->ticks) / (2 * g->ticks));
}

static int by_onset(const void *a, const void *b)
{
    const mg_note *x = *(const mg_note *const *)a, *y = *(const mg_note *const *)b;
#define ORDER(field) \
    if (x->field != y->field) return x->field < y->field ? -1 : 1
    ORDER(start);
    ORDER(pitch);
    ORDER(track);
    ORDER(channel);
    ORDER(end);
    ORDER(velocity);
#undef ORDER
    return 0;
}

static mg_status put_notes(const mg_score *score, const grid *g, data_steps *steps, mg_error *why)
{
    const mg_note **sorted = mg_alloc(score->n_notes, sizeof *sorted);
    steps->notes = mg_alloc(score->n_notes, sizeof *steps->notes);
    if (!sorted || !steps->notes) return mg_free(sorted), mg_fail(why, MG_NO_MEMORY, "out of memory");
    steps->capacity = score->n_notes;
    for (size_t i = 0; i < score->n_notes; i++) sorted[i] = &score->notes[i];
    size_t in_order = 1; /* as they mostly are */
    while (in_order < score->n_notes && by_onset(&sorted[in_order - 1], &sorted[in_order]) <= 0) in_order++;
    if (in_order < score->n_notes) qsort(sorted, score->n_notes, sizeof *sorted, by_onset);
    for (size_t i = 0; i < score->n_notes; i++) {
        const mg_note *note = sorted[i];
        int64_t start = step_of(g, note->start), end = step_of(g, note->end);
        if (end <= start) end = start + 1;
        if (end > steps->end) steps->end = end;
        bool is_drum = note->channel == MG_DRUM_CHANNEL;
        steps->notes[steps->n++] = (data_step_note){.start = start, .end = end, .pitch = note->pitch,
                                                    .velocity = note->velocity, .is_drum = is_drum};
    }
    mg_free(sorted);
    int64_t length = step_of(g, score->end_tick);
    steps->length = length > steps->end ? length : steps->end;
    return MG_OK;
}

mg_status data_steps_from(const mg_score *score, int per_quarter, int per_second, data_steps *steps, mg_error *why)
{
    *steps = (data_steps){0};
    grid g = {.steps = per_quarter, .ticks = score->ticks_per_quarter};
    mg_clock *clock = NULL;
    if (per_quarter == 0 || g.ticks == 0) { /* SMPTE has no quarters: two a second, as at 120 bpm */
        g.clock = clock = mg_clock_new(score);
        if (!clock) return mg_fail(why, MG_NO_MEMORY, "out of memory");
        g.steps = per_quarter ? 2 * (int64_t)per_quarter : per_second;
    }
    mg_status status = put_notes(score, &g, steps, why);
    mg_clock_free(clock);
    if (status) data_steps_free(steps);
    return status;
}

void data_steps_free(data_steps *steps)
{
    mg_free(steps->notes);
    *steps = (data_steps){0};
}

mg_status data_steps_check(const data_steps *steps, const mg_encoding *encoding, mg_error *why)
{
    if (steps->length > DATA_MOST_STEPS)
        return mg_fail(why, MG_TOO_LARGE, "longer than %d steps", (int)DATA_MOST_STEPS);
    for (size_t i = 0; i < steps->n; i++) {
        const data_step_note *note = &steps->notes[i];
        if (note->is_drum) return mg_fail(why, MG_BAD_DATA, "drums, which %s cannot say", encoding->name);
        if (note->pitch < encoding->low || note->pitch > encoding->high)
            return mg_fail(why, MG_BAD_DATA, "pitch %d is outside of %d..%d", note->pitch, encoding->low,
                           encoding->high);
    }
    return MG_OK;
}

/* ---- to a score ---- */

mg_status data_steps_add(data_steps *steps, data_step_note note, mg_error *why)
{
    if (!mg_grow((void **)&steps->notes, steps->n, &steps->capacity, sizeof note))
        return mg_fail(why, MG_NO_MEMORY, "out of memory");
    note.order = steps->n;
    steps->notes[steps->n++] = note;
    if (note.end > steps->end) steps->end = note.end;
    if (steps->end > steps->length) steps->length = steps->end;
    return MG_OK;
}

static int by_step(const void *a, const void *b)
{
    const data_step_note *x = a, *y = b;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    if (x->pitch != y->pitch) return x->pitch < y->pitch ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

/* Ticks a quarter and a step: about 480 a quarter, and whole ones a step; a millisecond where seconds are counted. */
static int ticks_per_step(int per_quarter, int per_second, int *per_beat)
{
    int ticks = per_quarter ? (480 + per_quarter - 1) / per_quarter : 1000 / per_second;
    *per_beat = per_quarter ? ticks * per_quarter : 500;
    return ticks;
}

mg_status data_steps_score(data_steps *steps, int per_quarter, int per_second, double bpm, mg_score **result,
                           mg_error *why)
{
    *result = NULL;
    mg_score *score = mg_score_new();
    if (!score) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    score->notes = mg_alloc(steps->n, sizeof *score->notes);
    score->tracks = mg_alloc_zero(1, sizeof *score->tracks);
    score->tempos = mg_alloc_zero(1, sizeof *score->tempos);
    if (!score->notes || !score->tracks || !score->tempos)
        return mg_score_free(score), mg_fail(why, MG_NO_MEMORY, "out of memory");
    int ticks = ticks_per_step(per_quarter, per_second, &score->ticks_per_quarter);
    bool counts_beats = per_quarter && bpm >= MG_SLOWEST_BPM && bpm <= MG_FASTEST_BPM;
    score->tempos[0].us_per_quarter = counts_beats ? (uint32_t)llround(60e6 / bpm) : 500000;
    score->n_tempos = score->n_tracks = 1;
    if (steps->n) qsort(steps->notes, steps->n, sizeof *steps->notes, by_step);
    for (size_t i = 0; i < steps->n; i++) {
        const data_step_note *note = &steps->notes[i];
        bool is_unison = i > 0 && note->start == note[-1].start && note->pitch == note[-1].pitch;
        int channel = is_unison ? score->notes[i - 1].channel + 1 : 0;
        if (channel == MG_DRUM_CHANNEL) channel++;
        score->notes[i] = (mg_note){.start = note->start * ticks, .end = note->end * ticks, .pitch = note->pitch,
                                    .velocity = note->velocity, .channel = (uint8_t)(channel & 15), .release = 64};
    }
    score->n_notes = steps->n;
    score->end_tick = steps->length * ticks;
    score->tracks[0] = (mg_track){.name = "", .n_notes = steps->n, .end_tick = score->end_tick};
    *result = score;
    return MG_OK;
}
