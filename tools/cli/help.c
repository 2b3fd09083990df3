/* SPDX-License-Identifier: MIT */
/* The rows of a tool as help text, JSON, man page section and shell completion. */
#include "cli/inside.h"

#include <string.h>

bool cli_default(const cli_row *row, char *text, size_t size)
{
    text[0] = '\0';
    if (row->fallback) {
        snprintf(text, size, "%s", row->fallback);
    } else if (row->kind == CLI_INT) {
        snprintf(text, size, "%lld", (long long)*(int64_t *)row->value);
    } else if (row->kind == CLI_REAL) {
        double value = *(double *)row->value;
        bool is_unset = (row->low != 0 || row->high != 0) && (value < row->low || value > row->high);
        if (!is_unset) snprintf(text, size, "%g", value);
    } else if (row->kind == CLI_TEXT) {
        const char *value = *(const char **)row->value;
        snprintf(text, size, "%s", value ? value : "");
    } else if (row->kind == CLI_CHOICE) {
        int i = *(int *)row->value;
        snprintf(text, size, "%s", i >= 0 ? row->choices[i] : "");
    }
    return text[0] != '\0';
}

void cli_usage(const cli *c, FILE *to)
{
    fprintf(to, "usage: %s [OPTION]... %s\n", c->about->name, c->about->synopsis);
}

/* "one of a, b, c" */
static void add_choices(mg_buffer *out, const cli_row *row, const char *between)
{
    for (int i = 0; row->choices[i]; i++) mg_buffer_print(out, "%s%s", i ? between : "", row->choices[i]);
}

/* The sentence about a row, its choices and its default with it. */
static void add_sentence(mg_buffer *out, const cli_row *row)
{
    char fallback[256];
    mg_buffer_add_text(out, row->help);
    if (row->kind == CLI_CHOICE) {
        mg_buffer_add_text(out, ": ");
        add_choices(out, row, ", ");
    }
    if (cli_default(row, fallback, sizeof fallback)) mg_buffer_print(out, " (default: %s)", fallback);
}

/* ---- text ---- */

enum { COLUMN = 30, WIDTH = 100 };

static void print_wrapped(FILE *to, const char *text, int column)
{
    int at = column;
    for (const char *word = text; *word;) {
        int n = (int)strcspn(word, " ");
        if (at > column && at + 1 + n > WIDTH) {
            fprintf(to, "\n%*s", column, "");
            at = column;
        } else if (at > column) {
            fputc(' ', to);
            at++;
        }
        fprintf(to, "%.*s", n, word);
        at += n;
        word += n;
        word += strspn(word, " ");
    }
    fputc('\n', to);
}

static void print_row(const cli_row *row, FILE *to)
{
    char left[128];
    mg_buffer right = {0};
    if (row->kind == CLI_SECTION) {
        fprintf(to, "\n%s:\n", row->help);
        return;
    }
    int n = snprintf(left, sizeof left, "  %c%c%s --%s%s%s", row->letter ? '-' : ' ', row->letter ? row->letter : ' ',
                     row->letter ? "," : " ", row->name, row->arg ? " " : "", row->arg ? row->arg : "");
    if (n < COLUMN - 1) fprintf(to, "%-*s", COLUMN, left);
    else fprintf(to, "%s\n%*s", left, COLUMN, "");
    add_sentence(&right, row);
    print_wrapped(to, right.data ? right.data : row->help, COLUMN);
    mg_buffer_free(&right);
}

static void help_text(const cli *c, FILE *to)
{
    fprintf(to, "%s: %s\n\n", c->about->name, c->about->summary);
    cli_usage(c, to);
    if (c->about->reads) {
        fputc('\n', to);
        print_wrapped(to, c->about->reads, 0);
    }
    fputs("\nOptions:\n", to);
    for (size_t i = 0; i < c->n_rows; i++) print_row(&c->rows[i], to);
    fputs("\nExit status: 0 all good, 1 some inputs failed or an audit found something, 2 usage, 3 input or output,\n"
          "4 numbers went bad, 130 and 143 signals, 141 the reader of the output went away.\n",
          to);
}

/* ---- JSON ---- */

static void help_json(const cli *c, FILE *to)
{
    static const char *const kinds[] = {"flag", "count", "integer", "number", "text", "choice", "text"};
    mg_buffer out = {0};
    mg_json_writer json = mg_json_to(&out);
    mg_json_object_begin(&json, NULL);
    mg_json_put_text(&json, "tool", c->about->name);
    mg_json_put_text(&json, "version", MG_VERSION);
    mg_json_put_text(&json, "summary", c->about->summary);
    mg_json_put_text(&json, "synopsis", c->about->synopsis);
    mg_json_array_begin(&json, "options");
    for (size_t i = 0; i < c->n_rows; i++) {
        const cli_row *row = &c->rows[i];
        char fallback[256];
        if (row->kind == CLI_SECTION) continue;
        mg_json_object_begin(&json, NULL);
        mg_json_put_text(&json, "name", row->name);
        if (row->letter) mg_json_put_bytes(&json, "letter", &row->letter, 1);
        mg_json_put_text(&json, "type", kinds[row->kind]);
        if (row->arg) mg_json_put_text(&json, "argument", row->arg);
        mg_json_put_text(&json, "help", row->help);
        if ((row->kind == CLI_INT || row->kind == CLI_REAL) && (row->low != 0 || row->high != 0)) {
            mg_json_put_real(&json, "low", row->low);
            mg_json_put_real(&json, "high", row->high);
        }
        if (row->kind == CLI_CHOICE) {
            mg_json_array_begin(&json, "choices");
            for (int k = 0; row->choices[k]; k++) mg_json_put_text(&json, NULL, row->choices[k]);
            mg_json_array_end(&json);
        }
        if (cli_default(row, fallback, sizeof fallback)) mg_json_put_text(&json, "default", fallback);
        mg_json_object_end(&json);
    }
    mg_json_array_end(&json);
    mg_json_object_end(&json);
    if (!out.failed) fprintf(to, "%s\n", out.data);
    mg_buffer_free(&out);
}

