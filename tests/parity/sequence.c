/* SPDX-License-Identifier: MIT */
/* Models of sequences: forward, loss, gradients, training steps, greedy generation, and the same outputs a step at a
   time. Works for every model of the list whose fixtures have these checks. */
#include "tests/parity/fixture.h"

#include <mgen/model.h>
#include <mgen/train.h>

#include <stdio.h>
#include <string.h>

typedef struct {
    fixture *fx;
    const mg_model *model;
    void *config;
    mg_tensor_set params;
} subject;

static mg_status open_machine(machine *m, const subject *s, mg_use use, mg_error *why)
{
    return machine_open(m, mg_model_graph(s->model, s->config, use), &s->params, why);
}

/* ---- inputs ---- */

static const char *const batch_inputs[] = {"tokens", "roll", "samples", "targets", "mask", "global", "local"};
enum { BATCH_INPUTS = sizeof batch_inputs / sizeof *batch_inputs };

/* All inputs of one batch: those of the fixture under `prefix`, batch `index` of them. */
static mg_status fill(machine *m, const fixture *fx, const char *prefix, size_t index, mg_error *why)
{
    for (int i = 0; i < BATCH_INPUTS; i++) {
        char name[64];
        mg_tensor to = mg_instance_input(m->run, batch_inputs[i]);
        snprintf(name, sizeof name, "%s%s", prefix, batch_inputs[i]);
        const mg_stored *from = mg_tensors_find(fx->inputs, name);
        if (to.data && !from) return mg_fail(why, MG_BAD_DATA, "the fixture has no input %s", name);
        if (to.data) MG_TRY(fixture_copy(from, index * (size_t)mg_shape_count(&to.shape), to, why));
    }
    mg_tensor mask = mg_instance_input(m->run, "mask"), per_target = mg_instance_input(m->run, "per_target");
    double targets = 0;
    for (int64_t i = 0; mask.data && i < mg_shape_count(&mask.shape); i++) targets += (double)((mg_real *)mask.data)[i];
    if (per_target.data) *(mg_real *)per_target.data = (mg_real)(1 / targets);
    return MG_OK;
}

/* ---- results ---- */

/* Numbers [B, T, ..] at masked steps become 0, as the fixtures have them. */
static void mask_out(mg_tensor t, const mg_real *mask, int64_t steps)
{
    int64_t width = mg_shape_count(&t.shape) / steps;
    for (int64_t i = 0; i < steps; i++)
        if (mask[i] == 0) memset((mg_real *)t.data + i * width, 0, (size_t)width * sizeof(mg_real));
}

/* ---- checks ---- */

static mg_status likelihood(subject *s, int64_t batch, int64_t length, mg_error *why)
{
    machine m;
    mg_status status = open_machine(&m, s, (mg_use){MG_LIKELIHOOD, 0, batch, length, false}, why);
    if (!status) status = fill(&m, s->fx, "", 0, why);
    if (!status) status = mg_instance_run(m.run, why);
    if (!status) {
        mg_tensor logits = mg_instance_output(m.run, "logits");
        mask_out(logits, mg_instance_input(m.run, "mask").data, batch * length);
        status = fixture_give_tensor(s->fx, "forward", "logits", logits, why);
    }
    if (!status) status = fixture_give_tensor(s->fx, "loss", "loss", mg_instance_output(m.run, "loss"), why);
    if (!status) status = fixture_give_tensor(s->fx, "loss", "nll", mg_instance_output(m.run, "nll"), why);
    machine_close(&m);
    return status;
}

/* The states NAME0, NAME1 ... one after the other. */
static mg_status give_states(fixture *fx, machine *m, const char *stem, mg_error *why)
{
    double *values = NULL;
    size_t n = 0;
    for (int i = 0;; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s%d", stem, i);
        mg_tensor state = mg_instance_state(m->run, name);
        if (!state.data) break;
        size_t count = (size_t)mg_shape_count(&state.shape);
        double *more = mg_realloc(values, n + count, sizeof *values);
        if (!more) return mg_free(values), mg_fail(why, MG_NO_MEMORY, "out of memory");
        values = more;
        for (size_t k = 0; k < count; k++) values[n++] = (double)((mg_real *)state.data)[k];
    }
    mg_status status = n ? fixture_give(fx, "forward", stem, values, n, why) : MG_OK;
    mg_free(values);
    return status;
}

