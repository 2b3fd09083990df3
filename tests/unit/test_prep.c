/* SPDX-License-Identifier: MIT */
/* The steps of preparation, each on music made for it, and the whole of it under failing allocations. */
#include "tests/unit/tap.h"

#include "data/family.h"
#include "data/prepare.h"

#include <unistd.h>

/* ---- music made by hand: 100 ticks a quarter ---- */

typedef struct { int64_t start, end; int pitch, channel; } row;

static mg_score *new_score(void)
{
    mg_score *score = mg_score_new();
    score->ticks_per_quarter = 100;
    score->notes = mg_alloc_zero(64, sizeof *score->notes);
    score->tempos = mg_alloc_zero(8, sizeof *score->tempos);
    score->meters = mg_alloc_zero(8, sizeof *score->meters);
    score->keys = mg_alloc_zero(8, sizeof *score->keys);
    score->controls = mg_alloc_zero(16, sizeof *score->controls);
    return score;
}

static void add_note(mg_score *score, int64_t start, int64_t end, int pitch, int channel)
{
    score->notes[score->n_notes++] = (mg_note){.start = start, .end = end, .pitch = (uint8_t)pitch,
                                               .channel = (uint8_t)channel, .velocity = 80, .release = 64};
    if (end > score->end_tick) score->end_tick = end;
}

static mg_score *score_of(const row *rows, size_t n)
{
    mg_score *score = new_score();
    for (size_t i = 0; i < n; i++) add_note(score, rows[i].start, rows[i].end, rows[i].pitch, rows[i].channel);
    return score;
}
#define SCORE(...) score_of((const row[]){__VA_ARGS__}, sizeof((const row[]){__VA_ARGS__}) / sizeof(row))

static void check_notes(const mg_score *score, const row *want, size_t n)
{
    CHECK_INT(score->n_notes, n);
    for (size_t i = 0; i < n && i < score->n_notes; i++) {
        const mg_note *got = &score->notes[i];
        if (!CHECK(got->start == want[i].start && got->end == want[i].end && got->pitch == want[i].pitch))
            printf("# note %zu: %lld to %lld, pitch %d\n", i, (long long)got->start, (long long)got->end, got->pitch);
    }
}
#define CHECK_NOTES(score, ...) \
    check_notes(score, (const row[]){__VA_ARGS__}, sizeof((const row[]){__VA_ARGS__}) / sizeof(row))

/* ---- parts ---- */

static mg_prep_options options;

static size_t n_spans;
static data_span *spans;

static void part(mg_score *score)
{
    mg_free(spans);
    spans = NULL;
    REQUIRE(data_spans(score, &options, &spans, &n_spans, NULL) == MG_OK);
}

static void check_span(size_t i, int64_t from, int64_t to, size_t first, size_t n)
{
    REQUIRE(i < n_spans);
    CHECK_INT(spans[i].from, from);
    CHECK_INT(spans[i].to, to);
    CHECK_INT(spans[i].first, first);
    CHECK_INT(spans[i].n, n);
}

static void parts_begin_with_bars_seconds_and_changes(void)
{
    mg_score *score = SCORE({0, 50, 60, 0}, {390, 410, 61, 0}, {400, 500, 62, 0}, {1000, 1100, 63, 0});
    options = (mg_prep_options){0};
    part(score);
    CHECK_INT(n_spans, 1);
    check_span(0, 0, INT64_MAX, 0, 4);
    options.split_bars = 1;
    part(score);
    CHECK_INT(n_spans, 3);
    check_span(0, 0, 400, 0, 2);
    check_span(1, 400, 800, 2, 1);
    check_span(2, 800, 1200, 3, 1);
    options = (mg_prep_options){.split_seconds = 1}; /* 200 ticks */
    part(score);
    CHECK_INT(n_spans, 4);
    check_span(1, 200, 400, 1, 1);
    check_span(3, 1000, 1200, 3, 1);
    score->meters[0] = (mg_meter){.numerator = 4, .denominator = 4};
    score->meters[1] = (mg_meter){.tick = 390, .numerator = 3, .denominator = 4};
    score->meters[2] = (mg_meter){.tick = 800, .numerator = 3, .denominator = 4};
    score->n_meters = 3;
    score->tempos[0] = (mg_tempo){.us_per_quarter = 500000};
    score->tempos[1] = (mg_tempo){.tick = 450, .us_per_quarter = 400000};
    score->n_tempos = 2;
    options = (mg_prep_options){.at_changes = MG_CHANGES_METER};
    part(score);
    CHECK_INT(n_spans, 2);
    check_span(1, 390, INT64_MAX, 1, 3);
    options.at_changes = MG_CHANGES_BOTH;
    options.split_bars = 1;
    part(score);
    CHECK_INT(n_spans, 3);
    check_span(0, 0, 390, 0, 1);
    check_span(1, 390, 450, 1, 2);
    check_span(2, 990, 1290, 3, 1);
    mg_score_free(score);
}

