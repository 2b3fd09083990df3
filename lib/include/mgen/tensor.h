/* SPDX-License-Identifier: MIT */
/** Tensors: dense, row-major numbers with a shape. */
#ifndef MGEN_TENSOR_H
#define MGEN_TENSOR_H

#include <mgen/base.h>
#include <mgen/kernel.h>

MG_PUBLIC_BEGIN

typedef enum {
    MG_REAL,  /**< mg_real */
    MG_INDEX, /**< int32: ids, places */
    MG_TYPES
} mg_type;

size_t mg_type_size(mg_type type);

typedef struct {
    int rank; /**< 0: a scalar */
    int64_t dim[MG_RANK];
} mg_shape;

/** MG_SHAPE(64, 128): the shape with these lengths. */
#define MG_SHAPE(...) \
    ((mg_shape){(int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}})
int64_t mg_shape_count(const mg_shape *shape);
bool mg_shape_equal(const mg_shape *a, const mg_shape *b);
/** The bytes of a tensor; false if a length is negative or the whole is beyond 2^38 bytes. */
bool mg_shape_bytes(const mg_shape *shape, mg_type type, size_t *bytes);
/** "[64, 128]", for messages. */
const char *mg_shape_text(const mg_shape *shape, char text[160]);

typedef struct {
    mg_type type;
    mg_shape shape;
    void *data; /**< 64-byte aligned */
    void *block;
} mg_tensor;

/** A tensor of zeros. MG_NO_MEMORY, or MG_TOO_LARGE beyond 2^38 bytes. */
mg_status mg_tensor_make(mg_type type, const mg_shape *shape, mg_tensor *tensor, mg_error *why);
void mg_tensor_clear(mg_tensor *tensor);
void mg_tensor_add(mg_tensor *sum, const mg_tensor *x); /**< sum += x, reals of one shape */

/** Whether none of n numbers is NaN or infinite. */
bool mg_reals_are_finite(const mg_real *x, int64_t n);

/** Zeroed memory on a 64-byte boundary: *block is what mg_free wants. NULL when out of memory. */
void *mg_aligned(size_t bytes, void **block);

/* ---- sets of named tensors: parameters, gradients, slots of an optimiser ---- */

/** Tensors of reals in the order of their names, the order in which norms are summed and files are written. */
typedef struct {
    size_t n, capacity;
    char **names;
    mg_tensor *tensors;
} mg_tensor_set;

/** A new tensor of zeros under a name that the set does not have. */
mg_status mg_tensor_set_add(mg_tensor_set *set, const char *name, const mg_shape *shape, mg_error *why);
/** A tensor of another set, whose numbers stay that one's. */
mg_status mg_tensor_set_lend(mg_tensor_set *set, const char *name, const mg_tensor *tensor, mg_error *why);
mg_tensor *mg_tensor_set_find(const mg_tensor_set *set, const char *name); /**< NULL if there is none */
/** Zeros under the same names in the same shapes; or, with values, a copy. */
mg_status mg_tensor_set_like(const mg_tensor_set *set, bool with_values, mg_tensor_set *copy, mg_error *why);
int64_t mg_tensor_set_count(const mg_tensor_set *set); /**< numbers in all */
void mg_tensor_set_clear(mg_tensor_set *set);

MG_PUBLIC_END
#endif
