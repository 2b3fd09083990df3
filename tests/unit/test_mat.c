/* SPDX-License-Identifier: MIT */
/* Roll data sets: MAT files made here in both byte orders, JSON, the published sets, and files that lie. */
#include "tests/unit/tap.h"

#include <mgen/data.h>

#include <zlib.h>

/* ---- a MAT file, made by hand ---- */

static bool is_big; /* byte order of what is made */

static void put_number(mg_buffer *out, uint64_t value, int size)
{
    for (int i = 0; i < size; i++) mg_buffer_add_char(out, (char)(value >> 8 * (is_big ? size - 1 - i : i)));
}

static void put_element(mg_buffer *out, uint32_t type, const void *bytes, size_t n)
{
    put_number(out, type, 4);
    put_number(out, n, 4);
    mg_buffer_add(out, bytes, n);
    while (type != 15 && out->length % 8) mg_buffer_add_char(out, 0);
}

static void put_head(mg_buffer *out, uint32_t class, uint32_t rows, uint32_t columns, const char *name)
{
    mg_buffer part = {0};
    put_number(&part, class, 4), put_number(&part, 0, 4);
    put_element(out, 6, part.data, part.length);
    mg_buffer_clear(&part);
    put_number(&part, rows, 4), put_number(&part, columns, 4);
    put_element(out, 5, part.data, part.length);
    if (strlen(name) <= 4 && *name) { /* a small element */
        put_number(out, (uint32_t)strlen(name) << 16 | 1, 4);
        mg_buffer_add(out, name, strlen(name));
        for (size_t i = strlen(name); i < 4; i++) mg_buffer_add_char(out, 0);
    } else {
        put_element(out, 1, name, strlen(name));
    }
    mg_buffer_free(&part);
}

/* One roll of `rows` frames in which frame t sounds pitch 60 + t and, with t even, 64 + t; numbers of `size` bytes. */
static void put_roll(mg_buffer *out, uint32_t rows, uint32_t class, uint32_t type, int size, uint64_t one)
{
    mg_buffer cell = {0}, numbers = {0};
    put_head(&cell, class, rows, 88, "");
    for (uint32_t key = 0; key < 88; key++)
        for (uint32_t t = 0; t < rows; t++)
            put_number(&numbers, key + 21 == 60 + t || (t % 2 == 0 && key + 21 == 64 + t) ? one : 0, size);
    put_element(&cell, type, numbers.data, numbers.length);
    put_element(out, 14, cell.data, cell.length);
    mg_buffer_free(&cell), mg_buffer_free(&numbers);
}

static void put_header(mg_buffer *out)
{
    char text[124];
    memset(text, ' ', sizeof text);
    mg_buffer_add(out, text, sizeof text);
    put_number(out, 0x100, 2);
    mg_buffer_add(out, is_big ? "MI" : "IM", 2);
}

static void put_variable(mg_buffer *out, const char *name, const mg_buffer *cells, uint32_t n, bool is_compressed)
{
    mg_buffer inner = {0}, whole = {0};
    put_head(&inner, 1, 1, n, name);
    mg_buffer_add(&inner, cells->data, cells->length);
    put_element(&whole, 14, inner.data, inner.length);
    if (is_compressed) {
        uLongf size = compressBound(whole.length);
        Bytef *packed = malloc(size);
        compress2(packed, &size, (const Bytef *)whole.data, whole.length, 9);
        put_element(out, 15, packed, size);
        free(packed);
    } else {
        mg_buffer_add(out, whole.data, whole.length);
    }
    mg_buffer_free(&inner), mg_buffer_free(&whole);
}

/* train: rolls of 3 and 2 frames in bytes and doubles; another variable; test: one of 1 frame in logical bytes. */
static mg_buffer make_file(bool is_compressed)
{
    mg_buffer out = {0}, cells = {0};
    put_header(&out);
    put_roll(&cells, 3, 9, 2, 1, 1);
    put_roll(&cells, 2, 6, 9, 8, 0x3ff0000000000000);
    put_variable(&out, "traindata", &cells, 2, is_compressed);
    put_variable(&out, "note", &cells, 2, is_compressed);
    mg_buffer_clear(&cells);
    put_roll(&cells, 1, 0x209, 2, 1, 1);
    put_variable(&out, "testdata", &cells, 1, is_compressed);
    mg_buffer_free(&cells);
    return out;
}

