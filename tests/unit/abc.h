/* SPDX-License-Identifier: MIT */
/* Tunes read and written down in short, for the tests of ABC. */
#ifndef TESTS_UNIT_ABC_H
#define TESTS_UNIT_ABC_H

#include "tests/unit/tap.h"

#include <mgen/midi.h>

#include <stdarg.h>

/* The tunes of a text. Zero before use, abc_tunes_free after. */
typedef struct {
    mg_score *score[64];
    mg_error trouble[64];
    int n;
} abc_tunes;

static inline mg_status abc_keep_tune(void *user, int number, mg_score *score, const mg_error *trouble)
{
    abc_tunes *tunes = user;
    if (number != tunes->n + 1 || number > 64) abort();
    tunes->score[tunes->n] = score;
    if (!score) tunes->trouble[tunes->n] = *trouble;
    tunes->n++;
    return MG_OK;
}

static inline void abc_tunes_free(abc_tunes *tunes)
{
    for (int i = 0; i < tunes->n; i++) mg_score_free(tunes->score[i]);
    *tunes = (abc_tunes){0};
}

/* All tunes of `text` read anew. */
static inline mg_status abc_read_text(const char *text, abc_tunes *tunes)
{
    mg_read_options options = mg_read_defaults();
    abc_tunes_free(tunes);
    return mg_abc_read(text, strlen(text), &options, abc_keep_tune, tunes, NULL);
}

/* The tune of `body` under a header that has M:4/4, L:1/4 and K:C; lent until the next call. */
static inline const mg_score *abc_tune(const char *body)
{
    static abc_tunes tunes;
    char text[4096];
    snprintf(text, sizeof text, "X:1\nT:t\nM:4/4\nL:1/4\nK:C\n%s\n", body);
    if (abc_read_text(text, &tunes) || tunes.n != 1 || !tunes.score[0]) abort();
    return tunes.score[0];
}

static char abc_written[8192];

static inline void abc_print(const char *format, ...)
{
    size_t n = strlen(abc_written);
    va_list args;
    va_start(args, format);
    vsnprintf(abc_written + n, sizeof abc_written - n, format, args);
    va_end(args);
}

/* A time in quarters as a reduced fraction. */
static inline void abc_print_time(int64_t ticks, int64_t per_quarter)
{
    int64_t a = ticks, b = per_quarter;
    while (b) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    if (a == 0) a = 1;
    abc_print(per_quarter / a == 1 ? "%lld" : "%lld/%lld", (long long)(ticks / a), (long long)(per_quarter / a));
}

/* Every note as pitch:length@start in quarters, "c60:1@0 c62:1/2@1", in the score's order. */
static inline const char *abc_notes(const mg_score *s)
{
    abc_written[0] = '\0';
    for (size_t i = 0; i < s->n_notes; i++) {
        abc_print(i ? " %d:" : "%d:", s->notes[i].pitch);
        abc_print_time(s->notes[i].end - s->notes[i].start, s->ticks_per_quarter);
        abc_print("@");
        abc_print_time(s->notes[i].start, s->ticks_per_quarter);
    }
    return abc_written;
}

/* The pitches as letters of ABC's middle octave and above, without times: "CDE^Fc". */
static inline const char *abc_letters(const mg_score *s)
{
    static const char *const names[] = {"C", "^C", "D", "^D", "E", "F", "^F", "G", "^G", "A", "^A", "B",
                                        "c", "^c", "d", "^d", "e", "f", "^f", "g", "^g", "a", "^a", "b"};
    abc_written[0] = '\0';
    for (size_t i = 0; i < s->n_notes; i++) {
        int n = s->notes[i].pitch - 60;
        abc_print("%s", n >= 0 && n < 24 ? names[n] : "?");
    }
    return abc_written;
}

/* The lengths in quarters. */
static inline const char *abc_lengths(const mg_score *s)
{
    abc_written[0] = '\0';
    for (size_t i = 0; i < s->n_notes; i++) {
        if (i) abc_print(" ");
        abc_print_time(s->notes[i].end - s->notes[i].start, s->ticks_per_quarter);
    }
    return abc_written;
}

/* The texts of a kind, "Am7@0 D@2", in quarters. */
static inline const char *abc_texts(const mg_score *s, int kind)
{
    abc_written[0] = '\0';
    for (size_t i = 0; i < s->n_texts; i++) {
        if (s->texts[i].kind != kind) continue;
        abc_print(abc_written[0] ? " %s@" : "%s@", s->texts[i].text);
        abc_print_time(s->texts[i].tick, s->ticks_per_quarter);
    }
    return abc_written;
}

/* The repairs as name:line, with xN where they count more than one. */
static inline const char *abc_repairs(const mg_score *s)
{
    abc_written[0] = '\0';
    for (size_t i = 0; i < s->n_repairs; i++) {
        abc_print(i ? " %s:%d" : "%s:%d", mg_repair_name(s->repairs[i].what), (int)s->repairs[i].place);
        if (s->repairs[i].count != 1) abc_print("x%u", s->repairs[i].count);
    }
    return abc_written;
}

#endif
