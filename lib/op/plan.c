/* SPDX-License-Identifier: MIT */
/* From a graph to a plan, once for its shapes: which nodes are wanted, which are only views of others, which may
   overwrite an input, and how long each result lives. What follows from parameters alone (a sum of two biases, a matrix
   laid out otherwise) is computed once a stream, before everything else. Offsets are layout.c's. */
#include "op/plan.h"

#include <assert.h>

/* ---- what is wanted, and how ---- */

typedef struct {
    mg_plan *plan;
    bool *wants_dense; /* by id: somebody reads it without strides, or it is a result */
    bool *wants_own;   /* by id: must not lie in memory that is written after the steps */
    bool *is_fixed;    /* by id: follows from parameters alone, while these stay as they are */
} draft;

static void mark_used(draft *d)
{
    const mg_graph *g = d->plan->g;
    bool *used = d->plan->is_used;
    for (size_t i = 0; i < g->n_outputs; i++) {
        int32_t id = g->outputs[i].node->id;
        used[id] = d->wants_dense[id] = true;
    }
    for (size_t i = 0; i < g->n_writes; i++) {
        int32_t id = g->writes[i].value->id;
        used[id] = d->wants_dense[id] = d->wants_own[id] = true;
    }
    for (size_t i = g->n; i-- > 0;) {
        const mg_node *x = g->node[i];
        if (!used[i]) continue;
        bool strides = mg_op_rows[x->op].flags & (MG_STRIDES | MG_ALIAS | MG_VIEW);
        for (int k = 0; k < x->n_in; k++) {
            used[x->in[k]->id] = true;
            if (!strides) d->wants_dense[x->in[k]->id] = true;
        }
    }
}

static void mark_fixed(draft *d)
{
    const mg_graph *g = d->plan->g;
    for (size_t i = 0; g->use.purpose == MG_STREAMING && i < g->n; i++) {
        const mg_node *x = g->node[i];
        bool is_source = x->op == MG_OP_param || x->op == MG_OP_fill || x->op == MG_OP_table;
        d->is_fixed[i] = is_source || x->n_in > 0;
        for (int k = 0; k < x->n_in; k++) d->is_fixed[i] &= d->is_fixed[x->in[k]->id];
    }
}

/* ---- places ---- */

void mg_dense_strides(const mg_shape *shape, int64_t *stride)
{
    int64_t step = 1;
    for (int d = shape->rank - 1; d >= 0; d--) {
        stride[d] = step;
        step *= shape->dim[d];
    }
}

static bool is_dense(const mg_shape *shape, const mg_place *place)
{
    mg_span span = {NULL, shape->rank, {0}, {0}};
    for (int d = 0; d < shape->rank; d++) span.dim[d] = shape->dim[d], span.stride[d] = place->stride[d];
    return mg_span_is_dense(&span);
}

/* What x sees of its first input without computing anything. */
static mg_place view(const mg_node *x, const mg_place *from)
{
    mg_place p = *from;
    const mg_attr *a = &x->attr;
    switch (x->op) {
    case MG_OP_permute:
        for (int d = 0; d < x->shape.rank; d++) p.stride[d] = from->stride[a->permute.axis[d]];
        break;
    case MG_OP_broadcast:
        for (int d = 0; d < x->shape.rank; d++)
            if (x->in[0]->shape.dim[d] != x->shape.dim[d]) p.stride[d] = 0;
        break;
    case MG_OP_slice:
        p.offset += a->range.start * from->stride[a->range.axis];
        p.stride[a->range.axis] *= a->range.step;
        break;
    case MG_OP_part: p.offset += a->part.offset; break;
    default: break;
    }
    if (mg_op_rows[x->op].flags & MG_DENSE) mg_dense_strides(&x->shape, p.stride);
    return p;
}

static mg_place source(const mg_graph *g, const mg_node *x)
{
    mg_place p = {.number = x->attr.source.place};
    mg_dense_strides(&x->shape, p.stride);
    switch (x->op) {
    case MG_OP_param: p.where = MG_IN_PARAM; break;
    case MG_OP_table: p.where = MG_IN_TABLE, p.number = x->id; break;
    case MG_OP_fill:
        p = (mg_place){.where = MG_IN_CONSTANT, .number = x->id};
        break;
    case MG_OP_input:
        p.where = MG_IN_INPUT;
        for (p.number = 0; g->inputs[p.number] != x;) p.number++;
        break;
    default:
        assert(x->op == MG_OP_state);
        p.where = MG_IN_STATE;
        for (p.number = 0; g->states[p.number] != x;) p.number++;
    }
    return p;
}

