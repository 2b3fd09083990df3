/* SPDX-License-Identifier: MIT */
/** Data: records in and out, where inputs come from, and how a tool goes through them.

    A record is one JSON object on a line. share/schema/ describes every kind; mgen-records(5) explains them. */
#ifndef MGEN_DATA_H
#define MGEN_DATA_H

#include <mgen/base.h>
#include <mgen/kernel.h>
#include <mgen/midi.h>
#include <mgen/text.h>

MG_PUBLIC_BEGIN

/* ---- a run: what every tool hands to the library ---- */

/** Takes one record, a line without its newline. */
typedef struct {
    mg_status (*line)(void *user, const char *text, size_t length, mg_error *why);
    void *user;
    void (*flush)(void *user); /**< called before a long wait; may be NULL */
} mg_sink;

/** What happened to the inputs. */
typedef struct {
    uint64_t inputs;  /**< files and records looked at */
    uint64_t failed;  /**< those that ended in an error record */
    uint64_t lossy;   /**< those whose repair lost data */
    uint64_t pieces;  /**< of music, found in them */
    uint64_t dropped; /**< pieces that a filter refused */
    uint64_t kept;    /**< records of pieces made, as lines or in a packed set */
    uint64_t notes, left_out; /**< of the parts that became records, and those of them that are in none */
    uint64_t records; /**< records written, the run record aside */
} mg_tally;

typedef struct {
    int threads;
    uint64_t seed;
    mg_sink out;
    mg_progress_fn progress; /**< may be NULL */
    void *progress_user;
    mg_tally tally;
} mg_run;

/** Tell how far we are; MG_STOPPED when asked to stop. */
mg_status mg_run_progress(mg_run *run, const mg_progress *progress);

/* ---- records ---- */

/** Begin and end one record line in `out`: {"kind":KIND, ... }\n. Put the other keys in between. */
mg_json_writer mg_record_begin(mg_buffer *out, const char *kind);
void mg_record_end(mg_json_writer *json);

/** A path as a value: its text under `key`, and where that is not UTF-8 the bytes under KEY_b64. */
void mg_record_put_path(mg_json_writer *json, const char *key, const char *path);
/** The path under `key` as the file system knows it, new and yours; NULL if absent or out of memory. */
char *mg_record_path(const mg_json *record, const char *key);
/** Where a path that stands in a record leads: it counts from the folder of the stream (a file's path, "-" for a pipe,
    whose folder is the working one). New; NULL when out of memory. */
char *mg_record_resolve(const char *stream, const char *path);
void mg_record_put_hash(mg_json_writer *json, const char *key, mg_hash hash);
/** An error record. */
void mg_record_error(mg_buffer *out, const char *path, const mg_error *why);

/** Hand every line of `lines` to the run's sink. */
mg_status mg_run_emit(mg_run *run, const mg_buffer *lines, mg_error *why);

/** Lines of a record stream, at most 64 MiB each. */
typedef struct mg_lines mg_lines;
mg_status mg_lines_open(int fd, const char *name, mg_lines **lines, mg_error *why);
/** The next line that is not blank, lent until the next call. MG_END at the end; MG_TOO_LARGE for a line that is too
    long, behind which the next call goes on. */
mg_status mg_lines_next(mg_lines *lines, const char **text, size_t *length, uint64_t *number, mg_error *why);
/** The first bytes of what is unread, lent until the next call, without taking them. */
mg_status mg_lines_peek(mg_lines *lines, const char **text, size_t *length, mg_error *why);
/** All that is unread, as one file: for a stream that turns out not to hold lines. */
mg_status mg_lines_rest(mg_lines *lines, uint64_t cap, mg_file *rest, mg_error *why);
bool mg_lines_would_wait(const mg_lines *lines); /**< there is no whole line, and the pipe is silent */
double mg_lines_share(const mg_lines *lines);    /**< of a file, how much was handed out; 0 for a pipe */
void mg_lines_close(mg_lines *lines); /**< leaves the descriptor open */

/* ---- safetensors ---- */

typedef enum { MG_F64, MG_I64, MG_U64, MG_F32, MG_I32, MG_U32, MG_F16, MG_BF16, MG_I16, MG_U16, MG_I8, MG_U8, MG_BOOL,
               MG_DTYPES } mg_dtype;

const char *mg_dtype_name(mg_dtype dtype); /**< "F32" and so on, as in the files */
size_t mg_dtype_size(mg_dtype dtype);      /**< bytes an element */

