/* SPDX-License-Identifier: MIT */
/* The built-in synthesiser is in tune, obeys its controllers, ends, and is the same every time; renderings reach their
   loudness. */
#include "tests/unit/tap.h"

#include <mgen/synth.h>

#include <unistd.h>

enum { RATE = 44100 };

static char folder[] = "/tmp/mgen-test-XXXXXX";
static char path[128];
static mg_synth *built_in;

/* ---- scores ---- */

static mg_score *score_new(const mg_note *notes, size_t n, int program)
{
    mg_score *score = mg_score_new();
    REQUIRE(score && (score->notes = mg_alloc(n, sizeof *notes)) &&
            (score->tracks = mg_alloc_zero(1, sizeof(mg_track))) &&
            (score->programs = mg_alloc_zero(1, sizeof(mg_program))) &&
            (score->controls = mg_alloc_zero(8, sizeof(mg_control))) &&
            (score->bends = mg_alloc_zero(1, sizeof(mg_bend))) &&
            (score->texts = mg_alloc_zero(2, sizeof(mg_text_event))));
    if (n) memcpy(score->notes, notes, n * sizeof *notes);
    score->n_notes = n;
    score->n_tracks = 1;
    score->tracks[0] = (mg_track){.name = "", .n_notes = n};
    score->ticks_per_quarter = 480; /* 960 ticks a second */
    score->programs[0].program = (uint8_t)program;
    score->n_programs = 1;
    return score;
}

static void control(mg_score *score, int64_t tick, int number, int value)
{
    score->controls[score->n_controls++] =
        (mg_control){.tick = tick, .number = (uint8_t)number, .value = (uint8_t)value};
}

/* ---- renderings ---- */

typedef struct {
    mg_file file;
    const float *samples; /* stereo */
    size_t frames;
    mg_rendering about;
} sound;

static mg_render_options raw_options(void)
{
    mg_render_options options = mg_render_defaults();
    options.depth = MG_FLOAT_32;
    options.loudness_lufs = NAN;
    options.ceiling_dbtp = 40;
    return options;
}

static mg_status render(const mg_synth *synth, const mg_score *score, const mg_render_options *options, sound *s)
{
    mg_out *out;
    *s = (sound){0};
    MG_TRY(mg_out_open(path, true, &out, NULL));
    mg_status status = mg_render(synth, score, options, out, path, &s->about, NULL);
    if (status) return mg_out_abandon(out), status;
    MG_TRY(mg_out_commit(out, NULL));
    MG_TRY(mg_file_read(path, 0, &s->file, NULL));
    s->samples = (const float *)(const void *)(s->file.data + 12 + 24 + 12 + 8); /* RIFF, fmt, fact, data */
    s->frames = (s->file.size - 56) / 8;
    return MG_OK;
}

/* Renders, raw, and frees the score. */
static sound play(mg_score *score)
{
    mg_render_options options = raw_options();
    sound s;
    REQUIRE(render(built_in, score, &options, &s) == MG_OK);
    mg_score_free(score);
    return s;
}

static double level(const sound *s, int channel, double from_s, double to_s)
{
    double sum = 0;
    size_t from = (size_t)(from_s * RATE), to = (size_t)(to_s * RATE);
    for (size_t i = from; i < to && i < s->frames; i++) sum += pow((double)s->samples[2 * i + (size_t)channel], 2);
    return sqrt(sum / (double)(to - from));
}

/* The fundamental around `near_hz`, by the autocorrelation of a stretch with its peak interpolated. */
static double pitch(const sound *s, double from_s, double near_hz)
{
    size_t from = (size_t)(from_s * RATE), n = RATE / 4;
    int first = (int)(RATE / near_hz / 1.15), last = (int)(RATE / near_hz * 1.15) + 1, best = first;
    double r[2000] = {0};
    REQUIRE(last + 1 < 2000 && from + n + 2000 < s->frames);
    for (int lag = first - 1; lag <= last + 1; lag++)
        for (size_t i = from; i < from + n; i++)
            r[lag] += (double)s->samples[2 * i] * (double)s->samples[2 * (i + (size_t)lag)];
    for (int lag = first; lag <= last; lag++)
        if (r[lag] > r[best]) best = lag;
    double shift = 0.5 * (r[best - 1] - r[best + 1]) / (r[best - 1] - 2 * r[best] + r[best + 1]);
    return RATE / (best + shift);
}

