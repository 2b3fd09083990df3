/* SPDX-License-Identifier: MIT */
/* The recurrent event model of Magenta's melody, performance and polyphony RNNs and of the polyphonic-music benchmark:

       tokens, features or piano-roll [-> linear -> relu] -> stacked LSTM -> linear -> logits of the next token, or of
       each pitch of the next frame

   Features are what an encoding or a training says beside each token. A residual layer gives x + layer(x); where the
   sizes differ a linear projection of x stands for x in both places, as in Magenta's.

   With an attention window N the first layer is wrapped as in Magenta's attention RNN (Waite 2016), each step:
       x' = input [x, context];  h, c = cell(x');  score_n = v tanh(memory row_n + query [c, h])
       over the last N outputs;
       context = sum softmax(score)_n row_n;  y = output [h, context], which goes to the next layer and into the window.
   Inside, time is the first axis. */
#include <mgen/model.h>

#include <stddef.h>
#include <stdio.h>

enum { EMBEDDING, ONEHOT, FEATURES, ROLL };
enum { CATEGORICAL, BERNOULLI };
enum { PITCHES = 88 };

typedef struct {
    int input, output;
    int64_t vocab, features, embedding, input_layer, hidden, layers, attention;
    double dropout_in, dropout;
    bool residual;
} conf;

static const char *const inputs[] = {"embedding", "onehot", "features", "roll", NULL};
static const char *const outputs[] = {"categorical", "bernoulli", NULL};

#define AT(member) offsetof(conf, member)
static const mg_option options[] = {
    {"input", MG_OPTION_CHOICE, AT(input), {EMBEDDING}, 0, 0, inputs, "KIND",
     "how tokens come in, each beside its features, or by their features alone"},
    {"vocab", MG_OPTION_INT, AT(vocab), {0}, 0, 1 << 20, NULL, "N", NULL},
    {"features", MG_OPTION_INT, AT(features), {0}, 0, 1 << 16, NULL, "N", NULL},
    {"embedding", MG_OPTION_INT, AT(embedding), {64}, 1, 1 << 16, NULL, "N", "width of the embedding"},
    {"input_layer", MG_OPTION_INT, AT(input_layer), {0}, 0, 1 << 16, NULL, "N",
     "units of a ReLU layer before the LSTM; 0: none"},
    {"hidden", MG_OPTION_INT, AT(hidden), {128}, 1, 1 << 16, NULL, "N", "units of a layer"},
    {"layers", MG_OPTION_INT, AT(layers), {2}, 1, 64, NULL, "N", "LSTM layers"},
    {"residual", MG_OPTION_FLAG, AT(residual), {0}, 0, 0, NULL, NULL, "each layer's input is added to its output"},
    {"dropout_in", MG_OPTION_REAL, AT(dropout_in), {0}, 0, 0.95, NULL, "P",
     "share of what enters the first LSTM layer that is dropped"},
    {"dropout", MG_OPTION_REAL, AT(dropout), {0}, 0, 0.95, NULL, "P", "share of each layer's output that is dropped"},
    {"output", MG_OPTION_CHOICE, AT(output), {CATEGORICAL}, 0, 0, outputs, "KIND", NULL},
    {"attention", MG_OPTION_INT, AT(attention), {0}, 0, 4096, NULL, "N",
     "outputs of the first layer that it attends to; 0: none"},
    {0},
};

static mg_status check(const void *config, mg_error *why)
{
    const conf *o = config;
    bool is_roll = o->input == ROLL;
    if (is_roll != (o->output == BERNOULLI))
        return mg_fail(why, MG_BAD_ARGUMENT, "lstm: a roll goes with bernoulli outputs, tokens with categorical ones");
    if (!is_roll && o->vocab < 1) return mg_fail(why, MG_BAD_ARGUMENT, "lstm: the vocabulary is empty");
    if (o->input == FEATURES && o->features < 1)
        return mg_fail(why, MG_BAD_ARGUMENT, "lstm: features alone are no input where the data have none");
    return MG_OK;
}

static void adapt(void *config, mg_data_form data)
{
    conf *o = config;
    o->vocab = data.vocab;
    o->features = data.features;
    o->output = data.vocab ? CATEGORICAL : BERNOULLI;
    if (!data.vocab) o->input = ROLL;
    else if (o->input == ROLL) o->input = EMBEDDING;
}

/* ---- attention around the first layer ---- */

/* The window without its oldest row and with y: [B, N, H]. */
static mg_node *push(mg_graph *g, mg_node *window, mg_node *y)
{
    int64_t batch = mg_dim(window, 0), n = mg_dim(window, 1), width = mg_dim(window, 2);
    mg_node *kept = mg_slice(g, window, 1, 1, n - 1, 1), *row = mg_reshape(g, y, &MG_SHAPE(batch, 1, width));
    return mg_concat(g, 1, (mg_node *[]){kept, row}, 2);
}

