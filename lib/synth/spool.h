/* SPDX-License-Identifier: MIT */
/* Samples kept in a temporary file between one pass and the next. */
#ifndef SYNTH_SPOOL_H
#define SYNTH_SPOOL_H

#include <mgen/base.h>

enum { SPOOL_SAMPLES = 1 << 14 };

typedef struct {
    mg_temporary file;
    int channels;
    int64_t frames;
    size_t pending;
    float samples[SPOOL_SAMPLES];
} spool;

mg_status spool_open(spool *s, const char *beside, int channels, mg_error *why);
mg_status spool_add(spool *s, const float *samples, size_t frames, mg_error *why);
/* No more is added after this. */
mg_status spool_end(spool *s, mg_error *why);
/* Up to `frames` frames from `at` on into `samples`; how many there were in *n. */
mg_status spool_read(const spool *s, int64_t at, float *samples, size_t frames, size_t *n, mg_error *why);
void spool_close(spool *s);

#endif
