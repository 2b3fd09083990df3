/* SPDX-License-Identifier: MIT */
/* Outputs that appear whole or not at all: a locked temporary in the target's folder, synced, renamed, folder synced.
   The temporary's name follows from the target's, so what a killed process left behind is found by the next writer
   of the same target: if its lock can be had, nobody writes it any more. */
#include <mgen/base.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_SIZE = 1 << 16, MOST_OPEN = 256 };

struct mg_out {
    char *path, *temporary; /* temporary NULL: standard output, a pipe or a device */
    int fd;
    mg_error failure; /* of the first write that failed */
    uint64_t size;
    size_t pending;
    char buffer[BUFFER_SIZE];
};

/* Names that a signal handler must unlink. A slot is claimed under the lock; the handler only reads. */
static char *volatile open_temporaries[MOST_OPEN];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void replace_name(char *old, char *new)
{
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MOST_OPEN; i++)
        if (open_temporaries[i] == old) {
            open_temporaries[i] = new;
            break;
        }
    pthread_mutex_unlock(&lock);
}

void mg_out_abandon_all(void)
{
    for (int i = 0; i < MOST_OPEN; i++)
        if (open_temporaries[i]) unlink(open_temporaries[i]);
}

static int folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (int)(slash - path + 1) : 0;
}

static char *temporary_name(const char *path)
{
    int folder = folder_length(path);
    mg_buffer name = {0};
    mg_buffer_print(&name, "%.*s.mgen-%016llx.tmp", folder, path,
                    (unsigned long long)mg_hash64_bytes(path + folder, strlen(path + folder)));
    return name.data;
}

static mg_status open_temporary(mg_out *out, mg_error *why)
{
    for (int tries = 0; tries < 3; tries++) {
        out->fd = open(out->temporary, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (out->fd < 0) return mg_fail_errno(why, "%s", out->path);
        if (flock(out->fd, LOCK_EX | LOCK_NB)) {
            if (errno != EWOULDBLOCK) return mg_fail_errno(why, "%s", out->path);
            return mg_fail(why, MG_IO, "%s: another process is writing it", out->path);
        }
        /* Between open and lock the name may have been renamed or removed by its former owner: look again. */
        struct stat ours, named;
        if (fstat(out->fd, &ours) == 0 && stat(out->temporary, &named) == 0 && ours.st_ino == named.st_ino &&
            ours.st_dev == named.st_dev) {
            if (ftruncate(out->fd, 0)) {
                mg_fail_errno(why, "%s", out->path);
                unlink(out->temporary);
                return MG_IO;
            }
            replace_name(NULL, out->temporary);
            return MG_OK;
        }
        close(out->fd);
        out->fd = -1;
    }
    return mg_fail(why, MG_IO, "%s: another process is writing it", out->path);
}

static mg_status open_special(mg_out *out, mg_error *why)
{
    out->fd = open(out->path, O_WRONLY | O_CLOEXEC);
    return out->fd < 0 ? mg_fail_errno(why, "%s", out->path) : MG_OK;
}

static void discard(mg_out *out)
{
    mg_free(out->temporary);
    mg_free(out->path);
    mg_free(out);
}

mg_status mg_out_open(const char *path, bool may_replace, mg_out **result, mg_error *why)
{
    *result = NULL;
    mg_out *out = mg_alloc_zero(1, sizeof *out);
    if (!out) return mg_fail(why, MG_NO_MEMORY, "%s: out of memory", path);
    out->fd = -1;
    if (strcmp(path, "-") == 0) {
        out->fd = STDOUT_FILENO;
        out->path = mg_strdup("standard output");
        if (!out->path) return discard(out), mg_fail(why, MG_NO_MEMORY, "standard output: out of memory");
        *result = out;
        return MG_OK;
    }
    struct stat about;
    mg_status status;
    bool exists = stat(path, &about) == 0;
    bool is_special = exists && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode);
    out->path = mg_strdup(path);
    out->temporary = is_special ? NULL : temporary_name(path);
    if (!out->path || (!out->temporary && !is_special))
        status = mg_fail(why, MG_NO_MEMORY, "%s: out of memory", path);
    else if (exists && S_ISDIR(about.st_mode))
        status = mg_fail(why, MG_IO, "%s: is a folder", path);
    else if (is_special)
        status = open_special(out, why);
    else if (exists && !may_replace)
        status = mg_fail(why, MG_IO, "%s: exists already (--force replaces it)", path);
    else
        status = open_temporary(out, why);
    if (status) {
        if (out->fd >= 0) close(out->fd);
        return discard(out), status;
    }
    *result = out;
    return MG_OK;
}