/* The whole batch as one chunk of a stream: what is left in the states. */
static mg_status states(subject *s, int64_t batch, int64_t length, mg_error *why)
{
    machine m;
    mg_status status = open_machine(&m, s, (mg_use){MG_STREAMING, 0, batch, length, false}, why);
    if (!status) status = fill(&m, s->fx, "", 0, why);
    if (!status) status = mg_instance_run(m.run, why);
    if (!status) status = give_states(s->fx, &m, "h", why);
    if (!status) status = give_states(s->fx, &m, "c", why);
    machine_close(&m);
    return status;
}

static mg_status gradients(subject *s, int64_t batch, int64_t length, mg_error *why)
{
    machine m;
    mg_status status = open_machine(&m, s, (mg_use){MG_TRAINING, 0, batch, length, false}, why);
    if (!status) status = fill(&m, s->fx, "", 0, why);
    if (!status) status = mg_instance_run(m.run, why);
    for (size_t i = 0; !status && i < s->params.n; i++) {
        char name[300];
        snprintf(name, sizeof name, "grad/%s", s->params.names[i]);
        status = fixture_give_tensor(s->fx, "grad", s->params.names[i], mg_instance_output(m.run, name), why);
    }
    machine_close(&m);
    return status;
}

/* Copy step t of [B, T, ..] into [B, 1, ..]. */
static void step_of(mg_tensor to, const mg_tensor *all, int64_t t)
{
    int64_t batch = all->shape.dim[0], length = all->shape.dim[1];
    size_t bytes = (size_t)(mg_shape_count(&to.shape) / batch) * mg_type_size(to.type);
    for (int64_t b = 0; b < batch; b++)
        memcpy((char *)to.data + (size_t)b * bytes, (char *)all->data + (size_t)(b * length + t) * bytes, bytes);
}

static mg_status stream(subject *s, int64_t batch, int64_t length, mg_error *why)
{
    machine whole, m;
    double *rows = NULL;
    mg_status status = open_machine(&whole, s, (mg_use){MG_STREAMING, 0, batch, length, false}, why);
    mg_status other = open_machine(&m, s, (mg_use){MG_STREAMING, 0, batch, 1, false}, why);
    if (!status) status = other;
    if (!status) status = fill(&whole, s->fx, "", 0, why);
    for (int64_t t = 0; !status && t < length; t++) {
        for (int i = 0; i < BATCH_INPUTS; i++) {
            mg_tensor to = mg_instance_input(m.run, batch_inputs[i]), from =
                mg_instance_input(whole.run, batch_inputs[i]);
            if (to.data) step_of(to, &from, t);
        }
        status = mg_instance_run(m.run, why);
        mg_tensor logits = mg_instance_output(m.run, "logits");
        int64_t width = mg_shape_count(&logits.shape) / batch;
        const mg_real *mask = mg_instance_input(m.run, "mask").data;
        if (!rows) rows = mg_alloc((size_t)(batch * length * width), sizeof *rows);
        if (!rows) status = mg_fail(why, MG_NO_MEMORY, "out of memory");
        for (int64_t b = 0; !status && b < batch; b++)
            for (int64_t k = 0; k < width; k++)
                rows[(b * length + t) * width + k] = mask[b] != 0 ? (double)((mg_real *)logits.data)[b * width + k] : 0;
        if (!status && t == length - 1)
            status = fixture_give(s->fx, "stream", "logits", rows, (size_t)(batch * length * width), why);
    }
    mg_free(rows);
    machine_close(&whole);
    machine_close(&m);
    return status;
}

/* ---- greedy generation ---- */

/* The next input from the logits, written into the machine and to `out`: one id, or a row of pitches. */
static void choose(machine *m, const mg_real *logits, int64_t width, double *out)
{
    mg_tensor tokens = mg_instance_input(m->run, "tokens"), roll = mg_instance_input(m->run, "roll");
    if (roll.data)
        for (int64_t k = 0; k < width; k++) out[k] = ((mg_real *)roll.data)[k] = logits[k] > 0;
    if (!tokens.data) return;
    int64_t best = 0;
    for (int64_t k = 1; k < width; k++)
        if (logits[k] > logits[best]) best = k;
    *(int32_t *)tokens.data = (int32_t)best;
    *out = (double)best;
}

