/* SPDX-License-Identifier: MIT */
/* Samples in a temporary file. */
#include "synth/spool.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

mg_status spool_open(spool *s, const char *beside, int channels, mg_error *why)
{
    s->channels = channels;
    s->frames = 0;
    s->pending = 0;
    return mg_temporary_open(beside, &s->file, why);
}

static mg_status flush(spool *s, mg_error *why)
{
    mg_status status = mg_write_all(s->file.fd, s->file.name, s->samples, s->pending * sizeof *s->samples, why);
    s->pending = 0;
    return status;
}

mg_status spool_add(spool *s, const float *samples, size_t frames, mg_error *why)
{
    size_t count = frames * (size_t)s->channels;
    if (s->pending + count > SPOOL_SAMPLES) MG_TRY(flush(s, why));
    memcpy(s->samples + s->pending, samples, count * sizeof *samples);
    s->pending += count;
    s->frames += (int64_t)frames;
    return MG_OK;
}

mg_status spool_end(spool *s, mg_error *why) { return flush(s, why); }

mg_status spool_read(const spool *s, int64_t at, float *samples, size_t frames, size_t *n, mg_error *why)
{
    size_t width = (size_t)s->channels * sizeof *samples, left = at < s->frames ? (size_t)(s->frames - at) : 0;
    *n = left < frames ? left : frames;
    char *to = (char *)samples;
    off_t from = (off_t)((size_t)at * width);
    for (size_t want = *n * width; want > 0;) {
        ssize_t got = pread(s->file.fd, to, want, from);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return mg_fail_errno(why, "%s", s->file.name);
        if (got == 0) return mg_fail(why, MG_IO, "%s: shorter than what was written to it", s->file.name);
        to += got, from += got, want -= (size_t)got;
    }
    return MG_OK;
}

void spool_close(spool *s) { mg_temporary_close(&s->file); }
