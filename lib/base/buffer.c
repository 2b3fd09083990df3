/* SPDX-License-Identifier: MIT */
/* A growing run of bytes with a sticky failure. */
#include <mgen/base.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

char *mg_buffer_room(mg_buffer *buffer, size_t length)
{
    if (buffer->failed) return NULL;
    size_t need = buffer->length + length + 1;
    if (need < length) return buffer->failed = true, NULL;
    if (need > buffer->capacity) {
        size_t larger = buffer->capacity + buffer->capacity / 2;
        if (larger < need) larger = need < 64 ? 64 : need;
        char *moved = mg_realloc(buffer->data, larger, 1);
        if (!moved) return buffer->failed = true, NULL;
        buffer->data = moved;
        buffer->capacity = larger;
    }
    char *room = buffer->data + buffer->length;
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
    return room;
}

void mg_buffer_add(mg_buffer *buffer, const void *bytes, size_t length)
{
    char *room = mg_buffer_room(buffer, length);
    if (room && length) memcpy(room, bytes, length);
}

void mg_buffer_add_text(mg_buffer *buffer, const char *text) { mg_buffer_add(buffer, text, strlen(text)); }

void mg_buffer_add_char(mg_buffer *buffer, char c) { mg_buffer_add(buffer, &c, 1); }

void mg_buffer_print(mg_buffer *buffer, const char *format, ...)
{
    char small[256];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (length < 0) {
        buffer->failed = true;
    } else if ((size_t)length < sizeof small) {
        mg_buffer_add(buffer, small, (size_t)length);
    } else {
        char *room = mg_buffer_room(buffer, (size_t)length);
        if (!room) return;
        va_start(args, format);
        vsnprintf(room, (size_t)length + 1, format, args);
        va_end(args);
    }
}

void mg_buffer_clear(mg_buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
    if (buffer->data) buffer->data[0] = '\0';
}

void mg_buffer_free(mg_buffer *buffer)
{
    mg_free(buffer->data);
    *buffer = (mg_buffer){0};
}
