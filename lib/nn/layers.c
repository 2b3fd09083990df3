/* SPDX-License-Identifier: MIT */
/* Layers: ops with the parameters that they need. */
#include <mgen/nn.h>

#include <math.h>
#include <stdio.h>

enum { NAME = 256 };

/* The parameter NAME.part. */
static mg_node *param(mg_graph *g, const char *name, const char *part, const mg_shape *shape, mg_start start)
{
    char full[NAME];
    snprintf(full, sizeof full, "%s.%s", name, part);
    return mg_param(g, full, shape, start);
}

static mg_start within_root(int64_t n) { return (mg_start){MG_START_UNIFORM, 1 / sqrt((double)(n > 0 ? n : 1))}; }

mg_node *mg_layer_linear(mg_graph *g, const char *name, mg_node *x, int64_t out)
{
    int64_t in = mg_dim(x, -1);
    mg_node *w = param(g, name, "weight", &MG_SHAPE(out, in), within_root(in));
    return mg_linear(g, x, w, param(g, name, "bias", &MG_SHAPE(out), within_root(in)));
}

mg_node *mg_layer_matrix(mg_graph *g, const char *name, mg_node *x, int64_t out)
{
    int64_t in = mg_dim(x, -1);
    mg_node *bias = mg_fill(g, &MG_SHAPE(out), 0);
    return mg_linear(g, x, param(g, name, "weight", &MG_SHAPE(out, in), within_root(in)), bias);
}

/* ---- convolutions and their norms ---- */

static mg_node *filters_of(mg_graph *g, const char *name, int64_t filters, int64_t channels, const int64_t *kernel,
                           int rank, mg_start start)
{
    mg_shape shape = {.rank = rank, .dim = {filters, channels}};
    for (int d = 2; d < rank; d++) shape.dim[d] = kernel[d - 2];
    return param(g, name, "weight", &shape, start);
}

/* Uniform within 1 / sqrt(numbers that a filter over `channels` channels sees). */
static mg_start by_sight(int64_t channels, const int64_t *kernel, int rank)
{
    for (int d = 2; d < rank; d++) channels *= kernel[d - 2];
    return within_root(channels);
}

static mg_node *with_bias(mg_graph *g, const char *name, mg_node *y, mg_start start)
{
    return mg_add(g, y, mg_per_channel(g, param(g, name, "bias", &MG_SHAPE(mg_dim(y, 1)), start), y));
}

mg_node *mg_layer_conv(mg_graph *g, const char *name, mg_node *x, int64_t filters, const int64_t *kernel,
                       const mg_window *window, bool has_bias)
{
    int rank = mg_node_shape(x)->rank;
    int64_t channels = mg_dim(x, 1) / (window->groups ? window->groups : 1);
    mg_start start = by_sight(channels, kernel, rank);
    mg_node *y = mg_conv(g, x, filters_of(g, name, filters, channels, kernel, rank, start), window);
    return has_bias ? with_bias(g, name, y, start) : y;
}

mg_node *mg_layer_conv_transpose(mg_graph *g, const char *name, mg_node *x, int64_t filters, const int64_t *kernel,
                                 const mg_window *window, const int64_t *size, bool has_bias)
{
    int rank = mg_node_shape(x)->rank;
    int64_t seen = filters / (window->groups ? window->groups : 1);
    mg_start start = by_sight(seen, kernel, rank);
    mg_node *w = filters_of(g, name, mg_dim(x, 1), seen, kernel, rank, start);
    mg_node *y = mg_conv_to_input(g, x, w, window, size);
    return has_bias ? with_bias(g, name, y, start) : y;
}

mg_window mg_window_same(int axes, const int64_t *kernel, const int64_t *stride)
{
    mg_window w = {.groups = 1};
    for (int a = 0; a < axes; a++) {
        int64_t total = kernel[a] > stride[a] ? kernel[a] - stride[a] : 0;
        w.stride[a] = stride[a];
        w.before[a] = total / 2;
        w.after[a] = total - total / 2;
    }
    return w;
}

/* r = (1 - momentum) r + momentum s */
static void move(mg_graph *g, mg_node *running, mg_node *seen, double momentum)
{
    mg_node *kept = mg_affine(g, running, 1 - momentum, 0);
    mg_statistic_move(g, running, mg_add(g, kept, mg_affine(g, seen, momentum, 0)));
}

