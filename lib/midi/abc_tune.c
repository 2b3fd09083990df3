/* SPDX-License-Identifier: MIT */
/* A tune while it is read: its voices, and what fields and directives do to them. */
#include <mgen/midi.h>
#include <mgen/text.h>
#include "midi/abc.h"

#include <string.h>

enum { VELOCITY = 80 };

/* ---- the tune ---- */

void abc_fail(abc_tune *tune, mg_status status, const char *what)
{
    if (tune->status) return;
    tune->status = mg_fail(tune->why, status, "%s", what);
    if (status != MG_NO_MEMORY) mg_error_at(tune->why, "line %u", tune->line);
}

bool abc_spend(abc_tune *tune, size_t n)
{
    if (tune->status) return false;
    if (n > (uint64_t)(tune->max_events - tune->n_events)) {
        abc_fail(tune, MG_TOO_LARGE, "more signs, or more repeats of them, than the limit of events");
        return false;
    }
    tune->n_events += (int64_t)n;
    return true;
}

/* List a repair, together with the one before where it is the same on the same line; refuse it when strict. */
void abc_repair(abc_tune *tune, uint32_t line, mg_repair_what what, uint32_t count)
{
    mg_score *s = tune->score;
    if (tune->status || tune->is_quiet) return;
    if (tune->options->is_strict) {
        tune->line = line;
        abc_fail(tune, MG_BAD_DATA, mg_repair_sentence(what));
        return;
    }
    mg_repair *last = s->n_repairs ? &s->repairs[s->n_repairs - 1] : NULL;
    if (last && last->place == line && last->what == what) {
        last->count += count;
        return;
    }
    if (!mg_grow((void **)&s->repairs, s->n_repairs, &tune->repairs_room, sizeof *s->repairs)) {
        abc_fail(tune, MG_NO_MEMORY, "out of memory");
        return;
    }
    s->repairs[s->n_repairs++] = (mg_repair){.place = line, .what = (uint16_t)what, .count = count};
}

/* A few signs can ask for any number of repeats: what they may become is bounded by their length. */
enum { EVENTS_ALWAYS = 500000, EVENTS_PER_SIGN = 100 };

abc_tune *abc_tune_new(const mg_read_options *options, const abc_header *header, size_t size, mg_error *why)
{
    abc_tune *tune = mg_alloc_zero(1, sizeof *tune);
    if (!tune) return NULL;
    tune->options = options;
    tune->max_events = EVENTS_ALWAYS + EVENTS_PER_SIGN * (int64_t)size;
    if (tune->max_events > options->max_events) tune->max_events = options->max_events;
    tune->why = why;
    tune->header = *header;
    tune->score = mg_score_new();
    if (tune->score) return tune;
    mg_free(tune);
    return NULL;
}

void abc_tune_free(abc_tune *tune)
{
    if (!tune) return;
    for (int v = 0; v < tune->n_voices; v++) {
        mg_free(tune->voices[v]->items);
        mg_free(tune->voices[v]);
    }
    mg_score_free(tune->score);
    mg_free(tune->titles);
    mg_free(tune->heads);
    mg_free(tune->texts);
    mg_free(tune->words);
    mg_buffer_free(&tune->raw);
    mg_buffer_free(&tune->text);
    mg_free(tune);
}

/* ---- items ---- */

static abc_item *append(abc_tune *tune, abc_voice *voice, abc_kind kind)
{
    if (!abc_spend(tune, 1)) return NULL;
    if (!mg_grow((void **)&voice->items, voice->n_items, &voice->items_room, sizeof *voice->items)) {
        abc_fail(tune, MG_NO_MEMORY, "out of memory");
        return NULL;
    }
    abc_item *item = &voice->items[voice->n_items++];
    *item = (abc_item){.kind = (uint8_t)kind, .line = tune->line, .words = ABC_NONE};
    return item;
}

