/* SPDX-License-Identifier: MIT */
/* A score as a list of what happens at which frame, for any instrument. */
#ifndef SYNTH_PLAY_H
#define SYNTH_PLAY_H

#include <mgen/synth.h>

/* In the order in which they act at the same frame. */
typedef enum { PLAY_OFF, PLAY_CONTROL, PLAY_PROGRAM, PLAY_BEND, PLAY_ON } play_what;

typedef struct {
    int64_t frame;
    uint32_t order;      /* of the score, at the same frame */
    uint8_t what, channel;
    uint8_t number;      /* pitch, control, program */
    uint8_t value;       /* velocity, control value */
    int16_t bend;        /* -8192 .. 8191 */
} play_event;

typedef struct {
    play_event *events;
    size_t n;
    bool is_cut;
} play_list;

enum { PLAY_LONGEST_TAIL_S = 10 };

/* All events before `max_frames` that can be heard; notes that go on are ended there, none is shorter than 20 ms. A key
   that several notes hold is let go once, by the last. */
mg_status play_list_make(const mg_score *score, int rate, int64_t max_frames, bool has_chords, play_list *list,
                         mg_error *why);
void play_list_free(play_list *list);

/* Chord symbols as an accompaniment: notes to be added (chords.c), in ticks, in a new array. */
mg_status chords_make(const mg_score *score, mg_note **notes, size_t *n);
enum { CHORD_CHANNEL = 15, CHORD_PROGRAM = 24 };

enum { PLAY_BLOCK = 64 };

/* What plays the events, a block at a time: stereo frames, left and right in turn. */
typedef struct engine {
    void (*act)(struct engine *engine, const play_event *event, int offset); /* frames into the coming block */
    void (*render)(struct engine *engine, float stereo[2 * PLAY_BLOCK]);
    bool (*is_silent)(const struct engine *engine); /* nothing sounds any more, and nothing will without an event */
    void (*free)(struct engine *engine);
} engine;

/* builtin.c */
typedef struct builtin_bank builtin_bank;
builtin_bank *builtin_bank_new(void);
void builtin_bank_free(builtin_bank *bank);
/* NULL when out of memory. What the list needs is made ready here, so that playing cannot fail. */
engine *builtin_new(builtin_bank *bank, int rate, const play_list *list);

/* fluid.c */
typedef struct fluid_bank fluid_bank;
mg_status fluid_bank_open(const char *soundfont, fluid_bank **bank, mg_error *why);
void fluid_bank_close(fluid_bank *bank);
mg_status fluid_new(const fluid_bank *bank, int rate, engine **result, mg_error *why);
/* synth.c: what plays the list on these instruments */
mg_status synth_engine(const mg_synth *synth, int rate, const play_list *list, engine **result, mg_error *why);

#endif
