/* SPDX-License-Identifier: MIT */
/* Info records of what holds no music: models and other tensors, sound. */
#include "metric/describe.h"

#include <mgen/audio.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum { IS_OTHER, IS_TENSORS, IS_SOUND } sort;

static sort sort_of(const char *path)
{
    char head[12];
    struct stat about;
    if (stat(path, &about) || !S_ISREG(about.st_mode)) return IS_OTHER; /* a look would break the writer's pipe */
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return IS_OTHER; /* whoever reads it will say why not */
    ssize_t n = read(fd, head, sizeof head);
    close(fd);
    if (n <= 0) return IS_OTHER;
    return mg_sound_is(head, (size_t)n) ? IS_SOUND : mg_tensors_is(head, (size_t)n) ? IS_TENSORS : IS_OTHER;
}

static void put_provenance(mg_json_writer *json, const char *text)
{
    size_t mark = strlen(MG_PROVENANCE_PREFIX);
    mg_json *object = NULL;
    if (!strncmp(text, MG_PROVENANCE_PREFIX, mark) &&
        mg_json_parse(text + mark, strlen(text + mark), &object, NULL) == MG_OK)
        mg_json_put_copy(json, "provenance", object);
    else
        mg_json_put_text(json, "comment", text);
    mg_json_free(object);
}

static mg_status describe_sound(const char *path, mg_buffer *out, mg_error *why)
{
    mg_sound_about about;
    MG_TRY(mg_sound_look(path, &about, why));
    mg_json_writer json = mg_record_begin(out, "info");
    mg_record_put_path(&json, "path", path);
    mg_json_put_text(&json, "format", about.format);
    if (about.title) mg_json_put_text(&json, "title", about.title);
    mg_json_put_real(&json, "seconds", about.rate > 0 ? (double)about.frames / about.rate : 0);
    mg_json_put_int(&json, "rate", about.rate);
    mg_json_put_int(&json, "channels", about.channels);
    mg_json_put_int(&json, "frames", about.frames);
    if (about.comment) put_provenance(&json, about.comment);
    mg_record_end(&json);
    mg_sound_about_free(&about);
    return MG_OK;
}

/* The texts of the metadata: JSON as what it says, the rest as text. */
static mg_status put_metadata(mg_json_writer *json, const mg_json *metadata)
{
    const char *key;
    const mg_json *value;
    for (void *place = NULL; mg_json_next(metadata, &place, &key, &value);) {
        const char *text = mg_json_string(value);
        mg_json *inner = NULL;
        mg_status status = *text == '{' ? mg_json_parse(text, strlen(text), &inner, NULL) : MG_BAD_DATA;
        if (status == MG_OK) mg_json_put_copy(json, key, inner);
        else mg_json_put_text(json, key, text);
        mg_json_free(inner);
        if (status == MG_NO_MEMORY) return status;
    }
    return MG_OK;
}

static mg_status describe_tensors(const char *path, mg_buffer *out, mg_error *why)
{
    mg_tensors *tensors;
    uint64_t numbers = 0, bytes = 0, of_type[MG_DTYPES] = {0};
    MG_TRY(mg_tensors_open(path, &tensors, why));
    for (size_t i = 0; i < mg_tensors_count(tensors); i++) {
        const mg_stored *stored = mg_tensors_at(tensors, i);
        numbers += stored->count;
        bytes += stored->count * mg_dtype_size(stored->dtype);
        of_type[stored->dtype] += stored->count;
    }
    mg_json_writer json = mg_record_begin(out, "info");
    mg_record_put_path(&json, "path", path);
    mg_json_put_text(&json, "format", mg_tensors_metadata(tensors, "mgen") ? "model" : "safetensors");
    mg_json_put_int(&json, "tensors", (int64_t)mg_tensors_count(tensors));
    mg_json_put_int(&json, "numbers", (int64_t)numbers);
    mg_json_put_int(&json, "bytes", (int64_t)bytes);
    mg_json_object_begin(&json, "types");
    for (int d = 0; d < MG_DTYPES; d++)
        if (of_type[d]) mg_json_put_int(&json, mg_dtype_name((mg_dtype)d), (int64_t)of_type[d]);
    mg_json_object_end(&json);
    mg_json_object_begin(&json, "metadata");
    mg_status status = put_metadata(&json, mg_tensors_all_metadata(tensors));
    mg_json_object_end(&json);
    mg_record_end(&json);
    mg_tensors_close(tensors);
    return status ? mg_fail(why, status, "%s: out of memory", path) : MG_OK;
}

bool describe_other(const char *path, mg_buffer *out, mg_status *status, mg_error *why)
{
    sort s = sort_of(path);
    if (s == IS_TENSORS) *status = describe_tensors(path, out, why);
    else if (s == IS_SOUND) *status = describe_sound(path, out, why);
    return s != IS_OTHER;
}
