/* SPDX-License-Identifier: MIT */
/* What stands in the fields of ABC: keys, clefs, meters, lengths, tempi (abc standard 2.1, sections 3.1 and 4.6;
   the older forms of Q: in section 10). */
#include <mgen/midi.h>
#include "midi/abc.h"

#include <math.h>
#include <string.h>
#include <strings.h>

/* ---- words and numbers ---- */

static bool is_space(char c) { return c == ' ' || c == '\t'; }

abc_span abc_trim(abc_span text)
{
    while (text.length > 0 && is_space(text.at[0])) text.at++, text.length--;
    while (text.length > 0 && is_space(text.at[text.length - 1])) text.length--;
    return text;
}

/* Up to the next space outside quotes. */
bool abc_next_word(abc_span *rest, abc_span *word)
{
    *rest = abc_trim(*rest);
    if (rest->length == 0) return false;
    size_t n = 0;
    for (bool is_quoted = false; n < rest->length && (is_quoted || !is_space(rest->at[n])); n++)
        if (rest->at[n] == '"') is_quoted = !is_quoted;
    *word = (abc_span){rest->at, n};
    rest->at += n;
    rest->length -= n;
    return true;
}

bool abc_word_is(abc_span word, const char *text)
{
    return word.length == strlen(text) && strncasecmp(word.at, text, word.length) == 0;
}

static bool starts(abc_span word, const char *text)
{
    size_t n = strlen(text);
    return word.length >= n && strncasecmp(word.at, text, n) == 0;
}

static void drop(abc_span *text, size_t n)
{
    text->at += n;
    text->length -= n;
}

bool abc_number(abc_span *rest, int *value)
{
    while (rest->length > 0 && is_space(rest->at[0])) drop(rest, 1);
    if (rest->length == 0 || !abc_is_digit(rest->at[0])) return false;
    for (*value = 0; rest->length > 0 && abc_is_digit(rest->at[0]); drop(rest, 1)) {
        *value = *value * 10 + (rest->at[0] - '0');
        if (*value > 9999) *value = 9999;
    }
    return true;
}

/* A sign that may follow spaces. */
static bool take(abc_span *rest, char c)
{
    abc_span t = abc_trim(*rest);
    if (t.length == 0 || t.at[0] != c) return false;
    drop(&t, 1);
    *rest = t;
    return true;
}

/* Factors are at most 9999 and a length has few of them, so nothing overflows. */
abc_ratio abc_times(abc_ratio a, int64_t num, int64_t den)
{
    abc_ratio r = {a.num * num, a.den * den};
    int64_t d = (int64_t)mg_gcd((uint64_t)r.num, (uint64_t)r.den);
    return d ? (abc_ratio){r.num / d, r.den / d} : (abc_ratio){0, 1};
}

int64_t abc_units(abc_ratio of_a_whole)
{
    __int128 units = ((__int128)of_a_whole.num * ABC_WHOLE * 2 + of_a_whole.den) / of_a_whole.den / 2;
    return units > ABC_LONGEST ? ABC_LONGEST : (int64_t)units;
}

/* ---- keys and clefs ---- */

static const char letters[] = "CDEFGAB";
static const int8_t fifths_of[7] = {0, 2, 4, -1, 1, 3, 5};

/* The signature of `fifths`: sharps come on F C G D A E B, flats the other way round, double ones after seven. */
static void sign(abc_key *key, int fifths)
{
    key->fifths = (int8_t)fifths;
    for (int i = 0; i < 7; i++) {
        int n = fifths + 5 - fifths_of[i]; /* fifths_of is -1 for F, the first sharp: 6 - (fifths_of + 1) */
        key->alter[i] = (int8_t)(n >= 0 ? n / 7 : -((6 - n) / 7));
    }
}

static int letter_index(char c)
{
    if (c >= 'a' && c <= 'g') c = (char)(c - 'a' + 'A');
    const char *at = c ? strchr(letters, c) : NULL;
    return at ? (int)(at - letters) : -1;
}

