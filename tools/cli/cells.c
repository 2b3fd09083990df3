/* SPDX-License-Identifier: MIT */
/* Values as cells, cells as columns. */
#include "cli/cells.h"

#include <math.h>
#include <string.h>

enum { LIST_SHOWN = 8 };

/* ---- kinds of values ---- */

bool cells_is_scalar(const mg_json *value)
{
    mg_json_kind kind = mg_json_kind_of(value);
    return kind != MG_JSON_OBJECT && kind != MG_JSON_ARRAY;
}

static bool all_members(const mg_json *value, bool (*fits)(const mg_json *member))
{
    const char *key;
    const mg_json *member;
    if (mg_json_kind_of(value) == MG_JSON_OBJECT) {
        for (void *place = NULL; mg_json_next(value, &place, &key, &member);)
            if (!fits(member)) return false;
        return true;
    }
    for (size_t i = 0; i < mg_json_count(value); i++)
        if (!fits(mg_json_at(value, i))) return false;
    return mg_json_kind_of(value) == MG_JSON_ARRAY;
}

static bool is_int(const mg_json *value) { return mg_json_kind_of(value) == MG_JSON_INT; }

bool cells_is_flat(const mg_json *value) { return all_members(value, cells_is_scalar); }

bool cells_is_counts(const mg_json *value)
{
    return mg_json_kind_of(value) == MG_JSON_OBJECT && mg_json_count(value) > 2 && all_members(value, is_int);
}

/* ---- values ---- */

static bool is_hash(const char *text)
{
    mg_hash hash;
    return strlen(text) == 32 && mg_hash_from_hex(text, &hash);
}

static void add_real(mg_buffer *out, double r)
{
    if (r == round(r) && fabs(r) < 1e15) mg_buffer_print(out, "%.0f", r);
    else if (fabs(r) >= 100) mg_buffer_print(out, "%.1f", r);
    else mg_buffer_print(out, "%.4g", r);
}

static void add_list(mg_buffer *out, const mg_json *list)
{
    size_t n = mg_json_count(list), shown = n > LIST_SHOWN + 1 ? LIST_SHOWN : n;
    for (size_t i = 0; i < shown; i++) {
        if (i) mg_buffer_add_text(out, mg_json_kind_of(mg_json_at(list, i)) == MG_JSON_STRING ? ", " : " ");
        if (cells_is_scalar(mg_json_at(list, i))) cells_add(out, mg_json_at(list, i));
        else mg_buffer_add_text(out, "...");
    }
    if (shown < n) mg_buffer_print(out, " ... (%zu)", n);
}

void cells_add(mg_buffer *out, const mg_json *value)
{
    bool b = false;
    int64_t i = 0;
    double r = 0;
    const char *key;
    const mg_json *member;
    switch (mg_json_kind_of(value)) {
    case MG_JSON_NULL: mg_buffer_add_char(out, '-'); break;
    case MG_JSON_BOOL: mg_json_bool(value, &b), mg_buffer_add_text(out, b ? "yes" : "no"); break;
    case MG_JSON_INT: mg_json_int(value, &i), mg_int_add(out, i); break;
    case MG_JSON_REAL: mg_json_real(value, &r), add_real(out, r); break;
    case MG_JSON_STRING:
        if (is_hash(mg_json_string(value))) mg_buffer_add(out, mg_json_string(value), 8);
        else mg_buffer_add_text(out, mg_json_string(value));
        break;
    case MG_JSON_ARRAY: add_list(out, value); break;
    case MG_JSON_OBJECT:
        for (void *place = NULL; mg_json_next(value, &place, &key, &member);) {
            if (place != NULL && out->length && out->data[out->length - 1] != ' ') mg_buffer_add_text(out, ", ");
            mg_buffer_print(out, "%s ", key);
            if (cells_is_scalar(member)) cells_add(out, member);
            else mg_buffer_add_text(out, "...");
        }
        break;
    }
}

