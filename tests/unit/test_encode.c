/* SPDX-License-Identifier: MIT */
/* Encodings: cases worked by hand from the specification, inverses over random and real music, grammars. */
#include "tests/unit/tap.h"

#include <mgen/data.h>

#include <inttypes.h>

/* ---- music made by hand ---- */

typedef struct { int start, end, pitch, velocity; } row;

static mg_score *score_of(const row *rows, size_t n, int ticks_per_quarter)
{
    mg_score *score = mg_score_new();
    score->ticks_per_quarter = ticks_per_quarter;
    score->notes = mg_alloc(n, sizeof *score->notes);
    score->tracks = mg_alloc_zero(1, sizeof *score->tracks);
    for (size_t i = 0; i < n; i++) {
        score->notes[i] = (mg_note){.start = rows[i].start, .end = rows[i].end, .pitch = (uint8_t)rows[i].pitch,
                                    .velocity = (uint8_t)rows[i].velocity, .release = 64};
        if (rows[i].end > score->end_tick) score->end_tick = rows[i].end;
    }
    score->n_notes = score->tracks[0].n_notes = n;
    score->n_tracks = 1;
    score->tracks[0].name = "";
    return score;
}

static const int32_t *tokens_in(const mg_buffer *buffer) { return (const int32_t *)(const void *)buffer->data; }
static size_t count_in(const mg_buffer *buffer) { return buffer->length / sizeof(int32_t); }

static void check_tokens(const mg_buffer *got, const int32_t *want, size_t n)
{
    CHECK_INT(count_in(got), n);
    for (size_t i = 0; i < n && i < count_in(got); i++)
        if (!CHECK(tokens_in(got)[i] == want[i])) printf("# at %zu: %d, not %d\n", i, tokens_in(got)[i], want[i]);
}

/* What the music is written as; and that it comes back. */
#define ENCODES(name, ticks, rows, ...)                                                                  \
    do {                                                                                                   \
        const mg_encoding *e_ = mg_encoding_find(name);                                                    \
        mg_score *score_ = score_of(rows, sizeof(rows) / sizeof *(rows), ticks), *back_ = NULL;            \
        mg_buffer tokens_ = {0}, again_ = {0};                                                             \
        const int32_t want_[] = {__VA_ARGS__};                                                             \
        CHECK_INT(e_->encode(e_, score_, 0, &tokens_, NULL), MG_OK);                                       \
        check_tokens(&tokens_, want_, sizeof want_ / sizeof *want_);                                       \
        CHECK_INT(e_->decode(e_, tokens_in(&tokens_), count_in(&tokens_), 120, 0, &back_, NULL), MG_OK);   \
        CHECK_INT(e_->encode(e_, back_, 0, &again_, NULL), MG_OK);                                         \
        check_tokens(&again_, want_, sizeof want_ / sizeof *want_);                                        \
        mg_score_free(score_), mg_score_free(back_), mg_buffer_free(&tokens_), mg_buffer_free(&again_);    \
    } while (0)

#define REFUSES(name, ticks, rows, words)                                                                  \
    do {                                                                                                   \
        const mg_encoding *e_ = mg_encoding_find(name);                                                    \
        mg_score *score_ = score_of(rows, sizeof(rows) / sizeof *(rows), ticks);                           \
        mg_buffer tokens_ = {0};                                                                           \
        mg_error why_ = {0};                                                                               \
        CHECK_INT(e_->encode(e_, score_, 0, &tokens_, &why_), MG_BAD_DATA);                                \
        CHECK(strstr(why_.text, words));                                                                   \
        mg_score_free(score_), mg_buffer_free(&tokens_);                                                   \
    } while (0)

/* ---- cases from the specification ---- */

static void writes_melodies(void)
{
    /* quarter 60, eighth rest, eighth 62, half 83 that 48 cuts off at once; sixteenths are steps of 6 ticks */
    const row rows[] = {{0, 24, 60, 90}, {36, 48, 62, 90}, {48, 96, 83, 90}, {96, 102, 48, 90}};
    ENCODES("melody38", 24, rows, 14, 0, 0, 0, 1, 0, 16, 0, 37, 0, 0, 0, 0, 0, 0, 0, 2);
    ENCODES("melody130", 24, rows, 62, 0, 0, 0, 1, 0, 64, 0, 85, 0, 0, 0, 0, 0, 0, 0, 50);
    const row late[] = {{48, 54, 127, 90}};
    ENCODES("melody130", 24, late, 0, 0, 0, 0, 0, 0, 0, 0, 129);
}

