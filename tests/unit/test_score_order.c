/* SPDX-License-Identifier: MIT */
/* The order of notes, and the identity that does not depend on it. */
#include "tests/unit/scores.h"
#include "tests/unit/tap.h"

static int64_t at_most(int64_t limit, mg_random *random) { return mg_random_below(random, (uint32_t)limit); }

/* Notes with many equal ticks and pitches, some far away. */
static mg_score *scattered(uint64_t seed, size_t n, int per_quarter)
{
    mg_random random = mg_random_at(seed, "scattered", 0);
    mg_score *score = mg_score_new();
    score->ticks_per_quarter = per_quarter;
    score->notes = mg_alloc(n, sizeof *score->notes);
    score->n_notes = n;
    for (size_t i = 0; i < n; i++) {
        int64_t start = at_most(20, &random) * (at_most(50, &random) ? 1 : (int64_t)1 << 40);
        score->notes[i] = (mg_note){.start = start, .end = start + at_most(5, &random), .track = (uint16_t)(i % 3),
                                    .channel = (uint8_t)(i % 2 ? 9 : 0), .pitch = (uint8_t)(60 + at_most(3, &random)),
                                    .velocity = (uint8_t)(1 + at_most(2, &random))};
    }
    return score;
}

static bool is_in_order(const mg_note *a, const mg_note *b)
{
    const int64_t x[] = {a->start, a->pitch, a->end, a->velocity, a->track, a->channel};
    const int64_t y[] = {b->start, b->pitch, b->end, b->velocity, b->track, b->channel};
    for (int i = 0; i < 6; i++)
        if (x[i] != y[i]) return x[i] < y[i];
    return true;
}

static void notes_are_sorted(void)
{
    for (size_t n = 0; n < 400; n = n * 2 + 1) {
        mg_score *score = scattered(n, n, 480);
        const mg_note **sorted = mg_score_sorted_notes(score);
        REQUIRE(sorted != NULL);
        uint64_t seen = 0;
        for (size_t i = 0; i < n; i++) {
            seen += (uint64_t)(sorted[i] - score->notes);
            if (i) CHECK(is_in_order(sorted[i - 1], sorted[i]));
        }
        CHECK_INT(seen, n ? n * (n - 1) / 2 : 0);
        mg_free(sorted);
        mg_score_free(score);
    }
}

static mg_hash id_of(const mg_score *score)
{
    mg_hash id;
    REQUIRE(mg_score_id(score, &id, NULL) == MG_OK);
    return id;
}

static void identity_is_that_of_the_notes(void)
{
    mg_score *score = scattered(7, 300, 480);
    mg_hash id = id_of(score);
    for (size_t i = 0; i < score->n_notes / 2; i++) {
        mg_note kept = score->notes[i];
        score->notes[i] = score->notes[score->n_notes - 1 - i];
        score->notes[score->n_notes - 1 - i] = kept;
    }
    CHECK(mg_hash_equal(id, id_of(score)));
    for (size_t i = 0; i < score->n_notes; i++) {
        score->notes[i].start *= 5;
        score->notes[i].end *= 5;
        score->notes[i].track = 0;
    }
    CHECK(!mg_hash_equal(id, id_of(score)));
    score->ticks_per_quarter *= 5;
    CHECK(mg_hash_equal(id, id_of(score)));
    score->notes[0].velocity++;
    CHECK(!mg_hash_equal(id, id_of(score)));
    mg_score_free(score);
}

static mg_score *fixed;
static mg_status order_fixed(void)
{
    mg_hash id;
    mg_error why = {0};
    const mg_note **sorted = mg_score_sorted_notes(fixed);
    mg_status status = sorted ? mg_score_id(fixed, &id, &why) : MG_NO_MEMORY;
    mg_free(sorted);
    return status;
}

static void failing_allocations(void)
{
    fixed = scattered(1, 50, 480);
    CHECK_FAILING_ALLOCATIONS(order_fixed());
    mg_score_free(fixed);
}

int main(void)
{
    TEST("notes come sorted by start, pitch, end, velocity, track and channel", notes_are_sorted);
    TEST("the identity is that of the notes, whatever their order, tracks and ticks a quarter",
         identity_is_that_of_the_notes);
    TEST("every failing allocation is answered", failing_allocations);
    return tap_end();
}
