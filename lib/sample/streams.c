/* SPDX-License-Identifier: MIT */
/* A group of pieces that grow side by side: one streaming graph at length one, a row of its batch for each piece. Every
   row is computed as if it were alone, and each piece draws from its own random sequence. What goes in at a step is a
   token or a frame; what comes out decides the next one, until the primer is used up and after it by chance. */
#include "sample/sample.h"
#include "sample/streams.h"

#include <math.h>
#include <string.h>

/* ---- tokens ---- */

static void say(sample_stream *x, int32_t token) { mg_buffer_add(x->out, &token, sizeof token); }

static void put_token(mg_streams *s, int row, int32_t token)
{
    int32_t *tokens = mg_instance_input(s->run, "tokens").data;
    if (tokens) tokens[row] = token;
}

/* What comes in beside the token. */
static void put_features(mg_streams *s, int row)
{
    const mg_encoding *e = s->encoding;
    const mg_controls *controls = &s->trained->controls;
    mg_real *features = mg_instance_input(s->run, "features").data;
    if (!features) return; /* the model wants none */
    mg_features_put(e, controls, &s->stream[row].grammar, &s->generation.controls,
                    features + row * mg_features_width(e, controls));
}

static int32_t draw_token(mg_streams *s, int row, const mg_real *logits)
{
    const mg_encoding *e = s->encoding;
    sample_stream *x = &s->stream[row];
    bool *flags = s->flags + row * s->width;
    for (int64_t i = 0; i < s->width; i++) flags[i] = !e->allows || e->allows(e, &x->grammar, (int32_t)i);
    if (e->end >= 0 && x->read < s->generation.n_primer) flags[e->end] = false; /* a primer goes to its end */
    const mg_sampling *sampling = &s->generation.sampling;
    int64_t token = mg_sample_category(sampling, logits, s->width, flags, s->order + row * s->width, &x->random);
    if (s->has_beam) x->log_likelihood += mg_sample_category_log(sampling, logits, s->width, token);
    x->said++;
    return (int32_t)token;
}

/* Whether the primer says the next token. One that is injected leaves the end of each step to chance. */
static bool is_primed(const mg_streams *s, const sample_stream *x)
{
    const mg_generation *g = &s->generation;
    return x->read < g->n_primer && !(g->injects && g->primer[x->read] == s->encoding->step_end);
}

/* The next token: said, and put in place for the step that comes. */
static void next_token(mg_streams *s, int row, const mg_real *logits)
{
    sample_stream *x = &s->stream[row];
    const mg_encoding *e = s->encoding;
    int32_t token;
    if (is_primed(s, x)) {
        token = s->generation.primer[x->read++];
    } else {
        token = draw_token(s, row, logits);
        x->read += token == e->step_end && x->read < s->generation.n_primer; /* on to the primer's next step */
        x->steps += mg_encoding_steps(e, &token, 1);
        x->is_over = token == e->end || x->steps >= s->generation.steps;
        if (token == e->end) return;
    }
    if (e->follow) e->follow(e, &x->grammar, token);
    say(x, token);
    put_token(s, row, token);
    put_features(s, row);
}

/* ---- frames ---- */

static void read_frame(const mg_streams *s, sample_stream *x, bool *keys)
{
    memset(keys, 0, (size_t)s->width * sizeof *keys);
    for (; x->read < s->generation.n_primer; x->read++) {
        int64_t key = s->generation.primer[x->read] - s->encoding->low;
        if (s->generation.primer[x->read] == MG_FRAME_END) break;
        if (key >= 0 && key < s->width) keys[key] = true;
    }
    x->read++; /* the end of the frame */
}

static void draw_frame(const mg_streams *s, sample_stream *x, bool *keys, const mg_real *logits)
{
    const mg_sampling *sampling = &s->generation.sampling;
    mg_sample_bits(sampling, logits, s->width, keys, &x->random);
    if (s->has_beam) x->log_likelihood += mg_sample_bits_log(sampling, logits, s->width, keys);
    x->said++;
}

static void next_frame(mg_streams *s, int row, const mg_real *logits)
{
    sample_stream *x = &s->stream[row];
    bool *keys = s->flags + row * s->width;
    mg_real *in = (mg_real *)mg_instance_input(s->run, "roll").data + row * s->width;
    if (x->read < s->generation.n_primer) {
        read_frame(s, x, keys);
    } else {
        draw_frame(s, x, keys, logits);
        x->is_over = ++x->steps >= s->generation.steps;
    }
    for (int64_t i = 0; i < s->width; i++) {
        in[i] = keys[i];
        if (keys[i]) say(x, (int32_t)(i + s->encoding->low));
    }
    say(x, MG_FRAME_END);
}