static void silence_parts_at_the_bar_of_the_next_note(void)
{
    mg_score *score = SCORE({0, 100, 60, 0}, {950, 1000, 61, 0}, {1001, 1100, 62, 0}, {1900, 2000, 63, 0});
    options = (mg_prep_options){.split_silence = 3};
    part(score);
    CHECK_INT(n_spans, 3);
    check_span(0, 0, 100, 0, 1);
    check_span(1, 800, 1100, 1, 2);
    check_span(2, 1600, INT64_MAX, 3, 1);
    mg_score_free(score);
}

/* A few notes far apart are a few parts, however many bars lie between. */
static void empty_bars_cost_nothing(void)
{
    mg_score *score = SCORE({0, 1, 60, 0}, {1ll << 40, (1ll << 40) + 1, 61, 0});
    options = (mg_prep_options){.split_bars = 1};
    part(score);
    CHECK_INT(n_spans, 2);
    CHECK(spans[1].from <= 1ll << 40 && spans[1].to > 1ll << 40);
    mg_score_free(score);
}

static void a_part_has_the_tempo_meter_and_key_of_its_start(void)
{
    mg_score *score = SCORE({0, 500, 60, 0}, {300, 700, 61, 0}, {600, 800, 62, 0}), *cut = NULL;
    for (int i = 0; i < 3; i++)
        score->tempos[i] = (mg_tempo){.tick = i * 250, .us_per_quarter = 100000 * (uint32_t)(i + 1)};
    score->n_tempos = 3;
    score->keys[0] = (mg_key){.tick = 100, .fifths = 2};
    score->n_keys = 1;
    score->meters[0] = (mg_meter){.tick = 650, .numerator = 3, .denominator = 4};
    score->n_meters = 1;
    REQUIRE(data_cut(score, &(data_span){.from = 300, .to = 650, .first = 1, .n = 2}, &cut, NULL) == MG_OK);
    CHECK_NOTES(cut, {0, 350, 61, 0}, {300, 350, 62, 0});
    CHECK_INT(cut->n_tempos, 2);
    CHECK_INT(cut->tempos[0].tick, 0);
    CHECK_INT(cut->tempos[0].us_per_quarter, 200000);
    CHECK_INT(cut->tempos[1].tick, 200);
    CHECK_INT(cut->n_keys, 1);
    CHECK_INT(cut->keys[0].tick, 0);
    CHECK_INT(cut->n_meters, 0);
    CHECK_INT(cut->end_tick, 350);
    mg_score_free(cut);
    mg_score_free(score);
}

static void smpte_becomes_quarters(void)
{
    mg_score *score = SCORE({1000, 2000, 60, 0}), *copy = NULL;
    score->ticks_per_quarter = 0;
    score->smpte_rate_num = 1000;
    score->smpte_rate_den = 1;
    REQUIRE(data_copy(score, &copy, NULL) == MG_OK);
    mg_clock *clock = mg_clock_new(copy);
    CHECK_NEAR(mg_clock_seconds(clock, copy->notes[0].start), 1, 1e-9);
    CHECK_NEAR(mg_clock_seconds(clock, copy->notes[0].end), 2, 1e-9);
    CHECK_NEAR(data_bpm(copy), 120, 1e-9);
    mg_clock_free(clock);
    mg_score_free(copy);
    mg_score_free(score);
}

/* ---- pedal ---- */

static void pedal(mg_score *score, int64_t tick, int value, int channel)
{
    score->controls[score->n_controls++] = (mg_control){.tick = tick, .number = 64, .value = (uint8_t)value,
                                                        .channel = (uint8_t)channel};
}

