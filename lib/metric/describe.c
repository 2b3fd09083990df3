/* SPDX-License-Identifier: MIT */
/* Info records of pieces. Lists are cut where a file makes them long; their true length stands beside them. */
#include "metric/describe.h"

#include <mgen/metric.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_LISTED = 64 };

void describe_format(const mg_piece *piece, char format[16])
{
    if (piece->record && !piece->bytes) snprintf(format, 16, "record");
    else if (piece->resolution > 0) snprintf(format, 16, "roll");
    else if (mg_midi_is(piece->bytes, piece->size)) snprintf(format, 16, "MIDI %d", piece->score->format);
    else snprintf(format, 16, "ABC");
}

/* ---- tracks ---- */

typedef struct {
    uint64_t notes;
    int low, high;
    uint16_t channels; /* bits */
} track_sum;

static void put_programs(mg_json_writer *json, const mg_score *score, size_t track)
{
    bool is_seen[128] = {false}, is_any = false;
    for (size_t i = 0; i < score->n_programs; i++) {
        const mg_program *p = &score->programs[i];
        if (p->track != track || p->channel == MG_DRUM_CHANNEL || is_seen[p->program & 127]) continue;
        is_seen[p->program & 127] = true;
        if (!is_any) mg_json_array_begin(json, "programs");
        mg_json_put_text(json, NULL, mg_program_name(p->program));
        is_any = true;
    }
    if (is_any) mg_json_array_end(json);
}

static void put_track(mg_json_writer *json, const mg_score *score, size_t track, const track_sum *sum)
{
    char low[8], high[8];
    mg_json_object_begin(json, NULL);
    mg_json_put_text(json, "name", score->tracks[track].name);
    mg_json_put_int(json, "notes", (int64_t)sum->notes);
    if (sum->notes && sum->channels != 1 << 9) {
        mg_pitch_name(sum->low, low);
        mg_pitch_name(sum->high, high);
        mg_json_put_text(json, "lowest", low);
        mg_json_put_text(json, "highest", high);
    }
    if (sum->channels) mg_json_array_begin(json, "channels");
    for (int c = 0; c < 16; c++)
        if (sum->channels >> c & 1) mg_json_put_int(json, NULL, c);
    if (sum->channels) mg_json_array_end(json);
    put_programs(json, score, track);
    mg_json_object_end(json);
}

static mg_status put_tracks(mg_json_writer *json, const mg_score *score)
{
    track_sum *sums = mg_alloc_zero(score->n_tracks, sizeof *sums);
    if (!sums) return MG_NO_MEMORY;
    for (size_t i = 0; i < score->n_notes; i++) {
        const mg_note *note = &score->notes[i];
        track_sum *sum = &sums[note->track];
        if (!sum->notes++) sum->low = sum->high = note->pitch;
        if (note->pitch < sum->low) sum->low = note->pitch;
        if (note->pitch > sum->high) sum->high = note->pitch;
        sum->channels |= (uint16_t)(1 << note->channel);
    }
    mg_json_put_int(json, "n_tracks", (int64_t)score->n_tracks);
    mg_json_array_begin(json, "tracks");
    for (size_t t = 0; t < score->n_tracks && t < MOST_LISTED; t++) put_track(json, score, t, &sums[t]);
    mg_json_array_end(json);
    mg_free(sums);
    return MG_OK;
}

/* ---- what runs through the piece ---- */

static double rounded(double value, double per_unit) { return round(value * per_unit) / per_unit; }

static void put_time(mg_json_writer *json, const mg_clock *clock, int64_t tick)
{
    mg_json_object_begin(json, NULL);
    mg_json_put_real(json, "at", rounded(mg_clock_seconds(clock, tick), 1e3));
}

static void put_tempi(mg_json_writer *json, const mg_score *score, const mg_clock *clock)
{
    if (score->n_tempos == 0) return;
    mg_json_put_int(json, "n_tempi", (int64_t)score->n_tempos);
    mg_json_array_begin(json, "tempi");
    for (size_t i = 0; i < score->n_tempos && i < MOST_LISTED; i++) {
        put_time(json, clock, score->tempos[i].tick);
        mg_json_put_real(json, "bpm", rounded(6e7 / score->tempos[i].us_per_quarter, 1e3));
        mg_json_object_end(json);
    }
    mg_json_array_end(json);
}

