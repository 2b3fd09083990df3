/* SPDX-License-Identifier: MIT */
/* The exact tiers on scores by hand, on copies with rounded ticks, and the search among files. */
#include "tests/unit/scores.h"
#include "tests/unit/tap.h"

#include <mgen/match.h>
#include <unistd.h>

/* ---- scores ---- */

/* A performance: onsets and lengths on no grid, chords spread by a few ticks, some drums. */
static mg_score *performance(uint64_t seed, size_t n, int ticks_per_quarter)
{
    mg_random random = mg_random_at(seed, "performance", 0);
    mg_score *score = mg_score_new();
    score->ticks_per_quarter = ticks_per_quarter;
    score->notes = mg_alloc(n, sizeof *score->notes);
    score->tracks = mg_alloc_zero(2, sizeof *score->tracks);
    score->n_notes = n;
    score->n_tracks = 2;
    int64_t at = 0;
    for (size_t i = 0; i < n; i++) { /* the last seventh are drums, on a track of their own */
        bool is_drum = i >= n - n / 7;
        int64_t length = 1 + mg_random_below(&random, 400);
        mg_track *track = &score->tracks[is_drum];
        if (track->n_notes++ == 0) *track = (mg_track){.name = "", .first_note = i, .n_notes = 1}, at = 100;
        score->notes[i] = (mg_note){.start = at, .end = at + length, .velocity = (uint8_t)(1 + i % 127),
                                    .pitch = (uint8_t)(40 + mg_random_below(&random, 40)), .track = is_drum,
                                    .channel = is_drum ? 9 : 0};
        track->end_tick = score->end_tick = at + length;
        at += i % 3 ? mg_random_below(&random, 4) : mg_random_below(&random, is_drum ? 1500 : 300);
    }
    score->tracks[1].name = "";
    return score;
}

/* As a score editor would do it: every tick times `factor`, rounded; pitches moved; other velocities and lengths. */
static mg_score *copy_of(const mg_score *score, double factor, int ticks_per_quarter, int transpose)
{
    mg_score *copy = mg_score_new();
    copy->ticks_per_quarter = ticks_per_quarter;
    copy->notes = mg_alloc(score->n_notes, sizeof *copy->notes);
    copy->tracks = mg_alloc(score->n_tracks, sizeof *copy->tracks);
    for (size_t t = 0; t < score->n_tracks; t++) copy->tracks[t] = score->tracks[t], copy->tracks[t].name = "";
    copy->n_notes = score->n_notes;
    copy->n_tracks = score->n_tracks;
    for (size_t i = 0; i < score->n_notes; i++) {
        mg_note note = score->notes[i];
        note.start = (int64_t)floor((double)note.start * factor + 0.5);
        note.end = note.start + (int64_t)i % 50;
        note.velocity = 64;
        if (note.channel != 9) note.pitch = (uint8_t)(note.pitch + transpose);
        copy->notes[i] = note;
    }
    return copy;
}

static mg_fingerprint print_of(const mg_score *score)
{
    mg_piece piece = {.path = "x", .score = score};
    mg_fingerprint print;
    REQUIRE(mg_score_id(score, &piece.id, NULL) == MG_OK);
    REQUIRE(mg_fingerprint_make(&piece, &print, NULL) == MG_OK);
    return print;
}

/* The strictest tier in which two scores are equal by their hashes, -1 for none. */
static int tier_of(const mg_score *a, const mg_score *b)
{
    mg_fingerprint x = print_of(a), y = print_of(b);
    for (int t = MG_T1; t <= MG_T4; t++)
        if ((x.tiers & y.tiers) >> t & 1 && mg_hash_equal(x.tier[t], y.tier[t])) return t;
    return -1;
}

static bool is_same_shape(const mg_score *a, const mg_score *b)
{
    bool is_same;
    REQUIRE(mg_score_same_shape(a, b, &is_same, NULL) == MG_OK);
    mg_fingerprint x = print_of(a), y = print_of(b);
    if (is_same) CHECK(mg_fingerprint_may_match(&x, &y));
    return is_same;
}

/* ---- tiers ---- */

static void tiers_by_what_differs(void)
{
    mg_score *a = performance(1, 60, 480), *b = performance(1, 60, 480);
    CHECK_INT(tier_of(a, b), MG_T1);
    mg_note last = b->notes[59]; /* the order within a track says nothing */
    b->notes[59] = b->notes[58];
    b->notes[58] = last;
    CHECK_INT(tier_of(a, b), MG_T1);
    for (size_t i = 0; i < 60; i++) b->notes[i].track = !b->notes[i].track;
    CHECK_INT(tier_of(a, b), MG_T2);
    for (size_t i = 0; i < 60; i++) b->notes[i].track = 0;
    CHECK_INT(tier_of(a, b), MG_T3);
    for (size_t i = 0; i < 60; i++) b->notes[i].start *= 3, b->notes[i].end *= 3;
    b->ticks_per_quarter = 1440;
    CHECK_INT(tier_of(a, b), MG_T3);
    b->notes[7].velocity ^= 1;
    CHECK_INT(tier_of(a, b), MG_T4);
    b->notes[8].pitch++;
    CHECK_INT(tier_of(a, b), -1);
    mg_score_free(a);
    mg_score_free(b);
}

