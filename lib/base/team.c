/* SPDX-License-Identifier: MIT */
/* Work shared among threads. The door to OpenMP, which libraries share theirs by; ours have threads of their own, as
   OpenMP's wait by watching for milliseconds, and two programs on a busy machine then starve each other. */
#include <mgen/base.h>

#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

int mg_cores(void) { return omp_get_num_procs(); }

int mg_library_threads(int threads)
{
    int before = omp_get_max_threads();
    omp_set_num_threads(threads);
    return before;
}

/* ---- waiting ---- */

static void relax(void)
{
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
}

/* The others are a few microseconds away, so whoever waits watches; but not for long, as they may not even be running:
   whoever has watched in vain watches half as long the next time, and twice as long again where it was of use. */
enum { MOST_PATIENCE = 4000 };
static _Thread_local int patience = MOST_PATIENCE;

/* False once it is better to let others have the processor; `times` counts from 0. */
static bool watch(int *times)
{
    if (*times > patience) return false;
    if (++*times > patience) patience = patience / 2 + 1;
    relax();
    return true;
}

static void seen_after(int times)
{
    if (times > 0 && times <= patience) patience = 2 * patience < MOST_PATIENCE ? 2 * patience : MOST_PATIENCE;
}

/* Each number on a line of its own: what one watches another must not write beside. */
struct mg_meeting {
    _Alignas(64) atomic_int here;
    _Alignas(64) atomic_uint turn; /* meetings that are over */
    _Alignas(64) char rest;
};

void mg_team_meet(mg_team team)
{
    if (team.size <= 1) return;
    mg_meeting *m = team.meeting;
    unsigned turn = atomic_load_explicit(&m->turn, memory_order_acquire);
    if (atomic_fetch_add_explicit(&m->here, 1, memory_order_acq_rel) == team.size - 1) {
        atomic_store_explicit(&m->here, 0, memory_order_relaxed);
        atomic_store_explicit(&m->turn, turn + 1, memory_order_release);
        return;
    }
    int times = 0;
    while (atomic_load_explicit(&m->turn, memory_order_acquire) == turn)
        if (!watch(&times)) sched_yield();
    seen_after(times);
}

/* ---- threads that wait for work ---- */

typedef void (*team_fn)(void *user, mg_team team);

static struct {
    atomic_flag is_taken;      /* by whoever's work they do */
    int n;                     /* threads there are, besides the caller's */
    pthread_mutex_t lock;      /* of what sleeping threads wait for */
    pthread_cond_t wake;
    _Alignas(64) atomic_uint_least64_t turn; /* works begun, and in the last bits the size of the team for this one:
                                                who is not of it must touch nothing else, as the next may be begun */
    team_fn work;
    void *user;
    _Alignas(64) atomic_int left; /* at work still */
    mg_meeting meeting;
} pool = {.is_taken = ATOMIC_FLAG_INIT, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

enum { SIZE_BITS = 16, MOST_THREADS = (1 << SIZE_BITS) - 1 };
static _Thread_local bool is_in_team;

/* Returns with another turn than the last one seen. */
static uint64_t wait_for_work(uint64_t seen)
{
    uint64_t turn;
    for (int times = 0; (turn = atomic_load_explicit(&pool.turn, memory_order_acquire)) == seen;) {
        if (watch(&times)) continue;
        pthread_mutex_lock(&pool.lock);
        while (atomic_load(&pool.turn) == seen) pthread_cond_wait(&pool.wake, &pool.lock);
        pthread_mutex_unlock(&pool.lock);
    }
    return turn;
}

static void *helper(void *number)
{
    int rank = (int)(intptr_t)number;
    is_in_team = true;
    for (uint64_t seen = 0;;) {
        seen = wait_for_work(seen);
        int size = (int)(seen & MOST_THREADS);
        if (rank >= size) continue;
        pool.work(pool.user, (mg_team){rank, size, &pool.meeting});
        atomic_fetch_sub_explicit(&pool.left, 1, memory_order_acq_rel);
    }
    return NULL;
}

/* Signals are for the threads that the program knows of. */
static void start_helpers(int wanted)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (pthread_t thread; pool.n < wanted; pool.n++) {
        if (pthread_create(&thread, NULL, helper, (void *)(intptr_t)(pool.n + 1))) break;
        pthread_detach(thread);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void begin(team_fn work, void *user, int size)
{
    uint64_t turn = atomic_load(&pool.turn) >> SIZE_BITS;
    pool.work = work, pool.user = user;
    atomic_store(&pool.left, size - 1);
    pthread_mutex_lock(&pool.lock);
    atomic_store(&pool.turn, (turn + 1) << SIZE_BITS | (uint64_t)size);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
}

void mg_team_run(int threads, void (*work)(void *user, mg_team team), void *user)
{
    if (threads <= 1 || is_in_team || atomic_flag_test_and_set(&pool.is_taken)) {
        work(user, MG_ALONE);
        return;
    }
    if (threads > MOST_THREADS) threads = MOST_THREADS;
    start_helpers(threads - 1);
    int size = pool.n + 1 < threads ? pool.n + 1 : threads;
    begin(work, user, size);
    is_in_team = true;
    work(user, (mg_team){0, size, &pool.meeting});
    is_in_team = false;
    int times = 0;
    while (atomic_load_explicit(&pool.left, memory_order_acquire) > 0)
        if (!watch(&times)) sched_yield();
    seen_after(times);
    atomic_flag_clear(&pool.is_taken);
}

void mg_team_part(mg_team team, int64_t n, int64_t grain, int64_t *from, int64_t *to)
{
    int64_t grains = (n + grain - 1) / grain;
    *from = grains * team.rank / team.size * grain;
    *to = grains * (team.rank + 1) / team.size * grain;
    if (*to > n) *to = n;
}

/* ---- one after the other, whoever is free ---- */

typedef struct {
    void (*work)(void *user, size_t i);
    void *user;
    size_t n;
    atomic_size_t next;
} queue;

static void take_work(void *user, mg_team team)
{
    queue *q = user;
    (void)team;
    for (size_t i; (i = atomic_fetch_add(&q->next, 1)) < q->n;) q->work(q->user, i);
}

void mg_each(int threads, size_t n, void (*work)(void *user, size_t i), void *user)
{
    queue q = {.work = work, .user = user, .n = n};
    mg_team_run(threads > 1 && (size_t)threads > n ? (int)n : threads, take_work, &q);
}
