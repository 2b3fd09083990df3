/* SPDX-License-Identifier: MIT */
/* From argv to values, by the rows. */
#include "cli/inside.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* getopt_long returns this plus the row's number for every option. */
enum { FIRST = 1000 };

static bool bad_value(cli *c, const cli_row *row, const char *text, const char *what)
{
    return cli_refuse(c, "--%s: '%s' %s", row->name, text, what);
}

static bool set_int(cli *c, const cli_row *row, const char *text)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end) return bad_value(c, row, text, "is not a whole number");
    bool has_range = row->low != 0 || row->high != 0;
    if (errno || (has_range && ((double)value < row->low || (double)value > row->high))) {
        char range[96];
        snprintf(range, sizeof range, "is not within %.0f and %.0f", row->low, row->high);
        return bad_value(c, row, text, has_range ? range : "is too large");
    }
    *(int64_t *)row->value = value;
    return true;
}

static bool set_real(cli *c, const cli_row *row, const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value - value == 0)) return bad_value(c, row, text, "is not a number");
    if ((row->low != 0 || row->high != 0) && (value < row->low || value > row->high)) {
        char range[96];
        snprintf(range, sizeof range, "is not within %g and %g", row->low, row->high);
        return bad_value(c, row, text, range);
    }
    *(double *)row->value = value;
    return true;
}

static bool set_choice(cli *c, const cli_row *row, const char *text)
{
    for (int i = 0; row->choices[i]; i++)
        if (strcmp(text, row->choices[i]) == 0) return *(int *)row->value = i, true;
    const char *near = mg_nearest_word(text, row->choices);
    if (near) return cli_refuse(c, "--%s: there is no '%s'; did you mean '%s'?", row->name, text, near);
    mg_buffer list = {0};
    for (int i = 0; row->choices[i]; i++) mg_buffer_print(&list, "%s%s", i ? ", " : "", row->choices[i]);
    cli_refuse(c, "--%s: there is no '%s'; choose from %s", row->name, text, list.data ? list.data : "the help");
    mg_buffer_free(&list);
    return false;
}

static bool set(cli *c, cli_row *row, const char *text)
{
    row->is_given = true;
    switch (row->kind) {
    case CLI_FLAG: *(bool *)row->value = true; return true;
    case CLI_COUNT: ++*(int *)row->value; return true;
    case CLI_INT: return set_int(c, row, text);
    case CLI_REAL: return set_real(c, row, text);
    case CLI_TEXT: *(const char **)row->value = text; return true;
    case CLI_CHOICE: return set_choice(c, row, text);
    case CLI_PARSED: {
        const char *wrong = row->parse(text, row->value);
        return !wrong || bad_value(c, row, text, wrong);
    }
    case CLI_SECTION: break;
    }
    return true;
}

/* The options that begin with what was given, as "--output, --out-of-range"; how many. */
static size_t find_beginnings(const cli *c, const char *given, mg_buffer *list)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_rows; i++) {
        if (c->rows[i].kind == CLI_SECTION || strncmp(c->rows[i].name, given, strlen(given))) continue;
        mg_buffer_print(list, "%s--%s", n++ ? ", " : "", c->rows[i].name);
    }
    return n;
}

