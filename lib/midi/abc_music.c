/* SPDX-License-Identifier: MIT */
/* Lines of music to items (abc standard 2.1, section 4). A line is read from left to right by a cursor that cannot pass its
   end; what has no meaning is skipped and counted. */
#include <mgen/midi.h>
#include <mgen/text.h>
#include "midi/abc.h"

#include <string.h>

typedef struct {
    abc_tune *tune;
    const char *at, *end;
    const char *mark[4]; /* the next of each closing sign, as far as it was looked for */
    bool is_after_bar;
} cursor;

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
static bool is_note(char c) { return (c >= 'A' && c <= 'G') || (c >= 'a' && c <= 'g'); }
static char peek(const cursor *x, size_t ahead) { return ahead < (size_t)(x->end - x->at) ? x->at[ahead] : '\0'; }

static void unknown(cursor *x, size_t n)
{
    x->tune->n_unknown++;
    x->at += n;
}

/* The next closing sign, NULL if the line has no more. Remembered, so that a line of open signs is looked through once. */
static const char *find(cursor *x, const char *from, char sign)
{
    static const char signs[] = "\"!+]";
    const char **mark = &x->mark[strchr(signs, sign) - signs];
    if (!*mark || *mark < from) {
        const char *found = memchr(from, sign, (size_t)(x->end - from));
        *mark = found ? found : x->end;
    }
    return *mark < x->end ? *mark : NULL;
}

/* ---- lengths ---- */

static int digits(cursor *x, int otherwise)
{
    abc_span rest = {x->at, (size_t)(x->end - x->at)};
    int value;
    if (!is_digit(peek(x, 0)) || !abc_number(&rest, &value)) return otherwise;
    x->at = rest.at;
    return value;
}

/* "3", "3/2", "/", "//": a factor of the unit length. */
static abc_ratio note_length(cursor *x)
{
    const char *start = x->at;
    int num = digits(x, 1), den = 1, slashes = 0;
    while (peek(x, 0) == '/') {
        x->at++;
        slashes++;
        den = den < 4096 ? den * 2 : den;
    }
    if (slashes == 1) den = digits(x, 2);
    if (num > 0 && den > 0) return abc_times((abc_ratio){1, 1}, num, den);
    x->at = start;
    unknown(x, 1);
    while (is_digit(peek(x, 0)) || peek(x, 0) == '/') x->at++;
    return (abc_ratio){1, 1};
}

/* How long `factor` units last here: tuplets and broken rhythm take their part. */
static int64_t timed(cursor *x, abc_ratio factor)
{
    abc_voice *v = x->tune->voice;
    abc_ratio length = abc_times(v->unit, factor.num, factor.den);
    if (v->tuplet_left > 0) {
        length = abc_times(length, v->tuplet_q, v->tuplet_p);
        v->tuplet_left--;
    }
    if (v->broken_length) {
        if (abc_units(length) != v->broken_length) abc_repair(x->tune, x->tune->line, MG_REPAIR_ABC_UNEVEN, 1);
        length = abc_times(length, v->broken.num, v->broken.den);
        v->broken_length = 0;
    }
    return abc_units(length);
}

/* ---- pitch ---- */

