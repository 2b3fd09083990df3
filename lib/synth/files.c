/* SPDX-License-Identifier: MIT */
/* Every piece of an input as a sound file. Names are given in the order of the inputs, before the work is shared among
   threads, so that they do not depend on it. */
#include "synth/names.h"

#include <mgen/data.h>
#include <mgen/synth.h>

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

typedef struct {
    const mg_render_job *job;
    const mg_synth *synth;
    mg_hash font_hash;
    names names;
    uint64_t n_inputs;
    atomic_bool has_failed; /* an output, which ends the run */
    pthread_mutex_t lock;
    mg_error failure;
} walk;

/* What an input is given before its turn: the name of its files, and whether it may use the only output. */
typedef struct {
    char *path, *name;
    bool is_first;
    int n_pieces; /* seen so far */
} place;

static bool ends_with(const char *text, const char *ending)
{
    size_t n = strlen(text), m = strlen(ending);
    return n >= m && strcasecmp(text + n - m, ending) == 0;
}

bool mg_render_is_folder(const char *output)
{
    struct stat about;
    if (strcmp(output, "-") == 0) return false;
    if (stat(output, &about) == 0) return S_ISDIR(about.st_mode);
    return !ends_with(output, ".wav") && !ends_with(output, ".flac");
}

/* ---- names ---- */

static void free_place(void *result)
{
    place *p = result;
    if (!p) return;
    mg_free(p->path);
    mg_free(p->name);
    mg_free(p);
}

static mg_status prepare(void *user, mg_job *job, mg_error *why)
{
    walk *w = user;
    mg_json *record = NULL;
    place *p = mg_alloc_zero(1, sizeof *p);
    if (!p) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    job->result = p;
    p->is_first = w->n_inputs++ == 0;
    mg_status status = mg_item_record(&job->item, &record, NULL);
    bool has_path = mg_json_get(record, "path") != NULL;
    if (status != MG_NO_MEMORY) p->path = has_path ? mg_record_path(record, "path") : mg_strdup(job->item.path);
    if (p->path) p->name = names_take(&w->names, p->path);
    mg_json_free(record);
    return p->name ? MG_OK : mg_fail(why, MG_NO_MEMORY, "out of memory");
}

/* The path of a piece's file, new. */
static char *output_path(const walk *w, const place *p, const char *piece_path)
{
    const mg_render_job *job = w->job;
    mg_buffer path = {0};
    const char *hash = strrchr(piece_path, '#'), *folder = job->output;
    if (!job->is_folder) return mg_strdup(job->output);
    mg_buffer_add_text(&path, folder);
    if (*folder && folder[strlen(folder) - 1] != '/') mg_buffer_add_char(&path, '/');
    mg_buffer_add_text(&path, p->name);
    if (hash && strcmp(piece_path, p->path)) mg_buffer_print(&path, "-%s", hash + 1); /* one of several */
    mg_buffer_add_text(&path, job->render.format == MG_FLAC ? ".flac" : ".wav");
    if (path.failed) mg_buffer_free(&path);
    return path.data;
}

/* ---- one piece ---- */

static void make_comment(const walk *w, const mg_piece *piece, mg_buffer *comment)
{
    mg_made_with with[2];
    size_t n = 0;
    if (piece->file) {
        with[n++] = (mg_made_with){.role = "score", .path = piece->file,
                                   .hash = mg_hash_bytes(piece->bytes, piece->size)};
    }
    if (mg_synth_soundfont(w->synth))
        with[n++] = (mg_made_with){.role = "soundfont", .path = mg_synth_soundfont(w->synth), .hash = w->font_hash};
    mg_buffer_add_text(comment, MG_PROVENANCE_PREFIX);
    mg_provenance_add(comment, &(mg_provenance){.tool = "mgen-render", .seed = -1, .with = with, .n_with = n});
}

static void put_level(mg_json_writer *json, const char *key, double db)
{
    if (isfinite(db)) mg_json_put_real(json, key, round(db * 100) / 100);
    else mg_json_put_null(json, key);
}

