/* SPDX-License-Identifier: MIT */
/* Pictures: what stands where, how wide they are, and that nothing in a score or a name can break them. */
#include "tests/unit/tap.h"

#include <mgen/plot.h>
#include <mgen/text.h>

static const mg_plot_style ascii = {.width = 72}, blocks = {.width = 72, .is_unicode = true},
                           colours = {.width = 72, .is_unicode = true, .has_colour = true};

/* A score with one track and these notes, 480 ticks a quarter. */
static mg_score *score_of(const mg_note *notes, size_t n)
{
    mg_score *score = mg_score_new();
    REQUIRE(score && (score->notes = mg_alloc(n, sizeof *notes)) &&
            (score->tracks = mg_alloc_zero(1, sizeof(mg_track))));
    if (n) memcpy(score->notes, notes, n * sizeof *notes);
    score->n_notes = n;
    score->n_tracks = 1;
    score->tracks[0] = (mg_track){.name = "", .n_notes = n};
    score->ticks_per_quarter = 480;
    return score;
}

/* Line `n` of the text, from 0, cut to its end. */
static const char *line_of(const mg_buffer *text, int n)
{
    static char line[4096];
    const char *at = text->data;
    for (; n > 0 && at; n--) at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL;
    snprintf(line, sizeof line, "%.*s", at ? (int)strcspn(at, "\n") : 0, at ? at : "");
    return line;
}

/* The widest line, escape sequences aside. */
static int widest(const mg_buffer *text)
{
    int most = 0;
    for (const char *at = text->data, *end = at + text->length; at < end;) {
        mg_buffer line = {0};
        for (; *at != '\n'; at++)
            if (*at == '\033') at = strchr(at, 'm');
            else mg_buffer_add_char(&line, *at);
        int columns = line.length ? mg_text_columns(line.data, line.length) : 0;
        if (columns > most) most = columns;
        mg_buffer_free(&line);
        at++;
    }
    return most;
}

static size_t times(const mg_buffer *text, const char *word)
{
    size_t n = 0;
    for (const char *at = text->data; (at = strstr(at, word)); at++) n++;
    return n;
}

static void notes_stand_in_place(void)
{
    const mg_note notes[] = {{.start = 480, .end = 960, .pitch = 60, .velocity = 80},
                             {.start = 1920, .end = 2400, .pitch = 62, .velocity = 80}};
    mg_score *score = score_of(notes, 2);
    mg_buffer text = {0};
    CHECK_INT(mg_plot_roll_text(&text, score, &(mg_roll_view){0}, &ascii), MG_OK);
    CHECK_TEXT(line_of(&text, 0), "      1               2 ");
    CHECK_TEXT(line_of(&text, 1), "   D4 |               #===            ");
    CHECK_TEXT(line_of(&text, 2), "      |               |               ");
    CHECK_TEXT(line_of(&text, 3), "   C4 |   #===.   .   |   .   .   .   ");
    CHECK_INT(mg_score_bars(score), 2);
    mg_buffer_clear(&text);
    CHECK_INT(mg_plot_roll_text(&text, score, &(mg_roll_view){.first_bar = 2, .last_bar = 2}, &ascii), MG_OK);
    CHECK_TEXT(line_of(&text, 0), "      2 ");
    CHECK_TEXT(line_of(&text, 1), "   D4 #===            ");
    mg_buffer_free(&text);
    mg_score_free(score);
}

static void repeats_are_apart(void)
{
    const mg_note notes[] = {{.start = 0, .end = 480, .pitch = 60, .velocity = 80},
                             {.start = 480, .end = 960, .pitch = 60, .velocity = 80}};
    mg_score *score = score_of(notes, 2);
    mg_buffer text = {0};
    CHECK_INT(mg_plot_roll_text(&text, score, &(mg_roll_view){0}, &blocks), MG_OK);
    CHECK_INT(times(&text, "\xE2\x96\x96"), 1); /* the last half column of the first note is left free: U+2596 */
    mg_buffer_free(&text);
    mg_score_free(score);
}

static mg_score *busy_score(size_t n)
{
    mg_note *notes = mg_alloc(n, sizeof *notes);
    REQUIRE(notes);
    for (size_t i = 0; i < n; i++) {
        int64_t start = (int64_t)(i * 37 % (n * 7));
        notes[i] = (mg_note){.start = start, .end = start + 200, .pitch = (uint8_t)(i * 31 % 128),
                             .velocity = (uint8_t)(1 + i % 127), .channel = i % 5 ? 0 : 9};
    }
    mg_score *score = score_of(notes, n);
    mg_free(notes);
    return score;
}

static void fits_its_width(void)
{
    mg_score *score = busy_score(500);
    const mg_plot_style *const styles[] = {&ascii, &blocks, &colours};
    for (int width = 20; width < 200; width += 33)
        for (int s = 0; s < 3; s++) {
            mg_plot_style style = *styles[s];
            mg_buffer text = {0};
            style.width = width;
            CHECK_INT(mg_plot_roll_text(&text, score, &(mg_roll_view){.title = "A title that is rather long"}, &style),
                      MG_OK);
            CHECK(widest(&text) <= width);
            CHECK((strchr(text.data, '\033') != NULL) == style.has_colour);
            bool has_high = false;
            for (size_t i = 0; i < text.length; i++) has_high |= (unsigned char)text.data[i] >= 0x80;
            CHECK(has_high == style.is_unicode);
            mg_buffer_free(&text);
        }
    mg_score_free(score);
}

