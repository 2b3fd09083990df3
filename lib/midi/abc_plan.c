/* SPDX-License-Identifier: MIT */
/* The order of play (abc standard 2.1, sections 3.1.9, 4.8 to 4.10). A repeat without start sign goes back to the
   end of the repeat before it, or to the beginning (of the part, where P: gives an order); the standard would
   allow the last double bar line as well, other programs do not take it, and neither do we. Endings are passes of
   their section: pass n plays what stands before the first ending and then the ending that has n. */
#include <mgen/midi.h>
#include "midi/abc.h"

enum { ENDINGS = 64, NEAR = 8 };

typedef struct { uint64_t passes; size_t from, to; } ending;

typedef struct {
    abc_tune *tune;
    const abc_voice *voice;
    abc_plan *plan;
    int play, n_plays;
    size_t start;          /* of the section */
    bool is_open;          /* it began with a start sign */
    unsigned times;        /* the plays that the start sign asks for */
    uint32_t open_line;
    ending ending[ENDINGS];
    unsigned n_endings;
    bool has_end_sign;     /* behind one of its endings */
} planner;

/* What was planned in an earlier play of the same part was reported then. */
static void report(planner *p, uint32_t line, mg_repair_what what)
{
    if (p->play == 0) abc_repair(p->tune, line, what, 1);
}

static void play(planner *p, size_t from, size_t to)
{
    abc_plan *plan = p->plan;
    if (from >= to || !abc_spend(p->tune, 1)) return;
    if (!mg_grow((void **)&plan->list, plan->n, &plan->room, sizeof *plan->list))
        return abc_fail(p->tune, MG_NO_MEMORY, "out of memory");
    plan->list[plan->n++] = (abc_stretch){from, to};
}

static void begin_section(planner *p, size_t start)
{
    p->start = start;
    p->is_open = p->has_end_sign = false;
    p->times = 1;
    p->n_endings = 0;
}

static unsigned highest(uint64_t passes) { return passes ? 64 - (unsigned)__builtin_clzll(passes) : 0; }

static uint64_t all_passes(const planner *p)
{
    uint64_t all = 0;
    for (unsigned e = 0; e < p->n_endings; e++) all |= p->ending[e].passes;
    return all;
}

/* The section before `end` is complete; without endings it is played `times`. */
static void end_section(planner *p, size_t end, unsigned times)
{
    if (p->n_endings == 0) {
        for (unsigned n = 0; n < times; n++) play(p, p->start, end);
        return begin_section(p, end);
    }
    p->ending[p->n_endings - 1].to = end;
    unsigned n_passes = highest(all_passes(p)), first = 1;
    if (p->n_endings == 1 && !p->has_end_sign) {
        play(p, p->start, end); /* nothing leads back */
        return begin_section(p, end);
    }
    if (p->n_endings == 1) n_passes++; /* past its only ending the music goes on */
    /* A part that P: has played as often as it has endings takes one each time (section 4.10). Two endings with a
       repeat sign are left a plain repeat, though: books that say P:ABCB mean it so. */
    if (p->n_plays > 1 && p->n_plays == (int)n_passes && (n_passes > 2 || !p->has_end_sign))
        first = n_passes = (unsigned)p->play + 1;
    else if (!p->has_end_sign)
        report(p, p->voice->items[p->ending[1].from].line, MG_REPAIR_ABC_ODD_ENDING);
    for (unsigned pass = first; pass <= n_passes; pass++) {
        play(p, p->start, p->ending[0].from);
        for (unsigned e = 0; e < p->n_endings; e++)
            if (p->ending[e].passes >> (pass - 1) & 1) play(p, p->ending[e].from, p->ending[e].to);
    }
    begin_section(p, end);
}

