/* SPDX-License-Identifier: MIT */
/* Text strings of ABC as UTF-8 (abc standard 2.1, section 8.2): \'e and &eacute; and \u00e9 for the same letter,
   \% for a percent sign; bytes that are not UTF-8 are guessed at. */
#include <mgen/midi.h>
#include <mgen/text.h>
#include "midi/abc.h"

#include <string.h>

/* An accent: the sign of its mnemonic, the name of its entities, and the letters that take it, each followed by itself
   accented. */
static const struct {
    char sign;
    const char *entity;
    const char *letters;
} accents[] = {
    {'`', "grave", "AÀEÈIÌOÒUÙaàeèiìoòuù"},
    {'\'', "acute", "AÁEÉIÍOÓUÚYÝaáeéiíoóuúyýCĆcćLĹlĺNŃnńRŔrŕSŚsśZŹzź"},
    {'^', "circ", "AÂEÊIÎOÔUÛaâeêiîoôuûHĤhĥJĴjĵWŴwŵYŶyŷ"},
    {'~', "tilde", "AÃNÑOÕaãnñoõIĨiĩUŨuũ"},
    {'"', "uml", "AÄEËIÏOÖUÜYŸaäeëiïoöuüyÿ"},
    {'c', "cedil", "CÇcç"},
    {'/', "slash", "OØoøDĐdđLŁlł"},
    {'r', "ring", "AÅaåUŮuů"},
    {'v', "caron", "CČcčDĎdďEĚeěNŇnňRŘrřSŠsšTŤtťZŽzž"},
    {'u', "breve", "AĂaăEĔeĕGĞgğ"},
    {'H', "dblac", "OŐoőUŰuű"},
    {';', "ogon", "AĄaąEĘeę"},
};

/* Two letters for one, as mnemonics and as entities. */
static const struct { const char *name, *letter; } pairs[] = {
    {"AA", "Å"}, {"aa", "å"}, {"AE", "Æ"}, {"ae", "æ"}, {"OE", "Œ"}, {"oe", "œ"}, {"ss", "ß"},
    {"DH", "Ð"}, {"dh", "ð"}, {"TH", "Þ"}, {"th", "þ"},
};
static const struct { const char *name, *letter; } entities[] = {
    {"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}, {"copy", "©"}, {"nbsp", " "},
    {"AElig", "Æ"}, {"aelig", "æ"}, {"OElig", "Œ"}, {"oelig", "œ"}, {"szlig", "ß"}, {"ETH", "Ð"}, {"eth", "ð"},
    {"THORN", "Þ"}, {"thorn", "þ"}, {"flat", "♭"}, {"natural", "♮"}, {"sharp", "♯"},
};

/* Add `letter` under accent `a`; false if it does not take it. */
static bool add_accented(mg_buffer *out, size_t a, char letter)
{
    const char *at = accents[a].letters;
    while (*at) {
        size_t n = mg_utf8_length(at + 1, strlen(at + 1));
        if (*at == letter) {
            mg_buffer_add(out, at + 1, n);
            return true;
        }
        at += 1 + n;
    }
    return false;
}

static void add_code_point(mg_buffer *out, uint32_t c)
{
    if (c < 0x20 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return;
    if (c < 0x80) {
        mg_buffer_add_char(out, (char)c);
    } else if (c < 0x800) {
        mg_buffer_add(out, (char[]){(char)(0xc0 | c >> 6), (char)(0x80 | (c & 63))}, 2);
    } else if (c < 0x10000) {
        mg_buffer_add(out, (char[]){(char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 63)), (char)(0x80 | (c & 63))}, 3);
    } else {
        mg_buffer_add(out, (char[]){(char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 63)), (char)(0x80 | (c >> 6 & 63)),
                                    (char)(0x80 | (c & 63))}, 4);
    }
}

/* `n` hexadecimal or decimal digits; false if there are fewer. */
static bool parse_digits(const char *at, size_t n, unsigned base, uint32_t *value)
{
    *value = 0;
    for (size_t i = 0; i < n; i++) {
        const char *digits = "0123456789abcdef";
        char c = at[i] >= 'A' && at[i] <= 'F' ? (char)(at[i] - 'A' + 'a') : at[i];
        const char *digit = c ? strchr(digits, c) : NULL;
        if (!digit || (unsigned)(digit - digits) >= base || *value > 0xffffff) return false;
        *value = *value * base + (unsigned)(digit - digits);
    }
    return n > 0;
}

