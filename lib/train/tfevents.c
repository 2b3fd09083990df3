/* SPDX-License-Identifier: MIT */
/* Event files, as TensorBoard reads them. A file is a row of records:
       u64 length, u32 masked CRC-32C of these 8 bytes, the bytes of an Event, u32 masked CRC-32C of them
   (tensorflow/core/lib/io/record_writer), all little-endian; masked(c) = (c >> 15 | c << 17) + 0xa282ead8. An Event is
   a protocol buffer (event.proto, summary.proto), of whose fields these are used:
       Event    1 wall_time double, 2 step int64, 3 file_version string, 5 summary Summary
       Summary  1 value, repeated;  Value  1 tag string, 2 simple_value float */
#include "train/tfevents.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct mg_events {
    int fd;
    mg_buffer path, event, summary, record;
};

/* ---- framing ---- */

/* The Castagnoli polynomial, reflected. */
static uint32_t crc32c(const char *bytes, size_t n)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n; i++) {
        crc ^= (unsigned char)bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

static void add_little(mg_buffer *out, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) mg_buffer_add_char(out, (char)(value >> 8 * i & 255));
}

static void add_masked_crc(mg_buffer *out, const char *bytes, size_t n)
{
    uint32_t crc = crc32c(bytes, n);
    add_little(out, (uint32_t)((crc >> 15 | crc << 17) + 0xa282ead8u), 4);
}

/* ---- protocol buffers ---- */

enum { VARINT, FIXED64, BYTES, FIXED32 = 5 };

static void add_varint(mg_buffer *out, uint64_t value)
{
    for (; value >= 128; value >>= 7) mg_buffer_add_char(out, (char)(value | 128));
    mg_buffer_add_char(out, (char)value);
}

static void add_key(mg_buffer *out, unsigned field, unsigned type) { add_varint(out, field << 3 | type); }

static void add_bytes(mg_buffer *out, unsigned field, const char *bytes, size_t n)
{
    add_key(out, field, BYTES);
    add_varint(out, n);
    mg_buffer_add(out, bytes, n);
}

static void add_double(mg_buffer *out, unsigned field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    add_key(out, field, FIXED64);
    add_little(out, bits, 8);
}

static void add_float(mg_buffer *out, unsigned field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    add_key(out, field, FIXED32);
    add_little(out, bits, 4);
}

/* ---- events ---- */

static void begin_event(mg_events *e)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    mg_buffer_clear(&e->event);
    add_double(&e->event, 1, (double)now.tv_sec + (double)now.tv_nsec * 1e-9);
}

static mg_status write_event(mg_events *e, mg_error *why)
{
    mg_buffer *record = &e->record;
    mg_buffer_clear(record);
    add_little(record, e->event.length, 8);
    if (!record->failed) add_masked_crc(record, record->data, 8);
    mg_buffer_add(record, e->event.data, e->event.length);
    add_masked_crc(record, e->event.data, e->event.length);
    if (record->failed || e->event.failed || e->summary.failed) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    return mg_write_all(e->fd, e->path.data, record->data, record->length, why);
}

mg_status mg_events_add(mg_events *e, int64_t step, const mg_scalar_value *values, size_t n, mg_error *why)
{
    mg_buffer value = {0};
    mg_buffer_clear(&e->summary);
    for (size_t i = 0; i < n; i++) {
        mg_buffer_clear(&value);
        add_bytes(&value, 1, values[i].name, strlen(values[i].name));
        add_float(&value, 2, (float)values[i].value);
        add_bytes(&e->summary, 1, value.data, value.length);
    }
    e->summary.failed |= value.failed;
    mg_buffer_free(&value);
    begin_event(e);
    add_key(&e->event, 2, VARINT);
    add_varint(&e->event, (uint64_t)step);
    add_bytes(&e->event, 5, e->summary.data, e->summary.length);
    return write_event(e, why);
}

/* ---- files ---- */

/* TensorBoard takes what has "tfevents" in its name, in the order of the names; several may begin in one second. */
static mg_status open_file(mg_events *e, const char *folder, mg_error *why)
{
    long long now = (long long)time(NULL);
    for (int turn = 0; e->fd < 0; turn++) {
        mg_buffer_clear(&e->path);
        mg_buffer_print(&e->path, "%s/events.out.tfevents.%010lld.%d.mgen", folder, now, turn);
        if (e->path.failed) return mg_fail(why, MG_NO_MEMORY, "out of memory");
        e->fd = open(e->path.data, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
        if (e->fd < 0 && errno != EEXIST) return mg_fail_errno(why, "%s", e->path.data);
    }
    return MG_OK;
}

mg_status mg_events_open(const char *folder, mg_events **events, mg_error *why)
{
    static const char version[] = "brain.Event:2";
    mg_events *e = *events = mg_alloc_zero(1, sizeof *e);
    if (!e) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    e->fd = -1;
    mg_status status = mg_make_folder(folder, why);
    if (!status) status = open_file(e, folder, why);
    if (!status) {
        begin_event(e);
        add_bytes(&e->event, 3, version, sizeof version - 1);
        status = write_event(e, why);
    }
    if (status) mg_events_close(e), *events = NULL;
    return status;
}

void mg_events_close(mg_events *e)
{
    if (!e) return;
    if (e->fd >= 0) close(e->fd);
    mg_buffer_free(&e->path);
    mg_buffer_free(&e->event);
    mg_buffer_free(&e->summary);
    mg_buffer_free(&e->record);
    mg_free(e);
}

const char *mg_events_path(const mg_events *e) { return e->path.data; }
