/* SPDX-License-Identifier: MIT */
/* Whole files in memory, folders, and writing to a descriptor to the end. */
#include <mgen/base.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static mg_status too_large(const char *name, uint64_t cap, mg_error *why)
{
    return mg_fail(why, MG_TOO_LARGE, "%s: larger than the limit of %llu bytes", name, (unsigned long long)cap);
}

mg_status mg_open_to_read(const char *path, int *fd, mg_error *why)
{
    do *fd = open(path, O_RDONLY | O_CLOEXEC);
    while (*fd < 0 && errno == EINTR && !mg_stop_asked());
    if (*fd >= 0) return MG_OK;
    return mg_stop_asked() ? mg_fail(why, MG_STOPPED, "%s: asked to stop", path) : mg_fail_errno(why, "%s", path);
}

mg_status mg_read_some(int fd, const char *name, void *bytes, size_t most, size_t *n, mg_error *why)
{
    enum { LOOK_UP_MS = 250 };
    struct pollfd waits = {.fd = fd, .events = POLLIN};
    for (;;) {
        *n = 0;
        if (poll(&waits, 1, LOOK_UP_MS) <= 0) { /* a pipe that keeps silent, or a signal */
            if (mg_stop_asked()) return mg_fail(why, MG_STOPPED, "%s: asked to stop", name);
            continue;
        }
        ssize_t got = read(fd, bytes, most);
        if (got >= 0) return *n = (size_t)got, MG_OK;
        if (errno != EINTR && errno != EAGAIN) return mg_fail_errno(why, "%s", name);
    }
}

static mg_status read_stream(int fd, const char *name, uint64_t cap, mg_file *file, mg_error *why)
{
    mg_buffer bytes = {0};
    for (;;) {
        char piece[65536];
        size_t n;
        mg_status status = mg_read_some(fd, name, piece, sizeof piece, &n, why);
        if (status) return mg_buffer_free(&bytes), status;
        if (n == 0) break;
        if (cap && bytes.length + n > cap) return mg_buffer_free(&bytes), too_large(name, cap, why);
        mg_buffer_add(&bytes, piece, n);
        if (bytes.failed) return mg_buffer_free(&bytes), mg_fail(why, MG_NO_MEMORY, "%s: out of memory", name);
    }
    *file = (mg_file){.data = (const uint8_t *)bytes.data, .size = bytes.length};
    return MG_OK;
}

mg_status mg_file_read_fd(int fd, const char *name, uint64_t cap, mg_file *file, mg_error *why)
{
    struct stat about;
    *file = (mg_file){0};
    if (fstat(fd, &about)) return mg_fail_errno(why, "%s", name);
    if (S_ISDIR(about.st_mode)) return mg_fail(why, MG_IO, "%s: is a folder", name);
    if (!S_ISREG(about.st_mode)) return read_stream(fd, name, cap, file, why);
    if (cap && (uint64_t)about.st_size > cap) return too_large(name, cap, why);
    if (about.st_size < 65536) return read_stream(fd, name, cap, file, why); /* cheaper than a mapping */
    void *data = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) return read_stream(fd, name, cap, file, why);
    *file = (mg_file){.data = data, .size = (size_t)about.st_size, .is_mapped = true};
    return MG_OK;
}

mg_status mg_file_read(const char *path, uint64_t cap, mg_file *file, mg_error *why)
{
    *file = (mg_file){0};
    int fd;
    MG_TRY(mg_open_to_read(path, &fd, why));
    mg_status status = mg_file_read_fd(fd, path, cap, file, why);
    close(fd);
    return status;
}

void mg_file_forget(const mg_file *file)
{
    if (file->is_mapped) madvise((void *)(uintptr_t)file->data, file->size, MADV_DONTNEED);
}

void mg_file_free(mg_file *file)
{
    if (file->is_mapped)
        munmap((void *)(uintptr_t)file->data, file->size);
    else
        mg_free((void *)(uintptr_t)file->data);
    *file = (mg_file){0};
}

mg_status mg_write_all(int fd, const char *name, const void *bytes, size_t length, mg_error *why)
{
    for (const char *at = bytes; length > 0;) {
        ssize_t n = write(fd, at, length);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return mg_fail_errno(why, "%s", name);
        at += n;
        length -= (size_t)n;
    }
    return MG_OK;
}

void mg_path_add_absolute(mg_buffer *out, const char *path)
{
    mg_buffer whole = {0};
    char folder[4096] = "";
    if (path[0] != '/' && !getcwd(folder, sizeof folder)) folder[0] = '\0';
    mg_buffer_print(&whole, "%s/%s", folder, path);
    if (whole.failed) out->failed = true;
    size_t start = out->length;
    for (const char *at = whole.data, *next; at && *at; at = next) {
        while (*at == '/') at++;
        size_t n = strcspn(at, "/");
        next = at + n;
        if (n == 2 && memcmp(at, "..", 2) == 0) {
            while (out->length > start && out->data[--out->length] != '/') continue;
            if (out->data) out->data[out->length] = '\0';
        } else if (n > 0 && !(n == 1 && *at == '.')) {
            mg_buffer_add_char(out, '/');
            mg_buffer_add(out, at, n);
        }
    }
    if (out->length == start) mg_buffer_add_char(out, '/');
    mg_buffer_free(&whole);
}

/* A file without a name in the folder of `path`, so that none is left if we are killed; where the file system has no
   such files, `path` is the pattern of a name, which goes at once. */
static int open_nameless(char *path)
{
    char *slash = strrchr(path, '/'), kept = slash ? slash[1] : 0;
    if (slash) slash[1] = '\0';
    int fd = open(slash ? path : ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (slash) slash[1] = kept;
    if (fd >= 0) return fd;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) unlink(path);
    return fd;
}

mg_status mg_temporary_open(const char *beside, mg_temporary *file, mg_error *why)
{
    const char *slash = beside ? strrchr(beside, '/') : NULL, *tmp = getenv("TMPDIR");
    mg_buffer path = {0};
    if (beside) mg_buffer_print(&path, "%.*s.mgen-temporary-XXXXXX", slash ? (int)(slash - beside + 1) : 0, beside);
    else mg_buffer_print(&path, "%s/mgen-temporary-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    *file = (mg_temporary){0};
    if (path.failed) return mg_buffer_free(&path), mg_fail(why, MG_NO_MEMORY, "out of memory");
    int fd = open_nameless(path.data);
    if (fd < 0) {
        mg_status status = mg_fail_errno(why, "%s", path.data);
        return mg_buffer_free(&path), status;
    }
    *file = (mg_temporary){.name = path.data, .fd = fd};
    return MG_OK;
}

void mg_temporary_close(mg_temporary *file)
{
    if (file->name) close(file->fd);
    mg_free(file->name);
    *file = (mg_temporary){0};
}

mg_status mg_make_folder(const char *path, mg_error *why)
{
    char *whole = mg_strdup(path);
    if (!whole) return mg_fail(why, MG_NO_MEMORY, "%s: out of memory", path);
    mg_status status = MG_OK;
    for (char *at = whole + 1; !status; at++) {
        char ended = *at;
        if (ended != '/' && ended != '\0') continue;
        *at = '\0';
        if (mkdir(whole, 0777) && errno != EEXIST) status = mg_fail_errno(why, "%s", whole);
        *at = ended;
        if (ended == '\0') break;
    }
    struct stat about;
    if (!status && stat(path, &about)) status = mg_fail_errno(why, "%s", path);
    if (!status && !S_ISDIR(about.st_mode)) status = mg_fail(why, MG_IO, "%s: not a folder", path);
    mg_free(whole);
    return status;
}
