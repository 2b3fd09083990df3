/* SPDX-License-Identifier: MIT */
/* reading.jsonl, reading-notes.jsonl: what mido and symusic read from MIDI files, against our reader. */
#include "tests/parity/symbolic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- notes as rows ---- */

enum { FIELDS = 6 }; /* track, channel, pitch, start, end, velocity */
typedef struct { int64_t field[FIELDS]; } note_row;

static int by_fields(const void *a, const void *b)
{
    const int64_t *x = ((const note_row *)a)->field, *y = ((const note_row *)b)->field;
    for (int i = 0; i < FIELDS; i++)
        if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
    return 0;
}

/* The notes sorted, without those of length 0 if so asked, and without track and channel (set to 0) if reduced. */
static note_row *rows_of(const mg_score *s, bool drops_zero, bool is_reduced, size_t *n)
{
    note_row *rows = mg_alloc(s->n_notes, sizeof *rows);
    if (!rows) exit(3);
    *n = 0;
    for (size_t i = 0; i < s->n_notes; i++) {
        const mg_note *note = &s->notes[i];
        if (drops_zero && note->start == note->end) continue;
        rows[(*n)++] = (note_row){{is_reduced ? 0 : note->track, is_reduced ? 0 : note->channel, note->pitch,
                                   note->start, note->end, note->velocity}};
    }
    if (*n) qsort(rows, *n, sizeof *rows, by_fields);
    return rows;
}

static void add_row(mg_buffer *text, const int64_t *fields, int n)
{
    for (int i = 0; i < n; i++) mg_buffer_print(text, i ? " %lld" : "%lld", (long long)fields[i]);
    mg_buffer_add_char(text, '\n');
}

static void check_digest(verdict *v, const char *name, const mg_score *s, bool drops_zero, bool is_reduced,
                         const mg_json *want)
{
    size_t n;
    mg_buffer text = {0};
    note_row *rows = rows_of(s, drops_zero, is_reduced, &n);
    for (size_t i = 0; i < n; i++) add_row(&text, rows[i].field + (is_reduced ? 2 : 0), is_reduced ? 4 : FIELDS);
    verdict_digest(v, name, &text, want);
    mg_buffer_free(&text);
    mg_free(rows);
}

/* ---- parts of a line ---- */

static void check_notes(verdict *v, const mg_score *s, const mg_score *lifo, const mg_json *want)
{
    verdict_int(v, "n_notes", (int64_t)s->n_notes, mg_json_get(want, "n_notes"));
    check_digest(v, "digest_fifo", s, false, false, mg_json_get(want, "digest_fifo"));
    check_digest(v, "digest_lifo", lifo, false, false, mg_json_get(want, "digest_lifo"));
    verdict_int(v, "zero_length", s->zero_length, mg_json_get(want, "zero_length"));
    verdict_int(v, "unclosed", s->unclosed, mg_json_get(want, "unclosed"));
    verdict_int(v, "orphan_offs", s->orphan_offs, mg_json_get(want, "orphan_offs"));
    verdict_int(v, "ambiguous_offs", s->ambiguous_offs, mg_json_get(want, "ambiguous_offs"));
}

static int by_start(const void *a, const void *b)
{
    const int64_t *x = ((const note_row *)a)->field, *y = ((const note_row *)b)->field;
    const int64_t p[] = {x[3], x[4], x[2], x[5]}, q[] = {y[3], y[4], y[2], y[5]};
    for (int i = 0; i < 4; i++)
        if (p[i] != q[i]) return p[i] < q[i] ? -1 : 1;
    return 0;
}

static void check_track(verdict *v, const note_row *rows, size_t n, const mg_track *track, const mg_json *want)
{
    int64_t starts = 0, durations = 0;
    unsigned channels = 0, expected = 0;
    for (size_t i = 0; i < n; i++) {
        starts += rows[i].field[3];
        durations += rows[i].field[4] - rows[i].field[3];
        channels |= 1u << rows[i].field[1];
    }
    verdict_int(v, "tracks.n_notes", (int64_t)n, mg_json_get(want, "n_notes"));
    verdict_int(v, "tracks.sum_start", starts, mg_json_get(want, "sum_start"));
    verdict_int(v, "tracks.sum_duration", durations, mg_json_get(want, "sum_duration"));
    verdict_int(v, "tracks.last_tick", track->end_tick, mg_json_get(want, "last_tick"));
    const mg_json *list = mg_json_get(want, "channels"), *first = mg_json_get(want, "first");
    for (size_t i = 0; i < mg_json_count(list); i++) {
        int64_t channel = 31;
        mg_json_int(mg_json_at(list, i), &channel);
        expected |= 1u << (channel & 31);
    }
    if (channels != expected) verdict_fail(v, "tracks.channels");
    for (size_t i = 0; i < mg_json_count(first); i++) {
        static const int columns[] = {3, 4, 2, 5};
        for (size_t c = 0; c < 4; c++)
            verdict_int(v, "tracks.first", i < n ? rows[i].field[columns[c]] : -1, mg_json_at(mg_json_at(first, i), c));
    }
}

