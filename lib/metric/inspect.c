/* SPDX-License-Identifier: MIT */
/* What inputs are: every input makes a part (a few counts and a card of its own), the parts are joined in order. */
#include "metric/card.h"
#include "metric/describe.h"

#include <mgen/metric.h>

#include <math.h>
#include <string.h>

/* What one input adds. */
typedef struct {
    card *card;                /* NULL where nothing is summed */
    char *kind;                /* of a record */
    char *encoding, *vocab_hash, *run; /* of a record; `run`: the tool and version of a run record, as JSON */
    uint64_t tokens;
    double loss, valid_loss;   /* of a step record; NaN: none */
} part;

/* A record stream or packed set, as far as it was read. */
typedef struct {
    char *path;                /* NULL: none is open */
    bool is_pack;
    uint64_t records, tokens, steps;
    counts kinds, encodings, hashes;
    char *run;
    double first_loss, last_loss, best_valid_loss;
} stream;

typedef struct {
    const mg_inspect_options *options;
    mg_run *run;
    mg_licences *licences;
    card *total;
    stream stream;
} walk;

static mg_status no_memory(mg_error *why) { return mg_fail(why, MG_NO_MEMORY, "out of memory"); }

/* ---- parts ---- */

static void part_free(void *result)
{
    part *p = result;
    if (!p) return;
    card_free(p->card);
    mg_free(p->kind);
    mg_free(p->encoding);
    mg_free(p->vocab_hash);
    mg_free(p->run);
    mg_free(p);
}

/* Whether the music of this input is summed up rather than told piece by piece. */
static bool is_summed(const walk *w, const mg_item *item)
{
    if (w->options->each) return false;
    return w->options->card || item->line || item->pack || !w->options->is_one;
}

static bool keep(char **to, const char *text)
{
    if (!text) return true;
    mg_free(*to);
    return (*to = mg_strdup(text)) != NULL;
}

static bool note_run(part *p, const mg_json *record)
{
    mg_buffer text = {0};
    mg_json_writer json = mg_json_to(&text);
    mg_json_object_begin(&json, NULL);
    mg_json_put_text(&json, "tool", mg_json_get_string(record, "tool", ""));
    mg_json_put_text(&json, "version", mg_json_get_string(record, "version", ""));
    mg_json_object_end(&json);
    p->run = text.data;
    return !text.failed;
}

/* What a record says besides music. */
static bool note_record(part *p, const mg_json *record)
{
    const char *kind = mg_json_get_string(record, "kind", mg_json_get(record, "path") ? "clip" : "(none)");
    p->tokens = mg_json_count(mg_json_get(record, "tokens"));
    if (strcmp(kind, "step") == 0) {
        p->loss = mg_json_get_real(record, "loss", NAN);
        p->valid_loss = mg_json_get_real(record, "valid_loss", NAN);
    }
    return keep(&p->kind, kind) && keep(&p->encoding, mg_json_get_string(record, "encoding", NULL)) &&
           keep(&p->vocab_hash, mg_json_get_string(record, "vocab_hash", NULL)) &&
           (strcmp(kind, "run") || note_run(p, record));
}

static mg_status visit(void *user, mg_job *job, const mg_piece *piece, mg_error *why)
{
    walk *w = user;
    part *p = job->result;
    char licence[MG_LICENCE_SIZE];
    if (piece->record && !p->kind && !note_record(p, piece->record)) return no_memory(why);
    MG_TRY(mg_licences_find(w->licences, job, piece, licence, why));
    return p->card ? card_add(p->card, piece, licence, why) : describe_piece(piece, licence, &job->out, why);
}

/* A reason without the path that it begins with. */
static const char *bare(const char *reason, const char *path)
{
    size_t n = strlen(path);
    return n && !strncmp(reason, path, n) && !strncmp(reason + n, ": ", 2) ? reason + n + 2 : reason;
}

/* Count the error records that this input has made so far. */
static mg_status count_errors(part *p, const mg_buffer *lines)
{
    for (const char *at = lines->data, *newline; at && (newline = strchr(at, '\n')); at = newline + 1) {
        mg_json *record;
        if (strncmp(at, "{\"kind\":\"error\"", 15)) continue;
        mg_status status = mg_json_parse(at, (size_t)(newline - at), &record, NULL);
        if (!status)
            status = card_add_error(p->card, bare(mg_json_get_string(record, "error", ""),
                                                  mg_json_get_string(record, "path", "")));
        mg_json_free(record);
        if (status) return status;
    }
    return MG_OK;
}

static mg_status work(void *user, mg_job *job)
{
    walk *w = user;
    const mg_item *item = &job->item;
    mg_status status;
    part *p = mg_alloc_zero(1, sizeof *p);
    if (!p) return no_memory(&job->why);
    job->result = p;
    p->loss = p->valid_loss = NAN;
    if (!item->line && !item->pack && !item->content.data && describe_other(item->path, &job->out, &status, &job->why))
        return status;
    if (is_summed(w, item) && !(p->card = card_new())) return no_memory(&job->why);
    status = mg_job_pieces(job, &w->options->pieces, visit, w);
    if (status == MG_NO_MEMORY || status == MG_STOPPED) return status;
    if (p->card && status && card_add_error(p->card, bare(job->why.text, item->path))) return no_memory(&job->why);
    if (p->card && job->tally.failed && count_errors(p, &job->out)) return no_memory(&job->why);
    if ((item->line || item->pack) && !p->kind) { /* it held no music */
        mg_json *record = NULL;
        mg_status parsed = mg_item_record(item, &record, NULL);
        bool has_memory = parsed != MG_NO_MEMORY && (parsed || note_record(p, record));
        mg_json_free(record);
        if (!has_memory) return no_memory(&job->why);
    }
    return status;
}