static void the_pedal_holds_notes(void)
{
    /* held to 300; not held, as it begins later; struck again; on another channel; drums */
    mg_score *score = SCORE({0, 100, 60, 0}, {0, 50, 61, 0}, {100, 150, 62, 0}, {110, 150, 63, 1}, {110, 150, 40, 9},
                            {200, 250, 62, 0});
    pedal(score, 60, 64, 0);
    pedal(score, 70, 127, 0);
    pedal(score, 300, 63, 0);
    pedal(score, 60, 127, 9);
    REQUIRE(data_apply_sustain(score, NULL) == MG_OK);
    CHECK_NOTES(score, {0, 300, 60, 0}, {0, 50, 61, 0}, {100, 200, 62, 0}, {110, 150, 63, 1}, {110, 150, 40, 9},
                {200, 300, 62, 0});
    mg_score_free(score);
}

static void the_pedal_ends_with_the_piece_or_when_changed_at_once(void)
{
    mg_score *score = SCORE({0, 50, 60, 0}, {150, 180, 61, 0}, {400, 500, 62, 1});
    pedal(score, 10, 127, 0);
    pedal(score, 100, 0, 0); /* up and down on one tick: what sounds ends, what comes is held */
    pedal(score, 100, 127, 0);
    REQUIRE(data_apply_sustain(score, NULL) == MG_OK);
    CHECK_NOTES(score, {0, 100, 60, 0}, {150, 500, 61, 0}, {400, 500, 62, 1});
    mg_score_free(score);
}

static void a_pitch_struck_twice_on_one_tick_is_one_note(void)
{
    mg_score *score = SCORE({100, 150, 60, 0}, {100, 200, 60, 0}, {300, 300, 61, 0});
    pedal(score, 50, 127, 0);
    pedal(score, 400, 0, 0);
    REQUIRE(data_apply_sustain(score, NULL) == MG_OK);
    CHECK_NOTES(score, {100, 400, 60, 0}, {300, 400, 61, 0});
    mg_score_free(score);
    score = SCORE({100, 150, 60, 0}, {100, 200, 60, 0}, {300, 300, 61, 0}); /* no pedal, no change */
    REQUIRE(data_apply_sustain(score, NULL) == MG_OK);
    CHECK_INT(score->n_notes, 3);
    mg_score_free(score);
}

/* ---- changes ---- */

static void snapping_keeps_a_step(void)
{
    mg_score *score = SCORE({12, 13, 60, 0}, {13, 60, 61, 0}, {88, 112, 62, 0});
    data_snap(score, 4); /* steps of 25 ticks; halves go up */
    CHECK_NOTES(score, {0, 25, 60, 0}, {25, 50, 61, 0}, {100, 125, 62, 0});
    mg_score_free(score);
}

static void stretching_is_a_tempo(void)
{
    mg_score *score = SCORE({0, 200, 60, 0});
    score->tempos[0] = (mg_tempo){.tick = 100, .us_per_quarter = 1000000};
    score->n_tempos = 1;
    REQUIRE(data_stretch(score, 1.1, NULL) == MG_OK);
    mg_clock *clock = mg_clock_new(score);
    CHECK_NEAR(mg_clock_seconds(clock, 200), 1.65, 1e-9);
    mg_clock_free(clock);
    mg_score_free(score);
}

static void transposing_spares_drums_and_refuses_what_leaves(void)
{
    mg_score *score = SCORE({0, 1, 120, 0}, {0, 1, 126, 9});
    CHECK(!data_transpose(score, 8));
    CHECK_NOTES(score, {0, 1, 120, 0}, {0, 1, 126, 9});
    CHECK(data_transpose(score, 7));
    CHECK_NOTES(score, {0, 1, 127, 0}, {0, 1, 126, 9});
    data_keep_drums(score, MG_DRUMS_ONLY);
    CHECK_NOTES(score, {0, 1, 126, 9});
    mg_score_free(score);
}

