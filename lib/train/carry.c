/* SPDX-License-Identifier: MIT */
/* States that outlive a batch: a row in which a piece goes on begins with what that row of the batch before ended with
   (truncated backpropagation: Williams and Peng 1990). Each shard reads and writes its own rows. */
#include "train/carry.h"

#include <string.h>

static mg_status add_states(const mg_graph *g, int64_t rows, mg_tensor_set *states, mg_error *why)
{
    for (size_t i = 0; i < mg_graph_states(g); i++) {
        const mg_node *state = mg_graph_state(g, i);
        mg_shape shape = *mg_node_shape(state);
        shape.dim[0] = rows;
        MG_TRY(mg_tensor_set_add(states, mg_node_name(state), &shape, why));
    }
    return MG_OK;
}

mg_status mg_carry_open(const mg_model *model, const void *config, int64_t rows, mg_tensor_set *states, mg_error *why)
{
    *states = (mg_tensor_set){0};
    mg_graph *g = mg_model_graph(model, config, (mg_use){MG_LIKELIHOOD, 0, 1, 1, true});
    if (!g) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_status status = mg_graph_status(g, why);
    if (!status && (mg_graph_states(g) == 0 || model->n_phases > 1))
        status = mg_fail(why, MG_BAD_ARGUMENT, "a %s has no state to carry from one example to the next", model->name);
    if (!status) status = add_states(g, rows, states, why);
    mg_graph_free(g);
    if (status) mg_tensor_set_clear(states);
    return status;
}

void mg_carry_forget(mg_tensor_set *states)
{
    for (size_t i = 0; i < states->n; i++)
        memset(states->tensors[i].data, 0, (size_t)mg_shape_count(&states->tensors[i].shape) * sizeof(mg_real));
}

static size_t row_bytes(const mg_tensor *t)
{
    return (size_t)(mg_shape_count(&t->shape) / t->shape.dim[0]) * sizeof(mg_real);
}

void mg_carry_begin(const mg_tensor_set *states, const bool *continues, int64_t first, int64_t n, mg_instance *instance)
{
    mg_instance_reset(instance);
    for (size_t i = 0; i < states->n; i++) {
        const mg_tensor *from = &states->tensors[i];
        mg_tensor to = mg_instance_state(instance, states->names[i]);
        size_t row = row_bytes(from);
        for (int64_t r = 0; r < n; r++)
            if (continues[first + r])
                memcpy((char *)to.data + (size_t)r * row, (const char *)from->data + (size_t)(first + r) * row, row);
    }
}

void mg_carry_end(mg_tensor_set *states, int64_t first, int64_t n, mg_instance *instance)
{
    for (size_t i = 0; i < states->n; i++) {
        mg_tensor *to = &states->tensors[i], from = mg_instance_state(instance, states->names[i]);
        size_t row = row_bytes(to);
        memcpy((char *)to->data + (size_t)first * row, from.data, (size_t)n * row);
    }
}
