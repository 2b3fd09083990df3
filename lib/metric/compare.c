/* SPDX-License-Identifier: MIT */
/* Two sets of pieces, metric by metric: how far apart (Glass's delta, Wasserstein-1), how sure (percentile bootstrap,
   Efron 1979) and whether chance would do (permutation test of the means; Holm 1979 over the metrics).

   A resample draws whole pieces, so that all metrics of a piece stay together; resamples are independent of each
   other and may be made by any thread. Values are kept as differences from their metric's mean, so that sums of
   squares lose nothing. */
#include <mgen/metric.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One set, ready to be resampled: piece by piece, 0 where there is no value. */
typedef struct {
    size_t n;
    double *x, *has; /* n * k */
} sample;

typedef struct {
    size_t k;
    sample a, b;
    uint64_t seed, first; /* the resample that comes next */
    double *draw; /* resamples * k: distance of a bootstrap sample, or difference in means of a permutation */
    bool *failed; /* resamples */
} resampling;

/* ---- one metric ---- */

static int by_value(const void *p, const void *q)
{
    double x = *(const double *)p, y = *(const double *)q;
    return (x > y) - (x < y);
}

/* The values of one metric that there are, sorted. */
static size_t column(const double *values, size_t n, size_t k, size_t metric, double *out)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i * k + metric])) out[count++] = values[i * k + metric];
    if (count) qsort(out, count, sizeof *out, by_value);
    return count;
}

static double mean_of(const double *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (values[i] - values[0]) / (double)n;
    return n ? values[0] + sum : 0;
}

static double sd_of(const double *values, size_t n, double mean)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++) squares += (values[i] - mean) * (values[i] - mean);
    return n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
}

/* The area between the two distribution functions. */
static double wasserstein(const double *a, size_t n_a, const double *b, size_t n_b)
{
    double sum = 0, at = a[0] < b[0] ? a[0] : b[0];
    for (size_t i = 0, j = 0; i < n_a || j < n_b;) {
        double next = j == n_b || (i < n_a && a[i] < b[j]) ? a[i] : b[j];
        sum += fabs((double)i / (double)n_a - (double)j / (double)n_b) * (next - at);
        at = next;
        while (i < n_a && a[i] == at) i++;
        while (j < n_b && b[j] == at) j++;
    }
    return sum;
}

/* All that needs no resampling. a and b are sorted. */
static void describe(mg_comparison *c, const double *a, const double *b)
{
    if (c->n_a == 0 || c->n_b == 0) {
        c->reason = c->n_a ? "the reference has no value" : "the set has no value";
        return;
    }
    c->has_means = true;
    c->a = mean_of(a, c->n_a);
    c->b = mean_of(b, c->n_b);
    c->median_a = mg_quantile(a, c->n_a, 0.5);
    c->median_b = mg_quantile(b, c->n_b, 0.5);
    c->sd_a = sd_of(a, c->n_a, c->a);
    c->sd_b = sd_of(b, c->n_b, c->b);
    c->has_distance = c->sd_b > 0;
    if (!c->has_distance) {
        c->reason = c->n_b < 2 ? "the reference has a single value" : "the reference does not vary";
        return;
    }
    c->distance = (c->a - c->b) / c->sd_b;
    c->wasserstein = wasserstein(a, c->n_a, b, c->n_b) / c->sd_b;
}

/* ---- resampling ---- */

/* Sums over some pieces, k each. */
typedef struct { double *count, *sum, *squares; } sums;

static void add_piece(const sample *s, size_t piece, size_t k, sums *to)
{
    const double *x = s->x + piece * k, *has = s->has + piece * k;
    for (size_t m = 0; m < k; m++) {
        to->count[m] += has[m];
        to->sum[m] += x[m];
        to->squares[m] += x[m] * x[m];
    }
}

static void draw_with_replacement(mg_random *random, const sample *s, size_t k, sums *to)
{
    for (size_t i = 0; i < s->n; i++) add_piece(s, mg_random_below(random, (uint32_t)s->n), k, to);
}

