/* SPDX-License-Identifier: MIT */
/* The memory in which a plan runs, with every call made ready: a run is a loop over them. */
#include "op/instance.h"
#include "op/rules.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---- making ---- */

static void *start_of(const mg_instance *in, const mg_place *p)
{
    const mg_plan *plan = in->plan;
    switch (p->where) {
    case MG_IN_BUFFER: return in->memory + plan->kept_bytes + plan->buffers[mg_plan_root(plan, p->number)].offset;
    case MG_IN_INPUT: return in->memory + plan->input_at[p->number];
    case MG_IN_STATE: return in->memory + plan->state_at[p->number];
    case MG_IN_PARAM: return in->params[p->number];
    case MG_IN_TABLE: return (void *)(uintptr_t)plan->g->node[p->number]->data;
    case MG_IN_CONSTANT: return &in->constants[p->number];
    default: return NULL;
    }
}

static mg_span span_of(const mg_instance *in, const mg_place *p, const mg_shape *shape, uint8_t type)
{
    mg_span span = {.rank = shape->rank};
    span.p = (char *)start_of(in, p) + p->offset * (int64_t)mg_type_size((mg_type)type);
    memcpy(span.dim, shape->dim, sizeof span.dim);
    memcpy(span.stride, p->stride, sizeof span.stride);
    return span;
}

/* A dense result, in the shape of what is moved where that differs from the node's. */
static mg_span dense_span(void *p, const mg_shape *shape)
{
    mg_span span = {.p = p, .rank = shape->rank};
    memcpy(span.dim, shape->dim, sizeof span.dim);
    mg_dense_strides(shape, span.stride);
    return span;
}

static mg_scratch scratch_of(const mg_instance *in, int rank)
{
    mg_real *shared = (mg_real *)(void *)(in->memory + in->plan->kept_bytes + in->plan->arena_bytes);
    return (mg_scratch){shared, shared + in->plan->scratch.shared + (size_t)rank * in->plan->scratch.own};
}

static mg_span *ready(mg_instance *in, const mg_plan_step *step, mg_call *call, mg_span *x)
{
    const mg_plan *plan = in->plan;
    const mg_node *node = step->node;
    *call = (mg_call){.node = node, .y = span_of(in, &plan->place[node->id], &node->shape, node->type), .x = x,
                      .scratch = scratch_of(in, 0), .key = &in->key, .team = MG_ALONE};
    if (step->moves) {
        call->y = dense_span(call->y.p, &step->shape);
        *x++ = span_of(in, &step->from, &step->shape, node->type);
        return x;
    }
    for (int k = 0; k < node->n_in; k++)
        *x++ = span_of(in, &plan->place[node->in[k]->id], &node->in[k]->shape, node->in[k]->type);
    return x;
}

mg_status mg_instance_new(const mg_plan *plan, mg_real *const *params, int threads, mg_instance **result,
                          mg_error *why)
{
    size_t n_spans = 0;
    *result = NULL;
    for (size_t s = 0; s < plan->n_steps; s++) n_spans += 1 + (size_t)plan->steps[s].node->n_in;
    mg_instance *in = mg_alloc_zero(1, sizeof *in);
    if (!in) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    in->plan = plan;
    in->params = params;
    in->threads = threads > 1 ? threads : 1;
    in->memory = mg_aligned(mg_plan_bytes(plan) + (size_t)(in->threads - 1) * plan->scratch.own * sizeof(mg_real),
                            &in->block);
    in->constants = mg_alloc_zero(plan->g->n, sizeof *in->constants);
    in->calls = mg_alloc(plan->n_steps, sizeof *in->calls);
    in->spans = mg_alloc(n_spans, sizeof *in->spans);
    if (!in->memory || !in->constants || !in->calls || !in->spans)
        return mg_instance_free(in), mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < plan->g->n; i++)
        if (plan->g->node[i]->op == MG_OP_fill) in->constants[i] = (mg_real)plan->g->node[i]->attr.fill.value;
    mg_span *x = in->spans;
    for (size_t s = 0; s < plan->n_steps; s++) x = ready(in, &plan->steps[s], &in->calls[s], x);
    *result = in;
    return MG_OK;
}

void mg_instance_free(mg_instance *in)
{
    if (!in) return;
    mg_free(in->block);
    mg_free(in->packed_block);
    mg_free(in->constants);
    mg_free(in->calls);
    mg_free(in->spans);
    mg_free(in);
}

/* ---- by name ---- */

static mg_tensor tensor_of(const mg_instance *in, const mg_node *x, const mg_place *p)
{
    char *start = start_of(in, p);
    return (mg_tensor){(mg_type)x->type, x->shape, start + p->offset * (int64_t)mg_type_size((mg_type)x->type), NULL};
}

static mg_tensor find(const mg_instance *in, mg_node *const *nodes, size_t n, mg_where where, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(nodes[i]->name, name) == 0)
            return tensor_of(in, nodes[i], &(mg_place){.where = where, .number = (int64_t)i});
    return (mg_tensor){0};
}

mg_tensor mg_instance_input(mg_instance *in, const char *name)
{
    return find(in, in->plan->g->inputs, in->plan->g->n_inputs, MG_IN_INPUT, name);
}

