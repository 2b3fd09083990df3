/* SPDX-License-Identifier: MIT */
/* How wide text is on a terminal, and text made safe to show there. Widths after Unicode's East Asian Width (UAX 11);
   the C library's own depend on the locale. */
#include <mgen/text.h>

#include <string.h>

typedef struct { uint32_t first, last; } range;

static const range combining[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f}, {0x06d6, 0x06dc},
    {0x0900, 0x0902}, {0x093c, 0x093c}, {0x0941, 0x0948}, {0x094d, 0x094d}, {0x0e31, 0x0e31}, {0x0e34, 0x0e3a},
    {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
    {0xe0100, 0xe01ef},
};
static const range wide[] = {
    {0x1100, 0x115f}, {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0x9fff},
    {0xa000, 0xa4cf}, {0xa960, 0xa97c},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
    {0xff00, 0xff60}, {0xffe0, 0xffe6},   {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff},
    {0x20000, 0x3fffd},
};
/* What steers a terminal or turns the direction of text around. */
static const range harmful[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f}, {0x061c, 0x061c}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
    {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe007f},
};

static bool is_among(uint32_t c, const range *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c >= list[i].first && c <= list[i].last) return true;
    return false;
}
#define AMONG(c, list) is_among(c, list, sizeof list / sizeof *list)

static uint32_t code_point(const char *bytes, size_t n)
{
    static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = (unsigned char)bytes[0] & mask[n];
    for (size_t i = 1; i < n; i++) c = c << 6 | ((unsigned char)bytes[i] & 0x3f);
    return c;
}

typedef struct {
    size_t n;      /* bytes */
    int columns;
    bool is_plain; /* ASCII that can be shown as it is */
    bool is_safe;
} glyph;

static glyph glyph_at(const char *bytes, size_t left)
{
    size_t n = mg_utf8_length(bytes, left);
    if (n == 0) return (glyph){.n = 1, .columns = 1};
    uint32_t c = code_point(bytes, n);
    if (c >= 0x20 && c < 0x7f) return (glyph){.n = 1, .columns = 1, .is_plain = true, .is_safe = true};
    if (AMONG(c, harmful)) return (glyph){.n = n, .columns = 1};
    return (glyph){.n = n, .columns = AMONG(c, combining) ? 0 : AMONG(c, wide) ? 2 : 1, .is_safe = true};
}

int mg_text_columns(const char *text, size_t length)
{
    int columns = 0;
    for (size_t i = 0; i < length;) {
        glyph g = glyph_at(text + i, length - i);
        columns += g.columns;
        i += g.n;
    }
    return columns;
}

int mg_text_add_shown(mg_buffer *out, const char *text, int columns, bool is_unicode)
{
    size_t length = strlen(text);
    int room = columns, used = 0;
    bool is_cut = mg_text_columns(text, length) > columns;
    if (is_cut) room -= is_unicode ? 1 : 2;
    for (size_t i = 0; i < length;) {
        glyph g = glyph_at(text + i, length - i);
        int width = is_unicode ? g.columns : g.columns > 0;
        if (used + width > room) break;
        if (g.is_plain || (g.is_safe && is_unicode)) mg_buffer_add(out, text + i, g.n);
        else if (width) mg_buffer_add_text(out, is_unicode ? "\xEF\xBF\xBD" : "?");
        used += width;
        i += g.n;
    }
    if (!is_cut || room < 0) return used;
    mg_buffer_add_text(out, is_unicode ? "\xE2\x80\xA6" : "..");
    return used + (is_unicode ? 1 : 2);
}
