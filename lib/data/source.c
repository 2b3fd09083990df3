/* SPDX-License-Identifier: MIT */
/* Where inputs come from: files, folders, record streams, packed sets, lists of names. */
#include <mgen/audio.h>
#include <mgen/data.h>
#include "data/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is taken from a folder; of JSON only roll data sets, of tensors packed sets or models. Files that are named are
   taken whatever they are called. */
static const char *const music_extensions[] = {"mid", "midi", "kar", "rmi", "smf", "midi2", "abc", "mat", NULL};
static const char *const json_extensions[] = {"json", NULL};
static const char *const record_extensions[] = {"ndjson", "jsonl", NULL};
static const char *const tensor_extensions[] = {"safetensors", NULL};
static const char *const sound_extensions[] = {"wav", "flac", "ogg", "aif", "aiff", NULL};

/* One level of a folder being searched. */
typedef struct level {
    struct level *parent;
    char *path;
    char **names;
    size_t n_names, next;
} level;

struct mg_source {
    char **paths; /* what was named, in order */
    size_t n_paths, next_path;
    mg_file names; /* further names, NUL-separated */
    size_t names_at, n_names, n_taken; /* names: all, and those taken so far */
    uint32_t shard, shards;
    bool is_default;     /* nothing was named */
    unsigned finds;
    level *level;        /* innermost open folder */
    bool has_found;      /* something below the outermost */
    size_t root;         /* length of the path of the outermost */
    mg_lines *lines;     /* an open record stream */
    char *lines_path;
    int lines_fd;
    mg_pack *pack;       /* an open packed set */
    size_t pack_next;
};

static mg_status no_memory(mg_error *why) { return mg_fail(why, MG_NO_MEMORY, "out of memory"); }

void mg_item_clear(mg_item *item)
{
    mg_free(item->path);
    mg_free(item->line);
    mg_file_free(&item->content);
    mg_pack_release(item->pack);
    *item = (mg_item){0};
}

void mg_item_say_where(const mg_item *item, mg_error *why)
{
    if (item->pack) mg_error_at(why, "record %llu", (unsigned long long)item->number + 1);
    else if (item->line) mg_error_at(why, "line %llu", (unsigned long long)item->number);
}

mg_status mg_item_record(const mg_item *item, mg_json **record, mg_error *why)
{
    *record = NULL;
    mg_buffer whole = {0};
    if (item->pack) mg_pack_add_record(item->pack, item->number, &whole);
    if (whole.failed) return mg_buffer_free(&whole), no_memory(why);
    const char *line = item->pack ? whole.data : item->line;
    mg_status status = line ? mg_json_parse(line, item->pack ? whole.length : item->length, record, why) : MG_OK;
    if (status) mg_item_say_where(item, why);
    mg_buffer_free(&whole);
    return status;
}

/* ---- what a file is ---- */

static bool has_extension(const char *name, const char *const *extensions)
{
    const char *dot = strrchr(name, '.');
    if (!dot || dot == name || dot[-1] == '/') return false;
    for (; *extensions; extensions++)
        if (strcasecmp(dot + 1, *extensions) == 0) return true;
    return false;
}

bool data_is_music_name(const char *path) { return has_extension(path, music_extensions); }

/* The first bytes of a file, at most `size`; 0 where it is none or cannot be read. */
static size_t read_head(const char *path, char *head, size_t size)
{
    struct stat about;
    if (stat(path, &about) || !S_ISREG(about.st_mode)) return 0; /* who writes into a pipe must not see it closed */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return 0;
    ssize_t n = read(fd, head, size);
    close(fd);
    return n > 0 ? (size_t)n : 0;
}

typedef enum { IS_FILE, IS_RECORDS, IS_PACK } file_kind;

/* Records begin with an object that names its kind or, in the manifests of AudioCraft and NeMo, a file; a packed set is
   a safetensors file that says so. */
static file_kind kind_of(const char *head, size_t n)
{
    static const char *const record_keys[] = {"\"kind\"", "\"path\"", "\"audio_filepath\""};
    size_t i = 0;
    while (i < n && (head[i] == ' ' || head[i] == '\n' || head[i] == '\r' || head[i] == '\t')) i++;
    for (size_t k = 0; i < n && head[i] == '{' && k < sizeof record_keys / sizeof *record_keys; k++)
        if (memmem(head, n, record_keys[k], strlen(record_keys[k]))) return IS_RECORDS;
    if (mg_tensors_is(head, n) && memmem(head, n, MG_PACK_FORMAT, strlen(MG_PACK_FORMAT))) return IS_PACK;
    return IS_FILE;
}

/* What cannot be read is a file: whoever reads it will say why not. */
static file_kind kind_of_path(const char *path)
{
    char head[1 << 16];
    return has_extension(path, music_extensions) ? IS_FILE : kind_of(head, read_head(path, head, sizeof head));
}

