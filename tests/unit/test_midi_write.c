/* SPDX-License-Identifier: MIT */
/* What is written is read back equal: made by hand, at random, and all files of ../shared/data. */
#include "tests/unit/scores.h"
#include "tests/unit/tap.h"

static mg_error why;

static mg_score *read_back(const mg_score *score, mg_read_options options)
{
    mg_buffer bytes = {0};
    mg_score *back = NULL;
    if (mg_midi_write(score, &bytes, &why)) return NULL;
    mg_midi_read(bytes.data, bytes.length, &options, &back, &why);
    mg_buffer_free(&bytes);
    return back;
}

static void add_note(mg_score *s, int track, int channel, int pitch, int64_t start, int64_t end, int velocity)
{
    static size_t capacity; /* of one score at a time */
    if (s->n_notes == 0) capacity = 0;
    REQUIRE(mg_grow((void **)&s->notes, s->n_notes, &capacity, sizeof *s->notes));
    s->notes[s->n_notes++] = (mg_note){.start = start, .end = end, .track = (uint16_t)track, .pitch = (uint8_t)pitch,
                                       .channel = (uint8_t)channel, .velocity = (uint8_t)velocity, .release = 64};
    s->tracks[track].n_notes++;
    if (end > s->tracks[track].end_tick) s->tracks[track].end_tick = end;
}

static mg_score *new_score(size_t n_tracks, int ticks_per_quarter)
{
    mg_score *s = mg_score_new();
    REQUIRE(s);
    s->tracks = mg_alloc_zero(n_tracks, sizeof *s->tracks);
    REQUIRE(s->tracks);
    s->n_tracks = n_tracks;
    s->ticks_per_quarter = ticks_per_quarter;
    for (size_t i = 0; i < n_tracks; i++) s->tracks[i].name = "";
    return s;
}

static void repeated_and_empty_notes(void)
{
    mg_score *s = new_score(1, 480);
    add_note(s, 0, 0, 60, 0, 480, 80);
    add_note(s, 0, 0, 60, 480, 480, 81); /* of no length, between two that touch */
    add_note(s, 0, 0, 60, 480, 960, 82);
    add_note(s, 0, 0, 60, 700, 1200, 83); /* overlapping, ends in order */
    s->notes[3].release = 20;
    mg_score *back = read_back(s, mg_read_defaults());
    REQUIRE(back);
    CHECK_TEXT(scores_differ(s, back) ? scores_differ(s, back) : "equal", "equal");
    CHECK_INT(back->n_repairs, 0);
    mg_score_free(s);
    mg_score_free(back);
}

static void long_silences(void)
{
    mg_score *s = new_score(1, 30000);
    add_note(s, 0, 3, 1, 0x30000005, 0x30000007, 1);
    mg_read_options options = mg_read_defaults();
    mg_score *back = read_back(s, options);
    REQUIRE(back);
    CHECK_INT(back->notes[0].start, 0x30000005);
    mg_score_free(s);
    mg_score_free(back);
}

static void time_bases(void)
{
    mg_score *s = new_score(1, 0);
    add_note(s, 0, 0, 60, 0, 1000, 80);
    static const int rates[][2] = {{960, 1}, {1000, 1}, {2400, 1}, {30000 * 80, 1001}};
    for (int i = 0; i < 4; i++) {
        s->smpte_rate_num = rates[i][0], s->smpte_rate_den = rates[i][1];
        mg_score *back = read_back(s, mg_read_defaults());
        REQUIRE(back);
        CHECK_INT(back->ticks_per_quarter, 0);
        CHECK_INT((long long)back->smpte_rate_num * rates[i][1], (long long)rates[i][0] * back->smpte_rate_den);
        mg_score_free(back);
    }
    s->smpte_rate_num = 7;
    CHECK(read_back(s, mg_read_defaults()) == NULL);
    CHECK_INT(why.status, MG_UNSUPPORTED);
    mg_score_free(s);
}

static void chord_symbols(void)
{
    mg_score *s = new_score(1, 480);
    s->texts = mg_alloc_zero(1, sizeof *s->texts);
    s->n_texts = 1;
    s->texts[0] = (mg_text_event){.tick = 10, .kind = MG_TEXT_CHORD, .text = "F#m7"};
    mg_score *back = read_back(s, mg_read_defaults());
    REQUIRE(back);
    CHECK_TEXT(scores_differ(s, back) ? scores_differ(s, back) : "equal", "equal");
    mg_score_free(s);
    mg_score_free(back);
}