static void check_tracks(verdict *v, const mg_score *s, const mg_json *want)
{
    const mg_json *list = mg_json_get(want, "tracks");
    verdict_int(v, "n_mtrk", (int64_t)s->n_tracks, mg_json_get(want, "n_mtrk"));
    for (size_t t = 0; t < mg_json_count(list) && t < s->n_tracks; t++) {
        size_t n;
        note_row *rows = rows_of(s, false, false, &n), *own = rows;
        while (n && (size_t)own->field[0] < t) own++, n--;
        size_t k = 0;
        while (k < n && (size_t)own[k].field[0] == t) k++;
        if (k) qsort(own, k, sizeof *own, by_start);
        check_track(v, own, k, &s->tracks[t], mg_json_at(list, t));
        mg_free(rows);
    }
}

static const char *key_text(const mg_key *key)
{
    static const char *const major[] = {"Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C",
                                        "G", "D", "A", "E", "B", "F#", "C#"};
    static const char *const minor[] = {"Abm", "Ebm", "Bbm", "Fm", "Cm", "Gm", "Dm", "Am",
                                        "Em", "Bm", "F#m", "C#m", "G#m", "D#m", "A#m"};
    return (key->is_minor ? minor : major)[key->fifths + 7];
}

/* Tempi, meters and keys. */
static void check_maps(verdict *v, const mg_score *s, const mg_json *want)
{
    const mg_json *tempos = mg_json_get(want, "tempos"), *meters = mg_json_get(want, "time_signatures");
    const mg_json *keys = mg_json_get(want, "key_signatures");
    mg_buffer text = {0};
    verdict_int(v, "tempos.n", (int64_t)s->n_tempos, mg_json_get(tempos, "n"));
    for (size_t i = 0; i < s->n_tempos; i++)
        add_row(&text, (int64_t[]){s->tempos[i].tick, s->tempos[i].us_per_quarter}, 2);
    verdict_digest(v, "tempos", &text, mg_json_get(tempos, "sha256"));
    mg_buffer_clear(&text);
    verdict_int(v, "time_signatures.n", (int64_t)s->n_meters, mg_json_get(meters, "n"));
    for (size_t i = 0; i < s->n_meters; i++)
        add_row(&text, (int64_t[]){s->meters[i].tick, s->meters[i].numerator, s->meters[i].denominator}, 3);
    verdict_digest(v, "time_signatures", &text, mg_json_get(meters, "sha256"));
    mg_buffer_free(&text);
    if (mg_json_count(keys) != s->n_keys) verdict_fail(v, "key_signatures");
    for (size_t i = 0; i < s->n_keys && i < mg_json_count(keys); i++) {
        verdict_int(v, "key_signatures", s->keys[i].tick, mg_json_at(mg_json_at(keys, i), 0));
        verdict_text(v, "key_signatures", key_text(&s->keys[i]), mg_json_at(mg_json_at(keys, i), 1));
    }
}

enum { PEDAL = 64, PEDALS_SHOWN = 3 };

/* The pedals of one channel of one track: down at the first value >= 64, up at the next below, or at the track's end.
   */
typedef struct { int64_t n, starts, durations, first[PEDALS_SHOWN][2]; } pedal_line;

static void add_pedal(pedal_line *line, int64_t start, int64_t end)
{
    if (line->n < PEDALS_SHOWN) line->first[line->n][0] = start, line->first[line->n][1] = end;
    line->n++;
    line->starts += start;
    line->durations += end - start;
}

static pedal_line pedals_of(const mg_score *s, size_t track, int channel)
{
    pedal_line line = {0};
    int64_t down = -1;
    for (size_t i = 0; i < s->n_controls; i++) {
        const mg_control *c = &s->controls[i];
        if (c->track != track || c->channel != channel || c->number != PEDAL) continue;
        if (c->value >= 64) {
            if (down < 0) down = c->tick;
        } else if (down >= 0) {
            add_pedal(&line, down, c->tick);
            down = -1;
        }
    }
    if (down >= 0) add_pedal(&line, down, s->tracks[track].end_tick);
    return line;
}

