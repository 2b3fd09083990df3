/* SPDX-License-Identifier: MIT */
/* XXH3 hashes. The door to xxhash. */
#include <mgen/base.h>

#include <stdio.h>
#include <xxhash.h>

const char *mg_hash_library(void)
{
    static char version[24];
    unsigned v = XXH_versionNumber();
    snprintf(version, sizeof version, "%u.%u.%u", v / 10000, v / 100 % 100, v % 100);
    return version;
}

static mg_hash from_xxh(XXH128_hash_t h) { return (mg_hash){.hi = h.high64, .lo = h.low64}; }

mg_hash mg_hash_bytes(const void *bytes, size_t length) { return from_xxh(XXH3_128bits(bytes, length)); }

uint64_t mg_hash64_bytes(const void *bytes, size_t length) { return XXH3_64bits(bytes, length); }

bool mg_hash_equal(mg_hash a, mg_hash b) { return a.hi == b.hi && a.lo == b.lo; }

void mg_hash_hex(mg_hash hash, char hex[33])
{
    snprintf(hex, 33, "%016llx%016llx", (unsigned long long)hash.hi, (unsigned long long)hash.lo);
}

bool mg_hash_from_hex(const char *hex, mg_hash *hash)
{
    uint64_t half[2] = {0, 0};
    for (int i = 0; i < 32; i++) {
        char c = hex[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) return false;
        half[i / 16] = half[i / 16] << 4 | (unsigned)digit;
    }
    if (hex[32]) return false;
    *hash = (mg_hash){.hi = half[0], .lo = half[1]};
    return true;
}

struct mg_hasher { XXH3_state_t *state; };

mg_hasher *mg_hasher_new(void)
{
    mg_hasher *hasher = mg_alloc(1, sizeof *hasher);
    if (!hasher) return NULL;
    hasher->state = XXH3_createState();
    if (!hasher->state || XXH3_128bits_reset(hasher->state) == XXH_ERROR) return mg_hasher_free(hasher), NULL;
    return hasher;
}

void mg_hasher_add(mg_hasher *hasher, const void *bytes, size_t length)
{
    XXH3_128bits_update(hasher->state, bytes, length); /* fails only for NULL */
}

mg_hash mg_hasher_end(mg_hasher *hasher) { return from_xxh(XXH3_128bits_digest(hasher->state)); }

void mg_hasher_free(mg_hasher *hasher)
{
    if (!hasher) return;
    XXH3_freeState(hasher->state);
    mg_free(hasher);
}
