/* SPDX-License-Identifier: MIT */
/** The rows that every tool which reads music splices into its table. `o` is its mg_piece_options. */
#ifndef CLI_MUSIC_H
#define CLI_MUSIC_H

#include "cli/cli.h"

static const char *const cli_pairings[] = {"fifo", "lifo", "all", NULL};
static const char *const cli_unclosed[] = {"end", "drop", NULL};

/* clang-format off */
#define CLI_MUSIC_ROWS(o) \
    {.kind = CLI_SECTION, .help = "Reading music"}, \
    {.name = "strict", .kind = CLI_FLAG, .value = &(o).read.is_strict, \
     .help = "refuse a file that would need a repair"}, \
    {.name = "repairs", .kind = CLI_FLAG, .value = &(o).report_repairs, \
     .help = "write a repair record, with the byte or line, for every repair"}, \
    {.name = "pairing", .kind = CLI_CHOICE, .value = &(o).read.pairing, .arg = "RULE", .choices = cli_pairings, \
     .help = "which of several sounding notes a note-off ends"}, \
    {.name = "unclosed", .kind = CLI_CHOICE, .value = &(o).read.unclosed, .arg = "RULE", .choices = cli_unclosed, \
     .help = "what becomes of a note without note-off: it lasts to the end of its track, or it is dropped"}, \
    {.name = "roll-grid", .kind = CLI_INT, .value = &(o).roll_grid, .arg = "N", .low = 0, .high = 960, \
     .fallback = "estimated", .help = "steps a quarter of roll data sets (.mat, JSON), which do not say it"}, \
    {.name = "max-bytes", .kind = CLI_INT, .value = &(o).read.max_bytes, .arg = "BYTES", .low = 1, .high = 1e12, \
     .help = "refuse larger files"}, \
    {.name = "max-events", .kind = CLI_INT, .value = &(o).read.max_events, .arg = "N", .low = 1, .high = 1e9, \
     .help = "refuse files with more events"}, \
    {.name = "max-hours", .kind = CLI_REAL, .value = &(o).read.max_hours, .arg = "HOURS", .low = 1e-6, .high = 1e6, \
     .help = "cut off what lies later in a piece"}
/* clang-format on */

#endif
