/* SPDX-License-Identifier: MIT */
/* Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. */
#include <mgen/base.h>

#include <math.h>
#include <string.h>

void mg_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4])
{
    uint32_t k0 = key[0], k1 = key[1], c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * c0, b = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)a;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

mg_random mg_random_at(uint64_t seed, const char *stream, uint64_t record)
{
    return (mg_random){.key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
                       .stream = (uint32_t)mg_hash64_bytes(stream, strlen(stream)),
                       .record_lo = (uint32_t)record,
                       .record_hi = (uint32_t)(record >> 32)};
}

uint32_t mg_random_bits(mg_random *random)
{
    if (random->n_ready == 0) {
        uint32_t counter[4] = {random->block++, random->stream, random->record_lo, random->record_hi};
        mg_philox(random->key, counter, random->ready);
        random->n_ready = 4;
    }
    return random->ready[--random->n_ready];
}

double mg_random_unit(mg_random *random)
{
    uint64_t high = mg_random_bits(random) >> 5, low = mg_random_bits(random) >> 6;
    return (double)(high << 26 | low) * 0x1p-53;
}

uint32_t mg_random_below(mg_random *random, uint32_t n)
{
    uint32_t bits, unfair = -n % n; /* 2^32 mod n: draws below it would favour small numbers */
    do bits = mg_random_bits(random);
    while (bits < unfair);
    return bits % n;
}

double mg_random_normal(mg_random *random)
{
    double radius = sqrt(-2 * log(1 - mg_random_unit(random))), turn = mg_random_unit(random);
    return radius * cos(6.283185307179586 * turn);
}

void mg_random_order(mg_random *random, uint32_t *order, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = mg_random_below(random, i), kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}
