/* SPDX-License-Identifier: MIT */
/* What the rows of the table read from: one piece, counted once. Private to this room. */
#ifndef METRIC_ANALYSIS_H
#define METRIC_ANALYSIS_H

#include <mgen/metric.h>

enum { PITCHES = 128, CLASSES = 12, DRUMS = 9, GRID = 24 /* steps a quarter: MusPy's own default resolution */ };

/* ---- bars ---- */

/* A stretch of one meter. Its bars are len_num / len_den ticks long and start with it; the last may be cut short by
   the next meter. */
typedef struct {
    int64_t start;
    int64_t len_num, len_den; /* reduced; below 2^33 */
    int64_t first_bar;        /* number, from 0, of its first bar */
    int numerator, denominator;
} meter_part;

typedef struct {
    meter_part *part;
    size_t n;
} bar_map;

/* A meter starts a bar where it stands, the last at a tick counts, one equal to that in force changes nothing; 4/4
   before the first. Meters behind `end` are left out: no note lies there, and bar numbers stay below 2^50 (24 hours
   of the fastest tempo). MG_UNSUPPORTED where there are no quarter notes. */
mg_status bar_map_make(const mg_score *score, int64_t end, bar_map *map);
void bar_map_free(bar_map *map);

/* Where a tick lies. `hint` is a part at or before it, moved on: walk ticks in rising order. */
typedef struct {
    int64_t bar;
    int64_t offset; /* ticks since the bar began, times the part's len_den */
    size_t part;
} bar_place;

bar_place bar_map_at(const bar_map *map, int64_t tick, size_t *hint);

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
    bar_map bars;               /* no parts where there are no quarters */
    int64_t n_bars;             /* to the end of the last note */
};

#endif
