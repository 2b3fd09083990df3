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

enum { MG_DRUM_CHANNEL = 9 };

typedef struct {
    int64_t start, end; /**< ticks; end >= start */
    uint16_t track;
    uint8_t channel;    /**< 0..15; drums on MG_DRUM_CHANNEL */
    uint8_t pitch;      /**< 0..127 */
    uint8_t velocity;   /**< 1..127 */
    uint8_t release;    /**< velocity of the note-off, 0..127; 64 where unknown */
} mg_note;

/** Tempos that a file can say, in 24 bits of microseconds. */
#define MG_SLOWEST_BPM (60e6 / 0xffffff)
#define MG_FASTEST_BPM 60e6
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
    uint64_t place;  /**< byte in the file (MIDI) or line (ABC), from 0 and from 1 */
    uint16_t what;   /**< mg_repair_what */
    uint32_t count;  /**< bytes, notes or events concerned */
} mg_repair;

/** A piece of music. All arrays belong to it. What belongs to a track (notes, controls, programs, bends, texts) stands
    track by track, within it by tick, notes in the order of their note-ons; tempi, meters and keys, which all tracks
    share, are merged by tick (file order at equal ticks). */
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

/** The time of a tick in seconds, by the exact tempo map: the last tempo at a tick counts, 120 quarters a minute
    before the first. Each call is O(log tempos) on a clock made once. */
typedef struct mg_clock mg_clock;
mg_clock *mg_clock_new(const mg_score *score);
double mg_clock_seconds(const mg_clock *clock, int64_t tick);
int64_t mg_clock_tick(const mg_clock *clock, double seconds); /**< the nearest tick */
/** The step of a tick on a grid of `rate` steps a second, halves up, without any rounding before. */
int64_t mg_clock_step(const mg_clock *clock, int64_t tick, int rate);
void mg_clock_free(mg_clock *clock);

/** The length of one bar of `meter` (NULL: 4/4) in ticks. A bar starts where a meter stands. */
double mg_meter_bar_ticks(const mg_score *score, const mg_meter *meter);

/* ---- bars ---- */

/** A stretch of one meter. Its bars are len_num / len_den ticks long and start with it; the last may be cut short by
    the next meter. */
typedef struct {
    int64_t start;            /**< tick */
    int64_t len_num, len_den; /**< reduced; below 2^33 */
    int64_t first_bar;        /**< number, from 0, of its first bar */
    int numerator, denominator;
} mg_meter_part;

/** The bars of a piece. They are never listed: a few bytes can claim 2^50 of them. */
typedef struct {
    mg_meter_part *part;
    size_t n;
} mg_bars;

/** A meter starts a bar where it stands, the last at a tick counts, one equal to that in force changes nothing; 4/4
    before the first. Meters behind `end` are left out: no note lies there, and bar numbers stay below 2^50 (24 hours
    of the fastest tempo). MG_UNSUPPORTED where there are no quarter notes. */
mg_status mg_bars_make(const mg_score *score, int64_t end, mg_bars *bars);
void mg_bars_free(mg_bars *bars);

/** Where a tick lies. `hint` is a part at or before it, moved on: walk ticks in rising order. */
typedef struct {
    int64_t bar;
    int64_t offset; /**< ticks since the bar began, times the part's len_den */
    size_t part;
} mg_bar_place;

mg_bar_place mg_bars_at(const mg_bars *bars, int64_t tick, size_t *hint);
/** The tick at which a bar starts, rounded up where a meter's bars are no whole number of ticks. */
int64_t mg_bars_tick(const mg_bars *bars, int64_t bar);

/* ---- order and identity ---- */

int64_t mg_score_last_note(const mg_score *score); /**< the tick at which the last note ends, 0 without notes */

/** Sort notes by (start, pitch, end, velocity, track, channel), all tracks merged: the order that encodings and
    metrics use. The result is n_notes pointers in a new array (mg_free), NULL when out of memory. */
const mg_note **mg_score_sorted_notes(const mg_score *score);

/** XXH3-128 of the notes alone: onset and duration as reduced fractions of a quarter, pitch, velocity, whether drum;
    sorted. Tracks, channels, tempo, texts and ticks_per_quarter do not matter, so exact duplicates share it. */
mg_status mg_score_id(const mg_score *score, mg_hash *id, mg_error *why);

/* ---- names ---- */