/** A tensor in a file. `data` may be unaligned where a foreign writer made it so: go through mg_stored_*. */
typedef struct {
    const char *name;
    mg_dtype dtype;
    int rank;          /**< at most 8 */
    int64_t dim[8];
    size_t count;      /**< elements */
    const void *data;  /**< row-major, little-endian; when writing, NULL takes the bytes from `fd` */
    int fd;            /**< when writing: a staged file, read from its beginning */
} mg_stored;

/** The elements as floats or doubles, whatever they are stored as. */
void mg_stored_floats(const mg_stored *stored, float *out);
void mg_stored_doubles(const mg_stored *stored, double *out);
/** The elements as integers; false if they are stored as floats. */
bool mg_stored_ints(const mg_stored *stored, int64_t *out);

/** A safetensors file, mapped. Every check of the reference reader is made: header at most 100,000,000 bytes and
    inside the file, strict JSON without duplicates, known types, offsets that match the shapes, follow on each other
    without hole or overlap and end with the file. */
typedef struct mg_tensors mg_tensors;
/** Whether a file that begins with these bytes, nine or more, looks like one. */
bool mg_tensors_is(const void *bytes, size_t size);
mg_status mg_tensors_open(const char *path, mg_tensors **tensors, mg_error *why);
/** The same over bytes that the caller keeps; `name` is for messages. */
mg_status mg_tensors_parse(const void *bytes, size_t size, const char *name, mg_tensors **tensors, mg_error *why);
size_t mg_tensors_count(const mg_tensors *tensors);
const mg_stored *mg_tensors_at(const mg_tensors *tensors, size_t i);
const mg_stored *mg_tensors_find(const mg_tensors *tensors, const char *name); /**< NULL if absent */
/** The text under `key` in __metadata__, NULL if absent. */
const char *mg_tensors_metadata(const mg_tensors *tensors, const char *key);
const mg_json *mg_tensors_all_metadata(const mg_tensors *tensors); /**< an object of texts, NULL if there is none */
void mg_tensors_close(mg_tensors *tensors);

typedef struct { const char *key, *value; } mg_metadata;
/** Write a whole file: header, then the tensors by falling alignment and name, as the reference writer does. */
mg_status mg_tensors_write(mg_out *out, const mg_stored *stored, size_t n, const mg_metadata *metadata,
                           size_t n_metadata, mg_error *why);

/* ---- encodings ---- */

enum { MG_FRAME_END = 128 };   /**< ends each frame of a roll, among the pitches of the frames */
enum { MG_FINEST_GRID = 960 }; /**< most steps a quarter */

/** What has been said so far, as far as it decides what may follow or shows in features. Zero it before the first
    token; the rest is the encoding's own business. */
typedef struct {
    uint64_t sounding[2], fresh[2], before[2]; /**< pitches */
    int32_t last, level;
    int64_t n;              /**< steps of a melody */
    int8_t events[64];      /**< the last of them, that of step i at i % 64 */
    int32_t classes[12];    /**< notes of each pitch class */
    int8_t recent[3], n_recent, direction; /**< pitches that differ, last first; where the line goes, 1 or -1 */
    bool is_attack;
} mg_grammar;

/** One way to write music as tokens; rows of a list. Its functions take the row itself first. */
typedef struct mg_encoding mg_encoding;
struct mg_encoding {
    const char *name;      /**< "melody38" */
    const char *summary;   /**< what it is and whose */
    int vocab;             /**< tokens; for a roll: pitches of a frame, and content is frames */
    bool is_roll;
    int low, high;         /**< pitches that it can say */
    int steps_per_quarter; /**< its usual grid; 0 where it counts seconds */
    int steps_per_second;  /**< 0 where it counts beats */
    int start, end;        /**< token before the first, token after the last, neither part of a piece; -1: none */
    int step_end;          /**< token that ends each step, so that pieces are cut behind one; -1: none */
    int n_features;        /**< numbers that come in beside each token; 0: none */
    /** Steps of its grid by which a token moves time on. NULL: step_end by one or, where that is -1, every token. Only
        so many tokens of no steps are allowed in a row. */
    int (*steps)(const mg_encoding *self, int32_t token);
    void (*token_name)(const mg_encoding *self, int token, mg_buffer *out); /**< "NOTE_ON_60" */
    /** Whether `next` may follow; what is not allowed gets probability 0 when sampling, so that notes are closed and
        nothing is said twice. Something always may. NULL: anything may. */
    bool (*allows)(const mg_encoding *self, const mg_grammar *grammar, int32_t next);
    /** `token` was said, allowed or not (a primer's may not be). */
    void (*follow)(const mg_encoding *self, mg_grammar *grammar, int32_t token);
    /** The n_features numbers that come in at the step behind what was said. NULL where there are none. */
    void (*features)(const mg_encoding *self, const mg_grammar *grammar, mg_real *out);
    /** Append the score's tokens, int32_t each, without start and end. `resolution`: steps a quarter (0: the usual
        grid). MG_BAD_DATA, with the reason, where the music does not fit (polyphony in a melody). A roll is the
        pitches of each frame, low to high, each frame ended by MG_FRAME_END. */
    mg_status (*encode)(const mg_encoding *self, const mg_score *score, int resolution, mg_buffer *tokens,
                        mg_error *why);
    /** The music that the tokens stand for, at `bpm` where the encoding counts beats, `resolution` steps a quarter;
        tolerant: what makes no sense is passed over, every note is closed. decode(encode(x)) is x for music on the
        grid that the encoding can say whole, encode(decode(t)) is t for all t that encode makes of such music. */
    mg_status (*decode)(const mg_encoding *self, const int32_t *tokens, size_t n, double bpm, int resolution,
                        mg_score **score, mg_error *why);
};

