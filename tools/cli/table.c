/* SPDX-License-Identifier: MIT */
/* Records for people. Records of a kind that repeats become rows of a table, whose columns are decided on the first
   screenful; a record that stands alone becomes a section of keys and values, with bars for counts and tables for
   lists of objects. All of it is driven by the shape of the JSON. */
#include "cli/cells.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SCREENFUL = 20, KINDS = 8, KEY_WIDTH = 18, WIDEST_KEY = 32, BAR_WIDTH = 24, ROWS_SHOWN = 100,
       COUNTS_SHOWN = 12, DEEPEST = 6 };
static const double patience_s = 0.4; /* how long the first rows may wait for others */

/* A kind whose columns are decided. */
typedef struct {
    char *kind;
    cells_layout layout;
} known;

struct cli_table {
    mg_buffer text;
    mg_plot_style style;
    mg_json *waiting[SCREENFUL]; /* of one kind, not shown yet */
    size_t n_waiting;
    double since_s;
    known kinds[KINDS];
    size_t n_kinds;
    const known *last;           /* whose rows stand above */
    bool has_shown;
};

static const char *kind_of(const mg_json *record) { return mg_json_get_string(record, "kind", "record"); }

cli_table *cli_table_new(void)
{
    cli_table *table = mg_alloc_zero(1, sizeof *table);
    if (table) table->style = cli_style(STDOUT_FILENO, 0);
    return table;
}

/* ---- sections ---- */

static void add_colour(cli_table *t, const char *code)
{
    if (t->style.has_colour) mg_buffer_print(&t->text, "\033[%sm", code);
}

/* The keys of an object are as wide as the widest of them, within reason. */
static int key_width(const mg_json *object)
{
    const char *key;
    const mg_json *value;
    int width = KEY_WIDTH;
    for (void *place = NULL; mg_json_next(object, &place, &key, &value);) {
        int columns = mg_text_columns(key, strlen(key));
        if (columns > width) width = columns;
    }
    return width < WIDEST_KEY ? width : WIDEST_KEY;
}

static void add_key(cli_table *t, const char *key, int indent, int width)
{
    mg_buffer_print(&t->text, "%*s", indent, "");
    add_colour(t, "38;5;244");
    cells_pad(&t->text, key, width, false, false, &t->style);
    add_colour(t, "0");
    mg_buffer_add_char(&t->text, ' ');
}

static void add_line(cli_table *t, const mg_json *value, int indent)
{
    mg_buffer line = {0};
    cells_add(&line, value);
    mg_text_add_shown(&t->text, line.data ? line.data : "", t->style.width - indent - 1,
                      t->style.is_unicode);
    mg_buffer_add_char(&t->text, '\n');
    t->text.failed |= line.failed;
    mg_buffer_free(&line);
}

static size_t count_larger(const mg_json *object, int64_t than)
{
    const char *key;
    const mg_json *value;
    int64_t count = 0;
    size_t n = 0;
    for (void *place = NULL; mg_json_next(object, &place, &key, &value);)
        if (mg_json_int(value, &count) && count > than) n++;
    return n;
}

/* Counts by name: a bar, the count and its share; the largest of them where they are many. */
static void add_counts(cli_table *t, const mg_json *object, int indent)
{
    const char *key;
    const mg_json *value;
    int64_t count = 0, most = 0, sum = 0, rest = 0;
    size_t shown = 0, n = mg_json_count(object);
    for (void *place = NULL; mg_json_next(object, &place, &key, &value);) {
        mg_json_int(value, &count);
        sum += count;
        if (count > most) most = count;
    }
    for (void *place = NULL; mg_json_next(object, &place, &key, &value);) {
        mg_json_int(value, &count);
        if (n > COUNTS_SHOWN + 1 && (shown >= COUNTS_SHOWN || count_larger(object, count) >= COUNTS_SHOWN)) {
            rest += count;
            continue;
        }
        shown++;
        mg_buffer_print(&t->text, "%*s", indent, "");
        cells_pad(&t->text, key, KEY_WIDTH + 8, false, false, &t->style);
        mg_buffer_add_char(&t->text, ' ');
        mg_plot_bar(&t->text, (double)count, (double)most, BAR_WIDTH, &t->style);
        mg_buffer_print(&t->text, " %8lld", (long long)count);
        if (sum > 0) mg_buffer_print(&t->text, " %5.1f %%", 100 * (double)count / (double)sum);
        mg_buffer_add_char(&t->text, '\n');
    }
    if (rest)
        mg_buffer_print(&t->text, "%*s%-*s %*s %8lld\n", indent, "", KEY_WIDTH + 8, "others", BAR_WIDTH, "",
                        (long long)rest);
}

