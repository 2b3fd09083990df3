/* SPDX-License-Identifier: MIT */
/* From a corpus to training records, or to a packed set. Threads prepare pieces; what they made is handed on in the
   order of the inputs, and only there is it known which piece came first among equals. */
#include <mgen/data.h>
#include "data/prepare.h"
#include "data/steps.h"

#include <math.h>
#include <string.h>

/* ---- presets ---- */

/* The pipelines of magenta/models' melody_rnn, performance_rnn and polyphony_rnn, without their augmentation. Parting
   at tempo changes is left out, as the grid follows them. */
#define MELODY \
    .drums = MG_DRUMS_DROP, .at_changes = MG_CHANGES_METER, .melody = MG_MELODY_STRICT, .gap_bars = 1, .min_bars = 7, \
    .min_pitch_classes = 5, .max_steps = 512, .too_long = MG_LONG_CUT
#define PERFORMANCE \
    .sustain = true, .split_seconds = 30, .gap_bars = 1, .min_tokens = 32, .max_tokens = 512, .too_long = MG_LONG_CUT

static const struct {
    const char *encoding;
    mg_prep_options options;
} presets[] = {
    {"melody38", {MELODY, .key_c = true, .out_of_range = MG_RANGE_FOLD}},
    {"melody130", {MELODY}},
    {"melody-lookback40", {MELODY, .key_c = true, .out_of_range = MG_RANGE_FOLD}},
    {"melody-key40", {MELODY, .key_c = true, .out_of_range = MG_RANGE_FOLD}},
    {"performance388", {PERFORMANCE}},
    {"performance308", {PERFORMANCE}},
    {"performance310", {PERFORMANCE}},
    {"polyphony259", {.drums = MG_DRUMS_DROP, .at_changes = MG_CHANGES_METER, .gap_bars = 1, .min_steps = 80,
                      .max_steps = 512}},
};

mg_prep_options mg_prep_preset(const mg_encoding *encoding)
{
    mg_prep_options options = {.drums = MG_DRUMS_DROP, .gap_bars = 1};
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (strcmp(presets[i].encoding, encoding->name) == 0) options = presets[i].options;
    options.pieces.read = mg_read_defaults();
    options.encoding = encoding;
    return options;
}

/* ---- handing on ---- */

typedef struct {
    data_prep shared;
    mg_run *run;
    mg_hash_set seen;
    mg_packer *packer; /* NULL: records are written */
} prep;

static mg_status emit(prep *p, char *text, size_t length, mg_error *why)
{
    return mg_run_emit(p->run, &(mg_buffer){.data = text, .length = length}, why);
}

static mg_status hand_on(prep *p, const data_batch *batch, size_t first, size_t end, mg_error *why)
{
    for (size_t i = first; i < end; i++) {
        const struct data_entry *entry = &batch->entries[i];
        char *line = batch->lines.data + entry->line;
        if (!p->packer) {
            MG_TRY(emit(p, line, entry->length, why));
        } else {
            const int32_t *tokens = (const int32_t *)(const void *)(batch->tokens.data + entry->token);
            MG_TRY(mg_packer_put(p->packer, p->shared.options->encoding, p->shared.vocab_hash, line, entry->length,
                                 tokens, entry->n_tokens, why));
        }
        p->run->tally.kept++;
    }
    return MG_OK;
}

static mg_status drop_duplicate(prep *p, const char *path, mg_error *why)
{
    mg_buffer line = {0};
    data_add_dropped(&line, &(data_drop){.path = path, .reason = "duplicate", .measure = NAN});
    p->run->tally.dropped++;
    mg_status status = mg_run_emit(p->run, &line, why);
    mg_buffer_free(&line);
    return status;
}

static mg_status collect(void *user, mg_job *job, mg_error *why)
{
    prep *p = user;
    const data_batch *batch = job->result;
    for (size_t i = 0; batch && i < batch->n_pieces; i++) {
        const struct data_piece_mark *piece = &batch->pieces[i];
        size_t end = i + 1 < batch->n_pieces ? piece[1].first_entry : batch->n_entries;
        bool is_new = true, has_any = end > piece->first_entry; /* else it was dropped already */
        if (has_any && p->shared.options->drop_duplicates && mg_hash_set_add(&p->seen, piece->id, &is_new))
            return mg_fail(why, MG_NO_MEMORY, "out of memory");
        MG_TRY(is_new ? hand_on(p, batch, piece->first_entry, end, why)
                      : drop_duplicate(p, batch->paths.data + piece->path, why));
    }
    return MG_OK;
}