static bool unknown_name(cli *c, const char *word)
{
    char given[64];
    mg_buffer list = {0};
    const char **names = mg_alloc(c->n_rows + 1, sizeof *names), *near = NULL;
    size_t n = 0;
    for (size_t i = 0; names && i < c->n_rows; i++)
        if (c->rows[i].kind != CLI_SECTION) names[n++] = c->rows[i].name;
    if (names) names[n] = NULL;
    snprintf(given, sizeof given, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    if (names) near = mg_nearest_word(given, names);
    mg_free(names);
    if (find_beginnings(c, given, &list) > 1) cli_refuse(c, "--%s could be %s", given, list.data ? list.data : "");
    else if (near) cli_refuse(c, "there is no option --%s; did you mean --%s?", given, near);
    else cli_refuse(c, "there is no option --%s", given);
    mg_buffer_free(&list);
    return false;
}

/* getopt_long says '?' for all of these, and leaves in optopt a letter, the number of a row, or 0. */
static bool unknown_option(cli *c, char **argv)
{
    if (optopt >= FIRST) return cli_refuse(c, "--%s takes no argument", c->rows[optopt - FIRST].name);
    if (optopt)
        return cli_refuse(c, "there is no option -%c (a path that begins with - goes behind --)", optopt);
    return unknown_name(c, argv[optind - 1]);
}

/* The rows as getopt_long wants them, from the start of argv. */
typedef struct {
    struct option *longs;
    char *letters;
} getopt_tables;

static void free_tables(getopt_tables *t)
{
    mg_free(t->longs);
    mg_free(t->letters);
}

static bool make_tables(const cli_row *rows, size_t n, getopt_tables *t)
{
    t->longs = mg_alloc_zero(n + 1, sizeof *t->longs);
    t->letters = mg_alloc_zero(n * 2 + 2, 1);
    if (!t->longs || !t->letters) return free_tables(t), false;
    size_t n_longs = 0, n_letters = 0;
    t->letters[n_letters++] = ':'; /* tell a missing argument from an unknown option */
    for (size_t i = 0; i < n; i++) {
        if (rows[i].kind == CLI_SECTION) continue;
        int has_arg = rows[i].arg ? required_argument : no_argument;
        t->longs[n_longs++] = (struct option){rows[i].name, has_arg, NULL, FIRST + (int)i};
        if (!rows[i].letter) continue;
        t->letters[n_letters++] = rows[i].letter;
        if (rows[i].arg) t->letters[n_letters++] = ':';
    }
    opterr = 0;
    optind = 0;
    return true;
}

/* The number of the row that getopt_long's code means. */
static size_t row_of(const cli_row *rows, int code)
{
    size_t i = code >= FIRST ? (size_t)(code - FIRST) : 0;
    for (; code < FIRST && rows[i].letter != code; i++) {}
    return i;
}

bool cli_peek(const cli_row *rows, const char *name, int argc, char **argv)
{
    getopt_tables t;
    size_t n = 0;
    while (rows[n].name || rows[n].kind == CLI_SECTION) n++;
    char **words = mg_alloc((size_t)argc + 1, sizeof *words); /* getopt_long reorders what it reads */
    if (!words) return false;
    memcpy(words, argv, ((size_t)argc + 1) * sizeof *words);
    bool ok = make_tables(rows, n, &t);
    for (int code; ok && (code = getopt_long(argc, words, t.letters, t.longs, NULL)) != -1;) {
        const cli_row *row = code == '?' || code == ':' ? NULL : &rows[row_of(rows, code)];
        if (!row || strcmp(row->name, name)) continue;
        if (row->kind == CLI_FLAG) *(bool *)row->value = true;
        if (row->kind == CLI_TEXT) *(const char **)row->value = optarg;
        for (int i = 0; row->kind == CLI_CHOICE && row->choices[i]; i++)
            if (strcmp(optarg, row->choices[i]) == 0) *(int *)row->value = i;
    }
    if (ok) free_tables(&t);
    mg_free(words);
    return ok;
}

static bool wants_argument(cli *c)
{
    if (optopt < FIRST) return cli_refuse(c, "-%c wants an argument", optopt);
    return cli_refuse(c, "--%s wants an argument", c->rows[optopt - FIRST].name);
}

bool cli_read_options(cli *c)
{
    getopt_tables t;
    if (!make_tables(c->rows, c->n_rows, &t)) return cli_out_of_memory(c);
    bool ok = true;
    for (int code; ok && (code = getopt_long(c->argc, c->argv, t.letters, t.longs, NULL)) != -1;) {
        if (code == '?') ok = unknown_option(c, c->argv);
        else if (code == ':') ok = wants_argument(c);
        else ok = set(c, &c->rows[row_of(c->rows, code)], optarg);
    }
    c->paths = (const char *const *)c->argv + optind;
    c->n_paths = (size_t)(c->argc - optind);
    free_tables(&t);
    return ok;
}

bool cli_is_given(const cli *c, const char *name)
{
    for (size_t i = 0; i < c->n_rows; i++)
        if (c->rows[i].kind != CLI_SECTION && strcmp(c->rows[i].name, name) == 0) return c->rows[i].is_given;
    return false;
}
