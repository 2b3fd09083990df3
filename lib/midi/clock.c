/* SPDX-License-Identifier: MIT */
/* From ticks to seconds. Between two tempi time grows by us_per_quarter / ticks_per_quarter a tick; the microseconds
   times ticks_per_quarter up to each tempo are summed as integers, so that every second is rounded once. */
#include <mgen/midi.h>

#include <math.h>

typedef struct {
    int64_t tick;
    uint32_t us_per_quarter;
    __int128 scaled_us; /* microseconds * ticks_per_quarter from tick 0 to here */
} stretch;

struct mg_clock {
    int64_t scale_num, scale_den; /* seconds = scaled * num / den */
    size_t n;
    stretch part[];
};

mg_clock *mg_clock_new(const mg_score *score)
{
    mg_clock *clock = mg_alloc(1, sizeof *clock + (score->n_tempos + 1) * sizeof *clock->part);
    if (!clock) return NULL;
    clock->n = 1;
    clock->part[0] = (stretch){.us_per_quarter = 500000};
    if (score->ticks_per_quarter == 0) { /* SMPTE: a tick is den/num seconds, whatever the tempo */
        clock->part[0].us_per_quarter = 1;
        clock->scale_num = score->smpte_rate_den > 0 ? score->smpte_rate_den : 1;
        clock->scale_den = score->smpte_rate_num > 0 ? score->smpte_rate_num : 1;
        return clock;
    }
    clock->scale_num = 1;
    clock->scale_den = (int64_t)score->ticks_per_quarter * 1000000;
    for (size_t i = 0; i < score->n_tempos; i++) {
        const mg_tempo *tempo = &score->tempos[i];
        stretch *last = &clock->part[clock->n - 1];
        if (tempo->tick > last->tick) {
            __int128 passed = (__int128)(tempo->tick - last->tick) * last->us_per_quarter;
            last[1] = (stretch){.tick = tempo->tick, .scaled_us = last->scaled_us + passed};
            last = &clock->part[clock->n++];
        }
        last->us_per_quarter = tempo->us_per_quarter;
    }
    return clock;
}

void mg_clock_free(mg_clock *clock) { mg_free(clock); }

/* The tick in scaled microseconds from tick 0. */
static __int128 scaled_at(const mg_clock *clock, int64_t tick)
{
    size_t low = 0, high = clock->n; /* the last part that starts at or before the tick */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (clock->part[middle].tick <= tick) low = middle;
        else high = middle;
    }
    const stretch *part = &clock->part[low];
    return part->scaled_us + (__int128)(tick - part->tick) * part->us_per_quarter;
}

double mg_clock_seconds(const mg_clock *clock, int64_t tick)
{
    long double scaled = (long double)scaled_at(clock, tick);
    return (double)(scaled * (long double)clock->scale_num / (long double)clock->scale_den);
}

int64_t mg_clock_step(const mg_clock *clock, int64_t tick, int rate)
{
    __int128 twice = 2 * scaled_at(clock, tick) * clock->scale_num * rate; /* floor(steps + 1/2) in halves of a step */
    return (int64_t)((twice + clock->scale_den) / (2 * (__int128)clock->scale_den));
}

int64_t mg_clock_tick(const mg_clock *clock, double seconds)
{
    long double scaled = (long double)seconds * (long double)clock->scale_den / (long double)clock->scale_num;
    size_t low = 0, high = clock->n;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if ((long double)clock->part[middle].scaled_us <= scaled) low = middle;
        else high = middle;
    }
    const stretch *part = &clock->part[low];
    return part->tick + (int64_t)floorl((scaled - (long double)part->scaled_us) / part->us_per_quarter + 0.5L);
}
