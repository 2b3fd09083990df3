/* SPDX-License-Identifier: MIT */
/* Metrics of beats and bars. MusPy counts a note into the beat that begins where it ends, and has one more beat or
   bar than the piece; strictly, a note fills [start, end) and the last bar is the last note's. */
#include "metric/rows.h"

/* ---- how many beats or bars a note fills ---- */

/* Counts the cells filled by notes that come by rising start. */
typedef struct { int64_t filled, last; /* last: no cell from it on was filled yet */ } filling;

static void fill(filling *f, int64_t from, int64_t to)
{
    if (from < f->last) from = f->last;
    if (to < from) return;
    f->filled += to - from + 1;
    f->last = to + 1;
}

/* The last tick in which a note is heard; a note without length is heard where it starts. */
static int64_t last_tick(const mg_note *note) { return note->end > note->start ? note->end - 1 : note->end; }

/* 1 - filled / all, cells being `size` ticks long. */
static mg_value empty_rate_compat(const mg_analysis *a, int64_t size)
{
    if (!has_muspy_tracks(a)) return no_value(NO_TRACKS);
    if (a->length < 1) return no_value(NO_TIME);
    filling f = {0};
    for (size_t i = 0; i < a->n; i++) fill(&f, a->notes[i]->start / size, a->notes[i]->end / size);
    return value_of(1 - (double)f.filled / (double)(a->length / size + 1));
}

mg_value empty_beat_rate(const mg_analysis *a, int variant)
{
    (void)variant;
    int64_t size = a->score->ticks_per_quarter, last = 0;
    if (!a->bars.n) return no_value(NO_QUARTERS);
    if (a->meaning == MG_COMPAT) return empty_rate_compat(a, size);
    if (a->n == 0) return no_value(NO_NOTES);
    filling f = {0};
    for (size_t i = 0; i < a->n; i++) {
        int64_t end = last_tick(a->notes[i]);
        fill(&f, a->notes[i]->start / size, end / size);
        if (end > last) last = end;
    }
    return value_of(1 - (double)f.filled / (double)(last / size + 1));
}

/* MusPy is told the ticks of a bar. They are those of 4/4 (0) or of the piece's first meter (1), which may not be a
   whole number: then 0 is returned. */
static int64_t compat_bar(const mg_analysis *a, int variant)
{
    const mg_score *score = a->score;
    int64_t whole = (int64_t)4 * score->ticks_per_quarter;
    if (variant == 0 || score->n_meters == 0) return whole;
    int64_t scaled = whole * score->meters[0].numerator, denominator = score->meters[0].denominator;
    return scaled % denominator ? 0 : scaled / denominator;
}

#define BROKEN_BAR "the first meter's bar is no whole number of ticks"

mg_value empty_measure_rate(const mg_analysis *a, int variant)
{
    if (!a->bars.n) return no_value(NO_QUARTERS);
    if (a->meaning == MG_COMPAT) {
        int64_t bar = compat_bar(a, variant);
        return bar ? empty_rate_compat(a, bar) : no_value(BROKEN_BAR);
    }
    if (a->n == 0) return no_value(NO_NOTES);
    filling f = {0};
    int64_t end = -1;
    size_t start_hint = 0, end_hint = 0;
    for (size_t i = 0; i < a->n; i++) {
        if (last_tick(a->notes[i]) <= end) continue; /* an earlier note fills it all */
        end = last_tick(a->notes[i]);
        int64_t from = mg_bars_at(&a->bars, a->notes[i]->start, &start_hint).bar;
        fill(&f, from, mg_bars_at(&a->bars, end, &end_hint).bar);
    }
    return value_of(1 - (double)f.filled / (double)a->n_bars);
}

mg_value bar_count(const mg_analysis *a, int variant)
{
    (void)variant;
    return a->bars.n ? value_of((double)a->n_bars) : no_value(NO_QUARTERS);
}

/* ---- groove: how alike the onsets of neighbouring bars are ---- */

/* The onsets of neighbouring bars differ in |A| + |B| - 2 |A and B| places; summed over all pairs of neighbours,
   every onset counts twice, those of the first and last bar once. */
static mg_value groove_compat(const mg_analysis *a, int64_t bar)
{
    if (!has_muspy_tracks(a)) return no_value(NO_TRACKS);
    int64_t last = a->length / bar, differing = 0;
    if (last < 1) return no_value(ONE_BAR);
    for (size_t i = 0, j = 0; i < a->n_onsets; i++) {
        int64_t at = a->onsets[i];
        differing += 2 - (at / bar == 0) - (at / bar == last);
        while (j < a->n_onsets && a->onsets[j] < at + bar) j++;
        if (j < a->n_onsets && a->onsets[j] == at + bar) differing -= 2;
    }
    return value_of(1 - (double)differing / ((double)bar * (double)last));
}

/* Walks the onsets as places on a grid of GRID steps a quarter, each onset at the nearest. */
typedef struct {
    const mg_analysis *a;
    size_t next, hint;
    int64_t bar, step; /* step: within the bar */
    size_t part;
} grid_walk;

