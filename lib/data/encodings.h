/* SPDX-License-Identifier: MIT */
/* The rows of encoding.c, each in the file that means it. */
#ifndef DATA_ENCODINGS_H
#define DATA_ENCODINGS_H

#include <mgen/data.h>

extern const mg_encoding data_melody38, data_melody130;
extern const mg_encoding data_melody_lookback40, data_melody_key40;
extern const mg_encoding data_performance388, data_performance308, data_performance310;
extern const mg_encoding data_polyphony259;
extern const mg_encoding data_roll88;

#endif
