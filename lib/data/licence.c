/* SPDX-License-Identifier: MIT */
/* Under which licence a piece stands, as an SPDX identifier. It is read off texts by phrases of the licences
   themselves, in small letters with everything between words made one space: what is recognised is what people put
   beside their music, and what is not is unknown rather than guessed. */
#include <mgen/data.h>

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* ---- recognising ---- */

enum { READ_MOST = 1 << 15, WINDOW = 120 };

/* Letters and digits, small, words apart by one space, a space before and after. */
static void add_plain(mg_buffer *plain, const char *text, size_t length)
{
    bool is_between = true;
    mg_buffer_add_char(plain, ' ');
    for (size_t i = 0; i < length && i < READ_MOST; i++) {
        char c = text[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
        bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
        if (is_word) mg_buffer_add_char(plain, c);
        else if (!is_between) mg_buffer_add_char(plain, ' ');
        is_between = !is_word;
    }
    if (!is_between) mg_buffer_add_char(plain, ' ');
}

/* In this order: the more particular before the more general. */
static const struct {
    const char *phrase, *also; /* `also`: this stands there too; NULL: no matter */
    const char *licence;
} phrases[] = {
    {" permission is hereby granted free of charge to any person obtaining a copy ", NULL, "MIT"},
    {" this is free and unencumbered software released into the public domain ", NULL, "Unlicense"},
    {" redistribution and use in source and binary forms ", " neither the name ", "BSD-3-Clause"},
    {" redistribution and use in source and binary forms ", NULL, "BSD-2-Clause"},
    {" permission to use copy modify and or distribute this software for any purpose ", NULL, "ISC"},
    {" apache license version 2 0 ", NULL, "Apache-2.0"},
    {" gnu affero general public license version 3 ", NULL, "AGPL-3.0"},
    {" gnu lesser general public license version 3 ", NULL, "LGPL-3.0"},
    {" gnu lesser general public license version 2 1 ", NULL, "LGPL-2.1"},
    {" gnu general public license version 3 ", NULL, "GPL-3.0"},
    {" gnu general public license version 2 ", NULL, "GPL-2.0"},
    {" cc0 ", NULL, "CC0-1.0"},
    {" creative commons zero ", NULL, "CC0-1.0"},
    {" publicdomain zero 1 0 ", NULL, "CC0-1.0"},
};

/* Identifiers and what people write for them, where the whole text is short; those that are words of some language must
   be all of it. */
static const struct {
    const char *word, *licence;
    bool is_all;
} words[] = {
    {" mit ", "MIT", true}, {" mit license ", "MIT", false}, {" mit licence ", "MIT", false}, {" isc ", "ISC", true},
    {" unlicense ", "Unlicense", false}, {" apache 2 0 ", "Apache-2.0", false},
    {" apache license 2 0 ", "Apache-2.0", false}, {" bsd 2 clause ", "BSD-2-Clause", false},
    {" bsd 3 clause ", "BSD-3-Clause", false}, {" gpl 2 0 ", "GPL-2.0", false}, {" gplv2 ", "GPL-2.0", false},
    {" gpl 3 0 ", "GPL-3.0", false}, {" gplv3 ", "GPL-3.0", false}, {" lgpl 2 1 ", "LGPL-2.1", false},
    {" lgpl 3 0 ", "LGPL-3.0", false}, {" agpl 3 0 ", "AGPL-3.0", false}, {" public domain ", "public-domain", false},
};

static bool has_any(const char *text, const char *const *list)
{
    for (; *list; list++)
        if (strstr(text, *list)) return true;
    return false;
}

/* The conditions and version of a Creative Commons licence, within the words behind its name. */
static bool read_creative_commons(const char *plain, char licence[MG_LICENCE_SIZE])
{
    static const char *const names[] = {" creative commons ", " creativecommons org licenses ", " cc by "};
    static const char *const by[] = {" attribution ", " by ", NULL};
    static const char *const nc[] = {" noncommercial ", " non commercial ", " nc ", NULL};
    static const char *const sa[] = {" sharealike ", " share alike ", " sa ", NULL};
    static const char *const nd[] = {" noderivatives ", " noderivs ", " no derivatives ", " nd ", NULL};
    static const char *const versions[][2] = {{" 4 0 ", "4.0"}, {" 3 0 ", "3.0"}, {" 2 5 ", "2.5"}, {" 2 0 ", "2.0"},
                                              {" 1 0 ", "1.0"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *at = strstr(plain, names[i]);
        if (!at) continue;
        char near[WINDOW + 1];
        snprintf(near, sizeof near, "%s", at);
        if (!has_any(near, by)) continue;
        size_t v = 0;
        while (v < sizeof versions / sizeof *versions && !strstr(near, versions[v][0])) v++;
        snprintf(licence, MG_LICENCE_SIZE, "CC-BY%s%s%s%s%s", has_any(near, nc) ? "-NC" : "",
                 has_any(near, nd) ? "-ND" : "", has_any(near, sa) ? "-SA" : "",
                 v < sizeof versions / sizeof *versions ? "-" : "",
                 v < sizeof versions / sizeof *versions ? versions[v][1] : "");
        return true;
    }
    return false;
}

static bool read_phrases(const char *plain, char licence[MG_LICENCE_SIZE])
{
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if (strstr(plain, phrases[i].phrase) && (!phrases[i].also || strstr(plain, phrases[i].also)))
            return snprintf(licence, MG_LICENCE_SIZE, "%s", phrases[i].licence), true;
    if (read_creative_commons(plain, licence)) return true;
    bool is_short = strlen(plain) < WINDOW;
    for (size_t i = 0; is_short && i < sizeof words / sizeof *words; i++)
        if (words[i].is_all ? !strcmp(plain, words[i].word) : strstr(plain, words[i].word) != NULL)
            return snprintf(licence, MG_LICENCE_SIZE, "%s", words[i].licence), true;
    return false;
}

/* "SPDX-License-Identifier: X" says it outright. */
static bool read_spdx(const char *text, size_t length, char licence[MG_LICENCE_SIZE])
{
    static const char mark[] = "SPDX-License-Identifier:";
    const char *at = memmem(text, length, mark, sizeof mark - 1), *end = text + length;
    if (!at) return false;
    for (at += sizeof mark - 1; at < end && *at == ' ';) at++;
    size_t n = 0;
    while (at + n < end && at[n] > ' ' && at[n] < 0x7f && n < MG_LICENCE_SIZE - 1) n++;
    memcpy(licence, at, n);
    licence[n] = '\0';
    return n > 0;
}

mg_status mg_licence_recognise(const char *text, size_t length, char licence[MG_LICENCE_SIZE], mg_error *why)
{
    licence[0] = '\0';
    if (read_spdx(text, length, licence)) return MG_OK;
    mg_buffer plain = {0};
    add_plain(&plain, text, length);
    if (!plain.failed) read_phrases(plain.data, licence);
    mg_status status = plain.failed ? mg_fail(why, MG_NO_MEMORY, "out of memory") : MG_OK;
    mg_buffer_free(&plain);
    return status;
}

/* ---- the licence of a folder ---- */

enum { SLOTS = 256 };

/* What folders said, found again by a hash of their path: pieces mostly come folder by folder. */
struct mg_licences {
    pthread_mutex_t lock;
    struct {
        uint64_t folder; /* 0: empty */
        char licence[MG_LICENCE_SIZE];
    } slot[SLOTS];
};

mg_licences *mg_licences_new(void)
{
    mg_licences *licences = mg_alloc_zero(1, sizeof *licences);
    if (licences) pthread_mutex_init(&licences->lock, NULL);
    return licences;
}

void mg_licences_free(mg_licences *licences)
{
    if (!licences) return;
    pthread_mutex_destroy(&licences->lock);
    mg_free(licences);
}

static bool is_licence_file(const char *name)
{
    static const char *const names[] = {"licence", "license", "copying", "unlicense"};
    size_t n = strcspn(name, ".");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (n == strlen(names[i]) && strncasecmp(name, names[i], n) == 0) return true;
    return false;
}

static mg_status read_licence_file(const char *folder, const char *name, char licence[MG_LICENCE_SIZE], mg_error *why)
{
    mg_buffer path = {0};
    mg_buffer_print(&path, "%s/%s", folder, name);
    if (path.failed) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_file file;
    struct stat about;
    mg_status status = MG_OK;
    if (stat(path.data, &about) == 0 && S_ISREG(about.st_mode) && mg_file_read(path.data, 0, &file, NULL) == MG_OK) {
        status = mg_licence_recognise((const char *)file.data, file.size, licence, why);
        mg_file_free(&file);
    }
    mg_buffer_free(&path);
    return status;
}

/* The first, in byte order of their names, that is recognised. */
static mg_status read_folder(const char *folder, char licence[MG_LICENCE_SIZE], mg_error *why)
{
    DIR *open_folder = opendir(folder);
    licence[0] = '\0';
    if (!open_folder) return MG_OK;
    mg_status status = MG_OK;
    char first[256] = "";
    for (struct dirent *entry; !status && (entry = readdir(open_folder));) {
        char said[MG_LICENCE_SIZE] = "";
        if (!is_licence_file(entry->d_name) || (first[0] && strcmp(entry->d_name, first) > 0)) continue;
        status = read_licence_file(folder, entry->d_name, said, why);
        if (!said[0]) continue;
        snprintf(first, sizeof first, "%s", entry->d_name);
        memcpy(licence, said, MG_LICENCE_SIZE);
    }
    closedir(open_folder);
    return status;
}

static mg_status ask_folder(mg_licences *licences, const char *folder, char licence[MG_LICENCE_SIZE], mg_error *why)
{
    uint64_t hash = mg_hash64_bytes(folder, strlen(folder)) | 1;
    size_t i = hash / 2 % SLOTS;
    pthread_mutex_lock(&licences->lock);
    bool is_known = licences->slot[i].folder == hash;
    if (is_known) memcpy(licence, licences->slot[i].licence, MG_LICENCE_SIZE);
    pthread_mutex_unlock(&licences->lock);
    if (is_known) return MG_OK;
    MG_TRY(read_folder(folder, licence, why));
    pthread_mutex_lock(&licences->lock);
    licences->slot[i].folder = hash;
    memcpy(licences->slot[i].licence, licence, MG_LICENCE_SIZE);
    pthread_mutex_unlock(&licences->lock);
    return MG_OK;
}

/* The folder of the file and those around it, as long as at least `root` bytes of the path are left. */
static mg_status ask_folders(mg_licences *licences, const char *file, size_t root, char licence[MG_LICENCE_SIZE],
                             mg_error *why)
{
    char *folder = mg_strdup(file);
    if (!folder) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_status status = MG_OK;
    for (bool is_first = true; !status && !licence[0]; is_first = false) {
        char *slash = strrchr(folder, '/');
        size_t length = slash ? (size_t)(slash - folder) : 0;
        if (!is_first && (!slash || length < root)) break;
        folder[length] = '\0';
        status = ask_folder(licences, slash ? (length ? folder : "/") : ".", licence, why);
        if (!slash) break;
    }
    mg_free(folder);
    return status;
}

/* ---- the licence of a piece ---- */

static mg_status ask_texts(const mg_score *score, char licence[MG_LICENCE_SIZE], mg_error *why)
{
    for (size_t i = 0; i < score->n_texts && !licence[0]; i++)
        if (score->texts[i].kind == MG_TEXT_COPYRIGHT)
            MG_TRY(mg_licence_recognise(score->texts[i].text, strlen(score->texts[i].text), licence, why));
    return MG_OK;
}

mg_status mg_licences_find(mg_licences *licences, const mg_job *job, const mg_piece *piece,
                           char licence[MG_LICENCE_SIZE], mg_error *why)
{
    const char *said = mg_json_get_string(piece->record, "licence", NULL);
    if (!said) said = mg_json_get_string(mg_json_get(piece->record, "meta"), "licence", NULL);
    licence[0] = '\0';
    if (said) return snprintf(licence, MG_LICENCE_SIZE, "%s", said), MG_OK;
    MG_TRY(ask_texts(piece->score, licence, why));
    if (licence[0] || !piece->file) return MG_OK;
    return ask_folders(licences, piece->file, piece->record ? SIZE_MAX : job->item.root, licence, why);
}

bool mg_licence_is_allowed(const char *list, const char *licence)
{
    if (!licence[0]) licence = "unknown";
    for (const char *at = list; *at;) {
        size_t n = strcspn(at, ",");
        const char *rest = licence + n;
        bool is_same = n && strncasecmp(at, licence, n) == 0 && strlen(licence) >= n;
        if (is_same && (!*rest || (rest[0] == '-' && (strchr("0123456789", rest[1]) || !strcmp(rest, "-only") ||
                                                      !strcmp(rest, "-or-later")))))
            return true;
        at += n + (at[n] == ',');
    }
    return false;
}
