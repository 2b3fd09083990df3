/* SPDX-License-Identifier: MIT */
/* The built-in instruments as numbers. */
#ifndef SYNTH_PATCHES_H
#define SYNTH_PATCHES_H

#include <stdint.h>

enum { PATCH_MODES = 4, PATCH_BARS = 9 };

/* An instrument. Either a spectrum in two layers, body and brightness, kept in wave tables; or, where modes are given,
   a few sines with frequencies and decays of their own (bars, bells, skins). Times at middle C. */
typedef struct {
    const char *name;
    float gain;
    float attack_s, decay_s, sustain, release_s; /* decay: time constant towards `sustain` */
    float tracking;              /* the decay halves every 1/tracking octaves upwards */
    float dull, sharp;           /* harmonic h has h^-dull in the body, h^-sharp with all its brightness */
    float cut_hz;                /* the body falls by 1/e with every cut_hz, brightness half as fast; 0: neither */
    float even;                  /* weight of the even harmonics */
    float pluck;                 /* where a string is plucked, as a share of its length; 0: nowhere */
    float bright, bright_s;      /* brightness at full velocity; its time constant, 0: it follows the amplitude */
    float detune;                /* cents between two oscillators, one more to the left, one to the right; 0: one */
    float vibrato, vibrato_hz, vibrato_after_s; /* cents */
    float tremolo;               /* share of the amplitude, at vibrato_hz */
    float noise, noise_s, noise_hz; /* breath, bow, hammer: level, time constant (0: as long as the note), low-pass */
    float bars[PATCH_BARS];      /* harmonics given one by one (draw bars) instead of dull */
    struct { float ratio, level, decay; } modes[PATCH_MODES]; /* of the pitch; decay as a share of decay_s */
} patch;

extern const patch patch_list[];
extern const int patch_count;
/* The patch of each General MIDI program, an index of the list. */
extern const uint8_t patch_of_program[128];

#endif