static const mg_note a4 = {.start = 0, .end = 960, .pitch = 69, .velocity = 100};

/* ---- tests ---- */

static void is_in_tune(void)
{
    for (int program = 0; program < 120; program++) {
        if (program >= 112 && program != 114) continue; /* percussive: more strike than pitch */
        if (program == 14 || program == 47) continue;   /* tubular bells and timpani have no harmonic spectrum */
        mg_score *score = score_new(&a4, 1, program);
        mg_note *note = &score->notes[0];
        if (program >= 32 && program < 40) note->pitch = 45;
        sound s = play(score);
        double near = program >= 32 && program < 40 ? 110 : 440, cents = 1200 * log2(pitch(&s, 0.45, near) / near);
        if (!CHECK(fabs(cents) < 12)) printf("# %s: %.1f cents\n", mg_program_name(program), cents);
        mg_file_free(&s.file);
    }
}

static void every_key_sounds(void)
{
    for (int key = 12; key <= 108; key += 12) {
        mg_note note = a4;
        note.pitch = (uint8_t)key;
        sound s = play(score_new(&note, 1, 0));
        CHECK(level(&s, 0, 0, 0.5) > 1e-3);
        mg_file_free(&s.file);
    }
}

static void drums_sound(void)
{
    for (int key = 22; key <= 87; key++) {
        if (key > 22 && key < 27 && key != 26) continue;
        mg_note note = {.start = 0, .end = 100, .pitch = (uint8_t)key, .velocity = 100, .channel = 9};
        sound s = play(score_new(&note, 1, 0));
        if (!CHECK(level(&s, 0, 0, 0.1) > 1e-3)) printf("# %s\n", mg_drum_name(key));
        mg_file_free(&s.file);
    }
}

static void silence_stays_silence(void)
{
    mg_render_options options = mg_render_defaults();
    mg_note far = {.start = 0, .end = 960, .pitch = 69, .velocity = 1};
    mg_score *score = score_new(&far, 1, 0);
    control(score, 0, 7, 0); /* volume 0 */
    sound s;
    options.depth = MG_FLOAT_32;
    REQUIRE(render(built_in, score, &options, &s) == MG_OK);
    for (size_t i = 0; i < 2 * s.frames; i++)
        if (s.samples[i] != 0) { CHECK(s.samples[i] == 0); break; }
    CHECK(isinf(s.about.loudness_lufs) && isinf(s.about.peak_dbtp));
    mg_file_free(&s.file);
    mg_score_free(score);
    sound none = play(score_new(NULL, 0, 0));
    CHECK_INT(none.frames, 0);
    mg_file_free(&none.file);
}

static void velocity_and_volume_count(void)
{
    mg_note soft = a4;
    soft.velocity = 40;
    sound loud = play(score_new(&a4, 1, 0)), quiet = play(score_new(&soft, 1, 0));
    CHECK(level(&loud, 0, 0, 0.5) > 2 * level(&quiet, 0, 0, 0.5));
    mg_score *score = score_new(&a4, 1, 0);
    control(score, 0, 7, 50);
    sound down = play(score);
    CHECK_NEAR(level(&down, 0, 0, 0.5) / level(&loud, 0, 0, 0.5), 0.25, 0.05); /* (50/100)^2 */
    mg_file_free(&loud.file), mg_file_free(&quiet.file), mg_file_free(&down.file);
}

static void pan_moves(void)
{
    mg_score *score = score_new(&a4, 1, 73);
    control(score, 0, 10, 0);
    control(score, 0, 91, 0);
    sound left = play(score);
    CHECK(level(&left, 0, 0.1, 0.5) > 10 * level(&left, 1, 0.1, 0.5));
    mg_file_free(&left.file);
}

static void pedal_holds(void)
{
    mg_note brief = a4;
    brief.end = 96;
    sound dry = play(score_new(&brief, 1, 0));
    mg_score *score = score_new(&brief, 1, 0);
    control(score, 0, 64, 127);
    control(score, 1440, 64, 0);
    sound held = play(score);
    CHECK(level(&held, 0, 0.9, 1.3) > 10 * level(&dry, 0, 0.9, 1.3));
    CHECK(level(&held, 0, 2.3, 2.5) < 0.3 * level(&held, 0, 0.9, 1.3));
    mg_file_free(&dry.file), mg_file_free(&held.file);
}

