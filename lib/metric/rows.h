/* SPDX-License-Identifier: MIT */
/* The functions behind the rows of the table. `variant` is what tells rows of one function apart. */
#ifndef METRIC_ROWS_H
#define METRIC_ROWS_H

#include "metric/analysis.h"

typedef mg_value measure_fn(const mg_analysis *a, int variant);

static inline mg_value value_of(double number) { return (mg_value){.number = number}; }
static inline mg_value no_value(const char *reason) { return (mg_value){.reason = reason}; }
/* a / b, or why there is none. */
static inline mg_value ratio_of(double a, double b, const char *reason)
{
    return b > 0 ? value_of(a / b) : no_value(reason);
}

#define NO_NOTES "there are no notes"
#define NO_PITCHES "there are no notes but drums"
#define NO_DRUMS "there are no drum notes"
#define NO_QUARTERS "the file counts SMPTE frames, so there are no quarters"
#define NO_TIME "no time passes"
#define ONE_ONSET "fewer than two onsets"
#define ONE_BAR "fewer than two bars"
#define NO_TRACKS "MusPy fails here: no track has a note or a control change"

/* MusPy's length in ticks is that of its tracks: it has none without a note or control change. */
static inline bool has_muspy_tracks(const mg_analysis *a) { return a->n > 0 || a->score->n_controls > 0; }

/* pitches.c */
measure_fn n_pitches_used, n_pitch_classes_used, pitch_range, pitch_moment, pitch_entropy, pitch_class_entropy,
    pitch_in_scale, scale_consistency, polyphony, polyphony_rate, key_words, key_number;
/* times.c */
measure_fn note_count, seconds_of, quarters_of, note_rate, tempo_mean, ioi_seconds, ioi_mean_quarters, ioi_entropy,
    duration_quarters, duration_entropy, velocity_moment, velocity_entropy;
/* beats.c */
measure_fn empty_beat_rate, empty_measure_rate, groove_consistency, drum_in_pattern, drum_pattern_consistency,
    bar_count;
/* musdr.c */
measure_fn window_entropy, groove_similarity;

#endif