const mg_encoding *mg_encoding_find(const char *name); /**< NULL if there is none */
const mg_encoding *mg_encoding_at(size_t i);           /**< NULL past the end */
/** XXH3-128 of the token names joined by newlines, as 32 hex digits: stands in every record and model. */
mg_status mg_encoding_vocab_hash(const mg_encoding *encoding, char hex[33], mg_error *why);

/** Steps of the encoding's grid that the tokens take. */
int64_t mg_encoding_steps(const mg_encoding *encoding, const int32_t *tokens, size_t n);
/** Whether all of them are tokens of the encoding, or of a roll pitches and ends of frames. */
mg_status mg_encoding_check(const mg_encoding *encoding, const int32_t *tokens, size_t n, mg_error *why);
/** The content of a record, appended as int32_t tokens (of a roll: pitches, each frame ended by MG_FRAME_END), and its
    encoding. MG_BAD_DATA or MG_UNSUPPORTED, with the reason, where it has none, the encoding or its vocabulary is not
    ours, or a token is not of it. */
mg_status mg_record_tokens(const mg_json *record, const mg_encoding **encoding, mg_buffer *tokens, mg_error *why);

/* ---- controls: what a model of performances (an encoding that counts seconds) is told of the music to come ---- */

enum { MG_DENSITY, MG_PITCHES, MG_CONTROLS }; /**< notes a second; shares of the pitch classes */
enum { MG_PITCH_CLASSES = 12 };
/** Whether a control is no input, always there, or one that may be left out: then a number more says that it is. */
typedef enum { MG_CONTROL_NONE, MG_CONTROL_GIVEN, MG_CONTROL_OPTIONAL } mg_control_mode;
extern const char *const mg_control_modes[]; /**< their names, ended by NULL */
typedef struct { int mode[MG_CONTROLS]; } mg_controls;
typedef struct {
    bool is_given[MG_CONTROLS];
    double density, pitches[MG_PITCH_CLASSES]; /**< pitches: weights of C, C# .. B; they need not add up to 1 */
} mg_control_values;

/** Numbers that come in beside each token: of density one of 8 ranges as 1 (limits 1, 2, 4 .. 64), of pitches 12
    shares, before each where it is optional a 1 if it is left out. */
int mg_controls_width(const mg_controls *controls);
void mg_controls_put(const mg_controls *controls, const mg_control_values *values, mg_real *out);
/** What the music of the tokens has from each of the places from .. from + count on, all controls given: density in the
    next 3 seconds, seconds of each pitch class in the next 5, and .01. A place behind the tokens has no music. */
typedef void (*mg_control_fn)(void *user, size_t i, const mg_control_values *values);
void mg_controls_measure(const mg_encoding *encoding, const int32_t *tokens, size_t n, size_t from, size_t count,
                         mg_control_fn visit, void *user);

/* ---- provenance: where a file came from, inside the file (docs/PROVENANCE.md) ---- */

/** A file that another was made with: a model, its data, a sound font. */
typedef struct {
    const char *role;  /**< "model" */
    const char *path;  /**< NULL for what came through a pipe */
    mg_hash hash;      /**< mg_hash_file */
} mg_made_with;

