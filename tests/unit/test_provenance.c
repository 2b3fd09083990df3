/* SPDX-License-Identifier: MIT */
/* Provenance: sealed files stay whole, and every change of a byte breaks the seal. */
#include "tests/unit/tap.h"

#include <mgen/data.h>

#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/mgen-test-XXXXXX";

static char *in_folder(const char *name)
{
    static char path[4][128];
    static int turn;
    char *at = path[turn++ % 4];
    snprintf(at, sizeof path[0], "%s/%s", folder, name);
    return at;
}

static void write_bytes(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    REQUIRE(f && fwrite(bytes, 1, n, f) == n && fclose(f) == 0);
}

/* "junk mgen:{...} junk", sealed, made with FOLDER/model. */
static void make_carrier(mg_buffer *out, const char *model, int64_t seed)
{
    mg_made_with with = {.role = "model", .path = model};
    write_bytes(in_folder("model"), "weights", 7);
    REQUIRE(mg_hash_file(in_folder("model"), &with.hash, NULL) == MG_OK);
    mg_buffer_add(out, "RIFF\0junk", 9);
    mg_buffer_add_text(out, MG_PROVENANCE_PREFIX);
    mg_provenance_add(out, &(mg_provenance){.tool = "mgen-test", .seed = seed, .with = &with, .n_with = 1});
    mg_buffer_add(out, "\0sound", 6);
    mg_seal_bytes(out->data, out->length);
}

/* The verdict on a file, and its record (lent until the next call). */
static bool check(const char *path, mg_json **record)
{
    static mg_buffer out;
    bool passed = false;
    mg_buffer_clear(&out);
    REQUIRE(mg_provenance_check(path, &out, &passed, NULL) == MG_OK);
    REQUIRE(mg_json_parse(out.data, out.length, record, NULL) == MG_OK);
    return passed;
}

static void passes_whole(void)
{
    mg_buffer bytes = {0};
    mg_json *record;
    make_carrier(&bytes, "gone/model", 7);
    write_bytes(in_folder("carrier"), bytes.data, bytes.length);
    CHECK(check(in_folder("carrier"), &record));
    CHECK_TEXT(mg_json_get_string(record, "seal", ""), "whole");
    CHECK_TEXT(mg_json_get_string(mg_json_get(record, "files"), "model", ""), "same");
    CHECK_INT(mg_json_get_int(mg_json_get(record, "provenance"), "seed", -1), 7);
    mg_json_free(record);
    mg_buffer_free(&bytes);
}

static void every_change_shows(void)
{
    mg_buffer bytes = {0};
    mg_json *record;
    make_carrier(&bytes, "model", 7);
    for (size_t i = 0; i < bytes.length; i++) {
        bytes.data[i] ^= 1;
        write_bytes(in_folder("carrier"), bytes.data, bytes.length);
        if (!CHECK(!check(in_folder("carrier"), &record))) printf("# byte %zu\n", i);
        mg_json_free(record);
        bytes.data[i] ^= 1;
    }
    write_bytes(in_folder("carrier"), bytes.data, bytes.length - 1);
    CHECK(!check(in_folder("carrier"), &record));
    mg_json_free(record);
    mg_buffer_free(&bytes);
}

static void other_model_shows(void)
{
    mg_buffer bytes = {0};
    mg_json *record;
    make_carrier(&bytes, "model", -1);
    write_bytes(in_folder("carrier"), bytes.data, bytes.length);
    write_bytes(in_folder("model"), "other", 5);
    CHECK(!check(in_folder("carrier"), &record));
    CHECK_TEXT(mg_json_get_string(record, "seal", ""), "whole");
    CHECK_TEXT(mg_json_get_string(mg_json_get(record, "files"), "model", ""), "differs");
    CHECK(mg_json_get(mg_json_get(record, "provenance"), "seed") == NULL);
    mg_json_free(record);
    unlink(in_folder("model"));
    CHECK(check(in_folder("carrier"), &record)); /* a file that was moved away is no failure */
    CHECK_TEXT(mg_json_get_string(mg_json_get(record, "files"), "model", ""), "absent");
    mg_json_free(record);
    mg_buffer_free(&bytes);
}

