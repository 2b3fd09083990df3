/* SPDX-License-Identifier: MIT */
/** A score made audible: by FluidSynth with a sound font, or by a synthesiser of our own. */
#ifndef MGEN_SYNTH_H
#define MGEN_SYNTH_H

#include <mgen/audio.h>
#include <mgen/data.h>
#include <mgen/midi.h>

MG_PUBLIC_BEGIN

/* ---- instruments ---- */

typedef enum { MG_SYNTH_AUTO, MG_SYNTH_BUILT_IN, MG_SYNTH_FLUID } mg_synth_kind;

/** What plays: loaded once, used by any number of renderings at the same time. */
typedef struct mg_synth mg_synth;

/** MG_SYNTH_AUTO takes FluidSynth if `soundfont` is given or one is found, else the built-in instruments. The sound
    font is looked for at $SOUNDFONT, then as the default and the usual fonts in sounds/sf2, sounds/sf3 and soundfonts
    below $XDG_DATA_HOME and $XDG_DATA_DIRS. MG_IO or MG_BAD_DATA for a font that cannot be read. */
mg_status mg_synth_open(mg_synth_kind kind, const char *soundfont, mg_synth **synth, mg_error *why);
const char *mg_synth_name(const mg_synth *synth);      /**< "built-in" or "fluidsynth" */
const char *mg_synth_soundfont(const mg_synth *synth); /**< the path, NULL for the built-in instruments */
void mg_synth_close(mg_synth *synth);

/** The n-th sound font that is there in the usual places, 0 the one that MG_SYNTH_AUTO takes; false past the last. */
bool mg_soundfont_find(size_t n, mg_buffer *path);

/* ---- rendering ---- */

typedef struct {
    int rate;              /**< frames a second, 8000 .. 96000 */
    int channels;          /**< 1 or 2 */
    int format, depth;     /**< mg_sound_format, mg_sound_depth */
    double max_seconds;    /**< what lies later is cut off, with a short fade */
    double loudness_lufs;  /**< integrated loudness to reach; NaN: as the synthesiser makes it */
    double gain_db;        /**< added to that */
    double ceiling_dbtp;   /**< no true peak goes above: a limiter sees to it */
    bool has_chords;       /**< play chord symbols softly */
    const char *comment;   /**< kept in the file; may be NULL */
} mg_render_options;

/** 44.1 kHz, stereo, 16-bit WAV, half an hour at most, -18 LUFS, ceiling at -1 dBTP. */
mg_render_options mg_render_defaults(void);

/** What came out. */
typedef struct {
    double seconds;
    double loudness_lufs;  /**< of the file; -HUGE_VAL for silence and for what is shorter than 0.4 s */
    double peak_dbtp;      /**< true peak of the file; -HUGE_VAL for silence */
    double gain_db;        /**< between synthesiser and file */
    double limited_db;     /**< the most that the limiter took away */
    bool is_cut;           /**< the score goes on beyond max_seconds */
} mg_rendering;

/** Play the score into `out`, which stays yours; `beside` says where the temporary file may lie (NULL: TMPDIR). Memory
    does not grow with the duration, and the bytes depend on nothing but score, options, instruments and machine. */
mg_status mg_render(const mg_synth *synth, const mg_score *score, const mg_render_options *options, mg_out *out,
                    const char *beside, mg_rendering *rendering, mg_error *why);

/** The notes of a chord symbol ("Am7", "F#dim", "G/B", "Bbmaj7"): pitch classes 0 .. 11, the root first, at most 6;
    *bass is the class under the slash, or the root. Returns how many, 0 if it is none ("N.C."). */
int mg_chord_classes(const char *symbol, uint8_t classes[6], uint8_t *bass);

/* ---- what mgen-render does ---- */

typedef struct {
    mg_piece_options pieces;
    mg_render_options render;    /**< its comment is made here */
    const char *output;          /**< a file, a folder, or "-" for standard output */
    bool is_folder;              /**< whether `output` is one: a file for each piece */
    bool may_replace;
    bool has_provenance;         /**< keep in each file where it came from (docs/PROVENANCE.md) */
} mg_render_job;

/** Whether an output is meant as a folder: it is one, ends with a slash, or has no ending .wav or .flac. */
bool mg_render_is_folder(const char *output);

/** Render every piece of `source`: an `output` record for each file. In a folder files are called as the pieces are
    (FILE-N for FILE#N), with _2, _3 ... where a name is taken, in the order of the inputs. A file or standard output
    takes one piece; further ones are errors. A failing output ends the run. */
mg_status mg_render_run(const mg_render_job *job, const mg_synth *synth, mg_source *source, mg_run *run,
                        mg_error *why);

const char *mg_fluid_library(void); /**< "2.3.1" */

MG_PUBLIC_END
#endif
