/* SPDX-License-Identifier: MIT */
/* events.jsonl (note-seq's performance events), abc.jsonl (abc2midi's notes), quality.jsonl (aria-utils' corpus
   tests). */
#include "tests/parity/symbolic.h"
#include "tests/parity/symbolic_abc.h"

#include <stdio.h>
#include <string.h>

/* ---- events ---- */

static void check_performance(parity *p, const char *fixture, const mg_json *line, const mg_json *want)
{
    const char *path = mg_json_get_string(line, "path", "");
    const mg_encoding *encoding = mg_encoding_find("performance388");
    const mg_json *ids = mg_json_get(want, "ids");
    mg_score *s = symbolic_score(p, fixture, line, MG_PAIR_FIFO, MG_UNCLOSED_DROP);
    if (!s) return;
    verdict v = verdict_of(p, fixture, path, "performance388");
    mg_buffer tokens = {0}, text = {0};
    mg_error why = {0};
    if (!encoding || encoding->encode(encoding, s, 0, &tokens, &why)) v.result = (parity_result){.why = why.text};
    const int32_t *got = (const int32_t *)(const void *)tokens.data;
    size_t n = tokens.length / sizeof *got;
    for (size_t i = 0; i < n; i++) mg_buffer_print(&text, i ? " %d" : "%d", got[i]);
    verdict_int(&v, "n", (int64_t)n, mg_json_get(want, "n"));
    for (size_t i = 0; i < mg_json_count(ids) && i < n; i++) verdict_int(&v, "ids", got[i], mg_json_at(ids, i));
    verdict_digest(&v, "sha256", &text, mg_json_get(want, "sha256"));
    verdict_end(&v);
    mg_buffer_free(&tokens);
    mg_buffer_free(&text);
    mg_score_free(s);
}

void check_events(parity *p, const char *fixture, const mg_json *line)
{
    const mg_json *performance = reference(p, fixture, line, "performance388");
    if (performance) check_performance(p, fixture, line, performance);
    if (reference(p, fixture, line, "muspy"))
        symbolic_unsupported(p, fixture, mg_json_get_string(line, "path", ""), "muspy",
                             "MusPy's representations are not written");
}

/* ---- ABC ---- */

void check_abc(parity *p, const char *fixture, const mg_json *line)
{
    bool is_agreed = false;
    char part[32], what[200];
    const char *path = mg_json_get_string(line, "path", "");
    snprintf(part, sizeof part, "tune %d", (int)mg_json_get_int(line, "index", 0) + 1);
    mg_json_bool(mg_json_get(line, "agree"), &is_agreed);
    if (!is_agreed) {
        symbolic_unsupported(p, fixture, path, part, "the references disagree with each other");
        return;
    }
    verdict v = verdict_of(p, fixture, path, part);
    double off = parity_abc(line, p->root ? p->root : ".", what);
    v.result = (parity_result){.passed = off <= PARITY_ABC_TOLERANCE, .max_abs = off, .worst = what};
    verdict_end(&v);
}

/* ---- corpus tests ---- */

static void check_windows(verdict *v, const mg_quality *q, const mg_json *line)
{
    const mg_json *pitches = mg_json_get(line, "min_unique_pitches_in"), *density = mg_json_get(line, "max_density_in");
    char width[16];
    for (int i = 0; i < MG_QUALITY_PITCH_WINDOWS && pitches; i++) {
        snprintf(width, sizeof width, "%d", q->pitches_in[i].width_s);
        const mg_json *want = mg_json_get(pitches, width);
        verdict_numbers(v, "min_unique_pitches_in", (double[]){q->pitches_in[i].lowest, q->pitches_in[i].at_s}, want);
    }
    for (int i = 0; i < MG_QUALITY_DENSITY_WINDOWS && density; i++) {
        const double got[] = {q->density_in[i].notes_per_second, q->density_in[i].per_pitch, q->density_in[i].at_s};
        snprintf(width, sizeof width, "%d", q->density_in[i].width_s);
        verdict_numbers(v, "max_density_in", got, mg_json_get(density, width));
    }
}

static void check_tests(verdict *v, const mg_quality *q, const mg_json *line)
{
    const mg_json *pass = mg_json_get(line, "pass");
    bool all = false;
    for (int test = 0; test < MG_QUALITY_TESTS; test++) {
        bool passes = false, applies = mg_json_bool(mg_json_get(pass, mg_quality_name(test)), &passes);
        if (applies != q->tests[test].applies || passes != q->tests[test].passes)
            verdict_fail(v, mg_quality_name(test));
    }
    if (!mg_json_bool(mg_json_get(line, "all_pass"), &all) || all != q->passes_all) verdict_fail(v, "all_pass");
}

void check_quality(parity *p, const char *fixture, const mg_json *line)
{
    const char *path = mg_json_get_string(line, "path", ""), *error = mg_json_get_string(line, "error", NULL);
    if (error) {
        symbolic_unsupported(p, fixture, path, "quality", "the reference raised an error");
        return;
    }
    mg_quality q;
    mg_score *s = symbolic_score(p, fixture, line, MG_PAIR_ALL, MG_UNCLOSED_DROP);
    if (!s) return;
    verdict v = verdict_of(p, fixture, path, "quality");
    if (mg_quality_measure(s, &q, NULL)) verdict_fail(&v, "measure");
    const struct { const char *name; double value; } rows[] = {
        {"n_notes", (double)q.n_notes}, {"programs", q.programs}, {"instruments", q.instruments},
        {"span_ms", (double)q.span_ms}, {"notes_per_second", q.notes_per_second},
        {"notes_per_second_per_instrument", q.notes_per_second_per_instrument}, {"length_s", q.length_s},
        {"longest_silence_s", q.longest_silence_s}, {"mean_velocity", q.mean_velocity},
        {"mean_note_ms", q.mean_note_ms}, {"unique_pitches", q.unique_pitches}, {"length_entropy", q.length_entropy},
        {"onset_delta_entropy", q.onset_delta_entropy}, {"pitch_entropy", q.pitch_entropy},
        {"repetitive_kl", q.repetitive_kl}, {"repetitive_kl_any_length", q.repetitive_kl_any_length}};
    double want;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (mg_json_real(mg_json_get(line, rows[i].name), &want)) verdict_number(&v, rows[i].name, rows[i].value, want);
    check_windows(&v, &q, line);
    check_tests(&v, &q, line);
    verdict_end(&v);
    mg_score_free(s);
}
