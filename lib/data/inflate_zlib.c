/* SPDX-License-Identifier: MIT */
/* The door to zlib. */
#include <mgen/data.h>
#include "data/inflate.h"

#include <zlib.h>

struct data_inflate {
    z_stream z;
    const uint8_t *at, *end;
};

const char *mg_inflate_library(void) { return zlibVersion(); }

static void *take(void *user, unsigned count, unsigned size)
{
    (void)user;
    return mg_alloc_zero(count, size);
}

static void give_back(void *user, void *block)
{
    (void)user;
    mg_free(block);
}

mg_status data_inflate_new(const uint8_t *bytes, size_t size, data_inflate **result, mg_error *why)
{
    *result = NULL;
    data_inflate *stream = mg_alloc_zero(1, sizeof *stream);
    if (!stream) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    stream->z.zalloc = take;
    stream->z.zfree = give_back;
    stream->at = bytes;
    stream->end = bytes + size;
    if (inflateInit(&stream->z) != Z_OK) return mg_free(stream), mg_fail(why, MG_NO_MEMORY, "out of memory");
    *result = stream;
    return MG_OK;
}

mg_status data_inflate_read(data_inflate *stream, void *out, size_t n, mg_error *why)
{
    enum { PIECE = 1 << 30 };
    for (char *to = out; n > 0;) {
        unsigned want = n < PIECE ? (unsigned)n : PIECE;
        size_t left = (size_t)(stream->end - stream->at);
        unsigned have = left < PIECE ? (unsigned)left : PIECE;
        stream->z.next_in = (Bytef *)(uintptr_t)stream->at; /* zlib does not write there */
        stream->z.avail_in = have;
        stream->z.next_out = (Bytef *)to;
        stream->z.avail_out = want;
        int code = inflate(&stream->z, Z_NO_FLUSH);
        unsigned got = want - stream->z.avail_out;
        stream->at += have - stream->z.avail_in;
        to += got;
        n -= got;
        if (code == Z_MEM_ERROR) return mg_fail(why, MG_NO_MEMORY, "out of memory");
        if (n > 0 && (code != Z_OK || (got == 0 && stream->z.avail_in == have)))
            return mg_fail(why, MG_BAD_DATA, code == Z_STREAM_END || code == Z_BUF_ERROR || code == Z_OK
                                                 ? "compressed data end too early"
                                                 : "compressed data are broken");
    }
    return MG_OK;
}

void data_inflate_free(data_inflate *stream)
{
    if (!stream) return;
    inflateEnd(&stream->z);
    mg_free(stream);
}