void cells_pad(mg_buffer *out, const char *text, int width, bool is_path, bool is_right, const mg_plot_style *style)
{
    int columns = mg_text_columns(text, strlen(text)), mark = style->is_unicode ? 1 : 2;
    if (is_right && columns < width) mg_buffer_print(out, "%*s", width - columns, "");
    if (is_path && columns > width) { /* the end of a path tells more than its beginning */
        while (*text && mg_text_columns(text, strlen(text)) > width - mark) {
            size_t n = mg_utf8_length(text, strlen(text));
            text += n ? n : 1;
        }
        mg_buffer_add_text(out, style->is_unicode ? "\xE2\x80\xA6" : "..");
        mg_text_add_shown(out, text, width - mark, style->is_unicode);
        return;
    }
    int taken = mg_text_add_shown(out, text, width, style->is_unicode);
    if (!is_right && taken < width) mg_buffer_print(out, "%*s", width - taken, "");
}

/* ---- columns ---- */

static bool is_left_out(const char *key)
{
    size_t n = strlen(key);
    return !strcmp(key, "kind") || (n > 4 && !strcmp(key + n - 4, "_b64"));
}

static bool is_path_key(const char *key)
{
    static const char *const keys[] = {"path", "a", "b", "source", "keep", "set_a", "set_b"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(key, keys[i]) == 0) return true;
    return false;
}

static const mg_json *cell_of(const mg_json *row, const cells_column *column)
{
    return mg_json_get(column->outer ? mg_json_get(row, column->outer) : row, column->key);
}

static bool add_column(cells_layout *l, const char *outer, const char *key)
{
    for (int i = 0; i < l->n; i++) {
        bool is_same_outer = !outer == !l->column[i].outer && (!outer || !strcmp(outer, l->column[i].outer));
        if (is_same_outer && !strcmp(key, l->column[i].key)) return true;
    }
    if (l->n == CELLS_COLUMNS) return l->hidden++, true;
    cells_column *c = &l->column[l->n++];
    *c = (cells_column){.key = mg_strdup(key), .outer = outer ? mg_strdup(outer) : NULL};
    return c->key && (!outer || c->outer);
}

/* Scalars, short lists, and the members of flat objects. */
static bool find_columns(cells_layout *l, const mg_json *row)
{
    const char *key, *inner;
    const mg_json *value, *member;
    for (void *place = NULL; mg_json_next(row, &place, &key, &value);) {
        bool is_object = mg_json_kind_of(value) == MG_JSON_OBJECT;
        if (is_left_out(key) || strcmp(key, "null_reasons") == 0) continue;
        if (!is_object && (cells_is_scalar(value) || (cells_is_flat(value) && mg_json_count(value) <= 4)))
            if (!add_column(l, NULL, key)) return false;
        for (void *p = NULL; is_object && mg_json_next(value, &p, &inner, &member);)
            if (cells_is_scalar(member) && !add_column(l, key, inner)) return false;
    }
    return true;
}

/* How wide a column is, and of what kind; width 0 where it holds nothing. */
static bool measure_column(cells_column *c, const mg_json *const *rows, size_t n)
{
    mg_buffer text = {0}, first = {0};
    c->is_dull = n > 2;
    for (size_t i = 0; i < n; i++) {
        const mg_json *value = cell_of(rows[i], c);
        if (!value || mg_json_kind_of(value) == MG_JSON_NULL) {
            c->is_dull = false;
            continue;
        }
        c->is_text |= mg_json_kind_of(value) == MG_JSON_STRING;
        mg_buffer_clear(&text);
        cells_add(&text, value);
        if (i == 0) cells_add(&first, value);
        if (text.failed || first.failed) break;
        bool is_same = first.length == text.length && (!text.length || !memcmp(first.data, text.data, text.length));
        if (!is_same) c->is_dull = mg_json_string(value) && is_hash(mg_json_string(value));
        int width = text.length ? mg_text_columns(text.data, text.length) : 0;
        if (width > c->width) c->width = width;
    }
    if (c->width) {
        int head = mg_text_columns(c->key, strlen(c->key));
        if (head > c->width) c->width = head;
        if (c->width > CELLS_WIDEST) c->width = CELLS_WIDEST;
        c->is_path = c->is_text && is_path_key(c->key);
    }
    bool is_done = !text.failed && !first.failed;
    mg_buffer_free(&text);
    mg_buffer_free(&first);
    return is_done;
}

static void drop_column(cells_layout *l, int i)
{
    mg_free(l->column[i].outer);
    mg_free(l->column[i].key);
    memmove(&l->column[i], &l->column[i + 1], (size_t)(l->n - i - 1) * sizeof *l->column);
    l->n--;
}

