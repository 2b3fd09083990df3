/* SPDX-License-Identifier: MIT */
/* Metrics on small scores: MusPy's numbers, the strict meaning, properties, and pieces that have no value. */
#include "tests/unit/scores.h"
#include "tests/unit/tap.h"

#include <mgen/metric.h>

/* ---- scores by hand ---- */

typedef struct { int64_t start; int pitch, duration; } spot;

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static void add(mg_score *score, const spot *spots, size_t n, int channel)
{
    score->notes = mg_realloc(score->notes, score->n_notes + n, sizeof *score->notes);
    for (size_t i = 0; i < n; i++) {
        mg_note note = {.start = spots[i].start, .end = spots[i].start + spots[i].duration,
                        .pitch = (uint8_t)spots[i].pitch, .channel = (uint8_t)channel, .velocity = 64};
        score->notes[score->n_notes++] = note;
        if (note.end > score->end_tick) score->end_tick = note.end;
    }
}

static mg_score *empty_score(int ticks_per_quarter)
{
    mg_score *score = mg_score_new();
    score->ticks_per_quarter = ticks_per_quarter;
    return score;
}

static void add_meter(mg_score *score, int64_t tick, int numerator, int denominator)
{
    score->meters = mg_realloc(score->meters, score->n_meters + 1, sizeof *score->meters);
    score->meters[score->n_meters++] =
        (mg_meter){.tick = tick, .numerator = (uint16_t)numerator, .denominator = (uint16_t)denominator};
}

static mg_value measure(const mg_score *score, mg_meaning meaning, const char *name)
{
    mg_analysis *analysis;
    const mg_metric *metric = mg_metric_find(name);
    REQUIRE(metric && mg_analysis_new(score, meaning, &analysis, NULL) == MG_OK);
    mg_value value = mg_metric_measure(metric, analysis);
    value.list = NULL; /* dies with the analysis */
    mg_analysis_free(analysis);
    return value;
}

typedef struct { const char *name; double value; /* NAN: none */ } expected;

static void check_all(const mg_score *score, mg_meaning meaning, const expected *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mg_value value = measure(score, meaning, rows[i].name);
        bool is_null = isnan(rows[i].value);
        if (!CHECK(is_null == (value.reason != NULL))) printf("# %s: %s\n", rows[i].name, value.reason);
        if (is_null || value.reason) continue;
        if (!CHECK(fabs(value.number - rows[i].value) < 1e-12))
            printf("# %s is %.17g, not %.17g\n", rows[i].name, value.number, rows[i].value);
    }
}

/* ---- MusPy ---- */

static const spot melody[] = {{0, 60, 96}, {0, 64, 96}, {0, 67, 48}, {96, 60, 24}, {120, 62, 24}, {144, 64, 24},
                              {168, 65, 24}, {240, 66, 12}};
static const spot drums[] = {{0, 36, 6}, {12, 42, 6}, {24, 38, 6}, {32, 42, 6}, {40, 42, 6}, {48, 36, 6}, {61, 42, 6}};

/* What MusPy 0.5 itself gives for these notes. */
static void muspy_values(void)
{
    mg_score *score = empty_score(24);
    add(score, melody, LENGTH(melody), 0);
    static const expected alone[] = {{"groove_consistency", 0.96875}, {"drum_in_duple_rate", NAN},
                                     {"drum_pattern_consistency", NAN}};
    check_all(score, MG_COMPAT, alone, LENGTH(alone));
    add(score, drums, LENGTH(drums), 9);
    static const expected both[] = {
        {"n_pitches_used", 6}, {"n_pitch_classes_used", 6}, {"pitch_range", 7},
        {"empty_beat_rate", 0.09090909090909094}, {"polyphony", 1.7058823529411764},
        {"polyphony_rate", 0.19047619047619047}, {"scale_consistency", 0.875}, {"pitch_entropy", 2.5},
        {"pitch_class_entropy", 2.5}, {"empty_measure_rate", 0}, {"groove_consistency", 0.9583333333333334},
        {"drum_in_duple_rate", 0.5714285714285714}, {"drum_in_triple_rate", 0.7142857142857143},
        {"drum_pattern_consistency", 0.7142857142857143}};
    check_all(score, MG_COMPAT, both, LENGTH(both));
    mg_score_free(score);
}

