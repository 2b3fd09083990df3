/* SPDX-License-Identifier: MIT */
/** A group of streams from the inside: what beam search moves about. */
#ifndef SAMPLE_STREAMS_H
#define SAMPLE_STREAMS_H

#include <mgen/sample.h>

typedef struct {
    mg_random random;
    mg_grammar grammar;
    int64_t steps;         /* of the grid, new so far */
    int64_t said;          /* new tokens or frames so far */
    size_t read;           /* tokens of the primer that were used */
    bool is_over;
    double log_likelihood; /* of what is new; kept by beam search alone */
    mg_buffer *out;
} sample_stream;

/** What beam search needs beside the streams: where what was lies while it is dealt out anew. */
typedef struct {
    sample_stream *before;
    mg_buffer *tokens, *tokens_before; /* of each row */
    int32_t *from;
} sample_beam;

struct mg_streams {
    const mg_streams *lender; /* whose plan and weights it uses; NULL: its own */
    const mg_trained *trained;
    const mg_encoding *encoding;
    mg_generation generation;
    mg_plan *plan;
    mg_real **params;         /* both lent where there is a lender */
    mg_instance *run;
    sample_stream *stream;
    int rows;
    int64_t width;           /* logits of a row: tokens, or keys */
    bool *flags;             /* [rows, width]: what may follow; bits of a frame */
    int32_t *order;          /* [rows, width] */
    mg_real *first;          /* logits of how pieces begin */
    bool has_beam;
    sample_beam beam;
};

/** Row `row` is at its beginning; `draws` names its random sequence, with the record. */
void sample_begin(mg_streams *streams, int row, const char *draws, uint64_t record, mg_buffer *out);
/** Mark the rows that go on, where the model wants to know; false when none does. */
bool sample_goes_on(mg_streams *streams);
/** One token or frame more for each row that goes on. */
mg_status sample_step(mg_streams *streams, mg_error *why);

mg_status sample_beam_open(mg_streams *streams, mg_error *why);
void sample_beam_close(mg_streams *streams);
/** The tokens of a piece, by all rows together. */
mg_status sample_beam_run(mg_streams *streams, uint64_t record, mg_buffer *tokens, mg_error *why);

#endif
