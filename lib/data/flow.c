/* SPDX-License-Identifier: MIT */
/* Many inputs, several threads, one order. The caller's thread fills units of inputs into a ring, workers take them as
   they come, and the caller hands them on in order. A unit is one input where inputs take long, more where they are
   quick, so that neither waiting nor passing on costs much. */
#include <mgen/data.h>

#include <pthread.h>
#include <string.h>
#include <time.h>

/* HEAVY bytes of results wait at most, LARGE bytes of records make a unit; buffers of more than KEPT are freed. */
enum { MOST_OF_UNIT = 64, HEAVY = 32 << 20, LARGE = 1 << 20, KEPT = 1 << 16, LOOK_UP_MS = 100 };
static const double quick_s = 2e-3, slow_s = 20e-3;

typedef struct {
    mg_job *jobs; /* MOST_OF_UNIT, made when first needed */
    size_t n, weight;
    double took_s;
    bool is_done;
} unit;

typedef struct {
    const mg_flow *flow;
    unit *ring;
    size_t size, per_unit;
    uint64_t filled, taken, finished; /* units so far; unit k lies at k % size */
    size_t waiting;                   /* bytes of results that wait to be handed on */
    bool is_over;                     /* nothing more will be filled */
    bool has_failed;                  /* what was not begun need not be */
    pthread_mutex_t lock;
    pthread_cond_t is_filled, is_done;
} flow_run;

static unit *unit_at(const flow_run *r, uint64_t k) { return &r->ring[k % r->size]; }

/* ---- work ---- */

static size_t weight_of(const mg_flow *flow, const mg_job *job)
{
    return job->out.length + (flow->weigh && job->result ? flow->weigh(job->result) : 0);
}

static void work_on(const flow_run *r, unit *u)
{
    double start_s = mg_now_s();
    u->weight = 0;
    for (size_t i = 0; i < u->n; i++) {
        mg_job *job = &u->jobs[i];
        if (job->item.trouble.status) job->why = job->item.trouble;
        else if (mg_stop_asked()) mg_fail(&job->why, MG_STOPPED, "asked to stop");
        else job->why.status = r->flow->work(r->flow->user, job);
        u->weight += weight_of(r->flow, job);
    }
    u->took_s = mg_now_s() - start_s;
}

/* Results are bounded, but the one that is next to be handed on is always worked for. */
static bool may_take(const flow_run *r)
{
    return r->taken < r->filled && (r->waiting < HEAVY || r->taken == r->finished);
}

static void *worker(void *user)
{
    flow_run *r = user;
    pthread_mutex_lock(&r->lock);
    for (;;) {
        while (!r->has_failed && !may_take(r) && !(r->is_over && r->taken == r->filled))
            pthread_cond_wait(&r->is_filled, &r->lock);
        if (r->has_failed || r->taken == r->filled) break;
        unit *u = unit_at(r, r->taken++);
        pthread_mutex_unlock(&r->lock);
        work_on(r, u);
        pthread_mutex_lock(&r->lock);
        u->is_done = true;
        r->waiting += u->weight;
        pthread_cond_signal(&r->is_done);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* ---- the caller's side ---- */

/* Take inputs into a unit until it is full, or the next would have to be waited for. */
static mg_status fill(flow_run *r, mg_source *source, unit *u, mg_error *why)
{
    size_t bytes = 0;
    u->n = 0;
    u->is_done = false;
    if (!u->jobs) u->jobs = mg_alloc_zero(MOST_OF_UNIT, sizeof *u->jobs);
    if (!u->jobs) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    while (u->n < r->per_unit && bytes < LARGE && !(u->n && mg_source_would_wait(source))) {
        MG_TRY(mg_source_next(source, &u->jobs[u->n].item, why));
        bytes += u->jobs[u->n++].item.length;
    }
    return MG_OK;
}

static mg_status prepare(const mg_flow *flow, const unit *u, mg_error *why)
{
    for (size_t i = 0; flow->prepare && i < u->n; i++) MG_TRY(flow->prepare(flow->user, &u->jobs[i], why));
    return MG_OK;
}

static void pass_on(flow_run *r)
{
    pthread_mutex_lock(&r->lock);
    r->filled++;
    pthread_cond_signal(&r->is_filled);
    pthread_mutex_unlock(&r->lock);
}

/* Wait a moment for the next unit in order; whether it is done. */
static bool wait_for_next(flow_run *r)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOOK_UP_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&r->lock);
    unit *next = unit_at(r, r->finished);
    if (!next->is_done) pthread_cond_timedwait(&r->is_done, &r->lock, &until);
    bool is_done = next->is_done;
    pthread_mutex_unlock(&r->lock);
    return is_done;
}

static bool is_next_done(flow_run *r)
{
    pthread_mutex_lock(&r->lock);
    bool is_done = r->finished < r->filled && unit_at(r, r->finished)->is_done;
    pthread_mutex_unlock(&r->lock);
    return is_done;
}

/* An input that failed in several pieces is one that failed. */
static void add_tally(mg_tally *sum, const mg_tally *part)
{
    sum->inputs++;
    sum->failed += part->failed > 0;
    sum->lossy += part->lossy > 0;
    sum->pieces += part->pieces;
    sum->dropped += part->dropped;
    sum->notes += part->notes;
    sum->left_out += part->left_out;
}

