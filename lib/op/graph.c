/* SPDX-License-Identifier: MIT */
/* The graph: making nodes, finding equal ones, and what a graph has by name. */
#include "op/op.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MOST_NODES = 1 << 18, MOST_NAMED = 1 << 16 };

mg_graph *mg_graph_new(mg_use use)
{
    mg_graph *g = mg_alloc_zero(1, sizeof *g);
    if (!g) return NULL;
    g->use = use;
    g->lost = (mg_node){.op = MG_OP_fill, .type = MG_REAL, .id = -1, .name = "nothing"};
    return g;
}

void mg_graph_free(mg_graph *g)
{
    if (!g) return;
    mg_free(g->node);
    mg_free(g->slot);
    mg_free(g->params);
    mg_free(g->inputs);
    mg_free(g->states);
    mg_free(g->writes);
    mg_free(g->outputs);
    mg_arena_free(&g->arena);
    mg_free(g);
}

mg_use mg_graph_use(const mg_graph *g) { return g->use; }
void mg_graph_spell(mg_graph *g, bool spells) { g->spells = spells; }

mg_status mg_graph_status(const mg_graph *g, mg_error *why)
{
    if (g->why.status && why) *why = g->why;
    return g->why.status;
}

bool mg_graph_failed(const mg_graph *g) { return g->why.status != MG_OK; }

bool mg_graph_fail(mg_graph *g, mg_status status, const char *format, ...)
{
    if (mg_graph_failed(g)) return false;
    va_list args;
    va_start(args, format);
    g->why.status = status;
    vsnprintf(g->why.text, sizeof g->why.text, format, args);
    va_end(args);
    return false;
}

const mg_shape *mg_node_shape(const mg_node *x) { return &x->shape; }
mg_type mg_node_type(const mg_node *x) { return (mg_type)x->type; }
const char *mg_node_name(const mg_node *x) { return x->name; }

int64_t mg_dim(const mg_node *x, int axis)
{
    if (x->id < 0) return 1; /* after a failure */
    if (axis < 0) axis += x->shape.rank;
    assert(axis >= 0 && axis < x->shape.rank);
    return x->shape.dim[axis];
}

mg_node **mg_node_array(mg_graph *g, int64_t n)
{
    mg_node **nodes = mg_graph_failed(g) ? NULL : mg_arena_alloc(&g->arena, (size_t)n, sizeof *nodes);
    if (!nodes) mg_graph_fail(g, MG_NO_MEMORY, "out of memory");
    return nodes;
}

/* ---- equal nodes are one ---- */

static uint64_t hash_of(const mg_node *x)
{
    uint64_t h = mg_hash64_bytes(&x->attr, sizeof x->attr) ^ (uint64_t)x->op * 0x9E3779B97F4A7C15u;
    for (int k = 0; k < x->n_in; k++) h = (h ^ (uint64_t)x->in[k]->id) * 0x9FB21C651E98DF25u, h ^= h >> 32;
    for (int d = 0; d < x->shape.rank; d++) h = (h ^ (uint64_t)x->shape.dim[d]) * 0xD6E8FEB86659FD93u, h ^= h >> 32;
    return h;
}

static bool are_equal(const mg_node *x, const mg_node *y)
{
    return x->op == y->op && x->n_in == y->n_in && memcmp(&x->attr, &y->attr, sizeof x->attr) == 0 &&
           mg_shape_equal(&x->shape, &y->shape) &&
           (x->n_in == 0 || memcmp(x->in, y->in, (size_t)x->n_in * sizeof *x->in) == 0);
}

static bool widen(mg_graph *g)
{
    size_t n = g->n_slots ? g->n_slots * 2 : 256;
    int32_t *slot = mg_alloc(n, sizeof *slot);
    if (!slot) return false;
    memset(slot, -1, n * sizeof *slot);
    for (size_t i = 0; i < g->n_slots; i++) {
        if (g->slot[i] < 0) continue;
        size_t at = hash_of(g->node[g->slot[i]]) & (n - 1);
        while (slot[at] >= 0) at = (at + 1) & (n - 1);
        slot[at] = g->slot[i];
    }
    mg_free(g->slot);
    g->slot = slot;
    g->n_slots = n;
    return true;
}

