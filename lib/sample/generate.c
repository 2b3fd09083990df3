/* SPDX-License-Identifier: MIT */
/* Pieces as files: groups of streams on threads, MIDI files and output records in order. */
#include <mgen/sample.h>

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define AT(member) offsetof(mg_generate_options, member)
const mg_option mg_generate_rows[] = {
    {"steps", MG_OPTION_INT, AT(steps), {256}, 1, 1e9, NULL, "N",
     "most tokens or frames of a piece, primer not counted"},
    {"temperature", MG_OPTION_REAL, AT(sampling.temperature), {1}, 0, 100, NULL, "T",
     "what logits are divided by: below 1 surer, above 1 bolder, 0 always the most likely"},
    {"top_k", MG_OPTION_INT, AT(sampling.top_k), {0}, 0, 1e9, NULL, "K", "choose among the K most likely; 0: all"},
    {"top_p", MG_OPTION_REAL, AT(sampling.top_p), {1}, 0, 1, NULL, "P",
     "choose among the most likely that reach this probability together"},
    {"inject", MG_OPTION_FLAG, AT(inject), {0}, 0, 0, NULL, NULL,
     "the primer is no beginning but goes along, step by step, and the model fills in below (polyphony)"},
    {"bpm", MG_OPTION_REAL, AT(bpm), {0}, MG_SLOWEST_BPM, 1000, NULL, "BPM",
     "tempo, where the encoding counts beats, instead of the primer's or the data's"},
    {0},
};

mg_generate_options mg_generate_defaults(void)
{
    mg_generate_options o;
    mg_options_default(mg_generate_rows, &o);
    return o;
}

typedef struct {
    const mg_generate_job *job;
    mg_run *run;
    mg_trained *trained;
    const mg_encoding *encoding;
    mg_hash model_hash;
    mg_buffer primer;      /* tokens */
    bool has_primer, is_stream;
    double bpm;
    mg_streams **streams;  /* one a thread */
    int n_streams;
} maker;

/* ---- primer ---- */

static mg_status take_primer(void *user, mg_job *job, const mg_piece *piece, mg_error *why)
{
    maker *m = user;
    (void)job;
    if (m->has_primer) return MG_OK; /* the first piece of the file */
    if (piece->score->n_notes == 0) return mg_fail(why, MG_BAD_DATA, "a piece without notes is no primer");
    MG_TRY(m->encoding->encode(m->encoding, piece->score, (int)m->trained->resolution, &m->primer, why));
    m->has_primer = true;
    if (m->bpm == 0 && piece->score->n_tempos > 0 && piece->score->tempos[0].us_per_quarter > 0)
        m->bpm = 6e7 / piece->score->tempos[0].us_per_quarter;
    return MG_OK;
}

/* What was wrong with the pieces of the file stands in their error records. */
static mg_status say_no_primer(const char *path, const mg_buffer *records, mg_error *why)
{
    mg_json *record = NULL;
    const char *end = records->length ? memchr(records->data, '\n', records->length) : NULL;
    if (!end || mg_json_parse(records->data, (size_t)(end - records->data), &record, NULL))
        return mg_fail(why, MG_BAD_DATA, "%s: holds no music", path);
    mg_error inner;
    mg_fail(&inner, MG_BAD_DATA, "%s", mg_json_get_string(record, "error", "cannot be read"));
    mg_json_free(record);
    return mg_fail_in(why, MG_BAD_DATA, path, &inner);
}

static mg_status read_primer(maker *m, mg_error *why)
{
    const char *path = m->job->primer_path;
    mg_source_options options = {.paths = &path, .n_paths = 1};
    mg_piece_options reading = {.read = mg_read_defaults()};
    mg_source *source;
    mg_job job = {0};
    MG_TRY(mg_source_open(&options, &source, why));
    mg_status status = mg_source_next(source, &job.item, why);
    if (!status && job.item.trouble.status) {
        *why = job.item.trouble;
        status = why->status;
    }
    if (!status && (status = mg_job_pieces(&job, &reading, take_primer, m)))
        status = mg_fail_in(why, status, path, &job.why);
    if (status == MG_END || (!status && !m->has_primer)) status = say_no_primer(path, &job.out, why);
    mg_item_clear(&job.item);
    mg_buffer_free(&job.out);
    mg_source_close(source);
    return status;
}

/* ---- one piece ---- */

