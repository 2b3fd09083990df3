/* SPDX-License-Identifier: MIT */
/** Layers and losses, what a model is, and a trained one with its file. */
#ifndef MGEN_NN_H
#define MGEN_NN_H

#include <mgen/data.h>
#include <mgen/op.h>

MG_PUBLIC_BEGIN

/* ---- layers: they declare their parameters, named NAME.weight and so on in PyTorch's layouts ---- */

/** x W^T + b: NAME.weight [out, in], NAME.bias [out], both uniform within 1 / sqrt(in). */
mg_node *mg_layer_linear(mg_graph *g, const char *name, mg_node *x, int64_t out);
/** x W^T: NAME.weight [out, in] alone, as before a norm, which would take a bias away again. */
mg_node *mg_layer_matrix(mg_graph *g, const char *name, mg_node *x, int64_t out);
/** A convolution: NAME.weight [filters, channels / groups, kernel..] and, if wanted, NAME.bias [filters], both uniform
    within 1 / sqrt(numbers that a filter sees). kernel: a length for each axis of x after the channels. */
mg_node *mg_layer_conv(mg_graph *g, const char *name, mg_node *x, int64_t filters, const int64_t *kernel,
                       const mg_window *window, bool has_bias);
/** A transposed convolution to `size`: NAME.weight [channels of x, filters / groups, kernel..], NAME.bias [filters]. */
mg_node *mg_layer_conv_transpose(mg_graph *g, const char *name, mg_node *x, int64_t filters, const int64_t *kernel,
                                 const mg_window *window, const int64_t *size, bool has_bias);
/** The window of TensorFlow's SAME: as much padding as keeps n / stride places, the odd one at the end. */
mg_window mg_window_same(int axes, const int64_t *kernel, const int64_t *stride);
/** Which statistics a batch norm uses. */
typedef enum {
    MG_NORM_BATCH,   /**< of the batch; there are no others */
    MG_NORM_HELD,    /**< of the batch; the running ones stay as they are */
    MG_NORM_MOVED,   /**< of the batch, towards which the running ones move: r = (1 - momentum) r + momentum s */
    MG_NORM_RUNNING  /**< the running ones */
} mg_norm_by;
/** Batch norm: NAME.weight, NAME.bias [C]; NAME.running_mean, NAME.running_var, statistics, but with MG_NORM_BATCH. */
mg_node *mg_layer_batch_norm(mg_graph *g, const char *name, mg_node *x, double eps, double momentum, mg_norm_by by);
/** Rows of NAME.weight [rows, width], normal with deviation 1. */
mg_node *mg_layer_embedding(mg_graph *g, const char *name, mg_node *index, int64_t rows, int64_t width);
/** Layer `layer` of an LSTM over time: x [T, B, in], or ids [T, B] below `in` that stand for one-hot rows; h and c
    [B, units], the state before; mask [T, B]. NAME.weight_ih_l{layer} [4 units, in], weight_hh_l, bias_ih_l,
    bias_hh_l: weights uniform within 1 / sqrt(units), biases 0 but 1 for the forget gate. */
mg_lstm_out mg_layer_lstm(mg_graph *g, const char *name, int layer, mg_node *x, int64_t in, mg_node *h, mg_node *c,
                          mg_node *mask);
/** In training, each number is 0 with probability p, else divided by 1 - p. Axis `examples` counts the batch. */
mg_node *mg_dropout(mg_graph *g, const char *name, mg_node *x, double p, int examples);

/* ---- activations ---- */

