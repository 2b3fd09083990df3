/* SPDX-License-Identifier: MIT */
/* Statuses, their sentences, and how a failure is described. */
#include <mgen/base.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const sentences[MG_STATUS_COUNT] = {
    [MG_OK] = "no error",
    [MG_NO_MEMORY] = "out of memory",
    [MG_IO] = "input or output failed",
    [MG_CLOSED] = "the reader of the output went away",
    [MG_BAD_DATA] = "the data do not follow their format",
    [MG_UNSUPPORTED] = "this kind of input is not supported",
    [MG_TOO_LARGE] = "a size limit was passed",
    [MG_BAD_ARGUMENT] = "an argument makes no sense",
    [MG_BAD_NUMBER] = "a number is not finite",
    [MG_STOPPED] = "stopped on request",
    [MG_END] = "no more items",
};

const char *mg_status_text(mg_status status)
{
    return (unsigned)status < MG_STATUS_COUNT ? sentences[status] : "unknown status";
}

mg_status mg_fail(mg_error *why, mg_status status, const char *format, ...)
{
    if (!why) return status;
    va_list args;
    va_start(args, format);
    why->status = status;
    why->where[0] = '\0';
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    return status;
}

mg_status mg_fail_in(mg_error *why, mg_status status, const char *path, const mg_error *inner)
{
    size_t n = strlen(path);
    const char *reason = inner->text[0] ? inner->text : mg_status_text(status);
    if (strncmp(reason, path, n) == 0 && reason[n] == ':') mg_fail(why, status, "%s", reason);
    else mg_fail(why, status, "%s: %s", path, reason);
    if (inner->where[0]) mg_error_at(why, "%s", inner->where);
    return status;
}

void mg_error_at(mg_error *why, const char *format, ...)
{
    if (!why || why->where[0]) return; /* the innermost place is the telling one */
    va_list args;
    va_start(args, format);
    vsnprintf(why->where, sizeof why->where, format, args);
    va_end(args);
}

mg_status mg_fail_errno(mg_error *why, const char *format, ...)
{
    int code = errno;
    mg_status status = code == ENOMEM ? MG_NO_MEMORY : code == EPIPE ? MG_CLOSED : MG_IO;
    if (!why) return status;
    char text[sizeof why->text], reason[128];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return mg_fail(why, status, "%s: %s", text, strerror_r(code, reason, sizeof reason));
}