/* Accidentals, letter and octave; false, and nothing taken, where no note stands. `pitch` is what sounds. */
static bool read_tone(cursor *x, abc_tone *tone, int *pitch)
{
    static const int8_t semitones[7] = {0, 2, 4, 5, 7, 9, 11};
    abc_voice *v = x->tune->voice;
    size_t n = 0;
    int alter = ABC_NO_ALTER;
    char accidental = peek(x, 0);
    if (abc_is_one_of(accidental, "^_=")) {
        alter = accidental == '^' ? 1 : accidental == '_' ? -1 : 0;
        n = 1;
        if (alter && peek(x, 1) == accidental) alter *= 2, n = 2;
    }
    char letter = peek(x, n);
    if (!is_note(letter)) return false;
    x->at += n + 1;
    int octave = 5, index = (letter >= 'a' ? letter - 'a' : letter - 'A') - 2; /* from C, middle C being in octave 5 */
    if (index < 0) index += 7;
    octave += letter >= 'a';
    for (; abc_is_one_of(peek(x, 0), ",'"); x->at++) octave += *x->at == '\'' ? 1 : -1;
    octave = octave < 0 ? 0 : octave > 11 ? 11 : octave;
    tone->step = (uint8_t)(octave * 7 + index);

    int8_t *kept = &v->alter[x->tune->header.propagate == ABC_PROPAGATE_PITCH ? index : tone->step];
    if (alter != ABC_NO_ALTER) {
        if (x->tune->header.propagate != ABC_PROPAGATE_NOT) *kept = (int8_t)alter;
    } else if (*kept != ABC_NO_ALTER) {
        alter = *kept;
    } else { /* a tie carries its accidental over the bar line */
        alter = v->key.alter[index];
        for (int i = 0; i < v->n_tied; i++)
            if (v->tied[i].step == tone->step) alter = v->tied[i].alter;
    }
    tone->alter = (int8_t)alter;
    const abc_shift *shift = &v->shift;
    *pitch = octave * 12 + semitones[index] + alter + shift->clef + 12 * shift->octave + shift->transpose +
             v->midi_transpose;
    return true;
}

static void add_head(cursor *x, abc_item *item, int pitch, bool is_tied)
{
    abc_tune *t = x->tune;
    if (pitch < 0 || pitch > 127) return abc_repair(t, t->line, MG_REPAIR_ABC_PITCH, 1);
    if (!mg_grow((void **)&t->heads, t->n_heads, &t->heads_room, sizeof *t->heads))
        return abc_fail(t, MG_NO_MEMORY, "out of memory");
    t->heads[t->n_heads++] = (abc_head){.pitch = (uint8_t)pitch, .flags = is_tied ? ABC_TIED : 0};
    if (item->count < UINT16_MAX) item->count++;
}

/* ---- notes and rests ---- */

static abc_item *begin_item(cursor *x, abc_kind kind)
{
    abc_voice *v = x->tune->voice;
    abc_item *item = abc_add(x->tune, v, kind);
    if (!item) return NULL;
    item->velocity = v->velocity;
    item->at = (uint32_t)x->tune->n_heads;
    v->has_music = true;
    v->was_words[0] = v->was_words[1] = false;
    v->n_tones = 0;
    return item;
}

/* A group of notes, or a rest, is complete. */
static void end_item(cursor *x, abc_item *item, abc_ratio factor)
{
    abc_voice *v = x->tune->voice;
    item->length = timed(x, factor);
    if (item->count == 0) item->kind = ABC_REST; /* a rest, or no head was in reach */
    v->last = (size_t)(item - v->items) + 1;
    v->elapsed += item->length;
}

/* A dash behind a note: the tones to be carried on. */
static bool take_tie(cursor *x)
{
    if (peek(x, 0) == '.' && peek(x, 1) == '-') x->at++;
    if (peek(x, 0) != '-') return false;
    x->at++;
    return true;
}

static void tie_tones(abc_voice *v, int from)
{
    for (int i = from; i < v->n_tones && v->n_tied < ABC_TONES; i++) v->tied[v->n_tied++] = v->tones[i];
}

static void single_note(cursor *x)
{
    abc_voice *v = x->tune->voice;
    abc_tone tone;
    int pitch;
    if (!read_tone(x, &tone, &pitch)) return unknown(x, 1);
    abc_item *item = begin_item(x, ABC_NOTE);
    if (!item) return;
    v->tones[v->n_tones++] = tone;
    v->n_tied = 0;
    add_head(x, item, pitch, false);
    end_item(x, item, note_length(x));
}

static void rest(cursor *x)
{
    x->at++;
    abc_item *item = begin_item(x, ABC_REST);
    if (!item) return;
    x->tune->voice->n_tied = 0;
    end_item(x, item, note_length(x));
}

/* Z4: so many bars of silence; a whole note each where the meter is free. */
static void bars_of_rest(cursor *x)
{
    abc_voice *v = x->tune->voice;
    x->at++;
    int n = digits(x, 1);
    abc_item *item = begin_item(x, ABC_REST);
    if (!item) return;
    v->n_tied = 0;
    v->last = 0;
    item->count = 1;
    item->length = (v->meter.bar ? v->meter.bar : ABC_WHOLE) * n;
    if (item->length > ABC_LONGEST) item->length = ABC_LONGEST;
    v->elapsed += item->length;
}

