/* SPDX-License-Identifier: MIT */
/* Wave tables: one period of each instrument, in two layers, with as many harmonics as fit under the limit of
   hearing. */
#ifndef SYNTH_TABLES_H
#define SYNTH_TABLES_H

#include "synth/patches.h"

#include <stdbool.h>

enum { TABLE_BITS = 11, TABLE_SIZE = 1 << TABLE_BITS, TABLE_LEVELS = 14 };

typedef struct {
    /* Body and brightness in turn, the first pair again at the end. */
    float wave[TABLE_LEVELS][2 * (TABLE_SIZE + 1)];
} table_set;

/* One period of a sine; its first value again at the end. */
typedef struct { float at[TABLE_SIZE + 1]; } table_sine;
void tables_fill_sine(table_sine *sine);
/* Fill a set for an instrument; all have the same loudness at half brightness. */
void tables_fill(table_set *set, const patch *patch, const table_sine *sine);
/* The level whose highest harmonic stays below limit_hz. */
int tables_level(float fundamental_hz, float limit_hz);

/* The sine of a phase, which is a fraction of 2^32. */
static inline float table_sine_at(const table_sine *sine, uint32_t phase)
{
    uint32_t i = phase >> (32 - TABLE_BITS);
    float part = (float)(int32_t)(phase << TABLE_BITS >> 9) * 0x1p-23f;
    return sine->at[i] + part * (sine->at[i + 1] - sine->at[i]);
}

#endif
