/* SPDX-License-Identifier: MIT */
/* From a packed set to examples: which pieces belong to which split, and where each is cut. */
#include "train/corpus.h"

#include <string.h>

void mg_corpus_free(mg_corpus *c)
{
    if (!c) return;
    for (int s = 0; s < MG_SPLITS; s++) mg_free(c->list[s].examples);
    mg_free(c->first);
    mg_buffer_free(&c->licences);
    mg_free(c);
}

size_t mg_corpus_count(const mg_corpus *c, mg_split split) { return c->list[split].n; }
size_t mg_corpus_pieces(const mg_corpus *c, mg_split split) { return c->list[split].pieces; }
uint64_t mg_corpus_steps(const mg_corpus *c, mg_split split) { return c->list[split].steps; }
bool mg_corpus_has_grids(const mg_corpus *c) { return c->has_grids; }
const mg_encoding *mg_corpus_encoding(const mg_corpus *c) { return c->encoding; }
mg_hash mg_corpus_hash(const mg_corpus *c) { return c->hash; }

mg_data_form mg_corpus_form(const mg_corpus *c)
{
    const mg_encoding *e = c->encoding;
    return (mg_data_form){.vocab = e->is_roll ? 0 : e->vocab,
                          .features = mg_features_width(e, &c->controls)};
}

/* All examples once more, without that control. */
static mg_status add_without(mg_example_list *list, int control, mg_error *why)
{
    size_t n = list->n;
    for (size_t i = 0; i < n; i++) {
        if (!mg_grow((void **)&list->examples, list->n, &list->capacity, sizeof *list->examples))
            return mg_fail(why, MG_NO_MEMORY, "out of memory");
        list->examples[list->n] = list->examples[i];
        list->examples[list->n++].left_out |= 1u << control;
    }
    list->steps *= 2;
    return MG_OK;
}

mg_status mg_corpus_control(mg_corpus *c, const mg_controls *controls, mg_error *why)
{
    if (mg_controls_width(controls) && !c->encoding->steps_per_second)
        return mg_fail(why, MG_BAD_ARGUMENT, "%s: density and pitch-histogram are for performances, not for %s",
                       mg_pack_path(c->pack), c->encoding->name);
    c->controls = *controls;
    for (int i = 0; i < MG_CONTROLS; i++)
        for (int split = 0; split < MG_SPLITS; split++)
            if (controls->mode[i] == MG_CONTROL_OPTIONAL) MG_TRY(add_without(&c->list[split], i, why));
    return MG_OK;
}

/* ---- which encoding, which split ---- */

static mg_status find_encoding(mg_corpus *c, mg_error *why)
{
    const char *name = mg_pack_encoding(c->pack), *path = mg_pack_path(c->pack), *hash = mg_pack_vocab_hash(c->pack);
    char own[33];
    c->encoding = mg_encoding_find(name);
    if (!c->encoding) return mg_fail(why, MG_UNSUPPORTED, "%s: encoding '%s' is not known", path, name);
    MG_TRY(mg_encoding_vocab_hash(c->encoding, own, why));
    if (*hash && strcmp(hash, own))
        return mg_fail(why, MG_BAD_DATA, "%s: the vocabulary of its %s is not that of this version", path, name);
    return MG_OK;
}

/* What a record says of its split, and where it goes if none says anything. */
typedef struct { uint8_t named, drawn; } where;
enum { UNNAMED = 255, ELSEWHERE = 254 }; /* beside mg_split */

static uint8_t named_split(const mg_json *stem)
{
    const char *name = mg_json_get_string(stem, "split", NULL);
    if (!name) return UNNAMED;
    if (strcmp(name, "train") == 0) return MG_SPLIT_TRAIN;
    return strcmp(name, "valid") == 0 ? MG_SPLIT_VALID : ELSEWHERE;
}

/* The identity of the piece decides, which its parts, its copies and its equals share, wherever they lie. */
static uint8_t drawn_split(const mg_json *stem, double valid)
{
    const char *id = mg_json_get_string(stem, "id", mg_json_get_string(stem, "path", ""));
    const char *piece = mg_json_get_string(mg_json_get(stem, "meta"), "piece", id);
    double u = (double)(mg_hash64_bytes(piece, strlen(piece)) >> 11) * 0x1p-53;
    return u < valid ? MG_SPLIT_VALID : MG_SPLIT_TRAIN;
}

