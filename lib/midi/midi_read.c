/* SPDX-License-Identifier: MIT */
/* Standard MIDI Files, read: header, chunks and events to a score, whatever state they are in.

   Every read is bounded by `limit`, a pointer that never passes the end of the file. What does not follow RP-001 is
   repaired and listed, or refused when strict. A track's notes are paired while it is read: a note that still sounds
   keeps, in its `end`, the index of the next one on the same key, so that each key is a queue (fifo, all) or stack
   (lifo) threaded through the notes themselves. */
#include <mgen/midi.h>
#include <mgen/text.h>
#include "midi/sort.h"

#include <stdlib.h>
#include <string.h>

enum { KEYS = 16 * 128, NONE = -1, SEARCH = 4096 };

typedef struct {
    mg_score *score;
    const mg_read_options *options;
    const uint8_t *file, *end;      /* the whole file */
    const uint8_t *limit;           /* of the track being read */
    int64_t tick;
    uint16_t track;
    uint8_t running;                /* 0: none */
    bool is_running_broken;         /* a meta or system event came since: running status should be over */
    bool is_past_end;               /* behind the end-of-track event */
    bool has_end;
    int32_t first_open[KEYS], last_open[KEYS]; /* indices into notes */
    size_t n_open;
    size_t capacity[8];             /* of the score's arrays, in the order of `list` */
    int64_t n_events;
    mg_buffer text;
    mg_error *why;
} reader;

enum list { NOTES, TEMPOS, METERS, SIGNATURES, CONTROLS, PROGRAMS, BENDS, TEXTS };

/* Room for one more item of a list of the score; leaves the function when out of memory. */
#define ROOM(r, items, count, which)                                                                        \
    do {                                                                                                    \
        if ((count) == (r)->capacity[which] &&                                                              \
            !mg_grow((void **)&(items), (count), &(r)->capacity[which], sizeof *(items)))                   \
            return no_memory(r);                                                                            \
    } while (0)

static mg_status no_memory(reader *r) { return mg_fail(r->why, MG_NO_MEMORY, "out of memory"); }

/* List a repair, or refuse it when strict. */
static mg_status repair(reader *r, const uint8_t *at, mg_repair_what what, size_t count)
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
        if (!moved) return no_memory(r);
        s->repairs = moved;
    }
    uint32_t n = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
    s->repairs[s->n_repairs++] = (mg_repair){.place = offset, .what = (uint16_t)what, .count = n};
    return MG_OK;
}

static uint32_t big_endian(const uint8_t *at, int bytes)
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

