/* SPDX-License-Identifier: MIT */
/* Numbers as text, the same in every locale. */
#include <mgen/text.h>

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mg_int_add(mg_buffer *out, int64_t value)
{
    char digits[20];
    int n = 0;
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do digits[n++] = (char)('0' + left % 10);
    while (left /= 10);
    char *room = mg_buffer_room(out, (size_t)n + (value < 0));
    if (!room) return;
    if (value < 0) *room++ = '-';
    while (n > 0) *room++ = digits[--n];
}

void mg_real_add(mg_buffer *out, double value)
{
    if (!isfinite(value)) {
        mg_buffer_add_text(out, "null");
        return;
    }
    if (fabs(value) < 1e15 && value == (double)(int64_t)value) { /* 3 is written 3.0, so that it stays a real */
        if (value == 0 && signbit(value)) mg_buffer_add_char(out, '-');
        mg_int_add(out, (int64_t)value);
        mg_buffer_add_text(out, ".0");
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break; /* strtod reads the locale's point, as snprintf wrote it */
    }
    const char *point = localeconv()->decimal_point;
    char *at = strcmp(point, ".") ? strstr(text, point) : NULL;
    if (at) {
        *at = '.';
        memmove(at + 1, at + strlen(point), strlen(at + strlen(point)) + 1);
    }
    mg_buffer_add_text(out, text);
}
