/* SPDX-License-Identifier: MIT */
/* A second opinion: libsmf reads the valid files of ../shared/data, and what our writer makes of them, and must find
   the same notes. It aborts on some legal files and frees in quadratic time, so each file has a process of its own that
   leaves without freeing. The door to libsmf. */
#include "tests/unit/scores.h"
#include "tests/unit/tap.h"

#include <fcntl.h>
#include <smf.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct { int track, channel, pitch, velocity; long start, end; } row;

static int by_all(const void *a, const void *b) { return memcmp(a, b, sizeof(row)); }

/* The notes as libsmf's events give them, paired first in first out. NULL if it cannot read the file. */
static row *smf_rows(const void *bytes, size_t size, size_t *n)
{
    smf_t *smf = smf_load_from_memory(bytes, (int)size);
    if (!smf) return NULL;
    smf_rewind(smf); /* loading from memory leaves it at the end */
    row *rows = calloc(size + 1, sizeof *rows);
    *n = 0;
    for (int t = 1; t <= smf->number_of_tracks; t++) {
        smf_track_t *track = smf_get_track_by_number(smf, t);
        size_t first = *n;
        for (smf_event_t *e; (e = smf_track_get_next_event(track));) {
            if (smf_event_is_metadata(e) || e->midi_buffer_length < 3) continue;
            int kind = e->midi_buffer[0] >> 4, channel = e->midi_buffer[0] & 15, pitch = e->midi_buffer[1];
            int velocity = e->midi_buffer[2];
            if (kind == 9 && velocity > 0) {
                rows[*n] = (row){t - 1, channel, pitch, velocity, e->time_pulses, -1};
                ++*n;
            } else if (kind == 8 || kind == 9) {
                size_t i = first;
                while (i < *n && (rows[i].channel != channel || rows[i].pitch != pitch || rows[i].end >= 0)) i++;
                if (i < *n) rows[i].end = e->time_pulses;
                while (first < *n && rows[first].end >= 0) first++; /* so that the search stays short */
            }
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (rows[i].end >= 0) rows[kept++] = rows[i];
    *n = kept;
    qsort(rows, kept, sizeof *rows, by_all);
    return rows;
}

static row *our_rows(const mg_score *score)
{
    row *rows = calloc(score->n_notes + 1, sizeof *rows);
    for (size_t i = 0; i < score->n_notes; i++) {
        const mg_note *note = &score->notes[i];
        rows[i] = (row){note->track, note->channel, note->pitch, note->velocity, (long)note->start, (long)note->end};
    }
    qsort(rows, score->n_notes, sizeof *rows, by_all);
    return rows;
}

enum { EQUAL, DIFFERENT, REFUSED };

static int compare(const void *bytes, size_t size, const mg_score *score)
{
    size_t n;
    row *theirs = smf_rows(bytes, size, &n), *ours = our_rows(score);
    if (!theirs) return REFUSED;
    return n == score->n_notes && memcmp(theirs, ours, n * sizeof *ours) == 0 ? EQUAL : DIFFERENT;
}

/* The verdict of a process of its own; an abort is a refusal. */
static int compare_apart(const void *bytes, size_t size, const mg_score *score)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        alarm(20);
        g_log_set_always_fatal(G_LOG_LEVEL_MASK); /* where it grumbles it has cut the track */
        _exit(compare(bytes, size, score));
    }
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : REFUSED;
}

typedef struct { int files, read[3], written[3]; } tally;

static void judge(const char *path, void *user)
{
    tally *t = user;
    mg_file file;
    mg_error why = {0};
    mg_score *score = NULL;
    mg_buffer written = {0};
    mg_read_options options = mg_read_defaults();
    options.unclosed = MG_UNCLOSED_DROP;
    if (mg_file_read(path, 0, &file, &why)) return;
    bool is_valid = mg_midi_read(file.data, file.size, &options, &score, &why) == MG_OK;
    for (size_t i = 0; is_valid && i < score->n_repairs; i++)
        is_valid = score->repairs[i].what == MG_REPAIR_TEXT_ENCODING || score->repairs[i].what == MG_REPAIR_ORPHAN_OFF;
    /* It reads the length of a meta event as one byte, so longer texts throw it off, sometimes without a word. */
    for (size_t i = 0; is_valid && i < score->n_texts; i++) is_valid = strlen(score->texts[i].text) < 64;
    is_valid = is_valid && score->ticks_per_quarter > 0 && score->format < 2;
    if (is_valid && mg_midi_write(score, &written, &why) == MG_OK) {
        int verdict = compare_apart(file.data, file.size, score);
        t->files++;
        t->read[verdict]++;
        if (verdict == DIFFERENT) printf("# %s: read differently\n", path);
        verdict = compare_apart(written.data, written.length, score);
        t->written[verdict]++;
        if (verdict == DIFFERENT) printf("# %s: written, then read differently\n", path);
    }
    mg_buffer_free(&written);
    mg_score_free(score);
    mg_file_free(&file);
}

static void real_files(void)
{
    tally t = {0};
    if (!each_midi_file("../shared/data", judge, &t)) SKIP("../shared/data is not there");
    printf("# %d valid files: libsmf agrees on %d, refuses %d; of what is written it agrees on %d, refuses %d\n",
           t.files, t.read[EQUAL], t.read[REFUSED], t.written[EQUAL], t.written[REFUSED]);
    CHECK(t.read[EQUAL] > 3000);
    CHECK_INT(t.read[DIFFERENT], 0);
    CHECK(t.written[EQUAL] > 3000);
    CHECK_INT(t.written[DIFFERENT], 0);
}

int main(void)
{
    TEST("libsmf finds the same notes in every valid file that it can read, and in what we write of it", real_files);
    return tap_end();
}
