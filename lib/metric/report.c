/* SPDX-License-Identifier: MIT */
/* Records: what was measured of a piece, how two sets compare, and what there is to measure. */
#include "metric/report.h"

#include <math.h>
#include <stdlib.h>

const char *meaning_name(int meaning) { return meaning == MG_COMPAT ? "compat" : "strict"; }

bool has_meaning(const mg_metric *metric, int meaning) { return metric->meanings >> meaning & 1; }

/* ---- a piece ---- */

static void put_value(mg_json_writer *json, const mg_metric *metric, const mg_value *value)
{
    if (value->reason) mg_json_put_null(json, metric->name);
    else if (metric->kind == MG_COUNT) mg_json_put_int(json, metric->name, (int64_t)value->number);
    else if (metric->kind == MG_NUMBER) mg_json_put_real(json, metric->name, value->number);
    else if (metric->kind == MG_WORDS) mg_json_put_text(json, metric->name, value->words);
    else mg_json_put_reals(json, metric->name, value->list, (size_t)metric->width);
}

void report_metrics(mg_buffer *out, const mg_piece *piece, int meaning, const mg_metric *const *chosen,
                    const mg_value *values, size_t n)
{
    mg_json_writer json = mg_record_begin(out, "metrics");
    mg_record_put_path(&json, "path", piece->path);
    mg_record_put_hash(&json, "id", piece->id);
    if (piece->split) mg_json_put_text(&json, "split", piece->split);
    mg_json_put_text(&json, "meaning", meaning_name(meaning));
    mg_json_put_int(&json, "definitions", MG_METRIC_DEFINITIONS);
    mg_json_object_begin(&json, "metrics");
    for (size_t i = 0; i < n; i++) put_value(&json, chosen[i], &values[i]);
    mg_json_object_end(&json);
    mg_json_object_begin(&json, "null_reasons");
    for (size_t i = 0; i < n; i++)
        if (values[i].reason) mg_json_put_text(&json, chosen[i]->name, values[i].reason);
    mg_json_object_end(&json);
    mg_record_end(&json);
}

/* ---- two sets ---- */

static void put_set(mg_json_writer *json, const char *key, const char *const *paths, size_t n)
{
    mg_buffer name = {0};
    mg_buffer_add_text(&name, n ? paths[0] : "-");
    if (n > 1) mg_buffer_print(&name, " and %zu more", n - 1);
    if (name.failed) json->out->failed = true;
    else mg_record_put_path(json, key, name.data);
    mg_buffer_free(&name);
}

static void put_or_null(mg_json_writer *json, const char *key, bool is_there, double value)
{
    if (is_there) mg_json_put_real(json, key, value);
    else mg_json_put_null(json, key);
}

static void put_comparison(mg_json_writer *json, const char *name, const mg_comparison *c)
{
    mg_json_object_begin(json, name);
    put_or_null(json, "a", c->has_means, c->a);
    put_or_null(json, "b", c->has_means, c->b);
    put_or_null(json, "distance", c->has_distance, c->distance);
    if (c->has_interval) mg_json_put_reals(json, "ci95", (double[]){c->low, c->high}, 2);
    else mg_json_put_null(json, "ci95");
    put_or_null(json, "p", c->has_p, c->p);
    put_or_null(json, "p_holm", c->has_p, c->p_holm);
    put_or_null(json, "wasserstein", c->has_distance, c->wasserstein);
    put_or_null(json, "median_a", c->has_means, c->median_a);
    put_or_null(json, "median_b", c->has_means, c->median_b);
    put_or_null(json, "sd_a", c->has_means, c->sd_a);
    put_or_null(json, "sd_b", c->has_means, c->sd_b);
    mg_json_put_int(json, "nulls_a", (int64_t)c->nulls_a);
    mg_json_put_int(json, "nulls_b", (int64_t)c->nulls_b);
    mg_json_object_end(json);
}

