/* SPDX-License-Identifier: MIT */
/* The corpus tests of aria-utils (aria/config/config.json, ariautils/midi.py) with the limits of its configuration.

   Times are whole milliseconds, rounded half to even, by aria's own tempo map: the first tempo counts from the start of
   the piece, and a piece with a single tempo that comes late has no time before it. Its sums are made in the same order
   as there, since a tie that falls the other way changes a millisecond. Drums (channel 10) count for notes a second and
   silence only. */
#include <mgen/data.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- milliseconds ---- */

typedef struct {
    int64_t tick;
    double rate;   /* seconds a tick from here */
    double before; /* seconds of the piece up to here */
} stretch;

typedef struct {
    stretch *part;
    size_t n;
} aria_clock;

static mg_status make_clock(const mg_score *score, aria_clock *clock, mg_error *why)
{
    bool is_smpte = score->ticks_per_quarter == 0;
    size_t n = score->n_tempos && !is_smpte ? score->n_tempos : 1;
    *clock = (aria_clock){.part = mg_alloc_zero(n, sizeof *clock->part), .n = n};
    if (!clock->part) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    clock->part[0].rate = is_smpte ? (double)score->smpte_rate_den / score->smpte_rate_num
                                   : 500000 * 1e-6 / score->ticks_per_quarter;
    for (size_t i = 0; !is_smpte && i < score->n_tempos; i++) {
        stretch *part = &clock->part[i];
        part->tick = score->tempos[i].tick;
        part->rate = score->tempos[i].us_per_quarter * 1e-6 / score->ticks_per_quarter;
        int64_t from = i > 1 ? part[-1].tick : 0;
        if (i > 0) part->before = part[-1].before + (double)(part->tick - from) * part[-1].rate;
    }
    return MG_OK;
}

/* The first part whose tick is at least (or, if `is_past`, more than) `tick`. */
static size_t find_part(const aria_clock *clock, int64_t tick, bool is_past)
{
    size_t low = 0, high = clock->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (clock->part[middle].tick < tick || (is_past && clock->part[middle].tick == tick)) low = middle + 1;
        else high = middle;
    }
    return low;
}

static int64_t in_ms(double seconds) { return llrint(seconds * 1e3); }

/* From the start of the piece. */
static int64_t ms_at(const aria_clock *clock, int64_t tick)
{
    size_t next = find_part(clock, tick, true);
    size_t i = next < 2 ? 0 : next - 1; /* the first tempo also counts before its own tick */
    const stretch *last = &clock->part[clock->n - 1];
    if (next == 0 && clock->n == 1) return 0;
    if (tick == last->tick) return in_ms(last->before);
    int64_t from = i > 0 ? clock->part[i].tick : 0;
    return in_ms(clock->part[i].before + (double)(tick - from) * clock->part[i].rate);
}

/* Between two ticks, with the bounds that aria's search has. */
static int64_t span_ms(const aria_clock *clock, int64_t start, int64_t end)
{
    const stretch *part = clock->part, *last = &part[clock->n - 1];
    size_t i = find_part(clock, start, false);
    if (i == clock->n) i--;
    if (i > 0) i--;
    double seconds = 0;
    int64_t at = start;
    for (; i + 1 < clock->n; i++) {
        int64_t until = end < part[i + 1].tick ? end : part[i + 1].tick;
        seconds += (double)(until - at) * part[i].rate;
        if (end < part[i + 1].tick) break;
        at = part[i + 1].tick;
    }
    if (end > last->tick) seconds += (double)(end - at) * last->rate;
    return in_ms(seconds);
}

/* ---- notes ---- */

typedef struct {
    int64_t start, end;       /* ticks */
    int64_t start_ms, end_ms;
    uint8_t pitch, velocity;
    bool is_drum;
    uint16_t track;
} timed;

/* Onset, then track, then which ended first. */
static int by_start(const void *a, const void *b)
{
    const timed *x = a, *y = b;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    if (x->track != y->track) return x->track < y->track ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* All notes that have a length. */
static mg_status time_notes(const mg_score *score, const aria_clock *clock, timed **result, size_t *count,
                            mg_error *why)
{
    timed *notes = mg_alloc(score->n_notes, sizeof *notes);
    size_t n = 0;
    *result = notes;
    if (!notes) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < score->n_notes; i++) {
        const mg_note *note = &score->notes[i];
        if (note->end > note->start)
            notes[n++] = (timed){.start = note->start, .end = note->end, .pitch = note->pitch, .track = note->track,
                                 .velocity = note->velocity, .is_drum = note->channel == MG_DRUM_CHANNEL};
    }
    for (size_t i = 0; i < n; i++) {
        notes[i].start_ms = ms_at(clock, notes[i].start);
        notes[i].end_ms = ms_at(clock, notes[i].end);
    }
    if (n) qsort(notes, n, sizeof *notes, by_start);
    *count = n;
    return MG_OK;
}

