/* SPDX-License-Identifier: MIT */
/** The likelihood of a set of pieces, as it is told. */
#ifndef SAMPLE_LIKELIHOOD_H
#define SAMPLE_LIKELIHOOD_H

#include "sample/sample.h"

typedef struct {
    char *path;          /**< owned */
    mg_hash id;
    size_t n_tokens;
    int64_t predictions; /**< tokens, or frames of a roll */
    int64_t frames;      /**< steps of the grid that were predicted */
    int64_t notes;
    double seconds, nats;
} likelihood_piece;

typedef struct {
    const mg_likelihood_options *options;
    const mg_encoding *encoding;
    mg_hash model_hash;
    likelihood_piece *pieces;
    size_t n, capacity;
    mg_calibration calibration;
} likelihood_set;

/** A metrics record. */
void likelihood_report_piece(mg_buffer *out, const likelihood_set *set, const likelihood_piece *piece);
/** A likelihood record; intervals are drawn by the run's seed on its threads. */
mg_status likelihood_report_set(mg_buffer *out, const likelihood_set *set, mg_run *run, mg_error *why);

#endif
