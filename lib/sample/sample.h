/* SPDX-License-Identifier: MIT */
/** What the files of this room share. */
#ifndef SAMPLE_SAMPLE_H
#define SAMPLE_SAMPLE_H

#include <mgen/sample.h>

/** The encoding that a model speaks, whose vocabulary must be that of this version. */
mg_status sample_encoding(const mg_trained *trained, const mg_encoding **encoding, mg_error *why);

/** What all pieces begin with. Zero it to start. */
typedef struct {
    mg_buffer tokens;
    mg_score *signs;   /**< its tempos, meters and keys up to its end, without notes; NULL: none are known */
    double bpm;        /**< that it ends with; 0: it says none */
    char *file;        /**< where it stands; NULL for what came through a pipe or no file */
    mg_hash hash;      /**< of its bytes */
} sample_primer;

/** The first piece of what stands at a path: MIDI, ABC, records. */
mg_status sample_primer_read(sample_primer *primer, const char *path, const mg_encoding *encoding, int resolution,
                             mg_error *why);
/** A list as Magenta's --primer_melody takes it: of each sixteenth -2 (no event), -1 (note off) or a pitch. */
mg_status sample_primer_parse(sample_primer *primer, const char *list, const mg_encoding *encoding, int resolution,
                              double bpm, mg_error *why);
/** Give a score, made of tokens that begin with the primer's, its keys and, where beats are counted, its meters and,
    where wanted, tempos. */
mg_status sample_primer_sign(const sample_primer *primer, const mg_encoding *encoding, bool with_tempos,
                             mg_score *score, mg_error *why);
/** Quarters of a bar at its end, 4 where no meter is known. */
double sample_primer_bar(const sample_primer *primer);
void sample_primer_clear(sample_primer *primer);

#endif