/* ---- one piece ---- */

static mg_status add_examples(mg_corpus *c, mg_example_list *list, size_t record, int64_t steps, mg_error *why)
{
    list->pieces++;
    for (int64_t start = 0; start < steps; start += c->length) {
        int64_t n = steps - start < c->length ? steps - start : c->length;
        if (!mg_grow((void **)&list->examples, list->n, &list->capacity, sizeof *list->examples))
            return mg_fail(why, MG_NO_MEMORY, "out of memory");
        list->examples[list->n++] = (mg_example){(uint32_t)record, (uint32_t)start, (uint32_t)n, 0};
        list->steps += (uint64_t)n;
    }
    return MG_OK;
}

static bool is_among(int32_t token, const int32_t *tokens, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (tokens[i] == token) return true;
    return false;
}

/* How it begins; a frame may name a key more than once. */
static void count_first(mg_corpus *c, const int32_t *tokens, size_t n)
{
    if (!c->encoding->is_roll && n > 0) c->first[tokens[0]]++;
    for (size_t i = 0; c->encoding->is_roll && i < n && tokens[i] != MG_FRAME_END; i++)
        if (!is_among(tokens[i], tokens, i)) c->first[tokens[i] - c->encoding->low]++;
    c->n_pieces++;
}

static void note_licence(mg_corpus *c, const char *licence)
{
    size_t length = strlen(licence);
    for (const char *at = c->licences.data; at && *at; at = strchr(at, '\n') + 1)
        if (strncmp(at, licence, length) == 0 && at[length] == '\n') return;
    if (c->licences.length > 1000 || strchr(licence, '\n')) return; /* a note, no catalogue */
    mg_buffer_add(&c->licences, licence, length);
    mg_buffer_add_char(&c->licences, '\n');
}

static void note_meta(mg_corpus *c, const mg_json *stem, bool is_first)
{
    const mg_json *meta = mg_json_get(stem, "meta");
    double bpm;
    int64_t resolution = mg_json_get_int(stem, "resolution", 0);
    bool has_bpm = mg_json_real(mg_json_get(meta, "bpm"), &bpm) && bpm >= MG_SLOWEST_BPM && bpm <= MG_FASTEST_BPM;
    if (has_bpm) c->bpm_sum += bpm, c->n_bpm++;
    if (resolution < 0 || resolution > MG_FINEST_GRID) resolution = 0;
    if (is_first) c->resolution = resolution;
    else if (c->resolution != resolution) c->resolution = 0, c->has_grids = true;
    note_licence(c, mg_json_get_string(meta, "licence", "unknown"));
}

/* ---- all of them ---- */

/* First what the records say of themselves, as the last one may be the first to name a split. */
static mg_status read_stems(mg_corpus *c, double valid, where *splits, mg_error *why)
{
    bool names_split = false;
    size_t n = mg_pack_count(c->pack);
    for (size_t i = 0; i < n; i++) {
        mg_json *stem;
        MG_TRY(mg_pack_stem(c->pack, i, &stem, why));
        splits[i] = (where){named_split(stem), drawn_split(stem, valid)};
        names_split |= splits[i].named != UNNAMED;
        note_meta(c, stem, i == 0);
        mg_json_free(stem);
    }
    for (size_t i = 0; i < n; i++)
        if (!names_split) splits[i].named = splits[i].drawn;
        else if (splits[i].named == UNNAMED) splits[i].named = MG_SPLIT_TRAIN;
    return MG_OK;
}

static mg_status check(const mg_corpus *c, size_t record, const int32_t *tokens, size_t n, mg_error *why)
{
    mg_error inner = {0};
    if (mg_stop_asked()) return mg_fail(why, MG_STOPPED, "asked to stop");
    if (mg_encoding_check(c->encoding, tokens, n, &inner) == MG_OK) return MG_OK;
    mg_error_at(&inner, "record %zu", record + 1);
    return mg_fail_in(why, MG_BAD_DATA, mg_pack_path(c->pack), &inner);
}

