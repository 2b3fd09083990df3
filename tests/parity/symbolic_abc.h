/* SPDX-License-Identifier: MIT */
/* A line of fixtures/symbolic/abc.jsonl against our reader: {path, index, agree, abc2midi: {n, notes: [[start,
   duration, pitch], ...], sum_start, sum_duration}}, times in quarters as fractions. */
#ifndef TESTS_PARITY_SYMBOLIC_ABC_H
#define TESTS_PARITY_SYMBOLIC_ABC_H

#include <mgen/midi.h>
#include <mgen/text.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Its times come from abc2midi's ticks of 1/480, where tuplets are rounded. */
#define PARITY_ABC_TOLERANCE (1.0 / 240 + 1e-9)

typedef struct {
    int wanted;
    mg_score *score;
} parity_abc_tune;

static inline mg_status parity_abc_visit(void *user, int number, mg_score *score, const mg_error *trouble)
{
    parity_abc_tune *tune = user;
    (void)trouble;
    if (number == tune->wanted) tune->score = score;
    else mg_score_free(score);
    return MG_OK;
}

/* "7/2" */
static inline double parity_abc_fraction(const char *text)
{
    char *end;
    double value = strtod(text, &end);
    return *end == '/' ? value / strtod(end + 1, NULL) : value;
}

/* The largest difference of an onset or a duration in quarters; infinite where notes are missing, too many or of
   another pitch. `what` says in words what differs first. */
static inline double parity_abc(const mg_json *line, const char *root, char what[200])
{
    char path[4096];
    mg_file file;
    mg_read_options options = mg_read_defaults();
    parity_abc_tune tune = {.wanted = (int)mg_json_get_int(line, "index", 0) + 1};
    what[0] = '\0';
    snprintf(path, sizeof path, "%s/%s", root, mg_json_get_string(line, "path", ""));
    mg_error why = {0};
    mg_status status = mg_file_read(path, 0, &file, &why);
    if (!status) {
        status = mg_abc_read(file.data, file.size, &options, parity_abc_visit, &tune, &why);
        mg_file_free(&file);
    }
    if (status || !tune.score) {
        snprintf(what, 200, "%.180s", status ? why.text : "no such tune");
        mg_score_free(tune.score);
        return INFINITY;
    }
    const mg_json *want = mg_json_get(line, "abc2midi"), *rows = mg_json_get(want, "notes");
    const mg_note **notes = mg_score_sorted_notes(tune.score);
    size_t n = tune.score->n_notes;
    double per_quarter = tune.score->ticks_per_quarter, worst = 0, sum_start = 0, sum_duration = 0;
    if (!notes || (int64_t)n != mg_json_get_int(want, "n", -1)) {
        snprintf(what, 200, "%zu notes, not %d", n, (int)mg_json_get_int(want, "n", -1));
        worst = INFINITY;
    }
    for (size_t i = 0; i < n && worst < INFINITY; i++) {
        double start = (double)notes[i]->start / per_quarter;
        double duration = (double)(notes[i]->end - notes[i]->start) / per_quarter;
        sum_start += start;
        sum_duration += duration;
        const mg_json *row = mg_json_at(rows, i);
        int64_t pitch;
        if (!row || !mg_json_int(mg_json_at(row, 2), &pitch)) continue; /* the fixture keeps the first 400 */
        double off = fabs(start - parity_abc_fraction(mg_json_string(mg_json_at(row, 0))));
        double late = fabs(duration - parity_abc_fraction(mg_json_string(mg_json_at(row, 1))));
        if (pitch != notes[i]->pitch) off = INFINITY;
        if (late > off) off = late;
        if (off > PARITY_ABC_TOLERANCE && worst <= PARITY_ABC_TOLERANCE)
            snprintf(what, 200, "note %zu: pitch %d at %g", i, notes[i]->pitch, start);
        if (off > worst) worst = off;
    }
    if (n && worst < INFINITY) { /* the mean over all notes stands for those beyond the first 400 */
        const char *starts = mg_json_get_string(want, "sum_start", "0");
        const char *durations = mg_json_get_string(want, "sum_duration", "0");
        double off = fabs(sum_start - parity_abc_fraction(starts)) / (double)n;
        double late = fabs(sum_duration - parity_abc_fraction(durations)) / (double)n;
        if (fmax(off, late) > PARITY_ABC_TOLERANCE && !what[0]) snprintf(what, 200, "sums differ");
        worst = fmax(worst, fmax(off, late));
    }
    mg_free(notes);
    mg_score_free(tune.score);
    return worst;
}

#endif