/* ---- streams ---- */

static void stream_clear(stream *s)
{
    mg_free(s->path);
    mg_free(s->run);
    counts_free(&s->kinds);
    counts_free(&s->encodings);
    counts_free(&s->hashes);
    *s = (stream){.first_loss = NAN, .last_loss = NAN, .best_valid_loss = NAN};
}

static mg_status stream_add(stream *s, const mg_item *item, part *p)
{
    if (!s->path && !(s->path = mg_strdup(item->path))) return MG_NO_MEMORY;
    s->is_pack = item->pack != NULL;
    s->records++;
    s->tokens += item->pack ? mg_pack_length(item->pack, item->number) : p->tokens;
    if (isfinite(p->loss)) {
        if (!s->steps++) s->first_loss = p->loss;
        s->last_loss = p->loss;
    }
    if (isfinite(p->valid_loss)) s->best_valid_loss = fmin(s->best_valid_loss, p->valid_loss);
    if (!s->run && p->run) s->run = p->run, p->run = NULL;
    if (p->encoding) MG_TRY(counts_add(&s->encodings, p->encoding, 1));
    if (p->vocab_hash) MG_TRY(counts_add(&s->hashes, p->vocab_hash, 1));
    return counts_add(&s->kinds, p->kind ? p->kind : "(broken)", 1);
}

static mg_status stream_put(const stream *s, mg_buffer *out)
{
    mg_json_writer json = mg_record_begin(out, "info");
    mg_record_put_path(&json, "path", s->path);
    mg_json_put_text(&json, "format", s->is_pack ? "packed set" : "records");
    mg_json_put_int(&json, "records", (int64_t)s->records);
    if (s->run) mg_json_put_raw(&json, "run", s->run, strlen(s->run));
    if (s->tokens) mg_json_put_int(&json, "tokens", (int64_t)s->tokens);
    MG_TRY(counts_put(&json, "kinds", &s->kinds));
    MG_TRY(counts_put(&json, "encodings", &s->encodings));
    MG_TRY(counts_put(&json, "vocab_hashes", &s->hashes));
    if (s->steps) {
        mg_json_object_begin(&json, "steps");
        mg_json_put_int(&json, "n", (int64_t)s->steps);
        mg_json_put_real(&json, "first_loss", s->first_loss);
        mg_json_put_real(&json, "last_loss", s->last_loss);
        if (isfinite(s->best_valid_loss)) mg_json_put_real(&json, "best_valid_loss", s->best_valid_loss);
        mg_json_object_end(&json);
    }
    mg_record_end(&json);
    return out->failed ? MG_NO_MEMORY : MG_OK;
}

/* The stream is over: say what it was. */
static mg_status stream_end(walk *w, mg_error *why)
{
    mg_buffer out = {0};
    if (!w->stream.path) return MG_OK;
    mg_status status = stream_put(&w->stream, &out) ? no_memory(why) : mg_run_emit(w->run, &out, why);
    mg_buffer_free(&out);
    stream_clear(&w->stream);
    return status;
}

static mg_status collect(void *user, mg_job *job, mg_error *why)
{
    walk *w = user;
    part *p = job->result;
    bool is_record = job->item.line || job->item.pack;
    bool goes_on = w->stream.path && (is_record || !p) && strcmp(w->stream.path, job->item.path) == 0;
    if (!goes_on) MG_TRY(stream_end(w, why));
    if (!p) { /* the input could not be had */
        const char *reason = bare(job->item.trouble.text, job->item.path);
        part none = {.loss = NAN, .valid_loss = NAN};
        if (goes_on && stream_add(&w->stream, &job->item, &none)) return no_memory(why);
        return is_summed(w, &job->item) && card_add_error(w->total, reason) ? no_memory(why) : MG_OK;
    }
    if (is_record && stream_add(&w->stream, &job->item, p)) return no_memory(why);
    return p->card && card_merge(w->total, p->card) ? no_memory(why) : MG_OK;
}

/* ---- the whole ---- */

mg_status mg_inspect_run(const mg_inspect_options *options, mg_source *source, mg_run *run, mg_error *why)
{
    walk w = {.options = options, .run = run, .licences = mg_licences_new(), .total = card_new()};
    mg_flow flow = {.work = work, .collect = collect, .release = part_free, .user = &w};
    mg_buffer out = {0};
    stream_clear(&w.stream);
    mg_status status = w.licences && w.total ? mg_flow_run(&flow, source, run, why) : no_memory(why);
    if (!status) status = stream_end(&w, why);
    if (!status && !card_is_empty(w.total)) {
        status = card_write(w.total, options->path, &out) ? no_memory(why) : mg_run_emit(run, &out, why);
        mg_buffer_free(&out);
    }
    stream_clear(&w.stream);
    card_free(w.total);
    mg_licences_free(w.licences);
    return status;
}