/* ---- what stands before notes ---- */

static void decorate(cursor *x, abc_span name);

static void quoted(cursor *x)
{
    const char *close = find(x, x->at + 1, '"');
    if (!close) return unknown(x, 1);
    const char *text = abc_text(x->tune, x->at + 1, (size_t)(close - x->at) - 1);
    x->at = close + 1;
    mg_text_kind kind = abc_is_chord_symbol(text) ? MG_TEXT_CHORD : MG_TEXT_GENERAL;
    if (abc_is_one_of(text[0], "^_<>@")) {
        kind = MG_TEXT_GENERAL;
        if (*text++ == '@') text += strspn(text, "-.,0123456789"); /* its place on the page */
    }
    abc_add_text(x->tune, kind, text);
}

/* What a symbol letter was defined as: !name! or +name+ or "text". */
static void defined(cursor *x, abc_span value)
{
    if (value.length < 2) return;
    abc_span inner = {value.at + 1, value.length - 2};
    if (value.at[0] == '"') {
        const char *text = abc_text(x->tune, inner.at, inner.length);
        abc_add_text(x->tune, MG_TEXT_GENERAL, text + (abc_is_one_of(text[0], "^_<>@") ? 1 : 0));
    } else {
        decorate(x, inner);
    }
}

static bool symbol(cursor *x)
{
    int index = abc_symbol_index(peek(x, 0));
    if (index < 0 || !x->tune->header.symbols[index].at) return false;
    x->at++;
    defined(x, x->tune->header.symbols[index]);
    return true;
}

/* Section 4.14: how loud the marks are. */
static void decorate(cursor *x, abc_span name)
{
    static const struct { const char *name; uint8_t velocity; } dynamics[] = {
        {"pppp", 30}, {"ppp", 30}, {"pp", 45}, {"p", 60}, {"mp", 75}, {"mf", 90}, {"f", 105}, {"ff", 120}, {"fff", 127},
        {"ffff", 127},
    };
    static const char *const jumps[] = {"D.C.", "D.S.", "dacapo", "dacoda", "D.C.alcoda", "D.C.alfine", "D.S.alcoda",
                                        "D.S.alfine"};
    for (size_t i = 0; i < sizeof dynamics / sizeof *dynamics; i++)
        if (abc_word_is(name, dynamics[i].name)) x->tune->voice->velocity = dynamics[i].velocity;
    for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++)
        if (abc_word_is(name, jumps[i])) abc_repair(x->tune, x->tune->line, MG_REPAIR_ABC_JUMP, 1);
}

/* !name! on one line, without spaces; a single ! broke lines in old files. */
static bool decoration(cursor *x, char sign)
{
    const char *close = find(x, x->at + 1, sign);
    if (!close || close == x->at + 1 || close - x->at > 40) return false;
    for (const char *c = x->at + 1; c < close; c++)
        if (abc_is_one_of(*c, " \t|[]:") || !*c) return false;
    decorate(x, (abc_span){x->at + 1, (size_t)(close - x->at) - 1});
    x->at = close + 1;
    return true;
}

/* Grace notes take no time and are not played; their accidentals hold to the end of the bar like any other. */
static void grace_notes(cursor *x)
{
    abc_tone tone;
    int pitch;
    for (x->at++; x->at < x->end && *x->at != '}' && *x->at != '|';)
        if (!read_tone(x, &tone, &pitch)) x->at++;
    if (peek(x, 0) == '}') x->at++;
    else unknown(x, 0);
}

/* "(3", "(3:2:4": section 4.13. */
static void tuplet(cursor *x)
{
    abc_voice *v = x->tune->voice;
    bool is_compound = v->meter.numerator >= 6 && v->meter.numerator % 3 == 0;
    int p, n = is_compound ? 3 : 2;
    const int8_t q_of[10] = {0, 0, 3, 2, 3, (int8_t)n, 2, (int8_t)n, 3, (int8_t)n};
    x->at++;
    p = digits(x, 0);
    int q = p >= 2 && p <= 9 ? q_of[p] : n, r = p;
    if (peek(x, 0) == ':') {
        x->at++;
        q = digits(x, q);
        if (peek(x, 0) == ':') {
            x->at++;
            r = digits(x, r);
        }
    }
    if (p < 1 || q < 1 || r < 1) return unknown(x, 0);
    v->tuplet_p = p;
    v->tuplet_q = q;
    v->tuplet_left = r;
}

