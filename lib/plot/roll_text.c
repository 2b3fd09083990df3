/* SPDX-License-Identifier: MIT */
/* A piano-roll in the terminal. The picture is a grid of pixels, two by two in a character (quadrant blocks); in ASCII
   a pixel is a character. */
#include "plot/draw.h"
#include "plot/layout.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LABEL = 6, SEMITONES = 128 };

/* A pixel: 0 empty, else part + 1, cut to 7 bits, and whether a note begins here. */
enum { ONSET = 0x80, PART = 0x7f };

typedef struct {
    mg_buffer *out;
    const mg_plot_style *style;
    const layout *l;
    int across;          /* pixels in a column: 2 with blocks, 1 in ASCII */
    double px_per_tick;
    int width;           /* columns of the picture, labels aside */
    int stride;          /* pixels of a row */
    uint8_t *pixels;     /* [SEMITONES][stride] */
    uint8_t *drums;      /* [SEMITONES][width]: the loudest hit */
    bool *is_bar;        /* [width]: a bar begins */
    int64_t start, end;  /* ticks of the system being drawn */
    int used;            /* its columns */
} roll;

static int pixel_of(const roll *r, int64_t tick) { return (int)lround((double)(tick - r->start) * r->px_per_tick); }

/* ---- scale ---- */

/* Eight pixels a quarter (four in ASCII), halved until the longest bar of the view fits in a line. */
static double find_scale(const layout *l, int across, int width)
{
    double longest = layout_longest_bar(l);
    double quarter = l->score->ticks_per_quarter > 0 ? l->score->ticks_per_quarter : longest / 2;
    double scale = 4 * across / quarter;
    while (longest * scale > across * width) scale /= 2;
    return scale;
}

/* The bar behind the last one that fits in a line beginning with `bar`. */
static int64_t line_end(roll *r, int64_t bar)
{
    int64_t next = bar;
    r->start = layout_bar_tick(r->l, bar);
    do next++;
    while (next <= r->l->last_bar && pixel_of(r, layout_bar_tick(r->l, next + 1)) <= r->across * r->width);
    r->end = layout_bar_tick(r->l, next);
    r->used = (pixel_of(r, r->end) + r->across - 1) / r->across;
    if (r->used > r->width) r->used = r->width;
    return next;
}

/* ---- pixels ---- */

static void paint_note(roll *r, const mg_note *note, int part)
{
    uint8_t *row = r->pixels + (size_t)note->pitch * (size_t)r->stride;
    int last = r->used * r->across, from = pixel_of(r, note->start > r->start ? note->start : r->start);
    int to = pixel_of(r, note->end < r->end ? note->end : r->end);
    bool begins = note->start >= r->start;
    if (to <= from) to = from + 1;
    for (int x = from; x < to && x < last; x++) row[x] = (uint8_t)(part % PART + 1);
    if (begins && from < last) {
        row[from] |= ONSET;
        if (from > 0 && row[from - 1] && !(row[from - 1] & ONSET)) row[from - 1] = 0; /* a gap between repeated notes */
    }
}

static void paint_hit(roll *r, const mg_note *note)
{
    int x = pixel_of(r, note->start) / r->across;
    if (note->start < r->start || x >= r->used) return;
    uint8_t *at = &r->drums[(size_t)note->pitch * (size_t)r->width + (size_t)x];
    if (note->velocity > *at) *at = note->velocity;
}

static void paint(roll *r)
{
    memset(r->pixels, 0, (size_t)SEMITONES * (size_t)r->stride);
    memset(r->drums, 0, (size_t)SEMITONES * (size_t)r->width);
    for (size_t i = 0; i < r->l->n_notes; i++) {
        const layout_note *n = &r->l->notes[i];
        if (n->note->start >= r->end) break;
        if (n->note->channel == MG_DRUM_CHANNEL) paint_hit(r, n->note);
        else if (n->note->end > r->start || n->note->start >= r->start) paint_note(r, n->note, n->part);
    }
}

/* ---- lines ---- */

