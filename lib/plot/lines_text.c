/* SPDX-License-Identifier: MIT */
/* A line chart in the terminal: two by four dots in a character (Braille), or one letter of ASCII. */
#include "plot/lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL = 9 };

lines_range lines_range_of(const mg_series *series, size_t n)
{
    lines_range r = {HUGE_VAL, -HUGE_VAL, HUGE_VAL, -HUGE_VAL};
    for (size_t s = 0; s < n; s++)
        for (size_t i = 0; i < series[s].n; i++) {
            double x = series[s].x[i], y = series[s].y[i];
            if (!isfinite(x) || !isfinite(y)) continue;
            r.x_low = fmin(r.x_low, x), r.x_high = fmax(r.x_high, x);
            r.y_low = fmin(r.y_low, y), r.y_high = fmax(r.y_high, y);
        }
    if (!(r.x_low <= r.x_high)) return (lines_range){0, 1, 0, 1};
    if (r.x_low == r.x_high) r.x_high += 1;
    if (r.y_low == r.y_high) { /* a constant lies in the middle */
        double by = fmax(fabs(r.y_low) * 0.1, 1e-9);
        r.y_low -= by, r.y_high += by;
    }
    return r;
}

typedef struct {
    mg_buffer *out;
    const mg_plot_style *style;
    lines_range range;
    int columns, rows, across, down; /* dots in a character */
    uint8_t *dots;                   /* [rows][columns]: bits of the Braille pattern */
    uint8_t *owner;                  /* [rows][columns]: the series drawn last, + 1 */
} chart;

