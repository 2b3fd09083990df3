/* SPDX-License-Identifier: MIT */
/* Comparison of sets: values by hand, invariance, how often the interval and the test are right, missing values. */
#include "tests/unit/tap.h"

#include <mgen/metric.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static mg_compare_options options = {.resamples = 1000, .seed = 1, .threads = 1};

/* One metric. */
static mg_comparison compare_one(const double *a, size_t n_a, const double *b, size_t n_b)
{
    mg_comparison c;
    REQUIRE(mg_compare(a, n_a, b, n_b, 1, &options, &c, NULL) == MG_OK);
    return c;
}

static void values_by_hand(void)
{
    mg_comparison c = compare_one((double[]){3, 1, 2}, 3, (double[]){2, 6, 4}, 3);
    CHECK_NEAR(c.a, 2, 0);
    CHECK_NEAR(c.b, 4, 0);
    CHECK_NEAR(c.sd_a, 1, 1e-15);
    CHECK_NEAR(c.sd_b, 2, 1e-15);
    CHECK_NEAR(c.median_b, 4, 0);
    CHECK_NEAR(c.distance, -1, 1e-15);
    CHECK_NEAR(c.wasserstein, 1, 1e-15); /* 1, 2 and 3 steps, in units of 2 */
    c = compare_one((double[]){0, 0, 0, 10}, 4, (double[]){1, 3}, 2);
    CHECK_NEAR(c.median_a, 0, 0);
    CHECK_NEAR(c.wasserstein * c.sd_b, 3, 1e-14); /* 1, 1, 3 and 7 for a quarter of the mass each */
}

/* All 20 ways to deal six pieces. */
static void permutation_is_that_of_all_deals(void)
{
    static const double all[] = {1, 2, 3, 2.5, 4, 6};
    double observed = fabs(6 - 12.5) - 1e-9, deals = 0, as_far = 0;
    for (int mask = 0; mask < 64; mask++) {
        if (__builtin_popcount((unsigned)mask) != 3) continue;
        double difference = 0;
        for (int i = 0; i < 6; i++) difference += mask >> i & 1 ? all[i] : -all[i];
        deals++;
        as_far += fabs(difference) >= observed;
    }
    options.resamples = 20000;
    mg_comparison c = compare_one(all, 3, all + 3, 3);
    options.resamples = 1000;
    CHECK_NEAR(c.p, as_far / deals, 0.012); /* four standard errors */
}

static void draw(double *values, size_t n, double mean, double sd, uint64_t record)
{
    mg_random random = mg_random_at(5, "test", record);
    for (size_t i = 0; i < n; i++) values[i] = mean + sd * mg_random_normal(&random);
}

static void units_do_not_matter(void)
{
    double a[40], b[60], a2[40], b2[60];
    draw(a, 40, 1, 1, 0);
    draw(b, 60, 0, 2, 1);
    for (int i = 0; i < 40; i++) a2[i] = 1e6 + 100 * a[i];
    for (int i = 0; i < 60; i++) b2[i] = 1e6 + 100 * b[i];
    mg_comparison x = compare_one(a, 40, b, 60), y = compare_one(a2, 40, b2, 60);
    CHECK_NEAR(x.distance, y.distance, 1e-9);
    CHECK_NEAR(x.low, y.low, 1e-9);
    CHECK_NEAR(x.high, y.high, 1e-9);
    CHECK_NEAR(x.wasserstein, y.wasserstein, 1e-9);
    CHECK_NEAR(x.p, y.p, 0);
    CHECK(x.low < x.distance && x.distance < x.high);
}

static void equal_sets_are_not_apart(void)
{
    double a[50];
    draw(a, 50, 3, 1, 0);
    mg_comparison c = compare_one(a, 50, a, 50);
    CHECK_NEAR(c.distance, 0, 1e-15);
    CHECK_NEAR(c.wasserstein, 0, 1e-15);
    CHECK_NEAR(c.p, 1, 0);
    CHECK(c.low < 0 && c.high > 0);
}

/* Of 200 pairs of samples about 190 intervals must hold the true distance, 0.5, and about 10 tests of samples without a
   difference must give p <= .05: within four standard errors. */
static void intervals_and_p_are_as_often_right_as_they_say(void)
{
    int held = 0, alarms = 0;
    options.resamples = 400;
    for (uint64_t i = 0; i < 200; i++) {
        double a[50], b[50];
        draw(a, 50, 1, 2, 3 * i);
        draw(b, 50, 0, 2, 3 * i + 1);
        options.seed = i;
        mg_comparison c = compare_one(a, 50, b, 50);
        held += c.low <= 0.5 && 0.5 <= c.high;
        draw(a, 50, 0, 2, 3 * i + 2);
        alarms += compare_one(a, 50, b, 50).p <= 0.05;
    }
    options = (mg_compare_options){.resamples = 1000, .seed = 1, .threads = 1};
    if (!CHECK(held >= 178)) printf("# %d of 200\n", held);
    if (!CHECK(alarms <= 22)) printf("# %d of 200\n", alarms);
}

