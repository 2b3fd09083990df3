/* SPDX-License-Identifier: MIT */
/* Melodies that may point back, as Magenta's lookback_rnn and attention_rnn write them. Each event of melody38 is said
   by a label: where it is the event of 32 steps ago, or of 16, the repeat of that, the farther first; in the first 32
   steps no event is said as the repeat of 32. So each label stands for one event, given those before, and each event
   has one label. What comes in at a step are features of all events so far; which, and the order of the labels, is what
   the two differ in. The facts are note-seq's: LookbackEventSequenceEncoderDecoder, KeyMelodyEncoderDecoder. */
#include <mgen/data.h>
#include "data/encodings.h"

#include <string.h>

enum { NO_EVENT, OFF, FIRST_ON, EVENTS = 38, PITCHES = EVENTS - FIRST_ON, LOW = 48 }; /* of melody38 */
enum { REPEAT_NEAR = EVENTS, REPEAT_FAR, LABELS };
enum { NEAR = 16, FAR = 32, BAR = 16, CLASSES = 12, RECENT = 3 };
enum { RING = sizeof((mg_grammar *)0)->events };

/* Plain events as labels: lookback_rnn numbers them as melody38 does, attention_rnn has the pitches first. */
static bool has_pitches_first(const mg_encoding *e) { return e == &data_melody_key40; }

static int label_of_event(const mg_encoding *e, int event)
{
    return has_pitches_first(e) ? (event + PITCHES) % EVENTS : event;
}

static int event_of_label(const mg_encoding *e, int label)
{
    return has_pitches_first(e) ? (label + FIRST_ON) % EVENTS : label;
}

/* ---- what was said ---- */

/* The event `back` steps before the one to come; none before the beginning. */
static int event_ago(const mg_grammar *g, int64_t back)
{
    return g->n < back ? NO_EVENT : g->events[(g->n - back) % RING];
}

/* What the label stands for as the event to come. */
static int event_of(const mg_encoding *e, const mg_grammar *g, int32_t label)
{
    if (label == REPEAT_FAR) return event_ago(g, FAR);
    if (label == REPEAT_NEAR) return event_ago(g, NEAR);
    return event_of_label(e, label);
}

/* How the event is said, were it the one to come. */
static int label_of(const mg_encoding *e, const mg_grammar *g, int event)
{
    if (event == event_ago(g, FAR) && (g->n >= FAR || event == NO_EVENT)) return REPEAT_FAR;
    if (event == event_ago(g, NEAR) && g->n >= NEAR) return REPEAT_NEAR;
    return label_of_event(e, event);
}

static bool is_label(int32_t token) { return token >= 0 && token < LABELS; }

/* The last three pitches that differ, the newest first. */
static void remember_pitch(mg_grammar *g, int8_t pitch)
{
    int place = 0;
    if (g->n_recent && pitch != g->recent[0]) g->direction = pitch > g->recent[0] ? 1 : -1;
    while (place < g->n_recent && g->recent[place] != pitch) place++;
    if (place == g->n_recent && g->n_recent < RECENT) g->n_recent++;
    if (place == RECENT) place--;
    memmove(g->recent + 1, g->recent, (size_t)place);
    g->recent[0] = pitch;
}

/* level: the pitch that sounds */
static void follow(const mg_encoding *e, mg_grammar *g, int32_t token)
{
    if (!is_label(token)) return;
    int event = event_of(e, g, token);
    g->events[g->n++ % RING] = (int8_t)event;
    if (event == NO_EVENT) g->is_attack = false;
    if (event == OFF) g->level = 0; /* the attack before it stays, as in Magenta */
    if (event < FIRST_ON) return;
    g->level = event - FIRST_ON + LOW;
    g->is_attack = true;
    g->classes[g->level % CLASSES]++;
    remember_pitch(g, (int8_t)g->level);
}

static bool allows(const mg_encoding *e, const mg_grammar *g, int32_t next)
{
    int event = is_label(next) ? event_of(e, g, next) : OFF;
    return next == label_of(e, g, event) && (event != OFF || g->level);
}

static void token_name(const mg_encoding *e, int token, mg_buffer *out)
{
    if (token < EVENTS) data_melody38.token_name(&data_melody38, event_of_label(e, token), out);
    else mg_buffer_print(out, "REPEAT_%d", token == REPEAT_NEAR ? NEAR : FAR);
}

/* ---- features ---- */

/* Whether the last event is that of `back` steps before it. */
static bool repeats(const mg_grammar *g, int back) { return g->n > back && event_ago(g, 1) == event_ago(g, back + 1); }

/* The number of the step to come in binary, lowest bit first, as 1 and -1. */
static mg_real *put_counter(const mg_grammar *g, int bits, mg_real *out)
{
    for (int i = 0; i < bits; i++) *out++ = g->n >> i & 1 ? 1 : -1;
    return out;
}

