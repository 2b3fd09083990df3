/* SPDX-License-Identifier: MIT */
/* Curves of step records, in bounded memory: when a curve has too many points, neighbours are made one. */
#include "plot/draw.h"

#include <string.h>

enum { MOST_POINTS = 1 << 15, MOST_CURVES = PLOT_COLOURS };

typedef struct {
    const char *name;
    double *x, *y;
    size_t n;
    int per_point, pending; /* values that make a point; those that wait */
    double sum_x, sum_y;
} curve;

struct mg_curves {
    curve curves[MOST_CURVES];
    size_t n;
};

void mg_curves_free(mg_curves *c)
{
    if (!c) return;
    for (size_t i = 0; i < c->n; i++) mg_free(c->curves[i].x), mg_free(c->curves[i].y);
    mg_free(c);
}

mg_status mg_curves_new(const char *const *names, size_t n, mg_curves **curves, mg_error *why)
{
    *curves = NULL;
    if (n > MOST_CURVES) return mg_fail(why, MG_BAD_ARGUMENT, "more than %d curves", MOST_CURVES);
    mg_curves *c = mg_alloc_zero(1, sizeof *c);
    bool ok = c != NULL;
    for (size_t i = 0; ok && i < n; i++) {
        c->curves[c->n++] = (curve){.name = names[i], .per_point = 1, .x = mg_alloc(MOST_POINTS, sizeof(double)),
                                    .y = mg_alloc(MOST_POINTS, sizeof(double))};
        ok = c->curves[i].x && c->curves[i].y;
    }
    if (!ok) return mg_curves_free(c), mg_fail(why, MG_NO_MEMORY, "out of memory");
    *curves = c;
    return MG_OK;
}

static void add_value(curve *c, double x, double y)
{
    c->sum_x += x, c->sum_y += y;
    if (++c->pending < c->per_point) return;
    if (c->n == MOST_POINTS) {
        c->n /= 2;
        c->per_point *= 2;
        for (size_t i = 0; i < c->n; i++) {
            c->x[i] = (c->x[2 * i] + c->x[2 * i + 1]) / 2;
            c->y[i] = (c->y[2 * i] + c->y[2 * i + 1]) / 2;
        }
        return; /* one more value like these makes the next point */
    }
    c->x[c->n] = c->sum_x / c->pending;
    c->y[c->n++] = c->sum_y / c->pending;
    c->pending = 0;
    c->sum_x = c->sum_y = 0;
}

void mg_curves_take(mg_curves *c, const mg_json *record)
{
    double x, y;
    bool is_step = strcmp(mg_json_get_string(record, "kind", ""), "step") == 0;
    if (!is_step || !mg_json_real(mg_json_get(record, "step"), &x)) return;
    for (size_t i = 0; i < c->n; i++)
        if (mg_json_real(mg_json_get(record, c->curves[i].name), &y)) add_value(&c->curves[i], x, y);
}

/* ---- on the way to another sink ---- */

static mg_status take_line(void *user, const char *text, size_t length, mg_error *why)
{
    const mg_curves_tap *tap = user;
    mg_json *record;
    MG_TRY(mg_json_parse(text, length, &record, why));
    mg_curves_take(tap->curves, record);
    mg_json_free(record);
    return tap->to.line(tap->to.user, text, length, why);
}

static void flush(void *user)
{
    const mg_curves_tap *tap = user;
    if (tap->to.flush) tap->to.flush(tap->to.user);
}

mg_sink mg_curves_sink(mg_curves_tap *tap) { return (mg_sink){take_line, tap, flush}; }

/* ---- the picture ---- */

static size_t series_of(const mg_curves *c, mg_series series[MOST_CURVES])
{
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        const curve *from = &c->curves[i];
        if (from->n) series[n++] = (mg_series){from->name, from->x, from->y, from->n};
    }
    return n;
}

mg_status mg_curves_draw(const mg_curves *c, const mg_picture_options *options, mg_buffer *picture, mg_error *why)
{
    mg_series series[MOST_CURVES];
    size_t n = series_of(c, series);
    if (n == 0) return mg_fail(why, MG_BAD_DATA, "there are no step records with these keys");
    mg_chart chart = {.title = options->title, .x_label = "step", .y_label = n == 1 ? series[0].name : NULL};
    mg_status status = options->svg ? mg_plot_lines_svg(picture, &chart, series, n)
                                    : mg_plot_lines_text(picture, &chart, series, n, 16, &options->style);
    return status ? mg_fail(why, status, "out of memory") : MG_OK;
}

mg_status mg_curves_write(const mg_curves *c, const mg_picture_options *options, mg_out *out, mg_error *why)
{
    mg_buffer picture = {0};
    mg_status status = mg_curves_draw(c, options, &picture, why);
    if (!status) status = mg_out_write(out, picture.data, picture.length, why);
    mg_buffer_free(&picture);
    if (status) return mg_out_abandon(out), status;
    return mg_out_commit(out, why);
}