/* A P: line is meant for all voices: each gets its mark when it goes on. */
abc_item *abc_add(abc_tune *tune, abc_voice *voice, abc_kind kind)
{
    if (voice->part != tune->part) {
        abc_item *mark = append(tune, voice, ABC_PART);
        if (!mark) return NULL;
        mark->count = voice->part = tune->part;
        mark->at = tune->part_text;
    }
    return append(tune, voice, kind);
}

/* The index of a text kept until the tune is played. */
static uint32_t keep_text(abc_tune *tune, const char *text)
{
    if (!mg_grow((void **)&tune->texts, tune->n_texts, &tune->texts_room, sizeof *tune->texts)) {
        abc_fail(tune, MG_NO_MEMORY, "out of memory");
        return 0;
    }
    tune->texts[tune->n_texts] = text;
    return (uint32_t)tune->n_texts++;
}

void abc_add_text(abc_tune *tune, mg_text_kind kind, const char *text)
{
    uint32_t at = keep_text(tune, text);
    abc_item *item = abc_add(tune, tune->voice, ABC_TEXT);
    if (!item) return;
    item->at = at;
    item->count = (uint16_t)kind;
}

/* A field that is about the tune, as a text of its own form: "C:Trad." */
static void add_field(abc_tune *tune, char letter, const char *value)
{
    size_t n = strlen(value);
    char *line = mg_arena_alloc(&tune->score->strings, n + 3, 1);
    if (!line) return abc_fail(tune, MG_NO_MEMORY, "out of memory");
    line[0] = letter;
    line[1] = ':';
    memcpy(line + 2, value, n + 1);
    abc_add_text(tune, MG_TEXT_GENERAL, line);
}

static void add_key(abc_tune *tune, abc_voice *voice)
{
    abc_item *item = abc_add(tune, voice, ABC_KEY);
    if (!item) return;
    item->at = (uint32_t)(voice->key.fifths + 64);
    item->count = voice->key.is_minor;
}

static void add_meter(abc_tune *tune, abc_voice *voice)
{
    abc_item *item = abc_add(tune, voice, ABC_METER);
    if (!item) return;
    item->at = (uint32_t)voice->meter.numerator << 16 | voice->meter.denominator;
    item->length = voice->meter.bar;
}

static void add_number(abc_tune *tune, abc_voice *voice, abc_kind kind, uint32_t value)
{
    abc_item *item = abc_add(tune, voice, kind);
    if (item) item->at = value;
}

/* ---- voices ---- */

static void apply_shift(abc_shift *to, const abc_shift *from)
{
    if (from->has_clef) to->has_clef = true, to->clef = from->clef;
    if (from->has_octave) to->has_octave = true, to->octave = from->octave;
    if (from->has_transpose) to->has_transpose = true, to->transpose = from->transpose;
}

/* What the header says holds in every voice, but for what the voice's own V: has said. */
static void begin_voice(abc_tune *tune, abc_voice *voice)
{
    abc_shift own = voice->shift;
    voice->shift = tune->shift;
    apply_shift(&voice->shift, &own);
    voice->key = tune->key;
    voice->meter = tune->header.meter;
    voice->unit = tune->header.unit;
    voice->midi_transpose = tune->header.midi_transpose;
    if (voice->channel < 0) voice->channel = tune->header.channel;
    memset(voice->alter, ABC_NO_ALTER, sizeof voice->alter);
    add_key(tune, voice);
    if (tune->header.has_meter) add_meter(tune, voice);
    if (tune->header.program >= 0 && !voice->has_program)
        add_number(tune, voice, ABC_PROGRAM, (uint32_t)tune->header.program);
}

static abc_voice *new_voice(abc_tune *tune, abc_span id)
{
    if (tune->n_voices == ABC_VOICES) {
        abc_fail(tune, MG_TOO_LARGE, "more than 64 voices");
        return NULL;
    }
    abc_voice *voice = mg_alloc_zero(1, sizeof *voice);
    if (!voice) {
        abc_fail(tune, MG_NO_MEMORY, "out of memory");
        return NULL;
    }
    tune->voices[tune->n_voices++] = voice;
    voice->id = abc_text(tune, id.at, id.length);
    voice->name = "";
    voice->broken = (abc_ratio){1, 1};
    voice->velocity = VELOCITY;
    voice->channel = ABC_NONE;
    if (tune->is_body) begin_voice(tune, voice);
    return voice;
}

