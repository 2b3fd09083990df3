/* SPDX-License-Identifier: MIT */
/* The events of a track (RP-001): notes, meta events, controllers, and what becomes of those that make no sense.

   A track's notes are paired while it is read: a note that still sounds keeps, in its `end`, the index of the next one
   on the same key, so that each key is a queue (fifo, all) or stack (lifo) threaded through the notes themselves. */
#include <mgen/midi.h>
#include <mgen/text.h>
#include "midi/midi_reader.h"

#include <string.h>

enum list { NOTES, TEMPOS, METERS, SIGNATURES, CONTROLS, PROGRAMS, BENDS, TEXTS };

/* Room for one more item of a list of the score; leaves the function when out of memory. */
#define ROOM(r, items, count, which)                                                                        \
    do {                                                                                                    \
        if ((count) == (r)->capacity[which] &&                                                              \
            !mg_grow((void **)&(items), (count), &(r)->capacity[which], sizeof *(items)))                   \
            return midi_no_memory(r);                                                                            \
    } while (0)

mg_status midi_no_memory(midi_reader *r) { return mg_fail(r->why, MG_NO_MEMORY, "out of memory"); }

mg_status midi_repair(midi_reader *r, const uint8_t *at, mg_repair_what what, size_t count)
{
    mg_score *s = r->score;
    size_t offset = (size_t)(at - r->file);
    if (r->options->is_strict) {
        mg_fail(r->why, MG_BAD_DATA, "%s", mg_repair_sentence(what));
        mg_error_at(r->why, "byte %zu", offset);
        return MG_BAD_DATA;
    }
    if ((s->n_repairs & (s->n_repairs - 1)) == 0) { /* full at the powers of two */
        mg_repair *moved = mg_realloc(s->repairs, s->n_repairs ? s->n_repairs * 2 : 1, sizeof *moved);
        if (!moved) return midi_no_memory(r);
        s->repairs = moved;
    }
    uint32_t n = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
    s->repairs[s->n_repairs++] = (mg_repair){.place = offset, .what = (uint16_t)what, .count = n};
    return MG_OK;
}

uint32_t midi_big_endian(const uint8_t *at, int bytes)
{
    uint32_t value = 0;
    while (bytes-- > 0) value = value << 8 | *at++;
    return value;
}

/* A variable-length number at *at; false if the track's bytes end inside it. More than four bytes: the last 28 bits. */
static bool read_number(const uint8_t **at, const uint8_t *limit, uint32_t *value, int *length)
{
    const uint8_t *start = *at;
    for (*value = 0; *at < limit;) {
        uint8_t byte = *(*at)++;
        *value = (*value << 7 | (byte & 0x7f)) & 0x0fffffff;
        if (byte < 0x80) {
            *length = (int)(*at - start);
            return true;
        }
    }
    return false;
}

/* ---- notes ---- */

static mg_status note_on(midi_reader *r, uint8_t channel, uint8_t pitch, uint8_t velocity)
{
    mg_score *s = r->score;
    ROOM(r, s->notes, s->n_notes, NOTES);
    int32_t i = (int32_t)s->n_notes++, key = channel << 7 | pitch;
    mg_note *note = &s->notes[i];
    *note = (mg_note){.start = r->tick, .end = MIDI_NONE, .track = r->track, .channel = channel, .pitch = pitch,
                      .velocity = velocity, .release = 64};
    if (r->first_open[key] < 0) {
        r->first_open[key] = r->last_open[key] = i;
    } else if (r->options->pairing == MG_PAIR_LIFO) {
        note->end = r->first_open[key];
        r->first_open[key] = i;
    } else {
        s->notes[r->last_open[key]].end = i;
        r->last_open[key] = i;
    }
    r->n_open++;
    return MG_OK;
}

/* End the note that heads its key's list. */
static void end_first(midi_reader *r, int32_t key, uint8_t velocity)
{
    mg_score *s = r->score;
    mg_note *note = &s->notes[r->first_open[key]];
    s->zero_length += note->start == r->tick;
    r->first_open[key] = (int32_t)note->end;
    r->n_open--;
    note->end = r->tick;
    note->release = velocity;
}