static void check_pedals(verdict *v, const mg_score *s, const mg_json *want)
{
    const mg_json *list = mg_json_get(want, "pedals");
    size_t at = 0;
    for (size_t t = 0; t < s->n_tracks; t++)
        for (int channel = 0; channel < 16; channel++) {
            pedal_line line = pedals_of(s, t, channel);
            if (line.n == 0) continue;
            const mg_json *entry = mg_json_at(list, at++), *first = mg_json_get(entry, "first");
            verdict_int(v, "pedals.mtrk", (int64_t)t, mg_json_get(entry, "mtrk"));
            verdict_int(v, "pedals.channel", channel, mg_json_get(entry, "channel"));
            verdict_int(v, "pedals.n", line.n, mg_json_get(entry, "n"));
            verdict_int(v, "pedals.sum_start", line.starts, mg_json_get(entry, "sum_start"));
            verdict_int(v, "pedals.sum_duration", line.durations, mg_json_get(entry, "sum_duration"));
            for (size_t i = 0; i < mg_json_count(first) && i < PEDALS_SHOWN; i++)
                for (size_t k = 0; k < 2; k++)
                    verdict_int(v, "pedals.first", line.first[i][k], mg_json_at(mg_json_at(first, i), k));
        }
    if (at != mg_json_count(list)) verdict_fail(v, "pedals");
}

static int64_t texts_of(const mg_score *s, int kind)
{
    int64_t n = 0;
    for (size_t i = 0; i < s->n_texts; i++)
        n += s->texts[i].kind == kind || (kind == MG_TEXT_GENERAL && s->texts[i].kind == MG_TEXT_CHORD);
    return n;
}

static void check_counts(verdict *v, const mg_score *s, const mg_json *want)
{
    const mg_json *counts = mg_json_get(want, "counts");
    const struct { const char *name; int64_t n; } rows[] = {
        {"text", texts_of(s, MG_TEXT_GENERAL)}, {"copyright", texts_of(s, MG_TEXT_COPYRIGHT)},
        {"lyrics", texts_of(s, MG_TEXT_LYRIC)}, {"marker", texts_of(s, MG_TEXT_MARKER)},
        {"cue_marker", texts_of(s, MG_TEXT_CUE)}, {"sysex", s->n_sysex}, {"pitchwheel", (int64_t)s->n_bends},
        {"program_change", (int64_t)s->n_programs}, {"control_change", (int64_t)s->n_controls}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (mg_json_get_int(counts, rows[i].name, 0) != rows[i].n) verdict_fail(v, rows[i].name);
}

static void check_time(verdict *v, const mg_score *s, const mg_json *want)
{
    int64_t last = 0, per_quarter = 0;
    double seconds;
    for (size_t i = 0; i < s->n_notes; i++)
        if (s->notes[i].end > last) last = s->notes[i].end;
    verdict_int(v, "last_tick", s->end_tick, mg_json_get(want, "last_tick"));
    verdict_int(v, "last_note_end_tick", last, mg_json_get(want, "last_note_end_tick"));
    mg_json_int(mg_json_get(want, "tpq"), &per_quarter);
    if (per_quarter > 0) verdict_int(v, "tpq", s->ticks_per_quarter, mg_json_get(want, "tpq"));
    mg_clock *clock = mg_clock_new(s);
    if (!clock) exit(3);
    if (mg_json_real(mg_json_get(want, "end_seconds"), &seconds))
        verdict_number(v, "end_seconds", mg_clock_seconds(clock, s->end_tick), seconds);
    if (mg_json_real(mg_json_get(want, "last_note_end_seconds"), &seconds))
        verdict_number(v, "last_note_end_seconds", mg_clock_seconds(clock, last), seconds);
    mg_clock_free(clock);
}

/* ---- the line ---- */

static void check_mido(parity *p, const char *fixture, const mg_json *line, const mg_score *s, const mg_json *want)
{
    static const struct { const char *part; void (*check)(verdict *, const mg_score *, const mg_json *); } parts[] = {
        {"tracks", check_tracks}, {"maps", check_maps}, {"pedals", check_pedals}, {"counts", check_counts},
        {"time", check_time}};
    const char *path = mg_json_get_string(line, "path", "");
    mg_score *lifo = symbolic_score(p, fixture, line, MG_PAIR_LIFO, MG_UNCLOSED_DROP);
    if (!lifo) return;
    verdict v = verdict_of(p, fixture, path, "notes");
    check_notes(&v, s, lifo, want);
    verdict_end(&v);
    mg_score_free(lifo);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        v = verdict_of(p, fixture, path, parts[i].part);
        parts[i].check(&v, s, want);
        verdict_end(&v);
    }
}

/* "fifo,zero=keep,unclosed=drop" and its like, each with the number and digest of the reduced rows. pretty_midi ("pm")
   loses a note whose off stands on its own tick; we keep it, with length 0, so those are to be dropped. */
