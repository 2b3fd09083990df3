/* SPDX-License-Identifier: MIT */
/* MIDI files that grow: a million notes, 40,000 tempi, 65,535 tracks; seconds from bytes to a score with its identity,
   and the time for a tenth of it, which tells whether growth is linear. */
#include "tests/bench/bench.h"

#include <mgen/midi.h>

static void put_big_endian(mg_buffer *file, uint32_t value, int bytes)
{
    while (bytes-- > 0) mg_buffer_add_char(file, (char)(value >> 8 * bytes));
}

static void put_track(mg_buffer *file, const mg_buffer *events)
{
    mg_buffer_add_text(file, "MTrk");
    put_big_endian(file, (uint32_t)events->length + 4, 4);
    mg_buffer_add(file, events->data, events->length);
    mg_buffer_add(file, "\0\xff\x2f", 4);
}

static void put_header(mg_buffer *file, uint32_t tracks)
{
    mg_buffer_clear(file);
    mg_buffer_add(file, "MThd\0\0\0\6\0\1", 10);
    put_big_endian(file, tracks, 2);
    put_big_endian(file, 480, 2);
}

static void many_notes(mg_buffer *file, int n)
{
    mg_buffer events = {0};
    for (int i = 0; i < n; i++) {
        char pitch = (char)(20 + i * 7 % 88);
        mg_buffer_add(&events, (char[]){5, (char)0x90, pitch, 80, 20, pitch, 0}, 7);
    }
    put_header(file, 1);
    put_track(file, &events);
    mg_buffer_free(&events);
}

static void many_tempi(mg_buffer *file, int n)
{
    mg_buffer events = {0};
    for (int i = 0; i < n; i++)
        mg_buffer_add(&events, (char[]){10, (char)0xff, 0x51, 3, 7, (char)i, 0, 0, (char)0x90, 60, 80, 1, 60, 0}, 14);
    put_header(file, 1);
    put_track(file, &events);
    mg_buffer_free(&events);
}

static void many_tracks(mg_buffer *file, int n)
{
    mg_buffer events = {0};
    mg_buffer_add(&events, "\0\x90\x3c\x50\x60\x3c", 7);
    put_header(file, (uint32_t)n);
    for (int i = 0; i < n; i++) put_track(file, &events);
    mg_buffer_free(&events);
}

static double seconds(const mg_buffer *file)
{
    double times[5];
    for (int i = 0; i < 5; i++) {
        mg_read_options options = mg_read_defaults();
        mg_error why = {0};
        mg_score *score;
        mg_hash id;
        double start_s = bench_now_s();
        if (mg_midi_read(file->data, file->length, &options, &score, &why) || mg_score_id(score, &id, &why)) exit(1);
        mg_score_free(score);
        times[i] = bench_now_s() - start_s;
    }
    return bench_median(times, 5);
}

int main(void)
{
    static const struct { const char *name; void (*make)(mg_buffer *, int); int n; } cases[] = {
        {"midi_growth_notes", many_notes, 1000000}, {"midi_growth_tempi", many_tempi, 40000},
        {"midi_growth_tracks", many_tracks, 65535}};
    bench_start();
    for (int i = 0; i < 3; i++) {
        mg_buffer file = {0};
        char name[64];
        cases[i].make(&file, cases[i].n);
        bench_print(cases[i].name, seconds(&file), "s");
        cases[i].make(&file, cases[i].n / 10);
        snprintf(name, sizeof name, "%s_tenth", cases[i].name);
        bench_print(name, seconds(&file), "s");
        mg_buffer_free(&file);
    }
    return 0;
}
