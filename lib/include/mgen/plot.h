/* SPDX-License-Identifier: MIT */
/** Pictures: piano-rolls, curves and bars, for a terminal and as SVG. Nothing is printed: all goes into a buffer,
    whose `failed` tells of missing memory.

    Pictures for a terminal are lines of text ended by newlines. An SVG is a whole file, readable on a light and on a
    dark ground, without script or anything from the network. */
#ifndef MGEN_PLOT_H
#define MGEN_PLOT_H

#include <mgen/data.h>
#include <mgen/midi.h>

MG_PUBLIC_BEGIN

/** What the terminal can show. */
typedef struct {
    int width;        /**< columns, at least 20 */
    bool is_unicode;  /**< block and Braille characters; else ASCII */
    bool has_colour;  /**< 256 colours by escape sequences */
} mg_plot_style;

/* ---- piano-roll ---- */

typedef struct {
    const char *title;  /**< over the picture; NULL: none */
    int64_t first_bar;  /**< bars first_bar .. last_bar, counted from 1; 0: from the start, to the end */
    int64_t last_bar;
} mg_roll_view;

/** Bars of a score up to the end of its last note, at least 1; of a score in SMPTE time, its seconds. */
int64_t mg_score_bars(const mg_score *score);

/** The notes over the bars, in systems as wide as the terminal: two semitones a line, two thirty-seconds a column
    (without Unicode one semitone and a sixteenth), a colour a part, drums by name below. */
mg_status mg_plot_roll_text(mg_buffer *out, const mg_score *score, const mg_roll_view *view,
                            const mg_plot_style *style);

/** The same as one wide picture with a time axis. Notes that fall on the same pixels are drawn once, so its size is
    bounded whatever the score. */
mg_status mg_plot_roll_svg(mg_buffer *out, const mg_score *score, const mg_roll_view *view);

/* ---- curves ---- */

/** Points from left to right. A y that is not finite leaves a gap. */
typedef struct {
    const char *name;
    const double *x, *y;
    size_t n;
} mg_series;

typedef struct {
    const char *title, *x_label, *y_label; /**< may be NULL */
} mg_chart;

/** Lines over common axes, `rows` high. Many points in a column are drawn as the span from their least to their
    greatest. */
mg_status mg_plot_lines_text(mg_buffer *out, const mg_chart *chart, const mg_series *series, size_t n, int rows,
                             const mg_plot_style *style);
mg_status mg_plot_lines_svg(mg_buffer *out, const mg_chart *chart, const mg_series *series, size_t n);

/* ---- bars ---- */

/** One bar of `columns` columns for a value out of `most`, without a newline: eighths of a column where Unicode is. */
void mg_plot_bar(mg_buffer *out, double value, double most, int columns, const mg_plot_style *style);
/** n values as n columns of one line, their heights in eighths; neighbours are summed where there are more than
    `columns`. */
void mg_plot_spark(mg_buffer *out, const double *values, size_t n, int columns, const mg_plot_style *style);

/* ---- pictures of what a source holds ---- */

typedef struct {
    mg_piece_options pieces;
    mg_plot_style style;         /**< of pictures for a terminal */
    const char *svg;             /**< the SVG file for one picture; NULL: text for a terminal, on standard output */
    bool may_replace;
    const char *title;           /**< of curves; piano-rolls are called as their pieces */
    int64_t first_bar, last_bar; /**< of piano-rolls; last_bar 0: 64 bars on the terminal, all in an SVG */
} mg_picture_options;

/** The values of some keys of step records, gathered as curves over the step, in bounded memory. */
typedef struct mg_curves mg_curves;
/** At most 8 names, which are lent. */
mg_status mg_curves_new(const char *const *names, size_t n, mg_curves **curves, mg_error *why);
void mg_curves_free(mg_curves *curves);
void mg_curves_take(mg_curves *curves, const mg_json *record); /**< passes over what is no step record */
/** A sink that gathers them from the records on their way to another; both have to live as long as it. */
typedef struct { mg_curves *curves; mg_sink to; } mg_curves_tap;
mg_sink mg_curves_sink(mg_curves_tap *tap);
/** One picture of them all, as the options ask. MG_BAD_DATA where nothing was gathered. */
mg_status mg_curves_draw(const mg_curves *curves, const mg_picture_options *options, mg_buffer *picture, mg_error *why);
/** The same into a file, which is committed, or abandoned after a failure. */
mg_status mg_curves_write(const mg_curves *curves, const mg_picture_options *options, mg_out *out, mg_error *why);

/** The piano-roll of every piece. */
mg_status mg_roll_run(const mg_picture_options *options, mg_source *source, mg_run *run, mg_error *why);
/** The values of the keys `names` (at most 8) of all step records, as curves over the step. */
mg_status mg_curve_run(const mg_picture_options *options, const char *const *names, size_t n, mg_source *source,
                       mg_run *run, mg_error *why);

MG_PUBLIC_END
#endif
