/* SPDX-License-Identifier: MIT */
/* Encodings, numbers, words, JSON in and out. */
#include <mgen/text.h>

#include "tests/unit/tap.h"

#include <locale.h>

static mg_error why;
static mg_buffer out;

static const char *decoded(const char *bytes, size_t n, mg_text_encoding want)
{
    mg_buffer_clear(&out);
    CHECK_INT(mg_text_add_decoded(&out, bytes, n), want);
    return out.data ? out.data : "";
}

static void encodings(void)
{
    CHECK_TEXT(decoded("plain", 5, MG_TEXT_UTF8), "plain");
    CHECK_TEXT(decoded("caf\xc3\xa9", 5, MG_TEXT_UTF8), "caf\xc3\xa9");
    CHECK_TEXT(decoded("caf\xe9", 4, MG_TEXT_WESTERN), "caf\xc3\xa9");
    CHECK_TEXT(decoded("\x93q\x94", 3, MG_TEXT_WESTERN), "\xe2\x80\x9cq\xe2\x80\x9d");
    CHECK_TEXT(decoded("\x8d?", 2, MG_TEXT_WESTERN), "?"); /* not even CP1252 */
    CHECK_TEXT(decoded("\x83\x65\x83\x58\x83\x67", 6, MG_TEXT_SHIFT_JIS), "\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88");
    CHECK_TEXT(decoded("\xff\xfe" "a\0\xe9\0", 6, MG_TEXT_UTF16), "a\xc3\xa9");
    CHECK_TEXT(decoded("\xfe\xff" "\0a\0\xe9", 6, MG_TEXT_UTF16), "a\xc3\xa9");
    CHECK_TEXT(decoded("\xef\xbb\xbf" "a", 4, MG_TEXT_UTF8), "a");
    CHECK_TEXT(decoded("\0\xef\xbb\xbf\x01\xef\xbb\xbf" "a", 9, MG_TEXT_UTF8), "a"); /* nor what is one then */
    CHECK_TEXT(decoded("\xa5\xc6\xa5\xb9\xa5\xc8", 6, MG_TEXT_EUC_JP), "\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88");
    CHECK_TEXT(decoded("\xd2\xf4\xc0\xd6", 4, MG_TEXT_GBK), "\xe9\x9f\xb3\xe4\xb9\x90");
    CHECK_TEXT(decoded("\xec\xf3\xe7\xfb\xea\xe0", 6, MG_TEXT_CYRILLIC),
               "\xd0\xbc\xd1\x83\xd0\xb7\xd1\x8b\xd0\xba\xd0\xb0");
    CHECK_TEXT(decoded("a\x01\x07\tb\n", 6, MG_TEXT_UTF8), "a\tb\n");
}

static void utf8(void)
{
    static const struct { const char *text; bool is_valid; } cases[] = {
        {"", true}, {"a", true}, {"\xc2\x80", true}, {"\xed\x9f\xbf", true}, {"\xf4\x8f\xbf\xbf", true},
        {"\xc1\x80", false}, {"\xe0\x80\x80", false}, {"\xed\xa0\x80", false}, {"\xf4\x90\x80\x80", false},
        {"\xc3", false}, {"\xff", false}, {"\xe2\x82", false}, {"a\x80", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_INT(mg_utf8_is_valid(cases[i].text, strlen(cases[i].text)), cases[i].is_valid);
}

static void base64(void)
{
    static const char *const pairs[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}};
    for (int i = 0; i < 5; i++) {
        mg_buffer_clear(&out);
        mg_base64_add(&out, pairs[i][0], strlen(pairs[i][0]));
        CHECK_TEXT(out.data ? out.data : "", pairs[i][1]);
        mg_buffer_clear(&out);
        CHECK(mg_base64_decode(&out, pairs[i][1], strlen(pairs[i][1])));
        CHECK_TEXT(out.data ? out.data : "", pairs[i][0]);
    }
    CHECK(!mg_base64_decode(&out, "Zg=", 3));
    CHECK(!mg_base64_decode(&out, "Z!==", 4));
    CHECK(!mg_base64_decode(&out, "Zg==Zg==", 8));
}

static const char *real(double value)
{
    mg_buffer_clear(&out);
    mg_real_add(&out, value);
    return out.data;
}

static void numbers(void)
{
    CHECK_TEXT(real(0.1), "0.1");
    CHECK_TEXT(real(1), "1.0");
    CHECK_TEXT(real(-0.0), "-0.0");
    CHECK_TEXT(real(1e300), "1e+300");
    CHECK_TEXT(real(1.0 / 3), "0.3333333333333333");
    CHECK_TEXT(real(NAN), "null");
    CHECK_TEXT(real(-INFINITY), "null");
    mg_random random = mg_random_at(3, "numbers", 0);
    for (int i = 0; i < 20000; i++) {
        double value = ldexp(mg_random_unit(&random) - 0.5, (int)mg_random_below(&random, 600) - 300);
        CHECK(strtod(real(value), NULL) == value);
    }
    mg_buffer_clear(&out);
    mg_int_add(&out, INT64_MIN);
    mg_buffer_add_char(&out, ' ');
    mg_int_add(&out, INT64_MAX);
    CHECK_TEXT(out.data, "-9223372036854775808 9223372036854775807");
}

static void numbers_in_other_locales(void)
{
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "de_DE")) SKIP("no German locale here");
    CHECK_TEXT(real(0.25), "0.25");
    setlocale(LC_ALL, "C");
}

