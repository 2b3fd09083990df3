/* SPDX-License-Identifier: MIT */
/* Trained models and their files: weights as safetensors, all else as JSON under "mgen" in __metadata__. */
#include <mgen/nn.h>

#include <stddef.h>
#include <string.h>

void mg_trained_free(mg_trained *t)
{
    if (!t) return;
    mg_tensor_set_clear(&t->params);
    mg_free(t->config);
    mg_free(t->encoding);
    mg_free(t->vocab_hash);
    mg_free(t->data_hash);
    mg_free(t->data_path);
    mg_free(t->licence);
    mg_free(t->first);
    mg_free(t);
}

/* One with a configuration and no parameters yet. */
static mg_status make(const mg_model *model, mg_trained **trained, mg_error *why)
{
    mg_trained *t = *trained = mg_alloc_zero(1, sizeof *t);
    if (!t) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    t->model = model;
    t->config = mg_alloc_zero(1, model->config_size);
    t->encoding = mg_strdup("");
    t->vocab_hash = mg_strdup("");
    t->data_hash = mg_strdup("");
    t->licence = mg_strdup("");
    if (t->config && t->encoding && t->vocab_hash && t->data_hash && t->licence) return MG_OK;
    return mg_trained_free(t), *trained = NULL, mg_fail(why, MG_NO_MEMORY, "out of memory");
}

mg_status mg_trained_new(const mg_model *model, const void *config, uint64_t seed, mg_trained **trained, mg_error *why)
{
    MG_TRY(make(model, trained, why));
    memcpy((*trained)->config, config, model->config_size);
    (*trained)->seed = seed;
    mg_status status = mg_model_start(model, config, seed, &(*trained)->params, why);
    if (status) mg_trained_free(*trained), *trained = NULL;
    return status;
}

mg_hash mg_tensor_set_hash(const mg_tensor_set *set)
{
    mg_hasher *hasher = mg_hasher_new();
    if (!hasher) return (mg_hash){0, 0};
    for (size_t i = 0; i < set->n; i++) {
        const mg_tensor *t = &set->tensors[i];
        mg_hasher_add(hasher, set->names[i], strlen(set->names[i]) + 1);
        mg_hasher_add(hasher, t->shape.dim, (size_t)t->shape.rank * sizeof *t->shape.dim);
        mg_hasher_add(hasher, t->data, (size_t)mg_shape_count(&t->shape) * sizeof(mg_real));
    }
    mg_hash hash = mg_hasher_end(hasher);
    mg_hasher_free(hasher);
    return hash;
}

#define CONTROL(which) offsetof(mg_controls, mode[which])
static const mg_option controls[] = {
    {"density", MG_OPTION_CHOICE, CONTROL(MG_DENSITY), {0}, 0, 0, mg_control_modes, NULL, NULL},
    {"pitch_histogram", MG_OPTION_CHOICE, CONTROL(MG_PITCHES), {0}, 0, 0, mg_control_modes, NULL, NULL},
    {0},
};

/* ---- writing ---- */

static void describe(const mg_trained *t, const mg_provenance *provenance, mg_buffer *out)
{
    mg_json_writer json = mg_json_to(out);
    mg_json_object_begin(&json, NULL);
    mg_json_put_text(&json, "model", t->model->name);
    mg_json_object_begin(&json, "config");
    mg_options_write(t->model->options, t->config, &json);
    mg_json_object_end(&json);
    mg_json_put_text(&json, "encoding", t->encoding);
    mg_json_put_text(&json, "vocab_hash", t->vocab_hash);
    mg_json_put_text(&json, "data_hash", t->data_hash);
    mg_json_put_int(&json, "step", (int64_t)t->step);
    mg_json_put_int(&json, "seed", (int64_t)t->seed);
    mg_json_put_text(&json, "licence", t->licence);
    if (t->first) mg_json_put_reals(&json, "first", t->first, t->n_first);
    if (t->bpm > 0) mg_json_put_real(&json, "bpm", t->bpm);
    if (t->resolution > 0) mg_json_put_int(&json, "resolution", t->resolution);
    if (mg_controls_width(&t->controls)) mg_options_write(controls, &t->controls, &json);
    if (provenance) {
        mg_buffer object = {0};
        mg_provenance_add(&object, provenance);
        if (object.failed) out->failed = true;
        else mg_json_put_raw(&json, "provenance", object.data, object.length);
        mg_buffer_free(&object);
    }
    mg_json_object_end(&json);
}