static void keys_lead_to_c(void)
{
    static const int major[] = {0, 2, 4, 5, 7, 9, 11};
    for (int key = 0; key < 12; key++) {
        mg_score *score = new_score();
        for (int i = 0; i < 7; i++) add_note(score, i, i + 1, 60 + key + major[i], 0);
        int shift = data_to_c(score);
        CHECK(shift >= -5 && shift <= 6);
        CHECK_INT((key + shift + 24) % 12, 0);
        mg_score_free(score);
    }
    mg_score *score = SCORE({0, 1, 62, 0}, {1, 2, 64, 0}, {2, 3, 69, 0}); /* D E A: in C, D, F, G, A, Bb major ... */
    CHECK_INT(data_to_c(score), 0);
    score->keys[0].fifths = 2;
    score->n_keys = 1;
    CHECK_INT(data_to_c(score), -2); /* the key that is named decides */
    score->keys[0].fifths = -6;
    CHECK_INT(data_to_c(score), 0); /* not against the notes */
    mg_score_free(score);
}

static void folding_moves_by_octaves(void)
{
    mg_score *score = SCORE({0, 1, 84, 0}, {1, 2, 88, 0}, {2, 3, 20, 9});
    CHECK_INT(data_fold(score, 48, 83, false), -24); /* the middle, 86, near 65.5 */
    CHECK_NOTES(score, {0, 1, 60, 0}, {1, 2, 64, 0}, {2, 3, 20, 9});
    CHECK_INT(data_fold(score, 48, 83, false), 0);
    mg_score_free(score);
    score = SCORE({0, 1, 30, 0}, {1, 2, 100, 0});
    CHECK_INT(data_fold(score, 48, 83, false), 0);
    CHECK_NOTES(score, {0, 1, 54, 0}, {1, 2, 76, 0});
    mg_score_free(score);
    score = SCORE({0, 1, 50, 0}, {1, 2, 52, 0});
    CHECK_INT(data_fold(score, 48, 83, true), 12);
    mg_score_free(score);
}

static void limits_count_rounded_steps(void)
{
    mg_score *score = SCORE({0, 500, 60, 0}, {187, 300, 61, 0}, {188, 300, 62, 0});
    REQUIRE(data_limit(score, 4, 0, 8, NULL) == MG_OK); /* steps of 25: the first 8 end at 200; 188 is step 8 */
    CHECK_NOTES(score, {0, 200, 60, 0}, {187, 200, 61, 0});
    mg_score_free(score);
    score = SCORE({0, 500, 60, 0}, {300, 400, 61, 0});
    REQUIRE(data_limit(score, 0, 100, 100, NULL) == MG_OK); /* a second is 200 ticks */
    CHECK_NOTES(score, {0, 200, 60, 0});
    mg_score_free(score);
}

/* ---- melodies ---- */

static mg_buffer seen; /* "0-4:60 4-8:62 | polyphony: ..." */

static mg_status write_melody(void *user, mg_score *melody, const char *refused, mg_error *why)
{
    (void)user, (void)why;
    if (seen.length) mg_buffer_add_text(&seen, " | ");
    if (!melody) mg_buffer_add_text(&seen, refused);
    for (size_t i = 0; melody && i < melody->n_notes; i++)
        mg_buffer_print(&seen, "%s%lld-%lld:%d", i ? " " : "", (long long)melody->notes[i].start / 120,
                        (long long)melody->notes[i].end / 120, melody->notes[i].pitch);
    mg_score_free(melody);
    return MG_OK;
}

static const char *melodies(mg_score *score, mg_melody rule)
{
    mg_score *copy = NULL;
    mg_buffer_clear(&seen);
    REQUIRE(data_copy(score, &copy, NULL) == MG_OK);
    REQUIRE(data_melodies(copy, rule, 1, 4, write_melody, NULL, NULL) == MG_OK);
    mg_score_free(copy);
    mg_score_free(score);
    return seen.data;
}

static void melodies_begin_with_a_bar_and_end_before_a_silent_one(void)
{
    CHECK_TEXT(melodies(SCORE({450, 500, 60, 0}, {500, 550, 62, 0}, {949, 1000, 64, 0}, {1400, 1450, 65, 0}),
                        MG_MELODY_STRICT),
               "2-4:60 4-6:62 | 6-8:64 | 8-10:65");
    CHECK_TEXT(melodies(SCORE({450, 500, 60, 0}, {500, 550, 62, 0}, {930, 1000, 64, 0}), MG_MELODY_STRICT),
               "2-4:60 4-6:62 21-24:64");
}

static void each_channel_is_a_line_and_drums_are_none(void)
{
    CHECK_TEXT(melodies(SCORE({0, 100, 60, 1}, {0, 100, 48, 0}, {0, 100, 40, 9}, {100, 200, 62, 1}), MG_MELODY_STRICT),
               "0-4:48 | 0-4:60 4-8:62");
}

