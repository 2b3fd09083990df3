/* SPDX-License-Identifier: MIT */
/* Reading a fixture, and holding what was computed to what was expected. */
#include "tests/parity/fixture.h"

#include <stdio.h>
#include <string.h>

static mg_status open_part(const char *folder, const char *name, mg_tensors **tensors, mg_error *why)
{
    mg_buffer path = {0};
    mg_buffer_print(&path, "%s/%s.safetensors", folder, name);
    mg_status status = path.failed ? mg_fail(why, MG_NO_MEMORY, "out of memory")
        : mg_tensors_open(path.data, tensors, why);
    mg_buffer_free(&path);
    return status;
}

mg_status fixture_open(const char *folder, fixture *fx, mg_error *why)
{
    mg_file file;
    mg_buffer path = {0};
    *fx = (fixture){0};
    mg_buffer_print(&path, "%s/fixture.json", folder);
    if (path.failed) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_status status = mg_file_read(path.data, 1 << 24, &file, why);
    if (!status) {
        status = mg_json_parse((const char *)file.data, file.size, &fx->json, why);
        mg_file_free(&file);
    }
    mg_buffer_free(&path);
    fx->path = folder;
    fx->model = mg_json_get_string(fx->json, "model", "");
    fx->config = mg_json_get(fx->json, "config");
    fx->train = mg_json_get(fx->json, "train");
    fx->checks = mg_json_get(fx->json, "checks");
    return status;
}

mg_status fixture_open_tensors(const char *folder, fixture *fx, mg_error *why)
{
    MG_TRY(open_part(folder, "weights", &fx->weights, why));
    MG_TRY(open_part(folder, "inputs", &fx->inputs, why));
    return open_part(folder, "expect", &fx->expect, why);
}

void fixture_close(fixture *fx)
{
    mg_json_free(fx->json);
    mg_tensors_close(fx->weights);
    mg_tensors_close(fx->inputs);
    mg_tensors_close(fx->expect);
    for (size_t i = 0; i < fx->n_got; i++) {
        mg_free(fx->got[i].name);
        mg_free(fx->got[i].values);
    }
    mg_free(fx->got);
}

/* What a check compares; its name, which may be another, says where the fixture expects it. Of ops and of intermediate
   values there are many, known by their names. */
static const char *what_of(const mg_json *check)
{
    const char *name = mg_json_get_string(check, "name", "?"), *what = mg_json_get_string(check, "what", name);
    return strcmp(what, "op") && strcmp(what, "spelling") ? what : name;
}

bool fixture_has(const fixture *fx, const char *what)
{
    for (size_t i = 0; i < mg_json_count(fx->checks); i++)
        if (!strcmp(what_of(mg_json_at(fx->checks, i)), what)) return true;
    return false;
}

mg_status fixture_give(fixture *fx, const char *what, const char *tensor, const double *values, size_t n,
                       mg_error *why)
{
    mg_buffer name = {0};
    mg_buffer_print(&name, "%s/%s", what, tensor);
    double *copy = mg_alloc(n, sizeof *copy);
    if (name.failed || !copy || !mg_grow((void **)&fx->got, fx->n_got, &fx->got_capacity, sizeof *fx->got)) {
        mg_buffer_free(&name);
        mg_free(copy);
        return mg_fail(why, MG_NO_MEMORY, "out of memory");
    }
    if (n) memcpy(copy, values, n * sizeof *copy);
    fx->got[fx->n_got++] = (fixture_value){.name = name.data, .values = copy, .n = n};
    return MG_OK;
}

mg_status fixture_give_tensor(fixture *fx, const char *what, const char *tensor, mg_tensor t, mg_error *why)
{
    size_t n = t.data ? (size_t)mg_shape_count(&t.shape) : 0;
    double *values = mg_alloc(n, sizeof *values);
    if (!values) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++) values[i] = (double)((mg_real *)t.data)[i];
    mg_status status = fixture_give(fx, what, tensor, values, n, why);
    mg_free(values);
    return status;
}

mg_status fixture_give_weights(fixture *fx, const mg_tensor_set *params, mg_error *why)
{
    for (size_t i = 0; i < params->n; i++) {
        char name[300];
        snprintf(name, sizeof name, "weights/%s", params->names[i]);
        MG_TRY(fixture_give_tensor(fx, "train", name, params->tensors[i], why));
    }
    return MG_OK;
}