/* ---- what was read ---- */

typedef struct {
    mg_buffer text; /* "train 1: 60,64 61 |" */
    int n;
} seen;

static mg_status write_down(void *user, const mg_roll *roll, mg_error *why)
{
    seen *s = user;
    bool is_first = true;
    mg_buffer_print(&s->text, "%s %d/%d:", roll->split, roll->number, roll->resolution);
    for (size_t i = 0; i < roll->n_tokens; i++) {
        if (roll->tokens[i] == MG_FRAME_END) mg_buffer_add_text(&s->text, " |");
        else mg_buffer_print(&s->text, "%s%d", is_first ? " " : ",", roll->tokens[i]);
        is_first = roll->tokens[i] == MG_FRAME_END;
    }
    mg_buffer_add_char(&s->text, '\n');
    s->n++;
    return s->text.failed ? mg_fail(why, MG_NO_MEMORY, "out of memory") : MG_OK;
}

static mg_status read_all(const mg_buffer *file, seen *s, mg_error *why)
{
    *s = (seen){0};
    return mg_rolls_read(file->data, file->length, 1, write_down, s, why);
}

static const char want[] = "train 1/1: 60,64 | 61 | 62,66 |\ntrain 2/1: 60,64 | 61 |\ntest 3/1: 60,64 |\n";

static void reads_both_orders_and_compression(void)
{
    for (int k = 0; k < 4; k++) {
        is_big = k & 1;
        mg_buffer file = make_file(k & 2);
        seen s;
        mg_error why = {0};
        CHECK(mg_rolls_is(file.data, file.length));
        if (!CHECK_INT(read_all(&file, &s, &why), MG_OK)) printf("# %s (%s)\n", why.text, why.where);
        CHECK_TEXT(s.text.data, want);
        mg_buffer_free(&s.text), mg_buffer_free(&file);
    }
}

/* A file cut anywhere, or with any byte changed, is read or refused, never worse. */
static void survives_cuts_and_changes(void)
{
    for (int k = 0; k < 4; k++) {
        is_big = k & 1;
        mg_buffer file = make_file(k & 2);
        int refused = 0;
        for (size_t n = 128; n < file.length; n++) {
            uint8_t *cut = malloc(n); /* a block of its own, so that reading past its end is seen */
            memcpy(cut, file.data, n);
            seen s = {0};
            refused += mg_rolls_read(cut, n, 1, write_down, &s, NULL) != MG_OK;
            mg_buffer_free(&s.text), free(cut);
        }
        CHECK(refused > (int)file.length / 2);
        for (size_t n = 128; n < file.length; n++) {
            const uint8_t kept = (uint8_t)file.data[n], changes[] = {0, 1, 0x7f, 0xff, (uint8_t)(kept ^ 0x10)};
            for (size_t c = 0; c < sizeof changes; c++) {
                seen s;
                file.data[n] = (char)changes[c];
                mg_status status = read_all(&file, &s, NULL);
                CHECK(status == MG_OK || status == MG_BAD_DATA || status == MG_UNSUPPORTED || status == MG_TOO_LARGE);
                mg_buffer_free(&s.text);
            }
            file.data[n] = (char)kept;
        }
        mg_buffer_free(&file);
    }
}

static void refuses_bombs(void)
{
    is_big = false;
    /* a megabyte that claims, once unpacked, to be three hundred of zeros and then some */
    size_t length = 300 << 20;
    mg_buffer inner = {0}, file = {0};
    put_header(&file);
    put_head(&inner, 1, 1, 3, "traindata");
    put_number(&inner, 14, 4), put_number(&inner, length, 4);
    put_head(&inner, 9, (uint32_t)(length / 88) - 1, 88, "");
    put_number(&inner, 2, 4), put_number(&inner, (length / 88 - 1) * 88, 4);
    mg_buffer whole = {0};
    put_number(&whole, 14, 4), put_number(&whole, inner.length + length, 4);
    mg_buffer_add(&whole, inner.data, inner.length);
    uLongf size = compressBound(whole.length);
    Bytef *packed = malloc(size);
    compress2(packed, &size, (const Bytef *)whole.data, whole.length, 9);
    put_element(&file, 15, packed, size);
    seen s;
    mg_error why = {0};
    CHECK_INT(read_all(&file, &s, &why), MG_BAD_DATA);
    CHECK(strstr(why.text, "larger than deflate allows"));
    free(packed);
    mg_buffer_free(&s.text), mg_buffer_free(&inner), mg_buffer_free(&whole), mg_buffer_free(&file);
}

