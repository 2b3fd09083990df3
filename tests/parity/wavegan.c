/* SPDX-License-Identifier: MIT */
/* See wavegan.h. The networks are one: WaveGAN has an axis of time, strides 4 (one last 2 where the length wants it)
   and starts at 16 places; SpecGAN has time and frequency, strides 2, and starts at 4 x 4. */
#include "tests/parity/wavegan.h"

#include <mgen/grad.h>

#include <stddef.h>
#include <stdio.h>

enum { ZEROS, NEAREST };
enum { WGAN_GP, WGAN_CLIP, DCGAN, LSGAN, NONSATURATING, HINGE };
enum { MOST_LAYERS = 16, SHUFFLED = 4, START = 16 };

static const char *const upsamplings[] = {"zeros", "nn", NULL};
static const char *const losses[] = {"wgan-gp", "wgan-clip", "dcgan", "lsgan", "nonsaturating", "hinge", NULL};

#define AT(member) offsetof(gan_conf, member)
#define INT(name, otherwise, least, most) {#name, MG_OPTION_INT, AT(name), {otherwise}, least, most, NULL, "N", NULL}
#define REAL(name, otherwise) {#name, MG_OPTION_REAL, AT(name), {otherwise}, 0, 1e9, NULL, "X", NULL}
#define FLAG(name) {#name, MG_OPTION_FLAG, AT(name), {0}, 0, 0, NULL, NULL, NULL}
const mg_option gan_network_options[] = {
    INT(slice_len, 0, 0, 1 << 24), INT(size, 0, 0, 1 << 12), INT(channels, 1, 1, 64), INT(dim, 64, 1, 1 << 12),
    INT(latent_dim, 100, 1, 1 << 16), INT(kernel_len, 25, 1, 1 << 12), INT(phase_shuffle, 0, 0, 64),
    INT(post_filter, 0, 0, 1 << 14),
    {"upsample", MG_OPTION_CHOICE, AT(upsample), {ZEROS}, 0, 0, upsamplings, "KIND", NULL},
    FLAG(batchnorm), FLAG(phase_shuffle_per_example), REAL(bn_eps, 0.001), REAL(bn_momentum, 0.01), {0},
};
const mg_option gan_training_options[] = {
    {"loss", MG_OPTION_CHOICE, AT(loss), {WGAN_GP}, 0, 0, losses, "KIND", NULL},
    INT(n_critic, 5, 1, 1000), REAL(gp_weight, 10), REAL(gp_eps, 1e-12), REAL(clip, 0), {0},
};

/* ---- the shape of the networks ---- */

static int axes(const gan_conf *o) { return o->slice_len ? 1 : 2; }

/* Layers and their strides, from the small end. */
static int strides(const gan_conf *o, int64_t stride[MOST_LAYERS])
{
    int n = 0;
    int64_t left = o->slice_len ? o->slice_len / START : o->size / 4;
    for (; left > 1 && n < MOST_LAYERS; left /= stride[n++]) stride[n] = o->slice_len && left % 4 == 0 ? 4 : 2;
    return n;
}

static void each_axis(int64_t to[3], int64_t value) { to[0] = to[1] = value; }

static bool shuffles(const gan_conf *o, int layer, int layers)
{
    return o->slice_len && o->phase_shuffle && layer < SHUFFLED && layer < layers - 1;
}

static int shuffled_layers(const gan_conf *o)
{
    int64_t stride[MOST_LAYERS];
    int layers = strides(o, stride), n = 0;
    while (shuffles(o, n, layers)) n++;
    return n;
}

static const char *named(char text[64], const char *stem, int layer)
{
    snprintf(text, 64, "%s.%d", stem, layer);
    return text;
}

/* ---- the generator ---- */

static mg_node *norm_of(mg_graph *g, const gan_conf *o, int i, mg_node *x, mg_norm_by by)
{
    char name[64];
    return o->batchnorm ? mg_layer_batch_norm(g, named(name, "G.norm", i), x, o->bn_eps, o->bn_momentum, by) : x;
}

static mg_node *stretch(mg_graph *g, const gan_conf *o, int i, mg_node *x, int64_t filters, int64_t by, bool has_bias)
{
    int64_t kernel[3], stride[3], size[3], one[3] = {1, 1, 1};
    char name[64];
    each_axis(kernel, o->kernel_len);
    each_axis(stride, by);
    each_axis(size, mg_dim(x, -1) * by);
    named(name, "G.upconv", i);
    if (o->upsample == ZEROS) {
        mg_window window = mg_window_same(axes(o), kernel, stride);
        return mg_layer_conv_transpose(g, name, x, filters, kernel, &window, size, has_bias);
    }
    mg_window window = mg_window_same(axes(o), kernel, one);
    return mg_layer_conv(g, name, mg_upsample(g, x, stride), filters, kernel, &window, has_bias);
}

