/* SPDX-License-Identifier: MIT */
/** The steps of preparation, each from music to music. Between them a piece is a score that preparation owns: its notes
    by (start, pitch, ...), tempi, meters, keys and, in the whole piece, controls. */
#ifndef DATA_PREPARE_H
#define DATA_PREPARE_H

#include <mgen/data.h>

/* ---- cut.c ---- */

/** The whole piece, as the other steps take it. SMPTE time becomes ticks at 120 bpm. */
mg_status data_copy(const mg_score *score, mg_score **copy, mg_error *why);

/** A part of it: ticks [from, to), notes [first, first + n). */
typedef struct {
    int64_t from, to;
    size_t first, n;
} data_span;

/** Where the piece is to be parted: spans in order, each with a note that begins in it, no note outside. */
mg_status data_spans(const mg_score *score, const mg_prep_options *options, data_span **spans, size_t *n,
                     mg_error *why);
/** One span as a piece of its own: notes that last longer are cut at its end; tempo, meter and key in force at its
    start stand there. */
mg_status data_cut(const mg_score *score, const data_span *span, mg_score **part, mg_error *why);

/* ---- sustain.c ---- */

/** Notes last as long as the pedal of their channel holds them. */
mg_status data_apply_sustain(mg_score *score, mg_error *why);

/* ---- change.c ---- */

void data_keep_drums(mg_score *score, mg_drums drums);
void data_snap(mg_score *score, int steps_per_quarter);
mg_status data_stretch(mg_score *score, double factor, mg_error *why);
/** False, and nothing is changed, where a pitch would leave 0..127. Drums stay. */
bool data_transpose(mg_score *score, int semitones);
/** How far to C major or A minor: by the major scale that holds most notes, as in Magenta; a key that the piece names
    decides between equals. -5 .. 6. */
int data_to_c(const mg_score *score);
/** Bring pitches into low .. high, by whole octaves: all notes together so that their middle is near that of the range
    (if that brings in some that stick out, or always), then those that still stick out. What all together were moved
    by. */
int data_fold(mg_score *score, int low, int high, bool always);
void data_drop_outside(mg_score *score, int low, int high);
/** Cut off what lies behind so many steps. */
mg_status data_limit(mg_score *score, int per_quarter, int per_second, double steps, mg_error *why);

/* ---- melody.c ---- */

typedef mg_status (*data_melody_fn)(void *user, mg_score *melody, const char *refused, mg_error *why);

/** The melodies of each channel of each track (Magenta's extraction): lines on the grid that begin with a bar and end
    before `gap_bars` of silence. Each goes to `visit`, which owns it; a line that is none because notes sound together
    goes there as NULL, with the reason. */
mg_status data_melodies(const mg_score *score, mg_melody rule, double gap_bars, int resolution, data_melody_fn visit,
                        void *user, mg_error *why);

/* ---- filter.c ---- */

/** What filters ask of a part. */
typedef struct {
    double notes, pitch_classes, bars, empty_bars, seconds, density, steps;
} data_facts;

mg_status data_facts_of(const mg_score *score, const mg_encoding *encoding, int resolution, data_facts *facts,
                        mg_error *why);
/** The first filter that refuses the part: its name, NULL if none does; what was measured and what was asked. */
const char *data_refused(const mg_prep_options *options, const data_facts *facts, double *measure, double *limit);

/** Quarters a minute: the tempo, or the mean where it changes. */
double data_bpm(const mg_score *score);

/* ---- prep_record.c ---- */

/** What was made of one part of a piece. */
typedef struct {
    const mg_piece *piece;
    const mg_encoding *encoding;
    const char *vocab_hash;
    int resolution;      /**< 0 where seconds count */
    const char *split;
    const char *licence;
    const mg_score *score;
    mg_hash id, whole;   /**< of the record, and of the piece that it was made of */
    double seconds;
    size_t notes, left_out; /**< in the record; of the part's, those that are not */
    int part;            /**< from 1; 0: the record is the whole piece, unchanged */
    int transposed;
    double stretch;
} data_made;

/** A record up to its content. */
void data_begin_record(mg_buffer *out, const data_made *made);

/** Why a part was left out. `part` 0: the whole piece; `detail` may be NULL; a measure that is NaN is left out, and so
    is a limit of 0. */
typedef struct {
    const char *path, *reason, *detail;
    int part;
    double measure, limit;
} data_drop;
void data_add_dropped(mg_buffer *out, const data_drop *drop);

/* ---- prep_piece.c ---- */

/** What preparation carries along. */
typedef struct {
    const mg_prep_options *options;
    uint64_t seed;
    char vocab_hash[33];
    mg_licences *licences;
} data_prep;

/** What a job's pieces became, until it is known which are duplicates. */
typedef struct {
    mg_buffer lines;  /**< records, or of a packed set their stems */
    mg_buffer tokens; /**< of a packed set */
    mg_buffer paths;
    struct data_piece_mark { mg_hash id; size_t path, first_entry; } *pieces;
    size_t n_pieces, pieces_capacity;
    struct data_entry { size_t line, length, token, n_tokens; } *entries;
    size_t n_entries, entries_capacity;
} data_batch;

void data_batch_free(void *batch);
/** Prepare one piece: an mg_piece_fn, `user` being the data_prep; job->result becomes a data_batch. */
mg_status data_prepare_piece(void *user, mg_job *job, const mg_piece *piece, mg_error *why);

/* ---- content.c ---- */

/** ,"tokens":[...]} or ,"frames":[...]} and a newline: the end of a record. */
void data_end_record(mg_buffer *out, bool is_roll, const int32_t *tokens, size_t n);
/** Frames as int32_t pitches, each frame ended by MG_FRAME_END. */
mg_status data_read_frames(const mg_json *frames, mg_buffer *tokens, mg_error *why);

/* ---- split.c ---- */

/** 64 bits that depend on an identity and a seed alone. */
uint64_t data_draw(mg_hash id, uint64_t seed);
/** The piece that a record is a part or a copy of, as it says; itself otherwise. */
mg_hash data_whole_of(const mg_json *record, mg_hash id);
/** The part of a data set that a piece belongs to, by its identity; NULL where all ratios are 0. */
const char *data_split_of(mg_hash id, uint64_t seed, const double ratio[3]);

#endif
