/* SPDX-License-Identifier: MIT */
/* The drum kit: a row for each sound of General MIDI. Cymbals are six square waves that share no common fundamental,
   as in the analogue drum machines, with noise. */
#include "synth/drums.h"

#include <math.h>
#include <string.h>

/* Levels; times are time constants in seconds. The tone falls from hz * fall to hz. The noise is what lies between
   the two frequencies. The second tone stands at `second` times the first. */
struct drum {
    uint8_t first, last;     /* keys */
    uint8_t choke;           /* group of which only one sounds; 0: none */
    float pan, gain;
    float tone, hz, fall, fall_s, tone_s, second;
    float noise, low_hz, high_hz, noise_s;
    float metal, metal_hz, metal_s;
    float step;              /* semitones of tone between key and key */
};

/* clang-format off */
static const drum kit[] = {
    /* kick */
    {35, 36, 0, .5f, .72f, 1, 48, 3.2f, .022f, .17f, 0, .25f, 300, 4500, .006f, 0, 0, 0, 2},
    /* side stick, snares, clap */
    {37, 37, 0, .45f, .8f, .6f, 480, 1.2f, .01f, .02f, 2.3f, .5f, 1200, 7000, .012f, 0, 0, 0, 0},
    {38, 38, 0, .5f, 1, .55f, 182, 1.5f, .02f, .075f, 1.83f, .85f, 900, 9500, .095f, 0, 0, 0, 0},
    {39, 39, 0, .55f, 1.2f, 0, 0, 1, 1, 1, 0, 1, 900, 3800, .075f, 0, 0, 0, 0},
    {40, 40, 0, .5f, 1, .5f, 215, 1.4f, .02f, .06f, 1.6f, .95f, 1400, 11000, .11f, 0, 0, 0, 0},
    /* toms, from the floor up, from right to left */
    {41, 41, 0, .72f, .57f, 1, 74, 1.7f, .05f, .22f, 1.5f, .2f, 200, 3000, .03f, 0, 0, 0, 0},
    {43, 43, 0, .66f, .57f, 1, 90, 1.7f, .05f, .21f, 1.5f, .2f, 200, 3000, .03f, 0, 0, 0, 0},
    {45, 45, 0, .58f, .55f, 1, 112, 1.65f, .05f, .19f, 1.5f, .2f, 250, 3500, .028f, 0, 0, 0, 0},
    {47, 48, 0, .48f, .55f, 1, 140, 1.6f, .045f, .17f, 1.5f, .2f, 300, 3500, .026f, 0, 0, 0, 3},
    {50, 50, 0, .36f, .55f, 1, 196, 1.6f, .045f, .15f, 1.5f, .2f, 300, 4000, .025f, 0, 0, 0, 0},
    /* hi-hat: closed, pedal, open */
    {42, 42, 1, .38f, 2.8f, 0, 0, 1, 1, 1, 0, .55f, 7500, 15000, .022f, .5f, 2.6f, .028f, 0},
    {44, 44, 1, .38f, 1.93f, 0, 0, 1, 1, 1, 0, .55f, 6000, 13000, .03f, .35f, 2.4f, .03f, 0},
    {46, 46, 1, .38f, 1.19f, 0, 0, 1, 1, 1, 0, .55f, 7000, 15000, .2f, .5f, 2.6f, .26f, 0},
    /* crash, chinese, splash, crash; ride, bell, ride */
    {49, 49, 0, .3f, .85f, 0, 0, 1, 1, 1, 0, .8f, 3500, 14000, .55f, .5f, 2.1f, .75f, 0},
    {52, 52, 0, .7f, .59f, 0, 0, 1, 1, 1, 0, .9f, 1800, 11000, .42f, .7f, 1.5f, .5f, 0},
    {55, 55, 0, .42f, .8f, 0, 0, 1, 1, 1, 0, .8f, 4500, 15000, .2f, .45f, 2.6f, .25f, 0},
    {57, 57, 0, .7f, .85f, 0, 0, 1, 1, 1, 0, .8f, 3000, 13000, .6f, .5f, 1.9f, .85f, 0},
    {51, 51, 0, .66f, .71f, .12f, 3400, 1, 1, .12f, 1.52f, .3f, 6000, 15000, .3f, .55f, 2.3f, .5f, 0},
    {53, 53, 0, .66f, .13f, .7f, 1450, 1, 1, .32f, 1.96f, .12f, 6000, 14000, .1f, .35f, 2.3f, .4f, 0},
    {59, 59, 0, .72f, .71f, .12f, 3000, 1, 1, .12f, 1.47f, .35f, 5000, 14000, .34f, .55f, 2.1f, .55f, 0},
    /* tambourine, cowbell, vibraslap */
    {54, 54, 0, .6f, 2.34f, 0, 0, 1, 1, 1, 0, .7f, 6500, 15000, .07f, .5f, 3.4f, .09f, 0},
    {56, 56, 0, .42f, .4f, .9f, 562, 1, 1, .11f, 1.504f, .1f, 1500, 8000, .01f, 0, 0, 0, 0},
    {58, 58, 0, .6f, .84f, 0, 0, 1, 1, 1, 0, .8f, 2300, 5200, .22f, .2f, 1.1f, .2f, 0},
    /* bongos, congas, timbales, agogos: the higher one first */
    {60, 61, 0, .4f, .47f, 1, 440, 1.25f, .015f, .065f, 1.6f, .2f, 800, 6000, .01f, 0, 0, 0, -5},
    {62, 64, 0, .6f, .47f, 1, 300, 1.2f, .02f, .1f, 1.55f, .22f, 500, 5000, .012f, 0, 0, 0, -3},
    {65, 66, 0, .36f, .48f, 1, 330, 1.12f, .03f, .14f, 1.6f, .35f, 1200, 9000, .03f, 0, 0, 0, -5},
    {67, 68, 0, .62f, .32f, .9f, 1080, 1, 1, .13f, 1.48f, .05f, 3000, 9000, .01f, 0, 0, 0, -5},
    /* cabasa, maracas, whistles, guiros */
    {69, 69, 0, .36f, 2.4f, 0, 0, 1, 1, 1, 0, .9f, 5500, 13000, .04f, 0, 0, 0, 0},
    {70, 70, 0, .64f, 2.2f, 0, 0, 1, 1, 1, 0, .9f, 6000, 14000, .022f, 0, 0, 0, 0},
    {71, 71, 0, .5f, .4f, .9f, 2350, 1.02f, .02f, .09f, 1.01f, .1f, 2000, 6000, .08f, 0, 0, 0, 0},
    {72, 72, 0, .5f, .4f, .9f, 2350, 1.02f, .02f, .3f, 1.01f, .1f, 2000, 6000, .25f, 0, 0, 0, 0},
    {73, 73, 0, .5f, 1.38f, 0, 0, 1, 1, 1, 0, .9f, 2500, 7000, .05f, 0, 0, 0, 0},
    {74, 74, 0, .5f, .83f, 0, 0, 1, 1, 1, 0, .9f, 2300, 6500, .17f, 0, 0, 0, 0},
    /* claves, wood blocks, cuicas, triangles */
    {75, 75, 0, .56f, .52f, 1, 2450, 1, 1, .03f, 0, .05f, 2000, 8000, .004f, 0, 0, 0, 0},
    {76, 77, 0, .58f, .49f, 1, 1050, 1.05f, .01f, .035f, 2.4f, .1f, 1500, 7000, .005f, 0, 0, 0, -5},
    {78, 78, 0, .45f, .7f, .9f, 420, .8f, .05f, .07f, 0, .1f, 500, 3000, .02f, 0, 0, 0, 0},
    {79, 79, 0, .45f, .7f, .9f, 330, 1.4f, .09f, .16f, 0, .1f, 500, 3000, .02f, 0, 0, 0, 0},
    {80, 80, 2, .62f, .24f, .5f, 4200, 1, 1, .05f, 1.47f, 0, 0, 0, 1, .3f, 4.3f, .05f, 0},
    {81, 81, 2, .62f, .19f, .5f, 4200, 1, 1, .7f, 1.47f, 0, 0, 0, 1, .3f, 4.3f, .55f, 0},
};
/* clang-format on */

