/* SPDX-License-Identifier: MIT */
/* Expressive performances, as Magenta's performance_with_dynamics and Music Transformer's score2perf write them: note
   on, note off, shift of 1..100 steps of 10 ms, velocity in 32 bins. With P pitches from `low`, behind what is
   reserved: note on P, note off P, shift 100, velocity 32.

   Notes are taken by (onset, pitch); events of a step stand in the order of their notes, so that a note that ends makes
   room before the next begins. A velocity is said where it changes, before its note. */
#include <mgen/data.h>
#include "data/encodings.h"
#include "data/steps.h"

#include <stdlib.h>

enum { SHIFTS = 100, VELOCITIES = 32, BIN = 4, PER_SECOND = 100, LONGEST_HANGING = 5 * PER_SECOND };

typedef enum { RESERVED, NOTE_ON, NOTE_OFF, SHIFT, VELOCITY, NONE } kind;

static int reserved(const mg_encoding *e) { return e->vocab - 2 * (e->high - e->low + 1) - SHIFTS - VELOCITIES; }

/* What a token is: of notes the pitch, of a shift the steps, of a velocity the bin from 1. */
static kind meaning(const mg_encoding *e, int32_t token, int *value)
{
    *value = token;
    if (token < 0 || token >= e->vocab) return NONE;
    int pitches = e->high - e->low + 1, at = token - reserved(e);
    if (at < 0) return RESERVED;
    *value = at % pitches + e->low;
    if (at < 2 * pitches) return at < pitches ? NOTE_ON : NOTE_OFF;
    at -= 2 * pitches;
    *value = at < SHIFTS ? at + 1 : at - SHIFTS + 1;
    return at < SHIFTS ? SHIFT : VELOCITY;
}

data_effect data_performance_effect(const mg_encoding *e, int32_t token, int *value)
{
    static const data_effect effects[] = {[NOTE_ON] = DATA_BEGINS, [NOTE_OFF] = DATA_ENDS, [SHIFT] = DATA_PASSES,
                                          [VELOCITY] = DATA_IDLES, [NONE] = DATA_IDLES};
    return effects[meaning(e, token, value)];
}

static int32_t token_of(const mg_encoding *e, kind k, int value)
{
    int pitches = e->high - e->low + 1;
    switch (k) {
    case NOTE_ON: return reserved(e) + value - e->low;
    case NOTE_OFF: return reserved(e) + pitches + value - e->low;
    case SHIFT: return reserved(e) + 2 * pitches + value - 1;
    default: return reserved(e) + 2 * pitches + SHIFTS + value - 1;
    }
}

static void token_name(const mg_encoding *e, int token, mg_buffer *out)
{
    static const char *const names[] = {"", "NOTE_ON", "NOTE_OFF", "TIME_SHIFT", "VELOCITY"};
    int value = 0;
    kind k = meaning(e, token, &value);
    if (k == RESERVED) mg_buffer_add_text(out, token == 0 ? "PAD" : "EOS");
    else mg_buffer_print(out, "%s_%d", names[k], value);
}

/* ---- what may follow ---- */

/* sounding: pitches; fresh: those begun in this step; level: the velocity bin, 0 before the first; last: what was
   said, plus 1. */
static bool allows(const mg_encoding *e, const mg_grammar *grammar, int32_t next)
{
    int value = 0, before = 0;
    kind k = meaning(e, next, &value), last = grammar->last > 0 ? meaning(e, grammar->last - 1, &before) : NONE;
    bool is_silent = !(grammar->sounding[0] | grammar->sounding[1]);
    if (last == VELOCITY && k != NOTE_ON) return false;
    switch (k) {
    case NOTE_ON: return grammar->level && !data_has(grammar->sounding, value);
    case NOTE_OFF: return data_has(grammar->sounding, value) && !data_has(grammar->fresh, value);
    case SHIFT: return last != SHIFT || before == SHIFTS;
    case VELOCITY: /* it must have a note to be of */
        if (value == grammar->level) return false;
        for (int pitch = e->low; pitch <= e->high; pitch++)
            if (!data_has(grammar->sounding, pitch)) return true;
        return false;
    case RESERVED: return next == e->end && is_silent;
    default: return false;
    }
}