/* ---- chords ---- */

/* Texts inside a chord hold for all of it. */
static void texts_inside(cursor *x, char close)
{
    cursor ahead = *x;
    while (ahead.at < ahead.end && *ahead.at != close && *ahead.at != '|')
        if (*ahead.at == '"') quoted(&ahead);
        else ahead.at++;
}

/* One sign between the notes of a chord. */
static void sign_inside(cursor *x)
{
    if (*x->at == '"') {
        const char *close = find(x, x->at + 1, '"');
        x->at = close ? close + 1 : x->at + 1;
    } else if (abc_is_one_of(*x->at, " .()")) {
        x->at++;
    } else if (!(*x->at == '!' && decoration(x, '!')) && !symbol(x)) {
        unknown(x, 1);
    }
}

/* [CEG], or +CEG+ in the oldest files: as long as its first note says, times what stands behind it. */
static void chord(cursor *x, char close)
{
    abc_voice *v = x->tune->voice;
    abc_tone tied[ABC_TONES] = {{0}};
    int n_tied = 0;
    abc_ratio first = {0, 1};
    x->at++;
    texts_inside(x, close);
    abc_item *item = begin_item(x, ABC_NOTE);
    if (!item) return;
    bool is_empty = peek(x, 0) == close;
    while (x->at < x->end && *x->at != close && *x->at != '|') {
        abc_tone tone;
        int pitch;
        if (!read_tone(x, &tone, &pitch)) {
            sign_inside(x);
            continue;
        }
        abc_ratio length = note_length(x);
        if (first.num == 0) first = length;
        bool is_tied = take_tie(x);
        if (is_tied && n_tied < ABC_TONES) tied[n_tied++] = tone;
        if (v->n_tones < ABC_TONES) v->tones[v->n_tones++] = tone;
        add_head(x, item, pitch, is_tied);
    }
    if (peek(x, 0) == close) x->at++;
    else unknown(x, 0);
    if (first.num == 0) { /* nothing to play; "[]" was an invisible bar line once */
        v->n_items--;
        if (!is_empty) unknown(x, 0);
        return;
    }
    v->n_tied = n_tied;
    memcpy(v->tied, tied, sizeof tied);
    abc_ratio outer = note_length(x);
    end_item(x, item, abc_times(first, outer.num, outer.den));
}

/* What stands between two plus signs is a chord if it can be one. */
static bool is_old_chord(cursor *x)
{
    const char *close = find(x, x->at + 1, '+');
    if (!close || close == x->at + 1) return false;
    bool is_dynamic = true;
    for (const char *c = x->at + 1; c < close; c++) {
        if (!is_note(*c) && !abc_is_one_of(*c, "^_=,'/0123456789")) return false;
        is_dynamic &= *c == 'f';
    }
    return !is_dynamic;
}

/* ---- between notes ---- */

/* a>b, a<<b: the first length times (2^(k+1) - 1) / 2^k, the second by 2^k, or the other way round. */
static void broken_rhythm(cursor *x)
{
    abc_voice *v = x->tune->voice;
    char sign = *x->at;
    int k = 0;
    for (; peek(x, 0) == sign; x->at++) k += k < 8;
    if (!v->last || v->broken_length) return unknown(x, 0);
    abc_item *before = &v->items[v->last - 1];
    int64_t longer = (INT64_C(2) << k) - 1, power = INT64_C(1) << k, old = before->length;
    if (old == 0) return unknown(x, 0);
    v->broken_length = old;
    before->length = sign == '>' ? old * longer / power : old / power;
    v->broken = sign == '>' ? (abc_ratio){1, power} : (abc_ratio){longer, power};
    v->elapsed += before->length - old;
}

static void tie(cursor *x)
{
    abc_tune *t = x->tune;
    abc_voice *v = t->voice;
    x->at++;
    abc_item *item = v->last ? &v->items[v->last - 1] : NULL;
    if (!item || item->kind != ABC_NOTE) return unknown(x, 0);
    for (unsigned i = 0; i < item->count; i++) t->heads[item->at + i].flags |= ABC_TIED;
    v->n_tied = 0;
    tie_tones(v, 0);
}

