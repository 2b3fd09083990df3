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

void mg_team_run(int threads, void (*work)(void *user, mg_team team), void *user)
{
    if (threads <= 1) {
        work(user, MG_ALONE);
        return;
    }
#pragma omp parallel num_threads(threads)
    work(user, (mg_team){omp_get_thread_num(), omp_get_num_threads()});
}

void mg_team_meet(mg_team team)
{
    if (team.size <= 1) return;
#pragma omp barrier
}

void mg_team_part(mg_team team, int64_t n, int64_t grain, int64_t *from, int64_t *to)
{
    int64_t grains = (n + grain - 1) / grain;
    *from = grains * team.rank / team.size * grain;
    *to = grains * (team.rank + 1) / team.size * grain;
    if (*to > n) *to = n;
}
