/* SPDX-License-Identifier: MIT */
/* The lines of a record stream. */
#include <mgen/data.h>

#include <poll.h>
#include <string.h>
#include <sys/stat.h>

enum { PIECE = 1 << 16, LONGEST = 64 << 20 };

struct mg_lines {
    int fd;
    char *name, *data;
    size_t start, end, capacity; /* unread bytes: data[start .. end) */
    size_t searched;             /* no newline before this offset from start */
    uint64_t number, taken;      /* lines handed out, bytes read */
    uint64_t size;               /* of the file; 0: a pipe's is not known */
    bool is_over;
};

mg_status mg_lines_open(int fd, const char *name, mg_lines **result, mg_error *why)
{
    mg_lines *lines = mg_alloc_zero(1, sizeof *lines);
    *result = lines;
    if (lines) {
        struct stat about;
        lines->fd = fd;
        if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) lines->size = (uint64_t)about.st_size;
        lines->name = mg_strdup(name);
        lines->data = mg_alloc(lines->capacity = 2 * PIECE, 1);
        if (lines->name && lines->data) return MG_OK;
    }
    mg_lines_close(lines);
    *result = NULL;
    return mg_fail(why, MG_NO_MEMORY, "%s: out of memory", name);
}

void mg_lines_close(mg_lines *lines)
{
    if (!lines) return;
    mg_free(lines->name);
    mg_free(lines->data);
    mg_free(lines);
}

/* Read more behind what is unread. */
static mg_status fill(mg_lines *lines, mg_error *why)
{
    if (lines->start > 0) {
        memmove(lines->data, lines->data + lines->start, lines->end - lines->start);
        lines->end -= lines->start;
        lines->start = 0;
    }
    if (lines->capacity - lines->end < PIECE) {
        size_t larger = lines->capacity * 2;
        char *moved = mg_realloc(lines->data, larger, 1);
        if (!moved) return mg_fail(why, MG_NO_MEMORY, "%s: out of memory", lines->name);
        lines->data = moved;
        lines->capacity = larger;
    }
    size_t n;
    MG_TRY(mg_read_some(lines->fd, lines->name, lines->data + lines->end, lines->capacity - lines->end - 1, &n, why));
    lines->is_over = n == 0;
    lines->end += n;
    lines->taken += n;
    return MG_OK;
}

/* Past a line that is too long, so that the next one can be had. */
static mg_status skip_line(mg_lines *lines, mg_error *why)
{
    char *newline = NULL;
    while (!newline && !lines->is_over) {
        lines->start = lines->end = 0;
        MG_TRY(fill(lines, why));
        newline = memchr(lines->data, '\n', lines->end);
    }
    lines->start = newline ? (size_t)(newline + 1 - lines->data) : lines->end;
    lines->searched = 0;
    lines->number++;
    return MG_OK;
}

static bool is_blank(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r') return false;
    return true;
}

static mg_status too_long(const mg_lines *lines, mg_error *why)
{
    return mg_fail(why, MG_TOO_LARGE, "%s: line %llu is longer than %d bytes", lines->name,
                   (unsigned long long)lines->number, LONGEST);
}

mg_status mg_lines_next(mg_lines *lines, const char **text, size_t *length, uint64_t *number, mg_error *why)
{
    for (;;) {
        size_t unread = lines->end - lines->start;
        char *start = lines->data + lines->start;
        char *newline = unread > lines->searched ? memchr(start + lines->searched, '\n', unread - lines->searched)
                                                 : NULL;
        if (!newline && !lines->is_over) {
            lines->searched = unread;
            if (unread > LONGEST) {
                MG_TRY(skip_line(lines, why));
                return too_long(lines, why);
            }
            MG_TRY(fill(lines, why));
            continue;
        }
        if (!newline && unread == 0) return MG_END;
        size_t n = newline ? (size_t)(newline - start) : unread;
        lines->start += n + (newline != NULL);
        lines->searched = 0;
        lines->number++;
        if (n > LONGEST) return too_long(lines, why);
        if (is_blank(start, n)) continue;
        start[n] = '\0';
        *text = start, *length = n, *number = lines->number;
        return MG_OK;
    }
}

bool mg_lines_would_wait(const mg_lines *lines)
{
    size_t unread = lines->end - lines->start;
    struct pollfd waits = {.fd = lines->fd, .events = POLLIN};
    if (lines->is_over || (unread && memchr(lines->data + lines->start, '\n', unread))) return false;
    return poll(&waits, 1, 0) == 0;
}

double mg_lines_share(const mg_lines *lines)
{
    return lines->size ? (double)(lines->taken - (lines->end - lines->start)) / (double)lines->size : 0;
}

/* Whether there is enough to tell what it is: a line that may be a record, or some bytes. */
static bool is_telling(const mg_lines *lines)
{
    size_t unread = lines->end - lines->start;
    const char *at = lines->data + lines->start;
    return unread >= PIECE || (unread && *at == '{' && memchr(at, '\n', unread));
}

mg_status mg_lines_peek(mg_lines *lines, const char **text, size_t *length, mg_error *why)
{
    while (!lines->is_over && !is_telling(lines)) MG_TRY(fill(lines, why));
    *text = lines->data + lines->start;
    *length = lines->end - lines->start;
    return MG_OK;
}

mg_status mg_lines_rest(mg_lines *lines, uint64_t cap, mg_file *rest, mg_error *why)
{
    while (!lines->is_over) {
        if (cap && lines->end - lines->start > cap)
            return mg_fail(why, MG_TOO_LARGE, "%s: larger than the limit of %llu bytes", lines->name,
                           (unsigned long long)cap);
        MG_TRY(fill(lines, why));
    }
    size_t n = lines->end - lines->start;
    char *copy = mg_strndup(lines->data + lines->start, n);
    if (!copy) return mg_fail(why, MG_NO_MEMORY, "%s: out of memory", lines->name);
    lines->start = lines->end;
    *rest = (mg_file){.data = (const uint8_t *)copy, .size = n};
    return MG_OK;
}