static int total_width(const cells_layout *l, int indent)
{
    int sum = indent + (l->names ? l->names + 2 : 0);
    for (int i = 0; i < l->n; i++) sum += l->column[i].width + (i ? 2 : 0);
    return sum;
}

/* The column that can best be spared: the last dull one, else the last. */
static int least_wanted(const cells_layout *l)
{
    for (int i = l->n; i-- > 1;)
        if (l->column[i].is_dull) return i;
    return l->n - 1;
}

/* With many columns some go; with few, text gives way first. */
static void fit(cells_layout *l, int indent, int width)
{
    for (int over; (over = total_width(l, indent) - width) > 0;) {
        cells_column *widest = NULL;
        for (int i = 0; i < l->n; i++) {
            cells_column *c = &l->column[i];
            bool can_give = c->is_text && c->width > (c->is_path ? CELLS_NARROWEST_PATH : CELLS_NARROWEST);
            if (can_give && (!widest || c->width > widest->width)) widest = c;
        }
        if (widest && l->n <= 8) widest->width--;
        else if (l->n > 1) drop_column(l, least_wanted(l)), l->hidden++;
        else if (l->n == 1 && l->column[0].width > CELLS_NARROWEST) l->column[0].width--;
        else return;
    }
}

/* Stars for what is hardly chance: the corrected p of a row where it has one. */
static const char *stars(const mg_json *row)
{
    double p = mg_json_get_real(row, "p_holm", mg_json_get_real(row, "p", 1));
    return p < 0.001 ? " ***" : p < 0.01 ? " **" : p < 0.05 ? " *" : "";
}

bool cells_lay_out(cells_layout *l, const mg_json *const *rows, const char *const *names, size_t n, int indent,
                   const mg_plot_style *style)
{
    int for_stars = 0;
    *l = (cells_layout){0};
    for (size_t i = 0; i < n; i++) {
        if (!find_columns(l, rows[i])) return false;
        if ((int)strlen(stars(rows[i])) > for_stars) for_stars = (int)strlen(stars(rows[i]));
        int width = names ? mg_text_columns(names[i], strlen(names[i])) : 0;
        if (width > l->names) l->names = width < CELLS_WIDEST ? width : CELLS_WIDEST;
    }
    for (int i = 0; i < l->n; i++)
        if (!measure_column(&l->column[i], rows, n)) return false;
    for (int i = l->n; i-- > 0;)
        if (l->column[i].width == 0) drop_column(l, i);
    fit(l, indent, style->width - for_stars);
    return true;
}

void cells_free(cells_layout *l)
{
    while (l->n > 0) drop_column(l, l->n - 1);
}

static void add_faint(mg_buffer *out, bool is_on, const mg_plot_style *style)
{
    if (style->has_colour) mg_buffer_add_text(out, is_on ? "\033[38;5;244m" : "\033[0m");
}

void cells_add_head(mg_buffer *out, const cells_layout *l, int indent, const mg_plot_style *style)
{
    mg_buffer_print(out, "%*s", indent, "");
    add_faint(out, true, style);
    if (l->names) mg_buffer_print(out, "%*s  ", l->names, "");
    for (int i = 0; i < l->n; i++) {
        const cells_column *c = &l->column[i];
        if (i) mg_buffer_add_text(out, "  ");
        cells_pad(out, c->key, c->width, false, !c->is_text, style);
    }
    add_faint(out, false, style);
    mg_buffer_add_char(out, '\n');
}

void cells_add_row(mg_buffer *out, const cells_layout *l, const mg_json *row, const char *name, int indent,
                   const mg_plot_style *style)
{
    mg_buffer text = {0};
    mg_buffer_print(out, "%*s", indent, "");
    if (l->names) cells_pad(out, name ? name : "", l->names, false, false, style), mg_buffer_add_text(out, "  ");
    for (int i = 0; i < l->n; i++) {
        const cells_column *c = &l->column[i];
        const mg_json *value = cell_of(row, c);
        mg_buffer_clear(&text);
        if (value) cells_add(&text, value);
        if (i) mg_buffer_add_text(out, "  ");
        cells_pad(out, text.data ? text.data : "", c->width, c->is_path, !c->is_text, style);
    }
    while (out->length && out->data[out->length - 1] == ' ') out->data[--out->length] = '\0';
    mg_buffer_add_text(out, stars(row));
    mg_buffer_add_char(out, '\n');
    out->failed |= text.failed;
    mg_buffer_free(&text);
}
