/* SPDX-License-Identifier: MIT */
/* Lines below the music: w: gives notes their syllables, s: their symbols (abc standard 2.1, sections 4.15 and
   5). A line begins at the first note behind the reach of the line before, lines without music between them are
   verses of the same notes. */
#include <mgen/midi.h>
#include "midi/abc.h"

#include <string.h>

typedef struct {
    abc_tune *tune;
    abc_voice *voice;
    abc_span rest;
    size_t item;                    /* where the next note is looked for */
    unsigned bar, n_signs;          /* bars of music begun behind the first note; bar signs of the line */
    bool has_note, is_behind_bar;
    bool is_symbols;
    uint16_t verse;
} reader;

/* On to the next note; false if there is none left. */
static bool seek(reader *r)
{
    for (; r->item < r->voice->n_items; r->item++) {
        unsigned kind = r->voice->items[r->item].kind;
        if (kind == ABC_BAR) r->is_behind_bar = r->has_note;
        if (kind != ABC_NOTE) continue;
        r->bar += r->is_behind_bar;
        r->is_behind_bar = false;
        return true;
    }
    return false;
}

static abc_item *next_note(reader *r)
{
    if (!seek(r)) return NULL;
    r->has_note = true;
    return &r->voice->items[r->item++];
}

/* Notes up to the bar line that the sign means stay without words. */
static void next_bar(reader *r)
{
    r->n_signs++;
    while (seek(r) && r->bar < r->n_signs) next_note(r);
}

static void attach(reader *r, abc_item *note, mg_text_kind kind, const char *text)
{
    abc_tune *t = r->tune;
    if (!mg_grow((void **)&t->words, t->n_words, &t->words_room, sizeof *t->words))
        return abc_fail(t, MG_NO_MEMORY, "out of memory");
    int32_t at = (int32_t)t->n_words++;
    t->words[at] = (abc_word){.text = text, .next = ABC_NONE, .last = at, .verse = r->verse, .kind = (uint8_t)kind};
    if (note->words == ABC_NONE) {
        note->words = at;
    } else {
        t->words[t->words[note->words].last].next = at;
        t->words[note->words].last = at;
    }
    abc_word *first = &t->words[note->words];
    if (r->verse > first->n_verses) first->n_verses = r->verse;
}

/* A syllable up to what ends it: space, hyphen (kept), _ * or |. "~" joins words, "\-" is a hyphen of the text. */
static const char *syllable(reader *r)
{
    abc_span *rest = &r->rest;
    size_t n = 0;
    while (n < rest->length && !abc_is_one_of(rest->at[n], " \t_*|")) {
        if (rest->at[n] == '-') {
            n++;
            break;
        }
        n += rest->at[n] == '\\' && n + 1 < rest->length ? 2 : 1;
    }
    char *text = abc_text(r->tune, rest->at, n), *to = text;
    rest->at += n;
    rest->length -= n;
    for (const char *from = text; *from; from++) {
        if (from[0] == '\\' && from[1] == '-') continue;
        *to++ = (char)(*from == '~' ? ' ' : *from);
    }
    *to = '\0';
    return text;
}

/* A symbol: !decoration! or "text" or a letter; only texts are kept. */
static const char *sign(reader *r, mg_text_kind *kind)
{
    abc_span *rest = &r->rest;
    char open = rest->at[0];
    const char *close = abc_is_one_of(open, "\"!+") ? memchr(rest->at + 1, open, rest->length - 1) : rest->at;
    if (!close) close = rest->at + rest->length - 1;
    size_t n = (size_t)(close - rest->at) + 1;
    const char *text = open == '"' && n > 2 ? abc_text(r->tune, rest->at + 1, n - 2) : NULL;
    rest->at += n;
    rest->length -= n;
    if (!text) return NULL;
    *kind = abc_is_chord_symbol(text) ? MG_TEXT_CHORD : MG_TEXT_GENERAL;
    return text + (abc_is_one_of(text[0], "^_<>@") ? 1 : 0);
}

static void read_line(reader *r)
{
    unsigned n_extra = 0;
    while (r->rest.length > 0 && !r->tune->status) {
        char c = r->rest.at[0];
        if (abc_is_one_of(c, " \t|*_") || (c == '-' && !r->is_symbols)) {
            if (c == '|') next_bar(r);
            if (c == '*' || c == '_' || c == '-') n_extra += next_note(r) == NULL;
            r->rest.at++;
            r->rest.length--;
            continue;
        }
        mg_text_kind kind = MG_TEXT_LYRIC;
        const char *text = r->is_symbols ? sign(r, &kind) : syllable(r);
        abc_item *note = next_note(r);
        if (!note) n_extra++;
        else if (text) attach(r, note, kind, text);
    }
    if (n_extra) abc_repair(r->tune, r->tune->line, MG_REPAIR_ABC_WORDS, n_extra);
}

void abc_words(abc_tune *tune, abc_span text, bool are_symbols)
{
    abc_voice *v = tune->voice;
    size_t from = v->words_to[are_symbols];
    if (v->was_words[are_symbols]) from = v->words_from[are_symbols];
    else v->verse[are_symbols] = 0;
    if (++v->verse[are_symbols] > ABC_VERSES) return abc_repair(tune, tune->line, MG_REPAIR_ABC_WORDS, 1);
    reader r = {.tune = tune, .voice = v, .rest = text, .item = from, .is_symbols = are_symbols,
                .verse = are_symbols ? 0 : v->verse[0]};
    read_line(&r);
    v->words_from[are_symbols] = from;
    v->words_to[are_symbols] = v->n_items;
    v->was_words[are_symbols] = true;
}
