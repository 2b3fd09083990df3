/* SPDX-License-Identifier: MIT */
/** Graphs: a model's arithmetic as nodes, made by builders, planned once for its shapes, then run again and again.

    A node stands for one tensor. Builders never return NULL: a mismatch of numbers (they come from configurations and
    files) is kept as the graph's failure, later builders return a scalar, and mg_plan_new reports the first one. The
    programmer's mistakes (a wrong type or rank) are asserts. Equal nodes are one. */
#ifndef MGEN_OP_H
#define MGEN_OP_H

#include <mgen/tensor.h>

MG_PUBLIC_BEGIN

typedef struct mg_graph mg_graph;
typedef struct mg_node mg_node;

/** What a graph is built for. Dropout acts in training; what a stream remembers is zero there, unless it is carried
    from run to run, and lives elsewhere. */
typedef enum { MG_TRAINING, MG_LIKELIHOOD, MG_STREAMING } mg_purpose;
typedef struct {
    mg_purpose purpose;
    int phase;             /**< of training */
    int64_t batch, length; /**< examples, steps of each */
    bool carries;          /**< states go on from run to run, though this is no streaming; gradients end at them */
} mg_use;

mg_graph *mg_graph_new(mg_use use);
void mg_graph_free(mg_graph *graph);
mg_use mg_graph_use(const mg_graph *graph);
/** The first failure of a builder, MG_OK if there was none. */
mg_status mg_graph_status(const mg_graph *graph, mg_error *why);
/** From now on builders of fused ops emit their spelling in plain ops instead. For tests. */
void mg_graph_spell(mg_graph *graph, bool spells);

const mg_shape *mg_node_shape(const mg_node *x);
int64_t mg_dim(const mg_node *x, int axis); /**< a length; negative axes count from the end */
mg_type mg_node_type(const mg_node *x);
const char *mg_node_name(const mg_node *x); /**< of an input, parameter, state or random node */

/** Room for n nodes that lives as long as the graph; NULL after a failure. */
mg_node **mg_node_array(mg_graph *graph, int64_t n);

/* ---- where numbers come from ---- */

/** How a parameter starts. */
typedef enum {
    MG_START_CONSTANT,  /**< `size` everywhere */
    MG_START_UNIFORM,   /**< between -size and size */
    MG_START_NORMAL,    /**< mean 0, deviation `size` */
    MG_START_FORGET     /**< 0, but 1 in the second quarter: the forget gate's bias (Jozefowicz et al. 2015) */
} mg_start_kind;
typedef struct { mg_start_kind kind; double size; } mg_start;

mg_node *mg_input(mg_graph *g, const char *name, const mg_shape *shape);
/** Integers in 0 .. limit - 1; others are refused when the graph runs. */
mg_node *mg_input_index(mg_graph *g, const char *name, int64_t limit, const mg_shape *shape);
mg_node *mg_scalar(mg_graph *g, const char *name);                       /**< an input of rank 0 */
/** A parameter of the model: the same name gives the same node and must have the same shape. */
mg_node *mg_param(mg_graph *g, const char *name, const mg_shape *shape, mg_start start);
/** A parameter that no gradient moves, such as a running mean: a model's file has it, training writes it. */
mg_node *mg_statistic(mg_graph *g, const char *name, const mg_shape *shape, mg_start start);
/** Its value after an update, where the graph is for training: output "next/NAME". */
void mg_statistic_move(mg_graph *g, mg_node *statistic, mg_node *value);
/** What a stream remembers from one run to the next; zero at its start, and always where the use is training that does
    not carry. Its first axis counts the examples, unless it is the same for all of them. */
mg_node *mg_state(mg_graph *g, const char *name, const mg_shape *shape);
/** The state's value after this run. */
void mg_write(mg_graph *g, mg_node *state, mg_node *x);
mg_node *mg_fill(mg_graph *g, const mg_shape *shape, double value);
mg_node *mg_table(mg_graph *g, const mg_shape *shape, const double *values); /**< copies the values */
mg_node *mg_count_up(mg_graph *g, int64_t n);                                /**< a table of 0, 1, .. n - 1 */
/** Numbers uniform in [0, 1), drawn anew for each run and example: Philox keyed by seed, name and record. Axis
    `examples` counts the batch. */
mg_node *mg_uniform(mg_graph *g, const char *name, const mg_shape *shape, int examples);

/* ---- element by element; shapes that differ are broadcast as NumPy does ---- */

