/* SPDX-License-Identifier: MIT */
/* metrics.jsonl: MusPy's metrics, music21's keys, MusDr's measures and general statistics of a file. */
#include "tests/parity/symbolic.h"

#include <mgen/metric.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mg_analysis *analysis_of(const mg_score *score, mg_meaning meaning)
{
    mg_analysis *analysis;
    if (mg_analysis_new(score, meaning, &analysis, NULL)) exit(3);
    return analysis;
}

/* A metric against the reference's number, null, list, or error, all of which but the first two mean no value. */
static void check_metric(verdict *v, const mg_analysis *analysis, const char *name, double unit, const mg_json *want)
{
    const mg_metric *metric = mg_metric_find(name);
    if (!metric) return verdict_fail(v, name);
    mg_value value = mg_metric_measure(metric, analysis);
    double number;
    bool has_list = false;
    for (size_t i = 0; i < mg_json_count(want) && mg_json_kind_of(want) == MG_JSON_ARRAY; i++)
        has_list |= mg_json_kind_of(mg_json_at(want, i)) != MG_JSON_NULL;
    if (metric->kind == MG_LIST && has_list && !value.reason) verdict_numbers(v, name, value.list, want);
    else if (mg_json_real(want, &number) && !value.reason) verdict_number(v, name, value.number * unit, number);
    else if (has_list || mg_json_real(want, &number) || !value.reason) verdict_fail(v, name);
}

/* ---- MusPy ---- */

/* What MusPy read: where that differs there is no use in comparing metrics. */
static bool check_inputs(verdict *v, const mg_score *s, const mg_json *want)
{
    int64_t starts = 0, durations = 0, drums = 0;
    for (size_t i = 0; i < s->n_notes; i++) {
        starts += s->notes[i].start;
        durations += s->notes[i].end - s->notes[i].start;
        drums += s->notes[i].channel == 9;
    }
    verdict_int(v, "resolution", s->ticks_per_quarter, mg_json_get(want, "resolution"));
    verdict_int(v, "n_notes", (int64_t)s->n_notes, mg_json_get(want, "n_notes"));
    verdict_int(v, "n_drum_notes", drums, mg_json_get(want, "n_drum_notes"));
    verdict_int(v, "sum_time", starts, mg_json_get(want, "sum_time"));
    verdict_int(v, "sum_duration", durations, mg_json_get(want, "sum_duration"));
    return v->result.passed;
}

static void check_muspy(parity *p, const char *fixture, const mg_json *line, const mg_json *want)
{
    mg_score *s = symbolic_score(p, fixture, line, MG_PAIR_FIFO, MG_UNCLOSED_END);
    if (!s) return;
    verdict v = verdict_of(p, fixture, mg_json_get_string(line, "path", ""), "muspy");
    mg_analysis *analysis = analysis_of(s, MG_COMPAT);
    const char *name;
    const mg_json *value;
    bool same_inputs = check_inputs(&v, s, mg_json_get(want, "inputs"));
    for (void *place = NULL; same_inputs && mg_json_next(want, &place, &name, &value);)
        if (strcmp(name, "inputs")) check_metric(&v, analysis, name, 1, value);
    verdict_end(&v);
    mg_analysis_free(analysis);
    mg_score_free(s);
}

/* ---- keys ---- */

static const struct { const char *reference, *name; mg_key_profile profile; } profiles[] = {
    {"KrumhanslSchmuckler", "krumhansl", MG_KRUMHANSL}, {"AardenEssen", "aarden", MG_AARDEN},
    {"SimpleWeights", "simple", MG_SIMPLE}, {"BellmanBudge", "bellman", MG_BELLMAN},
    {"TemperleyKostkaPayne", "temperley", MG_TEMPERLEY}};

