/* SPDX-License-Identifier: MIT */
/* Where inputs come from, and how they flow through threads in order. */
#include <mgen/data.h>

#include "tests/unit/tap.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/mgen-test-source-XXXXXX";
static mg_error why;
static mg_buffer seen;

static const char *in_folder(const char *name)
{
    static char path[8][320];
    static int next;
    next = (next + 1) % 8;
    snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
    return path[next];
}

static void put_file(const char *name, const char *text, size_t n)
{
    int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    REQUIRE(fd >= 0 && write(fd, text, n) == (ssize_t)n);
    close(fd);
}

/* Every item as "name", "name:line" or "!name"; names are relative to the folder. */
static mg_status walk(const mg_source_options *options)
{
    mg_source *source;
    mg_buffer_clear(&seen);
    mg_status status = mg_source_open(options, &source, &why);
    if (status) return status;
    mg_item item;
    while (!(status = mg_source_next(source, &item, &why))) {
        bool is_inside = strncmp(item.path, folder, strlen(folder)) == 0;
        const char *name = is_inside ? item.path + strlen(folder) : item.path;
        mg_buffer_print(&seen, "%s%s", item.trouble.status ? "!" : "", name);
        if (item.line) mg_buffer_print(&seen, ":%llu", (unsigned long long)item.number);
        mg_buffer_add_char(&seen, ' ');
        mg_item_clear(&item);
    }
    mg_source_close(source);
    return status == MG_END ? (seen.failed ? MG_NO_MEMORY : MG_OK) : status;
}

static void walk_paths(const char *const *paths, size_t n)
{
    REQUIRE(walk(&(mg_source_options){.paths = paths, .n_paths = n}) == MG_OK);
}

static void folders_are_searched(void)
{
    mkdir(in_folder("b"), 0777);
    mkdir(in_folder("b/empty"), 0777);
    put_file("b/2.mid", "x", 1);
    put_file("b/10.MID", "x", 1);
    put_file("a.abc", "x", 1);
    put_file("notes.txt", "x", 1);
    put_file(".hidden", "x", 1);
    symlink(folder, in_folder("b/loop"));
    walk_paths((const char *[]){folder}, 1);
    CHECK_TEXT(seen.data, "/a.abc /b/10.MID /b/2.mid ");
    walk_paths((const char *[]){in_folder("notes.txt"), in_folder("none"), in_folder("b")}, 3);
    CHECK_TEXT(seen.data, "/notes.txt /none /b/10.MID /b/2.mid ");
}