static sums sums_at(double *block, size_t k) { return (sums){block, block + k, block + 2 * k}; }

static void bootstrap(void *user, size_t i)
{
    resampling *s = user;
    size_t r = s->first + i;
    double *block = mg_alloc_zero(6 * s->k, sizeof *block), *draw = s->draw + r * s->k;
    s->failed[r] = !block;
    if (!block) return;
    sums a = sums_at(block, s->k), b = sums_at(block + 3 * s->k, s->k);
    mg_random random = mg_random_at(s->seed, "bootstrap", r);
    draw_with_replacement(&random, &s->a, s->k, &a);
    draw_with_replacement(&random, &s->b, s->k, &b);
    for (size_t m = 0; m < s->k; m++) {
        double n = b.count[m], mean = b.sum[m] / n, variance = (b.squares[m] - n * mean * mean) / (n - 1);
        double floor = 1e-12 * b.squares[m]; /* a sample of equal values, but for rounding */
        bool is_good = a.count[m] > 0 && n > 1 && variance > floor;
        draw[m] = is_good ? (a.sum[m] / a.count[m] - mean) / sqrt(variance) : NAN;
    }
    mg_free(block);
}

/* Deal the pieces of both sets anew: n_a of them, every choice as likely (selection sampling, Knuth 3.4.2 S). */
static void permute(void *user, size_t i)
{
    resampling *s = user;
    size_t r = s->first + i;
    double *block = mg_alloc_zero(6 * s->k, sizeof *block), *draw = s->draw + r * s->k;
    s->failed[r] = !block;
    if (!block) return;
    sums set[2] = {sums_at(block, s->k), sums_at(block + 3 * s->k, s->k)};
    mg_random random = mg_random_at(s->seed, "permutation", r);
    size_t wanted = s->a.n, left = s->a.n + s->b.n;
    for (size_t piece = 0; piece < s->a.n + s->b.n; piece++, left--) {
        bool is_a = mg_random_below(&random, (uint32_t)left) < wanted;
        wanted -= is_a;
        if (piece < s->a.n) add_piece(&s->a, piece, s->k, &set[!is_a]);
        else add_piece(&s->b, piece - s->a.n, s->k, &set[!is_a]);
    }
    for (size_t m = 0; m < s->k; m++) {
        bool is_good = set[0].count[m] > 0 && set[1].count[m] > 0;
        draw[m] = is_good ? set[0].sum[m] / set[0].count[m] - set[1].sum[m] / set[1].count[m] : NAN;
    }
    mg_free(block);
}

static mg_status resample(resampling *s, const mg_compare_options *options, const char *what,
                          void (*work)(void *, size_t), mg_error *why)
{
    enum { AT_ONCE = 64 };
    const uint64_t n = (uint64_t)options->resamples;
    for (s->first = 0; s->first < n; s->first += AT_ONCE) {
        mg_progress now = {.what = what, .done = s->first, .total = n};
        bool goes_on = !options->progress || options->progress(options->progress_user, &now);
        if (!goes_on || mg_stop_asked()) return mg_fail(why, MG_STOPPED, "asked to stop");
        mg_each(options->threads, n - s->first < AT_ONCE ? n - s->first : AT_ONCE, work, s);
    }
    for (int64_t r = 0; r < options->resamples; r++)
        if (s->failed[r]) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    return MG_OK;
}

static void read_interval(const resampling *s, size_t n, size_t m, double *sorted, mg_comparison *c)
{
    size_t good = column(s->draw, n, s->k, m, sorted);
    c->has_interval = c->has_distance && 2 * good > n; /* else most resamples have no spread */
    if (c->has_interval) {
        c->low = mg_quantile(sorted, good, 0.025);
        c->high = mg_quantile(sorted, good, 0.975);
    } else if (!c->reason) {
        c->reason = "too few values for an interval";
    }
}

