/* SPDX-License-Identifier: MIT */
/* The rows of encoding.c, each in the file that means it. */
#ifndef DATA_ENCODINGS_H
#define DATA_ENCODINGS_H

#include <mgen/data.h>

extern const mg_encoding data_melody38, data_melody130;
extern const mg_encoding data_melody_lookback40, data_melody_key40;
extern const mg_encoding data_performance388, data_performance308, data_performance310;
/** What a token of a performance does to the music, and `value`: of notes the pitch, of time the steps. */
typedef enum { DATA_IDLES, DATA_BEGINS, DATA_ENDS, DATA_PASSES } data_effect;
data_effect data_performance_effect(const mg_encoding *encoding, int32_t token, int *value);
extern const mg_encoding data_polyphony259;
extern const mg_encoding data_roll88;

#endif
