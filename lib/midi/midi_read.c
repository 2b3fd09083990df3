/* SPDX-License-Identifier: MIT */
/* Standard MIDI Files, read: header and chunks to a score, whatever state they are in. What does not follow RP-001 is
   repaired and listed, or refused when strict. */
#include <mgen/midi.h>
#include "midi/midi_reader.h"
#include "midi/sort.h"

#include <string.h>

enum { SEARCH = 4096 };

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
    return midi_big_endian(at + 4, 4) <= (size_t)(end - at - 8);
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
static mg_status pass_chunk_end(midi_reader *r, const uint8_t *at, bool *goes_on)
{
    *goes_on = false;
    if (r->limit == r->end)
        return midi_repair(r, at, at == r->end && !r->is_short ? MG_REPAIR_NO_TRACK_END : MG_REPAIR_CUT_FILE, 1);
    if (at == r->limit && (looks_like_chunk(at, r->end) || is_all_zero(at, r->end)))
        return midi_repair(r, at, MG_REPAIR_NO_TRACK_END, 1);
    const uint8_t *next = find(r->limit, r->end, "MTrk");
    if (next == r->limit) return midi_repair(r, at, MG_REPAIR_CUT_EVENT, (size_t)(r->limit - at));
    MG_TRY(midi_repair(r, r->limit, MG_REPAIR_CHUNK_SIZE, (size_t)((next ? next : r->end) - r->limit)));
    r->limit = next ? next : r->end;
    r->is_stretched = *goes_on = true;
    return MG_OK;
}

/* An end-of-track event was read before *at, with bytes left in the chunk: more events, zeros, or, where the chunk's
   length is wrong, what stands behind the track. */
static mg_status pass_track_end(midi_reader *r, const uint8_t **at, bool *goes_on)
{
    *goes_on = false;
    if (*at >= r->limit) return MG_OK;
    if (is_chunk(*at, r->end, "MTrk"))
        return midi_repair(r, *at, MG_REPAIR_CHUNK_SIZE, (size_t)(r->limit - *at));
    if (r->is_short || r->is_stretched) return MG_OK;
    size_t left = (size_t)(r->limit - *at);
    if (is_all_zero(*at, r->limit)) {
        MG_TRY(midi_repair(r, *at, MG_REPAIR_TRAILING_BYTES, left));
        *at = r->limit;
        return MG_OK;
    }
    *goes_on = true;
    if (!r->is_past_end) MG_TRY(midi_repair(r, *at, MG_REPAIR_AFTER_TRACK_END, left));
    r->is_past_end = true;
    return MG_OK;
}