/* The slot of an equal node, or the free one where x belongs. */
static int32_t *find(mg_graph *g, const mg_node *x)
{
    size_t at = hash_of(x) & (g->n_slots - 1);
    while (g->slot[at] >= 0 && !are_equal(g->node[g->slot[at]], x)) at = (at + 1) & (g->n_slots - 1);
    return &g->slot[at];
}

/* ---- nodes ---- */

static mg_node *lose(mg_graph *g)
{
    mg_graph_fail(g, MG_NO_MEMORY, "out of memory");
    return &g->lost;
}

/* Give the draft an id and a place of its own. */
static mg_node *keep(mg_graph *g, const mg_node *draft)
{
    mg_node *x = mg_arena_alloc(&g->arena, 1, sizeof *x);
    mg_node **in = mg_arena_alloc(&g->arena, (size_t)draft->n_in, sizeof *in);
    if (!x || !in || !mg_grow((void **)&g->node, g->n, &g->capacity, sizeof *g->node)) return lose(g);
    *x = *draft;
    x->in = in;
    if (x->n_in) memcpy(in, draft->in, (size_t)x->n_in * sizeof *in);
    x->id = (int32_t)g->n;
    g->node[g->n++] = x;
    return x;
}

static void say_misfit(mg_graph *g, const mg_node *draft, const char *wrong)
{
    char shapes[200] = "", text[160];
    size_t at = 0;
    for (int k = 0; k < draft->n_in && k < 3; k++)
        at += (size_t)snprintf(shapes + at, sizeof shapes - at, "%s%s", k ? ", " : "",
                               mg_shape_text(&draft->in[k]->shape, text)), at = at < 190 ? at : 190;
    mg_graph_fail(g, MG_BAD_ARGUMENT, "%s of %s: %s", mg_op_rows[draft->op].name, shapes, wrong);
}

mg_node *mg_node_make(mg_graph *g, mg_op op, mg_node *const *in, int n_in, const mg_attr *attr, const mg_shape *given)
{
    const mg_op_row *row = &mg_op_rows[op];
    assert(row->arity < 0 || row->arity == n_in);
    if (mg_graph_failed(g)) return &g->lost;
    mg_node draft = {.op = (uint16_t)op, .type = n_in ? in[0]->type : MG_REAL, .n_in = n_in,
                     .in = (mg_node **)(uintptr_t)in};
    if (attr) draft.attr = *attr;
    if (given) draft.shape = *given;
    const char *wrong = row->shape(&draft);
    size_t bytes;
    if (wrong) return say_misfit(g, &draft, wrong), &g->lost;
    if (!mg_shape_bytes(&draft.shape, (mg_type)draft.type, &bytes))
        return mg_graph_fail(g, MG_TOO_LARGE, "%s: the result is too large", row->name), &g->lost;
    if (g->n >= MOST_NODES) return mg_graph_fail(g, MG_TOO_LARGE, "a graph of more than 2^18 nodes"), &g->lost;
    if (row->flags & MG_DISTINCT) return keep(g, &draft);
    if (g->n * 2 >= g->n_slots && !widen(g)) return lose(g);
    int32_t *slot = find(g, &draft);
    if (*slot >= 0) return g->node[*slot];
    mg_node *x = keep(g, &draft);
    if (x->id >= 0) *slot = x->id;
    return x;
}

mg_node *mg_node_part(mg_graph *g, mg_node *whole, int index, int64_t offset, const mg_shape *shape)
{
    mg_attr attr = {.part = {index, offset}};
    mg_node *x = mg_node_make(g, MG_OP_part, &whole, 1, &attr, shape);
    if (x->id >= 0) {
        assert(x->id == whole->id + 1 + index); /* the parts of a node follow it */
        if (index >= whole->n_parts) whole->n_parts = index + 1;
    }
    return x;
}

