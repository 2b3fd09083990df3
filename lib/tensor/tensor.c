/* SPDX-License-Identifier: MIT */
/* Shapes and the memory of tensors. */
#include <mgen/tensor.h>

#include "kernel/kernel.h"

#include <math.h>
#include <stdio.h>

enum { ALIGN = 64 };
static const uint64_t largest_tensor = 1ull << 38;

size_t mg_type_size(mg_type type) { return type == MG_REAL ? sizeof(mg_real) : sizeof(int32_t); }

int64_t mg_shape_count(const mg_shape *shape)
{
    int64_t n = 1;
    for (int d = 0; d < shape->rank; d++) n *= shape->dim[d];
    return n;
}

bool mg_shape_equal(const mg_shape *a, const mg_shape *b)
{
    if (a->rank != b->rank) return false;
    for (int d = 0; d < a->rank; d++)
        if (a->dim[d] != b->dim[d]) return false;
    return true;
}

bool mg_shape_bytes(const mg_shape *shape, mg_type type, size_t *bytes)
{
    uint64_t n = mg_type_size(type);
    bool is_empty = false;
    for (int d = 0; d < shape->rank; d++) {
        if (shape->dim[d] < 0) return false;
        if (shape->dim[d] == 0) is_empty = true;
        else if (__builtin_mul_overflow(n, (uint64_t)shape->dim[d], &n) || n > largest_tensor) return false;
    }
    *bytes = is_empty ? 0 : n;
    return true;
}

const char *mg_shape_text(const mg_shape *shape, char text[160])
{
    size_t at = (size_t)snprintf(text, 160, "[");
    for (int d = 0; d < shape->rank && at < 150; d++)
        at += (size_t)snprintf(text + at, 160 - at, "%s%lld", d ? ", " : "", (long long)shape->dim[d]);
    if (at < 159) snprintf(text + at, 160 - at, "]");
    return text;
}

void *mg_aligned(size_t bytes, void **block)
{
    *block = bytes > SIZE_MAX - ALIGN ? NULL : mg_alloc_zero(bytes + ALIGN, 1);
    return *block ? (void *)(((uintptr_t)*block + ALIGN - 1) / ALIGN * ALIGN) : NULL;
}

mg_status mg_tensor_make(mg_type type, const mg_shape *shape, mg_tensor *tensor, mg_error *why)
{
    size_t bytes;
    char text[160];
    *tensor = (mg_tensor){.type = type, .shape = *shape};
    if (!mg_shape_bytes(shape, type, &bytes))
        return mg_fail(why, MG_TOO_LARGE, "a tensor of shape %s is too large", mg_shape_text(shape, text));
    tensor->data = mg_aligned(bytes, &tensor->block);
    return tensor->data ? MG_OK : mg_fail(why, MG_NO_MEMORY, "out of memory");
}

void mg_tensor_add(mg_tensor *sum, const mg_tensor *x)
{
    mg_kernels_now()->each[MG_EACH_add](mg_shape_count(&sum->shape), sum->data, sum->data, x->data, NULL, 0, 0);
}

bool mg_reals_are_finite(const mg_real *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

void mg_tensor_clear(mg_tensor *tensor)
{
    mg_free(tensor->block);
    *tensor = (mg_tensor){0};
}
