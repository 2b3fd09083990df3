/* SPDX-License-Identifier: MIT */
/* Oscillators and envelopes of a note. Once a block (64 frames) the envelopes move and the pitch is set; in between
   gains are ramped, so that nothing clicks. */
#include "synth/voice.h"

#include <math.h>
#include <string.h>

static const float inaudible = 1e-4f; /* -80 dB */

/* The factor by which a block decays with time constant `seconds`. */
static float decay_of(double seconds, double rate) { return (float)exp(-PLAY_BLOCK / (fmax(seconds, 1e-4) * rate)); }

void voice_start(voice *v, const patch *p, const table_set *set, const table_sine *sine, int rate, int channel,
                 int key, int velocity, float bend, int offset)
{
    double loud = velocity / 127.0, shorter = pow(2, -(double)p->tracking * (key - 60) / 12);
    *v = (voice){.patch = p, .sine = sine, .state = VOICE_ATTACK, .channel = (uint8_t)channel, .key = (uint8_t)key,
                 .offset = offset, .rate = (float)rate, .seed = (uint32_t)key * 2654435761u + (uint32_t)velocity};
    v->key_hz = (float)(440 * pow(2, (key - 69) / 12.0));
    double top_hz = (double)v->key_hz * pow(2, (fabs((double)bend) + 1) / 12);
    if (set) v->wave = set->wave[tables_level((float)top_hz, fminf(0.46f * (float)rate, 15000))];
    v->velocity_gain = (float)pow(loud, 1.7) * p->gain;
    v->brightness = p->bright * (float)(0.25 + 0.75 * loud);
    v->attack = (float)(PLAY_BLOCK / (fmax((double)p->attack_s * (1.3 - 0.5 * loud), 1e-3) * rate));
    v->decay = p->decay_s > 0 ? decay_of((double)p->decay_s * shorter, rate) : 1;
    v->release = decay_of((double)p->release_s, rate);
    v->bright = 1;
    v->bright_decay = p->bright_s > 0 ? decay_of((double)p->bright_s * shorter, rate) : 1;
    v->noise = p->noise;
    v->noise_decay = p->noise_s > 0 ? decay_of((double)p->noise_s, rate) : 1;
    v->noise_filter = (float)(1 - exp(-2 * M_PI * fmin((double)p->noise_hz, 0.4 * rate) / rate));
    for (int m = 0; m < PATCH_MODES && p->modes[m].ratio > 0; m++) {
        bool is_heard = (double)p->modes[m].ratio * top_hz < 0.46 * rate;
        v->mode_level[m] = is_heard ? p->modes[m].level * (m ? (float)(0.4 + 0.6 * loud) : 1) * 0.35f : 0;
        v->mode_decay[m] = decay_of((double)(p->decay_s * p->modes[m].decay) * shorter, rate);
    }
    v->apart = exp2((double)p->detune / 2400);
    v->phase[1] = p->detune > 0 ? 0x35000000u : 0;
}

void voice_release(voice *v)
{
    if (v->state == VOICE_ATTACK || v->state == VOICE_HELD) v->state = VOICE_RELEASED;
}

void voice_kill(voice *v) { v->state = VOICE_DYING; }

float voice_loudness(const voice *v)
{
    float level = v->level * v->velocity_gain;
    if (v->mode_decay[0] > 0) level *= v->mode_level[0] * 3;
    return v->state == VOICE_ATTACK ? 1 : v->state == VOICE_RELEASED ? level * 0.3f : level;
}

/* The amplitude at the end of this block; marks the voice free when nothing will be heard any more. */
static float next_level(voice *v)
{
    const patch *p = v->patch;
    if (v->state == VOICE_ATTACK) {
        v->level += v->attack;
        if (v->level >= 1) v->level = 1, v->state = VOICE_HELD;
    } else if (v->state == VOICE_HELD) {
        if (v->mode_decay[0] == 0) v->level = p->sustain + (v->level - p->sustain) * v->decay;
    } else if (v->state == VOICE_RELEASED) {
        v->level *= v->release;
    } else {
        v->level = 0;
    }
    return v->level;
}

/* One oscillator of a spectrum: body + bright times brightness, the latter only while it is heard. */
static uint32_t add_oscillator(const float *wave, uint32_t phase, uint32_t step, float bright, int from, float *out)
{
    bool is_bright = bright > 2e-3f;
    for (int i = from; i < PLAY_BLOCK; i++, phase += step) {
        const float *at = wave + 2 * (phase >> (32 - TABLE_BITS));
        float part = (float)(int32_t)(phase << TABLE_BITS >> 9) * 0x1p-23f;
        float value = at[0] + part * (at[2] - at[0]);
        if (is_bright) value += bright * (at[1] + part * (at[3] - at[1]));
        out[i] += value;
    }
    return phase;
}

static void add_wave(voice *v, const uint32_t step[2], float bright, int from, float *one, float *other)
{
    v->phase[0] = add_oscillator(v->wave, v->phase[0], step[0], bright, from, one);
    if (v->patch->detune > 0) v->phase[1] = add_oscillator(v->wave, v->phase[1], step[1], bright, from, other);
    else memcpy(other, one, PLAY_BLOCK * sizeof *one);
}

