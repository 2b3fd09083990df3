/* SPDX-License-Identifier: MIT */
/** Symbolic music: the score in memory, and the MIDI and ABC files that it is read from and written to.

    A score counts time in ticks. Where ticks_per_quarter > 0 a quarter note has that many ticks and the tempo map
    turns them into seconds; where it is 0 the file counts in SMPTE frames and ticks_per_second is the (rational)
    number of ticks a second. Sources: Standard MIDI Files 1.0 (RP-001), RP-019 (RMID), abc standard 2.1. */
#ifndef MGEN_MIDI_H
#define MGEN_MIDI_H

#include <mgen/base.h>

MG_PUBLIC_BEGIN

/* ---- the score ---- */

typedef struct {
    int64_t start, end; /**< ticks; end >= start */
    uint16_t track;
    uint8_t channel;    /**< 0..15; 9 is drums */
    uint8_t pitch;      /**< 0..127 */
    uint8_t velocity;   /**< 1..127 */
    uint8_t release;    /**< velocity of the note-off, 0..127; 64 where unknown */
} mg_note;

typedef struct { int64_t tick; uint32_t us_per_quarter; } mg_tempo;
typedef struct {
    int64_t tick;
    uint16_t numerator, denominator; /**< denominator: the note value itself (8 for 6/8) */
    uint8_t clocks, thirtyseconds;   /**< MIDI clocks a click, 32nds a quarter; 24 and 8 where unknown */
} mg_meter;
typedef struct { int64_t tick; int8_t fifths; bool is_minor; } mg_key; /**< fifths: -7 (flats) .. 7 (sharps) */
typedef struct { int64_t tick; uint16_t track; uint8_t channel, number, value; } mg_control;
typedef struct { int64_t tick; uint16_t track; uint8_t channel, program; } mg_program;
typedef struct { int64_t tick; uint16_t track; uint8_t channel; int16_t value; } mg_bend; /**< -8192..8191 */

typedef enum { MG_TEXT_GENERAL = 1, MG_TEXT_COPYRIGHT, MG_TEXT_TRACK_NAME, MG_TEXT_INSTRUMENT, MG_TEXT_LYRIC,
               MG_TEXT_MARKER, MG_TEXT_CUE, MG_TEXT_PROGRAM_NAME, MG_TEXT_DEVICE,
               MG_TEXT_CHORD = 32 /**< a chord symbol of ABC; written to MIDI as a cue-less text "chord:Am7" */
} mg_text_kind;
typedef struct { int64_t tick; uint16_t track; uint8_t kind; const char *text; } mg_text_event; /**< UTF-8 */

typedef struct {
    const char *name;   /**< the track name, "" if none */
    size_t first_note, n_notes; /**< its run in notes[] */
    int64_t end_tick;   /**< of its end-of-track, or of its last event where that is missing */
} mg_track;

/** What a reader changed to make sense of a file, and where. */
typedef struct {
    uint64_t offset;    /**< byte in the file (MIDI), or line (ABC) */
    uint16_t what;      /**< mg_repair_kind */
    uint32_t count;     /**< notes, bytes or events concerned */
} mg_repair;

/** A piece of music. All arrays belong to it. Notes stand track by track, within a track in the order of their
    note-ons; every other list is ordered by tick (stable: file order at equal ticks, all tracks merged). */
typedef struct {
    int format;                 /**< MIDI: 0, 1, 2; ABC: 1 */
    int ticks_per_quarter;      /**< 0: SMPTE */
    int smpte_rate_num, smpte_rate_den; /**< ticks a second as a fraction, where ticks_per_quarter is 0 */
    mg_note *notes;             size_t n_notes;
    mg_track *tracks;           size_t n_tracks;
    mg_tempo *tempos;           size_t n_tempos;
    mg_meter *meters;           size_t n_meters;
    mg_key *keys;               size_t n_keys;
    mg_control *controls;       size_t n_controls;
    mg_program *programs;       size_t n_programs;
    mg_bend *bends;             size_t n_bends;
    mg_text_event *texts;       size_t n_texts;
    mg_repair *repairs;         size_t n_repairs;
    int64_t end_tick;           /**< the last track's end */
    const char *title, *origin; /**< of ABC (T:, O:); "" otherwise */
    uint32_t zero_length, unclosed, orphan_offs, ambiguous_offs; /**< what pairing met */
    uint32_t n_sysex, n_other;  /**< events passed over: system exclusive; aftertouch, meta events not kept */
    mg_arena strings;
} mg_score;

mg_score *mg_score_new(void);
void mg_score_free(mg_score *score);

MG_PUBLIC_END
#endif
