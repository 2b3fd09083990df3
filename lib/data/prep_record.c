/* SPDX-License-Identifier: MIT */
/* The records that preparation writes. */
#include <mgen/data.h>
#include "data/prepare.h"

#include <math.h>
#include <stdio.h>

static const char *title_of(const mg_score *score)
{
    if (score->title[0]) return score->title;
    return score->n_tracks ? score->tracks[0].name : "";
}

static void put_key(mg_json_writer *json, const mg_key *key, int transposed)
{
    char name[12];
    int fifths = ((key->fifths + 7 * transposed) % 12 + 12) % 12;
    if (transposed == 0) fifths = key->fifths;
    else if (fifths > 6) fifths -= 12;
    mg_key_name(fifths, key->is_minor, name);
    mg_json_put_text(json, "key", name);
}

/* Of a record in seconds the tempo is not in the notes but said beside them. */
static double bpm_of(const data_made *made, const mg_json *meta)
{
    double said = made->piece->resolution ? 0 : mg_json_get_real(meta, "bpm", 0);
    return said > 0 ? said / made->stretch : data_bpm(made->score);
}

static void put_meter(mg_json_writer *json, const mg_score *part, const mg_json *meta)
{
    char meter[16] = "";
    if (part->n_meters && part->meters[0].tick == 0)
        snprintf(meter, sizeof meter, "%u/%u", part->meters[0].numerator, part->meters[0].denominator);
    const char *text = meter[0] ? meter : mg_json_get_string(meta, "meter", "");
    if (text[0]) mg_json_put_text(json, "meter", text);
}

/* The piece that this is a part or a copy of, also through several preparations. */
static void put_origin(mg_json_writer *json, const data_made *made, const mg_json *meta)
{
    int64_t part = made->part ? made->part : mg_json_get_int(meta, "part", 0);
    int64_t transposed = mg_json_get_int(meta, "transpose", 0) + made->transposed;
    double stretch = mg_json_get_real(meta, "stretch", 1) * made->stretch;
    if (made->part || mg_json_get(meta, "piece")) mg_record_put_hash(json, "piece", made->whole);
    if (part) mg_json_put_int(json, "part", part);
    if (transposed) mg_json_put_int(json, "transpose", transposed);
    if (stretch != 1) mg_json_put_real(json, "stretch", stretch);
}

static void put_meta(mg_json_writer *json, const data_made *made)
{
    const mg_score *whole = made->piece->score, *part = made->score;
    const mg_json *meta = mg_json_get(made->piece->record, "meta");
    const char *title = mg_json_get_string(meta, "title", title_of(whole));
    const char *source = mg_json_get_string(meta, "source", whole->origin);
    mg_json_object_begin(json, "meta");
    if (title[0]) mg_json_put_text(json, "title", title);
    mg_json_put_real(json, "bpm", bpm_of(made, meta));
    if (part->n_keys && part->keys[0].tick == 0) put_key(json, &part->keys[0], made->transposed);
    put_meter(json, part, meta);
    mg_json_put_real(json, "seconds", round(made->seconds * 1e3) / 1e3);
    mg_json_put_int(json, "notes", (int64_t)made->notes);
    if (made->left_out) mg_json_put_int(json, "left_out", (int64_t)made->left_out);
    if (made->licence[0]) mg_json_put_text(json, "licence", made->licence);
    if (source[0]) mg_json_put_text(json, "source", source);
    put_origin(json, made, meta);
    mg_json_object_end(json);
}

void data_begin_record(mg_buffer *out, const data_made *made)
{
    const mg_encoding *e = made->encoding;
    mg_json_writer json = mg_record_begin(out, e->is_roll ? "roll" : "piece");
    mg_record_put_hash(&json, "id", made->id);
    mg_record_put_path(&json, "path", made->piece->path);
    mg_json_put_text(&json, "encoding", e->name);
    mg_json_put_text(&json, "vocab_hash", made->vocab_hash);
    if (made->resolution) mg_json_put_int(&json, "resolution", made->resolution);
    if (e->is_roll) {
        mg_json_put_int(&json, "low", e->low);
        mg_json_put_int(&json, "high", e->high);
    }
    if (made->split) mg_json_put_text(&json, "split", made->split);
    put_meta(&json, made);
}

void data_add_dropped(mg_buffer *out, const data_drop *drop)
{
    mg_json_writer json = mg_record_begin(out, "dropped");
    mg_record_put_path(&json, "path", drop->path);
    mg_json_put_text(&json, "reason", drop->reason);
    if (!isnan(drop->measure)) mg_json_put_real(&json, "measure", drop->measure);
    else mg_json_put_null(&json, "measure");
    if (drop->limit != 0) mg_json_put_real(&json, "limit", drop->limit);
    if (drop->part) mg_json_put_int(&json, "part", drop->part);
    if (drop->detail) mg_json_put_text(&json, "detail", drop->detail);
    mg_record_end(&json);
}