/* Comparisons to be ordered: the most distant first, those without a distance last, else as in the table. */
typedef struct { const mg_comparison *is; const mg_metric *of; } ranked;

static int by_distance(const void *p, const void *q)
{
    const ranked *x = p, *y = q;
    double dx = x->is->has_distance ? fabs(x->is->distance) : -1, dy = y->is->has_distance ? fabs(y->is->distance) : -1;
    if (dx != dy) return dx > dy ? -1 : 1;
    return (x->is > y->is) - (x->is < y->is);
}

mg_status report_comparison(mg_buffer *out, const report_sets *sets, mg_error *why)
{
    const mg_eval_options *o = sets->options;
    ranked *order = mg_alloc(sets->n, sizeof *order);
    if (!order) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < sets->n; i++) order[i] = (ranked){&sets->all[i], sets->compared[i]};
    qsort(order, sets->n, sizeof *order, by_distance);
    mg_json_writer json = mg_record_begin(out, "comparison");
    put_set(&json, "set_a", o->paths, o->n_paths);
    put_set(&json, "set_b", o->against, o->n_against);
    mg_json_put_int(&json, "n_a", (int64_t)sets->n_a);
    mg_json_put_int(&json, "n_b", (int64_t)sets->n_b);
    mg_json_put_text(&json, "meaning", meaning_name(o->meaning));
    mg_json_put_int(&json, "definitions", MG_METRIC_DEFINITIONS);
    mg_json_put_int(&json, "resamples", o->resamples);
    mg_json_put_int(&json, "seed", (int64_t)sets->seed);
    mg_json_object_begin(&json, "metrics");
    for (size_t i = 0; i < sets->n; i++) put_comparison(&json, order[i].of->name, order[i].is);
    mg_json_object_end(&json);
    mg_json_object_begin(&json, "null_reasons");
    for (size_t i = 0; i < sets->n; i++)
        if (order[i].is->reason) mg_json_put_text(&json, order[i].of->name, order[i].is->reason);
    mg_json_object_end(&json);
    mg_record_end(&json);
    mg_free(order);
    return MG_OK;
}

/* ---- the list ---- */

static void put_limit(mg_json_writer *json, double limit)
{
    if (isfinite(limit)) mg_json_put_real(json, NULL, limit);
    else mg_json_put_null(json, NULL);
}

static void write_metric(const mg_metric *metric, mg_buffer *out)
{
    static const char *const kinds[] = {"number", "count", "words", "list"};
    static const char *const better[] = {"lower", "neither", "higher"};
    mg_json_writer json = mg_record_begin(out, "metric");
    mg_json_put_text(&json, "name", metric->name);
    mg_json_put_text(&json, "unit", metric->unit);
    mg_json_put_text(&json, "value", kinds[metric->kind]);
    mg_json_array_begin(&json, "range");
    if (metric->kind != MG_WORDS) put_limit(&json, metric->low), put_limit(&json, metric->high);
    mg_json_array_end(&json);
    mg_json_put_text(&json, "better", better[metric->better + 1]);
    mg_json_array_begin(&json, "meanings");
    for (int meaning = MG_STRICT; meaning <= MG_COMPAT; meaning++)
        if (has_meaning(metric, meaning)) mg_json_put_text(&json, NULL, meaning_name(meaning));
    mg_json_array_end(&json);
    mg_json_put_text(&json, "definition", metric->definition);
    if (metric->compat) mg_json_put_text(&json, "compat", metric->compat);
    mg_json_put_text(&json, "source", metric->source);
    mg_record_end(&json);
}

mg_status mg_eval_list(mg_run *run, mg_error *why)
{
    mg_buffer out = {0};
    for (size_t i = 0; i < mg_metric_count(); i++) write_metric(mg_metric_at(i), &out);
    mg_status status = mg_run_emit(run, &out, why);
    mg_buffer_free(&out);
    return status;
}
