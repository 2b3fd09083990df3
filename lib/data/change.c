/* SPDX-License-Identifier: MIT */
/* Changes to a piece as a whole: drums, grid, tempo, pitch. */
#include <mgen/data.h>
#include "data/prepare.h"

#include <math.h>
#include <stdlib.h>

enum { OCTAVE = 12 };

static bool is_drum(const mg_note *note) { return note->channel == MG_DRUM_CHANNEL; }

void data_keep_drums(mg_score *score, mg_drums drums)
{
    size_t kept = 0;
    for (size_t i = 0; i < score->n_notes; i++)
        if (drums == MG_DRUMS_KEEP || is_drum(&score->notes[i]) == (drums == MG_DRUMS_ONLY))
            score->notes[kept++] = score->notes[i];
    score->n_notes = kept;
}

/* ---- time ---- */

static int64_t snap(int64_t tick, int64_t steps, int64_t ticks)
{
    int64_t step = (int64_t)((2 * (__int128)tick * steps + ticks) / (2 * ticks));
    return (int64_t)((2 * (__int128)step * ticks + steps) / (2 * steps));
}

/* Onsets and ends to the nearest steps; a note keeps a step's length. The order of notes stays, as snap never turns two
   ticks round. */
void data_snap(mg_score *score, int steps_per_quarter)
{
    int64_t ticks = score->ticks_per_quarter, steps = steps_per_quarter;
    for (size_t i = 0; i < score->n_notes; i++) {
        mg_note *note = &score->notes[i];
        int64_t start = snap(note->start, steps, ticks), end = snap(note->end, steps, ticks);
        if (end <= start) end = snap(start + (ticks + steps - 1) / steps, steps, ticks);
        note->start = start;
        note->end = end;
    }
}

mg_status data_stretch(mg_score *score, double factor, mg_error *why)
{
    if (score->n_tempos == 0 || score->tempos[0].tick > 0) { /* 120 until the first */
        mg_tempo *tempos = mg_realloc(score->tempos, score->n_tempos + 1, sizeof *tempos);
        if (!tempos) return mg_fail(why, MG_NO_MEMORY, "out of memory");
        for (size_t i = score->n_tempos; i > 0; i--) tempos[i] = tempos[i - 1];
        tempos[0] = (mg_tempo){.us_per_quarter = 500000};
        score->tempos = tempos;
        score->n_tempos++;
    }
    for (size_t i = 0; i < score->n_tempos; i++)
        score->tempos[i].us_per_quarter = (uint32_t)llround(score->tempos[i].us_per_quarter * factor);
    return MG_OK;
}

/* ---- pitch ---- */

bool data_transpose(mg_score *score, int semitones)
{
    for (size_t i = 0; i < score->n_notes; i++) {
        int pitch = score->notes[i].pitch + semitones;
        if (!is_drum(&score->notes[i]) && (pitch < 0 || pitch > 127)) return false;
    }
    for (size_t i = 0; i < score->n_notes; i++)
        if (!is_drum(&score->notes[i])) score->notes[i].pitch = (uint8_t)(score->notes[i].pitch + semitones);
    return true;
}

int data_to_c(const mg_score *score)
{
    static const bool major[OCTAVE] = {1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1};
    size_t in_scale[OCTAVE] = {0};
    for (size_t i = 0; i < score->n_notes; i++)
        for (int key = 0; key < OCTAVE && !is_drum(&score->notes[i]); key++)
            in_scale[key] += major[(score->notes[i].pitch + OCTAVE - key) % OCTAVE];
    int best = 0, named = score->n_keys ? (7 * score->keys[0].fifths % OCTAVE + OCTAVE) % OCTAVE : 0;
    for (int key = 1; key < OCTAVE; key++)
        if (in_scale[key] > in_scale[best]) best = key;
    if (in_scale[named] == in_scale[best]) best = named;
    return best <= 5 ? -best : OCTAVE - best;
}

int data_fold(mg_score *score, int low, int high, bool always)
{
    int lowest = 127, highest = 0;
    for (size_t i = 0; i < score->n_notes; i++) {
        if (is_drum(&score->notes[i])) continue;
        if (score->notes[i].pitch < lowest) lowest = score->notes[i].pitch;
        if (score->notes[i].pitch > highest) highest = score->notes[i].pitch;
    }
    if (lowest > highest || (!always && lowest >= low && highest <= high)) return 0;
    int shift = OCTAVE * (int)rint((low + high - lowest - highest) / 2.0 / OCTAVE);
    if (!always && (lowest + shift < low || highest + shift > high)) shift = 0; /* it would not bring all in */
    for (size_t i = 0; i < score->n_notes; i++) {
        int pitch = score->notes[i].pitch + shift;
        if (is_drum(&score->notes[i])) continue;
        while (pitch < low) pitch += OCTAVE;
        while (pitch > high) pitch -= OCTAVE;
        score->notes[i].pitch = (uint8_t)pitch;
    }
    return shift;
}

void data_drop_outside(mg_score *score, int low, int high)
{
    size_t kept = 0;
    for (size_t i = 0; i < score->n_notes; i++)
        if (is_drum(&score->notes[i]) || (score->notes[i].pitch >= low && score->notes[i].pitch <= high))
            score->notes[kept++] = score->notes[i];
    score->n_notes = kept;
}

mg_status data_limit(mg_score *score, int per_quarter, int per_second, double steps, mg_error *why)
{
    int64_t tick = 0, behind = 0; /* of the last step's end; the first that is rounded to it */
    if (per_second) {
        mg_clock *clock = mg_clock_new(score);
        if (!clock) return mg_fail(why, MG_NO_MEMORY, "out of memory");
        tick = mg_clock_tick(clock, steps / per_second);
        behind = mg_clock_tick(clock, (steps - 0.5) / per_second);
        mg_clock_free(clock);
    } else {
        tick = (int64_t)ceil(steps * score->ticks_per_quarter / per_quarter);
        behind = (int64_t)ceil((steps - 0.5) * score->ticks_per_quarter / per_quarter);
    }
    size_t kept = 0;
    for (; kept < score->n_notes && score->notes[kept].start < behind; kept++)
        if (score->notes[kept].end > tick) score->notes[kept].end = tick;
    score->n_notes = kept;
    if (score->end_tick > tick) score->end_tick = tick;
    return MG_OK;
}
