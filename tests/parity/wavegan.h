/* SPDX-License-Identifier: MIT */
/* WaveGAN and SpecGAN (Donahue et al. 2019) as descriptions, to show that the core carries them: a generator, a critic,
   and the losses of both phases. */
#ifndef TESTS_PARITY_WAVEGAN_H
#define TESTS_PARITY_WAVEGAN_H

#include <mgen/nn.h>

typedef struct {
    /* the network; slice_len 0: SpecGAN, which has a size */
    int64_t slice_len, size, channels, dim, latent_dim, kernel_len, phase_shuffle, post_filter;
    int upsample;
    bool batchnorm, phase_shuffle_per_example; /* the latter says how shifts are drawn: here they are given */
    double bn_eps, bn_momentum;
    /* its training */
    int loss;
    int64_t n_critic;
    double gp_weight, gp_eps, clip;
} gan_conf;

extern const mg_option gan_network_options[], gan_training_options[];
extern const mg_model gan_model; /* phases "D" and "G" */
enum { GAN_D, GAN_G };
extern const char *const gan_parts[]; /* of D's phase: mean scores, and the penalty where there is one */

/* G(z): z [B, latent] to [B, channels, length] or [B, 1, size, size]. */
mg_node *gan_generator(mg_graph *g, const gan_conf *o, mg_node *z, mg_norm_by by);
/* D(x), a score for each example [B]; `shift` [layers, B], or NULL where phases are not shuffled. */
mg_node *gan_critic(mg_graph *g, const gan_conf *o, mg_node *x, mg_node *shift);
/* What the penalty is made of: x between real and fake, its scores, their gradient there, and its norm [B]. */
typedef struct { mg_node *scores, *slope, *norm, *penalty; } gan_penalty;
gan_penalty gan_gradient_penalty(mg_graph *g, const gan_conf *o, mg_node *real, mg_node *fake);
/* Inputs of the graph's batch, under the names of the fixtures. */
mg_node *gan_input_real(mg_graph *g, const gan_conf *o);
mg_node *gan_input_latent(mg_graph *g, const gan_conf *o);
mg_node *gan_input_shift(mg_graph *g, const gan_conf *o, const char *which); /* NULL where there is none */

#endif
