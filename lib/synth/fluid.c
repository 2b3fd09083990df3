/* SPDX-License-Identifier: MIT */
/* FluidSynth's synthesiser, driven by our own events. The door to FluidSynth. Its MIDI player is not used (it has
   known overflows in bookworm's build and renders silence without end), and it may not print. */
#include "synth/play.h"

#include <fluidsynth.h>
#include <string.h>

struct fluid_bank {
    char *soundfont;
    fluid_settings_t *settings; /* of `keeper` */
    fluid_synth_t *keeper;      /* holds the samples in memory, where all synthesisers of this font share them */
};

typedef struct {
    engine face;
    fluid_settings_t *settings;
    fluid_synth_t *synth;
    int rate, quiet_blocks; /* blocks without a sound */
} player;

const char *mg_fluid_library(void) { return fluid_version_str(); }

static mg_status open_synth(const char *soundfont, int rate, fluid_settings_t **settings, fluid_synth_t **synth,
                            mg_error *why)
{
    for (int level = FLUID_PANIC; level < LAST_LOG_LEVEL; level++) fluid_set_log_function(level, NULL, NULL);
    *synth = NULL;
    *settings = new_fluid_settings();
    if (!*settings) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    fluid_settings_setnum(*settings, "synth.sample-rate", rate);
    fluid_settings_setnum(*settings, "synth.gain", 0.5);
    fluid_settings_setint(*settings, "synth.polyphony", 256);
    fluid_settings_setint(*settings, "synth.cpu-cores", 1);
    fluid_settings_setint(*settings, "synth.threadsafe-api", 0);
    fluid_settings_setint(*settings, "synth.lock-memory", 0);
    *synth = new_fluid_synth(*settings);
    mg_status status = MG_OK;
    if (!*synth) status = mg_fail(why, MG_NO_MEMORY, "out of memory");
    else if (fluid_synth_sfload(*synth, soundfont, 1) == FLUID_FAILED)
        status = mg_fail(why, MG_BAD_DATA, "%s: not a sound font that FluidSynth reads", soundfont);
    if (!status) return MG_OK;
    delete_fluid_synth(*synth);
    delete_fluid_settings(*settings);
    *synth = NULL;
    *settings = NULL;
    return status;
}

static uint32_t size_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* Whether the bytes are RIFF sfbk, whole, with its three lists (SoundFont 2.01, section 4). Only such are handed on:
   FluidSynth would try anything else as DLS, whose loader is weak and talks. */
static bool is_font(const mg_file *file)
{
    static const char *const lists[] = {"INFO", "sdta", "pdta"};
    if (file->size < 12 || memcmp(file->data, "RIFF", 4) || memcmp(file->data + 8, "sfbk", 4)) return false;
    size_t size = size_at(file->data + 4);
    if (size > file->size - 8) return false;
    const uint8_t *at = file->data + 12, *end = file->data + 8 + size;
    for (int i = 0; i < 3; i++) {
        if (end - at < 12 || memcmp(at, "LIST", 4) || memcmp(at + 8, lists[i], 4)) return false;
        size = size_at(at + 4);
        if (size > (size_t)(end - at) - 8) return false;
        at += 8 + size + size % 2;
    }
    return true;
}

static mg_status check_font(const char *path, mg_error *why)
{
    mg_file file;
    MG_TRY(mg_file_read(path, 0, &file, why));
    bool is_good = is_font(&file);
    mg_file_free(&file);
    return is_good ? MG_OK : mg_fail(why, MG_BAD_DATA, "%s: not a sound font, or not a whole one", path);
}

mg_status fluid_bank_open(const char *soundfont, fluid_bank **result, mg_error *why)
{
    *result = NULL;
    MG_TRY(check_font(soundfont, why));
    fluid_bank *bank = mg_alloc_zero(1, sizeof *bank);
    if (!bank || !(bank->soundfont = mg_strdup(soundfont)))
        return mg_free(bank), mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_status status = open_synth(soundfont, 44100, &bank->settings, &bank->keeper, why);
    if (status) return fluid_bank_close(bank), status;
    *result = bank;
    return MG_OK;
}

void fluid_bank_close(fluid_bank *bank)
{
    if (!bank) return;
    delete_fluid_synth(bank->keeper);
    delete_fluid_settings(bank->settings);
    mg_free(bank->soundfont);
    mg_free(bank);
}

/* ---- playing ---- */

static void act(engine *face, const play_event *event, int offset)
{
    (void)offset; /* FluidSynth itself acts at the blocks' borders */
    player *p = (player *)face;
    switch ((play_what)event->what) {
    case PLAY_ON: fluid_synth_noteon(p->synth, event->channel, event->number, event->value); break;
    case PLAY_OFF: fluid_synth_noteoff(p->synth, event->channel, event->number); break;
    case PLAY_CONTROL: /* 122 and 124 to 127 would change how channels are heard */
        if (event->number < 122 || event->number == 123)
            fluid_synth_cc(p->synth, event->channel, event->number, event->value);
        break;
    case PLAY_PROGRAM: fluid_synth_program_change(p->synth, event->channel, event->number); break;
    case PLAY_BEND: fluid_synth_pitch_bend(p->synth, event->channel, event->bend + 8192); break;
    }
    p->quiet_blocks = 0;
}

static void render(engine *face, float stereo[2 * PLAY_BLOCK])
{
    player *p = (player *)face;
    fluid_synth_write_float(p->synth, PLAY_BLOCK, stereo, 0, 2, stereo, 1, 2);
    float loudest = 0;
    for (int i = 0; i < 2 * PLAY_BLOCK; i++) {
        float value = stereo[i] < 0 ? -stereo[i] : stereo[i];
        if (value > loudest) loudest = value;
    }
    p->quiet_blocks = loudest < 1e-4f ? p->quiet_blocks + 1 : 0;
}

/* A quarter of a second without a sound, and no voice left. */
static bool is_silent(const engine *face)
{
    const player *p = (const player *)face;
    return p->quiet_blocks * PLAY_BLOCK > p->rate / 4 && fluid_synth_get_active_voice_count(p->synth) == 0;
}

static void free_player(engine *face)
{
    player *p = (player *)face;
    if (!p) return;
    delete_fluid_synth(p->synth);
    delete_fluid_settings(p->settings);
    mg_free(p);
}

mg_status fluid_new(const fluid_bank *bank, int rate, engine **result, mg_error *why)
{
    *result = NULL;
    player *p = mg_alloc_zero(1, sizeof *p);
    if (!p) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    p->face = (engine){act, render, is_silent, free_player};
    p->rate = rate;
    mg_status status = open_synth(bank->soundfont, rate, &p->settings, &p->synth, why);
    if (status) return mg_free(p), status;
    *result = &p->face;
    return MG_OK;
}
