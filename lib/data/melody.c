/* SPDX-License-Identifier: MIT */
/* The melodies of a piece, after note-seq's melodies_lib: of each channel of each track the notes on the grid; a melody
   begins with the bar of its first note and ends where a bar or more of silence follows; a note ends at the latest
   where the next begins.

   Notes that sound together at their onset make a line no melody (strict) or leave it the highest. Two differences to
   note-seq: short notes that only the grid brings together (a triplet, an ornament) are no chord, the longest stays;
   and the highest note keeps lower ones out as long as it sounds, as in a skyline. */
#include <mgen/data.h>
#include "data/prepare.h"
#include "data/steps.h"

#include <stdio.h>
#include <stdlib.h>


/* A note of one line: its steps, and its ticks before they were rounded. */
typedef struct {
    uint32_t line; /* track and channel */
    int64_t start, end;
    int64_t start_tick, end_tick;
    uint8_t pitch, velocity;
} line_note;

typedef struct {
    const mg_score *score;
    mg_melody rule;
    int resolution;
    double gap_bars;
    mg_clock *clock;
    mg_bars bars;
    line_note *notes;
    size_t n;
    data_melody_fn visit;
    void *user;
    mg_error *why;
} extractor;

/* ---- one line after the other ---- */

static int by_line(const void *a, const void *b)
{
    const line_note *x = a, *y = b;
    if (x->line != y->line) return x->line < y->line ? -1 : 1;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    if (x->start_tick != y->start_tick) return x->start_tick < y->start_tick ? -1 : 1;
    if (x->pitch != y->pitch) return x->pitch > y->pitch ? -1 : 1;
    if (x->end_tick != y->end_tick) return x->end_tick > y->end_tick ? -1 : 1;
    return (x->velocity > y->velocity) - (x->velocity < y->velocity);
}

static int64_t step_of(const extractor *x, int64_t tick)
{
    int64_t ticks = x->score->ticks_per_quarter;
    return (int64_t)((2 * (__int128)tick * x->resolution + ticks) / (2 * ticks));
}

/* The first tick of a step. */
static int64_t tick_of(const extractor *x, int64_t step)
{
    return (int64_t)(((__int128)step * x->score->ticks_per_quarter + x->resolution - 1) / x->resolution);
}

static mg_status sort_lines(extractor *x)
{
    x->notes = mg_alloc(x->score->n_notes, sizeof *x->notes);
    if (!x->notes) return mg_fail(x->why, MG_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < x->score->n_notes; i++) {
        const mg_note *note = &x->score->notes[i];
        if (note->channel == MG_DRUM_CHANNEL) continue;
        line_note *copy = &x->notes[x->n++];
        *copy = (line_note){.line = (uint32_t)note->track << 4 | note->channel, .start = step_of(x, note->start),
                            .end = step_of(x, note->end), .start_tick = note->start, .end_tick = note->end,
                            .pitch = note->pitch, .velocity = note->velocity};
        if (copy->end <= copy->start) copy->end = copy->start + 1;
    }
    if (x->n) qsort(x->notes, x->n, sizeof *x->notes, by_line);
    return MG_OK;
}

/* ---- from notes to a line ---- */

/* Which of two notes on one step stays; NULL if they are a chord. */
static const line_note *stronger(const extractor *x, const line_note *a, const line_note *b)
{
    if (x->rule == MG_MELODY_HIGHEST) return b->pitch > a->pitch ? b : a;
    if (b->start_tick < a->end_tick) return NULL;
    return b->end_tick - b->start_tick > a->end_tick - a->start_tick ? b : a;
}

/* Make notes [first, last) one voice, in place: how many are left, or 0 with the step of the first chord. */
static size_t make_line(const extractor *x, line_note *notes, size_t n, int64_t *chord)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        line_note *last = kept ? &notes[kept - 1] : NULL, *note = &notes[i];
        if (last && note->start == last->start) {
            const line_note *stays = stronger(x, last, note);
            if (!stays) return *chord = note->start, 0;
            *last = *stays;
            continue;
        }
        if (last && x->rule == MG_MELODY_HIGHEST && note->start < last->end && note->pitch < last->pitch) continue;
        if (last && last->end > note->start) last->end = note->start;
        notes[kept++] = *note;
    }
    return kept;
}

/* ---- from a line to melodies ---- */