static void refuses_what_is_no_roll(void)
{
    is_big = false;
    mg_buffer file = {0}, cells = {0}, cell = {0};
    seen s;
    mg_error why = {0};
    put_header(&file);
    put_roll(&cells, 1, 9, 2, 1, 1);
    put_variable(&file, "other", &cells, 1, true);
    CHECK_INT(read_all(&file, &s, &why), MG_BAD_DATA);
    CHECK(strstr(why.text, "nothing is called train"));
    mg_buffer_free(&s.text);
    mg_buffer_clear(&cells);
    put_head(&cell, 9, 2, 3, "");
    put_element(&cell, 2, "\1\1\1\1\1\1", 6);
    put_element(&cells, 14, cell.data, cell.length);
    put_variable(&file, "traindata", &cells, 1, true);
    CHECK_INT(read_all(&file, &s, &why), MG_UNSUPPORTED);
    CHECK(strstr(why.text, "a roll of 3 keys"));
    mg_buffer_free(&s.text), mg_buffer_free(&cells), mg_buffer_free(&cell), mg_buffer_free(&file);
}

/* ---- JSON ---- */

static mg_status read_text(const char *text, int resolution, seen *s, mg_error *why)
{
    *s = (seen){0};
    return mg_rolls_read(text, strlen(text), resolution, write_down, s, why);
}

static void reads_json(void)
{
    seen s;
    mg_error why = {0};
    const char text[] = " {\"train\": [[[64, 60, 60], [-1], []], [[21.0]]], \"note\": 3, \"test\": [[[108]]]}";
    CHECK(mg_rolls_is(text, strlen(text)));
    CHECK_INT(read_text(text, 4, &s, &why), MG_OK);
    CHECK_TEXT(s.text.data, "train 1/4: 60,60,64 | | |\ntrain 2/4: 21 |\ntest 3/4: 108 |\n");
    mg_buffer_free(&s.text);
    CHECK(!mg_rolls_is("{\"kind\":\"piece\"}", 16));
    CHECK_INT(read_text("{\"train\":[[[60],[128]]]}", 4, &s, &why), MG_BAD_DATA);
    CHECK_TEXT(why.where, "piece 1, step 1");
    CHECK_INT(read_text("{\"train\":[[60]]}", 4, &s, &why), MG_BAD_DATA);
    CHECK_INT(read_text("{\"train\":[60]}", 4, &s, &why), MG_BAD_DATA);
    CHECK_INT(read_text("{\"train\":[]}", 4, &s, &why), MG_BAD_DATA);
    CHECK_INT(read_text("{\"train\":", 4, &s, &why), MG_BAD_DATA);
}

static void estimates_the_grid(void)
{
    const struct { const char *text, *want; } cases[] = {
        {"{\"test\":[[[60],[61],[60],[61],[60],[61],[62]]]}", "test 1/1: 60 | 61 | 60 | 61 | 60 | 61 | 62 |\n"},
        {"{\"test\":[[[60],[60],[61],[62],[62]]]}", "test 1/2: 60 | 60 | 61 | 62 | 62 |\n"},
        {"{\"test\":[[[60],[60],[60],[62],[62]]]}", "test 1/4: 60 | 60 | 60 | 62 | 62 |\n"},
    };
    for (size_t i = 0; i < 3; i++) {
        seen s;
        CHECK_INT(read_text(cases[i].text, 0, &s, NULL), MG_OK);
        CHECK_TEXT(s.text.data, cases[i].want);
        mg_buffer_free(&s.text);
    }
}

/* ---- the published sets ---- */

typedef struct { long pieces, frames, notes; int resolution; } totals;

static mg_status add_up(void *user, const mg_roll *roll, mg_error *why)
{
    (void)why;
    totals *t = (totals *)user + (roll->split[0] == 't' ? roll->split[1] == 'e' : 2); /* train, test, valid */
    t->pieces++;
    t->frames += (long)roll->n_frames;
    t->notes += (long)(roll->n_tokens - roll->n_frames);
    t->resolution = roll->resolution;
    return MG_OK;
}

