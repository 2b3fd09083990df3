/* SPDX-License-Identifier: MIT */
/* How each op of the fixtures is said with builders. */
#include "tests/parity/ops.h"

#include <mgen/nn.h>

#include <string.h>

enum { LEADING = 2 };

/* ---- parameters ---- */

static double real(const op_case *c, const char *key) { return mg_json_get_real(c->params, key, 0); }
static int64_t whole(const op_case *c, const char *key, int64_t otherwise)
{
    return mg_json_get_int(c->params, key, otherwise);
}

static bool flag(const op_case *c, const char *key)
{
    bool yes = false;
    return mg_json_bool(mg_json_get(c->params, key), &yes) && yes;
}

static int64_t int_at(const mg_json *array, size_t i)
{
    int64_t x = 0;
    mg_json_int(mg_json_at(array, i), &x);
    return x;
}

/* Up to three numbers, one an axis. */
static void numbers(const op_case *c, const char *key, int64_t to[3])
{
    const mg_json *array = mg_json_get(c->params, key);
    for (size_t i = 0; i < mg_json_count(array) && i < 3; i++) to[i] = int_at(array, i);
}

static unsigned axes(const op_case *c)
{
    const mg_json *array = mg_json_get(c->params, "axes");
    unsigned bits = 0;
    for (size_t i = 0; i < mg_json_count(array); i++) bits |= 1u << int_at(array, i);
    return bits;
}

#define G (c->g)
#define X(i) (c->in[i])
#define Y (c->out[0])

/* ---- products ---- */

/* Leading axes as NumPy broadcasts them. */
static void op_matmul(op_case *c)
{
    mg_node *x[2] = {X(0), X(1)};
    int rank = 2;
    for (int i = 0; i < 2; i++) rank = mg_node_shape(x[i])->rank > rank ? mg_node_shape(x[i])->rank : rank;
    mg_shape shape[2] = {{.rank = rank}, {.rank = rank}};
    for (int i = 0; i < 2; i++) {
        int missing = rank - mg_node_shape(x[i])->rank;
        for (int d = 0; d < rank; d++) shape[i].dim[d] = d < missing ? 1 : mg_dim(x[i], d - missing);
        x[i] = mg_reshape(G, x[i], &shape[i]);
    }
    for (int i = 0; i < 2; i++) {
        for (int d = 0; d < rank - 2; d++)
            if (shape[i].dim[d] == 1) shape[i].dim[d] = shape[!i].dim[d];
        x[i] = mg_broadcast(G, x[i], &shape[i]);
    }
    Y = mg_matmul(G, x[0], x[1], false, false);
}

static void op_linear(op_case *c) { Y = mg_linear(G, X(0), X(1), X(2)); }

static mg_node *with_bias(const op_case *c, mg_node *y)
{
    return c->n_in > 2 ? mg_add(G, y, mg_per_channel(G, X(2), y)) : y;
}

static void op_conv(op_case *c)
{
    mg_window w = {.groups = whole(c, "groups", 1)};
    const mg_json *padding = mg_json_get(c->params, "padding");
    numbers(c, "stride", w.stride);
    numbers(c, "dilation", w.dilation);
    for (size_t i = 0; i < mg_json_count(padding) && i < 3; i++) {
        w.before[i] = int_at(mg_json_at(padding, i), 0);
        w.after[i] = int_at(mg_json_at(padding, i), 1);
    }
    Y = with_bias(c, mg_conv(G, X(0), X(1), &w));
}

/* PyTorch's lengths, and `output_padding` as the places that a stride leaves open. */
static void op_conv_transpose(op_case *c)
{
    mg_window w = {.groups = whole(c, "groups", 1)};
    int64_t more[3] = {0}, size[3] = {0};
    numbers(c, "stride", w.stride);
    numbers(c, "dilation", w.dilation);
    numbers(c, "padding", w.before);
    numbers(c, "padding", w.after);
    numbers(c, "output_padding", more);
    for (int a = 0; a < mg_node_shape(X(0))->rank - LEADING; a++)
        size[a] = (mg_dim(X(0), a + LEADING) - 1) * w.stride[a] - 2 * w.before[a] +
                  w.dilation[a] * (mg_dim(X(1), a + LEADING) - 1) + more[a] + 1;
    Y = with_bias(c, mg_conv_to_input(G, X(0), X(1), &w, size));
}

/* ---- norms ---- */

