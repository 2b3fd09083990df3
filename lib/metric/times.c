/* SPDX-License-Identifier: MIT */
/* Metrics of time and force: how many notes, how dense, how far apart, how long, how loud. Drums are counted in. */
#include "metric/rows.h"

#include <math.h>

/* All notes (0), drums (1), distinct onsets (2). */
mg_value note_count(const mg_analysis *a, int variant)
{
    const size_t counts[] = {a->n, a->n - a->n_pitched, a->n_onsets};
    return value_of((double)counts[variant]);
}

static double quarters(const mg_analysis *a, double ticks) { return ticks / a->score->ticks_per_quarter; }

/* When the first note begins (0) and the last one ends (1). */
mg_value seconds_of(const mg_analysis *a, int variant)
{
    if (a->n == 0) return no_value(NO_NOTES);
    return value_of(mg_clock_seconds(a->clock, variant ? a->last_end : a->first));
}

mg_value quarters_of(const mg_analysis *a, int variant)
{
    (void)variant;
    if (a->n == 0) return no_value(NO_NOTES);
    return a->bars.n ? value_of(quarters(a, (double)a->last_end)) : no_value(NO_QUARTERS);
}

/* Notes a second (0), a quarter (1), from the start of the piece to the end of its last note. */
mg_value note_rate(const mg_analysis *a, int variant)
{
    mg_value length = variant ? quarters_of(a, 0) : seconds_of(a, 1);
    return length.reason ? length : ratio_of((double)a->n, length.number, NO_TIME);
}

mg_value tempo_mean(const mg_analysis *a, int variant)
{
    (void)variant;
    mg_value length = quarters_of(a, 0);
    return length.reason ? length : ratio_of(60 * length.number, mg_clock_seconds(a->clock, a->last_end), NO_TIME);
}

/* Mean (1) or standard deviation (2) of the time between successive distinct onsets. */
mg_value ioi_seconds(const mg_analysis *a, int variant)
{
    if (a->n_onsets < 2) return no_value(ONE_ONSET);
    double n = (double)(a->n_onsets - 1), first = mg_clock_seconds(a->clock, a->onsets[0]);
    double mean = (mg_clock_seconds(a->clock, a->onsets[a->n_onsets - 1]) - first) / n, squares = 0;
    if (variant == 1) return value_of(mean);
    for (size_t i = 1; i < a->n_onsets; i++) {
        double next = mg_clock_seconds(a->clock, a->onsets[i]);
        squares += (next - first - mean) * (next - first - mean);
        first = next;
    }
    return value_of(sqrt(squares / n));
}

mg_value ioi_mean_quarters(const mg_analysis *a, int variant)
{
    (void)variant;
    if (a->n_onsets < 2) return no_value(ONE_ONSET);
    if (!a->bars.n) return no_value(NO_QUARTERS);
    double ticks = (double)(a->onsets[a->n_onsets - 1] - a->onsets[0]);
    return value_of(quarters(a, ticks / (double)(a->n_onsets - 1)));
}

mg_value ioi_entropy(const mg_analysis *a, int variant)
{
    (void)variant;
    return a->n_onsets < 2 ? no_value(ONE_ONSET) : value_of(a->ioi_entropy);
}

/* Mean (1) or standard deviation (2). */
mg_value duration_quarters(const mg_analysis *a, int variant)
{
    if (a->n == 0) return no_value(NO_NOTES);
    if (!a->bars.n) return no_value(NO_QUARTERS);
    double sum = 0, squares = 0, n = (double)a->n;
    for (size_t i = 0; i < a->n; i++) sum += (double)(a->notes[i]->end - a->notes[i]->start);
    for (size_t i = 0; i < a->n; i++) {
        double off = (double)(a->notes[i]->end - a->notes[i]->start) - sum / n;
        squares += off * off;
    }
    return value_of(quarters(a, variant == 1 ? sum / n : sqrt(squares / n)));
}

mg_value duration_entropy(const mg_analysis *a, int variant)
{
    (void)variant;
    return a->n ? value_of(a->duration_entropy) : no_value(NO_NOTES);
}

/* Mean (1) or standard deviation (2). */
mg_value velocity_moment(const mg_analysis *a, int variant)
{
    if (a->n == 0) return no_value(NO_NOTES);
    double sum = 0, squares = 0, n = (double)a->n;
    for (int v = 0; v < 128; v++) sum += (double)a->velocities[v] * v;
    for (int v = 0; v < 128; v++) squares += a->velocities[v] * (v - sum / n) * (v - sum / n);
    return value_of(variant == 1 ? sum / n : sqrt(squares / n));
}

mg_value velocity_entropy(const mg_analysis *a, int variant)
{
    (void)variant;
    return a->n ? value_of(entropy_of_counts(a->velocities, 128)) : no_value(NO_NOTES);
}