static void add_numbers(roll *r, int64_t bar, int64_t next)
{
    memset(r->is_bar, 0, (size_t)r->width);
    plot_colour(r->out, PLOT_FAINT, r->style);
    plot_spaces(r->out, LABEL);
    for (int at = 0; bar < next; bar++) {
        int column = pixel_of(r, layout_bar_tick(r->l, bar)) / r->across;
        if (column >= r->used) break;
        r->is_bar[column] = true;
        if (column < at || column + 8 > r->width + LABEL) continue;
        char number[24];
        int n = snprintf(number, sizeof number, "%lld ", (long long)bar);
        plot_spaces(r->out, column - at);
        mg_buffer_add(r->out, number, (size_t)n);
        at = column + n;
    }
    plot_colour(r->out, PLOT_PLAIN, r->style);
    mg_buffer_add_char(r->out, '\n');
}

static void add_label(roll *r, const char *label)
{
    plot_colour(r->out, PLOT_FAINT, r->style);
    mg_buffer_print(r->out, "%*s ", LABEL - 1, label);
    plot_colour(r->out, PLOT_PLAIN, r->style);
}

static void add_empty(roll *r, int column, bool is_ruled)
{
    bool is_unicode = r->style->is_unicode;
    if (!r->is_bar[column] && !is_ruled) {
        mg_buffer_add_char(r->out, ' ');
        return;
    }
    plot_colour(r->out, PLOT_FAINT, r->style);
    if (r->is_bar[column]) mg_buffer_add_text(r->out, is_unicode ? "\xE2\x94\x8A" : "|"); /* U+250A */
    else mg_buffer_add_text(r->out, is_unicode ? "\xC2\xB7" : ".");
    plot_colour(r->out, PLOT_PLAIN, r->style);
}

/* Two semitones and two pixels across in one character. */
static void add_block(roll *r, const uint8_t *upper, const uint8_t *lower, int column, bool is_ruled)
{
    static const uint16_t quadrants[16] = {' ',    0x2598, 0x259d, 0x2580, 0x2596, 0x258c, 0x259e, 0x259b,
                                           0x2597, 0x259a, 0x2590, 0x259c, 0x2584, 0x2599, 0x259f, 0x2588};
    int x = 2 * column, above = (upper[x] | upper[x + 1]) & PART, below = (lower[x] | lower[x + 1]) & PART;
    if (upper[x]) above = upper[x] & PART; /* of two parts in a character the first is shown */
    if (lower[x]) below = lower[x] & PART;
    if (!above && !below) {
        add_empty(r, column, is_ruled);
        return;
    }
    int bits = (upper[x] > 0) | (upper[x + 1] > 0) << 1 | (lower[x] > 0) << 2 | (lower[x + 1] > 0) << 3;
    if (above && below && above != below && r->style->has_colour) {
        plot_colours(r->out, above - 1, below - 1, r->style);
        bits = 3;
    } else {
        plot_colour(r->out, (above ? above : below) - 1, r->style);
    }
    plot_character(r->out, quadrants[bits]);
    plot_colour(r->out, PLOT_PLAIN, r->style);
}

static void add_ascii(roll *r, const uint8_t *row, int column, bool is_ruled)
{
    if (!row[column]) {
        add_empty(r, column, is_ruled);
        return;
    }
    plot_colour(r->out, (row[column] & PART) - 1, r->style);
    mg_buffer_add_char(r->out, row[column] & ONSET ? '#' : '=');
    plot_colour(r->out, PLOT_PLAIN, r->style);
}

/* The label of a line: C of every octave, the highest and the lowest note. */
static void name_line(const layout *l, int low, int high, char label[8])
{
    int octave = high / 12 * 12;
    label[0] = '\0';
    if (octave >= low) mg_pitch_name(octave, label);
    if (l->high >= low && l->high <= high) mg_pitch_name(l->high, label);
    if (l->low >= low && l->low <= high) mg_pitch_name(l->low, label);
}

static void add_pitches(roll *r)
{
    int step = r->style->is_unicode ? 2 : 1; /* semitones a line */
    if (r->l->high < 0) return;
    for (int low = r->l->high / step * step; low + step > r->l->low; low -= step) {
        const uint8_t *lower = r->pixels + (size_t)low * (size_t)r->stride;
        char label[8];
        name_line(r->l, low, low + step - 1, label);
        bool is_ruled = low % 12 == 0;
        add_label(r, label);
        for (int c = 0; c < r->used; c++)
            if (step == 2) add_block(r, lower + r->stride, lower, c, is_ruled && c % 4 == 0);
            else add_ascii(r, lower, c, is_ruled && c % 4 == 0);
        mg_buffer_add_char(r->out, '\n');
    }
}

