/* SPDX-License-Identifier: MIT */
/* Small cases of every op with a derivative: shapes and kinds of its inputs, and how the op is built over them. The
   tests go through the op list and look each row up here: a row without a case fails, so a new op is tested by
   existing. */
#ifndef TESTS_GRAD_CASES_H
#define TESTS_GRAD_CASES_H

#include "op/op.h"

enum { MOST_INPUTS = 8 };

typedef enum { PLAIN, POSITIVE, MASK, INDEX } input_kind; /* INDEX: 0 .. 3 */

typedef struct {
    const char *op;
    int n;
    struct { input_kind kind; mg_shape shape; } in[MOST_INPUTS];
    mg_node *(*build)(mg_graph *g, mg_node **in);
} grad_case;

#define BUILD(name, expression)                                       \
    static mg_node *build_##name(mg_graph *g, mg_node **in)           \
    {                                                                 \
        return expression;                                            \
    }

BUILD(affine, mg_affine(g, in[0], -1.7, 0.3))
BUILD(add, mg_add(g, in[0], in[1]))
BUILD(sub, mg_sub(g, in[0], in[1]))
BUILD(mul, mg_mul(g, in[0], in[1]))
BUILD(div, mg_div(g, in[0], in[1]))
BUILD(max, mg_max(g, in[0], in[1]))
BUILD(select, mg_select(g, in[0], in[1], in[2]))
BUILD(exp, mg_exp(g, in[0]))
BUILD(log, mg_log(g, in[0]))
BUILD(sqrt, mg_sqrt(g, in[0]))
BUILD(tanh, mg_tanh(g, in[0]))
BUILD(sigmoid, mg_sigmoid(g, in[0]))
BUILD(softplus, mg_softplus(g, in[0]))
BUILD(copy, mg_node_clone(g, in[0]))
BUILD(reshape, mg_reshape(g, mg_square(g, in[0]), &MG_SHAPE(3, 4)))
BUILD(permute, mg_permute(g, mg_square(g, in[0]), ((const int[]){2, 0, 1})))
BUILD(broadcast, mg_tanh(g, mg_broadcast(g, in[0], &MG_SHAPE(4, 2, 3))))
BUILD(slice, mg_slice(g, mg_square(g, in[0]), 1, 1, 3, 2))
BUILD(pad, mg_pad(g, mg_square(g, in[0]), 1, 2, 1, 2))
BUILD(concat, mg_square(g, mg_concat(g, 1, in, 3)))
BUILD(sum, mg_square(g, mg_sum(g, in[0], 5)))
BUILD(sum_rows, mg_square(g, mg_sum(g, in[0], 1)))
BUILD(mean, mg_square(g, mg_mean(g, in[0], 5)))
BUILD(max_over, mg_square(g, mg_max_over(g, in[0], 2)))
BUILD(gather, mg_square(g, mg_gather(g, in[0], in[1], 0)))
BUILD(gather_batch, mg_square(g, mg_gather(g, in[0], in[1], 1)))
BUILD(scatter_add, mg_square(g, mg_scatter_add(g, in[0], in[1], 1, 4)))
BUILD(matmul, mg_tanh(g, mg_matmul(g, in[0], in[1], false, false)))
BUILD(matmul_ta, mg_tanh(g, mg_matmul(g, in[0], in[1], true, false)))
BUILD(matmul_tb, mg_tanh(g, mg_matmul(g, in[0], in[1], false, true)))
BUILD(matmul_both, mg_tanh(g, mg_matmul(g, in[0], in[1], true, true)))
BUILD(matmul_view, mg_matmul(g, mg_transpose(g, in[0], 1, 2), mg_broadcast(g, in[1], &MG_SHAPE(2, 3, 5)), false, false))
BUILD(erf, mg_erf(g, in[0]))
BUILD(conv, mg_tanh(g, mg_conv(g, in[0], in[1], &(mg_window){.stride = {3}, .dilation = {2}, .before = {2},
                                                             .after = {1}})))
