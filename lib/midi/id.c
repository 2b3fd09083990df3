/* SPDX-License-Identifier: MIT */
/* The identity of a piece: a hash of its notes and of nothing else (tier T3 of exact duplicates). */
#include <mgen/midi.h>

#include <stdlib.h>
#include <string.h>

/* One note, little-endian on every machine: onset and duration in quarters as reduced fractions (8 + 2 bytes each),
   pitch, velocity, whether drum. Denominators divide ticks_per_quarter, so 2 bytes hold them. */
enum { ROW = 23 };

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

static void put(uint8_t *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) at[i] = (uint8_t)(value >> 8 * i);
}

static void put_fraction(uint8_t *at, uint64_t ticks, uint64_t per_quarter)
{
    uint64_t d = gcd(ticks, per_quarter);
    put(at, ticks / d, 8);
    put(at + 8, per_quarter / d, 2);
}

static int by_bytes(const void *a, const void *b) { return memcmp(a, b, ROW); }

mg_status mg_score_id(const mg_score *score, mg_hash *id, mg_error *why)
{
    uint64_t per_quarter = score->ticks_per_quarter > 0 ? (uint64_t)score->ticks_per_quarter : 1;
    uint8_t(*rows)[ROW] = mg_alloc(score->n_notes, sizeof *rows);
    if (!rows) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < score->n_notes; i++) {
        const mg_note *note = &score->notes[i];
        put_fraction(rows[i], (uint64_t)note->start, per_quarter);
        put_fraction(rows[i] + 10, (uint64_t)(note->end - note->start), per_quarter);
        rows[i][20] = note->pitch;
        rows[i][21] = note->velocity;
        rows[i][22] = note->channel == 9;
    }
    if (score->n_notes) qsort(rows, score->n_notes, ROW, by_bytes);
    *id = mg_hash_bytes(rows, score->n_notes * ROW);
    mg_free(rows);
    return MG_OK;
}
