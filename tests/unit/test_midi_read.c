/* SPDX-License-Identifier: MIT */
/* The MIDI reader on files written byte by byte: what RP-001 allows, and what it does not. */
#include "tests/unit/scores.h"
#include "tests/unit/tap.h"

/* ---- files made by hand ---- */

static mg_buffer file;

static void put(const void *bytes, size_t n) { mg_buffer_add(&file, bytes, n); }
#define BYTES(...) put((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void put_header(int format, int tracks, int division)
{
    mg_buffer_clear(&file);
    put("MThd\0\0\0\6", 8);
    BYTES((uint8_t)(format >> 8), (uint8_t)format, (uint8_t)(tracks >> 8), (uint8_t)tracks, (uint8_t)(division >> 8),
          (uint8_t)division);
}

/* A track chunk whose length is right unless `lie` is not 0, in which case that is added to it. */
static void put_track(const void *events, size_t n, int lie)
{
    uint32_t size = (uint32_t)((int)n + lie);
    put("MTrk", 4);
    BYTES((uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size);
    put(events, n);
}
#define TRACK(lie, ...) put_track((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), lie)
#define END 0x00, 0xff, 0x2f, 0x00
#define C4_ON 0x00, 0x90, 60, 100
#define C4_OFF 0x60, 0x80, 60, 64

static mg_score *score;
static mg_error why;

static mg_status read_file(mg_read_options options)
{
    mg_score_free(score);
    score = NULL;
    why = (mg_error){0};
    return mg_midi_read(file.data ? file.data : "", file.length, &options, &score, &why);
}

static void must_read(void) { REQUIRE(read_file(mg_read_defaults()) == MG_OK && score); }

static uint32_t repairs(mg_repair_what what)
{
    uint32_t n = 0;
    for (size_t i = 0; i < score->n_repairs; i++) n += score->repairs[i].what == what;
    return n;
}

static void check_note(size_t i, int pitch, long start, long end, int velocity)
{
    REQUIRE(i < score->n_notes);
    CHECK_INT(score->notes[i].pitch, pitch);
    CHECK_INT(score->notes[i].start, start);
    CHECK_INT(score->notes[i].end, end);
    CHECK_INT(score->notes[i].velocity, velocity);
}

/* ---- what is legal ---- */

static void plain_file(void)
{
    put_header(0, 1, 96);
    TRACK(0, 0x00, 0xff, 0x03, 4, 'T', 'u', 'n', 'e', 0x00, 0xff, 0x51, 3, 0x07, 0xa1, 0x20, 0x00, 0xff, 0x58, 4, 6, 3,
          36, 8, 0x00, 0xff, 0x59, 2, 0xfd, 1, 0x00, 0xc0, 73, 0x00, 0xb0, 64, 127, C4_ON, C4_OFF,
          0x00, 0xe0, 0x00, 0x50, END);
    must_read();
    CHECK_INT(score->n_repairs, 0);
    CHECK_INT(score->format, 0);
    CHECK_INT(score->ticks_per_quarter, 96);
    CHECK_TEXT(score->tracks[0].name, "Tune");
    CHECK_INT(score->tempos[0].us_per_quarter, 500000);
    CHECK_INT(score->meters[0].numerator, 6);
    CHECK_INT(score->meters[0].denominator, 8);
    CHECK_INT(score->keys[0].fifths, -3);
    CHECK(score->keys[0].is_minor);
    CHECK_INT(score->programs[0].program, 73);
    CHECK_INT(score->controls[0].number, 64);
    CHECK_INT(score->bends[0].value, (0x50 << 7) - 8192);
    check_note(0, 60, 0, 0x60, 100);
    CHECK_INT(score->end_tick, 0x60);
}

static void running_status(void)
{
    put_header(0, 1, 96);
    TRACK(0, C4_ON, 0x10, 62, 90, 0x10, 60, 0, 0x10, 62, 0, END);
    must_read();
    CHECK_INT(score->n_repairs, 0);
    check_note(0, 60, 0, 0x20, 100);
    check_note(1, 62, 0x10, 0x30, 90);
    CHECK_INT(score->notes[0].release, 64);
}

static void long_deltas(void)
{
    put_header(0, 1, 96);
    TRACK(0, 0x81, 0x00, 0x90, 60, 1, 0x81, 0x80, 0x00, 0x80, 60, 0, 0x81, 0x80, 0x80, 0x00, 0xff, 0x2f, 0);
    must_read();
    check_note(0, 60, 128, 128 + 16384, 1);
    CHECK_INT(score->end_tick, 128 + 16384 + 2097152);
    CHECK_INT(score->n_repairs, 0);
}

static void sysex_in_parts(void)
{
    put_header(0, 1, 96);
    TRACK(0, 0x00, 0xf0, 3, 0x43, 0x12, 0x00, 0x10, 0xf7, 2, 0x11, 0xf7, 0x00, 0xf7, 1, 0xfa, C4_ON, C4_OFF, END);
    must_read();
    CHECK_INT(score->n_repairs, 0);
    CHECK_INT(score->n_sysex, 3);
    check_note(0, 60, 0x10, 0x70, 100);
}

static void smpte_time(void)
{
    put_header(0, 1, (0x100 - 25) << 8 | 40); /* 1000 ticks a second */
    TRACK(0, C4_ON, 0x87, 0x68, 0x80, 60, 64, END);
    must_read();
    CHECK_INT(score->ticks_per_quarter, 0);
    mg_clock *clock = mg_clock_new(score);
    CHECK_NEAR(mg_clock_seconds(clock, score->notes[0].end), 1.0, 1e-12);
    mg_clock_free(clock);
    put_header(0, 1, (0x100 - 29) << 8 | 80); /* 30 drop: 29.97 frames */
    TRACK(0, C4_ON, C4_OFF, END);
    must_read();
    clock = mg_clock_new(score);
    CHECK_NEAR(mg_clock_seconds(clock, 2400), 1.001, 1e-12);
    mg_clock_free(clock);
}

static void riff_wrapper(void)
{
    mg_buffer inner = {0};
    put_header(0, 1, 96);
    TRACK(0, C4_ON, C4_OFF, END);
    mg_buffer_add(&inner, file.data, file.length);
    uint8_t n = (uint8_t)inner.length;
    mg_buffer_clear(&file);
    for (int is_open = 0; is_open < 2; is_open++) { /* a writer that could not go back leaves the length 0 */
        mg_buffer_clear(&file);
        put("RIFF", 4);
        BYTES((uint8_t)(n + 40), 0, 0, 0);
        put("RMIDLIST\7\0\0\0INFMThd\0", 20); /* a title that looks like MIDI, and a byte to make it even */
        put("data", 4);
        BYTES(is_open ? 0 : n, 0, 0, 0);
        put(inner.data, inner.length);
        if (!is_open) put("LIST\4\0\0\0INFO", 12); /* what follows the data chunk is not MIDI */
        must_read();
        CHECK_INT(score->n_repairs, is_open);
        CHECK_INT(repairs(MG_REPAIR_CHUNK_SIZE), is_open);
        check_note(0, 60, 0, 0x60, 100);
    }
    mg_buffer_free(&inner);
}

static void tempo_map_of_all_tracks(void)
{
    put_header(1, 2, 100);
    TRACK(0, 0x64, 0xff, 0x51, 3, 0x0f, 0x42, 0x40, END);                   /* tick 100: 1 s a quarter */
    TRACK(0, 0x00, 0xff, 0x51, 3, 0x03, 0xd0, 0x90, 0x81, 0x48, 0xff, 0x2f, 0); /* tick 0: 0.25 s; ends at 200 */
    must_read();
    CHECK_INT(score->n_tempos, 2);
    CHECK_INT(score->tempos[0].tick, 0);
    mg_clock *clock = mg_clock_new(score);
    CHECK_NEAR(mg_clock_seconds(clock, 100), 0.25, 1e-15);
    CHECK_NEAR(mg_clock_seconds(clock, 200), 1.25, 1e-15);
    CHECK_INT(mg_clock_tick(clock, 0.75), 150);
    CHECK_INT(mg_clock_step(clock, 150, 10), 8); /* 7.5 steps */
    CHECK_INT(mg_clock_step(clock, 149, 10), 7);
    mg_clock_free(clock);
}

static void pairing(void)
{
    put_header(0, 1, 96);
    TRACK(0, 0, 0x90, 60, 10, 5, 0x90, 60, 20, 5, 0x80, 60, 64, 5, 0x80, 60, 64, END);
    mg_read_options options = mg_read_defaults();
    REQUIRE(read_file(options) == MG_OK);
    check_note(0, 60, 0, 10, 10);
    check_note(1, 60, 5, 15, 20);
    CHECK_INT(score->ambiguous_offs, 1);
    options.pairing = MG_PAIR_LIFO;
    REQUIRE(read_file(options) == MG_OK);
    check_note(0, 60, 0, 15, 10);
    check_note(1, 60, 5, 10, 20);
    options.pairing = MG_PAIR_ALL;
    REQUIRE(read_file(options) == MG_OK);
    check_note(0, 60, 0, 10, 10);
    check_note(1, 60, 5, 10, 20);
    CHECK_INT(score->orphan_offs, 1);
}

static void all_spares_what_began_with_the_note_off(void)
{
    put_header(0, 1, 96);
    TRACK(0, 0, 0x90, 60, 10, 5, 0x90, 60, 20, 0, 0x80, 60, 0, 0, 0x90, 62, 30, 0, 0x80, 62, 0, 4, 0x80, 60, 0, END);
    mg_read_options options = mg_read_defaults();
    options.pairing = MG_PAIR_ALL;
    REQUIRE(read_file(options) == MG_OK);
    check_note(0, 60, 0, 5, 10);
    check_note(1, 60, 5, 9, 20);
    check_note(2, 62, 5, 5, 30);
    CHECK_INT(score->zero_length, 1);
}

static void format_2_and_drums(void)
{
    put_header(2, 2, 96);
    TRACK(0, 0, 0x99, 36, 100, 0x10, 0x89, 36, 0, END);
    TRACK(0, C4_ON, C4_OFF, END);
    must_read();
    CHECK_INT(score->format, 2);
    CHECK_INT(score->notes[0].channel, 9);
    CHECK_INT(score->notes[1].track, 1);
    CHECK_INT(score->tracks[1].first_note, 1);
}

static void alien_chunks_are_skipped(void)
{
    put_header(0, 1, 96);
    put("XFIH\0\0\0\2ab", 10);
    TRACK(0, C4_ON, C4_OFF, END);
    must_read();
    CHECK_INT(repairs(MG_REPAIR_ALIEN_CHUNK), 1);
    CHECK_INT(score->n_notes, 1);
}

/* ---- what is not ---- */

static void unclosed_notes(void)
{
    put_header(0, 1, 96);
    TRACK(0, C4_ON, 0x30, 0x90, 62, 80, 0x10, 0x80, 62, 0, 0x20, 0xff, 0x2f, 0);
    must_read();
    CHECK_INT(repairs(MG_REPAIR_UNCLOSED_NOTE), 1);
    check_note(0, 60, 0, 0x60, 100);
    mg_read_options options = mg_read_defaults();
    options.unclosed = MG_UNCLOSED_DROP;
    REQUIRE(read_file(options) == MG_OK);
    CHECK_INT(score->n_notes, 1);
    CHECK_INT(score->tracks[0].n_notes, 1);
    check_note(0, 62, 0x30, 0x40, 80);
    CHECK_INT(repairs(MG_REPAIR_DROPPED_NOTE), 1);
    CHECK(mg_repair_is_lossy(MG_REPAIR_DROPPED_NOTE));
}

static void wrong_chunk_lengths(void)
{
    static const int lies[] = {-3, 5, 1000, -1};
    for (int i = 0; i < 4; i++) {
        put_header(1, 2, 96);
        TRACK(lies[i], C4_ON, C4_OFF, END);
        TRACK(0, 0, 0x91, 64, 70, 0x10, 0x81, 64, 0, END);
        must_read();
        CHECK_INT(score->n_tracks, 2);
        CHECK_INT(score->n_notes, 2);
        CHECK_INT(repairs(MG_REPAIR_CHUNK_SIZE), 1);
    }
}

/* Nothing may be read twice over such an event: the file has fewer events than bytes. */
static void an_event_that_reaches_into_the_next_track(void)
{
    put_header(1, 2, 96);
    TRACK(0, C4_ON, C4_OFF, 0x00, 0xff, 0x01, 100, 'x');
    TRACK(0, C4_ON, C4_OFF, END);
    mg_read_options options = mg_read_defaults();
    options.max_events = (int64_t)file.length;
    REQUIRE(read_file(options) == MG_OK);
    CHECK_INT(score->n_notes, 2);
    CHECK_INT(score->n_tracks, 2);
    CHECK_INT(repairs(MG_REPAIR_CUT_EVENT), 1);
    CHECK_INT(score->n_repairs, 1);
}

/* Of a file cut anywhere, something is lost: it is refused, or a lossy repair says so. */
static void cut_files(void)
{
    put_header(1, 3, 96);
    for (int i = 0; i < 3; i++) TRACK(0, C4_ON, C4_OFF, C4_ON, C4_OFF, 0, 0xff, 3, 2, 'a', 'b', END);
    size_t whole = file.length;
    for (size_t n = 0; n < whole; n++) {
        file.length = n;
        mg_status status = read_file(mg_read_defaults());
        bool is_told = status != MG_OK;
        for (size_t i = 0; !is_told && i < score->n_repairs; i++) is_told = mg_repair_is_lossy(score->repairs[i].what);
        if (!CHECK(is_told)) printf("# cut at %zu of %zu\n", n, whole);
    }
}

/* Inside the chunk as its length has it, in any track. */
static void events_behind_the_end_of_track(void)
{
    for (int last = 0; last < 2; last++) {
        put_header(1, 2, 96);
        for (int i = 0; i < 2; i++) {
            if (i == last) TRACK(0, C4_ON, C4_OFF, END, C4_ON, C4_OFF, END);
            else TRACK(0, C4_ON, C4_OFF, END);
        }
        must_read();
        CHECK_INT(score->n_notes, 3);
        CHECK_INT(repairs(MG_REPAIR_AFTER_TRACK_END), 1);
        CHECK_INT(score->n_repairs, 1);
    }
}

typedef struct { int n, numbers; size_t notes, tempos, repairs; double seconds; } sequences;

static mg_status take_sequence(void *user, int number, mg_score *s, const mg_error *trouble)
{
    sequences *seen = user;
    CHECK(s && !trouble);
    seen->n++;
    seen->numbers = seen->numbers * 10 + number;
    seen->notes += s->n_notes;
    seen->tempos += s->n_tempos;
    seen->repairs += s->n_repairs;
    mg_clock *clock = mg_clock_new(s);
    seen->seconds = seen->seconds * 100 + mg_clock_seconds(clock, s->end_tick);
    mg_clock_free(clock);
    mg_score_free(s);
    return MG_OK;
}

/* A sequence of format 2 has its own tempo; of other formats the whole file is one piece. */
static void sequences_of_format_2(void)
{
    for (uint8_t format = 1; format < 3; format++) {
        sequences seen = {0};
        mg_read_options options = mg_read_defaults();
        put_header(format, 2, 96);
        TRACK(0, 0, 0xff, 0x51, 3, 0x0f, 0x42, 0x40, C4_ON, C4_OFF, END); /* a quarter of a second */
        TRACK(0, 0, 0xff, 0x51, 3, 0x1e, 0x84, 0x80, C4_ON, C4_OFF, END); /* of two */
        CHECK_INT(mg_midi_read_each(file.data, file.length, &options, take_sequence, &seen, &why), MG_OK);
        CHECK_INT(seen.n, format);
        CHECK_INT(seen.numbers, format == 2 ? 12 : 1);
        CHECK_INT(seen.notes, 2);
        CHECK_INT(seen.tempos, 2);
        CHECK_INT(seen.repairs, 0);
        CHECK_NEAR(seen.seconds, format == 2 ? 102 : 2, 1e-12);
    }
}

static void format_0_with_tracks(void)
{
    put_header(0, 2, 96);
    TRACK(0, C4_ON, C4_OFF, END);
    TRACK(0, C4_ON, C4_OFF, END);
    must_read();
    CHECK_INT(score->n_notes, 2);
    CHECK_INT(repairs(MG_REPAIR_FORMAT_0), 1);
}

static void bad_bytes(void)
{
    put_header(0, 1, 96);
    TRACK(0, 0, 60, 100, C4_ON, C4_OFF, END); /* data without status */
    must_read();
    CHECK_INT(repairs(MG_REPAIR_NO_STATUS), 1);
    put_header(0, 1, 96);
    TRACK(0, C4_ON, 0, 0xf4, 0, 0xf9, C4_OFF, END);
    must_read();
    CHECK_INT(repairs(MG_REPAIR_BAD_STATUS), 2);
    check_note(0, 60, 0, 0x60, 100);
    put_header(0, 1, 96);
    TRACK(0, 0, 0x90, 60, 200, C4_OFF, END);
    must_read();
    CHECK_INT(repairs(MG_REPAIR_BAD_DATA_BYTE), 1);
    check_note(0, 60, 0, 0x60, 127);
    put_header(0, 1, 96);
    TRACK(0, C4_ON, 0, 0xff, 0x06, 1, 'x', 0x60, 60, 0, END); /* running status across a meta event */
    must_read();
    CHECK_INT(repairs(MG_REPAIR_RUNNING_STATUS), 1);
    check_note(0, 60, 0, 0x60, 100);
}

static void bad_meta_events(void)
{
    put_header(0, 1, 96);
    TRACK(0, 0, 0xff, 0x51, 1, 7, 0, 0xff, 0x51, 3, 0, 0, 0, 0, 0xff, 0x58, 4, 0, 2, 24, 8, 0, 0xff, 0x59, 2, 9, 0, 0,
          0xff, 0x59, 2, 0, 7, C4_ON, C4_OFF, END);
    must_read();
    CHECK_INT(repairs(MG_REPAIR_META_SIZE), 1);
    CHECK_INT(repairs(MG_REPAIR_BAD_TEMPO), 1);
    CHECK_INT(repairs(MG_REPAIR_BAD_METER), 1);
    CHECK_INT(repairs(MG_REPAIR_BAD_KEY), 2);
    CHECK_INT(score->n_tempos + score->n_meters + score->n_keys, 0);
    CHECK_INT(score->n_notes, 1);
}

static void bad_headers(void)
{
    put("", 0);
    mg_buffer_clear(&file);
    CHECK_INT(read_file(mg_read_defaults()), MG_BAD_DATA);
    put("hello, world", 12);
    CHECK_INT(read_file(mg_read_defaults()), MG_BAD_DATA);
    put_header(0, 1, 0);
    TRACK(0, C4_ON, C4_OFF, END);
    must_read();
    CHECK_INT(score->ticks_per_quarter, 480);
    CHECK_INT(repairs(MG_REPAIR_DIVISION), 1);
    mg_buffer_clear(&file);
    TRACK(0, C4_ON, C4_OFF, END);
    must_read();
    CHECK_INT(repairs(MG_REPAIR_NO_HEADER), 1);
    CHECK_INT(score->n_notes, 1);
    mg_buffer_clear(&file);
    put("junk", 4);
    put("MThd\0\0\0\6\0\0\0\1\0\x60", 14);
    TRACK(0, C4_ON, C4_OFF, END);
    must_read();
    CHECK_INT(repairs(MG_REPAIR_LEADING_JUNK), 1);
    CHECK_INT(score->n_repairs, 1);
    CHECK_INT(score->repairs[0].count, 4);
}

static void odd_text(void)
{
    put_header(0, 1, 96);
    TRACK(0, 0, 0xff, 0x03, 5, 'n', 0xe9, 'e', 0, 0x07, 0, 0xff, 0x05, 4, 0x82, 0xb1, 0x82, 0xea,
          0, 0xff, 0x01, 3, 0xc3, 0xa9, '!', END); /* Latin-1 with controls, Shift-JIS, UTF-8 */
    must_read();
    CHECK_TEXT(score->tracks[0].name, "n\xc3\xa9" "e");
    CHECK_TEXT(score->texts[1].text, "\xe3\x81\x93\xe3\x82\x8c");
    CHECK_TEXT(score->texts[2].text, "\xc3\xa9!");
    CHECK_INT(repairs(MG_REPAIR_TEXT_ENCODING), 2);
}

static void strict_refuses(void)
{
    mg_read_options options = mg_read_defaults();
    options.is_strict = true;
    put_header(0, 1, 96);
    TRACK(0, C4_ON, C4_OFF, END);
    CHECK_INT(read_file(options), MG_OK);
    put_header(0, 1, 96);
    TRACK(0, C4_ON, END);
    CHECK_INT(read_file(options), MG_BAD_DATA);
    CHECK_TEXT(why.where, "byte 30");
    CHECK(strstr(why.text, "note-off"));
}

static void bombs(void)
{
    put_header(0, 1, 1); /* 40 bytes that last 1553 days */
    TRACK(0, C4_ON, C4_OFF, 0xff, 0xff, 0xff, 0x7f, 0x90, 61, 1, 0xff, 0xff, 0xff, 0x7f, 0x80, 61, 0, END);
    must_read();
    CHECK_INT(repairs(MG_REPAIR_TICK_RANGE), 1);
    CHECK_INT(score->n_notes, 1);
    mg_clock *clock = mg_clock_new(score);
    CHECK(mg_clock_seconds(clock, score->end_tick) <= 24 * 3600);
    mg_clock_free(clock);
    mg_read_options options = mg_read_defaults();
    options.max_events = 3;
    CHECK_INT(read_file(options), MG_TOO_LARGE);
    options = mg_read_defaults();
    options.max_bytes = 20;
    CHECK_INT(read_file(options), MG_TOO_LARGE);
}

static void many_tracks(void)
{
    put_header(1, 65535, 96);
    for (int i = 0; i < 65535; i++) TRACK(0, C4_ON, C4_OFF, END);
    must_read();
    CHECK_INT(score->n_tracks, 65535);
    CHECK_INT(score->n_notes, 65535);
    CHECK_INT(score->n_repairs, 0);
    TRACK(0, END);
    CHECK_INT(read_file(mg_read_defaults()), MG_TOO_LARGE);
}

static void huge_claims(void)
{
    static const uint8_t sizes[][4] = {{0x7f, 0xff, 0xff, 0xff}, {0xff, 0xff, 0xff, 0xff}, {0xff, 0xff, 0xff, 0xf8},
                                       {0x80, 0, 0, 0}, {0x12, 0, 0, 0}};
    for (size_t i = 0; i < 5; i++) {
        put_header(1, 1, 96);
        put("MTrk", 4);
        put(sizes[i], 4);
        BYTES(C4_ON, C4_OFF, END);
        must_read();
        CHECK_INT(score->n_notes, 1);
        put_header(1, 1, 96);
        TRACK(0, 0, 0xff, 0x01, 0xff, 0xff, 0xff, 0x7f, 'x', END); /* a text of 256 MB */
        must_read();
        CHECK_INT(score->n_texts, 0);
    }
}

static uint8_t example[] = {'M', 'T', 'h', 'd', 0, 0, 0, 6, 0, 1, 0, 2, 0, 96,
    'M', 'T', 'r', 'k', 0, 0, 0, 34, 0, 0xff, 0x03, 2, 0xe4, 'b', 0, 0xff, 0x51, 3, 7, 0xa1, 0x20,
    0, 0xff, 0x58, 4, 3, 2, 24, 8, 0, 0xff, 0x59, 2, 1, 0, 0, 0xff, 0x2f, 0, 0, 0,
    'M', 'T', 'r', 'k', 0, 0, 0, 34, 0, 0xc0, 5, 0, 0xb0, 64, 127, 0, 0x90, 60, 100, 10, 62, 90, 10, 60, 0,
    0, 0xe0, 1, 2, 10, 0x80, 62, 10, 0, 0xf0, 2, 1, 0xf7, 0, 0xff, 0x2f, 0};

static void every_byte_changed(void)
{
    static const uint8_t values[] = {0, 0x7f, 0x80, 0xff, 0xf0, 0x2f};
    int read = 0;
    for (size_t i = 0; i < sizeof example; i++) {
        uint8_t kept = example[i];
        for (int v = 0; v < 7; v++) {
            example[i] = v < 6 ? values[v] : (uint8_t)(kept + 1);
            mg_buffer_clear(&file);
            put(example, sizeof example);
            mg_status status = read_file(mg_read_defaults());
            read += status == MG_OK;
            CHECK(status == MG_OK || why.text[0]);
            for (size_t k = 0; score && k < score->n_notes; k++)
                CHECK(score->notes[k].end >= score->notes[k].start && score->notes[k].pitch < 128);
        }
        example[i] = kept;
    }
    CHECK(read > 500);
}

static mg_status read_once(void) { return read_file(mg_read_defaults()); }

static void failing_allocations(void)
{
    mg_buffer_clear(&file);
    put(example, sizeof example);
    CHECK_FAILING_ALLOCATIONS(read_once());
}

int main(void)
{
    TEST("a plain file gives notes, tempo, meter, key, program, pedal and bend", plain_file);
    TEST("running status is followed", running_status);
    TEST("delta times of several bytes count", long_deltas);
    TEST("system exclusive in parts and escapes are passed over", sysex_in_parts);
    TEST("SMPTE divisions count seconds, drop frames included", smpte_time);
    TEST("a RIFF wrapper is opened, and what follows its data is left", riff_wrapper);
    TEST("tempi of all tracks make one map", tempo_map_of_all_tracks);
    TEST("note-offs end the first, the last or all sounding notes", pairing);
    TEST("pairing all spares notes that begin with the note-off", all_spares_what_began_with_the_note_off);
    TEST("format 2 and drums are read", format_2_and_drums);
    TEST("chunks of other kinds are skipped", alien_chunks_are_skipped);
    TEST("notes without note-off last or go, as asked", unclosed_notes);
    TEST("wrong chunk lengths lose no note", wrong_chunk_lengths);
    TEST("an event that reaches into the next track ends its own", an_event_that_reaches_into_the_next_track);
    TEST("a file cut anywhere is refused, or a lossy repair says so", cut_files);
    TEST("events behind the end of a track are read, in every track", events_behind_the_end_of_track);
    TEST("the sequences of format 2 are pieces of their own", sequences_of_format_2);
    TEST("format 0 with several tracks is told", format_0_with_tracks);
    TEST("undefined, missing and impossible bytes are repaired", bad_bytes);
    TEST("meta events without meaning are skipped", bad_meta_events);
    TEST("missing and broken headers", bad_headers);
    TEST("texts in old encodings become UTF-8", odd_text);
    TEST("strict reading refuses the first repair and says where", strict_refuses);
    TEST("endless time and too many events are bounded", bombs);
    TEST("65535 tracks are read, one more is refused", many_tracks);
    TEST("claimed sizes are not believed", huge_claims);
    TEST("any byte changed to anything is survived", every_byte_changed);
    TEST("every failing allocation is answered", failing_allocations);
    mg_score_free(score);
    mg_buffer_free(&file);
    return tap_end();
}
