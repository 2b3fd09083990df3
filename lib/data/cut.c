/* SPDX-License-Identifier: MIT */
/* Parts of a piece: where it is parted, and each part as a piece of its own. */
#include <mgen/data.h>
#include "data/prepare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the whole ---- */

/* SMPTE ticks become 1/48000 s: 24000 of them a quarter at 120 bpm. */
enum { SMPTE_TICKS = 24000, SMPTE_RATE = 48000 };

static int by_onset(const void *a, const void *b)
{
    const mg_note *x = a, *y = b;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    if (x->pitch != y->pitch) return x->pitch < y->pitch ? -1 : 1;
    if (x->track != y->track) return x->track < y->track ? -1 : 1;
    if (x->channel != y->channel) return x->channel < y->channel ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return (x->velocity > y->velocity) - (x->velocity < y->velocity);
}

/* `n` items from `first` as a list of their own; NULL when out of memory. */
static void *copy_list(const void *items, size_t first, size_t n, size_t size)
{
    void *copy = mg_alloc(n, size);
    if (copy && n) memcpy(copy, (const char *)items + first * size, n * size);
    return copy;
}

static mg_status copy_lists(const mg_score *s, mg_score *copy)
{
#define COPY(list, count) (copy->list = copy_list(s->list, 0, copy->count = s->count, sizeof *s->list))
    bool ok = COPY(controls, n_controls);
    if (s->ticks_per_quarter) ok = ok && COPY(tempos, n_tempos) && COPY(meters, n_meters) && COPY(keys, n_keys);
#undef COPY
    return ok ? MG_OK : MG_NO_MEMORY;
}

/* By onset and pitch; unisons, which are rare, by the rest. */
static mg_status copy_notes(const mg_score *s, mg_score *copy)
{
    const mg_note **sorted = mg_score_sorted_notes(s);
    copy->notes = mg_alloc(s->n_notes, sizeof *copy->notes);
    if (!sorted || !copy->notes) return mg_free(sorted), MG_NO_MEMORY;
    bool is_sorted = true;
    for (size_t i = 0; i < s->n_notes; i++) {
        copy->notes[i] = *sorted[i];
        is_sorted &= i == 0 || by_onset(&copy->notes[i - 1], &copy->notes[i]) <= 0;
    }
    copy->n_notes = s->n_notes;
    mg_free(sorted);
    if (!is_sorted) qsort(copy->notes, copy->n_notes, sizeof *copy->notes, by_onset);
    return MG_OK;
}

static mg_status leave_smpte(const mg_score *s, mg_score *copy)
{
    mg_clock *clock = mg_clock_new(s);
    if (!clock) return MG_NO_MEMORY;
    for (size_t i = 0; i < copy->n_notes; i++) {
        copy->notes[i].start = mg_clock_step(clock, copy->notes[i].start, SMPTE_RATE);
        copy->notes[i].end = mg_clock_step(clock, copy->notes[i].end, SMPTE_RATE);
    }
    for (size_t i = 0; i < copy->n_controls; i++)
        copy->controls[i].tick = mg_clock_step(clock, copy->controls[i].tick, SMPTE_RATE);
    copy->end_tick = mg_clock_step(clock, copy->end_tick, SMPTE_RATE);
    copy->ticks_per_quarter = SMPTE_TICKS;
    mg_clock_free(clock);
    return MG_OK;
}

mg_status data_copy(const mg_score *score, mg_score **result, mg_error *why)
{
    mg_score *copy = *result = mg_score_new();
    mg_status status = copy ? copy_lists(score, copy) : MG_NO_MEMORY;
    if (!status) status = copy_notes(score, copy);
    if (!status) {
        copy->format = score->format;
        copy->ticks_per_quarter = score->ticks_per_quarter;
        copy->end_tick = score->end_tick;
        if (score->ticks_per_quarter == 0) status = leave_smpte(score, copy);
    }
    if (!status) return MG_OK;
    mg_score_free(copy);
    *result = NULL;
    return mg_fail(why, status, "out of memory");
}