mg_node *mg_leaky_relu(mg_graph *g, mg_node *x, double slope); /**< x, slope x below 0 */
mg_node *mg_elu(mg_graph *g, mg_node *x, double alpha);        /**< x, alpha (e^x - 1) below 0 (Clevert et al. 2016) */
mg_node *mg_gelu(mg_graph *g, mg_node *x);                     /**< x Phi(x) (Hendrycks and Gimpel 2016) */
mg_node *mg_gelu_tanh(mg_graph *g, mg_node *x);                /**< its approximation by tanh, from the same paper */
mg_node *mg_silu(mg_graph *g, mg_node *x);                     /**< x sigmoid(x) */
mg_node *mg_glu(mg_graph *g, mg_node *x, int axis);            /**< halves a, b of an axis: a sigmoid(b) */
mg_node *mg_gated_tanh(mg_graph *g, mg_node *x, int axis);     /**< tanh(a) sigmoid(b) (van den Oord et al. 2016) */

/* ---- norms; axis 0 counts examples, axis 1 channels, where they are told apart ---- */

mg_node *mg_variance(mg_graph *g, mg_node *x, unsigned axes);  /**< mean of squared distances from the mean */
mg_node *mg_norm(mg_graph *g, mg_node *x, unsigned axes);      /**< root of the sum of squares */
/** v [C] as [1, C, 1 ..] with as many axes as `like` has. */
mg_node *mg_per_channel(mg_graph *g, mg_node *v, const mg_node *like);
/** (x - mean) / sqrt(variance + eps) w + b over the last axis (Ba et al. 2016); w, b as long as it. */
mg_node *mg_layer_norm(mg_graph *g, mg_node *x, mg_node *w, mg_node *b, double eps);
/** The same over the channels of each group and all that follows them (Wu and He 2018); w, b [C]. */
mg_node *mg_group_norm(mg_graph *g, mg_node *x, int64_t groups, mg_node *w, mg_node *b, double eps);
/** The same channel by channel over all examples (Ioffe and Szegedy 2015); and by statistics that are given [C]. */
mg_node *mg_batch_norm(mg_graph *g, mg_node *x, mg_node *w, mg_node *b, double eps);
mg_node *mg_batch_norm_by(mg_graph *g, mg_node *x, mg_node *w, mg_node *b, mg_node *mean, mg_node *variance,
                          double eps);
/** Mean and unbiased variance of each channel [C], from which running statistics are kept. */
void mg_batch_moments(mg_graph *g, mg_node *x, mg_node **mean, mg_node **variance);
/** v gain / |v|, the norm over all axes but the first (Salimans and Kingma 2016); gain is broadcast. */
mg_node *mg_weight_norm(mg_graph *g, mg_node *v, mg_node *gain);
mg_node *mg_pixel_norm(mg_graph *g, mg_node *x, double eps);   /**< x / sqrt(mean over channels of x^2 + eps) */
/** A channel more: everywhere the mean of the deviations over the batch, sqrt(variance + eps) (Karras et al. 2018). */
mg_node *mg_minibatch_stddev(mg_graph *g, mg_node *x, double eps);

/* ---- along an axis, or all axes after the channels ---- */

mg_node *mg_take(mg_graph *g, mg_node *x, int axis, mg_node *index); /**< what lies at index [K] of an axis */
/** Where places p lie if an axis of n is mirrored at its ends: |p|, and 2 (n - 1) - p past the end. */
mg_node *mg_mirrored(mg_graph *g, mg_node *p, int64_t n);
mg_node *mg_pad_mirrored(mg_graph *g, mg_node *x, int axis, int64_t before, int64_t after);
mg_node *mg_pad_value(mg_graph *g, mg_node *x, int axis, int64_t before, int64_t after, double value);
/** Means of windows of kernel[i] places, stride[i] apart; what is left over at the end is dropped. */
mg_node *mg_average_pool(mg_graph *g, mg_node *x, const int64_t *kernel, const int64_t *stride);
mg_node *mg_upsample(mg_graph *g, mg_node *x, const int64_t *scale); /**< each value repeated */

/* ---- attention ---- */

/** q, k, v [B, H, L, D]: each place attends to itself and those before it, softmax(q k / sqrt(D)) v. `relative`
    [H, M, D] adds q e(distance), rows for distances M - 1 .. 0, zero beyond; NULL: no such term. */
