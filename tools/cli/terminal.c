/* SPDX-License-Identifier: MIT */
/* What the terminal can show. */
#include "cli/inside.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { USUAL_WIDTH = 100 };

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

/* The locale's character set, as the first of these variables that is set names it. */
static bool is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]), *dot;
        if (!value || !*value) continue;
        dot = strrchr(value, '.');
        return dot && (!strncasecmp(dot + 1, "utf-8", 5) || !strncasecmp(dot + 1, "utf8", 4));
    }
    return false;
}

mg_plot_style cli_style(int fd, int64_t width)
{
    const char *term = getenv("TERM"), *columns = getenv("COLUMNS");
    bool is_terminal = isatty(fd), is_dumb = term && !strcmp(term, "dumb");
    struct winsize size;
    if (width == 0 && is_terminal && ioctl(fd, TIOCGWINSZ, &size) == 0) width = size.ws_col;
    if (width == 0 && columns) width = strtol(columns, NULL, 10);
    if (width < 20) width = width > 0 ? 20 : USUAL_WIDTH;
    return (mg_plot_style){.width = width < 1000 ? (int)width : 1000, .is_unicode = is_utf8() && !is_dumb,
                           .has_colour = is_terminal && term && !is_dumb && !is_set("NO_COLOR")};
}
