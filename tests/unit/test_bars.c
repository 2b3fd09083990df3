/* SPDX-License-Identifier: MIT */
/* Bars from meters, and back to ticks. */
#include "tests/unit/tap.h"

#include <mgen/midi.h>

static mg_score *score_with(const mg_meter *meters, size_t n, int ticks_per_quarter)
{
    mg_score *score = mg_score_new();
    score->ticks_per_quarter = ticks_per_quarter;
    score->meters = mg_alloc(n, sizeof *meters);
    memcpy(score->meters, meters, n * sizeof *meters);
    score->n_meters = n;
    return score;
}

/* 3/4 from 0, said again at 7; 5/8 from 100, cutting a bar short; at 2 ticks a quarter 5/8 is 5 ticks, 3/16 1.5. */
static const mg_meter meters[] = {{.tick = 0, .numerator = 3, .denominator = 4},
                                  {.tick = 7, .numerator = 3, .denominator = 4},
                                  {.tick = 100, .numerator = 2, .denominator = 4},
                                  {.tick = 100, .numerator = 5, .denominator = 8},
                                  {.tick = 110, .numerator = 3, .denominator = 16}};

static void ticks_and_bars_agree(void)
{
    mg_score *score = score_with(meters, 5, 2);
    mg_bars bars;
    REQUIRE(mg_bars_make(score, 1000, &bars) == MG_OK);
    CHECK_INT(bars.n, 3);
    static const int64_t starts[] = {0, 6, 12, 18, 24, 30, 36, 42, 48, 54, 60, 66, 72, 78, 84, 90, 96, 100, 105, 110,
                                     112, 113, 115};
    for (int64_t bar = 0; bar < 23; bar++) CHECK_INT(mg_bars_tick(&bars, bar), starts[bar]);
    size_t hint = 0;
    for (int64_t tick = 0, bar = 0; tick < 113; tick++) {
        if (tick >= starts[bar + 1]) bar++;
        CHECK_INT(mg_bars_at(&bars, tick, &hint).bar, bar);
    }
    mg_bars_free(&bars);
    mg_score_free(score);
}

static void meters_behind_the_end_do_not_count(void)
{
    mg_score *score = score_with(meters, 5, 2);
    mg_bars bars;
    REQUIRE(mg_bars_make(score, 99, &bars) == MG_OK);
    CHECK_INT(bars.n, 1);
    CHECK_INT(mg_bars_tick(&bars, 1000), 6000);
    mg_bars_free(&bars);
    score->ticks_per_quarter = 0;
    CHECK_INT(mg_bars_make(score, 99, &bars), MG_UNSUPPORTED);
    mg_score_free(score);
}

int main(void)
{
    TEST("bars begin where meters say, and ticks lie in them", ticks_and_bars_agree);
    TEST("meters behind the end do not count", meters_behind_the_end_do_not_count);
    return tap_end();
}
