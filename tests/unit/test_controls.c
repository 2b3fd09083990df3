/* SPDX-License-Identifier: MIT */
/* What a performance model is told of the music to come: worked by hand. */
#include "tests/unit/tap.h"

#include <mgen/data.h>

enum { OFF = 128, SHIFT = 255, LOUD = 380, MOST = 32 };

/* C and E; after a second G comes for C; after two more silence, after one more half a second of D. */
static const int32_t tokens[] = {LOUD, 60, 64, SHIFT + 100, OFF + 60, 67, SHIFT + 100, SHIFT + 100, OFF + 64, OFF + 67,
                                 SHIFT + 100, 62, SHIFT + 50, OFF + 62};
enum { N = sizeof tokens / sizeof *tokens };

static void keep(void *user, size_t i, const mg_control_values *values) { ((mg_control_values *)user)[i] = *values; }

static void measure(size_t from, size_t count, mg_control_values *out)
{
    mg_controls_measure(mg_encoding_find("performance388"), tokens, N, from, count, keep, out);
}

static void counts_the_notes_of_three_seconds(void)
{
    mg_control_values x[N + 1];
    measure(0, N + 1, x);
    /* C, E, G in 3 s; G alone; 1 in the 2.5 s that are left; 1 in 1.5 s; D in .5 s; nothing */
    const double want[N + 1] = {1, 1, 1, 1, 1 / 3.0, 1 / 3.0, 1 / 3.0, 1 / 2.5, 1 / 1.5, 1 / 1.5, 1 / 1.5, 2, 2, 0, 0};
    for (size_t i = 0; i <= N; i++) {
        if (!CHECK(fabs(x[i].density - want[i]) < 1e-9)) printf("# at %zu: %g\n", i, x[i].density);
        CHECK(x[i].is_given[MG_DENSITY] && x[i].is_given[MG_PITCHES]);
    }
}

static void adds_the_seconds_of_each_pitch_class(void)
{
    mg_control_values x[N + 1];
    measure(0, N + 1, x);
    const double first[12] = {[0] = 1, [2] = 0.5, [4] = 3, [7] = 2};
    const double behind_a_second[12] = {[2] = 0.5, [4] = 2, [7] = 2};
    for (int c = 0; c < 12; c++) {
        CHECK_NEAR(x[2].pitches[c], first[c] + 0.01, 1e-9);
        CHECK_NEAR(x[4].pitches[c], behind_a_second[c] + 0.01, 1e-9);
        CHECK_NEAR(x[6].pitches[c], behind_a_second[c] + 0.01, 1e-9);
        CHECK_NEAR(x[N].pitches[c], 0.01, 1e-9);
    }
}

/* An example that is cut out of a piece has what the whole has there. */
static void knows_a_part_as_it_does_the_whole(void)
{
    mg_control_values whole[N + 3], part[N + 3];
    measure(0, N + 3, whole);
    for (size_t from = 0; from < N + 3; from++) {
        measure(from, N + 3 - from, part);
        for (size_t i = from; i < N + 3; i++) CHECK(!memcmp(&whole[i], &part[i - from], sizeof *part));
    }
}

static void check_numbers(const mg_controls *c, const mg_control_values *values, const double *want, int n)
{
    mg_real got[MOST];
    CHECK_INT(mg_controls_width(c), n);
    mg_controls_put(c, values, got);
    for (int i = 0; i < n; i++) CHECK_NEAR((double)got[i], want[i], 1e-6);
}

static void becomes_numbers(void)
{
    mg_controls both = {{MG_CONTROL_OPTIONAL, MG_CONTROL_OPTIONAL}}, density = {{MG_CONTROL_GIVEN, MG_CONTROL_NONE}};
    mg_controls pitches = {{MG_CONTROL_NONE, MG_CONTROL_GIVEN}}, none = {0};
    mg_control_values v = {.is_given = {true, true}, .density = 5, .pitches = {[0] = 3, [7] = 1}};
    mg_control_values nothing = {0}, flat = {.is_given = {true, true}};
    check_numbers(&none, &v, NULL, 0);
    check_numbers(&density, &v, (double[8]){[3] = 1}, 8); /* 4 to 8 a second */
    check_numbers(&pitches, &v, (double[12]){[0] = 0.75, [7] = 0.25}, 12);
    check_numbers(&both, &v, (double[22]){[1 + 3] = 1, [10] = 0.75, [17] = 0.25}, 22);
    check_numbers(&both, &nothing, (double[22]){[0] = 1, [9] = 1}, 22);
    double even[12];
    for (int i = 0; i < 12; i++) even[i] = 1.0 / 12;
    check_numbers(&pitches, &flat, even, 12);
    static const double limits[] = {0, 1, 2, 4, 8, 16, 32, 64};
    for (int i = 0; i < 8; i++) {
        double want[8] = {0};
        want[i] = 1;
        v.density = limits[i];
        check_numbers(&density, &v, want, 8);
        v.density = i < 7 ? limits[i + 1] - 1e-9 : 1e30;
        check_numbers(&density, &v, want, 8);
    }
}

static void passes_over_nonsense(void)
{
    const int32_t hostile[] = {-1, 388, 999, OFF + 3, 60, 60, SHIFT + 1, OFF + 60, OFF + 60, SHIFT + 1, INT32_MAX};
    mg_control_values x[12];
    mg_controls_measure(mg_encoding_find("performance388"), hostile, 11, 0, 12, keep, x);
    CHECK_NEAR(x[0].density, 2 * 100 / 2.0, 1e-9);
    CHECK_NEAR(x[0].pitches[0], 0.01 + 0.01, 1e-9);
    CHECK_NEAR(x[11].density, 0, 1e-9);
}

int main(void)
{
    TEST("density is of the notes of three seconds, or of what is left", counts_the_notes_of_three_seconds);
    TEST("pitch classes have the seconds for which they sound", adds_the_seconds_of_each_pitch_class);
    TEST("a part of a piece has what the whole has there", knows_a_part_as_it_does_the_whole);
    TEST("controls become ranges and shares, or say that they are left out", becomes_numbers);
    TEST("tokens without sense do nothing", passes_over_nonsense);
    return tap_end();
}
