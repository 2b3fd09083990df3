/* SPDX-License-Identifier: MIT */
/* Lines of music to items (abc standard 2.1, section 4): each sign to who knows it. What has no meaning is skipped and
   counted. */
#include <mgen/midi.h>
#include <mgen/text.h>
#include "midi/abc_cursor.h"

#include <string.h>

const char *abc_find(abc_cursor *x, const char *from, char sign)
{
    static const char signs[] = "\"!+]";
    const char **mark = &x->mark[strchr(signs, sign) - signs];
    if (!*mark || *mark < from) {
        const char *found = memchr(from, sign, (size_t)(x->end - from));
        *mark = found ? found : x->end;
    }
    return *mark < x->end ? *mark : NULL;
}

int abc_digits(abc_cursor *x, int otherwise)
{
    abc_span rest = {x->at, (size_t)(x->end - x->at)};
    int value;
    if (!abc_is_digit(abc_peek(x, 0)) || !abc_number(&rest, &value)) return otherwise;
    x->at = rest.at;
    return value;
}

static void open_bracket(abc_cursor *x)
{
    char next = abc_peek(x, 1);
    if (next == '|' || (next == ']' && abc_peek(x, 2) == '|')) return abc_bar_line(x);
    if (abc_is_digit(next)) {
        x->at++;
        return abc_ending(x);
    }
    if (abc_is_letter(next) && abc_peek(x, 2) == ':') {
        const char *close = abc_find(x, x->at + 3, ']');
        if (!close) return abc_unknown(x, 1);
        abc_span text = {x->at + 3, (size_t)(close - x->at) - 3};
        x->at = close + 1;
        return abc_field(x->tune, next, text);
    }
    if (next == '"') {
        const char *close = abc_find(x, x->at + 2, '"');
        const char *text = close ? abc_text(x->tune, x->at + 2, (size_t)(close - x->at) - 2) : "^";
        if (!abc_is_one_of(text[0], "^_<>@") && !abc_is_chord_symbol(text)) return abc_named_ending(x, close);
    }
    abc_chord(x, ']');
}

/* ---- the line ---- */

/* A number behind a bar line and a space; anything else has no meaning. */
static void odd_symbol(abc_cursor *x, bool was_after_bar)
{
    if (abc_is_digit(*x->at) && was_after_bar) {
        abc_repair(x->tune, x->tune->line, MG_REPAIR_ABC_ODD_ENDING, 1);
        return abc_ending(x);
    }
    size_t n = mg_utf8_length(x->at, (size_t)(x->end - x->at));
    if (abc_is_digit(*x->at))
        while (n < (size_t)(x->end - x->at) && abc_is_digit(x->at[n])) n++;
    abc_unknown(x, n ? n : 1);
}

static bool only_stars_follow(const abc_cursor *x)
{
    const char *at = x->at;
    while (at < x->end && abc_is_one_of(*at, "* \t\\")) at++;
    return at == x->end;
}

static void read_sign(abc_cursor *x)
{
    char c = *x->at, next = abc_peek(x, 1);
    bool was_after_bar = x->is_after_bar;
    if (c == ' ' || c == '\t') {
        x->at++;
        return;
    }
    x->is_after_bar = false;
    if (abc_is_note(c) || abc_is_one_of(c, "^_=")) return abc_single_note(x);
    switch (c) {
    case 'z':
    case 'x': return abc_rest(x);
    case 'Z':
    case 'X': return abc_bars_of_rest(x);
    case 'y':
        x->at++;
        abc_digits(x, 0);
        return;
    case '|':
        abc_bar_line(x);
        if (abc_is_digit(abc_peek(x, 0))) abc_ending(x);
        return;
    case ':':
        abc_bar_line(x);
        if (x->is_after_bar && abc_is_digit(abc_peek(x, 0))) abc_ending(x);
        return;
    case '[': return open_bracket(x);
    case '"': return abc_quoted(x);
    case '(':
        if (abc_is_digit(next)) return abc_tuplet(x);
        break;
    case '{': return abc_grace_notes(x);
    case '!':
        if (abc_decoration(x, c)) return;
        break;
    case '+':
        if (abc_is_old_chord(x)) return abc_chord(x, c);
        if (abc_decoration(x, c)) return;
        return abc_unknown(x, 1);
    case '-': return abc_tie(x);
    case '<':
    case '>': return abc_broken_rhythm(x);
    case '&': return abc_overlay(x);
    case '.':
        if (next == '|') x->at++; /* a dotted bar line divides a bar on paper only */
        break;
    case '*':
        if (!only_stars_follow(x)) return abc_unknown(x, 1);
        break;
    case ')':
    case '`':
    case '$':
    case '\\': break;
    default:
        if (abc_symbol(x)) return;
        return odd_symbol(x, was_after_bar);
    }
    x->at++;
}

void abc_music(abc_tune *tune, const char *text, size_t length)
{
    abc_cursor x = {.tune = tune, .at = text, .end = text + length};
    tune->n_unknown = 0;
    while (x.at < x.end && !tune->status) read_sign(&x);
    if (tune->n_unknown) abc_repair(tune, tune->line, MG_REPAIR_ABC_SYMBOL, tune->n_unknown);
}
