/* SPDX-License-Identifier: MIT */
/* Records for people: what is shown is all of it, or an error. */
#include "tap.h"
#include "cli/inside.h"

#include <unistd.h>

/* Sections, rows, a list long enough for little columns, counts, nested rows, and an error. */
static const char *const lines[] = {
    "{\"kind\":\"run\",\"tool\":\"x\",\"argv\":[\"a\",\"b\",\"c\"]}",
    "{\"kind\":\"card\",\"path\":\"in\",\"meters\":{\"3/4\":30,\"4/4\":2,\"6/8\":1},"
    "\"tempi\":[{\"bpm\":90},{\"bpm\":100}],"
    "\"pitches\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18],\"more\":{\"a\":{\"b\":1},\"c\":[1,2,3]}}",
    "{\"kind\":\"match\",\"a\":\"one.mid\",\"b\":\"two.mid\",\"score\":1.5}",
    "{\"kind\":\"match\",\"a\":\"one.mid\",\"b\":\"three.mid\",\"score\":0.25}",
    "{\"kind\":\"error\",\"path\":\"four.mid\",\"error\":\"four.mid: a reason that takes some room, and more\"}",
    "{\"kind\":\"match\",\"a\":\"five.mid\",\"b\":\"six.mid\",\"score\":1}"};

static char shown[1 << 14]; /* what stood on standard output */

/* The first n lines as a table. */
static mg_status show(size_t n)
{
    mg_error why = {0};
    mg_status status = MG_OK, ended;
    cli_table *table = cli_table_new();
    if (!table) return MG_NO_MEMORY;
    for (size_t i = 0; !status && i < n; i++)
        status = cli_table_line(table, lines[i], strlen(lines[i]), &why);
    ended = cli_table_end(table, &why);
    return status ? status : ended;
}

/* The same with standard output in a file. */
static mg_status show_into(FILE *file, size_t n)
{
    rewind(file);
    if (ftruncate(fileno(file), 0)) return MG_IO;
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    dup2(fileno(file), STDOUT_FILENO);
    mg_status status = show(n);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    rewind(file);
    shown[fread(shown, 1, sizeof shown - 1, file)] = '\0';
    return status;
}

/* Whichever allocation is the first to fail. */
static void check_failing(FILE *file, size_t n)
{
    static char whole[sizeof shown];
    CHECK_INT(show_into(file, n), MG_OK);
    memcpy(whole, shown, sizeof whole);
    mg_status status = MG_NO_MEMORY;
    for (uint64_t call = 1; status && call < 10000; call++) {
        mg_alloc_fail_at(call);
        status = show_into(file, n);
        mg_alloc_fail_at(0);
        if (status) CHECK_INT(status, MG_NO_MEMORY);
        else CHECK_TEXT(shown, whole);
    }
    CHECK_INT(status, MG_OK);
}

static void all_or_an_error(void)
{
    FILE *file = tmpfile();
    REQUIRE(file);
    for (size_t n = 0; n <= sizeof lines / sizeof *lines; n++) check_failing(file, n);
    CHECK(strstr(shown, "six.mid") && strstr(shown, "and more") && strstr(shown, "4/4"));
    fclose(file);
}

int main(void)
{
    TEST("when memory runs out a table fails, and never leaves out a row", all_or_an_error);
    return tap_end();
}
