/* SPDX-License-Identifier: MIT */
/* The sustain pedal made audible in the notes: a note that ends while its channel's pedal (controller 64, from 64 up)
   is down lasts until the pedal goes up, or until its pitch is struck again; with the pedal down, striking a pitch
   again ends what sounds of it. So does note-seq, but for one case: a pedal that goes up and down on one tick is down
   after it. */
#include <mgen/data.h>
#include "data/prepare.h"

#include <stdlib.h>

enum { PEDAL = 64, GONE = 0 /* velocity of a note that was struck twice on one tick */ };

/* A change of a channel's pedal. */
typedef struct {
    uint8_t channel;
    bool is_down;
    int64_t tick;
    size_t order;
} change;

typedef struct {
    change *changes;
    size_t n;
    int64_t end; /* of all that happens */
} pedals;

static int by_channel(const void *a, const void *b)
{
    const change *x = a, *y = b;
    if (x->channel != y->channel) return x->channel < y->channel ? -1 : 1;
    if (x->tick != y->tick) return x->tick < y->tick ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static mg_status find_changes(const mg_score *score, pedals *p)
{
    p->changes = mg_alloc(score->n_controls, sizeof *p->changes);
    if (!p->changes) return MG_NO_MEMORY;
    for (size_t i = 0; i < score->n_controls; i++) {
        const mg_control *control = &score->controls[i];
        if (control->number != PEDAL) continue;
        p->changes[p->n++] = (change){.channel = control->channel, .tick = control->tick,
                                      .is_down = control->value >= 64, .order = i};
        if (control->tick > p->end) p->end = control->tick;
    }
    if (p->n) qsort(p->changes, p->n, sizeof *p->changes, by_channel);
    size_t kept = 0; /* what changes nothing goes */
    for (size_t i = 0; i < p->n; i++) {
        bool is_first = kept == 0 || p->changes[kept - 1].channel != p->changes[i].channel;
        bool was_down = !is_first && p->changes[kept - 1].is_down;
        if (p->changes[i].is_down != was_down) p->changes[kept++] = p->changes[i];
    }
    p->n = kept;
    return MG_OK;
}

/* The first change of the channel's pedal behind a tick. */
static size_t next_change(const pedals *p, uint8_t channel, int64_t tick)
{
    size_t low = 0, high = p->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const change *c = &p->changes[middle];
        if (c->channel < channel || (c->channel == channel && c->tick <= tick)) low = middle + 1;
        else high = middle;
    }
    return low;
}

static bool is_down(const pedals *p, uint8_t channel, int64_t tick)
{
    size_t next = next_change(p, channel, tick);
    return next > 0 && p->changes[next - 1].channel == channel && p->changes[next - 1].is_down;
}

/* When the pedal that is down at a tick goes up. */
static int64_t lifted(const pedals *p, uint8_t channel, int64_t tick)
{
    size_t next = next_change(p, channel, tick);
    return next < p->n && p->changes[next].channel == channel ? p->changes[next].tick : p->end;
}

/* One pitch of one channel, from its last note to its first: `struck` is where it is next struck with the pedal down.
   */
typedef struct {
    uint8_t channel, pitch;
    size_t note;
} place;

static int by_pitch(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->channel != y->channel) return x->channel < y->channel ? -1 : 1;
    if (x->pitch != y->pitch) return x->pitch < y->pitch ? -1 : 1;
    return (x->note > y->note) - (x->note < y->note);
}

static mg_status hold_notes(mg_score *score, const pedals *p)
{
    place *places = mg_alloc(score->n_notes, sizeof *places);
    if (!places) return MG_NO_MEMORY;
    size_t n = 0;
    for (size_t i = 0; i < score->n_notes; i++)
        if (score->notes[i].channel != MG_DRUM_CHANNEL)
            places[n++] = (place){score->notes[i].channel, score->notes[i].pitch, i};
    if (n) qsort(places, n, sizeof *places, by_pitch);
    int64_t struck = INT64_MAX;
    for (size_t i = n; i-- > 0;) {
        mg_note *note = &score->notes[places[i].note];
        uint8_t channel = places[i].channel;
        bool is_last = i + 1 == n || places[i + 1].channel != channel || places[i + 1].pitch != places[i].pitch;
        if (is_last) struck = INT64_MAX;
        if (is_down(p, channel, note->end)) note->end = lifted(p, channel, note->end);
        if (note->end > struck) {
            note->end = struck;
            if (note->start == struck) note->velocity = GONE;
        }
        if (is_down(p, channel, note->start)) struck = note->start;
    }
    mg_free(places);
    return MG_OK;
}

mg_status data_apply_sustain(mg_score *score, mg_error *why)
{
    pedals p = {.end = mg_score_last_note(score)};
    mg_status status = find_changes(score, &p);
    if (!status && p.n) status = hold_notes(score, &p);
    mg_free(p.changes);
    if (status) return mg_fail(why, status, "out of memory");
    size_t kept = 0;
    for (size_t i = 0; i < score->n_notes; i++)
        if (score->notes[i].velocity != GONE) score->notes[kept++] = score->notes[i];
    score->n_notes = kept;
    return MG_OK;
}
