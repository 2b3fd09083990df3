/* SPDX-License-Identifier: MIT */
/* Sound files hold what was written, failing writes are seen, loudness is that of the standard, and nothing passes the
   limiter's ceiling. */
#include "tests/unit/tap.h"

#include <mgen/audio.h>

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

static char folder[] = "/tmp/mgen-test-XXXXXX";
static char path[128];

/* Write a sound of `frames` frames, sample i of which is values[i % n_values]. */
static mg_status write_sound(const char *to, const mg_sound_spec *spec, const float *values, size_t n_values)
{
    mg_out *out;
    mg_sound_writer *writer;
    mg_error why = {0};
    MG_TRY(mg_out_open(to, true, &out, &why));
    mg_status status = mg_sound_create(out, spec, &writer, &why);
    if (status) return mg_out_abandon(out), status;
    size_t at = 0;
    for (int64_t frame = 0; !status && frame < spec->frames; frame++) {
        float samples[8];
        for (int c = 0; c < spec->channels; c++) samples[c] = values[at++ % n_values];
        status = mg_sound_write(writer, samples, 1, &why);
    }
    if (status) mg_sound_free(writer);
    else status = mg_sound_finish(writer, &why);
    if (status) return mg_out_abandon(out), status;
    return mg_out_commit(out, &why);
}

static const float corners[] = {0, 1, -1, 0.5f, -0.5f, 2, -2, 1.0f / 32768};

static void wav_is_as_told(void)
{
    static const struct { int depth, bytes; uint32_t want[8]; } cases[] = {
        {MG_PCM_16, 2, {0, 0x7fff, 0x8000, 0x4000, 0xc000, 0x7fff, 0x8000, 1}},
        {MG_PCM_24, 3, {0, 0x7fffff, 0x800000, 0x400000, 0xc00000, 0x7fffff, 0x800000, 0x100}},
        {MG_FLOAT_32, 4, {0, 0x3f800000, 0xbf800000, 0x3f000000, 0xbf000000, 0x40000000, 0xc0000000, 0x38000000}},
    };
    for (int i = 0; i < 3; i++) {
        mg_sound_spec spec = {.format = MG_WAV, .depth = cases[i].depth, .rate = 22050, .channels = 2, .frames = 4,
                              .comment = "made for a test"};
        mg_file file;
        mg_sound_about about;
        REQUIRE(write_sound(path, &spec, corners, 8) == MG_OK);
        REQUIRE(mg_file_read(path, 0, &file, NULL) == MG_OK);
        uint32_t riff;
        memcpy(&riff, file.data + 4, 4);
        CHECK_INT(riff, file.size - 8);
        const uint8_t *data = file.data + file.size - 8 * cases[i].bytes;
        CHECK(memcmp(data - 8, "data", 4) == 0);
        for (int k = 0; k < 8; k++) {
            uint32_t value = 0;
            memcpy(&value, data + k * cases[i].bytes, (size_t)cases[i].bytes);
            CHECK_INT(value, cases[i].want[k]);
        }
        mg_file_free(&file);
        REQUIRE(mg_sound_look(path, &about, NULL) == MG_OK);
        CHECK_INT(about.rate, 22050);
        CHECK_INT(about.channels, 2);
        CHECK_INT(about.frames, 4);
        CHECK_TEXT(about.comment, "made for a test");
        mg_sound_about_free(&about);
    }
}

static void odd_data_are_padded(void)
{
    mg_sound_spec spec = {.format = MG_WAV, .depth = MG_PCM_24, .rate = 8000, .channels = 1, .frames = 3};
    mg_file file;
    uint32_t riff;
    REQUIRE(write_sound(path, &spec, corners, 8) == MG_OK);
    REQUIRE(mg_file_read(path, 0, &file, NULL) == MG_OK);
    memcpy(&riff, file.data + 4, 4);
    CHECK_INT(file.size % 2, 0);
    CHECK_INT(riff, file.size - 8);
    mg_file_free(&file);
}

static void flac_is_read_back(void)
{
    mg_sound_spec spec = {.format = MG_FLAC, .depth = MG_PCM_24, .rate = 48000, .channels = 1, .frames = 10000,
                          .comment = "made for a test"};
    mg_sound_about about;
    REQUIRE(write_sound(path, &spec, corners, 8) == MG_OK);
    REQUIRE(mg_sound_look(path, &about, NULL) == MG_OK);
    CHECK_INT(about.frames, 10000);
    CHECK_INT(about.rate, 48000);
    CHECK_TEXT(about.comment, "made for a test");
    CHECK(strstr(about.format, "FLAC") && strstr(about.format, "24"));
    mg_sound_about_free(&about);
    spec.depth = MG_FLOAT_32;
    CHECK_INT(write_sound(path, &spec, corners, 8), MG_UNSUPPORTED);
}

