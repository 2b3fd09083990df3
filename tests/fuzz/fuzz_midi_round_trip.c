/* SPDX-License-Identifier: MIT */
/* What was read is written, and read back equal. */
#include "tests/fuzz/fuzz.h"

#include "tests/unit/scores.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    mg_read_options options = mg_read_defaults();
    mg_score *score, *back;
    mg_error why = {0};
    mg_buffer written = {0};
    if (mg_midi_read(bytes, size, &options, &score, &why)) return 0;
    MUST(mg_midi_write(score, &written, &why) == MG_OK);
    MUST(mg_midi_read(written.data, written.length, &options, &back, &why) == MG_OK);
    MUST(back->n_repairs == 0);
    MUST(scores_differ(score, back) == NULL);
    mg_score_free(back);
    mg_score_free(score);
    mg_buffer_free(&written);
    return 0;
}