static mg_status note_on(reader *r, uint8_t channel, uint8_t pitch, uint8_t velocity)
{
    mg_score *s = r->score;
    ROOM(r, s->notes, s->n_notes, NOTES);
    int32_t i = (int32_t)s->n_notes++, key = channel << 7 | pitch;
    mg_note *note = &s->notes[i];
    *note = (mg_note){.start = r->tick, .end = NONE, .track = r->track, .channel = channel, .pitch = pitch,
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
static void end_first(reader *r, int32_t key, uint8_t velocity)
{
    mg_score *s = r->score;
    mg_note *note = &s->notes[r->first_open[key]];
    s->zero_length += note->start == r->tick;
    r->first_open[key] = (int32_t)note->end;
    r->n_open--;
    note->end = r->tick;
    note->release = velocity;
}

static mg_status note_off(reader *r, uint8_t channel, uint8_t pitch, uint8_t velocity, const uint8_t *at)
{
    mg_score *s = r->score;
    int32_t key = channel << 7 | pitch, i = r->first_open[key];
    if (i < 0) {
        s->orphan_offs++;
        return repair(r, at, MG_REPAIR_ORPHAN_OFF, 1);
    }
    s->ambiguous_offs += s->notes[i].end >= 0;
    bool is_earlier = s->notes[i].start < r->tick;
    do end_first(r, key, velocity);
    while (r->options->pairing == MG_PAIR_ALL && (i = r->first_open[key]) >= 0 &&
           (s->notes[i].start < r->tick) == is_earlier);
    return MG_OK;
}

/* The notes of the track that nothing ended. */
static mg_status end_open_notes(reader *r, size_t first, const uint8_t *at)
{
    if (r->n_open == 0) return MG_OK;
    mg_score *s = r->score;
    bool is_dropped = r->options->unclosed == MG_UNCLOSED_DROP;
    for (int key = 0; key < KEYS; key++) {
        for (int32_t i = r->first_open[key], next; i >= 0; i = next) {
            next = (int32_t)s->notes[i].end;
            s->notes[i].end = r->tick;
            if (is_dropped) s->notes[i].velocity = 0; /* none has that: it marks the note for the sweep below */
        }
        r->first_open[key] = NONE;
    }
    s->unclosed += (uint32_t)r->n_open;
    MG_TRY(repair(r, at, is_dropped ? MG_REPAIR_DROPPED_NOTE : MG_REPAIR_UNCLOSED_NOTE, r->n_open));
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

static mg_status read_text(reader *r, uint8_t type, const uint8_t *bytes, uint32_t n)
{
    mg_score *s = r->score;
    if (!is_ascii(bytes, n)) {
        mg_buffer_clear(&r->text);
        if (mg_text_add_decoded(&r->text, (const char *)bytes, n) != MG_TEXT_UTF8)
            MG_TRY(repair(r, bytes, MG_REPAIR_TEXT_ENCODING, n));
        if (r->text.failed) return no_memory(r);
        bytes = (const uint8_t *)r->text.data;
        n = (uint32_t)r->text.length;
    }
    bool is_chord = type == MG_TEXT_GENERAL && n >= 6 && memcmp(bytes, chord_prefix, 6) == 0;
    if (is_chord) type = MG_TEXT_CHORD, bytes += 6, n -= 6;
    ROOM(r, s->texts, s->n_texts, TEXTS);
    char *text = mg_arena_strndup(&s->strings, n ? (const char *)bytes : "", n);
    if (!text) return no_memory(r);
    s->texts[s->n_texts++] = (mg_text_event){.tick = r->tick, .track = r->track, .kind = type, .text = text};
    if (type == MG_TEXT_TRACK_NAME && s->tracks[r->track].name[0] == '\0') s->tracks[r->track].name = text;
    return MG_OK;
}

static mg_status read_tempo(reader *r, const uint8_t *bytes)
{
    mg_score *s = r->score;
    uint32_t us = big_endian(bytes, 3);
    if (us == 0) return repair(r, bytes, MG_REPAIR_BAD_TEMPO, 1);
    ROOM(r, s->tempos, s->n_tempos, TEMPOS);
    s->tempos[s->n_tempos++] = (mg_tempo){.tick = r->tick, .us_per_quarter = us};
    return MG_OK;
}

static mg_status read_meter(reader *r, const uint8_t *bytes)
{
    mg_score *s = r->score;
    if (bytes[0] == 0 || bytes[1] > 15) return repair(r, bytes, MG_REPAIR_BAD_METER, 1);
    ROOM(r, s->meters, s->n_meters, METERS);
    s->meters[s->n_meters++] = (mg_meter){.tick = r->tick, .numerator = bytes[0], .clocks = bytes[2],
                                          .denominator = (uint16_t)(1u << bytes[1]), .thirtyseconds = bytes[3]};
    return MG_OK;
}

static mg_status read_key(reader *r, const uint8_t *bytes)
{
    mg_score *s = r->score;
    int fifths = (int8_t)bytes[0];
    if (fifths < -7 || fifths > 7 || bytes[1] > 1) return repair(r, bytes, MG_REPAIR_BAD_KEY, 1);
    ROOM(r, s->keys, s->n_keys, SIGNATURES);
    s->keys[s->n_keys++] = (mg_key){.tick = r->tick, .fifths = (int8_t)fifths, .is_minor = bytes[1] == 1};
    return MG_OK;
}

/* The meta events of fixed length that mean something here. */
static const struct { uint8_t type, length; mg_status (*read)(reader *r, const uint8_t *bytes); } fixed_metas[] = {
    {0x51, 3, read_tempo}, {0x58, 4, read_meter}, {0x59, 2, read_key}};

enum { META_END = 0x2f, LAST_TEXT = 0x0f };

static mg_status read_meta(reader *r, uint8_t type, const uint8_t *bytes, uint32_t n)
{
    if (type >= 1 && type <= LAST_TEXT) return read_text(r, type, bytes, n);
    if (type == META_END) {
        r->has_end = true;
        return MG_OK;
    }
    for (size_t i = 0; i < sizeof fixed_metas / sizeof *fixed_metas; i++) {
        if (fixed_metas[i].type != type) continue;
        if (n != fixed_metas[i].length) MG_TRY(repair(r, bytes, MG_REPAIR_META_SIZE, n));
        return n < fixed_metas[i].length ? MG_OK : fixed_metas[i].read(r, bytes);
    }
    r->score->n_other++;
    return MG_OK;
}

/* ---- events ---- */

/* What stands between one event and the next. */
typedef enum { NEXT, TRACK_ENDS, OUT_OF_BYTES } outcome;

/* An event from 0xf0 up, the status byte being behind *at already. */
static mg_status read_system(reader *r, uint8_t status, const uint8_t **at, outcome *how)
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
            if (*at >= r->limit) return *how = OUT_OF_BYTES, MG_OK;
            type = *(*at)++;
        }
        if (!read_number(at, r->limit, &n, &length)) return *how = OUT_OF_BYTES, MG_OK;
        if (length > 4) MG_TRY(repair(r, event, MG_REPAIR_LONG_DELTA, 1));
        if (n > (size_t)(r->limit - *at)) return *at = event, *how = OUT_OF_BYTES, MG_OK;
        *at += n;
        if (status != 0xff) {
            r->score->n_sysex++;
            return MG_OK;
        }
        *how = type == META_END ? TRACK_ENDS : NEXT;
        return read_meta(r, type, *at - n, n);
    }
    size_t skip = data_bytes[status & 15];
    if (skip > (size_t)(r->limit - *at)) return *how = OUT_OF_BYTES, MG_OK;
    *at += skip;
    return repair(r, event, MG_REPAIR_BAD_STATUS, 1 + skip);
}