/* ---- the tests ---- */

static void set_test(mg_quality *q, mg_quality_test test, double measure, bool passes)
{
    q->tests[test].applies = true;
    q->tests[test].measure = measure;
    q->tests[test].passes = passes;
}

static bool is_within(double value, double low, double high) { return low <= value && value <= high; }

static void test_programs(const mg_score *score, mg_quality *q)
{
    bool program[128] = {false}, family[16] = {false};
    if (score->n_programs == 0) program[0] = true;
    for (size_t i = 0; i < score->n_programs; i++) program[score->programs[i].program & 127] = true;
    for (int i = 0; i < 128; i++) {
        q->programs += program[i];
        q->instruments += program[i] && !family[i / 8];
        family[i / 8] |= program[i];
    }
    set_test(q, MG_QUALITY_MAX_PROGRAMS, q->programs, q->programs <= 12);
    set_test(q, MG_QUALITY_MAX_INSTRUMENTS, q->instruments, q->instruments <= 7);
}

/* Until the scan meets a silence of 20 s. */
static double longest_silence(const aria_clock *clock, const timed *notes, size_t n)
{
    double longest = 0;
    int64_t last = notes[0].end;
    for (size_t i = 1; i < n && longest < 20; i++) {
        if (notes[i].start > last) longest = fmax(longest, (double)span_ms(clock, last, notes[i].start) / 1000);
        if (notes[i].end > last) last = notes[i].end;
    }
    return longest;
}

static void test_time(const aria_clock *clock, const timed *notes, size_t n, mg_quality *q)
{
    q->span_ms = span_ms(clock, notes[0].start, notes[n - 1].end);
    q->notes_per_second = q->span_ms ? (double)n * 1e3 / (double)q->span_ms : 0;
    q->notes_per_second_per_instrument = q->notes_per_second / q->instruments;
    q->length_s = (double)notes[n - 1].end_ms / 1e3;
    q->longest_silence_s = longest_silence(clock, notes, n);
    set_test(q, MG_QUALITY_NOTE_FREQUENCY, q->notes_per_second, q->span_ms && is_within(q->notes_per_second, 1.5, 30));
    set_test(q, MG_QUALITY_NOTE_FREQUENCY_PER_INSTRUMENT, q->notes_per_second_per_instrument,
             q->span_ms && is_within(q->notes_per_second_per_instrument, 1, 25));
    set_test(q, MG_QUALITY_LENGTH, q->length_s, is_within(q->length_s, 30, 7200));
    set_test(q, MG_QUALITY_SILENT_INTERVAL, q->longest_silence_s, q->longest_silence_s < 20);
}

/* A window of `width_s` seconds that moves by one: the notes [first, next) that start in it, how often each pitch. */
typedef struct {
    const timed *notes;
    size_t n, first, next;
    double start_s;
    uint32_t count[128];
    int distinct;
} window;

/* Whether any note came in. */
static bool fill(window *w, double width_s)
{
    size_t before = w->next;
    for (; w->next < w->n && (double)w->notes[w->next].start_ms / 1000.0 <= w->start_s + width_s; w->next++)
        w->distinct += w->count[w->notes[w->next].pitch]++ == 0;
    for (; w->first < w->next && (double)w->notes[w->first].start_ms / 1000.0 < w->start_s; w->first++)
        w->distinct -= --w->count[w->notes[w->first].pitch] == 0;
    return w->next > before;
}

static void test_pitches_in(const timed *notes, size_t n, int64_t start_ms, mg_quality *q)
{
    static const struct { int width_s, need; } windows[MG_QUALITY_PITCH_WINDOWS] = {{30, 5}, {60, 8}, {120, 10}};
    bool passes = true;
    double worst = 128;
    for (int k = 0; k < MG_QUALITY_PITCH_WINDOWS; k++) {
        window w = {.notes = notes, .n = n, .start_s = (double)start_ms / 1000.0};
        int lowest = 128;
        double at = 0;
        for (; w.next < n; w.start_s += 1) {
            fill(&w, windows[k].width_s);
            if (w.distinct < lowest) lowest = w.distinct, at = w.start_s;
        }
        q->pitches_in[k].width_s = windows[k].width_s;
        q->pitches_in[k].lowest = lowest;
        q->pitches_in[k].at_s = at;
        if (lowest < windows[k].need && passes) worst = lowest;
        passes &= lowest >= windows[k].need;
    }
    set_test(q, MG_QUALITY_UNIQUE_PITCH_COUNT_IN_INTERVAL, passes ? q->pitches_in[0].lowest : worst, passes);
}

