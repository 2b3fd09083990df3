/* SPDX-License-Identifier: MIT */
/* One piece, counted once: sorted notes, histograms, onsets, and for how long how many pitches sound. */
#include "metric/analysis.h"

/* ---- histograms ---- */

static void count_notes(mg_analysis *a)
{
    a->low = PITCHES;
    for (size_t i = 0; i < a->n; i++) {
        const mg_note *note = a->notes[i];
        a->velocities[note->velocity & 127]++;
        if (note->end > a->last_end) a->last_end = note->end;
        if (a->n_onsets == 0 || a->onsets[a->n_onsets - 1] != note->start) a->onsets[a->n_onsets++] = note->start;
        if (note->channel == MG_DRUM_CHANNEL) continue;
        a->n_pitched++;
        a->pitches[note->pitch]++;
        a->class_ticks[note->pitch % CLASSES] += (double)(note->end - note->start);
        if (note->pitch < a->low) a->low = note->pitch;
        if (note->pitch > a->high) a->high = note->pitch;
    }
    for (int p = 0; p < PITCHES; p++) a->classes[p % CLASSES] += a->pitches[p];
    a->first = a->n ? a->notes[0]->start : 0;
    a->length = a->last_end;
    for (size_t i = 0; a->meaning == MG_COMPAT && i < a->score->n_controls; i++)
        if (a->score->controls[i].tick > a->length) a->length = a->score->controls[i].tick;
}

static void find_scales(mg_analysis *a)
{
    static const int degrees[2][7] = {{0, 2, 4, 5, 7, 9, 11}, {0, 2, 3, 5, 7, 8, 10}}; /* major, natural minor */
    for (int mode = 0; a->n_pitched && mode < 2; mode++)
        for (int root = 0; root < CLASSES; root++) {
            uint64_t inside = 0;
            for (int d = 0; d < 7; d++) inside += a->classes[(root + degrees[mode][d]) % CLASSES];
            a->in_scale[mode][root] = (double)inside / (double)a->n_pitched;
        }
}

/* ---- polyphony ---- */

/* The pitches that sound now, at most one entry each. */
typedef struct {
    int64_t end[PITCHES];
    uint8_t pitch[PITCHES]; /* those sounding, in any order */
    bool is_on[PITCHES];
    int n;
    int64_t now, next_end;  /* next_end: no pitch ends before it */
} chord;

/* Let time pass up to `until`, counting what sounds meanwhile. */
static void pass(chord *c, int64_t until, int64_t *sounding)
{
    while (c->n && c->next_end <= until) {
        int first = 0;
        for (int i = 1; i < c->n; i++)
            if (c->end[c->pitch[i]] < c->end[c->pitch[first]]) first = i;
        c->next_end = c->end[c->pitch[first]];
        if (c->next_end > until) break;
        sounding[c->n] += c->next_end - c->now;
        c->now = c->next_end;
        c->is_on[c->pitch[first]] = false;
        c->pitch[first] = c->pitch[--c->n];
    }
    sounding[c->n] += until - c->now;
    c->now = until;
}

static void count_polyphony(mg_analysis *a)
{
    chord c = {0};
    for (size_t i = 0; i < a->n; i++) {
        const mg_note *note = a->notes[i];
        if (note->channel == MG_DRUM_CHANNEL || note->end == note->start) continue;
        pass(&c, note->start, a->sounding);
        if (!c.is_on[note->pitch]) {
            c.is_on[note->pitch] = true;
            c.pitch[c.n++] = note->pitch;
            c.end[note->pitch] = note->end;
        } else if (note->end > c.end[note->pitch]) {
            c.end[note->pitch] = note->end;
        }
        if (c.n == 1 || note->end < c.next_end) c.next_end = note->end;
    }
    pass(&c, a->last_end, a->sounding);
}

/* ---- entropies of times ---- */

static bool find_entropies(mg_analysis *a)
{
    int64_t *values = mg_alloc(a->n, sizeof *values);
    bool has_memory = values != NULL, has_more = has_memory;
    if (has_memory) {
        for (size_t i = 1; i < a->n_onsets; i++) values[i - 1] = a->onsets[i] - a->onsets[i - 1];
        a->ioi_entropy = entropy_of_values(values, a->n_onsets ? a->n_onsets - 1 : 0, &has_memory);
        for (size_t i = 0; i < a->n; i++) values[i] = a->notes[i]->end - a->notes[i]->start;
        a->duration_entropy = entropy_of_values(values, a->n, &has_more);
    }
    mg_free(values);
    return has_memory && has_more;
}

/* ---- the whole ---- */

static mg_status analyse(mg_analysis *a, mg_error *why)
{
    a->n = a->score->n_notes;
    a->clock = mg_clock_new(a->score);
    a->notes = mg_score_sorted_notes(a->score);
    a->onsets = mg_alloc(a->n, sizeof *a->onsets);
    if (!a->clock || !a->notes || !a->onsets) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    count_notes(a);
    if (mg_bars_make(a->score, a->last_end, &a->bars) == MG_NO_MEMORY)
        return mg_fail(why, MG_NO_MEMORY, "out of memory");
    find_scales(a);
    count_polyphony(a);
    for (int profile = 0; profile < MG_KEY_PROFILES; profile++)
        mg_key_find((mg_key_profile)profile, a->class_ticks, &a->keys[profile]);
    if (a->bars.n && a->n) {
        int64_t last = a->last_end > a->notes[a->n - 1]->start ? a->last_end - 1 : a->last_end;
        a->n_bars = mg_bars_at(&a->bars, last, &(size_t){0}).bar + 1;
    }
    return find_entropies(a) ? MG_OK : mg_fail(why, MG_NO_MEMORY, "out of memory");
}

mg_status mg_analysis_new(const mg_score *score, mg_meaning meaning, mg_analysis **analysis, mg_error *why)
{
    *analysis = NULL;
    mg_analysis *a = mg_alloc_zero(1, sizeof *a);
    if (!a) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    a->score = score;
    a->meaning = meaning;
    mg_status status = analyse(a, why);
    if (status) return mg_analysis_free(a), status;
    *analysis = a;
    return MG_OK;
}

void mg_analysis_free(mg_analysis *a)
{
    if (!a) return;
    mg_clock_free(a->clock);
    mg_free(a->notes);
    mg_free(a->onsets);
    mg_bars_free(&a->bars);
    mg_free(a);
}

const double *mg_analysis_class_ticks(const mg_analysis *analysis) { return analysis->class_ticks; }
