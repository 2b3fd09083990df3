/* SPDX-License-Identifier: MIT */
/* Base64, RFC 4648. */
#include <mgen/text.h>

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void mg_base64_add(mg_buffer *out, const void *bytes, size_t length)
{
    const unsigned char *s = bytes;
    for (size_t i = 0; i < length; i += 3) {
        size_t n = length - i < 3 ? length - i : 3;
        uint32_t group = (uint32_t)s[i] << 16 | (n > 1 ? (uint32_t)s[i + 1] << 8 : 0) | (n > 2 ? s[i + 2] : 0);
        char four[4] = {digits[group >> 18], digits[group >> 12 & 63], n > 1 ? digits[group >> 6 & 63] : '=',
                        n > 2 ? digits[group & 63] : '='};
        mg_buffer_add(out, four, 4);
    }
}

bool mg_base64_decode(mg_buffer *out, const char *text, size_t length)
{
    if (length % 4) return false;
    for (size_t i = 0; i < length; i += 4) {
        bool is_last = i + 4 == length;
        int padding = is_last ? (text[i + 3] == '=') + (text[i + 2] == '=' && text[i + 3] == '=') : 0;
        uint32_t group = 0;
        for (int k = 0; k < 4; k++) {
            const char *digit = k < 4 - padding && text[i + k] ? strchr(digits, text[i + k]) : digits;
            if (!digit) return false;
            group = group << 6 | (uint32_t)(digit - digits);
        }
        char three[3] = {(char)(group >> 16), (char)(group >> 8), (char)group};
        mg_buffer_add(out, three, (size_t)(3 - padding));
    }
    return true;
}
