/* SPDX-License-Identifier: MIT */
/* Texts and decorations in a line of ABC (abc standard 2.1, sections 4.14, 4.16, 4.18, 4.19). Of the decorations
   only the dynamics change anything. */
#include <mgen/midi.h>
#include "midi/abc_cursor.h"

#include <string.h>

/* Section 4.14: how loud the marks are. */
static void decorate(abc_cursor *x, abc_span name)
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

void abc_quoted(abc_cursor *x)
{
    const char *close = abc_find(x, x->at + 1, '"');
    if (!close) return abc_unknown(x, 1);
    const char *text = abc_text(x->tune, x->at + 1, (size_t)(close - x->at) - 1);
    x->at = close + 1;
    mg_text_kind kind = abc_is_chord_symbol(text) ? MG_TEXT_CHORD : MG_TEXT_GENERAL;
    if (abc_is_one_of(text[0], "^_<>@")) {
        kind = MG_TEXT_GENERAL;
        if (*text++ == '@') text += strspn(text, "-.,0123456789 "); /* its place on the page */
    }
    abc_add_text(x->tune, kind, text);
}

/* What a symbol letter was defined as: !name! or +name+ or "text". */
static void defined(abc_cursor *x, abc_span value)
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

bool abc_symbol(abc_cursor *x)
{
    int index = abc_symbol_index(abc_peek(x, 0));
    if (index < 0 || !x->tune->header.symbols[index].at) return false;
    x->at++;
    defined(x, x->tune->header.symbols[index]);
    return true;
}

/* !name! on one line, without spaces; a single ! broke lines in old files. */
bool abc_decoration(abc_cursor *x, char sign)
{
    const char *close = abc_find(x, x->at + 1, sign);
    if (!close || close == x->at + 1 || close - x->at > 40) return false;
    for (const char *c = x->at + 1; c < close; c++)
        if (abc_is_one_of(*c, " \t|[]:") || !*c) return false;
    decorate(x, (abc_span){x->at + 1, (size_t)(close - x->at) - 1});
    x->at = close + 1;
    return true;
}
