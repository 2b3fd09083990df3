/* SPDX-License-Identifier: MIT */
/* The files of a training: who may write them, and the records that come through a pipe, kept as a packed set, so that
   it can go on when the pipe is long gone. */
#include <mgen/train.h>

#include <string.h>
#include <sys/stat.h>

char *mg_train_path(const char *output, const char *suffix)
{
    static const char ending[] = ".safetensors";
    size_t length = strlen(output), n = sizeof ending - 1;
    mg_buffer path = {0};
    if (length > n && strcmp(output + length - n, ending) == 0) length -= n;
    mg_buffer_print(&path, "%.*s.%s", (int)length, output, suffix);
    if (path.failed) mg_buffer_free(&path);
    return path.data;
}

/* ---- records into a packed set ---- */

/* The record of an input, if it is one to train on, in job->result. */
static mg_status take_record(void *user, mg_job *job)
{
    mg_json *record;
    (void)user;
    if (!job->item.line && !job->item.pack)
        return mg_fail(&job->why, MG_BAD_DATA, "%s: holds no records; mgen-prep makes them from music", job->item.path);
    MG_TRY(mg_item_record(&job->item, &record, &job->why));
    const char *kind = mg_json_get_string(record, "kind", "");
    bool is_music = strcmp(kind, "piece") == 0 || strcmp(kind, "roll") == 0;
    mg_status status = is_music ? mg_record_check(record, &job->why) : MG_OK;
    if (status) mg_item_say_where(&job->item, &job->why);
    if (status || !is_music) return mg_json_free(record), status;
    job->result = record;
    return MG_OK;
}

static mg_status add_record(void *user, mg_job *job, mg_error *why)
{
    mg_packer *packer = user;
    if (!job->result) return MG_OK;
    mg_error inner = {0};
    mg_status status = mg_packer_add(packer, job->result, &inner);
    if (!status) return MG_OK;
    mg_item_say_where(&job->item, &inner);
    return mg_fail_in(why, status, job->item.path, &inner);
}

static void release_record(void *record) { mg_json_free(record); }

/* All records of a source, staged in `out`. */
static mg_status pack_all(mg_source *source, const char *path, mg_run *run, mg_out *out, mg_error *why)
{
    mg_packer *packer;
    MG_TRY(mg_packer_new(path, &packer, why));
    mg_flow flow = {.work = take_record, .collect = add_record, .release = release_record, .user = packer};
    mg_status status = mg_flow_run(&flow, source, run, why);
    if (!status && mg_packer_count(packer) == 0)
        status = mg_fail(why, MG_BAD_DATA,
                         "there are no training records in the input; mgen-prep makes them from music");
    if (!status) status = mg_packer_write(packer, NULL, out, why);
    mg_packer_free(packer);
    return status;
}

/* ---- where the data are ---- */

/* A training that goes on keeps its data; what comes again is only compared. */
static mg_status compare(const mg_train_job *job, mg_out *out, mg_error *why)
{
    mg_hash hash;
    char hex[33];
    MG_TRY(mg_hash_out(out, &hash, why));
    mg_hash_hex(hash, hex);
    if (strcmp(hex, job->begun.data_hash) == 0) return MG_OK;
    return mg_fail(why, MG_BAD_ARGUMENT, "%s: these are not the data that the training began with", job->output);
}

static mg_status spool(const mg_train_job *job, mg_source *source, const char *path, mg_run *run, mg_error *why)
{
    mg_out *out;
    MG_TRY(mg_out_open(path, job->resumes || job->may_replace, &out, why));
    mg_status status = pack_all(source, path, run, out, why);
    if (!status && job->resumes) status = compare(job, out, why);
    if (!status) return mg_out_commit(out, why);
    return mg_out_abandon(out), status;
}

/* A pipe would be empty after a look into it. */
static bool is_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

/* The first checkpoint would replace what is being read. */
static mg_status check_inputs(const char *output, const char *const *paths, size_t n_paths, mg_error *why)
{
    struct stat out, in;
    if (stat(output, &out)) return MG_OK;
    for (size_t i = 0; i < n_paths; i++)
        if (stat(paths[i], &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            return mg_fail(why, MG_BAD_ARGUMENT, "%s: is an input, and cannot be the output", output);
    return MG_OK;
}

mg_status mg_train_data(const mg_train_job *job, mg_source *source, const char *const *paths, size_t n_paths,
                        mg_run *run, mg_pack **pack, mg_error *why)
{
    *pack = NULL;
    MG_TRY(check_inputs(job->output, paths, n_paths, why));
    if (n_paths == 1 && is_file(paths[0]) && mg_pack_open(paths[0], pack, NULL) == MG_OK) return MG_OK;
    bool is_kept = job->resumes && n_paths == 0;
    if (is_kept && job->begun.data_path) return mg_pack_open(job->begun.data_path, pack, why);
    char *path = mg_train_path(job->output, "data");
    if (!path) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_status status = is_kept ? MG_OK : spool(job, source, path, run, why);
    if (!status) status = mg_pack_open(path, pack, why);
    mg_free(path);
    return status;
}

/* ---- one writer ---- */

/* Before hours are spent: can it be written, and may it? */
static mg_status check_place(const mg_train_job *job, const char *suffix, mg_error *why)
{
    struct stat about;
    char *path = suffix ? mg_train_path(job->output, suffix) : mg_strdup(job->output);
    if (!path) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_status status = MG_OK;
    bool is_there = stat(path, &about) == 0;
    if (is_there && S_ISDIR(about.st_mode)) status = mg_fail(why, MG_IO, "%s: is a folder", path);
    else if (is_there && !job->resumes && !job->may_replace)
        status = mg_fail(why, MG_IO, "%s: exists already (--resume goes on with it, --force replaces it)", path);
    mg_free(path);
    return status;
}

mg_status mg_train_lock(const mg_train_job *job, mg_out **lock, mg_error *why)
{
    *lock = NULL;
    MG_TRY(check_place(job, NULL, why));
    MG_TRY(check_place(job, "state", why));
    char *path = mg_train_path(job->output, "training");
    mg_status status = path ? mg_out_open(path, true, lock, why) : mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_free(path);
    return status;
}