static void controls_and_tempi_are_events(void)
{
    mg_score *a = performance(1, 60, 480), *b = performance(1, 60, 480);
    b->tempos = mg_alloc_zero(1, sizeof *b->tempos);
    b->tempos[0].us_per_quarter = 400000;
    b->n_tempos = 1;
    CHECK_INT(tier_of(a, b), MG_T3);
    b->n_tempos = 0;
    CHECK_INT(tier_of(a, b), MG_T1);
    b->controls = mg_alloc_zero(1, sizeof *b->controls);
    b->n_controls = 1;
    CHECK_INT(tier_of(a, b), MG_T3);
    mg_score_free(a);
    mg_score_free(b);
}

static void whole_factors_and_transposition_are_exact(void)
{
    mg_score *a = performance(3, 100, 480);
    for (int factor = 1; factor < 6; factor++) {
        mg_score *b = copy_of(a, factor, 480, factor - 3);
        CHECK_INT(tier_of(a, b), MG_T4);
        mg_fingerprint x = print_of(a), y = print_of(b);
        CHECK_INT(y.low - x.low, factor - 3);
        CHECK_NEAR((y.last_s - y.start_s) / (x.last_s - x.start_s), factor, 1e-12);
        mg_score_free(b);
    }
    mg_score_free(a);
}

static void few_notes_have_no_t4(void)
{
    mg_score *a = performance(3, MG_T4_NOTES, 480), *b = copy_of(a, 2, 480, 1);
    CHECK_INT(tier_of(a, b), MG_T4);
    a->n_notes--, b->n_notes--;
    CHECK_INT(tier_of(a, b), -1);
    a->n_notes = b->n_notes = 0;
    CHECK_INT(print_of(a).tiers, 0);
    mg_score_free(a);
    mg_score_free(b);
}

/* ---- rounding ---- */

static void rounded_copies_are_found(void)
{
    static const double factors[] = {0.31, 0.5, 0.7311, 0.93, 1.07, 1.3333333, 2.9};
    static const int grids[] = {24, 96, 100, 220, 384, 480, 960};
    for (uint64_t seed = 0; seed < 20; seed++) {
        mg_score *a = performance(seed, 20 + 100 * seed, 480);
        for (int i = 0; i < 7; i++) {
            mg_score *scaled = copy_of(a, factors[i], 480, i - 3);
            mg_score *regridded = copy_of(a, grids[i] / 480.0, grids[i], 0);
            CHECK(is_same_shape(a, scaled));
            CHECK(is_same_shape(regridded, a));
            CHECK(is_same_shape(scaled, regridded) || grids[i] < 96);
            mg_score_free(scaled);
            mg_score_free(regridded);
        }
        mg_score_free(a);
    }
}

static void one_note_elsewhere_is_another_piece(void)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        mg_score *a = performance(seed, 1000, 480), *b = copy_of(a, 0.73, 480, 5);
        CHECK(is_same_shape(a, b));
        b->notes[seed * 40].start += 60; /* an eighth note in b, scaled */
        CHECK(!is_same_shape(a, b));
        mg_score_free(b);
        b = copy_of(a, 0.73, 480, 5);
        b->notes[seed * 40].pitch++;
        CHECK(!is_same_shape(a, b));
        mg_score_free(a);
        mg_score_free(b);
    }
}

/* Dotted and even eighths are a tick apart on a grid of four. */
static void rhythms_of_coarse_grids_are_kept_apart(void)
{
    mg_score *a = performance(1, 16, 4), *b = performance(1, 16, 4);
    for (int i = 0; i < 16; i++) {
        a->notes[i].start = 2 * i;
        b->notes[i].start = 2 * i + i % 2;
    }
    CHECK(is_same_shape(a, a));
    CHECK(!is_same_shape(a, b));
    mg_score_free(a);
    mg_score_free(b);
}

static void different_performances_are_different(void)
{
    for (uint64_t seed = 0; seed < 30; seed++) {
        mg_score *a = performance(seed, 50, 480), *b = performance(seed + 100, 50, 480);
        for (int i = 0; i < 50; i++) b->notes[i].pitch = a->notes[i].pitch; /* the same outline, another rhythm */
        CHECK(!is_same_shape(a, b));
        CHECK_INT(tier_of(a, b), -1);
        mg_score_free(a);
        mg_score_free(b);
    }
}

static mg_score *kept;