mg_node *gan_generator(mg_graph *g, const gan_conf *o, mg_node *z, mg_norm_by by)
{
    int64_t stride[MOST_LAYERS], batch = mg_dim(z, 0);
    int layers = strides(o, stride);
    int64_t width = o->dim << (layers - 1);
    mg_node *x = (o->batchnorm ? mg_layer_matrix : mg_layer_linear)(g, "G.z_project", z, START * width);
    x = mg_reshape(g, x, axes(o) == 1 ? &MG_SHAPE(batch, width, START) : &MG_SHAPE(batch, width, 4, 4));
    for (int i = 0; i < layers; i++) {
        bool is_last = i == layers - 1;
        x = mg_relu(g, norm_of(g, o, i, x, by));
        x = stretch(g, o, i, x, is_last ? o->channels : width >> (i + 1), stride[i], is_last || !o->batchnorm);
    }
    x = mg_tanh(g, x);
    if (!o->post_filter) return x;
    mg_window window = mg_window_same(1, &o->post_filter, &(int64_t){1});
    return mg_layer_conv(g, "G.post_filter", x, 1, &o->post_filter, &window, false);
}

/* ---- the critic ---- */

/* Example b moves by shift[b], mirrored at the ends. */
static mg_node *shuffle(mg_graph *g, mg_node *x, mg_node *shift)
{
    int64_t batch = mg_dim(x, 0), length = mg_dim(x, 2);
    mg_node *by = mg_reshape(g, shift, &MG_SHAPE(batch, 1));
    mg_node *places = mg_mirrored(g, mg_sub(g, mg_count_up(g, length), by), length);
    return mg_transpose(g, mg_gather(g, mg_transpose(g, x, 1, 2), mg_to_index(g, places), 1), 1, 2);
}

mg_node *gan_critic(mg_graph *g, const gan_conf *o, mg_node *x, mg_node *shift)
{
    int64_t by[MOST_LAYERS], kernel[3], batch = mg_dim(x, 0);
    int layers = strides(o, by);
    each_axis(kernel, o->kernel_len);
    for (int i = 0; i < layers; i++) {
        char name[64];
        int64_t stride[3];
        each_axis(stride, by[i]);
        mg_window window = mg_window_same(axes(o), kernel, stride);
        bool has_norm = o->batchnorm && i > 0;
        x = mg_layer_conv(g, named(name, "D.downconv", i), x, o->dim << i, kernel, &window, !has_norm);
        if (has_norm) x = mg_layer_batch_norm(g, named(name, "D.norm", i), x, o->bn_eps, 0, MG_NORM_BATCH);
        x = mg_leaky_relu(g, x, 0.2);
        if (shift && shuffles(o, i, layers)) x = shuffle(g, x, mg_slice(g, shift, 0, i, 1, 1));
    }
    int64_t width = mg_shape_count(mg_node_shape(x)) / (batch > 0 ? batch : 1);
    return mg_reshape(g, mg_layer_linear(g, "D.output", mg_reshape(g, x, &MG_SHAPE(batch, width)), 1),
                      &MG_SHAPE(batch));
}

/* ---- inputs ---- */

mg_node *gan_input_real(mg_graph *g, const gan_conf *o)
{
    int64_t batch = mg_graph_use(g).batch;
    return mg_input(g, "x", axes(o) == 1 ? &MG_SHAPE(batch, o->channels, o->slice_len)
                                         : &MG_SHAPE(batch, o->channels, o->size, o->size));
}

mg_node *gan_input_latent(mg_graph *g, const gan_conf *o)
{
    return mg_input(g, "z", &MG_SHAPE(mg_graph_use(g).batch, o->latent_dim));
}

mg_node *gan_input_shift(mg_graph *g, const gan_conf *o, const char *which)
{
    char name[64];
    int layers = shuffled_layers(o);
    snprintf(name, sizeof name, "shift_%s", which);
    if (layers == 0) return NULL;
    /* Shifts may be negative, which indices are not: they come as reals, examples first as all of a batch does. */
    return mg_transpose(g, mg_input(g, name, &MG_SHAPE(mg_graph_use(g).batch, layers)), 0, 1);
}

/* ---- losses ---- */

/* Over the whole batch, of which the graph may see a part. */
static mg_node *mean(mg_graph *g, mg_node *x)
{
    return mg_sum_all(g, mg_mul(g, x, mg_input(g, "per_example", mg_node_shape(x))));
}

gan_penalty gan_gradient_penalty(mg_graph *g, const gan_conf *o, mg_node *real, mg_node *fake)
{
    mg_shape one = *mg_node_shape(real);
    for (int d = 1; d < one.rank; d++) one.dim[d] = 1;
    mg_node *alpha = mg_reshape(g, mg_input(g, "alpha", &MG_SHAPE(one.dim[0])), &one);
    mg_node *mix = mg_add(g, mg_mul(g, alpha, real), mg_mul(g, mg_affine(g, alpha, -1, 1), fake));
    mix = mg_stop_gradient(g, mix);
    gan_penalty p = {.scores = gan_critic(g, o, mix, gan_input_shift(g, o, "interp"))};
    mg_grad(g, mg_sum_all(g, p.scores), NULL, &mix, 1, &p.slope);
    mg_node *square = mg_sum(g, mg_square(g, p.slope), ~1u);
    p.norm = mg_reshape(g, mg_sqrt(g, mg_affine(g, square, 1, o->gp_eps)), &MG_SHAPE(one.dim[0]));
    p.penalty = mean(g, mg_square(g, mg_affine(g, p.norm, 1, -1)));
    return p;
}