typedef struct {
    const char *tool;
    int64_t seed;      /**< negative: nothing random was in it */
    const mg_made_with *with;
    size_t n_with;
    const mg_option *rows; /**< what else it depends on; NULL: nothing */
    const void *options;   /**< the struct that the rows describe */
    const mg_control_values *controls; /**< NULL: none; written where there are rows */
    const char *prompt;    /**< what it was begun with, where that is no file; NULL: nothing */
    uint64_t number;       /**< of the output in its run, from 1; 0: it is the only one */
} mg_provenance;

/** What stands before the object where a file holds free text: in a text event of MIDI, a comment of WAV and FLAC. */
#define MG_PROVENANCE_PREFIX "mgen:"

/** The provenance as one JSON object, an open seal as its last member. In safetensors it is the member
    "provenance" of the JSON text under "mgen" (a model), or the text under "provenance" (a packed set). */
void mg_provenance_add(mg_buffer *out, const mg_provenance *provenance);
/** Close the first open seal in the bytes of a whole file: the XXH3-128 of the file, the seal's own digits taken as
    zeros. Nothing happens where there is none. */
void mg_seal_bytes(void *file, size_t size);
/** The same for an output that is written, before mg_out_commit. A pipe's seal stays open. */
mg_status mg_seal_out(mg_out *out, mg_error *why);
/** Whether a file has a seal that is no longer that of its bytes; what is no file, as a pipe, is not read. */
mg_status mg_seal_is_broken(const char *path, bool *is_broken, mg_error *why);
/** XXH3-128 of a file's bytes. */
mg_status mg_hash_file(const char *path, mg_hash *hash, mg_error *why);

/** Add a provenance record: whether the file has a provenance, its seal is whole, what it names is what it was
    (*passed). Files that it names are looked for at their path, seen from the working folder and from the file's
    folder, and beside the file. One that is not there is reported, and is no failure. */
mg_status mg_provenance_check(const char *path, mg_buffer *out, bool *passed, mg_error *why);

/* ---- packed sets ---- */

/** A training set in one safetensors file: the token arrays of all records as one integer tensor with offsets, and the
    records themselves, without tokens, as NDJSON. A roll stands as the pitches of each frame, each frame ended by
    MG_FRAME_END. Reference-counted, so that items outlive the walk that found them. */
typedef struct mg_pack mg_pack;
#define MG_PACK_FORMAT "mgen.pack.1"

mg_status mg_pack_open(const char *path, mg_pack **pack, mg_error *why);
/** One that is staged (mg_out_is_staged) and not yet committed; its path is the one that it will have. */
mg_status mg_pack_open_out(mg_out *out, mg_pack **pack, mg_error *why);
mg_pack *mg_pack_retain(mg_pack *pack);
void mg_pack_release(mg_pack *pack);
const char *mg_pack_path(const mg_pack *pack);
mg_hash mg_pack_hash(const mg_pack *pack);                    /**< of its file, as mg_hash_file */
size_t mg_pack_count(const mg_pack *pack);
const char *mg_pack_encoding(const mg_pack *pack);
const char *mg_pack_vocab_hash(const mg_pack *pack);
size_t mg_pack_total(const mg_pack *pack);                    /**< tokens of all records */
size_t mg_pack_length(const mg_pack *pack, size_t record);    /**< tokens of one */
void mg_pack_tokens(const mg_pack *pack, size_t record, int32_t *out);
/** A record without its content, parsed (mg_json_free). */
mg_status mg_pack_stem(const mg_pack *pack, size_t record, mg_json **stem, mg_error *why);
/** The whole record again, byte for byte what mgen-prep writes to a pipe, with a newline. */
void mg_pack_add_record(const mg_pack *pack, size_t record, mg_buffer *out);

/** Builds a packed set of any size in bounded memory: staged in temporary files beside `out`, joined at the end. */
typedef struct mg_packer mg_packer;
mg_status mg_packer_new(const char *beside, mg_packer **packer, mg_error *why);
/** One more record of kind piece or roll, with the content that mg_record_tokens has found. All must have the same
    encoding: MG_BAD_DATA, and nothing is added, where one has another. */
mg_status mg_packer_add(mg_packer *packer, const mg_json *record, const mg_encoding *encoding, const int32_t *tokens,
                        size_t n, mg_error *why);
/** The same without a record to look into: the stem is its line up to, and without, the comma before its content. */
mg_status mg_packer_put(mg_packer *packer, const mg_encoding *encoding, const char *vocab_hash, const char *stem,
                        size_t length, const int32_t *tokens, size_t n, mg_error *why);