BUILD(conv_2d, mg_tanh(g, mg_conv(g, in[0], in[1], &(mg_window){.stride = {1, 2}, .before = {1}, .after = {0, 1},
                                                                .groups = 2})))
BUILD(conv_3d, mg_conv(g, in[0], in[1], &(mg_window){.stride = {2, 1, 1}, .dilation = {1, 2, 1}, .before = {1, 0, 1}}))
BUILD(conv_to_input, mg_tanh(g, mg_conv_to_input(g, in[0], in[1], &(mg_window){.stride = {2}, .before = {1}},
                                                 ((const int64_t[]){6}))))
BUILD(conv_to_kernel, mg_tanh(g, mg_conv_to_kernel(g, in[0], in[1], &(mg_window){.stride = {2}, .after = {1},
                                                                                 .groups = 2},
                                                   ((const int64_t[]){3}))))
BUILD(linear, mg_tanh(g, mg_linear(g, in[0], in[1], in[2])))
BUILD(softmax, mg_softmax(g, in[0]))
BUILD(log_softmax, mg_log_softmax(g, in[0]))

static mg_node *build_split(mg_graph *g, mg_node **in)
{
    mg_node *rows[3];
    mg_rows(g, in[0], rows);
    return mg_mul(g, mg_square(g, rows[0]), rows[2]); /* and nothing of the middle one */
}

/* All that an LSTM gives, as one tensor; and only its last step, as a streaming run has it. */
static mg_node *build_lstm(mg_graph *g, mg_node **in)
{
    mg_lstm_out r = mg_lstm(g, in[0], in[1], in[2], in[3], in[4]);
    return mg_concat(g, 2, (mg_node *[]){r.y, r.c}, 2);
}

static mg_node *build_lstm_last(mg_graph *g, mg_node **in)
{
    mg_lstm_out r = mg_lstm(g, in[0], in[1], in[2], in[3], in[4]);
    return mg_slice(g, r.y, 0, mg_dim(r.y, 0) - 1, 1, 1);
}

/* The op that the derivative of lstm emits, with all its cotangents there. */
static mg_node *build_lstm_back(mg_graph *g, mg_node **in)
{
    mg_attr attr = {.lstm = {1, 1, 1}};
    mg_node *back = mg_node_make(g, MG_OP_lstm_back, in, 8, &attr, NULL);
    mg_node *dpre = mg_node_part(g, back, 0, 0, &MG_SHAPE(3, 2, 8));
    mg_node *dh = mg_node_part(g, back, 1, 48, &MG_SHAPE(2, 2)), *dc = mg_node_part(g, back, 2, 64, &MG_SHAPE(2, 2));
    mg_node *flat[] = {mg_reshape(g, dpre, &MG_SHAPE(48)), mg_reshape(g, dh, &MG_SHAPE(4)),
                       mg_reshape(g, dc, &MG_SHAPE(4))};
    return mg_concat(g, 0, flat, 3);
}

BUILD(cross_entropy, mg_cross_entropy(g, in[0], in[1]))
BUILD(cross_entropy_back, mg_node_fused(g, MG_OP_cross_entropy_back, in, 3))

#define R(...) {PLAIN, MG_SHAPE_INIT(__VA_ARGS__)}
#define P(...) {POSITIVE, MG_SHAPE_INIT(__VA_ARGS__)}
#define M(...) {MASK, MG_SHAPE_INIT(__VA_ARGS__)}
#define N(...) {INDEX, MG_SHAPE_INIT(__VA_ARGS__)}
#define MG_SHAPE_INIT(...) {(int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}}

