/* SPDX-License-Identifier: MIT */
/* What a corpus holds, added up piece by piece. */
#ifndef METRIC_CARD_H
#define METRIC_CARD_H

#include "metric/counts.h"

#include <mgen/data.h>

typedef struct card card;

card *card_new(void); /* NULL when out of memory */
void card_free(card *card);
/* One more piece. `licence`: as mg_licences_find says it, may be "". */
mg_status card_add(card *card, const mg_piece *piece, const char *licence, mg_error *why);
/* An input that failed, and why. */
mg_status card_add_error(card *card, const char *reason);
/* Add all of `from` to `into`: the result does not depend on how the pieces were parted, as long as the parts come in
   order. */
mg_status card_merge(card *into, const card *from);
bool card_is_empty(const card *card);
mg_status card_write(const card *card, const char *path, mg_buffer *out);

#endif