/* Ticks times the part's len_den that a quarter takes. */
static int64_t quarter_of(const mg_analysis *a, size_t part)
{
    return a->bars.part[part].len_den * a->score->ticks_per_quarter;
}

static int64_t steps_of_bar(const mg_analysis *a, size_t part)
{
    int64_t quarter = quarter_of(a, part);
    return (a->bars.part[part].len_num * GRID + quarter - 1) / quarter;
}

/* The step of a place; what is nearest to the next bar goes there, unless the piece ends. */
static void take_place(grid_walk *w, const mg_bar_place *place)
{
    const mg_bars *bars = &w->a->bars;
    int64_t quarter = quarter_of(w->a, place->part), steps = steps_of_bar(w->a, place->part);
    w->bar = place->bar;
    w->part = place->part;
    w->step = (place->offset * GRID * 2 + quarter) / (quarter * 2);
    if (w->step < steps) return;
    w->step = steps - 1;
    if (w->bar + 1 == w->a->n_bars) return;
    w->step = 0;
    w->bar++;
    w->part += w->part + 1 < bars->n && bars->part[w->part + 1].first_bar == w->bar;
}

/* On to the next place that has an onset. */
static bool walk_grid(grid_walk *w)
{
    const grid_walk before = *w;
    while (w->next < w->a->n_onsets) {
        mg_bar_place place = mg_bars_at(&w->a->bars, w->a->onsets[w->next++], &w->hint);
        take_place(w, &place);
        if (before.next == 0 || w->bar != before.bar || w->step != before.step || w->part != before.part) return true;
    }
    return false;
}

static bool is_before(const grid_walk *x, int64_t bar, int64_t step)
{
    return x->bar < bar || (x->bar == bar && x->step < step);
}

/* The bar behind the last one of a part. */
static int64_t bars_end(const mg_analysis *a, size_t part)
{
    int64_t end = part + 1 < a->bars.n ? a->bars.part[part + 1].first_bar : a->n_bars;
    return end < a->n_bars ? end : a->n_bars;
}

/* Bars of different meters are no neighbours. */
static mg_value groove_strict(const mg_analysis *a)
{
    double pairs = 0, sum = 0;
    for (size_t part = 0; part < a->bars.n; part++) {
        int64_t bars = bars_end(a, part) - a->bars.part[part].first_bar;
        if (bars > 1) pairs += (double)(bars - 1);
    }
    if (pairs < 1) return no_value(ONE_BAR);
    grid_walk here = {.a = a}, later = {.a = a};
    bool has_later = walk_grid(&later);
    while (walk_grid(&here)) {
        bool is_first = here.bar == a->bars.part[here.part].first_bar, is_last = here.bar + 1 == bars_end(a, here.part);
        while (has_later && is_before(&later, here.bar + 1, here.step)) has_later = walk_grid(&later);
        bool recurs = has_later && later.bar == here.bar + 1 && later.step == here.step && later.part == here.part;
        sum += (double)(2 - is_first - is_last - 2 * recurs) / (double)steps_of_bar(a, here.part);
    }
    return value_of(1 - sum / pairs);
}

mg_value groove_consistency(const mg_analysis *a, int variant)
{
    if (!a->bars.n) return no_value(NO_QUARTERS);
    if (a->meaning == MG_STRICT) return a->n ? groove_strict(a) : no_value(NO_NOTES);
    int64_t bar = compat_bar(a, variant);
    return bar ? groove_compat(a, bar) : no_value(BROKEN_BAR);
}

/* ---- drums ---- */

enum { DUPLE, TRIPLE };

static bool is_in_pattern(const mg_analysis *a, int64_t tick, int pattern)
{
    int64_t size = a->score->ticks_per_quarter, at = tick % size;
    if (a->meaning == MG_STRICT) {
        int64_t step = (at * GRID * 2 + size) / (2 * size);
        return step % (pattern == DUPLE ? GRID / 4 : GRID / 3) == 0;
    }
    int64_t parts = pattern == TRIPLE ? 3 : size % 4 == 0 ? 4 : 2;
    return size % parts ? at == 0 : at % (size / parts) == 0;
}

mg_value drum_in_pattern(const mg_analysis *a, int variant)
{
    if (!a->bars.n) return no_value(NO_QUARTERS);
    size_t inside = 0;
    for (size_t i = 0; i < a->n; i++)
        inside += a->notes[i]->channel == MG_DRUM_CHANNEL && is_in_pattern(a, a->notes[i]->start, variant);
    return ratio_of((double)inside, (double)(a->n - a->n_pitched), NO_DRUMS);
}

mg_value drum_pattern_consistency(const mg_analysis *a, int variant)
{
    (void)variant;
    mg_value duple = drum_in_pattern(a, DUPLE), triple = drum_in_pattern(a, TRIPLE);
    return duple.reason || duple.number >= triple.number ? duple : triple;
}