/* A note, controller, program or bend event; d1 and d2 are its data bytes. */
static inline mg_status read_voice(reader *r, uint8_t status, uint8_t d1, uint8_t d2, const uint8_t *at)
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
static mg_status skip_to_status(reader *r, const uint8_t **at, outcome *how)
{
    const uint8_t *start = *at;
    while (*at < r->limit && **at < 0x80) ++*at;
    if (*at >= r->limit) *how = OUT_OF_BYTES;
    return repair(r, start, MG_REPAIR_NO_STATUS, (size_t)(*at - start));
}

/* One event, delta time and all. OUT_OF_BYTES leaves *at where the event began. */
static inline mg_status read_event(reader *r, const uint8_t **where, outcome *how)
{
    const uint8_t *at = *where, *start = at;
    uint32_t delta;
    *how = NEXT;
    if (at < r->limit && *at < 0x80) {
        delta = *at++;
    } else {
        int length;
        if (!read_number(&at, r->limit, &delta, &length)) return *how = OUT_OF_BYTES, MG_OK;
        if (length > 4) MG_TRY(repair(r, start, MG_REPAIR_LONG_DELTA, 1));
    }
    if (at >= r->limit) return *how = OUT_OF_BYTES, MG_OK;
    r->tick += delta;
    uint8_t status = *at;
    if (status < 0x80 && r->running == 0) {
        MG_TRY(skip_to_status(r, &at, how));
        if (*how == OUT_OF_BYTES) return *where = at, MG_OK;
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
                MG_TRY(repair(r, at, MG_REPAIR_RUNNING_STATUS, 1));
                r->is_running_broken = false;
            }
        }
        int n = (status & 0xe0) == 0xc0 ? 1 : 2; /* program and channel pressure have one data byte */
        if (r->limit - at < n) {
            *how = OUT_OF_BYTES;
        } else {
            uint8_t d1 = at[0], d2 = n == 2 ? at[1] : 0;
            if ((d1 | d2) & 0x80) {
                MG_TRY(repair(r, at, MG_REPAIR_BAD_DATA_BYTE, (size_t)(d1 >> 7) + (d2 >> 7)));
                d1 = d1 > 127 ? 127 : d1;
                d2 = d2 > 127 ? 127 : d2;
            }
            at += n;
            MG_TRY(read_voice(r, status, d1, d2, at - n));
        }
    }
    if (*how == OUT_OF_BYTES) {
        r->tick -= delta;
        at = start;
    }
    *where = at;
    return MG_OK;
}