static mg_real *put_repeats(const mg_grammar *g, mg_real *out)
{
    *out++ = repeats(g, NEAR);
    *out++ = repeats(g, FAR);
    return out;
}

enum { LOOKBACK_BITS = 5, LOOKBACK_FEATURES = 3 * EVENTS + LOOKBACK_BITS + 2 };

/* The last event, those that repeats would bring, where in the bars the next is, whether the last was a repeat. */
static void put_lookback(const mg_encoding *e, const mg_grammar *g, mg_real *out)
{
    (void)e;
    memset(out, 0, LOOKBACK_FEATURES * sizeof *out);
    out[event_ago(g, 1)] = 1;
    out[EVENTS + event_ago(g, NEAR)] = 1;
    out[2 * EVENTS + event_ago(g, FAR)] = 1;
    put_repeats(g, put_counter(g, LOOKBACK_BITS, out + 3 * EVENTS));
}

/* The major keys that hold most of the notes, 1 each. */
static mg_real *put_keys(const int32_t classes[CLASSES], mg_real *out)
{
    static const bool major[CLASSES] = {1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1};
    int64_t held[CLASSES] = {0}, most = 0;
    for (int key = 0; key < CLASSES; key++) {
        for (int c = 0; c < CLASSES; c++) held[key] += major[(c - key + CLASSES) % CLASSES] ? classes[c] : 0;
        if (held[key] > most) most = held[key];
    }
    for (int key = 0; key < CLASSES; key++) *out++ = held[key] == most;
    return out;
}

enum { KEY_BITS = 7, KEY_FEATURES = PITCHES + 2 + 2 + 2 + KEY_BITS + 1 + 2 * CLASSES };

/* The pitch that sounds, whether one does or none, whether it has just begun, up or down; repeats; where in the bars
   the next event is, whether it begins one; the keys of the melody, and of its last three pitches. */
static void put_key(const mg_encoding *e, const mg_grammar *g, mg_real *out)
{
    (void)e;
    int32_t recent[CLASSES] = {0};
    for (int i = 0; i < g->n_recent; i++) recent[g->recent[i] % CLASSES]++;
    memset(out, 0, KEY_FEATURES * sizeof *out);
    if (g->level) out[g->level - LOW] = 1;
    out += PITCHES;
    *out++ = g->level != 0;
    *out++ = g->level == 0;
    *out++ = g->is_attack;
    *out++ = g->direction;
    out = put_counter(g, KEY_BITS, put_repeats(g, out));
    *out++ = g->n % BAR == 0;
    put_keys(recent, put_keys(g->classes, out));
}

/* ---- encode, decode: by way of melody38 ---- */

static mg_status encode(const mg_encoding *e, const mg_score *score, int resolution, mg_buffer *tokens, mg_error *why)
{
    size_t first = tokens->length;
    mg_grammar g = {0};
    MG_TRY(data_melody38.encode(&data_melody38, score, resolution, tokens, why));
    for (size_t at = first; at < tokens->length; at += sizeof(int32_t)) {
        int32_t *token = (int32_t *)(void *)(tokens->data + at);
        *token = label_of(e, &g, *token);
        follow(e, &g, *token);
    }
    return MG_OK;
}

static mg_status decode(const mg_encoding *e, const int32_t *tokens, size_t n, double bpm, int resolution,
                        mg_score **score, mg_error *why)
{
    mg_grammar g = {0};
    int32_t *events = mg_alloc(n, sizeof *events);
    size_t kept = 0;
    if (!events) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++) {
        if (!is_label(tokens[i])) continue;
        events[kept++] = event_of(e, &g, tokens[i]);
        follow(e, &g, tokens[i]);
    }
    mg_status status = data_melody38.decode(&data_melody38, events, kept, bpm, resolution, score, why);
    mg_free(events);
    return status;
}

/* ---- rows ---- */

#define COMMON \
    .vocab = LABELS, .low = LOW, .high = LOW + PITCHES - 1, .steps_per_quarter = 4, .end = -1, .step_end = -1, \
    .token_name = token_name, .allows = allows, .follow = follow, .encode = encode, .decode = decode

const mg_encoding data_melody_lookback40 = {
    .name = "melody-lookback40", .summary = "a melody that says what repeats one or two bars (Magenta lookback_rnn)",
    .start = NO_EVENT, .n_features = LOOKBACK_FEATURES, .features = put_lookback, COMMON};

const mg_encoding data_melody_key40 = {
    .name = "melody-key40", .summary = "the same told with keys and the course of the line (Magenta attention_rnn)",
    .start = PITCHES, .n_features = KEY_FEATURES, .features = put_key, COMMON};
