/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target over tests/fuzz/corpus/NAME/ and over what was once found, tests/fuzz/findings/NAME-*, each input
   also cut at every eighth of its length. TAP out. */
#include "tests/fuzz/fuzz.h"

#include <mgen/base.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

static int replay_folder(const char *folder, const char *prefix)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort), replayed = 0;
    for (int i = 0; i < n; i++) {
        char path[4096];
        mg_file file;
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        bool is_ours = entries[i]->d_name[0] != '.' && strncmp(entries[i]->d_name, prefix, strlen(prefix)) == 0;
        if (is_ours && mg_file_read(path, 0, &file, NULL) == MG_OK) {
            for (size_t eighths = 1; eighths <= 8; eighths++)
                LLVMFuzzerTestOneInput(file.data, file.size * eighths / 8);
            mg_file_free(&file);
            replayed++;
        }
        free(entries[i]);
    }
    if (n >= 0) free(entries);
    return replayed;
}

int main(int argc, char **argv)
{
    (void)argc;
    const char *name = strstr(argv[0], "test_");
    char folder[256], prefix[128];
    if (!name) return 2;
    name += strlen("test_");
    snprintf(folder, sizeof folder, "tests/fuzz/corpus/%s", name);
    snprintf(prefix, sizeof prefix, "%s-", name);
    int corpus = replay_folder(folder, ""), findings = replay_folder("tests/fuzz/findings", prefix);
    printf("# %d of the corpus, %d findings\n", corpus, findings);
    printf("%sok 1 - %s survives its corpus and all that was found\n1..1\n", corpus > 0 ? "" : "not ", name);
    return corpus > 0 ? 0 : 1;
}