static void add_drums(roll *r)
{
    static const char *const dots[] = {"\xC2\xB7", "\xE2\x80\xA2", "\xE2\x97\x8F"}; /* U+00B7, U+2022, U+25CF */
    static const char *const letters[] = {".", "x", "X"};
    int drum_part = 0;
    for (size_t i = 0; i < r->l->n_parts; i++)
        if (r->l->parts[i].channel == MG_DRUM_CHANNEL) drum_part = (int)i;
    for (int pitch = SEMITONES - 1; pitch >= 0; pitch--) {
        char label[8];
        if (!r->l->has_drum[pitch]) continue;
        add_label(r, layout_drum_label(pitch, label));
        for (int c = 0; c < r->used; c++) {
            int velocity = r->drums[(size_t)pitch * (size_t)r->width + (size_t)c];
            int level = velocity < 50 ? 0 : velocity < 100 ? 1 : 2;
            if (!velocity) {
                add_empty(r, c, false);
                continue;
            }
            plot_colour(r->out, drum_part, r->style);
            mg_buffer_add_text(r->out, (r->style->is_unicode ? dots : letters)[level]);
            plot_colour(r->out, PLOT_PLAIN, r->style);
        }
        mg_buffer_add_char(r->out, '\n');
    }
}

/* What the colours mean, as many parts as fit in a line. */
static void add_legend(roll *r)
{
    int left = r->width;
    if (!r->style->has_colour || r->l->n_parts < 2) return;
    plot_spaces(r->out, LABEL);
    for (size_t i = 0; i < r->l->n_parts && i < PLOT_COLOURS; i++) {
        const char *name = r->l->parts[i].name;
        int n = mg_text_columns(name, strlen(name)) + 4;
        if (n > left) break;
        plot_colour(r->out, (int)i, r->style);
        mg_buffer_add_text(r->out, r->style->is_unicode ? "\xE2\x96\xA0 " : "# "); /* U+25A0 */
        plot_colour(r->out, PLOT_PLAIN, r->style);
        mg_text_add_shown(r->out, name, n, r->style->is_unicode);
        plot_spaces(r->out, 2);
        left -= n;
    }
    mg_buffer_add_char(r->out, '\n');
}

mg_status mg_plot_roll_text(mg_buffer *out, const mg_score *score, const mg_roll_view *view,
                            const mg_plot_style *style)
{
    layout l;
    MG_TRY(layout_make(&l, score, view));
    roll r = {.out = out, .style = style, .l = &l, .across = style->is_unicode ? 2 : 1,
              .width = (style->width > 20 ? style->width : 20) - LABEL - 1};
    r.stride = r.across * r.width + 1;
    r.px_per_tick = find_scale(&l, r.across, r.width);
    r.pixels = mg_alloc(SEMITONES, (size_t)r.stride);
    r.drums = mg_alloc(SEMITONES, (size_t)r.width);
    r.is_bar = mg_alloc((size_t)r.width, sizeof *r.is_bar);
    bool has_memory = r.pixels && r.drums && r.is_bar;
    if (has_memory && view->title) {
        mg_text_add_shown(out, view->title, style->width, style->is_unicode);
        mg_buffer_add_char(out, '\n');
    }
    for (int64_t bar = l.first_bar; has_memory && bar <= l.last_bar;) {
        int64_t next = line_end(&r, bar);
        paint(&r);
        add_numbers(&r, bar, next);
        add_pitches(&r);
        add_drums(&r);
        bar = next;
        if (bar <= l.last_bar) mg_buffer_add_char(out, '\n');
    }
    if (has_memory) add_legend(&r);
    mg_free(r.pixels);
    mg_free(r.drums);
    mg_free(r.is_bar);
    layout_free(&l);
    return has_memory && !out->failed ? MG_OK : MG_NO_MEMORY;
}
