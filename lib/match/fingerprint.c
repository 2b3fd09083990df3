/* SPDX-License-Identifier: MIT */
/* What identifies a piece in each tier. The events of a track, and the notes of T4, are sets: their hashes are summed
   modulo 2^128, so that nothing need be sorted. */
#include "match/shape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *mg_tier_name(mg_tier tier)
{
    static const char *const names[MG_TIERS] = {"T0", "T1", "T2", "T3", "T4"};
    return names[tier];
}

/* ---- hashes of sets ---- */

static void add_hash(mg_hash *sum, mg_hash hash)
{
    sum->lo += hash.lo;
    sum->hi += hash.hi + (sum->lo < hash.lo);
}

/* Little-endian on every machine. */
static uint8_t *put(uint8_t *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) *at++ = (uint8_t)(value >> 8 * i);
    return at;
}

/* ---- T0 to T2 ---- */

/* The same bytes, and of several pieces in them the same one. */
static mg_hash bytes_hash(const mg_piece *piece)
{
    uint8_t row[20], *at = row;
    mg_hash bytes = mg_hash_bytes(piece->bytes, piece->size);
    at = put(at, bytes.hi, 8);
    at = put(at, bytes.lo, 8);
    put(at, (uint64_t)piece->number, 4);
    return mg_hash_bytes(row, sizeof row);
}

/* The events of each track as a sum of hashes; zero for a track without any. */
static void sum_tracks(const mg_score *s, mg_hash *tracks)
{
#define EVENTS(list, count, letter, a, b, c, d)                                       \
    for (size_t i = 0; i < s->count; i++) {                                           \
        const __typeof__(*s->list) *e = &s->list[i];                                  \
        uint8_t row[24] = {letter}, *at = row + 1;                                    \
        at = put(put(put(put(at, (uint64_t)(a), 8), (uint64_t)(b), 8), (uint64_t)(c), 2), (uint64_t)(d), 2); \
        if (e->track < s->n_tracks) add_hash(&tracks[e->track], mg_hash_bytes(row, (size_t)(at - row)));     \
    }
    EVENTS(notes, n_notes, 'n', e->start, e->end, e->channel << 7 | e->pitch, e->velocity)
    EVENTS(controls, n_controls, 'c', e->tick, e->channel, e->number, e->value)
    EVENTS(programs, n_programs, 'p', e->tick, e->channel, e->program, 0)
    EVENTS(bends, n_bends, 'b', e->tick, e->channel, e->value, 0)
#undef EVENTS
}

/* What all tracks share. */
static mg_hash shared_hash(const mg_score *s)
{
    mg_hash sum = {0, 0};
    uint8_t row[24], *at = put(row, (uint64_t)s->ticks_per_quarter, 4);
    at = put(at, (uint64_t)s->smpte_rate_num, 8);
    add_hash(&sum, mg_hash_bytes(row, (size_t)(put(at, (uint64_t)s->smpte_rate_den, 8) - row)));
    for (size_t i = 0; i < s->n_tempos; i++) {
        at = put(put(row, (uint64_t)s->tempos[i].tick, 8), s->tempos[i].us_per_quarter, 4);
        add_hash(&sum, mg_hash_bytes(row, (size_t)(put(at, 't', 1) - row)));
    }
    for (size_t i = 0; i < s->n_meters; i++) {
        at = put(put(row, (uint64_t)s->meters[i].tick, 8), s->meters[i].numerator, 2);
        add_hash(&sum, mg_hash_bytes(row, (size_t)(put(put(at, s->meters[i].denominator, 2), 'm', 1) - row)));
    }
    return sum;
}

static int by_hash(const void *p, const void *q)
{
    const mg_hash *x = p, *y = q;
    if (x->hi != y->hi) return x->hi < y->hi ? -1 : 1;
    return (x->lo > y->lo) - (x->lo < y->lo);
}

static mg_status hash_events(const mg_score *score, mg_fingerprint *print, mg_error *why)
{
    size_t n = 0;
    mg_hash *list = mg_alloc_zero(score->n_tracks + 1, sizeof *list);
    if (!list) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    sum_tracks(score, list + 1);
    for (size_t i = 1; i <= score->n_tracks; i++)
        if (list[i].hi || list[i].lo) list[++n] = list[i];
    list[0] = shared_hash(score);
    print->tier[MG_T1] = mg_hash_bytes(list, (n + 1) * sizeof *list);
    qsort(list + 1, n, sizeof *list, by_hash);
    print->tier[MG_T2] = mg_hash_bytes(list, (n + 1) * sizeof *list);
    mg_free(list);
    return MG_OK;
}

/* ---- T4 ---- */

/* Where the onsets lie, in ticks. */
typedef struct { int64_t first, last; uint64_t step; double mean; } onsets;

static onsets find_onsets(const mg_score *score)
{
    onsets o = {.first = INT64_MAX};
    for (size_t i = 0; i < score->n_notes; i++) {
        if (score->notes[i].start < o.first) o.first = score->notes[i].start;
        if (score->notes[i].start > o.last) o.last = score->notes[i].start;
    }
    for (size_t i = 0; i < score->n_notes; i++) {
        uint64_t since = (uint64_t)(score->notes[i].start - o.first);
        if (o.step != 1) o.step = mg_gcd(since, o.step);
        o.mean += (double)since / (double)score->n_notes;
    }
    if (o.step == 0) o.step = 1;
    return o;
}

