/* SPDX-License-Identifier: MIT */
/* Records for people: on a terminal each record becomes a few aligned lines, "key  value", its kind and path as the
   heading. Long lists are cut, nested objects indented; an object of objects with the same keys becomes a grid, a
   line a member, with as many columns as the terminal has room for. */
#include "cli/inside.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { KEY_WIDTH = 28, LIST_SHOWN = 12, COLUMNS = 32, DIGITS = 6, GRID_DIGITS = 4 };

struct cli_table {
    mg_buffer text;
    int width; /* of the terminal */
};

cli_table *cli_table_new(void)
{
    cli_table *table = mg_alloc_zero(1, sizeof *table);
    struct winsize size;
    if (!table) return NULL;
    table->width = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
    return table;
}

static void add_value(mg_buffer *out, const mg_json *value, int digits)
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
        mg_buffer_print(out, "%.*g", digits, r);
        break;
    case MG_JSON_STRING: mg_buffer_add_text(out, mg_json_string(value)); break;
    case MG_JSON_ARRAY:
        for (size_t k = 0; k < mg_json_count(value) && k < LIST_SHOWN; k++) {
            if (k) mg_buffer_add_char(out, ' ');
            add_value(out, mg_json_at(value, k), digits);
        }
        if (mg_json_count(value) > LIST_SHOWN) mg_buffer_print(out, " ... (%zu)", mg_json_count(value));
        break;
    case MG_JSON_OBJECT: {
        const char *key;
        const mg_json *member, *const whole = value;
        bool is_first = true;
        for (void *place = NULL; mg_json_next(whole, &place, &key, &member); is_first = false) {
            mg_buffer_print(out, "%s%s ", is_first ? "" : ", ", key);
            add_value(out, member, digits);
        }
        break;
    }
    }
}

/* ---- grids ---- */

/* The members' keys, where all members are objects with the same keys in the same order; 0 where they are not. */
static int find_columns(const mg_json *object, const char *columns[COLUMNS])
{
    const char *name, *key;
    const mg_json *member, *value;
    int n = 0;
    bool is_first = true;
    for (void *place = NULL; mg_json_next(object, &place, &name, &member); is_first = false) {
        int i = 0;
        for (void *inner = NULL; mg_json_next(member, &inner, &key, &value); i++) {
            if (i == COLUMNS || (!is_first && (i >= n || strcmp(columns[i], key)))) return 0;
            columns[i] = key;
        }
        if (i == 0 || (!is_first && i != n)) return 0;
        n = i;
    }
    return n;
}

static int wider(int a, size_t b) { return (size_t)a < b ? (int)b : a; }

/* A cell's text, in a scratch buffer. */
static const char *cell(mg_buffer *scratch, const mg_json *member, const char *column)
{
    mg_buffer_clear(scratch);
    add_value(scratch, mg_json_get(member, column), GRID_DIGITS);
    return scratch->data ? scratch->data : "";
}

static void add_grid(mg_buffer *out, const mg_json *object, const char *const *columns, int n, int indent, int width)
{
    const char *name;
    const mg_json *member;
    int names = 0, widths[COLUMNS] = {0}, shown = 0;
    mg_buffer scratch = {0};
    for (void *place = NULL; mg_json_next(object, &place, &name, &member);) {
        names = wider(names, strlen(name));
        for (int i = 0; i < n; i++) widths[i] = wider(widths[i], strlen(cell(&scratch, member, columns[i])));
    }
    int used = indent + names;
    for (; shown < n; shown++) {
        widths[shown] = wider(widths[shown], strlen(columns[shown]));
        used += 2 + widths[shown];
        if (used > width) break;
    }
    mg_buffer_print(out, "%*s%*s", indent, "", names, "");
    for (int i = 0; i < shown; i++) mg_buffer_print(out, "  %*s", widths[i], columns[i]);
    mg_buffer_add_char(out, '\n');
    for (void *place = NULL; mg_json_next(object, &place, &name, &member);) {
        mg_buffer_print(out, "%*s%-*s", indent, "", names, name);
        for (int i = 0; i < shown; i++) mg_buffer_print(out, "  %*s", widths[i], cell(&scratch, member, columns[i]));
        mg_buffer_add_char(out, '\n');
    }
    out->failed |= scratch.failed;
    mg_buffer_free(&scratch);
}

/* ---- records ---- */

static void add_members(mg_buffer *out, const mg_json *object, int indent, int width)
{
    const char *key, *columns[COLUMNS];
    const mg_json *value;
    for (void *place = NULL; mg_json_next(object, &place, &key, &value);) {
        bool is_object = mg_json_kind_of(value) == MG_JSON_OBJECT;
        if (indent == 2 && (!strcmp(key, "kind") || !strcmp(key, "path") || !strcmp(key, "path_b64"))) continue;
        if (is_object && mg_json_count(value) == 0) continue;
        mg_buffer_print(out, "%*s%-*s", indent, "", KEY_WIDTH - indent, key);
        if (is_object && indent < 6) {
            mg_buffer_add_char(out, '\n');
            int n = find_columns(value, columns);
            if (n) add_grid(out, value, columns, n, indent + 2, width);
            else add_members(out, value, indent + 2, width);
            continue;
        }
        mg_buffer_add_char(out, ' ');
        add_value(out, value, DIGITS);
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
    add_members(&table->text, record, 2, table->width);
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
