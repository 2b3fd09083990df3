/* SPDX-License-Identifier: MIT */
/* Single ops: value, gradient, and the gradients of two penalties: the sum of the squares of the first gradient, or of
   all of them. A case is one graph that has all of these as outputs. */
#include "tests/parity/ops.h"

#include <mgen/grad.h>

#include <stdio.h>
#include <string.h>

typedef struct {
    fixture *fx;
    const mg_json *check;
    const char *name;
    op_case op;
    mg_node *cotangent[OP_OUTPUTS];
    mg_node *wanted[OP_INPUTS + OP_OUTPUTS];            /* what penalties are differentiated by */
    const char *wanted_name[OP_INPUTS + OP_OUTPUTS];
    int n_x, n_wanted;                                  /* the first n_x are inputs */
} subject;

static const mg_json *names_of(const subject *s, const char *key) { return mg_json_get(s->check, key); }
static const char *name_at(const mg_json *names, size_t i) { return mg_json_string(mg_json_at(names, i)); }

static const mg_stored *find(const subject *s, const char *prefix, const char *name)
{
    char full[256];
    snprintf(full, sizeof full, "%s/%s%s", s->name, prefix, name);
    return mg_tensors_find(s->fx->inputs, full);
}

/* An input of the graph for a tensor of the fixture, under the name that it has there. */
static mg_status take(subject *s, const char *prefix, const char *name, mg_node **node, mg_error *why)
{
    const mg_stored *stored = find(s, prefix, name);
    if (!stored) return mg_fail(why, MG_BAD_DATA, "the fixture has no input %s/%s%s", s->name, prefix, name);
    mg_shape shape = {.rank = stored->rank};
    for (int d = 0; d < stored->rank; d++) shape.dim[d] = stored->dim[d];
    *node = fixture_is_index(stored) ? mg_input_index(s->op.g, stored->name, INT32_MAX, &shape)
                                     : mg_input(s->op.g, stored->name, &shape);
    return MG_OK;
}

static mg_status take_all(subject *s, mg_error *why)
{
    const mg_json *inputs = names_of(s, "inputs"), *outputs = names_of(s, "outputs");
    const mg_json *by = names_of(s, "differentiate");
    if (mg_json_count(inputs) > OP_INPUTS || mg_json_count(outputs) > OP_OUTPUTS)
        return mg_fail(why, MG_BAD_DATA, "%s: too many inputs or outputs", s->name);
    for (size_t i = 0; i < mg_json_count(inputs); i++) MG_TRY(take(s, "", name_at(inputs, i), &s->op.in[i], why));
    s->op.n_in = (int)mg_json_count(inputs);
    for (size_t k = 0; k < mg_json_count(by) && k < OP_INPUTS; k++)
        for (int i = 0; i < s->op.n_in; i++) {
            if (strcmp(name_at(by, k), name_at(inputs, (size_t)i)) != 0) continue;
            s->wanted[s->n_x] = s->op.in[i];
            s->wanted_name[s->n_x++] = name_at(by, k);
        }
    s->n_wanted = s->n_x;
    for (size_t i = 0; i < mg_json_count(outputs); i++) {
        if (!find(s, "d_", name_at(outputs, i))) continue; /* a running statistic */
        MG_TRY(take(s, "d_", name_at(outputs, i), &s->cotangent[i], why));
        s->wanted[s->n_wanted] = s->cotangent[i];
        s->wanted_name[s->n_wanted++] = strchr(find(s, "d_", name_at(outputs, i))->name, '/') + 1;
    }
    return MG_OK;
}

/* ---- the graph ---- */

static mg_node *sum_with(mg_graph *g, mg_node *sum, mg_node *x) { return sum ? mg_add(g, sum, x) : x; }

static void output(subject *s, const char *what, const char *name, mg_node *x)
{
    char full[256];
    snprintf(full, sizeof full, "%s%s", what, name);
    mg_output(s->op.g, full, x);
}