mg_node *mg_node_clone(mg_graph *g, mg_node *x) { return mg_node_make(g, MG_OP_copy, &x, 1, NULL, NULL); }

/* ---- sources ---- */

static const char *keep_name(mg_graph *g, const char *name)
{
    const char *copy = mg_arena_strndup(&g->arena, name, strlen(name));
    if (!copy) lose(g);
    return copy ? copy : "";
}

static mg_node *source(mg_graph *g, mg_op op, const char *name, mg_type type, const mg_attr *attr,
                       const mg_shape *shape)
{
    mg_node *x = mg_node_make(g, op, NULL, 0, attr, shape);
    if (x->id < 0) return x;
    x->type = (uint8_t)type;
    x->name = keep_name(g, name);
    return x;
}

static mg_node *input(mg_graph *g, const char *name, mg_type type, int64_t limit, const mg_shape *shape)
{
    for (size_t i = 0; i < g->n_inputs; i++)
        if (strcmp(g->inputs[i]->name, name) == 0) {
            assert(mg_shape_equal(&g->inputs[i]->shape, shape));
            return g->inputs[i];
        }
    mg_attr attr = {.input = {limit}};
    mg_node *x = source(g, MG_OP_input, name, type, &attr, shape);
    if (x->id < 0) return x;
    if (!mg_grow((void **)&g->inputs, g->n_inputs, &g->inputs_capacity, sizeof *g->inputs)) return lose(g);
    return g->inputs[g->n_inputs++] = x;
}

mg_node *mg_input(mg_graph *g, const char *name, const mg_shape *shape) { return input(g, name, MG_REAL, 0, shape); }

mg_node *mg_input_index(mg_graph *g, const char *name, int64_t limit, const mg_shape *shape)
{
    return input(g, name, MG_INDEX, limit, shape);
}

mg_node *mg_scalar(mg_graph *g, const char *name) { return mg_input(g, name, &(mg_shape){0}); }

static mg_node *param(mg_graph *g, const char *name, const mg_shape *shape, mg_start start, bool is_statistic)
{
    for (size_t i = 0; i < g->n_params; i++)
        if (strcmp(g->params[i].name, name) == 0) {
            if (!mg_shape_equal(&g->params[i].shape, shape))
                mg_graph_fail(g, MG_BAD_ARGUMENT, "parameter %s: used with two shapes", name);
            return g->params[i].node;
        }
    if (g->n_params >= MOST_NAMED) mg_graph_fail(g, MG_TOO_LARGE, "more than 2^16 parameters");
    mg_node *x = source(g, MG_OP_param, name, MG_REAL, &(mg_attr){.source = {(int64_t)g->n_params}}, shape);
    if (x->id < 0) return x;
    if (!mg_grow((void **)&g->params, g->n_params, &g->params_capacity, sizeof *g->params)) return lose(g);
    g->params[g->n_params++] = (mg_param_info){x->name, *shape, start, x, is_statistic};
    return x;
}

mg_node *mg_param(mg_graph *g, const char *name, const mg_shape *shape, mg_start start)
{
    return param(g, name, shape, start, false);
}

mg_node *mg_statistic(mg_graph *g, const char *name, const mg_shape *shape, mg_start start)
{
    return param(g, name, shape, start, true);
}

mg_node *mg_state(mg_graph *g, const char *name, const mg_shape *shape)
{
    if (g->use.purpose == MG_TRAINING && !g->use.carries) return mg_fill(g, shape, 0);
    mg_node *x = source(g, MG_OP_state, name, MG_REAL, NULL, shape);
    if (x->id < 0) return x;
    if (!mg_grow((void **)&g->states, g->n_states, &g->states_capacity, sizeof *g->states)) return lose(g);
    return g->states[g->n_states++] = x;
}