static void find_mutated(const char *path, void *user)
{
    int *counts = user; /* copies, found, files that equal the one before */
    mg_file file;
    mg_score *score = NULL;
    mg_read_options options = mg_read_defaults();
    if (mg_file_read(path, 0, &file, NULL)) return;
    if (mg_midi_read(file.data, file.size, &options, &score, NULL) == MG_OK && score->n_notes >= MG_T4_NOTES &&
        score->ticks_per_quarter >= 24) {
        mg_random random = mg_random_at(1, path, 0);
        double factor = 0.4 + 2 * mg_random_unit(&random);
        mg_score *scaled = copy_of(score, factor, score->ticks_per_quarter, 1);
        mg_score *regridded = copy_of(score, 120.0 / score->ticks_per_quarter, 120, 0);
        counts[0] += 2;
        int found = is_same_shape(score, scaled) + is_same_shape(score, regridded);
        if (found < 2) printf("# not found: copy of %s\n", path);
        counts[1] += found;
        counts[2] += kept && is_same_shape(kept, score);
        mg_score_free(scaled);
        mg_score_free(regridded);
        mg_score_free(kept);
        kept = score;
        score = NULL;
    }
    mg_score_free(score);
    mg_file_free(&file);
}

static void rounded_copies_of_real_music_are_found(void)
{
    int counts[3] = {0};
    if (!each_midi_file("../shared/data/freedoom-multitrack", find_mutated, counts))
        SKIP("../shared/data is not there");
    each_midi_file("../shared/data/piano-midi-de", find_mutated, counts);
    each_midi_file("../shared/data/groove/drummer1", find_mutated, counts);
    printf("# %d of %d copies found; %d files equal their neighbour\n", counts[1], counts[0], counts[2]);
    CHECK(counts[0] > 500);
    CHECK_INT(counts[1], counts[0]);
    mg_score_free(kept);
    kept = NULL;
}

/* ---- the search ---- */

static mg_buffer records;

static mg_status keep_line(void *user, const char *text, size_t length, mg_error *why)
{
    (void)user, (void)why;
    mg_buffer_add(&records, text, length);
    mg_buffer_add_char(&records, '\n');
    return records.failed ? MG_NO_MEMORY : MG_OK;
}

static char folder[] = "/tmp/mgen-match-XXXXXX";

static void write_midi(const char *name, const mg_score *score)
{
    mg_buffer out = {0}, path = {0};
    mg_buffer_print(&path, "%s/%s", folder, name);
    REQUIRE(mg_midi_write(score, &out, NULL) == MG_OK);
    FILE *f = fopen(path.data, "wb");
    REQUIRE(f && fwrite(out.data, 1, out.length, f) == out.length && fclose(f) == 0);
    mg_buffer_free(&out);
    mg_buffer_free(&path);
}

static mg_status search_with(const mg_dedup_options *options, const char *const *paths, size_t n)
{
    mg_run run = {.threads = 1, .out = {.line = keep_line}};
    mg_source *source;
    mg_error why = {0};
    mg_buffer_free(&records);
    MG_TRY(mg_source_open(&(mg_source_options){.paths = paths, .n_paths = n}, &source, &why));
    mg_status status = mg_dedup_run(options, source, &run, &why);
    mg_source_close(source);
    return status;
}

static mg_status search_folder(void)
{
    const char *paths[] = {folder};
    mg_dedup_options options = mg_dedup_defaults();
    return search_with(&options, paths, 1);
}

static int count_of(const char *text)
{
    int n = 0;
    for (const char *at = records.data ? records.data : ""; (at = strstr(at, text)); at++) n++;
    return n;
}

/* a: an original, b: rounded and transposed, c: the same bytes as a, d: another piece. */
static void files_are_searched(void)
{
    REQUIRE(mkdtemp(folder) != NULL);
    mg_score *a = performance(5, 200, 480), *b = copy_of(a, 0.9, 480, 4), *d = performance(6, 200, 480);
    for (size_t i = 0; i < b->n_notes; i++) b->notes[i].end = b->notes[i].start + 1;
    write_midi("a.mid", a);
    write_midi("b.mid", b);
    write_midi("c.mid", a);
    write_midi("d.mid", d);
    REQUIRE(search_folder() == MG_OK);
    CHECK_INT(count_of("\"kind\":\"match\""), 2);
    CHECK_INT(count_of("\"kind_of_match\":\"T4\",\"transpose\":-4"), 1); /* from b to a */
    CHECK_INT(count_of("\"T0\""), 1);
    mg_score_free(a);
    mg_score_free(b);
    mg_score_free(d);
}

static void failing_allocations(void)
{
    CHECK_FAILING_ALLOCATIONS(search_folder());
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK_INT(system(command), 0);
}

int main(void)
{
    TEST("each tier forgets what it should", tiers_by_what_differs);
    TEST("controls and tempi are events, not notes", controls_and_tempi_are_events);
    TEST("whole factors and transpositions are exact", whole_factors_and_transposition_are_exact);
    TEST("few notes have no T4, no notes no tier but bytes", few_notes_have_no_t4);
    TEST("copies with rounded ticks are found", rounded_copies_are_found);
    TEST("one note elsewhere is another piece", one_note_elsewhere_is_another_piece);
    TEST("rhythms of coarse grids are kept apart", rhythms_of_coarse_grids_are_kept_apart);
    TEST("different performances of the same pitches are different", different_performances_are_different);
    TEST("rounded copies of real music are found", rounded_copies_of_real_music_are_found);
    TEST("files are searched, and read again where rounding leaves doubt", files_are_searched);
    TEST("every failing allocation is answered", failing_allocations);
    mg_buffer_free(&records);
    return tap_end();
}
