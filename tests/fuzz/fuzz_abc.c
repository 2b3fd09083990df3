/* SPDX-License-Identifier: MIT */
/* Any bytes read as ABC: each tune is a sound score, or trouble with a reason. */
#include "tests/fuzz/fuzz.h"

#include <mgen/midi.h>

static void look_at(const mg_score *score)
{
    size_t counted = 0;
    MUST(score->ticks_per_quarter >= 480 && score->ticks_per_quarter <= 32767);
    for (size_t t = 0; t < score->n_tracks; t++) {
        const mg_track *track = &score->tracks[t];
        MUST(track->name && track->first_note == counted && track->end_tick <= score->end_tick);
        counted += track->n_notes;
        for (size_t i = track->first_note; i < counted; i++) {
            const mg_note *note = &score->notes[i];
            MUST(note->track == t && note->start >= 0 && note->start <= note->end && note->end <= track->end_tick);
            MUST(i == track->first_note || note[-1].start <= note->start);
            MUST(note->channel < 16 && note->pitch < 128 && note->velocity >= 1 && note->velocity < 128);
        }
    }
    MUST(counted == score->n_notes);
    for (size_t i = 1; i < score->n_tempos; i++) MUST(score->tempos[i - 1].tick <= score->tempos[i].tick);
    for (size_t i = 1; i < score->n_meters; i++) MUST(score->meters[i - 1].tick <= score->meters[i].tick);
    for (size_t i = 1; i < score->n_keys; i++) MUST(score->keys[i - 1].tick <= score->keys[i].tick);
    for (size_t i = 0; i < score->n_texts; i++) MUST(score->texts[i].text && score->texts[i].track < score->n_tracks);
    for (size_t i = 0; i < score->n_repairs; i++) MUST(score->repairs[i].place >= 1);
}

static mg_status visit(void *user, int number, mg_score *score, const mg_error *trouble)
{
    int *n_tunes = user;
    MUST(number == ++*n_tunes);
    MUST(score ? !trouble : trouble && trouble->text[0]);
    if (score) look_at(score);
    mg_score_free(score);
    return MG_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    mg_read_options options = mg_read_defaults();
    options.max_events = 100000; /* a run stays short whatever the repeats ask for */
    mg_error why = {0};
    int n_tunes = 0;
    mg_status status = mg_abc_read(bytes, size, &options, visit, &n_tunes, &why);
    MUST((status == MG_OK) == (n_tunes > 0));
    MUST(status == MG_OK || why.text[0]);
    (void)mg_abc_is(bytes, size);
    return 0;
}
