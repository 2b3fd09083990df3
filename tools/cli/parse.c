/* SPDX-License-Identifier: MIT */
/* Values that options of several tools have. */
#include "cli/parse.h"

#include <stdint.h>
#include <stdlib.h>

const char *cli_parse_ratio(const char *text, void *value)
{
    static const char wrong[] = "is not of the form TRAIN:VALID:TEST, three shares";
    double *ratio = value, total = 0;
    for (int i = 0; i < 3; i++) {
        char *end;
        ratio[i] = strtod(text, &end);
        if (end == text || !(ratio[i] >= 0 && ratio[i] <= 1e9) || *end != (i < 2 ? ':' : '\0')) return wrong;
        total += ratio[i];
        text = end + 1;
    }
    return total > 0 ? NULL : wrong;
}

const char *cli_parse_range(const char *text, void *value)
{
    int64_t *range = value;
    char *end;
    range[0] = range[1] = strtoll(text, &end, 10);
    if (end != text && *end == ':') {
        text = end + 1;
        range[1] = strtoll(text, &end, 10);
    }
    if (end == text || *end) return "is not of the form LOW:HIGH";
    return range[0] >= -127 && range[1] <= 127 && range[0] <= range[1] ? NULL : "is no range within -127 and 127";
}