static void read_p(const resampling *s, size_t n, size_t m, mg_comparison *c)
{
    if (!c->has_means) return;
    double observed = fabs(c->a - c->b) * (1 - 1e-12); /* rounding must not tell equals apart */
    size_t good = 0, as_far = 0;
    for (size_t r = 0; r < n; r++) {
        double d = s->draw[r * s->k + m];
        good += !isnan(d);
        as_far += !isnan(d) && fabs(d) >= observed;
    }
    c->has_p = true;
    c->p = (double)(1 + as_far) / (double)(1 + good);
}

/* The i-th smallest p times the number of those not smaller, made rising. */
static void correct(mg_comparison *result, size_t k, double *p)
{
    size_t n = 0;
    for (size_t m = 0; m < k; m++)
        if (result[m].has_p) p[n++] = result[m].p;
    if (n) qsort(p, n, sizeof *p, by_value);
    for (size_t m = 0; m < k; m++) {
        if (!result[m].has_p) continue;
        double highest = 0;
        for (size_t i = 0; i < n && p[i] <= result[m].p; i++)
            if (p[i] * (double)(n - i) > highest) highest = p[i] * (double)(n - i);
        result[m].p_holm = highest < 1 ? highest : 1;
    }
}

/* ---- the whole ---- */

/* Values as differences from `centre`. */
static bool take(sample *s, const double *values, size_t n, size_t k, const double *centre)
{
    s->n = n;
    s->x = mg_alloc_zero(n * k, sizeof *s->x);
    s->has = mg_alloc_zero(n * k, sizeof *s->has);
    if (!s->x || !s->has) return false;
    for (size_t i = 0; i < n * k; i++) {
        if (isnan(values[i])) continue;
        s->x[i] = values[i] - centre[i % k];
        s->has[i] = 1;
    }
    return true;
}

static mg_status compare(const double *a, const double *b, resampling *s, double *sorted,
                         const mg_compare_options *options, mg_comparison *result, mg_error *why)
{
    size_t n = (size_t)options->resamples, k = s->k;
    MG_TRY(resample(s, options, "resamples", bootstrap, why));
    for (size_t m = 0; m < k; m++) {
        mg_comparison *c = &result[m];
        c->n_a = column(a, s->a.n, k, m, sorted);
        c->n_b = column(b, s->b.n, k, m, sorted + c->n_a);
        c->nulls_a = s->a.n - c->n_a;
        c->nulls_b = s->b.n - c->n_b;
        describe(c, sorted, sorted + c->n_a);
        read_interval(s, n, m, sorted, c);
    }
    MG_TRY(resample(s, options, "permutations", permute, why));
    for (size_t m = 0; m < k; m++) read_p(s, n, m, &result[m]);
    correct(result, k, sorted);
    return MG_OK;
}

mg_status mg_compare(const double *a, size_t n_a, const double *b, size_t n_b, size_t k,
                     const mg_compare_options *options, mg_comparison *result, mg_error *why)
{
    size_t resamples = (size_t)options->resamples, longest = n_a + n_b;
    if (longest > UINT32_MAX) return mg_fail(why, MG_TOO_LARGE, "more than 2^32 pieces");
    if (resamples > longest) longest = resamples;
    if (k > longest) longest = k;
    memset(result, 0, k * sizeof *result);
    resampling s = {.k = k, .seed = options->seed, .draw = mg_alloc(resamples * k, sizeof(double)),
                    .failed = mg_alloc(resamples, sizeof(bool))};
    double *sorted = mg_alloc(longest, sizeof *sorted), *centre = mg_alloc_zero(k, sizeof *centre);
    bool has_memory = s.draw && s.failed && sorted && centre;
    for (size_t m = 0; has_memory && m < k; m++)
        centre[m] = mean_of(sorted, column(b, n_b, k, m, sorted));
    has_memory = has_memory && take(&s.a, a, n_a, k, centre) && take(&s.b, b, n_b, k, centre);
    mg_status status = has_memory ? compare(a, b, &s, sorted, options, result, why)
                                  : mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_free(s.draw);
    mg_free(s.failed);
    mg_free(s.a.x);
    mg_free(s.a.has);
    mg_free(s.b.x);
    mg_free(s.b.has);
    mg_free(sorted);
    mg_free(centre);
    return status;
}
