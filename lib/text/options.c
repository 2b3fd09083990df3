/* SPDX-License-Identifier: MIT */
/* Configurations as rows: defaults, from JSON, to JSON. */
#include <mgen/text.h>

#include <math.h>
#include <string.h>

static void *place(const mg_option *row, void *config) { return (char *)config + row->place; }
static const void *read_place(const mg_option *row, const void *config) { return (const char *)config + row->place; }

void mg_options_default(const mg_option *rows, void *config)
{
    for (const mg_option *row = rows; row->name; row++) {
        switch (row->kind) {
        case MG_OPTION_INT: *(int64_t *)place(row, config) = (int64_t)row->fallback[0]; break;
        case MG_OPTION_REAL: *(double *)place(row, config) = row->fallback[0]; break;
        case MG_OPTION_PAIR: memcpy(place(row, config), row->fallback, sizeof row->fallback); break;
        case MG_OPTION_FLAG: *(bool *)place(row, config) = row->fallback[0] != 0; break;
        case MG_OPTION_CHOICE: *(int *)place(row, config) = (int)row->fallback[0]; break;
        }
    }
}

/* ---- from JSON ---- */

static mg_status check_range(const mg_option *row, double value, mg_error *why)
{
    bool is_free = row->low == 0 && row->high == 0;
    if (isfinite(value) && (is_free || (value >= row->low && value <= row->high))) return MG_OK;
    return mg_fail(why, MG_BAD_DATA, "%s: %g is not within %g and %g", row->name, value, row->low, row->high);
}

static mg_status read_pair(const mg_option *row, const mg_json *value, double *pair, mg_error *why)
{
    if (mg_json_count(value) != 2 || !mg_json_real(mg_json_at(value, 0), &pair[0]) ||
        !mg_json_real(mg_json_at(value, 1), &pair[1]))
        return mg_fail(why, MG_BAD_DATA, "%s: not a pair of numbers", row->name);
    MG_TRY(check_range(row, pair[0], why));
    return check_range(row, pair[1], why);
}

static mg_status read_choice(const mg_option *row, const mg_json *value, int *choice, mg_error *why)
{
    const char *word = mg_json_string(value);
    for (int i = 0; word && row->choices[i]; i++)
        if (strcmp(word, row->choices[i]) == 0) return *choice = i, MG_OK;
    return mg_fail(why, MG_BAD_DATA, "%s: '%s' is not known", row->name, word ? word : "?");
}

static mg_status read_value(const mg_option *row, const mg_json *value, void *to, mg_error *why)
{
    double real = 0;
    switch (row->kind) {
    case MG_OPTION_INT:
        if (!mg_json_int(value, to)) return mg_fail(why, MG_BAD_DATA, "%s: not a whole number", row->name);
        return check_range(row, (double)*(int64_t *)to, why);
    case MG_OPTION_REAL:
        if (!mg_json_real(value, &real)) return mg_fail(why, MG_BAD_DATA, "%s: not a number", row->name);
        *(double *)to = real;
        return check_range(row, real, why);
    case MG_OPTION_PAIR: return read_pair(row, value, to, why);
    case MG_OPTION_FLAG: return mg_json_bool(value, to) ? MG_OK : mg_fail(why, MG_BAD_DATA,
                                                                          "%s: neither true nor false", row->name);
    case MG_OPTION_CHOICE: return read_choice(row, value, to, why);
    }
    return MG_OK;
}

mg_status mg_options_read(const mg_option *rows, const mg_json *object, void *config, mg_error *why)
{
    for (const mg_option *row = rows; row->name; row++) {
        const mg_json *value = mg_json_get(object, row->name);
        if (value) MG_TRY(read_value(row, value, place(row, config), why));
    }
    return MG_OK;
}

static size_t size_of(mg_option_kind kind)
{
    static const size_t sizes[] = {[MG_OPTION_INT] = sizeof(int64_t), [MG_OPTION_REAL] = sizeof(double),
                                   [MG_OPTION_PAIR] = 2 * sizeof(double), [MG_OPTION_FLAG] = sizeof(bool),
                                   [MG_OPTION_CHOICE] = sizeof(int)};
    return sizes[kind];
}

const char *mg_options_differ(const mg_option *rows, const void *a, const void *b)
{
    for (const mg_option *row = rows; row->name; row++)
        if (memcmp(read_place(row, a), read_place(row, b), size_of(row->kind)) != 0) return row->name;
    return NULL;
}

/* ---- to JSON ---- */

void mg_options_write(const mg_option *rows, const void *config, mg_json_writer *json)
{
    for (const mg_option *row = rows; row->name; row++) {
        const void *from = read_place(row, config);
        switch (row->kind) {
        case MG_OPTION_INT: mg_json_put_int(json, row->name, *(const int64_t *)from); break;
        case MG_OPTION_REAL: mg_json_put_real(json, row->name, *(const double *)from); break;
        case MG_OPTION_PAIR: mg_json_put_reals(json, row->name, from, 2); break;
        case MG_OPTION_FLAG: mg_json_put_bool(json, row->name, *(const bool *)from); break;
        case MG_OPTION_CHOICE: mg_json_put_text(json, row->name, row->choices[*(const int *)from]); break;
        }
    }
}
