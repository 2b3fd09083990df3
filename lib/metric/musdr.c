/* SPDX-License-Identifier: MIT */
/* MusDr's measures on a piece's own bars (Wu and Yang, The Jazz Transformer on the front line, ISMIR 2020): entropy
   of pitch classes in windows of bars, and how alike the onset patterns of all bars are. */
#include "metric/rows.h"

enum { POSITIONS = 64 };

static int64_t onset_bars(const mg_analysis *a)
{
    return mg_bars_at(&a->bars, a->onsets[a->n_onsets - 1], &(size_t){0}).bar + 1;
}

/* Notes in the order of their bars, drums left out. */
typedef struct {
    const mg_analysis *a;
    size_t next, hint;
    int64_t bar; /* of notes[next]; INT64_MAX at the end */
} bar_walk;

static void find_next(bar_walk *w)
{
    const mg_analysis *a = w->a;
    while (w->next < a->n && a->notes[w->next]->channel == MG_DRUM_CHANNEL) w->next++;
    w->bar = w->next < a->n ? mg_bars_at(&a->bars, a->notes[w->next]->start, &w->hint).bar : INT64_MAX;
}

/* Move past the notes of bars below `bar`, changing the count of their pitch classes; how many there were. */
static int64_t walk_to(bar_walk *w, int64_t bar, uint32_t counts[CLASSES], int change)
{
    int64_t passed = 0;
    for (; w->bar < bar; find_next(w)) {
        counts[w->a->notes[w->next++]->pitch % CLASSES] += (uint32_t)change;
        passed++;
    }
    return passed;
}

/* H_n: mean over all runs of n = `variant` bars (of all bars, if there are fewer) that have notes. */
mg_value window_entropy(const mg_analysis *a, int variant)
{
    if (!a->bars.n) return no_value(NO_QUARTERS);
    if (a->n_pitched == 0) return no_value(a->n ? NO_PITCHES : NO_NOTES);
    int64_t n_bars = onset_bars(a), width = variant < n_bars ? variant : n_bars, inside = 0;
    bar_walk front = {.a = a}, back = {.a = a};
    uint32_t counts[CLASSES] = {0};
    double sum = 0, windows = 0;
    find_next(&front);
    find_next(&back);
    for (int64_t first = 0; first + width <= n_bars; first++) {
        inside += walk_to(&front, first + width, counts, 1);
        inside -= walk_to(&back, first, counts, -1);
        if (inside) {
            sum += entropy_of_counts(counts, CLASSES);
            windows++;
        } else if (front.bar == INT64_MAX) {
            break;
        } else {
            first = front.bar - width; /* the next window has notes */
        }
    }
    return value_of(sum / windows);
}

/* GS: 1 - the share of positions in which two bars differ, mean over all pairs of bars. With c bars of n having an
   onset at a position, c (n - c) pairs differ there. */
mg_value groove_similarity(const mg_analysis *a, int variant)
{
    (void)variant;
    if (!a->bars.n) return no_value(NO_QUARTERS);
    if (a->n == 0) return no_value(NO_NOTES);
    double n = (double)onset_bars(a), columns[POSITIONS] = {0}, differing = 0;
    if (n < 2) return no_value(ONE_BAR);
    size_t hint = 0;
    int64_t last_bar = -1, last_position = 0;
    for (size_t i = 0; i < a->n_onsets; i++) {
        mg_bar_place place = mg_bars_at(&a->bars, a->onsets[i], &hint);
        int64_t position = place.offset * POSITIONS / a->bars.part[place.part].len_num;
        if (place.bar == last_bar && position == last_position) continue;
        columns[last_position = position]++;
        last_bar = place.bar;
    }
    for (int i = 0; i < POSITIONS; i++) differing += columns[i] * (n - columns[i]);
    return value_of(1 - differing / (n * (n - 1) / 2) / POSITIONS);
}
