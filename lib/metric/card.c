/* SPDX-License-Identifier: MIT */
/* A data card: counts and distributions. It takes the same memory whatever the corpus, but for 23 bytes a piece by
   which exact duplicates are found. */
#include "metric/card.h"

#include "metric/describe.h"

#include <mgen/metric.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TEMPO_STEP = 10, TEMPO_BINS = 40, LENGTH_BINS = 9, NOTE_BINS = 8 };

/* Bounds of the bins of durations (seconds) and of note counts; the last bin is open. */
static const double length_bounds[LENGTH_BINS - 1] = {5, 15, 30, 60, 120, 300, 600, 1800};
static const char *const length_names[LENGTH_BINS] = {"below 5 s", "5-15 s",   "15-30 s",   "30-60 s",    "1-2 min",
                                                      "2-5 min",   "5-10 min", "10-30 min", "from 30 min"};
static const double note_bounds[NOTE_BINS - 1] = {1, 10, 30, 100, 300, 1000, 3000};
static const char *const note_names[NOTE_BINS] = {"none",    "1-9",     "10-29",     "30-99",
                                                  "100-299", "300-999", "1000-2999", "from 3000"};

struct card {
    uint64_t pieces, failed, notes, drum_notes, with_drums, duplicates, lossy; /* duplicates: of the whole only */
    double seconds;
    uint64_t pitches[128], tempi[TEMPO_BINS], lengths[LENGTH_BINS], note_counts[NOTE_BINS], programs[128];
    uint64_t keys[24], no_key, repairs[MG_REPAIR_KINDS];
    counts formats, signatures, meters, encodings, splits, licences, reasons;
    mg_hash *ids; /* of a part; those of the whole are in `seen` */
    size_t n_ids, ids_capacity;
    mg_hash_set seen;
};

card *card_new(void) { return mg_alloc_zero(1, sizeof(card)); }

void card_free(card *c)
{
    if (!c) return;
    counts *const all[] = {&c->formats,   &c->signatures, &c->meters, &c->encodings,
                           &c->splits,    &c->licences,   &c->reasons};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) counts_free(all[i]);
    mg_hash_set_free(&c->seen);
    mg_free(c->ids);
    mg_free(c);
}

bool card_is_empty(const card *c) { return c->pieces == 0 && c->failed == 0; }

/* ---- adding ---- */

static size_t bin_of(double value, const double *bounds, size_t n_bounds)
{
    size_t bin = 0;
    while (bin < n_bounds && value >= bounds[bin]) bin++;
    return bin;
}

/* Pitches, drums, programs in use; the pitch classes by how long they sound. */
static void add_notes(card *c, const mg_score *score, double classes[12])
{
    uint8_t program[16] = {0}; /* the first of each channel: what plays most of a piece */
    bool is_used[128] = {false}, is_set[16] = {false}, has_drums = false;
    for (size_t i = 0; i < score->n_programs; i++) {
        const mg_program *p = &score->programs[i];
        if (!is_set[p->channel]) program[p->channel] = p->program & 127, is_set[p->channel] = true;
    }
    for (size_t i = 0; i < score->n_notes; i++) {
        const mg_note *note = &score->notes[i];
        if (note->channel == MG_DRUM_CHANNEL) {
            c->drum_notes++;
            has_drums = true;
            continue;
        }
        c->pitches[note->pitch]++;
        is_used[program[note->channel]] = true;
        classes[note->pitch % 12] += (double)(note->end - note->start);
    }
    for (int p = 0; p < 128; p++) c->programs[p] += is_used[p];
    c->with_drums += has_drums;
    c->notes += score->n_notes;
}

/* The mean tempo: quarters over the time they take. */
static void add_times(card *c, const mg_score *score, const mg_clock *clock, bool has_beat)
{
    int64_t end = mg_score_last_note(score);
    double seconds = mg_clock_seconds(clock, end);
    c->seconds += seconds;
    c->lengths[bin_of(seconds, length_bounds, LENGTH_BINS - 1)]++;
    c->note_counts[bin_of((double)score->n_notes, note_bounds, NOTE_BINS - 1)]++;
    if (!has_beat || seconds <= 0) return;
    double bpm = (double)end / score->ticks_per_quarter / seconds * 60;
    c->tempi[(int)fmin(fmax(bpm / TEMPO_STEP + 1e-9, 0), TEMPO_BINS - 1)]++;
}

