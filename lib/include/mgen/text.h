/* SPDX-License-Identifier: MIT */
/** Text: UTF-8 and the odd encodings of old files, JSON in and out, and the nearest of some words. */
#ifndef MGEN_TEXT_H
#define MGEN_TEXT_H

#include <mgen/base.h>

MG_PUBLIC_BEGIN

/* ---- encodings ---- */

/** Whether the bytes are UTF-8 as RFC 3629 has it (no surrogates, no over-long forms). */
bool mg_utf8_is_valid(const char *bytes, size_t length);
/** The bytes of the character that starts at `bytes`, 0 if none does. */
size_t mg_utf8_length(const char *bytes, size_t left);

/** What a byte string was taken for. */
typedef enum { MG_TEXT_UTF8, MG_TEXT_UTF16, MG_TEXT_SHIFT_JIS, MG_TEXT_EUC_JP, MG_TEXT_GBK, MG_TEXT_CYRILLIC,
               MG_TEXT_WESTERN } mg_text_encoding;

/** Add the bytes as UTF-8, guessing the encoding that they are in: UTF-8 where valid (its byte order mark goes), UTF-16
    where a mark says so, else Shift-JIS (CP932), EUC-JP, GBK or CP1251 where the bytes look like it, else CP1252.
    Control characters other than tab and newline are dropped. */
mg_text_encoding mg_text_add_decoded(mg_buffer *out, const char *bytes, size_t length);

/** Base64 (RFC 4648, with padding). */
void mg_base64_add(mg_buffer *out, const void *bytes, size_t length);
bool mg_base64_decode(mg_buffer *out, const char *text, size_t length);

/* ---- numbers ---- */

/** The shortest decimal that reads back as the same double; "null" for NaN and infinities. Same in every locale. */
void mg_real_add(mg_buffer *out, double value);
void mg_int_add(mg_buffer *out, int64_t value);

/* ---- words ---- */

/** The word of the list nearest to `word` by edit distance (a swap of neighbours counts one), or NULL if none is
    within a third of its length + 1. The list ends with NULL. */
const char *mg_nearest_word(const char *word, const char *const *words);

/* ---- text on a terminal ---- */

/** The columns that UTF-8 text takes: none for combining marks, 2 for East Asian wide characters and pictographs. */
int mg_text_columns(const char *text, size_t length);
/** Add text in at most `columns` columns, the last of them an ellipsis where it was cut. Controls, direction marks and
    broken UTF-8 become U+FFFD, so that nothing can steer the terminal. Without `is_unicode` what is not ASCII becomes
    '?'. Returns the columns taken. */
int mg_text_add_shown(mg_buffer *out, const char *text, int columns, bool is_unicode);

/* ---- JSON, read ---- */

const char *mg_json_library(void); /**< of jansson: "2.14" */

/** A parsed value. All but the root are borrowed from it. Duplicate keys, NaN, bad UTF-8 and more than 64 levels are
    refused. */
typedef struct mg_json mg_json;
typedef enum { MG_JSON_NULL, MG_JSON_BOOL, MG_JSON_INT, MG_JSON_REAL, MG_JSON_STRING, MG_JSON_ARRAY,
               MG_JSON_OBJECT } mg_json_kind;