mg_status fixture_give_trouble(fixture *fx, const char *what, const mg_error *trouble, mg_error *why)
{
    MG_TRY(fixture_give(fx, what, "", NULL, 0, why));
    fx->got[fx->n_got - 1].trouble = *trouble;
    return MG_OK;
}

/* ---- graphs ---- */

mg_status machine_open(machine *m, mg_graph *g, const mg_tensor_set *params, mg_error *why)
{
    *m = (machine){0};
    if (!g) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    MG_TRY(mg_plan_new(g, &m->plan, why));
    MG_TRY(mg_model_bind(mg_plan_graph(m->plan), params, &m->params, why));
    return mg_instance_new(m->plan, m->params, 1, &m->run, why);
}

void machine_close(machine *m)
{
    mg_instance_free(m->run);
    mg_plan_free(m->plan);
    mg_free(m->params);
}

/* ---- inputs ---- */

bool fixture_is_index(const mg_stored *stored)
{
    return stored->dtype == MG_I64 || stored->dtype == MG_I32;
}

mg_status fixture_copy(const mg_stored *stored, size_t from, mg_tensor to, mg_error *why)
{
    size_t n = (size_t)mg_shape_count(&to.shape);
    double *reals = mg_alloc(stored->count, sizeof *reals);
    if (!reals || from + n > stored->count) {
        mg_free(reals);
        return mg_fail(why, reals ? MG_BAD_DATA : MG_NO_MEMORY, "input %s is too small", stored->name);
    }
    mg_stored_doubles(stored, reals);
    for (size_t i = 0; i < n; i++)
        if (to.type == MG_INDEX) ((int32_t *)to.data)[i] = (int32_t)reals[from + i];
        else ((mg_real *)to.data)[i] = (mg_real)reals[from + i];
    mg_free(reals);
    return MG_OK;
}

/* ---- checks ---- */

static const fixture_value *find(const fixture *fx, const char *what, const char *tensor)
{
    char name[512];
    snprintf(name, sizeof name, "%s/%s", what, tensor);
    for (size_t i = 0; i < fx->n_got; i++)
        if (strcmp(fx->got[i].name, name) == 0) return &fx->got[i];
    return NULL;
}

/* One tensor of a check; what is wrong with it besides numbers, or NULL. */
static const char *check_tensor(const fixture *fx, const mg_json *check, const char *tensor, parity_result *result,
                                char worst[128])
{
    char name[512];
    double rtol = mg_json_get_real(check, "rtol", 0), atol = mg_json_get_real(check, "atol", 0);
    snprintf(name, sizeof name, "%s/%s", mg_json_get_string(check, "name", "?"), tensor);
    const fixture_value *got = find(fx, what_of(check), tensor);
    const mg_stored *want = mg_tensors_find(fx->expect, name);
    if (!want) return "the fixture lacks an expected tensor";
    if (!got) return "nothing was computed for a tensor";
    if (got->n != want->count) return "a tensor has another size";
    double *values = mg_alloc(want->count, sizeof *values);
    if (!values) return "out of memory";
    mg_stored_doubles(want, values);
    parity_compare(result, worst, tensor, got->values, values, got->n, rtol, atol);
    mg_free(values);
    return NULL;
}

static bool was_given(const fixture *fx, const char *what, const mg_json *tensors)
{
    for (size_t i = 0; i < mg_json_count(tensors); i++)
        if (find(fx, what, mg_json_string(mg_json_at(tensors, i)))) return true;
    return false;
}

void fixture_check(parity *p, fixture *fx, const mg_error *trouble)
{
    for (size_t i = 0; i < mg_json_count(fx->checks); i++) {
        const mg_json *check = mg_json_at(fx->checks, i), *tensors = mg_json_get(check, "tensors");
        const char *name = mg_json_get_string(check, "name", "?");
        char worst[128] = "";
        parity_result result = {.passed = true};
        const fixture_value *lost = find(fx, what_of(check), "");
        if (trouble->status || lost) {
            parity_report(p, fx->path, name, &(parity_result){.why = lost ? lost->trouble.text : trouble->text});
        } else if (!was_given(fx, what_of(check), tensors)) {
            parity_unsupported(p, fx->path, name, "this check is not known");
        } else {
            for (size_t k = 0; k < mg_json_count(tensors); k++) {
                const char *wrong = check_tensor(fx, check, mg_json_string(mg_json_at(tensors, k)), &result, worst);
                if (wrong) result.passed = false, result.why = wrong;
            }
            parity_report(p, fx->path, name, &result);
        }
    }
}
