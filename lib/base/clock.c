/* SPDX-License-Identifier: MIT */
/* The time that passes. */
#include <mgen/base.h>

#include <time.h>

double mg_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
