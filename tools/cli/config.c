/* SPDX-License-Identifier: MIT */
/* Options of a configuration as rows of a command line. */
#include "cli/inside.h"

#include <stdlib.h>
#include <string.h>

static const char *parse_pair(const char *text, void *value)
{
    double pair[2];
    char *end;
    pair[0] = strtod(text, &end);
    if (end == text || *end != ',') return "is not of the form X,Y";
    const char *second = end + 1;
    pair[1] = strtod(second, &end);
    if (end == second || *end) return "is not of the form X,Y";
    memcpy(value, pair, sizeof pair);
    return NULL;
}

/* "max_steps" -> "max-steps" */
static const char *with_dashes(const char *name)
{
    static char store[4096];
    static size_t used;
    size_t length = strlen(name) + 1;
    if (length > sizeof store - used) return name;
    char *copy = memcpy(store + used, name, length);
    used += length;
    for (char *c = copy; *c; c++)
        if (*c == '_') *c = '-';
    return copy;
}

/* The default of a pair, which its value cannot tell the help by itself. */
static const char *pair_text(const double pair[2])
{
    static char text[64];
    snprintf(text, sizeof text, "%g,%g", pair[0], pair[1]);
    return text;
}

size_t cli_add_options(cli_row *rows, size_t n, const mg_option *options, void *config)
{
    static const cli_kind kinds[] = {[MG_OPTION_INT] = CLI_INT, [MG_OPTION_REAL] = CLI_REAL,
                                     [MG_OPTION_PAIR] = CLI_PARSED, [MG_OPTION_FLAG] = CLI_FLAG,
                                     [MG_OPTION_CHOICE] = CLI_CHOICE};
    for (const mg_option *o = options; o->name; o++) {
        if (!o->help) continue;
        cli_row *row = &rows[n++];
        *row = (cli_row){.name = with_dashes(o->name), .kind = kinds[o->kind], .value = (char *)config + o->place,
                         .arg = o->arg, .help = o->help, .low = o->low, .high = o->high, .choices = o->choices};
        if (o->kind != MG_OPTION_PAIR) continue;
        row->parse = parse_pair;
        row->fallback = pair_text((const double *)row->value);
    }
    return n;
}
