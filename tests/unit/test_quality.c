/* SPDX-License-Identifier: MIT */
/* The corpus tests against aria-utils' values, and on music made to fail each. */
#include "tests/unit/tap.h"

#include <mgen/data.h>

static mg_status read_file(const char *path, mg_score **score)
{
    mg_file file;
    mg_error why = {0};
    mg_read_options options = mg_read_defaults();
    options.pairing = MG_PAIR_ALL;
    options.unclosed = MG_UNCLOSED_DROP;
    MG_TRY(mg_file_read(path, 0, &file, &why));
    mg_status status = mg_midi_read(file.data, file.size, &options, score, &why);
    mg_file_free(&file);
    return status;
}

/* ---- reference values ---- */

static const char *path_now;

static void near(const mg_json *object, const char *key, double got)
{
    const mg_json *value = mg_json_get(object, key);
    double want = 0;
    if (!value || !mg_json_real(value, &want)) return; /* the reference has none */
    if (!CHECK_NEAR(got, want, 1e-9)) printf("# %s of %s\n", key, path_now);
}

static void compare_windows(const mg_json *record, const mg_quality *q)
{
    const mg_json *pitches = mg_json_get(record, "min_unique_pitches_in");
    const mg_json *density = mg_json_get(record, "max_density_in");
    char key[8];
    for (int k = 0; pitches && k < MG_QUALITY_PITCH_WINDOWS; k++) {
        double lowest = -1, at = -1;
        snprintf(key, sizeof key, "%d", q->pitches_in[k].width_s);
        const mg_json *pair = mg_json_get(pitches, key);
        CHECK(mg_json_real(mg_json_at(pair, 0), &lowest) && mg_json_real(mg_json_at(pair, 1), &at));
        CHECK_NEAR(q->pitches_in[k].lowest, lowest, 0);
        CHECK_NEAR(q->pitches_in[k].at_s, at, 1e-9);
    }
    for (int k = 0; density && k < MG_QUALITY_DENSITY_WINDOWS; k++) {
        double notes = -1, pitch = -1, at = -1;
        snprintf(key, sizeof key, "%d", q->density_in[k].width_s);
        const mg_json *triple = mg_json_get(density, key);
        CHECK(mg_json_real(mg_json_at(triple, 0), &notes) && mg_json_real(mg_json_at(triple, 1), &pitch) &&
              mg_json_real(mg_json_at(triple, 2), &at));
        CHECK_NEAR(q->density_in[k].notes_per_second, notes, 1e-9);
        CHECK_NEAR(q->density_in[k].per_pitch, pitch, 1e-9);
        CHECK_NEAR(q->density_in[k].at_s, at, 0);
    }
}

static void compare(const mg_json *record)
{
    char path[512];
    mg_score *score = NULL;
    mg_quality q;
    if (mg_json_get(record, "error")) return;
    snprintf(path, sizeof path, "../shared/%s", path_now = mg_json_get_string(record, "path", ""));
    REQUIRE(read_file(path, &score) == MG_OK);
    REQUIRE(mg_quality_measure(score, &q, NULL) == MG_OK);
    near(record, "n_notes", (double)q.n_notes);
    near(record, "programs", q.programs);
    near(record, "instruments", q.instruments);
    near(record, "span_ms", (double)q.span_ms);
    near(record, "notes_per_second", q.notes_per_second);
    near(record, "notes_per_second_per_instrument", q.notes_per_second_per_instrument);
    near(record, "length_s", q.length_s);
    near(record, "longest_silence_s", q.longest_silence_s);
    near(record, "mean_velocity", q.mean_velocity);
    near(record, "mean_note_ms", q.mean_note_ms);
    near(record, "unique_pitches", q.unique_pitches);
    near(record, "length_entropy", q.length_entropy);
    near(record, "onset_delta_entropy", q.onset_delta_entropy);
    near(record, "pitch_entropy", q.pitch_entropy);
    near(record, "repetitive_kl", q.repetitive_kl);
    near(record, "repetitive_kl_any_length", q.repetitive_kl_any_length);
    compare_windows(record, &q);
    for (int test = 0; test < MG_QUALITY_TESTS; test++) {
        bool passes = false;
        bool applies = mg_json_bool(mg_json_get(mg_json_get(record, "pass"), mg_quality_name(test)), &passes);
        if (!CHECK(applies == q.tests[test].applies && passes == q.tests[test].passes))
            printf("# %s of %s\n", mg_quality_name(test), path_now);
    }
    bool all = false;
    CHECK(mg_json_bool(mg_json_get(record, "all_pass"), &all) && all == q.passes_all);
    mg_score_free(score);
}