/* Hand one finished job on. */
static mg_status finish_job(const mg_flow *flow, mg_job *job, mg_run *run, mg_error *why)
{
    mg_status status = job->why.status;
    if (status == MG_NO_MEMORY || status == MG_STOPPED) {
        *why = job->why;
        return status;
    }
    if (status) {
        mg_record_error(&job->out, job->item.path, &job->why);
        job->tally.failed++;
    }
    add_tally(&run->tally, &job->tally);
    MG_TRY(mg_run_emit(run, &job->out, why));
    return flow->collect ? flow->collect(flow->user, job, why) : MG_OK;
}

/* Ready for the next input. */
static void clear_job(const mg_flow *flow, mg_job *job)
{
    mg_item_clear(&job->item);
    if (job->out.capacity > KEPT) mg_buffer_free(&job->out);
    else mg_buffer_clear(&job->out);
    job->tally = (mg_tally){0};
    job->why = (mg_error){0};
    if (job->result && flow->release) flow->release(job->result);
    job->result = NULL;
}

/* How many inputs the next units take: more where a unit was quick, fewer where it was slow or made much. */
static size_t next_size(size_t now, const unit *u)
{
    if (u->took_s > slow_s || u->weight > LARGE) return now > 1 ? now / 2 : 1;
    return u->took_s < quick_s && u->n == now && now < MOST_OF_UNIT ? now * 2 : now;
}

static mg_status finish_unit(flow_run *r, mg_run *run, mg_error *why)
{
    unit *u = unit_at(r, r->finished);
    mg_status status = MG_OK;
    for (size_t i = 0; !status && i < u->n; i++) status = finish_job(r->flow, &u->jobs[i], run, why);
    for (size_t i = 0; i < u->n; i++) clear_job(r->flow, &u->jobs[i]);
    r->per_unit = next_size(r->per_unit, u);
    u->n = 0;
    pthread_mutex_lock(&r->lock);
    r->waiting -= u->weight;
    r->finished++;
    pthread_cond_broadcast(&r->is_filled);
    pthread_mutex_unlock(&r->lock);
    return status;
}

static mg_status tell(const mg_source *source, mg_run *run, mg_error *why)
{
    double share = run->tally.inputs ? mg_source_share(source) : 0; /* of what was handed out, which may not be done */
    const mg_progress now = {.what = "inputs", .done = run->tally.inputs, .share = share};
    return mg_run_progress(run, &now) ? mg_fail(why, MG_STOPPED, "asked to stop") : MG_OK;
}

/* Fill, hand on, wait, whichever can be done; without workers the caller works. */
static mg_status step(flow_run *r, bool has_workers, mg_source *source, mg_run *run, bool *is_over, mg_error *why)
{
    bool is_idle = r->filled == r->finished, has_place = r->filled - r->finished < r->size;
    if (!*is_over && has_place && (is_idle || !mg_source_would_wait(source))) {
        unit *u = unit_at(r, r->filled);
        if (run->out.flush && mg_source_would_wait(source)) run->out.flush(run->out.user);
        mg_status status = fill(r, source, u, why);
        if (status && status != MG_END) return status;
        *is_over = status == MG_END;
        MG_TRY(prepare(r->flow, u, why));
        if (u->n && !has_workers) work_on(r, u), u->is_done = true, r->taken++, r->waiting += u->weight;
        if (u->n) pass_on(r);
    } else if (!is_next_done(r)) {
        wait_for_next(r);
    }
    while (is_next_done(r)) MG_TRY(finish_unit(r, run, why));
    return tell(source, run, why);
}

static void end_workers(flow_run *r, const pthread_t *workers, int n, bool has_failed)
{
    pthread_mutex_lock(&r->lock);
    r->is_over = true;
    r->has_failed = has_failed;
    pthread_cond_broadcast(&r->is_filled);
    pthread_mutex_unlock(&r->lock);
    for (int i = 0; i < n; i++) pthread_join(workers[i], NULL);
}

static void clear_ring(flow_run *r)
{
    for (size_t k = 0; k < r->size; k++) {
        for (size_t i = 0; r->ring[k].jobs && i < MOST_OF_UNIT; i++) {
            clear_job(r->flow, &r->ring[k].jobs[i]);
            mg_buffer_free(&r->ring[k].jobs[i].out);
        }
        mg_free(r->ring[k].jobs);
    }
    mg_free(r->ring);
}

mg_status mg_flow_run(const mg_flow *flow, mg_source *source, mg_run *run, mg_error *why)
{
    int wanted = run->threads > 1 ? run->threads : 0, n = 0;
    flow_run r = {.flow = flow, .size = 2 * (size_t)wanted + 1, .per_unit = 1, .lock = PTHREAD_MUTEX_INITIALIZER,
                  .is_filled = PTHREAD_COND_INITIALIZER, .is_done = PTHREAD_COND_INITIALIZER};
    r.ring = mg_alloc_zero(r.size, sizeof *r.ring);
    pthread_t *workers = mg_alloc((size_t)wanted + 1, sizeof *workers);
    mg_status status = r.ring && workers ? MG_OK : mg_fail(why, MG_NO_MEMORY, "out of memory");
    while (!status && n < wanted && pthread_create(&workers[n], NULL, worker, &r) == 0) n++;
    bool is_over = false;
    while (!status && !(is_over && r.filled == r.finished)) status = step(&r, n > 0, source, run, &is_over, why);
    end_workers(&r, workers, n, status != MG_OK);
    if (r.ring) clear_ring(&r);
    mg_free(workers);
    return status;
}
