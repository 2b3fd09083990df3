/* SPDX-License-Identifier: MIT */
/* One step: a batch is cut into shards of equal size, each a run of the same plan on one thread; their gradients meet
   in a tree (tree.h), are clipped, and move the parameters. Neither the number of threads nor which of them takes which
   shard shows in a bit of the result. */
#include "train/carry.h"
#include "train/trainer.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- plans, a few of them kept ---- */

static void machine_close(mg_machine *m, int threads)
{
    for (int i = 0; m->instances && i < threads; i++) mg_instance_free(m->instances[i]);
    mg_free(m->instances);
    mg_free(m->params);
    mg_plan_free(m->plan);
    *m = (mg_machine){0};
}

static mg_status machine_open(mg_trainer *t, mg_machine *m, mg_use use, const mg_tensor_set *params, mg_error *why)
{
    *m = (mg_machine){.use = use};
    mg_graph *g = mg_model_graph(t->options.model, t->options.config, use);
    m->instances = mg_alloc_zero((size_t)t->options.threads, sizeof *m->instances);
    if (!g || !m->instances) return mg_graph_free(g), mg_fail(why, MG_NO_MEMORY, "out of memory");
    MG_TRY(mg_plan_new(g, &m->plan, why));
    m->flops = mg_plan_flops(m->plan);
    MG_TRY(mg_model_bind(mg_plan_graph(m->plan), params, &m->params, why));
    for (int i = 0; i < t->options.threads; i++) {
        MG_TRY(mg_instance_new(m->plan, m->params, &m->instances[i], why));
        mg_instance_profile(m->instances[i], t->times ? t->times + (size_t)i * mg_op_count() : NULL);
    }
    return MG_OK;
}

static bool same_use(mg_use a, mg_use b)
{
    return a.purpose == b.purpose && a.phase == b.phase && a.batch == b.batch && a.length == b.length;
}

/* The plan for a use: one that is there, or a new one in place of that which has not been used for longest. */
static mg_status find_machine(mg_trainer *t, mg_use use, const mg_tensor_set *params, mg_machine **found, mg_error *why)
{
    mg_machine *oldest = &t->machines[0];
    for (int i = 0; i < MG_PLANS; i++) {
        mg_machine *m = &t->machines[i];
        if (m->plan && same_use(m->use, use)) {
            m->used_at = ++t->clock;
            *found = m;
            return MG_OK;
        }
        if (m->used_at < oldest->used_at) oldest = m;
    }
    machine_close(oldest, t->options.threads);
    mg_status status = machine_open(t, oldest, use, params, why);
    if (status) return machine_close(oldest, t->options.threads), status;
    oldest->used_at = ++t->clock;
    *found = oldest;
    return MG_OK;
}

/* ---- one shard ---- */

typedef struct {
    mg_trainer *t;
    mg_machine *m;
    const mg_batch *batch;
    int64_t size;       /* examples of a shard */
    int64_t filled;     /* examples of the batch that there are */
    uint64_t record;    /* of the batch's first example, for random numbers */
    mg_error why[MG_MOST_SHARDS];
    double nll[MG_MOST_SHARDS];
    mg_instance *idle[MG_MOST_THREADS];
    int n_idle;
    pthread_mutex_t lock;
} round_of;

static mg_instance *take_instance(round_of *r)
{
    pthread_mutex_lock(&r->lock);
    mg_instance *instance = r->idle[--r->n_idle];
    pthread_mutex_unlock(&r->lock);
    return instance;
}

static void give_instance(round_of *r, mg_instance *instance)
{
    pthread_mutex_lock(&r->lock);
    r->idle[r->n_idle++] = instance;
    pthread_mutex_unlock(&r->lock);
}

/* n examples of the batch from `first` on; where it has no more, zeros, whose mask is zero too. */
static void fill(mg_instance *instance, const mg_batch *batch, int64_t first, int64_t n, int64_t size)
{
    for (int i = 0; i < batch->n_parts; i++) {
        const mg_tensor *from = &batch->parts[i].tensor;
        mg_tensor to = mg_instance_input(instance, batch->parts[i].name);
        if (!to.data) continue; /* the graph has no use for it */
        size_t row = (size_t)(mg_shape_count(&from->shape) / batch->examples) * mg_type_size(from->type);
        memcpy(to.data, (const char *)from->data + (size_t)first * row, (size_t)n * row);
        memset((char *)to.data + (size_t)n * row, 0, (size_t)(size - n) * row);
    }
    mg_tensor per_target = mg_instance_input(instance, "per_target");
    if (per_target.data) *(mg_real *)per_target.data = (mg_real)(1 / (batch->targets > 0 ? batch->targets : 1));
}