static void test_density(const timed *notes, size_t n, mg_quality *q)
{
    static const struct { int width_s, most, most_of_a_pitch; } windows[MG_QUALITY_DENSITY_WINDOWS] = {
        {3, 60, 15}, {5, 45, 10}, {10, 40, 8}, {45, 30, 6}};
    bool passes = true;
    double worst = 0;
    for (int k = 0; k < MG_QUALITY_DENSITY_WINDOWS; k++) {
        window w = {.notes = notes, .n = n, .start_s = (double)notes[0].start_ms / 1000.0};
        size_t most = 0;
        uint32_t most_of_a_pitch = 0;
        int at = 0, width = windows[k].width_s;
        for (; w.next < n; w.start_s += 1) {
            if (!fill(&w, width)) continue;
            if (w.next - w.first > most) most = w.next - w.first, at = (int)w.start_s;
            for (int pitch = 0; pitch < 128; pitch++)
                if (w.count[pitch] > most_of_a_pitch) most_of_a_pitch = w.count[pitch];
        }
        q->density_in[k].width_s = width;
        q->density_in[k].notes_per_second = (double)most / width;
        q->density_in[k].per_pitch = (double)most_of_a_pitch / width;
        q->density_in[k].at_s = at;
        bool is_fine = most <= (size_t)(windows[k].most * width) &&
                       most_of_a_pitch <= (uint32_t)(windows[k].most_of_a_pitch * width);
        if (!is_fine && passes) worst = q->density_in[k].notes_per_second;
        passes &= is_fine;
    }
    set_test(q, MG_QUALITY_NOTE_DENSITY_IN_INTERVAL, passes ? q->density_in[0].notes_per_second : worst, passes);
}

/* ---- entropies ---- */

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Of the values' frequencies, in bits; 0 of none. Sorts them. */
static double entropy(int64_t *values, size_t n)
{
    double bits = 0;
    if (n) qsort(values, n, sizeof *values, by_value);
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i; j < n && values[j] == values[i];) j++;
        double p = (double)(j - i) / (double)n;
        bits -= p * log2(p);
    }
    return bits;
}

/* Whole tens, ties to the even ten. */
static int64_t round_to_ten(int64_t value)
{
    int64_t tens = value / 10, rest = value % 10;
    return (tens + (rest > 5 || (rest == 5 && tens % 2))) * 10;
}

static mg_status test_entropies(const timed *notes, size_t n, mg_quality *q, mg_error *why)
{
    int64_t *values = mg_alloc(n, sizeof *values);
    if (!values) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (size_t i = 1; i < n; i++) { /* the first note has none before it and is left out of both */
        int64_t length = round_to_ten(notes[i].end_ms - notes[i].start_ms);
        values[i - 1] = length < 5000 ? length : 5000;
    }
    q->length_entropy = entropy(values, n - 1);
    for (size_t i = 1; i < n; i++) values[i - 1] = notes[i].start_ms - notes[i - 1].start_ms;
    q->onset_delta_entropy = entropy(values, n - 1);
    for (size_t i = 0; i < n; i++) values[i] = notes[i].pitch;
    q->pitch_entropy = entropy(values, n);
    mg_free(values);
    set_test(q, MG_QUALITY_NOTE_TIMING_ENTROPY, q->length_entropy,
             q->length_entropy >= 2.5 && q->onset_delta_entropy >= 0);
    set_test(q, MG_QUALITY_NOTE_PITCH_ENTROPY, q->pitch_entropy, q->pitch_entropy >= 3);
    return MG_OK;
}

/* ---- repetition ---- */

enum { CHUNKS = 5 };

/* Kullback-Leibler divergence in bits; a pitch that a chunk lacks has a share of 1e-5. */
static double divergence(const uint32_t *x, uint32_t n_x, const uint32_t *y, uint32_t n_y)
{
    double sum = 0;
    for (int pitch = 0; pitch < 128; pitch++) {
        double p = x[pitch] ? (double)x[pitch] / n_x : 1e-5, q = y[pitch] ? (double)y[pitch] / n_y : 1e-5;
        sum += p * log2(p / q);
    }
    return fabs(sum);
}

