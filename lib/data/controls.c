/* SPDX-License-Identifier: MIT */
/* What a performance is told of the music to come, as Magenta's performance_rnn has it (note-seq performance_controls):
   how many notes a second begin in the next three seconds, one of eight ranges, and how long each pitch class sounds in
   the next five, as shares. Both are of a moment: they change behind a shift of time alone. */
#include <mgen/data.h>
#include "data/encodings.h"
#include "data/steps.h"

#include <string.h>

enum { CLASSES = MG_PITCH_CLASSES, RANGES = 8, DENSITY_S = 3, PITCHES_S = 5 };

const char *const mg_control_modes[] = {"none", "given", "optional", NULL};
static const int widths[MG_CONTROLS] = {[MG_DENSITY] = RANGES, [MG_PITCHES] = CLASSES};

int mg_controls_width(const mg_controls *c)
{
    int width = 0;
    for (int i = 0; i < MG_CONTROLS; i++)
        if (c->mode[i]) width += widths[i] + (c->mode[i] == MG_CONTROL_OPTIONAL);
    return width;
}

/* ---- as numbers ---- */

static void put_density(double density, mg_real *out)
{
    static const double limits[RANGES - 1] = {1, 2, 4, 8, 16, 32, 64};
    int range = 0;
    while (range < RANGES - 1 && density >= limits[range]) range++;
    out[range] = 1;
}

static void put_pitches(const double weights[CLASSES], mg_real *out)
{
    double sum = 0;
    for (int i = 0; i < CLASSES; i++) sum += weights[i];
    for (int i = 0; i < CLASSES; i++) out[i] = (mg_real)(sum > 0 ? weights[i] / sum : 1.0 / CLASSES);
}

void mg_controls_put(const mg_controls *c, const mg_control_values *values, mg_real *out)
{
    memset(out, 0, (size_t)mg_controls_width(c) * sizeof *out);
    for (int i = 0; i < MG_CONTROLS; i++) {
        if (!c->mode[i]) continue;
        if (c->mode[i] == MG_CONTROL_OPTIONAL) *out++ = !values->is_given[i];
        if (values->is_given[i] && i == MG_DENSITY) put_density(values->density, out);
        if (values->is_given[i] && i == MG_PITCHES) put_pitches(values->pitches, out);
        out += widths[i];
    }
}

/* ---- as the music has them ---- */

typedef struct {
    const mg_encoding *e;
    const int32_t *tokens;
    size_t n;
    uint64_t sounding[2];
} reader;

static data_effect read(const reader *r, size_t at, int *value)
{
    return data_performance_effect(r->e, r->tokens[at], value);
}

static void sound(uint64_t sounding[2], data_effect effect, int value)
{
    if (effect == DATA_BEGINS) data_put(sounding, value);
    if (effect == DATA_ENDS) data_remove(sounding, value);
}

/* Where the piece ends within the time, what is left of it counts. */
static double density_from(const reader *r, size_t at)
{
    int64_t window = (int64_t)DENSITY_S * r->e->steps_per_second, passed = 0, notes = 0;
    for (; at < r->n && passed < window; at++) {
        int value = 0;
        data_effect effect = read(r, at, &value);
        notes += effect == DATA_BEGINS;
        if (effect == DATA_PASSES) passed += value;
    }
    if (passed > window) passed = window;
    return passed ? (double)notes * r->e->steps_per_second / (double)passed : 0;
}

/* Seconds of each pitch class, the last shift of time whole, and a hundredth for all. */
static void pitches_from(const reader *r, size_t at, double seconds[CLASSES])
{
    int64_t window = (int64_t)PITCHES_S * r->e->steps_per_second, passed = 0;
    uint64_t sounding[2] = {r->sounding[0], r->sounding[1]};
    for (int i = 0; i < CLASSES; i++) seconds[i] = 0.01;
    for (; at < r->n && passed < window; at++) {
        int value = 0;
        data_effect effect = read(r, at, &value);
        sound(sounding, effect, value);
        if (effect != DATA_PASSES) continue;
        passed += value;
        for (int pitch = 0; pitch < 128; pitch++)
            if (data_has(sounding, pitch)) seconds[pitch % CLASSES] += (double)value / r->e->steps_per_second;
    }
}

void mg_controls_measure(const mg_encoding *e, const int32_t *tokens, size_t n, size_t from, size_t count,
                         mg_control_fn visit, void *user)
{
    reader r = {.e = e, .tokens = tokens, .n = n}, moment = r;
    mg_control_values values = {.is_given = {true, true}};
    bool has_passed = false;
    size_t since = 0; /* where the moment begins */
    for (size_t i = 0; i < from + count; i++) {
        if (has_passed) since = i, moment = r;
        if (i >= from && (i == from || since == i)) {
            values.density = density_from(&moment, since);
            pitches_from(&moment, since, values.pitches);
        }
        if (i >= from) visit(user, i - from, &values);
        int value = 0;
        data_effect effect = i < n ? read(&r, i, &value) : DATA_IDLES;
        sound(r.sounding, effect, value);
        has_passed = effect == DATA_PASSES;
    }
}