/* sum softmax(v tanh(keys + query))_n rowsn: keys, rows [B, N, H], query [B, H]. */
static mg_node *attend(mg_graph *g, mg_node *keys, mg_node *rows, mg_node *query, mg_node *v)
{
    int64_t batch = mg_dim(keys, 0), n = mg_dim(keys, 1), width = mg_dim(keys, 2);
    mg_node *reached = mg_tanh(g, mg_add(g, keys, mg_reshape(g, query, &MG_SHAPE(batch, 1, width))));
    mg_node *score = mg_softmax(g, mg_reshape(g, mg_sum(g, mg_mul(g, reached, v), 4), &MG_SHAPE(batch, n)));
    mg_node *weighted = mg_mul(g, rows, mg_reshape(g, score, &MG_SHAPE(batch, n, 1)));
    return mg_reshape(g, mg_sum(g, weighted, 2), &MG_SHAPE(batch, width));
}

typedef struct { mg_node *h, *c, *context, *window, *keys; } memory;

/* One step; x [B, in], mask [B]. The keys are memory row_n, kept beside the rows that they come from. */
static mg_node *attention_step(mg_graph *g, const conf *o, mg_node *x, mg_node *mask, memory *m)
{
    int64_t batch = mg_dim(x, 0), in = mg_dim(x, 1);
    mg_shape flat = MG_SHAPE(batch, o->hidden);
    x = mg_layer_linear(g, "attention.input", mg_concat(g, 1, (mg_node *[]){x, m->context}, 2), in);
    mg_lstm_out r = mg_layer_lstm(g, "lstm", 0, mg_reshape(g, x, &MG_SHAPE(1, batch, in)), in, m->h, m->c,
                                  mg_reshape(g, mask, &MG_SHAPE(1, batch)));
    m->h = mg_reshape(g, r.y, &flat), m->c = mg_reshape(g, r.c, &flat);
    mg_node *query = mg_layer_linear(g, "attention.query", mg_concat(g, 1, (mg_node *[]){m->c, m->h}, 2), o->hidden);
    mg_start start = {MG_START_UNIFORM, 0.1};
    mg_node *v = mg_param(g, "attention.v", &MG_SHAPE(o->hidden), start);
    m->context = attend(g, m->keys, m->window, query, v);
    mg_node *y = mg_layer_linear(g, "attention.output", mg_concat(g, 1, (mg_node *[]){m->h, m->context}, 2), o->hidden);
    mg_node *w = mg_param(g, "attention.memory.weight", &MG_SHAPE(o->hidden, o->hidden), start);
    m->window = push(g, m->window, y);
    m->keys = push(g, m->keys, mg_matmul(g, y, w, false, true));
    return y;
}

static mg_node *attention_layer(mg_graph *g, const conf *o, mg_node *x, mg_node *mask)
{
    int64_t steps = mg_dim(x, 0), batch = mg_dim(x, 1);
    mg_shape state = MG_SHAPE(batch, o->hidden), window = MG_SHAPE(batch, o->attention, o->hidden);
    mg_node *h = mg_state(g, "h0", &state), *c = mg_state(g, "c0", &state), *context = mg_state(g, "context", &state);
    mg_node *rows = mg_state(g, "window", &window), *keys = mg_state(g, "keys", &window);
    memory m = {h, c, context, rows, keys};
    mg_node **xs = mg_node_array(g, steps), **masks = mg_node_array(g, steps), **ys = mg_node_array(g, steps);
    if (!xs || !masks || !ys) return x;
    mg_rows(g, x, xs);
    mg_rows(g, mask, masks);
    for (int64_t t = 0; t < steps; t++) ys[t] = attention_step(g, o, xs[t], masks[t], &m);
    mg_write(g, h, m.h), mg_write(g, c, m.c), mg_write(g, context, m.context);
    mg_write(g, rows, m.window), mg_write(g, keys, m.keys);
    return mg_reshape(g, mg_concat(g, 0, ys, (int)steps), &MG_SHAPE(steps, batch, o->hidden));
}

/* ---- the network ---- */

/* Whether ids that stand for one-hot rows have to be made rows: what is done with them is not only a product. */
static bool wants_rows(const conf *o)
{
    return o->attention || o->residual || o->input_layer || o->features || o->dropout_in > 0;
}

static mg_node *read_tokens(mg_graph *g, const conf *o, mg_use use)
{
    mg_node *ids = mg_transpose(g, mg_input_index(g, "tokens", o->vocab, &MG_SHAPE(use.batch, use.length)), 0, 1);
    if (o->input == EMBEDDING) return mg_layer_embedding(g, "embedding", ids, o->vocab, o->embedding);
    return wants_rows(o) ? mg_one_hot(g, ids, o->vocab) : ids;
}

static mg_node *read_features(mg_graph *g, const conf *o, mg_use use)
{
    return mg_transpose(g, mg_input(g, "features", &MG_SHAPE(use.batch, use.length, o->features)), 0, 1);
}