/* ---- a run ---- */

static mg_status refuse(mg_error *why, const char *what)
{
    return mg_fail(why, MG_BAD_ARGUMENT, "%s", what);
}

static mg_status check(const mg_prep_options *o, mg_error *why)
{
    const mg_encoding *e = o->encoding;
    bool counts_beats = e->steps_per_quarter > 0;
    if (!counts_beats && o->melody != MG_MELODY_ALL)
        return refuse(why, "melodies are taken on a grid of beats, which this encoding has not");
    if (!counts_beats && o->steps_per_quarter) return refuse(why, "this encoding counts seconds, not steps a quarter");
    if (counts_beats && o->n_stretch) return refuse(why, "stretching changes nothing where beats are counted");
    if (o->split_bars > 0 && o->split_seconds > 0) return refuse(why, "split by bars or by seconds, not by both");
    if (o->transpose_low > o->transpose_high) return refuse(why, "a range of transpositions that goes downwards");
    return MG_OK;
}

static size_t weigh(const void *result)
{
    const data_batch *batch = result;
    return batch->lines.length + batch->tokens.length + batch->paths.length;
}

static mg_status work(void *user, mg_job *job)
{
    prep *p = user;
    return mg_job_pieces(job, &p->shared.options->pieces, data_prepare_piece, &p->shared);
}

static mg_status run_flow(prep *p, mg_source *source, mg_error *why)
{
    mg_flow flow = {.work = work, .collect = collect, .release = data_batch_free, .weigh = weigh, .user = p};
    return mg_flow_run(&flow, source, p->run, why);
}

/* The whole set or nothing: it appears when all went well. */
static mg_status run_packed(prep *p, mg_source *source, mg_error *why)
{
    const mg_prep_options *o = p->shared.options;
    mg_out *out;
    MG_TRY(mg_out_open(o->packed, o->may_replace, &out, why));
    mg_status status = mg_packer_new(o->packed, &p->packer, why);
    if (!status) status = run_flow(p, source, why);
    if (!status && mg_packer_count(p->packer) == 0)
        status = mg_fail(why, MG_BAD_DATA, "%s: not written, as nothing is left to put there", o->packed);
    if (!status) status = mg_packer_write(p->packer, o->provenance, out, why);
    if (!status && o->provenance) status = mg_seal_out(out, why);
    mg_packer_free(p->packer);
    if (!status) return mg_out_commit(out, why);
    mg_out_abandon(out);
    return status;
}

mg_status mg_prep_run(const mg_prep_options *options, mg_source *source, mg_run *run, mg_error *why)
{
    prep p = {.shared = {.options = options, .seed = run->seed}, .run = run};
    MG_TRY(check(options, why));
    MG_TRY(mg_encoding_vocab_hash(options->encoding, p.shared.vocab_hash, why));
    p.shared.licences = mg_licences_new();
    if (!p.shared.licences) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_status status = options->packed ? run_packed(&p, source, why) : run_flow(&p, source, why);
    mg_licences_free(p.shared.licences);
    mg_hash_set_free(&p.seen);
    return status;
}

mg_status mg_prep_list(mg_run *run, mg_error *why)
{
    mg_buffer out = {0};
    mg_status status = MG_OK;
    const mg_encoding *e;
    for (size_t i = 0; !status && (e = mg_encoding_at(i)); i++) {
        char hash[33];
        status = mg_encoding_vocab_hash(e, hash, why);
        mg_json_writer json = mg_record_begin(&out, "encoding");
        mg_json_put_text(&json, "name", e->name);
        mg_json_put_text(&json, "summary", e->summary);
        mg_json_put_int(&json, "vocab", e->vocab);
        if (!status) mg_json_put_text(&json, "vocab_hash", hash);
        mg_json_put_int(&json, "low", e->low);
        mg_json_put_int(&json, "high", e->high);
        if (e->steps_per_quarter) mg_json_put_int(&json, "steps_per_quarter", e->steps_per_quarter);
        if (e->steps_per_second) mg_json_put_int(&json, "steps_per_second", e->steps_per_second);
        if (e->n_features) mg_json_put_int(&json, "features", e->n_features);
        mg_record_end(&json);
    }
    if (!status) status = mg_run_emit(run, &out, why);
    mg_buffer_free(&out);
    return status;
}
