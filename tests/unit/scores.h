/* SPDX-License-Identifier: MIT */
/* Scores compared, made and found, for the tests that need it. */
#ifndef TESTS_UNIT_SCORES_H
#define TESTS_UNIT_SCORES_H

#include <mgen/midi.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What differs first, as a word; NULL where nothing does. Notes are compared in sorted order. */
static inline const char *scores_differ(const mg_score *a, const mg_score *b)
{
#define SAME_LIST(list, count, test)                       \
    if (a->count != b->count) return #count;               \
    for (size_t i = 0; i < a->count; i++) {                \
        const __typeof__(*a->list) *x = &a->list[i], *y = &b->list[i]; \
        if (!(test)) return #list;                         \
    }
    SAME_LIST(tempos, n_tempos, x->tick == y->tick && x->us_per_quarter == y->us_per_quarter)
    SAME_LIST(meters, n_meters,
              x->tick == y->tick && x->numerator == y->numerator && x->denominator == y->denominator)
    SAME_LIST(keys, n_keys, x->tick == y->tick && x->fifths == y->fifths && x->is_minor == y->is_minor)
    SAME_LIST(programs, n_programs,
              x->tick == y->tick && x->track == y->track && x->channel == y->channel && x->program == y->program)
    SAME_LIST(controls, n_controls, x->tick == y->tick && x->track == y->track && x->channel == y->channel &&
                                        x->number == y->number && x->value == y->value)
    SAME_LIST(bends, n_bends,
              x->tick == y->tick && x->track == y->track && x->channel == y->channel && x->value == y->value)
    SAME_LIST(texts, n_texts, x->tick == y->tick && x->kind == y->kind && strcmp(x->text, y->text) == 0)
    if (a->n_notes != b->n_notes) return "n_notes";
    const mg_note **p = mg_score_sorted_notes(a), **q = mg_score_sorted_notes(b);
    bool is_same = true;
    for (size_t i = 0; i < a->n_notes; i++)
        is_same &= p[i]->start == q[i]->start && p[i]->end == q[i]->end && p[i]->pitch == q[i]->pitch &&
                   p[i]->velocity == q[i]->velocity && p[i]->release == q[i]->release &&
                   p[i]->channel == q[i]->channel && p[i]->track == q[i]->track;
    mg_free(p);
    mg_free(q);
    return is_same ? NULL : "notes";
#undef SAME_LIST
}

/* Call `visit` for every file below `folder` whose name ends in .mid, .midi, .rmi or .kar; false if the folder is not
   there. */
static inline bool each_midi_file(const char *folder, void (*visit)(const char *path, void *user), void *user)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort);
    if (n < 0) return false;
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name, *dot = strrchr(name, '.');
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, name);
        if (name[0] != '.' && entries[i]->d_type == DT_DIR) each_midi_file(path, visit, user);
        else if (dot && (!strcasecmp(dot, ".mid") || !strcasecmp(dot, ".midi") || !strcasecmp(dot, ".rmi") ||
                         !strcasecmp(dot, ".kar")))
            visit(path, user);
        free(entries[i]);
    }
    free(entries);
    return true;
}

#endif
