/* SPDX-License-Identifier: MIT */
/* Fixtures of WaveGAN and SpecGAN: scores, losses and their gradients, the gradient penalty, and training by turns. */
#include "tests/parity/fixture.h"
#include "tests/parity/wavegan.h"

#include <mgen/grad.h>
#include <mgen/train.h>

#include <stdio.h>
#include <string.h>

typedef struct {
    fixture *fx;
    gan_conf config;
    mg_tensor_set params;
    int64_t batch;
} subject;

static const char *const batch_inputs[] = {"x", "z", "alpha", "shift_real", "shift_fake", "shift_interp", "shift_g"};
enum { BATCH_INPUTS = sizeof batch_inputs / sizeof *batch_inputs, ALPHA = 2, REALS = 0 };

/* ---- numbers of a batch ---- */

static bool is_shift(const char *name) { return strncmp(name, "shift_", 6) == 0; }

/* Row `index` of an input; shifts are turned, as they have their examples last. */
static mg_status take(const mg_stored *from, const char *name, size_t index, mg_tensor to, mg_error *why)
{
    size_t n = (size_t)mg_shape_count(&to.shape);
    MG_TRY(fixture_copy(from, index * n, to, why));
    if (!is_shift(name)) return MG_OK;
    int64_t batch = to.shape.dim[0], layers = to.shape.dim[1];
    mg_real *kept = mg_alloc(n, sizeof *kept), *x = to.data;
    if (!kept) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    memcpy(kept, x, n * sizeof *kept);
    for (int64_t b = 0; b < batch; b++)
        for (int64_t l = 0; l < layers; l++) x[b * layers + l] = kept[l * batch + b];
    mg_free(kept);
    return MG_OK;
}

/* ---- a graph with its single batch ---- */

static mg_status run_graph(const subject *s, mg_graph *g, machine *m, mg_error *why)
{
    MG_TRY(machine_open(m, g, &s->params, why));
    for (int i = 0; i < BATCH_INPUTS; i++) {
        const mg_stored *from = mg_tensors_find(s->fx->inputs, batch_inputs[i]);
        mg_tensor to = mg_instance_input(m->run, batch_inputs[i]);
        if (to.data && !from) return mg_fail(why, MG_BAD_DATA, "the fixture has no input %s", batch_inputs[i]);
        if (to.data) MG_TRY(take(from, batch_inputs[i], 0, to, why));
    }
    mg_real *per_example = mg_instance_input(m->run, "per_example").data;
    for (int64_t i = 0; per_example && i < s->batch; i++) per_example[i] = (mg_real)(1 / (double)s->batch);
    return mg_instance_run(m->run, why);
}

static mg_status give(const subject *s, const machine *m, const char *check, const char *tensor, mg_error *why)
{
    return fixture_give_tensor(s->fx, check, tensor, mg_instance_output(m->run, tensor), why);
}

static mg_use use_of(const subject *s, mg_purpose purpose, int phase)
{
    return (mg_use){purpose, phase, s->batch, 1, false};
}

/* ---- forward ---- */

static mg_status forward(const subject *s, mg_error *why)
{
    static const char *const outputs[] = {"g", "g_train", "d_real", "d_fake"};
    const gan_conf *o = &s->config;
    machine m = {0};
    mg_graph *g = mg_graph_new(use_of(s, MG_LIKELIHOOD, 0));
    if (!g) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_node *z = gan_input_latent(g, o), *fake = gan_generator(g, o, z, MG_NORM_HELD);
    mg_output(g, outputs[0], gan_generator(g, o, z, MG_NORM_RUNNING));
    mg_output(g, outputs[1], fake);
    mg_output(g, outputs[2], gan_critic(g, o, gan_input_real(g, o), gan_input_shift(g, o, "real")));
    mg_output(g, outputs[3], gan_critic(g, o, fake, gan_input_shift(g, o, "fake")));
    mg_status status = run_graph(s, g, &m, why);
    for (int i = 0; !status && i < 4; i++) status = give(s, &m, "forward", outputs[i], why);
    machine_close(&m);
    return status;
}

/* ---- losses and gradients ---- */