/* Every track may say the same at the same time: it counts once. */
static bool repeats_meter(const mg_score *score, size_t i)
{
    const mg_meter *meter = &score->meters[i];
    return i && meter->tick == meter[-1].tick && meter->numerator == meter[-1].numerator &&
           meter->denominator == meter[-1].denominator;
}

static bool repeats_key(const mg_score *score, size_t i)
{
    const mg_key *key = &score->keys[i];
    return i && key->tick == key[-1].tick && key->fifths == key[-1].fifths && key->is_minor == key[-1].is_minor;
}

static void put_meters(mg_json_writer *json, const mg_score *score, const mg_clock *clock)
{
    char name[24];
    size_t n = 0;
    if (score->n_meters) mg_json_array_begin(json, "meters");
    for (size_t i = 0; i < score->n_meters; i++) {
        const mg_meter *meter = &score->meters[i];
        if (repeats_meter(score, i) || ++n > MOST_LISTED) continue;
        snprintf(name, sizeof name, "%d/%d", meter->numerator, meter->denominator);
        put_time(json, clock, meter->tick);
        mg_json_put_text(json, "meter", name);
        mg_json_object_end(json);
    }
    if (score->n_meters) mg_json_array_end(json);
    if (score->n_meters) mg_json_put_int(json, "n_meters", (int64_t)n);
}

static void put_keys(mg_json_writer *json, const mg_score *score, const mg_clock *clock)
{
    char name[24];
    size_t n = 0;
    if (score->n_keys) mg_json_array_begin(json, "keys");
    for (size_t i = 0; i < score->n_keys; i++) {
        const mg_key *key = &score->keys[i];
        if (repeats_key(score, i) || ++n > MOST_LISTED) continue;
        mg_key_name(key->fifths, key->is_minor, name);
        put_time(json, clock, key->tick);
        mg_json_put_text(json, "key", name);
        mg_json_object_end(json);
    }
    if (score->n_keys) mg_json_array_end(json);
    if (score->n_keys) mg_json_put_int(json, "n_keys", (int64_t)n);
}

static void put_pitches(mg_json_writer *json, const mg_score *score)
{
    double classes[12] = {0};
    int low = 128, high = -1;
    int64_t drums = 0;
    char name[8];
    mg_key_estimate key;
    for (size_t i = 0; i < score->n_notes; i++) {
        const mg_note *note = &score->notes[i];
        if (note->channel == MG_DRUM_CHANNEL) {
            drums++;
            continue;
        }
        if (note->pitch < low) low = note->pitch;
        if (note->pitch > high) high = note->pitch;
        classes[note->pitch % 12] += (double)(note->end - note->start);
    }
    mg_json_put_int(json, "notes", (int64_t)score->n_notes);
    if (drums) mg_json_put_int(json, "drum_notes", drums);
    if (high < 0) return;
    mg_pitch_name(low, name);
    mg_json_put_text(json, "lowest", name);
    mg_pitch_name(high, name);
    mg_json_put_text(json, "highest", name);
    mg_key_find(MG_KRUMHANSL, classes, &key);
    if (key.best < 0) return;
    mg_json_put_text(json, "key_found", mg_key_words(key.best));
    mg_json_put_real(json, "key_margin", rounded(key.margin, 1e4));
}

static void put_texts(mg_json_writer *json, const mg_score *score)
{
    uint64_t lyrics = 0, chords = 0, others = 0;
    size_t mark = strlen(MG_PROVENANCE_PREFIX);
    bool has_copyright = false, has_provenance = false;
    for (size_t i = 0; i < score->n_texts; i++) {
        const mg_text_event *text = &score->texts[i];
        lyrics += text->kind == MG_TEXT_LYRIC;
        chords += text->kind == MG_TEXT_CHORD;
        others += text->kind == MG_TEXT_GENERAL || text->kind == MG_TEXT_MARKER || text->kind == MG_TEXT_CUE;
        if (text->kind == MG_TEXT_COPYRIGHT && !has_copyright) {
            mg_json_put_text(json, "copyright", text->text);
            has_copyright = true;
        }
        mg_json *object = NULL;
        bool is_marked = text->kind == MG_TEXT_GENERAL && !strncmp(text->text, MG_PROVENANCE_PREFIX, mark);
        if (has_provenance || !is_marked) continue;
        if (mg_json_parse(text->text + mark, strlen(text->text + mark), &object, NULL) == MG_OK) {
            mg_json_put_copy(json, "provenance", object);
            has_provenance = true;
        }
        mg_json_free(object);
    }
    if (lyrics) mg_json_put_int(json, "lyrics", (int64_t)lyrics);
    if (chords) mg_json_put_int(json, "chords", (int64_t)chords);
    if (others) mg_json_put_int(json, "texts", (int64_t)others);
}