mg_node *mg_affine(mg_graph *g, mg_node *x, double scale, double shift); /**< scale x + shift */
mg_node *mg_add(mg_graph *g, mg_node *a, mg_node *b);
mg_node *mg_sub(mg_graph *g, mg_node *a, mg_node *b);
mg_node *mg_mul(mg_graph *g, mg_node *a, mg_node *b);
mg_node *mg_div(mg_graph *g, mg_node *a, mg_node *b);
mg_node *mg_max(mg_graph *g, mg_node *a, mg_node *b);
mg_node *mg_step(mg_graph *g, mg_node *x);                               /**< 1 where x > 0, else 0; no gradient */
mg_node *mg_equal(mg_graph *g, mg_node *a, mg_node *b);                  /**< 1 or 0; no gradient */
/** b where the mask is not 0, else c. What is not chosen is not looked at: a mask stops infinities. */
mg_node *mg_select(mg_graph *g, mg_node *mask, mg_node *b, mg_node *c);
mg_node *mg_exp(mg_graph *g, mg_node *x);
mg_node *mg_log(mg_graph *g, mg_node *x);
mg_node *mg_sqrt(mg_graph *g, mg_node *x);
mg_node *mg_tanh(mg_graph *g, mg_node *x);
mg_node *mg_erf(mg_graph *g, mg_node *x);
mg_node *mg_sigmoid(mg_graph *g, mg_node *x);
mg_node *mg_softplus(mg_graph *g, mg_node *x);                           /**< ln(1 + e^x) */
mg_node *mg_square(mg_graph *g, mg_node *x);
mg_node *mg_relu(mg_graph *g, mg_node *x);
mg_node *mg_cast(mg_graph *g, mg_node *index);                           /**< integers as reals; no gradient */
mg_node *mg_to_index(mg_graph *g, mg_node *x);                           /**< the nearest integers; no gradient */
mg_node *mg_stop_gradient(mg_graph *g, mg_node *x);

/* ---- shape ---- */

mg_node *mg_reshape(mg_graph *g, mg_node *x, const mg_shape *shape);
/** Axis i of the result is axis order[i] of x. */
mg_node *mg_permute(mg_graph *g, mg_node *x, const int *order);
mg_node *mg_transpose(mg_graph *g, mg_node *x, int a, int b);            /**< two axes swapped */
mg_node *mg_broadcast(mg_graph *g, mg_node *x, const mg_shape *shape);
mg_node *mg_slice(mg_graph *g, mg_node *x, int axis, int64_t start, int64_t count, int64_t step);
/** Zeros around x and `inner` of them between its elements. */
mg_node *mg_pad(mg_graph *g, mg_node *x, int axis, int64_t before, int64_t after, int64_t inner);
mg_node *mg_concat(mg_graph *g, int axis, mg_node *const *x, int n);
/** The rows of x along its first axis, which goes; *rows has mg_dim(x, 0) places and is the caller's. */
void mg_rows(mg_graph *g, mg_node *x, mg_node **rows);
/** Bit d of `axes` set: axis d is summed (maximised) and keeps length 1. */
mg_node *mg_sum(mg_graph *g, mg_node *x, unsigned axes);
mg_node *mg_max_over(mg_graph *g, mg_node *x, unsigned axes);
mg_node *mg_mean(mg_graph *g, mg_node *x, unsigned axes);
mg_node *mg_sum_all(mg_graph *g, mg_node *x);                            /**< a scalar */
/** Rows of x by number: x [B.., N, D..], index [B.., K..] give [B.., K.., D..]; `batch` axes B are shared. */
mg_node *mg_gather(mg_graph *g, mg_node *x, mg_node *index, int batch);
/** index [..] below n as rows of n numbers [.., n], one of them 1. */
mg_node *mg_one_hot(mg_graph *g, mg_node *index, int64_t n);
/** The other way: x [B.., K.., D..] added into zeros [B.., rows, D..] at the rows that index names. */
mg_node *mg_scatter_add(mg_graph *g, mg_node *x, mg_node *index, int batch, int64_t rows);

/* ---- products ---- */

/** Over the last two axes, op(a) [m, k] times op(b) [k, n]; the axes before are equal. ta, tb: transposed. */
mg_node *mg_matmul(mg_graph *g, mg_node *a, mg_node *b, bool ta, bool tb);
/** x w^T + b: x [.., in], w [out, in], b [out]. Fused. */
mg_node *mg_linear(mg_graph *g, mg_node *x, mg_node *w, mg_node *b);

/* ---- convolutions over one, two or three axes ---- */

/** How a kernel goes over its input, axis by axis: zeros `before` and `after` it, steps of `stride` (0: 1), taps
    `dilation` (0: 1) apart; channels and filters fall into `groups` (0: 1) that do not see each other. */
typedef struct { int64_t stride[3], dilation[3], before[3], after[3], groups; } mg_window;
/** Cross-correlation: x [B, C, n..], w [F, C / groups, k..] give [B, F, m..],
    m = (n + before + after - dilation (k - 1) - 1) / stride + 1. */
mg_node *mg_conv(mg_graph *g, mg_node *x, mg_node *w, const mg_window *window);
/** The transposed convolution: y [B, F, m..], w [F, C / groups, k..] give [B, C, size..], from which a convolution with
    the same window gives y's shape. */
mg_node *mg_conv_to_input(mg_graph *g, mg_node *y, mg_node *w, const mg_window *window, const int64_t *size);
/** The third of them: x [B, C, n..], y [B, F, m..] give [F, C / groups, size..]. */
mg_node *mg_conv_to_kernel(mg_graph *g, mg_node *x, mg_node *y, const mg_window *window, const int64_t *size);

/* ---- over the last axis, fused ---- */

