/* SPDX-License-Identifier: MIT */
/* The notes of a piece without what T4 leaves out. Private to this room. */
#ifndef MATCH_SHAPE_H
#define MATCH_SHAPE_H

#include <mgen/match.h>

/* A note's class: its pitch above the lowest, or 128 + its pitch for drums, which no transposition moves. */
enum { CLASSES = 256, DRUMS = 128 };

static inline int class_of(const mg_note *note, int low)
{
    return note->channel == MG_DRUM_CHANNEL ? DRUMS + note->pitch : note->pitch - low;
}

/* The lowest pitch that is no drum; 0 where there is none. */
int lowest_pitch(const mg_score *score);

typedef struct {
    int64_t *onsets; /* class by class, rising in each */
    size_t n;
    uint32_t counts[CLASSES];
    int ticks_per_quarter;
} shape;

mg_status shape_make(const mg_score *score, shape *s, mg_error *why);
bool shape_equal(const shape *a, const shape *b);
void shape_free(shape *s);

#endif
