/* SPDX-License-Identifier: MIT */
/* The walk of mgen-eval when memory runs out, at every place where it can. */
#include "tests/unit/tap.h"

#include <mgen/metric.h>
#include <unistd.h>

static char folder[] = "/tmp/mgen-evaluate-XXXXXX";
static mg_buffer records;

static mg_status keep_line(void *user, const char *text, size_t length, mg_error *why)
{
    (void)user, (void)why;
    mg_buffer_add(&records, text, length);
    mg_buffer_add_char(&records, '\n');
    return records.failed ? MG_NO_MEMORY : MG_OK;
}

static void write_file(const char *name, const void *bytes, size_t n)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    REQUIRE(f && fwrite(bytes, 1, n, f) == n && fclose(f) == 0);
}

/* Two notes, the second as given. */
static void write_midi(const char *name, uint8_t pitch)
{
    const uint8_t bytes[] = {'M', 'T', 'h', 'd', 0, 0, 0, 6, 0, 0, 0, 1, 0, 96, 'M', 'T', 'r', 'k', 0, 0, 0, 20,
                             0, 0x90, 60, 80, 96, 0x80, 60, 0, 0, 0x90, pitch, 90, 48, 0x80, pitch, 0,
                             0, 0xff, 0x2f, 0};
    write_file(name, bytes, sizeof bytes);
}

static mg_status evaluate(void)
{
    const char *paths[] = {folder};
    mg_eval_options options = mg_eval_defaults();
    options.paths = options.against = paths;
    options.n_paths = options.n_against = 1;
    options.writes_pieces = true;
    options.resamples = 3;
    mg_run run = {.threads = 1, .out = {.line = keep_line}};
    mg_source *source;
    mg_error why = {0};
    mg_buffer_free(&records);
    MG_TRY(mg_source_open(&(mg_source_options){.paths = paths, .n_paths = 1}, &source, &why));
    mg_status status = mg_eval_run(&options, source, &run, &why);
    mg_source_close(source);
    return status;
}

static int count_of(const char *text)
{
    int n = 0;
    for (const char *at = records.data ? records.data : ""; (at = strstr(at, text)); at++) n++;
    return n;
}

static void pieces_and_sets(void)
{
    REQUIRE(mkdtemp(folder) != NULL);
    write_midi("a.mid", 62);
    write_midi("b.mid", 67);
    CHECK_INT(evaluate(), MG_OK);
    CHECK_INT(count_of("\"kind\":\"metrics\""), 2);
    CHECK_INT(count_of("\"kind\":\"comparison\""), 1);
    CHECK_INT(count_of("nan"), 0);
    CHECK_INT(count_of("inf"), 0);
}

static void failing_allocations(void)
{
    CHECK_FAILING_ALLOCATIONS(evaluate());
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK_INT(system(command), 0);
}

static mg_status list(void)
{
    mg_run run = {.threads = 1, .out = {.line = keep_line}};
    mg_error why = {0};
    mg_buffer_free(&records);
    return mg_eval_list(&run, &why);
}

static void the_list(void)
{
    CHECK_FAILING_ALLOCATIONS(list());
    CHECK_INT(count_of("\"kind\":\"metric\""), mg_metric_count());
}

int main(void)
{
    TEST("pieces are measured and sets compared", pieces_and_sets);
    TEST("every failing allocation is answered", failing_allocations);
    TEST("the list names every metric, or says that memory is out", the_list);
    mg_buffer_free(&records);
    return tap_end();
}
