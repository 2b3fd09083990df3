/* SPDX-License-Identifier: MIT */
/* metrics SECONDS FILE...: MIDI files from the disk to every metric (compat), one core, over the files again and again;
   files a second. */
#include "tests/bench/bench.h"

#include <mgen/metric.h>

static int measure(const char *path, double *sum)
{
    const mg_read_options options = mg_read_defaults();
    mg_error why = {0};
    mg_file file;
    mg_score *score = NULL;
    mg_analysis *analysis = NULL;
    mg_status status = mg_file_read(path, 0, &file, &why);
    if (!status) status = mg_midi_read(file.data, file.size, &options, &score, &why);
    if (!status) status = mg_analysis_new(score, MG_COMPAT, &analysis, &why);
    for (size_t i = 0; !status && i < mg_metric_count(); i++) {
        mg_value value = mg_metric_measure(mg_metric_at(i), analysis);
        if (!value.reason) *sum += value.number;
    }
    mg_analysis_free(analysis);
    mg_score_free(score);
    mg_file_free(&file);
    return status ? fprintf(stderr, "%s\n", why.text), 3 : 0;
}

int main(int argc, char **argv)
{
    if (argc < 3) return 2;
    bench_start();
    double limit_s = atof(argv[1]), start_s = bench_now_s(), passed_s, files = 0, sum = 0;
    do {
        for (int i = 2; i < argc; i++, files++)
            if (measure(argv[i], &sum)) return 3;
        passed_s = bench_now_s() - start_s;
    } while (passed_s < limit_s);
    bench_print("metrics", files / passed_s, "files/s");
    return sum == 0;
}