/* What comes in at each step: [T, B, ..], or ids [T, B] that stand for one-hot rows. */
static mg_node *read(mg_graph *g, const conf *o, mg_use use)
{
    switch (o->input) {
    case ROLL: return mg_transpose(g, mg_input(g, "roll", &MG_SHAPE(use.batch, use.length, PITCHES)), 0, 1);
    case FEATURES: return read_features(g, o, use);
    default: break;
    }
    mg_node *x = read_tokens(g, o, use);
    return o->features ? mg_concat(g, 2, (mg_node *[]){x, read_features(g, o, use)}, 2) : x;
}

/* What the first layer reads. */
static mg_node *enter(mg_graph *g, const conf *o, mg_use use)
{
    mg_node *x = read(g, o, use);
    if (o->input_layer) x = mg_relu(g, mg_layer_linear(g, "input", x, o->input_layer));
    return mg_dropout(g, "dropout.in", x, o->dropout_in, 1);
}

static mg_node *layer(mg_graph *g, const conf *o, int i, mg_node *x, int64_t in, mg_node *mask)
{
    char name[2][16];
    mg_shape shape = MG_SHAPE(mg_dim(mask, 1), o->hidden);
    int64_t last = mg_dim(mask, 0) - 1;
    snprintf(name[0], sizeof name[0], "h%d", i);
    snprintf(name[1], sizeof name[1], "c%d", i);
    mg_node *h = mg_state(g, name[0], &shape), *c = mg_state(g, name[1], &shape);
    mg_lstm_out r = mg_layer_lstm(g, "lstm", i, x, in, h, c, mask);
    mg_write(g, h, mg_reshape(g, mg_slice(g, r.y, 0, last, 1, 1), &shape));
    mg_write(g, c, mg_reshape(g, mg_slice(g, r.c, 0, last, 1, 1), &shape));
    return r.y;
}

/* The part of x that a residual layer adds, and that it works on. */
static mg_node *project(mg_graph *g, const conf *o, int i, mg_node *x)
{
    char name[24];
    snprintf(name, sizeof name, "projection.%d", i);
    return mg_dim(x, -1) == o->hidden ? x : mg_layer_linear(g, name, x, o->hidden);
}

static mg_node *network(mg_graph *g, const conf *o, mg_use use, mg_node *mask)
{
    mg_node *x = enter(g, o, use);
    for (int i = 0; i < o->layers; i++) {
        char name[24];
        int64_t in = mg_node_type(x) == MG_INDEX ? o->vocab : mg_dim(x, -1);
        if (o->residual) x = project(g, o, i, x), in = o->hidden;
        mg_node *y = o->attention && i == 0 ? attention_layer(g, o, x, mask) : layer(g, o, i, x, in, mask);
        snprintf(name, sizeof name, "dropout.%d", i);
        x = mg_dropout(g, name, o->residual ? mg_add(g, x, y) : y, o->dropout, 1);
    }
    return mg_layer_linear(g, "output", x, o->output == CATEGORICAL ? o->vocab : PITCHES);
}

static mg_node *step_nll(mg_graph *g, const conf *o, mg_use use, mg_node *logits)
{
    if (o->output == CATEGORICAL) {
        mg_node *targets = mg_input_index(g, "targets", o->vocab, &MG_SHAPE(use.batch, use.length));
        return mg_cross_entropy(g, logits, mg_transpose(g, targets, 0, 1));
    }
    mg_node *targets = mg_input(g, "targets", &MG_SHAPE(use.batch, use.length, PITCHES));
    return mg_bernoulli_nll(g, logits, mg_transpose(g, targets, 0, 1));
}

static void describe(mg_graph *g, const void *config, mg_use use)
{
    const conf *o = config;
    mg_node *mask = mg_transpose(g, mg_input(g, "mask", &MG_SHAPE(use.batch, use.length)), 0, 1);
    mg_node *logits = network(g, o, use, mask);
    if (use.purpose != MG_TRAINING) mg_output(g, "logits", mg_transpose(g, logits, 0, 1));
    if (use.purpose == MG_STREAMING) return;
    mg_node *nll = step_nll(g, o, use, logits);
    nll = mg_select(g, mask, nll, mg_fill(g, mg_node_shape(nll), 0));
    mg_output(g, "nll", mg_transpose(g, nll, 0, 1));
    mg_output(g, "loss", mg_mul(g, mg_sum_all(g, nll), mg_scalar(g, "per_target")));
}

static const mg_phase phases[] = {{.name = "train", .loss = "loss", .params = ""}};

const mg_model mg_model_lstm = {
    .name = "lstm", .summary = "recurrent event model", .options = options, .config_size = sizeof(conf), .check = check,
    .describe = describe, .phases = phases, .n_phases = 1, .adapt = adapt,
};