/* Keys of General MIDI 2 that have no sound of their own here, and what comes nearest. */
static const uint8_t stand_ins[][2] = {
    {27, 76}, {28, 39}, {29, 73}, {30, 74}, {31, 75}, {32, 77}, {33, 37}, {34, 53}, /* high Q to metronome bell */
    {82, 70}, {83, 54}, {84, 81}, {85, 75}, {86, 43}, {87, 41},                     /* shaker to open surdo */
};

static const float metal_ratios[6] = {205.3f, 304.4f, 369.6f, 522.7f, 540, 800}; /* Hz, times metal_hz */
static const float inaudible = 1e-4f;

static float decay_of(float seconds, int rate)
{
    return seconds > 0 ? (float)exp(-PLAY_BLOCK / ((double)seconds * rate)) : 0;
}

static float filter_of(float hz, int rate)
{
    return (float)(1 - exp(-2 * M_PI * fmin((double)hz, 0.45 * rate) / rate));
}

/* NULL for a key that is no drum; else *key becomes one of the drum's own. */
static const drum *drum_of(int *key)
{
    for (size_t i = 0; i < sizeof stand_ins / sizeof *stand_ins; i++)
        if (*key == stand_ins[i][0]) return *key = stand_ins[i][1], drum_of(key);
    for (size_t i = 0; i < sizeof kit / sizeof *kit; i++)
        if (*key >= kit[i].first && *key <= kit[i].last) return &kit[i];
    return NULL;
}

