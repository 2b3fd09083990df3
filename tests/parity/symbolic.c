/* SPDX-License-Identifier: MIT */
/* The area of symbolic music: fixtures as JSON lines, one line a file of music. */
#include "tests/parity/symbolic.h"
#include "tests/parity/sha256.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- verdicts ---- */

verdict verdict_of(parity *p, const char *fixture, const char *path, const char *part)
{
    return (verdict){.p = p, .fixture = fixture, .path = path, .part = part, .result = {.passed = true}};
}

void verdict_number(verdict *v, const char *name, double got, double want)
{
    parity_compare(&v->result, v->worst, name, &got, &want, 1, 1e-9, 1e-12);
}

void verdict_numbers(verdict *v, const char *name, const double *got, const mg_json *want)
{
    for (size_t i = 0; i < mg_json_count(want); i++) {
        char item[64];
        double number = NAN;
        mg_json_real(mg_json_at(want, i), &number);
        snprintf(item, sizeof item, "%s[%zu]", name, i);
        verdict_number(v, item, got[i], number);
    }
}

void verdict_fail(verdict *v, const char *name)
{
    if (v->result.passed || !v->result.worst) snprintf(v->worst, sizeof v->worst, "%s", name);
    v->result.worst = v->worst;
    v->result.passed = false;
    v->result.max_abs = v->result.max_rel = INFINITY;
}

void verdict_int(verdict *v, const char *name, int64_t got, const mg_json *want)
{
    int64_t number;
    char text[100];
    if (mg_json_int(want, &number) && number == got) return;
    snprintf(text, sizeof text, "%s is %lld", name, (long long)got);
    verdict_fail(v, text);
}

void verdict_text(verdict *v, const char *name, const char *got, const mg_json *want)
{
    const char *text = mg_json_string(want);
    if (!text || strcmp(text, got)) verdict_fail(v, name);
}

void verdict_digest(verdict *v, const char *name, const mg_buffer *text, const mg_json *want)
{
    char hex[65];
    sha256_hex(text->data ? text->data : "", text->length, hex);
    if (text->failed) exit(3);
    verdict_text(v, name, hex, want);
}

static void name_check(char name[4300], const char *path, const char *part)
{
    snprintf(name, 4300, "%s: %s", path, part);
}

void verdict_end(verdict *v)
{
    char name[4300];
    name_check(name, v->path, v->part);
    parity_report(v->p, v->fixture, name, &v->result);
}

void symbolic_unsupported(parity *p, const char *fixture, const char *path, const char *part, const char *why)
{
    char name[4300];
    name_check(name, path, part);
    parity_unsupported(p, fixture, name, why);
}

const mg_json *reference(parity *p, const char *fixture, const mg_json *line, const char *key)
{
    const mg_json *value = mg_json_get(line, key);
    const char *error = mg_json_get_string(value, "error", NULL);
    if (!error) return mg_json_kind_of(value) == MG_JSON_OBJECT ? value : NULL;
    char why[100];
    snprintf(why, sizeof why, "the reference raised %.60s", error);
    symbolic_unsupported(p, fixture, mg_json_get_string(line, "path", ""), key, why);
    return NULL;
}

/* ---- scores ---- */

static uint32_t big_endian(const uint8_t *at, int bytes)
{
    uint32_t value = 0;
    while (bytes-- > 0) value = value << 8 | *at++;
    return value;
}

/* How many bytes hold the number of tracks that the header names: mido and what stands on it read no more. */
static size_t promised_size(const mg_file *file)
{
    if (file->size < 14 || memcmp(file->data, "MThd", 4)) return file->size;
    uint32_t left = big_endian(file->data + 10, 2);
    size_t at = 8 + (size_t)big_endian(file->data + 4, 4);
    for (; left && at + 8 <= file->size; at += 8 + (size_t)big_endian(file->data + at + 4, 4))
        left -= memcmp(file->data + at, "MTrk", 4) == 0;
    return at < file->size ? at : file->size;
}