mg_node *mg_attention(mg_graph *g, mg_node *q, mg_node *k, mg_node *v, mg_node *relative);

/* ---- losses of each step; op.h has the cross entropy ---- */

/** Sum over the last axis of softplus(z) - y z, the negative log-likelihood of independent bits y. */
mg_node *mg_bernoulli_nll(mg_graph *g, mg_node *logits, mg_node *targets);

/* ---- models ---- */

/** One thing that training alternates: an output to make small, and the parameters that move. A graph that is built
    for it has the inputs tokens, features or roll [B, T, ..], targets, mask [B, T] and per_target, a scalar: 1 /
    unmasked steps of the whole batch, of which a graph may see a part. Where steps do not matter there is
    per_example [B]: 1 / examples of the whole batch, 0 at places that are filled up. */
typedef struct {
    const char *name;
    const char *loss;   /**< an output, a scalar: a part's share of the batch's loss */
    const char *params; /**< prefix of the names of the parameters that it moves; "" all */
    /** Outputs beside the loss that people want to see, scalars of the same kind, ended by NULL; NULL: none. */
    const char *const *parts;
    int64_t (*updates)(const void *config, uint64_t round); /**< in a round; NULL: one */
    bool (*couples)(const void *config); /**< whether examples of a batch see each other; NULL: they do not */
    double (*clip_weight)(const void *config); /**< after an update no weight is larger; 0 or NULL: no limit */
} mg_phase;
enum { MG_PARTS = 8 }; /**< most parts of a phase */

/** What a model must know of its data: tokens of the vocabulary (0: rolls), and how many features, numbers, come in
    beside each token (0: none). */
typedef struct { int64_t vocab, features; } mg_data_form;

/** A model is a description; everything else is done with it by others. */
typedef struct mg_model {
    const char *name, *summary;
    const mg_option *options;   /**< its configuration, ended by a row without a name */
    size_t config_size;
    /** Whether the members of a configuration fit each other: MG_BAD_ARGUMENT and why not. NULL: they always do. */
    mg_status (*check)(const void *config, mg_error *why);
    /** The graph for a use. Outputs: logits [B, T, ..] but in training; nll [B, T] and the losses of the phases but in
        streaming. */
    void (*describe)(mg_graph *g, const void *config, mg_use use);
    const mg_phase *phases;
    int n_phases;
    /** Set what follows from the data. NULL: nothing does. */
    void (*adapt)(void *config, mg_data_form data);
} mg_model;

/** A configuration at its defaults, new and yours (mg_free); NULL when out of memory. */
void *mg_model_config(const mg_model *model);
/** Set in it what follows from the data. */
void mg_model_adapt(const mg_model *model, void *config, mg_data_form data);

/** Finds a model by name; NULL if there is none. */
typedef const mg_model *(*mg_model_finder)(const char *name);

/** The graph of a model for a use, with the gradients of its phase as outputs "grad/NAME" where the use is training.
    NULL when out of memory. */
mg_graph *mg_model_graph(const mg_model *model, const void *config, mg_use use);

/** Visit the parameters of a model, phase by phase (one may come again), without making them. */
typedef mg_status (*mg_param_fn)(void *user, const mg_param_info *info, mg_error *why);
mg_status mg_model_each_param(const mg_model *model, const void *config, mg_param_fn visit, void *user, mg_error *why);
/** The parameters that a phase moves, lent by those of the model. */
mg_status mg_model_moves(const mg_model *model, const void *config, int phase, const mg_tensor_set *params,
                         mg_tensor_set *moved, mg_error *why);
/** The parameters of a model at their start, drawn by seed and name. */
mg_status mg_model_start(const mg_model *model, const void *config, uint64_t seed, mg_tensor_set *params,
                         mg_error *why);
/** Where the parameters of a graph lie, for mg_instance_new: a new array (mg_free). MG_BAD_DATA if the set lacks
    one. */
