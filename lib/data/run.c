/* SPDX-License-Identifier: MIT */
/* What a run does with records and progress. */
#include <mgen/data.h>

#include <string.h>

mg_status mg_run_progress(mg_run *run, const mg_progress *progress)
{
    bool goes_on = !run->progress || run->progress(run->progress_user, progress);
    return goes_on && !mg_stop_asked() ? MG_OK : MG_STOPPED;
}

mg_status mg_run_emit(mg_run *run, const mg_buffer *lines, mg_error *why)
{
    if (lines->failed) return mg_fail(why, MG_NO_MEMORY, "out of memory while writing a record");
    if (lines->length == 0) return MG_OK;
    for (const char *at = lines->data, *end = at + lines->length; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        MG_TRY(run->out.line(run->out.user, at, (size_t)(newline - at), why));
        run->tally.records++;
        at = newline + 1;
    }
    return MG_OK;
}
