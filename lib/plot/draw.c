/* SPDX-License-Identifier: MIT */
/* Colours, axes, and the frame of an SVG. */
#include "plot/draw.h"

#include <math.h>

/* ---- terminal ---- */

/* Of the 256 colours, those that read on black and on white; the same hues as the SVG's. */
static const int colours[PLOT_COLOURS] = {33, 208, 35, 168, 141, 37, 178, 102};

void plot_colour(mg_buffer *out, int i, const mg_plot_style *style)
{
    if (!style->has_colour) return;
    if (i == PLOT_PLAIN) mg_buffer_add_text(out, "\033[0m");
    else if (i == PLOT_FAINT) mg_buffer_add_text(out, "\033[38;5;244m");
    else mg_buffer_print(out, "\033[38;5;%dm", colours[i % PLOT_COLOURS]);
}

void plot_colours(mg_buffer *out, int i, int k, const mg_plot_style *style)
{
    if (style->has_colour)
        mg_buffer_print(out, "\033[38;5;%d;48;5;%dm", colours[i % PLOT_COLOURS], colours[k % PLOT_COLOURS]);
}

void plot_character(mg_buffer *out, uint32_t c)
{
    if (c < 0x80) mg_buffer_add_char(out, (char)c);
    else if (c < 0x800) mg_buffer_add(out, (char[]){(char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f))}, 2);
    else
        mg_buffer_add(out, (char[]){(char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f))},
                      3);
}

void plot_spaces(mg_buffer *out, int n)
{
    if (n > 0) mg_buffer_print(out, "%*s", n, "");
}

/* ---- axes ---- */

plot_ticks plot_ticks_for(double low, double high, int most)
{
    static const double factors[] = {1, 2, 5, 10};
    double span = high > low ? high - low : 1;
    double power = pow(10, floor(log10(span / most)));
    plot_ticks ticks = {.step = power};
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        ticks.step = power * factors[i];
        if (span / ticks.step <= most) break;
    }
    ticks.first = ceil(low / ticks.step - 1e-9) * ticks.step;
    ticks.n = (int)floor((high - ticks.first) / ticks.step + 1e-9) + 1;
    ticks.decimals = ticks.step < 1 ? (int)ceil(-log10(ticks.step) - 1e-9) : 0;
    return ticks;
}

double plot_tick(const plot_ticks *ticks, int i) { return ticks->first + i * ticks->step; }

void plot_tick_add(mg_buffer *out, const plot_ticks *ticks, int i)
{
    double value = plot_tick(ticks, i);
    if (ticks->decimals > 6 || fabs(value) >= 1e7) { /* beyond what fixed digits say well */
        mg_buffer_print(out, "%.3g", value);
        return;
    }
    double scale = pow(10, ticks->decimals);
    long long whole = llround(value * scale), unit = llround(scale);
    if (whole < 0) mg_buffer_add_char(out, '-');
    whole = whole < 0 ? -whole : whole;
    mg_int_add(out, whole / unit);
    if (ticks->decimals) mg_buffer_print(out, ".%0*lld", ticks->decimals, whole % unit);
}

/* ---- SVG ---- */

static const char sheet[] =
    "svg{background:#fff;font-family:'DejaVu Sans',Verdana,Helvetica,sans-serif}"
    ".ground{fill:#fff}.lane{fill:#f3f4f7}.grid{stroke:#e3e5eb;stroke-width:1}.bar{stroke:#bcc1cc;stroke-width:1}"
    ".axis{stroke:#8a90a0;stroke-width:1}.text{fill:#5b6170;font-size:11px}.drum{font-size:8px}"
    ".title{fill:#20242e;font-size:16px}"
    ".curve{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}"
    ".s0{stroke:#1f7ae0}.s1{stroke:#f08a24}.s2{stroke:#23a267}.s3{stroke:#d8538d}.s4{stroke:#8f74e8}"
    ".s5{stroke:#1aa3ac}.s6{stroke:#c79a12}.s7{stroke:#78808f}"
    ".f0{fill:#1f7ae0}.f1{fill:#f08a24}.f2{fill:#23a267}.f3{fill:#d8538d}.f4{fill:#8f74e8}"
    ".f5{fill:#1aa3ac}.f6{fill:#c79a12}.f7{fill:#78808f}"
    "@media(prefers-color-scheme:dark){svg{background:#14171d}.ground{fill:#14171d}.lane{fill:#1b1f27}"
    ".grid{stroke:#262b35}.bar{stroke:#444b59}.axis{stroke:#6b7282}.text{fill:#a3aab9}.title{fill:#eceff5}}";

