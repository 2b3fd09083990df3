/* SPDX-License-Identifier: MIT */
/* Named tensors, ordered by name. */
#include <mgen/tensor.h>

#include <string.h>

/* Where `name` stands or would stand. */
static size_t place(const mg_tensor_set *set, const char *name, bool *is_there)
{
    size_t low = 0, high = set->n;
    *is_there = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(set->names[middle], name);
        if (order == 0) return *is_there = true, middle;
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

mg_tensor *mg_tensor_set_find(const mg_tensor_set *set, const char *name)
{
    bool is_there;
    size_t i = place(set, name, &is_there);
    return is_there ? &set->tensors[i] : NULL;
}

static bool make_room(mg_tensor_set *set)
{
    size_t capacity = set->capacity;
    if (!mg_grow((void **)&set->names, set->n, &capacity, sizeof *set->names)) return false;
    capacity = set->capacity;
    if (!mg_grow((void **)&set->tensors, set->n, &capacity, sizeof *set->tensors)) return false;
    set->capacity = capacity;
    return true;
}

/* Put a tensor into its place; it stays the caller's where that fails. */
static mg_status put(mg_tensor_set *set, const char *name, const mg_tensor *tensor, mg_error *why)
{
    bool is_there;
    size_t i = place(set, name, &is_there);
    if (is_there) return mg_fail(why, MG_BAD_DATA, "%s: there twice", name);
    char *copy = mg_strdup(name);
    if (!copy || !make_room(set)) {
        mg_free(copy);
        return mg_fail(why, MG_NO_MEMORY, "out of memory");
    }
    memmove(&set->names[i + 1], &set->names[i], (set->n - i) * sizeof *set->names);
    memmove(&set->tensors[i + 1], &set->tensors[i], (set->n - i) * sizeof *set->tensors);
    set->names[i] = copy;
    set->tensors[i] = *tensor;
    set->n++;
    return MG_OK;
}

mg_status mg_tensor_set_add(mg_tensor_set *set, const char *name, const mg_shape *shape, mg_error *why)
{
    mg_tensor tensor;
    MG_TRY(mg_tensor_make(MG_REAL, shape, &tensor, why));
    mg_status status = put(set, name, &tensor, why);
    if (status) mg_tensor_clear(&tensor);
    return status;
}

mg_status mg_tensor_set_lend(mg_tensor_set *set, const char *name, const mg_tensor *tensor, mg_error *why)
{
    mg_tensor lent = *tensor;
    lent.block = NULL; /* nothing to free */
    return put(set, name, &lent, why);
}

mg_status mg_tensor_set_like(const mg_tensor_set *set, bool with_values, mg_tensor_set *copy, mg_error *why)
{
    *copy = (mg_tensor_set){0};
    for (size_t i = 0; i < set->n; i++) {
        mg_status status = mg_tensor_set_add(copy, set->names[i], &set->tensors[i].shape, why);
        if (status) return mg_tensor_set_clear(copy), status;
        if (with_values)
            memcpy(copy->tensors[i].data, set->tensors[i].data,
                   (size_t)mg_shape_count(&set->tensors[i].shape) * sizeof(mg_real));
    }
    return MG_OK;
}

int64_t mg_tensor_set_count(const mg_tensor_set *set)
{
    int64_t n = 0;
    for (size_t i = 0; i < set->n; i++) n += mg_shape_count(&set->tensors[i].shape);
    return n;
}

void mg_tensor_set_clear(mg_tensor_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        mg_free(set->names[i]);
        mg_tensor_clear(&set->tensors[i]);
    }
    mg_free(set->names);
    mg_free(set->tensors);
    *set = (mg_tensor_set){0};
}