static mg_status losses_of(const subject *s, int phase, mg_error *why)
{
    const mg_phase *row = &gan_model.phases[phase];
    machine m = {0};
    mg_graph *g = mg_model_graph(&gan_model, &s->config, use_of(s, MG_TRAINING, phase));
    if (!g) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_status status = run_graph(s, g, &m, why);
    if (!status) status = give(s, &m, "loss", row->loss, why);
    for (int i = 0; !status && row->parts && row->parts[i]; i++) status = give(s, &m, "loss", row->parts[i], why);
    for (size_t i = 0; !status && i < s->params.n; i++) {
        char name[300];
        snprintf(name, sizeof name, "grad/%s", s->params.names[i]);
        mg_tensor t = mg_instance_output(m.run, name);
        if (t.data) status = fixture_give_tensor(s->fx, "grad", s->params.names[i], t, why);
    }
    machine_close(&m);
    return status;
}

/* ---- the penalty alone ---- */

static void describe_penalty(mg_graph *g, const subject *s)
{
    mg_node *fake = mg_stop_gradient(g, gan_generator(g, &s->config, gan_input_latent(g, &s->config), MG_NORM_HELD));
    gan_penalty p = gan_gradient_penalty(g, &s->config, gan_input_real(g, &s->config), fake);
    mg_output(g, "scores", p.scores);
    mg_output(g, "input_grad", p.slope);
    mg_output(g, "norm", p.norm);
    for (size_t i = 0, n = mg_graph_params(g); i < n; i++) {
        char name[300];
        mg_param_info info = mg_graph_param(g, i);
        mg_node *dx;
        if (strncmp(info.name, "D.", 2) != 0) continue;
        mg_grad(g, p.penalty, NULL, &info.node, 1, &dx);
        snprintf(name, sizeof name, "grad/%s", info.name);
        mg_output(g, name, dx);
    }
}

static mg_status penalty(const subject *s, mg_error *why)
{
    static const char *const outputs[] = {"scores", "input_grad", "norm"};
    machine m = {0};
    mg_graph *g = mg_graph_new(use_of(s, MG_TRAINING, GAN_D));
    if (!g) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    describe_penalty(g, s);
    mg_status status = run_graph(s, g, &m, why);
    for (int i = 0; !status && i < 3; i++) status = give(s, &m, "gp", outputs[i], why);
    for (size_t i = 0; !status && i < s->params.n; i++) {
        char name[300];
        snprintf(name, sizeof name, "grad/%s", s->params.names[i]);
        if (mg_instance_output(m.run, name).data) status = give(s, &m, "gp", name, why);
    }
    machine_close(&m);
    return status;
}

/* ---- training ---- */

/* Rounds of critic updates and one of the generator; each update has a row of the inputs of its kind. */
typedef struct {
    mg_trainer *trainer;
    mg_batch batch[2];      /* of each phase */
    mg_optim optim[2];
    double *loss, *of_phase[2], *parts[MG_PARTS];
    size_t n, done[2];
} training;

/* The fixtures' names for what optim.h has. */
static mg_status read_optim(const mg_json *json, mg_optim *optim, mg_error *why)
{
    *optim = mg_optim_defaults();
    mg_buffer text = {0};
    mg_json *as_ours = NULL;
    bool is_adam = !strcmp(mg_json_get_string(json, "name", ""), "adam");
    mg_json_writer out = mg_json_to(&text);
    mg_json_object_begin(&out, NULL);
    mg_json_put_text(&out, "optimizer", is_adam ? "adam" : "rmsprop-tf");
    mg_json_put_real(&out, "lr", mg_json_get_real(json, "lr", 0));
    mg_json_put_real(&out, "eps", mg_json_get_real(json, "eps", 0));
    if (is_adam)
        mg_json_put_reals(&out, "betas", (const double[]){mg_json_get_real(json, "beta1", 0),
                                                          mg_json_get_real(json, "beta2", 0)}, 2);
    else mg_json_put_real(&out, "alpha", mg_json_get_real(json, "decay", 0));
    if (!is_adam) mg_json_put_real(&out, "initial", mg_json_get_real(json, "initial", 1));
    mg_json_object_end(&out);
    mg_status status = text.failed ? mg_fail(why, MG_NO_MEMORY, "out of memory")
                                   : mg_json_parse(text.data, text.length, &as_ours, why);
    if (!status) status = mg_options_read(mg_optim_options, as_ours, optim, why);
    mg_json_free(as_ours);
    mg_buffer_free(&text);
    return status;
}