static mg_status set_context(const extractor *x, mg_score *melody, int64_t from, const mg_meter_part *meter)
{
    melody->meters = mg_alloc_zero(1, sizeof *melody->meters);
    melody->keys = mg_alloc_zero(1, sizeof *melody->keys);
    if (!melody->meters || !melody->keys) return mg_fail(x->why, MG_NO_MEMORY, "out of memory");
    melody->meters[0] = (mg_meter){.numerator = (uint16_t)meter->numerator, .clocks = 24, .thirtyseconds = 8,
                                   .denominator = (uint16_t)meter->denominator};
    melody->n_meters = 1;
    for (size_t i = 0; i < x->score->n_keys && x->score->keys[i].tick <= from; i++) {
        melody->keys[0] = x->score->keys[i];
        melody->keys[0].tick = 0;
        melody->n_keys = 1;
    }
    return MG_OK;
}

/* Notes of one melody, from the bar that holds the first. */
static mg_status hand_over(const extractor *x, const line_note *notes, size_t n, int64_t from_step, size_t meter)
{
    data_steps steps = {0};
    mg_score *melody = NULL;
    mg_status status = MG_OK;
    for (size_t i = 0; !status && i < n; i++)
        status = data_steps_add(&steps,
                                (data_step_note){.start = notes[i].start - from_step, .end = notes[i].end - from_step,
                                                 .pitch = notes[i].pitch, .velocity = notes[i].velocity},
                                x->why);
    int64_t from = tick_of(x, from_step), to = tick_of(x, notes[n - 1].end);
    double seconds = mg_clock_seconds(x->clock, to) - mg_clock_seconds(x->clock, from);
    double quarters = (double)(to - from) / x->score->ticks_per_quarter;
    if (!status) status = data_steps_score(&steps, x->resolution, 0, quarters * 60 / seconds, &melody, x->why);
    data_steps_free(&steps);
    if (!status) status = set_context(x, melody, from, &x->bars.part[meter]);
    if (status) return mg_score_free(melody), status;
    return x->visit(x->user, melody, NULL, x->why);
}

/* Whether a silence from one step to another lasts the bars that end a melody. */
static bool is_gap(const extractor *x, int64_t from_step, int64_t to_step, size_t *hint)
{
    int64_t from = tick_of(x, from_step);
    mg_bars_at(&x->bars, from, hint);
    const mg_meter_part *meter = &x->bars.part[*hint];
    return (double)(tick_of(x, to_step) - from) * (double)meter->len_den >= x->gap_bars * (double)meter->len_num;
}

static mg_status part_line(const extractor *x, const line_note *notes, size_t n)
{
    size_t hint = 0;
    int64_t free_from = 0; /* step behind the melody before */
    for (size_t i = 0, end; i < n; i = end) {
        size_t meter = hint;
        int64_t bar = mg_bars_at(&x->bars, tick_of(x, notes[i].start), &meter).bar;
        int64_t from = step_of(x, mg_bars_tick(&x->bars, bar));
        if (from > notes[i].start) from = notes[i].start; /* a bar that is no whole number of steps */
        if (from < free_from) from = free_from;
        for (end = i + 1; end < n && !is_gap(x, notes[end - 1].end, notes[end].start, &hint);) end++;
        free_from = notes[end - 1].end;
        MG_TRY(hand_over(x, notes + i, end - i, from, meter));
    }
    return MG_OK;
}

static mg_status visit_lines(const extractor *x)
{
    for (size_t i = 0, end; i < x->n; i = end) {
        for (end = i; end < x->n && x->notes[end].line == x->notes[i].line;) end++;
        int64_t chord = 0;
        size_t n = make_line(x, x->notes + i, end - i, &chord);
        char reason[96];
        snprintf(reason, sizeof reason, "track %u, channel %u: two notes at step %lld", x->notes[i].line >> 4,
                 x->notes[i].line & 15, (long long)chord); /* both from 0, as in info records */
        MG_TRY(n ? part_line(x, x->notes + i, n) : x->visit(x->user, NULL, reason, x->why));
    }
    return MG_OK;
}

mg_status data_melodies(const mg_score *score, mg_melody rule, double gap_bars, int resolution, data_melody_fn visit,
                        void *user, mg_error *why)
{
    extractor x = {.score = score, .rule = rule, .resolution = resolution, .gap_bars = gap_bars, .visit = visit,
                   .user = user, .why = why, .clock = mg_clock_new(score)};
    int64_t last = score->n_notes ? score->notes[score->n_notes - 1].start + score->ticks_per_quarter : 0;
    mg_status status = x.clock && !mg_bars_make(score, last, &x.bars) ? MG_OK
                                                                      : mg_fail(why, MG_NO_MEMORY, "out of memory");
    if (!status) status = sort_lines(&x);
    if (!status) status = visit_lines(&x);
    mg_clock_free(x.clock);
    mg_bars_free(&x.bars);
    mg_free(x.notes);
    return status;
}
