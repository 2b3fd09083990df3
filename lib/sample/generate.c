/* SPDX-License-Identifier: MIT */
/* Pieces as files: groups of streams on threads, MIDI files and output records in order. */
#include "sample/sample.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const precisions[] = {[MG_FLOAT32] = "float32", [MG_BFLOAT16] = "bfloat16",
                                         [MG_INT8] = "int8", NULL};

#define AT(member) offsetof(mg_generate_options, member)
const mg_option mg_generate_rows[] = {
    {"steps", MG_OPTION_INT, AT(steps), {0}, 1, 1e9, NULL, "N",
     "most new music, in steps of the encoding's grid: sixteenths, frames, 10 ms; an end token ends a piece sooner"},
    {"seconds", MG_OPTION_REAL, AT(seconds), {0}, 1e-3, 86400, NULL, "S", "the same in seconds"},
    {"bars", MG_OPTION_REAL, AT(bars), {0}, 1e-3, 1e6, NULL, "N",
     "the same in bars, of the primer's meter or 4/4; without any of the three, 16 bars or 30 seconds"},
    {"temperature", MG_OPTION_REAL, AT(sampling.temperature), {1}, 0, 100, NULL, "T",
     "what logits are divided by: below 1 surer, above 1 bolder, 0 always the most likely"},
    {"top_k", MG_OPTION_INT, AT(sampling.top_k), {0}, 0, 1e9, NULL, "K", "choose among the K most likely; 0: all"},
    {"top_p", MG_OPTION_REAL, AT(sampling.top_p), {1}, 0, 1, NULL, "P",
     "choose among the most likely that reach this probability together"},
    {"beam", MG_OPTION_INT, AT(beam), {1}, 1, 64, NULL, "N",
     "beam search: the N most likely beginnings of a piece are gone on from"},
    {"branch", MG_OPTION_INT, AT(branch), {1}, 1, 64, NULL, "N", "beam search: N samples go on from each of them"},
    {"beam_steps", MG_OPTION_INT, AT(beam_steps), {1}, 1, 1e6, NULL, "N",
     "beam search: tokens or frames by which they go on between two choices"},
    {"inject", MG_OPTION_FLAG, AT(inject), {0}, 0, 0, NULL, NULL,
     "the primer is no beginning but goes along, step by step, and the model fills in below (polyphony)"},
    {"precision", MG_OPTION_CHOICE, AT(precision), {MG_FLOAT32}, 0, 0, precisions, "KIND",
     "of the weights: bfloat16 is quicker and very close, int8 quicker still and close"},
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
    mg_hash model_hash, data_hash;
    bool has_data;         /* the model says what it was trained on */
    sample_primer primer;
    int64_t primer_steps, limit; /* steps of the grid: in the primer, new in a piece */
    int resolution;
    bool is_stream;
    double bpm;
    mg_streams **streams;  /* one a thread */
    int n_streams;
    size_t group;          /* pieces that it makes at a time */
} maker;

/* ---- how much, and how fast ---- */

static mg_status refuse(mg_error *why, const char *what) { return mg_fail(why, MG_BAD_ARGUMENT, "%s", what); }

static bool has_beam(const mg_generate_options *o) { return o->beam * o->branch > 1; }

/* Of two options that both are given, one would mean nothing. */
static mg_status check_options(const mg_generate_job *job, const mg_encoding *e, mg_error *why)
{
    const mg_generate_options *o = &job->options;
    bool is_sure = o->sampling.temperature <= 0, counts_beats = e->steps_per_quarter > 0;
    if ((o->steps > 0) + (o->seconds > 0) + (o->bars > 0) > 1)
        return refuse(why, "--steps, --seconds, --bars: one of them says how long a piece is, not several");
    if (job->primer_path && job->primer_melody)
        return refuse(why, "--primer-melody: there is a --primer already");
    if (is_sure && job->count > 1) return refuse(why, "--count: at temperature 0 all pieces are the same");
    if (is_sure && o->sampling.top_k > 0) return refuse(why, "--top-k: at temperature 0 nothing is chosen among");
    if (is_sure && o->sampling.top_p < 1) return refuse(why, "--top-p: at temperature 0 nothing is chosen among");
    if (e->is_roll && o->sampling.top_k > 0) return refuse(why, "--top-k: of a frame each key is drawn for itself");
    if (e->is_roll && o->sampling.top_p < 1) return refuse(why, "--top-p: of a frame each key is drawn for itself");
    if (is_sure && has_beam(o)) return refuse(why, "--beam, --branch: at temperature 0 all samples are the same");
    if (o->beam_steps > 1 && !has_beam(o)) return refuse(why, "--beam-steps: without --beam or --branch none go on");
    if (!counts_beats && o->bpm > 0) return refuse(why, "--bpm: the model's encoding counts seconds, not beats");
    if (!counts_beats && o->bars > 0) return refuse(why, "--bars: the model's encoding counts seconds, not beats");
    return MG_OK;
}