static mg_status add_signs(card *c, const mg_score *score)
{
    char name[24];
    if (score->n_meters) snprintf(name, sizeof name, "%d/%d", score->meters[0].numerator, score->meters[0].denominator);
    MG_TRY(counts_add(&c->meters, score->n_meters ? name : "none", 1));
    if (score->n_keys) mg_key_name(score->keys[0].fifths, score->keys[0].is_minor, name);
    return counts_add(&c->signatures, score->n_keys ? name : "none", 1);
}

static void add_key(card *c, const double classes[12])
{
    mg_key_estimate key;
    mg_key_find(MG_KRUMHANSL, classes, &key);
    if (key.best >= 0) c->keys[key.best]++;
    else c->no_key++;
}

static void add_repairs(card *c, const mg_score *score)
{
    bool is_found[MG_REPAIR_KINDS] = {false}, is_lossy = false;
    for (size_t i = 0; i < score->n_repairs; i++) {
        is_found[score->repairs[i].what] = true;
        is_lossy |= mg_repair_is_lossy(score->repairs[i].what);
    }
    for (int k = 0; k < MG_REPAIR_KINDS; k++) c->repairs[k] += is_found[k];
    c->lossy += is_lossy;
}

static mg_status add_origin(card *c, const mg_piece *piece, const char *licence, bool *has_beat)
{
    const char *name = mg_json_get_string(piece->record, "encoding", NULL);
    const mg_encoding *encoding = name ? mg_encoding_find(name) : NULL;
    *has_beat = piece->score->ticks_per_quarter > 0 && !(encoding && encoding->steps_per_second);
    char format[16];
    describe_format(piece, format);
    MG_TRY(counts_add(&c->formats, format, 1));
    if (name) MG_TRY(counts_add(&c->encodings, name, 1));
    if (piece->split) MG_TRY(counts_add(&c->splits, piece->split, 1));
    return counts_add(&c->licences, *licence ? licence : "unknown", 1);
}

mg_status card_add(card *c, const mg_piece *piece, const char *licence, mg_error *why)
{
    double classes[12] = {0};
    bool has_beat = true;
    mg_clock *clock = mg_clock_new(piece->score);
    bool has_memory = clock && mg_grow((void **)&c->ids, c->n_ids, &c->ids_capacity, sizeof *c->ids);
    if (has_memory) {
        c->ids[c->n_ids++] = piece->id;
        has_memory = !add_origin(c, piece, licence, &has_beat) && !add_signs(c, piece->score);
    }
    if (has_memory) {
        c->pieces++;
        add_notes(c, piece->score, classes);
        add_key(c, classes);
        add_times(c, piece->score, clock, has_beat);
        add_repairs(c, piece->score);
    }
    mg_clock_free(clock);
    return has_memory ? MG_OK : mg_fail(why, MG_NO_MEMORY, "out of memory");
}

mg_status card_add_error(card *c, const char *reason)
{
    c->failed++;
    return counts_add(&c->reasons, reason, 1);
}

static void add_all(uint64_t *into, const uint64_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++) into[i] += from[i];
}

mg_status card_merge(card *c, const card *from)
{
    for (size_t i = 0; i < from->n_ids; i++) {
        bool is_new;
        MG_TRY(mg_hash_set_add(&c->seen, from->ids[i], &is_new));
        c->duplicates += !is_new;
    }
    c->pieces += from->pieces, c->failed += from->failed, c->notes += from->notes, c->drum_notes += from->drum_notes;
    c->with_drums += from->with_drums, c->lossy += from->lossy, c->seconds += from->seconds;
    c->no_key += from->no_key;
    add_all(c->pitches, from->pitches, 128);
    add_all(c->tempi, from->tempi, TEMPO_BINS);
    add_all(c->lengths, from->lengths, LENGTH_BINS);
    add_all(c->note_counts, from->note_counts, NOTE_BINS);
    add_all(c->programs, from->programs, 128);
    add_all(c->keys, from->keys, 24);
    add_all(c->repairs, from->repairs, MG_REPAIR_KINDS);
    MG_TRY(counts_merge(&c->formats, &from->formats));
    MG_TRY(counts_merge(&c->signatures, &from->signatures));
    MG_TRY(counts_merge(&c->meters, &from->meters));
    MG_TRY(counts_merge(&c->encodings, &from->encodings));
    MG_TRY(counts_merge(&c->splits, &from->splits));
    MG_TRY(counts_merge(&c->licences, &from->licences));
    return counts_merge(&c->reasons, &from->reasons);
}

/* ---- writing ---- */

