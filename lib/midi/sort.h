/* SPDX-License-Identifier: MIT */
#ifndef MIDI_SORT_H
#define MIDI_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Order `n` items of `size` bytes by their first member, an int64_t tick; equal ticks keep their order. False when
    out of memory. */
bool midi_sort_by_tick(void *items, size_t n, size_t size);

/** A number to order by, and what it belongs to. */
typedef struct { uint64_t key; uint32_t item; } midi_sort_key;

/** Order by key; equal keys keep their order. Linear in n. `other` is room for n more. The result is in either: the one
    that is returned. */
midi_sort_key *midi_sort_keys(midi_sort_key *keys, midi_sort_key *other, size_t n);

#endif
