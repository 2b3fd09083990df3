/* SPDX-License-Identifier: MIT */
/* A fuzz target is one file, fuzz_NAME.c, that defines this function; libFuzzer calls it (make fuzz TARGET=NAME), and
   so does replay.c over the corpus and the findings in the tree (make check). */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What must hold for every input. */
#define MUST(condition) ((condition) ? (void)0 : abort())

#endif