mg_status mg_model_bind(const mg_graph *g, const mg_tensor_set *params, mg_real ***pointers, mg_error *why);

/* ---- examples: a piece as models see it ---- */

/** How many predictions a piece of n tokens x1 .. xn holds. Each token is predicted from those before: inputs are the
    encoding's start token, where it has one, x1 .. xn-1 (and xn where there is an end token), targets the same one
    further. Of frames all but the first are predicted, as in the published benchmarks. */
int64_t mg_example_steps(const mg_encoding *encoding, const int32_t *tokens, size_t n);
/** Inputs (tokens may be NULL: not wanted) and targets of `length` steps from `start` on: int32_t tokens, or rows of a
    mg_real for each key, which must be zero before. */
void mg_example_fill(const mg_encoding *encoding, const int32_t *tokens, size_t n, int64_t start, int64_t length,
                     void *input, void *target);

/* ---- features: what a model is told beside each token ---- */

/** Numbers a step: the encoding's, then those of the controls. */
int64_t mg_features_width(const mg_encoding *encoding, const mg_controls *controls);
/** Those of one step, behind what the grammar has followed. */
void mg_features_put(const mg_encoding *encoding, const mg_controls *controls, const mg_grammar *so_far,
                     const mg_control_values *values, mg_real *out);
/** Those of `length` steps of a piece from `start` on, with the controls that its music has, but for control c where
    bit c of left_out is set. */
void mg_features_fill(const mg_encoding *encoding, const mg_controls *controls, uint32_t left_out,
                      const int32_t *tokens, size_t n, int64_t start, int64_t length, mg_real *out);

/* ---- trained models ---- */

/** A model with its weights and what is known of their origin, as MODEL.safetensors has it: tensors by name, and in
    __metadata__ under "mgen" the rest as JSON. */
typedef struct {
    const mg_model *model;
    void *config;
    mg_tensor_set params;
    char *encoding, *vocab_hash, *data_hash, *licence; /**< "" where unknown */
    char *data_path;   /**< where the data lay, by its provenance; NULL if that does not say it */
    uint64_t step, seed;
    double *first;     /**< share of the pieces that begin with each token; of rolls, whose first frame has each key */
    size_t n_first;    /**< 0 if unknown */
    double bpm;        /**< mean tempo of the data; 0 if unknown */
    int64_t resolution; /**< steps a quarter of the data; 0: the encoding's usual grid */
    mg_controls controls; /**< what it was told of the music to come */
} mg_trained;

/** MG_BAD_DATA where the file tells of what cannot be, or its tensors are not those of the model; MG_BAD_NUMBER where a
    parameter is not finite. */
mg_status mg_trained_load(const char *path, mg_model_finder find, mg_trained **trained, mg_error *why);
/** Write it whole or not at all, with its provenance (which may be NULL). */
mg_status mg_trained_save(const mg_trained *trained, const char *path, const mg_provenance *provenance, mg_error *why);
/** XXH3-128 of the names, shapes and numbers of the parameters. */
mg_hash mg_tensor_set_hash(const mg_tensor_set *set);
/** An untrained one; params are its start. */
mg_status mg_trained_new(const mg_model *model, const void *config, uint64_t seed, mg_trained **trained, mg_error *why);
void mg_trained_free(mg_trained *trained);

/** A tensor of a file; MG_BAD_DATA if it is missing or of another shape. */
mg_status mg_tensor_find_stored(const mg_tensors *file, const char *path, const char *name, const mg_shape *shape,
                                const mg_stored **found, mg_error *why);
/** Fill a tensor from that of a file; MG_BAD_DATA as above. */
mg_status mg_tensor_read(mg_tensor *tensor, const char *name, const mg_tensors *file, const char *path, mg_error *why);
/** The same for all of a set. */
mg_status mg_tensor_set_read(mg_tensor_set *set, const mg_tensors *file, const char *path, mg_error *why);

MG_PUBLIC_END
#endif