/* Named bins in their own order, empty ones left out. */
static void put_bins(mg_json_writer *json, const char *key, const uint64_t *bins, const char *const *names, size_t n)
{
    mg_json_object_begin(json, key);
    for (size_t i = 0; i < n; i++)
        if (bins[i]) mg_json_put_int(json, names[i], (int64_t)bins[i]);
    mg_json_object_end(json);
}

static void put_tempi(mg_json_writer *json, const card *c)
{
    mg_json_object_begin(json, "tempi");
    for (int i = 0; i < TEMPO_BINS; i++) {
        char name[32];
        if (!c->tempi[i]) continue;
        if (i == TEMPO_BINS - 1) snprintf(name, sizeof name, "from %d", i * TEMPO_STEP);
        else snprintf(name, sizeof name, "%d-%d", i * TEMPO_STEP, (i + 1) * TEMPO_STEP - 1);
        mg_json_put_int(json, name, (int64_t)c->tempi[i]);
    }
    mg_json_object_end(json);
}

static const char *repair_of(int k) { return mg_repair_name((unsigned)k); }

/* Bins that have names, the fullest first, and one more beside them. */
static mg_status put_named(mg_json_writer *json, const char *key, const uint64_t *bins, int n,
                           const char *(*name_of)(int), const char *other, uint64_t n_other)
{
    counts named = {0};
    mg_status status = counts_add(&named, other, n_other);
    for (int i = 0; !status && i < n; i++) status = counts_add(&named, name_of(i), bins[i]);
    if (!status) status = counts_put(json, key, &named);
    counts_free(&named);
    return status;
}

static void put_pitches(mg_json_writer *json, const card *c)
{
    static const char *const classes[12] = {"C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"};
    int low = 0, high = 127;
    int64_t sums[12] = {0};
    while (low < 128 && !c->pitches[low]) low++;
    while (high > low && !c->pitches[high]) high--;
    if (low == 128) return;
    for (int p = 0; p < 128; p++) sums[p % 12] += (int64_t)c->pitches[p];
    mg_json_put_int(json, "lowest", low);
    mg_json_put_int(json, "highest", high);
    mg_json_object_begin(json, "pitch_classes");
    for (int k = 0; k < 12; k++) mg_json_put_int(json, classes[k], sums[k]);
    mg_json_object_end(json);
    mg_json_array_begin(json, "pitches");
    for (int p = 0; p < 128; p++) mg_json_put_int(json, NULL, (int64_t)c->pitches[p]);
    mg_json_array_end(json);
}

mg_status card_write(const card *c, const char *path, mg_buffer *out)
{
    mg_json_writer json = mg_record_begin(out, "card");
    if (path) mg_record_put_path(&json, "path", path);
    mg_json_put_int(&json, "pieces", (int64_t)c->pieces);
    mg_json_put_int(&json, "failed", (int64_t)c->failed);
    mg_json_put_int(&json, "exact_duplicates", (int64_t)c->duplicates);
    mg_json_put_real(&json, "hours", c->seconds / 3600);
    mg_json_put_int(&json, "notes", (int64_t)c->notes);
    mg_json_put_int(&json, "drum_notes", (int64_t)c->drum_notes);
    mg_json_put_real(&json, "drums_share", c->notes ? (double)c->drum_notes / (double)c->notes : 0);
    put_pitches(&json, c);
    MG_TRY(put_named(&json, "keys", c->keys, 24, mg_key_words, "none", c->no_key));
    MG_TRY(counts_put(&json, "key_signatures", &c->signatures));
    MG_TRY(counts_put(&json, "meters", &c->meters));
    put_tempi(&json, c);
    put_bins(&json, "lengths", c->lengths, length_names, LENGTH_BINS);
    put_bins(&json, "note_counts", c->note_counts, note_names, NOTE_BINS);
    MG_TRY(put_named(&json, "programs", c->programs, 128, mg_program_name, "Drums", c->with_drums));
    MG_TRY(counts_put(&json, "formats", &c->formats));
    MG_TRY(counts_put(&json, "encodings", &c->encodings));
    MG_TRY(counts_put(&json, "splits", &c->splits));
    MG_TRY(counts_put(&json, "licences", &c->licences));
    mg_json_put_int(&json, "lossy_repairs", (int64_t)c->lossy);
    MG_TRY(put_named(&json, "repairs", c->repairs, MG_REPAIR_KINDS, repair_of, "", 0));
    MG_TRY(counts_put(&json, "errors", &c->reasons));
    mg_record_end(&json);
    return out->failed ? MG_NO_MEMORY : MG_OK;
}
