/* SPDX-License-Identifier: MIT */
/* The files of a training: who may write them, and the records that come through a pipe, kept as a packed set, so that
   it can go on when the pipe is long gone. */
#include <mgen/train.h>

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* A record to train on, and its content. */
typedef struct {
    mg_json *record;
    const mg_encoding *encoding;
    mg_buffer tokens;
} example;

static void free_example(void *result)
{
    example *x = result;
    if (!x) return;
    mg_json_free(x->record);
    mg_buffer_free(&x->tokens);
    mg_free(x);
}

static size_t weigh_example(const void *result)
{
    const example *x = result;
    return 8 * x->tokens.length; /* a number in JSON takes some 32 bytes */
}

static mg_status no_records(mg_job *job)
{
    int fd;
    if (!job->item.content.data) {
        MG_TRY(mg_open_to_read(job->item.path, &fd, &job->why));
        close(fd);
    }
    return mg_fail(&job->why, MG_BAD_DATA, "%s: holds no records; mgen-prep makes them from music", job->item.path);
}

static mg_status take_record(void *user, mg_job *job)
{
    (void)user;
    if (!job->item.line && !job->item.pack) return no_records(job);
    example *x = job->result = mg_alloc_zero(1, sizeof *x);
    if (!x) return mg_fail(&job->why, MG_NO_MEMORY, "out of memory");
    mg_status status = mg_item_record(&job->item, &x->record, &job->why);
    const char *kind = mg_json_get_string(x->record, "kind", "");
    bool is_music = strcmp(kind, "piece") == 0 || strcmp(kind, "roll") == 0;
    if (!status && is_music) status = mg_record_tokens(x->record, &x->encoding, &x->tokens, &job->why);
    if (status) mg_item_say_where(&job->item, &job->why);
    if (status || !is_music) free_example(x), job->result = NULL;
    return status;
}

static mg_status add_record(void *user, mg_job *job, mg_error *why)
{
    mg_packer *packer = user;
    const example *x = job->result;
    mg_error inner = {0};
    if (!x) return MG_OK;
    mg_status status = mg_packer_add(packer, x->record, x->encoding, (const int32_t *)(const void *)x->tokens.data,
                                     x->tokens.length / sizeof(int32_t), &inner);
    if (!status) return MG_OK;
    mg_item_say_where(&job->item, &inner);
    return mg_fail_in(why, status, job->item.path, &inner);
}

/* All records of a source, staged in `out`. */
static mg_status pack_all(mg_source *source, mg_run *run, mg_out *out, mg_error *why)
{
    mg_packer *packer;
    MG_TRY(mg_packer_new(mg_out_path(out), &packer, why));
    mg_flow flow = {.work = take_record, .collect = add_record, .release = free_example, .weigh = weigh_example,
                    .user = packer};
    mg_status status = mg_flow_run(&flow, source, run, why);
    if (!status && mg_packer_count(packer) == 0)
        status = mg_fail(why, MG_BAD_DATA,
                         "there are no training records in the input; mgen-prep makes them from music");
    if (!status) status = mg_packer_write(packer, NULL, out, why);
    mg_packer_free(packer);
    return status;
}

/* ---- where the data are ---- */

static mg_status spool(const mg_train_job *job, mg_source *source, const char *path, mg_run *run, mg_train_set *set,
                       mg_error *why)
{
    MG_TRY(mg_out_open(path, job->resumes || job->may_replace, &set->staged, why));
    MG_TRY(pack_all(source, run, set->staged, why));
    return mg_pack_open_out(set->staged, &set->pack, why);
}

/* The first checkpoint would replace what is being read. */
static mg_status check_input(const mg_train_job *job, const mg_pack *pack, mg_error *why)
{
    struct stat out, in;
    if (stat(job->output, &out) || stat(mg_pack_path(pack), &in) || in.st_dev != out.st_dev || in.st_ino != out.st_ino)
        return MG_OK;
    return mg_fail(why, MG_BAD_ARGUMENT, "%s: is the input, and cannot be the output", job->output);
}

static mg_status find_data(const mg_train_job *job, mg_source *source, mg_run *run, mg_train_set *set, mg_error *why)
{
    bool is_kept = job->resumes && mg_source_is_default(source);
    if (is_kept && job->data_path) return mg_pack_open(job->data_path, &set->pack, why);
    MG_TRY(mg_source_as_pack(source, &set->pack, why));
    if (set->pack) return check_input(job, set->pack, why);
    char *path = mg_train_path(job->output, "data");
    if (!path) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_status status = is_kept ? mg_pack_open(path, &set->pack, why) : spool(job, source, path, run, set, why);
    mg_free(path);
    return status;
}

mg_status mg_train_data(const mg_train_job *job, mg_source *source, mg_run *run, mg_train_set *set, mg_error *why)
{
    *set = (mg_train_set){0};
    mg_status status = find_data(job, source, run, set, why);
    if (status) mg_train_set_clear(set);
    return status;
}

void mg_train_set_clear(mg_train_set *set)
{
    mg_pack_release(set->pack);
    mg_out_abandon(set->staged);
    *set = (mg_train_set){0};
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
    mg_error inner = {0};
    char *path = mg_train_path(job->output, "lock"); /* which never gets its name */
    mg_status status = path ? mg_out_open(path, true, lock, &inner) : MG_NO_MEMORY;
    const char *reason = path && inner.text[0] ? inner.text + strlen(path) + 2 : "out of memory";
    if (status) mg_fail(why, status, "%s: %s", job->output, reason);
    mg_free(path);
    return status;
}
