/* SPDX-License-Identifier: MIT */
/* What takes time in a line of ABC: notes, chords and rests, and the signs that change their lengths (abc standard 2.1,
   sections 4.1 to 4.5, 4.11 to 4.13, 4.17, 7.4). */
#include <mgen/midi.h>
#include "midi/abc_cursor.h"

#include <string.h>

/* ---- lengths ---- */

/* "3", "3/2", "/", "//": a factor of the unit length. */
static abc_ratio note_length(abc_cursor *x)
{
    const char *start = x->at;
    int num = abc_digits(x, 1), den = 1, slashes = 0;
    while (abc_peek(x, 0) == '/') {
        x->at++;
        slashes++;
        den = den < 4096 ? den * 2 : den;
    }
    if (slashes == 1) den = abc_digits(x, 2);
    if (num > 0 && den > 0) return abc_times((abc_ratio){1, 1}, num, den);
    x->at = start;
    abc_unknown(x, 1);
    while (abc_is_digit(abc_peek(x, 0)) || abc_peek(x, 0) == '/') x->at++;
    return (abc_ratio){1, 1};
}

/* How long `factor` units last here: tuplets and broken rhythm take their part. */
static int64_t timed(abc_cursor *x, abc_ratio factor)
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
static bool read_tone(abc_cursor *x, abc_tone *tone, int *pitch)
{
    static const int8_t semitones[7] = {0, 2, 4, 5, 7, 9, 11};
    abc_voice *v = x->tune->voice;
    size_t n = 0;
    int alter = ABC_NO_ALTER;
    char accidental = abc_peek(x, 0);
    if (abc_is_one_of(accidental, "^_=")) {
        alter = accidental == '^' ? 1 : accidental == '_' ? -1 : 0;
        n = 1;
        if (alter && abc_peek(x, 1) == accidental) alter *= 2, n = 2;
    }
    char letter = abc_peek(x, n);
    if (!abc_is_note(letter)) return false;
    x->at += n + 1;
    int octave = 5, index = (letter >= 'a' ? letter - 'a' : letter - 'A') - 2; /* from C, middle C being in octave 5 */
    if (index < 0) index += 7;
    octave += letter >= 'a';
    for (; abc_is_one_of(abc_peek(x, 0), ",'"); x->at++) octave += *x->at == '\'' ? 1 : -1;
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

static void add_head(abc_cursor *x, int pitch, bool is_tied)
{
    abc_tune *t = x->tune;
    if (pitch < 0 || pitch > 127) return abc_repair(t, t->line, MG_REPAIR_ABC_PITCH, 1);
    if (!mg_grow((void **)&t->heads, t->n_heads, &t->heads_room, sizeof *t->heads))
        return abc_fail(t, MG_NO_MEMORY, "out of memory");
    t->heads[t->n_heads++] = (abc_head){.pitch = (uint8_t)pitch, .flags = is_tied ? ABC_TIED : 0};
}

/* ---- notes and rests ---- */

/* The item of the heads from `heads` on. It moves when another one is added. */
static abc_item *begin_item(abc_cursor *x, abc_kind kind, size_t heads)
{
    abc_voice *v = x->tune->voice;
    size_t n = x->tune->n_heads - heads;
    abc_item *item = abc_add(x->tune, v, kind);
    if (!item) return NULL;
    item->velocity = v->velocity;
    item->at = (uint32_t)heads;
    item->count = (uint16_t)(n < UINT16_MAX ? n : UINT16_MAX);
    v->has_music = true;
    v->was_words[0] = v->was_words[1] = false;
    v->n_tones = 0;
    return item;
}

/* A group of notes, or a rest, is complete. */
static void end_item(abc_cursor *x, abc_item *item, abc_ratio factor)
{
    abc_voice *v = x->tune->voice;
    item->length = timed(x, factor);
    if (item->count == 0) item->kind = ABC_REST; /* a rest, or no head was in reach */
    v->last = (size_t)(item - v->items) + 1;
    v->elapsed += item->length;
}

/* A dash behind a note: the tones to be carried on. */
static bool take_tie(abc_cursor *x)
{
    if (abc_peek(x, 0) == '.' && abc_peek(x, 1) == '-') x->at++;
    if (abc_peek(x, 0) != '-') return false;
    x->at++;
    return true;
}

static void tie_tones(abc_voice *v, int from)
{
    for (int i = from; i < v->n_tones && v->n_tied < ABC_TONES; i++) v->tied[v->n_tied++] = v->tones[i];
}

void abc_single_note(abc_cursor *x)
{
    abc_voice *v = x->tune->voice;
    abc_tone tone;
    int pitch;
    if (!read_tone(x, &tone, &pitch)) return abc_unknown(x, 1);
    size_t heads = x->tune->n_heads;
    add_head(x, pitch, false);
    abc_item *item = begin_item(x, ABC_NOTE, heads);
    if (!item) return;
    v->tones[v->n_tones++] = tone;
    v->n_tied = 0;
    end_item(x, item, note_length(x));
}

void abc_rest(abc_cursor *x)
{
    x->at++;
    abc_item *item = begin_item(x, ABC_REST, x->tune->n_heads);
    if (!item) return;
    x->tune->voice->n_tied = 0;
    end_item(x, item, note_length(x));
}

/* Z4: so many bars of silence; a whole note each where the meter is free. */
void abc_bars_of_rest(abc_cursor *x)
{
    abc_voice *v = x->tune->voice;
    x->at++;
    int n = abc_digits(x, 1);
    abc_item *item = begin_item(x, ABC_REST, x->tune->n_heads);
    if (!item) return;
    v->n_tied = 0;
    v->last = 0;
    item->count = 1;
    item->length = (v->meter.bar ? v->meter.bar : ABC_WHOLE) * n;
    if (item->length > ABC_LONGEST) item->length = ABC_LONGEST;
    v->elapsed += item->length;
}

/* ---- chords ---- */

/* One sign between the notes of a chord. */
static void sign_inside(abc_cursor *x)
{
    if (*x->at == '"') {
        abc_quoted(x);
    } else if (abc_is_one_of(*x->at, " .()")) {
        x->at++;
    } else if (!(*x->at == '!' && abc_decoration(x, '!')) && !abc_symbol(x)) {
        abc_unknown(x, 1);
    }
}

/* [CEG], or +CEG+ in the oldest files: as long as its first note says, times what stands behind it. Texts inside hold
   for all of it, so its item comes behind theirs. */
void abc_chord(abc_cursor *x, char close)
{
    abc_voice *v = x->tune->voice;
    abc_tone tones[ABC_TONES], tied[ABC_TONES];
    int n_tones = 0, n_tied = 0;
    size_t heads = x->tune->n_heads;
    abc_ratio first = {0, 1};
    x->at++;
    bool is_empty = abc_peek(x, 0) == close;
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
        if (n_tones < ABC_TONES) tones[n_tones++] = tone;
        add_head(x, pitch, is_tied);
    }
    if (abc_peek(x, 0) == close) x->at++;
    else abc_unknown(x, 0);
    if (first.num == 0) { /* nothing to play; "[]" was an invisible bar line once */
        if (!is_empty) abc_unknown(x, 0);
        return;
    }
    abc_ratio outer = note_length(x);
    abc_item *item = begin_item(x, ABC_NOTE, heads);
    if (!item) return;
    v->n_tones = n_tones;
    v->n_tied = n_tied;
    memcpy(v->tones, tones, (size_t)n_tones * sizeof *tones);
    memcpy(v->tied, tied, (size_t)n_tied * sizeof *tied);
    end_item(x, item, abc_times(first, outer.num, outer.den));
}