static void scale_rates_are_lists(void)
{
    mg_score *score = empty_score(24);
    add(score, melody, LENGTH(melody), 0);
    mg_analysis *analysis;
    REQUIRE(mg_analysis_new(score, MG_COMPAT, &analysis, NULL) == MG_OK);
    mg_value major = mg_metric_measure(mg_metric_find("pitch_in_scale_rate_major"), analysis);
    mg_value minor = mg_metric_measure(mg_metric_find("pitch_in_scale_rate_minor"), analysis);
    CHECK_NEAR(major.list[0], 0.875, 1e-15); /* C: all but F# */
    CHECK_NEAR(major.list[7], 0.875, 1e-15); /* G: all but F */
    for (int root = 0; root < 12; root++) CHECK_NEAR(minor.list[(root + 9) % 12], major.list[root], 1e-15);
    mg_analysis_free(analysis);
    mg_score_free(score);
}

static void muspy_oddities(void)
{
    mg_score *score = empty_score(24);
    static const expected nothing[] = {{"pitch_range", 0}, {"n_pitches_used", 0}, {"empty_beat_rate", NAN},
                                       {"polyphony", NAN}, {"groove_consistency", NAN}, {"pitch_entropy", NAN}};
    check_all(score, MG_COMPAT, nothing, LENGTH(nothing));
    add(score, drums, LENGTH(drums), 9);
    static const expected only_drums[] = {{"pitch_range", -127}, {"polyphony", NAN}, {"polyphony_rate", 0}};
    check_all(score, MG_COMPAT, only_drums, LENGTH(only_drums));
    check_all(score, MG_STRICT, &(expected){"pitch_range", NAN}, 1);
    /* a control change behind the last note lengthens the piece */
    score->controls = mg_alloc(1, sizeof *score->controls);
    score->controls[score->n_controls++] = (mg_control){.tick = 240};
    check_all(score, MG_COMPAT, &(expected){"empty_beat_rate", 1 - 3.0 / 11}, 1);
    check_all(score, MG_STRICT, &(expected){"empty_beat_rate", 0}, 1);
    mg_score_free(score);
}

/* ---- strict ---- */

static const spot two_bars[] = {{0, 60, 24}, {24, 61, 24}, {48, 62, 24}, {72, 63, 24},
                                {96, 60, 24}, {120, 61, 24}, {144, 62, 24}, {168, 63, 24}};

static void equal_bars_groove_perfectly(void)
{
    mg_score *score = empty_score(24);
    add(score, two_bars, LENGTH(two_bars), 0);
    check_all(score, MG_COMPAT, &(expected){"groove_consistency", 0.9791666666666666}, 1);
    check_all(score, MG_STRICT, &(expected){"groove_consistency", 1}, 1);
    check_all(score, MG_STRICT, &(expected){"n_bars", 2}, 1);
    mg_score_free(score);
}

static void notes_are_half_open(void)
{
    static const spot gap[] = {{0, 60, 24}, {48, 60, 24}};
    mg_score *score = empty_score(24);
    add(score, gap, LENGTH(gap), 0);
    check_all(score, MG_STRICT, &(expected){"empty_beat_rate", 1.0 / 3}, 1);
    check_all(score, MG_COMPAT, &(expected){"empty_beat_rate", 0}, 1);
    mg_score_free(score);
}

static void two_pitches_are_polyphony(void)
{
    static const spot third[] = {{0, 60, 24}, {0, 64, 12}};
    mg_score *score = empty_score(24);
    add(score, third, LENGTH(third), 0);
    check_all(score, MG_STRICT, &(expected){"polyphony_rate", 0.5}, 1);
    check_all(score, MG_COMPAT, &(expected){"polyphony_rate", 0}, 1);
    check_all(score, MG_COMPAT, &(expected){"polyphony_rate_threshold_1", 0.5}, 1);
    mg_score_free(score);
}

