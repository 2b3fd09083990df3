/* SPDX-License-Identifier: MIT */
/* Weights of products laid out once as the kernels read them quickest, for the many runs of a stream in which they stay
   what they are. */
#include "op/instance.h"

#include <assert.h>

/* Which input of an op is a weight [n, k] that is only ever the right side of products, transposed; 0: none. */
static const int weight_of[MG_OP_COUNT] = {[MG_OP_linear] = 1, [MG_OP_lstm] = 3};

/* The weight of a step, where it is a parameter as it lies. */
static const mg_span *weight(const mg_instance *in, size_t s)
{
    const mg_plan_step *step = &in->plan->steps[s];
    int k = weight_of[step->node->op];
    if (k == 0 || step->moves || in->plan->place[step->node->in[k]->id].where != MG_IN_PARAM) return NULL;
    const mg_span *w = &in->calls[s].x[k];
    return mg_span_is_dense(w) && w->dim[1] <= MG_INT8_DEEPEST ? w : NULL;
}

static size_t bytes_of(const mg_span *w, mg_precision precision)
{
    int64_t n = w->dim[0], k = w->dim[1];
    size_t bytes = precision == MG_INT8       ? mg_int8_bytes(k, n)
                   : precision == MG_BFLOAT16 ? mg_bf16_size(k, n)
                                              : mg_panels_size(k, n) * sizeof(mg_real);
    return (bytes + 63) / 64 * 64;
}

static mg_packed pack(const mg_span *w, mg_precision precision, void *memory)
{
    int64_t n = w->dim[0], k = w->dim[1];
    mg_matrix b = {w->p, 1, k};
    mg_packed packed = {0};
    switch (precision) {
    case MG_FLOAT32: mg_kernels_now()->pack(k, n, &b, memory), packed.panels = memory; break;
    case MG_BFLOAT16: mg_kernels_now()->bf16_pack(k, n, &b, memory), packed.bf16 = memory; break;
    case MG_INT8: packed.int8 = mg_int8_pack(k, n, &b, memory); break;
    }
    return packed;
}

mg_status mg_instance_pack(mg_instance *in, mg_precision precision, mg_error *why)
{
    size_t bytes = 0, at = 0;
    assert(!in->packed_block);
    for (size_t s = 0; s < in->plan->n_steps; s++)
        if (weight(in, s)) bytes += bytes_of(weight(in, s), precision);
    char *memory = mg_aligned(bytes, &in->packed_block);
    if (!memory) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (size_t s = 0; s < in->plan->n_steps; s++) {
        const mg_span *w = weight(in, s);
        if (!w) continue;
        in->calls[s].packed = pack(w, precision, memory + at);
        in->calls[s].is_bf16 = precision == MG_BFLOAT16;
        at += bytes_of(w, precision);
    }
    return MG_OK;
}

void mg_instance_pack_as(mg_instance *in, const mg_instance *other)
{
    for (size_t s = 0; s < in->plan->n_steps; s++)
        in->calls[s].packed = other->calls[s].packed, in->calls[s].is_bf16 = other->calls[s].is_bf16;
}
