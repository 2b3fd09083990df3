/* SPDX-License-Identifier: MIT */
/* JSON written straight into a buffer: records are made by the million, so no tree is built for them. */
#include <mgen/text.h>

#include <assert.h>
#include <math.h>
#include <string.h>

mg_json_writer mg_json_to(mg_buffer *out) { return (mg_json_writer){.out = out}; }

static void string_add(mg_buffer *out, const char *text, size_t length)
{
    static const char hex[] = "0123456789abcdef";
    mg_buffer_add_char(out, '"');
    size_t plain = 0; /* start of the run that needs no escape */
    for (size_t i = 0; i < length;) {
        unsigned char c = (unsigned char)text[i];
        size_t n = c < 0x80 ? 1 : mg_utf8_length(text + i, length - i);
        bool is_broken = n == 0;
        if (!is_broken && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) {
            i += n;
            continue;
        }
        mg_buffer_add(out, text + plain, i - plain);
        if (is_broken) {
            mg_buffer_add_text(out, "\xEF\xBF\xBD");
        } else if (c == '"' || c == '\\') {
            mg_buffer_add(out, (char[]){'\\', (char)c}, 2);
        } else if (c == '\n' || c == '\t' || c == '\r') {
            mg_buffer_add(out, (char[]){'\\', c == '\n' ? 'n' : c == '\t' ? 't' : 'r'}, 2);
        } else {
            mg_buffer_add(out, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
        }
        plain = i += 1;
    }
    mg_buffer_add(out, text + plain, length - plain);
    mg_buffer_add_char(out, '"');
}

/* The comma and the key that stand before a value. */
static void lead(mg_json_writer *json, const char *key)
{
    if (json->has_items >> json->depth & 1) mg_buffer_add_char(json->out, ',');
    json->has_items |= 1ull << json->depth;
    if (!key) return;
    string_add(json->out, key, strlen(key));
    mg_buffer_add_char(json->out, ':');
}

static void begin(mg_json_writer *json, const char *key, char bracket)
{
    lead(json, key);
    mg_buffer_add_char(json->out, bracket);
    json->depth++;
    assert(json->depth < 64);
    json->has_items &= ~(1ull << json->depth);
}

static void end(mg_json_writer *json, char bracket)
{
    assert(json->depth > 0);
    json->depth--;
    mg_buffer_add_char(json->out, bracket);
}

void mg_json_object_begin(mg_json_writer *json, const char *key) { begin(json, key, '{'); }
void mg_json_object_end(mg_json_writer *json) { end(json, '}'); }
void mg_json_array_begin(mg_json_writer *json, const char *key) { begin(json, key, '['); }
void mg_json_array_end(mg_json_writer *json) { end(json, ']'); }

void mg_json_put_raw(mg_json_writer *json, const char *key, const char *text, size_t length)
{
    lead(json, key);
    mg_buffer_add(json->out, text, length);
}

void mg_json_put_null(mg_json_writer *json, const char *key) { mg_json_put_raw(json, key, "null", 4); }

void mg_json_put_bool(mg_json_writer *json, const char *key, bool value)
{
    mg_json_put_raw(json, key, value ? "true" : "false", value ? 4 : 5);
}

void mg_json_put_int(mg_json_writer *json, const char *key, int64_t value)
{
    lead(json, key);
    mg_int_add(json->out, value);
}

void mg_json_put_real(mg_json_writer *json, const char *key, double value)
{
    lead(json, key);
    mg_real_add(json->out, value);
}

void mg_json_put_bytes(mg_json_writer *json, const char *key, const char *value, size_t length)
{
    lead(json, key);
    string_add(json->out, value, length);
}

void mg_json_put_text(mg_json_writer *json, const char *key, const char *value)
{
    mg_json_put_bytes(json, key, value, strlen(value));
}

void mg_json_put_ints(mg_json_writer *json, const char *key, const int32_t *values, size_t n)
{
    mg_json_array_begin(json, key);
    for (size_t i = 0; i < n; i++) mg_json_put_int(json, NULL, values[i]);
    mg_json_array_end(json);
}

void mg_json_put_reals(mg_json_writer *json, const char *key, const double *values, size_t n)
{
    mg_json_array_begin(json, key);
    for (size_t i = 0; i < n; i++) mg_json_put_real(json, NULL, values[i]);
    mg_json_array_end(json);
}

void mg_json_put_copy(mg_json_writer *to, const char *key, const mg_json *value)
{
    struct { const mg_json *value; void *place; size_t at; } open[64]; /* mg_json_parse admits 64 levels */
    unsigned depth = 0;
    for (;;) {
        mg_json_kind kind = mg_json_kind_of(value);
        bool is_too_deep = to->depth >= 63 && (kind == MG_JSON_ARRAY || kind == MG_JSON_OBJECT);
        switch (is_too_deep ? MG_JSON_NULL : kind) {
        case MG_JSON_NULL: mg_json_put_null(to, key); break;
        case MG_JSON_BOOL: {
            bool b = false;
            mg_json_bool(value, &b);
            mg_json_put_bool(to, key, b);
            break;
        }
        case MG_JSON_INT: {
            int64_t i = 0;
            mg_json_int(value, &i);
            mg_json_put_int(to, key, i);
            break;
        }
        case MG_JSON_REAL: {
            double r = 0;
            mg_json_real(value, &r);
            mg_json_put_real(to, key, r);
            break;
        }
        case MG_JSON_STRING: mg_json_put_text(to, key, mg_json_string(value)); break;
        case MG_JSON_ARRAY:
            mg_json_array_begin(to, key);
            open[depth].value = value, open[depth].place = NULL, open[depth++].at = 0;
            break;
        case MG_JSON_OBJECT:
            mg_json_object_begin(to, key);
            open[depth].value = value, open[depth].place = NULL, open[depth++].at = 0;
            break;
        }
        for (;;) { /* the next member, closing what has none left */
            if (depth == 0) return;
            if (mg_json_kind_of(open[depth - 1].value) == MG_JSON_OBJECT) {
                if (mg_json_next(open[depth - 1].value, &open[depth - 1].place, &key, &value)) break;
                mg_json_object_end(to);
            } else {
                key = NULL;
                value = mg_json_at(open[depth - 1].value, open[depth - 1].at++);
                if (value) break;
                mg_json_array_end(to);
            }
            depth--;
        }
    }
}
