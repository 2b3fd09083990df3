/* SPDX-License-Identifier: MIT */
/* The voices of a tune played into its score: notes and events at their times (in parts of a whole note, which
   abc_ticks.c makes ticks of), ties joined, bars counted. */
#include <mgen/midi.h>
#include "midi/abc.h"
#include "midi/sort.h"

/* The last change of each kind at an item: key, meter, tempo. */
enum { CHANGES = 3 };
typedef struct { size_t item, latest[CHANGES]; } change; /* latest: index of the item + 1, 0 if there is none */

typedef struct {
    abc_tune *tune;
    mg_score *score;
    size_t room[5];       /* of notes, tempos, meters, keys, texts, see ROOM */
    size_t program_room;
    /* the voice being played */
    abc_voice *voice;
    uint16_t track;
    uint8_t channel;
    change *changes;
    size_t n_changes, changes_room;
    size_t now[CHANGES];  /* what is in force, as in `latest` */
    size_t first[5];      /* where its events begin in the score's lists */
    int64_t time, latest; /* latest: the furthest that time came; overlays go back */
    int64_t bar, elapsed;
    bool is_first_bar;
    int64_t tie_end[128]; /* where a tied note ends that may go on; -1: none */
    size_t tie_note[128];
    uint32_t tie_head[128];
} player;

enum { NOTES, TEMPOS, METERS, KEYS, TEXTS };

/* Room for one more item in a list of the score; leaves the function when out of memory. */
#define ROOM(p, items, count, room)                                                     \
    if (!mg_grow((void **)&(items), (count), &(room), sizeof *(items))) {               \
        abc_fail((p)->tune, MG_NO_MEMORY, "out of memory");                             \
        return;                                                                         \
    }

/* ---- events ---- */

static void add_text(player *p, mg_text_kind kind, const char *text)
{
    mg_score *s = p->score;
    ROOM(p, s->texts, s->n_texts, p->room[TEXTS]);
    s->texts[s->n_texts++] = (mg_text_event){.tick = p->time, .track = p->track, .kind = (uint8_t)kind, .text = text};
}

/* 0 to 2 for key, meter and tempo, more for other items. */
static unsigned change_index(unsigned kind) { return kind - ABC_KEY; }

/* A change at the time of the one before takes its place. */
#define REPLACE(p, list, n, which) \
    if ((n) > (p)->first[which] && (list)[(n) - 1].tick == (p)->time) (n)--

static void add_key(player *p, int fifths, bool is_minor)
{
    mg_score *s = p->score;
    while (fifths > 7) fifths -= 12;
    while (fifths < -7) fifths += 12;
    REPLACE(p, s->keys, s->n_keys, KEYS);
    ROOM(p, s->keys, s->n_keys, p->room[KEYS]);
    s->keys[s->n_keys++] = (mg_key){.tick = p->time, .fifths = (int8_t)fifths, .is_minor = is_minor};
}

static void add_meter(player *p, const abc_item *item)
{
    mg_score *s = p->score;
    uint16_t numerator = (uint16_t)(item->at >> 16), denominator = (uint16_t)item->at;
    p->bar = item->length;
    if (numerator == 0) return; /* free meter has no event */
    if (numerator > 255 || (denominator & (denominator - 1)))
        return abc_repair(p->tune, item->line, MG_REPAIR_BAD_METER, 1);
    REPLACE(p, s->meters, s->n_meters, METERS);
    ROOM(p, s->meters, s->n_meters, p->room[METERS]);
    s->meters[s->n_meters++] = (mg_meter){.tick = p->time, .numerator = numerator, .denominator = denominator,
                                          .clocks = 24, .thirtyseconds = 8};
}

static void add_tempo(player *p, uint32_t us_per_quarter)
{
    mg_score *s = p->score;
    REPLACE(p, s->tempos, s->n_tempos, TEMPOS);
    ROOM(p, s->tempos, s->n_tempos, p->room[TEMPOS]);
    s->tempos[s->n_tempos++] = (mg_tempo){.tick = p->time, .us_per_quarter = us_per_quarter};
}

static void add_change(player *p, size_t i)
{
    const abc_item *item = &p->voice->items[i];
    p->now[change_index(item->kind)] = i + 1;
    if (item->kind == ABC_KEY) add_key(p, (int)item->at - 64, item->count);
    else if (item->kind == ABC_METER) add_meter(p, item);
    else add_tempo(p, item->at);
}

static void add_program(player *p, const abc_item *item)
{
    mg_score *s = p->score;
    ROOM(p, s->programs, s->n_programs, p->program_room);
    s->programs[s->n_programs++] = (mg_program){.tick = p->time, .track = p->track, .channel = p->channel,
                                                .program = (uint8_t)item->at};
}

/* ---- notes ---- */

/* A head that a tie leads to makes the note before longer. Ties are followed in the order of play: into an
   ending, too. */
