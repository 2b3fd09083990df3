/* SPDX-License-Identifier: MIT */
/* UTF-8, and a guess at what else old files are written in. */
#include <mgen/text.h>

#include <iconv.h>
#include <string.h>

/* RFC 3629, section 4. */
size_t mg_utf8_length(const char *bytes, size_t left)
{
    const unsigned char *s = (const unsigned char *)bytes;
    if (left == 0) return 0;
    static const struct { unsigned char low, high, second_low, second_high, length; } form[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t f = 0; f < sizeof form / sizeof *form; f++) {
        if (s[0] < form[f].low || s[0] > form[f].high) continue;
        if (form[f].length == 1) return 1;
        if (left < form[f].length || s[1] < form[f].second_low || s[1] > form[f].second_high) return 0;
        for (size_t i = 2; i < form[f].length; i++)
            if (s[i] < 0x80 || s[i] > 0xbf) return 0;
        return form[f].length;
    }
    return 0;
}

bool mg_utf8_is_valid(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t n = mg_utf8_length(bytes + i, length - i);
        if (n == 0) return false;
        i += n;
    }
    return true;
}

/* A byte order mark is no guess. */
static bool has_utf16_mark(const unsigned char *s, size_t length)
{
    return length >= 4 && length % 2 == 0 && ((s[0] == 0xff && s[1] == 0xfe) || (s[0] == 0xfe && s[1] == 0xff));
}

/* Shift-JIS shows by its kana: lead byte 0x82 or 0x83 with a legal trail, and every other byte pairing up too. */
static bool looks_like_shift_jis(const unsigned char *s, size_t length)
{
    size_t kana = 0, pairs = 0;
    for (size_t i = 0; i < length; i++) {
        if (s[i] < 0x80 || (s[i] >= 0xa1 && s[i] <= 0xdf)) continue; /* ASCII, half-width kana */
        bool is_lead = (s[i] >= 0x81 && s[i] <= 0x9f) || (s[i] >= 0xe0 && s[i] <= 0xfc);
        if (!is_lead || i + 1 >= length || s[i + 1] < 0x40 || s[i + 1] == 0x7f || s[i + 1] > 0xfc) return false;
        kana += s[i] == 0x82 || s[i] == 0x83;
        pairs++;
        i++;
    }
    return pairs > 0 && kana > 0;
}

/* EUC-JP has the kana in the rows 0xa4 and 0xa5, where Chinese text has nothing to look for. */
static bool looks_like_euc_jp(const unsigned char *s, size_t length)
{
    size_t kana = 0, pairs = 0;
    for (size_t i = 0; i < length; i++) {
        if (s[i] < 0x80) continue;
        if (i + 1 >= length || s[i] < 0x8e || s[i] == 0xff || s[i + 1] < 0xa1 || s[i + 1] == 0xff) return false;
        kana += s[i] == 0xa4 || s[i] == 0xa5;
        pairs++;
        i++;
    }
    return pairs >= 2 && kana * 4 >= pairs;
}

/* GBK text is mostly GB 2312: both bytes of a pair above 0xa0, the first level of characters from 0xb0 to 0xd7. */
static bool looks_like_gbk(const unsigned char *s, size_t length)
{
    size_t common = 0, pairs = 0;
    for (size_t i = 0; i < length; i++) {
        if (s[i] < 0x80) continue;
        if (i + 1 >= length || s[i] < 0x81 || s[i] == 0xff || s[i + 1] < 0xa1 || s[i + 1] == 0xff) return false;
        common += s[i] >= 0xb0 && s[i] <= 0xd7;
        pairs++;
        i++;
    }
    return pairs >= 2 && common * 2 > pairs;
}