static void chords_are_refused_or_give_their_top(void)
{
    CHECK_TEXT(melodies(SCORE({0, 100, 60, 0}, {100, 200, 64, 0}, {101, 200, 60, 0}), MG_MELODY_STRICT),
               "track 0, channel 0: two notes at step 4");
    CHECK_TEXT(melodies(SCORE({0, 100, 60, 0}, {0, 100, 67, 0}, {0, 300, 64, 0}, {100, 200, 48, 0}, {200, 300, 72, 0}),
                        MG_MELODY_HIGHEST),
               "0-4:67 4-8:48 8-12:72");
    CHECK_TEXT(melodies(SCORE({0, 400, 72, 0}, {100, 200, 48, 0}, {200, 300, 76, 0}, {300, 400, 50, 0}),
                        MG_MELODY_HIGHEST),
               "0-8:72 8-12:76 12-16:50");
}

static void legato_is_cut_and_triplets_are_no_chord(void)
{
    CHECK_TEXT(melodies(SCORE({0, 130, 60, 0}, {100, 200, 62, 0}), MG_MELODY_STRICT), "0-4:60 4-8:62");
    CHECK_TEXT(melodies(SCORE({0, 16, 60, 0}, {16, 33, 62, 0}, {33, 50, 64, 0}, {50, 55, 65, 0}, {55, 100, 67, 0}),
                        MG_MELODY_STRICT),
               "0-1:60 1-2:62 2-4:67");
}

static void melodies_follow_the_meter(void)
{
    mg_score *score = SCORE({160, 200, 60, 0}, {480, 500, 62, 0}), *copy = NULL;
    score->meters[0] = (mg_meter){.numerator = 3, .denominator = 8};
    score->n_meters = 1; /* bars of 150: the second begins at 150, and 200 to 480 is more than one */
    REQUIRE(data_copy(score, &copy, NULL) == MG_OK);
    CHECK_TEXT(melodies(score, MG_MELODY_STRICT), "0-2:60 | 1-2:62");
    mg_score_free(copy);
}

/* ---- facts ---- */

static void facts_are_counted(void)
{
    const mg_encoding *e = mg_encoding_find("polyphony259");
    mg_score *score = SCORE({0, 100, 60, 0}, {0, 450, 72, 0}, {1250, 1400, 64, 0});
    data_facts f;
    REQUIRE(data_facts_of(score, e, 4, &f, NULL) == MG_OK);
    CHECK_NEAR(f.notes, 3, 0);
    CHECK_NEAR(f.pitch_classes, 2, 0);
    CHECK_NEAR(f.bars, 3.5, 1e-12);
    CHECK_NEAR(f.empty_bars, 0.25, 1e-12); /* the third of four */
    CHECK_NEAR(f.seconds, 7, 1e-12);
    CHECK_NEAR(f.density, 3 / 7., 1e-12);
    CHECK_NEAR(f.steps, 56, 0);
    mg_score_free(score);
}

static void tempi_are_averaged(void)
{
    mg_score *score = SCORE({0, 400, 60, 0});
    score->tempos[0] = (mg_tempo){.us_per_quarter = 500000};
    score->tempos[1] = (mg_tempo){.tick = 200, .us_per_quarter = 1000000};
    score->n_tempos = 2;
    CHECK_NEAR(data_bpm(score), 80, 1e-9); /* four quarters in three seconds */
    score->tempos[1].tick = 400;
    CHECK_NEAR(data_bpm(score), 120, 1e-9); /* behind the last note */
    mg_score_free(score);
}

/* ---- splits ---- */

static void splits_hold_their_ratio(void)
{
    const double ratio[3] = {6, 3, 1}, none[3] = {0};
    int count[3] = {0};
    for (uint64_t i = 0; i < 10000; i++) {
        const char *split = data_split_of((mg_hash){i * 7919, i}, 1, ratio);
        count[split[0] == 't' ? 2 * (split[1] == 'e') : 1]++;
    }
    CHECK(abs(count[0] - 6000) < 200 && abs(count[1] - 3000) < 200 && abs(count[2] - 1000) < 150);
    CHECK(data_split_of((mg_hash){1, 2}, 1, none) == NULL);
}

/* ---- all of it ---- */

static char records_path[64];