static const grad_case cases[] = {
    {"affine", 1, {R(2, 3)}, build_affine},
    {"add", 2, {R(2, 3), R(2, 3)}, build_add},
    {"add", 2, {R(2, 1, 3), R(4, 1)}, build_add},
    {"sub", 2, {R(2, 3), R(3)}, build_sub},
    {"mul", 2, {R(2, 3), R(2, 1)}, build_mul},
    {"div", 2, {R(2, 3), P(2, 3)}, build_div},
    {"max", 2, {R(2, 3), R(2, 3)}, build_max},
    {"select", 3, {M(2, 3), R(2, 3), R(3)}, build_select},
    {"exp", 1, {R(7)}, build_exp},
    {"log", 1, {P(7)}, build_log},
    {"sqrt", 1, {P(7)}, build_sqrt},
    {"tanh", 1, {R(7)}, build_tanh},
    {"erf", 1, {R(7)}, build_erf},
    {"sigmoid", 1, {R(7)}, build_sigmoid},
    {"softplus", 1, {R(7)}, build_softplus},
    {"copy", 1, {R(7)}, build_copy},
    {"reshape", 1, {R(2, 6)}, build_reshape},
    {"split", 1, {R(3, 2, 2)}, build_split},
    {"permute", 1, {R(2, 3, 4)}, build_permute},
    {"broadcast", 1, {R(1, 2, 1)}, build_broadcast},
    {"slice", 1, {R(2, 6, 2)}, build_slice},
    {"pad", 1, {R(2, 3, 2)}, build_pad},
    {"concat", 3, {R(2, 1, 2), R(2, 3, 2), R(2, 2, 2)}, build_concat},
    {"sum", 1, {R(2, 3, 4)}, build_sum},
    {"sum", 1, {R(4, 3)}, build_sum_rows},
    {"sum", 1, {R(2, 3, 4)}, build_mean},
    {"max_over", 1, {R(2, 5, 3)}, build_max_over},
    {"gather", 2, {R(4, 3), N(2, 5)}, build_gather},
    {"gather", 2, {R(2, 4, 3), N(2, 5)}, build_gather_batch},
    {"scatter_add", 2, {R(2, 5, 3), N(2, 5)}, build_scatter_add},
    {"matmul", 2, {R(3, 4), R(4, 2)}, build_matmul},
    {"matmul", 2, {R(2, 4, 3), R(2, 4, 5)}, build_matmul_ta},
    {"matmul", 2, {R(2, 3, 4), R(2, 5, 4)}, build_matmul_tb},
    {"matmul", 2, {R(4, 3), R(2, 4)}, build_matmul_both},
    {"matmul", 2, {R(2, 3, 4), R(1, 3, 5)}, build_matmul_view},
    {"conv", 2, {R(2, 2, 7), R(3, 2, 3)}, build_conv},
    {"conv", 2, {R(2, 4, 3, 5), R(4, 2, 2, 3)}, build_conv_2d},
    {"conv", 2, {R(1, 2, 3, 4, 3), R(2, 2, 2, 2, 3)}, build_conv_3d},
    {"conv_to_input", 2, {R(2, 3, 3), R(3, 2, 3)}, build_conv_to_input},
    {"conv_to_kernel", 2, {R(2, 4, 6), R(2, 2, 3)}, build_conv_to_kernel},
    {"linear", 3, {R(2, 3, 4), R(5, 4), R(5)}, build_linear},
    {"softmax", 1, {R(3, 5)}, build_softmax},
    {"log_softmax", 1, {R(2, 3, 5)}, build_log_softmax},
    {"cross_entropy", 2, {R(2, 3, 5), N(2, 3)}, build_cross_entropy},
    {"cross_entropy_back", 3, {R(2, 3, 5), N(2, 3), R(2, 3)}, build_cross_entropy_back},
    {"lstm", 5, {R(3, 2, 8), R(2, 2), R(2, 2), R(8, 2), M(3, 2)}, build_lstm},
    {"lstm", 5, {R(2, 3, 12), R(3, 3), R(3, 3), R(12, 3), M(2, 3)}, build_lstm_last},
    {"lstm_back", 8, {R(8, 2), M(3, 2), R(2, 2), R(3, 2, 2), R(3, 2, 8), R(3, 2, 2), R(3, 2, 2), R(3, 2, 8)},
     build_lstm_back},
};

#endif
