/* SPDX-License-Identifier: MIT */
/* What the files of the ABC reader share (abc standard 2.1, and the habits of older books).

   A tune is read in two steps. Its lines become, voice by voice, a list of items in the order of writing: notes,
   rests, bar lines, texts, changes of key, meter and tempo. Then the list is played: repeats, endings and parts
   say which stretches of it are walked in which order, and the walk fills the score. docs/ABC.md says how each
   sign is read. */
#ifndef MIDI_ABC_H
#define MIDI_ABC_H

#include <mgen/midi.h>

#include <string.h>

static inline bool abc_is_one_of(char c, const char *set) { return c && strchr(set, c); }
static inline bool abc_is_digit(char c) { return c >= '0' && c <= '9'; }
static inline bool abc_is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
static inline bool abc_is_note(char c) { return (c >= 'A' && c <= 'G') || (c >= 'a' && c <= 'g'); }

/* Time is counted in parts of a whole note. The number 2^12 3^4 5^2 7^2 11 13 has the divisors that tuplets and
   note lengths ask for, so their sums are exact; anything else is off by less than 2e-11 of a whole note. */
#define ABC_WHOLE INT64_C(58118860800)
#define ABC_LONGEST (INT64_C(1) << 50) /* of one note or rest: about 19,000 whole notes */
#define ABC_END_OF_TIME (INT64_C(1) << 62)

enum {
    ABC_VOICES = 64,       /* a tune */
    ABC_TONES = 16,        /* of a chord whose ties are followed */
    ABC_STEPS = 84,        /* diatonic steps of 12 octaves */
    ABC_SYMBOLS = 33,      /* ~, H..W, h..w */
    ABC_VERSES = 99,
    ABC_REPEATS = 16,      /* plays that colons can ask for */
    ABC_LETTERS = 128,     /* of parts */
    ABC_NO_ALTER = 127,
    ABC_NONE = -1,
};

typedef struct { const char *at; size_t length; } abc_span; /* bytes of the file; at NULL: absent */
typedef struct { int64_t num, den; } abc_ratio;             /* den > 0, lowest terms */

typedef struct {
    int8_t alter[7]; /* semitones on C, D, E, F, G, A, B */
    int8_t fifths;
    bool is_minor;
} abc_key;

typedef struct {
    uint16_t numerator, denominator; /* 0: free */
    int64_t bar;                     /* 0: free */
} abc_meter;

/* What a K: or V: field says of sounding pitch; only what `has` says is set. */
typedef struct {
    bool has_clef, has_octave, has_transpose;
    int clef, octave, transpose; /* semitones, octaves, semitones */
} abc_shift;

/* ---- items ---- */

typedef enum {
    ABC_NOTE,    /* one or more heads; `at` the first, `count` how many */
    ABC_REST,    /* a negative length goes back: overlay; `count` 1: whole bars */
    ABC_BAR,     /* `at`: ABC_BAR_..., `count`: colons before the line | colons behind it << 8 */
    ABC_ENDING,  /* `length`: the passes that play it, bit 0 for the first */
    ABC_PART,    /* `count`: its letter, `at` its text */
    ABC_KEY,     /* (change_index counts from here to ABC_TEMPO) `at`: fifths + 64, `count`: is_minor */
    ABC_METER,   /* `at`: numerator << 16 | denominator, `length`: a bar, 0 in free meter */
    ABC_TEMPO,   /* `at`: microseconds a quarter */
    ABC_TEXT,    /* `at`: in texts, `count`: mg_text_kind */
    ABC_PROGRAM, /* `at` */
} abc_kind;

enum { ABC_BAR_DOUBLE = 1, ABC_BAR_REPORTED = 2 };

typedef struct {
    int64_t length;
    uint32_t at, line;
    int32_t words;   /* of a note: its first word, or ABC_NONE */
    uint16_t count;
    uint8_t kind;
    uint8_t velocity;
} abc_item;

enum { ABC_TIED = 1, ABC_JOINED = 2, ABC_SOUNDED = 4 };
typedef struct { uint8_t pitch, flags; } abc_head;

/* A syllable or symbol under a note; those of one note form a list. */
typedef struct {
    const char *text;
    int32_t next, last;   /* `last` is kept in the first of a list, as is n_played */
    uint16_t verse;       /* from 1; 0 for a symbol, which sounds with every verse */
    uint16_t n_verses, n_played;
    uint8_t kind;         /* mg_text_kind */
} abc_word;

/* ---- a voice ---- */

typedef struct { uint8_t step; int8_t alter; } abc_tone;

typedef struct {
    const char *id, *name;
    abc_item *items;
    size_t n_items, items_room;
    /* as the fields say */
    abc_key key;
    abc_meter meter;
    abc_ratio unit;
    abc_shift shift;
    int midi_transpose, channel; /* channel -1: by the voice's number */
    uint8_t velocity, part;      /* the part that was marked last */
    bool has_music, has_program;
    /* in this bar */
    int8_t alter[ABC_STEPS];     /* what accidentals left behind, by step, or by letter */
    int64_t elapsed, longest;    /* of this layer; of the longest layer */
    int64_t bars[8];             /* the lengths of the last bars */
    unsigned n_bars;
    /* between two notes */
    size_t last;                 /* the note or rest before, 0: none; counted from 1 */
    abc_ratio broken;            /* factor of the next length */
    int64_t broken_length;       /* what the note before had before it was broken; 0: nothing pending */
    int tuplet_p, tuplet_q, tuplet_left;
    abc_tone tones[ABC_TONES], tied[ABC_TONES]; /* of the last note; of those that a tie leads away from */
    int n_tones, n_tied;
    /* words: for w: and s:, the item where the last line began and the one behind its reach */
    size_t words_from[2], words_to[2];
    uint16_t verse[2];
    bool was_words[2];           /* no music came since the last w:, s: */
} abc_voice;

