/* SPDX-License-Identifier: MIT */
/* Train, valid and test: which of them a piece belongs to, by what it is and not by where it stands. */
#include <mgen/data.h>
#include "data/family.h"
#include "data/prepare.h"

#include <stdio.h>
#include <string.h>

uint64_t data_draw(mg_hash id, uint64_t seed)
{
    char key[64];
    mg_hash_hex(id, key);
    int n = 32 + snprintf(key + 32, sizeof key - 32, ":%llu", (unsigned long long)seed);
    return mg_hash64_bytes(key, (size_t)n);
}

const char *data_split_of(mg_hash id, uint64_t seed, const double ratio[3])
{
    static const char *const names[] = {"train", "valid", "test"};
    double total = ratio[0] + ratio[1] + ratio[2];
    if (!(total > 0)) return NULL;
    double at = (double)(data_draw(id, seed) >> 11) * 0x1p-53 * total;
    for (int i = 0; i < 2; i++) {
        if (at < ratio[i]) return names[i];
        at -= ratio[i];
    }
    return ratio[2] > 0 ? names[2] : names[ratio[1] > 0];
}

mg_hash data_whole_of(const mg_json *record, mg_hash id)
{
    mg_hash whole;
    const char *said = mg_json_get_string(mg_json_get(record, "meta"), "piece", "");
    return mg_hash_from_hex(said, &whole) ? whole : id;
}

/* ---- a run ---- */

typedef struct {
    const mg_split_options *options;
    uint64_t seed;
    data_families *families;
} splitter;

typedef struct {
    char family[33];
    const char *split;
} place;

static mg_status find_place(const splitter *s, const char *path, mg_hash whole, place *p, mg_error *why)
{
    MG_TRY(data_families_find(s->families, path, whole, p->family, &p->split, why));
    if (p->split) return MG_OK;
    mg_hash_hex(whole, p->family);
    p->split = data_split_of(whole, s->seed, s->options->ratio);
    return MG_OK;
}

static void put_place(mg_json_writer *json, const place *p)
{
    mg_json_put_text(json, "split", p->split);
    mg_json_put_text(json, "family", p->family);
}

static mg_status assign(void *user, mg_job *job, const mg_piece *piece, mg_error *why)
{
    place p;
    MG_TRY(find_place(user, piece->path, data_whole_of(piece->record, piece->id), &p, why));
    mg_json_writer json = mg_record_begin(&job->out, "assignment");
    mg_record_put_hash(&json, "id", piece->id);
    mg_record_put_path(&json, "path", piece->path);
    put_place(&json, &p);
    mg_record_end(&json);
    return MG_OK;
}

/* The record again, split and family before its meta or content, which stays last. */
static void pass_on(mg_job *job, const mg_json *record, const place *p)
{
    static const char *const later[] = {"meta", "tokens", "frames", "tracks"};
    mg_json_writer json = mg_json_to(&job->out);
    const char *key;
    const mg_json *value;
    bool is_placed = false;
    mg_json_object_begin(&json, NULL);
    for (void *at = NULL; mg_json_next(record, &at, &key, &value);) {
        for (size_t i = 0; !is_placed && i < sizeof later / sizeof *later; i++)
            if (strcmp(key, later[i]) == 0) put_place(&json, p), is_placed = true;
        if (strcmp(key, "split") && strcmp(key, "family")) mg_json_put_copy(&json, key, value);
    }
    if (!is_placed) put_place(&json, p);
    mg_record_end(&json);
    job->tally.pieces++;
}

/* A training record needs no reading: it says what it is. */
static bool is_training(const mg_json *record, mg_hash *id)
{
    const char *kind = mg_json_get_string(record, "kind", "");
    return (strcmp(kind, "piece") == 0 || strcmp(kind, "roll") == 0) &&
           (mg_json_get(record, "tokens") || mg_json_get(record, "frames") || mg_json_get(record, "tracks")) &&
           mg_hash_from_hex(mg_json_get_string(record, "id", ""), id);
}

static mg_status work(void *user, mg_job *job)
{
    splitter *s = user;
    mg_json *record;
    mg_hash id;
    MG_TRY(mg_item_record(&job->item, &record, &job->why));
    mg_status status = MG_OK;
    if (is_training(record, &id)) {
        char *path = mg_record_path(record, "path");
        place p;
        status = find_place(s, path ? path : "", data_whole_of(record, id), &p, &job->why);
        if (!status) pass_on(job, record, &p);
        mg_free(path);
    } else {
        status = mg_job_pieces(job, &s->options->pieces, assign, s);
    }
    mg_json_free(record);
    return status;
}

mg_split_options mg_split_defaults(void)
{
    return (mg_split_options){.pieces.read = mg_read_defaults(), .ratio = {8, 1, 1}};
}

mg_status mg_split_run(const mg_split_options *options, mg_source *source, mg_run *run, mg_error *why)
{
    splitter s = {.options = options, .seed = run->seed};
    if (options->clusters) MG_TRY(data_families_read(options->clusters, options->ratio, run->seed, &s.families, why));
    mg_flow flow = {.work = work, .user = &s};
    mg_status status = mg_flow_run(&flow, source, run, why);
    if (!status && run->tally.inputs > run->tally.failed && data_families_are_unmet(s.families))
        status = mg_fail(why, MG_BAD_DATA, "%s: no member of a cluster is among the inputs", options->clusters);
    data_families_free(s.families);
    return status;
}
