/* SPDX-License-Identifier: MIT */
/* ABC files to tunes (abc standard 2.1, section 2). Blank lines part a file into blocks: a file header, tunes, and text
   that is passed over. A tune is read line by line: fields to abc_tune.c, music to abc_music.c. */
#include <mgen/midi.h>
#include <mgen/text.h>
#include "midi/abc.h"

#include <string.h>

enum { SEARCH = 1 << 16 };

/* ---- lines ---- */

typedef struct {
    const char *at, *end; /* behind the line that was read last, end of the file */
    uint32_t line;        /* its number, from 1 */
} source;

/* The next line without its end (\n, \r\n or \r) and without spaces behind it. */
static bool next_line(source *s, abc_span *line)
{
    if (s->at == s->end) return false;
    const char *start = s->at, *end = start;
    while (end < s->end && *end != '\n' && *end != '\r') end++;
    s->at = end + (end < s->end);
    if (end < s->end && *end == '\r' && s->at < s->end && *s->at == '\n') s->at++;
    s->line++;
    while (end > start && abc_is_one_of(end[-1], " \t")) end--;
    *line = (abc_span){start, (size_t)(end - start)};
    return true;
}

static bool starts(abc_span line, const char *text)
{
    size_t n = strlen(text);
    return line.length >= n && memcmp(line.at, text, n) == 0;
}

static bool is_field(abc_span line) { return line.length >= 2 && abc_is_letter(line.at[0]) && line.at[1] == ':'; }

static bool is_comment(abc_span line)
{
    line = abc_trim(line);
    return line.length > 0 && line.at[0] == '%';
}

/* In the music a note may stand before a repeat sign: "A:|", "c::d". */
static bool is_body_field(abc_span line)
{
    if (!is_field(line)) return false;
    bool is_note = abc_is_one_of(line.at[0], "ABCDEFGabcdefgxyzXZ");
    return !is_note || line.length == 2 || !abc_is_one_of(line.at[2], "|:]");
}

/* A line that can be nothing but music: bar lines, and no letters but those of notes and rests. */
static bool is_music(abc_span line)
{
    bool has_bar = false, is_quoted = false;
    for (size_t i = 0; i < line.length; i++) {
        char c = line.at[i];
        if (c == '%' && !is_quoted) break;
        if (c == '"' || c == '!') is_quoted = !is_quoted;
        if (is_quoted || c == '"' || c == '!') continue;
        if (!abc_is_one_of(c, "ABCDEFGabcdefgxyzXZHLMOPSTuv \t0123456789^_=,'/|:[](){}<>-.~&*`\\$")) return false;
        has_bar |= c == '|';
    }
    return has_bar;
}

/* Without its comment; a percent sign behind a backslash is text. */
static abc_span without_comment(abc_span line)
{
    for (const char *at = line.at; (at = memchr(at, '%', line.length - (size_t)(at - line.at))); at++)
        if (at == line.at || at[-1] != '\\') {
            line.length = (size_t)(at - line.at);
            break;
        }
    while (line.length > 0 && abc_is_one_of(line.at[line.length - 1], " \t")) line.length--;
    return line;
}

/* "%%begintext" ... "%%endtext" holds what is none of our business: `until` is the line that ends it, "" outside. True
   for the lines of such a block. */
static bool is_skipped(char until[32], abc_span line)
{
    if (until[0]) {
        if (starts(line, until)) until[0] = '\0';
        return true;
    }
    abc_span name = {line.at + 7, 0};
    if (!starts(line, "%%begin") || line.length == 7) return false;
    while (7 + name.length < line.length && abc_is_letter(name.at[name.length]) && name.length < 20) name.length++;
    memcpy(until, "%%end", 5);
    memcpy(until + 5, name.at, name.length);
    until[5 + name.length] = '\0';
    return true;
}

/* ---- blocks ---- */

/* Lines without a blank one between them; a line "X:" begins a new block. */
typedef struct {
    source begin, end;          /* before its first line; behind its last */
    bool is_empty, has_number, has_key;
    bool is_field, goes_on;     /* its first line that is no comment: a field; music, or a field that only music has */
} block;

