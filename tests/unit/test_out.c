/* SPDX-License-Identifier: MIT */
/* Outputs appear whole or not at all. */
#include "tests/unit/tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/mgen-test-out-XXXXXX";
static mg_error why;
static mg_out *out;

static const char *in_folder(const char *name)
{
    static char path[320];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int files_in_folder(void)
{
    int n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.' || strlen(e->d_name) > 2;
    closedir(d);
    return n;
}

static void check_content(const char *name, const char *text)
{
    mg_file file;
    REQUIRE(mg_file_read(in_folder(name), 0, &file, &why) == MG_OK);
    CHECK(file.size == strlen(text) && memcmp(file.data, text, file.size) == 0);
    mg_file_free(&file);
}

static void write_file(const char *name, bool may_replace, const char *text)
{
    REQUIRE(mg_out_open(in_folder(name), may_replace, &out, &why) == MG_OK);
    REQUIRE(mg_out_write(out, text, strlen(text), &why) == MG_OK);
    REQUIRE(mg_out_commit(out, &why) == MG_OK);
}

static void committed(void)
{
    REQUIRE(mg_out_open(in_folder("a"), false, &out, &why) == MG_OK);
    REQUIRE(mg_out_write(out, "hello", 5, &why) == MG_OK);
    CHECK(access(in_folder("a"), F_OK) != 0);
    REQUIRE(mg_out_commit(out, &why) == MG_OK);
    check_content("a", "hello");
    CHECK_INT(files_in_folder(), 1);
}

static void large_writes(void)
{
    char block[100000];
    memset(block, 'x', sizeof block);
    REQUIRE(mg_out_open(in_folder("large"), false, &out, &why) == MG_OK);
    for (int i = 0; i < 5; i++) {
        REQUIRE(mg_out_write(out, "y", 1, &why) == MG_OK);
        REQUIRE(mg_out_write(out, block, sizeof block, &why) == MG_OK);
    }
    CHECK_INT(mg_out_size(out), 500005);
    REQUIRE(mg_out_commit(out, &why) == MG_OK);
    struct stat about;
    REQUIRE(stat(in_folder("large"), &about) == 0);
    CHECK_INT(about.st_size, 500005);
    unlink(in_folder("large"));
}

static void abandoned(void)
{
    REQUIRE(mg_out_open(in_folder("b"), false, &out, &why) == MG_OK);
    REQUIRE(mg_out_write(out, "hello", 5, &why) == MG_OK);
    mg_out_abandon(out);
    mg_out_abandon(NULL);
    CHECK_INT(files_in_folder(), 1);
}

static void replacing(void)
{
    CHECK_INT(mg_out_open(in_folder("a"), false, &out, &why), MG_IO);
    CHECK(strstr(why.text, "--force"));
    write_file("a", true, "other");
    check_content("a", "other");
}

static void two_writers(void)
{
    mg_out *second;
    REQUIRE(mg_out_open(in_folder("c"), false, &out, &why) == MG_OK);
    CHECK_INT(mg_out_open(in_folder("c"), false, &second, &why), MG_IO);
    CHECK(strstr(why.text, "another process"));
    mg_out_abandon(out);
    write_file("c", false, "alone");
    unlink(in_folder("c"));
}

/* A process killed while it wrote leaves a temporary; the next writer takes it over. */
static void leftovers(void)
{
    pid_t child = fork();
    if (child == 0) {
        if (mg_out_open(in_folder("d"), false, &out, &why) == MG_OK) mg_out_write(out, "half", 4, &why);
        raise(SIGKILL);
    }
    waitpid(child, NULL, 0);
    CHECK_INT(files_in_folder(), 2);
    write_file("d", false, "whole");
    check_content("d", "whole");
    CHECK_INT(files_in_folder(), 2);
    unlink(in_folder("d"));
}

static void full_disk(void)
{
    REQUIRE(mg_out_open("/dev/full", false, &out, &why) == MG_OK);
    mg_status status = mg_out_write(out, "x", 1, &why);
    CHECK_INT(status, MG_OK); /* buffered */
    CHECK_INT(mg_out_commit(out, &why), MG_IO);
    CHECK(strstr(why.text, "/dev/full"));
}

static void places_that_cannot_be(void)
{
    CHECK_INT(mg_out_open(in_folder("no/such/folder"), false, &out, &why), MG_IO);
    CHECK_INT(mg_out_open(folder, true, &out, &why), MG_IO);
    CHECK(strstr(why.text, "folder"));
    mg_file file;
    CHECK_INT(mg_file_read(in_folder("nothing"), 0, &file, &why), MG_IO);
    CHECK_INT(mg_file_read(folder, 0, &file, &why), MG_IO);
    CHECK_INT(mg_file_read(in_folder("a"), 2, &file, &why), MG_TOO_LARGE);
}

static void temporaries(void)
{
    mg_temporary file = {0};
    mg_temporary_close(&file);
    CHECK_INT(mg_temporary_open(in_folder("no/such/folder"), &file, &why), MG_IO);
    CHECK(strstr(why.text, in_folder("no/such/.mgen-temporary-")));
    int before = files_in_folder();
    CHECK_FAILING_ALLOCATIONS(mg_temporary_open(in_folder("a"), &file, &why));
    CHECK_INT(files_in_folder(), before);
    CHECK(strstr(file.name, in_folder(".mgen-temporary-")));
    CHECK_INT(mg_write_all(file.fd, file.name, "x", 1, &why), MG_OK);
    mg_temporary_close(&file);
    CHECK(!file.name);
}

static void long_names(void)
{
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    write_file(name, false, "long");
    check_content(name, "long");
    unlink(in_folder(name));
}

static void folders(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/x/y/z", folder);
    CHECK_INT(mg_make_folder(path, &why), MG_OK);
    CHECK_INT(mg_make_folder(path, &why), MG_OK);
    CHECK_INT(mg_make_folder(in_folder("a"), &why), MG_IO);
    for (int i = 0; i < 3; i++) {
        rmdir(path);
        *strrchr(path, '/') = '\0';
    }
}

static mg_status write_once(void)
{
    MG_TRY(mg_out_open(in_folder("e"), true, &out, &why));
    mg_status status = mg_out_write(out, "hello", 5, &why);
    if (status) return mg_out_abandon(out), status;
    return mg_out_commit(out, &why);
}

static void failing_allocations(void)
{
    CHECK_FAILING_ALLOCATIONS(write_once());
    check_content("e", "hello");
    CHECK_INT(files_in_folder(), 2);
}

int main(void)
{
    if (!mkdtemp(folder)) return 1;
    TEST("a file appears when it is committed, and not before", committed);
    TEST("writes of any size arrive", large_writes);
    TEST("an abandoned output leaves nothing", abandoned);
    TEST("a file that exists is replaced only if that was asked for", replacing);
    TEST("a second writer of the same file is refused", two_writers);
    TEST("what a killed writer left is taken over", leftovers);
    TEST("a full disk is an error that names the output", full_disk);
    TEST("missing folders and folders in the way are refused", places_that_cannot_be);
    TEST("a temporary file has no name in its folder and is told by one", temporaries);
    TEST("names of 255 bytes work", long_names);
    TEST("folders are made with their parents", folders);
    TEST("every failing allocation is answered and leaves nothing", failing_allocations);
    unlink(in_folder("a"));
    unlink(in_folder("e"));
    rmdir(folder);
    return tap_end();
}