/* Steps of the grid that are new in a piece. */
static int64_t find_limit(const maker *m)
{
    enum { USUAL_BARS = 16, USUAL_SECONDS = 30 };
    const mg_generate_options *o = &m->job->options;
    const mg_encoding *e = m->encoding;
    double per_quarter = m->resolution ? m->resolution : e->steps_per_quarter, steps = (double)o->steps;
    double per_second = e->steps_per_second ? e->steps_per_second : per_quarter * m->bpm / 60;
    double per_bar = per_quarter * sample_primer_bar(&m->primer);
    if (o->seconds > 0) steps = o->seconds * per_second;
    else if (o->bars > 0) steps = o->bars * per_bar;
    else if (o->steps == 0) steps = e->steps_per_second ? USUAL_SECONDS * per_second : USUAL_BARS * per_bar;
    return steps < 1 ? 1 : llround(steps);
}

/* Where seconds are counted the last token may reach further than was asked for. */
static mg_status cut_end(const maker *m, mg_score *score, mg_error *why)
{
    const mg_encoding *e = m->encoding;
    if (e->steps_per_second == 0) return MG_OK;
    mg_clock *clock = mg_clock_new(score);
    if (!clock) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    int64_t end = mg_clock_tick(clock, (double)(m->primer_steps + m->limit) / e->steps_per_second);
    mg_clock_free(clock);
    if (score->end_tick <= end) return MG_OK;
    for (size_t i = 0; i < score->n_notes; i++)
        if (score->notes[i].end > end) score->notes[i].end = end;
    score->end_tick = score->tracks[0].end_tick = end;
    return MG_OK;
}

/* ---- one piece ---- */

/* The provenance as the first text of the first track. */
static mg_status add_provenance(const maker *m, uint64_t index, mg_score *score, mg_error *why)
{
    mg_made_with with[3] = {{"model", m->job->model_path, m->model_hash}};
    size_t n = 1;
    if (m->has_data) with[n++] = (mg_made_with){"data", m->trained->data_path, m->data_hash};
    if (m->job->primer_path) with[n++] = (mg_made_with){"primer", m->primer.file, m->primer.hash};
    mg_provenance provenance = {.tool = m->job->tool, .seed = (int64_t)m->run->seed, .with = with, .n_with = n,
                                .rows = mg_generate_rows, .options = &m->job->options, .controls = &m->job->controls,
                                .prompt = m->job->primer_melody, .number = index + 1};
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
    if (m->has_data) mg_record_put_hash(&json, "data_hash", m->data_hash);
    mg_json_put_int(&json, "seed", (int64_t)m->run->seed);
    mg_json_put_int(&json, "index", (int64_t)index);
    mg_json_put_int(&json, "tokens", (int64_t)n_tokens);
    mg_json_put_real(&json, "seconds", seconds);
    if (m->job->primer_path) mg_record_put_path(&json, "prompt", m->job->primer_path);
    if (m->job->primer_melody) mg_json_put_text(&json, "prompt", m->job->primer_melody);
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
        status = m->encoding->decode(m->encoding, (const int32_t *)(const void *)tokens->data, n, m->bpm,
                                     m->resolution, &score, why);
    if (!status) status = cut_end(m, score, why);
    if (!status) status = sample_primer_sign(&m->primer, m->encoding, m->job->options.bpm == 0, score, why);
    if (!status && m->job->has_provenance) status = add_provenance(m, index, score, why);
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
    size_t most = w->m->group, first = group * most, n = w->n - first < most ? w->n - first : most;
    w->why[group].status =
        mg_streams_run(w->m->streams[group], w->first + first, n, w->tokens + first, &w->why[group]);
}

