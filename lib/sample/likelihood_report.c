/* SPDX-License-Identifier: MIT */
/* Likelihoods as records: of a piece; of a set, pieces pooled, with percentile bootstrap intervals over whole pieces
   (Efron 1979), calibration, and the pieces outside Tukey's fences. */
#include "sample/likelihood.h"

#include <math.h>
#include <stdlib.h>

/* ---- what is measured ---- */

static double tokens_of(const likelihood_set *s, const likelihood_piece *p)
{
    return s->encoding->is_roll ? 0 : (double)p->predictions;
}

static double frames_of(const likelihood_set *s, const likelihood_piece *p)
{
    return s->encoding->steps_per_second ? 0 : (double)p->frames;
}

static double notes_of(const likelihood_set *s, const likelihood_piece *p) { return (void)s, (double)p->notes; }
static double seconds_of(const likelihood_set *s, const likelihood_piece *p) { return (void)s, p->seconds; }

static const struct {
    const char *name;
    double scale; /* from nats */
    double (*amount)(const likelihood_set *set, const likelihood_piece *piece); /* 0: there is none */
    const char *reason;
} measures[] = {
    {"nll_nats_per_token", 1, tokens_of, "frames are predicted, not tokens"},
    {"nll_nats_per_frame", 1, frames_of, "the encoding counts seconds, not steps of a beat"},
    {"nll_nats_per_note", 1, notes_of, "there are no notes"},
    {"nll_nats_per_second", 1, seconds_of, "it takes no time"},
    {"nll_bits_per_second", 1.4426950408889634 /* 1 / ln 2 */, seconds_of, "it takes no time"},
};
enum { MEASURES = sizeof measures / sizeof *measures };

/* ---- a piece ---- */

void likelihood_report_piece(mg_buffer *out, const likelihood_set *s, const likelihood_piece *p)
{
    mg_json_writer json = mg_record_begin(out, "metrics");
    mg_record_put_path(&json, "path", p->path);
    mg_record_put_hash(&json, "id", p->id);
    if (s->options->split) mg_json_put_text(&json, "split", s->options->split);
    mg_record_put_hash(&json, "model_hash", s->model_hash);
    mg_json_object_begin(&json, "metrics");
    mg_json_put_real(&json, "nll_nats", p->nats);
    for (int m = 0; m < MEASURES; m++) {
        double amount = measures[m].amount(s, p);
        if (amount > 0) mg_json_put_real(&json, measures[m].name, p->nats * measures[m].scale / amount);
        else mg_json_put_null(&json, measures[m].name);
    }
    mg_json_object_end(&json);
    mg_json_object_begin(&json, "null_reasons");
    for (int m = 0; m < MEASURES; m++)
        if (!(measures[m].amount(s, p) > 0)) mg_json_put_text(&json, measures[m].name, measures[m].reason);
    mg_json_object_end(&json);
    mg_record_end(&json);
}

/* ---- pooled, and how sure that is ---- */

/* Nats of some pieces, and what they are divided by. */
typedef struct { double nats, amount[MEASURES]; } sums;

static void add_piece(const likelihood_set *s, const likelihood_piece *p, sums *to)
{
    to->nats += p->nats;
    for (int m = 0; m < MEASURES; m++) to->amount[m] += measures[m].amount(s, p);
}

static double pooled(const sums *x, int m) { return x->nats * measures[m].scale / x->amount[m]; }

typedef struct {
    const likelihood_set *set;
    uint64_t seed, first; /* the resample that comes next */
    size_t resamples;
    double *draws;        /* MEASURES columns of `resamples` */
} resampling;

static void resample(void *user, size_t i)
{
    resampling *r = user;
    const likelihood_set *s = r->set;
    size_t number = r->first + i;
    mg_random random = mg_random_at(r->seed, "bootstrap", number);
    sums x = {0};
    for (size_t k = 0; k < s->n; k++) add_piece(s, &s->pieces[mg_random_below(&random, (uint32_t)s->n)], &x);
    for (int m = 0; m < MEASURES; m++) r->draws[(size_t)m * r->resamples + number] = pooled(&x, m);
}

static mg_status draw_all(resampling *r, mg_run *run, mg_error *why)
{
    enum { AT_ONCE = 64 };
    for (r->first = 0; r->first < r->resamples; r->first += AT_ONCE) {
        mg_progress now = {.what = "resamples", .done = r->first, .total = r->resamples};
        if (mg_run_progress(run, &now)) return mg_fail(why, MG_STOPPED, "asked to stop");
        size_t left = r->resamples - r->first;
        mg_each(run->threads, left < AT_ONCE ? left : AT_ONCE, resample, r);
    }
    return MG_OK;
}

static int by_value(const void *p, const void *q)
{
    double x = *(const double *)p, y = *(const double *)q;
    return (x > y) - (x < y);
}

/* A sample without notes, say, has no value of theirs: then there is no interval. */
static void put_interval(mg_json_writer *json, double *draws, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(draws[i])) return mg_json_put_null(json, "ci95");
    qsort(draws, n, sizeof *draws, by_value);
    mg_json_put_reals(json, "ci95", (double[]){mg_quantile(draws, n, 0.025), mg_quantile(draws, n, 0.975)}, 2);
}