/* What a backslash begins; the bytes it takes, 0 if it means nothing. */
static size_t add_mnemonic(mg_buffer *out, const char *at, size_t left)
{
    uint32_t c;
    if (left >= 6 && at[1] == 'u' && parse_digits(at + 2, 4, 16, &c)) {
        add_code_point(out, c);
        return 6;
    }
    if (left >= 10 && at[1] == 'U' && parse_digits(at + 2, 8, 16, &c)) {
        add_code_point(out, c);
        return 10;
    }
    if (left >= 3) {
        for (size_t a = 0; a < sizeof accents / sizeof *accents; a++)
            if (accents[a].sign == at[1] && add_accented(out, a, at[2])) return 3;
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
            if (memcmp(pairs[i].name, at + 1, 2) != 0) continue;
            mg_buffer_add_text(out, pairs[i].letter);
            return 3;
        }
    }
    if (left >= 2 && abc_is_one_of(at[1], "%&\\")) {
        mg_buffer_add_char(out, at[1]);
        return 2;
    }
    return 0;
}

/* What an ampersand begins. */
static size_t add_entity(mg_buffer *out, const char *at, size_t left)
{
    const char *end = memchr(at, ';', left < 12 ? left : 12);
    if (!end) return 0;
    const char *name = at + 1;
    size_t n = (size_t)(end - name), whole = n + 2;
    uint32_t c;
    if (n >= 2 && name[0] == '#') {
        bool is_hex = name[1] == 'x' || name[1] == 'X';
        if (!parse_digits(name + 1 + is_hex, n - 1 - is_hex, is_hex ? 16 : 10, &c)) return 0;
        add_code_point(out, c);
        return whole;
    }
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        if (strlen(entities[i].name) != n || memcmp(entities[i].name, name, n) != 0) continue;
        mg_buffer_add_text(out, entities[i].letter);
        return whole;
    }
    for (size_t a = 0; a < sizeof accents / sizeof *accents; a++) {
        const char *accent = accents[a].entity;
        if (n != strlen(accent) + 1 || memcmp(name + 1, accent, n - 1) != 0) continue;
        if (add_accented(out, a, name[0])) return whole;
    }
    return 0;
}

char *abc_text(abc_tune *tune, const char *text, size_t length)
{
    abc_span trimmed = abc_trim((abc_span){text, length});
    mg_buffer *raw = &tune->raw, *out = &tune->text;
    mg_buffer_clear(raw);
    mg_buffer_clear(out);
    if (mg_text_add_decoded(raw, trimmed.at, trimmed.length) != MG_TEXT_UTF8)
        abc_repair(tune, tune->line, MG_REPAIR_TEXT_ENCODING, 1);
    for (size_t i = 0; i < raw->length;) {
        const char *at = raw->data + i;
        size_t left = raw->length - i;
        size_t n = *at == '\\' ? add_mnemonic(out, at, left) : *at == '&' ? add_entity(out, at, left) : 0;
        if (n == 0) mg_buffer_add_char(out, *at);
        i += n ? n : 1;
    }
    bool is_whole = !raw->failed && !out->failed;
    char *kept = is_whole ? mg_arena_strndup(&tune->score->strings, out->data ? out->data : "", out->length) : NULL;
    static char nothing[1];
    if (!kept) abc_fail(tune, MG_NO_MEMORY, "out of memory");
    return kept ? kept : nothing;
}

/* A root, and then only what chords are called by: "Am7", "F#m7b5/C#", "G(Em)", but not "Fine" or "D.C.". */
bool abc_is_chord_symbol(const char *text)
{
    static const char *const words[] = {"min", "maj", "Maj", "dim", "aug", "sus", "add", "alt", "omit", "no", "m", "M",
                                        "o", "ø", "♯", "♭"};
    text += text[0] == '(';
    if (text[0] < 'A' || text[0] > 'G') return false;
    for (text++; *text;) {
        size_t n = strspn(text, "0123456789#b+-/()^,");
        for (size_t w = 0; w < sizeof words / sizeof *words && n == 0; w++)
            if (strncmp(text, words[w], strlen(words[w])) == 0) n = strlen(words[w]);
        /* the bass behind a slash, the other chord in parentheses */
        if (n == 0 && abc_is_one_of(text[-1], "/(") && abc_is_one_of(text[0], "ABCDEFGabcdefg")) n = 1;
        if (n == 0) return false;
        text += n;
    }
    return true;
}