/* Where an ending that nothing closes is over: after as many bars as the one before it has. */
static size_t likely_end(const planner *p, size_t limit)
{
    const abc_item *items = p->voice->items;
    const ending *last = &p->ending[p->n_endings - 1], *before = last - 1;
    unsigned n_bars = 0;
    for (size_t i = before->from; i < before->to; i++) n_bars += items[i].kind == ABC_BAR;
    for (size_t i = last->from; i < limit; i++)
        if (items[i].kind == ABC_BAR && n_bars-- <= 1) return i + 1;
    return limit;
}

static void meet_ending(planner *p, size_t i)
{
    const abc_item *item = &p->voice->items[i];
    uint64_t passes = (uint64_t)item->length;
    if (p->n_endings > 0) p->ending[p->n_endings - 1].to = i;
    if (p->n_endings > 0 && ((passes & all_passes(p)) || p->n_endings == ENDINGS)) { /* of another section */
        report(p, item->line, MG_REPAIR_ABC_ODD_ENDING);
        end_section(p, p->n_endings > 1 ? likely_end(p, i) : i, 1);
    }
    p->ending[p->n_endings++] = (ending){passes, i, i};
}

/* Whether the music goes on with an ending of the same section, behind a few bar lines or texts at most. */
static bool ending_follows(const planner *p, size_t i, size_t to)
{
    const abc_item *items = p->voice->items;
    for (size_t limit = ++i + NEAR; i < to && i < limit; i++)
        if (items[i].kind != ABC_TEXT && (items[i].kind != ABC_BAR || items[i].count != 0)) break;
    return i < to && items[i].kind == ABC_ENDING && !((uint64_t)items[i].length & all_passes(p));
}

static void meet_bar(planner *p, size_t i, size_t to)
{
    const abc_item *item = &p->voice->items[i];
    unsigned before = item->count & 255, after = item->count >> 8;
    bool is_double = item->at & ABC_BAR_DOUBLE, goes_on = ending_follows(p, i, to);
    if (before > 0) {
        unsigned times = before + 1 > p->times ? before + 1 : p->times;
        p->has_end_sign = true;
        if (p->n_endings == 0 && goes_on) { /* |: ... :|2 ... || */
            size_t next = i + 1;
            while (p->voice->items[next].kind != ABC_ENDING) next++;
            uint64_t passes = (uint64_t)p->voice->items[next].length;
            uint64_t below = (passes & -passes) - 1;
            if (below) p->ending[p->n_endings++] = (ending){below, i + 1, i + 1};
        } else if (!goes_on) {
            end_section(p, i + 1, times);
        }
    } else if (p->n_endings > 0 && (is_double || after) && !goes_on) {
        end_section(p, i + 1, 1);
    } else if (p->n_endings == 0 && after) {
        if (p->is_open) report(p, p->open_line, MG_REPAIR_ABC_OPEN_REPEAT);
        end_section(p, i + 1, 1);
    }
    if (after && p->n_endings == 0) {
        p->is_open = true;
        p->times = after + 1;
        p->open_line = item->line;
    }
}

void abc_plan_part(abc_tune *tune, const abc_voice *voice, abc_stretch part, int nth, int n_plays, abc_plan *plan)
{
    planner p = {.tune = tune, .voice = voice, .plan = plan, .play = nth, .n_plays = n_plays};
    plan->n = 0;
    if (part.from >= part.to || !abc_spend(tune, part.to - part.from)) return;
    begin_section(&p, part.from);
    for (size_t i = part.from; i < part.to && !tune->status; i++) {
        if (voice->items[i].kind == ABC_ENDING) meet_ending(&p, i);
        else if (voice->items[i].kind == ABC_BAR) meet_bar(&p, i, part.to);
    }
    bool has_music = false;
    for (size_t i = p.start; p.is_open && i < part.to && !has_music; i++)
        has_music = voice->items[i].kind == ABC_NOTE || voice->items[i].kind == ABC_REST;
    if (has_music && p.n_endings == 0) report(&p, p.open_line, MG_REPAIR_ABC_OPEN_REPEAT);
    end_section(&p, part.to, 1);
}
