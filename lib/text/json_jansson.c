/* SPDX-License-Identifier: MIT */
/* JSON read. The door to jansson: an mg_json is a json_t. */
#include <mgen/text.h>

#include <jansson.h>
#include <string.h>

enum { DEEPEST = 64 };

const char *mg_json_library(void) { return jansson_version_str(); }

/* jansson's own limit is 2048 levels; ours is checked before it, so that a record cannot use up the stack. */
static bool is_too_deep(const char *text, size_t length)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\') i++;
            else if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > DEEPEST) return true;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return false;
}

mg_status mg_json_parse(const char *text, size_t length, mg_json **root, mg_error *why)
{
    json_error_t error;
    *root = NULL;
    if (is_too_deep(text, length)) return mg_fail(why, MG_BAD_DATA, "JSON nested deeper than %d levels", DEEPEST);
    json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!value && json_error_code(&error) == json_error_out_of_memory)
        return mg_fail(why, MG_NO_MEMORY, "out of memory while reading JSON");
    if (!value) return mg_fail(why, MG_BAD_DATA, "not JSON: %s (character %d)", error.text, error.position);
    *root = (mg_json *)value;
    return MG_OK;
}

static const json_t *in(const mg_json *value) { return (const json_t *)value; }

void mg_json_free(mg_json *root) { json_decref((json_t *)root); }

mg_json_kind mg_json_kind_of(const mg_json *value)
{
    if (!value) return MG_JSON_NULL;
    switch (json_typeof(in(value))) {
    case JSON_TRUE:
    case JSON_FALSE: return MG_JSON_BOOL;
    case JSON_INTEGER: return MG_JSON_INT;
    case JSON_REAL: return MG_JSON_REAL;
    case JSON_STRING: return MG_JSON_STRING;
    case JSON_ARRAY: return MG_JSON_ARRAY;
    case JSON_OBJECT: return MG_JSON_OBJECT;
    default: return MG_JSON_NULL;
    }
}

const mg_json *mg_json_get(const mg_json *object, const char *key)
{
    return (const mg_json *)json_object_get(in(object), key); /* NULL in, NULL out */
}

size_t mg_json_count(const mg_json *value)
{
    return json_is_object(in(value)) ? json_object_size(in(value)) : json_array_size(in(value));
}

const mg_json *mg_json_at(const mg_json *array, size_t i) { return (const mg_json *)json_array_get(in(array), i); }

bool mg_json_next(const mg_json *object, void **place, const char **key, const mg_json **value)
{
    json_t *whole = (json_t *)(uintptr_t)object; /* jansson's iterator wants it writable, and does not write */
    *place = *place ? json_object_iter_next(whole, *place) : json_object_iter(whole);
    if (!*place) return false;
    *key = json_object_iter_key(*place);
    *value = (const mg_json *)json_object_iter_value(*place);
    return true;
}

bool mg_json_bool(const mg_json *value, bool *result)
{
    if (!json_is_boolean(in(value))) return false;
    *result = json_is_true(in(value));
    return true;
}

bool mg_json_int(const mg_json *value, int64_t *result)
{
    if (!json_is_integer(in(value))) return false;
    *result = json_integer_value(in(value));
    return true;
}

bool mg_json_real(const mg_json *value, double *result)
{
    if (!json_is_number(in(value))) return false;
    *result = json_number_value(in(value));
    return true;
}

const char *mg_json_string(const mg_json *value) { return json_string_value(in(value)); }

const char *mg_json_get_string(const mg_json *object, const char *key, const char *otherwise)
{
    const char *text = mg_json_string(mg_json_get(object, key));
    return text ? text : otherwise;
}

int64_t mg_json_get_int(const mg_json *object, const char *key, int64_t otherwise)
{
    int64_t value = otherwise;
    mg_json_int(mg_json_get(object, key), &value);
    return value;
}

double mg_json_get_real(const mg_json *object, const char *key, double otherwise)
{
    double value = otherwise;
    mg_json_real(mg_json_get(object, key), &value);
    return value;
}
