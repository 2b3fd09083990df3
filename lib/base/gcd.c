/* SPDX-License-Identifier: MIT */
/* Euclid's algorithm, in words of 32 bits once both numbers fit: their division is several times as fast. */
#include <mgen/base.h>

uint64_t mg_gcd(uint64_t a, uint64_t b)
{
    while (b && (a | b) >> 32) {
        uint64_t r = a % b;
        a = b;
        b = r;
    }
    if (b == 0) return a;
    uint32_t x = (uint32_t)a, y = (uint32_t)b;
    while (y) {
        uint32_t r = x % y;
        x = y;
        y = r;
    }
    return x;
}
