/* SPDX-License-Identifier: MIT */
/* The built-in synthesiser: sixteen channels, voices, drums, a room. Everything is computed in one order, so the same
   events give the same bits. */
#include "synth/drums.h"
#include "synth/reverb.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

enum { CHANNELS = 16, VOICES = 112, MOST_SOUNDING = 96, HITS = 48 };

/* Wave tables are made when an instrument is first needed, and shared by all renderings. */
struct builtin_bank {
    pthread_mutex_t lock;
    table_sine sine;
    table_set *sets[64];
};

typedef struct {
    voice_channel now;
    int program, volume, expression, bend_value, bend_range, registered; /* parameter number, 16383: none */
    bool has_pedal;
} channel;

typedef struct {
    engine face;
    int rate;
    const table_sine *sine;
    const table_set *sets[64];
    channel channels[CHANNELS];
    voice voices[VOICES];
    hit hits[HITS];
    uint32_t n_hits;
    reverb *room;
} builtin;

/* ---- bank ---- */

builtin_bank *builtin_bank_new(void)
{
    builtin_bank *bank = mg_alloc_zero(1, sizeof *bank);
    if (!bank) return NULL;
    pthread_mutex_init(&bank->lock, NULL);
    tables_fill_sine(&bank->sine);
    return bank;
}

void builtin_bank_free(builtin_bank *bank)
{
    if (!bank) return;
    for (size_t i = 0; i < sizeof bank->sets / sizeof *bank->sets; i++) mg_free(bank->sets[i]);
    pthread_mutex_destroy(&bank->lock);
    mg_free(bank);
}

/* The set of a patch, made now if need be; NULL when out of memory. */
static const table_set *bank_set(builtin_bank *bank, int which)
{
    pthread_mutex_lock(&bank->lock);
    if (!bank->sets[which]) {
        bank->sets[which] = mg_alloc(1, sizeof **bank->sets);
        if (bank->sets[which]) tables_fill(bank->sets[which], &patch_list[which], &bank->sine);
    }
    const table_set *set = bank->sets[which];
    pthread_mutex_unlock(&bank->lock);
    return set;
}

static bool needs_set(int which) { return patch_list[which].modes[0].ratio == 0; }

/* ---- channels ---- */

static void set_gain(channel *c)
{
    float volume = (float)c->volume / 127, expression = (float)c->expression / 127;
    c->now.gain = volume * volume * expression * expression;
}

static void reset_controllers(channel *c)
{
    c->expression = 127;
    c->has_pedal = false;
    c->bend_value = 0;
    c->now.bend = 0;
    c->now.modulation = 0;
    c->registered = 16383;
    set_gain(c);
}

static void reset_channel(channel *c)
{
    *c = (channel){.volume = 100, .bend_range = 2};
    c->now.pan = 0.5f;
    c->now.send = 0.3f * 0.6f;
    reset_controllers(c);
}

static void set_bend(channel *c) { c->now.bend = (float)c->bend_value / 8192 * (float)c->bend_range; }

/* ---- voices ---- */

static void release_pedalled(builtin *b, int at)
{
    for (int i = 0; i < VOICES; i++) {
        voice *v = &b->voices[i];
        if (v->state == VOICE_FREE || v->channel != at || !v->is_pedalled) continue;
        v->is_pedalled = false;
        voice_release(v);
    }
}

static void release_key(builtin *b, int at, int key)
{
    for (int i = 0; i < VOICES; i++) {
        voice *v = &b->voices[i];
        if (v->state == VOICE_FREE || v->channel != at || v->key != key) continue;
        if (b->channels[at].has_pedal) v->is_pedalled = true;
        else voice_release(v);
    }
}

static void release_all(builtin *b, int at, bool is_at_once)
{
    for (int i = 0; i < VOICES; i++) {
        voice *v = &b->voices[i];
        if (v->state == VOICE_FREE || v->channel != at) continue;
        if (is_at_once) voice_kill(v);
        else voice_release(v);
    }
}

/* A free place. Above the limit the softest voice is told to die; if there is no place at all it gives up its own. */
static voice *find_place(builtin *b)
{
    voice *place = NULL, *softest = NULL;
    int sounding = 0;
    for (int i = 0; i < VOICES; i++) {
        voice *v = &b->voices[i];
        if (v->state == VOICE_FREE) {
            if (!place) place = v;
            continue;
        }
        sounding += v->state != VOICE_DYING;
        if (!softest || voice_loudness(v) < voice_loudness(softest)) softest = v;
    }
    if (sounding >= MOST_SOUNDING && place) voice_kill(softest);
    return place ? place : softest;
}

static void start_voice(builtin *b, const play_event *event, int offset)
{
    const channel *c = &b->channels[event->channel];
    int which = patch_of_program[c->program & 127];
    for (int i = 0; i < VOICES; i++) { /* the string is struck again */
        voice *v = &b->voices[i];
        if (v->state != VOICE_FREE && v->channel == event->channel && v->key == event->number) {
            v->is_pedalled = false;
            voice_release(v);
        }
    }
    voice_start(find_place(b), &patch_list[which], b->sets[which], b->sine, b->rate, event->channel, event->number,
                event->value, c->now.bend, offset);
}