static void needs_one(void)
{
    mg_json *record;
    write_bytes(in_folder("carrier"), "nothing here", 12);
    CHECK(!check(in_folder("carrier"), &record));
    mg_json_free(record);
    write_bytes(in_folder("carrier"), "mgen-seal:00000000000000000000000000000000", 42); /* cut short */
    CHECK(!check(in_folder("carrier"), &record));
    mg_json_free(record);
}

/* A path among the files that looks like a seal is none. */
static void is_not_misled(void)
{
    const char *name = "mgen-seal:0123456789abcdef0123456789abcdef";
    mg_buffer text = {0};
    mg_json *record;
    mg_made_with with = {.role = "score", .path = name};
    mg_buffer_add_text(&text, "RIFF " MG_PROVENANCE_PREFIX);
    mg_provenance_add(&text, &(mg_provenance){.tool = "mgen-render", .seed = -1, .with = &with, .n_with = 1});
    mg_seal_bytes(text.data, text.length);
    write_bytes(in_folder("carrier"), text.data, text.length);
    CHECK(check(in_folder("carrier"), &record));
    mg_json_free(record);
    mg_buffer_free(&text);
}

static void seals_tensors(void)
{
    mg_buffer text = {0};
    mg_json *record;
    mg_out *out;
    float weights[3] = {1, 2, 3};
    mg_buffer_add_text(&text, "{\"model\":\"lstm\",\"provenance\":");
    mg_provenance_add(&text, &(mg_provenance){.tool = "mgen-train", .seed = 1});
    mg_buffer_add_text(&text, "}");
    mg_stored stored = {.name = "w", .dtype = MG_F32, .rank = 1, .dim = {3}, .count = 3, .data = weights, .fd = -1};
    const char *path = in_folder("trained.safetensors");
    REQUIRE(mg_out_open(path, true, &out, NULL) == MG_OK);
    CHECK(mg_tensors_write(out, &stored, 1, &(mg_metadata){"mgen", text.data}, 1, NULL) == MG_OK);
    CHECK(mg_seal_out(out, NULL) == MG_OK);
    CHECK(mg_out_commit(out, NULL) == MG_OK);
    CHECK(check(path, &record));
    CHECK_TEXT(mg_json_get_string(mg_json_get(record, "provenance"), "tool", ""), "mgen-train");
    mg_json_free(record);
    mg_buffer_free(&text);
}

static mg_status sweep(const char *path)
{
    mg_buffer out = {0};
    bool passed = false;
    mg_status status = mg_provenance_check(path, &out, &passed, NULL);
    if (!status) CHECK(passed);
    mg_buffer_free(&out);
    return status;
}

static void answers_no_memory(void)
{
    mg_buffer bytes = {0};
    make_carrier(&bytes, "model", 7);
    write_bytes(in_folder("carrier"), bytes.data, bytes.length);
    CHECK_FAILING_ALLOCATIONS(sweep(in_folder("carrier")));
    CHECK_FAILING_ALLOCATIONS(sweep(in_folder("trained.safetensors")));
    mg_buffer_free(&bytes);
}

int main(void)
{
    if (!mkdtemp(folder)) return 1;
    TEST("a sealed file passes, and says who made it", passes_whole);
    TEST("a change of any byte breaks the seal", every_change_shows);
    TEST("a model that changed is told from one that went away", other_model_shows);
    TEST("a file without provenance does not pass", needs_one);
    TEST("a path that looks like a seal is none", is_not_misled);
    TEST("a safetensors file is sealed on its way out", seals_tensors);
    TEST("every failing allocation is answered", answers_no_memory);
    unlink(in_folder("carrier")), unlink(in_folder("model")), unlink(in_folder("trained.safetensors")), rmdir(folder);
    return tap_end();
}