static bool is_wanted(const mg_source *source, const char *path)
{
    char head[4096];
    struct stat about;
    unsigned finds = source->finds;
    if (stat(path, &about) || !S_ISREG(about.st_mode)) return false;
    if (has_extension(path, music_extensions)) return finds & MG_FIND_MUSIC;
    if (has_extension(path, record_extensions)) return finds & MG_FIND_RECORDS;
    if (has_extension(path, sound_extensions)) return finds & MG_FIND_OTHERS;
    if (has_extension(path, tensor_extensions))
        return finds & (kind_of_path(path) == IS_PACK ? MG_FIND_RECORDS : MG_FIND_OTHERS);
    return (finds & MG_FIND_MUSIC) && has_extension(path, json_extensions) &&
           mg_rolls_is(head, read_head(path, head, sizeof head));
}

/* ---- folders ---- */

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static char *join(const char *folder, const char *name)
{
    mg_buffer path = {0};
    size_t n = strlen(folder);
    mg_buffer_add(&path, folder, n);
    if (n && folder[n - 1] != '/') mg_buffer_add_char(&path, '/');
    mg_buffer_add_text(&path, name);
    if (path.failed) mg_buffer_free(&path);
    return path.data;
}

static void close_level(mg_source *source)
{
    level *l = source->level;
    source->level = l->parent;
    for (size_t i = 0; i < l->n_names; i++) mg_free(l->names[i]);
    mg_free(l->names);
    mg_free(l->path);
    mg_free(l);
}

static mg_status open_level(mg_source *source, const char *path, mg_error *why)
{
    DIR *folder = opendir(path);
    if (!folder) return mg_fail_errno(why, "%s", path);
    level *l = mg_alloc_zero(1, sizeof *l);
    bool ok = l && (l->path = mg_strdup(path));
    size_t capacity = 0;
    for (struct dirent *entry; ok && (entry = readdir(folder));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        ok = mg_grow((void **)&l->names, l->n_names, &capacity, sizeof *l->names);
        if (ok) ok = (l->names[l->n_names] = mg_strdup(entry->d_name)) != NULL;
        l->n_names += ok;
    }
    closedir(folder);
    if (!l) return no_memory(why);
    l->parent = source->level;
    source->level = l;
    if (!ok) return close_level(source), no_memory(why);
    if (l->n_names) qsort(l->names, l->n_names, sizeof *l->names, by_bytes);
    return MG_OK;
}

/* The next file below the open folders, or NULL in *path when they are done. After a failure *path is the
   folder that could not be opened, or in which nothing was found. */
static mg_status next_in_folders(mg_source *source, char **path, mg_error *why)
{
    *path = NULL;
    while (source->level) {
        level *l = source->level;
        if (l->next == l->n_names) {
            bool is_empty = !l->parent && !source->has_found;
            if (is_empty && !(*path = mg_strdup(l->path))) return no_memory(why);
            close_level(source);
            if (is_empty)
                return mg_fail(why, MG_BAD_DATA, "%s: no %s in this folder", *path,
                               source->finds & MG_FIND_MUSIC ? "music" : "records");
            continue;
        }
        char *whole = join(l->path, l->names[l->next++]);
        struct stat about;
        if (!whole) return no_memory(why);
        *path = whole;
        if (lstat(whole, &about) == 0 && S_ISDIR(about.st_mode)) /* links to folders may loop: not followed */
            MG_TRY(open_level(source, whole, why));
        else if (is_wanted(source, whole))
            return source->has_found = true, MG_OK;
        mg_free(whole);
        *path = NULL;
    }
    return MG_OK;
}

/* ---- streams ---- */

static mg_status open_stream(mg_source *source, const char *path, mg_error *why)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = STDIN_FILENO;
    if (!is_stdin) MG_TRY(mg_open_to_read(path, &fd, why));
    source->lines_fd = fd;
    source->lines_path = mg_strdup(path);
    if (!source->lines_path) return no_memory(why);
    return mg_lines_open(fd, is_stdin ? "standard input" : path, &source->lines, why);
}

static void close_stream(mg_source *source)
{
    if (source->lines && source->lines_fd != STDIN_FILENO) close(source->lines_fd);
    mg_lines_close(source->lines);
    mg_free(source->lines_path);
    source->lines = NULL;
    source->lines_path = NULL;
}

/* ---- the walk ---- */

/* A list of lines is a mistake that is easily made. */
static mg_status check_names(const mg_file *names, mg_error *why)
{
    if (!names->size || memchr(names->data, '\0', names->size) || !memchr(names->data, '\n', names->size)) return MG_OK;
    return mg_fail(why, MG_BAD_ARGUMENT, "the names of files end with newlines, where a NUL is wanted (find -print0)");
}

