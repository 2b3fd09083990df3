/* SPDX-License-Identifier: MIT */
#include <mgen/data.h>
#include "data/prepare.h"

#include <stdio.h>

const char *data_split_of(mg_hash id, uint64_t seed, const double ratio[3])
{
    static const char *const names[] = {"train", "valid", "test"};
    double total = ratio[0] + ratio[1] + ratio[2];
    if (!(total > 0)) return NULL;
    char key[64];
    mg_hash_hex(id, key);
    int n = 32 + snprintf(key + 32, sizeof key - 32, ":%llu", (unsigned long long)seed);
    double at = (double)(mg_hash64_bytes(key, (size_t)n) >> 11) * 0x1p-53 * total;
    for (int i = 0; i < 2; i++) {
        if (at < ratio[i]) return names[i];
        at -= ratio[i];
    }
    return ratio[2] > 0 ? names[2] : names[ratio[1] > 0];
}