static void add_note(player *p, const abc_item *item, uint32_t at)
{
    mg_score *s = p->score;
    abc_head *head = &p->tune->heads[at];
    int64_t end = p->time + item->length;
    uint8_t pitch = head->pitch;
    head->flags |= ABC_SOUNDED;
    if (p->tie_end[pitch] == p->time) {
        p->tune->heads[p->tie_head[pitch]].flags |= ABC_JOINED;
        s->notes[p->tie_note[pitch]].end = end;
    } else {
        ROOM(p, s->notes, s->n_notes, p->room[NOTES]);
        p->tie_note[pitch] = s->n_notes;
        s->notes[s->n_notes++] = (mg_note){.start = p->time, .end = end, .track = p->track, .channel = p->channel,
                                           .pitch = pitch, .velocity = item->velocity, .release = 64};
    }
    p->tie_end[pitch] = head->flags & ABC_TIED ? end : -1;
    p->tie_head[pitch] = at;
}

/* Symbols sound with every verse; the n-th playing of a note sings verse n, the last one again when there are no
   more. */
static void add_words(player *p, const abc_item *item)
{
    abc_word *words = p->tune->words, *first = &words[item->words];
    unsigned verse = first->n_played < first->n_verses ? ++first->n_played : first->n_verses;
    for (int32_t w = item->words; w != ABC_NONE; w = words[w].next)
        if (words[w].verse == 0 || words[w].verse == verse) add_text(p, words[w].kind, words[w].text);
}

/* ---- bars ---- */

/* A bar may begin the tune short, and be cut in two by a double bar, a repeat or an ending: its parts add up in
   the order of play. */
static void pass_bar(player *p, abc_item *item, bool is_soft)
{
    bool is_short = p->elapsed < p->bar;
    if (p->bar == 0 || p->elapsed <= 0 || p->elapsed == p->bar) {
        p->is_first_bar &= p->elapsed == 0;
        p->elapsed = 0;
        return;
    }
    if (is_short && !p->is_first_bar && is_soft) return;
    if (!(is_short && p->is_first_bar) && !(item->at & ABC_BAR_REPORTED)) {
        item->at |= ABC_BAR_REPORTED;
        abc_repair(p->tune, item->line, MG_REPAIR_ABC_BAR_LENGTH, 1);
    }
    p->is_first_bar = false;
    p->elapsed = 0;
}

/* ---- the walk ---- */

/* What was in force where the music goes on. */
static void jump(player *p, size_t to)
{
    size_t low = 0, high = p->n_changes;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (p->changes[middle].item < to) low = middle + 1;
        else high = middle;
    }
    for (int c = 0; c < CHANGES; c++) {
        size_t latest = low ? p->changes[low - 1].latest[c] : 0;
        if (latest == p->now[c]) continue;
        if (latest) add_change(p, latest - 1);
        else if (c == 2) add_tempo(p, 500000), p->now[c] = 0; /* 120 a minute, as before any Q: */
    }
}

static void play_item(player *p, size_t i)
{
    abc_item *item = &p->voice->items[i];
    const abc_item *next = i + 1 < p->voice->n_items ? item + 1 : NULL;
    switch (item->kind) {
    case ABC_NOTE:
        if (item->words != ABC_NONE) add_words(p, item);
        for (uint32_t h = 0; h < item->count && !p->tune->status; h++) add_note(p, item, item->at + h);
        break;
    case ABC_BAR:
        pass_bar(p, item, item->count || item->at & ABC_BAR_DOUBLE || !next || next->kind == ABC_ENDING ||
                              next->kind == ABC_PART);
        return;
    case ABC_PART: add_text(p, MG_TEXT_MARKER, p->tune->texts[item->at]); return;
    case ABC_TEXT: add_text(p, item->count, p->tune->texts[item->at]); return;
    case ABC_PROGRAM: add_program(p, item); return;
    case ABC_KEY:
    case ABC_METER:
    case ABC_TEMPO: add_change(p, i); return;
    case ABC_REST: break;
    default: return;
    }
    p->time += item->length;
    p->elapsed += item->kind == ABC_REST && item->count ? p->bar : item->length; /* Z4 stands for one full bar */
    if (p->time < 0) p->time = 0;
    if (p->time > p->latest) p->latest = p->time;
}

static void play_stretch(player *p, size_t from, size_t to)
{
    abc_tune *t = p->tune;
    jump(p, from);
    for (size_t i = from; i < to && !t->status; i++) {
        if (!abc_spend(t, 1)) return;
        play_item(p, i);
        if (p->time > ABC_END_OF_TIME) abc_fail(t, MG_TOO_LARGE, "longer than can be counted");
    }
}

/* ---- a voice ---- */