/* ---- the group ---- */

static void next(mg_streams *s, int row, const mg_real *logits)
{
    (s->encoding->is_roll ? next_frame : next_token)(s, row, logits);
}

void sample_begin(mg_streams *s, int row, const char *draws, uint64_t record, mg_buffer *out)
{
    s->stream[row] = (sample_stream){.random = mg_random_at(s->generation.seed, draws, record), .out = out};
    if (s->encoding->start >= 0 && !s->encoding->is_roll) put_token(s, row, s->encoding->start), put_features(s, row);
    else next(s, row, s->first);
}

bool sample_goes_on(mg_streams *s)
{
    mg_real *mask = mg_instance_input(s->run, "mask").data;
    bool any = false;
    for (int row = 0; row < s->rows; row++) {
        if (mask) mask[row] = !s->stream[row].is_over;
        any |= !s->stream[row].is_over;
    }
    return any;
}

static void draw(void *user, size_t row)
{
    mg_streams *s = user;
    const mg_real *logits = mg_instance_output(s->run, "logits").data;
    if (!s->stream[row].is_over) next(s, (int)row, logits + (int64_t)row * s->width);
}

mg_status sample_step(mg_streams *s, mg_error *why)
{
    if (mg_stop_asked()) return mg_fail(why, MG_STOPPED, "asked to stop");
    MG_TRY(mg_instance_run(s->run, why));
    const mg_real *logits = mg_instance_output(s->run, "logits").data;
    for (int row = 0; row < s->rows; row++, logits += s->width)
        if (!s->stream[row].is_over && !mg_reals_are_finite(logits, s->width))
            return mg_fail(why, MG_BAD_NUMBER, "after %lld steps its logits are not finite",
                           (long long)s->stream[row].steps);
    mg_each(s->generation.threads, (size_t)s->rows, draw, s);
    return MG_OK;
}

static mg_status run_group(mg_streams *s, uint64_t first, size_t n, mg_buffer *tokens, mg_error *why)
{
    mg_instance_reset(s->run);
    for (int row = 0; row < s->rows; row++) s->stream[row].is_over = true;
    for (size_t i = 0; i < n; i++) sample_begin(s, (int)i, "sample", first + i, &tokens[i]);
    while (sample_goes_on(s)) MG_TRY(sample_step(s, why));
    for (size_t i = 0; i < n; i++)
        if (tokens[i].failed) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    return MG_OK;
}

mg_status mg_streams_run(mg_streams *s, uint64_t first, size_t n, mg_buffer *tokens, mg_error *why)
{
    if (!s->has_beam) return run_group(s, first, n, tokens, why);
    for (size_t i = 0; i < n; i++) MG_TRY(sample_beam_run(s, first + i, &tokens[i], why));
    return MG_OK;
}

/* ---- making ---- */

