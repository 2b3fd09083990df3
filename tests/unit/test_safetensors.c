/* SPDX-License-Identifier: MIT */
/* safetensors: what is written is read back, and every malformed header is refused for its reason. */
#include <mgen/data.h>

#include "tests/unit/tap.h"

#include <unistd.h>

static mg_error why;
static mg_tensors *tensors;
static mg_buffer file;

static void make(const char *header, size_t n_data)
{
    mg_buffer_clear(&file);
    uint64_t length = strlen(header);
    for (int i = 0; i < 8; i++) mg_buffer_add_char(&file, (char)(length >> 8 * i));
    mg_buffer_add_text(&file, header);
    char *room = mg_buffer_room(&file, n_data);
    for (size_t i = 0; i < n_data; i++) room[i] = (char)i;
}

static mg_status parse(void)
{
    mg_tensors_close(tensors);
    tensors = NULL;
    return mg_tensors_parse(file.data, file.length, "test", &tensors, &why);
}

static void read_small(void)
{
    make("{\"__metadata__\":{\"k\":\"v\"},\"b\":{\"dtype\":\"I16\",\"shape\":[2],\"data_offsets\":[4,8]},"
         "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
         "\"e\":{\"dtype\":\"U8\",\"shape\":[0,3],\"data_offsets\":[8,8]}}  ", 8);
    REQUIRE(parse() == MG_OK);
    CHECK_INT(mg_tensors_count(tensors), 3);
    CHECK_TEXT(mg_tensors_metadata(tensors, "k"), "v");
    CHECK(mg_tensors_metadata(tensors, "x") == NULL && mg_tensors_find(tensors, "x") == NULL);
    const mg_stored *a = mg_tensors_find(tensors, "a"), *b = mg_tensors_find(tensors, "b");
    CHECK_INT(a->rank, 0);
    CHECK_INT(a->count, 1);
    int64_t whole[2];
    CHECK(mg_stored_ints(b, whole) && whole[0] == 0x0504 && whole[1] == 0x0706);
    CHECK(!mg_stored_ints(a, whole));
    CHECK_INT(mg_tensors_find(tensors, "e")->count, 0);
}

#define ONE(dtype, shape, offsets) "{\"a\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static void malformed(void)
{
    static const struct { const char *header; size_t n_data; mg_status status; } cases[] = {
        {ONE("F32", "[2]", "[0,8]"), 8, MG_OK},
        {ONE("F32", "[2]", "[0,8]"), 7, MG_BAD_DATA},                       /* cut */
        {ONE("F32", "[2]", "[0,8]"), 9, MG_BAD_DATA},                       /* trailing bytes */
        {ONE("F32", "[2]", "[4,12]"), 12, MG_BAD_DATA},                     /* a hole in front */
        {ONE("F32", "[2]", "[8,0]"), 8, MG_BAD_DATA},
        {ONE("F32", "[3]", "[0,8]"), 8, MG_BAD_DATA},
        {ONE("F32", "[-2]", "[0,8]"), 8, MG_BAD_DATA},
        {ONE("F32", "[4611686018427387904,4]", "[0,0]"), 0, MG_BAD_DATA},   /* product overflows to 0 */
        {ONE("F64", "[2305843009213693952]", "[0,0]"), 0, MG_BAD_DATA},     /* bytes overflow to 0 */
        {ONE("F32", "[2.0]", "[0,8]"), 8, MG_BAD_DATA},
        {ONE("F32", "\"2\"", "[0,8]"), 8, MG_BAD_DATA},
        {ONE("F32", "[2]", "[0,8,9]"), 8, MG_BAD_DATA},
        {ONE("F33", "[2]", "[0,8]"), 8, MG_UNSUPPORTED},
        {ONE("F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]"), 8, MG_UNSUPPORTED},
        {"{\"a\":5}", 0, MG_UNSUPPORTED},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[2,6]}}", 6, MG_BAD_DATA}, /* overlap */
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[3,5]}}", 5, MG_BAD_DATA}, /* hole */
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
         "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, MG_BAD_DATA}, /* twice */
        {"{\"__metadata__\":{\"k\":5}}", 0, MG_BAD_DATA},
        {"{\"__metadata__\":[]}", 0, MG_BAD_DATA},
        {" {}", 0, MG_BAD_DATA},  /* must begin with a brace */
        {"{}\0\0", 0, MG_OK},
        {"[]", 0, MG_BAD_DATA},
        {"{", 0, MG_BAD_DATA},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make(cases[i].header, cases[i].n_data);
        mg_status status = parse();
        if (!CHECK_INT(status, cases[i].status)) continue;
        CHECK(status == MG_OK || strstr(why.text, "test"));
    }
}