static void missing_values_are_left_out_and_counted(void)
{
    double a[] = {1, NAN, 2, 3}, b[] = {NAN, 2, 4, 6, NAN};
    mg_comparison c = compare_one(a, 4, b, 5);
    CHECK_INT(c.nulls_a, 1);
    CHECK_INT(c.nulls_b, 2);
    CHECK_NEAR(c.distance, -1, 1e-15);
    CHECK(c.has_interval && c.has_p && !isnan(c.low) && !isnan(c.p));
    double none[] = {NAN, NAN};
    c = compare_one(none, 2, b, 5);
    CHECK(!c.has_means && !c.has_distance && !c.has_interval && !c.has_p && c.reason);
}

static void a_reference_that_does_not_vary_has_no_distance(void)
{
    double a[] = {1, 2, 3}, b[] = {0.1, 0.1, 0.1, 0.1};
    mg_comparison c = compare_one(a, 3, b, 4);
    CHECK(c.has_means && !c.has_distance && !c.has_interval && c.reason);
    CHECK(c.has_p && c.p < 0.2);
    c = compare_one(a, 3, a, 1);
    CHECK(c.has_means && !c.has_distance && c.reason);
}

enum { METRICS = 12, PIECES = 30 };

static void draw_table(double *table, double step, uint64_t record)
{
    draw(table, METRICS * PIECES, 0, 1, record);
    for (int i = 0; i < METRICS * PIECES; i++) table[i] += step * (i % METRICS);
    table[5] = NAN;
}

static void holm_follows_from_p(void)
{
    double a[METRICS * PIECES], b[METRICS * PIECES];
    mg_comparison c[METRICS];
    draw_table(a, 0.1, 0);
    draw_table(b, 0, 1);
    REQUIRE(mg_compare(a, PIECES, b, PIECES, METRICS, &options, c, NULL) == MG_OK);
    for (int i = 0; i < METRICS; i++) {
        double highest = 0; /* of (number of metrics with p >= this p_j) p_j over p_j <= p_i */
        for (int j = 0; j < METRICS; j++) {
            int at_least = 0;
            for (int k = 0; k < METRICS; k++) at_least += c[k].p >= c[j].p;
            if (c[j].p <= c[i].p) highest = fmax(highest, at_least * c[j].p);
        }
        CHECK_NEAR(c[i].p_holm, fmin(1, highest), 1e-15);
        CHECK(c[i].p_holm >= c[i].p);
    }
    CHECK(c[METRICS - 1].p < 0.05);
}

static void threads_change_nothing(void)
{
    double a[METRICS * PIECES], b[METRICS * PIECES];
    mg_comparison one[METRICS], four[METRICS];
    draw_table(a, 0.1, 0);
    draw_table(b, 0, 1);
    REQUIRE(mg_compare(a, PIECES, b, PIECES, METRICS, &options, one, NULL) == MG_OK);
    options.threads = 4;
    REQUIRE(mg_compare(a, PIECES, b, PIECES, METRICS, &options, four, NULL) == MG_OK);
    options.threads = 1;
    for (int i = 0; i < METRICS; i++)
        CHECK(one[i].low == four[i].low && one[i].high == four[i].high && one[i].p == four[i].p);
}

static mg_status compare_small(void)
{
    static const double a[] = {1, 2, 3, 4}, b[] = {2, 4, 6, 8};
    mg_comparison c[2];
    mg_error why = {0};
    mg_compare_options few = {.resamples = 3, .threads = 1};
    return mg_compare(a, 2, b, 2, 2, &few, c, &why);
}

static void failing_allocations(void) { CHECK_FAILING_ALLOCATIONS(compare_small()); }

int main(void)
{
    TEST("means, medians, distances are right", values_by_hand);
    TEST("p is the share of deals that are as far apart", permutation_is_that_of_all_deals);
    TEST("units and offsets do not matter", units_do_not_matter);
    TEST("equal sets are not apart", equal_sets_are_not_apart);
    TEST("intervals and p are as often right as they say", intervals_and_p_are_as_often_right_as_they_say);
    TEST("missing values are left out and counted", missing_values_are_left_out_and_counted);
    TEST("a reference that does not vary has no distance", a_reference_that_does_not_vary_has_no_distance);
    TEST("corrected p is Holm's", holm_follows_from_p);
    TEST("threads change nothing", threads_change_nothing);
    TEST("every failing allocation is answered", failing_allocations);
    return tap_end();
}
