/* SPDX-License-Identifier: MIT */
/* Loudness. The door to libebur128. */
#include <mgen/audio.h>

#include <ebur128.h>
#include <math.h>
#include <stdio.h>

struct mg_loudness {
    ebur128_state *state;
    int channels;
};

const char *mg_loudness_library(void)
{
    static char version[24];
    int major, minor, patch;
    ebur128_get_version(&major, &minor, &patch);
    snprintf(version, sizeof version, "%d.%d.%d", major, minor, patch);
    return version;
}

mg_status mg_loudness_new(int rate, int channels, mg_loudness **result, mg_error *why)
{
    *result = NULL;
    mg_loudness *loudness = mg_alloc_zero(1, sizeof *loudness);
    if (!loudness) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    loudness->channels = channels;
    loudness->state = ebur128_init((unsigned)channels, (unsigned long)rate, EBUR128_MODE_I | EBUR128_MODE_TRUE_PEAK);
    if (!loudness->state) return mg_loudness_free(loudness), mg_fail(why, MG_NO_MEMORY, "out of memory");
    *result = loudness;
    return MG_OK;
}

mg_status mg_loudness_add(mg_loudness *loudness, const float *samples, size_t frames, mg_error *why)
{
    int failed = ebur128_add_frames_float(loudness->state, samples, frames);
    return failed ? mg_fail(why, MG_NO_MEMORY, "out of memory") : MG_OK;
}

double mg_loudness_integrated(const mg_loudness *loudness)
{
    double lufs = -HUGE_VAL;
    return ebur128_loudness_global(loudness->state, &lufs) ? -HUGE_VAL : lufs;
}

double mg_loudness_true_peak(const mg_loudness *loudness)
{
    double most = 0;
    for (int c = 0; c < loudness->channels; c++) {
        double peak = 0;
        if (ebur128_true_peak(loudness->state, (unsigned)c, &peak) == 0) most = fmax(most, peak);
    }
    return most > 0 ? 20 * log10(most) : -HUGE_VAL;
}

void mg_loudness_free(mg_loudness *loudness)
{
    if (!loudness) return;
    if (loudness->state) ebur128_destroy(&loudness->state);
    mg_free(loudness);
}
