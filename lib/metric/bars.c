/* SPDX-License-Identifier: MIT */
/* Bars from the meters of a score. They are never listed: a few bytes can claim 2^50 of them. A bar of a/b is 4 a
   ticks_per_quarter / b ticks, so places are kept times b, and exact. */
#include "metric/analysis.h"

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

static meter_part part_of(const mg_score *score, int64_t start, int numerator, int denominator)
{
    int64_t scaled = (int64_t)4 * score->ticks_per_quarter * numerator, d = gcd(scaled, denominator);
    return (meter_part){.start = start, .len_num = scaled / d, .len_den = denominator / d, .numerator = numerator,
                        .denominator = denominator};
}

mg_status bar_map_make(const mg_score *score, int64_t end, bar_map *map)
{
    *map = (bar_map){0};
    if (score->ticks_per_quarter == 0) return MG_UNSUPPORTED;
    map->part = mg_alloc(score->n_meters + 1, sizeof *map->part);
    if (!map->part) return MG_NO_MEMORY;
    map->part[map->n++] = part_of(score, 0, 4, 4);
    for (size_t i = 0; i < score->n_meters && score->meters[i].tick <= end; i++) {
        const mg_meter *meter = &score->meters[i];
        if (i + 1 < score->n_meters && score->meters[i + 1].tick == meter->tick) continue;
        meter_part *last = &map->part[map->n - 1];
        if (last->numerator == meter->numerator && last->denominator == meter->denominator) continue;
        meter_part next = part_of(score, meter->tick, meter->numerator, meter->denominator);
        if (meter->tick == last->start) {
            *last = next;
            continue;
        }
        __int128 scaled = (__int128)(meter->tick - last->start) * last->len_den;
        next.first_bar = last->first_bar + (int64_t)((scaled + last->len_num - 1) / last->len_num);
        map->part[map->n++] = next;
    }
    return MG_OK;
}

void bar_map_free(bar_map *map) { mg_free(map->part); }

bar_place bar_map_at(const bar_map *map, int64_t tick, size_t *hint)
{
    while (*hint + 1 < map->n && map->part[*hint + 1].start <= tick) ++*hint;
    const meter_part *part = &map->part[*hint];
    int64_t since = tick - part->start, bar, offset;
    if (part->len_den == 1) { /* nearly always, and much faster */
        bar = since / part->len_num;
        offset = since % part->len_num;
    } else {
        __int128 scaled = (__int128)since * part->len_den;
        bar = (int64_t)(scaled / part->len_num);
        offset = (int64_t)(scaled % part->len_num);
    }
    return (bar_place){.bar = part->first_bar + bar, .offset = offset, .part = *hint};
}
