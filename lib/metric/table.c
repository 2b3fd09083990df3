/* SPDX-License-Identifier: MIT */
/* The table of metrics. A new one is a row here and a function in one of the files that rows.h names; --list and
   docs/METRICS.md show the row, records and comparisons have it. */
#include "metric/rows.h"

#include <math.h>
#include <string.h>

typedef struct {
    mg_metric about; /* first, so that the public half of a row leads to the row */
    measure_fn *measure;
    int variant;
} row;

#define ANY INFINITY
#define NEUTRAL 0
#define BOTH (1u << MG_STRICT | 1u << MG_COMPAT)
#define MUSPY "MusPy 0.5 (Dong et al., ISMIR 2020)"
#define MUSEGAN "MusPy 0.5; MuseGAN (Dong et al., AAAI 2018)"
#define MUSDR "MusDr (Wu and Yang, ISMIR 2020)"
#define OWN "mgen"

/* name, kind, unit, low, high, definition, compat, source, function, variant */
#define ROW(name, kind, unit, low, high, definition, compat, source, measure, variant) \
    {{name, kind, 1, unit, low, high, NEUTRAL, BOTH, definition, compat, source}, measure, variant},
/* A row of MusPy's with other arguments, which strictly would say the same as another. */
#define COMPAT_ROW(name, unit, low, high, definition, source, measure, variant) \
    {{name, MG_NUMBER, 1, unit, low, high, NEUTRAL, 1u << MG_COMPAT, definition, NULL, source}, measure, variant},
#define LIST_ROW(name, width, definition, source, measure, variant) \
    {{name, MG_LIST, width, "1", 0, 1, NEUTRAL, BOTH, definition, NULL, source}, measure, variant},
#define KEY_ROWS(name, profile, author, source)                                                                       \
    ROW("key_" name, MG_WORDS, "", 0, 0,                                                                              \
        "the key, of twelve major and twelve minor ones, whose profile after " author                                \
        " correlates best with how long each pitch class sounds (ticks summed over the notes, without drums)",       \
        NULL, source, key_words, profile)                                                                             \
    ROW("key_" name "_r", MG_NUMBER, "1", -1, 1, "Pearson correlation of that key's profile (" author ")", NULL,      \
        source, key_number, profile)                                                                                  \
    ROW("key_" name "_margin", MG_NUMBER, "1", 0, 2,                                                                  \
        "by how much the correlation of the best key leads that of the second (" author ")", NULL, source,            \
        key_number, profile + MG_KEY_PROFILES)