size_t mg_packer_count(const mg_packer *packer);
/** `provenance` may be NULL. */
mg_status mg_packer_write(mg_packer *packer, const mg_provenance *provenance, mg_out *out, mg_error *why);
void mg_packer_free(mg_packer *packer);

/* ---- sources ---- */

/** One input. */
typedef struct {
    char *path;           /**< of the file; for a record: of the stream that it stands in */
    char *line;           /**< the record, NULL for a file */
    size_t length;
    uint64_t number;      /**< line number of the record */
    mg_file content;      /**< of a file that came through standard input; data NULL otherwise */
    mg_pack *pack;        /**< the packed set whose record `number` this is, or NULL */
    mg_error trouble;     /**< status set: this input cannot be had, and why */
    size_t root;          /**< how many bytes of the path name the folder that was searched, or the file's own */
} mg_item;

void mg_item_clear(mg_item *item);
/** Add to an error which line or record of its file the item is; nothing for a file. */
void mg_item_say_where(const mg_item *item, mg_error *why);
/** The record of an item, parsed (mg_json_free); NULL for a file. */
mg_status mg_item_record(const mg_item *item, mg_json **record, mg_error *why);

/** What is taken from a folder that is searched; what is named itself is always taken. */
enum {
    MG_FIND_MUSIC = 1,   /**< MIDI, ABC, .mat, roll data sets in JSON */
    MG_FIND_RECORDS = 2, /**< .ndjson, .jsonl, packed sets */
    MG_FIND_OTHERS = 4   /**< sound files, models */
};

typedef struct {
    const char *const *paths; /**< files, folders (searched in byte order of their names), "-" for standard input */
    size_t n_paths;           /**< 0 and no names_file: standard input */
    const char *names_file;   /**< further paths, each ended by a NUL; "-" is standard input; may be NULL */
    uint32_t shard, shards;   /**< take inputs with hash(path) % shards == shard - 1; shards 0: all */
    unsigned finds;           /**< MG_FIND_...; 0: music */
} mg_source_options;

typedef struct mg_source mg_source;
mg_status mg_source_open(const mg_source_options *options, mg_source **source, mg_error *why);
bool mg_source_is_default(const mg_source *source); /**< nothing was named, so that it is standard input */
/** Opens the packed set that the source is, where it is nothing but one, whole; NULL in *pack otherwise. */
mg_status mg_source_as_pack(const mg_source *source, mg_pack **pack, mg_error *why);
/** The next input, yours (mg_item_clear). Records of NDJSON files and packed sets come one by one. What cannot be had
    (a missing file) comes as an item with `trouble`. MG_END at the end. */
mg_status mg_source_next(mg_source *source, mg_item *item, mg_error *why);
bool mg_source_would_wait(const mg_source *source); /**< for a pipe that has nothing to say yet */
/** How much of all that was named has been handed out, 0 .. 1; 0 where that cannot be known. */
double mg_source_share(const mg_source *source);
void mg_source_close(mg_source *source);

/* ---- flow: many inputs, several threads, one order ---- */

/** One input on its way. `work` fills out, result and tally. */
typedef struct {
    mg_item item;
    mg_buffer out;   /**< record lines, handed on in the order of the inputs */
    void *result;    /**< for `collect`, which may take it (set it to NULL); else `release` gets it */
    mg_tally tally;
    mg_error why;
} mg_job;

typedef struct {
    /** On the caller's thread, in the order of the inputs, before their work; may be NULL. A failure ends the flow. */
    mg_status (*prepare)(void *user, mg_job *job, mg_error *why);
    /** On any thread. A status other than MG_OK becomes an error record for this input and the flow goes on, except
        MG_NO_MEMORY and MG_STOPPED, which end it. */
    mg_status (*work)(void *user, mg_job *job);
    /** On the caller's thread, in the order of the inputs, also for inputs that failed; may be NULL. Its failure ends
        the flow. */
    mg_status (*collect)(void *user, mg_job *job, mg_error *why);
    void (*release)(void *result); /**< frees a result that nobody took; may be NULL */
    /** Bytes that a result takes, where that may be much more than its input; may be NULL. */
    size_t (*weigh)(const void *result);
    void *user;
} mg_flow;

/** Take every input of `source` through `flow`. Results are handed on as soon as those before them have been, and
    before a silent pipe is waited for. What is in memory is bounded, by number and by what results weigh; output does
    not depend on the number of threads. */