/* ---- a tune ---- */

/* What the file header hands to every tune, and a tune's header changes for itself. */
typedef struct {
    abc_meter meter;
    abc_ratio unit; /* den 0: from the meter */
    bool has_meter;
    abc_span tempo, composer, origin, rhythm;
    abc_span symbols[ABC_SYMBOLS];
    int propagate;  /* ABC_PROPAGATE_... */
    int program, channel, midi_transpose; /* program -1, channel -1: unset */
} abc_header;

enum { ABC_PROPAGATE_PITCH, ABC_PROPAGATE_OCTAVE, ABC_PROPAGATE_NOT };

typedef struct {
    const mg_read_options *options;
    mg_score *score;
    mg_error *why;
    mg_status status;   /* sticky */
    size_t repairs_room;
    abc_header header;
    abc_key key;
    abc_shift shift;    /* of the header's K: */
    abc_voice *voices[ABC_VOICES];
    int n_voices;
    abc_voice *voice;   /* the current one; NULL in the header before any V: */
    bool is_body, is_quiet; /* is_quiet: repairs are not listed */
    const char **titles; /* T: of the header */
    size_t n_titles, titles_room;
    abc_head *heads;
    size_t n_heads, heads_room;
    const char **texts;
    size_t n_texts, texts_room;
    abc_word *words;
    size_t n_words, words_room;
    int64_t n_events, max_events;
    abc_span order;     /* P: of the header */
    uint32_t order_line;
    uint8_t part;
    uint32_t part_text;
    uint32_t line, n_unknown;
    mg_buffer raw, text; /* for decoding */
} abc_tune;

/* abc_tune.c: the state, and what fields do to it */
abc_tune *abc_tune_new(const mg_read_options *options, const abc_header *header, size_t size, mg_error *why);
void abc_tune_free(abc_tune *tune);
void abc_fail(abc_tune *tune, mg_status status, const char *what);
bool abc_spend(abc_tune *tune, size_t n); /* n more events; false when the limit is passed, or after a failure */
void abc_repair(abc_tune *tune, uint32_t line, mg_repair_what what, uint32_t count);
abc_item *abc_add(abc_tune *tune, abc_voice *voice, abc_kind kind); /* NULL after a failure */
void abc_add_text(abc_tune *tune, mg_text_kind kind, const char *text); /* to the current voice; text is kept */
void abc_begin_body(abc_tune *tune);
void abc_field(abc_tune *tune, char letter, abc_span text);
void abc_directive(abc_tune *tune, abc_span text);

/* abc_header.c: the file header */
void abc_header_begin(abc_header *header);
bool abc_header_field(abc_header *header, char letter, abc_span text); /* false: its value has no meaning */
bool abc_header_directive(abc_header *header, abc_span text);
int abc_symbol_index(char c); /* -1: no symbol */

/* abc_field.c: what stands in a field */
abc_span abc_trim(abc_span text);
bool abc_next_word(abc_span *rest, abc_span *word);
bool abc_word_is(abc_span word, const char *text);
bool abc_number(abc_span *rest, int *value); /* at most 9999, leading space skipped */
abc_ratio abc_times(abc_ratio a, int64_t num, int64_t den);
int64_t abc_units(abc_ratio of_a_whole);
bool abc_parse_key(abc_span text, abc_key *key, bool *has_key, abc_shift *shift);
bool abc_parse_shift(abc_span word, abc_shift *shift);
bool abc_parse_meter(abc_span text, abc_meter *meter);
bool abc_parse_unit(abc_span text, abc_ratio *unit);
abc_ratio abc_default_unit(const abc_meter *meter);
/* false: no meaning; *us 0: a text without a number */
bool abc_parse_tempo(abc_span text, abc_ratio unit, uint32_t *us_per_quarter);

/* abc_text.c */
char *abc_text(abc_tune *tune, const char *text, size_t length); /* kept with the score; never NULL */
bool abc_is_chord_symbol(const char *text);

/* abc_music.c, abc_words.c */
void abc_music(abc_tune *tune, const char *text, size_t length);
void abc_words(abc_tune *tune, abc_span text, bool are_symbols);

/* abc_plan.c: the order in which the items of a part are played */
typedef struct { size_t from, to; } abc_stretch;
typedef struct {
    abc_stretch *list;
    size_t n, room;
} abc_plan;
/* The stretches of its nth play (from 0) of `n_plays`. */
void abc_plan_part(abc_tune *tune, const abc_voice *voice, abc_stretch part, int nth, int n_plays, abc_plan *plan);

/* abc_parts.c: the order of the parts */
typedef struct {
    mg_buffer order; /* letters; empty: no order, all is played as it is written */
    int64_t *begin;  /* of the music before the first part and of each letter of the order */
    int n_plays[ABC_LETTERS];
} abc_schedule;
void abc_schedule_parts(abc_tune *tune, abc_schedule *when);
/* Where the parts of a voice stand: letter 0 is the music before the first. Of a letter that comes twice, the first. */
void abc_find_parts(const abc_voice *voice, abc_stretch part[ABC_LETTERS]);

/* abc_play.c, abc_ticks.c */
mg_status abc_play(abc_tune *tune);
void abc_to_ticks(abc_tune *tune);

#endif