/* Music before the first V: belongs to a voice without a name, which a later "V:1" goes on with. */
static abc_voice *find_voice(abc_tune *tune, abc_span id)
{
    const char *name = abc_text(tune, id.at, id.length);
    if (tune->voice && strcmp(tune->voice->id, name) == 0) return tune->voice;
    for (int v = 0; v < tune->n_voices; v++)
        if (strcmp(tune->voices[v]->id, name) == 0) return tune->voices[v];
    abc_voice *first = tune->n_voices ? tune->voices[0] : NULL;
    if (first && !first->id[0] && (strcmp(name, "1") == 0 || !first->has_music)) {
        first->id = name;
        return first;
    }
    return new_voice(tune, id);
}

/* name="Tenore I" */
static void read_voice_name(abc_tune *tune, abc_voice *voice, abc_span word)
{
    const char *equals = memchr(word.at, '=', word.length);
    if (!equals) return;
    abc_span key = {word.at, (size_t)(equals - word.at)};
    if (!abc_word_is(key, "name") && !abc_word_is(key, "nm")) return;
    abc_span value = {equals + 1, word.length - key.length - 1};
    if (value.length >= 2 && value.at[0] == '"') value.at++, value.length -= 1 + (value.at[value.length - 2] == '"');
    voice->name = abc_text(tune, value.at, value.length);
}

static void voice_field(abc_tune *tune, abc_span text)
{
    abc_span word;
    if (!abc_next_word(&text, &word)) {
        abc_repair(tune, tune->line, MG_REPAIR_ABC_FIELD, 1);
        return;
    }
    abc_voice *voice = find_voice(tune, word);
    if (!voice) return;
    tune->voice = voice;
    while (abc_next_word(&text, &word)) {
        read_voice_name(tune, voice, word);
        abc_parse_shift(word, &voice->shift); /* programs add words of their own: what is unknown is passed over */
    }
}

/* ---- fields ---- */

static void bad_field(abc_tune *tune) { abc_repair(tune, tune->line, MG_REPAIR_ABC_FIELD, 1); }

/* The letter or digit that P: in the body is about. */
static void part_field(abc_tune *tune, abc_span text)
{
    text = abc_trim(text);
    if (text.length == 0) return bad_field(tune);
    tune->part = (uint8_t)text.at[0];
    tune->part_text = keep_text(tune, abc_text(tune, text.at, text.length));
    if (tune->voice->part == tune->part) tune->voice->part = 0; /* said again: a new mark */
}

/* K: in the body changes the current voice; before any V: there is but one. */
static void key_field(abc_tune *tune, abc_span text)
{
    abc_voice *voice = tune->voice;
    bool has_key;
    abc_shift shift = {0};
    if (!abc_parse_key(text, &voice->key, &has_key, &shift)) bad_field(tune);
    apply_shift(&voice->shift, &shift);
    if (has_key) add_key(tune, voice);
}

static void meter_field(abc_tune *tune, abc_span text)
{
    abc_meter meter;
    if (!abc_parse_meter(text, &meter)) return bad_field(tune);
    tune->voice->meter = meter;
    add_meter(tune, tune->voice);
}

/* The number makes an event, the words in quotes a text. */
static void tempo_field(abc_tune *tune, abc_span text)
{
    uint32_t us_per_quarter;
    if (!abc_parse_tempo(text, tune->voice->unit, &us_per_quarter)) return bad_field(tune);
    if (us_per_quarter) add_number(tune, tune->voice, ABC_TEMPO, us_per_quarter);
    const char *open = text.length > 0 ? memchr(text.at, '"', text.length) : NULL;
    size_t left = open ? (size_t)(text.at + text.length - open) - 1 : 0;
    const char *close = open ? memchr(open + 1, '"', left) : NULL;
    if (close) abc_add_text(tune, MG_TEXT_GENERAL, abc_text(tune, open + 1, (size_t)(close - open) - 1));
}

