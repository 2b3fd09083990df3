/* SPDX-License-Identifier: MIT */
/* One choice from logits. Probabilities are in double, sums in the order of the candidates. */
#include <mgen/sample.h>

#include <math.h>
#include <stdlib.h>

/* The candidates: numbers that are allowed, in the order of their numbers. */
static int64_t candidates(int64_t n, const bool *allowed, int32_t *order)
{
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++)
        if (!allowed || allowed[i]) order[count++] = (int32_t)i;
    return count;
}

static int64_t most_likely(const mg_real *logits, const int32_t *order, int64_t count)
{
    int64_t best = order[0];
    for (int64_t i = 1; i < count; i++)
        if (logits[order[i]] > logits[best]) best = order[i];
    return best;
}

/* Most likely first, equals by number. Heap sort, as it needs neither memory nor a hidden argument. */
static bool comes_before(const mg_real *logits, int32_t a, int32_t b)
{
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
}

static void sift(const mg_real *logits, int32_t *order, int64_t at, int64_t n)
{
    for (int64_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && comes_before(logits, order[child], order[child + 1])) child++;
        if (!comes_before(logits, order[at], order[child])) return;
        int32_t kept = order[at];
        order[at] = order[child];
        order[child] = kept;
    }
}

static void sort(const mg_real *logits, int32_t *order, int64_t n)
{
    for (int64_t i = n / 2; i-- > 0;) sift(logits, order, i, n);
    for (int64_t end = n - 1; end > 0; end--) {
        int32_t kept = order[0];
        order[0] = order[end];
        order[end] = kept;
        sift(logits, order, 0, end);
    }
}

int64_t mg_sample_category(const mg_sampling *s, const mg_real *logits, int64_t n, const bool *allowed, int32_t *order,
                           mg_random *random)
{
    int64_t count = candidates(n, allowed, order);
    int64_t best = most_likely(logits, order, count);
    if (s->temperature <= 0) return best;
    double top = (double)logits[best], scale = 1 / s->temperature, total = 0;
    bool is_cut = s->top_k > 0 && s->top_k < count;
    if (is_cut || s->top_p < 1) sort(logits, order, count);
    if (is_cut) count = s->top_k;
    for (int64_t i = 0; i < count; i++) total += exp(((double)logits[order[i]] - top) * scale);
    if (s->top_p < 1) {
        double reached = 0, wanted = s->top_p * total;
        int64_t kept = 0;
        while (kept < count && (kept == 0 || reached < wanted))
            reached += exp(((double)logits[order[kept++]] - top) * scale);
        count = kept;
        total = reached;
    }
    double left = mg_random_unit(random) * total;
    for (int64_t i = 0; i < count; i++) {
        left -= exp(((double)logits[order[i]] - top) * scale);
        if (left < 0) return order[i];
    }
    return order[count - 1];
}

void mg_sample_bits(const mg_sampling *s, const mg_real *logits, int64_t n, bool *bits, mg_random *random)
{
    for (int64_t i = 0; i < n; i++)
        bits[i] = s->temperature <= 0 ? logits[i] > 0
                                      : mg_random_unit(random) < 1 / (1 + exp(-(double)logits[i] / s->temperature));
}

/* ---- how likely a choice was ---- */

static double scale_of(const mg_sampling *s) { return s->temperature > 0 ? 1 / s->temperature : 1; }

double mg_sample_category_log(const mg_sampling *s, const mg_real *logits, int64_t n, int64_t chosen)
{
    double scale = scale_of(s), top = (double)logits[0], total = 0;
    for (int64_t i = 1; i < n; i++)
        if ((double)logits[i] > top) top = (double)logits[i];
    for (int64_t i = 0; i < n; i++) total += exp(((double)logits[i] - top) * scale);
    return ((double)logits[chosen] - top) * scale - log(total);
}

double mg_sample_bits_log(const mg_sampling *s, const mg_real *logits, int64_t n, const bool *bits)
{
    double scale = scale_of(s), sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double x = (double)logits[i] * (bits[i] ? -scale : scale);
        sum -= fmax(x, 0) + log1p(exp(-fabs(x)));
    }
    return sum;
}
