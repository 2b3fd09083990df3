/* SPDX-License-Identifier: MIT */
/* What a piano-roll shows of a score: its bars, its parts, the notes within the view. */
#ifndef PLOT_LAYOUT_H
#define PLOT_LAYOUT_H

#include <mgen/plot.h>

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
    mg_bars bars;                  /* of SMPTE time: seconds */
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
double layout_longest_bar(const layout *l);            /* ticks */
int layout_beats(const layout *l, int64_t bar, double *ticks); /* of a bar, and the length of one */
/* Five letters for a drum (H, L, M, O, S: high, low or long, mute, open, short, as General MIDI has them); `label` is
   room for those that have no name. */
const char *layout_drum_label(int pitch, char label[8]);

#endif