static void start_hit(builtin *b, const play_event *event, int offset)
{
    hit *place = NULL, *softest = &b->hits[0];
    for (int i = 0; i < HITS; i++) {
        hit *h = &b->hits[i];
        if (!h->drum) {
            if (!place) place = h;
            continue;
        }
        if (hit_is_choked_by(h, event->number)) h->is_choked = true;
        if (hit_loudness(h) < hit_loudness(softest)) softest = h;
    }
    if (!place) place = softest;
    hit_start(place, b->sine, b->rate, event->number, event->value, offset, b->n_hits++);
}

/* ---- events ---- */

static void act_control(builtin *b, const play_event *event)
{
    channel *c = &b->channels[event->channel];
    int value = event->value;
    switch (event->number) {
    case 1: c->now.modulation = (float)value / 127; break;
    case 6:
        if (c->registered == 0) c->bend_range = value < 24 ? value : 24, set_bend(c);
        break;
    case 7: c->volume = value, set_gain(c); break;
    case 10: c->now.pan = (float)value / 127; break;
    case 11: c->expression = value, set_gain(c); break;
    case 64:
        c->has_pedal = value >= 64;
        if (!c->has_pedal) release_pedalled(b, event->channel);
        break;
    case 91: c->now.send = (float)value / 127 * 0.6f; break;
    case 98:
    case 99: c->registered = 16383; break;
    case 100: c->registered = (c->registered & ~127) | value; break;
    case 101: c->registered = (c->registered & 127) | value << 7; break;
    case 120: release_all(b, event->channel, true); break;
    case 121:
        reset_controllers(c);
        release_pedalled(b, event->channel);
        break;
    case 123: release_all(b, event->channel, false); break;
    default: break;
    }
}

static void act(engine *face, const play_event *event, int offset)
{
    builtin *b = (builtin *)face;
    channel *c = &b->channels[event->channel];
    switch ((play_what)event->what) {
    case PLAY_ON:
        if (event->channel == MG_DRUM_CHANNEL) start_hit(b, event, offset);
        else start_voice(b, event, offset);
        break;
    case PLAY_OFF: release_key(b, event->channel, event->number); break;
    case PLAY_CONTROL: act_control(b, event); break;
    case PLAY_PROGRAM: c->program = event->number; break;
    case PLAY_BEND: c->bend_value = event->bend, set_bend(c); break;
    }
}

static void render(engine *face, float stereo[2 * PLAY_BLOCK])
{
    builtin *b = (builtin *)face;
    voice_mix mix;
    memset(&mix, 0, sizeof mix);
    for (int i = 0; i < VOICES; i++)
        if (b->voices[i].state != VOICE_FREE) voice_render(&b->voices[i], &b->channels[b->voices[i].channel].now, &mix);
    for (int i = 0; i < HITS; i++)
        if (b->hits[i].drum) hit_render(&b->hits[i], &b->channels[MG_DRUM_CHANNEL].now, &mix);
    reverb_render(b->room, &mix);
    for (int i = 0; i < PLAY_BLOCK; i++) {
        stereo[2 * i] = mix.left[i];
        stereo[2 * i + 1] = mix.right[i];
    }
}

static bool is_silent(const engine *face)
{
    const builtin *b = (const builtin *)face;
    for (int i = 0; i < VOICES; i++)
        if (b->voices[i].state != VOICE_FREE) return false;
    for (int i = 0; i < HITS; i++)
        if (b->hits[i].drum) return false;
    return reverb_is_silent(b->room);
}

static void free_engine(engine *face)
{
    builtin *b = (builtin *)face;
    if (!b) return;
    reverb_free(b->room);
    mg_free(b);
}

engine *builtin_new(builtin_bank *bank, int rate, const play_list *list)
{
    builtin *b = mg_alloc_zero(1, sizeof *b);
    if (!b) return NULL;
    b->face = (engine){act, render, is_silent, free_engine};
    b->rate = rate;
    b->sine = &bank->sine;
    b->room = reverb_new(rate);
    bool has_memory = b->room != NULL;
    for (int i = 0; i < CHANNELS; i++) reset_channel(&b->channels[i]);
    bool is_used[128] = {true};
    for (size_t i = 0; i < list->n; i++)
        if (list->events[i].what == PLAY_PROGRAM) is_used[list->events[i].number & 127] = true;
    for (int program = 0; has_memory && program < 128; program++) {
        int which = patch_of_program[program];
        if (!is_used[program] || b->sets[which] || !needs_set(which)) continue;
        b->sets[which] = bank_set(bank, which);
        has_memory = b->sets[which] != NULL;
    }
    if (has_memory) return &b->face;
    free_engine(&b->face);
    return NULL;
}
