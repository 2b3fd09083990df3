/* SPDX-License-Identifier: MIT */
/* The kinds of repairs, as a table. */
#include <mgen/midi.h>

static const struct {
    const char *name;
    bool is_lossy;
    const char *sentence;
} kinds[MG_REPAIR_KINDS] = {
#define R(identifier, name, is_lossy, sentence) {name, is_lossy, sentence},
    MG_REPAIRS(R)
#undef R
};

const char *mg_repair_name(unsigned what) { return kinds[what].name; }
const char *mg_repair_sentence(unsigned what) { return kinds[what].sentence; }
bool mg_repair_is_lossy(unsigned what) { return kinds[what].is_lossy; }
