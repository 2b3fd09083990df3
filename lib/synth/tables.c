/* SPDX-License-Identifier: MIT */
/* Wave tables by adding sines. */
#include "synth/tables.h"

#include <math.h>
#include <string.h>

/* Harmonics of each level: two levels an octave, so that a step to the next one is hardly heard. */
static const int harmonics[TABLE_LEVELS] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128};

void tables_fill_sine(table_sine *sine)
{
    for (int i = 0; i <= TABLE_SIZE; i++) sine->at[i] = (float)sin(2 * M_PI * i / TABLE_SIZE);
}

int tables_level(float fundamental_hz, float limit_hz)
{
    int level = 0;
    while (level + 1 < TABLE_LEVELS && (float)harmonics[level + 1] * fundamental_hz < limit_hz) level++;
    return level;
}

/* Weight of harmonic h in the body and, with full brightness, in all. The level's fundamental is known by its highest
   harmonic, which lies at about 12 kHz. */
static void weights(const patch *p, int h, int highest, double *body, double *all)
{
    double hz = 12000.0 * h / highest, cut = p->cut_hz > 0 ? exp(-hz / (double)p->cut_hz) : 1;
    bool has_bars = p->bars[0] > 0;
    double shape = h % 2 ? 1 : (double)p->even;
    if (p->pluck > 0) shape *= fabs(sin(M_PI * h * (double)p->pluck)); /* a node of the string where it is plucked */
    *body = has_bars ? (h <= PATCH_BARS ? (double)p->bars[h - 1] : 0) : shape * pow(h, -(double)p->dull) * cut;
    *all = fmax(shape * pow(h, -(double)p->sharp) * sqrt(cut), *body);
}

static void fill_level(float *wave, int highest, const patch *p, const table_sine *sine)
{
    double power = 0, body[128], all[128];
    for (int h = 1; h <= highest; h++) {
        weights(p, h, highest, &body[h - 1], &all[h - 1]);
        power += (body[h - 1] + all[h - 1]) * (body[h - 1] + all[h - 1]) / 4;
    }
    float scale = power > 0 ? (float)(0.25 / sqrt(power)) : 0;
    for (int h = 1; h <= highest; h++) {
        float low = (float)body[h - 1] * scale, high = (float)(all[h - 1] - body[h - 1]) * scale;
        uint32_t at = (uint32_t)(h * h * 588410520ull) >> (32 - TABLE_BITS); /* phases spread: the wave has no spike */
        for (int i = 0; i <= TABLE_SIZE; i++, at = (at + (uint32_t)h) % TABLE_SIZE) {
            wave[2 * i] += low * sine->at[at];
            wave[2 * i + 1] += high * sine->at[at];
        }
    }
}

void tables_fill(table_set *set, const patch *p, const table_sine *sine)
{
    memset(set, 0, sizeof *set);
    for (int level = 0; level < TABLE_LEVELS; level++) fill_level(set->wave[level], harmonics[level], p, sine);
}
