/* SPDX-License-Identifier: MIT */
/* An index of pieces by their exact tiers. Private to this room. */
#ifndef MATCH_EXACT_H
#define MATCH_EXACT_H

#include <mgen/match.h>

enum { NO_ENTRY = UINT32_MAX };

/* A piece as it was found. */
typedef struct {
    mg_fingerprint print;
    char *path;  /* what it is called */
    char *file;  /* to read it again: FILE#NUMBER; NULL where it cannot be */
} found_piece;

void found_piece_clear(found_piece *piece);

typedef struct exact exact;

exact *exact_new(const mg_dedup_options *options);
void exact_free(exact *index);
/* Takes the piece. */
mg_status exact_add(exact *index, found_piece *piece, mg_error *why);
/* After the last one: puts the entries in the order of their paths and forgets those that came twice. */
mg_status exact_sort(exact *index, mg_error *why);
size_t exact_count(const exact *index);
const found_piece *exact_at(const exact *index, size_t i);

/* Let an entry be found from now on. Entries are linked by rising number. */
void exact_link(exact *index, uint32_t entry);
/* The first of the linked entries which equals the piece in the strictest tier, NO_ENTRY if none does. Reads two files
   where only that can tell; a file that cannot be read again is a failure. */
mg_status exact_find(const exact *index, const found_piece *piece, uint32_t *entry, mg_tier *tier, mg_error *why);

#endif