mg_status mg_flow_run(const mg_flow *flow, mg_source *source, mg_run *run, mg_error *why);

/* ---- roll data sets ---- */

/** One sequence of a roll data set, on loan during a visit. */
typedef struct {
    const char *split;      /**< "train", "valid", "test" */
    int number;             /**< its place in the file, from 1 */
    int resolution;         /**< steps a quarter */
    const int32_t *tokens;  /**< the pitches of each frame, low to high, each frame ended by MG_FRAME_END; a pitch that
                                 two voices sing stands twice */
    size_t n_tokens, n_frames;
} mg_roll;

typedef mg_status (*mg_roll_fn)(void *user, const mg_roll *roll, mg_error *why);

/** Whether the bytes look like a level-5 MAT file, or like JSON with the member train, valid or test. */
bool mg_rolls_is(const void *bytes, size_t size);
/** Visit every sequence: of a MAT file the cells of traindata, validdata and testdata, matrices of time x 88 (from
    pitch 21) or x 128; of JSON the lists of steps of pitches. Such files do not say how long a step is: `resolution`
    does, in steps a quarter; 0 estimates it from how often a frame repeats the one before. */
mg_status mg_rolls_read(const void *bytes, size_t size, int resolution, mg_roll_fn visit, void *user, mg_error *why);
/** Its music: repeated frames are one held note. MG_BAD_DATA for pitches outside of 0..127. */
mg_status mg_roll_score(const mg_roll *roll, double bpm, mg_score **score, mg_error *why);
const char *mg_inflate_library(void); /**< of zlib, which opens MAT files: "1.2.13" */

/** mg_provenance_check for all files of a source, packed sets whole, and for the files that `output` records name;
    what does not pass counts as failed. */
mg_status mg_provenance_run(mg_source *source, mg_run *run, mg_error *why);

/** Hand on the records of packed sets and record streams as they are; any other input is an error. */
mg_status mg_records_run(mg_source *source, mg_run *run, mg_error *why);

/* ---- pieces: the music that an item holds ---- */

/** One piece of music, on loan during a visit. */
typedef struct {
    const char *path;      /**< of its file, "FILE#N" for the N-th of several in a file; what the record says */
    const mg_score *score; /**< its notes; of a record with content, decoded from that content */
    mg_hash id;            /**< mg_score_id, or the record's own id */
    const mg_json *record; /**< the record that it came from, NULL for a file */
    const char *split;     /**< "train", "valid", "test"; NULL if none was said */
    int resolution;        /**< steps a quarter of the roll or record that it was; 0 where it came otherwise */
    const char *file;      /**< where it stands, as it can be opened again; NULL for content of a record and pipes */
    const void *bytes;     /**< of that file; NULL for content of a record */
    size_t size;
    int number;            /**< of the piece in that file, from 1: the input "FILE#NUMBER" is this piece again */
} mg_piece;

typedef struct {
    mg_read_options read;
    bool report_repairs;   /**< add a repair record for each repair */
    int64_t roll_grid;     /**< steps a quarter of roll data sets, which do not say it; 0: estimated */
} mg_piece_options;

typedef mg_status (*mg_piece_fn)(void *user, mg_job *job, const mg_piece *piece, mg_error *why);

/** Visit every piece of the job's item: a MIDI file, the tunes of an ABC file, the rolls of a .mat or JSON data set,
    or the record's content, which is read from the record's path where it has none. Records that tell of no piece of
    music are passed over. A piece that cannot be read, or whose visit fails, adds an error record to job->out and the
    walk goes on; lossy repairs are counted in job->tally. */
mg_status mg_job_pieces(mg_job *job, const mg_piece_options *options, mg_piece_fn visit, void *user);

/* ---- licences ---- */

enum { MG_LICENCE_SIZE = 32 }; /**< room for an SPDX identifier */

/** The licence that a text is or names, as its SPDX identifier ("CC-BY-4.0"; "public-domain" where it says that and no
    more); "" if none is recognised. Known: MIT, ISC, BSD, Apache, Unlicense, GPL, LGPL, AGPL, CC0 and CC BY with its
    conditions, in their own words; short names where the text is short; SPDX-License-Identifier always. */
mg_status mg_licence_recognise(const char *text, size_t length, char licence[MG_LICENCE_SIZE], mg_error *why);
/** Whether it stands in a list "MIT,CC-BY,...", whatever its version where the list names none. A piece without
    licence is "unknown". */
bool mg_licence_is_allowed(const char *list, const char *licence);