static mg_status read_to_track_end(midi_reader *r, const uint8_t **at)
{
    bool goes_on = true;
    while (goes_on) {
        midi_outcome how;
        MG_TRY(midi_read_events(r, at, &how));
        if (how == MIDI_TRACK_ENDS) {
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
static mg_status read_track(midi_reader *r, const uint8_t **at)
{
    mg_score *s = r->score;
    const uint8_t *start = *at + 8;
    size_t size = midi_big_endian(*at + 4, 4), left = (size_t)(r->end - start);
    if ((s->n_tracks & (s->n_tracks - 1)) == 0) { /* full at the powers of two */
        mg_track *moved = mg_realloc(s->tracks, s->n_tracks ? s->n_tracks * 2 : 1, sizeof *moved);
        if (!moved) return midi_no_memory(r);
        s->tracks = moved;
    }
    r->track = (uint16_t)s->n_tracks++;
    mg_track *track = &s->tracks[r->track];
    *track = (mg_track){.name = "", .first_note = s->n_notes};
    r->limit = start + (size < left ? size : left);
    r->tick = 0;
    r->running = 0;
    r->is_running_broken = r->has_end = r->is_past_end = r->is_stretched = false;
    r->is_short = size > left;
    *at = start;
    MG_TRY(read_to_track_end(r, at));
    if (r->is_short && r->has_end && *at == r->end) MG_TRY(midi_repair(r, start, MG_REPAIR_CHUNK_SIZE, size - left));
    MG_TRY(midi_end_open_notes(r, track->first_note, *at));
    track->n_notes = s->n_notes - track->first_note;
    track->end_tick = r->tick;
    if (r->tick > s->end_tick) s->end_tick = r->tick;
    return MG_OK;
}

/* ---- the file ---- */

static mg_status read_division(midi_reader *r, const uint8_t *at)
{
    mg_score *s = r->score;
    uint32_t division = midi_big_endian(at, 2);
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
    return midi_repair(r, at, MG_REPAIR_DIVISION, 1);
}

/* The header chunk at *at, or what stands instead; *n_tracks is the number that it claims, -1 without a header. */
static mg_status read_header(midi_reader *r, const uint8_t **at, int *n_tracks)
{
    mg_score *s = r->score;
    *n_tracks = -1;
    s->format = 1;
    if (!is_chunk(*at, r->end, "MThd")) {
        s->ticks_per_quarter = 480;
        return midi_repair(r, *at, MG_REPAIR_NO_HEADER, 1);
    }
    size_t size = midi_big_endian(*at + 4, 4), left = (size_t)(r->end - *at - 8);
    const uint8_t *body = *at + 8;
    if (left < 6) return mg_fail(r->why, MG_BAD_DATA, "the file ends inside its header");
    s->format = (int)midi_big_endian(body, 2);
    *n_tracks = (int)midi_big_endian(body + 2, 2);
    if (s->format > 2) {
        MG_TRY(midi_repair(r, body, MG_REPAIR_FORMAT, 1));
        s->format = 1;
    }
    MG_TRY(read_division(r, body + 4));
    if (size != 6) MG_TRY(midi_repair(r, *at + 4, MG_REPAIR_HEADER_SIZE, 1));
    /* A longer header is legal; one whose length is nonsense ends where tracks begin. */
    if (size < 6 || size > left || (size > 6 && is_chunk(body + 6, r->end, "MTrk"))) size = 6;
    *at = body + size;
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
static mg_status cut_at_limit(midi_reader *r)
{
    mg_score *s = r->score;
    mg_clock *clock = mg_clock_new(s);
    if (!clock) return midi_no_memory(r);
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
    return midi_repair(r, r->end, MG_REPAIR_TICK_RANGE, cut_notes(s, last));
}

/* A score whose tracks have all been read. */
static mg_status finish_score(midi_reader *r)
{
    mg_score *s = r->score;
    if (!midi_sort_by_tick(s->tempos, s->n_tempos, sizeof *s->tempos) ||
        !midi_sort_by_tick(s->meters, s->n_meters, sizeof *s->meters) ||
        !midi_sort_by_tick(s->keys, s->n_keys, sizeof *s->keys))
        return midi_no_memory(r);
    return cut_at_limit(r);
}

/* A sequence of format 2 is complete; the next one begins with nothing but the header's time base. */
static mg_status hand_on(midi_reader *r)
{
    MG_TRY(finish_score(r));
    mg_score *done = r->score, *next = mg_score_new();
    if (!next) return midi_no_memory(r);
    next->format = done->format;
    next->ticks_per_quarter = done->ticks_per_quarter;
    next->smpte_rate_num = done->smpte_rate_num;
    next->smpte_rate_den = done->smpte_rate_den;
    r->score = next;
    memset(r->capacity, 0, sizeof r->capacity);
    return r->visit(r->user, ++r->n_visited, done, NULL);
}

static mg_status read_chunks(midi_reader *r, const uint8_t *at, int n_tracks)
{
    while (at < r->end) {
        if (is_chunk(at, r->end, "MTrk")) {
            if (r->n_found++ == UINT16_MAX)
                return mg_fail(r->why, MG_TOO_LARGE, "more than %d tracks", UINT16_MAX);
            if (r->visit && r->score->format == 2 && r->score->n_tracks > 0) MG_TRY(hand_on(r));
            MG_TRY(read_track(r, &at));
            continue;
        }
        const uint8_t *next = find(at + 1, r->end, "MTrk");
        if (looks_like_chunk(at, r->end)) {
            const uint8_t *behind = at + 8 + midi_big_endian(at + 4, 4);
            MG_TRY(midi_repair(r, at, MG_REPAIR_ALIEN_CHUNK, (size_t)(behind - at)));
            at = behind;
        } else if (next) {
            MG_TRY(midi_repair(r, at, MG_REPAIR_ALIEN_CHUNK, (size_t)(next - at)));
            at = next;
        } else {
            MG_TRY(midi_repair(r, at, MG_REPAIR_TRAILING_BYTES, (size_t)(r->end - at)));
            at = r->end;
        }
    }
    size_t found = r->n_found;
    if (n_tracks >= 0 && found < (size_t)n_tracks)
        return midi_repair(r, r->end, MG_REPAIR_MISSING_TRACKS, (size_t)n_tracks - found);
    if (n_tracks >= 0 && found > (size_t)n_tracks) return midi_repair(r, r->file, MG_REPAIR_TRACK_COUNT, found);
    return r->score->format == 0 && found > 1 ? midi_repair(r, r->file, MG_REPAIR_FORMAT_0, found) : MG_OK;
}

/* To the data chunk of a RIFF wrapper (RP-029), which says where MIDI ends: other chunks (titles, sounds) may stand
   before it and follow. A writer that could not go back leaves its length 0. */
static mg_status open_riff(midi_reader *r, const uint8_t **at)
{
    const uint8_t *chunk = *at + 12;
    while (r->end - chunk >= 8) {
        size_t size = chunk[4] | chunk[5] << 8 | chunk[6] << 16 | (size_t)chunk[7] << 24;
        size_t left = (size_t)(r->end - chunk) - 8;
        if (memcmp(chunk, "data", 4) == 0) {
            *at = chunk + 8;
            if (size == 0 || size > left) return midi_repair(r, chunk + 4, MG_REPAIR_CHUNK_SIZE, left);
            r->end = *at + size;
            return MG_OK;
        }
        if (size > left) break;
        chunk += 8 + size + (size & 1 && size < left);
    }
    const uint8_t *header = find(*at, r->end, "MThd");
    if (!header) return mg_fail(r->why, MG_BAD_DATA, "a RIFF file without MIDI data");
    *at = header;
    return midi_repair(r, chunk < r->end ? chunk : r->end, MG_REPAIR_ALIEN_CHUNK, 1);
}

static mg_status read_file(midi_reader *r)
{
    const uint8_t *at = r->file;
    size_t size = (size_t)(r->end - at);
    if (size >= 8 && memcmp(at, "SMF2CLIP", 8) == 0)
        return mg_fail(r->why, MG_UNSUPPORTED, "a MIDI 2.0 clip file");
    if (size >= 12 && memcmp(at, "RIFF", 4) == 0 && memcmp(at + 8, "RMID", 4) == 0) {
        MG_TRY(open_riff(r, &at));
    } else if (!is_chunk(at, r->end, "MThd")) {
        const uint8_t *searched = size > SEARCH ? at + SEARCH : r->end;
        const uint8_t *header = find(at, searched, "MThd"), *start = header ? header : find(at, searched, "MTrk");
        if (!start) return mg_fail(r->why, MG_BAD_DATA, "not a MIDI file");
        if (start > at) MG_TRY(midi_repair(r, at, MG_REPAIR_LEADING_JUNK, (size_t)(start - at)));
        at = start;
    }
    int n_tracks;
    MG_TRY(read_header(r, &at, &n_tracks));
    MG_TRY(read_chunks(r, at, n_tracks));
    return finish_score(r);
}

mg_read_options mg_read_defaults(void)
{
    return (mg_read_options){.max_bytes = 64 << 20, .max_events = 20000000, .max_hours = 24};
}

/* The score, or the last of the sequences. */
static mg_status read_bytes(const void *bytes, size_t size, const mg_read_options *options, mg_score_fn visit,
                            void *user, int *n_visited, mg_score **score, mg_error *why)
{
    *score = NULL;
    if (size > (uint64_t)options->max_bytes)
        return mg_fail(why, MG_TOO_LARGE, "larger than the limit of %lld bytes", (long long)options->max_bytes);
    midi_reader *r = mg_alloc_zero(1, sizeof *r);
    if (!r) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    r->options = options;
    r->visit = visit;
    r->user = user;
    r->file = bytes;
    r->end = r->file + size;
    r->why = why;
    memset(r->first_open, 0xff, sizeof r->first_open); /* MIDI_NONE */
    r->score = mg_score_new();
    mg_status status = r->score ? read_file(r) : midi_no_memory(r);
    if (status) mg_score_free(r->score);
    else *score = r->score;
    *n_visited = r->n_visited;
    mg_buffer_free(&r->text);
    mg_free(r);
    return status;
}

mg_status mg_midi_read(const void *bytes, size_t size, const mg_read_options *options, mg_score **score, mg_error *why)
{
    int none;
    return read_bytes(bytes, size, options, NULL, NULL, &none, score, why);
}

mg_status mg_midi_read_each(const void *bytes, size_t size, const mg_read_options *options, mg_score_fn visit,
                            void *user, mg_error *why)
{
    mg_score *last;
    int n;
    MG_TRY(read_bytes(bytes, size, options, visit, user, &n, &last, why));
    return visit(user, n + 1, last, NULL);
}

bool mg_midi_is(const void *bytes, size_t size)
{
    if (size == 0) return false;
    const uint8_t *at = bytes, *end = at + size;
    if (size >= 8 && (memcmp(at, "SMF2CLIP", 8) == 0 || memcmp(at, "MTrk", 4) == 0)) return true;
    return find(at, size > SEARCH ? at + SEARCH : end, "MThd") != NULL;
}
