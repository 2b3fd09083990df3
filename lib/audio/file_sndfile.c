/* SPDX-License-Identifier: MIT */
/* Sound files. The door to libsndfile, which writes FLAC for us and says what files are. It writes through our own
   functions, which remember every failure: its sf_close returns 0 on a full disk. */
#include "audio/pcm.h"
#include "audio/wav.h"

#include <errno.h>
#include <fcntl.h>
#include <sndfile.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *mg_sound_library(void) { return sf_version_string(); }

/* ---- libsndfile's file is our descriptor ---- */

typedef struct {
    int fd;
    const char *path;
    mg_status status; /* of the first write that failed */
    mg_error why;
} through;

static sf_count_t file_length(void *user)
{
    struct stat about;
    return fstat(((through *)user)->fd, &about) ? -1 : about.st_size;
}

static sf_count_t file_seek(sf_count_t offset, int whence, void *user)
{
    return lseek(((through *)user)->fd, offset, whence);
}

static sf_count_t file_read(void *bytes, sf_count_t count, void *user)
{
    ssize_t n;
    do n = read(((through *)user)->fd, bytes, (size_t)count);
    while (n < 0 && errno == EINTR);
    return n;
}

static sf_count_t file_write(const void *bytes, sf_count_t count, void *user)
{
    through *t = user;
    if (!t->status) t->status = mg_write_all(t->fd, t->path, bytes, (size_t)count, &t->why);
    return t->status ? 0 : count;
}

static sf_count_t file_tell(void *user) { return lseek(((through *)user)->fd, 0, SEEK_CUR); }

static SF_VIRTUAL_IO virtual_io = {file_length, file_seek, file_read, file_write, file_tell};

/* ---- writing ---- */

struct mg_sound_writer {
    mg_sound_spec spec;
    mg_out *out;
    int64_t written;
    SNDFILE *flac; /* NULL for WAV */
    through file;
};

static mg_status write_failed(mg_sound_writer *writer, mg_error *why)
{
    if (!writer->file.status) return mg_fail(why, MG_IO, "libsndfile: %s", sf_strerror(writer->flac));
    if (why) *why = writer->file.why;
    return writer->file.status;
}

static mg_status open_flac(mg_sound_writer *writer, mg_error *why)
{
    const mg_sound_spec *spec = &writer->spec;
    if (spec->depth == MG_FLOAT_32) return mg_fail(why, MG_UNSUPPORTED, "FLAC has no float samples");
    writer->file.fd = mg_out_fd(writer->out);
    writer->file.path = mg_out_path(writer->out);
    if (lseek(writer->file.fd, 0, SEEK_CUR) < 0)
        return mg_fail(why, MG_UNSUPPORTED, "FLAC cannot be written to a pipe");
    SF_INFO info = {.samplerate = spec->rate, .channels = spec->channels,
                    .format = SF_FORMAT_FLAC | (spec->depth == MG_PCM_16 ? SF_FORMAT_PCM_16 : SF_FORMAT_PCM_24)};
    writer->flac = sf_open_virtual(&virtual_io, SFM_WRITE, &info, &writer->file);
    if (!writer->flac) return write_failed(writer, why);
    bool is_refused = spec->comment && sf_set_string(writer->flac, SF_STR_COMMENT, spec->comment);
    return is_refused ? write_failed(writer, why) : MG_OK;
}

mg_status mg_sound_create(mg_out *out, const mg_sound_spec *spec, mg_sound_writer **result, mg_error *why)
{
    mg_sound_writer *writer = mg_alloc_zero(1, sizeof *writer);
    *result = NULL;
    if (!writer) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    writer->spec = *spec;
    writer->out = out;
    mg_status status = spec->format == MG_FLAC ? open_flac(writer, why) : wav_begin(out, spec, why);
    if (status) return mg_sound_free(writer), status;
    *result = writer;
    return MG_OK;
}

/* 32-bit integers, the sample in their upper bits, are what libsndfile passes on without a change. */
static mg_status write_flac(mg_sound_writer *writer, const float *samples, size_t count, mg_error *why)
{
    int bits = wav_bytes(writer->spec.depth) * 8;
    while (count > 0) {
        int32_t values[4096];
        size_t n = count < 4096 ? count : 4096;
        for (size_t i = 0; i < n; i++) values[i] = (int32_t)((uint32_t)pcm_of(samples[i], bits) << (32 - bits));
        if (sf_write_int(writer->flac, values, (sf_count_t)n) != (sf_count_t)n || writer->file.status)
            return write_failed(writer, why);
        samples += n;
        count -= n;
    }
    return MG_OK;
}

mg_status mg_sound_write(mg_sound_writer *writer, const float *samples, size_t frames, mg_error *why)
{
    size_t count = frames * (size_t)writer->spec.channels;
    writer->written += (int64_t)frames;
    return writer->flac ? write_flac(writer, samples, count, why)
                        : wav_write(writer->out, &writer->spec, samples, count, why);
}

