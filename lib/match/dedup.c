/* SPDX-License-Identifier: MIT */
/* What mgen-dedup does: take the fingerprint of every piece, then tell which are the same, as matches or as clusters.
   */
#include "match/exact.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

mg_dedup_options mg_dedup_defaults(void)
{
    return (mg_dedup_options){.pieces.read = mg_read_defaults(), .tier = MG_T4};
}

/* ---- pieces on their way ---- */

/* The pieces of one input: the result of its job. */
typedef struct { found_piece *piece; size_t n, capacity; } found_list;

static void free_list(void *result)
{
    found_list *list = result;
    for (size_t i = 0; i < list->n; i++) found_piece_clear(&list->piece[i]);
    mg_free(list->piece);
    mg_free(list);
}

static mg_status take_piece(void *user, mg_job *job, const mg_piece *piece, mg_error *why)
{
    (void)user;
    found_piece found = {0};
    MG_TRY(mg_fingerprint_make(piece, &found.print, why));
    found_list *list = job->result ? job->result : (job->result = mg_alloc_zero(1, sizeof *list));
    mg_buffer file = {0};
    if (piece->file) mg_buffer_print(&file, "%s#%d", piece->file, piece->number);
    found.path = mg_strdup(piece->path);
    found.file = file.data;
    bool has_memory = list && found.path && !file.failed &&
                      mg_grow((void **)&list->piece, list->n, &list->capacity, sizeof found);
    if (has_memory) return list->piece[list->n++] = found, MG_OK;
    found_piece_clear(&found);
    return mg_fail(why, MG_NO_MEMORY, "out of memory");
}

typedef struct {
    const mg_dedup_options *options;
    exact *index;
    mg_run *run;
} search;

static mg_status work(void *user, mg_job *job)
{
    const search *s = user;
    return mg_job_pieces(job, &s->options->pieces, take_piece, NULL);
}

/* ---- matches ---- */

static void write_match(mg_buffer *out, const found_piece *a, const found_piece *b, mg_tier tier)
{
    const mg_fingerprint *x = &a->print, *y = &b->print;
    double in_a = x->last_s - x->start_s, in_b = y->last_s - y->start_s;
    const mg_passage span = {x->start_s, x->end_s, y->start_s, y->end_s};
    mg_match_write(out, &(mg_match){.a = a->path, .b = b->path, .kind = mg_tier_name(tier), .score = 1, .p = NAN,
                                    .transpose = tier == MG_T4 ? y->low - x->low : 0,
                                    .time_ratio = in_a > 0 ? in_b / in_a : 1,
                                    .spans = &span, .n_spans = 1});
}

/* What `piece` equals, if anything. A file that cannot be read again is told and is no match. */
static mg_status find_match(search *s, const found_piece *piece, uint32_t *entry, mg_tier *tier, mg_buffer *out,
                            mg_error *why)
{
    mg_status status = exact_find(s->index, piece, entry, tier, why);
    if (!status || status == MG_NO_MEMORY || status == MG_STOPPED) return status;
    mg_record_error(out, piece->path, why);
    s->run->tally.failed++;
    *entry = NO_ENTRY;
    return MG_OK;
}

/* Out of a job's pieces into the index. */
static mg_status collect_entries(void *user, mg_job *job, mg_error *why)
{
    search *s = user;
    found_list *list = job->result;
    for (size_t i = 0; list && i < list->n; i++) MG_TRY(exact_add(s->index, &list->piece[i], why));
    return MG_OK;
}

/* A job's pieces against the index. */
static mg_status collect_queries(void *user, mg_job *job, mg_error *why)
{
    search *s = user;
    const found_list *list = job->result;
    mg_buffer out = {0};
    mg_status status = MG_OK;
    for (size_t i = 0; !status && list && i < list->n; i++) {
        uint32_t entry;
        mg_tier tier;
        status = find_match(s, &list->piece[i], &entry, &tier, &out, why);
        if (!status && entry != NO_ENTRY) write_match(&out, &list->piece[i], exact_at(s->index, entry), tier);
    }
    if (!status) status = mg_run_emit(s->run, &out, why);
    mg_buffer_free(&out);
    return status;
}

static mg_status walk(search *s, mg_source *source, mg_status (*collect)(void *, mg_job *, mg_error *), mg_error *why)
{
    const mg_flow flow = {.work = work, .collect = collect, .release = free_list, .user = s};
    return mg_flow_run(&flow, source, s->run, why);
}

static mg_status run_against(search *s, mg_source *source, mg_error *why)
{
    mg_source *corpus;
    const mg_source_options from = {.paths = s->options->against, .n_paths = s->options->n_against};
    MG_TRY(mg_source_open(&from, &corpus, why));
    mg_status status = walk(s, corpus, collect_entries, why);
    mg_source_close(corpus);
    if (!status) status = exact_sort(s->index, why);
    for (size_t i = 0; !status && i < exact_count(s->index); i++) exact_link(s->index, (uint32_t)i);
    return status ? status : walk(s, source, collect_queries, why);
}

/* ---- among themselves ---- */