static mg_status generate(subject *s, mg_error *why)
{
    const mg_stored *primer = mg_tensors_find(s->fx->inputs, "generate/primer");
    int64_t n = mg_json_get_int(s->fx->train, "generate", 0);
    machine m;
    double *chosen = NULL, *rows = NULL;
    if (!primer || primer->dim[0] < 1) return mg_fail(why, MG_BAD_DATA, "the fixture has no primer");
    mg_status status = open_machine(&m, s, (mg_use){MG_STREAMING, 0, 1, 1, false}, why);
    mg_tensor roll = status ? (mg_tensor){0} : mg_instance_input(m.run, "roll");
    mg_tensor input = roll.data || status ? roll : mg_instance_input(m.run, "tokens");
    if (!status) *(mg_real *)mg_instance_input(m.run, "mask").data = 1;
    for (int64_t t = 0; !status && t < primer->dim[0]; t++) {
        status = fixture_copy(primer, (size_t)(t * mg_shape_count(&input.shape)), input, why);
        if (!status) status = mg_instance_run(m.run, why);
    }
    mg_tensor logits = status ? (mg_tensor){0} : mg_instance_output(m.run, "logits");
    int64_t width = status ? 0 : mg_shape_count(&logits.shape), unit = roll.data ? width : 1;
    if (!status && (!(chosen = mg_alloc((size_t)(n * unit), sizeof *chosen)) ||
                    !(rows = mg_alloc((size_t)(n * width), sizeof *rows))))
        status = mg_fail(why, MG_NO_MEMORY, "out of memory");
    for (int64_t t = 0; !status && t < n; t++) {
        for (int64_t k = 0; k < width; k++) rows[t * width + k] = (double)((mg_real *)logits.data)[k];
        choose(&m, logits.data, width, chosen + t * unit);
        status = mg_instance_run(m.run, why);
    }
    const char *name = roll.data ? "roll" : "tokens";
    if (!status) status = fixture_give(s->fx, "generate", name, chosen, (size_t)(n * unit), why);
    if (!status) status = fixture_give(s->fx, "generate", "logits", rows, (size_t)(n * width), why);
    mg_free(chosen);
    mg_free(rows);
    machine_close(&m);
    return status;
}

/* ---- training: as mgen-train does it, in shards on two threads ---- */

enum { MOST_STEPS = 1024 };
typedef struct {
    mg_trainer *trainer;
    mg_batch batch;
    int64_t steps;
    double losses[MOST_STEPS], norms[MOST_STEPS], rates[MOST_STEPS];
} training;

/* Room for the fixture's training inputs, of which a model takes those that it knows. */
static mg_status make_batch(const fixture *fx, mg_batch *batch, mg_error *why)
{
    for (int i = 0; i < BATCH_INPUTS; i++) {
        char name[64];
        snprintf(name, sizeof name, "train/%s", batch_inputs[i]);
        const mg_stored *stored = mg_tensors_find(fx->inputs, name);
        if (!stored || stored->rank < 2) continue;
        mg_shape shape = {.rank = stored->rank - 1};
        memcpy(shape.dim, stored->dim + 1, sizeof shape.dim - sizeof *shape.dim);
        mg_type type = stored->dtype == MG_I64 ? MG_INDEX : MG_REAL;
        batch->examples = shape.dim[0];
        if (shape.rank > 1) batch->length = shape.dim[1];
        batch->parts[batch->n_parts].name = batch_inputs[i];
        MG_TRY(mg_tensor_make(type, &shape, &batch->parts[batch->n_parts].tensor, why));
        batch->n_parts++;
    }
    return MG_OK;
}