const char *mg_program_name(int program);    /**< General MIDI: "Acoustic Grand Piano" for 0; "unknown" out of range */
const char *mg_drum_name(int pitch);         /**< General MIDI: "Side Stick" for 37; NULL where it names none */
void mg_pitch_name(int pitch, char name[8]); /**< "C4" for 60, which is 0 .. 127; "Eb" rather than "D#" */
void mg_key_name(int fifths, bool is_minor, char name[12]); /**< "Eb major"; fifths -7 .. 7 */
bool mg_key_from_name(const char *name, mg_key *key);        /**< the same backwards; false if it is no such name */

/* ---- repairs ---- */

/** Every kind of repair: identifier, name in records, whether data were lost, what was done. docs/ABC.md tells more of
    those of ABC. */
#define MG_REPAIRS(R)                                                                                                 \
    R(LEADING_JUNK, "leading-junk", false, "bytes before the header were skipped")                                    \
    R(NO_HEADER, "no-header", true, "no header chunk: format 1 and 480 ticks a quarter were assumed")                 \
    R(HEADER_SIZE, "header-size", false, "the header chunk has an odd length")                                        \
    R(FORMAT, "unknown-format", false, "unknown format number, read as format 1")                                     \
    R(DIVISION, "bad-division", true, "division without meaning: 480 ticks a quarter were assumed")                   \
    R(TRACK_COUNT, "track-count", false, "the header names fewer tracks than there are")                              \
    R(MISSING_TRACKS, "missing-tracks", true, "the header names more tracks than there are")                          \
    R(FORMAT_0, "format-0-tracks", false, "format 0 with several tracks, which play together")                        \
    R(ALIEN_CHUNK, "alien-chunk", false, "a chunk of unknown kind was skipped")                                       \
    R(CHUNK_SIZE, "chunk-size", false, "a chunk's length is wrong; what it holds tells where it ends")                \
    R(CUT_FILE, "cut-file", true, "the file ends inside a track")                                                     \
    R(CUT_EVENT, "cut-event", true, "an event that would reach into the next track was skipped")                      \
    R(TRAILING_BYTES, "trailing-bytes", false, "bytes behind the last track were skipped")                            \
    R(NO_TRACK_END, "no-track-end", false, "a track without an end-of-track event")                                   \
    R(AFTER_TRACK_END, "after-track-end", false, "events behind the end-of-track event were read")                    \
    R(LONG_DELTA, "long-delta", false, "a variable-length number of more than four bytes")                            \
    R(NO_STATUS, "no-status", true, "data bytes without a status byte were skipped")                                  \
    R(RUNNING_STATUS, "running-status", false, "running status across a meta or system event was kept")               \
    R(BAD_STATUS, "bad-status", false, "an undefined status byte was skipped")                                        \
    R(BAD_DATA_BYTE, "bad-data-byte", true, "a data byte above 127 was read as 127")                                  \
    R(META_SIZE, "meta-size", false, "a meta event of the wrong length was skipped")                                  \
    R(BAD_TEMPO, "bad-tempo", false, "a tempo of 0 was skipped")                                                      \
    R(BAD_METER, "bad-meter", false, "a meter without meaning was skipped")                                           \
    R(BAD_KEY, "bad-key", false, "a key signature without meaning was skipped")                                       \
    R(TEXT_ENCODING, "text-encoding", false, "a text that is not UTF-8 was converted by a guess")                     \
    R(ORPHAN_OFF, "orphan-note-off", false, "a note-off without a sounding note was skipped")                         \
    R(UNCLOSED_NOTE, "unclosed-note", false, "a note without note-off ends with its track")                           \
    R(DROPPED_NOTE, "dropped-note", true, "a note without note-off was dropped")                                      \
    R(TICK_RANGE, "tick-range", true, "time beyond the limit: the rest of the track was skipped")                     \
    R(ABC_SYMBOL, "abc-unknown-symbol", true, "characters without meaning in the music were skipped")                 \
    R(ABC_TEXT, "abc-stray-text", true, "text inside a tune was skipped")                                             \
    R(ABC_FIELD, "abc-bad-field", true, "a field, or a word of it, without meaning was skipped")                      \
    R(ABC_NO_NUMBER, "abc-no-number", false, "a tune without an X: field")                                            \
    R(ABC_NO_KEY, "abc-no-key", false, "no K: field: the music was read without key signature")                       \
    R(ABC_BLANK_LINE, "abc-blank-line", false, "a blank line inside a tune")                                          \
    R(ABC_BAR_LENGTH, "abc-bar-length", false, "a bar that does not add up to its meter")                             \
    R(ABC_ODD_ENDING, "abc-odd-ending", false, "an ending in an odd form or place was read by its likely meaning")    \
    R(ABC_OPEN_REPEAT, "abc-unclosed-repeat", false, "a repeat without end sign is played once")                      \
    R(ABC_UNEVEN, "abc-uneven-rhythm", false, "broken rhythm between notes of unequal length")                        \
    R(ABC_OPEN_TIE, "abc-open-tie", false, "a tie that leads to no note of its pitch")                                \
    R(ABC_PITCH, "abc-pitch-range", true, "a note beyond the pitches of MIDI was dropped")                            \
    R(ABC_NO_PART, "abc-unknown-part", false, "P: names a part that the tune does not have")                          \
    R(ABC_UNUSED_PART, "abc-unused-part", true, "a part that P: does not name is not played")                         \
    R(ABC_JUMP, "abc-jump", false, "a D.C., D.S. or coda sign is not followed")                                       \
    R(ABC_WORDS, "abc-extra-words", true, "more syllables than notes: the rest was skipped")