static void survives_empty(void)
{
    mg_score *score = score_of(NULL, 0);
    mg_buffer text = {0}, svg = {0};
    CHECK_INT(mg_plot_roll_text(&text, score, &(mg_roll_view){0}, &blocks), MG_OK);
    CHECK_INT(mg_plot_roll_svg(&svg, score, &(mg_roll_view){0}), MG_OK);
    CHECK(strstr(svg.data, "</svg>") != NULL);
    mg_buffer_free(&text);
    mg_buffer_free(&svg);
    mg_score_free(score);
}

/* Each '<' opens a tag that is closed, and nothing else stands in the way of an XML reader. */
static bool is_well_formed(const mg_buffer *svg)
{
    int depth = 0;
    for (const char *at = svg->data; (at = strchr(at, '<')); at++) {
        const char *end = strchr(at, '>');
        if (!end) return false;
        if (at[1] == '/') depth--;
        else if (end[-1] != '/') depth++;
        if (memchr(at + 1, '<', (size_t)(end - at - 1))) return false;
    }
    return depth == 0 && !strstr(svg->data, "nan") && !strstr(svg->data, "inf") &&
           mg_utf8_is_valid(svg->data, svg->length);
}

static void svg_shows_every_note(void)
{
    mg_note notes[12];
    for (int i = 0; i < 12; i++)
        notes[i] = (mg_note){.start = 240 * i, .end = 240 * i + 240, .pitch = (uint8_t)(60 + i), .velocity = 90};
    mg_score *score = score_of(notes, 12);
    mg_buffer svg = {0};
    CHECK_INT(mg_plot_roll_svg(&svg, score, &(mg_roll_view){.title = "<b>\"Tom\" & \033[31mJerry\xff"}), MG_OK);
    CHECK_INT(times(&svg, "fill-opacity"), 12);
    CHECK(is_well_formed(&svg));
    CHECK(strstr(svg.data, "&lt;b&gt;&quot;Tom&quot; &amp; ") != NULL);
    CHECK(!strchr(svg.data, '\033'));
    mg_buffer_free(&svg);
    mg_score_free(score);
}

static void svg_is_bounded(void)
{
    mg_buffer small = {0}, large = {0};
    mg_score *score = busy_score(200000);
    CHECK_INT(mg_plot_roll_svg(&large, score, &(mg_roll_view){0}), MG_OK);
    CHECK(large.length < 30u << 20);
    mg_score_free(score);
    mg_note note = {.start = 0, .end = 480, .pitch = 60, .velocity = 90}, same[1000];
    for (int i = 0; i < 1000; i++) same[i] = note;
    score = score_of(same, 1000);
    CHECK_INT(mg_plot_roll_svg(&small, score, &(mg_roll_view){0}), MG_OK);
    CHECK_INT(times(&small, "fill-opacity"), 1);
    mg_score_free(score);
    mg_buffer_free(&small);
    mg_buffer_free(&large);
}

static void curve_falls(void)
{
    double x[50], y[50];
    for (int i = 0; i < 50; i++) x[i] = i, y[i] = 100 - 2 * i;
    mg_series series = {"loss", x, y, 50};
    mg_buffer text = {0};
    CHECK_INT(mg_plot_lines_text(&text, &(mg_chart){.title = "falling"}, &series, 1, 10, &ascii), MG_OK);
    CHECK(widest(&text) <= 72);
    int last = -1;
    for (int row = 1; row <= 10; row++) {
        const char *line = line_of(&text, row), *star = strchr(line, '*');
        REQUIRE(star != NULL);
        CHECK((int)(star - line) > last);
        last = (int)(star - line);
    }
    mg_buffer_free(&text);
}

static void curve_survives_anything(void)
{
    double x[] = {0, 1, 2, 3}, gap[] = {1, NAN, INFINITY, 2}, flat[] = {5, 5, 5, 5}, none[] = {NAN, NAN, NAN, NAN};
    double huge[] = {-1e300, 1e300, 1e-300, 0};
    const double *const ys[] = {gap, flat, none, huge};
    for (int i = 0; i < 4; i++) {
        mg_series series = {"y", x, ys[i], 4};
        mg_buffer text = {0}, svg = {0};
        CHECK_INT(mg_plot_lines_text(&text, &(mg_chart){0}, &series, 1, 8, &blocks), MG_OK);
        CHECK_INT(mg_plot_lines_svg(&svg, &(mg_chart){0}, &series, 1), MG_OK);
        CHECK(is_well_formed(&svg));
        CHECK(!strstr(text.data, "nan"));
        mg_buffer_free(&text);
        mg_buffer_free(&svg);
    }
    mg_buffer text = {0};
    CHECK_INT(mg_plot_lines_text(&text, &(mg_chart){0}, NULL, 0, 8, &ascii), MG_OK);
    mg_buffer_free(&text);
}