static const char *side(int phase) { return phase == GAN_D ? "d" : "g"; }

/* Room for the inputs that a phase has in the fixture. */
static mg_status open_batch(const subject *s, training *t, int phase, mg_error *why)
{
    mg_batch *b = &t->batch[phase];
    *b = (mg_batch){.examples = s->batch, .length = 1};
    for (int i = 0; i < BATCH_INPUTS; i++) {
        char name[64];
        snprintf(name, sizeof name, "train/%s/%s", side(phase), batch_inputs[i]);
        const mg_stored *from = mg_tensors_find(s->fx->inputs, i == REALS ? "x" : name);
        if (!from || (i == REALS && phase == GAN_G)) continue;
        mg_shape shape = {0};
        for (int d = i == REALS ? 0 : 1; d < from->rank; d++) shape.dim[shape.rank++] = from->dim[d];
        if (is_shift(batch_inputs[i])) shape = MG_SHAPE(shape.dim[1], shape.dim[0]);
        b->parts[b->n_parts].name = batch_inputs[i];
        MG_TRY(mg_tensor_make(MG_REAL, &shape, &b->parts[b->n_parts++].tensor, why));
    }
    return MG_OK;
}

/* Examples of the pool, by the numbers of the update. */
static mg_status fill_reals(const subject *s, mg_tensor to, size_t update, mg_error *why)
{
    const mg_stored *pool = mg_tensors_find(s->fx->inputs, "train/x");
    const mg_stored *index = mg_tensors_find(s->fx->inputs, "train/d/x_index");
    int64_t *which = index ? mg_alloc(index->count, sizeof *which) : NULL;
    size_t size = (size_t)(mg_shape_count(&to.shape) / s->batch);
    mg_status status = pool && which && mg_stored_ints(index, which) && (update + 1) * (size_t)s->batch <= index->count
                           ? MG_OK : mg_fail(why, MG_BAD_DATA, "the fixture lacks real examples");
    for (int64_t b = 0; !status && b < s->batch; b++) {
        int64_t row = which[update * (size_t)s->batch + (size_t)b];
        mg_tensor one = {MG_REAL, MG_SHAPE((int64_t)size), (mg_real *)to.data + (size_t)b * size, NULL};
        status = row < 0 ? mg_fail(why, MG_BAD_DATA, "a negative number of an example")
                         : fixture_copy(pool, (size_t)row * size, one, why);
    }
    mg_free(which);
    return status;
}

static mg_status fill_batch(const subject *s, training *t, int phase, mg_error *why)
{
    mg_batch *b = &t->batch[phase];
    for (int i = 0; i < b->n_parts; i++) {
        char name[64];
        snprintf(name, sizeof name, "train/%s/%s", side(phase), b->parts[i].name);
        if (!strcmp(b->parts[i].name, "x")) MG_TRY(fill_reals(s, b->parts[i].tensor, t->done[phase], why));
        else MG_TRY(take(mg_tensors_find(s->fx->inputs, name), b->parts[i].name, t->done[phase], b->parts[i].tensor,
                         why));
    }
    return MG_OK;
}

