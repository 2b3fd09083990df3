/* SPDX-License-Identifier: MIT */
/* What mgen-eval does: a metrics record for each piece, and a comparison of two sets of them. */
#include "metric/report.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { CHOICE = 256 /* more than there are metrics */ };

typedef struct {
    const mg_eval_options *options;
    const mg_metric *chosen[CHOICE];
    size_t n_chosen;
    const mg_metric *compared[CHOICE]; /* those of them that are numbers */
    size_t n_compared;
    bool writes, keeps; /* in the walk that is on: records of the pieces, their numbers */
    mg_buffer *numbers; /* doubles, n_compared a piece, of the set that is being read */
} evaluation;

mg_eval_options mg_eval_defaults(void)
{
    return (mg_eval_options){.pieces.read = mg_read_defaults(), .resamples = 2000};
}

/* ---- the choice ---- */

static mg_status unknown_metric(const char *name, mg_error *why)
{
    const char *names[CHOICE + 1];
    size_t n = 0;
    for (const mg_metric *metric; (metric = mg_metric_at(n)); n++) names[n] = metric->name;
    names[n] = NULL;
    const char *near = mg_nearest_word(name, names);
    if (near) return mg_fail(why, MG_BAD_ARGUMENT, "there is no metric '%s'; did you mean '%s'?", name, near);
    return mg_fail(why, MG_BAD_ARGUMENT, "there is no metric '%s'; --list shows all", name);
}

static mg_status choose_one(evaluation *e, const char *name, mg_error *why)
{
    const mg_metric *metric = mg_metric_find(name);
    if (!metric) return unknown_metric(name, why);
    if (!has_meaning(metric, e->options->meaning))
        return mg_fail(why, MG_BAD_ARGUMENT, "the metric '%s' has no %s meaning", name,
                       meaning_name(e->options->meaning));
    for (size_t i = 0; i < e->n_chosen; i++)
        if (e->chosen[i] == metric) return MG_OK;
    e->chosen[e->n_chosen++] = metric;
    return MG_OK;
}

static mg_status choose(evaluation *e, mg_error *why)
{
    assert(mg_metric_count() <= CHOICE);
    const char *only = e->options->only;
    for (size_t i = 0; !only && i < mg_metric_count(); i++)
        if (has_meaning(mg_metric_at(i), e->options->meaning)) e->chosen[e->n_chosen++] = mg_metric_at(i);
    while (only && *only) {
        size_t n = strcspn(only, ",");
        char name[64] = "";
        memcpy(name, only, n < sizeof name ? n : sizeof name - 1);
        MG_TRY(choose_one(e, name, why));
        only += n + (only[n] == ',');
    }
    for (size_t i = 0; i < e->n_chosen; i++)
        if (e->chosen[i]->kind == MG_NUMBER || e->chosen[i]->kind == MG_COUNT)
            e->compared[e->n_compared++] = e->chosen[i];
    if (e->options->n_against && e->n_compared == 0)
        return mg_fail(why, MG_BAD_ARGUMENT, "none of the metrics is a number that could be compared");
    return MG_OK;
}

/* ---- one piece ---- */

/* The job's result is a buffer of numbers, which the collector joins to those of its set. */
static mg_buffer *result_of(mg_job *job)
{
    if (!job->result) job->result = mg_alloc_zero(1, sizeof(mg_buffer));
    return job->result;
}

static void release_result(void *result)
{
    mg_buffer_free(result);
    mg_free(result);
}

static mg_status measure(void *user, mg_job *job, const mg_piece *piece, mg_error *why)
{
    const evaluation *e = user;
    mg_analysis *analysis;
    mg_value values[CHOICE];
    MG_TRY(mg_analysis_new(piece->score, (mg_meaning)e->options->meaning, &analysis, why));
    for (size_t i = 0; i < e->n_chosen; i++) values[i] = mg_metric_measure(e->chosen[i], analysis);
    if (e->writes) report_metrics(&job->out, piece, e->options->meaning, e->chosen, values, e->n_chosen);
    mg_buffer *numbers = e->keeps ? result_of(job) : NULL;
    for (size_t i = 0; numbers && i < e->n_chosen; i++) {
        if (e->chosen[i]->kind != MG_NUMBER && e->chosen[i]->kind != MG_COUNT) continue;
        double number = values[i].reason ? NAN : values[i].number;
        mg_buffer_add(numbers, &number, sizeof number);
    }
    mg_analysis_free(analysis);
    return e->keeps && (!numbers || numbers->failed) ? mg_fail(why, MG_NO_MEMORY, "out of memory") : MG_OK;
}

