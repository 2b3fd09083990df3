/* SPDX-License-Identifier: MIT */
/* Bar lines, repeat signs and endings in a line of ABC (abc standard 2.1, sections 4.8 to 4.10). */
#include <mgen/midi.h>
#include "midi/abc_cursor.h"

#include <string.h>

static void end_bar(abc_cursor *x)
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

static unsigned colons(abc_cursor *x)
{
    unsigned n = 0;
    for (; abc_peek(x, 0) == ':'; x->at++) n += n < ABC_REPEATS;
    return n;
}

/* Any run of | [ ] : is a bar line. Colons before it end a repeat, colons behind it begin one, "::" does both. */
void abc_bar_line(abc_cursor *x)
{
    const char *start = x->at;
    unsigned before = colons(x), after = 0, lines = 0;
    bool is_thick = false;
    for (;;) {
        char c = abc_peek(x, 0), next = abc_peek(x, 1);
        if (c == '|') lines++;
        else if (c == ']' && (lines || is_thick)) is_thick = true;
        else if (c == '[' && (next == '|' || (next == ']' && lines))) is_thick = true;
        else break;
        x->at++;
    }
    if (lines == 0 && before < 2) return abc_unknown(x, before ? 0 : 1);
    if (lines == 0) {
        before = after = before / 2;
    } else if (lines == 1 && is_thick && before == 0 && *start == '[' && x->at[-1] == ']') {
        return; /* [|] cannot be seen */
    } else {
        after = colons(x);
        if (after >= 2 && before == 0 && abc_peek(x, 0) == '|') { /* |::| */
            before = after /= 2;
            while (abc_peek(x, 0) == '|') x->at++;
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
void abc_ending(abc_cursor *x)
{
    uint64_t passes = 0;
    for (;;) {
        int from = abc_digits(x, 0), to = from;
        if (abc_peek(x, 0) == '-' && abc_is_digit(abc_peek(x, 1))) {
            x->at++;
            to = abc_digits(x, to);
        }
        for (int n = from; n <= to && n <= 63; n++)
            if (n > 0) passes |= UINT64_C(1) << (n - 1);
        if (!abc_is_one_of(abc_peek(x, 0), ",.") || !abc_is_digit(abc_peek(x, 1))) break;
        x->at++;
    }
    if (!passes) return abc_unknown(x, 0);
    abc_item *item = abc_add(x->tune, x->tune->voice, ABC_ENDING);
    if (item) item->length = (int64_t)passes;
}

/* ["last time" is an ending, too: the one after those before. */
void abc_named_ending(abc_cursor *x, const char *close)
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