static const row rows[] = {
    /* size */
    ROW("n_notes", MG_COUNT, "notes", 0, ANY, "number of notes, drums included", NULL, OWN, note_count, 0)
    ROW("n_drum_notes", MG_COUNT, "notes", 0, ANY, "number of notes on channel 10", NULL, OWN, note_count, 1)
    ROW("n_onsets", MG_COUNT, "onsets", 0, ANY, "number of distinct ticks at which notes begin", NULL, OWN, note_count,
        2)
    ROW("n_bars", MG_COUNT, "bars", 0, ANY,
        "bars of the piece's meters from its beginning to the end of its last note; a meter starts a bar where it "
        "stands, and before the first it is 4/4", NULL, OWN, bar_count, 0)
    ROW("first_note_s", MG_NUMBER, "s", 0, ANY, "when the first note begins", NULL, OWN, seconds_of, 0)
    ROW("duration_s", MG_NUMBER, "s", 0, ANY, "when the last note ends", NULL, OWN, seconds_of, 1)
    ROW("duration_quarters", MG_NUMBER, "quarters", 0, ANY, "when the last note ends, counted in quarter notes", NULL,
        OWN, quarters_of, 0)
    ROW("tempo_mean_bpm", MG_NUMBER, "quarters/min", 0, ANY, "duration in quarters over duration in minutes", NULL, OWN,
        tempo_mean, 0)
    /* pitch */
    ROW("n_pitches_used", MG_COUNT, "pitches", 0, 128, "number of different pitches, without drums", NULL, MUSPY,
        n_pitches_used, 0)
    ROW("n_pitch_classes_used", MG_COUNT, "pitch classes", 0, 12, "number of different pitch classes, without drums",
        NULL, MUSPY, n_pitch_classes_used, 0)
    ROW("pitch_range", MG_COUNT, "semitones", -127, 127, "highest pitch minus lowest, without drums",
        "0 for a piece without notes, -127 for one with drums only", MUSPY, pitch_range, 0)
    ROW("pitch_mean", MG_NUMBER, "MIDI pitch", 0, 127, "mean pitch of the notes, without drums", NULL, OWN,
        pitch_moment, 1)
    ROW("pitch_sd", MG_NUMBER, "semitones", 0, 64, "standard deviation of the notes' pitches (over n), without drums",
        NULL, OWN, pitch_moment, 2)
    ROW("pitch_entropy", MG_NUMBER, "bit", 0, 7, "Shannon entropy of the pitches of notes, without drums", NULL, MUSPY,
        pitch_entropy, 0)
    ROW("pitch_class_entropy", MG_NUMBER, "bit", 0, 3.5849625007211561,
        "Shannon entropy of the pitch classes of notes, without drums", NULL, MUSPY, pitch_class_entropy, 0)
    ROW("pitch_class_entropy_1_bar", MG_NUMBER, "bit", 0, 3.5849625007211561,
        "mean entropy of the pitch classes that begin in one bar, over bars with notes, without drums (H1)", NULL,
        MUSDR, window_entropy, 1)
    ROW("pitch_class_entropy_4_bars", MG_NUMBER, "bit", 0, 3.5849625007211561,
        "as pitch_class_entropy_1_bar over every run of four bars, or over all if there are fewer (H4)", NULL, MUSDR,
        window_entropy, 4)
    LIST_ROW("pitch_in_scale_rate_major", CLASSES,
        "share of the notes, without drums, that lie in the major scale on C, C#, ... B", MUSEGAN, pitch_in_scale, 0)
    LIST_ROW("pitch_in_scale_rate_minor", CLASSES,
        "share of the notes, without drums, that lie in the natural minor scale on C, C#, ... B", MUSEGAN,
        pitch_in_scale, 1)
    ROW("scale_consistency", MG_NUMBER, "1", 0, 1,
        "the largest share of notes, without drums, that one major or natural minor scale holds",
        NULL, "MusPy 0.5; C-RNN-GAN (Mogren, 2016)", scale_consistency, 0)
    ROW("polyphony", MG_NUMBER, "pitches", 1, 128,
        "mean number of different pitches that sound, over the time in which any does, without drums", NULL, MUSPY,
        polyphony, 0)
    ROW("polyphony_rate", MG_NUMBER, "1", 0, 1,
        "share of the time up to the end of the last note in which two or more pitches sound, without drums",
        "three or more pitches (MusPy's threshold 2 is to be passed), and time runs to the last note or control change",
        MUSEGAN, polyphony_rate, 2)
    COMPAT_ROW("polyphony_rate_threshold_1", "1", 0, 1, "MusPy's polyphony_rate with threshold 1: two or more pitches",
        MUSEGAN, polyphony_rate, 1)
    /* key */
    KEY_ROWS("krumhansl", MG_KRUMHANSL, "Krumhansl and Kessler", "Krumhansl 1990; weights as in music21")
    KEY_ROWS("aarden", MG_AARDEN, "Aarden", "Aarden 2003; weights as in music21")
    KEY_ROWS("simple", MG_SIMPLE, "Sapp", "Sapp 2011; weights as in music21")
    KEY_ROWS("bellman", MG_BELLMAN, "Bellman and Budge", "Bellman 2005; weights as in music21")
    KEY_ROWS("temperley", MG_TEMPERLEY, "Temperley, Kostka and Payne", "Temperley 2007; weights as in music21")
    /* beats and bars */
    ROW("empty_beat_rate", MG_NUMBER, "1", 0, 1,
        "share of the beats (quarters), up to the one in which the last note ends, in which no note sounds; a note "
        "fills the time from its onset up to, not including, its end",
        "a note also fills the beat that begins where it ends, and beats run to the last note or control change, with "
        "one more where that falls on a beat", MUSPY, empty_beat_rate, 0)
    ROW("empty_measure_rate", MG_NUMBER, "1", 0, 1,
        "share of the bars of the piece's meters, up to the one in which the last note ends, in which no note sounds",
        "bars of four quarters whatever the meter, and the oddities of empty_beat_rate", MUSEGAN, empty_measure_rate, 0)
    COMPAT_ROW("empty_measure_rate_first_ts", "1", 0, 1, "MusPy's empty_measure_rate with the bar of the first meter",
        MUSEGAN, empty_measure_rate, 1)
    ROW("groove_consistency", MG_NUMBER, "1", -1, 1,
        "1 - the share of places in a bar (24 a quarter, onsets at the nearest) in which the onsets of two "
        "neighbouring bars of one meter differ, mean over all such pairs",
        "bars of four quarters whatever the meter, every tick a place, and a bar more where the piece ends on a "
        "bar line",
        "MusPy 0.5; Wu and Yang, ISMIR 2020", groove_consistency, 0)
    COMPAT_ROW("groove_consistency_first_ts", "1", -1, 1, "MusPy's groove_consistency with the bar of the first meter",
        "MusPy 0.5; Wu and Yang, ISMIR 2020", groove_consistency, 1)
    ROW("groove_similarity", MG_NUMBER, "1", 0, 1,
        "1 - the share of 64 positions in which the onsets of two bars differ, mean over all pairs of bars up to the "
        "last onset (GS)", NULL, MUSDR, groove_similarity, 0)
    ROW("drum_in_duple_rate", MG_NUMBER, "1", 0, 1,
        "share of the drum notes that begin on a sixteenth, to the nearest of 24 places a quarter",
        "to the tick; eighths or quarters where a quarter has no four or two equal parts", MUSEGAN, drum_in_pattern, 0)
    ROW("drum_in_triple_rate", MG_NUMBER, "1", 0, 1,
        "share of the drum notes that begin on a triplet eighth, to the nearest of 24 places a quarter",
        "to the tick; quarters where a quarter has no three equal parts", MUSEGAN, drum_in_pattern, 1)
    ROW("drum_pattern_consistency", MG_NUMBER, "1", 0, 1,
        "the larger of drum_in_duple_rate and drum_in_triple_rate", NULL, MUSEGAN, drum_pattern_consistency, 0)
    /* time */
    ROW("notes_per_second", MG_NUMBER, "1/s", 0, ANY, "notes over duration_s, drums included", NULL, OWN, note_rate, 0)
    ROW("notes_per_quarter", MG_NUMBER, "1/quarter", 0, ANY, "notes over duration_quarters, drums included", NULL, OWN,
        note_rate, 1)
    ROW("ioi_mean_s", MG_NUMBER, "s", 0, ANY, "mean time between successive distinct onsets", NULL, OWN, ioi_seconds, 1)
    ROW("ioi_sd_s", MG_NUMBER, "s", 0, ANY,
        "standard deviation (over n) of the time between successive distinct onsets", NULL, OWN, ioi_seconds, 2)
    ROW("ioi_mean_quarters", MG_NUMBER, "quarters", 0, ANY,
        "mean time between successive distinct onsets, in quarter notes", NULL, OWN, ioi_mean_quarters, 0)
    ROW("ioi_entropy", MG_NUMBER, "bit", 0, ANY,
        "Shannon entropy of the ticks between successive distinct onsets, each number of ticks a kind of its own", NULL,
        OWN, ioi_entropy, 0)
    ROW("note_length_mean_quarters", MG_NUMBER, "quarters", 0, ANY, "mean length of the notes", NULL, OWN,
        duration_quarters, 1)
    ROW("note_length_sd_quarters", MG_NUMBER, "quarters", 0, ANY,
        "standard deviation (over n) of the notes' lengths", NULL, OWN, duration_quarters, 2)
    ROW("note_length_entropy", MG_NUMBER, "bit", 0, ANY,
        "Shannon entropy of the notes' lengths in ticks, each a kind of its own", NULL, OWN, duration_entropy, 0)
    /* force */
    ROW("velocity_mean", MG_NUMBER, "MIDI velocity", 1, 127, "mean velocity of the notes", NULL, OWN, velocity_moment,
        1)
    ROW("velocity_sd", MG_NUMBER, "MIDI velocity", 0, 63, "standard deviation (over n) of the notes' velocities", NULL,
        OWN, velocity_moment, 2)
    ROW("velocity_entropy", MG_NUMBER, "bit", 0, 7, "Shannon entropy of the notes' velocities", NULL, OWN,
        velocity_entropy, 0)
};

enum { N_ROWS = sizeof rows / sizeof *rows };

size_t mg_metric_count(void) { return N_ROWS; }

const mg_metric *mg_metric_at(size_t i) { return i < N_ROWS ? &rows[i].about : NULL; }

const mg_metric *mg_metric_find(const char *name)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (strcmp(rows[i].about.name, name) == 0) return &rows[i].about;
    return NULL;
}

mg_value mg_metric_measure(const mg_metric *metric, const mg_analysis *analysis)
{
    const row *r = (const row *)(const void *)metric;
    mg_value value = r->measure(analysis, r->variant);
    /* The last line of defence: no row is known to need it. */
    return value.reason || isfinite(value.number) ? value : no_value("not a finite number");
}