#define SEVEN(x) x, x, x, x, x, x, x
/* Bars C E, C F, C E, then F with a rest before G; sixteenths are steps of 6 ticks. */
static const row repeating[] = {{0, 48, 60, 90},    {48, 96, 64, 90},   {96, 144, 60, 90},  {144, 192, 65, 90},
                                {192, 240, 60, 90}, {240, 288, 64, 90}, {288, 348, 65, 90}, {360, 366, 67, 90}};

static void says_what_repeats(void)
{
    /* C and E are new, the second C repeats a bar, the third bar two bars; step 56 goes on where F and E began; the
       rest at 58 is new */
    ENCODES("melody-lookback40", 24, repeating, 14, SEVEN(39), 18, SEVEN(39), 38, SEVEN(39), 19, SEVEN(39), 39,
            SEVEN(39), 39, SEVEN(39), 19, SEVEN(39), 0, 39, 1, 39, 21);
    ENCODES("melody-key40", 24, repeating, 12, SEVEN(39), 16, SEVEN(39), 38, SEVEN(39), 17, SEVEN(39), 39, SEVEN(39),
            39, SEVEN(39), 17, SEVEN(39), 36, 39, 37, 39, 19);
}

/* The features after the first n tokens of a melody. */
static void features_after(const char *name, const int32_t *tokens, size_t n, mg_real *out)
{
    const mg_encoding *e = mg_encoding_find(name);
    mg_grammar g = {0};
    for (size_t i = 0; i < n; i++) e->follow(e, &g, tokens[i]);
    e->features(e, &g, out);
}

/* All are 0 but those named: {place, value}. */
static void check_features(const mg_real *got, int n, const int (*want)[2], size_t n_want)
{
    for (int i = 0; i < n; i++) {
        int value = 0;
        for (size_t k = 0; k < n_want; k++)
            if (want[k][0] == i) value = want[k][1];
        if (!CHECK((int)got[i] == value)) printf("# feature %d is %g, not %d\n", i, (double)got[i], value);
    }
}
#define FEATURES(name, tokens, n_tokens, n, ...)                                                     \
    do {                                                                                             \
        mg_real got_[n];                                                                             \
        const int want_[][2] = {__VA_ARGS__};                                                        \
        CHECK_INT(mg_encoding_find(name)->n_features, n);                                            \
        features_after(name, tokens, n_tokens, got_);                                                \
        check_features(got_, n, want_, sizeof want_ / sizeof *want_);                                \
    } while (0)

static void looks_back_one_bar_and_two(void)
{
    const int32_t x[] = {14, SEVEN(39), 18, SEVEN(39), 38, SEVEN(39), 19, SEVEN(39), 39, 39};
    /* last event, event of a bar and of two bars before the next; counter from 114; repeats at 119, 120 */
    FEATURES("melody-lookback40", x, 0, 121, {0, 1}, {38, 1}, {76, 1}, {114, -1}, {115, -1}, {116, -1}, {117, -1},
             {118, -1});
    FEATURES("melody-lookback40", x, 9, 121, {18, 1}, {38, 1}, {76, 1}, {114, 1}, {115, -1}, {116, -1}, {117, 1},
             {118, -1});
    FEATURES("melody-lookback40", x, 24, 121, {0, 1}, {38 + 18, 1}, {76, 1}, {114, -1}, {115, -1}, {116, -1}, {117, 1},
             {118, 1}, {119, 1});
    FEATURES("melody-lookback40", x, 33, 121, {14, 1}, {38, 1}, {76, 1}, {114, 1}, {115, -1}, {116, -1}, {117, -1},
             {118, -1}, {119, 1}, {120, 1});
}

#define ALL_KEYS(at)                                                                                          \
    {(at), 1}, {(at) + 1, 1}, {(at) + 2, 1}, {(at) + 3, 1}, {(at) + 4, 1}, {(at) + 5, 1}, {(at) + 6, 1},      \
        {(at) + 7, 1}, {(at) + 8, 1}, {(at) + 9, 1}, {(at) + 10, 1}, {(at) + 11, 1}

