/* SPDX-License-Identifier: MIT */
/* What the rows of the table read from: one piece, counted once. Private to this room. */
#ifndef METRIC_ANALYSIS_H
#define METRIC_ANALYSIS_H

#include <mgen/metric.h>

enum { PITCHES = 128, CLASSES = 12, GRID = 24 /* steps a quarter: MusPy's own default resolution */ };

/* ---- counts of many different numbers ---- */

/* Entropy in bits of the values' frequencies; has_memory false when there was none. */
double entropy_of_values(const int64_t *values, size_t n, bool *has_memory);
double entropy_of_counts(const uint32_t *counts, size_t n);

/* ---- the piece ---- */

struct mg_analysis {
    const mg_score *score;
    mg_meaning meaning;
    mg_clock *clock;
    const mg_note **notes; /* by start, pitch, ... */
    size_t n, n_pitched;
    int64_t first, last_end;    /* first onset, last end of a note */
    int64_t length;             /* MusPy's: last end of a note or control change */
    int64_t *onsets;            /* distinct, rising */
    size_t n_onsets;
    uint32_t pitches[PITCHES], classes[CLASSES], velocities[128]; /* notes each; pitches and classes without drums */
    double class_ticks[CLASSES];
    uint8_t low, high;          /* pitch; low > high if there is none */
    int64_t sounding[PITCHES + 1]; /* ticks up to last_end during which exactly that many pitches sound */
    double in_scale[2][CLASSES];   /* share of notes in the major and minor scale of each root */
    double ioi_entropy, duration_entropy;
    mg_key_estimate keys[MG_KEY_PROFILES];
    mg_bars bars;               /* no parts where there are no quarters */
    int64_t n_bars;             /* to the end of the last note */
};

#endif
