/* SPDX-License-Identifier: MIT */
/* The order of parts that P: asks for, and when each begins (abc standard 2.1, section 3.1.9). Voices stay
   together: each play of a part lasts as long as its longest voice. */
#include <mgen/midi.h>
#include "midi/abc.h"

#include <string.h>

enum { PARTS = 1 << 20, DEPTH = 32 };

/* "((AB)3.(CD)3)2": a group is written again behind itself, as often as the number behind it says. */
static void write_order(abc_tune *tune, mg_buffer *letters)
{
    size_t group[DEPTH], depth = 0, begin = 0; /* where the last letter or group began */
    abc_span rest = tune->order;
    while (rest.length > 0) {
        char c = rest.at[0];
        if (abc_is_digit(c)) {
            int times = 1;
            abc_number(&rest, &times);
            size_t n = letters->length - begin;
            if (n * (size_t)times > PARTS) return abc_fail(tune, MG_TOO_LARGE, "more parts than a million");
            for (int i = 1; i < times && !letters->failed; i++) {
                char *room = mg_buffer_room(letters, n);
                if (room) memcpy(room, letters->data + begin, n);
            }
            if (times == 0) letters->length = begin;
            continue;
        }
        rest.at++;
        rest.length--;
        if (c == '(' && depth < DEPTH) {
            group[depth++] = letters->length;
            begin = letters->length;
        } else if (c == ')' && depth > 0) {
            begin = group[--depth];
        } else if (abc_is_letter(c)) {
            begin = letters->length;
            mg_buffer_add_char(letters, c);
        }
        if (letters->length > PARTS) return abc_fail(tune, MG_TOO_LARGE, "more parts than a million");
    }
    if (letters->failed) abc_fail(tune, MG_NO_MEMORY, "out of memory");
}

static int64_t length_of(abc_tune *t, const abc_voice *voice, const abc_plan *plan)
{
    int64_t time = 0, latest = 0;
    for (size_t s = 0; s < plan->n && abc_spend(t, plan->list[s].to - plan->list[s].from); s++)
        for (size_t i = plan->list[s].from; i < plan->list[s].to && time < ABC_END_OF_TIME; i++) {
            if (voice->items[i].kind == ABC_NOTE || voice->items[i].kind == ABC_REST) time += voice->items[i].length;
            if (time > latest) latest = time;
        }
    return latest;
}

/* Where the parts of a voice stand: letter 0 is the music before the first. A letter that comes twice counts once. */
void abc_find_parts(const abc_voice *voice, abc_stretch part[ABC_LETTERS])
{
    memset(part, 0, ABC_LETTERS * sizeof *part);
    unsigned letter = 0;
    for (size_t i = 0; i <= voice->n_items; i++) {
        bool is_end = i == voice->n_items;
        if (!is_end && voice->items[i].kind != ABC_PART) continue;
        if (letter < ABC_LETTERS && part[letter].to == 0) part[letter].to = i;
        if (is_end) break;
        letter = voice->items[i].count;
        if (letter < ABC_LETTERS && part[letter].to == 0) part[letter].from = i;
    }
}

/* Each play of a part lasts as long as its longest voice. */
static void time_parts(abc_tune *t, abc_schedule *when)
{
    size_t n = when->order.length;
    if (t->n_voices == 1 || n == 0) return;
    t->is_quiet = true; /* the same plans are made again when they are played */
    for (int v = 0; v < t->n_voices && !t->status; v++) {
        abc_stretch part[ABC_LETTERS];
        int n_played[ABC_LETTERS] = {0};
        abc_plan plan = {0};
        abc_find_parts(t->voices[v], part);
        for (size_t i = 0; i <= n && !t->status; i++) {
            unsigned letter = i ? (unsigned char)when->order.data[i - 1] : 0;
            abc_plan_part(t, t->voices[v], part[letter], n_played[letter]++, when->n_plays[letter], &plan);
            int64_t length = length_of(t, t->voices[v], &plan);
            if (length > when->begin[i]) when->begin[i] = length;
        }
        mg_free(plan.list);
    }
    t->is_quiet = false;
    int64_t time = 0;
    for (size_t i = 0; i <= n; i++) {
        int64_t length = when->begin[i];
        when->begin[i] = time;
        if (time < ABC_END_OF_TIME) time += length;
    }
}

/* Which letters the voices have. */
static void find_letters(const abc_tune *t, bool has[ABC_LETTERS])
{
    for (int v = 0; v < t->n_voices; v++) {
        abc_stretch part[ABC_LETTERS];
        abc_find_parts(t->voices[v], part);
        for (unsigned c = 1; c < ABC_LETTERS; c++) has[c] |= part[c].to > part[c].from;
    }
}

/* Marks in the music that the order does not lead to: a letter it lacks, or one that was there before. */
static void report_unused(abc_tune *t, const abc_schedule *when)
{
    for (int v = 0; v < t->n_voices; v++) {
        const abc_voice *voice = t->voices[v];
        abc_stretch part[ABC_LETTERS];
        abc_find_parts(voice, part);
        for (size_t i = 0; i < voice->n_items; i++) {
            if (voice->items[i].kind != ABC_PART) continue;
            unsigned c = voice->items[i].count;
            bool is_used = c < ABC_LETTERS && when->n_plays[c] && part[c].from == i;
            if (!is_used) abc_repair(t, voice->items[i].line, MG_REPAIR_ABC_UNUSED_PART, 1);
        }
    }
}

/* Letters that no voice has are left out of the order; if none is left, all is played as it is written. */
void abc_schedule_parts(abc_tune *t, abc_schedule *when)
{
    bool has[ABC_LETTERS] = {false};
    find_letters(t, has);
    write_order(t, &when->order);
    if (t->status) return;
    size_t n = when->order.length, kept = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)when->order.data[i];
        if (!has[c]) continue;
        when->order.data[kept++] = (char)c;
        when->n_plays[c]++;
    }
    when->order.length = kept;
    when->n_plays[0] = 1;
    if (kept < n) abc_repair(t, t->order_line, MG_REPAIR_ABC_NO_PART, (uint32_t)(n - kept));
    if (kept) report_unused(t, when);
    when->begin = mg_alloc_zero(kept + 1, sizeof *when->begin);
    if (!when->begin) return abc_fail(t, MG_NO_MEMORY, "out of memory");
    time_parts(t, when);
}