/* 3/4, then 2/4: bars at 0, 72, 144, 192; the note in the third bar alone is missing. */
static void bars_follow_the_meters(void)
{
    static const spot notes[] = {{0, 60, 72}, {72, 62, 24}, {192, 60, 48}};
    mg_score *score = empty_score(24);
    add_meter(score, 0, 3, 4);
    add_meter(score, 144, 2, 4);
    add(score, notes, LENGTH(notes), 0);
    static const expected rows[] = {{"n_bars", 4}, {"empty_measure_rate", 0.25}};
    check_all(score, MG_STRICT, rows, LENGTH(rows));
    check_all(score, MG_COMPAT, &(expected){"empty_measure_rate_first_ts", 0}, 1); /* four of 72: none is empty */
    /* neighbours: (0, 72) equal, (144, 192) differ in one of 48 places; 72 and 144 are no neighbours */
    check_all(score, MG_STRICT, &(expected){"groove_consistency", 1 - 1.0 / 48 / 2}, 1);
    mg_score_free(score);
}

static void musdr_values(void)
{
    /* 64 positions a bar of 64 ticks */
    static const spot notes[] = {{0, 60, 1}, {0, 64, 1}, {0, 67, 1}, {16, 62, 1}, {32, 64, 1}, {64, 60, 1},
                                 {64, 64, 1}, {64, 67, 1}, {80, 65, 1}, {112, 67, 1}, {192, 48, 1}, {200, 50, 1}};
    mg_score *score = empty_score(16);
    add(score, notes, LENGTH(notes), 0);
    static const expected rows[] = {{"pitch_class_entropy_1_bar", 1.6146187299249082},
                                    {"pitch_class_entropy_4_bars", 2.2295739585136225},
                                    {"groove_similarity", 0.9583333333333334}};
    check_all(score, MG_STRICT, rows, LENGTH(rows));
    mg_score_free(score);
}

/* ---- key ---- */

static void keys_are_found_in_all_transpositions(void)
{
    static const double c_major[12] = {10, 0, 6, 0, 7, 5, 0, 9, 0, 5, 0, 3};
    static const double a_minor[12] = {7, 0, 3, 0, 8, 3, 0, 1, 3, 12, 0, 4};
    for (int profile = 0; profile < MG_KEY_PROFILES; profile++) {
        for (int shift = 0; shift < 12; shift++) {
            double major[12], minor[12];
            mg_key_estimate key;
            for (int i = 0; i < 12; i++) major[(i + shift) % 12] = c_major[i], minor[(i + shift) % 12] = a_minor[i];
            mg_key_find((mg_key_profile)profile, major, &key);
            CHECK_INT(key.best, shift);
            CHECK(key.margin > 0);
            mg_key_find((mg_key_profile)profile, minor, &key);
            CHECK_INT(key.best, 12 + (9 + shift) % 12);
        }
    }
    CHECK_TEXT(mg_key_words(21), "A minor");
}

static void a_profile_correlates_perfectly_with_itself(void)
{
    static const double krumhansl_minor[12] = {6.33, 2.68, 3.52, 5.38, 2.6, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17};
    mg_key_estimate key;
    mg_key_find(MG_KRUMHANSL, krumhansl_minor, &key);
    CHECK_INT(key.best, 12);
    CHECK_NEAR(key.r[12], 1, 1e-12);
    mg_key_find(MG_KRUMHANSL, (double[12]){5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5}, &key);
    CHECK_INT(key.best, -1);
}

/* ---- properties ---- */

static mg_score *random_score(uint64_t seed, int transpose, int stretch)
{
    mg_random random = mg_random_at(seed, "metric", 0);
    mg_score *score = empty_score(48 * stretch);
    for (int i = 0; i < 200; i++) {
        spot s = {(int64_t)mg_random_below(&random, 3000) * stretch, 40 + (int)mg_random_below(&random, 40) + transpose,
                  (int)mg_random_below(&random, 100) * stretch};
        add(score, &s, 1, 0);
        s.pitch = 36 + (int)mg_random_below(&random, 10);
        if (i % 4 == 0) add(score, &s, 1, 9);
    }
    add_meter(score, 0, 3, 4);
    add_meter(score, 1000 * stretch, 6, 8);
    return score;
}