static void add_record(const walk *w, const mg_piece *piece, const char *path, const mg_rendering *r, mg_buffer *out)
{
    const mg_render_options *o = &w->job->render;
    mg_json_writer json = mg_record_begin(out, "output");
    mg_record_put_hash(&json, "id", piece->id);
    mg_record_put_path(&json, "path", path);
    mg_record_put_path(&json, "source", piece->path);
    mg_json_put_real(&json, "seconds", r->seconds);
    mg_json_put_int(&json, "rate", o->rate);
    mg_json_put_int(&json, "channels", o->channels);
    put_level(&json, "loudness_lufs", r->loudness_lufs);
    put_level(&json, "peak_dbtp", r->peak_dbtp);
    put_level(&json, "gain_db", r->gain_db);
    if (r->limited_db > 0) put_level(&json, "limited_db", r->limited_db);
    if (r->is_cut) mg_json_put_bool(&json, "cut", true);
    mg_json_put_text(&json, "synth", mg_synth_name(w->synth));
    if (mg_synth_soundfont(w->synth)) mg_record_put_path(&json, "soundfont", mg_synth_soundfont(w->synth));
    mg_record_end(&json);
}

static mg_status write_piece(const walk *w, const mg_piece *piece, const char *path, mg_rendering *rendering,
                             mg_error *why)
{
    mg_render_options options = w->job->render;
    mg_buffer comment = {0};
    mg_out *out;
    MG_TRY(mg_out_open(path, w->job->may_replace, &out, why));
    if (w->job->has_provenance) make_comment(w, piece, &comment);
    options.comment = comment.data;
    mg_status status = comment.failed ? mg_fail(why, MG_NO_MEMORY, "out of memory") : MG_OK;
    bool is_stdout = strcmp(path, "-") == 0;
    if (!status) status = mg_render(w->synth, piece->score, &options, out, is_stdout ? NULL : path, rendering, why);
    if (!status && w->job->has_provenance) status = mg_seal_out(out, why);
    mg_buffer_free(&comment);
    if (status) return mg_out_abandon(out), status;
    return mg_out_commit(out, why);
}

/* An output failed, and nothing else would fare better. The first to say so is heard. */
static mg_status end_run(walk *w, mg_status status, const mg_error *why)
{
    pthread_mutex_lock(&w->lock);
    if (!atomic_exchange(&w->has_failed, true)) {
        w->failure = *why;
        w->failure.status = status;
    }
    pthread_mutex_unlock(&w->lock);
    return MG_STOPPED;
}

static mg_status visit(void *user, mg_job *job, const mg_piece *piece, mg_error *why)
{
    walk *w = user;
    place *p = job->result;
    mg_rendering rendering;
    if (!w->job->is_folder && (!p->is_first || p->n_pieces++ > 0))
        return mg_fail(why, MG_UNSUPPORTED, "one file takes one piece: name a folder as output");
    char *path = output_path(w, p, piece->path);
    if (!path) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_status status = write_piece(w, piece, path, &rendering, why);
    if (!status && strcmp(path, "-")) add_record(w, piece, path, &rendering, &job->out);
    mg_free(path);
    return status == MG_IO || status == MG_CLOSED ? end_run(w, status, why) : status;
}

static mg_status work(void *user, mg_job *job)
{
    walk *w = user;
    if (atomic_load(&w->has_failed)) return MG_STOPPED;
    return mg_job_pieces(job, &w->job->pieces, visit, user);
}

mg_status mg_render_run(const mg_render_job *job, const mg_synth *synth, mg_source *source, mg_run *run, mg_error *why)
{
    walk w = {.job = job, .synth = synth, .lock = PTHREAD_MUTEX_INITIALIZER};
    mg_flow flow = {.prepare = prepare, .work = work, .release = free_place, .user = &w};
    const char *font = mg_synth_soundfont(synth);
    if (job->is_folder) MG_TRY(mg_make_folder(job->output, why));
    if (font && job->has_provenance) MG_TRY(mg_hash_file(font, &w.font_hash, why));
    mg_status status = mg_flow_run(&flow, source, run, why);
    names_free(&w.names);
    if (status != MG_STOPPED || !w.has_failed) return status;
    *why = w.failure;
    return why->status;
}
