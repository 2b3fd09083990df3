/* SPDX-License-Identifier: MIT */
/* Drums made of a falling tone, filtered noise and a bundle of metal. */
#ifndef SYNTH_DRUMS_H
#define SYNTH_DRUMS_H

#include "synth/voice.h"

typedef struct drum drum; /* a row of the kit */

typedef struct {
    const drum *drum;   /* NULL: free */
    const table_sine *sine;
    bool is_choked;
    int offset;
    float rate, gain, pan;
    float tone, noise, metal;                      /* levels now */
    float tone_decay, noise_decay, metal_decay;    /* factors a block */
    float hz, sweep;                               /* what is left of the fall, and its factor */
    uint32_t phase[2], metal_phase[6], seed;
    float low_pass, high_pass, low_state, high_state[2], metal_state[2], metal_high;
} hit;

/* False for keys that are no drum. `number` makes each hit's noise its own. */
bool hit_start(hit *h, const table_sine *sine, int rate, int key, int velocity, int offset, uint32_t number);
/* Whether a hit of `key` silences this one, as a closing hi-hat does the open one. */
bool hit_is_choked_by(const hit *h, int key);
float hit_loudness(const hit *h);
void hit_render(hit *h, const voice_channel *channel, voice_mix *mix);

#endif