/* After a failure nothing more is written, and every call says what it was. */
static mg_status write_through(mg_out *out, const void *bytes, size_t length, mg_error *why)
{
    if (!out->failure.status)
        out->failure.status = mg_write_all(out->fd, out->path, bytes, length, &out->failure);
    if (out->failure.status && why) *why = out->failure;
    return out->failure.status;
}

static mg_status flush(mg_out *out, mg_error *why)
{
    size_t length = out->pending;
    out->pending = 0;
    return write_through(out, out->buffer, length, why);
}

mg_status mg_out_write(mg_out *out, const void *bytes, size_t length, mg_error *why)
{
    out->size += length;
    if (out->failure.status || length > sizeof out->buffer - out->pending) MG_TRY(flush(out, why));
    if (length >= sizeof out->buffer) return write_through(out, bytes, length, why);
    if (length) memcpy(out->buffer + out->pending, bytes, length);
    out->pending += length;
    return MG_OK;
}

void mg_out_flush(mg_out *out) { flush(out, NULL); }

const char *mg_out_path(const mg_out *out) { return out->path; }

int mg_out_fd(mg_out *out) { return flush(out, NULL) ? -1 : out->fd; }

bool mg_out_is_staged(const mg_out *out) { return out->temporary != NULL; }

mg_status mg_out_read(mg_out *out, mg_file *file, mg_error *why)
{
    if (flush(out, why)) return out->failure.status;
    if (lseek(out->fd, 0, SEEK_SET) < 0) return mg_fail_errno(why, "%s", out->path);
    mg_status status = mg_file_read_fd(out->fd, out->path, 0, file, why);
    lseek(out->fd, 0, SEEK_END);
    return status;
}

uint64_t mg_out_size(const mg_out *out) { return out->size; }

static int sync_file(int fd)
{
    int failed;
    do failed = fsync(fd);
    while (failed && errno == EINTR);
    return failed;
}

static mg_status sync_folder(const char *path, mg_error *why)
{
    char *folder = mg_strndup(path, (size_t)folder_length(path));
    if (!folder) return mg_fail(why, MG_NO_MEMORY, "%s: out of memory", path);
    int fd = open(*folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mg_status status = MG_OK;
    /* Some file systems cannot sync a folder and say EINVAL: then there is nothing to do. */
    if (fd < 0 || (sync_file(fd) && errno != EINVAL && errno != EROFS)) status = mg_fail_errno(why, "%s", path);
    if (fd >= 0) close(fd);
    mg_free(folder);
    return status;
}

static mg_status commit_file(mg_out *out, mg_error *why)
{
    MG_TRY(flush(out, why));
    if (sync_file(out->fd)) return mg_fail_errno(why, "%s", out->path);
    if (rename(out->temporary, out->path)) return mg_fail_errno(why, "%s", out->path);
    replace_name(out->temporary, NULL);
    mg_free(out->temporary);
    out->temporary = NULL;
    return sync_folder(out->path, why);
}

mg_status mg_out_commit(mg_out *out, mg_error *why)
{
    if (out->temporary) {
        mg_status status = commit_file(out, why);
        if (status) return mg_out_abandon(out), status;
        if (close(out->fd)) status = mg_fail_errno(why, "%s", out->path);
        return discard(out), status;
    }
    mg_status status = flush(out, why);
    if (out->fd > STDERR_FILENO && close(out->fd) && !status) status = mg_fail_errno(why, "%s", out->path);
    return discard(out), status;
}

void mg_out_abandon(mg_out *out)
{
    if (!out) return;
    if (out->temporary) {
        unlink(out->temporary);
        replace_name(out->temporary, NULL);
    }
    if (out->fd > STDERR_FILENO) close(out->fd);
    discard(out);
}
