/* SPDX-License-Identifier: MIT */
/* Chord symbols: what notes they mean, and an accompaniment that plays them softly: the bass on strong beats, the
   chord on the others, as a guitarist would. */
#include "synth/play.h"

#include <math.h>
#include <string.h>

/* ---- symbols ---- */

/* What stands behind the root, the longest first where one begins another. Semitones over the root; 0 ends the list. */
static const struct {
    const char *name;
    uint8_t notes[6];
} qualities[] = {
    {"maj7", {4, 7, 11}},     {"maj9", {4, 7, 11, 2}}, {"maj", {4, 7}},          {"min7b5", {3, 6, 10}},
    {"m7b5", {3, 6, 10}},     {"min7", {3, 7, 10}},    {"min6", {3, 7, 9}},      {"min9", {3, 7, 10, 2}},
    {"min", {3, 7}},          {"mMaj7", {3, 7, 11}},   {"mmaj7", {3, 7, 11}},    {"m11", {3, 7, 10, 2, 5}},
    {"m6", {3, 7, 9}},        {"m7", {3, 7, 10}},      {"m9", {3, 7, 10, 2}},    {"dim7", {3, 6, 9}},
    {"dim", {3, 6}},          {"aug7", {4, 8, 10}},    {"aug", {4, 8}},          {"sus2", {2, 7}},
    {"sus4", {5, 7}},         {"sus", {5, 7}},         {"7sus4", {5, 7, 10}},    {"7#5", {4, 8, 10}},
    {"7b5", {4, 6, 10}},      {"7b9", {4, 7, 10, 1}},  {"7#9", {4, 7, 10, 3}},   {"7+", {4, 8, 10}},
    {"69", {4, 7, 9, 2}},     {"6", {4, 7, 9}},        {"7", {4, 7, 10}},        {"9", {4, 7, 10, 2}},
    {"11", {4, 7, 10, 2, 5}}, {"13", {4, 7, 10, 9}},   {"add9", {4, 7, 2}},      {"+", {4, 8}},
    {"o7", {3, 6, 9}},        {"o", {3, 6}},           {"5", {7}},               {"M7", {4, 7, 11}},
    {"M", {4, 7}},            {"-7", {3, 7, 10}},      {"-", {3, 7}},            {"m", {3, 7}},
};

/* The class of a note name and what follows it; -1 if none stands there. */
static int read_root(const char **at)
{
    static const char letters[] = "CDEFGAB";
    static const int classes[] = {0, 2, 4, 5, 7, 9, 11};
    const char *letter = **at ? strchr(letters, **at) : NULL;
    if (!letter) return -1;
    int class = classes[letter - letters];
    ++*at;
    if (**at == '#') class++, ++*at;
    else if (**at == 'b') class--, ++*at;
    return (class + 12) % 12;
}

int mg_chord_classes(const char *symbol, uint8_t classes[6], uint8_t *bass)
{
    static const uint8_t major[6] = {4, 7};
    const char *at = symbol;
    const uint8_t *notes = major;
    int root = read_root(&at), n = 1;
    if (root < 0) return 0;
    for (size_t q = 0; q < sizeof qualities / sizeof *qualities; q++) {
        size_t length = strlen(qualities[q].name);
        if (strncmp(at, qualities[q].name, length)) continue;
        notes = qualities[q].notes;
        at += length;
        break;
    }
    size_t rest = strspn(at, "0123456789#b+- "); /* further tensions are left out of the chord */
    if (at[rest] && at[rest] != '/' && at[rest] != '(') return 0; /* "Fine" */
    classes[0] = *bass = (uint8_t)root;
    for (int i = 0; i < 5 && notes[i]; i++) classes[n++] = (uint8_t)((root + notes[i]) % 12);
    const char *slash = strchr(at, '/');
    int under = slash ? (slash++, read_root(&slash)) : -1;
    if (under >= 0) *bass = (uint8_t)under;
    return n;
}