static void full_disk_is_seen(void)
{
    mg_sound_spec spec = {.format = MG_WAV, .depth = MG_PCM_16, .rate = 44100, .channels = 2, .frames = 100000};
    CHECK_INT(write_sound("/dev/full", &spec, corners, 8), MG_IO);
    /* A limit on the size of files fails writes to a real file, as a full disk does. */
    float noise[4096];
    mg_random random = mg_random_at(1, "noise", 0);
    for (int i = 0; i < 4096; i++) noise[i] = (float)mg_random_unit(&random) - 0.5f;
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){50000, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    for (int format = MG_WAV; format <= MG_FLAC; format++) {
        spec.format = format;
        unlink(path);
        setrlimit(RLIMIT_FSIZE, &small);
        mg_status status = write_sound(path, &spec, noise, 4096);
        setrlimit(RLIMIT_FSIZE, &before);
        CHECK_INT(status, MG_IO);
        CHECK(access(path, F_OK) != 0);
    }
}

static void wrong_count_is_refused(void)
{
    mg_sound_spec spec = {.format = MG_WAV, .depth = MG_PCM_16, .rate = 8000, .channels = 1, .frames = 5};
    mg_out *out;
    mg_sound_writer *writer;
    REQUIRE(mg_out_open(path, true, &out, NULL) == MG_OK);
    REQUIRE(mg_sound_create(out, &spec, &writer, NULL) == MG_OK);
    CHECK_INT(mg_sound_write(writer, corners, 4, NULL), MG_OK);
    CHECK_INT(mg_sound_finish(writer, NULL), MG_BAD_ARGUMENT);
    mg_out_abandon(out);
    spec.frames = INT64_MAX / 16;
    REQUIRE(mg_out_open(path, true, &out, NULL) == MG_OK);
    CHECK_INT(mg_sound_create(out, &spec, &writer, NULL), MG_TOO_LARGE);
    mg_out_abandon(out);
}

static void cut_sound_is_told(void)
{
    for (int format = MG_WAV; format <= MG_FLAC; format++) {
        mg_sound_spec spec = {.format = format, .depth = MG_PCM_16, .rate = 8000, .channels = 2, .frames = 20000};
        mg_sound_about about;
        mg_error why;
        REQUIRE(write_sound(path, &spec, corners, 7) == MG_OK);
        mg_file whole;
        REQUIRE(mg_file_read(path, 0, &whole, NULL) == MG_OK);
        CHECK(mg_sound_look(path, &about, &why) == MG_OK);
        mg_sound_about_free(&about);
        for (size_t less = 1; less < whole.size - 100; less = less * 3 + 1) {
            REQUIRE(truncate(path, (off_t)(whole.size - less)) == 0);
            CHECK(mg_sound_look(path, &about, &why) == MG_BAD_DATA);
        }
        mg_file_free(&whole);
    }
}

static void no_sound_is_told(void)
{
    mg_sound_about about;
    FILE *f = fopen(path, "wb");
    REQUIRE(f && fputs("RIFFxxxxWAVE and then nothing that makes sense", f) >= 0 && fclose(f) == 0);
    CHECK_INT(mg_sound_look(path, &about, NULL), MG_BAD_DATA);
    CHECK_INT(mg_sound_look("/nonexistent/file", &about, NULL), MG_IO);
}

/* EBU Tech 3341, test case 1: a stereo sine of 1 kHz at -23 dBFS is -23 LUFS. */
static void loudness_follows_the_standard(void)
{
    enum { RATE = 48000 };
    static float sine[RATE * 2];
    for (int i = 0; i < RATE; i++)
        sine[2 * i] = sine[2 * i + 1] = (float)(pow(10, -23 / 20.0) * sin(2 * M_PI * 1000 * i / RATE));
    mg_loudness *meter;
    REQUIRE(mg_loudness_new(RATE, 2, &meter, NULL) == MG_OK);
    CHECK(isinf(mg_loudness_integrated(meter)));
    for (int i = 0; i < 20; i++) CHECK_INT(mg_loudness_add(meter, sine, RATE, NULL), MG_OK);
    CHECK(fabs(mg_loudness_integrated(meter) + 23) < 0.1);
    CHECK(fabs(mg_loudness_true_peak(meter) + 23) < 0.2);
    mg_loudness_free(meter);
}

