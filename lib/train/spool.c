/* SPDX-License-Identifier: MIT */
/* Records that come through a pipe, kept as a packed set, so that a training can go on when the pipe is long gone. */
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

/* The item as a line, in `line` where it has none of its own. */
static mg_status line_of(const mg_item *item, mg_buffer *line, const char **text, size_t *length, mg_error *why)
{
    *text = item->line;
    *length = item->length;
    if (item->line) return MG_OK;
    if (!item->pack)
        return mg_fail(why, MG_BAD_DATA, "%s: holds no records; mgen-prep makes them from music", item->path);
    mg_buffer_clear(line);
    mg_pack_add_record(item->pack, item->number, line);
    if (line->failed) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    *text = line->data;
    *length = line->length;
    return MG_OK;
}

static mg_status add_item(mg_packer *packer, const mg_item *item, mg_buffer *line, mg_error *why)
{
    const char *text;
    size_t length;
    mg_json *record;
    MG_TRY(line_of(item, line, &text, &length, why));
    MG_TRY(mg_json_parse(text, length, &record, why));
    const char *kind = mg_json_get_string(record, "kind", "");
    bool is_music = strcmp(kind, "piece") == 0 || strcmp(kind, "roll") == 0;
    mg_json_free(record);
    return is_music ? mg_packer_add(packer, text, length, why) : MG_OK;
}

static mg_status add_all(mg_packer *packer, mg_source *source, mg_run *run, mg_error *why)
{
    mg_buffer line = {0};
    mg_status status = MG_OK;
    while (!status) {
        mg_item item;
        if ((status = mg_source_next(source, &item, why))) break;
        run->tally.inputs++;
        if (item.trouble.status) {
            *why = item.trouble;
            status = item.trouble.status;
        } else {
            status = add_item(packer, &item, &line, why);
            if (status && why && item.line && !why->where[0])
                mg_error_at(why, "line %llu", (unsigned long long)item.number);
        }
        mg_item_clear(&item);
        mg_progress progress = {.what = "records", .done = run->tally.inputs};
        if (!status && run->tally.inputs % 64 == 0) status = mg_run_progress(run, &progress);
    }
    mg_buffer_free(&line);
    return status == MG_END ? MG_OK : status;
}

static mg_status spool(mg_source *source, const char *path, mg_run *run, mg_error *why)
{
    mg_packer *packer;
    mg_out *out = NULL;
    MG_TRY(mg_packer_new(path, &packer, why));
    mg_status status = add_all(packer, source, run, why);
    if (!status && mg_packer_count(packer) == 0)
        status = mg_fail(why, MG_BAD_DATA,
                         "there are no training records in the input; mgen-prep makes them from music");
    if (!status) status = mg_out_open(path, true, &out, why);
    if (!status) status = mg_packer_write(packer, NULL, out, why);
    if (status) mg_out_abandon(out);
    else status = mg_out_commit(out, why);
    mg_packer_free(packer);
    return status;
}

/* A pipe would be empty after a look into it. */
static bool is_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

mg_status mg_train_data(const mg_train_job *job, mg_source *source, const char *const *paths, size_t n_paths,
                        mg_run *run, mg_pack **pack, mg_error *why)
{
    *pack = NULL;
    if (!job->resumes && !job->may_replace && access(job->output, F_OK) == 0)
        return mg_fail(why, MG_IO, "%s: exists already (--resume goes on with it, --force replaces it)", job->output);
    if (n_paths == 1 && is_file(paths[0]) && mg_pack_open(paths[0], pack, NULL) == MG_OK) return MG_OK;
    char *path = mg_train_path(job->output, "data");
    if (!path) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_status status = job->resumes && n_paths == 0 ? MG_OK : spool(source, path, run, why);
    if (!status) status = mg_pack_open(path, pack, why);
    mg_free(path);
    return status;
}
