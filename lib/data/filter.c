/* SPDX-License-Identifier: MIT */
/* Which parts of pieces are worth keeping: a table of measures and the options that bound them. */
#include <mgen/data.h>
#include "data/prepare.h"

#include <math.h>
#include <string.h>

/* ---- measures ---- */

double data_bpm(const mg_score *score)
{
    int64_t end = mg_score_last_note(score);
    bool is_steady = true;
    for (size_t i = 1; i < score->n_tempos; i++)
        is_steady &= score->tempos[i].us_per_quarter == score->tempos[0].us_per_quarter || score->tempos[i].tick >= end;
    if (score->n_tempos && (score->tempos[0].tick > 0 || !is_steady) && end > 0) {
        mg_clock *clock = mg_clock_new(score);
        double seconds = clock ? mg_clock_seconds(clock, end) : 0;
        mg_clock_free(clock);
        if (seconds > 0) return (double)end / score->ticks_per_quarter * 60 / seconds;
    }
    return score->n_tempos ? 60e6 / score->tempos[0].us_per_quarter : 120;
}

/* Bars of the part, the last as far as it goes, and the share of those begun in which nothing sounds. */
static mg_status count_bars(const mg_score *score, int64_t end, data_facts *facts)
{
    mg_bars bars;
    size_t start_hint = 0, end_hint = 0, last_hint = 0;
    MG_TRY(mg_bars_make(score, end, &bars));
    mg_bar_place last = mg_bars_at(&bars, end, &last_hint);
    facts->bars = (double)last.bar + (double)last.offset / (double)bars.part[last.part].len_num;
    int64_t begun = last.bar + (last.offset > 0), full = 0;
    int64_t until = 0, sounds_to = 0; /* bars before `until` are counted */
    for (size_t i = 0; i < score->n_notes; i++) { /* by onset */
        const mg_note *note = &score->notes[i];
        if (note->end <= sounds_to) continue;
        sounds_to = note->end;
        int64_t from = mg_bars_at(&bars, note->start, &start_hint).bar;
        int64_t to = mg_bars_at(&bars, sounds_to - 1, &end_hint).bar + 1;
        if (from < until) from = until;
        if (to > from) full += to - from, until = to;
    }
    facts->empty_bars = begun ? (double)(begun - full) / (double)begun : 0;
    mg_bars_free(&bars);
    return MG_OK;
}

static double count_classes(const mg_score *score)
{
    bool is_used[12] = {false};
    int n = 0;
    for (size_t i = 0; i < score->n_notes; i++) {
        n += !is_used[score->notes[i].pitch % 12];
        is_used[score->notes[i].pitch % 12] = true;
    }
    return n;
}

mg_status data_facts_of(const mg_score *score, const mg_encoding *encoding, int resolution, data_facts *facts,
                        mg_error *why)
{
    int64_t end = mg_score_last_note(score);
    *facts = (data_facts){.notes = (double)score->n_notes, .pitch_classes = count_classes(score)};
    mg_clock *clock = mg_clock_new(score);
    mg_status status = clock ? count_bars(score, end, facts) : MG_NO_MEMORY;
    if (!status) {
        facts->seconds = mg_clock_seconds(clock, end);
        facts->density = facts->seconds > 0 ? facts->notes / facts->seconds : 0;
        facts->steps = encoding->steps_per_second
                           ? floor(facts->seconds * encoding->steps_per_second + 0.5)
                           : floor((double)end * resolution / score->ticks_per_quarter + 0.5);
    }
    mg_clock_free(clock);
    return status ? mg_fail(why, status, "out of memory") : MG_OK;
}

/* ---- the table ---- */

#define FACT(name) offsetof(data_facts, name)
#define LIMIT(name) offsetof(mg_prep_options, name)

/* In this order; a limit of 0 is none. */
static const struct {
    const char *reason;
    size_t fact, limit;
    bool is_least;
} filters[] = {
    {"few-notes", FACT(notes), LIMIT(min_notes), true},
    {"many-notes", FACT(notes), LIMIT(max_notes), false},
    {"few-pitch-classes", FACT(pitch_classes), LIMIT(min_pitch_classes), true},
    {"few-bars", FACT(bars), LIMIT(min_bars), true},
    {"many-bars", FACT(bars), LIMIT(max_bars), false},
    {"empty-bars", FACT(empty_bars), LIMIT(max_empty_bars), false},
    {"short", FACT(seconds), LIMIT(min_seconds), true},
    {"long", FACT(seconds), LIMIT(max_seconds), false},
    {"sparse", FACT(density), LIMIT(min_density), true},
    {"dense", FACT(density), LIMIT(max_density), false},
    {"few-steps", FACT(steps), LIMIT(min_steps), true},
    {"many-steps", FACT(steps), LIMIT(max_steps), false},
};

static double number_at(const void *base, size_t offset)
{
    double number;
    memcpy(&number, (const char *)base + offset, sizeof number);
    return number;
}

const char *data_refused(const mg_prep_options *options, const data_facts *facts, double *measure, double *limit)
{
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        *measure = number_at(facts, filters[i].fact);
        *limit = number_at(options, filters[i].limit);
        if (*limit > 0 && (filters[i].is_least ? *measure < *limit : *measure > *limit)) return filters[i].reason;
    }
    return NULL;
}