/* ---- one part ---- */

/* The first item, each beginning with its tick, that lies behind `tick`. */
static size_t behind(const void *items, size_t n, size_t size, int64_t tick)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int64_t at;
        memcpy(&at, (const char *)items + middle * size, sizeof at);
        if (at <= tick) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* What is in force at the span's start, put there, and what changes inside. */
static bool cut_list(const void *items, size_t n, size_t size, const data_span *span, void *list, size_t *count)
{
    size_t first = behind(items, n, size, span->from), end = behind(items, n, size, span->to - 1);
    if (first > 0) first--;
    if (end < first) end = first;
    char *copy = copy_list(items, first, *count = end - first, size);
    memcpy(list, &copy, sizeof copy);
    for (size_t i = 0; copy && i < *count; i++) {
        int64_t tick;
        memcpy(&tick, copy + i * size, sizeof tick);
        tick = tick < span->from ? 0 : tick - span->from;
        memcpy(copy + i * size, &tick, sizeof tick);
    }
    return copy;
}

mg_status data_cut(const mg_score *score, const data_span *span, mg_score **result, mg_error *why)
{
    mg_score *part = *result = mg_score_new();
    bool ok = part && (part->notes = copy_list(score->notes, span->first, span->n, sizeof *score->notes));
#define CUT(list, count) cut_list(score->list, score->count, sizeof *score->list, span, &part->list, &part->count)
    ok = ok && CUT(tempos, n_tempos) && CUT(meters, n_meters) && CUT(keys, n_keys);
#undef CUT
    if (!ok) {
        mg_score_free(part);
        *result = NULL;
        return mg_fail(why, MG_NO_MEMORY, "out of memory");
    }
    part->ticks_per_quarter = score->ticks_per_quarter;
    part->n_notes = span->n;
    int64_t end = score->end_tick < span->to ? score->end_tick : span->to;
    for (size_t i = 0; i < span->n; i++) {
        mg_note *note = &part->notes[i];
        if (note->end > span->to) note->end = span->to;
        if (note->end > end) end = note->end;
        note->start -= span->from;
        note->end -= span->from;
    }
    part->end_tick = end - span->from;
    return MG_OK;
}

/* ---- where ---- */

typedef struct {
    const mg_score *score;
    const mg_prep_options *options;
    mg_clock *clock;
    mg_bars bars;
    size_t hint;             /* of bars */
    int64_t *cuts;           /* rising, from 0 */
    size_t n_cuts, capacity;
    data_span *spans;
    size_t n, spans_capacity;
} parter;

static mg_status add_cut(parter *p, int64_t tick)
{
    if (!mg_grow((void **)&p->cuts, p->n_cuts, &p->capacity, sizeof *p->cuts)) return MG_NO_MEMORY;
    p->cuts[p->n_cuts++] = tick;
    return MG_OK;
}

static mg_status cut_at_changes(parter *p)
{
    const mg_score *s = p->score;
    bool meters = p->options->at_changes & MG_CHANGES_METER, tempos = p->options->at_changes & MG_CHANGES_TEMPO;
    for (size_t i = 0; meters && i < p->bars.n; i++) MG_TRY(add_cut(p, p->bars.part[i].start));
    for (size_t i = 0; tempos && i < s->n_tempos; i++)
        if (s->tempos[i].us_per_quarter != (i ? s->tempos[i - 1].us_per_quarter : 500000))
            MG_TRY(add_cut(p, s->tempos[i].tick));
    return MG_OK;
}

/* After a long silence the next part begins with the bar of its first note, if that bar was silent so far; the silence
   is cut off on both sides. */