static mg_status read_pieces(mg_corpus *c, const where *splits, int32_t *tokens, mg_error *why)
{
    for (size_t i = 0; i < mg_pack_count(c->pack); i++) {
        size_t n = mg_pack_length(c->pack, i);
        if (splits[i].named == ELSEWHERE) continue;
        mg_pack_tokens(c->pack, i, tokens);
        MG_TRY(check(c, i, tokens, n, why));
        int64_t steps = mg_example_steps(c->encoding, tokens, n);
        if (steps < 1) continue;
        MG_TRY(add_examples(c, &c->list[splits[i].named], i, steps, why));
        if (splits[i].named == MG_SPLIT_TRAIN) count_first(c, tokens, n);
    }
    return MG_OK;
}

static mg_status read_all(mg_corpus *c, double valid, mg_error *why)
{
    size_t n = mg_pack_count(c->pack), longest = 0;
    for (size_t i = 0; i < n; i++)
        if (mg_pack_length(c->pack, i) > longest) longest = mg_pack_length(c->pack, i);
    where *splits = mg_alloc(n, sizeof *splits);
    int32_t *tokens = mg_alloc(longest, sizeof *tokens);
    c->first = mg_alloc_zero((size_t)c->encoding->vocab, sizeof *c->first);
    mg_status status = splits && tokens && c->first ? MG_OK : mg_fail(why, MG_NO_MEMORY, "out of memory");
    if (!status) status = read_stems(c, valid, splits, why);
    if (!status) status = read_pieces(c, splits, tokens, why);
    mg_free(splits);
    mg_free(tokens);
    if (status) return status;
    if (c->list[MG_SPLIT_TRAIN].n == 0)
        return mg_fail(why, MG_BAD_DATA, "%s: nothing to train on: %zu records, none of the training split with two %s",
                       mg_pack_path(c->pack), n, c->encoding->is_roll ? "frames" : "tokens");
    return c->licences.failed ? mg_fail(why, MG_NO_MEMORY, "out of memory") : MG_OK;
}

mg_status mg_corpus_open(const mg_pack *pack, double valid, int64_t length, mg_corpus **corpus, mg_error *why)
{
    mg_corpus *c = *corpus = mg_alloc_zero(1, sizeof *c);
    if (!c) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    c->pack = pack;
    c->length = length;
    c->hash = mg_pack_hash(pack);
    mg_status status = find_encoding(c, why);
    if (!status) status = read_all(c, valid, why);
    if (status) mg_corpus_free(c), *corpus = NULL;
    return status;
}

/* ---- what a model keeps of it ---- */

static mg_status keep(char **to, const char *text, mg_error *why)
{
    char *copy = mg_strdup(text);
    if (!copy) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_free(*to);
    *to = copy;
    return MG_OK;
}

/* "Public Domain; unknown" */
static mg_status keep_licences(const mg_corpus *c, char **to, mg_error *why)
{
    mg_buffer text = {0};
    for (size_t i = 0; i + 1 < c->licences.length; i++)
        if (c->licences.data[i] == '\n') mg_buffer_add_text(&text, "; ");
        else mg_buffer_add_char(&text, c->licences.data[i]);
    mg_status status = MG_NO_MEMORY;
    if (text.failed) mg_fail(why, MG_NO_MEMORY, "out of memory");
    else status = keep(to, text.data ? text.data : "", why);
    mg_buffer_free(&text);
    return status;
}

mg_status mg_corpus_describe(const mg_corpus *c, mg_trained *t, mg_error *why)
{
    char hex[33];
    size_t n = (size_t)c->encoding->vocab;
    mg_hash_hex(c->hash, hex);
    MG_TRY(keep(&t->encoding, c->encoding->name, why));
    MG_TRY(keep(&t->data_hash, hex, why));
    MG_TRY(mg_encoding_vocab_hash(c->encoding, hex, why));
    MG_TRY(keep(&t->vocab_hash, hex, why));
    MG_TRY(keep_licences(c, &t->licence, why));
    double *first = mg_alloc(n, sizeof *first);
    if (!first) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++) first[i] = c->first[i] / (double)(c->n_pieces ? c->n_pieces : 1);
    mg_free(t->first);
    t->first = first;
    t->n_first = n;
    t->bpm = c->n_bpm ? c->bpm_sum / (double)c->n_bpm : 0;
    t->resolution = c->resolution;
    t->controls = c->controls;
    return MG_OK;
}
