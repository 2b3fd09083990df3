/* SPDX-License-Identifier: MIT */
/* A line of music under a cursor that cannot pass its end, and what the files that read it share. */
#ifndef MIDI_ABC_CURSOR_H
#define MIDI_ABC_CURSOR_H

#include "midi/abc.h"

typedef struct {
    abc_tune *tune;
    const char *at, *end;
    const char *mark[4]; /* the next of each closing sign, as far as it was looked for */
    bool is_after_bar;
} abc_cursor;

/* The sign so many behind the cursor, NUL behind the end. */
static inline char abc_peek(const abc_cursor *x, size_t ahead)
{
    return ahead < (size_t)(x->end - x->at) ? x->at[ahead] : '\0';
}

/* What has no meaning is counted, and n signs are passed over. */
static inline void abc_unknown(abc_cursor *x, size_t n)
{
    x->tune->n_unknown++;
    x->at += n;
}

/* The next closing sign, one of " ! + ], NULL if the line has no more. Remembered, so that a line of open signs
   is looked through once. */
const char *abc_find(abc_cursor *x, const char *from, char sign);
int abc_digits(abc_cursor *x, int otherwise); /* a number of at most 9999 */

/* abc_note.c: what takes time */
void abc_single_note(abc_cursor *x);
void abc_rest(abc_cursor *x);
void abc_bars_of_rest(abc_cursor *x);
bool abc_is_old_chord(abc_cursor *x);
void abc_chord(abc_cursor *x, char close);
void abc_grace_notes(abc_cursor *x);
void abc_tuplet(abc_cursor *x);
void abc_broken_rhythm(abc_cursor *x);
void abc_tie(abc_cursor *x);
void abc_overlay(abc_cursor *x);

/* abc_mark.c: texts and decorations; false, and nothing taken, where none stands */
void abc_quoted(abc_cursor *x);
bool abc_symbol(abc_cursor *x);
bool abc_decoration(abc_cursor *x, char sign);

/* abc_bar.c */
void abc_bar_line(abc_cursor *x);
void abc_ending(abc_cursor *x);
void abc_named_ending(abc_cursor *x, const char *close);

#endif
