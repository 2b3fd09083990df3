/* SPDX-License-Identifier: MIT */
#ifndef MIDI_SORT_H
#define MIDI_SORT_H

#include <stdbool.h>
#include <stddef.h>

/** Order `n` items of `size` bytes by their first member, an int64_t tick; equal ticks keep their order. False when
    out of memory. */
bool midi_sort_by_tick(void *items, size_t n, size_t size);

#endif