/* A number in [-1, 1) for a class and a row of the sketch: what makes a sketch see who plays when. */
static double weight(int class, int row)
{
    uint32_t x = (uint32_t)(class * 4 + row + 1) * 0x9e3779b9u;
    x = (x ^ x >> 15) * 0x85ebca6bu;
    return (double)((x ^ x >> 13) >> 8) / (1 << 23) - 1;
}

/* Rows 0 and 1 take z / (1 + z^2), 2 and 3 take 1 / (1 + z^2), of z and of 3 z: nothing rises faster than z. */
static void make_sketch(const mg_score *score, const onsets *o, mg_fingerprint *print)
{
    double sum[MG_SKETCH] = {0}, weights[MG_SKETCH][CLASSES], n = (double)score->n_notes, squares = 0;
    for (int row = 0; row < MG_SKETCH; row++)
        for (int c = 0; c < CLASSES; c++) weights[row][c] = weight(c, row);
    for (size_t i = 0; i < score->n_notes; i++) {
        double off = (double)(score->notes[i].start - o->first) - o->mean;
        squares += off * off;
    }
    print->spread = sqrt(squares / n);
    for (size_t i = 0; i < score->n_notes && print->spread > 0; i++) {
        double z = ((double)(score->notes[i].start - o->first) - o->mean) / print->spread;
        double near = 1 / (1 + z * z), far = 1 / (1 + 9 * z * z);
        int c = class_of(&score->notes[i], print->low);
        sum[0] += weights[0][c] * z * near;
        sum[1] += weights[1][c] * 3 * z * far;
        sum[2] += weights[2][c] * near;
        sum[3] += weights[3][c] * far;
    }
    for (int row = 0; row < MG_SKETCH; row++) print->sketch[row] = (float)(sum[row] / n);
}

/* Rounding moves an onset by up to a tick, and with it z by up to 1 / spread, once for the onset, once for the mean
   and, at |z| = 1, once for the spread. */
bool mg_fingerprint_may_match(const mg_fingerprint *a, const mg_fingerprint *b)
{
    if (!(a->tiers & b->tiers & 1u << MG_T4) || a->outline != b->outline) return false;
    if (!(a->spread > 0 && b->spread > 0)) return a->spread == b->spread;
    double z = 3 * (1 / a->spread + 1 / b->spread);
    static const double steepest[MG_SKETCH] = {1, 3, 0.65, 1.95};
    for (int row = 0; row < MG_SKETCH; row++)
        if (fabs((double)a->sketch[row] - (double)b->sketch[row]) > steepest[row] * z + 1e-6) return false;
    return true;
}

static void hash_shape(const mg_score *score, const onsets *o, mg_fingerprint *print)
{
    mg_hash sum = {0, 0};
    uint32_t counts[CLASSES] = {0};
    for (size_t i = 0; i < score->n_notes; i++) {
        const mg_note *note = &score->notes[i];
        int c = class_of(note, print->low);
        uint8_t row[9];
        counts[c]++;
        put(put(row, (uint64_t)(note->start - o->first) / o->step, 8), (uint64_t)c, 1);
        add_hash(&sum, mg_hash_bytes(row, sizeof row));
    }
    uint8_t rows[CLASSES * 4], *at = rows;
    for (int c = 0; c < CLASSES; c++) at = put(at, counts[c], 4);
    print->outline = mg_hash64_bytes(rows, sizeof rows);
    add_hash(&sum, mg_hash_bytes(rows, sizeof rows)); /* the number of notes, too */
    print->tier[MG_T4] = sum;
}

/* ---- the whole ---- */

static mg_status describe(const mg_score *score, const onsets *o, mg_fingerprint *print, mg_error *why)
{
    bool is_used[128] = {0};
    int64_t last_end = 0;
    mg_clock *clock = mg_clock_new(score);
    if (!clock) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < score->n_notes; i++) {
        if (score->notes[i].end > last_end) last_end = score->notes[i].end;
        is_used[score->notes[i].velocity & 127] = true;
    }
    for (int v = 0; v < 128; v++) print->n_velocities += is_used[v];
    print->start_s = mg_clock_seconds(clock, o->first);
    print->end_s = mg_clock_seconds(clock, last_end);
    print->last_s = mg_clock_seconds(clock, o->last);
    mg_clock_free(clock);
    return MG_OK;
}

mg_status mg_fingerprint_make(const mg_piece *piece, mg_fingerprint *print, mg_error *why)
{
    const mg_score *score = piece->score;
    *print = (mg_fingerprint){.n_notes = (uint32_t)score->n_notes, .n_repairs = (uint32_t)score->n_repairs,
                              .ticks_per_quarter = (uint16_t)score->ticks_per_quarter};
    if (piece->bytes) {
        print->tier[MG_T0] = bytes_hash(piece);
        print->tiers |= 1u << MG_T0;
    }
    if (score->n_notes == 0) return MG_OK;
    onsets o = find_onsets(score);
    MG_TRY(describe(score, &o, print, why));
    MG_TRY(hash_events(score, print, why));
    print->tier[MG_T3] = piece->id;
    print->tiers |= 1u << MG_T1 | 1u << MG_T2 | 1u << MG_T3;
    if (score->n_notes < MG_T4_NOTES) return MG_OK;
    print->low = (uint8_t)lowest_pitch(score);
    hash_shape(score, &o, print);
    make_sketch(score, &o, print);
    print->tiers |= 1u << MG_T4;
    return MG_OK;
}