void svg_number(mg_buffer *out, double value)
{
    long long hundredths = llround(value * 100);
    if (hundredths < 0) mg_buffer_add_char(out, '-');
    hundredths = hundredths < 0 ? -hundredths : hundredths;
    mg_int_add(out, hundredths / 100);
    int rest = (int)(hundredths % 100);
    if (rest % 10) mg_buffer_print(out, ".%02d", rest);
    else if (rest) mg_buffer_print(out, ".%d", rest / 10);
}

void svg_escaped(mg_buffer *out, const char *text)
{
    mg_buffer safe = {0};
    mg_text_add_shown(&safe, text, 1 << 20, true);
    for (const char *at = safe.data ? safe.data : ""; *at; at++) {
        if (*at == '<') mg_buffer_add_text(out, "&lt;");
        else if (*at == '>') mg_buffer_add_text(out, "&gt;");
        else if (*at == '&') mg_buffer_add_text(out, "&amp;");
        else if (*at == '"') mg_buffer_add_text(out, "&quot;");
        else mg_buffer_add_char(out, *at);
    }
    out->failed |= safe.failed;
    mg_buffer_free(&safe);
}

/* ` name="value"` */
static void attribute(mg_buffer *out, const char *name, double value)
{
    mg_buffer_print(out, " %s=\"", name);
    svg_number(out, value);
    mg_buffer_add_char(out, '"');
}

void svg_begin(mg_buffer *out, double width, double height, const char *title)
{
    mg_buffer_add_text(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ");
    svg_number(out, width);
    mg_buffer_add_char(out, ' ');
    svg_number(out, height);
    mg_buffer_add_char(out, '"');
    attribute(out, "width", width);
    attribute(out, "height", height);
    mg_buffer_print(out, " role=\"img\">\n<style>%s</style>\n", sheet);
    if (title) {
        mg_buffer_add_text(out, "<title>");
        svg_escaped(out, title);
        mg_buffer_add_text(out, "</title>\n");
    }
    svg_rect(out, "ground", 0, 0, width, height, 0);
}

void svg_end(mg_buffer *out) { mg_buffer_add_text(out, "</svg>\n"); }

void svg_line(mg_buffer *out, const char *class, double x1, double y1, double x2, double y2)
{
    mg_buffer_print(out, "<line class=\"%s\"", class);
    attribute(out, "x1", x1);
    attribute(out, "y1", y1);
    attribute(out, "x2", x2);
    attribute(out, "y2", y2);
    mg_buffer_add_text(out, "/>\n");
}

void svg_rect(mg_buffer *out, const char *class, double x, double y, double width, double height, double radius)
{
    mg_buffer_print(out, "<rect class=\"%s\"", class);
    attribute(out, "x", x);
    attribute(out, "y", y);
    attribute(out, "width", width);
    attribute(out, "height", height);
    if (radius > 0) attribute(out, "rx", radius);
    mg_buffer_add_text(out, "/>\n");
}

void svg_text(mg_buffer *out, const char *class, double x, double y, const char *anchor, const char *text)
{
    mg_buffer_print(out, "<text class=\"%s\" text-anchor=\"%s\"", class, anchor);
    attribute(out, "x", x);
    attribute(out, "y", y);
    mg_buffer_add_char(out, '>');
    svg_escaped(out, text);
    mg_buffer_add_text(out, "</text>\n");
}
