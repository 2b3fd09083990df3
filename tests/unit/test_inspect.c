/* SPDX-License-Identifier: MIT */
/* What mgen-info does with its inputs: every failing allocation is answered, and hostile values stay values. */
#include "tests/unit/tap.h"

#include <mgen/audio.h>
#include <mgen/metric.h>
#include <mgen/plot.h>

#include <unistd.h>

static char folder[] = "/tmp/mgen-test-XXXXXX";
static char midi[64], records[64], tensors[64], sound[64], picture[64];

static void write_bytes(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    REQUIRE(f && fwrite(bytes, 1, n, f) == n && fclose(f) == 0);
}

static void make_inputs(void)
{
    static const char smf[] = "MThd\0\0\0\6\0\0\0\1\0\140MTrk\0\0\0\41\0\377\1\5mgen:\0\300\5\0\220\74\144\140"
                              "\200\74\100\0\231\46\144\1\211\46\100\0\377\57\0";
    static const char lines[] =
        "{\"kind\":\"run\",\"tool\":\"t\",\"version\":\"1\",\"argv\":[],\"seed\":1}\n"
        "{\"kind\":\"piece\",\"path\":\"x\",\"encoding\":\"performance388\",\"tokens\":[360,60,305,188]}\n"
        "{\"kind\":\"step\",\"step\":1,\"loss\":2.5,\"valid_loss\":3}\n"
        "{\"kind\":\"step\",\"step\":2,\"loss\":2.25}\n"
        "{\"kind\":\"piece\",\"path\":\"y\",\"encoding\":\"nonsense\",\"tokens\":[1]}\n";
    static const char *const header =
        "{\"__metadata__\":{\"mgen\":\"{\\\"model\\\":\\\"lstm\\\"}\"},"
        "\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    write_bytes(midi, smf, sizeof smf - 1);
    write_bytes(records, lines, sizeof lines - 1);
    mg_buffer bytes = {0};
    mg_buffer_add(&bytes, (char[]){(char)strlen(header), 0, 0, 0, 0, 0, 0, 0}, 8);
    mg_buffer_add_text(&bytes, header);
    mg_buffer_add(&bytes, "\0\0\0\0", 4);
    write_bytes(tensors, bytes.data, bytes.length);
    mg_buffer_free(&bytes);
    mg_out *out;
    mg_sound_writer *writer;
    mg_sound_spec spec = {.rate = 8000, .channels = 1, .frames = 1, .comment = "words"};
    REQUIRE(mg_out_open(sound, true, &out, NULL) == MG_OK && mg_sound_create(out, &spec, &writer, NULL) == MG_OK);
    REQUIRE(mg_sound_write(writer, (float[]){0}, 1, NULL) == MG_OK && mg_sound_finish(writer, NULL) == MG_OK);
    REQUIRE(mg_out_commit(out, NULL) == MG_OK);
}

/* ---- runs ---- */

static mg_status keep_line(void *user, const char *text, size_t length, mg_error *why)
{
    (void)why;
    mg_buffer *lines = user;
    mg_buffer_add(lines, text, length);
    mg_buffer_add_char(lines, '\n');
    return lines->failed ? MG_NO_MEMORY : MG_OK;
}

typedef enum { EACH, CARD, ROLL_SVG, CURVE, VERIFY, RECORDS } mode;

static mg_status run_mode(mode m, mg_buffer *lines)
{
    const char *all[] = {midi, records, tensors, sound, "/nonexistent"}, *name = "loss";
    size_t n = m == EACH || m == CARD || m == VERIFY ? 5 : 1;
    mg_source *source;
    mg_run run = {.threads = 1, .out = {.line = keep_line, .user = lines}};
    mg_source_options options = {.paths = m == CURVE || m == RECORDS ? &all[1] : all, .n_paths = n};
    mg_inspect_options inspect = {.each = m == EACH, .path = "corpus"};
    mg_picture_options pictures = {.style = {.width = 60, .is_unicode = true}, .may_replace = true, .svg = picture};
    inspect.pieces.read = pictures.pieces.read = mg_read_defaults();
    MG_TRY(mg_source_open(&options, &source, NULL));
    mg_error why = {0};
    mg_status status = m == EACH || m == CARD ? mg_inspect_run(&inspect, source, &run, &why)
                       : m == ROLL_SVG        ? mg_roll_run(&pictures, source, &run, &why)
                       : m == CURVE           ? mg_curve_run(&pictures, &name, 1, source, &run, &why)
                       : m == VERIFY          ? mg_provenance_run(source, &run, &why)
                                              : mg_records_run(source, &run, &why);
    mg_source_close(source);
    return status;
}