/* ---- tracks ---- */

static bool is_chunk(const uint8_t *at, const uint8_t *end, const char *kind)
{
    return end - at >= 8 && memcmp(at, kind, 4) == 0;
}

/* Four letters and a length that fits: what stands where a chunk may begin. */
static bool looks_like_chunk(const uint8_t *at, const uint8_t *end)
{
    if (end - at < 8) return false;
    for (int i = 0; i < 4; i++)
        if (at[i] < 0x20 || at[i] > 0x7e) return false;
    return big_endian(at + 4, 4) <= (size_t)(end - at - 8);
}

static bool is_all_zero(const uint8_t *at, const uint8_t *end)
{
    while (at < end && *at == 0) at++;
    return at == end;
}

static const uint8_t *find(const uint8_t *at, const uint8_t *end, const char *kind)
{
    return at < end ? memmem(at, (size_t)(end - at), kind, 4) : NULL;
}

/* The track's chunk is over and no end of track was seen. Either the chunk is as long as it says and the event is
   missing (or makes no sense, where it would reach into the next track), or its length is wrong and the track goes on:
   then up to the next track, or to the end of the file. */
static mg_status pass_chunk_end(reader *r, const uint8_t *at, bool *goes_on)
{
    *goes_on = false;
    if (r->limit == r->end) return repair(r, at, at == r->end ? MG_REPAIR_NO_TRACK_END : MG_REPAIR_CUT_FILE, 1);
    if (at == r->limit && (looks_like_chunk(at, r->end) || is_all_zero(at, r->end)))
        return repair(r, at, MG_REPAIR_NO_TRACK_END, 1);
    const uint8_t *next = find(r->limit, r->end, "MTrk");
    if (next == r->limit) return repair(r, at, MG_REPAIR_CUT_EVENT, (size_t)(r->limit - at));
    MG_TRY(repair(r, r->limit, MG_REPAIR_CHUNK_SIZE, (size_t)((next ? next : r->end) - r->limit)));
    r->limit = next ? next : r->end;
    *goes_on = true;
    return MG_OK;
}

/* An end-of-track event was read at *at, with bytes left in the chunk. */
static mg_status pass_track_end(reader *r, const uint8_t **at, bool *goes_on)
{
    *goes_on = false;
    if (*at >= r->limit) return MG_OK;
    if (is_chunk(*at, r->end, "MTrk") || r->limit == r->end) {
        bool is_junk = !is_chunk(*at, r->end, "MTrk");
        return repair(r, *at, is_junk ? MG_REPAIR_TRAILING_BYTES : MG_REPAIR_CHUNK_SIZE, (size_t)(r->limit - *at));
    }
    size_t left = (size_t)(r->limit - *at);
    if (is_all_zero(*at, r->limit)) {
        MG_TRY(repair(r, *at, MG_REPAIR_TRAILING_BYTES, left));
        *at = r->limit;
        return MG_OK;
    }
    *goes_on = true;
    if (!r->is_past_end) MG_TRY(repair(r, *at, MG_REPAIR_AFTER_TRACK_END, left));
    r->is_past_end = true;
    return MG_OK;
}