/* A mode by its first three letters, or m: its place on the circle of fifths. */
static bool parse_mode(abc_span word, int *fifths, bool *is_minor)
{
    static const struct { const char *name; int fifths; bool is_minor; } modes[] = {
        {"maj", 0, false}, {"ion", 0, false}, {"mix", -1, false}, {"dor", -2, false}, {"min", -3, true},
        {"aeo", -3, true}, {"phr", -4, false}, {"loc", -5, false}, {"lyd", 1, false},
    };
    *fifths = 0;
    *is_minor = false;
    if (word.length == 0) return true;
    if (word.length == 1 && word.at[0] == 'm') {
        *fifths = -3;
        return *is_minor = true;
    }
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (!starts(word, modes[i].name)) continue;
        *fifths = modes[i].fifths;
        *is_minor = modes[i].is_minor;
        return true;
    }
    return false;
}

/* The accidentals at the end of a K: field, "^f_b=c": true if the word is made of them. */
static bool parse_alterations(abc_span word, abc_key *key)
{
    bool found = false;
    while (word.length > 1 && abc_is_one_of(word.at[0], "^_=")) {
        int alter = 0, signs = 0;
        char sharp = word.at[0];
        while (word.length > 0 && word.at[0] == sharp && signs < 2) {
            alter += sharp == '^' ? 1 : sharp == '_' ? -1 : 0;
            signs++;
            drop(&word, 1);
        }
        int letter = word.length > 0 ? letter_index(word.at[0]) : -1;
        if (letter < 0) return false;
        key->alter[letter] = (int8_t)alter;
        found = true;
        drop(&word, 1);
    }
    return found && word.length == 0;
}

/* "-2" or "2"; whatever else stands there is 0. */
static int parse_signed(abc_span value, int limit)
{
    bool is_negative = take(&value, '-');
    if (!is_negative) take(&value, '+');
    int n = 0;
    if (!abc_number(&value, &n)) return 0;
    if (n > limit) n = limit;
    return is_negative ? -n : n;
}

/* One word of a clef: a name with its octave, or a setting. */
bool abc_parse_shift(abc_span word, abc_shift *shift)
{
    static const char *const clefs[] = {"treble", "alto", "tenor", "bass", "perc", "none", "soprano", "mezzo",
                                        "baritone"};
    static const char *const silent[] = {"middle=", "m=", "stafflines=", "staffscale=", "style=", "stem=", "gstem=",
                                         "merge", "brace=", "bracket=", "cue=", "dyn=", "lyrics=", "name=", "nm=",
                                         "sname=", "snm=", "subname=", "score=", "sound=", "shift=", "map=", "stems="};
    if (starts(word, "transpose=") || starts(word, "t=")) {
        drop(&word, (size_t)((const char *)memchr(word.at, '=', word.length) - word.at) + 1);
        shift->has_transpose = true;
        shift->transpose = parse_signed(word, 96);
        return true;
    }
    if (starts(word, "octave=")) {
        drop(&word, 7);
        shift->has_octave = true;
        shift->octave = parse_signed(word, 8);
        return true;
    }
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++)
        if (starts(word, silent[i])) return true;
    bool is_named = starts(word, "clef=");
    if (is_named) drop(&word, 5);
    if (word.length > 1 && word.at[0] == '"') word.at++, word.length -= 2;
    for (size_t i = 0; i < sizeof clefs / sizeof *clefs && !is_named; i++) is_named = starts(word, clefs[i]);
    if (!is_named) return false;
    shift->has_clef = true;
    shift->clef = 0;
    static const struct { const char *sign; int semitones; } signs[] = {
        {"+8", 12}, {"-8", -12}, {"+15", 24}, {"-15", -24}};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t n = strlen(signs[i].sign);
        if (word.length < n || memcmp(word.at + word.length - n, signs[i].sign, n) != 0) continue;
        shift->clef = signs[i].semitones;
    }
    return true;
}