/* A record that mgen-eval has made before. */
static mg_status take_metrics(const evaluation *e, const mg_json *record, mg_job *job)
{
    const char *meaning = mg_json_get_string(record, "meaning", "");
    job->tally.pieces++;
    const mg_json *metrics = mg_json_get(record, "metrics");
    if (strcmp(meaning, meaning_name(e->options->meaning)) != 0)
        return mg_fail(&job->why, MG_BAD_DATA, "a metrics record with the meaning '%s', not '%s'", meaning,
                       meaning_name(e->options->meaning));
    if (mg_json_get_int(record, "definitions", 0) != MG_METRIC_DEFINITIONS)
        return mg_fail(&job->why, MG_BAD_DATA, "a metrics record of other definitions (%lld, not %d)",
                       (long long)mg_json_get_int(record, "definitions", 0), MG_METRIC_DEFINITIONS);
    if (e->writes) {
        mg_json_writer json = mg_json_to(&job->out);
        mg_json_put_copy(&json, NULL, record);
        mg_buffer_add_char(&job->out, '\n');
    }
    mg_buffer *numbers = e->keeps ? result_of(job) : NULL;
    for (size_t i = 0; numbers && i < e->n_compared; i++) {
        double number = mg_json_get_real(metrics, e->compared[i]->name, NAN);
        mg_buffer_add(numbers, &number, sizeof number);
    }
    return e->keeps && (!numbers || numbers->failed) ? mg_fail(&job->why, MG_NO_MEMORY, "out of memory") : MG_OK;
}

static mg_status work(void *user, mg_job *job)
{
    evaluation *e = user;
    static const char mark[] = "\"metrics\""; /* spares other records being parsed twice */
    bool is_metrics = job->item.line && memmem(job->item.line, job->item.length, mark, sizeof mark - 1);
    mg_json *record = NULL;
    if (is_metrics) MG_TRY(mg_item_record(&job->item, &record, &job->why));
    is_metrics = strcmp(mg_json_get_string(record, "kind", ""), "metrics") == 0;
    mg_status status = is_metrics ? take_metrics(e, record, job)
                                  : mg_job_pieces(job, &e->options->pieces, measure, e);
    mg_json_free(record);
    return status;
}

static mg_status collect(void *user, mg_job *job, mg_error *why)
{
    evaluation *e = user;
    const mg_buffer *numbers = job->result;
    if (numbers) mg_buffer_add(e->numbers, numbers->data, numbers->length);
    return e->numbers->failed ? mg_fail(why, MG_NO_MEMORY, "out of memory") : MG_OK;
}

static mg_status walk(evaluation *e, mg_source *source, mg_buffer *numbers, mg_run *run, mg_error *why)
{
    const mg_flow flow = {.work = work, .collect = numbers ? collect : NULL, .release = release_result, .user = e};
    e->keeps = numbers != NULL;
    e->numbers = numbers;
    return mg_flow_run(&flow, source, run, why);
}

/* ---- two sets ---- */

static mg_status compare_sets(const evaluation *e, const mg_buffer *a, const mg_buffer *b, mg_run *run, mg_error *why)
{
    size_t row = e->n_compared * sizeof(double), n_a = a->length / row, n_b = b->length / row;
    if (n_a == 0) return mg_fail(why, MG_BAD_DATA, "there is no piece to compare");
    if (n_b == 0) return mg_fail(why, MG_BAD_DATA, "there is no piece in the reference set");
    mg_compare_options options = {.resamples = e->options->resamples, .seed = run->seed, .threads = run->threads,
                                  .progress = run->progress, .progress_user = run->progress_user};
    mg_comparison *all = mg_alloc(e->n_compared, sizeof *all);
    if (!all) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_status status = mg_compare((const double *)(const void *)a->data, n_a, (const double *)(const void *)b->data,
                                  n_b, e->n_compared, &options, all, why);
    mg_buffer out = {0};
    const report_sets sets = {.options = e->options, .n_a = n_a, .n_b = n_b, .seed = run->seed,
                              .compared = e->compared, .all = all, .n = e->n_compared};
    if (!status) status = report_comparison(&out, &sets, why);
    if (!status) status = mg_run_emit(run, &out, why);
    mg_buffer_free(&out);
    mg_free(all);
    return status;
}

static mg_status run_against(evaluation *e, mg_source *source, mg_run *run, mg_error *why)
{
    mg_buffer a = {0}, b = {0};
    mg_source *reference = NULL;
    const mg_source_options from = {.paths = e->options->against, .n_paths = e->options->n_against};
    mg_status status = walk(e, source, &a, run, why);
    if (!status) status = mg_source_open(&from, &reference, why);
    e->writes = false;
    if (!status) status = walk(e, reference, &b, run, why);
    mg_source_close(reference);
    if (!status) status = compare_sets(e, &a, &b, run, why);
    mg_buffer_free(&a);
    mg_buffer_free(&b);
    return status;
}

mg_status mg_eval_run(const mg_eval_options *options, mg_source *source, mg_run *run, mg_error *why)
{
    evaluation e = {.options = options, .writes = options->writes_pieces};
    MG_TRY(choose(&e, why));
    return options->n_against ? run_against(&e, source, run, why) : walk(&e, source, NULL, run, why);
}
