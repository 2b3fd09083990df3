/* SPDX-License-Identifier: MIT */
/* rolls.jsonl: the published roll data sets as scipy and json read them, and how well trivial models predict them. */
#include "tests/parity/symbolic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOW = 21, KEYS = 88, SPLITS = 3 };
static const char *const split_names[SPLITS] = {"train", "valid", "test"};

/* ---- what was read ---- */

/* Frames of one split: pitches as they stand, FRAME_END after each frame, sequences by their first token. */
typedef struct {
    mg_buffer tokens, first; /* int32_t; size_t */
    size_t frames, notes, silent;
    int64_t shortest, longest;
    int lowest, highest;
} roll_split;

typedef struct { roll_split splits[SPLITS]; } roll_set;

static mg_status take_roll(void *user, const mg_roll *roll, mg_error *why)
{
    roll_set *set = user;
    (void)why;
    for (int i = 0; i < SPLITS; i++) {
        roll_split *s = &set->splits[i];
        if (strcmp(roll->split, split_names[i])) continue;
        size_t at = s->tokens.length / sizeof(int32_t);
        if (s->first.length == 0) s->shortest = INT64_MAX, s->lowest = INT32_MAX;
        mg_buffer_add(&s->first, &at, sizeof at);
        mg_buffer_add(&s->tokens, roll->tokens, roll->n_tokens * sizeof *roll->tokens);
        s->frames += roll->n_frames;
        for (size_t k = 0; k < roll->n_tokens; k++) {
            int token = roll->tokens[k];
            if (token == MG_FRAME_END) {
                s->silent += k == 0 || roll->tokens[k - 1] == MG_FRAME_END;
                continue;
            }
            s->notes++;
            if (token < s->lowest) s->lowest = token;
            if (token > s->highest) s->highest = token;
        }
        if ((int64_t)roll->n_frames < s->shortest) s->shortest = (int64_t)roll->n_frames;
        if ((int64_t)roll->n_frames > s->longest) s->longest = (int64_t)roll->n_frames;
    }
    return MG_OK;
}

static size_t sequences(const roll_split *s) { return s->first.length / sizeof(size_t); }
static size_t n_tokens(const roll_split *s) { return s->tokens.length / sizeof(int32_t); }
static const int32_t *tokens(const roll_split *s) { return (const int32_t *)(const void *)s->tokens.data; }

/* Where a sequence begins; where the last one ends for i = their number. */
static size_t begin_of(const roll_split *s, size_t i)
{
    return i < sequences(s) ? ((const size_t *)(const void *)s->first.data)[i] : n_tokens(s);
}

/* Pitches joined by commas, a newline after each frame, another after each sequence. */
static void check_digest(verdict *v, const roll_split *s, const mg_json *want)
{
    mg_buffer text = {0};
    for (size_t i = 0; i < sequences(s); i++) {
        bool is_first = true;
        for (size_t k = begin_of(s, i); k < begin_of(s, i + 1); k++) {
            int token = tokens(s)[k];
            if (token == MG_FRAME_END) mg_buffer_add_char(&text, '\n');
            else mg_buffer_print(&text, is_first ? "%d" : ",%d", token);
            is_first = token == MG_FRAME_END;
        }
        mg_buffer_add_char(&text, '\n');
    }
    verdict_digest(v, "sha256", &text, want);
    mg_buffer_free(&text);
}

static void check_split(verdict *v, const roll_split *s, const mg_json *want)
{
    const struct { const char *name; int64_t value; } rows[] = {
        {"sequences", (int64_t)sequences(s)}, {"pieces", (int64_t)sequences(s)}, {"frames", (int64_t)s->frames},
        {"steps", (int64_t)s->frames}, {"predicted_frames", (int64_t)(s->frames - sequences(s))},
        {"notes_on", (int64_t)s->notes}, {"pitches", (int64_t)s->notes}, {"silent_frames", (int64_t)s->silent},
        {"length_min", s->shortest}, {"length_max", s->longest}, {"pitch_min", s->lowest}, {"pitch_max", s->highest}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const mg_json *value = mg_json_get(want, rows[i].name);
        if (value) verdict_int(v, rows[i].name, rows[i].value, value);
    }
    check_digest(v, s, mg_json_get(want, "sha256"));
}

/* ---- trivial models: nats a frame ---- */

typedef struct { bool on[KEYS]; } frame;

/* Read a frame and move on. */
static frame next_frame(const roll_split *s, size_t *at)
{
    frame f = {{false}};
    for (; tokens(s)[*at] != MG_FRAME_END; ++*at) f.on[tokens(s)[*at] - LOW] = true;
    ++*at;
    return f;
}

/* Counts over the training frames. */
typedef struct {
    double on[KEYS], frames;          /* in all frames */
    double later_on[KEYS], later;     /* in all but the first of each sequence */
    double moves[2][2][KEYS], equal;  /* before, now; cells that stay */
} counts;

static void count(const roll_split *s, counts *c)
{
    for (size_t i = 0; i < sequences(s); i++) {
        frame last;
        for (size_t at = begin_of(s, i), t = 0; at < begin_of(s, i + 1); t++) {
            frame now = next_frame(s, &at);
            c->frames++;
            c->later += t > 0;
            for (int k = 0; k < KEYS; k++) {
                c->on[k] += now.on[k];
                if (t == 0) continue;
                c->later_on[k] += now.on[k];
                c->moves[last.on[k]][now.on[k]][k]++;
                c->equal += last.on[k] == now.on[k];
            }
            last = now;
        }
    }
}