mg_status mg_trained_save(const mg_trained *t, const char *path, const mg_provenance *provenance, mg_error *why)
{
    mg_buffer about = {0};
    mg_out *out = NULL;
    mg_stored *stored = mg_alloc_zero(t->params.n, sizeof *stored);
    describe(t, provenance, &about);
    mg_status status = MG_OK;
    if (!stored || about.failed) status = mg_fail(why, MG_NO_MEMORY, "%s: out of memory", path);
    for (size_t i = 0; !status && i < t->params.n; i++) {
        const mg_tensor *tensor = &t->params.tensors[i];
        stored[i] = (mg_stored){.name = t->params.names[i], .dtype = sizeof(mg_real) == 4 ? MG_F32 : MG_F64,
                                .rank = tensor->shape.rank, .count = (size_t)mg_shape_count(&tensor->shape),
                                .data = tensor->data, .fd = -1};
        memcpy(stored[i].dim, tensor->shape.dim, sizeof stored[i].dim);
    }
    mg_metadata metadata = {"mgen", about.data};
    if (!status) status = mg_out_open(path, true, &out, why);
    if (!status) status = mg_tensors_write(out, stored, t->params.n, &metadata, 1, why);
    if (!status && provenance) status = mg_seal_out(out, why);
    if (status) mg_out_abandon(out);
    else status = mg_out_commit(out, why);
    mg_free(stored);
    mg_buffer_free(&about);
    return status;
}

/* ---- reading ---- */

mg_status mg_tensor_find_stored(const mg_tensors *file, const char *path, const char *name, const mg_shape *shape,
                                const mg_stored **found, mg_error *why)
{
    char want[160];
    const mg_stored *stored = *found = mg_tensors_find(file, name);
    if (!stored) return mg_fail(why, MG_BAD_DATA, "%s: tensor %s is missing", path, name);
    mg_shape has = {.rank = stored->rank};
    memcpy(has.dim, stored->dim, sizeof has.dim);
    if (mg_shape_equal(&has, shape)) return MG_OK;
    mg_shape_text(shape, want);
    return mg_fail(why, MG_BAD_DATA, "%s: tensor %s does not have the shape %s", path, name, want);
}

mg_status mg_tensor_read(mg_tensor *tensor, const char *name, const mg_tensors *file, const char *path, mg_error *why)
{
    const mg_stored *stored;
    MG_TRY(mg_tensor_find_stored(file, path, name, &tensor->shape, &stored, why));
#ifdef MG_REAL_double
    mg_stored_doubles(stored, tensor->data);
#else
    mg_stored_floats(stored, tensor->data);
#endif
    return MG_OK;
}

mg_status mg_tensor_set_read(mg_tensor_set *set, const mg_tensors *file, const char *path, mg_error *why)
{
    for (size_t i = 0; i < set->n; i++) MG_TRY(mg_tensor_read(&set->tensors[i], set->names[i], file, path, why));
    return MG_OK;
}

static bool keep(char **to, const mg_json *about, const char *key)
{
    char *copy = mg_strdup(mg_json_get_string(about, key, ""));
    if (!copy) return false;
    mg_free(*to);
    *to = copy;
    return true;
}

static mg_status read_data_path(mg_trained *t, const mg_json *provenance, mg_error *why)
{
    const mg_json *data = mg_json_get(mg_json_get(provenance, "files"), "data");
    if (!mg_json_get(data, "path")) return MG_OK;
    t->data_path = mg_record_path(data, "path");
    return t->data_path ? MG_OK : mg_fail(why, MG_NO_MEMORY, "out of memory");
}

/* Shares, one for each token or key. What an unknown encoding has is told by whoever wants to use it. */
static mg_status read_first(mg_trained *t, const mg_json *list, mg_error *why)
{
    if (!list) return MG_OK;
    const mg_encoding *encoding = mg_encoding_find(t->encoding);
    t->n_first = mg_json_count(list);
    if (encoding && t->n_first != (size_t)encoding->vocab)
        return mg_fail(why, MG_BAD_DATA, "first: not a number for each of the %d of %s", encoding->vocab, t->encoding);
    t->first = mg_alloc(t->n_first, sizeof *t->first);
    if (!t->first) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < t->n_first; i++)
        if (!mg_json_real(mg_json_at(list, i), &t->first[i]) || !(t->first[i] >= 0 && t->first[i] <= 1))
            return mg_fail(why, MG_BAD_DATA, "first: not shares from 0 to 1");
    return MG_OK;
}

#define AT(member) offsetof(mg_trained, member)
static const mg_option numbers[] = {
    {"bpm", MG_OPTION_REAL, AT(bpm), {0}, MG_SLOWEST_BPM, MG_FASTEST_BPM, NULL, NULL, NULL},
    {"resolution", MG_OPTION_INT, AT(resolution), {0}, 1, MG_FINEST_GRID, NULL, NULL, NULL},
    {"step", MG_OPTION_INT, AT(step), {0}, 0, 9e18, NULL, NULL, NULL},
    {"seed", MG_OPTION_INT, AT(seed), {0}, 0, 9e18, NULL, NULL, NULL},
    {0},
};