static void keep_gradients(mg_trainer *t, const mg_instance *instance, const char *loss, int shard)
{
    mg_share *share = mg_tree_take(&t->tree);
    for (size_t i = 0; i < share->grads.n; i++) {
        char name[300];
        mg_tensor *to = &share->grads.tensors[i];
        size_t bytes = (size_t)mg_shape_count(&to->shape) * sizeof(mg_real);
        snprintf(name, sizeof name, "grad/%s", share->grads.names[i]);
        mg_tensor from = mg_instance_output(instance, name);
        if (from.data) memcpy(to->data, from.data, bytes);
        else memset(to->data, 0, bytes); /* not moved in this phase */
    }
    share->loss = (double)*(const mg_real *)mg_instance_output(instance, loss).data;
    mg_tree_give(&t->tree, shard, share);
}

static double sum_nll(const mg_instance *instance)
{
    mg_tensor nll = mg_instance_output(instance, "nll");
    double sum = 0;
    for (int64_t i = 0, n = mg_shape_count(&nll.shape); i < n; i++) sum += (double)((const mg_real *)nll.data)[i];
    return sum;
}

static void run_shard(void *user, size_t shard)
{
    round_of *r = user;
    mg_instance *instance = take_instance(r);
    int64_t first = (int64_t)shard * r->size, left = r->batch->examples - first, n = left < r->size ? left : r->size;
    mg_tensor_set *carried = &r->t->carried[r->m->use.purpose];
    fill(instance, r->batch, first, n, r->size);
    if (carried->n) mg_carry_begin(carried, r->batch->continues, first, n, instance);
    mg_instance_seed(instance, r->t->options.seed, r->record + (uint64_t)first);
    r->why[shard].status = mg_instance_run(instance, &r->why[shard]);
    if (carried->n) mg_carry_end(carried, first, n, instance);
    if (r->m->use.purpose == MG_LIKELIHOOD) r->nll[shard] = sum_nll(instance);
    else keep_gradients(r->t, instance, r->t->options.model->phases[r->m->use.phase].loss, (int)shard);
    give_instance(r, instance);
}

static int shards_of(const mg_trainer *t, const mg_batch *batch, int64_t *size)
{
    *size = (batch->examples + t->options.shards - 1) / t->options.shards;
    return (int)((batch->examples + *size - 1) / *size);
}

/* All shards of a batch through the plan of a use; *n of them. */
static mg_status run_all(mg_trainer *t, round_of *r, mg_use use, const mg_tensor_set *params, const mg_batch *batch,
                         int *n, mg_error *why)
{
    *n = shards_of(t, batch, &r->size);
    use.batch = r->size;
    use.length = batch->length;
    use.carries = t->options.carries;
    r->t = t;
    r->batch = batch;
    MG_TRY(find_machine(t, use, params, &r->m, why));
    for (int i = 0; i < t->options.threads; i++) r->idle[r->n_idle++] = r->m->instances[i];
    if (use.purpose == MG_TRAINING) mg_tree_start(&t->tree, *n);
    pthread_mutex_init(&r->lock, NULL);
    mg_each(t->options.threads, (size_t)*n, run_shard, r);
    pthread_mutex_destroy(&r->lock);
    for (int i = 0; i < *n; i++)
        if (r->why[i].status) {
            if (why) *why = r->why[i];
            return r->why[i].status;
        }
    return MG_OK;
}

/* ---- steps ---- */

