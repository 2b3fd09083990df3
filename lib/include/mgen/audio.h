/* SPDX-License-Identifier: MIT */
/** Sound: files written, loudness measured, levels set. Samples are floats, interleaved by channel, full scale at -1
    and 1; a frame is one sample of each channel. */
#ifndef MGEN_AUDIO_H
#define MGEN_AUDIO_H

#include <mgen/base.h>

MG_PUBLIC_BEGIN

/* ---- files ---- */

typedef enum { MG_WAV, MG_FLAC } mg_sound_format;
typedef enum { MG_PCM_16, MG_PCM_24, MG_FLOAT_32 } mg_sound_depth; /**< FLAC has no floats */

typedef struct {
    int format;          /**< mg_sound_format */
    int depth;           /**< mg_sound_depth */
    int rate, channels;  /**< frames a second; 1 .. 8 */
    int64_t frames;      /**< all that will be written: stands in the header, so that a pipe gets a true one */
    const char *comment; /**< UTF-8, kept in the file; may be NULL */
} mg_sound_spec;

/** Writes a sound file into `out`, which stays yours. WAV may go to a pipe, FLAC wants a file. Every write is checked,
    whatever the library underneath says at the end. */
typedef struct mg_sound_writer mg_sound_writer;
mg_status mg_sound_create(mg_out *out, const mg_sound_spec *spec, mg_sound_writer **writer, mg_error *why);
/** Samples beyond full scale are cut off. Integers are rounded, not dithered: silence stays silence. */
mg_status mg_sound_write(mg_sound_writer *writer, const float *samples, size_t frames, mg_error *why);
/** The end of the sound: frees the writer in any case. MG_BAD_ARGUMENT unless spec.frames were written. */
mg_status mg_sound_finish(mg_sound_writer *writer, mg_error *why);
void mg_sound_free(mg_sound_writer *writer); /**< gives up; NULL is fine */

/** What a sound file says of itself. */
typedef struct {
    char format[64];  /**< "WAV (Microsoft), Signed 16 bit PCM" */
    int rate, channels;
    int64_t frames;
    char *comment;    /**< NULL if it has none; yours */
    char *title;      /**< the same */
} mg_sound_about;

/** Whether a file that begins with these bytes, twelve or more, is one of sound. */
bool mg_sound_is(const void *bytes, size_t size);

/** MG_BAD_DATA if it is no sound file, or it has been cut off: its header promises more than it holds. */
mg_status mg_sound_look(const char *path, mg_sound_about *about, mg_error *why);
void mg_sound_about_free(mg_sound_about *about);

/* ---- loudness (EBU R 128, ITU-R BS.1770-4) ---- */

typedef struct mg_loudness mg_loudness;
mg_status mg_loudness_new(int rate, int channels, mg_loudness **loudness, mg_error *why);
mg_status mg_loudness_add(mg_loudness *loudness, const float *samples, size_t frames, mg_error *why);
/** Integrated loudness in LUFS; -HUGE_VAL for silence and for what is shorter than 0.4 s. */
double mg_loudness_integrated(const mg_loudness *loudness);
/** The greatest true peak of all channels in dBTP (samples between the samples count); -HUGE_VAL for silence. */
double mg_loudness_true_peak(const mg_loudness *loudness);
void mg_loudness_free(mg_loudness *loudness);

/* ---- levels ---- */

/** A gain, and a limiter that looks 5 ms ahead so that nothing passes the ceiling: attack without a click, release
    over 150 ms. The output is as long as the input. */
typedef struct mg_limiter mg_limiter;
mg_status mg_limiter_new(int rate, int channels, double gain_db, double ceiling_db, mg_limiter **limiter,
                         mg_error *why);
/** In place. The first frames that come out are silence for as long as the limiter looks ahead (mg_limiter_delay). */
void mg_limiter_process(mg_limiter *limiter, float *samples, size_t frames);
int mg_limiter_delay(const mg_limiter *limiter); /**< frames */
double mg_limiter_most_db(const mg_limiter *limiter); /**< the greatest reduction so far, 0 or more */
void mg_limiter_free(mg_limiter *limiter);

/* ---- the libraries underneath ---- */

const char *mg_sound_library(void);    /**< "libsndfile-1.2.0" */
const char *mg_loudness_library(void); /**< "1.2.6" */

MG_PUBLIC_END
#endif