static void follow(const mg_encoding *e, mg_grammar *grammar, int32_t token)
{
    int value = 0;
    switch (meaning(e, token, &value)) {
    case NOTE_ON:
        data_put(grammar->sounding, value);
        data_put(grammar->fresh, value);
        break;
    case NOTE_OFF: data_remove(grammar->sounding, value); break;
    case SHIFT: grammar->fresh[0] = grammar->fresh[1] = 0; break;
    case VELOCITY: grammar->level = value; break;
    default: return;
    }
    grammar->last = token + 1;
}

static int steps_of(const mg_encoding *e, int32_t token)
{
    int value = 0;
    return meaning(e, token, &value) == SHIFT ? value : 0;
}

/* ---- encode ---- */

typedef struct {
    int64_t step;
    size_t note;
} off;

static int by_step(const void *a, const void *b)
{
    const off *x = a, *y = b;
    if (x->step != y->step) return x->step < y->step ? -1 : 1;
    return (x->note > y->note) - (x->note < y->note);
}

typedef struct {
    const mg_encoding *e;
    mg_buffer *tokens;
    int64_t step;
    int bin;
} writer;

static void say(writer *w, kind k, int value)
{
    mg_buffer_add(w->tokens, &(int32_t){token_of(w->e, k, value)}, sizeof(int32_t));
}

static void shift_to(writer *w, int64_t step)
{
    for (; step - w->step > SHIFTS; w->step += SHIFTS) say(w, SHIFT, SHIFTS);
    if (step > w->step) say(w, SHIFT, (int)(step - w->step));
    w->step = step;
}

static void say_note(writer *w, const data_step_note *note)
{
    int bin = (note->velocity - 1) / BIN + 1;
    shift_to(w, note->start);
    if (bin != w->bin) say(w, VELOCITY, bin);
    w->bin = bin;
    say(w, NOTE_ON, note->pitch);
}

/* Onsets stand in order; ends are sorted and woven in, at equal steps by the number of their note. */
static mg_status write_events(writer *w, const data_steps *steps, mg_error *why)
{
    off *offs = mg_alloc(steps->n, sizeof *offs);
    if (!offs) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < steps->n; i++) offs[i] = (off){steps->notes[i].end, i};
    if (steps->n) qsort(offs, steps->n, sizeof *offs, by_step);
    for (size_t on = 0, o = 0; o < steps->n && !w->tokens->failed;) {
        bool is_on = on < steps->n && (steps->notes[on].start < offs[o].step ||
                                       (steps->notes[on].start == offs[o].step && on < offs[o].note));
        if (is_on) {
            say_note(w, &steps->notes[on++]);
        } else {
            shift_to(w, offs[o].step);
            say(w, NOTE_OFF, steps->notes[offs[o++].note].pitch);
        }
    }
    mg_free(offs);
    return w->tokens->failed ? mg_fail(why, MG_NO_MEMORY, "out of memory") : MG_OK;
}

static mg_status check_range(const data_steps *steps, const mg_encoding *e, mg_error *why)
{
    if (steps->end / SHIFTS > DATA_MOST_STEPS)
        return mg_fail(why, MG_TOO_LARGE, "longer than %lld steps", (long long)DATA_MOST_STEPS * SHIFTS);
    for (size_t i = 0; i < steps->n; i++)
        if (steps->notes[i].pitch < e->low || steps->notes[i].pitch > e->high)
            return mg_fail(why, MG_BAD_DATA, "pitch %d is outside of %d..%d", steps->notes[i].pitch, e->low, e->high);
    return MG_OK;
}

static mg_status encode(const mg_encoding *e, const mg_score *score, int resolution, mg_buffer *tokens, mg_error *why)
{
    (void)resolution;
    data_steps steps;
    MG_TRY(data_steps_from(score, 0, PER_SECOND, &steps, why));
    mg_status status = check_range(&steps, e, why);
    writer w = {.e = e, .tokens = tokens};
    if (!status) status = write_events(&w, &steps, why);
    data_steps_free(&steps);
    return status;
}