mg_status mg_source_open(const mg_source_options *options, mg_source **result, mg_error *why)
{
    *result = NULL;
    mg_source *source = mg_alloc_zero(1, sizeof *source);
    if (!source) return no_memory(why);
    source->shard = options->shard;
    source->shards = options->shards;
    source->finds = options->finds ? options->finds : MG_FIND_MUSIC;
    const char *standard_input = "-";
    const char *const *paths = options->paths;
    size_t n = options->n_paths;
    source->is_default = n == 0 && !options->names_file;
    if (source->is_default) paths = &standard_input, n = 1;
    mg_status status = MG_OK;
    source->paths = mg_alloc_zero(n, sizeof *source->paths);
    if (!source->paths) status = no_memory(why);
    for (size_t i = 0; !status && i < n; i++) {
        source->paths[i] = mg_strdup(paths[i]);
        if (!source->paths[i]) status = no_memory(why);
        else source->n_paths++;
    }
    if (!status && options->names_file)
        status = strcmp(options->names_file, "-") == 0
                     ? mg_file_read_fd(STDIN_FILENO, "standard input", 0, &source->names, why)
                     : mg_file_read(options->names_file, 0, &source->names, why);
    if (!status) status = check_names(&source->names, why);
    if (status) return mg_source_close(source), status;
    source->n_names = source->n_paths;
    for (size_t at = 0; at < source->names.size; source->n_names++)
        at += strnlen((const char *)source->names.data + at, source->names.size - at) + 1;
    *result = source;
    return MG_OK;
}

void mg_source_close(mg_source *source)
{
    if (!source) return;
    while (source->level) close_level(source);
    close_stream(source);
    mg_pack_release(source->pack);
    for (size_t i = 0; i < source->n_paths; i++) mg_free(source->paths[i]);
    mg_free(source->paths);
    mg_file_free(&source->names);
    mg_free(source);
}

bool mg_source_is_default(const mg_source *source) { return source->is_default; }

mg_status mg_source_as_pack(const mg_source *source, mg_pack **pack, mg_error *why)
{
    *pack = NULL;
    const char *path = source->n_names == 1 && source->n_paths == 1 ? source->paths[0] : NULL;
    if (!path || source->shards || strcmp(path, "-") == 0 || kind_of_path(path) != IS_PACK) return MG_OK;
    return mg_pack_open(path, pack, why);
}

/* The next name that was given, new; NULL in *name when there is none. */
static mg_status next_name(mg_source *source, char **name, mg_error *why)
{
    *name = NULL;
    if (source->next_path < source->n_paths) {
        *name = source->paths[source->next_path];
        source->paths[source->next_path++] = NULL;
    }
    while (!*name && source->names_at < source->names.size) {
        const char *at = (const char *)source->names.data + source->names_at;
        size_t n = strnlen(at, source->names.size - source->names_at);
        source->names_at += n + 1;
        source->n_taken += n == 0; /* empty */
        if (n && !(*name = mg_strndup(at, n))) return no_memory(why);
    }
    source->n_taken += *name != NULL;
    return MG_OK;
}

/* What can be read only where it can be gone back in; NULL for all else. */
static const char *file_only(const char *head, size_t n)
{
    return kind_of(head, n) == IS_PACK ? "a packed set"
           : mg_tensors_is(head, n)    ? "a model, or other tensors,"
           : mg_sound_is(head, n)      ? "a sound file"
                                       : NULL;
}

/* Standard input, or a pipe with a name: it holds records if it begins like them, else it is a file. */
static mg_status open_pipe(mg_source *source, const char *path, mg_item *item, mg_error *why)
{
    const char *head, *what;
    size_t n;
    MG_TRY(open_stream(source, path, why));
    MG_TRY(mg_lines_peek(source->lines, &head, &n, why));
    if (n == 0 || kind_of(head, n) == IS_RECORDS) return MG_OK;
    mg_status status;
    if (!(item->path = mg_strdup(path))) status = no_memory(why);
    else if ((what = file_only(head, n)))
        status = mg_fail(why, MG_UNSUPPORTED, "%s: %s is read from its file, not from a pipe", path, what);
    else status = mg_lines_rest(source->lines, 0, &item->content, why);
    close_stream(source);
    return status;
}

static mg_status next_record(mg_source *source, mg_item *item, mg_error *why)
{
    const char *text;
    size_t length;
    uint64_t number;
    mg_status status = mg_lines_next(source->lines, &text, &length, &number, why);
    if (status == MG_END) return close_stream(source), MG_END;
    item->path = mg_strdup(source->lines_path);
    if (!item->path) return no_memory(why);
    if (status) return status;
    item->line = mg_strndup(text, length);
    item->length = length;
    item->number = number;
    return item->line ? MG_OK : no_memory(why);
}

