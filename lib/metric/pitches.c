/* SPDX-License-Identifier: MIT */
/* Metrics of pitch: which, how spread, in which scale and key, how many at a time. Drums are left out. */
#include "metric/rows.h"

#include <math.h>

static double used(const uint32_t *counts, int n)
{
    int k = 0;
    for (int i = 0; i < n; i++) k += counts[i] > 0;
    return k;
}

mg_value n_pitches_used(const mg_analysis *a, int variant)
{
    (void)variant;
    return value_of(used(a->pitches, PITCHES));
}

mg_value n_pitch_classes_used(const mg_analysis *a, int variant)
{
    (void)variant;
    return value_of(used(a->classes, CLASSES));
}

/* MusPy starts from highest 0 and lowest 127 and returns early only without any notes, so a piece of drums has -127. */
mg_value pitch_range(const mg_analysis *a, int variant)
{
    (void)variant;
    if (a->n_pitched) return value_of(a->high - a->low);
    if (a->meaning == MG_COMPAT) return value_of(a->n ? -127 : 0);
    return no_value(a->n ? NO_PITCHES : NO_NOTES);
}

static mg_value needs_pitches(const mg_analysis *a, double number)
{
    return a->n_pitched ? value_of(number) : no_value(a->n ? NO_PITCHES : NO_NOTES);
}

/* Mean (1) or standard deviation (2) of the pitches of notes. */
mg_value pitch_moment(const mg_analysis *a, int variant)
{
    double sum = 0, squares = 0, n = (double)a->n_pitched;
    for (int p = 0; p < PITCHES; p++) sum += (double)a->pitches[p] * p;
    double mean = sum / n;
    for (int p = 0; p < PITCHES; p++) squares += a->pitches[p] * (p - mean) * (p - mean);
    return needs_pitches(a, variant == 1 ? mean : sqrt(squares / n));
}

mg_value pitch_entropy(const mg_analysis *a, int variant)
{
    (void)variant;
    return needs_pitches(a, entropy_of_counts(a->pitches, PITCHES));
}

mg_value pitch_class_entropy(const mg_analysis *a, int variant)
{
    (void)variant;
    return needs_pitches(a, entropy_of_counts(a->classes, CLASSES));
}

/* Of every major (0) or minor (1) scale. */
mg_value pitch_in_scale(const mg_analysis *a, int variant)
{
    mg_value value = needs_pitches(a, 0);
    value.list = a->in_scale[variant];
    return value;
}

mg_value scale_consistency(const mg_analysis *a, int variant)
{
    (void)variant;
    double best = 0;
    for (int mode = 0; mode < 2; mode++)
        for (int root = 0; root < CLASSES; root++)
            if (a->in_scale[mode][root] > best) best = a->in_scale[mode][root];
    return needs_pitches(a, best);
}

/* ---- several at a time ---- */

static double time_of_at_least(const mg_analysis *a, int pitches)
{
    int64_t ticks = 0;
    for (int k = pitches; k <= PITCHES; k++) ticks += a->sounding[k];
    return (double)ticks;
}

mg_value polyphony(const mg_analysis *a, int variant)
{
    (void)variant;
    if (a->meaning == MG_COMPAT && !has_muspy_tracks(a)) return no_value(NO_TRACKS);
    double cells = 0;
    for (int k = 1; k <= PITCHES; k++) cells += (double)a->sounding[k] * k;
    return ratio_of(cells, time_of_at_least(a, 1), a->n_pitched ? NO_TIME : a->n ? NO_PITCHES : NO_NOTES);
}

/* The share of time with more than `variant` pitches; strict, with at least two. */
mg_value polyphony_rate(const mg_analysis *a, int variant)
{
    if (a->meaning == MG_STRICT)
        return ratio_of(time_of_at_least(a, 2), (double)a->last_end, a->n ? NO_TIME : NO_NOTES);
    if (!has_muspy_tracks(a)) return no_value(NO_TRACKS);
    return ratio_of(time_of_at_least(a, variant + 1), (double)a->length, NO_TIME);
}

/* ---- key ---- */

static const char *why_no_key(const mg_analysis *a)
{
    return a->n_pitched ? "every pitch class sounds equally long" : a->n ? NO_PITCHES : NO_NOTES;
}

mg_value key_words(const mg_analysis *a, int variant)
{
    const mg_key_estimate *key = &a->keys[variant];
    return key->best < 0 ? no_value(why_no_key(a)) : (mg_value){.words = mg_key_words(key->best)};
}

/* The correlation (profile) or the margin (profile + MG_KEY_PROFILES) of the best key. */
mg_value key_number(const mg_analysis *a, int variant)
{
    const mg_key_estimate *key = &a->keys[variant % MG_KEY_PROFILES];
    if (key->best < 0) return no_value(why_no_key(a));
    return value_of(variant < MG_KEY_PROFILES ? key->r[key->best] : key->margin);
}
