/* SPDX-License-Identifier: MIT */
/* From a score to events at frames. */
#include "synth/play.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double shortest_s = 0.02;

typedef struct {
    const mg_clock *clock;
    int rate;
    int64_t max_frames, shortest;
    play_list *list;
} maker;

/* Frames may be asked for long after the end of what is played: kept from overflowing. */
static int64_t frame_of(const maker *m, int64_t tick)
{
    double frame = mg_clock_seconds(m->clock, tick) * m->rate;
    return frame < (double)INT64_MAX / 2 ? llround(frame) : INT64_MAX / 2;
}

static void add(maker *m, int64_t frame, play_event event)
{
    event.frame = frame;
    event.order = (uint32_t)m->list->n;
    m->list->events[m->list->n++] = event;
}

static void add_note(maker *m, const mg_note *note)
{
    int64_t start = frame_of(m, note->start), end = frame_of(m, note->end);
    if (start >= m->max_frames) {
        m->list->is_cut = true;
        return;
    }
    if (end < start + m->shortest) end = start + m->shortest;
    if (end > m->max_frames) {
        end = m->max_frames;
        m->list->is_cut = true;
    }
    add(m, start, (play_event){.what = PLAY_ON, .channel = note->channel, .number = note->pitch,
                               .value = note->velocity});
    add(m, end, (play_event){.what = PLAY_OFF, .channel = note->channel, .number = note->pitch});
}

static int by_frame(const void *a, const void *b)
{
    const play_event *x = a, *y = b;
    if (x->frame != y->frame) return x->frame < y->frame ? -1 : 1;
    if (x->what != y->what) return x->what < y->what ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static void fill(maker *m, const mg_score *score, const mg_note *chords, size_t n_chords)
{
    for (size_t i = 0; i < score->n_notes; i++) add_note(m, &score->notes[i]);
    if (n_chords)
        add(m, 0, (play_event){.what = PLAY_PROGRAM, .channel = CHORD_CHANNEL, .number = CHORD_PROGRAM});
    for (size_t i = 0; i < n_chords; i++) add_note(m, &chords[i]);
    for (size_t i = 0; i < score->n_programs; i++) {
        const mg_program *p = &score->programs[i];
        add(m, frame_of(m, p->tick), (play_event){.what = PLAY_PROGRAM, .channel = p->channel, .number = p->program});
    }
    for (size_t i = 0; i < score->n_controls; i++) {
        const mg_control *c = &score->controls[i];
        add(m, frame_of(m, c->tick),
            (play_event){.what = PLAY_CONTROL, .channel = c->channel, .number = c->number, .value = c->value});
    }
    for (size_t i = 0; i < score->n_bends; i++) {
        const mg_bend *b = &score->bends[i];
        add(m, frame_of(m, b->tick), (play_event){.what = PLAY_BEND, .channel = b->channel, .bend = b->value});
    }
}

mg_status play_list_make(const mg_score *score, int rate, int64_t max_frames, bool has_chords, play_list *list,
                         mg_error *why)
{
    *list = (play_list){0};
    mg_note *chords = NULL;
    size_t n_chords = 0;
    mg_clock *clock = mg_clock_new(score);
    mg_status status = clock && has_chords ? chords_make(score, &chords, &n_chords) : MG_OK;
    size_t most = 2 * (score->n_notes + n_chords) + 1 + score->n_programs + score->n_controls + score->n_bends;
    list->events = mg_alloc(most, sizeof *list->events);
    if (!clock || !list->events || status) {
        status = mg_fail(why, MG_NO_MEMORY, "out of memory");
    } else {
        maker m = {clock, rate, max_frames, (int64_t)(shortest_s * rate), list};
        fill(&m, score, chords, n_chords);
        qsort(list->events, list->n, sizeof *list->events, by_frame);
        while (list->n > 0 && list->events[list->n - 1].frame > max_frames) list->n--;
    }
    mg_free(chords);
    mg_clock_free(clock);
    if (status) play_list_free(list);
    return status;
}

void play_list_free(play_list *list)
{
    mg_free(list->events);
    *list = (play_list){0};
}
