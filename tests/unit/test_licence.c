/* SPDX-License-Identifier: MIT */
/* Licences: what texts say, which folders count, what a list allows. */
#include "tests/unit/tap.h"

#include <mgen/data.h>

#include <sys/stat.h>
#include <unistd.h>

static void says(const char *text, const char *want)
{
    char licence[MG_LICENCE_SIZE];
    CHECK_INT(mg_licence_recognise(text, strlen(text), licence, NULL), MG_OK);
    CHECK_TEXT(licence, want);
}

static void texts_are_recognised(void)
{
    says("Permission is hereby granted, free of charge, to any person obtaining\na copy of this software", "MIT");
    says("MIT License", "MIT");
    says("  GNU GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007", "GPL-3.0");
    says("GNU General Public License, version 2", "GPL-2.0");
    says("GNU LESSER GENERAL PUBLIC LICENSE Version 2.1", "LGPL-2.1");
    says("Apache License\n Version 2.0, January 2004", "Apache-2.0");
    says("Redistribution and use in source and binary forms, with or without ... Neither the name of", "BSD-3-Clause");
    says("Redistribution and use in source and binary forms, with or without", "BSD-2-Clause");
    says("This is free and unencumbered software released into the public domain.", "Unlicense");
    says("licensed under the Creative Commons Attribution 4.0 International License", "CC-BY-4.0");
    says("Creative Commons Attribution-ShareAlike 3.0 Germany", "CC-BY-SA-3.0");
    says("(c) 1996 Bernd Krueger, CC BY-SA", "CC-BY-SA");
    says("http://creativecommons.org/licenses/by-nc-nd/2.5/", "CC-BY-NC-ND-2.5");
    says("CC BY-NC-SA 4.0", "CC-BY-NC-SA-4.0");
    says("Creative Commons Legal Code CC0 1.0 Universal", "CC0-1.0");
    says("Public Domain", "public-domain");
    says("/* SPDX-License-Identifier: 0BSD */", "0BSD");
    says("Copyright 1999 by somebody. All rights reserved", "");
    says("Lieder mit Noten, ISC 1999", "");
    says("MIT", "MIT");
    says("", "");
    says("SPDX-License-Identifier:", "");
    says("SPDX-License-Identifier: a-very-long-name-that-does-not-fit-at-all", "a-very-long-name-that-does-not-");
}

static void lists_allow_versions(void)
{
    CHECK(mg_licence_is_allowed("MIT,CC-BY", "CC-BY-4.0"));
    CHECK(mg_licence_is_allowed("cc-by-4.0", "CC-BY-4.0"));
    CHECK(!mg_licence_is_allowed("CC-BY", "CC-BY-SA-4.0"));
    CHECK(!mg_licence_is_allowed("CC-BY-3.0", "CC-BY-4.0"));
    CHECK(mg_licence_is_allowed("GPL-2.0", "GPL-2.0-or-later"));
    CHECK(!mg_licence_is_allowed("GPL-2.0", "GPL-2.01"));
    CHECK(!mg_licence_is_allowed("MIT", ""));
    CHECK(mg_licence_is_allowed("MIT,,unknown", ""));
    CHECK(!mg_licence_is_allowed("", "MIT"));
}

/* ---- pieces ---- */

static char folder[64];

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    REQUIRE(file);
    fputs(text, file);
    fclose(file);
}

/* folder/LICENSE is MIT, folder/in/deep/COPYING.md CC0; folder/in has none of its own. */
static void make_folders(void)
{
    char path[256];
    snprintf(folder, sizeof folder, "%s/licence-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    REQUIRE(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/in", folder), mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/in/deep", folder), mkdir(path, 0700);
    write_file("LICENSE", "MIT License");
    write_file("in/deep/COPYING.md", "CC0 1.0");
    write_file("in/deep/licensed.txt", "GPL-3.0");
}

static void remove_folders(void)
{
    static const char *const names[] = {"LICENSE", "in/deep/COPYING.md", "in/deep/licensed.txt", "in/deep", "in", "."};
    for (size_t i = 0; i < 6; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", folder, i < 5 ? names[i] : "");
        remove(path);
    }
}