static mg_status train_steps(subject *s, training *t, mg_error *why)
{
    MG_TRY(read_optim(mg_json_get(s->fx->train, "d_optimizer"), &t->optim[GAN_D], why));
    MG_TRY(read_optim(mg_json_get(s->fx->train, "g_optimizer"), &t->optim[GAN_G], why));
    mg_trainer_options options = {.model = &gan_model, .config = &s->config, .optim = t->optim[0], .of_phase = t->optim,
                                  .params = &s->params, .batch = s->batch, .shards = 8, .threads = 2};
    for (int phase = 0; phase < 2; phase++) MG_TRY(open_batch(s, t, phase, why));
    MG_TRY(mg_trainer_new(&options, &t->trainer, why));
    for (size_t step = 0; step < t->n; step++) {
        mg_step_result r;
        int phase = step % (size_t)(s->config.n_critic + 1) < (size_t)s->config.n_critic ? GAN_D : GAN_G;
        MG_TRY(fill_batch(s, t, phase, why));
        MG_TRY(mg_trainer_step(t->trainer, &t->batch[phase], &r, why));
        if (r.phase != phase) return mg_fail(why, MG_BAD_DATA, "the phases do not take turns");
        for (int i = 0; phase == GAN_D && gan_parts[i]; i++) t->parts[i][t->done[GAN_D]] = r.parts[i];
        t->loss[step] = t->of_phase[phase][t->done[phase]++] = r.loss;
    }
    return MG_OK;
}

static mg_status give_training(const subject *s, const training *t, mg_error *why)
{
    MG_TRY(fixture_give(s->fx, "train", "loss", t->loss, t->n, why));
    for (int phase = 0; phase < 2; phase++)
        MG_TRY(fixture_give(s->fx, "train", gan_model.phases[phase].loss, t->of_phase[phase], t->done[phase], why));
    for (int i = 0; gan_parts[i]; i++)
        MG_TRY(fixture_give(s->fx, "train", gan_parts[i], t->parts[i], t->done[GAN_D], why));
    return fixture_give_weights(s->fx, &s->params, why);
}

static mg_status train(subject *s, mg_error *why)
{
    enum { MOST = 1 << 16, LISTS = 3 + MG_PARTS };
    int64_t rounds = mg_json_get_int(s->fx->train, "alternations", 0);
    if (rounds < 1 || rounds > MOST / (s->config.n_critic + 1))
        return mg_fail(why, MG_BAD_DATA, "the fixture has no training steps");
    training t = {.n = (size_t)(rounds * (s->config.n_critic + 1))};
    double *numbers = mg_alloc_zero(LISTS * t.n, sizeof *numbers);
    if (!numbers) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    t.loss = numbers;
    for (int i = 0; i < 2; i++) t.of_phase[i] = numbers + (size_t)(1 + i) * t.n;
    for (int i = 0; i < MG_PARTS; i++) t.parts[i] = numbers + (size_t)(3 + i) * t.n;
    mg_status status = train_steps(s, &t, why);
    if (!status) status = give_training(s, &t, why);
    mg_trainer_free(t.trainer);
    for (int i = 0; i < 2; i++) mg_batch_free(&t.batch[i]);
    mg_free(numbers);
    return status;
}

/* ---- all of them ---- */

static mg_status run_checks(subject *s, mg_error *why)
{
    const mg_stored *z = mg_tensors_find(s->fx->inputs, "z");
    if (!z || z->rank != 2) return mg_fail(why, MG_BAD_DATA, "the fixture has no latent vectors");
    s->batch = z->dim[0];
    MG_TRY(forward(s, why));
    for (int phase = 0; phase < 2; phase++) MG_TRY(losses_of(s, phase, why));
    if (mg_tensors_find(s->fx->inputs, batch_inputs[ALPHA])) MG_TRY(penalty(s, why));
    return train(s, why); /* last: it moves the parameters */
}

mg_status run_gan(fixture *fx, mg_error *why)
{
    subject s = {.fx = fx};
    mg_options_default(gan_network_options, &s.config);
    mg_options_default(gan_training_options, &s.config);
    MG_TRY(mg_options_read(gan_network_options, fx->config, &s.config, why));
    MG_TRY(mg_options_read(gan_training_options, fx->train, &s.config, why));
    mg_status status = mg_model_start(&gan_model, &s.config, 1, &s.params, why);
    if (!status) status = mg_tensor_set_read(&s.params, fx->weights, fx->path, why);
    if (!status && s.params.n != mg_tensors_count(fx->weights))
        status = mg_fail(why, MG_BAD_DATA, "the fixture has weights that the model does not know");
    if (!status) status = run_checks(&s, why);
    mg_tensor_set_clear(&s.params);
    return status;
}