static void op_layer_norm(op_case *c) { Y = mg_layer_norm(G, X(0), X(1), X(2), real(c, "eps")); }
static void op_group_norm(op_case *c) { Y = mg_group_norm(G, X(0), whole(c, "groups", 1), X(1), X(2), real(c, "eps")); }
static void op_weight_norm(op_case *c) { Y = mg_weight_norm(G, X(0), X(1)); }
static void op_pixel_norm(op_case *c) { Y = mg_pixel_norm(G, X(0), real(c, "eps")); }
static void op_minibatch_stddev(op_case *c) { Y = mg_minibatch_stddev(G, X(0), real(c, "eps")); }

static void op_batch_norm(op_case *c)
{
    if (!flag(c, "training")) {
        Y = mg_batch_norm_by(G, X(0), X(1), X(2), X(3), X(4), real(c, "eps"));
        return;
    }
    mg_node *moment[2];
    double momentum = real(c, "momentum");
    Y = mg_batch_norm(G, X(0), X(1), X(2), real(c, "eps"));
    mg_batch_moments(G, X(0), &moment[0], &moment[1]);
    for (int i = 0; i < 2; i++)
        c->out[1 + i] = mg_add(G, mg_affine(G, X(3 + i), 1 - momentum, 0), mg_affine(G, moment[i], momentum, 0));
}

/* ---- along an axis ---- */

static mg_node *on_axis(const op_case *c, mg_node *(*f)(mg_graph *g, mg_node *x))
{
    int axis = (int)whole(c, "axis", 0), last = mg_node_shape(X(0))->rank - 1;
    return mg_transpose(G, f(G, mg_transpose(G, X(0), axis, last)), axis, last);
}

static void op_softmax(op_case *c) { Y = on_axis(c, mg_softmax); }
static void op_log_softmax(op_case *c) { Y = on_axis(c, mg_log_softmax); }
static void op_glu(op_case *c) { Y = mg_glu(G, X(0), (int)whole(c, "axis", 0)); }
static void op_gated_tanh(op_case *c) { Y = mg_gated_tanh(G, X(0), (int)whole(c, "axis", 0)); }
static void op_concat(op_case *c) { Y = mg_concat(G, (int)whole(c, "axis", 0), c->in, c->n_in); }

static void op_cross_entropy(op_case *c) { Y = mg_mean(G, mg_cross_entropy(G, X(0), X(1)), ~0u); }

static void op_bce_with_logits(op_case *c)
{
    Y = mg_mean(G, mg_sub(G, mg_softplus(G, X(0)), mg_mul(G, X(0), X(1))), ~0u);
}

/* ---- element by element ---- */

#define UNARY(name) static void op_##name(op_case *c) { Y = mg_##name(G, X(0)); }
UNARY(sigmoid) UNARY(tanh) UNARY(relu) UNARY(gelu_tanh) UNARY(softplus) UNARY(silu)
UNARY(exp) UNARY(log) UNARY(sqrt)
static void op_gelu_erf(op_case *c) { Y = mg_gelu(G, X(0)); }
static void op_leaky_relu(op_case *c) { Y = mg_leaky_relu(G, X(0), real(c, "slope")); }
static void op_elu(op_case *c) { Y = mg_elu(G, X(0), real(c, "alpha")); }

#define BINARY(name) static void op_##name(op_case *c) { Y = mg_##name(G, X(0), X(1)); }
BINARY(add) BINARY(sub) BINARY(mul) BINARY(div)

/* ---- shape ---- */

static void op_embedding(op_case *c) { Y = mg_gather(G, X(0), X(1), 0); }

static void op_slice(op_case *c)
{
    const mg_json *ranges = mg_json_get(c->params, "ranges");
    Y = X(0);
    for (size_t d = 0; d < mg_json_count(ranges); d++) {
        const mg_json *range = mg_json_at(ranges, d);
        int64_t start = int_at(range, 0), end = int_at(range, 1), step = int_at(range, 2);
        Y = mg_slice(G, Y, (int)d, start, (end - start + step - 1) / step, step);
    }
}

static void op_pad(op_case *c)
{
    const mg_json *padding = mg_json_get(c->params, "padding");
    int first = mg_node_shape(X(0))->rank - (int)mg_json_count(padding);
    bool mirrors = !strcmp(mg_json_get_string(c->params, "mode", ""), "reflect");
    Y = X(0);
    for (size_t d = 0; d < mg_json_count(padding); d++) {
        int64_t before = int_at(mg_json_at(padding, d), 0), after = int_at(mg_json_at(padding, d), 1);
        int axis = first + (int)d;
        Y = mirrors ? mg_pad_mirrored(G, Y, axis, before, after)
                    : mg_pad_value(G, Y, axis, before, after, real(c, "value"));
    }
}

