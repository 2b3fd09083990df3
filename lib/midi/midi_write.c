/* SPDX-License-Identifier: MIT */
/* Standard MIDI Files, written: every list of the score becomes events, sorted by tick and, at equal ticks, in an order
   in which they mean the same when read again. Own code, as libsmf frees its events in quadratic time, reads the length
   of a meta event as one byte and knows no SMPTE division; tests have libsmf read what is written here. */
#include <mgen/midi.h>

#include <stdlib.h>
#include <string.h>

/* What an event is; at equal ticks they stand in this order. A bank is selected before the program that it is of. A
   pedal moves before notes end, as sustain.c and note-seq take it. Notes end before others begin, so that a key struck
   again at once is not ended at once; a note of no length begins and ends between the two. */
typedef enum { TEXT, TEMPO, METER, SIGNATURE, BANK, PROGRAM, CONTROL, BEND, NOTE_OFF, EMPTY_NOTE, NOTE_ON } event_kind;

typedef struct {
    int64_t tick;
    uint32_t kind, index; /* index: into the list of that kind */
} event;

static int by_tick(const void *a, const void *b)
{
    const event *x = a, *y = b;
    if (x->tick != y->tick) return x->tick < y->tick ? -1 : 1;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static void put_big_endian(mg_buffer *out, uint32_t value, int bytes)
{
    while (bytes-- > 0) mg_buffer_add_char(out, (char)(value >> 8 * bytes));
}

static void put_number(mg_buffer *out, uint32_t value)
{
    for (int shift = 21; shift > 0; shift -= 7)
        if (value >> shift) mg_buffer_add_char(out, (char)(0x80 | (value >> shift & 0x7f)));
    mg_buffer_add_char(out, (char)(value & 0x7f));
}

typedef struct {
    const mg_score *score;
    mg_buffer *out;
    event *events;
    size_t n, capacity;
    int64_t tick;
    uint8_t running;
    bool failed;
} writer;

static void add_event(writer *w, int64_t tick, event_kind kind, size_t index)
{
    if (w->failed || !mg_grow((void **)&w->events, w->n, &w->capacity, sizeof *w->events)) {
        w->failed = true;
        return;
    }
    w->events[w->n++] = (event){.tick = tick, .kind = kind, .index = (uint32_t)index};
}

/* ---- bytes ---- */

enum { LONGEST_DELTA = 0x0fffffff };

static void put_delta(writer *w, int64_t tick)
{
    for (; tick - w->tick > LONGEST_DELTA; w->tick += LONGEST_DELTA) { /* an empty event to rest on */
        put_number(w->out, LONGEST_DELTA);
        mg_buffer_add(w->out, "\xff\x7f\x00", 3);
        w->running = 0;
    }
    put_number(w->out, (uint32_t)(tick - w->tick));
    w->tick = tick;
}

static void put_voice(writer *w, int64_t tick, uint8_t status, const uint8_t *data, size_t n)
{
    put_delta(w, tick);
    if (status != w->running) mg_buffer_add_char(w->out, (char)status);
    w->running = status;
    mg_buffer_add(w->out, data, n);
}

static void put_meta(writer *w, int64_t tick, uint8_t type, const void *bytes, size_t n)
{
    put_delta(w, tick);
    mg_buffer_add(w->out, (char[]){(char)0xff, (char)type}, 2);
    put_number(w->out, (uint32_t)n);
    mg_buffer_add(w->out, bytes, n);
    w->running = 0;
}

static void put_note_on(writer *w, const mg_note *note)
{
    put_voice(w, note->start, 0x90 | note->channel, (uint8_t[]){note->pitch, note->velocity}, 2);
}

/* Without a release velocity of its own a note ends as a note-on of velocity 0, which running status makes short. */
static void put_note_off(writer *w, const mg_note *note)
{
    bool is_plain = note->release == 64;
    put_voice(w, note->end, (is_plain ? 0x90 : 0x80) | note->channel,
              (uint8_t[]){note->pitch, is_plain ? 0 : note->release}, 2);
}

static void put_text(writer *w, const mg_text_event *text)
{
    if (text->kind != MG_TEXT_CHORD) {
        put_meta(w, text->tick, text->kind, text->text, strlen(text->text));
        return;
    }
    mg_buffer chord = {0}; /* midi_read.c knows it by this prefix */
    mg_buffer_print(&chord, "chord:%s", text->text);
    if (chord.failed) w->failed = true;
    else put_meta(w, text->tick, MG_TEXT_GENERAL, chord.data, chord.length);
    mg_buffer_free(&chord);
}

static void put_event(writer *w, const event *e)
{
    const mg_score *s = w->score;
    switch ((event_kind)e->kind) {
    case TEXT: put_text(w, &s->texts[e->index]); break;
    case TEMPO: {
        uint32_t us = s->tempos[e->index].us_per_quarter;
        put_meta(w, e->tick, 0x51, (uint8_t[]){(uint8_t)(us >> 16), (uint8_t)(us >> 8), (uint8_t)us}, 3);
        break;
    }
    case METER: {
        const mg_meter *m = &s->meters[e->index];
        uint8_t power = (uint8_t)(31 - __builtin_clz(m->denominator ? m->denominator : 1));
        put_meta(w, e->tick, 0x58, (uint8_t[]){(uint8_t)m->numerator, power, m->clocks, m->thirtyseconds}, 4);
        break;
    }
    case SIGNATURE: {
        const mg_key *k = &s->keys[e->index];
        put_meta(w, e->tick, 0x59, (uint8_t[]){(uint8_t)k->fifths, k->is_minor}, 2);
        break;
    }
    case PROGRAM: {
        const mg_program *p = &s->programs[e->index];
        put_voice(w, e->tick, 0xc0 | p->channel, &p->program, 1);
        break;
    }
    case BANK:
    case CONTROL: {
        const mg_control *c = &s->controls[e->index];
        put_voice(w, e->tick, 0xb0 | c->channel, (uint8_t[]){c->number, c->value}, 2);
        break;
    }
    case BEND: {
        const mg_bend *b = &s->bends[e->index];
        int value = b->value + 8192;
        put_voice(w, e->tick, 0xe0 | b->channel, (uint8_t[]){value & 0x7f, (uint8_t)(value >> 7)}, 2);
        break;
    }
    case NOTE_ON: put_note_on(w, &s->notes[e->index]); break;
    case NOTE_OFF: put_note_off(w, &s->notes[e->index]); break;
    case EMPTY_NOTE:
        put_note_on(w, &s->notes[e->index]);
        put_note_off(w, &s->notes[e->index]);
        break;
    }
}

/* ---- tracks ---- */

/* The events of a list that belong to a track. Items stand track by track, so each list is walked once in all. */
#define ADD_OF_TRACK(items, count, at, kind)                                        \
    for (; (at) < (count) && (items)[at].track <= track; (at)++)                    \
    add_event(w, (items)[at].tick, kind, at)

enum { BANK_MSB = 0, BANK_LSB = 32 };

typedef struct { size_t texts, programs, controls, bends; } places;

/* At each tick the controllers up to the last that selects a bank stand before programs; their order stays. */
static void add_controls(writer *w, size_t track, size_t *at)
{
    const mg_score *s = w->score;
    while (*at < s->n_controls && s->controls[*at].track <= track) {
        int64_t tick = s->controls[*at].tick;
        size_t end = *at, banks = *at;
        for (; end < s->n_controls && s->controls[end].track <= track && s->controls[end].tick == tick; end++)
            if (s->controls[end].number == BANK_MSB || s->controls[end].number == BANK_LSB) banks = end + 1;
        for (; *at < end; ++*at) add_event(w, tick, *at < banks ? BANK : CONTROL, *at);
    }
}

static void gather(writer *w, size_t track, places *at)
{
    const mg_score *s = w->score;
    w->n = 0;
    if (track == 0) { /* what all tracks share stands in the first */
        for (size_t i = 0; i < s->n_tempos; i++) add_event(w, s->tempos[i].tick, TEMPO, i);
        for (size_t i = 0; i < s->n_meters; i++) add_event(w, s->meters[i].tick, METER, i);
        for (size_t i = 0; i < s->n_keys; i++) add_event(w, s->keys[i].tick, SIGNATURE, i);
    }
    ADD_OF_TRACK(s->texts, s->n_texts, at->texts, TEXT);
    ADD_OF_TRACK(s->programs, s->n_programs, at->programs, PROGRAM);
    add_controls(w, track, &at->controls);
    ADD_OF_TRACK(s->bends, s->n_bends, at->bends, BEND);
    if (track >= s->n_tracks) return;
    const mg_track *t = &s->tracks[track];
    for (size_t i = t->first_note; i < t->first_note + t->n_notes; i++) {
        const mg_note *note = &s->notes[i];
        if (note->end <= note->start) {
            add_event(w, note->start, EMPTY_NOTE, i);
        } else {
            add_event(w, note->start, NOTE_ON, i);
            add_event(w, note->end, NOTE_OFF, i);
        }
    }
}

static void put_track(writer *w, size_t track, places *at)
{
    mg_buffer *out = w->out;
    gather(w, track, at);
    if (w->n) qsort(w->events, w->n, sizeof *w->events, by_tick);
    mg_buffer_add_text(out, "MTrk");
    size_t length_at = out->length;
    put_big_endian(out, 0, 4);
    w->tick = 0;
    w->running = 0;
    for (size_t i = 0; i < w->n; i++) put_event(w, &w->events[i]);
    int64_t end = track < w->score->n_tracks ? w->score->tracks[track].end_tick : 0;
    put_meta(w, end > w->tick ? end : w->tick, 0x2f, NULL, 0);
    if (out->failed) return;
    size_t length = out->length - length_at - 4;
    for (int i = 0; i < 4; i++) out->data[length_at + (size_t)i] = (char)(length >> 8 * (3 - i));
}

/* Ticks a second as frames and ticks a frame; 0 where SMPTE has no such division. */
static uint32_t smpte_division(const mg_score *s)
{
    static const struct { int frames, num, den; } rates[] = {{24, 24, 1}, {25, 25, 1}, {30, 30, 1}, {29, 30000, 1001}};
    for (int i = 0; i < 4; i++) {
        int ticks = s->smpte_rate_num / rates[i].num;
        if (s->smpte_rate_den == rates[i].den && ticks * rates[i].num == s->smpte_rate_num && ticks > 0 && ticks < 256)
            return (uint32_t)(256 - rates[i].frames) << 8 | (uint32_t)ticks;
    }
    return 0;
}

mg_status mg_midi_write(const mg_score *score, mg_buffer *out, mg_error *why)
{
    bool is_smpte = score->ticks_per_quarter == 0;
    uint32_t division = is_smpte ? smpte_division(score) : (uint32_t)score->ticks_per_quarter;
    if (division == 0 || (!is_smpte && division > 0x7fff))
        return mg_fail(why, MG_UNSUPPORTED, "MIDI has no division for this time base");
    if (score->n_tracks > UINT16_MAX || score->n_notes > UINT32_MAX)
        return mg_fail(why, MG_TOO_LARGE, "too many tracks or notes for a MIDI file");
    size_t n_tracks = score->n_tracks ? score->n_tracks : 1;
    mg_buffer_add(out, "MThd\0\0\0\6", 8);
    put_big_endian(out, score->format == 2 ? 2 : n_tracks == 1 ? 0 : 1, 2);
    put_big_endian(out, (uint32_t)n_tracks, 2);
    put_big_endian(out, division, 2);
    writer w = {.score = score, .out = out};
    places at = {0};
    for (size_t track = 0; track < n_tracks && !w.failed; track++) put_track(&w, track, &at);
    mg_free(w.events);
    return w.failed || out->failed ? mg_fail(why, MG_NO_MEMORY, "out of memory") : MG_OK;
}