static void knows_keys_and_the_course_of_the_line(void)
{
    const int32_t x[] = {12, SEVEN(39), 16, SEVEN(39), 38, SEVEN(39), 17, SEVEN(39), 39};
    /* silence at 37, counter from 42, a bar begins at 49, every key holds nothing equally well */
    FEATURES("melody-key40", x, 0, 74, {37, 1}, {42, -1}, {43, -1}, {44, -1}, {45, -1}, {46, -1}, {47, -1}, {48, -1},
             {49, 1}, ALL_KEYS(50), ALL_KEYS(62));
    /* C sounds (12, 36), struck now (38), from F down (39), repeats a bar and two; C, E and F lie in C and F major */
    FEATURES("melody-key40", x, 33, 74, {12, 1}, {36, 1}, {38, 1}, {39, -1}, {40, 1}, {41, 1}, {42, 1}, {43, -1},
             {44, -1}, {45, -1}, {46, -1}, {47, 1}, {48, -1}, {50, 1}, {55, 1}, {62, 1}, {67, 1});
    /* C#, silence: the attack stays until an event that is none; Db D E Gb Ab A B hold C# */
    const int32_t off[] = {13, 37};
    FEATURES("melody-key40", off, 2, 74, {37, 1}, {38, 1}, {42, -1}, {43, 1}, {44, -1}, {45, -1}, {46, -1}, {47, -1},
             {48, -1}, {51, 1}, {52, 1}, {54, 1}, {56, 1}, {58, 1}, {59, 1}, {61, 1}, {63, 1}, {64, 1}, {66, 1},
             {68, 1}, {70, 1}, {71, 1}, {73, 1});
}

static void refuses_what_is_no_melody(void)
{
    const row chord[] = {{0, 24, 60, 90}, {0, 24, 64, 90}}, overlap[] = {{0, 24, 60, 90}, {18, 30, 62, 90}};
    const row low[] = {{0, 24, 47, 90}}, high[] = {{0, 24, 84, 90}};
    REFUSES("melody38", 24, chord, "two notes sound at step 0");
    REFUSES("melody38", 24, overlap, "two notes sound at step 3");
    REFUSES("melody38", 24, low, "pitch 47 is outside of 48..83");
    REFUSES("melody38", 24, high, "pitch 84 is outside of 48..83");
}

static void writes_the_five_notes_as_magenta_does(void)
{
    const row rows[] = {{0, 500, 60, 99}, {0, 1000, 64, 99}, {250, 500, 67, 63}, {750, 875, 62, 127},
                        {2500, 3750, 48, 3}};
    ENCODES("performance388", 500, rows, 380, 60, 64, 280, 371, 67, 280, 188, 195, 280, 387, 62, 268, 190, 267, 192,
            355, 305, 356, 48, 355, 280, 176);
}

static void writes_the_keys_of_a_piano(void)
{
    /* on 0..87, off 88..175, shift 176..275, velocity 276..307; the Music Transformer's set has two more in front */
    const row rows[] = {{0, 10, 21, 1}, {0, 1010, 108, 127}};
    ENCODES("performance308", 500, rows, 276, 0, 307, 87, 176, 88, 275, 175);
    ENCODES("performance310", 500, rows, 278, 2, 309, 89, 178, 90, 277, 177);
    const row low[] = {{0, 10, 20, 1}};
    REFUSES("performance310", 500, low, "pitch 20 is outside of 21..108");
}

static void writes_polyphony_from_high_to_low(void)
{
    /* C and E struck, E struck again while C goes on, silence, G */
    const row rows[] = {{0, 12, 60, 90}, {0, 6, 64, 90}, {6, 12, 64, 90}, {18, 24, 67, 90}};
    ENCODES("polyphony259", 24, rows, 3 + 64, 3 + 60, 2, 3 + 64, 131 + 60, 2, 2, 3 + 67, 2);
}

static void writes_rolls_with_their_silence(void)
{
    const row rows[] = {{0, 12, 60, 90}, {0, 6, 108, 90}, {18, 24, 21, 90}};
    ENCODES("roll88", 24, rows, 60, 108, 128, 60, 128, 128, 21, 128);
    const mg_encoding *e = mg_encoding_find("roll88");
    mg_score *score = NULL;
    mg_buffer again = {0};
    const int32_t frames[] = {128, 60, 128, 128, 128};
    REQUIRE(e->decode(e, frames, 5, 120, 1, &score, NULL) == MG_OK);
    CHECK_INT(e->encode(e, score, 1, &again, NULL), MG_OK);
    check_tokens(&again, frames, 5);
    mg_score_free(score), mg_buffer_free(&again);
}

static void rounds_halves_up_to_the_grid(void)
{
    const row rows[] = {{3, 4, 60, 90}, {8, 15, 62, 90}}; /* 0.5 and 1.33 steps of 6; a note is at least a step long */
    const row rest[] = {{2, 9, 60, 90}, {21, 24, 62, 90}};
    ENCODES("melody38", 24, rest, 14, 0, 1, 0, 16);
    REFUSES("melody38", 24, ((row[]){rows[0], {3, 9, 62, 90}}), "two notes sound at step 1");
    ENCODES("melody38", 24, ((row[]){rows[0]}), 0, 14);
}

