/* SPDX-License-Identifier: MIT */
/* Bars from the meters of a score. They are never listed: a few bytes can claim 2^50 of them. A bar of a/b is 4 a
   ticks_per_quarter / b ticks, so places are kept times b, and exact. */
#include <mgen/midi.h>

static mg_meter_part part_of(const mg_score *score, int64_t start, int numerator, int denominator)
{
    int64_t scaled = (int64_t)4 * score->ticks_per_quarter * numerator;
    int64_t d = (int64_t)mg_gcd((uint64_t)scaled, (uint64_t)denominator);
    return (mg_meter_part){.start = start, .len_num = scaled / d, .len_den = denominator / d, .numerator = numerator,
                           .denominator = denominator};
}

mg_status mg_bars_make(const mg_score *score, int64_t end, mg_bars *bars)
{
    *bars = (mg_bars){0};
    if (score->ticks_per_quarter == 0) return MG_UNSUPPORTED;
    bars->part = mg_alloc(score->n_meters + 1, sizeof *bars->part);
    if (!bars->part) return MG_NO_MEMORY;
    bars->part[bars->n++] = part_of(score, 0, 4, 4);
    for (size_t i = 0; i < score->n_meters && score->meters[i].tick <= end; i++) {
        const mg_meter *meter = &score->meters[i];
        if (i + 1 < score->n_meters && score->meters[i + 1].tick == meter->tick) continue;
        mg_meter_part *last = &bars->part[bars->n - 1];
        if (last->numerator == meter->numerator && last->denominator == meter->denominator) continue;
        mg_meter_part next = part_of(score, meter->tick, meter->numerator, meter->denominator);
        if (meter->tick == last->start) {
            *last = next;
            continue;
        }
        __int128 scaled = (__int128)(meter->tick - last->start) * last->len_den;
        next.first_bar = last->first_bar + (int64_t)((scaled + last->len_num - 1) / last->len_num);
        bars->part[bars->n++] = next;
    }
    return MG_OK;
}

void mg_bars_free(mg_bars *bars) { mg_free(bars->part); }

mg_bar_place mg_bars_at(const mg_bars *bars, int64_t tick, size_t *hint)
{
    while (*hint + 1 < bars->n && bars->part[*hint + 1].start <= tick) ++*hint;
    const mg_meter_part *part = &bars->part[*hint];
    int64_t since = tick - part->start, bar, offset;
    if (part->len_den == 1) { /* nearly always, and much faster */
        bar = since / part->len_num;
        offset = since % part->len_num;
    } else {
        __int128 scaled = (__int128)since * part->len_den;
        bar = (int64_t)(scaled / part->len_num);
        offset = (int64_t)(scaled % part->len_num);
    }
    return (mg_bar_place){.bar = part->first_bar + bar, .offset = offset, .part = *hint};
}

int64_t mg_bars_tick(const mg_bars *bars, int64_t bar)
{
    size_t low = 0, high = bars->n; /* the last part that starts at or before the bar */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (bars->part[middle].first_bar <= bar) low = middle;
        else high = middle;
    }
    const mg_meter_part *part = &bars->part[low];
    __int128 scaled = (__int128)(bar - part->first_bar) * part->len_num;
    return part->start + (int64_t)((scaled + part->len_den - 1) / part->len_den);
}
