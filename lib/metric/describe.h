/* SPDX-License-Identifier: MIT */
/* What single files are, as info records. */
#ifndef METRIC_DESCRIBE_H
#define METRIC_DESCRIBE_H

#include <mgen/data.h>

/* "MIDI 1", "ABC", "roll", "record". */
void describe_format(const mg_piece *piece, char format[16]);
/* The info record of a piece of music. */
mg_status describe_piece(const mg_piece *piece, const char *licence, mg_buffer *out, mg_error *why);
/* The info record of a file that holds no music but is one of ours or sound: a model, tensors, WAV, FLAC ... False if
   the file is nothing of the kind: *status then means nothing. */
bool describe_other(const char *path, mg_buffer *out, mg_status *status, mg_error *why);

#endif
