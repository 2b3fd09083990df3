/* SPDX-License-Identifier: MIT */
/* What mgen-eval --likelihood does: pieces come through the flow, wait until there are enough of them, are heard in
   groups of like length, and become records; then all of them together. Which group a piece is in does not depend on
   the threads. */
#include "sample/likelihood.h"

#include <stdlib.h>
#include <string.h>

enum { WAITING = 64, WAITING_TOKENS = 1 << 22 };

typedef struct {
    const mg_likelihood_options *options;
    mg_run *run;
    mg_trained *trained;
    likelihood_set set;
    mg_listener **listeners; /* one a thread */
    int n_listeners;
    /* pieces that wait to be heard; their tokens */
    size_t first;            /* of set.pieces */
    mg_buffer tokens;
    mg_heard heard[WAITING];
    size_t order[WAITING];   /* longest first */
} evaluation;

/* ---- one piece, on any thread ---- */

/* The job's result: pieces in a row, each followed by its tokens. */
typedef struct { likelihood_piece *pieces; size_t n, capacity; mg_buffer tokens; } found;

static void release_found(void *result)
{
    found *f = result;
    for (size_t i = 0; i < f->n; i++) mg_free(f->pieces[i].path);
    mg_free(f->pieces);
    mg_buffer_free(&f->tokens);
    mg_free(f);
}

static size_t weigh_found(const void *result) { return ((const found *)result)->tokens.length; }

/* A record that speaks the model's language is taken by its word. */
static mg_status take_tokens(const evaluation *e, const mg_piece *piece, mg_buffer *tokens, mg_error *why)
{
    const mg_encoding *encoding = e->set.encoding, *own;
    const char *name = mg_json_get_string(piece->record, "encoding", encoding->is_roll ? "roll88" : "");
    bool has_tokens = mg_json_kind_of(mg_json_get(piece->record, encoding->is_roll ? "frames" : "tokens")) ==
                      MG_JSON_ARRAY;
    int64_t wanted = e->trained->resolution;
    if (!has_tokens || strcmp(name, encoding->name) != 0)
        return encoding->encode(encoding, piece->score, (int)wanted, tokens, why);
    if (wanted && piece->resolution && piece->resolution != wanted)
        return mg_fail(why, MG_BAD_DATA, "a grid of %d steps a quarter, where the model has %lld", piece->resolution,
                       (long long)wanted);
    return mg_record_tokens(piece->record, &own, tokens, why);
}

static bool holds_predictions(const mg_encoding *e, const mg_buffer *tokens, size_t first)
{
    size_t n = (tokens->length - first) / sizeof(int32_t);
    return n > 0 && mg_example_steps(e, (const int32_t *)(const void *)(tokens->data + first), n) > 0;
}

static mg_status describe(const evaluation *e, const mg_piece *piece, const mg_buffer *tokens, size_t first,
                          likelihood_piece *p, mg_error *why)
{
    const int32_t *said = (const int32_t *)(const void *)(tokens->data + first);
    size_t n = (tokens->length - first) / sizeof(int32_t);
    mg_clock *clock = mg_clock_new(piece->score);
    *p = (likelihood_piece){.path = mg_strdup(piece->path), .id = piece->id, .n_tokens = n,
                            .notes = (int64_t)piece->score->n_notes};
    if (!clock || !p->path) return mg_clock_free(clock), mg_free(p->path), mg_fail(why, MG_NO_MEMORY, "out of memory");
    p->seconds = mg_clock_seconds(clock, piece->score->end_tick);
    p->frames = mg_encoding_steps(e->set.encoding, said, n) - e->set.encoding->is_roll;
    mg_clock_free(clock);
    return MG_OK;
}

static mg_status take(void *user, mg_job *job, const mg_piece *piece, mg_error *why)
{
    const evaluation *e = user;
    const char *split = e->options->split;
    if (split && (!piece->split || strcmp(piece->split, split) != 0)) return MG_OK;
    if (!job->result) job->result = mg_alloc_zero(1, sizeof(found));
    found *f = job->result;
    if (!f || !mg_grow((void **)&f->pieces, f->n, &f->capacity, sizeof *f->pieces))
        return mg_fail(why, MG_NO_MEMORY, "out of memory");
    size_t first = f->tokens.length;
    mg_status status = take_tokens(e, piece, &f->tokens, why);
    if (!status && !holds_predictions(e->set.encoding, &f->tokens, first))
        status = mg_fail(why, MG_BAD_DATA, "too short: nothing is left to predict");
    if (!status) status = describe(e, piece, &f->tokens, first, &f->pieces[f->n], why);
    if (status) return f->tokens.length = first, status;
    f->n++;
    return MG_OK;
}

static mg_status work(void *user, mg_job *job)
{
    evaluation *e = user;
    return mg_job_pieces(job, &e->options->pieces, take, e);
}

/* ---- groups ---- */

typedef struct {
    evaluation *e;
    mg_calibration calibration[WAITING / MG_STREAMS];
    mg_error why[WAITING / MG_STREAMS];
    size_t n_groups, first; /* the group that comes next */
} hearing;

static void hear_group(void *user, size_t i)
{
    hearing *h = user;
    evaluation *e = h->e;
    size_t group = h->first + i, first = group * MG_STREAMS, waiting = e->set.n - e->first;
    size_t n = waiting - first < MG_STREAMS ? waiting - first : MG_STREAMS;
    mg_heard pieces[MG_STREAMS];
    for (size_t k = 0; k < n; k++) pieces[k] = e->heard[e->order[first + k]];
    h->why[group].status = mg_listener_hear(e->listeners[i], pieces, n, &h->calibration[group], &h->why[group]);
    for (size_t k = 0; k < n; k++) e->heard[e->order[first + k]] = pieces[k];
}

