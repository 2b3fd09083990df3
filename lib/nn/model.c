/* SPDX-License-Identifier: MIT */
/* What is done with a description: graphs with their gradients, parameters at their start. */
#include <mgen/grad.h>
#include <mgen/nn.h>

#include <stdio.h>
#include <string.h>

enum { NAME = 256 };

static bool moves(const mg_phase *phase, const mg_param_info *info)
{
    return !info->is_statistic && strncmp(info->name, phase->params, strlen(phase->params)) == 0;
}

/* d loss / d parameter as output grad/NAME, for the parameters that the phase moves. */
static void add_gradients(mg_graph *g, const mg_phase *phase, mg_node **params, mg_node **grads)
{
    int n = 0;
    for (size_t i = 0; i < mg_graph_params(g); i++) {
        mg_param_info info = mg_graph_param(g, i);
        if (moves(phase, &info)) params[n++] = info.node;
    }
    mg_grad(g, mg_output_find(g, phase->loss), NULL, params, n, grads);
    for (size_t i = 0, k = 0; i < mg_graph_params(g); i++) {
        char name[NAME];
        mg_param_info info = mg_graph_param(g, i);
        if (k == (size_t)n || info.node != params[k]) continue;
        snprintf(name, sizeof name, "grad/%s", info.name);
        mg_output(g, name, grads[k++]);
    }
}

mg_graph *mg_model_graph(const mg_model *model, const void *config, mg_use use)
{
    mg_graph *g = mg_graph_new(use);
    if (!g) return NULL;
    model->describe(g, config, use);
    if (use.purpose != MG_TRAINING || mg_graph_status(g, NULL)) return g;
    size_t n = mg_graph_params(g);
    mg_node **params = mg_alloc(n, sizeof *params), **grads = mg_alloc(n, sizeof *grads);
    bool ok = params && grads;
    if (ok) add_gradients(g, &model->phases[use.phase], params, grads);
    mg_free(params);
    mg_free(grads);
    if (!ok) return mg_graph_free(g), NULL;
    return g;
}

void *mg_model_config(const mg_model *model)
{
    void *config = mg_alloc_zero(1, model->config_size);
    if (config) mg_options_default(model->options, config);
    return config;
}

void mg_model_adapt(const mg_model *model, void *config, mg_data_form data)
{
    if (model->adapt) model->adapt(config, data);
}

/* ---- parameters ---- */

static void start_values(mg_tensor *tensor, const char *name, mg_start start, uint64_t seed)
{
    mg_random random = mg_random_at(seed, name, 0);
    mg_real *x = tensor->data;
    int64_t n = mg_shape_count(&tensor->shape), quarter = n / 4;
    for (int64_t i = 0; i < n; i++)
        switch (start.kind) {
        case MG_START_CONSTANT: x[i] = (mg_real)start.size; break;
        case MG_START_UNIFORM: x[i] = (mg_real)(start.size * (2 * mg_random_unit(&random) - 1)); break;
        case MG_START_NORMAL: x[i] = (mg_real)(start.size * mg_random_normal(&random)); break;
        case MG_START_FORGET: x[i] = i >= quarter && i < 2 * quarter ? (mg_real)start.size : 0; break;
        }
}

static mg_status each_param(const mg_model *model, const void *config, int phase, mg_param_fn visit, void *user,
                            mg_error *why)
{
    mg_graph *g = mg_graph_new((mg_use){MG_TRAINING, phase, 1, 1, false});
    if (!g) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    model->describe(g, config, mg_graph_use(g));
    mg_status status = mg_graph_status(g, why);
    for (size_t i = 0; !status && i < mg_graph_params(g); i++) {
        mg_param_info info = mg_graph_param(g, i);
        status = visit(user, &info, why);
    }
    mg_graph_free(g);
    return status;
}

mg_status mg_model_each_param(const mg_model *model, const void *config, mg_param_fn visit, void *user, mg_error *why)
{
    mg_status status = model->check ? model->check(config, why) : MG_OK;
    for (int phase = 0; !status && phase < model->n_phases; phase++)
        status = each_param(model, config, phase, visit, user, why);
    return status;
}

typedef struct {
    const mg_phase *phase;
    const mg_tensor_set *params;
    mg_tensor_set *moved;
} lending;

static mg_status lend(void *user, const mg_param_info *info, mg_error *why)
{
    lending *l = user;
    const mg_tensor *tensor = moves(l->phase, info) ? mg_tensor_set_find(l->params, info->name) : NULL;
    return tensor ? mg_tensor_set_lend(l->moved, info->name, tensor, why) : MG_OK;
}

mg_status mg_model_moves(const mg_model *model, const void *config, int phase, const mg_tensor_set *params,
                         mg_tensor_set *moved, mg_error *why)
{
    lending l = {&model->phases[phase], params, moved};
    *moved = (mg_tensor_set){0};
    mg_status status = each_param(model, config, phase, lend, &l, why);
    if (status) mg_tensor_set_clear(moved);
    return status;
}

typedef struct {
    mg_tensor_set *params;
    uint64_t seed;
} starting;

static mg_status start(void *user, const mg_param_info *info, mg_error *why)
{
    starting *s = user;
    if (mg_tensor_set_find(s->params, info->name)) return MG_OK; /* another phase has it too */
    MG_TRY(mg_tensor_set_add(s->params, info->name, &info->shape, why));
    start_values(mg_tensor_set_find(s->params, info->name), info->name, info->start, s->seed);
    return MG_OK;
}

mg_status mg_model_start(const mg_model *model, const void *config, uint64_t seed, mg_tensor_set *params,
                         mg_error *why)
{
    *params = (mg_tensor_set){0};
    mg_status status = mg_model_each_param(model, config, start, &(starting){params, seed}, why);
    if (status) mg_tensor_set_clear(params);
    return status;
}

mg_status mg_model_bind(const mg_graph *g, const mg_tensor_set *params, mg_real ***pointers, mg_error *why)
{
    size_t n = mg_graph_params(g);
    *pointers = mg_alloc(n, sizeof **pointers);
    if (!*pointers) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++) {
        mg_param_info info = mg_graph_param(g, i);
        const mg_tensor *tensor = mg_tensor_set_find(params, info.name);
        if (!tensor || !mg_shape_equal(&tensor->shape, &info.shape)) {
            mg_free(*pointers);
            *pointers = NULL;
            return mg_fail(why, MG_BAD_DATA, "parameter %s: %s", info.name, tensor ? "of another shape" : "missing");
        }
        (*pointers)[i] = tensor->data;
    }
    return MG_OK;
}