/** Remembers what folders say. May be used by several threads. */
typedef struct mg_licences mg_licences;
mg_licences *mg_licences_new(void); /**< NULL when out of memory */
/** The licence of a piece, from the first of these that says one: its record (licence, meta.licence); a copyright text
    in it; a file LICENSE, LICENCE, COPYING or UNLICENSE (.md and so on) in its folder, or the next folder around it,
    no further than the folder that was named. */
mg_status mg_licences_find(mg_licences *licences, const mg_job *job, const mg_piece *piece,
                           char licence[MG_LICENCE_SIZE], mg_error *why);
void mg_licences_free(mg_licences *licences);

/* ---- corpus tests ---- */

/** The tests by which aria-utils chose its piano corpus: identifier and name. */
#define MG_QUALITY_LIST(T)                                             \
    T(MAX_PROGRAMS, "max_programs")                                    \
    T(MAX_INSTRUMENTS, "max_instruments")                              \
    T(NOTE_FREQUENCY, "note_frequency")                                \
    T(NOTE_FREQUENCY_PER_INSTRUMENT, "note_frequency_per_instrument")  \
    T(LENGTH, "length")                                                \
    T(SILENT_INTERVAL, "silent_interval")                              \
    T(MEAN_NOTE_VELOCITY, "mean_note_velocity")                        \
    T(UNIQUE_PITCH_COUNT, "unique_pitch_count")                        \
    T(UNIQUE_PITCH_COUNT_IN_INTERVAL, "unique_pitch_count_in_interval") \
    T(NOTE_DENSITY_IN_INTERVAL, "note_density_in_interval")            \
    T(NOTE_TIMING_ENTROPY, "note_timing_entropy")                      \
    T(NOTE_PITCH_ENTROPY, "note_pitch_entropy")                        \
    T(REPETITIVE_CONTENT, "repetitive_content")

typedef enum {
#define T(identifier, name) MG_QUALITY_##identifier,
    MG_QUALITY_LIST(T)
#undef T
    MG_QUALITY_TESTS
} mg_quality_test;

enum { MG_QUALITY_PITCH_WINDOWS = 3, MG_QUALITY_DENSITY_WINDOWS = 4 };

/** What the tests measure. "Pitched" notes are those off channel 10; zero-length notes do not count. */
typedef struct {
    size_t n_notes, n_pitched; /**< without notes only the first two tests apply, without pitched ones the first six */
    int programs;              /**< distinct programs; a piece that names none has one */
    int instruments;           /**< families of eight programs */
    int64_t span_ms;           /**< first onset to the end of the note that begins last */
    double notes_per_second, notes_per_second_per_instrument;
    double length_s;           /**< start of the piece to the end of the note that begins last */
    double longest_silence_s;  /**< the scan stops at the first of 20 s or more */
    double mean_velocity, mean_note_ms;
    int unique_pitches;
    struct { int width_s, lowest; double at_s; } pitches_in[MG_QUALITY_PITCH_WINDOWS]; /**< 30, 60, 120 s */
    struct { int width_s, at_s; double notes_per_second, per_pitch; }
        density_in[MG_QUALITY_DENSITY_WINDOWS];  /**< highest in 3, 5, 10, 45 s; of one pitch */
    double length_entropy;      /**< bits; of durations in 10 ms up to 5 s */
    double onset_delta_entropy; /**< bits; of whole milliseconds between onsets */
    double pitch_entropy;       /**< bits */
    double repetitive_kl;       /**< largest divergence of pitches between five parts, bits; 0 under 20 minutes */
    double repetitive_kl_any_length;
    struct { bool applies, passes; double measure; } tests[MG_QUALITY_TESTS]; /**< measure: the value that decided */
    bool passes_all;
} mg_quality;

/** Measure a score as aria-utils would (ariautils/midi.py and aria/config/config.json at e122d032). Equal to it for
    files read with MG_PAIR_ALL and MG_UNCLOSED_DROP, as it pairs notes. */
mg_status mg_quality_measure(const mg_score *score, mg_quality *quality, mg_error *why);
const char *mg_quality_name(mg_quality_test test); /**< "note_frequency" */

/* ---- preparation: music to training records ---- */