static void folders_give_what_is_looked_for(void)
{
    static const char records[] = "{\"kind\":\"a\"}\n{\"kind\":\"b\"}\n";
    mkdir(in_folder("kinds"), 0777);
    put_file("kinds/a.ndjson", records, sizeof records - 1);
    put_file("kinds/b.safetensors", "x", 1);
    put_file("kinds/c.wav", "x", 1);
    put_file("kinds/d.mid", "x", 1);
    put_file("kinds/.mid", "x", 1);
    const char *path = in_folder("kinds");
    static const struct { unsigned finds; const char *seen; } cases[] = {
        {0, "/kinds/d.mid "},
        {MG_FIND_RECORDS, "/kinds/a.ndjson:1 /kinds/a.ndjson:2 "},
        {MG_FIND_MUSIC | MG_FIND_OTHERS, "/kinds/b.safetensors /kinds/c.wav /kinds/d.mid "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        REQUIRE(walk(&(mg_source_options){.paths = &path, .n_paths = 1, .finds = cases[i].finds}) == MG_OK);
        CHECK_TEXT(seen.data, cases[i].seen);
    }
}

static void records_come_one_by_one(void)
{
    const char *lines = "{\"kind\":\"piece\",\"id\":\"1\"}\n\n  \n{\"kind\":\"piece\",\"id\":\"2\"}";
    put_file("r.ndjson", lines, strlen(lines));
    walk_paths((const char *[]){in_folder("r.ndjson"), in_folder("a.abc")}, 2);
    CHECK_TEXT(seen.data, "/r.ndjson:1 /r.ndjson:4 /a.abc ");
    const char *manifest = "{\"audio_filepath\":\"x.wav\",\"duration\":1}\n";
    put_file("m.json", manifest, strlen(manifest));
    walk_paths((const char *[]){in_folder("m.json")}, 1);
    CHECK_TEXT(seen.data, "/m.json:1 ");
    const char *rolls = "{\"train\":[[[60]]]}";
    put_file("j.json", rolls, strlen(rolls));
    walk_paths((const char *[]){in_folder("j.json")}, 1);
    CHECK_TEXT(seen.data, "/j.json ");
}

static void names_from_a_list(void)
{
    mg_buffer names = {0};
    mg_buffer_print(&names, "%s", in_folder("a.abc"));
    mg_buffer_add_char(&names, '\0');
    mg_buffer_print(&names, "%s", in_folder("b/2.mid"));
    put_file("names", names.data, names.length);
    mg_buffer_free(&names);
    REQUIRE(walk(&(mg_source_options){.names_file = in_folder("names")}) == MG_OK);
    CHECK_TEXT(seen.data, "/a.abc /b/2.mid ");
    CHECK_INT(walk(&(mg_source_options){.names_file = in_folder("none")}), MG_IO);
}

static void odd_names(void)
{
    static const char *const names[] = {"new\nline.mid", "-dash.mid", "\xff\xfe.mid", "per%s.mid", "sp ace.mid"};
    mkdir(in_folder("odd"), 0777);
    for (int i = 0; i < 5; i++) {
        char name[64];
        snprintf(name, sizeof name, "odd/%s", names[i]);
        put_file(name, "x", 1);
    }
    walk_paths((const char *[]){in_folder("odd")}, 1);
    CHECK_TEXT(seen.data, "/odd/-dash.mid /odd/new\nline.mid /odd/per%s.mid /odd/sp ace.mid /odd/\xff\xfe.mid ");
    mg_buffer_clear(&seen);
    mg_json_writer json = mg_record_begin(&seen, "test");
    mg_record_put_path(&json, "path", "\xff\xfe.mid");
    mg_record_end(&json);
    CHECK_TEXT(seen.data, "{\"kind\":\"test\",\"path\":\"\xef\xbf\xbd\xef\xbf\xbd.mid\",\"path_b64\":\"//4ubWlk\"}\n");
    mg_json *record;
    REQUIRE(mg_json_parse(seen.data, seen.length, &record, &why) == MG_OK);
    char *path = mg_record_path(record, "path");
    CHECK_TEXT(path, "\xff\xfe.mid");
    mg_free(path);
    mg_json_free(record);
}

static void shards_part_the_inputs(void)
{
    mg_buffer all = {0};
    size_t total = 0;
    for (uint32_t shard = 1; shard <= 3; shard++) {
        mg_source_options options = {.paths = (const char *[]){folder}, .n_paths = 1, .shard = shard, .shards = 3};
        REQUIRE(walk(&options) == MG_OK);
        mg_buffer_add_text(&all, seen.data ? seen.data : "");
        total += seen.length;
    }
    walk_paths((const char *[]){folder}, 1);
    CHECK_INT(total, seen.length);
    for (const char *at = seen.data; *at; at = strchr(at, ' ') + 1) { /* names with spaces are found in parts too */
        char name[320];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, " "), at);
        CHECK(strstr(all.data, name));
    }
    mg_buffer_free(&all);
}

/* ---- flow ---- */

enum { MANY = 1000 };

static void put_many(void)
{
    mg_buffer lines = {0};
    for (int i = 0; i < MANY; i++)
        mg_buffer_print(&lines, i % 97 == 13 ? "{\"kind\":\"broken\n" : "{\"kind\":\"piece\",\"n\":%d}\n", i);
    put_file("many.ndjson", lines.data, lines.length);
    mg_buffer_free(&lines);
}

static mg_status echo(void *user, mg_job *job)
{
    (void)user;
    mg_json *record;
    MG_TRY(mg_item_record(&job->item, &record, &job->why));
    mg_json_writer json = mg_record_begin(&job->out, "echo");
    mg_json_put_int(&json, "n", mg_json_get_int(record, "n", -1));
    mg_record_end(&json);
    mg_json_free(record);
    return MG_OK;
}

