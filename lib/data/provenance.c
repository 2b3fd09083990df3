/* SPDX-License-Identifier: MIT */
/* Where a file came from, said inside the file and sealed.

   {"tool":"mgen-gen","version":"0.1.0","seed":7,"files":{"model":{"path":"tunes.safetensors","hash":"..."}},
    "options":{"temperature":0.9},"number":3,
    "seal":"mgen-seal:<32 digits>"}

   The seal is the XXH3-128 of the whole file with the seal's digits taken as zeros. It is found by its first word, in
   any format and however its quotes are escaped, so no format needs a rule of its own. */
#include <mgen/data.h>

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEAL "mgen-seal:"
enum { DIGITS = 32 };
static const char zeros[DIGITS + 1] = "00000000000000000000000000000000";

/* ---- writing ---- */

static void put_controls(const mg_control_values *controls, mg_json_writer *json)
{
    if (controls->is_given[MG_DENSITY]) mg_json_put_real(json, "density", controls->density);
    if (controls->is_given[MG_PITCHES]) mg_json_put_reals(json, "pitch_histogram", controls->pitches, MG_PITCH_CLASSES);
}

void mg_provenance_add(mg_buffer *out, const mg_provenance *provenance)
{
    mg_json_writer json = mg_json_to(out);
    mg_json_object_begin(&json, NULL);
    mg_json_put_text(&json, "tool", provenance->tool);
    mg_json_put_text(&json, "version", MG_VERSION);
    if (provenance->seed >= 0) mg_json_put_int(&json, "seed", provenance->seed);
    if (provenance->n_with) mg_json_object_begin(&json, "files");
    for (size_t i = 0; i < provenance->n_with; i++) {
        mg_json_object_begin(&json, provenance->with[i].role);
        if (provenance->with[i].path) mg_record_put_path(&json, "path", provenance->with[i].path);
        mg_record_put_hash(&json, "hash", provenance->with[i].hash);
        mg_json_object_end(&json);
    }
    if (provenance->n_with) mg_json_object_end(&json);
    if (provenance->rows) {
        mg_json_object_begin(&json, "options");
        mg_options_write(provenance->rows, provenance->options, &json);
        if (provenance->controls) put_controls(provenance->controls, &json);
        mg_json_object_end(&json);
    }
    if (provenance->prompt) mg_json_put_text(&json, "prompt", provenance->prompt);
    if (provenance->number) mg_json_put_int(&json, "number", (int64_t)provenance->number);
    mg_json_put_text(&json, "seal", SEAL "00000000000000000000000000000000");
    mg_json_object_end(&json);
}

/* Whether digits, and the end of an object, escaped or not, stand there: so a path that looks like a seal is none. */
static bool is_seal(const char *digits, const char *end)
{
    if (end - digits < DIGITS + 2) return false;
    for (int i = 0; i < DIGITS; i++)
        if (!memchr("0123456789abcdef", digits[i], 16)) return false;
    const char *behind = digits + DIGITS;
    while (behind < end && *behind == '\\') behind++;
    return end - behind >= 2 && memcmp(behind, "\"}", 2) == 0;
}

/* The seal's digits; NULL where there is none. */
static const char *find_seal(const void *file, size_t size)
{
    if (size == 0) return NULL;
    const char *at = file, *end = at + size;
    while ((at = memmem(at, (size_t)(end - at), SEAL, strlen(SEAL)))) {
        at += strlen(SEAL);
        if (is_seal(at, end)) break;
    }
    return at;
}

static bool hash_open(const void *file, size_t size, const char *digits, char hex[33])
{
    mg_hasher *hasher = mg_hasher_new();
    if (!hasher) return false;
    size_t before = (size_t)(digits - (const char *)file);
    mg_hasher_add(hasher, file, before);
    mg_hasher_add(hasher, zeros, DIGITS);
    mg_hasher_add(hasher, digits + DIGITS, size - before - DIGITS);
    mg_hash_hex(mg_hasher_end(hasher), hex);
    mg_hasher_free(hasher);
    return true;
}

void mg_seal_bytes(void *file, size_t size)
{
    const char *digits = find_seal(file, size);
    if (!digits) return;
    char *at = (char *)file + (digits - (const char *)file), hex[33];
    memcpy(at, zeros, DIGITS);
    mg_hash_hex(mg_hash_bytes(file, size), hex);
    memcpy(at, hex, DIGITS);
}