static void gap_lifts_the_pen(void)
{
    double x[] = {0, 1, 2, 3, 4}, y[] = {1, 2, NAN, 2, 1};
    mg_series series = {"y", x, y, 5};
    mg_buffer svg = {0};
    CHECK_INT(mg_plot_lines_svg(&svg, &(mg_chart){0}, &series, 1), MG_OK);
    const char *path = strstr(svg.data, " d=\"");
    REQUIRE(path != NULL);
    int moves = 0;
    for (path += 4; *path != '"'; path++) moves += *path == 'M';
    CHECK_INT(moves, 2);
    mg_buffer_free(&svg);
}

static void bars_measure(void)
{
    mg_buffer text = {0};
    mg_plot_bar(&text, 5, 10, 8, &ascii);
    CHECK_TEXT(text.data, "####    ");
    mg_buffer_clear(&text);
    mg_plot_bar(&text, 1e-9, 10, 4, &ascii); /* little is not nothing */
    CHECK_TEXT(text.data, "#   ");
    mg_buffer_clear(&text);
    mg_plot_bar(&text, 0, 0, 4, &blocks);
    CHECK_TEXT(text.data, "    ");
    mg_buffer_clear(&text);
    double values[] = {0, 4, 8, NAN};
    mg_plot_spark(&text, values, 4, 10, &blocks);
    CHECK_TEXT(text.data, " \xE2\x96\x84\xE2\x96\x88 ");
    mg_buffer_clear(&text);
    double many[100];
    for (int i = 0; i < 100; i++) many[i] = i;
    mg_plot_spark(&text, many, 100, 20, &blocks);
    CHECK_INT(mg_text_columns(text.data, text.length), 20);
    mg_buffer_free(&text);
}

static void text_is_cut_and_tamed(void)
{
    static const struct { const char *text; int columns; bool is_unicode; const char *shown; } cases[] = {
        {"abc", 3, true, "abc"},
        {"abcdef", 4, true, "abc\xE2\x80\xA6"},
        {"abcdef", 4, false, "ab.."},
        {"\xE6\x97\xA5\xE6\x9C\xAC", 4, true, "\xE6\x97\xA5\xE6\x9C\xAC"}, /* two wide characters: four columns */
        {"\xE6\x97\xA5\xE6\x9C\xAC", 3, true, "\xE6\x97\xA5\xE2\x80\xA6"},
        {"e\xCC\x81", 1, true, "e\xCC\x81"},                              /* e and a combining accent: one */
        {"\033[2J", 9, true, "\xEF\xBF\xBD[2J"},
        {"\xC2\x9B" "A", 9, true, "\xEF\xBF\xBD" "A"},                    /* C1 control */
        {"\xE2\x80\xAE" "x", 9, true, "\xEF\xBF\xBDx"},                   /* right-to-left override */
        {"\xff", 9, true, "\xEF\xBF\xBD"},
        {"caf\xC3\xA9\n", 9, false, "caf??"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mg_buffer out = {0};
        mg_text_add_shown(&out, cases[i].text, cases[i].columns, cases[i].is_unicode);
        CHECK_TEXT(out.data, cases[i].shown);
        mg_buffer_free(&out);
    }
}

static mg_status draw_all(const mg_score *score)
{
    double x[] = {0, 1}, y[] = {1, 2};
    mg_series series = {"y", x, y, 2};
    mg_buffer out = {0};
    mg_status status = mg_plot_roll_text(&out, score, &(mg_roll_view){0}, &colours);
    if (!status) status = mg_plot_roll_svg(&out, score, &(mg_roll_view){.title = "t"});
    if (!status) status = mg_plot_lines_text(&out, &(mg_chart){.title = "t"}, &series, 1, 8, &blocks);
    if (!status) status = mg_plot_lines_svg(&out, &(mg_chart){.title = "t"}, &series, 1);
    mg_buffer_free(&out);
    return status;
}

static void answers_no_memory(void)
{
    mg_score *score = busy_score(20);
    CHECK_FAILING_ALLOCATIONS(draw_all(score));
    mg_score_free(score);
}

int main(void)
{
    TEST("notes stand at their pitch and time, bars are counted and chosen", notes_stand_in_place);
    TEST("repeated notes can be told apart", repeats_are_apart);
    TEST("a piano-roll fits its width and uses only what the terminal can show", fits_its_width);
    TEST("a score without notes gives a picture", survives_empty);
    TEST("an SVG shows every note and escapes its title", svg_shows_every_note);
    TEST("an SVG of very many notes stays small", svg_is_bounded);
    TEST("a falling curve falls", curve_falls);
    TEST("a curve survives gaps, constants, nothing and huge numbers", curve_survives_anything);
    TEST("a gap in a curve lifts the pen", gap_lifts_the_pen);
    TEST("bars are as long as their values", bars_measure);
    TEST("text is cut by columns and cannot steer the terminal", text_is_cut_and_tamed);
    TEST("every failing allocation is answered", answers_no_memory);
    return tap_end();
}