static mg_status note_off(midi_reader *r, uint8_t channel, uint8_t pitch, uint8_t velocity, const uint8_t *at)
{
    mg_score *s = r->score;
    int32_t key = channel << 7 | pitch, i = r->first_open[key];
    if (i < 0) {
        s->orphan_offs++;
        return midi_repair(r, at, MG_REPAIR_ORPHAN_OFF, 1);
    }
    s->ambiguous_offs += s->notes[i].end >= 0;
    bool is_earlier = s->notes[i].start < r->tick;
    do end_first(r, key, velocity);
    while (r->options->pairing == MG_PAIR_ALL && (i = r->first_open[key]) >= 0 &&
           (s->notes[i].start < r->tick) == is_earlier);
    return MG_OK;
}

mg_status midi_end_open_notes(midi_reader *r, size_t first, const uint8_t *at)
{
    if (r->n_open == 0) return MG_OK;
    mg_score *s = r->score;
    bool is_dropped = r->options->unclosed == MG_UNCLOSED_DROP;
    for (int key = 0; key < MIDI_KEYS; key++) {
        for (int32_t i = r->first_open[key], next; i >= 0; i = next) {
            next = (int32_t)s->notes[i].end;
            s->notes[i].end = r->tick;
            if (is_dropped) s->notes[i].velocity = 0; /* none has that: it marks the note for the sweep below */
        }
        r->first_open[key] = MIDI_NONE;
    }
    s->unclosed += (uint32_t)r->n_open;
    MG_TRY(midi_repair(r, at, is_dropped ? MG_REPAIR_DROPPED_NOTE : MG_REPAIR_UNCLOSED_NOTE, r->n_open));
    r->n_open = 0;
    size_t kept = first;
    for (size_t i = first; is_dropped && i < s->n_notes; i++)
        if (s->notes[i].velocity) s->notes[kept++] = s->notes[i];
    if (is_dropped) s->n_notes = kept;
    return MG_OK;
}

/* ---- meta events ---- */

static bool is_ascii(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] >= 0x7f || bytes[i] < 0x20) return false;
    return true;
}

/* What this project writes for the chord symbols of ABC, which MIDI has no event for. */
static const char chord_prefix[] = "chord:";

static mg_status read_text(midi_reader *r, uint8_t type, const uint8_t *bytes, uint32_t n)
{
    mg_score *s = r->score;
    if (!is_ascii(bytes, n)) {
        mg_buffer_clear(&r->text);
        if (mg_text_add_decoded(&r->text, (const char *)bytes, n) != MG_TEXT_UTF8)
            MG_TRY(midi_repair(r, bytes, MG_REPAIR_TEXT_ENCODING, n));
        if (r->text.failed) return midi_no_memory(r);
        bytes = (const uint8_t *)r->text.data;
        n = (uint32_t)r->text.length;
    }
    bool is_chord = type == MG_TEXT_GENERAL && n >= 6 && memcmp(bytes, chord_prefix, 6) == 0;
    if (is_chord) type = MG_TEXT_CHORD, bytes += 6, n -= 6;
    ROOM(r, s->texts, s->n_texts, TEXTS);
    char *text = mg_arena_strndup(&s->strings, n ? (const char *)bytes : "", n);
    if (!text) return midi_no_memory(r);
    s->texts[s->n_texts++] = (mg_text_event){.tick = r->tick, .track = r->track, .kind = type, .text = text};
    if (type == MG_TEXT_TRACK_NAME && s->tracks[r->track].name[0] == '\0') s->tracks[r->track].name = text;
    return MG_OK;
}

static mg_status read_tempo(midi_reader *r, const uint8_t *bytes)
{
    mg_score *s = r->score;
    uint32_t us = midi_big_endian(bytes, 3);
    if (us == 0) return midi_repair(r, bytes, MG_REPAIR_BAD_TEMPO, 1);
    ROOM(r, s->tempos, s->n_tempos, TEMPOS);
    s->tempos[s->n_tempos++] = (mg_tempo){.tick = r->tick, .us_per_quarter = us};
    return MG_OK;
}