/* What stands between two plus signs is a chord if it can be one. */
bool abc_is_old_chord(abc_cursor *x)
{
    const char *close = abc_find(x, x->at + 1, '+');
    if (!close || close == x->at + 1) return false;
    bool is_dynamic = true;
    for (const char *c = x->at + 1; c < close; c++) {
        if (!abc_is_note(*c) && !abc_is_one_of(*c, "^_=,'/0123456789")) return false;
        is_dynamic &= *c == 'f';
    }
    return !is_dynamic;
}

/* ---- between notes ---- */

/* Grace notes take no time and are not played; their accidentals hold to the end of the bar like any other. */
void abc_grace_notes(abc_cursor *x)
{
    abc_tone tone;
    int pitch;
    for (x->at++; x->at < x->end && *x->at != '}' && *x->at != '|';)
        if (!read_tone(x, &tone, &pitch)) x->at++;
    if (abc_peek(x, 0) == '}') x->at++;
    else abc_unknown(x, 0);
}

/* "(3", "(3:2:4": section 4.13. */
void abc_tuplet(abc_cursor *x)
{
    abc_voice *v = x->tune->voice;
    bool is_compound = v->meter.numerator >= 6 && v->meter.numerator % 3 == 0;
    int p, n = is_compound ? 3 : 2;
    const int8_t q_of[10] = {0, 0, 3, 2, 3, (int8_t)n, 2, (int8_t)n, 3, (int8_t)n};
    x->at++;
    p = abc_digits(x, 0);
    int q = p >= 2 && p <= 9 ? q_of[p] : n, r = p;
    if (abc_peek(x, 0) == ':') {
        x->at++;
        q = abc_digits(x, q);
        if (abc_peek(x, 0) == ':') {
            x->at++;
            r = abc_digits(x, r);
        }
    }
    if (p < 1 || q < 1 || r < 1) return abc_unknown(x, 0);
    v->tuplet_p = p;
    v->tuplet_q = q;
    v->tuplet_left = r;
}