static void agrees_with_aria(void)
{
    mg_file file;
    if (mg_file_read("../shared/fixtures/symbolic/quality.jsonl", 0, &file, NULL))
        SKIP("../shared/fixtures is not there");
    const char *at = (const char *)file.data, *end = at + file.size;
    int n = 0;
    for (const char *newline; at < end && (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1, n++) {
        mg_json *record;
        REQUIRE(mg_json_parse(at, (size_t)(newline - at), &record, NULL) == MG_OK);
        compare(record);
        mg_json_free(record);
    }
    CHECK(n > 50);
    mg_file_free(&file);
}

/* ---- music made to fail ---- */

enum { MOST = 40000 };

/* A piece that passes: 60 s of eighths at 120, 15 pitches, lengths of many kinds. */
static mg_score *passing(size_t n)
{
    mg_score *score = mg_score_new();
    score->ticks_per_quarter = 480;
    score->notes = mg_alloc_zero(MOST, sizeof *score->notes);
    score->programs = mg_alloc_zero(200, sizeof *score->programs);
    for (size_t i = 0; i < n; i++)
        score->notes[i] = (mg_note){.start = (int64_t)i * 240, .pitch = (uint8_t)(60 + i * 4 % 15), .velocity = 80,
                                    .end = (int64_t)i * 240 + 20 + (int64_t)(i * 7 % 12) * 25};
    score->n_notes = n;
    return score;
}

static void fails_only(mg_score *score, int test)
{
    mg_quality q;
    REQUIRE(mg_quality_measure(score, &q, NULL) == MG_OK);
    for (int k = 0; k < MG_QUALITY_TESTS; k++)
        if (!CHECK(q.tests[k].passes == (k != test)))
            printf("# %s: measure %g\n", mg_quality_name(k), q.tests[k].measure);
    CHECK(q.passes_all == (test < 0));
    mg_score_free(score);
}

static void each_test_finds_its_fault(void)
{
    fails_only(passing(240), -1);
    fails_only(passing(40), MG_QUALITY_LENGTH);
    mg_score *score = passing(240);
    for (size_t i = 0; i < 240; i++) score->notes[i].velocity = 106;
    fails_only(score, MG_QUALITY_MEAN_NOTE_VELOCITY);
    score = passing(240);
    for (size_t i = 120; i < 240; i++) score->notes[i].start += 20 * 960, score->notes[i].end += 20 * 960 + 480;
    fails_only(score, MG_QUALITY_SILENT_INTERVAL);
    score = passing(240);
    for (int i = 0; i < 13; i++) score->programs[i].program = (uint8_t)i;
    score->n_programs = 13;
    fails_only(score, MG_QUALITY_MAX_PROGRAMS);
    score = passing(240);
    for (size_t i = 0; i < 240; i++) score->notes[i].end = score->notes[i].start + 120;
    fails_only(score, MG_QUALITY_NOTE_TIMING_ENTROPY);
    score = passing(240);
    for (size_t i = 100; i < 170; i++) score->notes[i].start = 24000, score->notes[i].pitch = (uint8_t)(40 + i % 35);
    for (size_t i = 100; i < 170; i++) score->notes[i].end = 24000 + 20 + (int64_t)i;
    for (int i = 0; i < 113; i++)
        score->notes[score->n_notes++] =
            (mg_note){.start = 24000, .end = 24500 + i, .pitch = (uint8_t)(i + 5), .velocity = 80};
    fails_only(score, MG_QUALITY_NOTE_DENSITY_IN_INTERVAL);
    score = passing(5000); /* 20 minutes and more of the same */
    fails_only(score, MG_QUALITY_REPETITIVE_CONTENT);
}

static void says_what_does_not_apply(void)
{
    mg_quality q;
    mg_score *score = passing(0);
    REQUIRE(mg_quality_measure(score, &q, NULL) == MG_OK);
    CHECK(q.tests[MG_QUALITY_MAX_PROGRAMS].applies && !q.tests[MG_QUALITY_LENGTH].applies && !q.passes_all);
    mg_score_free(score);
    score = passing(240);
    for (size_t i = 0; i < 240; i++) score->notes[i].channel = 9;
    REQUIRE(mg_quality_measure(score, &q, NULL) == MG_OK);
    CHECK(q.tests[MG_QUALITY_LENGTH].passes && !q.tests[MG_QUALITY_UNIQUE_PITCH_COUNT].applies && !q.passes_all);
    mg_score_free(score);
}

static mg_score *fixed;
static mg_quality measured;

static void survives_failing_allocations(void)
{
    fixed = passing(100);
    CHECK_FAILING_ALLOCATIONS(mg_quality_measure(fixed, &measured, NULL));
    mg_score_free(fixed);
}

int main(void)
{
    TEST("all values are aria-utils'", agrees_with_aria);
    TEST("each test finds its fault and no other", each_test_finds_its_fault);
    TEST("tests that do not apply say so", says_what_does_not_apply);
    TEST("failing allocations are answered", survives_failing_allocations);
    return tap_end();
}
