/* SPDX-License-Identifier: MIT */
/* Are two pieces the same but for transposition and a factor in time, when ticks were rounded? Rounding keeps the
   order of the onsets of a pitch, though not that of different pitches: so the k-th onset of a pitch in one piece
   belongs to the k-th in the other, and all these pairs must lie on a line. */
#include "match/shape.h"

#include <math.h>

int lowest_pitch(const mg_score *score)
{
    int low = 128;
    for (size_t i = 0; i < score->n_notes; i++)
        if (score->notes[i].channel != MG_DRUM_CHANNEL && score->notes[i].pitch < low) low = score->notes[i].pitch;
    return low < 128 ? low : 0;
}

mg_status shape_make(const mg_score *score, shape *s, mg_error *why)
{
    *s = (shape){.n = score->n_notes, .ticks_per_quarter = score->ticks_per_quarter};
    const mg_note **notes = mg_score_sorted_notes(score);
    s->onsets = mg_alloc(s->n, sizeof *s->onsets);
    if (!notes || !s->onsets) {
        mg_free(notes);
        shape_free(s);
        return mg_fail(why, MG_NO_MEMORY, "out of memory");
    }
    int low = lowest_pitch(score);
    size_t next[CLASSES], total = 0;
    for (size_t i = 0; i < s->n; i++) s->counts[class_of(notes[i], low)]++;
    for (int c = 0; c < CLASSES; c++) {
        next[c] = total;
        total += s->counts[c];
    }
    for (size_t i = 0; i < s->n; i++) s->onsets[next[class_of(notes[i], low)]++] = notes[i]->start;
    mg_free(notes);
    return MG_OK;
}

void shape_free(shape *s)
{
    mg_free(s->onsets);
    s->onsets = NULL;
}

/* How far from the line an onset may be, in ticks of b: half a tick of each file; but less where that would be a
   rhythm of its own, as on grids of a few ticks a quarter. */
static double tolerance(const shape *a, const shape *b, double ratio)
{
    double limit = 0.5 * (1 + ratio) + 1e-6;
    if (a->ticks_per_quarter) limit = fmin(limit, ratio * a->ticks_per_quarter / 16);
    if (b->ticks_per_quarter) limit = fmin(limit, b->ticks_per_quarter / 16.0);
    return limit;
}

/* The least that the farthest onset can be from a line of that slope. */
static double farthest(const shape *a, const shape *b, double slope)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < a->n; i++) {
        double off = (double)(b->onsets[i] - b->onsets[0]) - slope * (double)(a->onsets[i] - a->onsets[0]);
        if (off < low) low = off;
        if (off > high) high = off;
    }
    return (high - low) / 2;
}

/* Whether a line with about that slope passes within the tolerance. `farthest` is convex in the slope: a search for its
   minimum between slopes that differ by more than rounding can explain (golden section). */
static bool has_line(const shape *a, const shape *b, double slope, double spread)
{
    static const double golden = 0.6180339887498949;
    double limit = tolerance(a, b, slope);
    if (farthest(a, b, slope) <= limit) return true;
    double width = 2 * (1 + slope) / spread, low = slope - width, high = slope + width;
    double p = high - golden * (high - low), q = low + golden * (high - low);
    double at_p = farthest(a, b, p), at_q = farthest(a, b, q);
    for (int i = 0; i < 48 && fmin(at_p, at_q) > limit; i++) {
        if (at_p < at_q) {
            high = q, q = p, at_q = at_p;
            p = high - golden * (high - low), at_p = farthest(a, b, p);
        } else {
            low = p, p = q, at_p = at_q;
            q = low + golden * (high - low), at_q = farthest(a, b, q);
        }
    }
    return fmin(at_p, at_q) <= limit;
}

bool shape_equal(const shape *a, const shape *b)
{
    if (a->n != b->n || a->n == 0) return false;
    for (int c = 0; c < CLASSES; c++)
        if (a->counts[c] != b->counts[c]) return false;
    double n = (double)a->n, mean_a = 0, mean_b = 0, var_a = 0, var_b = 0, both = 0;
    for (size_t i = 0; i < a->n; i++) {
        mean_a += (double)a->onsets[i] / n;
        mean_b += (double)b->onsets[i] / n;
    }
    for (size_t i = 0; i < a->n; i++) {
        double x = (double)a->onsets[i] - mean_a, y = (double)b->onsets[i] - mean_b;
        var_a += x * x / n;
        var_b += y * y / n;
        both += x * y / n;
    }
    if (!(both > 0)) return var_a == 0 && var_b == 0; /* all at once, in both */
    return has_line(a, b, both / var_a, sqrt(var_a));
}

mg_status mg_score_same_shape(const mg_score *a, const mg_score *b, bool *is_same, mg_error *why)
{
    shape x, y;
    *is_same = false;
    MG_TRY(shape_make(a, &x, why));
    mg_status status = shape_make(b, &y, why);
    if (!status) *is_same = shape_equal(&x, &y);
    if (!status) shape_free(&y);
    shape_free(&x);
    return status;
}