mg_status mg_seal_out(mg_out *out, mg_error *why)
{
    mg_file file;
    char hex[33];
    if (!mg_out_is_staged(out)) return MG_OK;
    MG_TRY(mg_out_read(out, &file, why));
    const char *digits = find_seal(file.data, file.size);
    mg_status status = MG_OK;
    if (digits && !hash_open(file.data, file.size, digits, hex)) status = mg_fail(why, MG_NO_MEMORY, "out of memory");
    else if (digits && pwrite(mg_out_fd(out), hex, DIGITS, (off_t)(digits - (const char *)file.data)) != DIGITS)
        status = mg_fail_errno(why, "%s", mg_out_path(out));
    mg_file_free(&file);
    return status;
}

mg_status mg_hash_file(const char *path, mg_hash *hash, mg_error *why)
{
    mg_file file;
    MG_TRY(mg_file_read(path, 0, &file, why));
    *hash = mg_hash_bytes(file.data, file.size);
    mg_file_free(&file);
    return MG_OK;
}

/* ---- checking ---- */

/* The JSON text under a key of the metadata, parsed; *root NULL where there is none or it is no JSON. */
static mg_status parse_member(const mg_tensors *tensors, const char *key, mg_json **root)
{
    const char *text = mg_tensors_metadata(tensors, key);
    *root = NULL;
    return text && mg_json_parse(text, strlen(text), root, NULL) == MG_NO_MEMORY ? MG_NO_MEMORY : MG_OK;
}

static mg_status find_in_metadata(const mg_tensors *tensors, const mg_json **object, mg_json **root)
{
    MG_TRY(parse_member(tensors, "mgen", root));
    *object = mg_json_get(*root, "provenance");
    if (*object) return MG_OK;
    mg_json_free(*root);
    MG_TRY(parse_member(tensors, "provenance", root));
    *object = *root;
    return MG_OK;
}

/* The object that a file carries, in *root or below it; NULL if it carries none that can be read. */
static mg_status find_object(const mg_file *file, const char *digits, const mg_json **object, mg_json **root)
{
    mg_tensors *tensors;
    mg_status status = mg_tensors_parse(file->data, file->size, "", &tensors, NULL);
    if (!status) {
        status = find_in_metadata(tensors, object, root);
        mg_tensors_close(tensors);
        return status;
    }
    if (status == MG_NO_MEMORY) return status;
    /* The seal is the object's last member, so the object ends behind it and begins at the nearest prefix before it. */
    static const char opening[] = MG_PROVENANCE_PREFIX "{", ending[] = "\"}";
    const char *first = (const char *)file->data, *end = digits + DIGITS, *at = digits;
    if (end + 2 > first + file->size || memcmp(end, ending, 2)) return MG_OK;
    while (at > first && memcmp(at, opening, sizeof opening - 1)) at--;
    at += strlen(MG_PROVENANCE_PREFIX);
    status = mg_json_parse(at, (size_t)(end + 2 - at), root, NULL);
    *object = *root;
    return status == MG_NO_MEMORY ? status : MG_OK;
}

typedef enum { SAME, DIFFERS, ABSENT, UNNAMED } finding;
static const char *const findings[] = {"same", "differs", "absent", "unnamed"};

/* Look at one place: a folder (its first `n` bytes) and a path. SAME wins over DIFFERS, that over ABSENT. */
static mg_status look(const char *folder, size_t n, const char *path, const char *want, finding *found)
{
    mg_buffer place = {0};
    mg_hash hash;
    char hex[33];
    if (*found == SAME) return MG_OK;
    mg_buffer_add(&place, folder, n);
    mg_buffer_add_text(&place, path);
    mg_status status = place.failed ? MG_NO_MEMORY : mg_hash_file(place.data, &hash, NULL);
    mg_buffer_free(&place);
    if (status) return status == MG_NO_MEMORY ? status : MG_OK;
    mg_hash_hex(hash, hex);
    *found = strcmp(hex, want) ? DIFFERS : SAME;
    return MG_OK;
}

static mg_status check_file(const char *carrier, const mg_json *entry, finding *found)
{
    bool is_named = mg_json_get(entry, "path") != NULL;
    char *path = is_named ? mg_record_path(entry, "path") : NULL;
    *found = is_named ? ABSENT : UNNAMED;
    if (!path) return is_named ? MG_NO_MEMORY : MG_OK;
    const char *want = mg_json_get_string(entry, "hash", "");
    const char *slash = strrchr(carrier, '/'), *base = strrchr(path, '/');
    size_t folder = slash ? (size_t)(slash - carrier + 1) : 0;
    mg_status status = look("", 0, path, want, found);
    if (!status && path[0] != '/') status = look(carrier, folder, path, want, found);
    if (!status && base) status = look(carrier, folder, base + 1, want, found);
    mg_free(path);
    return status;
}

