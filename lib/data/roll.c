/* SPDX-License-Identifier: MIT */
/* Roll data sets of any kind, and the grid that they do not tell.

   The finer the grid, the more frames repeat the one before: of the chorales 13 % by quarters, 30 % by eighths and 64 %
   by sixteenths, of the Nottingham tunes (eighths) 36 %. The estimate cuts between these. */
#include <mgen/data.h>
#include "data/encodings.h"
#include "data/rolls.h"

#include <string.h>

static const struct {
    bool (*is)(const void *bytes, size_t size);
    mg_status (*read)(const void *bytes, size_t size, mg_roll_fn visit, void *user, mg_error *why);
} kinds[] = {{data_mat_is, data_mat_read}, {data_roll_json_is, data_roll_json_read}};

enum { KINDS = sizeof kinds / sizeof *kinds };

static int kind_of(const void *bytes, size_t size)
{
    int k = 0;
    while (k < KINDS && !kinds[k].is(bytes, size)) k++;
    return k;
}

bool mg_rolls_is(const void *bytes, size_t size) { return kind_of(bytes, size) < KINDS; }

/* ---- the grid ---- */

typedef struct { uint64_t pairs, repeated; } repeats;

static mg_status count_repeats(void *user, const mg_roll *roll, mg_error *why)
{
    (void)why;
    repeats *seen = user;
    const int32_t *before = NULL;
    size_t n_before = 0, frame = 0; /* where the frame begins */
    for (size_t i = 0; i < roll->n_tokens; i++) {
        if (roll->tokens[i] != MG_FRAME_END) continue;
        const int32_t *pitches = roll->tokens + frame;
        size_t n = i - frame;
        seen->pairs += before != NULL;
        seen->repeated += before && n == n_before && memcmp(before, pitches, n * sizeof *pitches) == 0;
        before = pitches;
        n_before = n;
        frame = i + 1;
    }
    return MG_OK;
}

static int estimate(const repeats *seen)
{
    if (2 * seen->repeated > seen->pairs) return 4;
    return 5 * seen->repeated > seen->pairs ? 2 : 1;
}

/* ---- reading ---- */

typedef struct {
    mg_roll_fn visit;
    void *user;
    int resolution;
    bool has_any;
} walk;

static mg_status hand_on(void *user, const mg_roll *roll, mg_error *why)
{
    walk *w = user;
    mg_roll whole = *roll;
    whole.resolution = w->resolution;
    w->has_any = true;
    return w->visit(w->user, &whole, why);
}

mg_status mg_rolls_read(const void *bytes, size_t size, int resolution, mg_roll_fn visit, void *user, mg_error *why)
{
    int k = kind_of(bytes, size);
    if (k == KINDS) return mg_fail(why, MG_UNSUPPORTED, "no set of rolls");
    walk w = {.visit = visit, .user = user, .resolution = resolution};
    if (!resolution) {
        repeats seen = {0};
        MG_TRY(kinds[k].read(bytes, size, count_repeats, &seen, why));
        w.resolution = estimate(&seen);
    }
    MG_TRY(kinds[k].read(bytes, size, hand_on, &w, why));
    return w.has_any ? MG_OK : mg_fail(why, MG_BAD_DATA, "no rolls: nothing is called train, valid or test");
}

mg_status mg_roll_score(const mg_roll *roll, double bpm, mg_score **score, mg_error *why)
{
    mg_encoding all = data_roll88;
    all.low = 0, all.high = 127;
    *score = NULL;
    for (size_t i = 0; i < roll->n_tokens; i++)
        if (roll->tokens[i] < 0 || roll->tokens[i] > MG_FRAME_END)
            return mg_fail(why, MG_BAD_DATA, "pitch %d is outside of 0..127", roll->tokens[i]);
    return all.decode(&all, roll->tokens, roll->n_tokens, bpm, roll->resolution, score, why);
}