mg_tensor mg_instance_state(mg_instance *in, const char *name)
{
    return find(in, in->plan->g->states, in->plan->g->n_states, MG_IN_STATE, name);
}

void mg_instance_reset(mg_instance *in)
{
    const mg_graph *g = in->plan->g;
    in->is_warm = false;
    for (size_t i = 0; i < g->n_states; i++)
        memset(in->memory + in->plan->state_at[i], 0,
               (size_t)mg_shape_count(&g->states[i]->shape) * mg_type_size((mg_type)g->states[i]->type));
}

/* One input or state, from a copy of the memory as it was. */
static void take_rows(mg_instance *in, const mg_node *x, size_t at, const char *before, const int32_t *from)
{
    int64_t rows = in->plan->g->use.batch;
    if (x->shape.rank == 0 || x->shape.dim[0] != rows) return;
    size_t size = (size_t)(mg_shape_count(&x->shape) / rows) * mg_type_size((mg_type)x->type);
    for (int64_t i = 0; i < rows; i++)
        memcpy(in->memory + at + (size_t)i * size, before + at + (size_t)from[i] * size, size);
}

mg_status mg_instance_take_rows(mg_instance *in, const int32_t *from, mg_error *why)
{
    const mg_plan *plan = in->plan;
    const mg_graph *g = plan->g;
    char *before = mg_alloc(plan->kept_bytes, 1);
    if (!before) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    memcpy(before, in->memory, plan->kept_bytes);
    for (size_t i = 0; i < g->n_inputs; i++) take_rows(in, g->inputs[i], plan->input_at[i], before, from);
    for (size_t i = 0; i < g->n_states; i++) take_rows(in, g->states[i], plan->state_at[i], before, from);
    mg_free(before);
    return MG_OK;
}

mg_tensor mg_instance_output(const mg_instance *in, const char *name)
{
    const mg_node *x = mg_output_find(in->plan->g, name);
    return x ? tensor_of(in, x, &in->plan->place[x->id]) : (mg_tensor){0};
}

void mg_instance_compute_in(mg_instance *in, mg_precision precision)
{
    assert(precision != MG_INT8);
    for (size_t s = 0; s < in->plan->n_steps; s++) in->calls[s].is_bf16 = precision == MG_BFLOAT16;
}

void mg_instance_seed(mg_instance *in, uint64_t seed, uint64_t record) { in->key = (mg_random_key){seed, record}; }
void mg_instance_profile(mg_instance *in, mg_op_time *times) { in->times = times; }

/* ---- running ---- */

static mg_status check_indices(const mg_instance *in, mg_error *why)
{
    const mg_graph *g = in->plan->g;
    for (size_t i = 0; i < g->n_inputs; i++) {
        const mg_node *x = g->inputs[i];
        if (x->type != MG_INDEX) continue;
        const int32_t *index = (const int32_t *)(const void *)(in->memory + in->plan->input_at[i]);
        for (int64_t k = 0, n = mg_shape_count(&x->shape); k < n; k++)
            if (index[k] < 0 || index[k] >= x->attr.input.limit)
                return mg_fail(why, MG_BAD_DATA, "%s: %d is not below %lld", x->name, index[k],
                               (long long)x->attr.input.limit);
    }
    return MG_OK;
}

static void run_timed(mg_instance *in, const mg_call *call, void (*run)(const mg_call *))
{
    double start_s = mg_now_s();
    mg_op_time *time = &in->times[call->node->op];
    run(call);
    time->name = mg_op_rows[call->node->op].name;
    time->calls++;
    time->seconds += mg_now_s() - start_s;
}

/* A call that is not shared is the first one's, and the others meet it before one that is. */
static void run_calls(void *user, mg_team team)
{
    mg_instance *in = user;
    const mg_plan *plan = in->plan;
    bool waits = false;
    for (size_t s = in->is_warm ? plan->n_fixed : 0; s < plan->n_steps; s++) {
        const mg_op_row *row = &mg_op_rows[plan->steps[s].node->op];
        bool is_moved = plan->steps[s].moves, is_shared = !is_moved && row->flags & MG_SHARED;
        if (is_shared && waits) mg_team_meet(team);
        waits = !is_shared;
        if (!is_shared && team.rank > 0) continue;
        mg_call call = in->calls[s];
        if (is_shared) call.team = team, call.scratch = scratch_of(in, team.rank);
        void (*run)(const mg_call *) = is_moved ? mg_run_rearrange : row->run;
        if (in->times && team.rank == 0) run_timed(in, &call, run);
        else run(&call);
        if (is_shared) mg_team_meet(team);
    }
}

mg_status mg_instance_run(mg_instance *in, mg_error *why)
{
    const mg_plan *plan = in->plan;
    MG_TRY(check_indices(in, why));
    mg_team_run(in->threads, run_calls, in);
    in->is_warm = true;
    for (size_t i = 0; i < plan->g->n_writes; i++) {
        const mg_node *state = plan->g->writes[i].state, *value = plan->g->writes[i].value;
        const mg_place *to = &plan->place[state->id], *from = &plan->place[value->id];
        mg_tensor y = tensor_of(in, state, to), x = tensor_of(in, value, from);
        memcpy(y.data, x.data, (size_t)mg_shape_count(&state->shape) * mg_type_size((mg_type)state->type));
    }
    return MG_OK;
}