static void check_policies(parity *p, const char *fixture, const mg_json *line)
{
    static const struct { const char *name; int pairing; } pairings[] = {
        {"fifo", MG_PAIR_FIFO}, {"lifo", MG_PAIR_LIFO}, {"pm", MG_PAIR_ALL}};
    const mg_json *policies = mg_json_get(line, "policies");
    if (mg_json_count(policies) == 0) return;
    verdict v = verdict_of(p, fixture, mg_json_get_string(line, "path", ""), "policies");
    for (size_t i = 0; i < sizeof pairings / sizeof *pairings; i++)
        for (int closes = 0; closes < 2; closes++) {
            mg_score *s = symbolic_score(p, fixture, line, pairings[i].pairing,
                                         closes ? MG_UNCLOSED_END : MG_UNCLOSED_DROP);
            for (int drops = pairings[i].pairing == MG_PAIR_ALL; s && drops < 2; drops++) {
                char name[64];
                snprintf(name, sizeof name, "%s,zero=%s,unclosed=%s", pairings[i].name, drops ? "drop" : "keep",
                         closes ? "close" : "drop");
                check_digest(&v, name, s, drops, true, mg_json_get(mg_json_get(policies, name), "digest"));
            }
            mg_score_free(s);
        }
    verdict_end(&v);
    symbolic_unsupported(p, fixture, v.path, "policies all", "no reader of ours ends all notes at one note-off");
}

/* Whether symusic read the same notes as mido, or mido none. */
static bool is_explained(const mg_json *line)
{
    const mg_json *list = mg_json_get(mg_json_get(line, "explained_by"), "symusic");
    for (size_t i = 0; i < mg_json_count(list); i++)
        if (strcmp(mg_json_string(mg_json_at(list, i)), "fifo,zero=keep,unclosed=drop") == 0) return true;
    return mg_json_get(mg_json_get(line, "mido"), "error") != NULL;
}

static void check_symusic(parity *p, const char *fixture, const mg_json *line, const mg_score *s, const mg_json *want)
{
    const char *path = mg_json_get_string(line, "path", "");
    if (!is_explained(line)) {
        symbolic_unsupported(p, fixture, path, "symusic", "the references disagree with each other");
        return;
    }
    bool is_alone = mg_json_get(mg_json_get(line, "mido"), "error") != NULL;
    for (size_t i = 0; is_alone && i < s->n_repairs; i++) {
        if (s->repairs[i].what != MG_REPAIR_RUNNING_STATUS) continue;
        symbolic_unsupported(p, fixture, path, "symusic",
                             "it ends a track where running status outlives a system event");
        return;
    }
    verdict v = verdict_of(p, fixture, path, "symusic");
    verdict_int(&v, "n_notes", (int64_t)s->n_notes, mg_json_get(want, "n_notes"));
    check_digest(&v, "digest", s, false, true, mg_json_get(want, "digest"));
    verdict_end(&v);
}

void check_reading(parity *p, const char *fixture, const mg_json *line)
{
    const mg_json *mido = reference(p, fixture, line, "mido"), *symusic = reference(p, fixture, line, "symusic");
    mg_score *s = mido || symusic ? symbolic_score(p, fixture, line, MG_PAIR_FIFO, MG_UNCLOSED_DROP) : NULL;
    if (!s) return;
    if (mido) check_mido(p, fixture, line, s, mido);
    if (symusic) check_symusic(p, fixture, line, s, symusic);
    check_policies(p, fixture, line);
    mg_score_free(s);
}

void check_reading_notes(parity *p, const char *fixture, const mg_json *line)
{
    static const struct { const char *name; int pairing; } pairings[] = {{"fifo", MG_PAIR_FIFO},
                                                                         {"lifo", MG_PAIR_LIFO}};
    for (int k = 0; k < 2; k++) {
        const mg_json *want = mg_json_get(line, pairings[k].name);
        if (mg_json_kind_of(want) != MG_JSON_ARRAY) continue; /* lifo only where it differs */
        mg_score *s = symbolic_score(p, fixture, line, pairings[k].pairing, MG_UNCLOSED_DROP);
        if (!s) return;
        verdict v = verdict_of(p, fixture, mg_json_get_string(line, "path", ""), pairings[k].name);
        size_t n;
        note_row *rows = rows_of(s, false, false, &n);
        if (n != mg_json_count(want)) verdict_fail(&v, "number of notes");
        for (size_t i = 0; i < n && i < mg_json_count(want); i++)
            for (size_t f = 0; f < FIELDS; f++)
                verdict_int(&v, "note", rows[i].field[f], mg_json_at(mg_json_at(want, i), f));
        verdict_end(&v);
        mg_free(rows);
        mg_score_free(s);
    }
}