/* & goes back to the start of the bar, && to that of the bar before, and so on. */
static void overlay(cursor *x)
{
    abc_voice *v = x->tune->voice;
    int64_t back = v->elapsed;
    if (v->elapsed > v->longest) v->longest = v->elapsed;
    x->at++;
    for (unsigned n = 1; peek(x, 0) == '&'; x->at++, n++)
        if (n <= v->n_bars && n <= 8) back += v->bars[(v->n_bars - n) % 8];
    abc_item *item = abc_add(x->tune, v, ABC_REST);
    if (!item) return;
    item->length = -back;
    v->elapsed -= back;
    v->broken_length = 0;
    v->n_tied = 0;
    v->last = 0;
}

/* ---- bar lines ---- */

static void end_bar(cursor *x)
{
    abc_voice *v = x->tune->voice;
    memset(v->alter, ABC_NO_ALTER, sizeof v->alter);
    if (v->elapsed < v->longest) {
        if (v->elapsed <= 0) return; /* inside an overlay of several bars */
        abc_item *item = abc_add(x->tune, v, ABC_REST);
        if (!item) return;
        item->length = v->longest - v->elapsed;
        v->elapsed = v->longest;
    }
    v->bars[v->n_bars++ % 8] = v->elapsed;
    v->elapsed = v->longest = 0;
}

static unsigned colons(cursor *x)
{
    unsigned n = 0;
    for (; peek(x, 0) == ':'; x->at++) n += n < ABC_REPEATS;
    return n;
}

/* Any run of | [ ] : is a bar line. Colons before it end a repeat, colons behind it begin one, "::" does both. */
static void bar_line(cursor *x)
{
    const char *start = x->at;
    unsigned before = colons(x), after = 0, lines = 0;
    bool is_thick = false;
    for (;;) {
        char c = peek(x, 0), next = peek(x, 1);
        if (c == '|') lines++;
        else if (c == ']' && (lines || is_thick)) is_thick = true;
        else if (c == '[' && (next == '|' || (next == ']' && lines))) is_thick = true;
        else break;
        x->at++;
    }
    if (lines == 0 && before < 2) return unknown(x, before ? 0 : 1);
    if (lines == 0) {
        before = after = before / 2;
    } else if (lines == 1 && is_thick && before == 0 && *start == '[' && x->at[-1] == ']') {
        return; /* [|] cannot be seen */
    } else {
        after = colons(x);
        if (after >= 2 && before == 0 && peek(x, 0) == '|') { /* |::| */
            before = after /= 2;
            while (peek(x, 0) == '|') x->at++;
        }
    }
    end_bar(x);
    abc_item *item = abc_add(x->tune, x->tune->voice, ABC_BAR);
    if (!item) return;
    item->count = (uint16_t)(before | after << 8);
    if (lines > 1 || is_thick) item->at = ABC_BAR_DOUBLE;
    x->is_after_bar = true;
}

/* "1", "1,3", "2-4": bit n-1 for pass n. */
static void ending(cursor *x)
{
    uint64_t passes = 0;
    for (;;) {
        int from = digits(x, 0), to = from;
        if (peek(x, 0) == '-' && is_digit(peek(x, 1))) {
            x->at++;
            to = digits(x, to);
        }
        for (int n = from; n <= to && n <= 63; n++)
            if (n > 0) passes |= UINT64_C(1) << (n - 1);
        if (!abc_is_one_of(peek(x, 0), ",.") || !is_digit(peek(x, 1))) break;
        x->at++;
    }
    if (!passes) return unknown(x, 0);
    abc_item *item = abc_add(x->tune, x->tune->voice, ABC_ENDING);
    if (item) item->length = (int64_t)passes;
}