static void put_measures(mg_json_writer *json, const likelihood_set *s, resampling *r)
{
    sums all = {0};
    for (size_t i = 0; i < s->n; i++) add_piece(s, &s->pieces[i], &all);
    mg_json_object_begin(json, "metrics");
    for (int m = 0; m < MEASURES; m++) {
        if (!(all.amount[m] > 0)) {
            mg_json_put_null(json, measures[m].name);
            continue;
        }
        mg_json_object_begin(json, measures[m].name);
        mg_json_put_real(json, "value", pooled(&all, m));
        if (s->n > 1) put_interval(json, r->draws + (size_t)m * r->resamples, r->resamples);
        else mg_json_put_null(json, "ci95");
        mg_json_object_end(json);
    }
    mg_json_object_end(json);
    mg_json_object_begin(json, "null_reasons");
    for (int m = 0; m < MEASURES; m++)
        if (!(all.amount[m] > 0)) mg_json_put_text(json, measures[m].name, measures[m].reason);
    mg_json_object_end(json);
}

/* ---- calibration ---- */

static void put_calibration(mg_json_writer *json, const likelihood_set *s)
{
    const mg_calibration *c = &s->calibration;
    mg_json_object_begin(json, "calibration");
    mg_json_put_text(json, "of", s->encoding->is_roll ? "every key of a frame" : "the likeliest token");
    mg_json_put_real(json, "error", mg_calibration_error(c));
    mg_json_array_begin(json, "bins");
    for (int i = 0; i < MG_BINS; i++) {
        double n = (double)c->count[i];
        if (c->count[i] == 0) continue;
        mg_json_object_begin(json, NULL);
        mg_json_put_reals(json, "range", (double[]){(double)i / MG_BINS, (double)(i + 1) / MG_BINS}, 2);
        mg_json_put_int(json, "count", (int64_t)c->count[i]);
        mg_json_put_real(json, "predicted", c->predicted[i] / n);
        mg_json_put_real(json, "observed", c->observed[i] / n);
        mg_json_object_end(json);
    }
    mg_json_array_end(json);
    mg_json_object_end(json);
}

/* ---- outliers ---- */

typedef struct { const likelihood_piece *piece; double nats, beyond; } ranked; /* nats a prediction; beyond a fence */

static int by_distance(const void *p, const void *q)
{
    const ranked *x = p, *y = q;
    if (x->beyond != y->beyond) return x->beyond > y->beyond ? -1 : 1;
    return (x->piece > y->piece) - (x->piece < y->piece);
}

/* More than one and a half times the distance of the quartiles below the first or above the third (Tukey 1977). */
static void put_outliers(mg_json_writer *json, const likelihood_set *s, ranked *ranks, double *sorted)
{
    enum { MOST = 20 };
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        ranks[i] = (ranked){.piece = &s->pieces[i], .nats = s->pieces[i].nats / (double)s->pieces[i].predictions};
        sorted[i] = ranks[i].nats;
    }
    qsort(sorted, s->n, sizeof *sorted, by_value);
    double first = mg_quantile(sorted, s->n, 0.25), third = mg_quantile(sorted, s->n, 0.75);
    double low = first - 1.5 * (third - first), high = third + 1.5 * (third - first);
    for (size_t i = 0; i < s->n; i++) {
        ranks[i].beyond = fmax(low - ranks[i].nats, ranks[i].nats - high);
        n += ranks[i].beyond > 0;
    }
    qsort(ranks, s->n, sizeof *ranks, by_distance);
    mg_json_object_begin(json, "outliers");
    mg_json_put_text(json, "of", s->encoding->is_roll ? "nll_nats_per_frame" : "nll_nats_per_token");
    mg_json_put_reals(json, "fences", (double[]){low, high}, 2);
    mg_json_put_int(json, "count", (int64_t)n);
    mg_json_array_begin(json, "first");
    for (size_t i = 0; i < n && i < MOST; i++) {
        mg_json_object_begin(json, NULL);
        mg_record_put_path(json, "path", ranks[i].piece->path);
        mg_json_put_real(json, "value", ranks[i].nats);
        mg_json_object_end(json);
    }
    mg_json_array_end(json);
    mg_json_object_end(json);
}

/* ---- a set ---- */

static void put_set(mg_json_writer *json, const likelihood_set *s, const resampling *r)
{
    const mg_likelihood_options *o = s->options;
    int64_t predictions = 0;
    for (size_t i = 0; i < s->n; i++) predictions += s->pieces[i].predictions;
    mg_record_put_path(json, "model", o->model_path);
    mg_record_put_hash(json, "model_hash", s->model_hash);
    mg_json_put_text(json, "encoding", s->encoding->name);
    mg_json_array_begin(json, "set");
    for (size_t i = 0; i < o->n_paths; i++) mg_json_put_text(json, NULL, o->paths[i]);
    mg_json_array_end(json);
    if (o->split) mg_json_put_text(json, "split", o->split);
    mg_json_put_int(json, "pieces", (int64_t)s->n);
    mg_json_put_int(json, "predictions", predictions);
    mg_json_put_int(json, "resamples", (int64_t)r->resamples);
    mg_json_put_int(json, "seed", (int64_t)r->seed);
}

mg_status likelihood_report_set(mg_buffer *out, const likelihood_set *s, mg_run *run, mg_error *why)
{
    resampling r = {.set = s, .seed = run->seed, .resamples = (size_t)s->options->resamples};
    ranked *ranks = mg_alloc(s->n, sizeof *ranks);
    double *sorted = mg_alloc(s->n, sizeof *sorted);
    r.draws = mg_alloc(r.resamples, MEASURES * sizeof *r.draws);
    mg_status status = r.draws && ranks && sorted ? MG_OK : mg_fail(why, MG_NO_MEMORY, "out of memory");
    if (!status) status = draw_all(&r, run, why);
    if (!status) {
        mg_json_writer json = mg_record_begin(out, "likelihood");
        put_set(&json, s, &r);
        put_measures(&json, s, &r);
        put_calibration(&json, s);
        put_outliers(&json, s, ranks, sorted);
        mg_record_end(&json);
    }
    mg_free(r.draws);
    mg_free(ranks);
    mg_free(sorted);
    return status;
}
