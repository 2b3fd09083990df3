/* SPDX-License-Identifier: MIT */
/* Parity: results of this project against reference numbers that other people's software computed.

   An area knows one or more formats of fixtures and takes the folders and files that it understands; whatever nobody
   takes is named as unsupported. Each check becomes one record {kind:"check", fixture, check, passed, ...}. */
#ifndef TESTS_PARITY_PARITY_H
#define TESTS_PARITY_PARITY_H

#include <mgen/data.h>

typedef struct {
    const char *base; /* the folder that is walked */
    const char *root; /* the folder that paths inside fixtures start from; NULL if none was found */
    uint64_t passed, failed, unsupported;
    mg_buffer out;
} parity;

/* One check that was run. The largest differences, and where the worst one is; `why` for one that could not be run to
   its end (else NULL). */
typedef struct {
    bool passed;
    double max_abs, max_rel;
    const char *worst, *why;
} parity_result;

/* `fixture` is a path; the record has it as seen from the folder that is walked. */
void parity_report(parity *p, const char *fixture, const char *check, const parity_result *result);
void parity_unsupported(parity *p, const char *fixture, const char *check, const char *why);

/* Compare n numbers: each passes when |got - want| <= atol + rtol |want|; two NaN are equal. Adds to `result`; the
   place of the worst goes into `worst`, "name[i]". */
void parity_compare(parity_result *result, char worst[128], const char *name, const double *got, const double *want,
                    size_t n, double rtol, double atol);

typedef struct {
    const char *name;
    /* Run what lies at `path` if it is of this area: a folder (its content is then not looked at) or a file. */
    bool (*take)(parity *p, const char *path, bool is_folder);
} parity_area;

extern const parity_area parity_models; /* models.c: folders with fixture.json */
extern const parity_area parity_midi_stats; /* midi_stats.c: folders with midi-stats.tsv */
extern const parity_area parity_symbolic; /* symbolic.c: JSON lines about files of music */

#endif
