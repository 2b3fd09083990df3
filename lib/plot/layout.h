/* SPDX-License-Identifier: MIT */
/* What a piano-roll shows of a score: its bars, its parts, the notes within the view. */
#ifndef PLOT_LAYOUT_H
#define PLOT_LAYOUT_H

#include <mgen/plot.h>

/* Bars of one length, from one meter to the next. */
typedef struct {
    int64_t tick;   /* where they start */
    int64_t first;  /* number of the first, from 1 */
    double bar;     /* ticks of one */
    int beats;      /* 0 where none are known */
} layout_stretch;

/* The notes of one track and channel. */
typedef struct {
    uint16_t track;
    uint8_t channel;
    char name[64]; /* of the track, or of its program */
} layout_part;

typedef struct {
    const mg_note *note;
    int part;
} layout_note;

typedef struct {
    const mg_score *score;
    layout_stretch *stretches;
    size_t n_stretches;
    int64_t n_bars;
    int64_t first_bar, last_bar;   /* of the view */
    int64_t first_tick, last_tick; /* where first_bar begins, where last_bar ends */
    layout_part *parts;            /* in the order of their first notes */
    size_t n_parts;
    layout_note *notes;            /* that sound within the view, by onset */
    size_t n_notes;
    int low, high;                 /* their pitches, drums aside; low > high: none */
    bool has_drum[128];
} layout;

mg_status layout_make(layout *l, const mg_score *score, const mg_roll_view *view);
void layout_free(layout *l);
int64_t layout_bar_tick(const layout *l, int64_t bar); /* where a bar begins */
const layout_stretch *layout_stretch_of(const layout *l, int64_t bar);
/* Five letters for a drum; `label` is room for those that have no name. */
const char *layout_drum_label(int pitch, char label[8]);

#endif