static void finds(mg_licences *licences, const char *name, size_t root, const char *record_text, const char *want)
{
    char path[256], licence[MG_LICENCE_SIZE];
    mg_json *record = NULL;
    mg_score *score = mg_score_new();
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (record_text) REQUIRE(mg_json_parse(record_text, strlen(record_text), &record, NULL) == MG_OK);
    mg_job job = {.item.root = root};
    mg_piece piece = {.score = score, .record = record, .file = path};
    CHECK_INT(mg_licences_find(licences, &job, &piece, licence, NULL), MG_OK);
    CHECK_TEXT(licence, want);
    mg_json_free(record), mg_score_free(score);
}

static void the_nearest_folder_counts_up_to_the_root(void)
{
    mg_licences *licences = mg_licences_new();
    make_folders();
    for (int again = 0; again < 2; again++) { /* the second time from memory */
        finds(licences, "in/deep/a.mid", strlen(folder), NULL, "CC0-1.0");
        finds(licences, "in/a.mid", strlen(folder), NULL, "MIT");
        finds(licences, "in/a.mid", strlen(folder) + 3, NULL, "");
        finds(licences, "a.mid", strlen(folder), NULL, "MIT");
        finds(licences, "a.mid", 0, "{\"licence\":\"CC-BY-4.0\"}", "CC-BY-4.0");
        finds(licences, "a.mid", 0, "{\"meta\":{\"licence\":\"GPL-3.0\"}}", "GPL-3.0");
        finds(licences, "in/a.mid", 0, "{\"path\":\"a.mid\"}", "");
    }
    mg_licences_free(licences);
    remove_folders();
}

static void copyright_texts_come_before_folders(void)
{
    char licence[MG_LICENCE_SIZE];
    mg_licences *licences = mg_licences_new();
    mg_text_event texts[] = {{.kind = MG_TEXT_LYRIC, .text = "MIT"}, {.kind = MG_TEXT_COPYRIGHT, .text = "CC BY 4.0"}};
    mg_score score = {.texts = texts, .n_texts = 2};
    mg_job job = {0};
    mg_piece piece = {.score = &score, .file = "/nowhere/at/all.mid"};
    CHECK_INT(mg_licences_find(licences, &job, &piece, licence, NULL), MG_OK);
    CHECK_TEXT(licence, "CC-BY-4.0");
    mg_licences_free(licences);
}

static void real_folders_have_their_licences(void)
{
    static const struct { const char *file, *licence; } known[] = {
        {"cre-irish/MIDI/x.mid", "Unlicense"}, {"nottingham/MIDI/x.mid", "GPL-3.0"}, {"groove/x.mid", "CC-BY-4.0"},
        {"pop909/001/x.mid", "MIT"}, {"freedoom-multitrack/x.mid", "BSD-3-Clause"}, {"notes-piano/x.wav", "CC0-1.0"},
        {"nasty-midi/note-seq/x.mid", "Apache-2.0"}, {"nasty-midi/tonejs/x.mid", "MIT"},
        {"nasty-midi/music21/x.mid", "BSD-3-Clause"}, {"jsb16/x.json", ""}};
    if (access("../shared/data", R_OK)) SKIP("../shared/data is not there");
    mg_licences *licences = mg_licences_new();
    snprintf(folder, sizeof folder, "../shared/data");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        finds(licences, known[i].file, strlen(folder), NULL, known[i].licence);
    mg_licences_free(licences);
}

static mg_status find_once(void)
{
    char licence[MG_LICENCE_SIZE];
    mg_error why = {0};
    mg_licences *licences = mg_licences_new();
    if (!licences) return MG_NO_MEMORY;
    mg_text_event text = {.kind = MG_TEXT_COPYRIGHT, .text = "nobody"};
    mg_score score = {.texts = &text, .n_texts = 1};
    mg_piece piece = {.score = &score, .file = "docs/STYLE.md"};
    mg_status status = mg_licences_find(licences, &(mg_job){0}, &piece, licence, &why);
    mg_licences_free(licences);
    return status;
}

static void survives_failing_allocations(void) { CHECK_FAILING_ALLOCATIONS(find_once()); }

int main(void)
{
    TEST("licences are recognised by their words", texts_are_recognised);
    TEST("a list without version allows all", lists_allow_versions);
    TEST("the nearest folder counts, up to the one that was named", the_nearest_folder_counts_up_to_the_root);
    TEST("a copyright text comes before the folder", copyright_texts_come_before_folders);
    TEST("real folders have the licences that they say", real_folders_have_their_licences);
    TEST("failing allocations are answered", survives_failing_allocations);
    return tap_end();
}
