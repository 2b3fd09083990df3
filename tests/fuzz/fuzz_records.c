/* SPDX-License-Identifier: MIT */
/* Any lines: records with content are decoded and prepared anew, records that follow, or a reason. Records without
   content are left alone, as they would read files. */
#include "tests/fuzz/fuzz.h"

#include "data/prepare.h"

#include <string.h>

static data_prep prep;
static mg_prep_options options[2];

static bool has_content(const char *line, size_t length)
{
    mg_json *record;
    if (mg_json_parse(line, length, &record, NULL)) return false;
    bool has = mg_json_get(record, "tokens") || mg_json_get(record, "frames");
    mg_json_free(record);
    return has;
}

static void check_batch(const data_batch *batch)
{
    for (size_t i = 0; batch && i < batch->n_entries; i++) {
        mg_json *record;
        const char *line = batch->lines.data + batch->entries[i].line;
        MUST(mg_json_parse(line, batch->entries[i].length, &record, NULL) == MG_OK);
        MUST(mg_json_get(record, "id") && (mg_json_get(record, "tokens") || mg_json_get(record, "frames")));
        mg_json_free(record);
    }
}

static void take_line(const char *line, size_t length)
{
    if (!has_content(line, length)) return;
    for (int k = 0; k < 2; k++) {
        char stream[] = "fuzz", *text = mg_strndup(line, length);
        mg_job job = {.item = {.path = stream, .line = text, .length = length, .number = 1}};
        prep.options = &options[k];
        mg_status status = mg_job_pieces(&job, &options[k].pieces, data_prepare_piece, &prep);
        MUST(!status || job.why.text[0]);
        check_batch(job.result);
        data_batch_free(job.result);
        mg_buffer_free(&job.out);
        mg_free(text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!prep.licences) {
        prep = (data_prep){.seed = 1, .licences = mg_licences_new()};
        options[0] = mg_prep_preset(mg_encoding_find("melody38"));
        options[1] = mg_prep_preset(mg_encoding_find("performance388"));
        options[0].melody = MG_MELODY_HIGHEST;
        options[0].min_bars = options[0].min_pitch_classes = options[1].min_tokens = 0;
        options[1].split_silence = 1;
        options[0].corpus_tests = options[1].corpus_tests = 1 << MG_QUALITY_MAX_PROGRAMS;
    }
    for (size_t at = 0; at < size;) {
        const uint8_t *newline = memchr(bytes + at, '\n', size - at);
        size_t length = newline ? (size_t)(newline - bytes) - at : size - at;
        take_line((const char *)bytes + at, length);
        at += length + 1;
    }
    return 0;
}