/* A long list of numbers as one line of little columns. */
static bool add_spark(cli_table *t, const mg_json *list)
{
    size_t n = mg_json_count(list);
    int room = t->style.width - KEY_WIDTH - 12;
    double *values = n > 16 ? mg_alloc(n, sizeof *values) : NULL;
    bool is_numbers = values != NULL;
    if (n > 16 && !values) t->text.failed = true;
    for (size_t i = 0; is_numbers && i < n; i++) is_numbers = mg_json_real(mg_json_at(list, i), &values[i]);
    if (is_numbers) {
        mg_plot_spark(&t->text, values, n, room < 128 ? room : 128, &t->style);
        mg_buffer_add_char(&t->text, '\n');
    }
    mg_free(values);
    return is_numbers;
}

/* The members of an object of objects or a list of objects as rows. */
static void add_rows(cli_table *t, const mg_json *value, int indent)
{
    const mg_json *rows[ROWS_SHOWN], *member;
    const char *names[ROWS_SHOWN], *key;
    size_t n = 0, all = mg_json_count(value);
    bool has_names = mg_json_kind_of(value) == MG_JSON_OBJECT;
    cells_layout layout;
    for (void *place = NULL; has_names && n < ROWS_SHOWN && mg_json_next(value, &place, &key, &member); n++)
        rows[n] = member, names[n] = key;
    for (; !has_names && n < ROWS_SHOWN && n < all; n++) rows[n] = mg_json_at(value, n);
    if (cells_lay_out(&layout, rows, has_names ? names : NULL, n, indent, &t->style)) {
        cells_add_head(&t->text, &layout, indent, &t->style);
        for (size_t i = 0; i < n; i++)
            cells_add_row(&t->text, &layout, rows[i], has_names ? names[i] : NULL, indent, &t->style);
        if (n < all) mg_buffer_print(&t->text, "%*s... and %zu more\n", indent, "", all - n);
    } else {
        t->text.failed = true;
    }
    cells_free(&layout);
}

static bool holds_objects(const mg_json *value)
{
    const char *key;
    const mg_json *member;
    size_t n = mg_json_count(value);
    if (n == 0) return false;
    for (size_t i = 0; mg_json_kind_of(value) == MG_JSON_ARRAY && i < n; i++)
        if (mg_json_kind_of(mg_json_at(value, i)) != MG_JSON_OBJECT) return false;
    for (void *place = NULL; mg_json_kind_of(value) == MG_JSON_OBJECT && mg_json_next(value, &place, &key, &member);)
        if (mg_json_kind_of(member) != MG_JSON_OBJECT) return false;
    return true;
}

static void add_members(cli_table *t, const mg_json *object, int indent)
{
    const char *key;
    const mg_json *value;
    int width = key_width(object);
    for (void *place = NULL; mg_json_next(object, &place, &key, &value);) {
        size_t n = strlen(key);
        bool is_nested = !cells_is_scalar(value), is_empty = is_nested && mg_json_count(value) == 0;
        if (indent == 2 && (!strcmp(key, "kind") || !strcmp(key, "path"))) continue;
        if (is_empty || (n > 4 && !strcmp(key + n - 4, "_b64"))) continue;
        add_key(t, key, indent, width);
        if (!is_nested || (cells_is_flat(value) && mg_json_count(value) <= 2)) {
            add_line(t, value, indent + width);
        } else if (cells_is_counts(value)) {
            mg_buffer_add_char(&t->text, '\n');
            add_counts(t, value, indent + 2);
        } else if (holds_objects(value)) {
            mg_buffer_add_char(&t->text, '\n');
            add_rows(t, value, indent + 2);
        } else if (mg_json_kind_of(value) == MG_JSON_OBJECT && indent < DEEPEST) {
            mg_buffer_add_char(&t->text, '\n');
            add_members(t, value, indent + 2);
        } else if (mg_json_kind_of(value) != MG_JSON_ARRAY || !add_spark(t, value)) {
            add_line(t, value, indent + width);
        }
    }
}

static void add_section(cli_table *t, const mg_json *record)
{
    if (t->has_shown) mg_buffer_add_char(&t->text, '\n');
    add_colour(t, "1");
    mg_buffer_print(&t->text, "%s  ", kind_of(record));
    mg_text_add_shown(&t->text, mg_json_get_string(record, "path", ""), t->style.width - 12, t->style.is_unicode);
    add_colour(t, "0");
    mg_buffer_add_char(&t->text, '\n');
    add_members(t, record, 2);
}

/* ---- rows ---- */

static known *find_kind(cli_table *t, const char *kind)
{
    for (size_t i = 0; i < t->n_kinds; i++)
        if (strcmp(t->kinds[i].kind, kind) == 0) return &t->kinds[i];
    return NULL;
}