static mg_node *minus(mg_graph *g, mg_node *x) { return mg_affine(g, x, -1, 0); }
static mg_node *below(mg_graph *g, mg_node *x, double sign) { return mg_relu(g, mg_affine(g, x, sign, 1)); }

static mg_node *critic_loss(mg_graph *g, const gan_conf *o, mg_node *real, mg_node *fake)
{
    switch (o->loss) {
    case DCGAN:
    case NONSATURATING: {
        mg_node *sum = mg_add(g, mean(g, mg_softplus(g, fake)), mean(g, mg_softplus(g, minus(g, real))));
        return o->loss == DCGAN ? mg_affine(g, sum, 0.5, 0) : sum;
    }
    case LSGAN: {
        mg_node *off = mean(g, mg_square(g, mg_affine(g, real, 1, -1)));
        return mg_affine(g, mg_add(g, off, mean(g, mg_square(g, fake))), 0.5, 0);
    }
    case HINGE: return mg_add(g, mean(g, below(g, real, -1)), mean(g, below(g, fake, 1)));
    default: return mg_sub(g, mean(g, fake), mean(g, real));
    }
}

static mg_node *generator_loss(mg_graph *g, const gan_conf *o, mg_node *fake)
{
    switch (o->loss) {
    case DCGAN:
    case NONSATURATING: return mean(g, mg_softplus(g, minus(g, fake)));
    case LSGAN: return mean(g, mg_square(g, mg_affine(g, fake, 1, -1)));
    default: return minus(g, mean(g, fake));
    }
}

static void describe_critic(mg_graph *g, const gan_conf *o)
{
    mg_node *real = gan_input_real(g, o);
    mg_node *fake = mg_stop_gradient(g, gan_generator(g, o, gan_input_latent(g, o), MG_NORM_HELD));
    mg_node *of_real = gan_critic(g, o, real, gan_input_shift(g, o, "real"));
    mg_node *of_fake = gan_critic(g, o, fake, gan_input_shift(g, o, "fake"));
    mg_node *loss = critic_loss(g, o, of_real, of_fake), *penalty = mg_fill(g, &(mg_shape){0}, 0);
    if (o->loss == WGAN_GP) {
        penalty = gan_gradient_penalty(g, o, real, fake).penalty;
        loss = mg_add(g, loss, mg_affine(g, penalty, o->gp_weight, 0));
    }
    mg_output(g, "d_real", mean(g, of_real));
    mg_output(g, "d_fake", mean(g, of_fake));
    mg_output(g, "gp", penalty);
    mg_output(g, "d_loss", loss);
}

static void describe_generator(mg_graph *g, const gan_conf *o)
{
    mg_node *fake = gan_generator(g, o, gan_input_latent(g, o), MG_NORM_MOVED);
    mg_output(g, "g_loss", generator_loss(g, o, gan_critic(g, o, fake, gan_input_shift(g, o, "g"))));
}

static void describe(mg_graph *g, const void *config, mg_use use)
{
    (use.phase == GAN_D ? describe_critic : describe_generator)(g, config);
}

static mg_status check(const void *config, mg_error *why)
{
    const gan_conf *o = config;
    int64_t stride[MOST_LAYERS], reach = o->slice_len ? START : 4;
    int layers = strides(o, stride);
    for (int i = 0; i < layers; i++) reach *= stride[i];
    if (layers < 1 || reach != (o->slice_len ? o->slice_len : o->size))
        return mg_fail(why, MG_BAD_ARGUMENT, "the length is not 16 (the size not 4) times fours and twos");
    return MG_OK;
}

/* ---- the phases ---- */

const char *const gan_parts[] = {"d_real", "d_fake", "gp", NULL};

static int64_t critic_updates(const void *config, uint64_t round)
{
    (void)round;
    return ((const gan_conf *)config)->n_critic;
}

static bool has_batch_norm(const void *config) { return ((const gan_conf *)config)->batchnorm; }

static double clip_of(const void *config)
{
    const gan_conf *o = config;
    return o->loss == WGAN_CLIP ? o->clip : 0;
}

static const mg_phase phases[] = {
    {.name = "D", .loss = "d_loss", .params = "D.", .parts = gan_parts, .updates = critic_updates,
     .couples = has_batch_norm, .clip_weight = clip_of},
    {.name = "G", .loss = "g_loss", .params = "G.", .couples = has_batch_norm},
};

const mg_model gan_model = {
    .name = "wavegan", .summary = "generator and critic of sound", .options = gan_network_options,
    .config_size = sizeof(gan_conf), .check = check, .describe = describe, .phases = phases, .n_phases = 2,
};