static mg_status fill_batch(const fixture *fx, mg_batch *batch, size_t step, mg_error *why)
{
    batch->targets = 0;
    for (int i = 0; i < batch->n_parts; i++) {
        char name[64];
        mg_tensor *to = &batch->parts[i].tensor;
        snprintf(name, sizeof name, "train/%s", batch->parts[i].name);
        MG_TRY(fixture_copy(mg_tensors_find(fx->inputs, name), step * (size_t)mg_shape_count(&to->shape), *to, why));
        for (int64_t k = 0; !strcmp(batch->parts[i].name, "mask") && k < mg_shape_count(&to->shape); k++)
            batch->targets += (double)((mg_real *)to->data)[k];
    }
    return MG_OK;
}

static mg_status train_steps(subject *s, training *t, mg_error *why)
{
    mg_trainer_options options = {.model = s->model, .config = s->config, .optim = mg_optim_defaults(),
                                  .params = &s->params, .shards = 8, .threads = 2};
    MG_TRY(mg_options_read(mg_optim_options, s->fx->train, &options.optim, why));
    MG_TRY(make_batch(s->fx, &t->batch, why));
    options.batch = t->batch.examples;
    MG_TRY(mg_trainer_new(&options, &t->trainer, why));
    for (int64_t step = 0; step < t->steps; step++) {
        mg_step_result r;
        MG_TRY(fill_batch(s->fx, &t->batch, (size_t)step, why));
        MG_TRY(mg_trainer_step(t->trainer, &t->batch, &r, why));
        t->losses[step] = r.loss, t->norms[step] = r.grad_norm, t->rates[step] = r.rate;
    }
    return MG_OK;
}

static mg_status give_training(subject *s, const training *t, mg_error *why)
{
    size_t steps = (size_t)t->steps;
    MG_TRY(fixture_give(s->fx, "train", "loss", t->losses, steps, why));
    MG_TRY(fixture_give(s->fx, "train", "grad_norm", t->norms, steps, why));
    MG_TRY(fixture_give(s->fx, "train", "lr", t->rates, steps, why));
    return fixture_give_weights(s->fx, &s->params, why);
}

static mg_status train(subject *s, mg_error *why)
{
    training t = {.steps = mg_json_get_int(s->fx->train, "steps", 0)};
    if (t.steps < 1 || t.steps > MOST_STEPS) return mg_fail(why, MG_BAD_DATA, "the fixture has no training steps");
    mg_status status = train_steps(s, &t, why);
    if (!status) status = give_training(s, &t, why);
    mg_trainer_free(t.trainer);
    mg_batch_free(&t.batch);
    return status;
}

/* ---- all of them ---- */

static mg_status run_checks(subject *s, mg_error *why)
{
    const fixture *fx = s->fx;
    const mg_stored *mask = mg_tensors_find(fx->inputs, "mask");
    if (!mask || mask->rank != 2) return mg_fail(why, MG_BAD_DATA, "the fixture has no mask");
    int64_t batch = mask->dim[0], length = mask->dim[1];
    if (fixture_has(fx, "forward") || fixture_has(fx, "loss")) MG_TRY(likelihood(s, batch, length, why));
    if (fixture_has(fx, "forward")) MG_TRY(states(s, batch, length, why));
    if (fixture_has(fx, "grad")) MG_TRY(gradients(s, batch, length, why));
    if (fixture_has(fx, "stream")) MG_TRY(stream(s, batch, length, why));
    if (fixture_has(fx, "generate")) MG_TRY(generate(s, why));
    if (fixture_has(fx, "train")) MG_TRY(train(s, why)); /* last: it moves the parameters */
    return MG_OK;
}

mg_status run_sequence(fixture *fx, mg_error *why)
{
    subject s = {.fx = fx, .model = mg_model_find(fx->model)};
    if (!s.model) return mg_fail(why, MG_UNSUPPORTED, "there is no model %s", fx->model);
    if (!(s.config = mg_model_config(s.model))) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    mg_status status = mg_options_read(s.model->options, fx->config, s.config, why);
    if (!status) status = mg_model_start(s.model, s.config, 1, &s.params, why);
    if (!status) status = mg_tensor_set_read(&s.params, fx->weights, fx->path, why);
    if (!status && s.params.n != mg_tensors_count(fx->weights))
        status = mg_fail(why, MG_BAD_DATA, "the fixture has weights that the model does not know");
    if (!status) status = run_checks(&s, why);
    mg_tensor_set_clear(&s.params);
    mg_free(s.config);
    return status;
}