static void padding_with_nul(void)
{
    make(ONE("U8", "[1]", "[0,1]") "    ", 1);
    CHECK_INT(parse(), MG_OK);
    memset(file.data + 8 + strlen(ONE("U8", "[1]", "[0,1]")), 0, 4); /* a real bug in the wild */
    CHECK_INT(parse(), MG_BAD_DATA);
}

static void huge_headers(void)
{
    static const uint64_t lengths[] = {100000001, UINT64_MAX, (uint64_t)1 << 63, 3};
    for (int k = 0; k < 4; k++) {
        make("{}", 0);
        for (int i = 0; i < 8; i++) file.data[i] = (char)(lengths[k] >> 8 * i);
        CHECK(parse() != MG_OK);
    }
    for (size_t n = 0; n < 10; n++) {
        make("{}", 0);
        file.length = n;
        CHECK_INT(parse(), n == 10 ? MG_OK : MG_BAD_DATA);
    }
}

static void elements(void)
{
    static const uint16_t halves[] = {0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000, 0x3555};
    static const double values[] = {1, -2, 65504, 5.960464477539063e-08, -0.0, 0.333251953125};
    mg_stored f16 = {.dtype = MG_F16, .count = 6, .data = halves};
    double d[6];
    float f[6];
    mg_stored_doubles(&f16, d);
    mg_stored_floats(&f16, f);
    for (int i = 0; i < 6; i++) {
        CHECK(d[i] == values[i]);
        CHECK((double)f[i] == values[i]);
    }
    static const uint16_t brains[] = {0x3f80, 0xc040};
    mg_stored bf16 = {.dtype = MG_BF16, .count = 2, .data = brains};
    mg_stored_doubles(&bf16, d);
    CHECK(d[0] == 1 && d[1] == -3);
    static const int8_t bytes[] = {-1, 127};
    mg_stored i8 = {.dtype = MG_I8, .count = 2, .data = bytes};
    int64_t whole[2];
    CHECK(mg_stored_ints(&i8, whole) && whole[0] == -1 && whole[1] == 127);
}

static char path[] = "/tmp/mgen-test-XXXXXX";

static mg_status write_file(void)
{
    static const float weights[] = {1, 2, 3};
    static const uint8_t bytes[] = {7, 8};
    static const int64_t longs[] = {-5};
    mg_stored stored[] = {{.name = "bytes", .dtype = MG_U8, .rank = 1, .dim = {2}, .count = 2, .data = bytes},
                          {.name = "w", .dtype = MG_F32, .rank = 2, .dim = {3, 1}, .count = 3, .data = weights},
                          {.name = "n", .dtype = MG_I64, .rank = 1, .dim = {1}, .count = 1, .data = longs},
                          {.name = "empty", .dtype = MG_F32, .rank = 1, .dim = {0}}};
    mg_metadata metadata[] = {{"mgen", "{\"a\":1}"}};
    mg_out *out;
    MG_TRY(mg_out_open(path, true, &out, &why));
    mg_status status = mg_tensors_write(out, stored, 4, metadata, 1, &why);
    if (status) return mg_out_abandon(out), status;
    return mg_out_commit(out, &why);
}

static void written_and_read(void)
{
    REQUIRE(write_file() == MG_OK);
    mg_tensors_close(tensors);
    tensors = NULL;
    REQUIRE(mg_tensors_open(path, &tensors, &why) == MG_OK);
    CHECK_TEXT(mg_tensors_metadata(tensors, "mgen"), "{\"a\":1}");
    CHECK_TEXT(mg_tensors_at(tensors, 0)->name, "n"); /* wide types first, so that they lie aligned */
    float f[3];
    mg_stored_floats(mg_tensors_find(tensors, "w"), f);
    CHECK(f[0] == 1 && f[1] == 2 && f[2] == 3);
    CHECK_INT(mg_tensors_find(tensors, "w")->dim[0], 3);
    CHECK_INT((uintptr_t)mg_tensors_find(tensors, "n")->data % 8, 0);
}

static mg_status read_once(void) { return parse(); }

static void failing_allocations(void)
{
    CHECK_FAILING_ALLOCATIONS(write_file());
    make(ONE("F32", "[2]", "[0,8]"), 8);
    CHECK_FAILING_ALLOCATIONS(read_once());
}

int main(void)
{
    close(mkstemp(path));
    TEST("a small file is read", read_small);
    TEST("every malformed header is refused", malformed);
    TEST("padding with NUL is refused", padding_with_nul);
    TEST("header lengths are not believed", huge_headers);
    TEST("half and brain floats, and integers, convert", elements);
    TEST("what is written is read back, sorted by alignment", written_and_read);
    TEST("every failing allocation is answered", failing_allocations);
    mg_tensors_close(tensors);
    mg_buffer_free(&file);
    unlink(path);
    return tap_end();
}