/* a>b, a<<b: the first length times (2^(k+1) - 1) / 2^k, the second by 2^k, or the other way round. */
void abc_broken_rhythm(abc_cursor *x)
{
    abc_voice *v = x->tune->voice;
    char sign = *x->at;
    int k = 0;
    for (; abc_peek(x, 0) == sign; x->at++) k += k < 8;
    if (!v->last || v->broken_length) return abc_unknown(x, 0);
    abc_item *before = &v->items[v->last - 1];
    int64_t longer = (INT64_C(2) << k) - 1, power = INT64_C(1) << k, old = before->length;
    if (old == 0) return abc_unknown(x, 0);
    v->broken_length = old;
    before->length = sign == '>' ? old * longer / power : old / power;
    v->broken = sign == '>' ? (abc_ratio){1, power} : (abc_ratio){longer, power};
    v->elapsed += before->length - old;
}

void abc_tie(abc_cursor *x)
{
    abc_tune *t = x->tune;
    abc_voice *v = t->voice;
    x->at++;
    abc_item *item = v->last ? &v->items[v->last - 1] : NULL;
    if (!item || item->kind != ABC_NOTE) return abc_unknown(x, 0);
    for (unsigned i = 0; i < item->count; i++) t->heads[item->at + i].flags |= ABC_TIED;
    v->n_tied = 0;
    tie_tones(v, 0);
}

/* & goes back to the start of the bar, && to that of the bar before, and so on. */
void abc_overlay(abc_cursor *x)
{
    abc_voice *v = x->tune->voice;
    int64_t back = v->elapsed;
    if (v->elapsed > v->longest) v->longest = v->elapsed;
    x->at++;
    for (unsigned n = 1; abc_peek(x, 0) == '&'; x->at++, n++)
        if (n <= v->n_bars && n <= 8) back += v->bars[(v->n_bars - n) % 8];
    abc_item *item = abc_add(x->tune, v, ABC_REST);
    if (!item) return;
    item->length = -back;
    v->elapsed -= back;
    v->broken_length = 0;
    v->n_tied = 0;
    v->last = 0;
}