static void check_profile(verdict *v, const mg_analysis *analysis, size_t i, const mg_json *want)
{
    mg_key_estimate key;
    char name[64];
    int64_t tonic = -1;
    const mg_json *best = mg_json_get(want, "best");
    mg_key_find(profiles[i].profile, mg_analysis_class_ticks(analysis), &key);
    if (mg_json_kind_of(best) == MG_JSON_NULL) {
        if (key.best >= 0) verdict_fail(v, profiles[i].name);
        return;
    }
    verdict_numbers(v, profiles[i].name, key.r, mg_json_get(want, "major"));
    verdict_numbers(v, profiles[i].name, key.r + 12, mg_json_get(want, "minor"));
    mg_json_int(mg_json_at(best, 0), &tonic);
    const char *mode = mg_json_string(mg_json_at(best, 1));
    bool is_tie = key.margin < 1e-9; /* then rounding decides which is best */
    if (!is_tie && key.best != tonic + (mode && strcmp(mode, "minor") == 0 ? 12 : 0)) verdict_fail(v, "best");
    snprintf(name, sizeof name, "key_%s_r", profiles[i].name);
    check_metric(v, analysis, name, 1, mg_json_at(best, 2));
    snprintf(name, sizeof name, "key_%s_margin", profiles[i].name);
    check_metric(v, analysis, name, 1, mg_json_at(best, 3));
}

static void check_keys(verdict *v, const mg_analysis *analysis, const mg_json *want)
{
    verdict_numbers(v, "ticks", mg_analysis_class_ticks(analysis), mg_json_get(want, "ticks"));
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
        check_profile(v, analysis, i, mg_json_get(want, profiles[i].reference));
}

/* ---- the rest ---- */

/* `per_quarter`: the reference counts ticks where we count quarters. */
typedef struct { const char *reference, *name; bool per_quarter; } pair;

static const pair general[] = {
    {"notes_per_second", "notes_per_second", false}, {"last_note_end_seconds", "duration_s", false},
    {"first_note_seconds", "first_note_s", false}, {"distinct_onsets", "n_onsets", false},
    {"ioi_ticks_entropy", "ioi_entropy", false}, {"ioi_ticks_mean", "ioi_mean_quarters", true},
    {"duration_ticks_entropy", "note_length_entropy", false}, {"velocity_mean", "velocity_mean", false},
    {"velocity_entropy", "velocity_entropy", false}, {"pitch_mean", "pitch_mean", false},
    {"pitch_sd", "pitch_sd", false}, {NULL, NULL, false}};
static const pair musdr[] = {{"H1", "pitch_class_entropy_1_bar", false}, {"H4", "pitch_class_entropy_4_bars", false},
                             {"GS", "groove_similarity", false}, {NULL, NULL, false}};

static void check_pairs(verdict *v, const mg_score *s, const mg_analysis *analysis, const pair *pairs,
                        const mg_json *want)
{
    for (; pairs->name; pairs++) {
        const mg_json *value = mg_json_get(want, pairs->reference);
        check_metric(v, analysis, pairs->name, pairs->per_quarter ? s->ticks_per_quarter : 1, value);
    }
}

/* What mido's notes give: those without note-off are dropped. */
static void check_closed(parity *p, const char *fixture, const mg_json *line)
{
    const mg_json *keys = reference(p, fixture, line, "keys"), *other = reference(p, fixture, line, "general");
    const mg_json *bars = reference(p, fixture, line, "musdr_native");
    const char *path = mg_json_get_string(line, "path", "");
    mg_score *s = keys || other || bars ? symbolic_score(p, fixture, line, MG_PAIR_FIFO, MG_UNCLOSED_DROP) : NULL;
    if (!s) return;
    mg_analysis *analysis = analysis_of(s, MG_STRICT);
    verdict v = verdict_of(p, fixture, path, "keys");
    if (keys) check_keys(&v, analysis, keys), verdict_end(&v);
    v = verdict_of(p, fixture, path, "general");
    if (other) check_pairs(&v, s, analysis, general, other), verdict_end(&v);
    v = verdict_of(p, fixture, path, "musdr_native");
    if (bars) check_pairs(&v, s, analysis, musdr, bars), verdict_end(&v);
    mg_analysis_free(analysis);
    mg_score_free(s);
}

void check_metrics(parity *p, const char *fixture, const mg_json *line)
{
    static const char *const later[] = {"mgeval", "nomml"};
    const mg_json *muspy = reference(p, fixture, line, "muspy");
    if (muspy) check_muspy(p, fixture, line, muspy);
    check_closed(p, fixture, line);
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (reference(p, fixture, line, later[i]))
            symbolic_unsupported(p, fixture, mg_json_get_string(line, "path", ""), later[i], "not measured");
}