/* same[i]: what piece i equals, a lower number, or NO_ENTRY. Matches go to `out` where that is given. */
static mg_status find_all(search *s, uint32_t *same, bool writes, mg_error *why)
{
    mg_buffer out = {0};
    mg_status status = MG_OK;
    for (size_t i = 0; !status && i < exact_count(s->index); i++) {
        mg_tier tier;
        status = find_match(s, exact_at(s->index, i), &same[i], &tier, &out, why);
        if (status) break;
        if (writes && same[i] != NO_ENTRY)
            write_match(&out, exact_at(s->index, i), exact_at(s->index, same[i]), tier);
        status = mg_run_emit(s->run, &out, why);
        mg_buffer_clear(&out);
        exact_link(s->index, (uint32_t)i);
        if (!status && i % 4096 == 0)
            status = mg_run_progress(s->run, &(mg_progress){.what = "pieces", .done = i,
                                                            .total = exact_count(s->index)});
    }
    mg_buffer_free(&out);
    return status;
}

/* Which of two equal pieces to keep: the one that needed fewer repairs, then the one with more different velocities,
   then the one with the finer ticks; else the first. */
static bool is_better(const mg_fingerprint *x, const mg_fingerprint *y)
{
    if (x->n_repairs != y->n_repairs) return x->n_repairs < y->n_repairs;
    if (x->n_velocities != y->n_velocities) return x->n_velocities > y->n_velocities;
    return x->ticks_per_quarter > y->ticks_per_quarter;
}

static void put_members(mg_json_writer *json, const exact *index, const uint32_t *next, uint32_t first)
{
    bool is_text = true;
    mg_json_array_begin(json, "members");
    for (uint32_t i = first; i != NO_ENTRY; i = next[i]) {
        const char *path = exact_at(index, i)->path;
        mg_json_put_text(json, NULL, path);
        is_text &= mg_utf8_is_valid(path, strlen(path));
    }
    mg_json_array_end(json);
    if (is_text) return;
    mg_buffer code = {0};
    mg_json_array_begin(json, "members_b64");
    for (uint32_t i = first; i != NO_ENTRY; i = next[i]) {
        const char *path = exact_at(index, i)->path;
        mg_buffer_clear(&code);
        mg_base64_add(&code, path, strlen(path));
        if (code.failed) json->out->failed = true;
        else mg_json_put_text(json, NULL, code.data);
    }
    mg_json_array_end(json);
    mg_buffer_free(&code);
}

/* The identities of the members, so that others of equal notes are known to belong to them. */
static void put_ids(mg_json_writer *json, const exact *index, const uint32_t *next, uint32_t first)
{
    mg_json_array_begin(json, "ids");
    for (uint32_t i = first; i != NO_ENTRY; i = next[i]) {
        const mg_fingerprint *print = &exact_at(index, i)->print;
        if (print->tiers >> MG_T3 & 1) mg_record_put_hash(json, NULL, print->tier[MG_T3]);
        else mg_json_put_null(json, NULL);
    }
    mg_json_array_end(json);
}

static void write_cluster(mg_buffer *out, const exact *index, const uint32_t *next, uint32_t first)
{
    mg_buffer names = {0};
    uint32_t keep = first;
    for (uint32_t i = first; i != NO_ENTRY; i = next[i]) {
        mg_buffer_add(&names, exact_at(index, i)->path, strlen(exact_at(index, i)->path) + 1);
        if (is_better(&exact_at(index, i)->print, &exact_at(index, keep)->print)) keep = i;
    }
    mg_json_writer json = mg_record_begin(out, "cluster");
    if (names.failed) out->failed = true;
    else mg_record_put_hash(&json, "id", mg_hash_bytes(names.data, names.length));
    put_members(&json, index, next, first);
    put_ids(&json, index, next, first);
    mg_record_put_path(&json, "keep", exact_at(index, keep)->path);
    mg_record_end(&json);
    mg_buffer_free(&names);
}

/* Chains the pieces of each cluster, by number: next[i] is the next member, and last[i], where i is the first of a
   cluster, the last one so far. */
static mg_status write_clusters(const search *s, const uint32_t *same, uint32_t *next, uint32_t *last, mg_error *why)
{
    uint32_t n = (uint32_t)exact_count(s->index);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t root = i;
        next[i] = NO_ENTRY;
        last[i] = i;
        while (same[root] != NO_ENTRY) root = same[root];
        if (root == i) continue;
        next[last[root]] = i;
        last[root] = i;
    }
    mg_buffer out = {0};
    mg_status status = MG_OK;
    for (uint32_t i = 0; !status && i < n; i++) {
        if (same[i] != NO_ENTRY || next[i] == NO_ENTRY) continue;
        write_cluster(&out, s->index, next, i);
        status = mg_run_emit(s->run, &out, why);
        mg_buffer_clear(&out);
    }
    mg_buffer_free(&out);
    return status;
}

static mg_status run_among(search *s, mg_source *source, mg_error *why)
{
    MG_TRY(walk(s, source, collect_entries, why));
    MG_TRY(exact_sort(s->index, why));
    size_t n = exact_count(s->index);
    uint32_t *lists = mg_alloc(3 * n, sizeof *lists);
    if (!lists) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_status status = find_all(s, lists, !s->options->clusters, why);
    if (!status && s->options->clusters) status = write_clusters(s, lists, lists + n, lists + 2 * n, why);
    mg_free(lists);
    return status;
}

mg_status mg_dedup_run(const mg_dedup_options *options, mg_source *source, mg_run *run, mg_error *why)
{
    if (options->clusters && options->n_against)
        return mg_fail(why, MG_BAD_ARGUMENT,
                       "clusters are of one set: leave out the corpus, or name it among the inputs");
    search s = {.options = options, .run = run, .index = exact_new(options)};
    if (!s.index) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_status status = options->n_against ? run_against(&s, source, why) : run_among(&s, source, why);
    exact_free(s.index);
    return status;
}
