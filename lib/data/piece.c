/* SPDX-License-Identifier: MIT */
/* From an input to the music in it: what kind of file it is, which of its pieces are meant, and what a record holds. */
#include <mgen/data.h>
#include "data/prepare.h"
#include "data/rolls.h"
#include "data/source.h"
#include "data/steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A piece as its reader found it. */
typedef struct {
    int number;
    mg_score *score;  /* NULL where it could not be read */
    mg_error trouble; /* why */
    const char *split;
    int resolution;
} found;

/* One walk through the pieces of an input. */
typedef struct {
    mg_job *job;
    const mg_piece_options *options;
    mg_piece_fn visit;
    void *user;
    const char *path;      /* what pieces are called, before #N */
    const char *file;      /* that is open, and its bytes; NULL for content of records and what came through a pipe */
    const void *bytes;
    size_t size;
    const mg_json *record; /* the record that led here, or NULL */
    int only;              /* the N of FILE#N; 0: all */
    found held;            /* the first piece, until it is known whether there are more */
    int n_seen;
} walk;

/* ---- one piece ---- */

static void add_repairs(walk *w, const char *path, const mg_score *score)
{
    bool is_lossy = false;
    for (size_t i = 0; i < score->n_repairs; i++) {
        const mg_repair *repair = &score->repairs[i];
        is_lossy |= mg_repair_is_lossy(repair->what);
        if (!w->options->report_repairs) continue;
        mg_json_writer json = mg_record_begin(&w->job->out, "repair");
        mg_record_put_path(&json, "path", path);
        mg_json_put_int(&json, "offset", (int64_t)repair->place);
        mg_json_put_text(&json, "what", mg_repair_name(repair->what));
        mg_json_put_bool(&json, "lossy", mg_repair_is_lossy(repair->what));
        mg_json_put_int(&json, "count", repair->count);
        mg_json_put_text(&json, "done", mg_repair_sentence(repair->what));
        mg_record_end(&json);
    }
    w->job->tally.lossy += is_lossy;
}

static mg_status fail_piece(walk *w, const char *path, const mg_error *why)
{
    if (why->status == MG_NO_MEMORY || why->status == MG_STOPPED) {
        w->job->why = *why;
        return why->status;
    }
    mg_record_error(&w->job->out, path, why);
    w->job->tally.failed++;
    return MG_OK;
}

static mg_status visit_score(walk *w, const char *path, const found *f)
{
    mg_error why = {0};
    const char *id = mg_json_get_string(w->record, "id", "");
    mg_piece piece = {.path = path, .score = f->score, .record = w->record, .resolution = f->resolution,
                      .split = mg_json_get_string(w->record, "split", f->split), .file = w->file, .bytes = w->bytes,
                      .size = w->size, .number = f->number};
    mg_status status = mg_hash_from_hex(id, &piece.id) ? MG_OK : mg_score_id(f->score, &piece.id, &why);
    if (mg_stop_asked()) status = mg_fail(&why, MG_STOPPED, "asked to stop");
    w->job->tally.pieces++;
    add_repairs(w, path, f->score);
    if (!status) status = w->visit(w->user, w->job, &piece, &why);
    why.status = status;
    return status ? fail_piece(w, path, &why) : MG_OK;
}

/* Owns the score. */
static mg_status visit_named(walk *w, const char *path, const found *f)
{
    mg_status status = f->score ? visit_score(w, path, f) : fail_piece(w, path, &f->trouble);
    mg_score_free(f->score);
    return status;
}

static mg_status visit_numbered(walk *w, const found *f)
{
    mg_buffer path = {0};
    mg_buffer_print(&path, "%s#%d", w->path, f->number);
    mg_status status = MG_NO_MEMORY;
    if (path.failed) mg_score_free(f->score), mg_fail(&w->job->why, MG_NO_MEMORY, "out of memory");
    else status = visit_named(w, path.data, f);
    mg_buffer_free(&path);
    return status;
}

/* Takes the pieces of a file one by one. The only piece of a file is called as the file is. */
static mg_status take(walk *w, const found *f)
{
    w->n_seen++;
    if (w->only) {
        if (f->number == w->only) return visit_named(w, w->path, f);
        mg_score_free(f->score);
        return MG_OK;
    }
    if (w->n_seen == 1) {
        w->held = *f;
        return MG_OK;
    }
    if (w->n_seen == 2) {
        found first = w->held;
        w->held.score = NULL;
        mg_status status = visit_numbered(w, &first);
        if (status) return mg_score_free(f->score), status;
    }
    return visit_numbered(w, f);
}

static mg_status finish(walk *w)
{
    if (w->only && w->n_seen < w->only) {
        mg_error why = {0};
        mg_fail(&why, MG_BAD_DATA, "there is no piece %d", w->only);
        return fail_piece(w, w->path, &why);
    }
    if (w->only || w->n_seen != 1) return MG_OK;
    found only = w->held;
    w->held.score = NULL;
    return visit_named(w, w->path, &only);
}