static mg_status read_meter(midi_reader *r, const uint8_t *bytes)
{
    mg_score *s = r->score;
    if (bytes[0] == 0 || bytes[1] > 15) return midi_repair(r, bytes, MG_REPAIR_BAD_METER, 1);
    ROOM(r, s->meters, s->n_meters, METERS);
    s->meters[s->n_meters++] = (mg_meter){.tick = r->tick, .numerator = bytes[0], .clocks = bytes[2],
                                          .denominator = (uint16_t)(1u << bytes[1]), .thirtyseconds = bytes[3]};
    return MG_OK;
}

static mg_status read_key(midi_reader *r, const uint8_t *bytes)
{
    mg_score *s = r->score;
    int fifths = (int8_t)bytes[0];
    if (fifths < -7 || fifths > 7 || bytes[1] > 1) return midi_repair(r, bytes, MG_REPAIR_BAD_KEY, 1);
    ROOM(r, s->keys, s->n_keys, SIGNATURES);
    s->keys[s->n_keys++] = (mg_key){.tick = r->tick, .fifths = (int8_t)fifths, .is_minor = bytes[1] == 1};
    return MG_OK;
}

/* The meta events of fixed length that mean something here. */
static const struct { uint8_t type, length; mg_status (*read)(midi_reader *r, const uint8_t *bytes); } fixed_metas[] = {
    {0x51, 3, read_tempo}, {0x58, 4, read_meter}, {0x59, 2, read_key}};

enum { META_END = 0x2f, LAST_TEXT = 0x0f };

static mg_status read_meta(midi_reader *r, uint8_t type, const uint8_t *bytes, uint32_t n)
{
    if (type >= 1 && type <= LAST_TEXT) return read_text(r, type, bytes, n);
    if (type == META_END) {
        r->has_end = true;
        return MG_OK;
    }
    for (size_t i = 0; i < sizeof fixed_metas / sizeof *fixed_metas; i++) {
        if (fixed_metas[i].type != type) continue;
        if (n != fixed_metas[i].length) MG_TRY(midi_repair(r, bytes, MG_REPAIR_META_SIZE, n));
        return n < fixed_metas[i].length ? MG_OK : fixed_metas[i].read(r, bytes);
    }
    r->score->n_other++;
    return MG_OK;
}

/* ---- events ---- */

/* An event from 0xf0 up, the status byte being behind *at already. */
static mg_status read_system(midi_reader *r, uint8_t status, const uint8_t **at, midi_outcome *how)
{
    /* Data bytes of F1 to F6; the others have none. None of them belongs in a file, F4, F5, F9 and FD nowhere. */
    static const uint8_t data_bytes[16] = {[1] = 1, [2] = 2, [3] = 1};
    const uint8_t *event = *at - 1;
    uint32_t n;
    int length;
    r->is_running_broken = true;
    if (status == 0xff || status == 0xf0 || status == 0xf7) {
        uint8_t type = 0;
        if (status == 0xff) {
            if (*at >= r->limit) return *how = MIDI_OUT_OF_BYTES, MG_OK;
            type = *(*at)++;
        }
        if (!read_number(at, r->limit, &n, &length)) return *how = MIDI_OUT_OF_BYTES, MG_OK;
        if (length > 4) MG_TRY(midi_repair(r, event, MG_REPAIR_LONG_DELTA, 1));
        if (n > (size_t)(r->limit - *at)) return *at = event, *how = MIDI_OUT_OF_BYTES, MG_OK;
        *at += n;
        if (status != 0xff) {
            r->score->n_sysex++;
            return MG_OK;
        }
        *how = type == META_END ? MIDI_TRACK_ENDS : MIDI_NEXT;
        return read_meta(r, type, *at - n, n);
    }
    size_t skip = data_bytes[status & 15];
    if (skip > (size_t)(r->limit - *at)) return *how = MIDI_OUT_OF_BYTES, MG_OK;
    *at += skip;
    return midi_repair(r, event, MG_REPAIR_BAD_STATUS, 1 + skip);
}

