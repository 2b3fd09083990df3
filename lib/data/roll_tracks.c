/* SPDX-License-Identifier: MIT */
/* Rolls of several tracks, as records have them: [{program, is_drum, frames}, ...]. */
#include <mgen/data.h>
#include "data/prepare.h"
#include "data/rolls.h"

#include <string.h>

/* The channel of track `n`: drums have theirs, and the others go round the rest. */
static uint8_t channel_of(size_t n, bool is_drum)
{
    if (is_drum) return MG_DRUM_CHANNEL;
    size_t channel = n % 15;
    return (uint8_t)(channel + (channel >= MG_DRUM_CHANNEL));
}

/* The notes of `part` as a further track. */
static mg_status append(mg_score *score, const mg_score *part, int program, bool is_drum, mg_error *why)
{
    size_t n = score->n_tracks, first = score->n_notes;
    mg_note *notes = mg_realloc(score->notes, first + part->n_notes, sizeof *notes);
    if (notes) score->notes = notes;
    mg_track *tracks = mg_realloc(score->tracks, n + 1, sizeof *tracks);
    if (tracks) score->tracks = tracks;
    mg_program *programs = mg_realloc(score->programs, n + 1, sizeof *programs);
    if (programs) score->programs = programs;
    if (!notes || !tracks || !programs) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    uint8_t channel = channel_of(n, is_drum);
    for (size_t i = 0; i < part->n_notes; i++) {
        notes[first + i] = part->notes[i];
        notes[first + i].track = (uint16_t)n;
        notes[first + i].channel = channel;
    }
    tracks[n] = (mg_track){.name = "", .first_note = first, .n_notes = part->n_notes, .end_tick = part->end_tick};
    programs[n] = (mg_program){.track = (uint16_t)n, .channel = channel, .program = (uint8_t)(program & 127)};
    score->n_notes += part->n_notes;
    score->n_tracks = score->n_programs = n + 1;
    score->ticks_per_quarter = part->ticks_per_quarter;
    if (part->end_tick > score->end_tick) score->end_tick = part->end_tick;
    return MG_OK;
}

static mg_status take_tempo(mg_score *score, const mg_score *part, mg_error *why)
{
    if (score->n_tempos || !part->n_tempos) return MG_OK;
    score->tempos = mg_alloc(1, sizeof *score->tempos);
    if (!score->tempos) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    score->tempos[score->n_tempos++] = part->tempos[0];
    return MG_OK;
}

static mg_status add_track(mg_score *score, const mg_json *track, int resolution, double bpm, mg_error *why)
{
    mg_buffer tokens = {0};
    mg_score *part = NULL;
    bool is_drum = false;
    mg_json_bool(mg_json_get(track, "is_drum"), &is_drum);
    mg_status status = data_read_frames(mg_json_get(track, "frames"), &tokens, why);
    const mg_roll roll = {.resolution = resolution, .tokens = (const int32_t *)(const void *)tokens.data,
                          .n_tokens = tokens.length / sizeof(int32_t)};
    if (!status) status = mg_roll_score(&roll, bpm, &part, why);
    if (!status) status = append(score, part, (int)mg_json_get_int(track, "program", 0), is_drum, why);
    if (!status) status = take_tempo(score, part, why);
    mg_score_free(part);
    mg_buffer_free(&tokens);
    return status;
}

mg_status data_tracks_score(const mg_json *tracks, int resolution, double bpm, mg_score **result, mg_error *why)
{
    mg_score *score = *result = mg_score_new();
    size_t n = mg_json_count(tracks);
    if (!score) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    if (n == 0 || n > UINT16_MAX) return mg_fail(why, MG_BAD_DATA, "a roll of %zu tracks", n);
    for (size_t i = 0; i < n; i++) MG_TRY(add_track(score, mg_json_at(tracks, i), resolution, bpm, why));
    return MG_OK;
}
