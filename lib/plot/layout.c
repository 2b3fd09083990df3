/* SPDX-License-Identifier: MIT */
/* What a piano-roll shows of a score. */
#include "plot/layout.h"

#include <mgen/text.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- bars ---- */

static mg_status find_bars(layout *l, const mg_score *score)
{
    int64_t end = mg_score_last_note(score);
    if (score->ticks_per_quarter > 0) {
        MG_TRY(mg_bars_make(score, end, &l->bars));
    } else {
        l->bars.part = mg_alloc(1, sizeof *l->bars.part);
        if (!l->bars.part) return MG_NO_MEMORY;
        l->bars.n = 1;
        l->bars.part[0] = (mg_meter_part){.len_num = score->smpte_rate_num > 0 ? score->smpte_rate_num : 1,
                                          .len_den = score->smpte_rate_den > 0 ? score->smpte_rate_den : 1};
    }
    size_t hint = 0;
    l->n_bars = mg_bars_at(&l->bars, end > 0 ? end - 1 : 0, &hint).bar + 1;
    return MG_OK;
}

int64_t layout_bar_tick(const layout *l, int64_t bar) { return mg_bars_tick(&l->bars, bar - 1); }

static double bar_ticks(const mg_meter_part *part) { return (double)part->len_num / (double)part->len_den; }

double layout_longest_bar(const layout *l)
{
    double longest = 1;
    for (size_t i = 0; i < l->bars.n; i++) longest = fmax(longest, bar_ticks(&l->bars.part[i]));
    return longest;
}

int layout_beats(const layout *l, int64_t bar, double *ticks)
{
    size_t hint = 0;
    mg_bar_place place = mg_bars_at(&l->bars, layout_bar_tick(l, bar), &hint);
    const mg_meter_part *part = &l->bars.part[place.part];
    bool is_compound = part->numerator % 3 == 0 && part->numerator > 3 && part->denominator >= 8;
    int beats = is_compound ? part->numerator / 3 : part->numerator;
    *ticks = beats > 0 ? bar_ticks(part) / beats : 0;
    return beats;
}

int64_t mg_score_bars(const mg_score *score)
{
    layout l = {0};
    int64_t bars = find_bars(&l, score) ? 1 : l.n_bars;
    layout_free(&l);
    return bars;
}

/* ---- parts ---- */

static void name_part(layout_part *part, const mg_score *score)
{
    mg_buffer shown = {0};
    const char *name = score->tracks[part->track].name;
    for (size_t i = 0; !*name && i < score->n_programs; i++) {
        const mg_program *program = &score->programs[i];
        if (program->track == part->track && program->channel == part->channel)
            name = mg_program_name(program->program);
    }
    if (part->channel == MG_DRUM_CHANNEL && !*name) name = "Drums";
    mg_text_add_shown(&shown, name, 24, true);
    if (shown.length > 0) snprintf(part->name, sizeof part->name, "%s", shown.data);
    else snprintf(part->name, sizeof part->name, "Track %d", part->track + 1);
    mg_buffer_free(&shown);
}

/* The part of each track and channel, found once for each pair. */
static mg_status find_part(layout *l, uint16_t *part_of, size_t *capacity, const mg_note *note, int *part)
{
    uint16_t *at = &part_of[(size_t)note->track * 16 + note->channel];
    if (*at == 0) {
        if (l->n_parts == UINT16_MAX) return *part = 0, MG_OK;
        if (!mg_grow((void **)&l->parts, l->n_parts, capacity, sizeof *l->parts)) return MG_NO_MEMORY;
        l->parts[l->n_parts] = (layout_part){.track = note->track, .channel = note->channel};
        name_part(&l->parts[l->n_parts], l->score);
        *at = (uint16_t)++l->n_parts;
    }
    *part = *at - 1;
    return MG_OK;
}

static mg_status find_notes(layout *l)
{
    const mg_note **sorted = mg_score_sorted_notes(l->score);
    uint16_t *part_of = mg_alloc_zero(l->score->n_tracks * 16, sizeof *part_of);
    size_t capacity = 0;
    mg_status status = MG_OK;
    l->notes = mg_alloc(l->score->n_notes, sizeof *l->notes);
    if (!sorted || !part_of || !l->notes) status = MG_NO_MEMORY;
    l->low = 128, l->high = -1;
    for (size_t i = 0; !status && i < l->score->n_notes; i++) {
        const mg_note *note = sorted[i];
        int part;
        status = find_part(l, part_of, &capacity, note, &part); /* also outside the view: colours stay the same */
        bool is_past = note->end <= l->first_tick && note->start < l->first_tick;
        if (status || note->start >= l->last_tick || is_past) continue;
        l->notes[l->n_notes++] = (layout_note){note, part};
        if (note->channel == MG_DRUM_CHANNEL) {
            l->has_drum[note->pitch] = true;
        } else {
            if (note->pitch < l->low) l->low = note->pitch;
            if (note->pitch > l->high) l->high = note->pitch;
        }
    }
    mg_free(sorted);
    mg_free(part_of);
    return status;
}

/* ---- drums ---- */

const char *layout_drum_label(int pitch, char label[8])
{
    static const char *const labels[] = {
        "kick2", "kick",  "stick", "snare", "clap",  "snar2", "tom 6", "hat",   "tom 5", "pedal", "tom 4", "open",
        "tom 3", "tom 2", "crash", "tom 1", "ride",  "china", "bell",  "tamb",  "splsh", "cowb",  "crsh2", "vibra",
        "ride2", "bongH", "bongL", "cngaM", "cngaH", "cngaL", "timbH", "timbL", "agogH", "agogL", "cabas", "marac",
        "whstS", "whstL", "guirS", "guirL", "clave", "blckH", "blckL", "cuicM", "cuicO", "trngM", "trngO",
    };
    if (mg_drum_name(pitch)) return labels[pitch - 35];
    snprintf(label, 8, "#%d", pitch);
    return label;
}

/* ---- the whole ---- */

mg_status layout_make(layout *l, const mg_score *score, const mg_roll_view *view)
{
    *l = (layout){.score = score};
    mg_status status = find_bars(l, score);
    if (!status) {
        l->first_bar = view->first_bar > 1 ? view->first_bar : 1;
        l->last_bar = view->last_bar > 0 && view->last_bar < l->n_bars ? view->last_bar : l->n_bars;
        if (l->first_bar > l->last_bar) l->first_bar = l->last_bar;
        l->first_tick = layout_bar_tick(l, l->first_bar);
        l->last_tick = layout_bar_tick(l, l->last_bar + 1);
        status = find_notes(l);
    }
    if (status) layout_free(l);
    return status;
}

void layout_free(layout *l)
{
    mg_bars_free(&l->bars);
    mg_free(l->parts);
    mg_free(l->notes);
}
