/* SPDX-License-Identifier: MIT */
/* A line chart as SVG. */
#include "plot/lines.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 800, HEIGHT = 420, LEFT = 72, RIGHT = 24, TOP = 56, BOTTOM = 56 };

typedef struct {
    mg_buffer *out;
    lines_range range;
} chart;

static double x_of(const chart *c, double x)
{
    return LEFT + (x - c->range.x_low) / (c->range.x_high - c->range.x_low) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const chart *c, double y)
{
    return TOP + (c->range.y_high - y) / (c->range.y_high - c->range.y_low) * (HEIGHT - TOP - BOTTOM);
}

static void add_axes(chart *c, const mg_chart *about)
{
    plot_ticks y = plot_ticks_for(c->range.y_low, c->range.y_high, 7);
    plot_ticks x = plot_ticks_for(c->range.x_low, c->range.x_high, 9);
    for (int i = 0; i < y.n; i++) {
        mg_buffer number = {0};
        double at = y_of(c, plot_tick(&y, i));
        plot_tick_add(&number, &y, i);
        svg_line(c->out, "grid", LEFT, at, WIDTH - RIGHT, at);
        svg_text(c->out, "text", LEFT - 10, at + 4, "end", number.data ? number.data : "");
        mg_buffer_free(&number);
    }
    for (int i = 0; i < x.n; i++) {
        mg_buffer number = {0};
        double at = x_of(c, plot_tick(&x, i));
        plot_tick_add(&number, &x, i);
        svg_line(c->out, "axis", at, HEIGHT - BOTTOM, at, HEIGHT - BOTTOM + 5);
        svg_text(c->out, "text", at, HEIGHT - BOTTOM + 19, "middle", number.data ? number.data : "");
        mg_buffer_free(&number);
    }
    svg_line(c->out, "axis", LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM);
    if (about->title) svg_text(c->out, "title", LEFT, 28, "start", about->title);
    if (about->y_label) svg_text(c->out, "text", LEFT, TOP - 12, "start", about->y_label);
    if (about->x_label) svg_text(c->out, "text", WIDTH - RIGHT, HEIGHT - 16, "end", about->x_label);
}

/* Of the points that share half a pixel only the first, lowest, highest and last are kept: so the file is bounded. */
typedef struct {
    double x, first, low, high, last;
    bool is_open;
} column;

static void add_point(chart *c, double x, double y, bool *has_pen)
{
    mg_buffer_add_char(c->out, *has_pen ? 'L' : 'M');
    svg_number(c->out, x);
    mg_buffer_add_char(c->out, ' ');
    svg_number(c->out, y);
    *has_pen = true;
}

static void close_column(chart *c, column *k, bool *has_pen)
{
    if (!k->is_open) return;
    add_point(c, k->x, k->first, has_pen);
    if (k->low != k->first) add_point(c, k->x, k->low, has_pen);
    if (k->high != k->low) add_point(c, k->x, k->high, has_pen);
    if (k->last != k->high) add_point(c, k->x, k->last, has_pen);
    k->is_open = false;
}

static void add_series(chart *c, const mg_series *s, size_t index)
{
    column k = {0};
    bool has_pen = false;
    mg_buffer_print(c->out, "<path class=\"curve s%d\" d=\"", (int)(index % PLOT_COLOURS));
    for (size_t i = 0; i < s->n; i++) {
        if (!isfinite(s->x[i]) || !isfinite(s->y[i])) {
            close_column(c, &k, &has_pen);
            has_pen = false;
            continue;
        }
        double x = x_of(c, s->x[i]), y = y_of(c, s->y[i]);
        if (k.is_open && fabs(x - k.x) >= 0.5) close_column(c, &k, &has_pen);
        if (!k.is_open) k = (column){x, y, y, y, y, true};
        k.low = fmin(k.low, y), k.high = fmax(k.high, y), k.last = y;
    }
    close_column(c, &k, &has_pen);
    mg_buffer_add_text(c->out, "\"/>\n");
}

static void add_legend(chart *c, const mg_series *series, size_t n)
{
    double x = WIDTH - RIGHT;
    for (size_t i = n < PLOT_COLOURS ? n : PLOT_COLOURS; n > 1 && i-- > 0;) {
        double width = mg_text_columns(series[i].name, strlen(series[i].name)) * 6.6 + 34;
        char class[16];
        if (x - width < LEFT) break;
        x -= width;
        snprintf(class, sizeof class, "curve s%d", (int)i);
        svg_line(c->out, class, x, TOP - 16, x + 16, TOP - 16);
        svg_text(c->out, "text", x + 22, TOP - 12, "start", series[i].name);
    }
}

mg_status mg_plot_lines_svg(mg_buffer *out, const mg_chart *about, const mg_series *series, size_t n)
{
    chart c = {out, lines_range_of(series, n)};
    svg_begin(out, WIDTH, HEIGHT, about->title);
    add_axes(&c, about);
    for (size_t i = 0; i < n; i++) add_series(&c, &series[i], i);
    add_legend(&c, series, n);
    svg_end(out);
    return out->failed ? MG_NO_MEMORY : MG_OK;
}