static mg_status next_packed(mg_source *source, mg_item *item, mg_error *why)
{
    if (source->pack_next == mg_pack_count(source->pack)) {
        mg_pack_release(source->pack);
        source->pack = NULL;
        return MG_END;
    }
    item->path = mg_strdup(mg_pack_path(source->pack));
    item->number = source->pack_next++;
    item->pack = mg_pack_retain(source->pack);
    return item->path ? MG_OK : no_memory(why);
}

/* A file that holds records is opened, any other is the item that it is. */
static mg_status open_file(mg_source *source, mg_item *item, mg_error *why)
{
    file_kind kind = kind_of_path(item->path);
    if (kind == IS_FILE) return MG_OK;
    source->pack_next = 0;
    MG_TRY(kind == IS_PACK ? mg_pack_open(item->path, &source->pack, why) : open_stream(source, item->path, why));
    mg_item_clear(item);
    return MG_OK;
}

/* A name that was given: a folder or stream is opened, a file becomes the item. */
static mg_status take_name(mg_source *source, char *name, mg_item *item, mg_error *why)
{
    struct stat about = {0};
    bool is_there = stat(name, &about) == 0;
    item->path = name; /* also says whose fault a failure is */
    mg_status status = MG_OK;
    if (strcmp(name, "-") == 0 || (is_there && (S_ISFIFO(about.st_mode) || S_ISCHR(about.st_mode)))) {
        item->path = NULL;
        status = open_pipe(source, name, item, why);
        if (status && !item->path) item->path = name;
        else mg_free(name);
        return status;
    }
    if (is_there && S_ISDIR(about.st_mode)) {
        status = open_level(source, name, why);
        source->has_found = false;
        source->root = strlen(name);
        while (source->root > 0 && name[source->root - 1] == '/') source->root--;
        if (!status) mg_item_clear(item);
        return status;
    }
    const char *slash = strrchr(name, '/');
    item->root = slash ? (size_t)(slash - name) : 0;
    return open_file(source, item, why);
}

/* One step: an item, or something opened that later steps read (item->path NULL). MG_END when all is done. */
static mg_status step(mg_source *source, mg_item *item, mg_error *why)
{
    mg_status status;
    if (source->lines) return (status = next_record(source, item, why)) == MG_END ? MG_OK : status;
    if (source->pack) return (status = next_packed(source, item, why)) == MG_END ? MG_OK : status;
    item->root = source->root;
    if (source->level) {
        MG_TRY(next_in_folders(source, &item->path, why));
        return item->path ? open_file(source, item, why) : MG_OK;
    }
    char *name;
    MG_TRY(next_name(source, &name, why));
    return name ? take_name(source, name, item, why) : MG_END;
}

/* Which path decides the shard: the file's, or the one that the record names. */
static bool is_other_shard(const mg_source *source, const mg_item *item)
{
    if (source->shards == 0) return false;
    mg_json *record = NULL;
    char *path = mg_item_record(item, &record, NULL) == MG_OK && record ? mg_record_path(record, "path") : NULL;
    const char *key = path ? path : item->path + item->root; /* however the folder is spelt */
    uint64_t hash = mg_hash64_bytes(key, strlen(key));
    mg_free(path);
    mg_json_free(record);
    return hash % source->shards != source->shard - 1;
}

mg_status mg_source_next(mg_source *source, mg_item *item, mg_error *why)
{
    *item = (mg_item){0};
    for (;;) {
        mg_status status = step(source, item, why);
        if (status == MG_END || status == MG_NO_MEMORY || status == MG_STOPPED) return mg_item_clear(item), status;
        if (status) { /* this input cannot be had; the others can */
            item->trouble = *why;
            item->trouble.status = status;
            if (!item->path) item->path = mg_strdup("-");
            if (status != MG_TOO_LARGE) close_stream(source);
            return item->path ? MG_OK : no_memory(why);
        }
        if (item->path && !is_other_shard(source, item)) return MG_OK;
        mg_item_clear(item);
    }
}

bool mg_source_would_wait(const mg_source *source) { return source->lines && mg_lines_would_wait(source->lines); }

double mg_source_share(const mg_source *source)
{
    double inside = 1; /* of the name that was taken last */
    if (source->lines) inside = mg_lines_share(source->lines);
    if (source->pack && mg_pack_count(source->pack))
        inside = (double)source->pack_next / (double)mg_pack_count(source->pack);
    for (const level *l = source->level; l; l = l->parent) /* which is one of its parent's names */
        inside = ((double)l->next - 1 + inside) / (double)(l->n_names ? l->n_names : 1);
    if (source->n_taken == 0 || source->n_names == 0) return 0;
    return ((double)source->n_taken - 1 + inside) / (double)source->n_names;
}
