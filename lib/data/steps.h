/* SPDX-License-Identifier: MIT */
/** Notes on a grid of steps: what every encoding reads and writes. */
#ifndef DATA_STEPS_H
#define DATA_STEPS_H

#include <mgen/data.h>

/** Longer pieces are refused by encodings that spell every step. */
enum { DATA_MOST_STEPS = 1 << 18 };
enum { DATA_VELOCITY = 100 }; /**< of notes from encodings that do not say it, as in Magenta */

typedef struct {
    int64_t start, end; /**< steps; end > start */
    uint8_t pitch, velocity;
    bool is_drum;
    size_t order;       /**< in which it was added */
} data_step_note;

/** Zero it to start. In the order of (start in ticks, pitch, track, channel, end, velocity) where made from a score. */
typedef struct {
    data_step_note *notes;
    size_t n, capacity;
    int64_t end;    /**< of the last note */
    int64_t length; /**< of the piece, trailing silence with it; >= end */
} data_steps;

/** The nearest steps (halves up) of a score's notes, each at least one step long, on a grid of `per_quarter` steps a
    quarter or, where that is 0, `per_second` steps a second. */
mg_status data_steps_from(const mg_score *score, int per_quarter, int per_second, data_steps *steps, mg_error *why);
/** One more note; its order is free. */
mg_status data_steps_add(data_steps *steps, data_step_note note, mg_error *why);
/** A score of one track that has these notes by (start, pitch), whose steps last 1 / per_quarter quarters at `bpm` or
    1 / per_second seconds. Unisons go to further channels, so that MIDI can tell their ends apart. */
mg_status data_steps_score(data_steps *steps, int per_quarter, int per_second, double bpm, mg_score **score,
                           mg_error *why);
void data_steps_free(data_steps *steps);

/** Refuse drums, pitches outside low .. high, and more than DATA_MOST_STEPS. */
mg_status data_steps_check(const data_steps *steps, const mg_encoding *encoding, mg_error *why);

/** Sets of pitches. */
static inline bool data_has(const uint64_t set[2], int pitch) { return set[pitch >> 6] >> (pitch & 63) & 1; }
static inline void data_put(uint64_t set[2], int pitch) { set[pitch >> 6] |= 1ull << (pitch & 63); }
static inline void data_remove(uint64_t set[2], int pitch) { set[pitch >> 6] &= ~(1ull << (pitch & 63)); }

#endif