static void repeated_key_lasts(void)
{
    const mg_note both[] = {{.start = 0, .end = 1920, .pitch = 69, .velocity = 100},
                            {.start = 480, .end = 960, .pitch = 69, .velocity = 100}};
    for (int k = 0; k < 2; k++) { /* the one that began first ends last, and the other way round */
        mg_note notes[] = {both[0], both[1]};
        if (k) notes[0].end = 960, notes[1].end = 1920;
        sound s = play(score_new(notes, 2, 19));
        CHECK(level(&s, 0, 1.6, 1.95) > 0.3 * level(&s, 0, 0.7, 0.95));
        CHECK(level(&s, 0, 2.6, 2.8) < 0.1 * level(&s, 0, 0.7, 0.95));
        mg_file_free(&s.file);
    }
}

static void music_ends_with_its_notes(void)
{
    mg_score *score = score_new(&a4, 1, 0);
    control(score, 600 * 960, 7, 90); /* a mixer's last move, ten minutes later */
    sound s = play(score);
    CHECK(s.about.seconds > 1 && s.about.seconds < 6);
    mg_file_free(&s.file);
}

static void bend_raises(void)
{
    mg_score *score = score_new(&a4, 1, 73);
    score->bends[0].value = 8191;
    score->n_bends = 1;
    sound s = play(score);
    CHECK(fabs(1200 * log2(pitch(&s, 0.3, 493.9) / 493.883)) < 12); /* two semitones */
    mg_file_free(&s.file);
}

static void duration_is_bounded(void)
{
    mg_note endless = {.start = 0, .end = (int64_t)1 << 40, .pitch = 60, .velocity = 90};
    mg_score *score = score_new(&endless, 1, 19);
    mg_render_options options = raw_options();
    options.max_seconds = 2.5;
    sound s;
    REQUIRE(render(built_in, score, &options, &s) == MG_OK);
    CHECK_INT(s.frames, 2.5 * RATE);
    CHECK(s.about.is_cut);
    CHECK(fabs((double)s.samples[2 * s.frames - 2]) < 1e-3); /* faded */
    mg_file_free(&s.file);
    mg_score_free(score);
    sound normal = play(score_new(&a4, 1, 0));
    CHECK(!normal.about.is_cut);
    CHECK(normal.about.seconds > 1 && normal.about.seconds < 6);
    mg_file_free(&normal.file);
}

static void held_pedal_ends(void)
{
    mg_score *score = score_new(&a4, 1, 19); /* an organ, and nobody lifts the pedal */
    control(score, 0, 64, 127);
    sound s = play(score);
    CHECK(s.about.seconds < 12);
    mg_file_free(&s.file);
}

static void crowd_is_survived(void)
{
    mg_note *notes = mg_alloc(5000, sizeof *notes);
    REQUIRE(notes);
    for (int i = 0; i < 5000; i++)
        notes[i] = (mg_note){.start = i % 7, .end = 100 + i % 500, .pitch = (uint8_t)(i % 128),
                             .velocity = (uint8_t)(1 + i % 127), .channel = (uint8_t)(i % 16)};
    sound s = play(score_new(notes, 5000, 0));
    bool is_finite = true;
    for (size_t i = 0; i < 2 * s.frames; i++) is_finite &= isfinite(s.samples[i]) != 0;
    CHECK(is_finite);
    CHECK(s.frames > 0 && s.about.seconds < 12);
    mg_file_free(&s.file);
    mg_free(notes);
}

static void same_bytes_every_time(void)
{
    mg_hash hash[2];
    for (int i = 0; i < 2; i++) {
        sound s = play(score_new(&a4, 1, 40));
        hash[i] = mg_hash_bytes(s.file.data, s.file.size);
        mg_file_free(&s.file);
    }
    CHECK(mg_hash_equal(hash[0], hash[1]));
}

/* Drums and a tune, as peaky as music gets. */
static mg_score *lively(void)
{
    mg_note notes[96];
    for (int i = 0; i < 96; i++) {
        bool is_drum = i % 3 != 0;
        notes[i] = (mg_note){.start = i / 3 * 240, .end = i / 3 * 240 + 200, .velocity = 110,
                             .pitch = (uint8_t)(is_drum ? (i % 3 == 1 ? 42 : i / 3 % 4 == 2 ? 38 : 36) : 60 + i % 12),
                             .channel = is_drum ? 9 : 0};
    }
    return score_new(notes, 96, 0);
}