static mg_status read_events(reader *r, const uint8_t **at)
{
    bool goes_on = true;
    while (goes_on) {
        outcome how = NEXT;
        while (how == NEXT) {
            MG_TRY(read_event(r, at, &how));
            if (++r->n_events > r->options->max_events)
                return mg_fail(r->why, MG_TOO_LARGE, "more than %lld events", (long long)r->options->max_events);
        }
        if (how == TRACK_ENDS) {
            MG_TRY(pass_track_end(r, at, &goes_on));
        } else if (r->has_end) { /* what stood behind the end was no event */
            *at = r->limit;
            goes_on = false;
        } else {
            MG_TRY(pass_chunk_end(r, *at, &goes_on));
            if (!goes_on) *at = r->limit;
        }
    }
    return MG_OK;
}

/* The track whose chunk begins at *at (header included); *at becomes what follows it. */
static mg_status read_track(reader *r, const uint8_t **at)
{
    mg_score *s = r->score;
    const uint8_t *start = *at + 8;
    size_t size = big_endian(*at + 4, 4), left = (size_t)(r->end - start);
    if ((s->n_tracks & (s->n_tracks - 1)) == 0) { /* full at the powers of two */
        mg_track *moved = mg_realloc(s->tracks, s->n_tracks ? s->n_tracks * 2 : 1, sizeof *moved);
        if (!moved) return no_memory(r);
        s->tracks = moved;
    }
    r->track = (uint16_t)s->n_tracks++;
    mg_track *track = &s->tracks[r->track];
    *track = (mg_track){.name = "", .first_note = s->n_notes};
    r->limit = start + (size < left ? size : left);
    r->tick = 0;
    r->running = 0;
    r->is_running_broken = r->has_end = r->is_past_end = false;
    *at = start;
    MG_TRY(read_events(r, at));
    if (size > left && r->has_end && *at == r->end) MG_TRY(repair(r, start, MG_REPAIR_CHUNK_SIZE, size - left));
    MG_TRY(end_open_notes(r, track->first_note, *at));
    track->n_notes = s->n_notes - track->first_note;
    track->end_tick = r->tick;
    if (r->tick > s->end_tick) s->end_tick = r->tick;
    return MG_OK;
}

/* ---- the file ---- */

static mg_status read_division(reader *r, const uint8_t *at)
{
    mg_score *s = r->score;
    uint32_t division = big_endian(at, 2);
    if (division & 0x8000) { /* SMPTE: frames a second (29 is 30 drop, 29.97) and ticks a frame */
        int frames = -(int8_t)at[0], ticks = at[1];
        if (frames >= 1 && ticks > 0 && (frames == 24 || frames == 25 || frames == 29 || frames == 30)) {
            s->smpte_rate_num = frames == 29 ? 30000 * ticks : frames * ticks;
            s->smpte_rate_den = frames == 29 ? 1001 : 1;
            return MG_OK;
        }
    } else if (division > 0) {
        s->ticks_per_quarter = (int)division;
        return MG_OK;
    }
    s->ticks_per_quarter = 480;
    return repair(r, at, MG_REPAIR_DIVISION, 1);
}