/* The largest divergence between five equal parts of the piece. */
static double repetition(const timed *notes, size_t n, double first_s, double last_s)
{
    uint32_t count[CHUNKS][128] = {{0}}, total[CHUNKS] = {0};
    size_t i = 0;
    for (int c = 0; c < CHUNKS; c++) {
        double from = (first_s + c * ((last_s - first_s) / CHUNKS)) * 1000.0;
        double until = (first_s + (c + 1) * ((last_s - first_s) / CHUNKS)) * 1000.0;
        for (; i < n && (double)notes[i].start_ms < until; i++)
            if ((double)notes[i].start_ms >= from) count[c][notes[i].pitch]++, total[c]++;
    }
    double largest = 0;
    for (int x = 0; x < CHUNKS; x++)
        for (int y = x + 1; y < CHUNKS; y++)
            if (total[x] && total[y]) largest = fmax(largest, divergence(count[x], total[x], count[y], total[y]));
    return largest;
}

static void test_repetition(const timed *notes, size_t n, mg_quality *q)
{
    double first_s = (double)notes[0].start_ms / 1000.0, last_s = (double)notes[n - 1].start_ms / 1000.0;
    bool is_long = (last_s - first_s) / 60.0 >= 20;
    q->repetitive_kl_any_length = repetition(notes, n, first_s, last_s);
    q->repetitive_kl = is_long ? q->repetitive_kl_any_length : 0;
    set_test(q, MG_QUALITY_REPETITIVE_CONTENT, q->repetitive_kl_any_length, !is_long || q->repetitive_kl > 0.2);
}

/* ---- all ---- */

static mg_status test_pitched(const timed *notes, size_t n, int64_t start_ms, mg_quality *q, mg_error *why)
{
    int64_t velocity = 0, length_ms = 0;
    bool is_used[128] = {false};
    for (size_t i = 0; i < n; i++) {
        velocity += notes[i].velocity;
        length_ms += notes[i].end_ms - notes[i].start_ms;
        q->unique_pitches += !is_used[notes[i].pitch];
        is_used[notes[i].pitch] = true;
    }
    q->mean_velocity = (double)velocity / (double)n;
    q->mean_note_ms = (double)length_ms / (double)n;
    set_test(q, MG_QUALITY_MEAN_NOTE_VELOCITY, q->mean_velocity, is_within(q->mean_velocity, 20, 105));
    set_test(q, MG_QUALITY_UNIQUE_PITCH_COUNT, q->unique_pitches, q->unique_pitches >= 12);
    test_pitches_in(notes, n, start_ms, q);
    test_density(notes, n, q);
    test_repetition(notes, n, q);
    return test_entropies(notes, n, q, why);
}

static mg_status test_all(const mg_score *score, const aria_clock *clock, timed *notes, size_t n, mg_quality *q,
                          mg_error *why)
{
    test_programs(score, q);
    q->n_notes = n;
    if (n == 0) return MG_OK;
    int64_t start_ms = notes[0].start_ms;
    test_time(clock, notes, n, q);
    size_t n_pitched = 0;
    for (size_t i = 0; i < n; i++)
        if (!notes[i].is_drum) notes[n_pitched++] = notes[i];
    q->n_pitched = n_pitched;
    if (n_pitched) MG_TRY(test_pitched(notes, n_pitched, start_ms, q, why));
    q->passes_all = n_pitched > 0;
    for (int test = 0; test < MG_QUALITY_TESTS; test++) q->passes_all &= q->tests[test].passes;
    return MG_OK;
}

mg_status mg_quality_measure(const mg_score *score, mg_quality *quality, mg_error *why)
{
    aria_clock clock;
    timed *notes;
    size_t n = 0;
    *quality = (mg_quality){0};
    MG_TRY(make_clock(score, &clock, why));
    mg_status status = time_notes(score, &clock, &notes, &n, why);
    if (!status) status = test_all(score, &clock, notes, n, quality, why);
    mg_free(notes);
    mg_free(clock.part);
    return status;
}

const char *mg_quality_name(mg_quality_test test)
{
    static const char *const names[MG_QUALITY_TESTS] = {
#define T(identifier, name) name,
        MG_QUALITY_LIST(T)
#undef T
    };
    return names[test];
}
