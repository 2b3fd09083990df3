/* SPDX-License-Identifier: MIT */
/* The formats of fixtures/symbolic: what the checks of that area share. */
#ifndef TESTS_PARITY_SYMBOLIC_H
#define TESTS_PARITY_SYMBOLIC_H

#include "tests/parity/parity.h"

/* One check while it is being made: give it values, then end it. */
typedef struct {
    parity *p;
    const char *fixture, *path, *part;
    parity_result result;
    char worst[128];
} verdict;

verdict verdict_of(parity *p, const char *fixture, const char *path, const char *part);
void verdict_number(verdict *v, const char *name, double got, double want);                    /* to 1e-9 */
void verdict_numbers(verdict *v, const char *name, const double *got, const mg_json *want);    /* a list of numbers */
void verdict_int(verdict *v, const char *name, int64_t got, const mg_json *want);              /* exactly */
void verdict_text(verdict *v, const char *name, const char *got, const mg_json *want);
void verdict_digest(verdict *v, const char *name, const mg_buffer *text, const mg_json *want); /* its SHA-256 */
void verdict_fail(verdict *v, const char *name);
/* The record, called "PATH: PART". */
void verdict_end(verdict *v);
/* It cannot be run; also where the reference itself raised an error. */
void symbolic_unsupported(parity *p, const char *fixture, const char *path, const char *part, const char *why);
/* Whether the reference has a value under `key`; names the check as unsupported where it raised an error instead. */
const mg_json *reference(parity *p, const char *fixture, const mg_json *line, const char *key);

/* A MIDI file as mido and what stands on it read it: with no more tracks than its header promises. */
mg_status promised_score(const char *path, int pairing, int unclosed, mg_score **score, mg_error *why);
/* The same for the path of a line; NULL, and a failed check, where it cannot be read. */
mg_score *symbolic_score(parity *p, const char *fixture, const mg_json *line, int pairing, int unclosed);

/* Each takes one line of its file. */
typedef void line_check(parity *p, const char *fixture, const mg_json *line);
line_check check_reading, check_reading_notes, check_metrics, check_events, check_abc, check_rolls, check_quality;

#endif