static void set_dot(chart *c, int x, int y, size_t series)
{
    static const uint8_t braille[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    if (x < 0 || y < 0 || x >= c->columns * c->across || y >= c->rows * c->down) return;
    size_t at = (size_t)(y / c->down) * (size_t)c->columns + (size_t)(x / c->across);
    c->dots[at] |= braille[y % c->down][x % c->across];
    c->owner[at] = (uint8_t)(series % PLOT_COLOURS + 1);
}

static void dot_of(const chart *c, double x, double y, int *column, int *row)
{
    const lines_range *r = &c->range;
    *column = (int)lround((x - r->x_low) / (r->x_high - r->x_low) * (c->columns * c->across - 1));
    *row = (int)lround((r->y_high - y) / (r->y_high - r->y_low) * (c->rows * c->down - 1));
}

static void draw_line(chart *c, int x0, int y0, int x1, int y1, size_t series)
{
    int steps = abs(x1 - x0) > abs(y1 - y0) ? abs(x1 - x0) : abs(y1 - y0);
    for (int i = 0; i <= steps; i++) {
        double part = steps ? (double)i / steps : 0;
        set_dot(c, x0 + (int)lround((x1 - x0) * part), y0 + (int)lround((y1 - y0) * part), series);
    }
}

static void draw_series(chart *c, const mg_series *s, size_t index)
{
    bool has_last = false;
    int last_x = 0, last_y = 0, x, y;
    for (size_t i = 0; i < s->n; i++) {
        if (!isfinite(s->x[i]) || !isfinite(s->y[i])) {
            has_last = false;
            continue;
        }
        dot_of(c, s->x[i], s->y[i], &x, &y);
        draw_line(c, has_last ? last_x : x, has_last ? last_y : y, x, y, index);
        has_last = true, last_x = x, last_y = y;
    }
}

/* ---- output ---- */

static void add_cell(chart *c, size_t at)
{
    static const char letters[] = "*+xo#%@&";
    if (!c->dots[at]) {
        mg_buffer_add_char(c->out, ' ');
        return;
    }
    plot_colour(c->out, c->owner[at] - 1, c->style);
    if (c->style->is_unicode) plot_character(c->out, 0x2800 + c->dots[at]);
    else mg_buffer_add_char(c->out, letters[c->owner[at] - 1]);
    plot_colour(c->out, PLOT_PLAIN, c->style);
}

/* The tick that stands on a row, or -1. */
static int tick_on_row(const chart *c, const plot_ticks *ticks, int row)
{
    for (int i = 0; i < ticks->n; i++) {
        int x, y;
        dot_of(c, c->range.x_low, plot_tick(ticks, i), &x, &y);
        if (y / c->down == row) return i;
    }
    return -1;
}

static void add_row(chart *c, const plot_ticks *ticks, int row)
{
    int tick = tick_on_row(c, ticks, row);
    mg_buffer number = {0};
    if (tick >= 0) plot_tick_add(&number, ticks, tick);
    plot_colour(c->out, PLOT_FAINT, c->style);
    mg_buffer_print(c->out, "%*s ", LABEL - 2, number.data ? number.data : "");
    if (c->style->is_unicode) plot_character(c->out, tick >= 0 ? 0x2524 : 0x2502);
    else mg_buffer_add_char(c->out, tick >= 0 ? '+' : '|');
    plot_colour(c->out, PLOT_PLAIN, c->style);
    for (int column = 0; column < c->columns; column++) add_cell(c, (size_t)row * (size_t)c->columns + (size_t)column);
    mg_buffer_add_char(c->out, '\n');
    c->out->failed |= number.failed;
    mg_buffer_free(&number);
}

static void add_x_axis(chart *c, const char *label)
{
    plot_ticks ticks = plot_ticks_for(c->range.x_low, c->range.x_high, c->columns / 12 + 1);
    mg_buffer line = {0}; /* the numbers under their ticks */
    plot_colour(c->out, PLOT_FAINT, c->style);
    plot_spaces(c->out, LABEL - 1);
    if (c->style->is_unicode) plot_character(c->out, 0x2514);
    else mg_buffer_add_char(c->out, '+');
    for (int column = 0, i = 0; column < c->columns; column++) {
        int x = c->columns * c->across, y;
        if (i < ticks.n) dot_of(c, plot_tick(&ticks, i), c->range.y_low, &x, &y);
        bool is_tick = x / c->across == column;
        if (c->style->is_unicode) plot_character(c->out, is_tick ? 0x2534 : 0x2500);
        else mg_buffer_add_char(c->out, is_tick ? '+' : '-');
        if (!is_tick) continue;
        mg_buffer number = {0};
        plot_tick_add(&number, &ticks, i++);
        int at = LABEL + column - (int)number.length / 2;
        if (at + (int)number.length <= LABEL + c->columns && at > (int)line.length) {
            plot_spaces(&line, at - (int)line.length);
            if (number.length) mg_buffer_add(&line, number.data, number.length);
        }
        mg_buffer_free(&number);
    }
    mg_buffer_add_char(c->out, '\n');
    if (label && (int)(line.length + strlen(label)) + 2 <= LABEL + c->columns) mg_buffer_print(&line, "  %s", label);
    if (line.data) mg_buffer_add(c->out, line.data, line.length);
    plot_colour(c->out, PLOT_PLAIN, c->style);
    mg_buffer_add_char(c->out, '\n');
    c->out->failed |= line.failed;
    mg_buffer_free(&line);
}

static void add_head(chart *c, const mg_chart *about, const mg_series *series, size_t n)
{
    static const char letters[] = "*+xo#%@&";
    if (about->title) {
        mg_text_add_shown(c->out, about->title, c->style->width, c->style->is_unicode);
        mg_buffer_add_char(c->out, '\n');
    }
    if (about->y_label || n > 1) {
        plot_spaces(c->out, LABEL);
        if (about->y_label) mg_text_add_shown(c->out, about->y_label, c->columns / 2, c->style->is_unicode);
        for (size_t i = 0; n > 1 && i < n && i < PLOT_COLOURS; i++) {
            mg_buffer_add_text(c->out, "  ");
            plot_colour(c->out, (int)i, c->style);
            if (c->style->is_unicode) plot_character(c->out, 0x2501);
            else mg_buffer_add_char(c->out, letters[i]);
            plot_colour(c->out, PLOT_PLAIN, c->style);
            mg_buffer_add_char(c->out, ' ');
            mg_text_add_shown(c->out, series[i].name, 20, c->style->is_unicode);
        }
        mg_buffer_add_char(c->out, '\n');
    }
}

mg_status mg_plot_lines_text(mg_buffer *out, const mg_chart *about, const mg_series *series, size_t n, int rows,
                             const mg_plot_style *style)
{
    chart c = {.out = out, .style = style, .rows = rows > 3 ? rows : 3,
               .columns = (style->width > 20 ? style->width : 20) - LABEL - 1,
               .across = style->is_unicode ? 2 : 1, .down = style->is_unicode ? 4 : 1};
    size_t cells = (size_t)c.rows * (size_t)c.columns;
    c.range = lines_range_of(series, n);
    c.dots = mg_alloc_zero(cells, 1);
    c.owner = mg_alloc_zero(cells, 1);
    bool has_memory = c.dots && c.owner;
    if (has_memory) {
        plot_ticks ticks = plot_ticks_for(c.range.y_low, c.range.y_high, c.rows / 2 + 1);
        for (size_t i = 0; i < n; i++) draw_series(&c, &series[i], i);
        add_head(&c, about, series, n);
        for (int row = 0; row < c.rows; row++) add_row(&c, &ticks, row);
        add_x_axis(&c, about->x_label);
    }
    mg_free(c.dots);
    mg_free(c.owner);
    return has_memory && !out->failed ? MG_OK : MG_NO_MEMORY;
}