static mg_status sweep(mode m)
{
    mg_buffer lines = {0};
    mg_status status = run_mode(m, &lines);
    mg_buffer_free(&lines);
    return status;
}

static size_t times(const mg_buffer *text, const char *word)
{
    size_t n = 0;
    for (const char *at = text->data ? text->data : ""; (at = strstr(at, word)); at++) n++;
    return n;
}

static void tells_each(void)
{
    mg_buffer lines = {0};
    CHECK_INT(run_mode(EACH, &lines), MG_OK);
    CHECK_INT(times(&lines, "{\"kind\":\"info\""), 5); /* a tune, a decoded record, a stream, a model, a sound */
    CHECK_INT(times(&lines, "{\"kind\":\"error\""), 2);
    CHECK_INT(times(&lines, "\"comment\":\"words\""), 1);
    CHECK_INT(times(&lines, "\"best_valid_loss\":3.0"), 1);
    mg_buffer_free(&lines);
}

static void sums_up(void)
{
    mg_buffer lines = {0};
    CHECK_INT(run_mode(CARD, &lines), MG_OK);
    CHECK_INT(times(&lines, "{\"kind\":\"card\",\"path\":\"corpus\",\"pieces\":2,\"failed\":2,"), 1);
    CHECK_INT(times(&lines, "\"drum_notes\":1,"), 1);
    mg_buffer_free(&lines);
}

static void hands_on_records(void)
{
    mg_buffer lines = {0};
    mg_file file;
    CHECK_INT(run_mode(RECORDS, &lines), MG_OK);
    REQUIRE(mg_file_read(records, 0, &file, NULL) == MG_OK);
    CHECK(lines.length == file.size && memcmp(lines.data, file.data, file.size) == 0);
    mg_file_free(&file);
    mg_buffer_free(&lines);
}

/* A value that nests as deep as may be read does not break the record that it is put into. */
static void depth_is_bounded(void)
{
    mg_buffer text = {0}, out = {0};
    mg_json *deep;
    for (int i = 0; i < 64; i++) mg_buffer_add_char(&text, '[');
    for (int i = 0; i < 64; i++) mg_buffer_add_char(&text, ']');
    REQUIRE(mg_json_parse(text.data, text.length, &deep, NULL) == MG_OK);
    mg_json_writer json = mg_record_begin(&out, "info");
    mg_json_put_copy(&json, "deep", deep);
    mg_record_end(&json);
    mg_json_free(deep);
    REQUIRE(mg_json_parse(out.data, out.length, &deep, NULL) == MG_OK);
    mg_json_free(deep);
    mg_buffer_free(&text);
    mg_buffer_free(&out);
}

static void answers_no_memory(void)
{
    CHECK_FAILING_ALLOCATIONS(sweep(EACH));
    CHECK_FAILING_ALLOCATIONS(sweep(CARD));
    CHECK_FAILING_ALLOCATIONS(sweep(ROLL_SVG));
    CHECK_FAILING_ALLOCATIONS(sweep(CURVE));
    CHECK_FAILING_ALLOCATIONS(sweep(VERIFY));
    CHECK_FAILING_ALLOCATIONS(sweep(RECORDS));
}

int main(void)
{
    if (!mkdtemp(folder)) return 1;
    snprintf(midi, sizeof midi, "%s/a.mid", folder);
    snprintf(records, sizeof records, "%s/records", folder);
    snprintf(tensors, sizeof tensors, "%s/model", folder);
    snprintf(sound, sizeof sound, "%s/sound", folder);
    snprintf(picture, sizeof picture, "%s/picture", folder);
    make_inputs();
    TEST("every input is told", tells_each);
    TEST("all inputs are summed up", sums_up);
    TEST("records are handed on as they are", hands_on_records);
    TEST("deep values do not break records", depth_is_bounded);
    TEST("every failing allocation is answered", answers_no_memory);
    const char *const files[] = {midi, records, tensors, sound, picture};
    for (size_t i = 0; i < 5; i++) unlink(files[i]);
    rmdir(folder);
    return tap_end();
}