/* A buffer of its own for x, made by the step that is about to be added. */
static mg_place own_buffer(mg_plan *plan, const mg_node *x)
{
    mg_plan_buffer *b = &plan->buffers[plan->n_buffers];
    mg_place p = {.where = MG_IN_BUFFER, .number = (int64_t)plan->n_buffers++};
    *b = (mg_plan_buffer){.made = (int64_t)plan->n_steps, .last = (int64_t)plan->n_steps, .joined = p.number};
    mg_shape_bytes(&x->shape, (mg_type)x->type, &b->bytes);
    mg_dense_strides(&x->shape, p.stride);
    return p;
}

static void place_view(draft *d, const mg_node *x, const mg_place *from, const mg_shape *shape)
{
    mg_plan *plan = d->plan;
    bool needs_dense = mg_op_rows[x->op].flags & MG_DENSE, is_whole = is_dense(shape, from);
    mg_place seen = needs_dense && !is_whole ? *from : view(x, from);
    bool lies_well = needs_dense ? is_whole : !d->wants_dense[x->id] || is_dense(&x->shape, &seen);
    if (lies_well && !(d->wants_own[x->id] && seen.where != MG_IN_BUFFER)) {
        plan->place[x->id] = seen;
        return;
    }
    plan->place[x->id] = own_buffer(plan, x);
    plan->steps[plan->n_steps++] = (mg_plan_step){x, true, seen, needs_dense && !is_whole ? *shape : x->shape};
}

static void place_node(draft *d, const mg_node *x)
{
    mg_plan *plan = d->plan;
    unsigned flags = mg_op_rows[x->op].flags;
    if (flags & (MG_ALIAS | MG_VIEW)) {
        place_view(d, x, &plan->place[x->in[0]->id], &x->in[0]->shape);
    } else if (flags & MG_SOURCE) {
        mg_place from = plan->place[x->id] = source(plan->g, x);
        if (x->op == MG_OP_fill) place_view(d, x, &from, &x->shape);
    } else {
        plan->place[x->id] = own_buffer(plan, x);
        plan->steps[plan->n_steps++] = (mg_plan_step){.node = x};
    }
}

static void place_all(draft *d)
{
    mg_plan *plan = d->plan;
    for (int fixed = 1; fixed >= 0; fixed--) {
        for (size_t i = 0; i < plan->g->n; i++)
            if (plan->is_used[i] && d->is_fixed[i] == fixed) place_node(d, plan->g->node[i]);
        if (fixed) plan->n_fixed = plan->n_steps;
    }
}

/* ---- lives ---- */

int64_t mg_plan_root(const mg_plan *plan, int64_t buffer)
{
    while (plan->buffers[buffer].joined != buffer) buffer = plan->buffers[buffer].joined;
    return buffer;
}

static void read_at(mg_plan *plan, const mg_place *place, int64_t step)
{
    if (place->where != MG_IN_BUFFER) return;
    mg_plan_buffer *b = &plan->buffers[place->number];
    if (b->last < step) b->last = step;
}

static void find_lives(mg_plan *plan)
{
    const mg_graph *g = plan->g;
    for (size_t s = 0; s < plan->n_steps; s++) {
        const mg_plan_step *step = &plan->steps[s];
        if (step->moves) read_at(plan, &step->from, (int64_t)s);
        for (int k = 0; !step->moves && k < step->node->n_in; k++)
            read_at(plan, &plan->place[step->node->in[k]->id], (int64_t)s);
    }
    int64_t end = (int64_t)plan->n_steps;
    for (size_t i = 0; i < g->n_outputs; i++) read_at(plan, &plan->place[g->outputs[i].node->id], end);
    for (size_t i = 0; i < g->n_writes; i++) read_at(plan, &plan->place[g->writes[i].value->id], end);
    for (size_t s = 0; s < plan->n_fixed; s++) read_at(plan, &plan->place[plan->steps[s].node->id], end);
}

/* Whether element i of input k lies where element i of the result would. */
static bool lies_alike(const mg_plan *plan, const mg_node *x, int k, int64_t root)
{
    const mg_place *p = &plan->place[x->in[k]->id];
    size_t bytes;
    mg_shape_bytes(&x->shape, (mg_type)x->type, &bytes);
    return p->where == MG_IN_BUFFER && mg_plan_root(plan, p->number) == root && p->offset == 0 &&
           is_dense(&x->in[k]->shape, p) && bytes == plan->buffers[root].bytes;
}