/* The provenance as the first text of the first track. */
static mg_status add_provenance(const maker *m, mg_score *score, mg_error *why)
{
    mg_made_with with = {"model", m->job->model_path, m->model_hash};
    mg_provenance provenance = {m->job->tool, (int64_t)m->run->seed, &with, 1};
    mg_buffer text = {0};
    mg_buffer_add_text(&text, MG_PROVENANCE_PREFIX);
    mg_provenance_add(&text, &provenance);
    char *kept = text.failed ? NULL : mg_arena_strndup(&score->strings, text.data, text.length);
    mg_buffer_free(&text);
    mg_text_event *texts = mg_realloc(score->texts, score->n_texts + 1, sizeof *texts);
    if (texts) score->texts = texts;
    if (!texts || !kept) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    memmove(texts + 1, texts, score->n_texts * sizeof *texts);
    texts[0] = (mg_text_event){.kind = MG_TEXT_GENERAL, .text = kept};
    score->n_texts++;
    return MG_OK;
}

static mg_status write_file(const maker *m, const char *path, mg_buffer *bytes, mg_error *why)
{
    mg_out *out;
    if (m->job->has_provenance) mg_seal_bytes(bytes->data, bytes->length);
    MG_TRY(mg_out_open(path, m->job->may_replace, &out, why));
    mg_status status = mg_out_write(out, bytes->data, bytes->length, why);
    if (status) return mg_out_abandon(out), status;
    return mg_out_commit(out, why);
}

static mg_status emit(maker *m, const char *path, uint64_t index, size_t n_tokens, const mg_score *score, mg_error *why)
{
    mg_buffer line = {0};
    mg_hash id;
    mg_clock *clock = mg_clock_new(score);
    if (!clock) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    double seconds = mg_clock_seconds(clock, score->end_tick);
    mg_clock_free(clock);
    MG_TRY(mg_score_id(score, &id, why));
    mg_json_writer json = mg_record_begin(&line, "output");
    mg_record_put_hash(&json, "id", id);
    mg_record_put_path(&json, "path", path);
    mg_record_put_hash(&json, "model_hash", m->model_hash);
    mg_json_put_int(&json, "seed", (int64_t)m->run->seed);
    mg_json_put_int(&json, "index", (int64_t)index);
    mg_json_put_int(&json, "tokens", (int64_t)n_tokens);
    mg_json_put_real(&json, "seconds", seconds);
    if (m->job->primer_path) mg_record_put_path(&json, "prompt", m->job->primer_path);
    mg_record_end(&json);
    mg_status status = mg_run_emit(m->run, &line, why);
    mg_buffer_free(&line);
    return status;
}

/* Names of one length, so that they sort by number. */
static void add_path(const maker *m, uint64_t index, mg_buffer *path)
{
    int digits = 4;
    for (uint64_t n = 10000; n <= m->job->count; n *= 10) digits++;
    if (m->is_stream) mg_buffer_add_text(path, "-");
    else mg_buffer_print(path, "%s/%0*llu.mid", m->job->output, digits, (unsigned long long)(index + 1));
}

static mg_status finish_piece(maker *m, uint64_t index, const mg_buffer *tokens, mg_error *why)
{
    mg_score *score = NULL;
    mg_buffer path = {0}, bytes = {0};
    size_t n = tokens->length / sizeof(int32_t);
    add_path(m, index, &path);
    mg_status status = path.failed ? mg_fail(why, MG_NO_MEMORY, "out of memory") : MG_OK;
    if (!status)
        status = m->encoding->decode(m->encoding, (const int32_t *)(const void *)tokens->data, n,
                                     m->bpm > 0 ? m->bpm : 120, (int)m->trained->resolution, &score, why);
    if (!status && m->job->has_provenance) status = add_provenance(m, score, why);
    if (!status) status = mg_midi_write(score, &bytes, why);
    if (!status && bytes.failed) status = mg_fail(why, MG_NO_MEMORY, "out of memory");
    if (!status) status = write_file(m, path.data, &bytes, why);
    if (!status) status = emit(m, path.data, index, n, score, why);
    mg_score_free(score);
    mg_buffer_free(&path);
    mg_buffer_free(&bytes);
    return status;
}

/* ---- all of them ---- */

/* A wave: as many groups as there are threads. */
typedef struct {
    maker *m;
    uint64_t first;
    size_t n;           /* pieces */
    mg_buffer *tokens;
    mg_error *why;      /* of each group */
} wave;

static void run_group(void *user, size_t group)
{
    wave *w = user;
    size_t first = group * MG_STREAMS, n = w->n - first < MG_STREAMS ? w->n - first : MG_STREAMS;
    w->why[group].status =
        mg_streams_run(w->m->streams[group], w->first + first, n, w->tokens + first, &w->why[group]);
}