mg_status promised_score(const char *path, int pairing, int unclosed, mg_score **score, mg_error *why)
{
    mg_file file;
    mg_read_options options = mg_read_defaults();
    options.pairing = pairing;
    options.unclosed = unclosed;
    *score = NULL;
    mg_status status = mg_file_read(path, 0, &file, why);
    if (!status) status = mg_midi_read(file.data, promised_size(&file), &options, score, why);
    mg_file_free(&file);
    return status;
}

mg_score *symbolic_score(parity *p, const char *fixture, const mg_json *line, int pairing, int unclosed)
{
    const char *path = mg_json_get_string(line, "path", "");
    mg_buffer whole = {0};
    mg_score *score = NULL;
    mg_error why = {0};
    mg_buffer_print(&whole, "%s/%s", p->root ? p->root : ".", path);
    if (whole.failed || promised_score(whole.data, pairing, unclosed, &score, &why)) {
        verdict v = verdict_of(p, fixture, path, "reading");
        v.result = (parity_result){.why = why.text};
        verdict_end(&v);
    }
    mg_buffer_free(&whole);
    return score;
}

/* ---- the area ---- */

static const struct { const char *name; line_check *check; } formats[] = {
    {"reading.jsonl", check_reading},
    {"reading-notes.jsonl", check_reading_notes},
    {"metrics.jsonl", check_metrics},
    {"events.jsonl", check_events},
    {"abc.jsonl", check_abc},
    {"rolls.jsonl", check_rolls},
    {"quality.jsonl", check_quality},
};

/* One line as JSON. Old files have NULs in their names, which the fixtures keep (\u0000) and our parser refuses: no
   check looks at them. */
static mg_status parse_line(const char *text, size_t length, mg_json **line, mg_error *why)
{
    static const char nul[] = "\\u0000";
    mg_buffer plain = {0};
    for (const char *at = text, *end = text + length, *next; at < end; at = next + 6) {
        next = memmem(at, (size_t)(end - at), nul, 6);
        if (!next) next = end;
        mg_buffer_add(&plain, at, (size_t)(next - at));
    }
    mg_status status = plain.failed ? MG_NO_MEMORY : mg_json_parse(plain.data, plain.length, line, why);
    mg_buffer_free(&plain);
    return status;
}

/* What is not recomputed: files, and folders with an index. */
static const struct { const char *name, *why; } unknown[] = {
    {"musdr.jsonl", "MusDr's own token files are not read"},
    {"musegan.json", "MuseGAN's metrics are not measured"},
    {"sets.jsonl", "these comparisons of sets are not made"},
    {"tokens/index.jsonl", "MidiTok's vocabularies are not written"},
    {"bpe/index.jsonl", "byte pair encodings are not learnt"},
};

static bool ends_with(const char *path, const char *end)
{
    size_t n = strlen(path), k = strlen(end);
    return n > k && path[n - k - 1] == '/' && strcmp(path + n - k, end) == 0;
}

static bool take_unknown(parity *p, const char *path, bool is_folder)
{
    char index[4300];
    snprintf(index, sizeof index, is_folder ? "%s/index.jsonl" : "%s", path);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        if (!ends_with(index, unknown[i].name) || access(index, R_OK)) continue;
        parity_unsupported(p, path, "*", unknown[i].why);
        return true;
    }
    return false;
}

static void each_line(parity *p, const char *path, line_check *check)
{
    mg_file file;
    mg_error why = {0};
    if (mg_file_read(path, 0, &file, &why)) {
        parity_report(p, path, "open", &(parity_result){.why = why.text});
        return;
    }
    const char *at = (const char *)file.data, *end = at + file.size;
    for (const char *stop; at < end; at = stop + 1) {
        mg_json *line;
        stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop) stop = end;
        if (parse_line(at, (size_t)(stop - at), &line, &why)) {
            parity_report(p, path, "a line", &(parity_result){.why = why.text});
            continue;
        }
        check(p, path, line);
        mg_json_free(line);
    }
    mg_file_free(&file);
}

static bool take(parity *p, const char *path, bool is_folder)
{
    for (size_t i = 0; !is_folder && i < sizeof formats / sizeof *formats; i++) {
        if (!ends_with(path, formats[i].name)) continue;
        each_line(p, path, formats[i].check);
        return true;
    }
    return take_unknown(p, path, is_folder);
}

const parity_area parity_symbolic = {"symbolic", take};
