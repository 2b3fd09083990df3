/* SPDX-License-Identifier: MIT */
/* The records of metrics and comparisons. Private to this room. */
#ifndef METRIC_REPORT_H
#define METRIC_REPORT_H

#include <mgen/metric.h>

const char *meaning_name(int meaning); /* "strict", "compat" */
bool has_meaning(const mg_metric *metric, int meaning);

/* A metrics record of the piece: values[i] of chosen[i]. */
void report_metrics(mg_buffer *out, const mg_piece *piece, int meaning, const mg_metric *const *chosen,
                    const mg_value *values, size_t n);

/* A comparison record: all[i] of compared[i]; the most distant metrics come first. */
typedef struct {
    const mg_eval_options *options;
    size_t n_a, n_b; /* pieces */
    uint64_t seed;
    const mg_metric *const *compared;
    const mg_comparison *all;
    size_t n;
} report_sets;
mg_status report_comparison(mg_buffer *out, const report_sets *sets, mg_error *why);

#endif