mg_status mg_sound_finish(mg_sound_writer *writer, mg_error *why)
{
    mg_status status = MG_OK;
    if (writer->written != writer->spec.frames) {
        status = mg_fail(why, MG_BAD_ARGUMENT, "%lld frames were announced, %lld written",
                         (long long)writer->spec.frames, (long long)writer->written);
    } else if (writer->flac) {
        int failed = sf_close(writer->flac); /* writes what it held back */
        writer->flac = NULL;
        if (failed || writer->file.status) status = write_failed(writer, why);
    } else {
        status = wav_end(writer->out, &writer->spec, why);
    }
    mg_sound_free(writer);
    return status;
}

void mg_sound_free(mg_sound_writer *writer)
{
    if (!writer) return;
    if (writer->flac) sf_close(writer->flac);
    mg_free(writer);
}

/* ---- looking ---- */

bool mg_sound_is(const void *bytes, size_t size)
{
    static const struct { const char *at_0, *at_8; } heads[] = {
        {"RIFF", "WAVE"}, {"RF64", "WAVE"}, {"FORM", "AIF"}, {"fLaC", ""}, {"OggS", ""}, {".snd", ""}};
    const char *head = bytes;
    for (size_t i = 0; size >= 12 && i < sizeof heads / sizeof *heads; i++)
        if (!memcmp(head, heads[i].at_0, 4) && !memcmp(head + 8, heads[i].at_8, strlen(heads[i].at_8))) return true;
    return false;
}

static char *kept(SNDFILE *file, int which)
{
    const char *text = sf_get_string(file, which);
    return text && *text ? mg_strdup(text) : NULL;
}

static void name_format(int format, char *name, size_t size)
{
    SF_FORMAT_INFO major = {.format = format & SF_FORMAT_TYPEMASK}, minor = {.format = format & SF_FORMAT_SUBMASK};
    sf_command(NULL, SFC_GET_FORMAT_INFO, &major, sizeof major);
    sf_command(NULL, SFC_GET_FORMAT_INFO, &minor, sizeof minor);
    snprintf(name, size, "%s, %s", major.name ? major.name : "unknown", minor.name ? minor.name : "unknown");
}

/* How long a RIFF or AIFF file says that it is; 0 where it does not say. libsndfile believes the file's end instead. */
static uint64_t announced_bytes(int fd)
{
    uint8_t head[8];
    if (pread(fd, head, sizeof head, 0) != sizeof head) return 0;
    bool is_riff = memcmp(head, "RIFF", 4) == 0, is_form = memcmp(head, "FORM", 4) == 0;
    uint32_t size = 0;
    for (int i = 0; i < 4; i++) size |= (uint32_t)head[4 + i] << (is_riff ? 8 * i : 24 - 8 * i);
    bool is_stream = size == 0 || size >= UINT32_MAX - 8; /* written to a pipe, its end unknown */
    return (is_riff || is_form) && !is_stream ? (uint64_t)size + 8 : 0;
}

enum { MOST_CHANNELS = 1024 }; /* that libsndfile takes */

static mg_status check_whole(const char *path, SNDFILE *sound, const SF_INFO *info, through *file, mg_error *why)
{
    uint64_t size = (uint64_t)file_length(file), announced = announced_bytes(file->fd);
    float frame[MOST_CHANNELS];
    /* A packed file holds at most some thousand frames a byte: more is what a broken header dreams of. */
    if (info->frames < 0 || (uint64_t)info->frames / 8192 > size)
        return mg_fail(why, MG_BAD_DATA, "%s: the header promises more than the file holds", path);
    if (size < announced)
        return mg_fail(why, MG_BAD_DATA, "%s: cut off after %llu of %llu bytes", path, (unsigned long long)size,
                       (unsigned long long)announced);
    bool has_last = info->frames == 0 || !info->seekable || info->channels > MOST_CHANNELS ||
                    (sf_seek(sound, info->frames - 1, SEEK_SET) >= 0 && sf_readf_float(sound, frame, 1) == 1);
    return has_last ? MG_OK : mg_fail(why, MG_BAD_DATA, "%s: cut off: the last of its frames cannot be read", path);
}

mg_status mg_sound_look(const char *path, mg_sound_about *about, mg_error *why)
{
    *about = (mg_sound_about){0};
    SF_INFO info = {0};
    through file = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (file.fd < 0) return mg_fail_errno(why, "%s", path);
    SNDFILE *sound = sf_open_virtual(&virtual_io, SFM_READ, &info, &file);
    mg_status status = MG_OK;
    if (!sound) {
        status = mg_fail(why, MG_BAD_DATA, "%s: %s", path, sf_strerror(NULL));
    } else {
        name_format(info.format, about->format, sizeof about->format);
        about->rate = info.samplerate;
        about->channels = info.channels;
        about->frames = info.frames;
        about->comment = kept(sound, SF_STR_COMMENT);
        about->title = kept(sound, SF_STR_TITLE);
        status = check_whole(path, sound, &info, &file, why);
        sf_close(sound);
    }
    close(file.fd);
    if (status) mg_sound_about_free(about);
    return status;
}

void mg_sound_about_free(mg_sound_about *about)
{
    mg_free(about->comment);
    mg_free(about->title);
    about->comment = about->title = NULL;
}
