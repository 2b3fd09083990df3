/* SPDX-License-Identifier: MIT */
/* The identity of a piece: a hash of its notes and of nothing else (tier T3 of exact duplicates). */
#include <mgen/midi.h>
#include "midi/sort.h"

#include <stdlib.h>
#include <string.h>

/* One note, little-endian on every machine: onset and duration in quarters as reduced fractions (8 + 2 bytes each),
   pitch, velocity, whether drum. Denominators divide ticks_per_quarter, so 2 bytes hold them. */
enum { ROW = 23 };

static void put(uint8_t *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) at[i] = (uint8_t)(value >> 8 * i);
}

static void put_fraction(uint8_t *at, uint64_t ticks, uint32_t per_quarter)
{
    uint64_t d = mg_gcd(ticks, per_quarter);
    put(at, ticks / d, 8);
    put(at + 8, per_quarter / d, 2);
}

static int by_bytes(const void *a, const void *b) { return memcmp(a, b, ROW); }

/* The rows in the order of their bytes, each at its place in `sorted`: by the first eight, which as a big-endian number
   order as bytes do, then by all. */
static void sort_rows(uint8_t (*rows)[ROW], uint8_t (*sorted)[ROW], midi_sort_key *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t head = 0;
        for (int b = 0; b < 8; b++) head = head << 8 | rows[i][b];
        keys[i] = (midi_sort_key){head, (uint32_t)i};
    }
    const midi_sort_key *ordered = midi_sort_keys(keys, keys + n, n);
    for (size_t i = 0; i < n; i++) memcpy(sorted[i], rows[ordered[i].item], ROW);
    for (size_t i = 0, next; i < n; i = next) {
        for (next = i + 1; next < n && ordered[next].key == ordered[i].key;) next++;
        if (next > i + 1) qsort(sorted[i], next - i, ROW, by_bytes);
    }
}

mg_status mg_score_id(const mg_score *score, mg_hash *id, mg_error *why)
{
    uint32_t per_quarter = score->ticks_per_quarter > 0 ? (uint32_t)score->ticks_per_quarter : 1;
    size_t n = score->n_notes;
    uint8_t(*rows)[ROW] = mg_alloc(2 * n, sizeof *rows);
    midi_sort_key *keys = mg_alloc(2 * n, sizeof *keys);
    if (!rows || !keys) return mg_free(rows), mg_free(keys), mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const mg_note *note = &score->notes[i];
        put_fraction(rows[i], (uint64_t)note->start, per_quarter);
        put_fraction(rows[i] + 10, (uint64_t)(note->end - note->start), per_quarter);
        rows[i][20] = note->pitch;
        rows[i][21] = note->velocity;
        rows[i][22] = note->channel == MG_DRUM_CHANNEL;
    }
    sort_rows(rows, rows + n, keys, n);
    *id = mg_hash_bytes(rows + n, n * ROW);
    mg_free(rows);
    mg_free(keys);
    return MG_OK;
}
