/* SPDX-License-Identifier: MIT */
/* Records for people: on a terminal each record becomes a few aligned lines, "key  value", its kind and path as the
   heading. Long lists are cut, nested objects indented. */
#include "cli/inside.h"

#include <string.h>
#include <unistd.h>

enum { KEY_WIDTH = 28, LIST_SHOWN = 12 };

struct cli_table {
    mg_buffer text;
};

cli_table *cli_table_new(void) { return mg_alloc_zero(1, sizeof(cli_table)); }

static void add_value(mg_buffer *out, const mg_json *value)
{
    bool b = false;
    int64_t i;
    double r = 0;
    switch (mg_json_kind_of(value)) {
    case MG_JSON_NULL: mg_buffer_add_text(out, "-"); break;
    case MG_JSON_BOOL:
        mg_json_bool(value, &b);
        mg_buffer_add_text(out, b ? "yes" : "no");
        break;
    case MG_JSON_INT:
        if (mg_json_int(value, &i)) mg_int_add(out, i);
        break;
    case MG_JSON_REAL:
        mg_json_real(value, &r);
        mg_buffer_print(out, "%.6g", r);
        break;
    case MG_JSON_STRING: mg_buffer_add_text(out, mg_json_string(value)); break;
    case MG_JSON_ARRAY:
        for (size_t k = 0; k < mg_json_count(value) && k < LIST_SHOWN; k++) {
            if (k) mg_buffer_add_char(out, ' ');
            add_value(out, mg_json_at(value, k));
        }
        if (mg_json_count(value) > LIST_SHOWN) mg_buffer_print(out, " ... (%zu)", mg_json_count(value));
        break;
    case MG_JSON_OBJECT: {
        const char *key;
        const mg_json *member, *const whole = value;
        bool is_first = true;
        for (void *place = NULL; mg_json_next(whole, &place, &key, &member); is_first = false) {
            mg_buffer_print(out, "%s%s ", is_first ? "" : ", ", key);
            add_value(out, member);
        }
        break;
    }
    }
}

static void add_members(mg_buffer *out, const mg_json *object, int indent)
{
    const char *key;
    const mg_json *value;
    for (void *place = NULL; mg_json_next(object, &place, &key, &value);) {
        if (indent == 2 && (!strcmp(key, "kind") || !strcmp(key, "path") || !strcmp(key, "path_b64"))) continue;
        mg_buffer_print(out, "%*s%-*s", indent, "", KEY_WIDTH - indent, key);
        if (mg_json_kind_of(value) == MG_JSON_OBJECT && indent < 6) {
            mg_buffer_add_char(out, '\n');
            add_members(out, value, indent + 2);
            continue;
        }
        mg_buffer_add_char(out, ' ');
        add_value(out, value);
        mg_buffer_add_char(out, '\n');
    }
}

mg_status cli_table_line(void *user, const char *text, size_t length, mg_error *why)
{
    cli_table *table = user;
    mg_json *record;
    MG_TRY(mg_json_parse(text, length, &record, why));
    mg_buffer_clear(&table->text);
    mg_buffer_print(&table->text, "%s  %s\n", mg_json_get_string(record, "kind", "record"),
                    mg_json_get_string(record, "path", ""));
    add_members(&table->text, record, 2);
    mg_json_free(record);
    if (table->text.failed) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    return mg_write_all(STDOUT_FILENO, "standard output", table->text.data, table->text.length, why);
}

mg_status cli_table_end(cli_table *table, mg_error *why)
{
    (void)why;
    mg_buffer_free(&table->text);
    mg_free(table);
    return MG_OK;
}
