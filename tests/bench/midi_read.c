/* SPDX-License-Identifier: MIT */
/* midi_read SECONDS FILE...: MIDI bytes in memory to notes, one core, over the files again and again; MB/s. */
#include "tests/bench/bench.h"

#include <mgen/midi.h>

int main(int argc, char **argv)
{
    if (argc < 3) return 2;
    bench_start();
    double limit_s = atof(argv[1]), start_s, passed_s = 0;
    mg_read_options options = mg_read_defaults();
    options.unclosed = MG_UNCLOSED_DROP; /* as the peer does */
    mg_file *files = mg_alloc_zero((size_t)argc, sizeof *files);
    mg_error why = {0};
    size_t bytes = 0, notes = 0;
    for (int i = 2; i < argc; i++)
        if (mg_file_read(argv[i], 0, &files[i], &why)) return fprintf(stderr, "%s\n", why.text), 3;
    start_s = bench_now_s();
    do {
        for (int i = 2; i < argc; i++) {
            mg_score *score;
            if (mg_midi_read(files[i].data, files[i].size, &options, &score, &why)) return 1;
            notes += score->n_notes;
            mg_score_free(score);
            bytes += files[i].size;
        }
        passed_s = bench_now_s() - start_s;
    } while (passed_s < limit_s);
    bench_print("midi_read", (double)bytes / passed_s / 1e6, "MB/s");
    return notes == 0;
}
