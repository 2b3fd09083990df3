/* SPDX-License-Identifier: MIT */
/* safetensors in and out: 8 bytes of header length (little-endian), a JSON header padded with spaces, the tensors
   without holes. Checks and limits are those of the reference implementation (huggingface/safetensors). */
#include <mgen/data.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LARGEST_HEADER = 100000000 };

static const struct { const char *name; size_t size; } dtypes[MG_DTYPES] = {
    [MG_F64] = {"F64", 8}, [MG_I64] = {"I64", 8},   [MG_U64] = {"U64", 8}, [MG_F32] = {"F32", 4}, [MG_I32] = {"I32", 4},
    [MG_U32] = {"U32", 4}, [MG_F16] = {"F16", 2},   [MG_BF16] = {"BF16", 2}, [MG_I16] = {"I16", 2},
    [MG_U16] = {"U16", 2}, [MG_I8] = {"I8", 1},     [MG_U8] = {"U8", 1},   [MG_BOOL] = {"BOOL", 1},
};

const char *mg_dtype_name(mg_dtype dtype) { return dtypes[dtype].name; }
size_t mg_dtype_size(mg_dtype dtype) { return dtypes[dtype].size; }

/* ---- reading ---- */

struct mg_tensors {
    mg_file file;      /* empty where the caller keeps the bytes */
    mg_json *header;
    mg_stored *stored; /* in the order of their data */
    size_t n;
};

/* A header of less than 2^32 bytes, an object. */
bool mg_tensors_is(const void *bytes, size_t size)
{
    const char *head = bytes;
    return size >= 9 && head[8] == '{' && !memcmp(head + 4, "\0\0\0\0", 4);
}

static bool find_dtype(const char *name, mg_dtype *dtype)
{
    for (int d = 0; name && d < MG_DTYPES; d++)
        if (strcmp(name, dtypes[d].name) == 0) return *dtype = (mg_dtype)d, true;
    return false;
}

/* One entry of the header; *begin is where its data start. */
static mg_status read_entry(const char *file, const char *name, const mg_json *entry, const uint8_t *data, size_t size,
                            mg_stored *stored, mg_error *why)
{
    const mg_json *shape = mg_json_get(entry, "shape"), *offsets = mg_json_get(entry, "data_offsets");
    int64_t begin = -1, end = -1;
    *stored = (mg_stored){.name = name, .count = 1, .fd = -1};
    if (!find_dtype(mg_json_string(mg_json_get(entry, "dtype")), &stored->dtype))
        return mg_fail(why, MG_UNSUPPORTED, "%s: tensor %s: dtype missing or unknown", file, name);
    if (!shape || mg_json_kind_of(shape) != MG_JSON_ARRAY || mg_json_count(offsets) != 2 ||
        !mg_json_int(mg_json_at(offsets, 0), &begin) || !mg_json_int(mg_json_at(offsets, 1), &end))
        return mg_fail(why, MG_BAD_DATA, "%s: tensor %s: no shape or no data_offsets", file, name);
    if (mg_json_count(shape) > 8) return mg_fail(why, MG_UNSUPPORTED, "%s: tensor %s: more than 8 axes", file, name);
    stored->rank = (int)mg_json_count(shape);
    for (int i = 0; i < stored->rank; i++) {
        int64_t n;
        if (!mg_json_int(mg_json_at(shape, (size_t)i), &n) || n < 0 ||
            __builtin_mul_overflow(stored->count, (size_t)n, &stored->count))
            return mg_fail(why, MG_BAD_DATA, "%s: tensor %s: impossible shape", file, name);
        stored->dim[i] = n;
    }
    size_t bytes;
    if (__builtin_mul_overflow(stored->count, dtypes[stored->dtype].size, &bytes) || begin < 0 || end < begin ||
        bytes != (size_t)(end - begin))
        return mg_fail(why, MG_BAD_DATA, "%s: tensor %s: shape and data_offsets do not agree", file, name);
    if ((uint64_t)end > size)
        return mg_fail(why, MG_BAD_DATA, "%s: tensor %s: it ends behind the end of the file, which may have been cut",
                       file, name);
    stored->data = data + begin;
    return MG_OK;
}

static int by_data(const void *a, const void *b)
{
    const mg_stored *x = a, *y = b;
    if (x->data != y->data) return x->data < y->data ? -1 : 1;
    return (x->count > 0) - (y->count > 0); /* empty ones lie before what starts at the same place */
}

