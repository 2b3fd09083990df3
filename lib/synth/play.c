/* SPDX-License-Identifier: MIT */
/* From a score to events at frames. */
#include "synth/play.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PEDAL = 64 };
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

/* The rim of a hi-hat, which electronic drums play and General MIDI lacks, is the hi-hat. */
static uint8_t key_of(const mg_note *note)
{
    enum { CLOSED_RIM = 22, OPEN_RIM = 26, CLOSED = 42, OPEN = 46 };
    if (note->channel != MG_DRUM_CHANNEL) return note->pitch;
    return note->pitch == CLOSED_RIM ? CLOSED : note->pitch == OPEN_RIM ? OPEN : note->pitch;
}

static void add_note(maker *m, const mg_note *note)
{
    uint8_t key = key_of(note);
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
    add(m, start,
        (play_event){.what = PLAY_ON, .channel = note->channel, .number = key, .value = note->velocity});
    add(m, end, (play_event){.what = PLAY_OFF, .channel = note->channel, .number = key});
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

/* A key that is struck again before it is let go sounds until the last of its notes ends. */
static void keep_last_offs(play_list *list)
{
    uint32_t sounding[16][128] = {0};
    size_t kept = 0;
    for (size_t i = 0; i < list->n; i++) {
        const play_event e = list->events[i];
        uint32_t *on = &sounding[e.channel & 15][e.number & 127];
        *on += e.what == PLAY_ON;
        if (e.what == PLAY_OFF && --*on > 0) continue;
        list->events[kept++] = e;
    }
    list->n = kept;
}

/* The music ends with its last note, or with the pedal that holds it, if that is soon: the rest is not heard. */
static void drop_unheard(play_list *list, int64_t soon)
{
    size_t heard = 0;
    int64_t last_off = 0;
    for (size_t i = 0; i < list->n; i++) {
        const play_event *e = &list->events[i];
        if (e->what == PLAY_OFF) last_off = e->frame;
        bool is_pedal_up = e->what == PLAY_CONTROL && e->number == PEDAL && e->value < 64;
        if (e->what == PLAY_OFF || (heard && is_pedal_up && e->frame <= last_off + soon)) heard = i + 1;
    }
    list->n = heard;
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
        keep_last_offs(list);
        drop_unheard(list, (int64_t)PLAY_LONGEST_TAIL_S * rate);
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