mg_status mg_trainer_step(mg_trainer *t, const mg_batch *batch, mg_step_result *result, mg_error *why)
{
    for (int phase = 0; phase < t->options.model->n_phases; phase++) {
        mg_phase_state *p = &t->phases[phase];
        round_of r = {.record = t->steps * (uint64_t)t->options.batch};
        int n;
        MG_TRY(run_all(t, &r, (mg_use){MG_TRAINING, phase, 0, 0, false}, t->options.params, batch, &n, why));
        mg_share *sum = mg_tree_sum(&t->tree);
        t->flops += n * r.m->flops;
        double norm = mg_optim_norm(&sum->grads), rate = mg_optim_rate(&t->options.optim, p->t + 1, t->divisor);
        if (!isfinite(sum->loss) || !isfinite(norm))
            return mg_fail(why, MG_BAD_NUMBER, "step %llu: the %s is not finite", (unsigned long long)(t->steps + 1),
                           isfinite(sum->loss) ? "gradient" : "loss");
        mg_optim_clip(&t->options.optim, norm, &sum->grads);
        mg_optim_step(&t->options.optim, ++p->t, rate, t->options.params, &sum->grads, &p->slots);
        *result = (mg_step_result){sum->loss, norm, rate};
    }
    if (t->options.optim.ema > 0) mg_optim_average(&t->options.optim, &t->average, t->options.params);
    t->steps++;
    return MG_OK;
}

mg_status mg_trainer_evaluate(mg_trainer *t, const mg_batch *batch, double *nll, mg_error *why)
{
    round_of r = {0};
    int n;
    *nll = 0;
    MG_TRY(run_all(t, &r, (mg_use){MG_LIKELIHOOD, 0, 0, 0, false}, mg_trainer_best_guess(t), batch, &n, why));
    for (int i = 0; i < n; i++) *nll += r.nll[i];
    return MG_OK;
}

void mg_trainer_forget(mg_trainer *t, mg_purpose purpose) { mg_carry_forget(&t->carried[purpose]); }
void mg_trainer_divide(mg_trainer *t, double divisor) { t->divisor = divisor; }

bool mg_trainer_is_over(const mg_trainer *t)
{
    return mg_optim_is_over(&t->options.optim, t->phases[0].t + 1, t->divisor);
}

double mg_trainer_flops(const mg_trainer *t) { return t->flops; }
uint64_t mg_trainer_steps(const mg_trainer *t) { return t->steps; }

const mg_tensor_set *mg_trainer_best_guess(const mg_trainer *t)
{
    return t->options.optim.ema > 0 ? &t->average : t->options.params;
}

/* ---- making ---- */

mg_status mg_trainer_new(const mg_trainer_options *options, mg_trainer **result, mg_error *why)
{
    *result = NULL;
    MG_TRY(mg_optim_check(&options->optim, why));
    mg_trainer *t = mg_alloc_zero(1, sizeof *t);
    if (!t) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    t->options = *options;
    if (t->options.shards > MG_MOST_SHARDS) t->options.shards = MG_MOST_SHARDS;
    if (t->options.threads > t->options.shards) t->options.threads = t->options.shards;
    if (t->options.threads < 1) t->options.threads = 1;
    assert(options->model->n_phases <= MG_MOST_PHASES);
    mg_status status = mg_tree_open(&t->tree, options->params, t->options.shards, t->options.threads, why);
    for (int i = 0; !status && i < options->model->n_phases; i++)
        status = mg_optim_slots(&options->optim, options->params, &t->phases[i].slots, why);
    if (!status && options->optim.ema > 0) status = mg_tensor_set_like(options->params, true, &t->average, why);
    for (int i = 0; !status && options->carries && i < 2; i++)
        status = mg_carry_open(options->model, options->config, options->batch, &t->carried[i], why);
    if (status) return mg_trainer_free(t), status;
    *result = t;
    return MG_OK;
}

void mg_trainer_free(mg_trainer *t)
{
    if (!t) return;
    for (int i = 0; i < MG_PLANS; i++) machine_close(&t->machines[i], t->options.threads);
    for (int i = 0; i < MG_MOST_PHASES; i++) mg_tensor_set_clear(&t->phases[i].slots);
    mg_tensor_set_clear(&t->average);
    for (int i = 0; i < 2; i++) mg_tensor_set_clear(&t->carried[i]);
    mg_tree_close(&t->tree);
    mg_free(t);
}

void mg_trainer_profile(mg_trainer *t, mg_op_time *times)
{
    t->times = times;
    for (int i = 0; i < MG_PLANS; i++)
        for (int k = 0; t->machines[i].instances && k < t->options.threads; k++)
            mg_instance_profile(t->machines[i].instances[k], times ? times + (size_t)k * mg_op_count() : NULL);
}