/* A tonic with its mode and accidentals in one word: "F#mix", "Bb", "Am^g". The rest of the word is left in `word`. */
static bool parse_tonic(abc_span *word, int *fifths, bool *is_minor)
{
    abc_span w = *word;
    int letter = w.length > 0 ? letter_index(w.at[0]) : -1;
    if (letter < 0) return false;
    drop(&w, 1);
    int tonic = fifths_of[letter];
    static const struct { const char *sign; int fifths; } signs[] = {
        {"#", 7}, {"b", -7}, {"\xe2\x99\xaf", 7}, {"\xe2\x99\xad", -7}};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (!starts(w, signs[i].sign)) continue;
        tonic += signs[i].fifths;
        drop(&w, strlen(signs[i].sign));
        break;
    }
    abc_span mode = w;
    for (mode.length = 0; mode.length < w.length && !abc_is_one_of(w.at[mode.length], "^_=");) mode.length++;
    int offset;
    if (!abc_word_is(mode, "exp") && !parse_mode(mode, &offset, is_minor)) return false;
    if (abc_word_is(mode, "exp")) return false;
    drop(&w, mode.length);
    *fifths = tonic + offset;
    *word = w;
    return true;
}

/* A signature that the accidentals happen to make is called by its number. */
static void name_signature(abc_key *key)
{
    for (int fifths = -7; fifths <= 7; fifths++) {
        abc_key plain;
        sign(&plain, fifths);
        if (memcmp(plain.alter, key->alter, sizeof plain.alter) == 0) key->fifths = (int8_t)fifths;
    }
}

/* *has_key: the field names a key, not only a clef. False if it has a word without meaning. */
bool abc_parse_key(abc_span text, abc_key *key, bool *has_key, abc_shift *shift)
{
    abc_span word;
    bool is_right = true, is_altered = false;
    abc_key k = {0};
    *has_key = abc_trim(text).length == 0; /* an empty field: no signature */
    for (bool is_first = true; abc_next_word(&text, &word); is_first = false) {
        int fifths, offset;
        bool is_minor = false;
        if (is_first && (abc_word_is(word, "HP"))) { /* highland pipes: F sharp and C sharp, printed or not */
            sign(&k, 2);
            *has_key = true;
        } else if (is_first && abc_word_is(word, "none")) {
            *has_key = true;
        } else if (is_first && parse_tonic(&word, &fifths, &is_minor)) {
            *has_key = true;
            abc_span rest = text, mode;
            if (abc_next_word(&rest, &mode) && parse_mode(mode, &offset, &is_minor)) {
                fifths += offset;
                text = rest;
            }
            sign(&k, fifths);
            k.is_minor = is_minor;
            if (word.length > 0 && !parse_alterations(word, &k)) is_right = false;
            is_altered = word.length > 0;
        } else if (abc_word_is(word, "exp")) {
            k = (abc_key){0};
        } else if (parse_alterations(word, &k)) {
            is_altered = *has_key = true;
        } else if (!abc_parse_shift(word, shift)) {
            is_right = false;
        }
    }
    if (is_altered) name_signature(&k);
    if (*has_key) *key = k;
    return is_right;
}

/* ---- meter, length, tempo ---- */

static void set_bar(abc_meter *meter)
{
    meter->bar = meter->numerator ? ABC_WHOLE * meter->numerator / meter->denominator : 0;
}

/* A numerator such as (2+3+2): the sum. */
static bool parse_sum(abc_span *rest, int *sum)
{
    bool has_parenthesis = take(rest, '(');
    int n;
    if (!abc_number(rest, sum)) return false;
    while (take(rest, '+') && abc_number(rest, &n)) *sum += n;
    if (has_parenthesis) take(rest, ')');
    return *sum > 0 && *sum <= 999;
}