static block next_block(source from)
{
    block b = {.begin = from, .end = from, .is_empty = true};
    abc_span line;
    bool has_first = false;
    char skipped[32] = "";
    for (source s = from; next_line(&s, &line); b.end = s) {
        if (line.length == 0) {
            if (!b.is_empty) break;
            b.begin = s;
            continue;
        }
        if (is_skipped(skipped, line)) {
            b.is_empty = false;
            continue;
        }
        bool is_number = starts(line, "X:") && is_body_field(line);
        if (is_number && !b.is_empty) break;
        b.is_empty = false;
        b.has_number |= is_number;
        b.has_key |= starts(line, "K:");
        if (has_first || is_comment(line)) continue;
        has_first = true;
        b.is_field = is_field(line);
        b.goes_on = is_music(line) || starts(line, "w:") || starts(line, "P:") || starts(line, "V:") ||
                    starts(line, "[V:");
    }
    return b;
}

/* ---- one tune ---- */

/* A field may go on over lines ("+:", or a backslash at its end), so it waits for the next line that is none of its. */
typedef struct {
    abc_tune *tune;
    abc_span field;
    char letter;       /* 0: none waits */
    bool is_open;      /* it ended in a backslash */
    uint32_t line;     /* where it began */
    mg_buffer joined;  /* its text, when it has more than one line */
    char skipped[32];  /* as is_skipped has it */
} reader;

static void end_field(reader *r)
{
    abc_tune *t = r->tune;
    if (!r->letter) return;
    abc_span text = r->field;
    if (r->joined.length > 0) { /* kept as long as the score: headers point to it */
        text.at = mg_arena_strndup(&t->score->strings, r->joined.data, r->joined.length);
        text.length = r->joined.length;
    }
    uint32_t line = t->line;
    t->line = r->line;
    if (!text.at || r->joined.failed) abc_fail(t, MG_NO_MEMORY, "out of memory");
    else abc_field(t, r->letter, text);
    t->line = line;
    mg_buffer_clear(&r->joined);
    r->letter = 0;
    r->is_open = false;
}

/* Before 2.1 a backslash continued such lines. */
static bool is_text_field(char letter) { return !abc_is_one_of(letter, "IKLMPQUVX"); }

static void begin_field(reader *r, char letter, abc_span text)
{
    end_field(r);
    r->letter = letter;
    r->field = text;
    r->line = r->tune->line;
    r->is_open = is_text_field(letter) && text.length > 0 && text.at[text.length - 1] == '\\';
    r->field.length -= r->is_open;
}

static void continue_field(reader *r, abc_span text)
{
    if (r->joined.length == 0) mg_buffer_add(&r->joined, r->field.at, r->field.length);
    mg_buffer_add_char(&r->joined, ' ');
    r->is_open = is_text_field(r->letter) && text.length > 0 && text.at[text.length - 1] == '\\';
    mg_buffer_add(&r->joined, text.at, text.length - r->is_open);
}

static void read_tune_line(reader *r, abc_span line, bool has_key)
{
    abc_tune *t = r->tune;
    if (is_skipped(r->skipped, line)) return;
    if (starts(line, "%%")) {
        if (abc_is_one_of(r->letter, "KV")) end_field(r); /* what follows is said of that voice */
        return abc_directive(t, without_comment((abc_span){line.at + 2, line.length - 2}));
    }
    line = without_comment(line);
    if (line.length == 0) return;
    if (r->letter && starts(line, "+:")) return continue_field(r, abc_trim((abc_span){line.at + 2, line.length - 2}));
    bool is_own = is_field(line) && line.at[0] == r->letter;
    if (r->letter && r->is_open && (is_own || !is_field(line)))
        return continue_field(r, abc_trim((abc_span){line.at + 2 * is_own, line.length - 2 * is_own}));
    bool is_body = t->is_body || r->letter == 'K';
    if (is_body ? is_body_field(line) : is_field(line))
        return begin_field(r, line.at[0], (abc_span){line.at + 2, line.length - 2});
    char before = r->letter;
    end_field(r);
    if (!t->is_body && has_key) { /* H: took several lines once */
        if (before != 'H' && before != 'N') abc_repair(t, t->line, MG_REPAIR_ABC_TEXT, 1);
        else r->letter = before, r->field = (abc_span){"", 0};
        return;
    }
    if (!t->is_body) {
        abc_repair(t, t->line, MG_REPAIR_ABC_NO_KEY, 1);
        abc_begin_body(t);
    }
    abc_music(t, line.at, line.length);
}

