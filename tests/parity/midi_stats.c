/* SPDX-License-Identifier: MIT */
/* The area of folders of MIDI files with a midi-stats.tsv: what mido counts in each file, a row a file. One check a
   folder. */
#include "tests/parity/symbolic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_NAME, TYPE, TICKS, TRACKS, NOTES, DRUMS, CHANNELS, LOWEST, HIGHEST, LAST_TICK, TEMPI, METERS, SECONDS,
       COLUMNS };
static const char *const names[COLUMNS] = {"file", "type", "tpb", "tracks", "notes", "drum_notes", "channels", "low",
                                           "high", "last_tick", "tempo_events", "time_signatures", "seconds"};

/* Cut a line at its tabs; how many parts there are. */
static int cut(char *line, char *parts[COLUMNS])
{
    int n = 0;
    for (char *at = line; at && n < COLUMNS; n++) {
        parts[n] = at;
        at = strchr(at, '\t');
        if (at) *at++ = '\0';
    }
    return n;
}

static void check_column(verdict *v, const char *file, int column, double got, const char *want)
{
    char name[100];
    double number = strtod(want, NULL), tolerance = column == SECONDS ? 0.5e-4 + 1e-9 : 1e-9;
    snprintf(name, sizeof name, "%.70s: %s", file, names[column]);
    parity_compare(&v->result, v->worst, name, &got, &number, 1, 0, tolerance);
}

/* The different meters joined by semicolons, in any order; "-" for none. */
static bool has_meters(const mg_score *s, const char *want)
{
    size_t found = 0, wanted = strcmp(want, "-") != 0;
    for (const char *at = want; (at = strchr(at, ';')); at++) wanted++;
    for (size_t i = 0; i < s->n_meters; i++) {
        char text[32], list[256];
        bool is_new = true;
        for (size_t k = 0; k < i; k++)
            is_new &= s->meters[k].numerator != s->meters[i].numerator ||
                      s->meters[k].denominator != s->meters[i].denominator;
        snprintf(text, sizeof text, ";%d/%d;", s->meters[i].numerator, s->meters[i].denominator);
        snprintf(list, sizeof list, ";%.250s;", want);
        if (!strstr(list, text)) return false;
        found += is_new;
    }
    return found == wanted;
}

static int by_tempo(const void *a, const void *b)
{
    const mg_tempo *x = a, *y = b;
    if (x->tick != y->tick) return x->tick < y->tick ? -1 : 1;
    return (x->us_per_quarter > y->us_per_quarter) - (x->us_per_quarter < y->us_per_quarter);
}

/* The table sorted tempi as pairs, so that of several at a tick the largest counts. Ours is the last in the file, as
   reading.jsonl has it. */
static double table_seconds(mg_score *s)
{
    if (s->n_tempos) qsort(s->tempos, s->n_tempos, sizeof *s->tempos, by_tempo);
    mg_clock *clock = mg_clock_new(s);
    if (!clock) exit(3);
    double seconds = mg_clock_seconds(clock, s->end_tick);
    mg_clock_free(clock);
    return seconds;
}

static void check_row(verdict *v, mg_score *s, char *const row[COLUMNS])
{
    int channels = 0, low = 128, high = -1;
    double drums = 0;
    for (size_t i = 0; i < s->n_notes; i++) {
        channels |= 1 << s->notes[i].channel;
        drums += s->notes[i].channel == 9;
        if (s->notes[i].pitch < low) low = s->notes[i].pitch;
        if (s->notes[i].pitch > high) high = s->notes[i].pitch;
    }
    bool has_format = strtol(row[TYPE], NULL, 10) <= 2, has_quarters = strtol(row[TICKS], NULL, 10) > 0;
    if (has_format) check_column(v, row[FILE_NAME], TYPE, s->format, row[TYPE]); /* others are read as 1 */
    if (has_quarters) check_column(v, row[FILE_NAME], TICKS, s->ticks_per_quarter, row[TICKS]); /* 0: 480 are assumed */
    check_column(v, row[FILE_NAME], TRACKS, (double)s->n_tracks, row[TRACKS]);
    check_column(v, row[FILE_NAME], NOTES, (double)s->n_notes, row[NOTES]);
    check_column(v, row[FILE_NAME], DRUMS, drums, row[DRUMS]);
    check_column(v, row[FILE_NAME], CHANNELS, __builtin_popcount((unsigned)channels), row[CHANNELS]);
    check_column(v, row[FILE_NAME], LOWEST, high < 0 ? -1 : low, row[LOWEST]);
    check_column(v, row[FILE_NAME], HIGHEST, high, row[HIGHEST]);
    check_column(v, row[FILE_NAME], LAST_TICK, (double)s->end_tick, row[LAST_TICK]);
    check_column(v, row[FILE_NAME], TEMPI, (double)s->n_tempos, row[TEMPI]);
    if (!has_meters(s, row[METERS])) verdict_fail(v, row[FILE_NAME]);
    if (has_quarters) check_column(v, row[FILE_NAME], SECONDS, table_seconds(s), row[SECONDS]);
}

static void check_line(verdict *v, const char *folder, char *line, int *n_rows, int *n_errors)
{
    char *row[COLUMNS], path[4300];
    int n = cut(line, row);
    if (n > 1 && strcmp(row[1], "ERROR") == 0) {
        ++*n_errors;
        return;
    }
    if (n < COLUMNS || strcmp(row[0], "file") == 0) return;
    mg_score *s = NULL;
    mg_error why = {0};
    snprintf(path, sizeof path, "%s/%s", folder, row[FILE_NAME]);
    ++*n_rows;
    if (promised_score(path, MG_PAIR_FIFO, MG_UNCLOSED_END, &s, &why)) verdict_fail(v, row[FILE_NAME]);
    else check_row(v, s, row);
    mg_score_free(s);
}

static bool take(parity *p, const char *path, bool is_folder)
{
    char name[4300], part[64], line[4096];
    snprintf(name, sizeof name, "%s/midi-stats.tsv", path);
    FILE *file = is_folder ? fopen(name, "r") : NULL;
    if (!file) return false;
    int n_rows = 0, n_errors = 0;
    verdict v = verdict_of(p, name, path, part);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        check_line(&v, path, line, &n_rows, &n_errors);
    }
    fclose(file);
    snprintf(part, sizeof part, "%d rows", n_rows);
    if (n_rows) verdict_end(&v);
    snprintf(part, sizeof part, "%d rows", n_errors);
    if (n_errors) symbolic_unsupported(p, name, path, part, "mido raised errors");
    return true;
}

const parity_area parity_midi_stats = {"midi_stats", take};