static void put_repairs(mg_json_writer *json, const mg_score *score)
{
    if (score->n_repairs == 0) return;
    mg_json_put_int(json, "n_repairs", (int64_t)score->n_repairs);
    mg_json_array_begin(json, "repairs");
    for (size_t i = 0; i < score->n_repairs && i < MOST_LISTED; i++) {
        const mg_repair *repair = &score->repairs[i];
        mg_json_object_begin(json, NULL);
        mg_json_put_text(json, "what", mg_repair_name(repair->what));
        mg_json_put_int(json, "offset", (int64_t)repair->place);
        mg_json_put_int(json, "count", repair->count);
        mg_json_put_bool(json, "lossy", mg_repair_is_lossy(repair->what));
        mg_json_object_end(json);
    }
    mg_json_array_end(json);
}

/* ---- the record ---- */

static const char *title_of(const mg_piece *piece)
{
    const mg_score *score = piece->score;
    const char *title = mg_json_get_string(mg_json_get(piece->record, "meta"), "title", score->title);
    return *title || score->n_tracks == 0 ? title : score->tracks[0].name; /* the sequence name of MIDI */
}

static mg_status put_length(mg_json_writer *json, const mg_score *score, const mg_clock *clock)
{
    mg_bars bars;
    int64_t end = mg_score_last_note(score);
    size_t hint = 0;
    mg_json_put_real(json, "seconds", rounded(mg_clock_seconds(clock, end), 1e6));
    mg_status status = mg_bars_make(score, end, &bars);
    if (status == MG_OK) mg_json_put_int(json, "bars", end ? mg_bars_at(&bars, end - 1, &hint).bar + 1 : 0);
    if (status == MG_OK) mg_json_put_int(json, "ticks_per_quarter", score->ticks_per_quarter);
    else mg_json_put_real(json, "ticks_per_second", (double)score->smpte_rate_num / fmax(score->smpte_rate_den, 1));
    mg_bars_free(&bars);
    return status == MG_NO_MEMORY ? status : MG_OK;
}

mg_status describe_piece(const mg_piece *piece, const char *licence, mg_buffer *out, mg_error *why)
{
    const mg_score *score = piece->score;
    char format[16];
    mg_clock *clock = mg_clock_new(score);
    if (!clock) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_json_writer json = mg_record_begin(out, "info");
    describe_format(piece, format);
    mg_record_put_path(&json, "path", piece->path);
    mg_json_put_text(&json, "format", format);
    mg_record_put_hash(&json, "id", piece->id);
    if (*title_of(piece)) mg_json_put_text(&json, "title", title_of(piece));
    if (*score->origin) mg_json_put_text(&json, "origin", score->origin);
    if (*licence) mg_json_put_text(&json, "licence", licence);
    if (piece->split) mg_json_put_text(&json, "split", piece->split);
    const char *encoding = mg_json_get_string(piece->record, "encoding", NULL);
    if (encoding) mg_json_put_text(&json, "encoding", encoding);
    mg_status status = put_length(&json, score, clock);
    put_pitches(&json, score);
    put_tempi(&json, score, clock);
    put_meters(&json, score, clock);
    put_keys(&json, score, clock);
    if (!status) status = put_tracks(&json, score);
    if (score->n_controls) mg_json_put_int(&json, "controls", (int64_t)score->n_controls);
    if (score->n_bends) mg_json_put_int(&json, "bends", (int64_t)score->n_bends);
    put_texts(&json, score);
    put_repairs(&json, score);
    mg_record_end(&json);
    mg_clock_free(clock);
    return status || out->failed ? mg_fail(why, MG_NO_MEMORY, "out of memory") : MG_OK;
}