/* A note, controller, program or bend event; d1 and d2 are its data bytes. */
static inline mg_status read_voice(midi_reader *r, uint8_t status, uint8_t d1, uint8_t d2, const uint8_t *at)
{
    mg_score *s = r->score;
    uint8_t channel = status & 15;
    switch (status >> 4) {
    case 0x9:
        if (d2 > 0) return note_on(r, channel, d1, d2);
        return note_off(r, channel, d1, 64, at);
    case 0x8: return note_off(r, channel, d1, d2, at);
    case 0xb:
        ROOM(r, s->controls, s->n_controls, CONTROLS);
        s->controls[s->n_controls++] =
            (mg_control){.tick = r->tick, .track = r->track, .channel = channel, .number = d1, .value = d2};
        return MG_OK;
    case 0xc:
        ROOM(r, s->programs, s->n_programs, PROGRAMS);
        s->programs[s->n_programs++] =
            (mg_program){.tick = r->tick, .track = r->track, .channel = channel, .program = d1};
        return MG_OK;
    case 0xe:
        ROOM(r, s->bends, s->n_bends, BENDS);
        s->bends[s->n_bends++] = (mg_bend){.tick = r->tick, .track = r->track, .channel = channel,
                                           .value = (int16_t)((d2 << 7 | d1) - 8192)};
        return MG_OK;
    default: s->n_other++; return MG_OK; /* aftertouch */
    }
}

/* A data byte where a status byte was due and none is running: skip to the next status byte. */
static mg_status skip_to_status(midi_reader *r, const uint8_t **at, midi_outcome *how)
{
    const uint8_t *start = *at;
    while (*at < r->limit && **at < 0x80) ++*at;
    if (*at >= r->limit) *how = MIDI_OUT_OF_BYTES;
    return midi_repair(r, start, MG_REPAIR_NO_STATUS, (size_t)(*at - start));
}

/* One event, delta time and all. MIDI_OUT_OF_BYTES leaves *at where the event began. */
static inline mg_status read_event(midi_reader *r, const uint8_t **where, midi_outcome *how)
{
    const uint8_t *at = *where, *start = at;
    uint32_t delta;
    *how = MIDI_NEXT;
    if (at < r->limit && *at < 0x80) {
        delta = *at++;
    } else {
        int length;
        if (!read_number(&at, r->limit, &delta, &length)) return *how = MIDI_OUT_OF_BYTES, MG_OK;
        if (length > 4) MG_TRY(midi_repair(r, start, MG_REPAIR_LONG_DELTA, 1));
    }
    if (at >= r->limit) return *how = MIDI_OUT_OF_BYTES, MG_OK;
    r->tick += delta;
    uint8_t status = *at;
    if (status < 0x80 && r->running == 0) {
        MG_TRY(skip_to_status(r, &at, how));
        if (*how == MIDI_OUT_OF_BYTES) return *where = at, MG_OK;
        status = *at;
    }
    if (status >= 0xf0) {
        at++;
        MG_TRY(read_system(r, status, &at, how));
    } else {
        if (status >= 0x80) {
            r->running = status;
            r->is_running_broken = false;
            at++;
        } else {
            status = r->running;
            if (r->is_running_broken) {
                MG_TRY(midi_repair(r, at, MG_REPAIR_RUNNING_STATUS, 1));
                r->is_running_broken = false;
            }
        }
        int n = (status & 0xe0) == 0xc0 ? 1 : 2; /* program and channel pressure have one data byte */
        if (r->limit - at < n) {
            *how = MIDI_OUT_OF_BYTES;
        } else {
            uint8_t d1 = at[0], d2 = n == 2 ? at[1] : 0;
            if ((d1 | d2) & 0x80) {
                MG_TRY(midi_repair(r, at, MG_REPAIR_BAD_DATA_BYTE, (size_t)(d1 >> 7) + (d2 >> 7)));
                d1 = d1 > 127 ? 127 : d1;
                d2 = d2 > 127 ? 127 : d2;
            }
            at += n;
            MG_TRY(read_voice(r, status, d1, d2, at - n));
        }
    }
    if (*how == MIDI_OUT_OF_BYTES) {
        r->tick -= delta;
        at = start;
    }
    *where = at;
    return MG_OK;
}

mg_status midi_read_events(midi_reader *r, const uint8_t **at, midi_outcome *how)
{
    *how = MIDI_NEXT;
    while (*how == MIDI_NEXT) {
        MG_TRY(read_event(r, at, how));
        if (++r->n_events > r->options->max_events)
            return mg_fail(r->why, MG_TOO_LARGE, "more than %lld events", (long long)r->options->max_events);
    }
    return MG_OK;
}
