/* SPDX-License-Identifier: MIT */
/** The kinds of roll data sets, a file each. */
#ifndef DATA_ROLLS_H
#define DATA_ROLLS_H

#include <mgen/data.h>

bool data_mat_is(const void *bytes, size_t size);
mg_status data_mat_read(const void *bytes, size_t size, mg_roll_fn visit, void *user, mg_error *why);

bool data_roll_json_is(const void *bytes, size_t size);
mg_status data_roll_json_read(const void *bytes, size_t size, mg_roll_fn visit, void *user, mg_error *why);

/** The music of [{program, is_drum, frames}, ...], a track each. The caller frees *score, also after an error. */
mg_status data_tracks_score(const mg_json *tracks, int resolution, double bpm, mg_score **score, mg_error *why);

/** "train" for "traindata" and so on, NULL for what names no part of a data set. */
const char *data_split_named(const char *name, size_t length);

#endif