static mg_status read_header(mg_tensors *t, const char *name, const uint8_t *data, size_t size, mg_error *why)
{
    const char *key;
    const mg_json *value;
    t->stored = mg_alloc_zero(mg_json_count(t->header), sizeof *t->stored);
    if (!t->stored) return mg_fail(why, MG_NO_MEMORY, "%s: out of memory", name);
    for (void *place = NULL; mg_json_next(t->header, &place, &key, &value);) {
        if (strcmp(key, "__metadata__") == 0) {
            const char *word;
            const mg_json *text;
            if (mg_json_kind_of(value) != MG_JSON_OBJECT)
                return mg_fail(why, MG_BAD_DATA, "%s: __metadata__ is no object", name);
            for (void *p = NULL; mg_json_next(value, &p, &word, &text);)
                if (!mg_json_string(text))
                    return mg_fail(why, MG_BAD_DATA, "%s: __metadata__ holds something else than text", name);
        } else {
            MG_TRY(read_entry(name, key, value, data, size, &t->stored[t->n], why));
            t->n++;
        }
    }
    if (t->n) qsort(t->stored, t->n, sizeof *t->stored, by_data);
    const uint8_t *at = data;
    for (size_t i = 0; i < t->n; i++) {
        if ((const uint8_t *)t->stored[i].data != at)
            return mg_fail(why, MG_BAD_DATA, "%s: tensor %s leaves a hole or overlaps", name, t->stored[i].name);
        at += t->stored[i].count * dtypes[t->stored[i].dtype].size;
    }
    if (at != data + size)
        return mg_fail(why, MG_BAD_DATA, "%s: the file and its header differ in length", name);
    return MG_OK;
}

mg_status mg_tensors_parse(const void *bytes, size_t size, const char *name, mg_tensors **result, mg_error *why)
{
    *result = NULL;
    const uint8_t *at = bytes;
    uint64_t length = 0;
    if (size < 8) return mg_fail(why, MG_BAD_DATA, "%s: too short for a safetensors file", name);
    if (size > 8 && at[8] != '{') return mg_fail(why, MG_BAD_DATA, "%s: not a safetensors file", name);
    for (int i = 7; i >= 0; i--) length = length << 8 | at[i];
    if (length > LARGEST_HEADER) return mg_fail(why, MG_TOO_LARGE, "%s: header larger than 100000000 bytes", name);
    if (length > size - 8) return mg_fail(why, MG_BAD_DATA, "%s: the header does not fit in the file", name);
    if (length == 0 || at[8] != '{') return mg_fail(why, MG_BAD_DATA, "%s: not a safetensors file", name);
    mg_tensors *t = mg_alloc_zero(1, sizeof *t);
    if (!t) return mg_fail(why, MG_NO_MEMORY, "%s: out of memory", name);
    mg_error inner = {0};
    mg_status status = mg_json_parse((const char *)at + 8, length, &t->header, &inner);
    if (status) mg_fail(why, status, "%s: header: %s", name, inner.text);
    else status = read_header(t, name, at + 8 + length, size - 8 - length, why);
    if (status) return mg_tensors_close(t), status;
    *result = t;
    return MG_OK;
}

mg_status mg_tensors_open(const char *path, mg_tensors **result, mg_error *why)
{
    mg_file file;
    *result = NULL;
    MG_TRY(mg_file_read(path, 0, &file, why));
    mg_status status = mg_tensors_parse(file.data, file.size, path, result, why);
    if (status) mg_file_free(&file);
    else (*result)->file = file;
    return status;
}

void mg_tensors_close(mg_tensors *t)
{
    if (!t) return;
    mg_json_free(t->header);
    mg_free(t->stored);
    mg_file_free(&t->file);
    mg_free(t);
}

size_t mg_tensors_count(const mg_tensors *t) { return t->n; }
const mg_stored *mg_tensors_at(const mg_tensors *t, size_t i) { return &t->stored[i]; }

const mg_stored *mg_tensors_find(const mg_tensors *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->stored[i].name, name) == 0) return &t->stored[i];
    return NULL;
}

const char *mg_tensors_metadata(const mg_tensors *t, const char *key)
{
    return mg_json_get_string(mg_json_get(t->header, "__metadata__"), key, NULL);
}

const mg_json *mg_tensors_all_metadata(const mg_tensors *t) { return mg_json_get(t->header, "__metadata__"); }

/* ---- elements ---- */

static double from_f16(uint16_t h)
{
    int exponent = h >> 10 & 31;
    double fraction = h & 1023, sign = h & 0x8000 ? -1 : 1;
    if (exponent == 31) return fraction ? __builtin_nan("") : sign * __builtin_inf();
    return sign * (exponent ? __builtin_ldexp(1024 + fraction, exponent - 25) : __builtin_ldexp(fraction, -24));
}