/* Every number that a transposition, or finer ticks, must leave alone. */
static void check_invariant(const mg_score *a, const mg_score *b, const char *const *but)
{
    for (size_t i = 0; i < mg_metric_count(); i++) {
        const mg_metric *metric = mg_metric_at(i);
        bool is_excepted = !(metric->meanings >> MG_STRICT & 1) || metric->kind == MG_LIST;
        for (size_t k = 0; but[k]; k++) is_excepted |= strcmp(metric->name, but[k]) == 0;
        if (is_excepted) continue;
        mg_value x = measure(a, MG_STRICT, metric->name), y = measure(b, MG_STRICT, metric->name);
        bool is_same = fabs(x.number - y.number) < 1e-9 && x.words == y.words;
        if (!CHECK(is_same)) printf("# %s: %.12g and %.12g\n", metric->name, x.number, y.number);
    }
}

static void transposition_changes_pitches_only(void)
{
    static const char *const but[] = {"pitch_mean", "key_krumhansl", "key_aarden", "key_simple", "key_bellman",
                                      "key_temperley", NULL};
    for (uint64_t seed = 0; seed < 5; seed++) {
        mg_score *a = random_score(seed, 0, 1), *b = random_score(seed, 7, 1);
        check_invariant(a, b, but);
        CHECK_NEAR(measure(b, MG_STRICT, "pitch_mean").number, measure(a, MG_STRICT, "pitch_mean").number + 7, 1e-12);
        mg_score_free(a);
        mg_score_free(b);
    }
}

static void finer_ticks_change_nothing(void)
{
    static const char *const but[] = {NULL};
    for (uint64_t seed = 0; seed < 5; seed++) {
        mg_score *a = random_score(seed, 0, 1), *b = random_score(seed, 0, 10);
        check_invariant(a, b, but);
        mg_score_free(a);
        mg_score_free(b);
    }
}

/* Polyphony by the book: one cell a tick and pitch. */
static void polyphony_is_that_of_the_roll(void)
{
    for (uint64_t seed = 0; seed < 5; seed++) {
        mg_score *score = random_score(seed, 0, 1);
        static bool roll[4000][128];
        memset(roll, 0, sizeof roll);
        for (size_t i = 0; i < score->n_notes; i++)
            for (int64_t t = score->notes[i].start; score->notes[i].channel != 9 && t < score->notes[i].end; t++)
                roll[t][score->notes[i].pitch] = true;
        double cells = 0, on = 0, several = 0;
        for (int64_t t = 0; t < score->end_tick; t++) {
            int n = 0;
            for (int p = 0; p < 128; p++) n += roll[t][p];
            cells += n, on += n > 0, several += n > 1;
        }
        CHECK_NEAR(measure(score, MG_STRICT, "polyphony").number, cells / on, 1e-12);
        CHECK_NEAR(measure(score, MG_STRICT, "polyphony_rate").number, several / (double)score->end_tick, 1e-12);
        mg_score_free(score);
    }
}

/* ---- pieces without values ---- */

static void check_every_metric_is_finite_or_says_why(const mg_score *score)
{
    for (int meaning = MG_STRICT; meaning <= MG_COMPAT; meaning++) {
        mg_analysis *analysis;
        REQUIRE(mg_analysis_new(score, (mg_meaning)meaning, &analysis, NULL) == MG_OK);
        for (size_t i = 0; i < mg_metric_count(); i++) {
            const mg_metric *metric = mg_metric_at(i);
            if (!(metric->meanings >> meaning & 1)) continue;
            mg_value value = mg_metric_measure(metric, analysis);
            bool is_good = value.reason ? strcmp(value.reason, "not a finite number") != 0
                           : metric->kind == MG_WORDS ? value.words != NULL
                           : metric->kind == MG_LIST  ? value.list != NULL
                                                      : value.number >= metric->low - 1e-12 &&
                                                            value.number <= metric->high + 1e-12;
            if (!CHECK(is_good)) printf("# %s: %g %s\n", metric->name, value.number, value.reason);
        }
        mg_analysis_free(analysis);
    }
}