static mg_status forget(void *user, const char *text, size_t length, mg_error *why)
{
    (void)user, (void)text, (void)length, (void)why;
    return MG_OK;
}

/* A small corpus: rolls as JSON, which every encoding can be made of. */
static void make_corpus(void)
{
    static const char text[] = "{\"train\":[[[60],[62],[64],[65],[67],[69],[71],[72]],[[60],[62],[64],[65],[67]]]}";
    snprintf(records_path, sizeof records_path, "%s/prep-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    int fd = mkstemp(records_path);
    REQUIRE(fd >= 0 && write(fd, text, sizeof text - 1) == (ssize_t)sizeof text - 1);
    close(fd);
}

static mg_status prepare_once(void)
{
    const char *paths[] = {records_path};
    mg_error why = {0};
    mg_source *source = NULL;
    mg_run run = {.threads = 1, .seed = 1, .out = {.line = forget}};
    options.pieces.roll_grid = 1;
    options.drop_duplicates = true;
    MG_TRY(mg_source_open(&(mg_source_options){.paths = paths, .n_paths = 1}, &source, &why));
    mg_status status = mg_prep_run(&options, source, &run, &why);
    mg_source_close(source);
    return status;
}

static void survives_failing_allocations(void)
{
    make_corpus();
    for (size_t k = 0; mg_encoding_at(k); k++) {
        options = mg_prep_preset(mg_encoding_at(k));
        options.ratio[0] = 1;
        options.corpus_tests = 1;
        CHECK_FAILING_ALLOCATIONS(prepare_once());
        if (options.encoding->steps_per_second) {
            options.n_stretch = 1;
            options.stretch[0] = 1.1;
        }
        options.transpose_high = 1;
        options.min_bars = options.min_steps = options.min_tokens = options.min_pitch_classes = 0;
        CHECK_FAILING_ALLOCATIONS(prepare_once());
    }
    unlink(records_path);
}

static mg_status pack_once(void)
{
    char packed[80];
    snprintf(packed, sizeof packed, "%s.safetensors", records_path);
    options.packed = packed;
    options.may_replace = true;
    options.provenance = &(mg_provenance){.tool = "test", .seed = 1};
    mg_status status = prepare_once();
    options.packed = NULL;
    unlink(packed);
    return status;
}

static void packing_survives_failing_allocations(void)
{
    make_corpus();
    options = mg_prep_preset(mg_encoding_find("roll88"));
    CHECK_FAILING_ALLOCATIONS(pack_once());
    unlink(records_path);
}

static mg_buffer lines;

static mg_status keep(void *user, const char *text, size_t length, mg_error *why)
{
    (void)user, (void)why;
    mg_buffer_add(&lines, text, length);
    mg_buffer_add_char(&lines, '\n');
    return MG_OK;
}

/* What a packed set gives back is, byte for byte, what goes through a pipe. */
static void a_packed_set_gives_its_records_back(void)
{
    make_corpus();
    for (size_t k = 0; mg_encoding_at(k); k++) {
        char packed[80];
        const char *paths[] = {records_path};
        mg_source_options from = {.paths = paths, .n_paths = 1};
        mg_source *source;
        mg_run run = {.threads = 2, .seed = 1, .out = {.line = keep}};
        options = mg_prep_preset(mg_encoding_at(k));
        options.min_bars = options.min_steps = options.min_tokens = 0;
        options.transpose_high = 2;
        mg_buffer_clear(&lines);
        REQUIRE(mg_source_open(&from, &source, NULL) == MG_OK && mg_prep_run(&options, source, &run, NULL) == MG_OK);
        mg_source_close(source);
        snprintf(packed, sizeof packed, "%s.safetensors", records_path);
        options.packed = packed;
        REQUIRE(mg_source_open(&from, &source, NULL) == MG_OK && mg_prep_run(&options, source, &run, NULL) == MG_OK);
        mg_source_close(source);
        mg_pack *pack = NULL;
        mg_buffer again = {0};
        REQUIRE(mg_pack_open(packed, &pack, NULL) == MG_OK);
        CHECK_INT(mg_pack_count(pack), 6);
        for (size_t i = 0; i < mg_pack_count(pack); i++) mg_pack_add_record(pack, i, &again);
        CHECK_TEXT(again.data, lines.data);
        CHECK_TEXT(mg_pack_encoding(pack), mg_encoding_at(k)->name);
        mg_pack_release(pack), mg_buffer_free(&again), unlink(packed);
    }
    unlink(records_path);
    mg_buffer_free(&lines);
}

static mg_status read_families(void)
{
    mg_error why = {0};
    data_families *families;
    char name[33];
    const char *split = "";
    MG_TRY(data_families_read(records_path, (double[]){1, 1, 1}, 1, &families, &why));
    char here[4096];
    const char *other, *spelt;
    mg_hash none = {0, 0}, notes = {0, 7};
    REQUIRE(getcwd(here, sizeof here - 4));
    strcat(here, "/./c");
    mg_status status = data_families_find(families, "x//../c", none, name, &split, &why);
    if (!status) status = data_families_find(families, "x", none, name, &other, &why);
    if (!status) status = data_families_find(families, here, none, name, &spelt, &why);
    if (!status) CHECK(split && !other && spelt == split);
    if (!status) status = data_families_find(families, "x", notes, name, &other, &why); /* equal notes of that family */
    if (!status) CHECK(other == split);
    data_families_free(families);
    return status;
}

static void families_survive_failing_allocations(void)
{
    static const char text[] =
        "{\"kind\":\"cluster\",\"id\":\"00000000000000000000000000000001\",\"members\":[\"a\",\"b\"],"
        "\"ids\":[null,\"00000000000000000000000000000007\"]}\n"
        "{\"kind\":\"cluster\",\"id\":\"00000000000000000000000000000002\",\"members\":[\"b\",\"?\"],"
        "\"members_b64\":[\"Yg==\",\"Yw==\"]}\n";
    snprintf(records_path, sizeof records_path, "%s/prep-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    int fd = mkstemp(records_path);
    REQUIRE(fd >= 0 && write(fd, text, sizeof text - 1) == (ssize_t)sizeof text - 1);
    close(fd);
    CHECK_FAILING_ALLOCATIONS(read_families());
    unlink(records_path);
}

int main(void)
{
    TEST("parts begin with bars, seconds and changes", parts_begin_with_bars_seconds_and_changes);
    TEST("a silence parts at the bar of the next note", silence_parts_at_the_bar_of_the_next_note);
    TEST("empty bars cost nothing", empty_bars_cost_nothing);
    TEST("a part has the tempo, meter and key of its start", a_part_has_the_tempo_meter_and_key_of_its_start);
    TEST("SMPTE time becomes quarters", smpte_becomes_quarters);
    TEST("the pedal holds the notes of its channel", the_pedal_holds_notes);
    TEST("a pedal ends with the piece, or when it is changed", the_pedal_ends_with_the_piece_or_when_changed_at_once);
    TEST("a pitch struck twice on one tick is one note", a_pitch_struck_twice_on_one_tick_is_one_note);
    TEST("snapping keeps a step of every note", snapping_keeps_a_step);
    TEST("stretching changes the tempo from the start", stretching_is_a_tempo);
    TEST("transposing spares drums and keeps to MIDI's range", transposing_spares_drums_and_refuses_what_leaves);
    TEST("every key leads to C", keys_lead_to_c);
    TEST("folding moves by octaves", folding_moves_by_octaves);
    TEST("limits count rounded steps", limits_count_rounded_steps);
    TEST("melodies begin with a bar and end before silence", melodies_begin_with_a_bar_and_end_before_a_silent_one);
    TEST("each channel is a line, and drums are none", each_channel_is_a_line_and_drums_are_none);
    TEST("chords are refused, or give their highest notes", chords_are_refused_or_give_their_top);
    TEST("legato is cut, and triplets are no chord", legato_is_cut_and_triplets_are_no_chord);
    TEST("melodies follow the meter", melodies_follow_the_meter);
    TEST("what filters ask is counted", facts_are_counted);
    TEST("changing tempi are averaged", tempi_are_averaged);
    TEST("splits hold their ratio", splits_hold_their_ratio);
    TEST("a packed set gives its records back", a_packed_set_gives_its_records_back);
    TEST("preparation answers failing allocations", survives_failing_allocations);
    TEST("packing answers failing allocations", packing_survives_failing_allocations);
    TEST("families answer failing allocations", families_survive_failing_allocations);
    mg_free(spans);
    mg_buffer_free(&seen);
    return tap_end();
}
