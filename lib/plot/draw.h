/* SPDX-License-Identifier: MIT */
/* What all pictures share: colours, numbers, axes, the frame of an SVG. */
#ifndef PLOT_DRAW_H
#define PLOT_DRAW_H

#include <mgen/plot.h>
#include <mgen/text.h>

enum { PLOT_COLOURS = 8 };

/* ---- terminal ---- */

/* Foreground in the colour of part or series `i`; PLOT_PLAIN ends any colour, PLOT_FAINT is for grids and labels. */
enum { PLOT_PLAIN = -1, PLOT_FAINT = -2 };
void plot_colour(mg_buffer *out, int i, const mg_plot_style *style);
/* Foreground i over background k. */
void plot_colours(mg_buffer *out, int i, int k, const mg_plot_style *style);
/* The character with this code point, as UTF-8. */
void plot_character(mg_buffer *out, uint32_t code_point);
void plot_spaces(mg_buffer *out, int n);

/* ---- axes ---- */

/* Round steps (1, 2 or 5 times a power of ten) that cut low .. high in at most `most` parts. */
typedef struct { double first, step; int n, decimals; } plot_ticks;
plot_ticks plot_ticks_for(double low, double high, int most);
double plot_tick(const plot_ticks *ticks, int i);
/* A tick's number, with the decimals that its step needs. */
void plot_tick_add(mg_buffer *out, const plot_ticks *ticks, int i);

/* ---- SVG ---- */

/* Opens the file: size, style sheet, title. Classes: s0 .. s7 strokes, f0 .. f7 fills; ground, lane, grid, bar, axis;
   text, title. */
void svg_begin(mg_buffer *out, double width, double height, const char *title);
void svg_end(mg_buffer *out);
/* A coordinate in hundredths, whatever the locale. */
void svg_number(mg_buffer *out, double value);
/* Text with what XML would read as markup escaped, controls and broken UTF-8 replaced. */
void svg_escaped(mg_buffer *out, const char *text);
void svg_line(mg_buffer *out, const char *class, double x1, double y1, double x2, double y2);
void svg_rect(mg_buffer *out, const char *class, double x, double y, double width, double height, double radius);
/* anchor: "start", "middle" or "end". */
void svg_text(mg_buffer *out, const char *class, double x, double y, const char *anchor, const char *text);

#endif