/* Adds what became of the files; *is_well is false where one of them is no longer what it was. */
static mg_status put_files(mg_json_writer *json, const char *carrier, const mg_json *files, bool *is_well)
{
    const char *role;
    const mg_json *entry;
    if (mg_json_count(files) == 0) return MG_OK;
    mg_json_object_begin(json, "files");
    for (void *place = NULL; mg_json_next(files, &place, &role, &entry);) {
        finding found;
        MG_TRY(check_file(carrier, entry, &found));
        *is_well &= found != DIFFERS;
        mg_json_put_text(json, role, findings[found]);
    }
    mg_json_object_end(json);
    return MG_OK;
}

typedef enum { SEAL_ABSENT, SEAL_WHOLE, SEAL_BROKEN } seal;
static const char *const seals[] = {"absent", "whole", "broken"};

static mg_status look_at_seal(const mg_file *file, const char *digits, seal *found)
{
    char hex[33];
    *found = SEAL_ABSENT;
    if (!digits || !memcmp(digits, zeros, DIGITS)) return MG_OK;
    if (!hash_open(file->data, file->size, digits, hex)) return MG_NO_MEMORY;
    *found = memcmp(digits, hex, DIGITS) ? SEAL_BROKEN : SEAL_WHOLE;
    return MG_OK;
}

mg_status mg_seal_is_broken(const char *path, bool *is_broken, mg_error *why)
{
    mg_file file;
    seal found;
    struct stat about;
    *is_broken = false;
    if (stat(path, &about)) return mg_fail_errno(why, "%s", path);
    if (!S_ISREG(about.st_mode)) return MG_OK;
    MG_TRY(mg_file_read(path, 0, &file, why));
    mg_status status = look_at_seal(&file, find_seal(file.data, file.size), &found);
    mg_file_free(&file);
    *is_broken = found == SEAL_BROKEN;
    return status ? mg_fail(why, status, "%s: out of memory", path) : MG_OK;
}

static mg_status put_check(const char *path, const mg_file *file, mg_buffer *out, bool *passed)
{
    const mg_json *object = NULL;
    mg_json *root = NULL;
    bool is_well = true;
    seal found;
    const char *digits = find_seal(file->data, file->size);
    if (digits) MG_TRY(find_object(file, digits, &object, &root));
    mg_status status = look_at_seal(file, digits, &found);
    mg_json_writer json = mg_record_begin(out, "provenance");
    mg_record_put_path(&json, "path", path);
    mg_json_put_text(&json, "seal", seals[found]);
    if (!status && object) status = put_files(&json, path, mg_json_get(object, "files"), &is_well);
    *passed = object && found == SEAL_WHOLE && is_well;
    mg_json_put_bool(&json, "passed", *passed);
    if (!object) mg_json_put_text(&json, "note", "the file carries no provenance");
    else mg_json_put_copy(&json, "provenance", object);
    mg_record_end(&json);
    mg_json_free(root);
    return out->failed ? MG_NO_MEMORY : status;
}

mg_status mg_provenance_check(const char *path, mg_buffer *out, bool *passed, mg_error *why)
{
    mg_file file;
    *passed = false;
    MG_TRY(mg_file_read(path, 0, &file, why));
    mg_status status = put_check(path, &file, out, passed);
    mg_file_free(&file);
    return status ? mg_fail(why, status, "%s: out of memory", path) : MG_OK;
}

/* ---- many files ---- */

static mg_status check_job(mg_job *job, const char *path)
{
    bool passed = false;
    MG_TRY(mg_provenance_check(path, &job->out, &passed, &job->why));
    job->tally.failed += !passed;
    return MG_OK;
}

static mg_status work(void *user, mg_job *job)
{
    (void)user;
    mg_json *record;
    const mg_item *item = &job->item;
    if (item->content.data) return mg_fail(&job->why, MG_UNSUPPORTED, "what comes through a pipe has no file to check");
    if (item->pack) return item->number == 0 ? check_job(job, item->path) : MG_OK;
    if (!item->line) return check_job(job, item->path);
    MG_TRY(mg_item_record(item, &record, &job->why));
    bool is_output = strcmp(mg_json_get_string(record, "kind", ""), "output") == 0;
    char *path = is_output ? mg_record_path(record, "path") : NULL;
    char *whole = path ? mg_record_resolve(item->path, path) : NULL;
    mg_status status = MG_OK;
    if (is_output) status = whole ? check_job(job, whole) : mg_fail(&job->why, MG_BAD_DATA, "a record without path");
    mg_free(path);
    mg_free(whole);
    mg_json_free(record);
    return status;
}

mg_status mg_provenance_run(mg_source *source, mg_run *run, mg_error *why)
{
    return mg_flow_run(&(mg_flow){.work = work}, source, run, why);
}