/* Cyrillic words are runs of letters above 0xc0, where western text has single accented letters. */
static bool looks_like_cyrillic(const unsigned char *s, size_t length)
{
    size_t letters = 0, in_runs = 0;
    for (size_t i = 0; i < length; i++) {
        if (s[i] < 0xc0) continue;
        letters++;
        in_runs += (i > 0 && s[i - 1] >= 0xc0) || (i + 1 < length && s[i + 1] >= 0xc0);
    }
    return letters >= 4 && in_runs * 5 >= letters * 4;
}

/* False, and nothing added, where a byte means nothing in that encoding. */
static bool convert(mg_buffer *out, const char *from, const char *bytes, size_t length)
{
    iconv_t converter = iconv_open("UTF-8", from);
    if (converter == (iconv_t)-1) return false;
    size_t before = out->length, room = length * 4;
    char *target = mg_buffer_room(out, room), *source = (char *)(uintptr_t)bytes;
    bool is_done = target && iconv(converter, &source, &length, &target, &room) != (size_t)-1 && length == 0;
    iconv_close(converter);
    if (target) out->length = is_done ? (size_t)(target - out->data) : before;
    return is_done;
}

/* Latin-1: cannot fail. CP1252's extra characters are left to convert(). */
static void add_latin1(mg_buffer *out, const unsigned char *s, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (s[i] < 0x80) mg_buffer_add_char(out, (char)s[i]);
        else if (s[i] >= 0xa0) mg_buffer_add(out, (char[]){(char)(0xc0 | s[i] >> 6), (char)(0x80 | (s[i] & 0x3f))}, 2);
    }
}

static void drop_controls(mg_buffer *out, size_t from)
{
    if (out->failed || !out->data) return;
    size_t kept = from;
    for (size_t i = from; i < out->length; i++) {
        unsigned char c = (unsigned char)out->data[i];
        if (c >= 0x20 || c == '\t' || c == '\n') out->data[kept++] = (char)c;
    }
    out->length = kept;
    out->data[kept] = '\0';
}

/* Marks of UTF-8 in front: a text that were written with one would be read without. */
static void drop_marks(mg_buffer *out, size_t from)
{
    enum { MARK = 3 };
    if (out->failed || !out->data) return;
    size_t at = from;
    while (out->length - at >= MARK && memcmp(out->data + at, "\xef\xbb\xbf", MARK) == 0) at += MARK;
    memmove(out->data + from, out->data + at, out->length - at);
    out->length -= at - from;
    out->data[out->length] = '\0';
}

mg_text_encoding mg_text_add_decoded(mg_buffer *out, const char *bytes, size_t length)
{
    static const struct { mg_text_encoding encoding; const char *name; bool (*fits)(const unsigned char *, size_t);
    } guess[] = {{MG_TEXT_UTF16, "UTF-16", has_utf16_mark},
                 {MG_TEXT_SHIFT_JIS, "CP932", looks_like_shift_jis},
                 {MG_TEXT_EUC_JP, "EUC-JP", looks_like_euc_jp},
                 {MG_TEXT_GBK, "GBK", looks_like_gbk},
                 {MG_TEXT_CYRILLIC, "CP1251", looks_like_cyrillic}};
    const unsigned char *s = (const unsigned char *)bytes;
    size_t start = out->length;
    mg_text_encoding encoding = MG_TEXT_UTF8;
    if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) bytes += 3, s += 3, length -= 3; /* a mark of UTF-8 */
    if (mg_utf8_is_valid(bytes, length)) {
        mg_buffer_add(out, bytes, length);
    } else {
        encoding = MG_TEXT_WESTERN;
        for (size_t g = 0; g < sizeof guess / sizeof *guess && encoding == MG_TEXT_WESTERN; g++)
            if (guess[g].fits(s, length) && convert(out, guess[g].name, bytes, length)) encoding = guess[g].encoding;
        if (encoding == MG_TEXT_WESTERN && !convert(out, "CP1252", bytes, length)) add_latin1(out, s, length);
    }
    drop_controls(out, start);
    drop_marks(out, start);
    return encoding;
}
