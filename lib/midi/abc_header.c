/* SPDX-License-Identifier: MIT */
/* Settings that a file header gives to all its tunes and a tune's header to its own. */
#include <mgen/midi.h>
#include "midi/abc.h"

#include <string.h>

/* The letters that U: may define (section 4.16). */
static const char symbols[] = "~HIJKLMNOPQRSTUVWhijklmnopqrstuvw";

int abc_symbol_index(char c)
{
    const char *at = c ? strchr(symbols, c) : NULL;
    return at ? (int)(at - symbols) : -1;
}

static void define(abc_header *header, char letter, const char *value)
{
    header->symbols[abc_symbol_index(letter)] = (abc_span){value, strlen(value)};
}

void abc_header_begin(abc_header *header)
{
    *header = (abc_header){.program = ABC_NONE, .channel = ABC_NONE};
    define(header, '~', "!roll!");
    define(header, 'H', "!fermata!");
    define(header, 'L', "!accent!");
    define(header, 'M', "!lowermordent!");
    define(header, 'O', "!coda!");
    define(header, 'P', "!uppermordent!");
    define(header, 'S', "!segno!");
    define(header, 'T', "!trill!");
    define(header, 'u', "!upbow!");
    define(header, 'v', "!downbow!");
}

/* "T = !trill!": false if it is nothing of the kind. */
static bool define_symbol(abc_header *header, abc_span text)
{
    text = abc_trim(text);
    int symbol = text.length > 0 ? abc_symbol_index(text.at[0]) : -1;
    const char *equals = text.length > 0 ? memchr(text.at, '=', text.length) : NULL;
    if (symbol < 0 || !equals) return false;
    header->symbols[symbol] = abc_trim((abc_span){equals + 1, (size_t)(text.at + text.length - equals) - 1});
    return true;
}

bool abc_header_field(abc_header *header, char letter, abc_span text)
{
    switch (letter) {
    case 'M': return header->has_meter = true, abc_parse_meter(text, &header->meter);
    case 'L': return abc_parse_unit(text, &header->unit);
    case 'U': return define_symbol(header, text);
    case 'Q': return header->tempo = text, true;
    case 'C': return header->composer = text, true;
    case 'O': return header->origin = text, true;
    case 'R': return header->rhythm = text, true;
    default: return true; /* what is not music */
    }
}

/* "program 73", "program 2 73" (its channel before it), "channel 10", "transpose -12" */
static void read_midi(abc_header *header, abc_span text)
{
    abc_span word;
    int first, second;
    if (!abc_next_word(&text, &word)) return;
    if (abc_word_is(word, "program")) {
        if (!abc_number(&text, &first)) return;
        if (abc_number(&text, &second)) first = second;
        if (first < 128) header->program = first;
    } else if (abc_word_is(word, "channel")) {
        if (abc_number(&text, &first) && first >= 1 && first <= 16) header->channel = first - 1;
    } else if (abc_word_is(word, "transpose")) {
        text = abc_trim(text);
        bool is_negative = text.length > 0 && text.at[0] == '-';
        if (is_negative) text.at++, text.length--;
        if (abc_number(&text, &first) && first <= 96) header->midi_transpose = is_negative ? -first : first;
    }
}

bool abc_header_directive(abc_header *header, abc_span text)
{
    static const char *const ranges[] = {[ABC_PROPAGATE_PITCH] = "pitch", [ABC_PROPAGATE_OCTAVE] = "octave",
                                         [ABC_PROPAGATE_NOT] = "not"};
    abc_span name, value;
    if (!abc_next_word(&text, &name)) return false;
    if (abc_word_is(name, "MIDI")) return read_midi(header, text), true;
    if (!abc_word_is(name, "propagate-accidentals") || !abc_next_word(&text, &value)) return false;
    for (int i = 0; i < 3; i++)
        if (abc_word_is(value, ranges[i])) header->propagate = i;
    return true;
}