static void reads_the_published_sets(void)
{
    static const struct { const char *path; totals want[3]; } sets[] = {
        {"polymusic/JSB_Chorales.mat", {{229, 13807, 53824, 1}, {77, 4725, 18367, 1}, {76, 4602, 17811, 1}}},
        {"polymusic/Nottingham.mat", {{694, 176561, 699403, 2}, {170, 44463, -1, 2}, {173, 45513, -1, 2}}},
        {"polymusic/Piano_midi.mat", {{87, 75911, 231089, 2}, {25, 19036, -1, 2}, {12, 8540, -1, 2}}},
        {"jsb16/jsb-chorales-16th.json", {{229, 55228, -1, 4}, {77, 18900, 75316, 4}, {76, 18408, -1, 4}}},
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        char path[256];
        mg_file file;
        totals got[3] = {{0}};
        snprintf(path, sizeof path, "../shared/data/%s", sets[i].path);
        if (mg_file_read(path, 0, &file, NULL)) SKIP("../shared/data is not there");
        CHECK_INT(mg_rolls_read(file.data, file.size, 0, add_up, got, NULL), MG_OK);
        for (int k = 0; k < 3; k++) {
            CHECK_INT(got[k].pieces, sets[i].want[k].pieces);
            CHECK_INT(got[k].frames, sets[i].want[k].frames);
            if (sets[i].want[k].notes >= 0) CHECK_INT(got[k].notes, sets[i].want[k].notes);
            CHECK_INT(got[k].resolution, sets[i].want[k].resolution);
        }
        mg_file_free(&file);
    }
}

/* A roll as music and back is the same roll. */
static mg_status goes_round(void *user, const mg_roll *roll, mg_error *why)
{
    (void)user;
    const mg_encoding *e = mg_encoding_find("roll88");
    mg_score *score = NULL;
    mg_buffer again = {0};
    MG_TRY(mg_roll_score(roll, 120, &score, why));
    mg_status status = e->encode(e, score, roll->resolution, &again, why);
    CHECK(again.length == roll->n_tokens * sizeof(int32_t) &&
          (again.length == 0 || memcmp(again.data, roll->tokens, again.length) == 0));
    mg_score_free(score), mg_buffer_free(&again);
    return status;
}

static void gives_rolls_back_through_scores(void)
{
    mg_file file;
    if (mg_file_read("../shared/data/polymusic/JSB_Chorales.mat", 0, &file, NULL)) SKIP("../shared/data is not there");
    CHECK_INT(mg_rolls_read(file.data, file.size, 0, goes_round, NULL, NULL), MG_OK);
    mg_file_free(&file);
}

/* ---- failing allocations ---- */

static mg_buffer fixed;

static mg_status read_fixed(void)
{
    seen s;
    mg_error why = {0};
    mg_status status = read_all(&fixed, &s, &why);
    mg_buffer_free(&s.text);
    return status;
}

static void survives_failing_allocations(void)
{
    is_big = false;
    fixed = make_file(true);
    CHECK_FAILING_ALLOCATIONS(read_fixed());
    mg_buffer_free(&fixed);
    mg_buffer_add_text(&fixed, "{\"valid\":[[[60,61]],[[62]]]}");
    CHECK_FAILING_ALLOCATIONS(read_fixed());
    mg_buffer_free(&fixed);
}

int main(void)
{
    TEST("MAT files are read in both byte orders, bare and compressed", reads_both_orders_and_compression);
    TEST("MAT files cut or changed anywhere are read or refused", survives_cuts_and_changes);
    TEST("a file that claims to unpack to more than it can is refused", refuses_bombs);
    TEST("files without rolls say so", refuses_what_is_no_roll);
    TEST("JSON of steps of pitches is read", reads_json);
    TEST("the grid is estimated from repeated frames", estimates_the_grid);
    TEST("the published sets have their published counts", reads_the_published_sets);
    TEST("rolls come back through scores", gives_rolls_back_through_scores);
    TEST("failing allocations are answered", survives_failing_allocations);
    return tap_end();
}