/* The sum of the squares of the first n gradients, and its own gradients. */
static void penalty(subject *s, const char *name, mg_node *const *grads, int n)
{
    mg_graph *g = s->op.g;
    mg_node *sum = NULL, *dx[OP_INPUTS + OP_OUTPUTS];
    char what[64];
    for (int k = 0; k < n; k++) sum = sum_with(g, sum, mg_sum_all(g, mg_square(g, grads[k])));
    output(s, name, "", sum);
    snprintf(what, sizeof what, "%s_grad/", name);
    mg_grad(g, sum, NULL, s->wanted, s->n_wanted, dx);
    for (int k = 0; k < s->n_wanted; k++) output(s, what, s->wanted_name[k], dx[k]);
}

static void build(subject *s, op_builder builder)
{
    mg_graph *g = s->op.g;
    const mg_json *outputs = names_of(s, "outputs");
    mg_node *sum = NULL, *dx[OP_INPUTS];
    builder(&s->op);
    for (size_t i = 0; i < mg_json_count(outputs); i++) {
        output(s, "", name_at(outputs, i), s->op.out[i]);
        if (!s->cotangent[i]) continue;
        mg_node *weight = mg_reshape(g, s->cotangent[i], mg_node_shape(s->op.out[i]));
        sum = sum_with(g, sum, mg_sum_all(g, mg_mul(g, weight, s->op.out[i])));
    }
    mg_grad(g, sum, NULL, s->wanted, s->n_x, dx);
    for (int k = 0; k < s->n_x; k++) output(s, "grad/", s->wanted_name[k], dx[k]);
    penalty(s, "penalty", dx, 1);
    penalty(s, "penalty_all", dx, s->n_x);
}

/* ---- its results ---- */

static mg_status bind(const subject *s, mg_instance *run, const mg_json *names, const char *prefix, mg_error *why)
{
    for (size_t i = 0; i < mg_json_count(names); i++) {
        const mg_stored *stored = find(s, prefix, name_at(names, i));
        if (stored) MG_TRY(fixture_copy(stored, 0, mg_instance_input(run, stored->name), why));
    }
    return MG_OK;
}

static mg_status results(subject *s, mg_instance *run, mg_error *why)
{
    const mg_json *tensors = names_of(s, "tensors");
    MG_TRY(bind(s, run, names_of(s, "inputs"), "", why));
    MG_TRY(bind(s, run, names_of(s, "outputs"), "d_", why));
    MG_TRY(mg_instance_run(run, why));
    for (size_t i = 0; i < mg_json_count(tensors); i++)
        MG_TRY(fixture_give_tensor(s->fx, s->name, name_at(tensors, i), mg_instance_output(run, name_at(tensors, i)),
                                   why));
    return MG_OK;
}

static mg_status run_case(fixture *fx, const mg_json *check, op_builder builder, mg_error *why)
{
    subject s = {.fx = fx, .check = check, .name = mg_json_get_string(check, "name", "?")};
    mg_plan *plan = NULL;
    mg_instance *run = NULL;
    s.op = (op_case){.g = mg_graph_new((mg_use){MG_TRAINING, 0, 1, 1, false}), .params = mg_json_get(check, "params")};
    if (!s.op.g) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_status status = take_all(&s, why);
    if (status) return mg_graph_free(s.op.g), status;
    build(&s, builder);
    status = mg_plan_new(s.op.g, &plan, why);
    if (!status) status = mg_instance_new(plan, NULL, 1, &run, why);
    if (!status) status = results(&s, run, why);
    mg_instance_free(run);
    mg_plan_free(plan);
    return status;
}

mg_status run_ops(fixture *fx, mg_error *why)
{
    for (size_t i = 0; i < mg_json_count(fx->checks); i++) {
        const mg_json *check = mg_json_at(fx->checks, i);
        op_builder builder = op_find(mg_json_get_string(check, "op", ""));
        mg_error trouble = {0};
        if (!builder) continue; /* its check is named as unsupported */
        if (run_case(fx, check, builder, &trouble))
            MG_TRY(fixture_give_trouble(fx, mg_json_get_string(check, "name", "?"), &trouble, why));
    }
    return MG_OK;
}
