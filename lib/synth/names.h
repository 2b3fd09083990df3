/* SPDX-License-Identifier: MIT */
/* Names for output files: those of the inputs, each given once. */
#ifndef SYNTH_NAMES_H
#define SYNTH_NAMES_H

#include <mgen/base.h>

/* Zero it to start. */
typedef struct { mg_hash_set taken; } names;

/* The name of `path` without folder and ending, FILE-N for FILE#N, with _2, _3 ... if it was given before; new, NULL
   when out of memory. Short enough for an ending of eight bytes and a number. */
char *names_take(names *given, const char *path);
void names_free(names *given);

#endif