/* An op that works element by element may overwrite an input that nobody reads after it. */
static void join_in_place(mg_plan *plan)
{
    for (size_t s = 0; s < plan->n_steps; s++) {
        const mg_node *x = plan->steps[s].node;
        if (plan->steps[s].moves || !(mg_op_rows[x->op].flags & MG_EACH)) continue;
        for (int k = 0; k < x->n_in; k++) {
            const mg_place *p = &plan->place[x->in[k]->id];
            int64_t root = p->where == MG_IN_BUFFER ? mg_plan_root(plan, p->number) : -1;
            if (root < 0 || plan->buffers[root].last != (int64_t)s || !lies_alike(plan, x, k, root)) continue;
            bool fits = true;
            for (int j = 0; j < x->n_in; j++) {
                const mg_place *q = &plan->place[x->in[j]->id];
                if (q->where == MG_IN_BUFFER && mg_plan_root(plan, q->number) == root)
                    fits &= lies_alike(plan, x, j, root);
            }
            if (!fits) continue;
            mg_plan_buffer *own = &plan->buffers[plan->place[x->id].number];
            own->joined = root;
            plan->buffers[root].last = own->last;
            break;
        }
    }
}

/* ---- all of it ---- */

static size_t kept(size_t *total, const mg_node *x)
{
    size_t bytes, at = *total;
    mg_shape_bytes(&x->shape, (mg_type)x->type, &bytes);
    *total += (bytes + 63) / 64 * 64;
    return at;
}

/* In whole lines of a cache. */
static size_t larger(size_t a, size_t b)
{
    b = (b + 15) / 16 * 16;
    return a > b ? a : b;
}

static void find_kept(mg_plan *plan)
{
    const mg_graph *g = plan->g;
    for (size_t i = 0; i < g->n_inputs; i++) plan->input_at[i] = kept(&plan->kept_bytes, g->inputs[i]);
    for (size_t i = 0; i < g->n_states; i++) plan->state_at[i] = kept(&plan->kept_bytes, g->states[i]);
    for (size_t s = 0; s < plan->n_steps; s++) {
        const mg_op_row *row = &mg_op_rows[plan->steps[s].node->op];
        if (!row->scratch || plan->steps[s].moves) continue;
        mg_room room = row->scratch(plan->steps[s].node);
        plan->scratch.shared = larger(plan->scratch.shared, room.shared);
        plan->scratch.own = larger(plan->scratch.own, room.own);
    }
}

static mg_status make(draft *d, mg_error *why)
{
    mg_plan *plan = d->plan;
    const mg_graph *g = plan->g;
    MG_TRY(mg_graph_status(g, why));
    plan->is_used = mg_alloc_zero(g->n, sizeof *plan->is_used);
    plan->place = mg_alloc_zero(g->n, sizeof *plan->place);
    plan->steps = mg_alloc(g->n, sizeof *plan->steps);
    plan->buffers = mg_alloc(g->n, sizeof *plan->buffers);
    plan->input_at = mg_alloc(g->n_inputs, sizeof *plan->input_at);
    plan->state_at = mg_alloc(g->n_states, sizeof *plan->state_at);
    d->wants_dense = mg_alloc_zero(g->n, sizeof *d->wants_dense);
    d->wants_own = mg_alloc_zero(g->n, sizeof *d->wants_own);
    d->is_fixed = mg_alloc_zero(g->n, sizeof *d->is_fixed);
    if (!plan->is_used || !plan->place || !plan->steps || !plan->buffers || !plan->input_at || !plan->state_at ||
        !d->wants_dense || !d->wants_own || !d->is_fixed)
        return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mark_used(d);
    mark_fixed(d);
    place_all(d);
    find_lives(plan);
    join_in_place(plan);
    find_kept(plan);
    MG_TRY(mg_plan_layout(plan, why));
    bool holds;
    MG_TRY(mg_plan_prove(plan, &holds, why));
    assert(holds);
    return MG_OK;
}

mg_status mg_plan_new(mg_graph *graph, mg_plan **result, mg_error *why)
{
    *result = NULL;
    mg_plan *plan = graph ? mg_alloc_zero(1, sizeof *plan) : NULL;
    if (!plan) return mg_graph_free(graph), mg_fail(why, MG_NO_MEMORY, "out of memory");
    plan->g = graph;
    draft d = {.plan = plan};
    mg_status status = make(&d, why);
    mg_free(d.wants_dense);
    mg_free(d.wants_own);
    mg_free(d.is_fixed);
    if (status) return mg_plan_free(plan), status;
    *result = plan;
    return MG_OK;
}

void mg_plan_free(mg_plan *plan)
{
    if (!plan) return;
    mg_graph_free(plan->g);
    mg_free(plan->is_used);
    mg_free(plan->place);
    mg_free(plan->steps);
    mg_free(plan->buffers);
    mg_free(plan->input_at);
    mg_free(plan->state_at);
    mg_free(plan);
}

size_t mg_plan_bytes(const mg_plan *plan)
{
    return plan->kept_bytes + plan->arena_bytes + (plan->scratch.shared + plan->scratch.own) * sizeof(mg_real);
}

const mg_graph *mg_plan_graph(const mg_plan *plan) { return plan->g; }
