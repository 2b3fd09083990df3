/* SPDX-License-Identifier: MIT */
/* RIFF WAVE: fmt, LIST INFO ICMT (the comment), data (Microsoft and IBM, Multimedia Programming Interface 1.0; format
   tag 3 and the fact chunk for floats, Multimedia Data Standards Update 1994). */
#include "audio/wav.h"

#include "audio/pcm.h"

#include <string.h>

enum { PIECE = 4096 };

int wav_bytes(int depth) { return depth == MG_PCM_16 ? 2 : depth == MG_PCM_24 ? 3 : 4; }

static void put(mg_buffer *out, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) mg_buffer_add_char(out, (char)(value >> 8 * i & 0xff));
}

static void put_chunk(mg_buffer *out, const char *id, uint64_t size)
{
    mg_buffer_add(out, id, 4);
    put(out, size, 4);
}

mg_status wav_begin(mg_out *out, const mg_sound_spec *spec, mg_error *why)
{
    bool is_float = spec->depth == MG_FLOAT_32;
    uint64_t frame = (uint64_t)wav_bytes(spec->depth) * (uint64_t)spec->channels;
    uint64_t data = (uint64_t)spec->frames * frame, text = spec->comment ? strlen(spec->comment) + 1 : 0;
    uint64_t list = text ? 4 + 8 + text + text % 2 : 0;
    uint64_t riff = 4 + 8 + 16 + (is_float ? 8 + 4 : 0) + (list ? 8 + list : 0) + 8 + data + data % 2;
    if (riff > UINT32_MAX) return mg_fail(why, MG_TOO_LARGE, "a WAV file cannot be larger than 4 GiB");
    mg_buffer head = {0};
    put_chunk(&head, "RIFF", riff);
    mg_buffer_add(&head, "WAVE", 4);
    put_chunk(&head, "fmt ", 16);
    put(&head, is_float ? 3 : 1, 2);
    put(&head, (uint64_t)spec->channels, 2);
    put(&head, (uint64_t)spec->rate, 4);
    put(&head, (uint64_t)spec->rate * frame, 4);
    put(&head, frame, 2);
    put(&head, (uint64_t)wav_bytes(spec->depth) * 8, 2);
    if (is_float) put_chunk(&head, "fact", 4), put(&head, (uint64_t)spec->frames, 4);
    if (list) {
        put_chunk(&head, "LIST", list);
        mg_buffer_add(&head, "INFO", 4);
        put_chunk(&head, "ICMT", text);
        mg_buffer_add(&head, spec->comment, text);
        if (text % 2) put(&head, 0, 1);
    }
    put_chunk(&head, "data", data);
    mg_status status = head.failed ? mg_fail(why, MG_NO_MEMORY, "out of memory")
                                   : mg_out_write(out, head.data, head.length, why);
    mg_buffer_free(&head);
    return status;
}

mg_status wav_write(mg_out *out, const mg_sound_spec *spec, const float *samples, size_t count, mg_error *why)
{
    int width = wav_bytes(spec->depth);
    while (count > 0) {
        uint8_t bytes[PIECE * 4], *at = bytes;
        size_t n = count < PIECE ? count : PIECE;
        for (size_t i = 0; i < n; i++, at += width) {
            uint32_t value;
            if (spec->depth == MG_FLOAT_32) memcpy(&value, &samples[i], sizeof value);
            else value = (uint32_t)pcm_of(samples[i], width * 8);
            for (int b = 0; b < width; b++) at[b] = (uint8_t)(value >> 8 * b);
        }
        MG_TRY(mg_out_write(out, bytes, n * (size_t)width, why));
        samples += n;
        count -= n;
    }
    return MG_OK;
}

mg_status wav_end(mg_out *out, const mg_sound_spec *spec, mg_error *why)
{
    uint64_t data = (uint64_t)spec->frames * (uint64_t)spec->channels * (uint64_t)wav_bytes(spec->depth);
    return data % 2 ? mg_out_write(out, "", 1, why) : MG_OK;
}