mg_node *mg_softmax(mg_graph *g, mg_node *x);
mg_node *mg_log_softmax(mg_graph *g, mg_node *x);
/** log sum exp x - x[target]: logits [.., n], targets [..], integers below n, give [..]. */
mg_node *mg_cross_entropy(mg_graph *g, mg_node *logits, mg_node *targets);

/* ---- recurrence, fused ---- */

/** An LSTM over time (Hochreiter and Schmidhuber 1997, gates in the order i, f, g, o): pre = x W_ih^T + biases
    [T, B, 4H] of all steps, state before h, c [B, H], w = W_hh [4H, H], mask [T, B]: where it is 0 the state stays.
    Gives y and c of every step [T, B, H]; the state after is the last row of each. */
typedef struct { mg_node *y, *c; } mg_lstm_out;
mg_lstm_out mg_lstm(mg_graph *g, mg_node *pre, mg_node *h, mg_node *c, mg_node *w, mg_node *mask);

/* ---- results ---- */

/** Keep x: it can be read after a run. */
void mg_output(mg_graph *g, const char *name, mg_node *x);
mg_node *mg_output_find(const mg_graph *g, const char *name); /**< NULL if there is none */

size_t mg_graph_params(const mg_graph *g);
typedef struct {
    const char *name;
    mg_shape shape;
    mg_start start;
    mg_node *node;
    bool is_statistic;
} mg_param_info;
mg_param_info mg_graph_param(const mg_graph *g, size_t i); /**< in the order of their first use */
size_t mg_graph_states(const mg_graph *g);
mg_node *mg_graph_state(const mg_graph *g, size_t i);

/* ---- plan and run ---- */

/** A graph scheduled for its shapes: what is computed, in which order, and where each result lies. Read-only once
    made, so that several instances share it. Takes the graph in any case. */
typedef struct mg_plan mg_plan;
mg_status mg_plan_new(mg_graph *graph, mg_plan **plan, mg_error *why);
void mg_plan_free(mg_plan *plan);
size_t mg_plan_bytes(const mg_plan *plan); /**< of an instance on one thread */
double mg_plan_flops(const mg_plan *plan); /**< operations of a run's products, two a multiply-add; no other ops */
const mg_graph *mg_plan_graph(const mg_plan *plan);
/** Where time goes: calls of op i took seconds[i]; for a bench program. */
typedef struct { const char *name; uint64_t calls; double seconds; } mg_op_time;

/** The memory in which a plan runs: its inputs, states and intermediate results. One instance is one
    thread's, which others may help: up to `threads` make products, convolutions and LSTMs together, to the same
    bits. */
typedef struct mg_instance mg_instance;
/** params[i] holds the numbers of the graph's parameter i and stays the caller's. */
mg_status mg_instance_new(const mg_plan *plan, mg_real *const *params, int threads, mg_instance **instance,
                          mg_error *why);
void mg_instance_free(mg_instance *instance);
/** What products are made of: floats; bfloat16, to which both sides are rounded on the way, with sums in float; or
    weights in 8 bits, each output of a product in steps of its own. */
typedef enum { MG_FLOAT32, MG_BFLOAT16, MG_INT8 } mg_precision;
/** All products from now on, MG_FLOAT32 or MG_BFLOAT16; an instance begins with floats. */
void mg_instance_compute_in(mg_instance *instance, mg_precision precision);
/** Once: parameters will not change any more, so lay the weights of products out as these read them quickest.
    MG_NO_MEMORY. */
mg_status mg_instance_pack(mg_instance *instance, mg_precision precision, mg_error *why);
/** Use what another instance of the same plan has packed, which must live as long. */
void mg_instance_pack_as(mg_instance *instance, const mg_instance *other);
/** Where to put an input, read by the next run; data NULL if the graph has none of that name or does not use it. */
mg_tensor mg_instance_input(mg_instance *instance, const char *name);
/** A state, to look at or to set; data NULL if there is none. */
mg_tensor mg_instance_state(mg_instance *instance, const char *name);
/** All states zero: a new stream. Within one, parameters are taken to stay as they are. */
void mg_instance_reset(mg_instance *instance);
/** Example i goes on as example from[i] would: its row of every input and state. Not for what all examples share,
    whose first axis has another length than there are examples. */
mg_status mg_instance_take_rows(mg_instance *instance, const int32_t *from, mg_error *why);
/** An output of the last run; data NULL if there is none. */
mg_tensor mg_instance_output(const mg_instance *instance, const char *name);
/** Random nodes draw for examples record, record + 1, ... of this seed. */
void mg_instance_seed(mg_instance *instance, uint64_t seed, uint64_t record);
/** Compute all outputs and write the states, without allocating. MG_BAD_DATA if an index lies
    outside its limit. */
mg_status mg_instance_run(mg_instance *instance, mg_error *why);
/** Count time by op from now on: `times` has room for mg_op_count() and is the caller's; NULL stops it. */
void mg_instance_profile(mg_instance *instance, mg_op_time *times);
size_t mg_op_count(void);

MG_PUBLIC_END
#endif