static void counts_on_other_grids(void)
{
    const mg_encoding *e = mg_encoding_find("melody38");
    const row rows[] = {{0, 8, 60, 90}, {8, 16, 62, 90}, {16, 24, 64, 90}}; /* a triplet of eighths */
    const int32_t want[] = {14, 16, 18};
    mg_score *score = score_of(rows, 3, 24), *back = NULL;
    mg_buffer tokens = {0};
    CHECK_INT(e->encode(e, score, 3, &tokens, NULL), MG_OK);
    check_tokens(&tokens, want, 3);
    REQUIRE(e->decode(e, want, 3, 90, 3, &back, NULL) == MG_OK);
    CHECK_INT(back->ticks_per_quarter, 480);
    CHECK_INT(back->notes[2].start, 320);
    CHECK_INT(back->tempos[0].us_per_quarter, 666667);
    mg_score_free(score), mg_score_free(back), mg_buffer_free(&tokens);
}

/* ---- decoding what nobody would write ---- */

static void decodes(const char *name, const int32_t *tokens, size_t n, const row *want, size_t n_want)
{
    const mg_encoding *e = mg_encoding_find(name);
    mg_score *score = NULL;
    REQUIRE(e->decode(e, tokens, n, 120, 0, &score, NULL) == MG_OK);
    int64_t ticks = e->steps_per_second ? 10 : 120;
    CHECK_INT(score->n_notes, n_want);
    for (size_t i = 0; i < n_want && i < score->n_notes; i++) {
        CHECK_INT(score->notes[i].start, want[i].start * ticks);
        CHECK_INT(score->notes[i].end, want[i].end * ticks);
        CHECK_INT(score->notes[i].pitch, want[i].pitch);
        CHECK_INT(score->notes[i].velocity, want[i].velocity);
    }
    mg_score_free(score);
}
#define DECODES(name, tokens, ...)                                                                        \
    do {                                                                                                  \
        const row want_[] = {__VA_ARGS__};                                                                \
        decodes(name, tokens, sizeof(tokens) / sizeof *(tokens), want_, sizeof want_ / sizeof *want_);    \
    } while (0)

static void closes_every_note(void)
{
    const int32_t hanging[] = {60, 256 + 9, 62, 256 + 99, 355, 355, 355, 355, 355, 999, -4};
    DECODES("performance388", hanging, {0, 500, 60, 100}, {10, 510, 62, 100});
    const int32_t nonsense[] = {128 + 50, 60, 128 + 60, 62, 256, 62, 256, 190, 256, 190};
    DECODES("performance388", nonsense, {0, 2, 62, 100}, {1, 3, 62, 100});
    const int32_t eos[] = {2, 178, 1, 3, 178};
    DECODES("performance310", eos, {0, 1, 21, 100});
    const int32_t melody[] = {1, 1, 70, -1, 14, 0, 14};
    DECODES("melody38", melody, {2, 4, 60, 100}, {4, 5, 60, 100});
    /* -1 and 40 are nothing, a repeat of what was not yet is no event, the second off ends nothing */
    const int32_t lookback[] = {38, 39, -1, 14, 40, 1, 1, 16};
    DECODES("melody-lookback40", lookback, {2, 3, 60, 100}, {5, 6, 62, 100});
    const int32_t polyphony[] = {0, 131 + 60, 3 + 60, 3 + 60, 2, 131 + 60, 131 + 62, 2, 2, 3 + 62, 1, 3 + 64, 2};
    DECODES("polyphony259", polyphony, {0, 2, 60, 100}, {3, 4, 62, 100});
    const int32_t roll[] = {20, 60, 128, 60, 109, 128, 60};
    DECODES("roll88", roll, {0, 3, 60, 100});
}

/* Any numbers at all: some of the vocabulary, some beside it, some far away. */
static int32_t hostile_token(const mg_encoding *e, mg_random *random)
{
    static const int32_t odd[] = {-1, INT32_MIN, INT32_MAX, MG_FRAME_END};
    uint32_t kind = mg_random_below(random, 8);
    return kind < 4 ? odd[kind] : (int32_t)mg_random_below(random, (uint32_t)e->vocab + kind - 4);
}

