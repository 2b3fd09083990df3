/* SPDX-License-Identifier: MIT */
/* WAV files written by ourselves: libsndfile writes none to a pipe, and its close succeeds on a full disk. */
#ifndef AUDIO_WAV_H
#define AUDIO_WAV_H

#include <mgen/audio.h>

int wav_bytes(int depth); /* of a sample */
/* Header and comment, up to the first sample. MG_TOO_LARGE beyond the 4 GiB that RIFF can say. */
mg_status wav_begin(mg_out *out, const mg_sound_spec *spec, mg_error *why);
mg_status wav_write(mg_out *out, const mg_sound_spec *spec, const float *samples, size_t count, mg_error *why);
mg_status wav_end(mg_out *out, const mg_sound_spec *spec, mg_error *why); /* the pad byte */

#endif
