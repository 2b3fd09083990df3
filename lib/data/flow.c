/* SPDX-License-Identifier: MIT */
/* Many inputs, several threads, one order: batches are worked on in parallel and handed on in order. */
#include <mgen/data.h>

/* A batch that made more than HEAVY bytes is followed by a smaller one. */
enum { BATCH_PER_THREAD = 32, HEAVY = 32 << 20, KEPT = 1 << 20 };

typedef struct {
    const mg_flow *flow;
    mg_job *jobs;
} batch;

static void work(void *user, size_t i)
{
    batch *b = user;
    mg_job *job = &b->jobs[i];
    if (job->item.trouble.status) {
        job->why = job->item.trouble;
        return;
    }
    job->why.status = b->flow->work(b->flow->user, job);
}

static void add_tally(mg_tally *sum, const mg_tally *part)
{
    sum->failed += part->failed;
    sum->lossy += part->lossy;
    sum->dropped += part->dropped;
}

static size_t weight_of(const mg_flow *flow, const mg_job *job)
{
    return job->out.length + (flow->weigh && job->result ? flow->weigh(job->result) : 0);
}

/* How many inputs to take next. */
static size_t next_batch(size_t n, size_t made, size_t capacity)
{
    if (made > HEAVY) n = (size_t)((double)n * HEAVY / (double)made);
    else n *= 2;
    return n < 1 ? 1 : n > capacity ? capacity : n;
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

/* Hand one finished job on. */
static mg_status finish(const mg_flow *flow, mg_job *job, mg_run *run, mg_error *why)
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

mg_status mg_flow_run(const mg_flow *flow, mg_source *source, mg_run *run, mg_error *why)
{
    size_t capacity = (size_t)(run->threads > 1 ? run->threads : 1) * BATCH_PER_THREAD;
    mg_job *jobs = mg_alloc_zero(capacity, sizeof *jobs);
    if (!jobs) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_status status = MG_OK, next = MG_OK;
    size_t most = capacity;
    while (!status && !next) {
        size_t n = 0, made = 0;
        while (n < most && !(next = mg_source_next(source, &jobs[n].item, why))) n++;
        for (size_t i = 0; !status && flow->prepare && i < n; i++) status = flow->prepare(flow->user, &jobs[i], why);
        if (!status) mg_each(run->threads, n, work, &(batch){flow, jobs});
        for (size_t i = 0; i < n; i++) {
            if (!status) {
                run->tally.inputs++;
                status = finish(flow, &jobs[i], run, why);
            }
            made += weight_of(flow, &jobs[i]);
            clear_job(flow, &jobs[i]);
        }
        most = next_batch(most, made, capacity);
        if (!status) status = mg_run_progress(run, &(mg_progress){.what = "files", .done = run->tally.inputs});
    }
    for (size_t i = 0; i < capacity; i++) mg_buffer_free(&jobs[i].out);
    mg_free(jobs);
    return status ? status : next == MG_END ? MG_OK : next;
}