static void survives_any_tokens(void)
{
    enum { LENGTH = 200, MOST_FEATURES = 256 };
    for (size_t k = 0; mg_encoding_at(k); k++) {
        const mg_encoding *e = mg_encoding_at(k);
        for (uint64_t seed = 0; seed < 100; seed++) {
            mg_random random = mg_random_at(seed, "hostile", k);
            mg_grammar grammar = {0};
            int32_t tokens[LENGTH];
            mg_real features[MOST_FEATURES];
            mg_score *score = NULL;
            REQUIRE(e->n_features <= MOST_FEATURES);
            for (int i = 0; i < LENGTH; i++) {
                tokens[i] = hostile_token(e, &random);
                if (e->follow) e->follow(e, &grammar, tokens[i]);
                if (e->features) e->features(e, &grammar, features);
                for (int f = 0; f < e->n_features; f++) CHECK(features[f] >= -1 && features[f] <= 1);
            }
            REQUIRE(e->decode(e, tokens, LENGTH, 120, 0, &score, NULL) == MG_OK);
            for (size_t i = 0; i < score->n_notes; i++) {
                CHECK(score->notes[i].start >= 0 && score->notes[i].end > score->notes[i].start);
                CHECK(score->notes[i].pitch >= e->low && score->notes[i].pitch <= e->high);
            }
            mg_score_free(score);
        }
    }
}

/* ---- inverses ---- */

static uint32_t below(mg_random *random, int n) { return mg_random_below(random, (uint32_t)n); }

/* Random music on the encoding's grid that it can say whole: no overlap on a pitch, none at all in a melody. */
static mg_score *random_score(const mg_encoding *e, uint64_t seed)
{
    mg_random random = mg_random_at(seed, "music", 0);
    enum { MOST = 60 };
    row rows[MOST];
    int n = 1 + (int)below(&random, MOST), step = 0, ends[128] = {0};
    int ticks = e->steps_per_second ? 10 : 120, bins = e->steps_per_second ? 32 : 1;
    bool is_melody = strncmp(e->name, "melody", 6) == 0;
    for (int i = 0; i < n; i++) {
        int pitch = e->low + (int)below(&random, e->high - e->low + 1), length = 1 + (int)below(&random, 300);
        if (ends[pitch] > step || (e->is_roll && ends[pitch] == step)) step = ends[pitch] + e->is_roll;
        int bin = e->steps_per_second ? (int)below(&random, bins) : 0;
        rows[i] = (row){step * ticks, (step + length) * ticks, pitch, bins > 1 ? 1 + 4 * bin : 100};
        ends[pitch] = step + length;
        step += is_melody ? length + (int)below(&random, 3) : (int)below(&random, 120);
    }
    return score_of(rows, (size_t)n, e->steps_per_second ? 500 : 480);
}

static bool are_equal(const mg_score *a, const mg_score *b)
{
    const mg_note **x = mg_score_sorted_notes(a), **y = mg_score_sorted_notes(b);
    bool same = a->n_notes == b->n_notes;
    for (size_t i = 0; same && i < a->n_notes; i++)
        same = x[i]->start == y[i]->start && x[i]->end == y[i]->end && x[i]->pitch == y[i]->pitch &&
               x[i]->velocity == y[i]->velocity;
    mg_free(x), mg_free(y);
    return same;
}

static void gives_random_music_back(void)
{
    for (size_t k = 0; mg_encoding_at(k); k++) {
        const mg_encoding *e = mg_encoding_at(k);
        for (uint64_t seed = 0; seed < 300; seed++) {
            mg_score *score = random_score(e, seed), *back = NULL;
            mg_buffer tokens = {0};
            REQUIRE(e->encode(e, score, 0, &tokens, NULL) == MG_OK);
            REQUIRE(e->decode(e, tokens_in(&tokens), count_in(&tokens), 120, 0, &back, NULL) == MG_OK);
            if (!CHECK(are_equal(score, back))) printf("# %s, seed %" PRIu64 "\n", e->name, seed);
            mg_score_free(score), mg_score_free(back), mg_buffer_free(&tokens);
        }
    }
}

/* encode(decode(t)) == t for the t that encode makes of music on the grid: so the music is put on the grid first, by a
   round of its own, which must not change what is heard. */