/* A program change takes the bank that was selected before it. */
static void banks_before_programs(void)
{
    mg_score *s = new_score(1, 480);
    static const mg_control controls[] = {{.number = 7, .value = 90}, {.number = 0, .value = 3}, {.number = 10}};
    s->controls = mg_alloc_zero(3, sizeof *s->controls);
    s->programs = mg_alloc_zero(1, sizeof *s->programs);
    memcpy(s->controls, controls, sizeof controls);
    s->programs[0] = (mg_program){.program = 5};
    s->n_controls = 3;
    s->n_programs = 1;
    mg_score *back = read_back(s, mg_read_defaults());
    mg_buffer bytes = {0};
    REQUIRE(back && mg_midi_write(s, &bytes, &why) == MG_OK);
    CHECK_TEXT(scores_differ(s, back) ? scores_differ(s, back) : "equal", "equal");
    CHECK(bytes.length > 22 && memmem(bytes.data + 22, bytes.length - 22, "\0\xb0\7\x5a\0\0\3\0\xc0\5\0\xb0\12", 13));
    mg_buffer_free(&bytes);
    mg_score_free(s);
    mg_score_free(back);
}

/* Random notes whose ends stay in order key by key, as fifo pairing makes them. */
static void random_scores(void)
{
    for (uint64_t round = 0; round < 200; round++) {
        mg_random random = mg_random_at(7, "score", round);
        mg_score *s = new_score(1 + mg_random_below(&random, 4), 1 + (int)mg_random_below(&random, 32767));
        for (uint32_t t = 0, n = 0; t < s->n_tracks; t++) {
            int64_t start = 0, last_end[16] = {0};
            s->tracks[t].first_note = s->n_notes;
            for (n = mg_random_below(&random, 60); n > 0; n--) {
                int key = (int)mg_random_below(&random, 16);
                start += mg_random_below(&random, 3) ? 0 : mg_random_below(&random, 5000);
                int64_t end = start + mg_random_below(&random, 8000);
                if (end < last_end[key]) end = last_end[key];
                last_end[key] = end;
                add_note(s, (int)t, key / 4, 60 + key % 4, start, end, 1 + (int)mg_random_below(&random, 127));
                s->notes[s->n_notes - 1].release = (uint8_t)mg_random_below(&random, 128);
            }
        }
        mg_score *back = read_back(s, mg_read_defaults());
        REQUIRE(back);
        const char *what = scores_differ(s, back);
        if (!CHECK(!what)) printf("# round %llu: %s differ\n", (unsigned long long)round, what);
        mg_score_free(s);
        mg_score_free(back);
    }
}

typedef struct { int files, unreadable, unequal; } tally;

static void round_trip(const char *path, void *user)
{
    tally *t = user;
    mg_file file;
    mg_score *score = NULL;
    mg_read_options options = mg_read_defaults();
    t->files++;
    if (mg_file_read(path, 0, &file, &why)) return;
    if (mg_midi_read(file.data, file.size, &options, &score, &why)) {
        t->unreadable++;
    } else {
        mg_score *back = read_back(score, options);
        const char *what = !back ? why.text : back->n_repairs ? "repairs" : scores_differ(score, back);
        if (what) printf("# %s: %s\n", path, what);
        t->unequal += what != NULL;
        mg_score_free(back);
    }
    mg_score_free(score);
    mg_file_free(&file);
}

static void real_files(void)
{
    tally t = {0};
    if (!each_midi_file("../shared/data", round_trip, &t)) SKIP("../shared/data is not there");
    printf("# %d files, %d refused by the reader, %d not equal\n", t.files, t.unreadable, t.unequal);
    CHECK(t.files > 4000);
    CHECK(t.unreadable < 20);
    CHECK_INT(t.unequal, 0);
}

static mg_status write_once(const mg_score *score)
{
    mg_buffer bytes = {0};
    mg_status status = mg_midi_write(score, &bytes, &why);
    mg_buffer_free(&bytes);
    return status;
}

static void failing_allocations(void)
{
    mg_score *s = new_score(1, 480);
    for (int i = 0; i < 100; i++) add_note(s, 0, 0, 60, i * 10, i * 10 + 5, 80);
    CHECK_FAILING_ALLOCATIONS(write_once(s));
    mg_score_free(s);
}

int main(void)
{
    TEST("notes that touch, overlap or have no length come back", repeated_and_empty_notes);
    TEST("silences longer than a delta time can say come back", long_silences);
    TEST("SMPTE time bases come back, others are refused", time_bases);
    TEST("chord symbols come back", chord_symbols);
    TEST("banks are selected before programs", banks_before_programs);
    TEST("random scores come back equal", random_scores);
    TEST("every MIDI file of ../shared/data comes back equal", real_files);
    TEST("every failing allocation is answered", failing_allocations);
    return tap_end();
}