static mg_status cut_at_silence(parter *p)
{
    int64_t last_end = 0;
    size_t hint = 0;
    for (size_t i = 0; p->options->split_silence > 0 && i < p->score->n_notes; i++) {
        const mg_note *note = &p->score->notes[i];
        double silence = mg_clock_seconds(p->clock, note->start) - mg_clock_seconds(p->clock, last_end);
        if (silence > p->options->split_silence) {
            int64_t bar = mg_bars_tick(&p->bars, mg_bars_at(&p->bars, note->start, &hint).bar);
            MG_TRY(add_cut(p, last_end));
            MG_TRY(add_cut(p, bar >= last_end ? bar : note->start));
        }
        if (note->end > last_end) last_end = note->end;
    }
    return MG_OK;
}

static int by_tick(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The stretch of `options->split_bars` bars or `split_seconds` seconds, counted from `from`, that holds a tick. */
static data_span stretch_at(parter *p, data_span whole, int64_t tick)
{
    data_span span = whole;
    double seconds = p->options->split_seconds;
    int64_t n = p->options->split_bars;
    if (n > 0) {
        size_t start = 0;
        int64_t base = mg_bars_at(&p->bars, whole.from, &start).bar;
        int64_t k = (mg_bars_at(&p->bars, tick, &p->hint).bar - base) / n;
        span.from = mg_bars_tick(&p->bars, base + k * n);
        span.to = mg_bars_tick(&p->bars, base + (k + 1) * n);
    } else if (seconds > 0) {
        double base = mg_clock_seconds(p->clock, whole.from);
        double k = floor((mg_clock_seconds(p->clock, tick) - base) / seconds);
        k += (tick >= mg_clock_tick(p->clock, base + (k + 1) * seconds)) - /* a tick may lie half a step off */
             (tick < mg_clock_tick(p->clock, base + k * seconds));
        span.from = mg_clock_tick(p->clock, base + k * seconds);
        span.to = mg_clock_tick(p->clock, base + (k + 1) * seconds);
    }
    if (span.from < whole.from) span.from = whole.from;
    if (span.to > whole.to || span.to <= tick) span.to = whole.to;
    return span;
}

/* From note to note: whatever has none is never visited, however long it is. */
static mg_status add_spans(parter *p)
{
    const mg_note *notes = p->score->notes;
    size_t cut = 0;
    for (size_t i = 0; i < p->score->n_notes;) {
        while (cut + 1 < p->n_cuts && p->cuts[cut + 1] <= notes[i].start) cut++;
        data_span whole = {.from = p->cuts[cut], .to = cut + 1 < p->n_cuts ? p->cuts[cut + 1] : INT64_MAX};
        data_span span = stretch_at(p, whole, notes[i].start);
        if (!mg_grow((void **)&p->spans, p->n, &p->spans_capacity, sizeof *p->spans)) return MG_NO_MEMORY;
        span.first = i;
        while (i < p->score->n_notes && notes[i].start < span.to) i++;
        span.n = i - span.first;
        p->spans[p->n++] = span;
    }
    return MG_OK;
}

mg_status data_spans(const mg_score *score, const mg_prep_options *options, data_span **spans, size_t *n,
                     mg_error *why)
{
    parter p = {.score = score, .options = options, .clock = mg_clock_new(score)};
    int64_t last = score->n_notes ? score->notes[score->n_notes - 1].start : 0;
    mg_status status = p.clock ? mg_bars_make(score, last, &p.bars) : MG_NO_MEMORY;
    if (!status) status = add_cut(&p, 0);
    if (!status) status = cut_at_changes(&p);
    if (!status) status = cut_at_silence(&p);
    if (!status) {
        qsort(p.cuts, p.n_cuts, sizeof *p.cuts, by_tick);
        status = add_spans(&p);
    }
    mg_clock_free(p.clock);
    mg_bars_free(&p.bars);
    mg_free(p.cuts);
    *spans = p.spans;
    *n = p.n;
    if (!status) return MG_OK;
    mg_free(p.spans);
    return mg_fail(why, status, "out of memory");
}
