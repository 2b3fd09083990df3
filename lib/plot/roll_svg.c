/* SPDX-License-Identifier: MIT */
/* A piano-roll as SVG: time in bars to the right, pitches upwards, drums in a lane of their own, seconds below. */
#include "plot/draw.h"
#include "plot/layout.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 1200, LEFT = 64, RIGHT = 16, TITLE = 28, LEGEND = 18, NUMBERS = 30, GAP = 10, DRUM = 11, BOTTOM = 44 };

typedef struct {
    mg_buffer *out;
    const layout *l;
    int low, high;     /* pitches shown */
    double row;        /* height of a semitone */
    double px_per_tick;
    double top;        /* of the grid, below title, legend and the numbers of bars */
    double roll_top, roll_end, drums_top, drums_end;
    int n_drums;
    uint8_t drum_row[128];
} picture;

static double x_of(const picture *p, int64_t tick) { return LEFT + (double)(tick - p->l->first_tick) * p->px_per_tick; }
static double y_of(const picture *p, int pitch) { return p->roll_top + (p->high - pitch) * p->row; }

static void measure(picture *p)
{
    const layout *l = p->l;
    double ticks = fmax((double)(l->last_tick - l->first_tick), 1);
    p->px_per_tick = (WIDTH - LEFT - RIGHT) / ticks;
    p->top = TITLE + (l->n_parts > 1 ? LEGEND : 0) + NUMBERS;
    p->roll_top = p->roll_end = p->top;
    if (l->high >= 0) { /* some room around, an octave and a half at least */
        p->low = l->low - 2, p->high = l->high + 2;
        while (p->high - p->low < 18) p->low--, p->high++;
        p->row = fmin(fmax(360.0 / (p->high - p->low + 1), 4.5), 14);
        p->roll_end = p->top + (p->high - p->low + 1) * p->row;
    }
    for (int pitch = 127; pitch >= 0; pitch--)
        if (l->has_drum[pitch]) p->drum_row[pitch] = (uint8_t)p->n_drums++;
    p->drums_top = p->roll_end + (l->high >= 0 ? GAP : 0);
    p->drums_end = p->n_drums ? p->drums_top + p->n_drums * DRUM : p->roll_end;
}

/* ---- ground ---- */

static void add_keys(picture *p)
{
    static const bool is_black[12] = {0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0};
    char name[8];
    double right = WIDTH - RIGHT;
    for (int pitch = p->low; p->l->high >= 0 && pitch <= p->high; pitch++) {
        if (pitch < 0 || pitch > 127) continue;
        double y = y_of(p, pitch);
        if (is_black[pitch % 12]) svg_rect(p->out, "lane", LEFT, y, right - LEFT, p->row, 0);
        if (pitch % 12 == 0) svg_line(p->out, "grid", LEFT, y + p->row, right, y + p->row);
        bool is_edge = pitch == p->l->low || pitch == p->l->high, is_clear = pitch % 12 > 1 && pitch % 12 < 11;
        bool is_named = pitch % 12 == 0 || (p->row >= 9 && is_edge && is_clear);
        if (!is_named) continue;
        mg_pitch_name(pitch, name);
        svg_text(p->out, "text", LEFT - 8, y + p->row / 2 + 4, "end", name);
    }
    for (int pitch = 0; pitch < 128; pitch++) {
        if (!p->l->has_drum[pitch]) continue;
        double y = p->drums_top + p->drum_row[pitch] * DRUM;
        if (p->drum_row[pitch] % 2 == 0) svg_rect(p->out, "lane", LEFT, y, right - LEFT, DRUM, 0);
    }
}

/* Bar lines, thinned out where they would crowd; beats between them where there is room. */
static void add_bars(picture *p)
{
    const layout *l = p->l;
    int64_t every = 1, n = l->last_bar - l->first_bar + 1;
    while ((double)(WIDTH - LEFT - RIGHT) / (double)n * (double)every < 7) every *= every == 1 ? 4 : 2;
    int64_t numbered = every;
    while ((double)(WIDTH - LEFT - RIGHT) / (double)n * (double)numbered < 34) numbered *= 2;
    for (int64_t bar = l->first_bar; bar <= l->last_bar; bar += every) {
        double x = x_of(p, layout_bar_tick(l, bar)), next = x_of(p, layout_bar_tick(l, bar + 1)), ticks;
        int beats = layout_beats(l, bar, &ticks);
        for (int beat = 1; beat < beats && ticks * p->px_per_tick > 9; beat++) {
            double at = x + beat * ticks * p->px_per_tick; /* a bar may be cut short by the next meter */
            if (at < next - 1) svg_line(p->out, "grid", at, p->top, at, p->drums_end);
        }
        svg_line(p->out, "bar", x, p->top, x, p->drums_end);
        if ((bar - l->first_bar) % numbered) continue;
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)bar);
        svg_text(p->out, "text", x, p->top - 6, "start", number);
    }
    svg_line(p->out, "bar", WIDTH - RIGHT, p->top, WIDTH - RIGHT, p->drums_end);
}