mg_status sample_encoding(const mg_trained *t, const mg_encoding **encoding, mg_error *why)
{
    char hash[33];
    *encoding = mg_encoding_find(t->encoding);
    if (!*encoding) return mg_fail(why, MG_UNSUPPORTED, "encoding '%s' is not known", t->encoding);
    MG_TRY(mg_encoding_vocab_hash(*encoding, hash, why));
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

/* Whether the graph has the input, so wide. */
static bool takes(const mg_streams *s, const char *name, int64_t width)
{
    mg_tensor input = mg_instance_input(s->run, name);
    return input.data && mg_shape_count(&input.shape) == s->rows * width;
}

/* What it reads and says is what the encoding has. */
static bool fits(const mg_streams *s)
{
    const mg_encoding *e = s->encoding;
    mg_tensor logits = mg_instance_output(s->run, "logits");
    bool has_features = mg_instance_input(s->run, "features").data != NULL;
    if (mg_shape_count(&logits.shape) != s->rows * s->width) return false;
    if (has_features && !takes(s, "features", mg_features_width(e, &s->trained->controls))) return false;
    return e->is_roll ? takes(s, "roll", e->vocab) : has_features || takes(s, "tokens", 1);
}

/* A control that the model always has must be said, and one that it never has means nothing. */
static mg_status check_controls(const mg_streams *s, mg_error *why)
{
    static const char *const names[MG_CONTROLS] = {[MG_DENSITY] = "density", [MG_PITCHES] = "pitch-histogram"};
    for (int i = 0; i < MG_CONTROLS; i++) {
        int mode = s->trained->controls.mode[i];
        bool is_given = s->generation.controls.is_given[i];
        if (is_given && mode == MG_CONTROL_NONE)
            return mg_fail(why, MG_BAD_ARGUMENT, "--%s: it was not trained with one", names[i]);
        if (!is_given && mode == MG_CONTROL_GIVEN)
            return mg_fail(why, MG_BAD_ARGUMENT, "it was trained with a %s: say one with --%s", names[i], names[i]);
    }
    return MG_OK;
}

/* Of a model that is soon computed, threads would wait for each other for longer than they compute. */
static void limit_threads(mg_streams *s)
{
    const double worth_while = 4e5; /* operations for each piece: two layers of 128 have more, of 64 less */
    if (mg_plan_flops(s->plan) < worth_while * s->rows) s->generation.threads = 1;
}

/* What all groups of a model may share: where the weights are, as the kernels like them. */
static mg_status open_run(mg_streams *s, mg_error *why)
{
    if (s->lender) {
        s->plan = s->lender->plan, s->params = s->lender->params;
        MG_TRY(mg_instance_new(s->plan, s->params, s->generation.threads, &s->run, why));
        mg_instance_pack_as(s->run, s->lender->run);
        return MG_OK;
    }
    mg_graph *g = mg_model_graph(s->trained->model, s->trained->config, (mg_use){MG_STREAMING, 0, s->rows, 1, false});
    if (!g) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    MG_TRY(mg_plan_new(g, &s->plan, why));
    limit_threads(s);
    MG_TRY(mg_model_bind(mg_plan_graph(s->plan), &s->trained->params, &s->params, why));
    MG_TRY(mg_instance_new(s->plan, s->params, s->generation.threads, &s->run, why));
    return mg_instance_pack(s->run, s->generation.precision, why);
}

static mg_status make(mg_streams *s, mg_error *why)
{
    MG_TRY(sample_encoding(s->trained, &s->encoding, why));
    MG_TRY(check_controls(s, why));
    MG_TRY(open_run(s, why));
    s->width = s->encoding->vocab;
    if (!fits(s))
        return mg_fail(why, MG_BAD_DATA, "what it takes and gives does not fit its encoding, %s", s->encoding->name);
    s->flags = mg_alloc((size_t)(s->rows * s->width), sizeof *s->flags);
    s->order = mg_alloc((size_t)(s->rows * s->width), sizeof *s->order);
    s->first = mg_alloc((size_t)s->width, sizeof *s->first);
    s->stream = mg_alloc_zero((size_t)s->rows, sizeof *s->stream);
    if (!s->flags || !s->order || !s->first || !s->stream) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    begin_logits(s);
    return s->has_beam ? sample_beam_open(s, why) : MG_OK;
}

static int64_t at_least_1(int64_t n) { return n > 1 ? n : 1; }

mg_status mg_streams_new(const mg_trained *trained, const mg_generation *generation, int rows, mg_streams **streams,
                         mg_error *why)
{
    mg_streams *s = *streams = mg_alloc_zero(1, sizeof *s);
    if (!s) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    s->trained = trained;
    s->generation = *generation;
    mg_generation *g = &s->generation;
    g->beam = at_least_1(g->beam), g->branch = at_least_1(g->branch), g->beam_steps = at_least_1(g->beam_steps);
    s->has_beam = g->beam * g->branch > 1;
    s->rows = s->has_beam ? (int)(g->beam * g->branch) : rows < MG_STREAMS ? rows : MG_STREAMS;
    mg_status status = make(s, why);
    if (status) mg_streams_free(s), *streams = NULL;
    return status;
}

mg_status mg_streams_beside(const mg_streams *first, mg_streams **streams, mg_error *why)
{
    mg_streams *s = *streams = mg_alloc_zero(1, sizeof *s);
    if (!s) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    s->lender = first;
    s->trained = first->trained, s->generation = first->generation;
    s->has_beam = first->has_beam, s->rows = first->rows;
    mg_status status = make(s, why);
    if (status) mg_streams_free(s), *streams = NULL;
    return status;
}

int mg_streams_threads(const mg_streams *s) { return s->generation.threads > 1 ? s->generation.threads : 1; }

void mg_streams_free(mg_streams *s)
{
    if (!s) return;
    mg_instance_free(s->run);
    if (!s->lender) mg_plan_free(s->plan), mg_free(s->params);
    mg_free(s->flags);
    mg_free(s->order);
    mg_free(s->first);
    mg_free(s->stream);
    sample_beam_close(s);
    mg_free(s);
}