static mg_status run_wave(wave *w, mg_error *why)
{
    size_t groups = (w->n + w->m->group - 1) / w->m->group;
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
    size_t most = (size_t)m->n_streams * m->group;
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
    mg_generation generation = {.sampling = o->sampling, .steps = m->limit, .seed = m->run->seed,
                                .controls = m->job->controls,
                                .primer = (const int32_t *)(const void *)m->primer.tokens.data,
                                .n_primer = m->primer.tokens.length / sizeof(int32_t), .injects = o->inject,
                                .beam = o->beam, .branch = o->branch, .beam_steps = o->beam_steps,
                                .precision = (mg_precision)o->precision};
    int rows = m->job->count < MG_STREAMS ? (int)m->job->count : MG_STREAMS;
    m->group = has_beam(o) ? 1 : MG_STREAMS;
    uint64_t groups = (m->job->count + m->group - 1) / m->group;
    int n = m->run->threads < 1 ? 1 : m->run->threads;
    if (2 * groups <= (uint64_t)n) generation.threads = n; /* one group after the other, by all */
    if ((uint64_t)n > groups) n = (int)groups;
    m->streams = mg_alloc_zero((size_t)n, sizeof *m->streams);
    if (!m->streams) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_error inner = {0};
    for (; m->n_streams < n; m->n_streams++) {
        mg_streams **next = &m->streams[m->n_streams];
        mg_status status = m->n_streams == 0 ? mg_streams_new(m->trained, &generation, rows, next, &inner)
                                             : mg_streams_beside(m->streams[0], next, &inner);
        if (status) return mg_fail_in(why, status, m->job->model_path, &inner);
        if (mg_streams_threads(m->streams[0]) > 1) n = 1; /* else of a small model, a thread for each */
    }
    return MG_OK;
}

static mg_status check_injection(const maker *m, mg_error *why)
{
    if (!m->job->options.inject) return MG_OK;
    if (!m->job->primer_path && !m->job->primer_melody)
        return mg_fail(why, MG_BAD_ARGUMENT, "--inject: there is no primer to go along");
    if (m->encoding->step_end >= 0) return MG_OK;
    return mg_fail(why, MG_BAD_ARGUMENT, "--inject: %s: its encoding, %s, has no steps to fill in", m->job->model_path,
                   m->encoding->name);
}

static double first_above_0(double a, double b, double c) { return a > 0 ? a : b > 0 ? b : c; }

static mg_status read_primer(maker *m, mg_error *why)
{
    enum { USUAL_BPM = 120 };
    const mg_generate_job *job = m->job;
    sample_primer *p = &m->primer;
    m->bpm = first_above_0(job->options.bpm, m->trained->bpm, USUAL_BPM);
    if (m->encoding->steps_per_quarter == 0) m->bpm = USUAL_BPM;
    if (job->primer_path) MG_TRY(sample_primer_read(p, job->primer_path, m->encoding, m->resolution, why));
    if (job->primer_melody)
        MG_TRY(sample_primer_parse(p, job->primer_melody, m->encoding, m->resolution, m->bpm, why));
    if (job->options.bpm == 0 && p->bpm > 0) m->bpm = p->bpm;
    m->primer_steps = mg_encoding_steps(m->encoding, (const int32_t *)(const void *)p->tokens.data,
                                        p->tokens.length / sizeof(int32_t));
    return MG_OK;
}

static mg_status begin(maker *m, mg_model_finder find, mg_error *why)
{
    const mg_generate_job *job = m->job;
    MG_TRY(mg_trained_load(job->model_path, find, &m->trained, why));
    MG_TRY(mg_hash_file(job->model_path, &m->model_hash, why));
    m->has_data = mg_hash_from_hex(m->trained->data_hash, &m->data_hash);
    m->resolution = (int)m->trained->resolution;
    m->encoding = mg_encoding_find(m->trained->encoding);
    if (!m->encoding)
        return mg_fail(why, MG_UNSUPPORTED, "%s: encoding '%s' is not known", job->model_path, m->trained->encoding);
    MG_TRY(check_options(job, m->encoding, why));
    MG_TRY(check_injection(m, why));
    MG_TRY(read_primer(m, why));
    m->limit = find_limit(m);
    MG_TRY(open_streams(m, why));
    return m->is_stream || job->count == 0 ? MG_OK : mg_make_folder(job->output, why);
}

mg_status mg_generate(const mg_generate_job *job, mg_model_finder find, mg_run *run, mg_error *why)
{
    maker m = {.job = job, .run = run, .is_stream = strcmp(job->output, "-") == 0};
    mg_status status = begin(&m, find, why);
    if (!status) status = run_waves(&m, why);
    for (int i = m.n_streams; i-- > 0;) mg_streams_free(m.streams[i]); /* the first lends to the others */
    mg_free(m.streams);
    sample_primer_clear(&m.primer);
    mg_trained_free(m.trained);
    return status;
}