bool hit_start(hit *h, const table_sine *sine, int rate, int key, int velocity, int offset, uint32_t number)
{
    const drum *d = drum_of(&key);
    if (!d) return false;
    double loud = velocity / 127.0;
    *h = (hit){.drum = d, .sine = sine, .offset = offset, .rate = (float)rate, .pan = d->pan,
               .seed = number * 2654435761u + (uint32_t)key};
    h->gain = (float)pow(loud, 1.6) * d->gain * 0.5f;
    h->tone = d->tone;
    h->noise = d->noise * (float)(0.5 + 0.5 * loud);
    h->metal = d->metal * 0.22f;
    h->tone_decay = decay_of(d->tone_s, rate);
    h->noise_decay = decay_of(d->noise_s, rate);
    h->metal_decay = decay_of(d->metal_s, rate);
    h->hz = d->hz * (float)exp2((key - d->first) * (double)d->step / 12);
    h->sweep = d->fall - 1;
    h->low_pass = filter_of(d->high_hz * (float)(0.55 + 0.45 * loud), rate);
    h->high_pass = filter_of(d->low_hz, rate);
    h->metal_high = filter_of(5500, rate);
    for (int i = 0; i < 6; i++) h->metal_phase[i] = (uint32_t)(i + 1) * 0x9e3779b9u;
    return true;
}

bool hit_is_choked_by(const hit *h, int key)
{
    const drum *d = h->drum->choke ? drum_of(&key) : NULL;
    return d && d->choke == h->drum->choke;
}

float hit_loudness(const hit *h) { return h->gain * fmaxf(h->tone, fmaxf(h->noise, h->metal)); }

static void add_tone(hit *h, int from, float *out)
{
    const drum *d = h->drum;
    float level = h->tone, slope = level * (h->tone_decay - 1) / PLAY_BLOCK;
    float hz = h->hz * (1 + h->sweep), unit = 0x1p32f / h->rate;
    uint32_t step = (uint32_t)(hz * unit), second = (uint32_t)(hz * d->second * unit);
    for (int i = from; i < PLAY_BLOCK; i++, level += slope) {
        float value = table_sine_at(h->sine, h->phase[0]);
        if (second) value += 0.5f * table_sine_at(h->sine, h->phase[1]);
        out[i] += level * value;
        h->phase[0] += step;
        h->phase[1] += second;
    }
    h->tone *= h->tone_decay;
    h->sweep *= d->fall_s < 1 ? decay_of(d->fall_s, (int)h->rate) : 1;
}

/* Noise between two frequencies: a low-pass, then two high-passes. */
static void add_noise(hit *h, int from, float *out)
{
    float level = h->noise, slope = level * (h->noise_decay - 1) / PLAY_BLOCK;
    for (int i = from; i < PLAY_BLOCK; i++, level += slope) {
        h->seed = h->seed * 1664525u + 1013904223u;
        float value = (float)(int32_t)h->seed * 0x1p-31f;
        h->low_state += h->low_pass * (value - h->low_state);
        value = h->low_state;
        for (int k = 0; k < 2; k++) {
            h->high_state[k] += h->high_pass * (value - h->high_state[k]);
            value -= h->high_state[k];
        }
        out[i] += level * value;
    }
    h->noise *= h->noise_decay;
}

static void add_metal(hit *h, int from, float *out)
{
    float level = h->metal, slope = level * (h->metal_decay - 1) / PLAY_BLOCK;
    uint32_t step[6];
    for (int k = 0; k < 6; k++) step[k] = (uint32_t)(metal_ratios[k] * h->drum->metal_hz * 0x1p32f / h->rate);
    for (int i = from; i < PLAY_BLOCK; i++, level += slope) {
        int sum = 0;
        for (int k = 0; k < 6; k++) {
            sum += h->metal_phase[k] >> 31 ? 1 : -1;
            h->metal_phase[k] += step[k];
        }
        float value = (float)sum;
        for (int k = 0; k < 2; k++) {
            h->metal_state[k] += h->metal_high * (value - h->metal_state[k]);
            value -= h->metal_state[k];
        }
        out[i] += level * value;
    }
    h->metal *= h->metal_decay;
}

void hit_render(hit *h, const voice_channel *channel, voice_mix *mix)
{
    float out[PLAY_BLOCK] = {0};
    int from = h->offset;
    if (h->tone > inaudible) add_tone(h, from, out);
    if (h->noise > inaudible) add_noise(h, from, out);
    if (h->metal > inaudible) add_metal(h, from, out);
    float place = fminf(fmaxf(h->pan + channel->pan - 0.5f, 0), 1) * (float)M_PI_2;
    float left = h->gain * channel->gain * cosf(place), right = h->gain * channel->gain * sinf(place);
    for (int i = from; i < PLAY_BLOCK; i++) {
        float value = h->is_choked ? out[i] * (float)(PLAY_BLOCK - i) / PLAY_BLOCK : out[i];
        mix->left[i] += left * value;
        mix->right[i] += right * value;
        mix->wet[i] += channel->send * (left + right) * value;
    }
    h->offset = 0;
    if (h->is_choked || hit_loudness(h) < inaudible) h->drum = NULL;
}