static void add_row(cli_table *t, const known *k, const mg_json *record)
{
    if (t->last != k) {
        if (t->has_shown) mg_buffer_add_char(&t->text, '\n');
        add_colour(t, "1");
        mg_buffer_add_text(&t->text, k->kind);
        add_colour(t, "0");
        if (k->layout.hidden) mg_buffer_print(&t->text, "  (%d more columns in the records)", k->layout.hidden);
        mg_buffer_add_char(&t->text, '\n');
        cells_add_head(&t->text, &k->layout, 2, &t->style);
    }
    cells_add_row(&t->text, &k->layout, record, NULL, 2, &t->style);
    t->last = k;
    t->has_shown = true;
}

static mg_status flush_text(cli_table *t, mg_error *why)
{
    mg_status status = t->text.failed
                           ? mg_fail(why, MG_NO_MEMORY, "out of memory")
                           : mg_write_all(STDOUT_FILENO, "standard output", t->text.data, t->text.length, why);
    mg_buffer_clear(&t->text);
    return status;
}

/* Decide the columns of a kind by the records of it that wait. False when out of memory. */
static bool learn_kind(cli_table *t)
{
    known *k = &t->kinds[t->n_kinds];
    *k = (known){.kind = mg_strdup(kind_of(t->waiting[0]))};
    if (k->kind && cells_lay_out(&k->layout, (const mg_json *const *)t->waiting, NULL, t->n_waiting, 2, &t->style))
        return t->n_kinds++, true;
    cells_free(&k->layout);
    mg_free(k->kind);
    return false;
}

/* Show what waits: several as rows, whose columns then stand; one alone as a section. */
static mg_status show_waiting(cli_table *t, mg_error *why)
{
    bool are_rows = t->n_waiting > 1 && t->n_kinds < KINDS;
    if (are_rows && !learn_kind(t)) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (size_t i = 0; are_rows && i < t->n_waiting; i++) add_row(t, &t->kinds[t->n_kinds - 1], t->waiting[i]);
    for (size_t i = 0; i < t->n_waiting; i++) {
        if (!are_rows) {
            add_section(t, t->waiting[i]);
            t->last = NULL;
            t->has_shown = true;
        }
        mg_json_free(t->waiting[i]);
    }
    t->n_waiting = 0;
    return flush_text(t, why);
}

/* An error in one line, whatever is around it. */
static mg_status show_error(cli_table *t, const mg_json *record, mg_error *why)
{
    const char *path = mg_json_get_string(record, "path", ""), *error = mg_json_get_string(record, "error", "");
    const char *where = mg_json_get_string(record, "where", "");
    mg_buffer line = {0};
    size_t n = strlen(path);
    mg_buffer_add_text(&line, path);
    mg_buffer_print(&line, ": %s", !strncmp(error, path, n) && n && error[n] == ':' ? error + n + 2 : error);
    if (*where) mg_buffer_print(&line, " (%s)", where);
    add_colour(t, "31");
    mg_buffer_add_text(&t->text, "error  ");
    add_colour(t, "0");
    mg_text_add_shown(&t->text, line.data ? line.data : "", 1000, t->style.is_unicode);
    mg_buffer_add_char(&t->text, '\n');
    t->text.failed |= line.failed;
    mg_buffer_free(&line);
    t->has_shown = true;
    t->last = NULL;
    return flush_text(t, why);
}

mg_status cli_table_line(void *user, const char *text, size_t length, mg_error *why)
{
    cli_table *t = user;
    mg_json *record;
    MG_TRY(mg_json_parse(text, length, &record, why));
    const char *kind = kind_of(record);
    const known *k = find_kind(t, kind);
    mg_status status = MG_OK;
    bool is_error = strcmp(kind, "error") == 0;
    if (t->n_waiting && (is_error || k || strcmp(kind, kind_of(t->waiting[0])))) status = show_waiting(t, why);
    if (!status && (is_error || k)) {
        if (k) add_row(t, k, record);
        status = is_error ? show_error(t, record, why) : flush_text(t, why);
        mg_json_free(record);
        return status;
    }
    if (status) return mg_json_free(record), status;
    if (t->n_waiting == 0) t->since_s = mg_now_s();
    t->waiting[t->n_waiting++] = record;
    bool is_enough = t->n_waiting == SCREENFUL || (t->n_waiting > 1 && mg_now_s() - t->since_s > patience_s);
    return is_enough ? show_waiting(t, why) : MG_OK;
}

mg_status cli_table_end(cli_table *t, mg_error *why)
{
    mg_status status = t->n_waiting ? show_waiting(t, why) : MG_OK;
    if (!status && !t->has_shown) mg_buffer_add_text(&t->text, "(no records)\n"), status = flush_text(t, why);
    for (size_t i = 0; i < t->n_waiting; i++) mg_json_free(t->waiting[i]);
    for (size_t i = 0; i < t->n_kinds; i++) {
        mg_free(t->kinds[i].kind);
        cells_free(&t->kinds[i].layout);
    }
    mg_buffer_free(&t->text);
    mg_free(t);
    return status;
}
