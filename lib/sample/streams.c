/* SPDX-License-Identifier: MIT */
/* A group of pieces that grow side by side: one streaming graph at length one, a row of its batch for each piece. Every
   row is computed as if it were alone, and each piece draws from its own random sequence. What goes in at a step is a
   token or a frame; what comes out decides the next one, until the primer is used up and after it by chance. */
#include <mgen/sample.h>

#include <math.h>
#include <string.h>

typedef struct {
    mg_random random;
    mg_grammar grammar;
    int64_t steps;      /* new tokens or frames so far */
    size_t read;        /* tokens of the primer that were used */
    bool is_over;
    mg_buffer *out;
} stream;

struct mg_streams {
    const mg_trained *trained;
    const mg_encoding *encoding;
    mg_generation generation;
    mg_plan *plan;
    mg_real **params;
    mg_instance *run;
    stream stream[MG_STREAMS];
    int rows;
    int64_t width;           /* logits of a row: tokens, or keys */
    bool *flags;             /* what may follow; bits of a frame */
    int32_t *order;
    mg_real *first;          /* logits of how pieces begin */
};

/* ---- tokens ---- */

static void say(stream *x, int32_t token) { mg_buffer_add(x->out, &token, sizeof token); }

static void put_token(mg_streams *s, int row, int32_t token)
{
    ((int32_t *)mg_instance_input(s->run, "tokens").data)[row] = token;
}

static int32_t draw_token(mg_streams *s, stream *x, const mg_real *logits)
{
    const mg_encoding *e = s->encoding;
    for (int64_t i = 0; i < s->width; i++) s->flags[i] = !e->allows || e->allows(e, &x->grammar, (int32_t)i);
    return (int32_t)mg_sample_category(&s->generation.sampling, logits, s->width, s->flags, s->order, &x->random);
}

/* The next token: said, and put in place for the step that comes. */
static void next_token(mg_streams *s, int row, const mg_real *logits)
{
    stream *x = &s->stream[row];
    const mg_encoding *e = s->encoding;
    int32_t token;
    if (x->read < s->generation.n_primer) {
        token = s->generation.primer[x->read++];
    } else {
        x->is_over = x->steps == s->generation.steps;
        if (x->is_over) return;
        token = draw_token(s, x, logits);
        x->steps++;
        x->is_over = token == e->end;
        if (x->is_over) return;
    }
    if (e->follow) e->follow(e, &x->grammar, token);
    say(x, token);
    put_token(s, row, token);
}

/* ---- frames ---- */

static void read_frame(mg_streams *s, stream *x)
{
    memset(s->flags, 0, (size_t)s->width * sizeof *s->flags);
    for (; x->read < s->generation.n_primer; x->read++) {
        int64_t key = s->generation.primer[x->read] - s->encoding->low;
        if (s->generation.primer[x->read] == MG_FRAME_END) break;
        if (key >= 0 && key < s->width) s->flags[key] = true;
    }
    x->read++; /* the end of the frame */
}

static void next_frame(mg_streams *s, int row, const mg_real *logits)
{
    stream *x = &s->stream[row];
    mg_real *in = (mg_real *)mg_instance_input(s->run, "roll").data + row * s->width;
    if (x->read < s->generation.n_primer) {
        read_frame(s, x);
    } else {
        x->is_over = x->steps == s->generation.steps;
        if (x->is_over) return;
        mg_sample_bits(&s->generation.sampling, logits, s->width, s->flags, &x->random);
        x->steps++;
    }
    for (int64_t i = 0; i < s->width; i++) {
        in[i] = s->flags[i];
        if (s->flags[i]) say(x, (int32_t)(i + s->encoding->low));
    }
    say(x, MG_FRAME_END);
}

/* ---- the group ---- */

static void next(mg_streams *s, int row, const mg_real *logits)
{
    (s->encoding->is_roll ? next_frame : next_token)(s, row, logits);
}

static void begin(mg_streams *s, int row, uint64_t record, mg_buffer *out)
{
    s->stream[row] = (stream){.random = mg_random_at(s->generation.seed, "sample", record), .out = out};
    if (s->encoding->start >= 0 && !s->encoding->is_roll) put_token(s, row, s->encoding->start);
    else next(s, row, s->first);
}

/* Mark the rows that go on, where the model wants to know; false when none does. */
static bool any_goes_on(mg_streams *s)
{
    mg_real *mask = mg_instance_input(s->run, "mask").data;
    bool any = false;
    for (int row = 0; row < s->rows; row++) {
        if (mask) mask[row] = !s->stream[row].is_over;
        any |= !s->stream[row].is_over;
    }
    return any;
}