static void nothing_is_nan(void)
{
    static const spot odd[][3] = {{{0, 60, 0}}, {{5, 60, 0}, {5, 60, 0}}, {{0, 0, 1}, {0, 127, 1}},
                                  {{(int64_t)1 << 51, 60, 1000}, {0, 61, 1}, {7, 61, 0}}};
    for (size_t i = 0; i < LENGTH(odd); i++) {
        for (int k = 0; k < 12; k++) {
            mg_score *score = empty_score(k < 6 ? 1 : k < 11 ? 32767 : 0);
            score->smpte_rate_num = 1000, score->smpte_rate_den = 1;
            if (k % 3 == 1) add_meter(score, 0, 1, 32768), add_meter(score, 4, 255, 32768);
            if (k % 3 == 2) add_meter(score, 3, 255, 1), add_meter(score, (int64_t)1 << 52, 1, 32768);
            if (k != 3) add(score, odd[i], odd[i][1].duration || odd[i][1].start ? 3 : 1, k % 2 ? 9 : 0);
            check_every_metric_is_finite_or_says_why(score);
            mg_score_free(score);
        }
    }
}

static void smpte_has_seconds_but_no_quarters(void)
{
    mg_score *score = empty_score(0);
    score->smpte_rate_num = 1000;
    score->smpte_rate_den = 1;
    add(score, melody, LENGTH(melody), 0);
    static const expected rows[] = {{"duration_s", 0.252}, {"n_bars", NAN}, {"empty_beat_rate", NAN},
                                    {"groove_consistency", NAN}, {"note_length_mean_quarters", NAN},
                                    {"pitch_entropy", 2.5}};
    check_all(score, MG_STRICT, rows, LENGTH(rows));
    mg_score_free(score);
}

static mg_score *fixed;

static mg_status analyse_fixed(void)
{
    mg_analysis *analysis;
    mg_error why = {0};
    mg_status status = mg_analysis_new(fixed, MG_COMPAT, &analysis, &why);
    mg_analysis_free(analysis);
    return status;
}

static void failing_allocations(void)
{
    fixed = random_score(1, 0, 1);
    CHECK_FAILING_ALLOCATIONS(analyse_fixed());
    mg_score_free(fixed);
}

int main(void)
{
    TEST("compat gives MusPy's values", muspy_values);
    TEST("the rates of all scales are lists, minor scales being those of their relatives", scale_rates_are_lists);
    TEST("compat gives MusPy's oddities: no notes, drums only, late control changes", muspy_oddities);
    TEST("two equal bars have groove 1, strictly", equal_bars_groove_perfectly);
    TEST("a note does not fill the beat that begins where it ends, strictly", notes_are_half_open);
    TEST("two pitches at a time are polyphony, strictly", two_pitches_are_polyphony);
    TEST("bars follow the meters, strictly", bars_follow_the_meters);
    TEST("H1, H4 and GS are MusDr's", musdr_values);
    TEST("a key is found in all transpositions by all profiles", keys_are_found_in_all_transpositions);
    TEST("a profile correlates perfectly with itself, nothing with equal weights",
         a_profile_correlates_perfectly_with_itself);
    TEST("transposition changes the mean pitch and the key's name only", transposition_changes_pitches_only);
    TEST("ten times finer ticks change no strict metric", finer_ticks_change_nothing);
    TEST("polyphony is that of the piano-roll", polyphony_is_that_of_the_roll);
    TEST("metrics are within their range or say why there is none", nothing_is_nan);
    TEST("pieces in SMPTE time have no metrics in quarters", smpte_has_seconds_but_no_quarters);
    TEST("every failing allocation is answered", failing_allocations);
    return tap_end();
}
