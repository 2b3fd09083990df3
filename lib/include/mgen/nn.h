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
/** Rows of NAME.weight [rows, width], normal with deviation 1. */
mg_node *mg_layer_embedding(mg_graph *g, const char *name, mg_node *index, int64_t rows, int64_t width);
/** Layer `layer` of an LSTM over time: x [T, B, in], or ids [T, B] below `in` that stand for one-hot rows; h and c
    [B, units], the state before; mask [T, B]. NAME.weight_ih_l{layer} [4 units, in], weight_hh_l, bias_ih_l,
    bias_hh_l: weights uniform within 1 / sqrt(units), biases 0 but 1 for the forget gate. */
mg_lstm_out mg_layer_lstm(mg_graph *g, const char *name, int layer, mg_node *x, int64_t in, mg_node *h, mg_node *c,
                          mg_node *mask);
/** In training, each number is 0 with probability p, else divided by 1 - p. Axis `examples` counts the batch. */
mg_node *mg_dropout(mg_graph *g, const char *name, mg_node *x, double p, int examples);
/** index [..] below n as rows of n numbers, one of them 1. */
mg_node *mg_one_hot(mg_graph *g, mg_node *index, int64_t n);

/* ---- losses of each step ---- */

/** log sum exp x - x[target]: logits [.., n], targets [..] give [..]. */
mg_node *mg_cross_entropy(mg_graph *g, mg_node *logits, mg_node *targets);
/** Sum over the last axis of softplus(z) - y z, the negative log-likelihood of independent bits y. */
mg_node *mg_bernoulli_nll(mg_graph *g, mg_node *logits, mg_node *targets);

/* ---- models ---- */

/** One thing that training alternates: an output to make small, and the parameters that move. A graph that is built
    for it has the inputs tokens or roll [B, T, ..], targets, mask [B, T] and per_target, a scalar: 1 / unmasked steps
    of the whole batch, of which a graph may see a part. */
typedef struct {
    const char *name;
    const char *loss;   /**< an output, a scalar: a part's share of the batch's loss */
    const char *params; /**< prefix of the names of the parameters that it moves; "" all */
} mg_phase;

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
    /** Set what follows from the data: `vocab` ids (0 for rolls). NULL: nothing does. */
    void (*adapt)(void *config, int64_t vocab);
} mg_model;

/** A configuration at its defaults, new and yours (mg_free); NULL when out of memory. */
void *mg_model_config(const mg_model *model);
/** Set in it what follows from the data: a vocabulary of `vocab` ids, 0 for rolls. */
void mg_model_adapt(const mg_model *model, void *config, int64_t vocab);

/** Finds a model by name; NULL if there is none. */
typedef const mg_model *(*mg_model_finder)(const char *name);

/** The graph of a model for a use, with the gradients of its phase as outputs "grad/NAME" where the use is training.
    NULL when out of memory. */
mg_graph *mg_model_graph(const mg_model *model, const void *config, mg_use use);

/** Visit the parameters of a model, phase by phase (one may come again), without making them. */
typedef mg_status (*mg_param_fn)(void *user, const mg_param_info *info, mg_error *why);
mg_status mg_model_each_param(const mg_model *model, const void *config, mg_param_fn visit, void *user, mg_error *why);
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
/** Inputs and targets of `length` steps from `start` on: int32_t tokens, or rows of a mg_real for each key, which must
    be zero before. */
void mg_example_fill(const mg_encoding *encoding, const int32_t *tokens, size_t n, int64_t start, int64_t length,
                     void *input, void *target);

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