static float from_bf16(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The element at `at` as the widest of its family: *real for floats (returns true), *whole for the rest. */
static bool element(mg_dtype dtype, const char *at, double *real, int64_t *whole)
{
    union { double f64; float f32; int64_t i64; int32_t i32; uint32_t u32; int16_t i16; uint16_t u16; int8_t i8;
            uint8_t u8; } e = {0};
    memcpy(&e, at, dtypes[dtype].size);
    switch (dtype) {
    case MG_F64: return *real = e.f64, true;
    case MG_F32: return *real = (double)e.f32, true;
    case MG_F16: return *real = from_f16(e.u16), true;
    case MG_BF16: return *real = (double)from_bf16(e.u16), true;
    case MG_I64:
    case MG_U64: return *whole = e.i64, false;
    case MG_I32: return *whole = e.i32, false;
    case MG_U32: return *whole = e.u32, false;
    case MG_I16: return *whole = e.i16, false;
    case MG_U16: return *whole = e.u16, false;
    case MG_I8: return *whole = e.i8, false;
    default: return *whole = e.u8, false;
    }
}

void mg_stored_doubles(const mg_stored *stored, double *out)
{
    const char *at = stored->data;
    for (size_t i = 0; i < stored->count; i++, at += dtypes[stored->dtype].size) {
        int64_t whole = 0;
        if (!element(stored->dtype, at, &out[i], &whole)) out[i] = (double)whole;
    }
}

void mg_stored_floats(const mg_stored *stored, float *out)
{
    const char *at = stored->data;
    if (stored->dtype == MG_F32 && stored->count) memcpy(out, at, stored->count * sizeof *out);
    if (stored->dtype == MG_F32) return;
    for (size_t i = 0; i < stored->count; i++, at += dtypes[stored->dtype].size) {
        int64_t whole = 0;
        double real = 0;
        out[i] = element(stored->dtype, at, &real, &whole) ? (float)real : (float)whole;
    }
}

bool mg_stored_ints(const mg_stored *stored, int64_t *out)
{
    const char *at = stored->data;
    double real;
    for (size_t i = 0; i < stored->count; i++, at += dtypes[stored->dtype].size)
        if (element(stored->dtype, at, &real, &out[i])) return false;
    return true;
}

/* ---- writing ---- */

static int by_alignment(const void *a, const void *b)
{
    const mg_stored *x = *(const mg_stored *const *)a, *y = *(const mg_stored *const *)b;
    if (dtypes[x->dtype].size != dtypes[y->dtype].size) return dtypes[x->dtype].size > dtypes[y->dtype].size ? -1 : 1;
    return strcmp(x->name, y->name);
}

static void add_header(mg_buffer *header, const mg_stored *const *order, size_t n, const mg_metadata *metadata,
                       size_t n_metadata)
{
    mg_json_writer json = mg_json_to(header);
    mg_json_object_begin(&json, NULL);
    if (n_metadata) {
        mg_json_object_begin(&json, "__metadata__");
        for (size_t i = 0; i < n_metadata; i++) mg_json_put_text(&json, metadata[i].key, metadata[i].value);
        mg_json_object_end(&json);
    }
    int64_t at = 0;
    for (size_t i = 0; i < n; i++) {
        mg_json_object_begin(&json, order[i]->name);
        mg_json_put_text(&json, "dtype", dtypes[order[i]->dtype].name);
        mg_json_array_begin(&json, "shape");
        for (int d = 0; d < order[i]->rank; d++) mg_json_put_int(&json, NULL, order[i]->dim[d]);
        mg_json_array_end(&json);
        mg_json_array_begin(&json, "data_offsets");
        mg_json_put_int(&json, NULL, at);
        at += (int64_t)(order[i]->count * dtypes[order[i]->dtype].size);
        mg_json_put_int(&json, NULL, at);
        mg_json_array_end(&json);
        mg_json_object_end(&json);
    }
    mg_json_object_end(&json);
    while (!header->failed && header->length % 8) mg_buffer_add_char(header, ' ');
}

static mg_status copy_staged(mg_out *out, int fd, uint64_t left, mg_error *why)
{
    char piece[1 << 16];
    for (off_t at = 0; left > 0;) {
        ssize_t n = pread(fd, piece, left < sizeof piece ? (size_t)left : sizeof piece, at);
        if (n < 0) return mg_fail_errno(why, "temporary file");
        if (n == 0) return mg_fail(why, MG_IO, "temporary file: shorter than what was written to it");
        MG_TRY(mg_out_write(out, piece, (size_t)n, why));
        at += n;
        left -= (uint64_t)n;
    }
    return MG_OK;
}

mg_status mg_tensors_write(mg_out *out, const mg_stored *stored, size_t n, const mg_metadata *metadata,
                           size_t n_metadata, mg_error *why)
{
    const mg_stored **order = mg_alloc(n, sizeof *order);
    mg_buffer header = {0};
    mg_status status = MG_OK;
    if (!order) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++) order[i] = &stored[i];
    if (n) qsort(order, n, sizeof *order, by_alignment);
    add_header(&header, order, n, metadata, n_metadata);
    if (header.failed) status = mg_fail(why, MG_NO_MEMORY, "out of memory");
    else if (header.length > LARGEST_HEADER) status = mg_fail(why, MG_TOO_LARGE, "too many tensors for one file");
    if (!status) {
        uint8_t length[8];
        for (int i = 0; i < 8; i++) length[i] = (uint8_t)((uint64_t)header.length >> 8 * i);
        status = mg_out_write(out, length, sizeof length, why);
    }
    if (!status) status = mg_out_write(out, header.data, header.length, why);
    for (size_t i = 0; !status && i < n; i++) {
        uint64_t bytes = order[i]->count * dtypes[order[i]->dtype].size;
        status = order[i]->data || !bytes ? mg_out_write(out, order[i]->data, bytes, why)
                                          : copy_staged(out, order[i]->fd, bytes, why);
    }
    mg_buffer_free(&header);
    mg_free(order);
    return status;
}
