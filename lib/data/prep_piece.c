/* SPDX-License-Identifier: MIT */
/* What becomes of one piece: tests of the whole, changes to the whole, parts, filters, copies, tokens. */
#include <mgen/data.h>
#include "data/prepare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* One piece on its way. */
typedef struct {
    const data_prep *prep;
    const mg_prep_options *o;
    mg_job *job;
    data_batch *batch;
    const mg_piece *piece;
    char licence[MG_LICENCE_SIZE];
    const char *split;
    mg_hash whole;
    mg_score *original;  /* the piece as preparation takes it, unchanged */
    int resolution; /* of the grid; 0 where seconds count */
    double stretch;
    int part;       /* number of the one being made */
    size_t n_notes; /* in it, before anything was cut off */
} way;

/* ---- what is left out ---- */

static mg_status drop(way *w, data_drop why)
{
    why.path = w->piece->path;
    data_add_dropped(&w->job->out, &why);
    w->job->tally.dropped++;
    return MG_OK;
}

/* ---- the batch ---- */

void data_batch_free(void *result)
{
    data_batch *batch = result;
    if (!batch) return;
    mg_buffer_free(&batch->lines);
    mg_buffer_free(&batch->tokens);
    mg_buffer_free(&batch->paths);
    mg_free(batch->pieces);
    mg_free(batch->entries);
    mg_free(batch);
}

static mg_status no_memory(mg_error *why) { return mg_fail(why, MG_NO_MEMORY, "out of memory"); }

static mg_status begin_piece(way *w, mg_error *why)
{
    if (!w->job->result) w->job->result = mg_alloc_zero(1, sizeof(data_batch));
    data_batch *batch = w->batch = w->job->result;
    if (!batch || !mg_grow((void **)&batch->pieces, batch->n_pieces, &batch->pieces_capacity, sizeof *batch->pieces))
        return no_memory(why);
    batch->pieces[batch->n_pieces++] =
        (struct data_piece_mark){.id = w->piece->id, .path = batch->paths.length, .first_entry = batch->n_entries};
    mg_buffer_add(&batch->paths, w->piece->path, strlen(w->piece->path) + 1);
    return batch->paths.failed ? no_memory(why) : MG_OK;
}

/* The record, or for a packed set its stem and tokens. */
static mg_status add_entry(way *w, const data_made *made, const int32_t *tokens, size_t n, mg_error *why)
{
    data_batch *batch = w->batch;
    struct data_entry entry = {.line = batch->lines.length, .token = batch->tokens.length, .n_tokens = n};
    data_begin_record(&batch->lines, made);
    if (w->o->packed) mg_buffer_add(&batch->tokens, tokens, n * sizeof *tokens);
    else data_end_record(&batch->lines, made->encoding->is_roll, tokens, n);
    entry.length = batch->lines.length - entry.line;
    if (batch->lines.failed || batch->tokens.failed ||
        !mg_grow((void **)&batch->entries, batch->n_entries, &batch->entries_capacity, sizeof entry))
        return no_memory(why);
    batch->entries[batch->n_entries++] = entry;
    return MG_OK;
}

/* ---- tokens ---- */

/* A record that is not the whole piece is known by the notes that its tokens say; where they are not all of the part's,
   they are counted. */
static mg_status tell_content(way *w, const int32_t *tokens, size_t n, bool is_cut, data_made *made, mg_error *why)
{
    const mg_encoding *e = w->o->encoding;
    data_facts facts;
    mg_score *said;
    MG_TRY(e->decode(e, tokens, n, data_bpm(made->score), w->resolution, &said, why));
    mg_status status = mg_score_id(said, &made->id, why);
    if (!status && is_cut) status = data_facts_of(said, e, w->resolution, &facts, why);
    if (!status && is_cut) made->notes = said->n_notes, made->seconds = facts.seconds;
    mg_score_free(said);
    return status;
}

/* In quarters, as an identity has it. */
static bool are_same_notes(const mg_score *a, const mg_score *b)
{
    int64_t p = b->ticks_per_quarter, q = a->ticks_per_quarter;
    if (a->n_notes != b->n_notes) return false;
    for (size_t i = 0; i < a->n_notes; i++) {
        const mg_note *x = &a->notes[i], *y = &b->notes[i];
        if (x->start * p != y->start * q || x->end * p != y->end * q || x->pitch != y->pitch ||
            x->velocity != y->velocity || (x->channel == MG_DRUM_CHANNEL) != (y->channel == MG_DRUM_CHANNEL))
            return false;
    }
    return true;
}

/* At most max_tokens, cut behind a whole step where the encoding has such. */
static size_t cut_tokens(const way *w, const int32_t *tokens, size_t n)
{
    const mg_encoding *e = w->o->encoding;
    size_t most = w->o->max_tokens > 0 ? (size_t)w->o->max_tokens : n;
    if (n <= most || w->o->too_long != MG_LONG_CUT) return n;
    n = most;
    while (n > 0 && e->step_end >= 0 && tokens[n - 1] != e->step_end) n--;
    return n;
}