static void limit(float *samples, size_t frames, int channels, double gain_db, double *most_db, int *delay)
{
    mg_limiter *limiter;
    REQUIRE(mg_limiter_new(44100, channels, gain_db, -1, &limiter, NULL) == MG_OK);
    for (size_t at = 0; at < frames; at += 100) /* in pieces */
        mg_limiter_process(limiter, samples + at * (size_t)channels, frames - at < 100 ? frames - at : 100);
    *most_db = mg_limiter_most_db(limiter);
    *delay = mg_limiter_delay(limiter);
    mg_limiter_free(limiter);
}

static void nothing_passes_the_ceiling(void)
{
    enum { FRAMES = 100000 };
    static float noise[FRAMES * 2];
    double ceiling = pow(10, -1 / 20.0), most, peak = 0;
    int delay;
    mg_random random = mg_random_at(1, "noise", 0);
    for (int i = 0; i < FRAMES * 2; i++) /* quiet, with bursts and single spikes */
        noise[i] = (float)((mg_random_unit(&random) - 0.5) * (i / 20000 % 2 ? 4 : 0.1) + (i % 9973 == 0 ? 5 : 0));
    limit(noise, FRAMES, 2, 6, &most, &delay);
    for (int i = 0; i < FRAMES * 2; i++) peak = fmax(peak, fabs((double)noise[i]));
    CHECK(peak <= ceiling + 1e-6);
    CHECK(peak > 0.9 * ceiling);
    CHECK(most > 10);
    mg_loudness *meter;
    REQUIRE(mg_loudness_new(44100, 2, &meter, NULL) == MG_OK);
    CHECK_INT(mg_loudness_add(meter, noise, FRAMES, NULL), MG_OK);
    CHECK(mg_loudness_true_peak(meter) < -1 + 2); /* white noise is the worst that can be; music stays far closer */
    mg_loudness_free(meter);
}

static void quiet_sound_is_only_delayed(void)
{
    enum { FRAMES = 5000 };
    static float sound[FRAMES], before[FRAMES];
    double most;
    int delay, differ = 0;
    mg_random random = mg_random_at(2, "noise", 0);
    for (int i = 0; i < FRAMES; i++) before[i] = sound[i] = (float)mg_random_unit(&random) - 0.5f;
    limit(sound, FRAMES, 1, 0, &most, &delay);
    for (int i = delay; i < FRAMES; i++) differ += sound[i] != before[i - delay];
    for (int i = 0; i < delay; i++) differ += sound[i] != 0;
    CHECK_INT(differ, 0);
    CHECK_NEAR(most, 0, 1e-9);
}

static mg_status sweep(void)
{
    mg_limiter *limiter = NULL;
    mg_loudness *meter = NULL;
    mg_sound_about about = {0};
    mg_sound_spec spec = {.format = MG_WAV, .depth = MG_PCM_16, .rate = 8000, .channels = 1, .frames = 5,
                          .comment = "x"};
    mg_status status = mg_limiter_new(44100, 2, 0, 0, &limiter, NULL);
    if (!status) status = mg_loudness_new(44100, 2, &meter, NULL);
    if (!status) status = write_sound(path, &spec, corners, 8);
    spec.format = MG_FLAC;
    if (!status) status = write_sound(path, &spec, corners, 8);
    if (!status) status = mg_sound_look(path, &about, NULL);
    mg_limiter_free(limiter);
    mg_loudness_free(meter);
    mg_sound_about_free(&about);
    return status;
}

static void answers_no_memory(void) { CHECK_FAILING_ALLOCATIONS(sweep()); }

int main(void)
{
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof path, "%s/sound", folder);
    TEST("a WAV file holds the samples at every depth, and its comment", wav_is_as_told);
    TEST("an odd number of bytes is padded", odd_data_are_padded);
    TEST("a FLAC file is read back with its length and comment", flac_is_read_back);
    TEST("a full disk is seen, and leaves nothing", full_disk_is_seen);
    TEST("the announced length is held to", wrong_count_is_refused);
    TEST("what is no sound file is told", no_sound_is_told);
    TEST("a sound file that was cut off is told", cut_sound_is_told);
    TEST("loudness is that of EBU Tech 3341", loudness_follows_the_standard);
    TEST("nothing passes the limiter's ceiling", nothing_passes_the_ceiling);
    TEST("below the ceiling the limiter only delays", quiet_sound_is_only_delayed);
    TEST("every failing allocation is answered", answers_no_memory);
    unlink(path);
    rmdir(folder);
    return tap_end();
}
