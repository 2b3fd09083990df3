/* SPDX-License-Identifier: MIT */
/* One step: a batch is cut into shards of equal size, each a run of the same plan on one thread, or one after the other
   on all threads where these are many more; their gradients meet in a tree (tree.h), are clipped, and move the
   parameters of the phase. Neither the number of threads nor which of them takes which shard shows in a bit of the
   result. */
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

/* The longest unused are closed until those that are left and `bytes` more are few: a new length is soon planned again,
   while memory for all lengths would be several times that of the longest. */
static void make_room(mg_trainer *t, size_t bytes)
{
    const size_t most = (size_t)256 << 20;
    for (;;) {
        mg_machine *oldest = NULL;
        size_t sum = bytes;
        for (int i = 0; i < MG_PLANS; i++) {
            mg_machine *m = &t->machines[i];
            sum += m->bytes;
            if (m->bytes && (!oldest || m->used_at < oldest->used_at)) oldest = m;
        }
        if (!oldest || sum <= most) return;
        machine_close(oldest, t->options.threads);
    }
}

static mg_status machine_open(mg_trainer *t, mg_machine *m, mg_use use, const mg_tensor_set *params, mg_error *why)
{
    *m = (mg_machine){.use = use};
    mg_graph *g = mg_model_graph(t->options.model, t->options.config, use);
    m->instances = mg_alloc_zero((size_t)t->options.threads, sizeof *m->instances);
    if (!g || !m->instances) return mg_graph_free(g), mg_fail(why, MG_NO_MEMORY, "out of memory");
    MG_TRY(mg_plan_new(g, &m->plan, why));
    m->flops = mg_plan_flops(m->plan);
    size_t bytes = (size_t)t->options.threads * mg_plan_bytes(m->plan);
    make_room(t, bytes);
    m->bytes = bytes;
    MG_TRY(mg_model_bind(mg_plan_graph(m->plan), params, &m->params, why));
    for (int i = 0; i < t->options.threads; i++) {
        MG_TRY(mg_instance_new(m->plan, m->params, i == 0 ? t->team : 1, &m->instances[i], why));
        mg_instance_compute_in(m->instances[i], t->options.precision);
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
    mg_real *per_example = mg_instance_input(instance, "per_example").data;
    mg_real share = (mg_real)(1 / (double)batch->examples);
    for (int64_t i = 0; per_example && i < size; i++) per_example[i] = i < n ? share : 0;
}

static double scalar(const mg_instance *instance, const char *name)
{
    return (double)*(const mg_real *)mg_instance_output(instance, name).data;
}

static void keep_gradients(mg_trainer *t, const mg_instance *instance, int phase, int shard)
{
    const mg_phase *row = &t->options.model->phases[phase];
    mg_tree *tree = &t->phases[phase].tree;
    mg_share *share = mg_tree_take(tree);
    for (size_t i = 0; i < share->grads.n; i++) {
        char name[300];
        snprintf(name, sizeof name, "grad/%s", share->grads.names[i]);
        mg_tree_put(tree, share, i, mg_instance_output(instance, name).data);
    }
    share->loss = scalar(instance, row->loss);
    for (int i = 0; row->parts && row->parts[i]; i++) share->parts[i] = scalar(instance, row->parts[i]);
    mg_tree_give(tree, shard, share);
}

/* Where running statistics go, should the update be made. A phase that moves some has one shard. */
static void keep_statistics(mg_trainer *t, const mg_instance *instance)
{
    for (size_t i = 0; i < t->statistics.n; i++) {
        char name[300];
        mg_tensor *to = &t->statistics.tensors[i];
        snprintf(name, sizeof name, "next/%s", t->statistics.names[i]);
        mg_tensor from = mg_instance_output(instance, name);
        const void *stays = mg_tensor_set_find(t->options.params, t->statistics.names[i])->data;
        memcpy(to->data, from.data ? from.data : stays, (size_t)mg_shape_count(&to->shape) * sizeof(mg_real));
    }
}

static void move_statistics(mg_trainer *t)
{
    for (size_t i = 0; i < t->statistics.n; i++) {
        const mg_tensor *from = &t->statistics.tensors[i];
        memcpy(mg_tensor_set_find(t->options.params, t->statistics.names[i])->data, from->data,
               (size_t)mg_shape_count(&from->shape) * sizeof(mg_real));
    }
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
    else mg_instance_reset(instance); /* every example begins anew */
    mg_instance_seed(instance, r->t->options.seed, r->record + (uint64_t)first);
    r->why[shard].status = mg_instance_run(instance, &r->why[shard]);
    if (carried->n) mg_carry_end(carried, first, n, instance);
    if (r->m->use.purpose == MG_LIKELIHOOD) {
        r->nll[shard] = sum_nll(instance);
    } else {
        keep_gradients(r->t, instance, r->m->use.phase, (int)shard);
        if (shard == 0) keep_statistics(r->t, instance);
    }
    give_instance(r, instance);
}

static int shards_of(const mg_trainer *t, const mg_batch *batch, mg_use use, int64_t *size)
{
    int shards = use.purpose == MG_TRAINING && t->phases[use.phase].couples ? 1 : t->options.shards;
    *size = (batch->examples + shards - 1) / shards;
    return (int)((batch->examples + *size - 1) / *size);
}

/* Whether all threads make one shard after the other: where half of them or more would have none. */
static bool are_made_together(int shards, int threads) { return 2 * shards <= threads; }

/* All shards of a batch through the plan of a use; *n of them. */
static mg_status run_all(mg_trainer *t, round_of *r, mg_use use, const mg_tensor_set *params, const mg_batch *batch,
                         int *n, mg_error *why)
{
    *n = shards_of(t, batch, use, &r->size);
    use.batch = r->size;
    use.length = batch->length;
    use.carries = t->options.carries;
    r->t = t;
    r->batch = batch;
    MG_TRY(find_machine(t, use, params, &r->m, why));
    for (int i = t->options.threads; i-- > 0;) r->idle[r->n_idle++] = r->m->instances[i]; /* the first goes first */
    if (use.purpose == MG_TRAINING) mg_tree_start(&t->phases[use.phase].tree, *n);
    pthread_mutex_init(&r->lock, NULL);
    mg_each(are_made_together(*n, t->team) ? 1 : t->options.threads, (size_t)*n, run_shard, r);
    pthread_mutex_destroy(&r->lock);
    for (int i = 0; i < *n; i++)
        if (r->why[i].status) {
            if (why) *why = r->why[i];
            return r->why[i].status;
        }
    return MG_OK;
}

/* ---- steps ---- */

/* After an update: the next one is of the same phase, of the next, or of the next round's first. */
static void go_on(mg_trainer *t)
{
    const mg_model *model = t->options.model;
    int64_t (*updates)(const void *, uint64_t) = model->phases[t->phase].updates;
    t->steps++;
    if (++t->updates < (updates ? updates(t->options.config, t->rounds) : 1)) return;
    t->updates = 0;
    t->phase = (t->phase + 1) % model->n_phases;
    if (t->phase > 0) return;
    t->rounds++;
    if (t->options.optim.ema > 0) mg_optim_average(&t->options.optim, &t->average, t->options.params);
}

static void move(mg_trainer *t, mg_phase_state *p, mg_share *sum, double norm, double rate)
{
    const mg_phase *row = &t->options.model->phases[t->phase];
    double scale = mg_optim_clip(&p->optim, norm);
    mg_optim_step(&p->optim, ++p->t, rate, scale, t->team, &p->moved, &sum->grads, &p->slots);
    double most = row->clip_weight ? row->clip_weight(t->options.config) : 0;
    if (most > 0) mg_optim_clip_weights(most, &p->moved);
    move_statistics(t);
}

mg_status mg_trainer_step(mg_trainer *t, const mg_batch *batch, mg_step_result *result, mg_error *why)
{
    mg_phase_state *p = &t->phases[t->phase];
    round_of r = {.record = t->steps * (uint64_t)t->options.batch};
    int n;
    MG_TRY(run_all(t, &r, (mg_use){MG_TRAINING, t->phase, 0, 0, false}, t->options.params, batch, &n, why));
    mg_share *sum = mg_tree_sum(&p->tree);
    t->flops += n * r.m->flops;
    double norm = mg_optim_norm(&sum->grads, t->team), rate = mg_optim_rate(&p->optim, p->t + 1, t->divisor);
    if (!isfinite(sum->loss) || !isfinite(norm))
        return mg_fail(why, MG_BAD_NUMBER, "step %llu: the %s is not finite", (unsigned long long)(t->steps + 1),
                       isfinite(sum->loss) ? "gradient" : "loss");
    *result = (mg_step_result){.phase = t->phase, .loss = sum->loss, .grad_norm = norm, .rate = rate};
    memcpy(result->parts, sum->parts, sizeof result->parts);
    move(t, p, sum, norm, rate);
    go_on(t);
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

int mg_trainer_shards(const mg_trainer *t) { return t->options.shards; }
double mg_trainer_flops(const mg_trainer *t) { return t->flops; }
uint64_t mg_trainer_steps(const mg_trainer *t) { return t->steps; }

const mg_tensor_set *mg_trainer_best_guess(const mg_trainer *t)
{
    return t->options.optim.ema > 0 ? &t->average : t->options.params;
}

/* ---- making ---- */

static mg_status open_phase(mg_trainer *t, int phase, mg_error *why)
{
    const mg_trainer_options *o = &t->options;
    mg_phase_state *p = &t->phases[phase];
    const mg_phase *row = &o->model->phases[phase];
    p->optim = o->of_phase ? o->of_phase[phase] : o->optim;
    p->couples = row->couples && row->couples(o->config);
    MG_TRY(mg_optim_check(&p->optim, why));
    MG_TRY(mg_model_moves(o->model, o->config, phase, o->params, &p->moved, why));
    MG_TRY(mg_optim_slots(&p->optim, &p->moved, &p->slots, why));
    return mg_tree_open(&p->tree, &p->moved, p->couples ? 1 : o->shards, p->couples ? 1 : o->threads, why);
}

static mg_status keep_statistic(void *user, const mg_param_info *info, mg_error *why)
{
    mg_trainer *t = user;
    if (!info->is_statistic || mg_tensor_set_find(&t->statistics, info->name)) return MG_OK;
    return mg_tensor_set_add(&t->statistics, info->name, &info->shape, why);
}

static mg_status open_all(mg_trainer *t, mg_error *why)
{
    const mg_trainer_options *o = &t->options;
    for (int i = 0; i < o->model->n_phases; i++) MG_TRY(open_phase(t, i, why));
    MG_TRY(mg_model_each_param(o->model, o->config, keep_statistic, t, why));
    for (int i = 0; o->carries && i < 2; i++)
        MG_TRY(mg_carry_open(o->model, o->config, o->batch, &t->carried[i], why));
    return o->optim.ema > 0 ? mg_tensor_set_like(o->params, true, &t->average, why) : MG_OK;
}

/* Products of few rows are slow, and where weights are too large for the nearer caches, products of more rows. */
static int usual_shards(int64_t batch, const mg_tensor_set *params)
{
    enum { ROWS = 4, MORE = 32, NEAR = 1 << 18, MOST = 8 };
    int64_t largest = 0;
    for (size_t i = 0; i < params->n; i++) {
        int64_t n = mg_shape_count(&params->tensors[i].shape);
        if (n > largest) largest = n;
    }
    int64_t shards = batch / (largest > NEAR ? MORE : ROWS);
    return shards < 1 ? 1 : shards < MOST ? (int)shards : MOST;
}

mg_status mg_trainer_new(const mg_trainer_options *options, mg_trainer **result, mg_error *why)
{
    *result = NULL;
    mg_trainer *t = mg_alloc_zero(1, sizeof *t);
    if (!t) return mg_fail(why, MG_NO_MEMORY, "out of memory");
    t->options = *options;
    if (t->options.shards == 0) t->options.shards = usual_shards(options->batch, options->params);
    if (t->options.shards > MG_MOST_SHARDS) t->options.shards = MG_MOST_SHARDS;
    t->team = t->options.threads > 1 ? t->options.threads : 1;
    if (t->options.threads > t->options.shards) t->options.threads = t->options.shards;
    if (t->options.threads < 1 || are_made_together(t->options.shards, t->team)) t->options.threads = 1;
    assert(options->model->n_phases <= MG_MOST_PHASES);
    mg_status status = open_all(t, why);
    if (status) return mg_trainer_free(t), status;
    *result = t;
    return MG_OK;
}

void mg_trainer_free(mg_trainer *t)
{
    if (!t) return;
    for (int i = 0; i < MG_PLANS; i++) machine_close(&t->machines[i], t->options.threads);
    for (int i = 0; i < MG_MOST_PHASES; i++) {
        mg_tensor_set_clear(&t->phases[i].moved);
        mg_tensor_set_clear(&t->phases[i].slots);
        mg_tree_close(&t->phases[i].tree);
    }
    mg_tensor_set_clear(&t->statistics);
    mg_tensor_set_clear(&t->average);
    for (int i = 0; i < 2; i++) mg_tensor_set_clear(&t->carried[i]);
    mg_free(t);
}

void mg_trainer_profile(mg_trainer *t, mg_op_time *times)
{
    t->times = times;
    for (int i = 0; i < MG_PLANS; i++)
        for (int k = 0; t->machines[i].instances && k < t->options.threads; k++)
            mg_instance_profile(t->machines[i].instances[k], times ? times + (size_t)k * mg_op_count() : NULL);
}