mg_status mg_json_parse(const char *text, size_t length, mg_json **root, mg_error *why) MG_MUST_CHECK;
void mg_json_free(mg_json *root);
mg_json_kind mg_json_kind_of(const mg_json *value); /**< MG_JSON_NULL for NULL */
/** The member, or NULL if `object` is NULL, no object, or lacks it. */
const mg_json *mg_json_get(const mg_json *object, const char *key);
size_t mg_json_count(const mg_json *array_or_object); /**< 0 for NULL and for other kinds */
const mg_json *mg_json_at(const mg_json *array, size_t i);
/** Walk the members of an object: start with *place NULL; false at the end. */
bool mg_json_next(const mg_json *object, void **place, const char **key, const mg_json **value);
/** These give false, and leave the result alone, for NULL and other kinds. A real takes integers too. */
bool mg_json_bool(const mg_json *value, bool *result);
bool mg_json_int(const mg_json *value, int64_t *result);
bool mg_json_real(const mg_json *value, double *result);
/** The text of a string value (UTF-8, NUL-terminated, no NUL inside); NULL for NULL and other kinds. */
const char *mg_json_string(const mg_json *value);
/** As mg_json_string of a member, `otherwise` where absent. */
const char *mg_json_get_string(const mg_json *object, const char *key, const char *otherwise);
int64_t mg_json_get_int(const mg_json *object, const char *key, int64_t otherwise);
double mg_json_get_real(const mg_json *object, const char *key, double otherwise);

/* ---- JSON, written ---- */

/** Writes compact JSON into a buffer and sets the commas. Keys are given with the value; NULL inside arrays. */
typedef struct mg_json_writer {
    mg_buffer *out;
    unsigned depth;
    uint64_t has_items; /**< bit d: something stands at depth d */
} mg_json_writer;

mg_json_writer mg_json_to(mg_buffer *out);
void mg_json_object_begin(mg_json_writer *json, const char *key);
void mg_json_object_end(mg_json_writer *json);
void mg_json_array_begin(mg_json_writer *json, const char *key);
void mg_json_array_end(mg_json_writer *json);
void mg_json_put_null(mg_json_writer *json, const char *key);
void mg_json_put_bool(mg_json_writer *json, const char *key, bool value);
void mg_json_put_int(mg_json_writer *json, const char *key, int64_t value);
void mg_json_put_real(mg_json_writer *json, const char *key, double value); /**< null where not finite */
void mg_json_put_text(mg_json_writer *json, const char *key, const char *value); /**< bad UTF-8 becomes U+FFFD */
void mg_json_put_bytes(mg_json_writer *json, const char *key, const char *value, size_t length);
void mg_json_put_ints(mg_json_writer *json, const char *key, const int32_t *values, size_t n);
void mg_json_put_reals(mg_json_writer *json, const char *key, const double *values, size_t n);
/** A parsed value again, keys in their order of reading. What would lie deeper than 64 levels becomes null. */
void mg_json_put_copy(mg_json_writer *json, const char *key, const mg_json *value);
/** A value that is JSON already. */
void mg_json_put_raw(mg_json_writer *json, const char *key, const char *text, size_t length);

/* ---- options: what a configuration holds, as rows ---- */

typedef enum {
    MG_OPTION_INT,    /**< int64_t */
    MG_OPTION_REAL,   /**< double */
    MG_OPTION_PAIR,   /**< double[2] */
    MG_OPTION_FLAG,   /**< bool */
    MG_OPTION_CHOICE  /**< int: index into `choices` */
} mg_option_kind;

/** One member of a configuration struct: its name in JSON (on command lines with '-' for '_'), where it stands, what
    it may be and what it is if nothing is said. The rows of a struct end with a row without a name. */
typedef struct {
    const char *name;
    mg_option_kind kind;
    size_t place;         /**< offsetof */
    double fallback[2];
    double low, high;     /**< both 0: any */
    const char *const *choices;
    const char *arg, *help; /**< help NULL: follows from the data or other options, not for command lines */
} mg_option;

void mg_options_default(const mg_option *rows, void *config);
/** Take the members that `object` has; the others stay as they are and unknown ones are passed over. MG_BAD_DATA, with
    the option's name, where a value is of another kind or out of range. */
mg_status mg_options_read(const mg_option *rows, const mg_json *object, void *config, mg_error *why);
/** The name of the first option in which two configurations differ; NULL if they are the same. */
const char *mg_options_differ(const mg_option *rows, const void *a, const void *b);
/** All members, in the order of the rows, into an object that was begun. */
void mg_options_write(const mg_option *rows, const void *config, mg_json_writer *json);

MG_PUBLIC_END
#endif