static double cost(double p, bool on) { return -log(on ? p : 1 - p); }

enum { MARGINALS, FROM_PREDICTED, ALL_FRAMES, SEQUENCE_MEAN, MARKOV, REPEAT_P, REPEAT_95, UNIFORM, ACCURACY, MODELS };
static const char *const model_names[MODELS] = {
    "marginals_add_one", "marginals_add_one_from_predicted", "marginals_add_one_all_frames",
    "marginals_add_one_sequence_mean", "markov_add_one", "repeat_cells_p", "repeat_cells_0.95", "uniform",
    "repeat_accuracy"};

static void predict(const counts *c, const roll_split *s, double result[MODELS])
{
    double sum[MODELS] = {0}, predicted = 0, true_on = 0, wrong = 0, means = 0;
    double repeat = c->equal / (c->later * KEYS);
    for (size_t i = 0; i < sequences(s); i++) {
        frame last = {{false}};
        double own = 0, length = 0;
        for (size_t at = begin_of(s, i); at < begin_of(s, i + 1); length++) {
            frame now = next_frame(s, &at);
            predicted += length > 0;
            for (int k = 0; k < KEYS; k++) {
                double p = (c->on[k] + 1) / (c->frames + 2), stay = last.on[k] == now.on[k];
                sum[ALL_FRAMES] += cost(p, now.on[k]);
                if (length == 0) continue;
                const double(*moves)[2][KEYS] = c->moves;
                double off = moves[last.on[k]][0][k] + 1, on = moves[last.on[k]][1][k] + 1;
                own += cost(p, now.on[k]);
                sum[FROM_PREDICTED] += cost((c->later_on[k] + 1) / (c->later + 2), now.on[k]);
                sum[MARKOV] += cost(on / (on + off), now.on[k]);
                sum[REPEAT_P] += cost(repeat, stay > 0);
                sum[REPEAT_95] += cost(0.95, stay > 0);
                true_on += last.on[k] && now.on[k];
                wrong += last.on[k] != now.on[k];
            }
            last = now;
        }
        sum[MARGINALS] += own;
        if (length > 1) means += own / (length - 1), sum[SEQUENCE_MEAN]++;
    }
    for (int m = 0; m < MODELS; m++) result[m] = sum[m] / predicted;
    result[ALL_FRAMES] = sum[ALL_FRAMES] / (double)s->frames;
    result[SEQUENCE_MEAN] = means / sum[SEQUENCE_MEAN];
    result[UNIFORM] = KEYS * log(2);
    result[ACCURACY] = true_on / (true_on + wrong);
}

static void check_models(verdict *v, const roll_set *set, const mg_json *line)
{
    counts c = {.frames = 0};
    double repeat = NAN, ones[KEYS];
    count(&set->splits[0], &c);
    memcpy(ones, c.on, sizeof ones);
    verdict_numbers(v, "ones", ones, mg_json_get(mg_json_get(line, "marginals_train"), "ones"));
    mg_json_real(mg_json_get(line, "repeat_p"), &repeat);
    verdict_number(v, "repeat_p", c.equal / (c.later * KEYS), repeat);
    for (int i = 0; i < SPLITS; i++) {
        double got[MODELS], want = NAN;
        predict(&c, &set->splits[i], got);
        for (int m = 0; m < MODELS; m++) {
            const mg_json *model = mg_json_get(mg_json_get(line, "nll_nats_per_frame"), model_names[m]);
            if (!mg_json_real(mg_json_get(model, split_names[i]), &want)) continue;
            verdict_number(v, model_names[m], got[m], want);
        }
    }
}

/* ---- the line ---- */

static void check_set(parity *p, const char *fixture, const char *path, const roll_set *set, const mg_json *line)
{
    for (int i = 0; i < SPLITS; i++) {
        const mg_json *want = mg_json_get(mg_json_get(line, "splits"), split_names[i]);
        verdict v = verdict_of(p, fixture, path, split_names[i]);
        if (want) check_split(&v, &set->splits[i], want), verdict_end(&v);
    }
    if (!mg_json_get(line, "nll_nats_per_frame")) return;
    verdict v = verdict_of(p, fixture, path, "trivial models");
    check_models(&v, set, line);
    verdict_end(&v);
}

void check_rolls(parity *p, const char *fixture, const mg_json *line)
{
    const char *path = mg_json_get_string(line, "path", ""), *dot = strrchr(path, '.');
    mg_buffer whole = {0};
    mg_file file = {0};
    mg_error why = {0};
    roll_set set = {0};
    if (dot && strcmp(dot, ".npz") == 0) {
        symbolic_unsupported(p, fixture, path, "npz", "pickled NumPy files are not read");
        return;
    }
    mg_buffer_print(&whole, "%s/%s", p->root ? p->root : ".", path);
    mg_status status = whole.failed ? MG_NO_MEMORY : mg_file_read(whole.data, 0, &file, &why);
    if (!status) status = mg_rolls_read(file.data, file.size, 4, take_roll, &set, &why);
    if (status) {
        verdict v = verdict_of(p, fixture, path, "reading");
        v.result = (parity_result){.why = why.text};
        verdict_end(&v);
    } else {
        check_set(p, fixture, path, &set, line);
    }
    for (int i = 0; i < SPLITS; i++) {
        mg_buffer_free(&set.splits[i].tokens);
        mg_buffer_free(&set.splits[i].first);
    }
    mg_file_free(&file);
    mg_buffer_free(&whole);
}
