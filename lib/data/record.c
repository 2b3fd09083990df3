/* SPDX-License-Identifier: MIT */
/* The keys that many kinds of records share. */
#include <mgen/data.h>

#include <stdio.h>
#include <string.h>

mg_json_writer mg_record_begin(mg_buffer *out, const char *kind)
{
    mg_json_writer json = mg_json_to(out);
    mg_json_object_begin(&json, NULL);
    mg_json_put_text(&json, "kind", kind);
    return json;
}

void mg_record_end(mg_json_writer *json)
{
    mg_json_object_end(json);
    mg_buffer_add_char(json->out, '\n');
}

void mg_record_put_path(mg_json_writer *json, const char *key, const char *path)
{
    size_t length = strlen(path);
    mg_json_put_bytes(json, key, path, length);
    if (mg_utf8_is_valid(path, length)) return;
    char key_b64[64];
    snprintf(key_b64, sizeof key_b64, "%s_b64", key);
    mg_buffer code = {0};
    mg_base64_add(&code, path, length);
    if (code.failed) json->out->failed = true;
    else mg_json_put_text(json, key_b64, code.data);
    mg_buffer_free(&code);
}

char *mg_record_path(const mg_json *record, const char *key)
{
    char key_b64[64];
    snprintf(key_b64, sizeof key_b64, "%s_b64", key);
    const char *text = mg_json_get_string(record, key, NULL), *code = mg_json_get_string(record, key_b64, NULL);
    mg_buffer path = {0};
    if (code && mg_base64_decode(&path, code, strlen(code)) && path.data && !memchr(path.data, '\0', path.length))
        return path.data;
    mg_buffer_free(&path);
    return text ? mg_strdup(text) : NULL;
}

void mg_record_put_hash(mg_json_writer *json, const char *key, mg_hash hash)
{
    char hex[33];
    mg_hash_hex(hash, hex);
    mg_json_put_bytes(json, key, hex, 32);
}

void mg_record_error(mg_buffer *out, const char *path, const mg_error *why)
{
    mg_json_writer json = mg_record_begin(out, "error");
    mg_record_put_path(&json, "path", path);
    mg_json_put_text(&json, "error", why->text[0] ? why->text : mg_status_text(why->status));
    if (why->where[0]) mg_json_put_text(&json, "where", why->where);
    mg_record_end(&json);
}