static void add_calibration(mg_calibration *to, const mg_calibration *from)
{
    for (int i = 0; i < MG_BINS; i++) {
        to->predicted[i] += from->predicted[i];
        to->observed[i] += from->observed[i];
        to->count[i] += from->count[i];
    }
}

/* Longest first, equals in their order, by insertion. */
static void sort_waiting(evaluation *e, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = i;
        for (; at > 0 && e->heard[e->order[at - 1]].n < e->heard[i].n; at--) e->order[at] = e->order[at - 1];
        e->order[at] = i;
    }
}

static mg_status hear_waiting(evaluation *e, mg_error *why)
{
    hearing h = {.e = e};
    size_t waiting = e->set.n - e->first;
    const char *tokens = e->tokens.data;
    if (e->tokens.failed) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < waiting; i++) {
        const likelihood_piece *p = &e->set.pieces[e->first + i];
        e->heard[i] = (mg_heard){.tokens = (const int32_t *)(const void *)tokens, .n = p->n_tokens};
        tokens += p->n_tokens * sizeof(int32_t);
    }
    sort_waiting(e, waiting);
    h.n_groups = (waiting + MG_STREAMS - 1) / MG_STREAMS;
    for (; h.first < h.n_groups; h.first += (size_t)e->n_listeners) {
        size_t n = h.n_groups - h.first, most = (size_t)e->n_listeners;
        mg_each(e->n_listeners, n < most ? n : most, hear_group, &h);
    }
    for (size_t g = 0; g < h.n_groups; g++) {
        if (h.why[g].status) return mg_fail_in(why, h.why[g].status, e->options->model_path, &h.why[g]);
        add_calibration(&e->set.calibration, &h.calibration[g]);
    }
    mg_buffer lines = {0};
    for (size_t i = 0; i < waiting; i++) {
        likelihood_piece *p = &e->set.pieces[e->first + i];
        p->nats = e->heard[i].nats;
        p->predictions = e->heard[i].predictions;
        likelihood_report_piece(&lines, &e->set, p);
    }
    mg_status status = mg_run_emit(e->run, &lines, why);
    mg_buffer_free(&lines);
    mg_buffer_clear(&e->tokens);
    e->first = e->set.n;
    return status;
}

/* In the order of the inputs. */
static mg_status collect(void *user, mg_job *job, mg_error *why)
{
    evaluation *e = user;
    found *f = job->result;
    const char *tokens = f ? f->tokens.data : NULL;
    for (size_t i = 0; f && i < f->n; i++) {
        likelihood_piece *p = &f->pieces[i];
        if (!mg_grow((void **)&e->set.pieces, e->set.n, &e->set.capacity, sizeof *p))
            return mg_fail(why, MG_NO_MEMORY, "out of memory");
        mg_buffer_add(&e->tokens, tokens, p->n_tokens * sizeof(int32_t));
        tokens += p->n_tokens * sizeof(int32_t);
        e->set.pieces[e->set.n++] = *p;
        p->path = NULL; /* it is the set's now */
        bool is_full = e->set.n - e->first == WAITING || e->tokens.length > WAITING_TOKENS * sizeof(int32_t);
        if (is_full) MG_TRY(hear_waiting(e, why));
    }
    return MG_OK;
}

/* ---- all of them ---- */

static mg_status begin(evaluation *e, mg_model_finder find, mg_error *why)
{
    const char *path = e->options->model_path;
    mg_error inner = {0};
    MG_TRY(mg_trained_load(path, find, &e->trained, why));
    MG_TRY(mg_hash_file(path, &e->set.model_hash, why));
    mg_status status = sample_encoding(e->trained, &e->set.encoding, &inner);
    if (status) return mg_fail_in(why, status, path, &inner);
    int n = e->run->threads < 1 ? 1 : e->run->threads;
    if (n > WAITING / MG_STREAMS) n = WAITING / MG_STREAMS;
    e->listeners = mg_alloc_zero((size_t)n, sizeof *e->listeners);
    if (!e->listeners) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (; e->n_listeners < n; e->n_listeners++) {
        status = mg_listener_new(e->trained, &e->listeners[e->n_listeners], &inner);
        if (status) return mg_fail_in(why, status, path, &inner);
    }
    return MG_OK;
}

static mg_status finish(evaluation *e, mg_error *why)
{
    MG_TRY(hear_waiting(e, why));
    const char *split = e->options->split;
    if (e->set.n == 0 && split) return mg_fail(why, MG_BAD_DATA, "no piece is said to be of the split '%s'", split);
    if (e->set.n == 0) return mg_fail(why, MG_BAD_DATA, "there is no piece to be heard");
    mg_buffer line = {0};
    mg_status status = likelihood_report_set(&line, &e->set, e->run, why);
    if (!status) status = mg_run_emit(e->run, &line, why);
    mg_buffer_free(&line);
    return status;
}

mg_status mg_likelihood_run(const mg_likelihood_options *options, mg_model_finder find, mg_source *source, mg_run *run,
                            mg_error *why)
{
    evaluation e = {.options = options, .run = run, .set.options = options};
    const mg_flow flow = {.work = work, .collect = collect, .release = release_found, .weigh = weigh_found, .user = &e};
    mg_status status = begin(&e, find, why);
    if (!status) status = mg_flow_run(&flow, source, run, why);
    if (!status) status = finish(&e, why);
    for (int i = 0; i < e.n_listeners; i++) mg_listener_free(e.listeners[i]);
    for (size_t i = 0; i < e.set.n; i++) mg_free(e.set.pieces[i].path);
    mg_free(e.set.pieces);
    mg_free(e.listeners);
    mg_buffer_free(&e.tokens);
    mg_trained_free(e.trained);
    return status;
}