/* ---- kinds of files ---- */

static mg_status take_roll(void *user, const mg_roll *roll, mg_error *why)
{
    (void)why;
    found f = {.number = roll->number, .split = roll->split, .resolution = roll->resolution};
    f.trouble.status = mg_roll_score(roll, 120, &f.score, &f.trouble);
    return take(user, &f);
}

static mg_status read_rolls(walk *w, const void *bytes, size_t size, mg_error *why)
{
    return mg_rolls_read(bytes, size, (int)w->options->roll_grid, take_roll, w, why);
}

static mg_status take_score(void *user, int number, mg_score *score, const mg_error *trouble)
{
    found f = {.number = number, .score = score};
    if (trouble) f.trouble = *trouble;
    return take(user, &f);
}

static mg_status read_midi(walk *w, const void *bytes, size_t size, mg_error *why)
{
    return mg_midi_read_each(bytes, size, &w->options->read, take_score, w, why);
}

static mg_status read_abc(walk *w, const void *bytes, size_t size, mg_error *why)
{
    return mg_abc_read(bytes, size, &w->options->read, take_score, w, why);
}

/* In the order in which they are tried: the strictest tests first. */
static const struct {
    bool (*is)(const void *bytes, size_t size);
    mg_status (*read)(walk *w, const void *bytes, size_t size, mg_error *why);
} formats[] = {{mg_midi_is, read_midi}, {mg_rolls_is, read_rolls}, {mg_abc_is, read_abc}};

static mg_status read_pieces(walk *w, const void *bytes, size_t size)
{
    mg_error *why = &w->job->why;
    w->bytes = bytes;
    w->size = size;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (!formats[i].is(bytes, size)) continue;
        mg_status status = formats[i].read(w, bytes, size, why);
        if (!status) status = finish(w);
        mg_score_free(w->held.score);
        return status;
    }
    if (size == 0) return mg_fail(why, MG_BAD_DATA, "the file is empty");
    return mg_fail(why, MG_UNSUPPORTED, "neither MIDI nor ABC nor a set of rolls");
}

/* The N of "FILE#N", and where FILE ends; 0 where there is none. */
static int piece_number(const char *path, size_t *length)
{
    const char *hash = strrchr(path, '#');
    if (!hash || hash[1] < '1' || hash[1] > '9') return 0;
    char *end;
    long number = strtol(hash + 1, &end, 10);
    *length = (size_t)(hash - path);
    return *end || number > INT32_MAX ? 0 : (int)number;
}

/* A file, or one piece of it where no file is called so. */
static mg_status read_path(walk *w, const char *path)
{
    mg_error *why = &w->job->why;
    uint64_t cap = (uint64_t)w->options->read.max_bytes;
    mg_file file;
    size_t length;
    char *whole = NULL;
    w->file = path;
    mg_status status = mg_file_read(path, cap, &file, why);
    if (status == MG_IO && (w->only = piece_number(path, &length)) > 0) {
        w->file = whole = mg_strndup(path, length);
        status = whole ? mg_file_read(whole, cap, &file, why) : mg_fail(why, MG_NO_MEMORY, "out of memory");
    }
    if (!status) status = read_pieces(w, file.data, file.size);
    mg_file_free(&file);
    mg_free(whole);
    return status;
}

/* ---- records ---- */

/* What a record says beside its tokens: key and, where beats are counted, meter. */
static mg_status add_signs(mg_score *score, const mg_json *meta, bool counts_beats, mg_error *why)
{
    mg_key key;
    unsigned numerator = 0, denominator = 0;
    sscanf(mg_json_get_string(meta, "meter", ""), "%u/%u", &numerator, &denominator);
    bool has_meter = counts_beats && score->n_meters == 0 && numerator > 0 && numerator < 256 && denominator > 0 &&
                     denominator <= 1 << 15 && (denominator & (denominator - 1)) == 0;
    bool has_key = score->n_keys == 0 && mg_key_from_name(mg_json_get_string(meta, "key", ""), &key);
    if ((has_meter && !(score->meters = mg_alloc(1, sizeof *score->meters))) ||
        (has_key && !(score->keys = mg_alloc(1, sizeof *score->keys))))
        return mg_fail(why, MG_NO_MEMORY, "out of memory");
    if (has_meter)
        score->meters[score->n_meters++] = (mg_meter){.numerator = (uint16_t)numerator, .clocks = 24,
                                                      .denominator = (uint16_t)denominator, .thirtyseconds = 8};
    if (has_key) score->keys[score->n_keys++] = key;
    return MG_OK;
}

