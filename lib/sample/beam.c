/* SPDX-License-Identifier: MIT */
/* Beam search as Magenta's: all rows of a group are branches of one piece. After each turn the most likely rows are
   kept, and every row goes on from one of them, each by its own random sequence. A row that is over stands for itself
   once and waits. */
#include "sample/streams.h"

#include <math.h>
#include <string.h>

mg_status sample_beam_open(mg_streams *s, mg_error *why)
{
    size_t rows = (size_t)s->rows;
    s->beam.before = mg_alloc(rows, sizeof *s->beam.before);
    s->beam.tokens = mg_alloc_zero(rows, sizeof *s->beam.tokens);
    s->beam.tokens_before = mg_alloc_zero(rows, sizeof *s->beam.tokens_before);
    s->beam.from = mg_alloc(rows, sizeof *s->beam.from);
    if (s->beam.before && s->beam.tokens && s->beam.tokens_before && s->beam.from) return MG_OK;
    return mg_fail(why, MG_NO_MEMORY, "out of memory");
}

void sample_beam_close(mg_streams *s)
{
    for (int row = 0; row < s->rows; row++) {
        if (s->beam.tokens) mg_buffer_free(&s->beam.tokens[row]);
        if (s->beam.tokens_before) mg_buffer_free(&s->beam.tokens_before[row]);
    }
    mg_free(s->beam.before);
    mg_free(s->beam.tokens);
    mg_free(s->beam.tokens_before);
    mg_free(s->beam.from);
}

/* The most likely row that is not among the first n of `taken`; of equals the first. */
static int32_t most_likely(const mg_streams *s, const int32_t *taken, int64_t n)
{
    int32_t best = -1;
    for (int32_t row = 0; row < s->rows; row++) {
        bool is_taken = false;
        for (int64_t i = 0; i < n; i++) is_taken |= taken[i] == row;
        if (!is_taken && (best < 0 || s->stream[row].log_likelihood > s->stream[best].log_likelihood)) best = row;
    }
    return best;
}

/* Deal the most likely rows out to all. */
static mg_status keep_best(mg_streams *s, mg_error *why)
{
    int64_t beam = s->generation.beam;
    sample_beam *b = &s->beam;
    mg_buffer *tokens = b->tokens;
    for (int64_t i = 0; i < beam; i++) b->from[i] = most_likely(s, b->from, i);
    for (int64_t row = beam; row < s->rows; row++) b->from[row] = b->from[row - beam];
    memcpy(b->before, s->stream, (size_t)s->rows * sizeof *s->stream);
    b->tokens = b->tokens_before;
    b->tokens_before = tokens;
    for (int64_t row = 0; row < s->rows; row++) {
        const mg_buffer *said = &b->tokens_before[b->from[row]];
        sample_stream *x = &s->stream[row];
        *x = b->before[b->from[row]];
        x->random = b->before[row].random;
        x->out = &b->tokens[row];
        if (x->is_over && row >= beam) x->log_likelihood = -INFINITY; /* it is among the first already */
        mg_buffer_clear(x->out);
        mg_buffer_add(x->out, said->data, said->length);
        if (said->failed || x->out->failed) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    }
    return mg_instance_take_rows(s->run, b->from, why);
}

/* Tokens or frames that rows which go on have said: all the same number. */
static int64_t said(const mg_streams *s)
{
    for (int row = 0; row < s->rows; row++)
        if (!s->stream[row].is_over) return s->stream[row].said;
    return 0;
}

mg_status sample_beam_run(mg_streams *s, uint64_t record, mg_buffer *tokens, mg_error *why)
{
    const mg_generation *g = &s->generation;
    uint64_t rows = (uint64_t)s->rows;
    int64_t turn = (g->steps - 1) % g->beam_steps + 1; /* its last token */
    mg_instance_reset(s->run);
    for (int row = 0; row < s->rows; row++) {
        mg_buffer_clear(&s->beam.tokens[row]);
        sample_begin(s, row, "beam", record * rows + (uint64_t)row, &s->beam.tokens[row]);
    }
    while (sample_goes_on(s)) {
        if (said(s) == turn) {
            MG_TRY(keep_best(s, why));
            turn += g->beam_steps;
        }
        if (sample_goes_on(s)) MG_TRY(sample_step(s, why));
    }
    const mg_buffer *best = &s->beam.tokens[most_likely(s, NULL, 0)];
    mg_buffer_add(tokens, best->data, best->length);
    return best->failed || tokens->failed ? mg_fail(why, MG_NO_MEMORY, "out of memory") : MG_OK;
}
