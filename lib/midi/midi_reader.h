/* SPDX-License-Identifier: MIT */
/* A MIDI file on its way to a score: midi_read.c finds chunks and tracks, midi_events.c reads the events of a track.
   Every read is bounded by `limit`, a pointer that never passes the end of the file. */
#ifndef MIDI_MIDI_READER_H
#define MIDI_MIDI_READER_H

#include <mgen/midi.h>

enum { MIDI_KEYS = 16 * 128, MIDI_NONE = -1 };

typedef struct {
    mg_score *score;
    const mg_read_options *options;
    mg_score_fn visit;              /* takes the sequences of format 2 one by one; NULL: they are one score */
    void *user;
    int n_visited;
    size_t n_found;                 /* tracks of the file */
    const uint8_t *file, *end;      /* the whole file */
    const uint8_t *limit;           /* of the track being read */
    int64_t tick;
    uint16_t track;
    uint8_t running;                /* 0: none */
    bool is_running_broken;         /* a meta or system event came since: running status should be over */
    bool is_past_end;               /* behind the end-of-track event */
    bool has_end;
    bool is_short;                  /* the track's chunk is longer than what is left of the file */
    bool is_stretched;              /* the chunk's length was found wrong, and `limit` moved behind it */
    int32_t first_open[MIDI_KEYS], last_open[MIDI_KEYS]; /* indices into notes */
    size_t n_open;
    size_t capacity[8];             /* of the score's arrays, as midi_events.c orders them */
    int64_t n_events;
    mg_buffer text;
    mg_error *why;
} midi_reader;

/* What stands between one event and the next. */
typedef enum { MIDI_NEXT, MIDI_TRACK_ENDS, MIDI_OUT_OF_BYTES } midi_outcome;

mg_status midi_no_memory(midi_reader *r);
/* List a repair, or refuse it when strict. */
mg_status midi_repair(midi_reader *r, const uint8_t *at, mg_repair_what what, size_t count);
uint32_t midi_big_endian(const uint8_t *at, int bytes);
/* Read events from *at on until the track ends, or one does not fit into what is left: then *at is where it began. */
mg_status midi_read_events(midi_reader *r, const uint8_t **at, midi_outcome *how);
/* The notes of the track, from `first` on, that nothing ended. */
mg_status midi_end_open_notes(midi_reader *r, size_t first, const uint8_t *at);

#endif
