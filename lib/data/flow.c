/* SPDX-License-Identifier: MIT */
/* Many inputs, several threads, one order: batches are worked on in parallel and handed on in order. */
#include <mgen/data.h>

enum { BATCH_PER_THREAD = 32 };

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
    while (!status && !next) {
        size_t n = 0;
        while (n < capacity && !(next = mg_source_next(source, &jobs[n].item, why))) n++;
        for (size_t i = 0; !status && flow->prepare && i < n; i++) status = flow->prepare(flow->user, &jobs[i], why);
        if (!status) mg_each(run->threads, n, work, &(batch){flow, jobs});
        for (size_t i = 0; i < n; i++) {
            if (!status) {
                run->tally.inputs++;
                status = finish(flow, &jobs[i], run, why);
            }
            mg_item_clear(&jobs[i].item);
            mg_buffer_clear(&jobs[i].out);
            jobs[i].tally = (mg_tally){0};
            jobs[i].why = (mg_error){0};
            if (jobs[i].result && flow->release) flow->release(jobs[i].result);
            jobs[i].result = NULL;
        }
        if (!status) status = mg_run_progress(run, &(mg_progress){.what = "files", .done = run->tally.inputs});
    }
    for (size_t i = 0; i < capacity; i++) mg_buffer_free(&jobs[i].out);
    mg_free(jobs);
    return status ? status : next == MG_END ? MG_OK : next;
}