static void op_transpose(op_case *c)
{
    const mg_json *array = mg_json_get(c->params, "axes");
    int order[MG_RANK];
    for (size_t d = 0; d < mg_json_count(array) && d < MG_RANK; d++) order[d] = (int)int_at(array, d);
    Y = mg_permute(G, X(0), order);
}

static void op_avg_pool(op_case *c)
{
    int64_t kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1};
    numbers(c, "kernel", kernel);
    numbers(c, "stride", stride);
    Y = mg_average_pool(G, X(0), kernel, stride);
}

static void op_upsample_nearest(op_case *c)
{
    int64_t scale[3] = {1, 1, 1};
    numbers(c, "scale", scale);
    Y = mg_upsample(G, X(0), scale);
}

/* ---- reductions: axes that are summed stay with length 1, which changes no number ---- */

static void op_sum(op_case *c) { Y = mg_sum(G, X(0), axes(c)); }
static void op_mean(op_case *c) { Y = mg_mean(G, X(0), axes(c)); }
static void op_max(op_case *c) { Y = mg_max_over(G, X(0), axes(c)); }
static void op_norm(op_case *c) { Y = mg_norm(G, X(0), axes(c)); }

static void op_var(op_case *c)
{
    double n = 1;
    for (int d = 0; d < mg_node_shape(X(0))->rank; d++)
        if (axes(c) >> d & 1) n *= (double)mg_dim(X(0), d);
    Y = mg_affine(G, mg_variance(G, X(0), axes(c)), flag(c, "unbiased") ? n / (n - 1) : 1, 0);
}

/* ---- sequences ---- */

static void op_attention(op_case *c) { Y = mg_attention(G, X(0), X(1), X(2), NULL); }
static void op_relative_attention(op_case *c) { Y = mg_attention(G, X(0), X(1), X(2), X(3)); }

enum { W_IH = 3, W_HH, B_IH, B_HH };

static mg_lstm_out lstm_over(const op_case *c, mg_node *x)
{
    mg_node *pre = mg_linear(G, x, X(W_IH), mg_add(G, X(B_IH), X(B_HH)));
    mg_node *mask = mg_fill(G, &MG_SHAPE(mg_dim(x, 0), mg_dim(x, 1)), 1);
    return mg_lstm(G, pre, X(1), X(2), X(W_HH), mask);
}

static mg_node *last_step(const op_case *c, mg_node *y)
{
    return mg_reshape(G, mg_slice(G, y, 0, mg_dim(y, 0) - 1, 1, 1), mg_node_shape(X(1)));
}

static void op_lstm_cell(op_case *c)
{
    mg_lstm_out r = lstm_over(c, mg_reshape(G, X(0), &MG_SHAPE(1, mg_dim(X(0), 0), mg_dim(X(0), 1))));
    c->out[0] = last_step(c, r.y);
    c->out[1] = last_step(c, r.c);
}

static void op_lstm(op_case *c)
{
    mg_lstm_out r = lstm_over(c, mg_transpose(G, X(0), 0, 1));
    c->out[0] = mg_transpose(G, r.y, 0, 1);
    c->out[1] = last_step(c, r.y);
    c->out[2] = last_step(c, r.c);
}

/* ---- the table ---- */

#define ROW(name) {#name, op_##name}
static const struct { const char *name; op_builder build; } table[] = {
    ROW(matmul), {"bmm", op_matmul}, ROW(linear), ROW(conv), ROW(conv_transpose), ROW(layer_norm), ROW(batch_norm),
    ROW(group_norm), ROW(weight_norm), ROW(pixel_norm), ROW(minibatch_stddev), ROW(softmax), ROW(log_softmax),
    ROW(cross_entropy), ROW(bce_with_logits), ROW(sigmoid), ROW(tanh), ROW(relu), ROW(leaky_relu), ROW(gelu_tanh),
    ROW(gelu_erf), ROW(elu), ROW(softplus), ROW(silu), ROW(exp), ROW(log), ROW(sqrt), ROW(embedding), ROW(concat),
    ROW(slice), ROW(pad), ROW(transpose), ROW(add), ROW(sub), ROW(mul), ROW(div), ROW(sum), ROW(mean), ROW(max),
    ROW(var), ROW(norm), ROW(avg_pool), ROW(upsample_nearest), ROW(glu), ROW(gated_tanh), ROW(attention),
    ROW(relative_attention), ROW(lstm_cell), ROW(lstm),
};

op_builder op_find(const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, name) == 0) return table[i].build;
    return NULL;
}