static void note_changes(player *p)
{
    p->n_changes = 0;
    change latest = {0};
    for (size_t i = 0; i < p->voice->n_items; i++) {
        unsigned c = change_index(p->voice->items[i].kind);
        if (c >= CHANGES) continue;
        latest.item = i;
        latest.latest[c] = i + 1;
        ROOM(p, p->changes, p->n_changes, p->changes_room);
        p->changes[p->n_changes++] = latest;
    }
}

static void play_plan(player *p, const abc_plan *plan)
{
    for (size_t s = 0; s < plan->n && !p->tune->status; s++) play_stretch(p, plan->list[s].from, plan->list[s].to);
}

static void play_parts(player *p, const abc_schedule *when)
{
    abc_tune *t = p->tune;
    abc_plan plan = {0};
    abc_stretch part[ABC_LETTERS] = {{0, p->voice->n_items}};
    int n_played[ABC_LETTERS] = {0};
    size_t n = when->order.length;
    if (n) abc_find_parts(p->voice, part);
    for (size_t i = 0; i <= n && abc_spend(t, 1); i++) {
        unsigned letter = i ? (unsigned char)when->order.data[i - 1] : 0;
        if (t->n_voices > 1 && n) p->time = when->begin[i];
        abc_plan_part(t, p->voice, part[letter], n_played[letter]++, when->n_plays[letter], &plan);
        play_plan(p, &plan);
    }
    mg_free(plan.list);
}

/* Ties that led nowhere, each once, where it is written. */
static void report_open_ties(player *p)
{
    abc_tune *t = p->tune;
    for (size_t i = 0; i < p->voice->n_items; i++) {
        const abc_item *item = &p->voice->items[i];
        unsigned n = 0;
        for (uint32_t h = 0; item->kind == ABC_NOTE && h < item->count; h++)
            n += (t->heads[item->at + h].flags & (ABC_TIED | ABC_JOINED | ABC_SOUNDED)) == (ABC_TIED | ABC_SOUNDED);
        if (n) abc_repair(t, item->line, MG_REPAIR_ABC_OPEN_TIE, n);
    }
}

static void play_voice(player *p, int v, const abc_schedule *when, mg_track *track)
{
    mg_score *s = p->score;
    p->voice = p->tune->voices[v];
    p->track = (uint16_t)v;
    p->channel = (uint8_t)(v % 15 + (v % 15 >= 9)); /* 9 is drums */
    if (p->voice->channel >= 0) p->channel = (uint8_t)p->voice->channel;
    p->time = p->latest = p->bar = p->elapsed = 0;
    p->is_first_bar = true;
    memset(p->now, 0, sizeof p->now);
    memset(p->tie_end, -1, sizeof p->tie_end);
    const size_t first[] = {s->n_notes, s->n_tempos, s->n_meters, s->n_keys, s->n_texts};
    memcpy(p->first, first, sizeof first);
    note_changes(p);
    play_parts(p, when);
    if (p->bar && p->elapsed > p->bar)
        abc_repair(p->tune, p->voice->items[p->voice->n_items - 1].line, MG_REPAIR_ABC_BAR_LENGTH, 1);
    report_open_ties(p);
    const char *name = p->voice->name[0] ? p->voice->name : p->voice->id;
    *track = (mg_track){.name = name, .first_note = first[NOTES], .n_notes = s->n_notes - first[NOTES],
                        .end_tick = p->latest};
    size_t n_texts = s->n_texts - first[TEXTS]; /* overlays go back in time */
    if ((track->n_notes && !midi_sort_by_tick(s->notes + first[NOTES], track->n_notes, sizeof *s->notes)) ||
        (n_texts && !midi_sort_by_tick(s->texts + first[TEXTS], n_texts, sizeof *s->texts)))
        abc_fail(p->tune, MG_NO_MEMORY, "out of memory");
}

/* ---- the tune ---- */

static void play_tune(player *p)
{
    abc_tune *t = p->tune;
    mg_score *s = p->score;
    abc_schedule when = {0};
    abc_schedule_parts(t, &when);
    if (!t->status) s->tracks = mg_alloc_zero((size_t)t->n_voices, sizeof *s->tracks);
    if (!t->status && !s->tracks) abc_fail(t, MG_NO_MEMORY, "out of memory");
    for (int v = 0; v < t->n_voices && !t->status; v++) {
        play_voice(p, v, &when, &s->tracks[v]);
        s->n_tracks++;
    }
    mg_buffer_free(&when.order);
    mg_free(when.begin);
}

mg_status abc_play(abc_tune *tune)
{
    player *p = mg_alloc_zero(1, sizeof *p);
    if (!p) abc_fail(tune, MG_NO_MEMORY, "out of memory");
    else {
        p->tune = tune;
        p->score = tune->score;
        play_tune(p);
        if (!tune->status) abc_to_ticks(tune);
        mg_free(p->changes);
        mg_free(p);
    }
    return tune->status;
}
