/* SPDX-License-Identifier: MIT */
/* From parts of a whole note to ticks: what is exact stays exact, the rest is rounded once. */
#include <mgen/midi.h>
#include "midi/abc.h"
#include "midi/sort.h"

enum { TICKS = 480, MOST_TICKS = 32767 };

/* 480 a quarter, or the least multiple at which every onset and end is exact, if MIDI can say it. */
static int choose_ticks(const mg_score *s)
{
    const int64_t quarter = ABC_WHOLE / 4;
    int64_t step = quarter / TICKS;
    for (size_t i = 0; i < s->n_notes; i++) {
        if (s->notes[i].start % step) step = (int64_t)mg_gcd((uint64_t)step, (uint64_t)s->notes[i].start);
        if (s->notes[i].end % step) step = (int64_t)mg_gcd((uint64_t)step, (uint64_t)s->notes[i].end);
    }
    return quarter / step <= MOST_TICKS ? (int)(quarter / step) : TICKS;
}

static void set_ticks(mg_score *s)
{
    s->ticks_per_quarter = choose_ticks(s);
    const __int128 per_whole = (__int128)s->ticks_per_quarter * 4;
#define TO_TICK(time) ((time) = (int64_t)((per_whole * (time) * 2 + ABC_WHOLE) / ABC_WHOLE / 2))
    for (size_t i = 0; i < s->n_notes; i++) {
        TO_TICK(s->notes[i].start);
        TO_TICK(s->notes[i].end);
        s->zero_length += s->notes[i].start == s->notes[i].end;
    }
    for (size_t i = 0; i < s->n_tempos; i++) TO_TICK(s->tempos[i].tick);
    for (size_t i = 0; i < s->n_meters; i++) TO_TICK(s->meters[i].tick);
    for (size_t i = 0; i < s->n_keys; i++) TO_TICK(s->keys[i].tick);
    for (size_t i = 0; i < s->n_texts; i++) TO_TICK(s->texts[i].tick);
    for (size_t i = 0; i < s->n_programs; i++) TO_TICK(s->programs[i].tick);
    for (size_t i = 0; i < s->n_tracks; i++) {
        TO_TICK(s->tracks[i].end_tick);
        if (s->tracks[i].end_tick > s->end_tick) s->end_tick = s->tracks[i].end_tick;
    }
#undef TO_TICK
}

/* Voices say the same changes again: at a tick the first voice counts, and what changes nothing goes. */
#define THIN(list, n, is_same)                                                                   \
    do {                                                                                         \
        size_t kept_ = 0;                                                                        \
        for (size_t i = 0; i < (n); i++) {                                                       \
            bool is_told_ = kept_ && ((list)[kept_ - 1].tick == (list)[i].tick ||                \
                                      is_same((list)[kept_ - 1], (list)[i]));                    \
            if (!is_told_) (list)[kept_++] = (list)[i];                                          \
        }                                                                                        \
        (n) = kept_;                                                                             \
    } while (0)
#define SAME_TEMPO(a, b) ((a).us_per_quarter == (b).us_per_quarter)
#define SAME_METER(a, b) ((a).numerator == (b).numerator && (a).denominator == (b).denominator)
#define SAME_KEY(a, b) ((a).fifths == (b).fifths && (a).is_minor == (b).is_minor)

static void merge_changes(abc_tune *tune)
{
    mg_score *s = tune->score;
    if (!midi_sort_by_tick(s->tempos, s->n_tempos, sizeof *s->tempos) ||
        !midi_sort_by_tick(s->meters, s->n_meters, sizeof *s->meters) ||
        !midi_sort_by_tick(s->keys, s->n_keys, sizeof *s->keys))
        return abc_fail(tune, MG_NO_MEMORY, "out of memory");
    THIN(s->tempos, s->n_tempos, SAME_TEMPO);
    THIN(s->meters, s->n_meters, SAME_METER);
    THIN(s->keys, s->n_keys, SAME_KEY);
}

static void check_length(abc_tune *tune)
{
    mg_clock *clock = mg_clock_new(tune->score);
    if (!clock) return abc_fail(tune, MG_NO_MEMORY, "out of memory");
    if (mg_clock_seconds(clock, tune->score->end_tick) > tune->options->max_hours * 3600)
        abc_fail(tune, MG_TOO_LARGE, "longer than the limit of hours");
    mg_clock_free(clock);
}

void abc_to_ticks(abc_tune *tune)
{
    merge_changes(tune);
    if (tune->status) return;
    set_ticks(tune->score);
    check_length(tune);
}