static void loudness_is_reached(void)
{
    static const double targets[] = {-30, -18, -14};
    for (int channels = 1; channels <= 2; channels++)
        for (int i = 0; i < 3; i++) {
            mg_score *score = lively();
            mg_render_options options = mg_render_defaults();
            options.loudness_lufs = targets[i];
            options.channels = channels;
            options.depth = MG_FLOAT_32;
            sound s;
            mg_loudness *meter;
            REQUIRE(render(built_in, score, &options, &s) == MG_OK);
            REQUIRE(mg_loudness_new(RATE, channels, &meter, NULL) == MG_OK);
            size_t frames = (s.file.size - 56) / 4 / (size_t)channels;
            CHECK_INT(mg_loudness_add(meter, s.samples, frames, NULL), MG_OK);
            CHECK(fabs(mg_loudness_integrated(meter) - targets[i]) < 0.5);
            CHECK(mg_loudness_true_peak(meter) < -1 + 0.01);
            CHECK_NEAR(s.about.loudness_lufs, mg_loudness_integrated(meter), 0.02);
            CHECK_NEAR(s.about.peak_dbtp, mg_loudness_true_peak(meter), 0.02);
            mg_loudness_free(meter);
            mg_file_free(&s.file);
            mg_score_free(score);
        }
}

static void gain_is_added(void)
{
    mg_score *score = lively();
    mg_render_options options = raw_options();
    sound plain, less;
    REQUIRE(render(built_in, score, &options, &plain) == MG_OK);
    options.gain_db = -6;
    REQUIRE(render(built_in, score, &options, &less) == MG_OK);
    CHECK_NEAR(level(&less, 0, 0, 3) / level(&plain, 0, 0, 3), pow(10, -6 / 20.0), 1e-4);
    mg_file_free(&plain.file), mg_file_free(&less.file);
    mg_score_free(score);
}