/* The header chunk at *at, or what stands instead; *n_tracks is the number that it claims, -1 without a header. */
static mg_status read_header(reader *r, const uint8_t **at, int *n_tracks)
{
    mg_score *s = r->score;
    *n_tracks = -1;
    s->format = 1;
    if (!is_chunk(*at, r->end, "MThd")) {
        s->ticks_per_quarter = 480;
        return repair(r, *at, MG_REPAIR_NO_HEADER, 1);
    }
    size_t size = big_endian(*at + 4, 4), left = (size_t)(r->end - *at - 8);
    const uint8_t *body = *at + 8;
    if (left < 6) return mg_fail(r->why, MG_BAD_DATA, "the file ends inside its header");
    s->format = (int)big_endian(body, 2);
    *n_tracks = (int)big_endian(body + 2, 2);
    if (s->format > 2) {
        MG_TRY(repair(r, body, MG_REPAIR_FORMAT, 1));
        s->format = 1;
    }
    MG_TRY(read_division(r, body + 4));
    if (size != 6) MG_TRY(repair(r, *at + 4, MG_REPAIR_HEADER_SIZE, 1));
    /* A longer header is legal; one whose length is nonsense ends where tracks begin. */
    if (size < 6 || size > left || (size > 6 && is_chunk(body + 6, r->end, "MTrk"))) size = 6;
    *at = body + size;
    return MG_OK;
}

static mg_status read_chunks(reader *r, const uint8_t *at, int n_tracks)
{
    while (at < r->end) {
        if (is_chunk(at, r->end, "MTrk")) {
            if (r->score->n_tracks == UINT16_MAX)
                return mg_fail(r->why, MG_TOO_LARGE, "more than %d tracks", UINT16_MAX);
            MG_TRY(read_track(r, &at));
            continue;
        }
        const uint8_t *next = find(at + 1, r->end, "MTrk");
        if (looks_like_chunk(at, r->end)) {
            const uint8_t *behind = at + 8 + big_endian(at + 4, 4);
            MG_TRY(repair(r, at, MG_REPAIR_ALIEN_CHUNK, (size_t)(behind - at)));
            at = behind;
        } else if (next) {
            MG_TRY(repair(r, at, MG_REPAIR_ALIEN_CHUNK, (size_t)(next - at)));
            at = next;
        } else {
            MG_TRY(repair(r, at, MG_REPAIR_TRAILING_BYTES, (size_t)(r->end - at)));
            at = r->end;
        }
    }
    if (n_tracks >= 0 && (size_t)n_tracks != r->score->n_tracks)
        return repair(r, r->file, MG_REPAIR_TRACK_COUNT, r->score->n_tracks);
    return MG_OK;
}

/* ---- after the last track ---- */

/* Keep the items up to the last tick. */
#define CUT_LIST(items, count)                                    \
    do {                                                          \
        size_t kept_ = 0;                                         \
        for (size_t i_ = 0; i_ < (count); i_++)                   \
            if ((items)[i_].tick <= last) (items)[kept_++] = (items)[i_]; \
        (count) = kept_;                                          \
    } while (0)

static size_t cut_notes(mg_score *s, int64_t last)
{
    size_t kept = 0, before = s->n_notes;
    for (size_t t = 0; t < s->n_tracks; t++) {
        mg_track *track = &s->tracks[t];
        size_t first = kept, end = track->first_note + track->n_notes;
        for (size_t i = track->first_note; i < end; i++) {
            if (s->notes[i].start > last) continue;
            s->notes[kept] = s->notes[i];
            if (s->notes[kept].end > last) s->notes[kept].end = last;
            kept++;
        }
        track->first_note = first;
        track->n_notes = kept - first;
        if (track->end_tick > last) track->end_tick = last;
    }
    s->n_notes = kept;
    return before - kept;
}

/* A few bytes can claim years of silence: what lies beyond max_hours is cut off. */
static mg_status cut_at_limit(reader *r)
{
    mg_score *s = r->score;
    mg_clock *clock = mg_clock_new(s);
    if (!clock) return no_memory(r);
    double limit_s = r->options->max_hours * 3600;
    bool is_long = mg_clock_seconds(clock, s->end_tick) > limit_s;
    int64_t last = is_long ? mg_clock_tick(clock, limit_s) : 0;
    if (is_long && mg_clock_seconds(clock, last) > limit_s) last--; /* the nearest tick may lie behind */
    mg_clock_free(clock);
    if (!is_long) return MG_OK;
    CUT_LIST(s->tempos, s->n_tempos);
    CUT_LIST(s->meters, s->n_meters);
    CUT_LIST(s->keys, s->n_keys);
    CUT_LIST(s->controls, s->n_controls);
    CUT_LIST(s->programs, s->n_programs);
    CUT_LIST(s->bends, s->n_bends);
    CUT_LIST(s->texts, s->n_texts);
    s->end_tick = last;
    return repair(r, r->end, MG_REPAIR_TICK_RANGE, cut_notes(s, last));
}