/* ---- man page ---- */

/* mdoc takes a line that begins with a dot or quote for a request, and backslashes for escapes. */
static void print_mdoc(const char *text, FILE *to)
{
    if (*text == '.' || *text == '\'') fputs("\\&", to);
    for (; *text; text++) fputs(*text == '\\' ? "\\e" : (char[]){*text, '\0'}, to);
    fputc('\n', to);
}

static void help_mdoc(const cli *c, FILE *to)
{
    fputs(".Bl -tag -width Ds\n", to);
    for (size_t i = 0; i < c->n_rows; i++) {
        const cli_row *row = &c->rows[i];
        mg_buffer text = {0};
        if (row->kind == CLI_SECTION) {
            fputs(".El\n.Ss ", to);
            print_mdoc(row->help, to);
            fputs(".Bl -tag -width Ds\n", to);
            continue;
        }
        fputs(".It", to);
        if (row->letter) fprintf(to, " Fl %c ,", row->letter);
        fprintf(to, " Fl Fl %s", row->name);
        if (row->arg) fprintf(to, " Ar %s", row->arg);
        fputc('\n', to);
        add_sentence(&text, row);
        print_mdoc(text.data ? text.data : row->help, to);
        mg_buffer_free(&text);
    }
    fputs(".El\n", to);
}

/* ---- completion ---- */

static void help_bash(const cli *c, FILE *to)
{
    const char *tool = c->about->name;
    fprintf(to, "# bash completion of %s\n_%s() {\n"
                "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                "    [[ $word == = ]] && word='' || { [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD-2]}; }\n"
                "    case $before in\n", tool, tool);
    for (size_t i = 0; i < c->n_rows; i++) {
        const cli_row *row = &c->rows[i];
        if (row->kind != CLI_CHOICE) continue;
        mg_buffer list = {0};
        add_choices(&list, row, " ");
        fputs("    ", to);
        if (row->letter) fprintf(to, "-%c | ", row->letter);
        fprintf(to, "--%s) mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$word\"); return ;;\n", row->name,
                list.data ? list.data : "");
        mg_buffer_free(&list);
    }
    fputs("    esac\n    if [[ $word == -* ]]; then\n        mapfile -t COMPREPLY < <(compgen -W '", to);
    for (size_t i = 0; i < c->n_rows; i++)
        if (c->rows[i].kind != CLI_SECTION) fprintf(to, "--%s ", c->rows[i].name);
    fprintf(to, "' -- \"$word\")\n    else\n        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n    fi\n}\n"
                "complete -o filenames -F _%s %s\n", tool, tool);
}

/* zsh's _arguments: brackets and colons in the sentences are escaped. */
static void print_zsh(const char *text, FILE *to)
{
    for (; *text; text++) {
        if (strchr("[]:", *text)) fputc('\\', to);
        fputs(*text == '\'' ? "'\\''" : (char[]){*text, '\0'}, to);
    }
}

static void help_zsh(const cli *c, FILE *to)
{
    fprintf(to, "#compdef %s\n_arguments -s \\\n", c->about->name);
    for (size_t i = 0; i < c->n_rows; i++) {
        const cli_row *row = &c->rows[i];
        if (row->kind == CLI_SECTION) continue;
        for (int form = row->letter ? 0 : 1; form < 2; form++) {
            if (form == 0) fprintf(to, "  '-%c[", row->letter);
            else fprintf(to, "  '--%s%s[", row->name, row->arg ? "=" : "");
            print_zsh(row->help, to);
            fputc(']', to);
            if (row->kind == CLI_CHOICE) {
                mg_buffer list = {0};
                add_choices(&list, row, " ");
                fprintf(to, ":%s:(%s)", row->arg, list.data ? list.data : "");
                mg_buffer_free(&list);
            } else if (row->arg) {
                fprintf(to, ":%s:%s", row->arg, row->kind == CLI_TEXT ? "_files" : "");
            }
            fputs("' \\\n", to);
        }
    }
    fputs("  '*:file:_files'\n", to);
}

void cli_help(const cli *c, cli_help_form form, FILE *to)
{
    static void (*const write[])(const cli *, FILE *) = {help_text, help_json, help_mdoc, help_bash, help_zsh};
    write[form](c, to);
}