static mg_status run_wave(wave *w, mg_error *why)
{
    size_t groups = (w->n + MG_STREAMS - 1) / MG_STREAMS;
    for (size_t i = 0; i < groups; i++) w->why[i] = (mg_error){0};
    mg_each(w->m->n_streams, groups, run_group, w);
    for (size_t i = 0; i < groups; i++)
        if (w->why[i].status) return mg_fail_in(why, w->why[i].status, w->m->job->model_path, &w->why[i]);
    for (size_t i = 0; i < w->n; i++) {
        MG_TRY(finish_piece(w->m, w->first + i, &w->tokens[i], why));
        mg_buffer_clear(&w->tokens[i]);
    }
    mg_progress progress = {.what = "pieces", .done = w->first + w->n, .total = w->m->job->count};
    return mg_run_progress(w->m->run, &progress);
}

static mg_status run_waves(maker *m, mg_error *why)
{
    size_t most = (size_t)m->n_streams * MG_STREAMS;
    wave w = {.m = m, .tokens = mg_alloc_zero(most, sizeof *w.tokens),
              .why = mg_alloc_zero((size_t)m->n_streams, sizeof *w.why)};
    mg_status status = w.tokens && w.why ? MG_OK : mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (; !status && w.first < m->job->count; w.first += w.n) {
        w.n = m->job->count - w.first < most ? (size_t)(m->job->count - w.first) : most;
        status = run_wave(&w, why);
    }
    for (size_t i = 0; w.tokens && i < most; i++) mg_buffer_free(&w.tokens[i]);
    mg_free(w.tokens);
    mg_free(w.why);
    return status;
}

static mg_status open_streams(maker *m, mg_error *why)
{
    const mg_generate_options *o = &m->job->options;
    mg_generation generation = {.sampling = o->sampling, .steps = o->steps, .seed = m->run->seed,
                                .controls = m->job->controls,
                                .primer = (const int32_t *)(const void *)m->primer.data,
                                .n_primer = m->primer.length / sizeof(int32_t), .injects = o->inject};
    int rows = m->job->count < MG_STREAMS ? (int)m->job->count : MG_STREAMS;
    uint64_t groups = (m->job->count + MG_STREAMS - 1) / MG_STREAMS;
    int n = m->run->threads < 1 ? 1 : m->run->threads;
    if ((uint64_t)n > groups) n = (int)groups;
    m->streams = mg_alloc_zero((size_t)n, sizeof *m->streams);
    if (!m->streams) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_error inner = {0};
    for (; m->n_streams < n; m->n_streams++) {
        mg_status status = mg_streams_new(m->trained, &generation, rows, &m->streams[m->n_streams], &inner);
        if (status) return mg_fail_in(why, status, m->job->model_path, &inner);
    }
    return MG_OK;
}

static mg_status check_injection(const maker *m, mg_error *why)
{
    if (!m->job->options.inject) return MG_OK;
    if (!m->job->primer_path) return mg_fail(why, MG_BAD_ARGUMENT, "--inject: there is no primer to go along");
    if (m->encoding->step_end >= 0) return MG_OK;
    return mg_fail(why, MG_BAD_ARGUMENT, "--inject: %s: its encoding, %s, has no steps to fill in", m->job->model_path,
                   m->encoding->name);
}

static mg_status begin(maker *m, mg_model_finder find, mg_error *why)
{
    const mg_generate_job *job = m->job;
    MG_TRY(mg_trained_load(job->model_path, find, &m->trained, why));
    MG_TRY(mg_hash_file(job->model_path, &m->model_hash, why));
    m->encoding = mg_encoding_find(m->trained->encoding);
    if (!m->encoding)
        return mg_fail(why, MG_UNSUPPORTED, "%s: encoding '%s' is not known", job->model_path, m->trained->encoding);
    MG_TRY(check_injection(m, why));
    m->bpm = job->options.bpm;
    if (job->primer_path) MG_TRY(read_primer(m, why));
    if (m->bpm == 0) m->bpm = m->trained->bpm;
    MG_TRY(open_streams(m, why));
    return m->is_stream || job->count == 0 ? MG_OK : mg_make_folder(job->output, why);
}

mg_status mg_generate(const mg_generate_job *job, mg_model_finder find, mg_run *run, mg_error *why)
{
    maker m = {.job = job, .run = run, .is_stream = strcmp(job->output, "-") == 0};
    mg_status status = begin(&m, find, why);
    if (!status) status = run_waves(&m, why);
    for (int i = 0; i < m.n_streams; i++) mg_streams_free(m.streams[i]);
    mg_free(m.streams);
    mg_buffer_free(&m.primer);
    mg_trained_free(m.trained);
    return status;
}