/* Ticks where round seconds fall; their distances follow the tempo. */
static mg_status add_time(picture *p)
{
    mg_clock *clock = mg_clock_new(p->l->score);
    if (!clock) return MG_NO_MEMORY;
    double from = mg_clock_seconds(clock, p->l->first_tick), to = mg_clock_seconds(clock, p->l->last_tick);
    static const double steps[] = {0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400};
    double step = 14400, last_x = 0;
    for (size_t i = sizeof steps / sizeof *steps; i-- > 0 && (to - from) / steps[i] <= 16;) step = steps[i];
    svg_line(p->out, "axis", LEFT, p->drums_end + 8, WIDTH - RIGHT, p->drums_end + 8);
    for (double s = ceil(from / step - 1e-9) * step; s <= to + 1e-9; s += step) {
        double x = x_of(p, mg_clock_tick(clock, s));
        char text[32];
        if (x < last_x + 36 && last_x > 0) continue;
        if (step < 1) snprintf(text, sizeof text, "%d:%02d.%d", (int)s / 60, (int)s % 60, (int)lround(s * 10) % 10);
        else snprintf(text, sizeof text, "%d:%02d", (int)(s + 0.5) / 60, (int)(s + 0.5) % 60);
        svg_line(p->out, "axis", x, p->drums_end + 8, x, p->drums_end + 13);
        svg_text(p->out, "text", x, p->drums_end + 26, "middle", text);
        last_x = x;
    }
    mg_clock_free(clock);
    return MG_OK;
}

/* ---- notes ---- */

/* Where the last drawing of a colour on a pitch ended: what lies within a quarter of a pixel of it is not drawn
   again. */
typedef struct { double end[PLOT_COLOURS][128]; } covered;

static bool is_hidden(covered *c, int colour, int pitch, double x, double width)
{
    double *end = &c->end[colour][pitch];
    if (x + width <= *end + 0.25) return true;
    *end = x + width;
    return false;
}

static void add_note(picture *p, const layout_note *n, covered *c)
{
    const mg_note *note = n->note;
    double right = WIDTH - RIGHT, x = fmax(x_of(p, note->start), LEFT), end = fmin(x_of(p, note->end), right);
    double width = fmax(end - x - 0.6, 1.2);
    int colour = n->part % PLOT_COLOURS;
    if (is_hidden(c, colour, note->pitch, x, width)) return;
    mg_buffer_print(p->out, "<rect class=\"f%d\" fill-opacity=\".%d\" x=\"", colour, 45 + note->velocity * 50 / 127);
    svg_number(p->out, x);
    mg_buffer_add_text(p->out, "\" y=\"");
    svg_number(p->out, y_of(p, note->pitch) + 0.4);
    mg_buffer_add_text(p->out, "\" width=\"");
    svg_number(p->out, width);
    mg_buffer_add_text(p->out, "\" height=\"");
    svg_number(p->out, p->row - 0.8);
    mg_buffer_add_text(p->out, width > 5 ? "\" rx=\"1.5\"/>\n" : "\"/>\n");
}

static void add_hit(picture *p, const layout_note *n, covered *c)
{
    const mg_note *note = n->note;
    double x = x_of(p, note->start), radius = 1.6 + 2.6 * note->velocity / 127;
    int colour = n->part % PLOT_COLOURS;
    if (note->start < p->l->first_tick || is_hidden(c, colour, note->pitch, x, 1)) return;
    mg_buffer_print(p->out, "<circle class=\"f%d\" cx=\"", colour);
    svg_number(p->out, x + radius);
    mg_buffer_add_text(p->out, "\" cy=\"");
    svg_number(p->out, p->drums_top + (p->drum_row[note->pitch] + 0.5) * DRUM);
    mg_buffer_add_text(p->out, "\" r=\"");
    svg_number(p->out, radius);
    mg_buffer_add_text(p->out, "\"/>\n");
}

static mg_status add_notes(picture *p)
{
    covered *c = mg_alloc_zero(1, sizeof *c);
    if (!c) return MG_NO_MEMORY;
    for (size_t i = 0; i < p->l->n_notes; i++)
        if (p->l->notes[i].note->channel == MG_DRUM_CHANNEL) add_hit(p, &p->l->notes[i], c);
        else add_note(p, &p->l->notes[i], c);
    mg_free(c);
    return MG_OK;
}

/* ---- words ---- */

/* The parts by colour, from the left; a letter takes about 6.6. Those that find no room are counted. */
static void add_legend(picture *p)
{
    const size_t n = p->l->n_parts;
    const double y = TITLE + LEGEND, more = 64;
    double x = LEFT;
    for (size_t i = 0; n > 1 && i < n; i++) {
        const char *name = p->l->parts[i].name;
        double width = mg_text_columns(name, strlen(name)) * 6.6 + 26;
        char class[8], rest[32];
        if (i == PLOT_COLOURS || x + width + (i + 1 < n ? more : 0) > WIDTH - RIGHT) {
            snprintf(rest, sizeof rest, "+%zu more", n - i);
            svg_text(p->out, "text", x, y, "start", rest);
            break;
        }
        snprintf(class, sizeof class, "f%d", (int)i);
        svg_rect(p->out, class, x, y - 9, 9, 9, 2);
        svg_text(p->out, "text", x + 13, y, "start", name);
        x += width;
    }
}

static void add_words(picture *p, const char *title)
{
    if (title) svg_text(p->out, "title", LEFT, TITLE, "start", title);
    add_legend(p);
    for (int pitch = 0; pitch < 128; pitch++) {
        char label[8];
        if (!p->l->has_drum[pitch]) continue;
        svg_text(p->out, "text drum", LEFT - 8, p->drums_top + (p->drum_row[pitch] + 0.5) * DRUM + 3.2, "end",
                 layout_drum_label(pitch, label));
    }
}

mg_status mg_plot_roll_svg(mg_buffer *out, const mg_score *score, const mg_roll_view *view)
{
    layout l;
    MG_TRY(layout_make(&l, score, view));
    picture p = {.out = out, .l = &l};
    measure(&p);
    svg_begin(out, WIDTH, p.drums_end + BOTTOM, view->title);
    add_keys(&p);
    add_bars(&p);
    mg_status status = add_notes(&p);
    add_words(&p, view->title);
    if (!status) status = add_time(&p);
    svg_end(out);
    layout_free(&l);
    return status ? status : out->failed ? MG_NO_MEMORY : MG_OK;
}