typedef enum { MG_DRUMS_KEEP, MG_DRUMS_DROP, MG_DRUMS_ONLY } mg_drums;
/** Lines to take from a piece: none (all of it), those without chords, or the highest notes of each. */
typedef enum { MG_MELODY_ALL, MG_MELODY_STRICT, MG_MELODY_HIGHEST } mg_melody;
typedef enum { MG_CHANGES_NONE, MG_CHANGES_METER, MG_CHANGES_TEMPO, MG_CHANGES_BOTH } mg_changes;
/** What becomes of notes that the encoding has no pitch for. */
typedef enum { MG_RANGE_REFUSE, MG_RANGE_DROP, MG_RANGE_FOLD } mg_range;
typedef enum { MG_LONG_DROP, MG_LONG_CUT } mg_long;
typedef enum { MG_AUGMENT_ALL, MG_AUGMENT_RANDOM } mg_augment;

enum { MG_MOST_STRETCHES = 16 };

/** Everything about preparation, in the order in which it happens. Of limits 0 is none. Choices are the enums above;
    0 and 1 are no and yes. */
typedef struct {
    mg_piece_options pieces;
    const mg_encoding *encoding;
    int64_t steps_per_quarter;   /**< grid of encodings that count beats; 0: a roll's own, else the encoding's */
    /* whole pieces */
    const char *licence_allow;   /**< as mg_licence_is_allowed takes it; NULL: any */
    uint32_t corpus_tests;       /**< bit 1 << mg_quality_test: the piece must pass it */
    bool drop_duplicates;        /**< of an identity the first piece counts; 16 to 46 bytes a piece */
    int sustain;                 /**< notes last as long as the pedal holds them */
    int drums;                   /**< mg_drums */
    int64_t quantise;            /**< steps a quarter to snap to; 0: leave as played */
    double stretch[MG_MOST_STRETCHES]; /**< factors of time; only where seconds count */
    size_t n_stretch;            /**< 0: as it is */
    /* parts */
    int at_changes;              /**< mg_changes: part where the meter or the tempo changes */
    double split_silence;        /**< part at silences of more seconds */
    int64_t split_bars;          /**< part into pieces of so many bars ... */
    double split_seconds;        /**< ... or seconds; one of the two */
    int melody;                  /**< mg_melody */
    double gap_bars;             /**< a silence that ends a melody */
    /* which parts stay */
    double min_notes, max_notes, min_pitch_classes, min_bars, max_bars;
    double max_empty_bars;       /**< share of bars in which nothing sounds */
    double min_seconds, max_seconds;
    double min_density, max_density; /**< notes a second */
    double min_steps, max_steps; /**< of the encoding's grid */
    double min_tokens, max_tokens;
    int too_long;                /**< mg_long: what becomes of parts with more steps or tokens */
    /* copies of each part */
    int key_c;                   /**< transpose to C major or A minor */
    int64_t transpose_low, transpose_high; /**< semitones */
    int augment;                 /**< mg_augment: all combinations, or one drawn by seed and piece */
    int out_of_range;            /**< mg_range */
    /* the set */
    double ratio[3];             /**< train, valid, test, drawn by the identity of the whole piece; all 0: none */
    const char *packed;          /**< write a packed set here instead of records; NULL: records */
    bool may_replace;
    const mg_provenance *provenance; /**< for the packed set; may be NULL */
} mg_prep_options;

/** What the encoding's authors prepared it with, as far as it is known; every member is set. */
mg_prep_options mg_prep_preset(const mg_encoding *encoding);

/** Prepare every piece of a source: records of kind piece or roll (or the packed set), dropped, repair and error.
    Memory does not grow with the corpus but for drop_duplicates. MG_BAD_ARGUMENT where options contradict each other.
    */
mg_status mg_prep_run(const mg_prep_options *options, mg_source *source, mg_run *run, mg_error *why);
/** A record of kind encoding for each: name, summary, vocab, vocab_hash, pitches and grid. */
mg_status mg_prep_list(mg_run *run, mg_error *why);

/* ---- splits ---- */

typedef struct {
    mg_piece_options pieces;
    double ratio[3];       /**< train, valid, test */
    const char *clusters;  /**< a file of cluster records, none of which may be cut; "-": standard input; NULL: none */
} mg_split_options;

mg_split_options mg_split_defaults(void); /**< 8:1:1 */

/** Give every piece of a source a split. Pieces of files get an assignment record; records of kind piece or roll with
    their content pass on with split and family set. A family is a cluster's members, or a piece with all its parts,
    copies and equals; its split is drawn from its identity and the seed, so it does not depend on what else is there,
    but for clusters, which are shared out so that the ratio holds. */
mg_status mg_split_run(const mg_split_options *options, mg_source *source, mg_run *run, mg_error *why);

MG_PUBLIC_END
#endif
