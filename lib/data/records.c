/* SPDX-License-Identifier: MIT */
/* Records as they are. */
#include <mgen/data.h>

static mg_status work(void *user, mg_job *job)
{
    (void)user;
    const mg_item *item = &job->item;
    if (item->pack) {
        mg_pack_add_record(item->pack, item->number, &job->out);
    } else if (item->line) {
        mg_buffer_add(&job->out, item->line, item->length);
        mg_buffer_add_char(&job->out, '\n');
    } else {
        return mg_fail(&job->why, MG_UNSUPPORTED, "neither a packed set nor records");
    }
    return job->out.failed ? mg_fail(&job->why, MG_NO_MEMORY, "out of memory") : MG_OK;
}

mg_status mg_records_run(mg_source *source, mg_run *run, mg_error *why)
{
    return mg_flow_run(&(mg_flow){.work = work}, source, run, why);
}