/* ---- accompaniment ---- */

enum { MOST_NOTES = 200000 }; /* whatever the score claims */
enum { BASS_LOW = 40, CHORD_LOW = 52, BASS_VELOCITY = 46, CHORD_VELOCITY = 34 };

typedef struct {
    mg_note *notes;
    size_t n, capacity;
} notes;

static mg_status add(notes *to, int64_t start, int64_t end, int pitch, int velocity)
{
    if (!mg_grow((void **)&to->notes, to->n, &to->capacity, sizeof *to->notes)) return MG_NO_MEMORY;
    to->notes[to->n++] = (mg_note){.start = start, .end = end, .channel = CHORD_CHANNEL, .pitch = (uint8_t)pitch,
                                   .velocity = (uint8_t)velocity, .release = 64};
    return MG_OK;
}

static int above(int low, int class) { return low + (class - low % 12 + 12) % 12; }

/* One beat: the bass, its fifth in the middle of a bar, or the chord. */
static mg_status add_beat(notes *to, const char *symbol, int64_t start, int64_t end, int beat, int beats)
{
    uint8_t classes[6], bass;
    int n = mg_chord_classes(symbol, classes, &bass);
    if (n == 0) return MG_OK;
    bool is_middle = beats % 2 == 0 && beats > 2 && beat == beats / 2;
    if (beat == 0 || is_middle) {
        int class = is_middle && n > 2 && bass == classes[0] ? classes[2] : bass;
        return add(to, start, end, above(BASS_LOW, class), BASS_VELOCITY);
    }
    for (int i = 0; i < n; i++) MG_TRY(add(to, start, end, above(CHORD_LOW, classes[i]), CHORD_VELOCITY));
    return MG_OK;
}

/* The meter's own beats: 6/8 as bass, chord, chord, twice. A chord that comes in the middle of a bar begins with its
   bass. */
static mg_status play_symbol(notes *to, const mg_meter_part *meter, const char *symbol, int64_t start, int64_t end)
{
    double beat_ticks = (double)meter->len_num / (double)meter->len_den / meter->numerator;
    int64_t beat = (int64_t)floor((double)(start - meter->start) / beat_ticks + 1e-6);
    for (int64_t from = start, until; from < end && to->n < MOST_NOTES; from = until) {
        int in_bar = from == start ? 0 : (int)(beat % meter->numerator);
        until = meter->start + llround((double)++beat * beat_ticks);
        if (until <= from) until = from + 1;
        MG_TRY(add_beat(to, symbol, from, until < end ? until : end, in_bar, meter->numerator));
    }
    return MG_OK;
}

mg_status chords_make(const mg_score *score, mg_note **result, size_t *n)
{
    notes to = {0};
    mg_bars bars;
    const mg_text_event *open = NULL;
    int64_t last = mg_score_last_note(score);
    size_t hint = 0;
    *result = NULL;
    *n = 0;
    mg_status status = mg_bars_make(score, last, &bars);
    if (status) return status == MG_UNSUPPORTED ? MG_OK : status; /* without quarter notes there is no beat */
    for (size_t i = 0; !status && i <= score->n_texts; i++) {
        const mg_text_event *text = i < score->n_texts ? &score->texts[i] : NULL;
        if (text && text->kind != MG_TEXT_CHORD) continue;
        bool goes_on = open && text && text->track == open->track && text->tick < last; /* tracks have their own */
        if (open) {
            const mg_meter_part *meter = &bars.part[mg_bars_at(&bars, open->tick, &hint).part];
            status = play_symbol(&to, meter, open->text, open->tick, goes_on ? text->tick : last);
        }
        if (!goes_on) hint = 0;
        open = text;
    }
    mg_bars_free(&bars);
    if (status) mg_free(to.notes);
    else *result = to.notes, *n = to.n;
    return status;
}
