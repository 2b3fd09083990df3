/* SPDX-License-Identifier: MIT */
/* Which instruments play, and where sound fonts are found. */
#include "synth/play.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct mg_synth {
    builtin_bank *builtin; /* one of the two */
    fluid_bank *fluid;
    char *soundfont;
};

/* ---- sound fonts ---- */

static const char *const fonts[] = {
    "sounds/sf2/default-GM.sf2",   "sounds/sf3/default-GM.sf3",    "soundfonts/default.sf2",
    "sounds/sf2/FluidR3_GM.sf2",   "soundfonts/FluidR3_GM.sf2",    "soundfonts/FluidR3_GM2-2.sf2",
    "sounds/sf2/GeneralUser_GS.sf2", "soundfonts/GeneralUser.sf2", "sounds/sf2/TimGM6mb.sf2",
    "soundfonts/TimGM6mb.sf2",
};

/* The k-th folder of data: $SOUNDFONT stands alone as the first, then $XDG_DATA_HOME, then each of $XDG_DATA_DIRS. */
static bool data_folder(size_t k, mg_buffer *path)
{
    const char *home = getenv("HOME"), *own = getenv("XDG_DATA_HOME"), *shared = getenv("XDG_DATA_DIRS");
    mg_buffer_clear(path);
    if (k == 0) {
        mg_buffer_print(path, own && *own ? "%s" : "%s/.local/share", own && *own ? own : home ? home : "");
        return true;
    }
    const char *at = shared && *shared ? shared : "/usr/local/share:/usr/share";
    for (; k > 1 && at; k--) at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL;
    if (at) mg_buffer_print(path, "%.*s", (int)strcspn(at, ":"), at);
    return at != NULL;
}

bool mg_soundfont_find(size_t n, mg_buffer *path)
{
    const char *wish = getenv("SOUNDFONT");
    mg_buffer folder = {0};
    bool is_found = false;
    if (wish && *wish && access(wish, R_OK) == 0 && n-- == 0) {
        mg_buffer_clear(path);
        mg_buffer_add_text(path, wish);
        return !path->failed;
    }
    for (size_t k = 0; !is_found && data_folder(k, &folder) && !folder.failed; k++)
        for (size_t f = 0; !is_found && f < sizeof fonts / sizeof *fonts; f++) {
            mg_buffer_clear(path);
            mg_buffer_print(path, "%s/%s", folder.data, fonts[f]);
            is_found = !path->failed && access(path->data, R_OK) == 0 && n-- == 0;
        }
    mg_buffer_free(&folder);
    return is_found;
}

/* ---- instruments ---- */

mg_status mg_synth_open(mg_synth_kind kind, const char *soundfont, mg_synth **result, mg_error *why)
{
    *result = NULL;
    mg_buffer found = {0};
    bool wants_font = kind != MG_SYNTH_BUILT_IN;
    if (wants_font && !soundfont && mg_soundfont_find(0, &found)) soundfont = found.data;
    if (found.failed) return mg_buffer_free(&found), mg_fail(why, MG_NO_MEMORY, "out of memory");
    if (kind == MG_SYNTH_FLUID && !soundfont)
        return mg_buffer_free(&found), mg_fail(why, MG_IO, "no sound font found: name one, or set SOUNDFONT");
    mg_status status = MG_OK;
    mg_synth *synth = mg_alloc_zero(1, sizeof *synth);
    if (!synth) {
        status = MG_NO_MEMORY;
    } else if (wants_font && soundfont) {
        synth->soundfont = mg_strdup(soundfont);
        status = synth->soundfont ? fluid_bank_open(soundfont, &synth->fluid, why) : MG_NO_MEMORY;
    } else if (!(synth->builtin = builtin_bank_new())) {
        status = MG_NO_MEMORY;
    }
    mg_buffer_free(&found);
    if (status == MG_NO_MEMORY) mg_fail(why, status, "out of memory");
    if (status) return mg_synth_close(synth), status;
    *result = synth;
    return MG_OK;
}

const char *mg_synth_name(const mg_synth *synth) { return synth->fluid ? "fluidsynth" : "built-in"; }
const char *mg_synth_soundfont(const mg_synth *synth) { return synth->soundfont; }

mg_status synth_engine(const mg_synth *synth, int rate, const play_list *list, engine **result, mg_error *why)
{
    if (synth->fluid) return fluid_new(synth->fluid, rate, result, why);
    *result = builtin_new(synth->builtin, rate, list);
    return *result ? MG_OK : mg_fail(why, MG_NO_MEMORY, "out of memory");
}

void mg_synth_close(mg_synth *synth)
{
    if (!synth) return;
    builtin_bank_free(synth->builtin);
    fluid_bank_close(synth->fluid);
    mg_free(synth->soundfont);
    mg_free(synth);
}