static mg_status read_file(reader *r)
{
    const uint8_t *at = r->file;
    size_t size = (size_t)(r->end - at);
    if (size >= 8 && memcmp(at, "SMF2CLIP", 8) == 0)
        return mg_fail(r->why, MG_UNSUPPORTED, "a MIDI 2.0 clip file");
    if (size >= 12 && memcmp(at, "RIFF", 4) == 0 && memcmp(at + 8, "RMID", 4) == 0) {
        const uint8_t *data = find(at, r->end, "MThd"); /* in its data chunk (RP-029) */
        if (!data) return mg_fail(r->why, MG_BAD_DATA, "a RIFF file without MIDI data");
        /* The data chunk says where MIDI ends: other chunks (titles, sounds) may follow. */
        size_t length = data[-4] | data[-3] << 8 | data[-2] << 16 | (size_t)data[-1] << 24;
        if (length < (size_t)(r->end - data)) r->end = data + length;
        at = data;
    } else if (!is_chunk(at, r->end, "MThd")) {
        const uint8_t *searched = size > SEARCH ? at + SEARCH : r->end;
        const uint8_t *header = find(at, searched, "MThd"), *start = header ? header : find(at, searched, "MTrk");
        if (!start) return mg_fail(r->why, MG_BAD_DATA, "not a MIDI file");
        if (start > at) MG_TRY(repair(r, at, MG_REPAIR_LEADING_JUNK, (size_t)(start - at)));
        at = start;
    }
    int n_tracks;
    MG_TRY(read_header(r, &at, &n_tracks));
    MG_TRY(read_chunks(r, at, n_tracks));
    mg_score *s = r->score;
    if (!midi_sort_by_tick(s->tempos, s->n_tempos, sizeof *s->tempos) ||
        !midi_sort_by_tick(s->meters, s->n_meters, sizeof *s->meters) ||
        !midi_sort_by_tick(s->keys, s->n_keys, sizeof *s->keys))
        return no_memory(r);
    return cut_at_limit(r);
}

mg_read_options mg_read_defaults(void)
{
    return (mg_read_options){.max_bytes = 64 << 20, .max_events = 20000000, .max_hours = 24};
}

mg_status mg_midi_read(const void *bytes, size_t size, const mg_read_options *options, mg_score **score, mg_error *why)
{
    *score = NULL;
    if (size > (uint64_t)options->max_bytes)
        return mg_fail(why, MG_TOO_LARGE, "larger than the limit of %lld bytes", (long long)options->max_bytes);
    reader *r = mg_alloc_zero(1, sizeof *r);
    if (!r) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    r->options = options;
    r->file = bytes;
    r->end = r->file + size;
    r->why = why;
    memset(r->first_open, 0xff, sizeof r->first_open); /* NONE */
    r->score = mg_score_new();
    mg_status status = r->score ? read_file(r) : no_memory(r);
    if (status) mg_score_free(r->score);
    else *score = r->score;
    mg_buffer_free(&r->text);
    mg_free(r);
    return status;
}

bool mg_midi_is(const void *bytes, size_t size)
{
    const uint8_t *at = bytes, *end = at + size;
    if (size >= 8 && (memcmp(at, "SMF2CLIP", 8) == 0 || memcmp(at, "MTrk", 4) == 0)) return true;
    return find(at, size > SEARCH ? at + SEARCH : end, "MThd") != NULL;
}
