/* SPDX-License-Identifier: MIT */
/** Values that options of several tools have: for rows of kind CLI_PARSED. */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

/** "8:1:1" into double[3], none negative, not all 0. */
const char *cli_parse_ratio(const char *text, void *value);
/** "-3:3" or "5" into int64_t[2]. */
const char *cli_parse_range(const char *text, void *value);

#endif