/* What the JSON says, in a new t; before the parameters are made, as their shapes follow from it. */
static mg_status read_about(const mg_json *about, mg_model_finder find, mg_trained **result, mg_error *why)
{
    const char *name = mg_json_get_string(about, "model", "");
    const mg_model *model = find(name);
    if (!model) return mg_fail(why, MG_UNSUPPORTED, "there is no model '%s'", name);
    MG_TRY(make(model, result, why));
    mg_trained *t = *result;
    mg_options_default(model->options, t->config);
    MG_TRY(mg_options_read(model->options, mg_json_get(about, "config"), t->config, why));
    MG_TRY(mg_options_read(numbers, about, t, why));
    MG_TRY(mg_options_read(controls, about, &t->controls, why));
    if (!keep(&t->encoding, about, "encoding") || !keep(&t->vocab_hash, about, "vocab_hash") ||
        !keep(&t->data_hash, about, "data_hash") || !keep(&t->licence, about, "licence"))
        return mg_fail(why, MG_NO_MEMORY, "out of memory");
    MG_TRY(read_data_path(t, mg_json_get(about, "provenance"), why));
    return read_first(t, mg_json_get(about, "first"), why);
}

static mg_status read_metadata(const mg_tensors *file, const char *path, mg_model_finder find, mg_trained **result,
                               mg_error *why)
{
    const char *text = mg_tensors_metadata(file, "mgen");
    if (!text) return mg_fail(why, MG_BAD_DATA, "%s: not a model of mgen", path);
    mg_error inner = {0};
    mg_json *about;
    mg_status status = mg_json_parse(text, strlen(text), &about, &inner);
    if (!status) status = read_about(about, find, result, &inner);
    mg_json_free(about);
    return status ? mg_fail_in(why, status, path, &inner) : MG_OK;
}

/* ---- reading parameters ---- */

typedef struct {
    const mg_tensors *file;
    const char *path;
    mg_tensor_set *params;
} reading;

/* Nothing is allocated for a parameter that the file does not have. */
static mg_status read_param(void *user, const mg_param_info *info, mg_error *why)
{
    reading *r = user;
    const mg_stored *stored;
    if (mg_tensor_set_find(r->params, info->name)) return MG_OK;
    MG_TRY(mg_tensor_find_stored(r->file, r->path, info->name, &info->shape, &stored, why));
    MG_TRY(mg_tensor_set_add(r->params, info->name, &info->shape, why));
    mg_tensor *tensor = mg_tensor_set_find(r->params, info->name);
    MG_TRY(mg_tensor_read(tensor, info->name, r->file, r->path, why));
    if (mg_reals_are_finite(tensor->data, mg_shape_count(&tensor->shape))) return MG_OK;
    return mg_fail(why, MG_BAD_NUMBER, "%s: tensor %s: not all of its numbers are finite", r->path, info->name);
}

/* A tensor that no parameter takes says that the file is of another model than it claims. */
static mg_status refuse_others(const mg_trained *t, const mg_tensors *file, const char *path, mg_error *why)
{
    for (size_t i = 0; i < mg_tensors_count(file); i++) {
        const char *name = mg_tensors_at(file, i)->name;
        if (!mg_tensor_set_find(&t->params, name))
            return mg_fail(why, MG_BAD_DATA, "%s: tensor %s is none of the model's", path, name);
    }
    return MG_OK;
}

static mg_status read_params(mg_trained *t, const mg_tensors *file, const char *path, mg_error *why)
{
    mg_error inner = {0};
    mg_status status =
        mg_model_each_param(t->model, t->config, read_param, &(reading){file, path, &t->params}, &inner);
    if (status == MG_BAD_ARGUMENT || status == MG_TOO_LARGE) status = MG_BAD_DATA; /* the configuration is the file's */
    if (status) return mg_fail_in(why, status, path, &inner);
    return refuse_others(t, file, path, why);
}

mg_status mg_trained_load(const char *path, mg_model_finder find, mg_trained **result, mg_error *why)
{
    mg_tensors *file;
    *result = NULL;
    MG_TRY(mg_tensors_open(path, &file, why));
    mg_status status = read_metadata(file, path, find, result, why);
    if (!status) status = read_params(*result, file, path, why);
    mg_tensors_close(file);
    if (status) mg_trained_free(*result), *result = NULL;
    return status;
}