static mg_status keep(void *user, const char *text, size_t length, mg_error *e)
{
    (void)e;
    mg_buffer_add(user, text, length);
    mg_buffer_add_char(user, '\n');
    return ((mg_buffer *)user)->failed ? MG_NO_MEMORY : MG_OK;
}

static mg_status run_flow(int threads, mg_buffer *kept, mg_tally *tally)
{
    mg_source *source;
    mg_buffer_clear(kept);
    mg_source_options options = {.paths = (const char *[]){in_folder("many.ndjson")}, .n_paths = 1};
    MG_TRY(mg_source_open(&options, &source, &why));
    mg_run run = {.threads = threads, .out = {.line = keep, .user = kept}};
    mg_status status = mg_flow_run(&(mg_flow){.work = echo}, source, &run, &why);
    mg_source_close(source);
    *tally = run.tally;
    return status;
}

static void order_is_kept(void)
{
    mg_buffer one = {0}, many = {0};
    mg_tally tally;
    put_many();
    REQUIRE(run_flow(1, &one, &tally) == MG_OK);
    CHECK_INT(tally.inputs, MANY);
    CHECK_INT(tally.failed, 11);
    CHECK_INT(tally.records, MANY);
    CHECK(strstr(one.data, "{\"kind\":\"error\"") && strstr(one.data, "\"where\":\"line 14\""));
    for (int threads = 2; threads <= 8; threads *= 2) {
        REQUIRE(run_flow(threads, &many, &tally) == MG_OK);
        CHECK(one.length == many.length && memcmp(one.data, many.data, one.length) == 0);
    }
    mg_buffer_free(&one);
    mg_buffer_free(&many);
}

static mg_status refuse(void *user, const char *text, size_t length, mg_error *e)
{
    (void)text, (void)length;
    return ++*(int *)user == 3 ? mg_fail(e, MG_CLOSED, "enough") : MG_OK;
}

static void a_failing_sink_ends_it(void)
{
    mg_source *source;
    int n = 0;
    mg_source_options options = {.paths = (const char *[]){in_folder("many.ndjson")}, .n_paths = 1};
    REQUIRE(mg_source_open(&options, &source, &why) == MG_OK);
    mg_run run = {.threads = 2, .out = {.line = refuse, .user = &n}};
    CHECK_INT(mg_flow_run(&(mg_flow){.work = echo}, source, &run, &why), MG_CLOSED);
    CHECK_INT(n, 3);
    mg_source_close(source);
}

static mg_status flow_once(void)
{
    static mg_buffer kept;
    mg_tally tally;
    mg_status status = run_flow(1, &kept, &tally);
    mg_buffer_free(&kept);
    return status;
}

static mg_status walk_once(void) { return walk(&(mg_source_options){.paths = (const char *[]){folder}, .n_paths = 1}); }

static void failing_allocations(void)
{
    const char *lines = "{\"kind\":\"piece\",\"n\":1}\n{\"kind\":\"piece\",\"n\":2}\n";
    put_file("many.ndjson", lines, strlen(lines));
    CHECK_FAILING_ALLOCATIONS(flow_once());
    CHECK_FAILING_ALLOCATIONS(walk_once());
}

int main(void)
{
    if (!mkdtemp(folder)) return 1;
    TEST("folders are searched in byte order, links to folders are not followed", folders_are_searched);
    TEST("folders give what is looked for, record by record", folders_give_what_is_looked_for);
    TEST("records come one by one, manifests too", records_come_one_by_one);
    TEST("names come from a list", names_from_a_list);
    TEST("odd names survive", odd_names);
    TEST("shards part the inputs", shards_part_the_inputs);
    TEST("the order of the inputs is kept at any number of threads", order_is_kept);
    TEST("a failing sink ends the flow", a_failing_sink_ends_it);
    TEST("every failing allocation is answered", failing_allocations);
    mg_buffer_free(&seen);
    char command[400];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) ? 1 : tap_end();
}