mg_node *mg_layer_batch_norm(mg_graph *g, const char *name, mg_node *x, double eps, double momentum, mg_norm_by by)
{
    static const char *const parts[] = {"running_mean", "running_var"};
    mg_shape shape = MG_SHAPE(mg_dim(x, 1));
    mg_node *w = param(g, name, "weight", &shape, (mg_start){MG_START_CONSTANT, 1}), *running[2], *seen[2];
    mg_node *b = param(g, name, "bias", &shape, (mg_start){MG_START_CONSTANT, 0});
    if (by == MG_NORM_BATCH) return mg_batch_norm(g, x, w, b, eps);
    for (int i = 0; i < 2; i++) {
        char full[NAME];
        snprintf(full, sizeof full, "%s.%s", name, parts[i]);
        running[i] = mg_statistic(g, full, &shape, (mg_start){MG_START_CONSTANT, i});
    }
    if (by == MG_NORM_RUNNING) return mg_batch_norm_by(g, x, w, b, running[0], running[1], eps);
    mg_batch_moments(g, x, &seen[0], &seen[1]);
    for (int i = 0; by == MG_NORM_MOVED && i < 2; i++) move(g, running[i], seen[i], momentum);
    return mg_batch_norm(g, x, w, b, eps);
}

/* ---- recurrence, embeddings, dropout ---- */

mg_node *mg_layer_embedding(mg_graph *g, const char *name, mg_node *index, int64_t rows, int64_t width)
{
    mg_start start = {MG_START_NORMAL, 1};
    return mg_gather(g, param(g, name, "weight", &MG_SHAPE(rows, width), start), index, 0);
}

mg_lstm_out mg_layer_lstm(mg_graph *g, const char *name, int layer, mg_node *x, int64_t in, mg_node *h, mg_node *c,
                          mg_node *mask)
{
    int64_t units = mg_dim(h, -1), wide = 4 * units;
    char part[4][32];
    static const char *const stems[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    for (int k = 0; k < 4; k++) snprintf(part[k], sizeof part[k], "%s_l%d", stems[k], layer);
    mg_node *w_ih = param(g, name, part[0], &MG_SHAPE(wide, in), within_root(units));
    mg_node *w_hh = param(g, name, part[1], &MG_SHAPE(wide, units), within_root(units));
    mg_node *bias = mg_add(g, param(g, name, part[2], &MG_SHAPE(wide), (mg_start){MG_START_FORGET, 1}),
                           param(g, name, part[3], &MG_SHAPE(wide), (mg_start){MG_START_CONSTANT, 0}));
    /* A one-hot row times a matrix is one of its columns. */
    mg_node *pre = mg_node_type(x) == MG_INDEX ? mg_add(g, mg_gather(g, mg_transpose(g, w_ih, 0, 1), x, 0), bias)
                                               : mg_linear(g, x, w_ih, bias);
    return mg_lstm(g, pre, h, c, w_hh, mask);
}

mg_node *mg_dropout(mg_graph *g, const char *name, mg_node *x, double p, int examples)
{
    if (p <= 0 || mg_graph_use(g).purpose != MG_TRAINING) return x;
    mg_node *u = mg_uniform(g, name, mg_node_shape(x), examples);
    return mg_select(g, mg_step(g, mg_affine(g, u, 1, -p)), mg_affine(g, x, 1 / (1 - p), 0),
                     mg_fill(g, mg_node_shape(x), 0));
}

/* ---- losses ---- */

/* The sum over the last axis, which goes. */
static mg_node *sum_last(mg_graph *g, mg_node *x)
{
    mg_shape shape = *mg_node_shape(x);
    int last = shape.rank - 1;
    if (last < 0) return x; /* after a failure */
    shape.rank = last;
    return mg_reshape(g, mg_sum(g, x, 1u << last), &shape);
}

mg_node *mg_bernoulli_nll(mg_graph *g, mg_node *logits, mg_node *targets)
{
    return sum_last(g, mg_sub(g, mg_softplus(g, logits), mg_mul(g, logits, targets)));
}