static void add_modes(voice *v, double hz, int from, float *one, float *other)
{
    for (int m = 0; m < PATCH_MODES; m++) {
        if (v->mode_level[m] < inaudible) continue;
        uint32_t step = (uint32_t)(hz * (double)v->patch->modes[m].ratio / (double)v->rate * 0x1p32);
        float level = v->mode_level[m], slope = level * (v->mode_decay[m] - 1) / PLAY_BLOCK;
        for (int i = from; i < PLAY_BLOCK; i++, level += slope, v->mode_phase[m] += step)
            one[i] += level * table_sine_at(v->sine, v->mode_phase[m]);
        v->mode_level[m] *= v->mode_decay[m];
    }
    memcpy(other, one, PLAY_BLOCK * sizeof *one);
}

static void add_noise(voice *v, int from, float *one, float *other)
{
    if (v->noise < inaudible) return;
    for (int i = from; i < PLAY_BLOCK; i++) {
        v->seed = v->seed * 1664525u + 1013904223u;
        float white = (float)(int32_t)v->seed * 0x1p-31f;
        v->noise_state += v->noise_filter * (white - v->noise_state);
        one[i] += v->noise * v->noise_state;
        other[i] += v->noise * v->noise_state;
    }
    v->noise *= v->noise_decay;
}

/* Gains go in a straight line from those of the last block to `target`. Before `from` both oscillators are silent, so
   the whole block is gone through: a fixed count, which compilers turn into vectors. */
static void mix_in(voice *v, const float target[4], float send, int from, const float *restrict one,
                   const float *restrict other, voice_mix *restrict mix)
{
    float start[4], slope[4];
    for (int k = 0; k < 4; k++) {
        slope[k] = (target[k] - v->gain[k]) / (float)(PLAY_BLOCK - from);
        start[k] = v->gain[k] - slope[k] * (float)from;
        v->gain[k] = target[k];
    }
    for (int i = 0; i < PLAY_BLOCK; i++) {
        float at = (float)i;
        float left = one[i] * (start[0] + slope[0] * at) + other[i] * (start[2] + slope[2] * at);
        float right = one[i] * (start[1] + slope[1] * at) + other[i] * (start[3] + slope[3] * at);
        mix->left[i] += left;
        mix->right[i] += right;
        mix->wet[i] += send * (left + right);
    }
}

/* Amplitude and place of both oscillators: equal power, the pair spread a little around the channel's place. */
static void gains_of(const voice *v, const voice_channel *channel, float amplitude, float target[4])
{
    float spread = v->patch->detune > 0 ? fminf(0.02f * v->patch->detune, 0.22f) : 0;
    float key_pan = ((float)v->key - 64) * 0.0016f; /* low keys a little to the left, as at a piano */
    for (int o = 0; o < 2; o++) {
        float place = fminf(fmaxf(channel->pan + key_pan + (o ? spread : -spread), 0), 1);
        target[2 * o] = amplitude * 0.7f * cosf(place * (float)M_PI_2);
        target[2 * o + 1] = amplitude * 0.7f * sinf(place * (float)M_PI_2);
    }
}

void voice_render(voice *v, const voice_channel *channel, voice_mix *mix)
{
    const patch *p = v->patch;
    float one[PLAY_BLOCK] = {0}, other[PLAY_BLOCK] = {0}, target[4];
    int from = v->offset;
    double seconds = (double)v->age * PLAY_BLOCK / (double)v->rate;
    bool sways = p->vibrato > 0 || p->tremolo > 0 || channel->modulation > 0;
    double sway = sways ? sin(2 * M_PI * (double)(p->vibrato_hz > 0 ? p->vibrato_hz : 5.2f) * seconds) : 0;
    double deep = (double)p->vibrato * fmin(fmax(seconds - (double)p->vibrato_after_s, 0) / 0.4, 1);
    double semitones = (double)channel->bend + (deep + 45.0 * (double)channel->modulation) * sway / 100;
    double hz = (double)v->key_hz * (semitones != 0 ? exp2(semitones / 12) : 1);
    float amplitude = next_level(v) * v->velocity_gain * channel->gain * (1 - p->tremolo * (float)(0.5 + 0.5 * sway));
    if (v->wave) {
        double unit = 0x1p32 / (double)v->rate;
        uint32_t step[2] = {(uint32_t)(hz / v->apart * unit), (uint32_t)(hz * v->apart * unit)};
        float follow = p->bright_s > 0 ? v->bright : v->level; /* a blown tone brightens as it swells */
        add_wave(v, step, v->brightness * follow, from, one, other);
        v->bright *= v->bright_decay;
    } else {
        add_modes(v, hz, from, one, other);
    }
    add_noise(v, from, one, other);
    gains_of(v, channel, amplitude, target);
    mix_in(v, target, channel->send, from, one, other, mix);
    v->offset = 0;
    v->age++;
    bool is_over = v->state != VOICE_ATTACK && v->level < inaudible;
    bool has_rung_out = v->mode_decay[0] > 0 && v->state != VOICE_ATTACK && v->mode_level[0] < inaudible;
    if (is_over || has_rung_out) v->state = VOICE_FREE;
}
