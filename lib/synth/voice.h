/* SPDX-License-Identifier: MIT */
/* One note of a built-in instrument, from its attack to its last sound. */
#ifndef SYNTH_VOICE_H
#define SYNTH_VOICE_H

#include "synth/play.h"
#include "synth/tables.h"

/* What the MIDI channel says at the moment, the same for all its voices. */
typedef struct {
    float gain;        /* volume and expression */
    float pan;         /* 0 left .. 1 right */
    float send;        /* to the reverb */
    float bend;        /* semitones */
    float modulation;  /* 0 .. 1 */
} voice_channel;

/* Where a block is mixed: what is heard directly and what goes to the reverb. */
typedef struct {
    float left[PLAY_BLOCK], right[PLAY_BLOCK], wet[PLAY_BLOCK];
} voice_mix;

typedef enum { VOICE_FREE, VOICE_ATTACK, VOICE_HELD, VOICE_RELEASED, VOICE_DYING } voice_state;

typedef struct {
    const patch *patch;
    const float *wave;          /* a level of its table set */
    const table_sine *sine;
    voice_state state;
    uint8_t channel, key;
    bool is_pedalled;           /* ended by its note-off, kept by the pedal */
    int offset;                 /* frames into the first block where it begins */
    int64_t age;                /* blocks */
    float rate, key_hz;
    double apart;               /* each oscillator's distance from the pitch, as a factor */
    float velocity_gain, brightness;
    float level, attack, decay, release;   /* amplitude; step and factors a block */
    float bright, bright_decay;
    float mode_level[PATCH_MODES], mode_decay[PATCH_MODES];
    float noise, noise_decay, noise_filter, noise_state;
    uint32_t phase[2], mode_phase[PATCH_MODES], seed;
    float gain[4];              /* of the last block: oscillator 0 left, right, oscillator 1 left, right */
} voice;

/* `set` may be NULL for an instrument of modes. */
void voice_start(voice *v, const patch *patch, const table_set *set, const table_sine *sine, int rate, int channel,
                 int key, int velocity, float bend, int offset);
void voice_release(voice *v);
void voice_kill(voice *v); /* fades out within a block */
float voice_loudness(const voice *v); /* to choose whom to silence */
void voice_render(voice *v, const voice_channel *channel, voice_mix *mix);

#endif