static bool comes_back(const mg_encoding *e, const mg_score *score, bool *is_sayable)
{
    mg_buffer first = {0}, tokens = {0}, again = {0};
    mg_score *on_grid = NULL, *back = NULL;
    bool same = true;
    *is_sayable = e->encode(e, score, 0, &first, NULL) == MG_OK;
    if (*is_sayable) {
        same = e->decode(e, tokens_in(&first), count_in(&first), 97.3, 0, &on_grid, NULL) == MG_OK &&
               e->encode(e, on_grid, 0, &tokens, NULL) == MG_OK &&
               e->decode(e, tokens_in(&tokens), count_in(&tokens), 97.3, 0, &back, NULL) == MG_OK &&
               e->encode(e, back, 0, &again, NULL) == MG_OK && are_equal(on_grid, back) &&
               tokens.length == again.length &&
               (tokens.length == 0 || memcmp(tokens.data, again.data, again.length) == 0);
        if (e->steps_per_quarter) same = same && first.length == again.length;
        if (e->steps_per_quarter && same && first.length) same = memcmp(first.data, again.data, again.length) == 0;
    }
    mg_score_free(on_grid), mg_score_free(back);
    mg_buffer_free(&first), mg_buffer_free(&tokens), mg_buffer_free(&again);
    return same;
}

static mg_score *read_score(const char *path)
{
    mg_file file;
    mg_score *score = NULL;
    mg_read_options options = mg_read_defaults();
    if (mg_file_read(path, 0, &file, NULL)) return NULL;
    if (mg_midi_read(file.data, file.size, &options, &score, NULL)) score = NULL;
    mg_file_free(&file);
    return score;
}

static void gives_real_tokens_back(void)
{
    mg_source *source;
    const char *folders[] = {"../shared/data/abc-small", "../shared/data/cre-irish", "../shared/data/plagiarism-pairs",
                             "../shared/data/nasty-midi", "../shared/data/freedoom-multitrack"};
    mg_source_options options = {.paths = folders, .n_paths = 5, .shard = 1, .shards = 4};
    FILE *there = fopen("../shared/data/README.md", "r");
    if (!there) SKIP("../shared/data is not there");
    fclose(there);
    REQUIRE(mg_source_open(&options, &source, NULL) == MG_OK);
    int said[16] = {0};
    for (mg_item item; mg_source_next(source, &item, NULL) == MG_OK; mg_item_clear(&item)) {
        mg_score *score = read_score(item.path);
        for (size_t k = 0; score && mg_encoding_at(k); k++) {
            bool is_sayable;
            if (!CHECK(comes_back(mg_encoding_at(k), score, &is_sayable)))
                printf("# %s of %s\n", mg_encoding_at(k)->name, item.path);
            said[k] += is_sayable;
        }
        mg_score_free(score);
    }
    mg_source_close(source);
    for (size_t k = 0; mg_encoding_at(k); k++)
        if (!CHECK(said[k] >= 20)) printf("# %s: only %d pieces\n", mg_encoding_at(k)->name, said[k]);
}

/* ---- reference values ---- */

static void check_reference(const mg_json *record)
{
    const mg_encoding *e = mg_encoding_find("performance388");
    const mg_json *want = mg_json_get(record, "performance388"), *ids = mg_json_get(want, "ids");
    char path[512];
    snprintf(path, sizeof path, "../shared/%s", mg_json_get_string(record, "path", ""));
    mg_file file;
    mg_score *score = NULL;
    mg_read_options options = mg_read_defaults();
    options.unclosed = MG_UNCLOSED_DROP;
    mg_buffer tokens = {0};
    if (!ids || mg_json_get_real(want, "rounding_margin", 1) < 1e-6) return;
    REQUIRE(mg_file_read(path, 0, &file, NULL) == MG_OK);
    REQUIRE(mg_midi_read(file.data, file.size, &options, &score, NULL) == MG_OK);
    CHECK_INT(e->encode(e, score, 0, &tokens, NULL), MG_OK);
    CHECK_INT(count_in(&tokens), mg_json_get_int(want, "n", -1));
    for (size_t i = 0; i < mg_json_count(ids) && i < count_in(&tokens); i++) {
        int64_t id = -1;
        mg_json_int(mg_json_at(ids, i), &id);
        if (tokens_in(&tokens)[i] != id) {
            printf("# %s at %zu: %d, not %d\n", path, i, tokens_in(&tokens)[i], (int)id);
            CHECK(false);
            break;
        }
    }
    mg_score_free(score), mg_buffer_free(&tokens), mg_file_free(&file);
}