static mg_status write_tokens(way *w, const mg_score *score, const data_facts *facts, int transposed,
                              const int32_t *tokens, size_t all, mg_error *why)
{
    const mg_prep_options *o = w->o;
    size_t n = cut_tokens(w, tokens, all);
    if (n == 0) return drop(w, (data_drop){.reason = "empty", .part = w->part, .measure = NAN});
    if ((double)n < o->min_tokens)
        return drop(w, (data_drop){.reason = "few-tokens", .part = w->part, .measure = (double)n,
                                   .limit = o->min_tokens});
    if (o->max_tokens > 0 && (double)n > o->max_tokens)
        return drop(w, (data_drop){.reason = "many-tokens", .part = w->part, .measure = (double)n,
                                   .limit = o->max_tokens});
    bool is_whole = n == all && w->stretch == 1 && are_same_notes(score, w->original);
    data_made made = {.piece = w->piece, .encoding = o->encoding, .vocab_hash = w->prep->vocab_hash,
                      .resolution = w->resolution, .split = w->split, .licence = w->licence, .score = score,
                      .id = w->piece->id, .whole = w->whole, .seconds = facts->seconds, .notes = score->n_notes,
                      .transposed = transposed, .stretch = w->stretch, .part = is_whole ? 0 : w->part};
    if (!is_whole) MG_TRY(tell_content(w, tokens, n, n < all, &made, why));
    made.left_out = w->n_notes > made.notes ? w->n_notes - made.notes : 0;
    w->job->tally.notes += made.notes + made.left_out;
    w->job->tally.left_out += made.left_out;
    return add_entry(w, &made, tokens, n, why);
}

/* A part as it is to be, in tokens. What the encoding cannot say is dropped, not an error. */
static mg_status encode_part(way *w, const mg_score *score, const data_facts *facts, int transposed, mg_error *why)
{
    const mg_encoding *e = w->o->encoding;
    mg_buffer tokens = {0};
    mg_error inner = {0};
    mg_status status = e->encode(e, score, w->resolution, &tokens, &inner);
    if (!status)
        status = write_tokens(w, score, facts, transposed, (const int32_t *)(const void *)tokens.data,
                              tokens.length / sizeof(int32_t), why);
    else if (status == MG_BAD_DATA || status == MG_TOO_LARGE)
        status = drop(w, (data_drop){.reason = "does-not-fit", .part = w->part, .measure = NAN, .detail = inner.text});
    else if (why) *why = inner;
    mg_buffer_free(&tokens);
    return status;
}

/* ---- copies ---- */

static mg_status make_copy(way *w, const mg_score *part, const data_facts *facts, int semitones, mg_error *why)
{
    const mg_encoding *e = w->o->encoding;
    mg_score *copy;
    MG_TRY(data_copy(part, &copy, why));
    mg_status status;
    if (!data_transpose(copy, semitones)) {
        status = drop(w, (data_drop){.reason = "transposition", .part = w->part, .measure = semitones,
                                     .detail = "a pitch would leave the range of MIDI"});
    } else {
        if (w->o->out_of_range == MG_RANGE_FOLD) semitones += data_fold(copy, e->low, e->high, w->o->key_c);
        if (w->o->out_of_range == MG_RANGE_DROP) data_drop_outside(copy, e->low, e->high);
        status = encode_part(w, copy, facts, semitones, why);
    }
    mg_score_free(copy);
    return status;
}

/* Random augmentation draws one copy for each part, by what the piece is and not by where it stands. */
static mg_status make_copies(way *w, const mg_score *part, const data_facts *facts, mg_error *why)
{
    int to_c = w->o->key_c ? data_to_c(part) : 0;
    int64_t low = w->o->transpose_low, high = w->o->transpose_high;
    if (w->o->augment == MG_AUGMENT_RANDOM) {
        mg_random random = mg_random_at(w->prep->seed, "transpose", w->whole.lo + (uint64_t)w->part);
        low += mg_random_below(&random, (uint32_t)(high - low + 1));
        high = low;
    }
    for (int64_t k = low; k <= high; k++) MG_TRY(make_copy(w, part, facts, to_c + (int)k, why));
    return MG_OK;
}

/* ---- parts ---- */

static mg_status take_part(way *w, mg_score *part, mg_error *why)
{
    const mg_prep_options *o = w->o;
    const mg_encoding *e = o->encoding;
    data_facts facts;
    double measure, limit;
    w->part++;
    w->n_notes = part->n_notes;
    if (part->n_notes == 0) return drop(w, (data_drop){.reason = "empty", .part = w->part, .measure = NAN});
    if (o->max_steps > 0 && o->too_long == MG_LONG_CUT)
        MG_TRY(data_limit(part, w->resolution, e->steps_per_second, o->max_steps, why));
    MG_TRY(data_facts_of(part, e, w->resolution, &facts, why));
    const char *reason = data_refused(o, &facts, &measure, &limit);
    if (reason) return drop(w, (data_drop){.reason = reason, .part = w->part, .measure = measure, .limit = limit});
    return make_copies(w, part, &facts, why);
}