static void nearest(void)
{
    static const char *const words[] = {"threads", "seed", "shard", "strict", "temperature", NULL};
    CHECK_TEXT(mg_nearest_word("treads", words), "threads");
    CHECK_TEXT(mg_nearest_word("sede", words), "seed");
    CHECK_TEXT(mg_nearest_word("temprature", words), "temperature");
    CHECK(mg_nearest_word("bananas", words) == NULL);
    CHECK(mg_nearest_word("", words) == NULL);
}

static mg_json *parse(const char *text)
{
    mg_json *root = NULL;
    return mg_json_parse(text, strlen(text), &root, &why) ? NULL : root;
}

static void json_read(void)
{
    mg_json *root = parse("{\"a\":1,\"b\":[1.5,\"x\",true,null],\"c\":{}}");
    REQUIRE(root);
    int64_t i = 0;
    double r = 0;
    bool b = false;
    CHECK(mg_json_int(mg_json_get(root, "a"), &i) && i == 1);
    CHECK(mg_json_real(mg_json_get(root, "a"), &r) && r == 1);
    const mg_json *list = mg_json_get(root, "b");
    CHECK_INT(mg_json_count(list), 4);
    CHECK(!mg_json_int(mg_json_at(list, 0), &i));
    CHECK_TEXT(mg_json_string(mg_json_at(list, 1)), "x");
    CHECK(mg_json_bool(mg_json_at(list, 2), &b) && b);
    CHECK_INT(mg_json_kind_of(mg_json_at(list, 3)), MG_JSON_NULL);
    CHECK(mg_json_get(root, "z") == NULL && mg_json_get(NULL, "z") == NULL && mg_json_at(list, 4) == NULL);
    CHECK_INT(mg_json_count(NULL), 0);
    CHECK_TEXT(mg_json_get_string(root, "z", "else"), "else");
    mg_json_free(root);
}

static void json_refused(void)
{
    static const char *const bad[] = {"", "{", "{\"a\":1,\"a\":2}", "NaN", "[1,]", "{\"a\":\"\\ud800\"}", "\"\xff\"",
                                      "[1] x", "{'a':1}", "\"a\\u0000b\"", "1e999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!CHECK(parse(bad[i]) == NULL)) printf("# %s\n", bad[i]);
    char deep[300];
    memset(deep, '[', 65);
    memset(deep + 65, ']', 65);
    deep[130] = '\0';
    CHECK(parse(deep) == NULL && strstr(why.text, "deeper"));
    mg_json *root = parse("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]");
    CHECK(root);
    mg_json_free(root);
}

static void json_written(void)
{
    mg_buffer_clear(&out);
    mg_json_writer json = mg_json_to(&out);
    mg_json_object_begin(&json, NULL);
    mg_json_put_text(&json, "s", "q\"\\\n\x01\xc3\xa9\xff<");
    mg_json_put_int(&json, "i", -5);
    mg_json_array_begin(&json, "a");
    mg_json_put_real(&json, NULL, 0.5);
    mg_json_put_null(&json, NULL);
    mg_json_object_begin(&json, NULL);
    mg_json_object_end(&json);
    mg_json_array_end(&json);
    mg_json_put_bool(&json, "b", true);
    mg_json_put_ints(&json, "t", (int32_t[]){1, 2, 3}, 3);
    mg_json_object_end(&json);
    CHECK_TEXT(out.data, "{\"s\":\"q\\\"\\\\\\n\\u0001\xc3\xa9\xef\xbf\xbd<\",\"i\":-5,\"a\":[0.5,null,{}],\"b\":true,"
                         "\"t\":[1,2,3]}");
    CHECK(mg_utf8_is_valid(out.data, out.length));
}

static void json_copied(void)
{
    const char *text = "{\"z\":[1,2.5,[],{\"k\":[{}]}],\"a\":\"\xc3\xa9\",\"m\":null,\"t\":false}";
    mg_json *root = parse(text);
    REQUIRE(root);
    mg_buffer_clear(&out);
    mg_json_writer json = mg_json_to(&out);
    mg_json_put_copy(&json, NULL, root);
    CHECK_TEXT(out.data, text);
    mg_json_free(root);
}

int main(void)
{
    TEST("old encodings are guessed", encodings);
    TEST("UTF-8 is what RFC 3629 says", utf8);
    TEST("base64 goes there and back", base64);
    TEST("numbers are written short and read back the same", numbers);
    TEST("numbers are the same in every locale", numbers_in_other_locales);
    TEST("the nearest word is found, and none where all are far", nearest);
    TEST("JSON is read", json_read);
    TEST("what is not strict JSON, or too deep, is refused", json_refused);
    TEST("JSON is written with escapes and commas", json_written);
    TEST("a parsed value is written again as it was", json_copied);
    mg_buffer_free(&out);
    return tap_end();
}
