/* SPDX-License-Identifier: MIT */
/* Any bytes: a score that is sound, or a reason. */
#include "tests/fuzz/fuzz.h"

#include <mgen/midi.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    mg_read_options options = mg_read_defaults();
    options.pairing = size & 1 ? MG_PAIR_LIFO : MG_PAIR_FIFO;
    options.unclosed = size & 2 ? MG_UNCLOSED_DROP : MG_UNCLOSED_END;
    mg_score *score;
    mg_error why = {0};
    if (mg_midi_read(bytes, size, &options, &score, &why)) {
        MUST(why.text[0]);
        return 0;
    }
    size_t counted = 0;
    for (size_t t = 0; t < score->n_tracks; t++) {
        const mg_track *track = &score->tracks[t];
        MUST(track->first_note == counted && track->end_tick <= score->end_tick);
        counted += track->n_notes;
        for (size_t i = track->first_note; i < counted; i++) {
            const mg_note *note = &score->notes[i];
            MUST(note->track == t && note->start >= 0 && note->start <= note->end && note->end <= track->end_tick);
            MUST(note->channel < 16 && note->pitch < 128 && note->velocity >= 1 && note->velocity < 128);
        }
    }
    MUST(counted == score->n_notes);
    for (size_t i = 1; i < score->n_tempos; i++) MUST(score->tempos[i - 1].tick <= score->tempos[i].tick);
    mg_clock *clock = mg_clock_new(score);
    MUST(clock);
    double seconds = mg_clock_seconds(clock, score->end_tick);
    MUST(seconds >= 0 && seconds <= options.max_hours * 3600);
    mg_clock_free(clock);
    mg_hash id;
    MUST(mg_score_id(score, &id, &why) == MG_OK);
    mg_score_free(score);
    return 0;
}
