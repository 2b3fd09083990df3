/* SPDX-License-Identifier: MIT */
/* Bars: one a line, or many in one line. */
#include "plot/draw.h"

#include <math.h>

void mg_plot_bar(mg_buffer *out, double value, double most, int columns, const mg_plot_style *style)
{
    double share = most > 0 && value > 0 ? fmin(value / most, 1) : 0;
    plot_colour(out, 0, style);
    if (style->is_unicode) {
        int eighths = (int)lround(share * columns * 8);
        if (eighths == 0 && value > 0) eighths = 1;
        for (int i = 0; i < eighths / 8; i++) plot_character(out, 0x2588);
        if (eighths % 8) plot_character(out, (uint32_t)(0x2590 - eighths % 8));
        plot_colour(out, PLOT_PLAIN, style);
        plot_spaces(out, columns - (eighths + 7) / 8);
        return;
    }
    int whole = (int)lround(share * columns);
    if (whole == 0 && value > 0) whole = 1;
    for (int i = 0; i < whole; i++) mg_buffer_add_char(out, '#');
    plot_colour(out, PLOT_PLAIN, style);
    plot_spaces(out, columns - whole);
}

static double column_sum(const double *values, size_t n, int column, int columns)
{
    size_t from = n * (size_t)column / (size_t)columns, to = n * ((size_t)column + 1) / (size_t)columns;
    double sum = 0;
    for (size_t i = from; i < to; i++) sum += isfinite(values[i]) ? values[i] : 0;
    return sum;
}

void mg_plot_spark(mg_buffer *out, const double *values, size_t n, int columns, const mg_plot_style *style)
{
    static const char ascii[] = " .:-=+*#@";
    double most = 0;
    if ((size_t)columns > n) columns = (int)n;
    for (int c = 0; c < columns; c++) most = fmax(most, column_sum(values, n, c, columns));
    plot_colour(out, 0, style);
    for (int c = 0; c < columns; c++) {
        double value = column_sum(values, n, c, columns);
        int level = most > 0 && value > 0 ? (int)fmax(lround(value / most * 8), 1) : 0;
        if (!style->is_unicode) mg_buffer_add_char(out, ascii[level]);
        else if (level) plot_character(out, (uint32_t)(0x2580 + level));
        else mg_buffer_add_char(out, ' ');
    }
    plot_colour(out, PLOT_PLAIN, style);
}