/* ["last time" is an ending, too: the one after those before. */
static void named_ending(cursor *x, const char *close)
{
    abc_voice *v = x->tune->voice;
    uint64_t passes = 1;
    for (size_t i = v->n_items; i > 0; i--) {
        const abc_item *item = &v->items[i - 1];
        if (item->kind == ABC_PART || (item->kind == ABC_BAR && item->count >> 8)) break;
        if (item->kind != ABC_ENDING) continue;
        while (passes <= (uint64_t)item->length && passes < UINT64_C(1) << 62) passes <<= 1;
        break;
    }
    x->at = close + 1;
    abc_repair(x->tune, x->tune->line, MG_REPAIR_ABC_ODD_ENDING, 1);
    abc_item *item = abc_add(x->tune, v, ABC_ENDING);
    if (item) item->length = (int64_t)passes;
}

static void open_bracket(cursor *x)
{
    char next = peek(x, 1);
    if (next == '|' || (next == ']' && peek(x, 2) == '|')) return bar_line(x);
    if (is_digit(next)) {
        x->at++;
        return ending(x);
    }
    if (is_letter(next) && peek(x, 2) == ':') {
        const char *close = find(x, x->at + 3, ']');
        if (!close) return unknown(x, 1);
        abc_span text = {x->at + 3, (size_t)(close - x->at) - 3};
        x->at = close + 1;
        return abc_field(x->tune, next, text);
    }
    if (next == '"') {
        const char *close = find(x, x->at + 2, '"');
        char then = close && close + 1 < x->end ? close[1] : '\0';
        if (close && !abc_is_one_of(then, "^_=\"ABCDEFGabcdefg")) return named_ending(x, close);
    }
    chord(x, ']');
}

/* ---- the line ---- */

/* A number behind a bar line and a space; anything else has no meaning. */
static void odd_symbol(cursor *x, bool was_after_bar)
{
    if (is_digit(*x->at) && was_after_bar) {
        abc_repair(x->tune, x->tune->line, MG_REPAIR_ABC_ODD_ENDING, 1);
        return ending(x);
    }
    size_t n = mg_utf8_length(x->at, (size_t)(x->end - x->at));
    if (is_digit(*x->at))
        while (n < (size_t)(x->end - x->at) && is_digit(x->at[n])) n++;
    unknown(x, n ? n : 1);
}

static bool only_stars_follow(const cursor *x)
{
    const char *at = x->at;
    while (at < x->end && abc_is_one_of(*at, "* \t\\")) at++;
    return at == x->end;
}

static void read_sign(cursor *x)
{
    char c = *x->at, next = peek(x, 1);
    bool was_after_bar = x->is_after_bar;
    if (c == ' ' || c == '\t') {
        x->at++;
        return;
    }
    x->is_after_bar = false;
    if (is_note(c) || abc_is_one_of(c, "^_=")) return single_note(x);
    switch (c) {
    case 'z':
    case 'x': return rest(x);
    case 'Z':
    case 'X': return bars_of_rest(x);
    case 'y':
        x->at++;
        digits(x, 0);
        return;
    case '|':
        bar_line(x);
        if (is_digit(peek(x, 0))) ending(x);
        return;
    case ':':
        bar_line(x);
        if (x->is_after_bar && is_digit(peek(x, 0))) ending(x);
        return;
    case '[': return open_bracket(x);
    case '"': return quoted(x);
    case '(':
        if (is_digit(next)) return tuplet(x);
        break;
    case '{': return grace_notes(x);
    case '!':
        if (decoration(x, c)) return;
        break;
    case '+':
        if (is_old_chord(x)) return chord(x, c);
        if (decoration(x, c)) return;
        return unknown(x, 1);
    case '-': return tie(x);
    case '<':
    case '>': return broken_rhythm(x);
    case '&': return overlay(x);
    case '.':
        if (next == '|') x->at++; /* a dotted bar line divides a bar on paper only */
        break;
    case '*':
        if (!only_stars_follow(x)) return unknown(x, 1);
        break;
    case ')':
    case '`':
    case '$':
    case '\\': break;
    default:
        if (symbol(x)) return;
        return odd_symbol(x, was_after_bar);
    }
    x->at++;
}

void abc_music(abc_tune *tune, const char *text, size_t length)
{
    cursor x = {.tune = tune, .at = text, .end = text + length};
    tune->n_unknown = 0;
    while (x.at < x.end && !tune->status) read_sign(&x);
    if (tune->n_unknown) abc_repair(tune, tune->line, MG_REPAIR_ABC_SYMBOL, tune->n_unknown);
}