static mg_status take_melody(void *user, mg_score *melody, const char *refused, mg_error *why)
{
    way *w = user;
    if (!melody) {
        w->part++;
        return drop(w, (data_drop){.reason = "polyphony", .part = w->part, .measure = NAN, .detail = refused});
    }
    mg_status status = take_part(w, melody, why);
    mg_score_free(melody);
    return status;
}

static mg_status take_span(way *w, const mg_score *whole, const data_span *span, mg_error *why)
{
    mg_score *part;
    MG_TRY(data_cut(whole, span, &part, why));
    mg_status status = w->o->melody == MG_MELODY_ALL
                           ? take_part(w, part, why)
                           : data_melodies(part, w->o->melody, w->o->gap_bars, w->resolution, take_melody, w, why);
    mg_score_free(part);
    return status;
}

/* ---- the whole ---- */

/* All that is done to the piece before it is parted. The end of a MIDI file's tracks says nothing; the length of a roll
   does. */
static mg_status change_whole(const way *w, mg_score *whole, mg_error *why)
{
    if (w->o->sustain) MG_TRY(data_apply_sustain(whole, why));
    data_keep_drums(whole, w->o->drums);
    if (w->o->quantise) data_snap(whole, (int)w->o->quantise);
    int64_t last = mg_score_last_note(whole);
    if (!w->piece->resolution || whole->end_tick < last) whole->end_tick = last;
    return w->stretch == 1 ? MG_OK : data_stretch(whole, w->stretch, why);
}

static mg_status take_stretched(way *w, double factor, mg_error *why)
{
    mg_score *whole;
    data_span *spans = NULL;
    size_t n = 0;
    w->stretch = factor;
    w->part = 0;
    MG_TRY(data_copy(w->original, &whole, why));
    mg_status status = change_whole(w, whole, why);
    if (!status && whole->n_notes == 0) status = drop(w, (data_drop){.reason = "empty", .measure = 0});
    else if (!status) status = data_spans(whole, w->o, &spans, &n, why);
    for (size_t i = 0; !status && i < n; i++) status = take_span(w, whole, &spans[i], why);
    mg_free(spans);
    mg_score_free(whole);
    return status;
}

static mg_status take_whole(way *w, mg_error *why)
{
    const mg_prep_options *o = w->o;
    if (o->n_stretch == 0) return take_stretched(w, 1, why);
    if (o->augment == MG_AUGMENT_RANDOM) {
        mg_random random = mg_random_at(w->prep->seed, "stretch", w->whole.lo);
        return take_stretched(w, o->stretch[mg_random_below(&random, (uint32_t)o->n_stretch)], why);
    }
    for (size_t i = 0; i < o->n_stretch; i++) MG_TRY(take_stretched(w, o->stretch[i], why));
    return MG_OK;
}

/* Whether the piece passes the corpus tests that were asked for; if not it is dropped. */
static mg_status test_corpus(way *w, bool *passes, mg_error *why)
{
    mg_quality quality;
    *passes = true;
    if (!w->o->corpus_tests) return MG_OK;
    MG_TRY(mg_quality_measure(w->piece->score, &quality, why));
    for (int test = 0; *passes && test < MG_QUALITY_TESTS; test++) {
        if (!(w->o->corpus_tests >> test & 1) || quality.tests[test].passes) continue;
        *passes = false;
        drop(w, (data_drop){.reason = "corpus-test", .detail = mg_quality_name(test),
                            .measure = quality.tests[test].applies ? quality.tests[test].measure : NAN});
    }
    return MG_OK;
}

static int resolution_of(const mg_prep_options *o, const mg_piece *piece)
{
    if (!o->encoding->steps_per_quarter) return 0;
    if (o->steps_per_quarter) return (int)o->steps_per_quarter;
    return o->encoding->is_roll && piece->resolution ? piece->resolution : o->encoding->steps_per_quarter;
}

mg_status data_prepare_piece(void *user, mg_job *job, const mg_piece *piece, mg_error *why)
{
    const data_prep *prep = user;
    const mg_prep_options *o = prep->options;
    bool passes;
    way w = {.prep = prep, .o = o, .job = job, .piece = piece, .whole = data_whole_of(piece->record, piece->id),
             .resolution = resolution_of(o, piece)};
    w.split = piece->split ? piece->split : data_split_of(w.whole, prep->seed, o->ratio);
    MG_TRY(mg_licences_find(prep->licences, job, piece, w.licence, why));
    if (o->licence_allow && !mg_licence_is_allowed(o->licence_allow, w.licence))
        return drop(&w, (data_drop){.reason = "licence", .measure = NAN,
                                    .detail = w.licence[0] ? w.licence : "unknown"});
    MG_TRY(test_corpus(&w, &passes, why));
    if (!passes) return MG_OK;
    MG_TRY(begin_piece(&w, why));
    MG_TRY(data_copy(piece->score, &w.original, why));
    mg_status status = take_whole(&w, why);
    mg_score_free(w.original);
    return status;
}