static mg_status step(mg_streams *s, mg_error *why)
{
    if (mg_stop_asked()) return mg_fail(why, MG_STOPPED, "asked to stop");
    MG_TRY(mg_instance_run(s->run, why));
    const mg_real *logits = mg_instance_output(s->run, "logits").data;
    for (int row = 0; row < s->rows; row++, logits += s->width) {
        if (s->stream[row].is_over) continue;
        if (!mg_reals_are_finite(logits, s->width))
            return mg_fail(why, MG_BAD_NUMBER, "after %lld steps its logits are not finite",
                           (long long)s->stream[row].steps);
        next(s, row, logits);
    }
    return MG_OK;
}

mg_status mg_streams_run(mg_streams *s, uint64_t first, size_t n, mg_buffer *tokens, mg_error *why)
{
    mg_instance_reset(s->run);
    for (int row = 0; row < s->rows; row++) s->stream[row].is_over = true;
    for (size_t i = 0; i < n; i++) begin(s, (int)i, first + i, &tokens[i]);
    while (any_goes_on(s)) MG_TRY(step(s, why));
    for (size_t i = 0; i < n; i++)
        if (tokens[i].failed) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    return MG_OK;
}

/* ---- making ---- */

static mg_status find_encoding(mg_streams *s, mg_error *why)
{
    const mg_trained *t = s->trained;
    char hash[33];
    s->encoding = mg_encoding_find(t->encoding);
    if (!s->encoding) return mg_fail(why, MG_UNSUPPORTED, "encoding '%s' is not known", t->encoding);
    MG_TRY(mg_encoding_vocab_hash(s->encoding, hash, why));
    if (strcmp(hash, t->vocab_hash) != 0)
        return mg_fail(why, MG_BAD_DATA, "its vocabulary is not that of %s in this version", t->encoding);
    return MG_OK;
}

/* Shares as logits; without any, all alike. */
static void begin_logits(mg_streams *s)
{
    const mg_trained *t = s->trained;
    for (int64_t i = 0; i < s->width; i++) {
        double p = t->n_first == (size_t)s->width ? fmin(fmax(t->first[i], 1e-9), 1 - 1e-9) : 0.5;
        s->first[i] = (mg_real)(s->encoding->is_roll ? log(p / (1 - p)) : log(p));
    }
}

static mg_status make(mg_streams *s, mg_error *why)
{
    MG_TRY(find_encoding(s, why));
    mg_graph *g = mg_model_graph(s->trained->model, s->trained->config, (mg_use){MG_STREAMING, 0, s->rows, 1, false});
    if (!g) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    MG_TRY(mg_plan_new(g, &s->plan, why));
    MG_TRY(mg_model_bind(mg_plan_graph(s->plan), &s->trained->params, &s->params, why));
    MG_TRY(mg_instance_new(s->plan, s->params, &s->run, why));
    mg_tensor logits = mg_instance_output(s->run, "logits");
    s->width = s->encoding->vocab;
    bool fits = mg_instance_input(s->run, s->encoding->is_roll ? "roll" : "tokens").data != NULL;
    if (!fits || mg_shape_count(&logits.shape) != s->rows * s->width)
        return mg_fail(why, MG_BAD_DATA, "what it takes and gives does not fit its encoding, %s", s->encoding->name);
    s->flags = mg_alloc((size_t)s->width, sizeof *s->flags);
    s->order = mg_alloc((size_t)s->width, sizeof *s->order);
    s->first = mg_alloc((size_t)s->width, sizeof *s->first);
    if (!s->flags || !s->order || !s->first) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    begin_logits(s);
    return MG_OK;
}

mg_status mg_streams_new(const mg_trained *trained, const mg_generation *generation, int rows, mg_streams **streams,
                         mg_error *why)
{
    mg_streams *s = *streams = mg_alloc_zero(1, sizeof *s);
    if (!s) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    s->trained = trained;
    s->generation = *generation;
    s->rows = rows < MG_STREAMS ? rows : MG_STREAMS;
    mg_status status = make(s, why);
    if (status) mg_streams_free(s), *streams = NULL;
    return status;
}

void mg_streams_free(mg_streams *s)
{
    if (!s) return;
    mg_instance_free(s->run);
    mg_plan_free(s->plan);
    mg_free(s->params);
    mg_free(s->flags);
    mg_free(s->order);
    mg_free(s->first);
    mg_free(s);
}