typedef enum {
#define R(identifier, name, is_lossy, sentence) MG_REPAIR_##identifier,
    MG_REPAIRS(R)
#undef R
    MG_REPAIR_KINDS
} mg_repair_what;

const char *mg_repair_name(unsigned what);
const char *mg_repair_sentence(unsigned what);
bool mg_repair_is_lossy(unsigned what);

/* ---- reading ---- */

/** Which of several sounding notes a note-off ends: the first that began, the last, or all that began before it (only
    where there are none, those that began with it), as pretty_midi does. */
typedef enum { MG_PAIR_FIFO, MG_PAIR_LIFO, MG_PAIR_ALL } mg_pairing;
typedef enum { MG_UNCLOSED_END, MG_UNCLOSED_DROP } mg_unclosed; /**< a note without off lasts to the end, or goes */

typedef struct {
    int pairing;        /**< mg_pairing */
    int unclosed;       /**< mg_unclosed */
    bool is_strict;     /**< refuse what would need a repair */
    int64_t max_bytes;  /**< of a file; default 64 MiB */
    int64_t max_events; /**< of a file; default 20 million */
    double max_hours;   /**< of music; default 24 */
} mg_read_options;

mg_read_options mg_read_defaults(void);

/** Takes the pieces of a file that may hold several: each with its number from 1. Owns the score, which is NULL for a
    piece that could not be read, `trouble` saying why (else NULL). Returns other than MG_OK to end the walk. */
typedef mg_status (*mg_score_fn)(void *user, int number, mg_score *score, const mg_error *trouble);

/** Read a Standard MIDI File, bare or in a RIFF wrapper. Lenient reading repairs what it can and lists each repair in
    the score; MG_BAD_DATA if nothing can be made of it or, with is_strict, at the first repair. Time and memory are
    linear in `size`. The sequences of format 2, which are independent, are tracks of one score. */
mg_status mg_midi_read(const void *bytes, size_t size, const mg_read_options *options, mg_score **score, mg_error *why);
/** The same, each sequence of format 2 as a piece of its own with its own tempi, meters and keys. */
mg_status mg_midi_read_each(const void *bytes, size_t size, const mg_read_options *options, mg_score_fn visit,
                            void *user, mg_error *why);
/** Whether the bytes look like a MIDI file: a header within the first 4 KiB, or a RIFF wrapper. */
bool mg_midi_is(const void *bytes, size_t size);

/** Read the tunes of an ABC file, one at a time. */
mg_status mg_abc_read(const void *bytes, size_t size, const mg_read_options *options, mg_score_fn visit, void *user,
                      mg_error *why);
/** Whether the bytes look like ABC: text with a line "X:" or "K:". */
bool mg_abc_is(const void *bytes, size_t size);

/* ---- writing ---- */

/** The score as a Standard MIDI File, format 1 (0 for a single track): what mg_midi_read gives back has equal tempi,
    meters, keys, programs, controls, bends and texts, and equal notes up to their order at equal ticks, provided that
    the notes of a key end in the order in which they began (as fifo pairing makes them) or are read back with the
    pairing that made them. `out` is appended to. MG_UNSUPPORTED for a time base that MIDI cannot say. */
mg_status mg_midi_write(const mg_score *score, mg_buffer *out, mg_error *why);

MG_PUBLIC_END
#endif