void mg_write(mg_graph *g, mg_node *state, mg_node *x)
{
    if (mg_graph_failed(g) || state->op != MG_OP_state) return; /* nobody remembers */
    assert(mg_shape_equal(&state->shape, &x->shape));
    x = mg_node_clone(g, x); /* a place of its own, should x be a state that is written too */
    if (!mg_grow((void **)&g->writes, g->n_writes, &g->writes_capacity, sizeof *g->writes)) lose(g);
    else g->writes[g->n_writes++] = (mg_state_write){state, x};
}

mg_node *mg_fill(mg_graph *g, const mg_shape *shape, double value)
{
    return mg_node_make(g, MG_OP_fill, NULL, 0, &(mg_attr){.fill = {value}}, shape);
}

/* A table whose numbers are yet to be set; *values NULL after a failure. */
static mg_node *table(mg_graph *g, const mg_shape *shape, mg_real **values)
{
    mg_node *x = mg_node_make(g, MG_OP_table, NULL, 0, NULL, shape);
    *values = x->id < 0 ? NULL : mg_arena_alloc(&g->arena, (size_t)mg_shape_count(shape), sizeof **values);
    if (!*values) return lose(g);
    x->data = *values;
    return x;
}

mg_node *mg_table(mg_graph *g, const mg_shape *shape, const double *values)
{
    mg_real *to;
    mg_node *x = table(g, shape, &to);
    for (int64_t i = 0, n = mg_shape_count(shape); to && i < n; i++) to[i] = (mg_real)values[i];
    return x;
}

mg_node *mg_count_up(mg_graph *g, int64_t n)
{
    mg_real *to;
    mg_node *x = table(g, &MG_SHAPE(n), &to);
    for (int64_t i = 0; to && i < n; i++) to[i] = (mg_real)i;
    return x;
}

mg_node *mg_uniform(mg_graph *g, const char *name, const mg_shape *shape, int examples)
{
    assert(examples >= 0 && examples < shape->rank);
    return source(g, MG_OP_uniform, name, MG_REAL, &(mg_attr){.random = {examples}}, shape);
}

/* ---- results ---- */

/* Whether x is a parameter, as it lies or seen otherwise. */
static bool is_param(const mg_node *x)
{
    while (mg_op_rows[x->op].flags & (MG_ALIAS | MG_VIEW)) x = x->in[0];
    return x->op == MG_OP_param;
}

void mg_output(mg_graph *g, const char *name, mg_node *x)
{
    if (mg_graph_failed(g)) return;
    assert(!mg_output_find(g, name));
    /* A copy: a gradient is read while parameters move. */
    if (g->use.purpose == MG_TRAINING && is_param(x)) x = mg_max(g, x, x);
    if (!mg_grow((void **)&g->outputs, g->n_outputs, &g->outputs_capacity, sizeof *g->outputs)) lose(g);
    else g->outputs[g->n_outputs++] = (mg_named_node){keep_name(g, name), x};
}

mg_node *mg_output_find(const mg_graph *g, const char *name)
{
    for (size_t i = 0; i < g->n_outputs; i++)
        if (strcmp(g->outputs[i].name, name) == 0) return g->outputs[i].node;
    return NULL;
}

void mg_statistic_move(mg_graph *g, mg_node *statistic, mg_node *value)
{
    char name[512];
    if (mg_graph_failed(g) || g->use.purpose != MG_TRAINING) return;
    assert(mg_shape_equal(&statistic->shape, &value->shape));
    snprintf(name, sizeof name, "next/%s", statistic->name);
    mg_output(g, name, value);
}

size_t mg_graph_params(const mg_graph *g) { return g->n_params; }
mg_param_info mg_graph_param(const mg_graph *g, size_t i) { return g->params[i]; }
size_t mg_graph_states(const mg_graph *g) { return g->n_states; }
mg_node *mg_graph_state(const mg_graph *g, size_t i) { return g->states[i]; }