/* The lines between `from` and `to`; blank ones may stand among them. */
static void read_tune_lines(reader *r, source from, const char *to, bool has_key)
{
    abc_span line;
    bool was_blank = false;
    while (from.at < to && !r->tune->status && next_line(&from, &line)) {
        r->tune->line = from.line;
        if (line.length == 0) {
            was_blank = true;
            continue;
        }
        if (was_blank) abc_repair(r->tune, from.line, MG_REPAIR_ABC_BLANK_LINE, 1);
        was_blank = false;
        read_tune_line(r, line, has_key);
    }
    end_field(r);
}

/* A whole tune: its score, or why there is none. */
static mg_status read_tune(const mg_read_options *options, const abc_header *header, const block *first, const char *to,
                           bool has_key, mg_score **score, mg_error *why)
{
    *score = NULL;
    abc_tune *tune = abc_tune_new(options, header, (size_t)(to - first->begin.at), why);
    if (!tune) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    reader r = {.tune = tune};
    tune->line = first->begin.line + 1;
    if (!first->has_number) abc_repair(tune, tune->line, MG_REPAIR_ABC_NO_NUMBER, 1);
    read_tune_lines(&r, first->begin, to, has_key);
    mg_buffer_free(&r.joined);
    if (!tune->is_body && !tune->status) {
        if (!has_key) abc_repair(tune, tune->line, MG_REPAIR_ABC_NO_KEY, 1);
        abc_begin_body(tune);
    }
    mg_status status = tune->status ? tune->status : abc_play(tune);
    if (!status) {
        *score = tune->score;
        tune->score = NULL;
    }
    abc_tune_free(tune);
    return status;
}

/* ---- the file ---- */

/* Defaults for all tunes; a field of it has one line. */
static void read_file_header(abc_header *header, const block *b)
{
    source s = b->begin;
    abc_span line;
    while (s.at < b->end.at && next_line(&s, &line)) {
        if (starts(line, "%%")) abc_header_directive(header, without_comment((abc_span){line.at + 2, line.length - 2}));
        line = without_comment(line);
        if (!is_field(line)) continue;
        abc_span text = {line.at + 2, line.length - 2};
        if (line.at[0] == 'I') abc_header_directive(header, text);
        else abc_header_field(header, line.at[0], text);
    }
}

/* Where the tune that begins with `b` ends: it takes the blocks that belong to it although a blank line parts them. */
static source tune_end(const block *b, bool *has_key)
{
    source end = b->end;
    *has_key = b->has_key;
    for (;;) {
        block next = next_block(end);
        if (next.is_empty || next.has_number) return end;
        bool is_header = !*has_key && next.is_field && next.has_key;
        if (!is_header && !(*has_key && next.goes_on)) return end;
        *has_key |= next.has_key;
        end = next.end;
    }
}

static mg_status read_file(source s, const mg_read_options *options, mg_score_fn visit, void *user, mg_error *why)
{
    abc_header header;
    abc_header_begin(&header);
    int number = 0;
    for (block b = next_block(s); !b.is_empty; b = next_block(s)) {
        s = b.end;
        if (!b.has_number && !(b.has_key && b.is_field)) {
            if (number == 0) read_file_header(&header, &b);
            continue;
        }
        bool has_key;
        s = tune_end(&b, &has_key);
        mg_score *score;
        mg_error trouble = {0};
        mg_status status = read_tune(options, &header, &b, s.at, has_key, &score, &trouble);
        if (status == MG_NO_MEMORY) return mg_fail(why, status, "out of memory");
        MG_TRY(visit(user, ++number, score, score ? NULL : &trouble));
    }
    return number ? MG_OK : mg_fail(why, MG_BAD_DATA, "no tune: neither X: nor K: begins a line");
}

mg_status mg_abc_read(const void *bytes, size_t size, const mg_read_options *options, mg_score_fn visit, void *user,
                      mg_error *why)
{
    if (size > (uint64_t)options->max_bytes)
        return mg_fail(why, MG_TOO_LARGE, "larger than the limit of %lld bytes", (long long)options->max_bytes);
    source s = {.at = bytes, .end = (const char *)bytes + size};
    if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) s.at += 3;
    return read_file(s, options, visit, user, why);
}

bool mg_abc_is(const void *bytes, size_t size)
{
    if (size == 0) return false;
    source s = {.at = bytes, .end = (const char *)bytes + (size < SEARCH ? size : SEARCH)};
    if (memchr(bytes, '\0', (size_t)(s.end - s.at))) return false;
    if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) s.at += 3;
    abc_span line;
    while (next_line(&s, &line))
        if (starts(line, "X:") || starts(line, "K:")) return true;
    return false;
}