static void body_field(abc_tune *tune, char letter, abc_span text)
{
    abc_voice *voice = tune->voice;
    switch (letter) {
    case 'K': return key_field(tune, text);
    case 'M': return meter_field(tune, text);
    case 'L':
        if (!abc_parse_unit(text, &voice->unit)) bad_field(tune);
        return;
    case 'Q': return tempo_field(tune, text);
    case 'P': return part_field(tune, text);
    case 'V': return voice_field(tune, text);
    case 'w': return abc_words(tune, text, false);
    case 's': return abc_words(tune, text, true);
    case 'T': return add_field(tune, letter, abc_text(tune, text.at, text.length));
    case 'U':
        if (!abc_header_field(&tune->header, letter, text)) bad_field(tune);
        return;
    case 'I': return abc_directive(tune, text);
    default: return; /* remarks, words below the tune, background */
    }
}

/* The first title names the score; all of them become texts when there is a voice to hold them. */
static void title_field(abc_tune *tune, abc_span text)
{
    const char *title = abc_text(tune, text.at, text.length);
    if (!tune->score->title[0]) tune->score->title = title;
    if (!mg_grow((void **)&tune->titles, tune->n_titles, &tune->titles_room, sizeof *tune->titles))
        return abc_fail(tune, MG_NO_MEMORY, "out of memory");
    tune->titles[tune->n_titles++] = title;
}

static void header_field(abc_tune *tune, char letter, abc_span text)
{
    bool has_key;
    switch (letter) {
    case 'T': return title_field(tune, text);
    case 'V': return voice_field(tune, text);
    case 'P':
        tune->order = text;
        tune->order_line = tune->line;
        return;
    case 'I': return abc_directive(tune, text);
    case 'K':
        if (!abc_parse_key(text, &tune->key, &has_key, &tune->shift)) bad_field(tune);
        return abc_begin_body(tune);
    default:
        if (!abc_header_field(&tune->header, letter, text)) bad_field(tune);
    }
}

/* The header is over: what it says goes to the voices. */
void abc_begin_body(abc_tune *tune)
{
    abc_header *header = &tune->header;
    if (header->unit.den == 0) header->unit = abc_default_unit(&header->meter);
    tune->is_body = true;
    if (tune->n_voices == 0) new_voice(tune, (abc_span){"", 0});
    else
        for (int v = 0; v < tune->n_voices; v++) begin_voice(tune, tune->voices[v]);
    if (tune->status) return;
    tune->voice = tune->voices[0];
    for (size_t i = 0; i < tune->n_titles; i++) add_field(tune, 'T', tune->titles[i]);
    abc_span composer = header->composer, rhythm = header->rhythm, origin = header->origin;
    if (composer.at) add_field(tune, 'C', abc_text(tune, composer.at, composer.length));
    if (rhythm.at) add_field(tune, 'R', abc_text(tune, rhythm.at, rhythm.length));
    if (origin.at) tune->score->origin = abc_text(tune, origin.at, origin.length);
    if (header->tempo.at) tempo_field(tune, header->tempo);
}

void abc_field(abc_tune *tune, char letter, abc_span text)
{
    if (tune->is_body) body_field(tune, letter, text);
    else header_field(tune, letter, text);
}

/* A directive holds for the current voice, before any V: for all. */
void abc_directive(abc_tune *tune, abc_span text)
{
    abc_header *header = &tune->header;
    abc_voice *voice = tune->voice;
    int program = header->program, channel = header->channel, transpose = header->midi_transpose;
    if (voice) header->program = header->channel = ABC_NONE, header->midi_transpose = voice->midi_transpose;
    if (abc_header_directive(header, text) && voice) {
        if (header->program >= 0) add_number(tune, voice, ABC_PROGRAM, (uint32_t)header->program);
        voice->has_program |= header->program >= 0;
        if (header->channel >= 0) voice->channel = header->channel;
        voice->midi_transpose = header->midi_transpose;
    }
    if (voice) header->program = program, header->channel = channel, header->midi_transpose = transpose;
}
