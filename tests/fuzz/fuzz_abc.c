/* SPDX-License-Identifier: MIT */
/* Any bytes read as ABC: each tune ends as a sound score or as trouble with a reason. */
#include <mgen/midi.h>

#include <stdlib.h>

static mg_status look(void *user, int number, mg_score *score, const mg_error *trouble)
{
    int *n_tunes = user;
    if (number != ++*n_tunes) abort();
    if (!score && !(trouble && trouble->text[0])) abort();
    for (size_t i = 0; score && i < score->n_notes; i++) {
        const mg_note *note = &score->notes[i];
        if (note->start < 0 || note->end < note->start || note->pitch > 127 || note->velocity < 1) abort();
        if (note->channel > 15 || note->track >= score->n_tracks) abort();
        if (i > 0 && note->track == note[-1].track && note->start < note[-1].start) abort();
    }
    mg_score_free(score);
    return MG_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mg_read_options options = mg_read_defaults();
    options.max_events = 100000; /* so that a run stays short whatever the repeats ask for */
    mg_error why = {0};
    int n_tunes = 0;
    mg_status status = mg_abc_read(data, size, &options, look, &n_tunes, &why);
    if ((status == MG_OK) != (n_tunes > 0)) abort();
    return 0;
}