bool abc_parse_meter(abc_span text, abc_meter *meter)
{
    abc_span rest = abc_trim(text);
    *meter = (abc_meter){0};
    if (rest.length == 0 || starts(rest, "none")) return true;
    if (rest.at[0] == 'C' || rest.at[0] == 'c') {
        drop(&rest, 1);
        *meter = take(&rest, '|') ? (abc_meter){.numerator = 2, .denominator = 2}
                                  : (abc_meter){.numerator = 4, .denominator = 4};
        set_bar(meter);
        return true;
    }
    int num = 0, den = 0;
    do {
        int n, d;
        if (!parse_sum(&rest, &n) || !take(&rest, '/') || !abc_number(&rest, &d) || d == 0 || d > 512) return false;
        if (den == 0 || d == den) num += n, den = d;
        else if (d % den == 0) num = num * (d / den) + n, den = d;
        else if (den % d == 0) num += n * (den / d);
        else return false;
    } while (take(&rest, '+'));
    if (num > 9999) return false;
    *meter = (abc_meter){.numerator = (uint16_t)num, .denominator = (uint16_t)den};
    set_bar(meter);
    return true;
}

bool abc_parse_unit(abc_span text, abc_ratio *unit)
{
    int num, den = 1;
    if (!abc_number(&text, &num) || num == 0) return false;
    if (take(&text, '/') && (!abc_number(&text, &den) || den == 0)) return false;
    *unit = abc_times((abc_ratio){1, 1}, num, den);
    return true;
}

/* Section 3.1.7: a sixteenth where the meter, as a number, is below 0.75. */
abc_ratio abc_default_unit(const abc_meter *meter)
{
    bool is_short = meter->numerator > 0 && meter->numerator * 4 < meter->denominator * 3;
    return (abc_ratio){1, is_short ? 16 : 8};
}

/* The number after "=", wherever it begins ("c. 100"); 0 if there is none. */
static double parse_bpm(abc_span text)
{
    while (text.length > 0 && !abc_is_digit(text.at[0])) drop(&text, 1);
    double value = 0, place = 1;
    bool is_fraction = false;
    for (; text.length > 0 && (abc_is_digit(text.at[0]) || (text.at[0] == '.' && !is_fraction)); drop(&text, 1)) {
        if (text.at[0] == '.') is_fraction = true;
        else if (is_fraction) value += (text.at[0] - '0') * (place /= 10);
        else if (value < 1e6) value = value * 10 + (text.at[0] - '0');
    }
    return value;
}

/* "1/4 3/8 1/4 3/8=40", "C=100", "C3=40" (lengths of the unit), "120" (units a minute), each with texts in quotes. */
bool abc_parse_tempo(abc_span text, abc_ratio unit, uint32_t *us_per_quarter)
{
    char plain[64];
    size_t n = 0;
    bool is_quoted = false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] == '"') is_quoted = !is_quoted;
        else if (!is_quoted && n < sizeof plain) plain[n++] = text.at[i];
    }
    abc_span rest = abc_trim((abc_span){plain, n});
    *us_per_quarter = 0;
    if (rest.length == 0) return true;
    double beat = 0;
    int num, den;
    if (take(&rest, 'C') || take(&rest, 'c')) {
        if (!abc_number(&rest, &num)) num = 1;
        beat = (double)unit.num / (double)unit.den * num;
    } else {
        for (abc_span term = rest; abc_number(&term, &num) && take(&term, '/') && abc_number(&term, &den) && den;) {
            beat += (double)num / den;
            rest = term;
        }
    }
    bool is_bare = beat == 0;
    if (is_bare) beat = (double)unit.num / (double)unit.den;
    else if (!take(&rest, '=')) return false;
    double us = 60e6 / (parse_bpm(rest) * 4 * beat);
    if (!(us >= 1 && us < 16777216)) return false;
    *us_per_quarter = (uint32_t)lround(us);
    return true;
}