static mg_status decode_record(walk *w)
{
    mg_error *why = &w->job->why;
    const mg_encoding *encoding;
    int64_t resolution = mg_json_get_int(w->record, "resolution", 0);
    if (resolution < 0 || resolution > MG_FINEST_GRID)
        return mg_fail(why, MG_BAD_DATA, "a resolution of %lld steps a quarter", (long long)resolution);
    mg_buffer tokens = {0};
    found f = {0};
    const mg_json *meta = mg_json_get(w->record, "meta");
    double bpm = mg_json_get_real(meta, "bpm", 120);
    mg_status status = mg_record_tokens(w->record, &encoding, &tokens, why);
    if (!status) {
        f.resolution = resolution ? (int)resolution : encoding->steps_per_quarter;
        status = encoding->decode(encoding, (const int32_t *)(const void *)tokens.data, tokens.length / sizeof(int32_t),
                                  bpm, (int)resolution, &f.score, why);
    }
    mg_buffer_free(&tokens);
    if (!status) status = add_signs(f.score, meta, encoding->steps_per_quarter > 0, why);
    if (!status) status = visit_score(w, w->path, &f);
    mg_score_free(f.score);
    return status;
}

static mg_status decode_tracks(walk *w, const mg_json *tracks)
{
    mg_error *why = &w->job->why;
    const mg_json *meta = mg_json_get(w->record, "meta");
    int64_t resolution = mg_json_get_int(w->record, "resolution", 4);
    if (resolution < 1 || resolution > MG_FINEST_GRID)
        return mg_fail(why, MG_BAD_DATA, "a resolution of %lld steps a quarter", (long long)resolution);
    found f = {.resolution = (int)resolution};
    mg_status status = data_tracks_score(tracks, f.resolution, mg_json_get_real(meta, "bpm", 120), &f.score, why);
    if (!status) status = add_signs(f.score, meta, true, why);
    if (!status) status = visit_score(w, w->path, &f);
    mg_score_free(f.score);
    return status;
}

char *mg_record_resolve(const char *stream, const char *path)
{
    const char *slash = strrchr(stream, '/');
    mg_buffer whole = {0};
    if (path[0] != '/' && slash) mg_buffer_add(&whole, stream, (size_t)(slash - stream + 1));
    mg_buffer_add_text(&whole, path);
    if (whole.failed) mg_buffer_free(&whole);
    return whole.data;
}

static bool is_kind(const mg_json *record, const char *kind)
{
    return strcmp(mg_json_get_string(record, "kind", ""), kind) == 0;
}

/* Records that hold music, or tell of a piece of music by its path. Without a kind the path must look like music. */
static bool is_of_music(const mg_json *record, const char *path)
{
    static const char *const kinds[] = {"piece", "roll", "output", "assignment", "metrics", "info"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (is_kind(record, kinds[i])) return true;
    return !mg_json_get(record, "kind") && path && data_is_music_name(path);
}

/* The member if it is a list: an output record, say, counts its tokens under the name of their list. */
static const mg_json *array(const mg_json *record, const char *key)
{
    const mg_json *value = mg_json_get(record, key);
    return mg_json_kind_of(value) == MG_JSON_ARRAY ? value : NULL;
}

static mg_status read_record(walk *w)
{
    mg_error *why = &w->job->why;
    bool has_tokens = array(w->record, "tokens") || array(w->record, "frames");
    const mg_json *tracks = is_kind(w->record, "roll") ? array(w->record, "tracks") : NULL;
    char *path = mg_record_path(w->record, "path");
    if (!is_of_music(w->record, path)) return mg_free(path), MG_OK;
    w->path = path ? path : w->job->item.path;
    mg_status status;
    if (has_tokens) {
        status = decode_record(w);
    } else if (tracks) {
        status = decode_tracks(w, tracks);
    } else if (path) {
        char *whole = mg_record_resolve(w->job->item.path, path);
        status = whole ? read_path(w, whole) : mg_fail(why, MG_NO_MEMORY, "out of memory");
        mg_free(whole);
    } else {
        status = mg_fail(why, MG_BAD_DATA, "a record with neither content nor path");
    }
    if (status && status != MG_NO_MEMORY && status != MG_STOPPED) { /* the record's path, not its stream's */
        why->status = status;
        mg_error_at(why, "line %llu", (unsigned long long)w->job->item.number);
        status = fail_piece(w, w->path, why);
    }
    mg_free(path);
    return status;
}

mg_status mg_job_pieces(mg_job *job, const mg_piece_options *options, mg_piece_fn visit, void *user)
{
    walk w = {.job = job, .options = options, .visit = visit, .user = user, .path = job->item.path};
    const mg_item *item = &job->item;
    mg_json *record;
    MG_TRY(mg_item_record(item, &record, &job->why));
    w.record = record;
    mg_status status = record ? read_record(&w)
                       : item->content.data ? read_pieces(&w, item->content.data, item->content.size)
                                            : read_path(&w, item->path);
    mg_json_free(record);
    return status;
}