/* ---- decode ---- */

/* Notes that sound, each pitch a queue: `end` of a sounding note is the index of the next on its pitch. */
typedef struct {
    data_steps steps;
    int64_t first[128], last[128]; /* -1: none */
} reader;

static mg_status begin_note(reader *r, int pitch, int velocity, int64_t step, mg_error *why)
{
    int64_t i = (int64_t)r->steps.n;
    data_step_note note = {.start = step, .end = -1, .pitch = (uint8_t)pitch, .velocity = (uint8_t)velocity};
    MG_TRY(data_steps_add(&r->steps, note, why));
    if (r->first[pitch] < 0) r->first[pitch] = i;
    else r->steps.notes[r->last[pitch]].end = i;
    r->last[pitch] = i;
    return MG_OK;
}

/* The first of the pitch ends; one without length keeps end == start and is dropped later. */
static void end_note(reader *r, int pitch, int64_t step)
{
    int64_t i = r->first[pitch];
    if (i < 0) return;
    r->first[pitch] = r->steps.notes[i].end;
    r->steps.notes[i].end = step;
}

static mg_status read_events(const mg_encoding *e, reader *r, const int32_t *tokens, size_t n, mg_error *why)
{
    int64_t step = 0;
    int velocity = DATA_VELOCITY;
    for (size_t i = 0; i < n && (tokens[i] != e->end || e->end < 0); i++) {
        int value = 0;
        switch (meaning(e, tokens[i], &value)) {
        case NOTE_ON: MG_TRY(begin_note(r, value, velocity, step, why)); break;
        case NOTE_OFF: end_note(r, value, step); break;
        case SHIFT: step += value; break;
        case VELOCITY: velocity = 1 + (value - 1) * BIN; break;
        default: break;
        }
    }
    r->steps.length = step;
    return MG_OK;
}

/* What nothing ended ends with the piece, or after five seconds. */
static void end_hanging(reader *r)
{
    for (int pitch = 0; pitch < 128; pitch++)
        while (r->first[pitch] >= 0) {
            int64_t start = r->steps.notes[r->first[pitch]].start, most = start + LONGEST_HANGING;
            end_note(r, pitch, r->steps.length < most ? r->steps.length : most);
        }
    size_t kept = 0;
    for (size_t i = 0; i < r->steps.n; i++)
        if (r->steps.notes[i].end > r->steps.notes[i].start) r->steps.notes[kept++] = r->steps.notes[i];
    r->steps.n = kept;
}

static mg_status decode(const mg_encoding *e, const int32_t *tokens, size_t n, double bpm, int resolution,
                        mg_score **score, mg_error *why)
{
    (void)bpm;
    (void)resolution;
    reader r = {0};
    for (int pitch = 0; pitch < 128; pitch++) r.first[pitch] = -1;
    mg_status status = read_events(e, &r, tokens, n, why);
    if (!status) end_hanging(&r);
    if (!status) status = data_steps_score(&r.steps, 0, PER_SECOND, 0, score, why);
    data_steps_free(&r.steps);
    return status;
}

/* ---- rows ---- */

#define CALLS \
    .steps_per_second = PER_SECOND, .step_end = -1, .token_name = token_name, .allows = allows, .follow = follow, \
    .steps = steps_of, .encode = encode, .decode = decode

const mg_encoding data_performance388 = {
    .name = "performance388", .summary = "notes, time in 10 ms and velocity (Magenta performance_with_dynamics)",
    .vocab = 388, .low = 0, .high = 127, .start = 128 + 128 + SHIFTS - 1, .end = -1, CALLS};

const mg_encoding data_performance308 = {
    .name = "performance308", .summary = "the same for the 88 keys of a piano (score2perf)", .vocab = 308, .low = 21,
    .high = 108, .start = 88 + 88 + SHIFTS - 1, .end = -1, CALLS};

const mg_encoding data_performance310 = {
    .name = "performance310", .summary = "the same behind padding and end of sequence (Music Transformer)",
    .vocab = 310, .low = 21, .high = 108, .start = 0, .end = 1, CALLS};