static void agrees_with_note_seq(void)
{
    mg_file file;
    if (mg_file_read("../shared/fixtures/symbolic/events.jsonl", 0, &file, NULL))
        SKIP("../shared/fixtures is not there");
    const char *at = (const char *)file.data, *end = at + file.size;
    int n = 0;
    for (const char *newline; at < end && (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1) {
        mg_json *record;
        REQUIRE(mg_json_parse(at, (size_t)(newline - at), &record, NULL) == MG_OK);
        check_reference(record);
        mg_json_free(record);
        n++;
    }
    CHECK(n > 50);
    mg_file_free(&file);
}

/* ---- grammars ---- */

/* What encode writes is allowed, token by token. */
static void allows_what_is_written(void)
{
    for (size_t k = 0; mg_encoding_at(k); k++) {
        const mg_encoding *e = mg_encoding_at(k);
        for (uint64_t seed = 0; e->allows && seed < 100; seed++) {
            mg_score *score = random_score(e, seed);
            mg_buffer tokens = {0};
            mg_grammar grammar = {0};
            REQUIRE(e->encode(e, score, 0, &tokens, NULL) == MG_OK);
            for (size_t i = 0; i < count_in(&tokens); i++) {
                if (!CHECK(e->allows(e, &grammar, tokens_in(&tokens)[i])))
                    printf("# %s: %d at %zu\n", e->name, tokens_in(&tokens)[i], i);
                e->follow(e, &grammar, tokens_in(&tokens)[i]);
            }
            if (e->end >= 0) CHECK(e->allows(e, &grammar, e->end));
            mg_score_free(score), mg_buffer_free(&tokens);
        }
    }
}

/* A walk through what is allowed decodes to music that is written as the same notes, and never comes to a dead end. */
static void leads_to_music_without_stuck_notes(void)
{
    enum { LENGTH = 400 };
    for (size_t k = 0; mg_encoding_at(k); k++) {
        const mg_encoding *e = mg_encoding_at(k);
        if (!e->allows) continue;
        for (uint64_t seed = 0; seed < 50; seed++) {
            mg_random random = mg_random_at(seed, "walk", k);
            mg_grammar grammar = {0};
            int32_t tokens[LENGTH];
            for (int i = 0; i < LENGTH; i++) {
                int32_t may[512], n = 0;
                for (int32_t token = 0; token < e->vocab; token++)
                    if (token != e->end && e->allows(e, &grammar, token)) may[n++] = token;
                REQUIRE(n > 0);
                tokens[i] = may[below(&random, n)];
                e->follow(e, &grammar, tokens[i]);
            }
            mg_score *score = NULL;
            REQUIRE(e->decode(e, tokens, LENGTH, 120, 0, &score, NULL) == MG_OK);
            bool is_sayable;
            CHECK(comes_back(e, score, &is_sayable));
            CHECK(is_sayable);
            for (size_t i = 0; i < score->n_notes; i++) CHECK(score->notes[i].end > score->notes[i].start);
            mg_score_free(score);
        }
    }
}

static void forbids_stuck_and_double_notes(void)
{
    const mg_encoding *e = mg_encoding_find("performance388");
    mg_grammar g = {0};
    CHECK(!e->allows(e, &g, 60)); /* no velocity yet */
    CHECK(!e->allows(e, &g, 128 + 60));
    e->follow(e, &g, 380);
    CHECK(!e->allows(e, &g, 355)); /* a velocity belongs to a note */
    CHECK(e->allows(e, &g, 60));
    e->follow(e, &g, 60);
    CHECK(!e->allows(e, &g, 60));
    CHECK(!e->allows(e, &g, 128 + 60)); /* of no length */
    CHECK(!e->allows(e, &g, 380));      /* said already */
    e->follow(e, &g, 256);
    CHECK(e->allows(e, &g, 128 + 60));
    CHECK(!e->allows(e, &g, 256)); /* 1 + 1 is said as 2 */
    e->follow(e, &g, 355);
    CHECK(e->allows(e, &g, 256));
    e = mg_encoding_find("polyphony259");
    g = (mg_grammar){0};
    e->follow(e, &g, 3 + 60);
    CHECK(!e->allows(e, &g, 3 + 60) && !e->allows(e, &g, 3 + 61) && e->allows(e, &g, 3 + 59));
    CHECK(!e->allows(e, &g, 131 + 59) && !e->allows(e, &g, 1));
    e->follow(e, &g, 2);
    CHECK(e->allows(e, &g, 131 + 60) && !e->allows(e, &g, 131 + 59) && e->allows(e, &g, 1));
    e = mg_encoding_find("melody-lookback40");
    g = (mg_grammar){0};
    CHECK(e->allows(e, &g, 39) && !e->allows(e, &g, 0) && !e->allows(e, &g, 38) && !e->allows(e, &g, 1));
    e->follow(e, &g, 14);
    for (int i = 1; i < 16; i++) e->follow(e, &g, 39);
    CHECK(e->allows(e, &g, 38) && !e->allows(e, &g, 14) && e->allows(e, &g, 15)); /* a note that repeats says so */
    e = mg_encoding_find("melody38");
    g = (mg_grammar){0};
    CHECK(!e->allows(e, &g, 1));
    e->follow(e, &g, 14), e->follow(e, &g, 0);
    CHECK(e->allows(e, &g, 1));
    e->follow(e, &g, 1);
    CHECK(!e->allows(e, &g, 1));
}

/* ---- vocabularies and failures ---- */

static void names_every_token_once(void)
{
    for (size_t k = 0; mg_encoding_at(k); k++) {
        const mg_encoding *e = mg_encoding_at(k);
        mg_hash_set seen = {0};
        for (int token = 0; token < e->vocab; token++) {
            mg_buffer name = {0};
            bool is_new = false;
            e->token_name(e, token, &name);
            REQUIRE(name.data && mg_hash_set_add(&seen, mg_hash_bytes(name.data, name.length), &is_new) == MG_OK);
            CHECK(is_new);
            mg_buffer_free(&name);
        }
        mg_hash_set_free(&seen);
        CHECK(mg_encoding_find(e->name) == e);
    }
    mg_buffer name = {0};
    const mg_encoding *e = mg_encoding_find("performance310");
    for (int token = 0; token < 3; token++) e->token_name(e, token, &name), mg_buffer_add_char(&name, ' ');
    e->token_name(e, 309, &name);
    CHECK_TEXT(name.data, "PAD EOS NOTE_ON_21 VELOCITY_32");
    mg_buffer_free(&name);
}

static mg_score *fixed;

static mg_status round_trip(const mg_encoding *e)
{
    char hex[33];
    mg_error why = {0};
    mg_buffer tokens = {0};
    mg_score *score = NULL;
    mg_status status = mg_encoding_vocab_hash(e, hex, &why);
    if (!status) status = e->encode(e, fixed, 0, &tokens, &why);
    if (!status) status = e->decode(e, tokens_in(&tokens), count_in(&tokens), 120, 0, &score, &why);
    mg_score_free(score), mg_buffer_free(&tokens);
    return status;
}

static void survives_failing_allocations(void)
{
    const row rows[] = {{0, 240, 60, 90}, {240, 480, 62, 90}, {960, 1080, 48, 60}};
    fixed = score_of(rows, 3, 480);
    for (size_t k = 0; mg_encoding_at(k); k++) CHECK_FAILING_ALLOCATIONS(round_trip(mg_encoding_at(k)));
    mg_score_free(fixed);
}

static void refuses_endless_music(void)
{
    const row rows[] = {{2147483000, 2147483647, 60, 90}};
    mg_score *score = score_of(rows, 1, 1);
    for (size_t k = 0; mg_encoding_at(k); k++) {
        const mg_encoding *e = mg_encoding_at(k);
        mg_buffer tokens = {0};
        CHECK_INT(e->encode(e, score, 0, &tokens, NULL), MG_TOO_LARGE);
        mg_buffer_free(&tokens);
    }
    mg_score_free(score);
}

int main(void)
{
    TEST("melodies are written an event a step", writes_melodies);
    TEST("what repeats a bar or two is said so", says_what_repeats);
    TEST("lookback features are events, a counter and repeats", looks_back_one_bar_and_two);
    TEST("key features are the line, its place and its keys", knows_keys_and_the_course_of_the_line);
    TEST("polyphony and alien pitches are no melody", refuses_what_is_no_melody);
    TEST("the five-note example has Magenta's ids", writes_the_five_notes_as_magenta_does);
    TEST("performance 308 and 310 begin at the lowest key", writes_the_keys_of_a_piano);
    TEST("polyphony is written from high to low", writes_polyphony_from_high_to_low);
    TEST("rolls keep their silent frames", writes_rolls_with_their_silence);
    TEST("halves are rounded up, and no note is lost to the grid", rounds_halves_up_to_the_grid);
    TEST("a grid of thirds holds a triplet", counts_on_other_grids);
    TEST("decoding closes every note and passes over nonsense", closes_every_note);
    TEST("any tokens at all are music of closed notes", survives_any_tokens);
    TEST("random music on the grid comes back exactly", gives_random_music_back);
    TEST("tokens of real music come back exactly", gives_real_tokens_back);
    TEST("performance 388 of real files has the reference's ids", agrees_with_note_seq);
    TEST("grammars allow what encodings write", allows_what_is_written);
    TEST("a walk through a grammar never gets stuck", leads_to_music_without_stuck_notes);
    TEST("grammars forbid stuck and double notes", forbids_stuck_and_double_notes);
    TEST("every token has a name of its own", names_every_token_once);
    TEST("failing allocations are answered", survives_failing_allocations);
    TEST("music without end is refused", refuses_endless_music);
    return tap_end();
}