static void chords_are_read(void)
{
    static const struct { const char *symbol; int n; uint8_t classes[6], bass; } cases[] = {
        {"C", 3, {0, 4, 7}, 0},          {"Am", 3, {9, 0, 4}, 9},         {"F#dim", 3, {6, 9, 0}, 6},
        {"G7", 4, {7, 11, 2, 5}, 7},     {"Bbmaj7", 4, {10, 2, 5, 9}, 10}, {"D/F#", 3, {2, 6, 9}, 6},
        {"Am7/G", 4, {9, 0, 4, 7}, 7},   {"Esus4", 3, {4, 9, 11}, 4},     {"C7b13", 4, {0, 4, 7, 10}, 0},
        {"Dm7b5", 4, {2, 5, 8, 0}, 2},   {"N.C.", 0, {0}, 0},             {"Fine", 0, {0}, 0},
        {"", 0, {0}, 0},                 {"D.C.", 0, {0}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t classes[6], bass = 99;
        int n = mg_chord_classes(cases[i].symbol, classes, &bass);
        if (tap_equal_int(n, cases[i].n, __FILE__, __LINE__, cases[i].symbol) && n > 0) {
            CHECK(memcmp(classes, cases[i].classes, (size_t)n) == 0);
            CHECK_INT(bass, cases[i].bass);
        }
    }
}

static void chords_are_played(void)
{
    mg_note quiet = {.start = 0, .end = 1920, .pitch = 100, .velocity = 1};
    double heard[2];
    for (int i = 0; i < 2; i++) {
        mg_score *score = score_new(&quiet, 1, 0);
        score->texts[0] = (mg_text_event){.tick = 0, .kind = MG_TEXT_CHORD, .text = "Am"};
        score->n_texts = 1;
        mg_render_options options = raw_options();
        options.has_chords = i == 1;
        sound s;
        REQUIRE(render(built_in, score, &options, &s) == MG_OK);
        heard[i] = level(&s, 0, 0.2, 1.8);
        mg_file_free(&s.file);
        mg_score_free(score);
    }
    CHECK(heard[1] > 10 * heard[0]);
}

static void soundfont_plays(void)
{
    mg_synth *fluid;
    mg_buffer font = {0};
    bool is_there = mg_soundfont_find(0, &font);
    mg_buffer_free(&font);
    if (!is_there) SKIP("no sound font is installed");
    REQUIRE(mg_synth_open(MG_SYNTH_AUTO, NULL, &fluid, NULL) == MG_OK);
    CHECK_TEXT(mg_synth_name(fluid), "fluidsynth");
    mg_score *score = score_new(&a4, 1, 73);
    mg_render_options options = raw_options();
    mg_hash hash[2];
    for (int i = 0; i < 2; i++) {
        sound s;
        REQUIRE(render(fluid, score, &options, &s) == MG_OK);
        CHECK(fabs(1200 * log2(pitch(&s, 0.3, 440) / 440)) < 12);
        hash[i] = mg_hash_bytes(s.file.data, s.file.size);
        mg_file_free(&s.file);
    }
    CHECK(mg_hash_equal(hash[0], hash[1]));
    mg_score_free(score);
    mg_synth_close(fluid);
}

static void bad_soundfont_is_told(void)
{
    mg_synth *synth;
    mg_error why = {0};
    FILE *f = fopen(path, "wb");
    REQUIRE(f && fputs("no sound font", f) >= 0 && fclose(f) == 0);
    CHECK_INT(mg_synth_open(MG_SYNTH_FLUID, path, &synth, &why), MG_BAD_DATA);
    f = fopen(path, "wb"); /* it begins like one */
    REQUIRE(f && fwrite("RIFF\20\0\0\0sfbkLIST", 1, 16, f) == 16 && fclose(f) == 0);
    CHECK_INT(mg_synth_open(MG_SYNTH_FLUID, path, &synth, &why), MG_BAD_DATA);
    CHECK_INT(mg_synth_open(MG_SYNTH_FLUID, "/nonexistent.sf2", &synth, &why), MG_IO);
}

static mg_status sweep(void)
{
    mg_synth *synth = NULL;
    sound s = {0};
    mg_score score = {.ticks_per_quarter = 480, .notes = (mg_note[]){{.end = 48, .pitch = 69, .velocity = 90}},
                      .n_notes = 1, .tracks = (mg_track[]){{.name = ""}}, .n_tracks = 1,
                      .texts = (mg_text_event[]){{.kind = MG_TEXT_CHORD, .text = "C"}}, .n_texts = 1};
    mg_render_options options = mg_render_defaults();
    options.has_chords = true;
    options.rate = 8000;
    options.loudness_lufs = -5; /* so that the limiter works */
    options.ceiling_dbtp = -10;
    mg_status status = mg_synth_open(MG_SYNTH_BUILT_IN, NULL, &synth, NULL);
    if (!status) status = render(synth, &score, &options, &s);
    mg_file_free(&s.file);
    mg_synth_close(synth);
    return status;
}

static void answers_no_memory(void) { CHECK_FAILING_ALLOCATIONS(sweep()); }

int main(void)
{
    if (!mkdtemp(folder) || mg_synth_open(MG_SYNTH_BUILT_IN, NULL, &built_in, NULL)) return 1;
    snprintf(path, sizeof path, "%s/sound", folder);
    TEST("every pitched instrument is in tune at A4 (basses at A2)", is_in_tune);
    TEST("the piano sounds from the lowest to the highest key", every_key_sounds);
    TEST("every drum of General MIDI 2 sounds, and the rims of a hi-hat", drums_sound);
    TEST("silence in, silence out", silence_stays_silence);
    TEST("velocity and volume make it louder and softer", velocity_and_volume_count);
    TEST("pan moves the sound", pan_moves);
    TEST("the pedal holds a note, and lets it go", pedal_holds);
    TEST("a key that two notes hold sounds until both have ended", repeated_key_lasts);
    TEST("a controller after the last note makes the music no longer", music_ends_with_its_notes);
    TEST("pitch bend raises by two semitones", bend_raises);
    TEST("a note without end is cut at the longest duration", duration_is_bounded);
    TEST("a pedal that nobody lifts does not sound for ever", held_pedal_ends);
    TEST("more notes than voices are survived", crowd_is_survived);
    TEST("the same score gives the same bytes", same_bytes_every_time);
    TEST("the loudness asked for is reached, under the ceiling", loudness_is_reached);
    TEST("gain is added", gain_is_added);
    TEST("chord symbols are read", chords_are_read);
    TEST("chord symbols are played when asked for", chords_are_played);
    TEST("a sound font plays, in tune and the same every time", soundfont_plays);
    TEST("a sound font that is none is told", bad_soundfont_is_told);
    TEST("every failing allocation is answered", answers_no_memory);
    mg_synth_close(built_in);
    unlink(path);
    rmdir(folder);
    return tap_end();
}
