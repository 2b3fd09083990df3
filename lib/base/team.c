/* SPDX-License-Identifier: MIT */
/* Work shared among threads. The door to OpenMP. */
#include <mgen/base.h>

#include <omp.h>

int mg_cores(void) { return omp_get_num_procs(); }

int mg_library_threads(int threads)
{
    int before = omp_get_max_threads();
    omp_set_num_threads(threads);
    return before;
}

void mg_each(int threads, size_t n, void (*work)(void *user, size_t i), void *user)
{
    if (threads <= 1 || n <= 1) {
        for (size_t i = 0; i < n; i++) work(user, i);
        return;
    }
    if ((size_t)threads > n) threads = (int)n;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (size_t i = 0; i < n; i++) work(user, i);
}
