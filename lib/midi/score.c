/* SPDX-License-Identifier: MIT */
/* The life of a score, and views of it. */
#include <mgen/midi.h>
#include "midi/sort.h"

#include <stdlib.h>

mg_score *mg_score_new(void)
{
    mg_score *score = mg_alloc_zero(1, sizeof *score);
    if (!score) return NULL;
    score->format = 1;
    score->title = score->origin = "";
    return score;
}

void mg_score_free(mg_score *score)
{
    if (!score) return;
    mg_free(score->notes);
    mg_free(score->tracks);
    mg_free(score->tempos);
    mg_free(score->meters);
    mg_free(score->keys);
    mg_free(score->controls);
    mg_free(score->programs);
    mg_free(score->bends);
    mg_free(score->texts);
    mg_free(score->repairs);
    mg_arena_free(&score->strings);
    mg_free(score);
}

double mg_meter_bar_ticks(const mg_score *score, const mg_meter *meter)
{
    int numerator = meter ? meter->numerator : 4, denominator = meter ? meter->denominator : 4;
    return 4.0 * score->ticks_per_quarter * numerator / denominator;
}

static int by_start(const void *a, const void *b)
{
    const mg_note *x = *(const mg_note *const *)a, *y = *(const mg_note *const *)b;
#define ORDER(field) \
    if (x->field != y->field) return x->field < y->field ? -1 : 1
    ORDER(start);
    ORDER(pitch);
    ORDER(end);
    ORDER(velocity);
    ORDER(track);
    ORDER(channel);
#undef ORDER
    return 0;
}

int64_t mg_score_last_note(const mg_score *score)
{
    int64_t end = 0;
    for (size_t i = 0; i < score->n_notes; i++)
        if (score->notes[i].end > end) end = score->notes[i].end;
    return end;
}

/* Start and pitch as one number; no tick comes near 2^55. */
static uint64_t order_key(const mg_note *note) { return ((uint64_t)note->start + (1ull << 55)) << 7 | note->pitch; }

const mg_note **mg_score_sorted_notes(const mg_score *score)
{
    size_t n = score->n_notes;
    const mg_note **sorted = mg_alloc(n, sizeof *sorted);
    midi_sort_key *keys = mg_alloc(2 * n, sizeof *keys), *ordered;
    if (!sorted || !keys) return mg_free(sorted), mg_free(keys), NULL;
    for (size_t i = 0; i < n; i++) keys[i] = (midi_sort_key){order_key(&score->notes[i]), (uint32_t)i};
    ordered = midi_sort_keys(keys, keys + n, n);
    for (size_t i = 0; i < n; i++) sorted[i] = &score->notes[ordered[i].item];
    for (size_t i = 0, next; i < n; i = next) { /* what else tells notes apart, where start and pitch do not */
        for (next = i + 1; next < n && ordered[next].key == ordered[i].key;) next++;
        if (next > i + 1) qsort(sorted + i, next - i, sizeof *sorted, by_start);
    }
    mg_free(keys);
    return sorted;
}
