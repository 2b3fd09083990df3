/* SPDX-License-Identifier: MIT */
/** Compressed bytes, read as a stream. */
#ifndef DATA_INFLATE_H
#define DATA_INFLATE_H

#include <mgen/base.h>

/** The most that deflate can shrink: no `size` bytes unpack to more than this many times as many. */
enum { DATA_MOST_DEFLATE = 1032 };

typedef struct data_inflate data_inflate;
/** Over bytes in zlib's format, which the caller keeps. */
mg_status data_inflate_new(const uint8_t *bytes, size_t size, data_inflate **stream, mg_error *why);
/** The next `n` bytes; MG_BAD_DATA where there are fewer. */
mg_status data_inflate_read(data_inflate *stream, void *out, size_t n, mg_error *why);
void data_inflate_free(data_inflate *stream);

#endif
