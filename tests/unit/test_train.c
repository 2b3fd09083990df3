/* SPDX-License-Identifier: MIT */
/* Training: examples, batches, steps that depend neither on threads nor on interruptions, checkpoints. */
#include "tests/unit/tap.h"

#include <mgen/model.h>
#include <mgen/train.h>

#include "train/corpus.h"
#include "train/tree.h"

#include <unistd.h>

/* ---- a small corpus ---- */

static char folder[64];

static const char *in_folder(const char *name)
{
    static char paths[8][128];
    static int turn;
    turn = (turn + 1) % 8;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", folder, name);
    return paths[turn];
}

static const char *encoding_name = "melody38"; /* of the records that are made */

/* Record i: a melody of 20 + 7 i tokens that goes up and down a scale. `extra` goes before the tokens. */
static void add_record(mg_buffer *line, int i, const char *extra)
{
    mg_buffer_clear(line);
    mg_buffer_print(line, "{\"kind\":\"piece\",\"id\":\"%032d\",\"path\":\"tune%d\",\"encoding\":\"%s\","
                    "\"vocab_hash\":\"\"%s,\"tokens\":[", i, i, encoding_name, extra);
    for (int k = 0; k < 20 + 7 * i; k++)
        mg_buffer_print(line, "%s%d", k ? "," : "", k % 2 ? 0 : 2 + (k * (1 + i % 3) + i) % 30);
    mg_buffer_add_text(line, "]}");
}

static mg_pack *make_pack(const char *path, int n, const char *const *extras)
{
    mg_packer *packer;
    mg_pack *pack = NULL;
    mg_out *out;
    mg_buffer line = {0};
    mg_error why = {0};
    REQUIRE(mg_packer_new(path, &packer, &why) == MG_OK);
    for (int i = 0; i < n; i++) {
        add_record(&line, i, extras ? extras[i % 3] : "");
        mg_json *record;
        REQUIRE(mg_json_parse(line.data, line.length, &record, &why) == MG_OK);
        const mg_encoding *encoding;
        mg_buffer tokens = {0};
        REQUIRE(mg_record_tokens(record, &encoding, &tokens, &why) == MG_OK);
        REQUIRE(mg_packer_add(packer, record, encoding, (const int32_t *)(const void *)tokens.data,
                              tokens.length / sizeof(int32_t), &why) == MG_OK);
        mg_buffer_free(&tokens);
        mg_json_free(record);
    }
    REQUIRE(mg_out_open(path, true, &out, &why) == MG_OK);
    REQUIRE(mg_packer_write(packer, NULL, out, &why) == MG_OK);
    REQUIRE(mg_out_commit(out, &why) == MG_OK);
    REQUIRE(mg_pack_open(path, &pack, &why) == MG_OK);
    mg_packer_free(packer);
    mg_buffer_free(&line);
    return pack;
}

static void examples_cover_the_pieces(void)
{
    mg_error why = {0};
    mg_pack *pack = make_pack(in_folder("a.data"), 12, NULL);
    mg_corpus *c;
    REQUIRE(mg_corpus_open(pack, 0, 16, &c, &why) == MG_OK);
    CHECK_INT(mg_corpus_pieces(c, MG_SPLIT_TRAIN), 12);
    CHECK_INT(mg_corpus_count(c, MG_SPLIT_VALID), 0);
    CHECK_INT(mg_corpus_steps(c, MG_SPLIT_TRAIN), mg_pack_total(pack)); /* all of them */
    /* Each step once in an epoch, whatever the batches; targets are the next inputs. */
    uint32_t *order = mg_corpus_order(c, MG_SPLIT_TRAIN, 4, 1, 0), *again = mg_corpus_order(c, MG_SPLIT_TRAIN, 4, 1, 0);
    uint32_t *other = mg_corpus_order(c, MG_SPLIT_TRAIN, 4, 1, 1);
    size_t n = mg_corpus_count(c, MG_SPLIT_TRAIN);
    CHECK(!memcmp(order, again, n * sizeof *order) && memcmp(order, other, n * sizeof *order));
    bool seen[256] = {false};
    for (size_t i = 0; i < n; i++) {
        CHECK(order[i] < n && !seen[order[i]]);
        seen[order[i]] = true;
    }
    mg_batch batch;
    double targets = 0;
    REQUIRE(mg_batch_new(c, 4, &batch, &why) == MG_OK);
    for (size_t at = 0; at < n; at += 4) {
        CHECK_INT(mg_batch_fill(&batch, c, MG_SPLIT_TRAIN, order + at, n - at < 4 ? n - at : 4, &why), MG_OK);
        targets += batch.targets;
        const int32_t *target = batch.parts[0].tensor.data, *input = batch.parts[2].tensor.data;
        const mg_real *mask = batch.parts[1].tensor.data;
        for (int64_t i = 0; i < batch.examples * batch.length - 1; i++)
            if (mask[i] != 0 && mask[i + 1] != 0 && (i + 1) % batch.length) CHECK_INT(target[i], input[i + 1]);
    }
    CHECK_INT(targets, mg_corpus_steps(c, MG_SPLIT_TRAIN));
    mg_batch_free(&batch);
    mg_free(order), mg_free(again), mg_free(other);
    mg_corpus_free(c);
    mg_pack_release(pack);
}

static void splits_are_followed(void)
{
    mg_error why = {0};
    static const char *const extras[] = {",\"split\":\"train\"", ",\"split\":\"valid\"", ",\"split\":\"test\""};
    mg_pack *pack = make_pack(in_folder("split.data"), 9, extras);
    mg_corpus *c;
    REQUIRE(mg_corpus_open(pack, 0.5, 64, &c, &why) == MG_OK);
    CHECK_INT(mg_corpus_pieces(c, MG_SPLIT_TRAIN), 3);
    CHECK_INT(mg_corpus_pieces(c, MG_SPLIT_VALID), 3);
    mg_corpus_free(c);
    mg_pack_release(pack);
    pack = make_pack(in_folder("drawn.data"), 40, NULL);
    REQUIRE(mg_corpus_open(pack, 0.5, 64, &c, &why) == MG_OK);
    size_t train = mg_corpus_pieces(c, MG_SPLIT_TRAIN), valid = mg_corpus_pieces(c, MG_SPLIT_VALID);
    CHECK(train + valid == 40 && train > 10 && valid > 10);
    mg_corpus_free(c);
    mg_pack_release(pack);
    /* Parts of one piece stay together, and paths do not matter. */
    static const char part[] = ",\"meta\":{\"piece\":\"a\"}";
    static const char *const parts[] = {part, part, part};
    pack = make_pack(in_folder("parts.data"), 40, parts);
    mg_status status = mg_corpus_open(pack, 0.5, 64, &c, &why);
    CHECK(status == MG_BAD_DATA || mg_corpus_pieces(c, MG_SPLIT_TRAIN) == 40);
    mg_corpus_free(c);
    mg_pack_release(pack);
    static const char *const tests[] = {",\"split\":\"test\"", ",\"split\":\"test\"", ",\"split\":\"test\""};
    pack = make_pack(in_folder("test.data"), 3, tests);
    CHECK_INT(mg_corpus_open(pack, 0, 64, &c, &why), MG_BAD_DATA);
    CHECK(strstr(why.text, "nothing to train on"));
    mg_pack_release(pack);
}

static void lanes_go_on(void)
{
    mg_error why = {0};
    mg_pack *pack = make_pack(in_folder("a.data"), 12, NULL);
    mg_corpus *c;
    mg_batch batch;
    REQUIRE(mg_corpus_open(pack, 0, 16, &c, &why) == MG_OK);
    size_t n = mg_corpus_count(c, MG_SPLIT_TRAIN);
    CHECK_INT(n, 50);
    for (size_t rows = 1; rows <= 60; rows += rows < 8 ? 1 : 13) {
        REQUIRE(mg_batch_new(c, (int64_t)rows, &batch, &why) == MG_OK);
        uint32_t *order = mg_corpus_lanes(c, MG_SPLIT_TRAIN, (int64_t)rows, 1, 0);
        bool seen[64] = {false};
        size_t batches = (n + rows - 1) / rows, found = 0, cuts = 0;
        double targets = 0;
        for (size_t b = 0; b < batches; b++) {
            REQUIRE(mg_batch_fill(&batch, c, MG_SPLIT_TRAIN, order + b * rows, rows, &why) == MG_OK);
            targets += batch.targets;
            for (size_t r = 0; r < rows; r++) {
                uint32_t x = order[b * rows + r];
                CHECK(b == 0 || x == MG_NO_EXAMPLE || order[(b - 1) * rows + r] != MG_NO_EXAMPLE); /* no holes */
                if (x == MG_NO_EXAMPLE) continue;
                CHECK(x < n && !seen[x]);
                seen[x] = true;
                found++;
                if (batch.continues[r] && b > 0) CHECK_INT(order[(b - 1) * rows + r], x - 1);
                cuts += batch.continues[r] && b == 0;
            }
        }
        CHECK_INT(found, n);
        CHECK_INT(targets, mg_corpus_steps(c, MG_SPLIT_TRAIN));
        CHECK(cuts < rows); /* the first lane begins with a piece */
        mg_free(order);
        mg_batch_free(&batch);
    }
    mg_corpus_free(c);
    mg_pack_release(pack);
}

/* ---- the tree ---- */

static mg_tensor_set params_of(int n)
{
    mg_tensor_set set = {0};
    mg_error why = {0};
    REQUIRE(mg_tensor_set_add(&set, "w", &MG_SHAPE(n), &why) == MG_OK);
    return set;
}

static mg_real leaf_value(int leaf) { return (mg_real)1 / (mg_real)(3 + leaf * 7); }

static void tree_has_one_shape(void)
{
    mg_error why = {0};
    mg_tensor_set params = params_of(1);
    mg_tree tree;
    for (int leaves = 1; leaves <= 16; leaves++) {
        mg_real sum = 0;
        double loss = 0;
        for (uint64_t turn = 0; turn < 30; turn++) {
            uint32_t order[16];
            mg_share *shares[16];
            mg_real values[16];
            mg_random random = mg_random_at(turn, "tree", (uint64_t)leaves);
            REQUIRE(mg_tree_open(&tree, &params, leaves, leaves, &why) == MG_OK);
            mg_tree_start(&tree, leaves);
            mg_random_order(&random, order, (uint32_t)leaves);
            for (int i = 0; i < leaves; i++) {
                shares[i] = mg_tree_take(&tree);
                values[i] = leaf_value(i);
                mg_tree_put(&tree, shares[i], 0, &values[i]);
                shares[i]->loss = (double)leaf_value(i);
            }
            for (int i = 0; i < leaves; i++) mg_tree_give(&tree, (int)order[i], shares[order[i]]);
            mg_share *total = mg_tree_sum(&tree);
            REQUIRE(total != NULL);
            if (turn == 0) sum = *(mg_real *)total->grads.tensors[0].data, loss = total->loss;
            CHECK(*(mg_real *)total->grads.tensors[0].data == sum && total->loss == loss);
            CHECK((total->grads.tensors[0].data == values) == (leaves == 1)); /* one is not copied */
            mg_tree_close(&tree);
        }
        double want = 0;
        for (int i = 0; i < leaves; i++) want += (double)leaf_value(i);
        CHECK_NEAR((double)sum, want, 1e-6);
    }
    mg_tensor_set_clear(&params);
}

/* ---- features ---- */

static mg_pack *pack_of(const char *encoding, const char *path, int n)
{
    encoding_name = encoding;
    mg_pack *pack = make_pack(path, n, NULL);
    encoding_name = "melody38";
    return pack;
}

/* All examples of a corpus in one batch, in their order. */
static mg_batch all_of(const mg_corpus *c)
{
    mg_error why = {0};
    mg_batch batch;
    uint32_t order[256];
    size_t n = mg_corpus_count(c, MG_SPLIT_TRAIN);
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    REQUIRE(n <= 256 && mg_batch_new(c, (int64_t)n, &batch, &why) == MG_OK);
    REQUIRE(mg_batch_fill(&batch, c, MG_SPLIT_TRAIN, order, n, &why) == MG_OK);
    return batch;
}

/* The numbers beside the input of a step. */
static const mg_real *features_at(const mg_batch *batch, size_t example, int64_t t)
{
    const mg_tensor *features = &batch->parts[3].tensor;
    CHECK_TEXT(batch->parts[3].name, "features");
    return (const mg_real *)features->data + ((int64_t)example * batch->length + t) * features->shape.dim[2];
}

static void features_know_the_piece_so_far(void)
{
    mg_error why = {0};
    mg_pack *pack = pack_of("melody-lookback40", in_folder("f.data"), 5);
    const mg_encoding *e = mg_encoding_find("melody-lookback40");
    mg_corpus *c;
    REQUIRE(mg_corpus_open(pack, 0, 16, &c, &why) == MG_OK);
    CHECK_INT(mg_corpus_form(c).features, 121);
    mg_batch batch = all_of(c);
    bool is_second = false;
    for (size_t i = 0; i < mg_corpus_count(c, MG_SPLIT_TRAIN); i++) {
        mg_example x = c->list[MG_SPLIT_TRAIN].examples[i];
        int32_t tokens[256];
        mg_real want[121];
        mg_pack_tokens(pack, x.record, tokens);
        is_second |= x.start > 0;
        for (int64_t t = 0; t < x.length; t++) {
            mg_grammar g = {0}; /* step 0 is behind the start token */
            for (int64_t k = 0; k < x.start + t; k++) e->follow(e, &g, tokens[k]);
            e->features(e, &g, want);
            if (!CHECK(!memcmp(want, features_at(&batch, i, t), sizeof want)))
                printf("# example %zu, step %d\n", i, (int)t);
        }
    }
    CHECK(is_second);
    mg_batch_free(&batch);
    mg_corpus_free(c);
    mg_pack_release(pack);
}

static void optional_controls_come_and_are_left_out(void)
{
    mg_error why = {0};
    mg_pack *pack = pack_of("performance388", in_folder("c.data"), 4);
    mg_controls controls = {{[MG_DENSITY] = MG_CONTROL_OPTIONAL, [MG_PITCHES] = MG_CONTROL_OPTIONAL}};
    mg_corpus *c;
    REQUIRE(mg_corpus_open(pack, 0, 64, &c, &why) == MG_OK);
    uint64_t steps = mg_corpus_steps(c, MG_SPLIT_TRAIN);
    CHECK_INT(mg_corpus_control(c, &controls, &why), MG_OK);
    CHECK_INT(mg_corpus_count(c, MG_SPLIT_TRAIN), 16);
    CHECK_INT(mg_corpus_pieces(c, MG_SPLIT_TRAIN), 4);
    CHECK_INT(mg_corpus_steps(c, MG_SPLIT_TRAIN), 4 * steps);
    CHECK_INT(mg_corpus_form(c).features, 9 + 13);
    mg_batch batch = all_of(c);
    int seen[4] = {0};
    for (size_t i = 0; i < 16; i++) {
        const mg_real *x = features_at(&batch, i, 7);
        double density = 0, pitches = 0;
        for (int k = 1; k < 9; k++) density += (double)x[k];
        for (int k = 10; k < 22; k++) pitches += (double)x[k];
        CHECK_NEAR(density, 1 - (double)x[0], 1e-6); /* given or left out, not both */
        CHECK_NEAR(pitches, 1 - (double)x[9], 1e-6);
        seen[2 * (int)x[0] + (int)x[9]]++;
    }
    for (int k = 0; k < 4; k++) CHECK_INT(seen[k], 4);
    mg_batch_free(&batch);
    mg_corpus_free(c);
    mg_pack_release(pack);
    pack = pack_of("melody38", in_folder("c.data"), 4);
    REQUIRE(mg_corpus_open(pack, 0, 64, &c, &why) == MG_OK);
    CHECK_INT(mg_corpus_control(c, &controls, &why), MG_BAD_ARGUMENT);
    mg_corpus_free(c);
    mg_pack_release(pack);
}

/* ---- steps ---- */

typedef struct {
    int threads, shards;
    bool carries;
    int examples;
} how;

/* Five steps of a small model with dropout; the hash of its parameters, and the last result. */
static mg_hash five_steps(how h, mg_step_result *result)
{
    mg_error why = {0};
    const mg_model *model = mg_model_find("lstm");
    void *config = mg_model_config(model);
    mg_pack *pack = make_pack(in_folder("steps.data"), 20, NULL);
    mg_corpus *c;
    mg_batch batch;
    mg_trainer *trainer;
    mg_tensor_set params;
    mg_json *json;
    static const char settings[] = "{\"hidden\":70,\"embedding\":6,\"vocab\":38,\"dropout\":0.3}";
    REQUIRE(mg_json_parse(settings, strlen(settings), &json, &why) == MG_OK);
    REQUIRE(mg_options_read(model->options, json, config, &why) == MG_OK);
    REQUIRE(mg_corpus_open(pack, 0, h.carries ? 8 : 64, &c, &why) == MG_OK);
    REQUIRE(mg_batch_new(c, h.examples, &batch, &why) == MG_OK);
    REQUIRE(mg_model_start(model, config, 3, &params, &why) == MG_OK);
    mg_trainer_options options = {.model = model, .config = config, .optim = mg_train_optim_defaults(),
                                  .params = &params, .batch = h.examples, .shards = h.shards,
                                  .threads = h.threads, .seed = 3, .carries = h.carries};
    REQUIRE(mg_trainer_new(&options, &trainer, &why) == MG_OK);
    uint32_t *order = (h.carries ? mg_corpus_lanes : mg_corpus_order)(c, MG_SPLIT_TRAIN, h.examples, 3, 0);
    for (int i = 0; i < 5; i++) {
        const uint32_t *next = order + i * (h.carries ? h.examples : 2);
        CHECK_INT(mg_batch_fill(&batch, c, MG_SPLIT_TRAIN, next, h.examples, &why), MG_OK);
        CHECK_INT(mg_trainer_step(trainer, &batch, result, &why), MG_OK);
    }
    double nll;
    CHECK_INT(mg_trainer_evaluate(trainer, &batch, &nll, &why), MG_OK);
    CHECK(nll / batch.targets < 4 && nll / batch.targets > 0);
    mg_hash hash = mg_tensor_set_hash(&params);
    mg_free(order), mg_free(config);
    mg_json_free(json);
    mg_trainer_free(trainer);
    mg_tensor_set_clear(&params);
    mg_batch_free(&batch);
    mg_corpus_free(c);
    mg_pack_release(pack);
    return hash;
}

static void threads_change_nothing(void)
{
    mg_step_result one, other, parted;
    mg_hash alone = five_steps((how){1, 1, false, 1}, &one); /* a sequence, whose sums are shared too */
    for (int threads = 2; threads <= 7; threads++)
        CHECK(mg_hash_equal(alone, five_steps((how){threads, 1, false, 1}, &other)));
    for (int carries = 0; carries < 2; carries++)
        for (int shards = 8; shards > 0; shards /= 2) { /* each its own, and all of them one after the other */
            mg_hash first = five_steps((how){1, shards, carries, 10}, &one);
            for (int threads = 2; threads <= 7; threads += threads == 2 ? 1 : 4) {
                CHECK(mg_hash_equal(first, five_steps((how){threads, shards, carries, 10}, &other)));
                CHECK(one.loss == other.loss && one.grad_norm == other.grad_norm);
            }
            if (shards == 8) parted = one;
            CHECK_NEAR(parted.loss, one.loss, 1e-5); /* another tree rounds otherwise, but hardly */
        }
}

/* The likelihood of all pieces in examples of up to `length` tokens, one after the other. */
static double likelihood(int64_t length, bool carries)
{
    mg_error why = {0};
    const mg_model *model = mg_model_find("lstm");
    void *config = mg_model_config(model);
    mg_pack *pack = make_pack(in_folder("carry.data"), 9, NULL);
    mg_corpus *c;
    mg_batch batch;
    mg_trainer *trainer;
    mg_tensor_set params;
    double sum = 0, part;
    mg_model_adapt(model, config, (mg_data_form){38, 0});
    REQUIRE(mg_corpus_open(pack, 0, length, &c, &why) == MG_OK);
    REQUIRE(mg_batch_new(c, 1, &batch, &why) == MG_OK);
    REQUIRE(mg_model_start(model, config, 3, &params, &why) == MG_OK);
    mg_trainer_options options = {.model = model, .config = config, .optim = mg_train_optim_defaults(),
                                  .params = &params, .batch = 1, .shards = 1, .threads = 1, .carries = carries};
    REQUIRE(mg_trainer_new(&options, &trainer, &why) == MG_OK);
    uint32_t *order = mg_corpus_lanes(c, MG_SPLIT_TRAIN, 1, 1, 0);
    for (size_t i = 0; i < mg_corpus_count(c, MG_SPLIT_TRAIN); i++) {
        REQUIRE(mg_batch_fill(&batch, c, MG_SPLIT_TRAIN, order + i, 1, &why) == MG_OK);
        REQUIRE(mg_trainer_evaluate(trainer, &batch, &part, &why) == MG_OK);
        sum += part;
    }
    mg_free(order), mg_free(config);
    mg_trainer_free(trainer);
    mg_tensor_set_clear(&params);
    mg_batch_free(&batch);
    mg_corpus_free(c);
    mg_pack_release(pack);
    return sum;
}

static void carried_states_are_memory(void)
{
    double whole = likelihood(200, false);
    CHECK_NEAR(likelihood(200, true), whole, 1e-9 * whole);
    CHECK_NEAR(likelihood(7, true), whole, 1e-6 * whole); /* as if never cut */
    double forgetful = likelihood(7, false) - whole;
    CHECK(forgetful > 1e-4 * whole || forgetful < -1e-4 * whole);
}

/* ---- schedules ---- */

/* As torch.optim.lr_scheduler.ReduceLROnPlateau(factor=0.4, patience=2) goes through these losses. */
static void stalls_are_waited_for(void)
{
    static const struct { double loss, divisor; } epochs[] = {
        {9, 1}, {8, 1}, {8.5, 1}, {7.9999, 1}, {8.1, 2.5}, /* 7.9999 is less by no ten thousandth: three in a row */
        {8.2, 2.5}, {7, 2.5}, {7, 2.5}, {7, 2.5}, {7, 6.25}, {7.5, 6.25}, {7.5, 6.25}, {7.5, 15.625},
    };
    mg_optim o = mg_optim_defaults();
    mg_plateau p = {0};
    mg_error why = {0};
    double divisor = 1;
    while (strcmp(mg_optim_options[0].choices[o.optimizer], "adam")) o.optimizer++;
    const mg_option *row = mg_optim_options;
    while (strcmp(row->name, "schedule")) row++;
    while (strcmp(row->choices[o.schedule], "stall")) o.schedule++;
    o.lr = 1, o.factor = 2.5, o.wait = 2, o.final = 0.1;
    REQUIRE(mg_optim_check(&o, &why) == MG_OK);
    for (size_t e = 0; e < sizeof epochs / sizeof *epochs; e++) {
        CHECK(!mg_optim_is_over(&o, e + 1, divisor));
        divisor = mg_plateau_tell(&p, &o, epochs[e].loss);
        CHECK_NEAR(divisor, epochs[e].divisor, 1e-12);
        CHECK_NEAR(mg_optim_rate(&o, e + 1, divisor), 1 / epochs[e].divisor, 1e-12);
    }
    CHECK(mg_optim_is_over(&o, 99, divisor)); /* 1 / 15.625 is below 0.1 */
    o.schedule = 0;
    CHECK(!mg_optim_is_over(&o, 99, divisor));
    const char *value = "";
    CHECK(!strcmp(mg_optim_idle(&o, "factor", &value), "schedule") && !strcmp(value, "constant"));
    CHECK(!strcmp(mg_optim_idle(&o, "momentum", &value), "optimizer") && !strcmp(value, "adam"));
    CHECK(!mg_optim_idle(&o, "betas", &value) && !mg_optim_idle(&o, "lr", &value));
    CHECK(!mg_optim_idle(&o, "clip", &value));
    o.nesterov = true;
    CHECK_INT(mg_optim_check(&o, &why), MG_BAD_ARGUMENT);
}

/* ---- the loop ---- */

typedef struct { uint64_t stop_at, seen; mg_buffer records; } watcher;

static bool watch(void *user, const mg_progress *progress)
{
    watcher *w = user;
    w->seen = progress->done;
    return !w->stop_at || progress->done < w->stop_at;
}

static mg_status keep_line(void *user, const char *text, size_t length, mg_error *why)
{
    (void)why;
    mg_buffer_add(user, text, length);
    mg_buffer_add_char(user, '\n');
    return MG_OK;
}

/* Train to `steps` steps on up to 12 pieces, stopped at step `stop` if that is not 0. */
static mg_status train(const char *name, bool resumes, uint64_t stop, double lr, watcher *w, mg_error *why)
{
    const mg_model *model = mg_model_find("lstm");
    mg_train_job job = {.model = model, .config = mg_model_config(model), .optim = mg_train_optim_defaults(),
                        .options = mg_train_defaults(), .output = in_folder(name), .tool = "test", .resumes = resumes,
                        .may_replace = true, .has_provenance = true};
    mg_json *json = NULL;
    static const char settings[] = "{\"hidden\":8,\"embedding\":4,\"dropout\":0.2}";
    mg_status status = mg_json_parse(settings, strlen(settings), &json, why);
    if (!status && !resumes) status = mg_options_read(model->options, json, job.config, why);
    mg_json_free(json);
    if (!resumes) job.options.batch = 4, job.options.length = 40, job.options.valid = 0.3, job.optim.lr = lr;
    if (!resumes) job.optim.ema = 0.9, job.options.carry = strstr(name, "carried") != NULL;
    if (job.options.carry) job.options.length = 8;
    job.options.max_steps = 23;
    *w = (watcher){.stop_at = stop};
    uint64_t seed = 9;
    if (!status && resumes) status = mg_train_recall(&job, mg_model_find, &seed, why);
    mg_run run = {.threads = 2, .seed = seed, .out = {.line = keep_line, .user = &w->records}, .progress = watch,
                  .progress_user = w};
    mg_train_set set = {0};
    if (!status) status = mg_pack_open(in_folder("loop.data"), &set.pack, why);
    if (!status) status = mg_train(&job, &set, &run, why);
    mg_train_set_clear(&set);
    mg_train_job_clear(&job);
    return status;
}

static bool same_files(const char *a, const char *b)
{
    mg_hash x, y;
    mg_error why = {0};
    return mg_hash_file(in_folder(a), &x, &why) == MG_OK && mg_hash_file(in_folder(b), &y, &why) == MG_OK &&
           mg_hash_equal(x, y);
}

static void resume_to(const char *whole, const char *parts)
{
    mg_error why = {0};
    watcher w;
    char states[2][64];
    snprintf(states[0], sizeof states[0], "%s.state", whole);
    snprintf(states[1], sizeof states[1], "%s.state", parts);
    mg_pack_release(make_pack(in_folder("loop.data"), 12, NULL));
    CHECK_INT(train(whole, false, 0, 1e-2, &w, &why), MG_OK);
    CHECK(strstr(w.records.data, "\"valid_loss\""));
    mg_buffer_free(&w.records);
    for (uint64_t stop = 1; stop <= 20; stop += 5) {
        CHECK_INT(train(parts, false, stop, 1e-2, &w, &why), MG_STOPPED);
        CHECK_INT(w.seen, stop);
        mg_buffer_free(&w.records);
        CHECK_INT(train(parts, true, stop + 2, 0, &w, &why), MG_STOPPED);
        mg_buffer_free(&w.records);
        CHECK_INT(train(parts, true, 0, 0, &w, &why), MG_OK);
        mg_buffer_free(&w.records);
        CHECK(same_files(states[0], states[1]));
        CHECK(same_files(whole, parts));
    }
    /* Done is done: nothing more happens. */
    CHECK_INT(train(parts, true, 0, 0, &w, &why), MG_OK);
    mg_buffer_free(&w.records);
    CHECK(same_files(states[0], states[1]));
}

static void resumed_is_uninterrupted(void)
{
    resume_to("whole", "parts");
    resume_to("carried whole", "carried parts");
}

static void a_stop_may_come_at_once(void)
{
    mg_error why = {0};
    watcher w;
    mg_stop_ask();
    CHECK_INT(train("stopped", false, 0, 1e-2, &w, &why), MG_STOPPED);
    mg_stop_forget();
    mg_buffer_free(&w.records);
    CHECK(access(in_folder("stopped.state"), F_OK) != 0);
}

static void states_are_guarded(void)
{
    mg_error why = {0};
    watcher w;
    mg_file file;
    CHECK_INT(train("guard", false, 5, 1e-2, &w, &why), MG_STOPPED);
    mg_buffer_free(&w.records);
    REQUIRE(mg_file_read(in_folder("guard.state"), 0, &file, &why) == MG_OK);
    mg_buffer bytes = {0};
    mg_buffer_add(&bytes, file.data, file.size);
    mg_file_free(&file);
    /* One flipped bit anywhere is found. */
    for (size_t at = 0; at < bytes.length; at += bytes.length / 97) {
        FILE *f = fopen(in_folder("guard.state"), "wb");
        bytes.data[at] ^= 4;
        REQUIRE(f && fwrite(bytes.data, 1, bytes.length, f) == bytes.length && fclose(f) == 0);
        bytes.data[at] ^= 4;
        mg_status status = train("guard", true, 0, 0, &w, &why);
        CHECK(status == MG_BAD_DATA || status == MG_UNSUPPORTED || status == MG_TOO_LARGE);
        mg_buffer_free(&w.records);
    }
    mg_buffer_free(&bytes);
    mg_pack_release(make_pack(in_folder("loop.data"), 11, NULL)); /* other data */
    CHECK_INT(train("parts", true, 0, 0, &w, &why), MG_BAD_ARGUMENT);
    CHECK(strstr(why.text, "not the data"));
    mg_buffer_free(&w.records);
}

/* guard.state with `from` in its text replaced by `to`, and a checksum that is right. */
static void forge(const char *from, const char *to)
{
    mg_error why = {0};
    mg_tensors *file;
    mg_buffer text = {0};
    mg_out *out;
    char hex[33];
    REQUIRE(mg_tensors_open(in_folder("forged.from"), &file, &why) == MG_OK);
    const char *whole = mg_tensors_metadata(file, "state"), *at = strstr(whole, from);
    REQUIRE(at);
    mg_buffer_print(&text, "%.*s%s%s", (int)(at - whole), whole, to, at + strlen(from));
    mg_hasher *hasher = mg_hasher_new();
    mg_hasher_add(hasher, text.data, text.length);
    mg_stored stored[200];
    for (size_t i = 0; i < mg_tensors_count(file); i++) {
        stored[i] = *mg_tensors_at(file, i);
        mg_hasher_add(hasher, stored[i].name, strlen(stored[i].name) + 1);
        mg_hasher_add(hasher, stored[i].dim, (size_t)stored[i].rank * sizeof *stored[i].dim);
        mg_hasher_add(hasher, stored[i].data, stored[i].count * mg_dtype_size(stored[i].dtype));
    }
    mg_hash_hex(mg_hasher_end(hasher), hex);
    mg_hasher_free(hasher);
    mg_metadata metadata[] = {{"state", text.data}, {"checksum", hex}};
    REQUIRE(mg_out_open(in_folder("guard.state"), true, &out, &why) == MG_OK);
    REQUIRE(mg_tensors_write(out, stored, mg_tensors_count(file), metadata, 2, &why) == MG_OK);
    REQUIRE(mg_out_commit(out, &why) == MG_OK);
    mg_tensors_close(file);
    mg_buffer_free(&text);
}

static void forged_states_are_refused(void)
{
    static const struct { const char *from, *to; mg_status status; } cases[] = {
        {"\"step\":5", "\"step\":5", MG_STOPPED}, /* unchanged it is good */
        {"\"place\":", "\"place\":99", MG_BAD_DATA},
        {"\"step\":5", "\"step\":-5", MG_BAD_DATA},
        {"\"waited\":", "\"wasted\":", MG_BAD_DATA},
        {"\"divisor\":", "\"divisor\":-1", MG_BAD_DATA},
        {"\"plateau_losses\":[", "\"plateau_losses\":[1,", MG_BAD_DATA},
        {"\"updates\":[", "\"updates\":[-", MG_BAD_DATA},
        {"\"hidden\":8", "\"hidden\":1000000000", MG_BAD_DATA},
        {"\"batch\":4", "\"batch\":0", MG_BAD_DATA},
        {"\"max_steps\":23", "\"max_steps\":-1", MG_BAD_DATA},
        {"\"model\":\"lstm\"", "\"model\":\"lost\"", MG_UNSUPPORTED},
    };
    mg_error why = {0};
    watcher w;
    mg_pack_release(make_pack(in_folder("loop.data"), 12, NULL));
    CHECK_INT(train("guard", false, 5, 1e-2, &w, &why), MG_STOPPED);
    mg_buffer_free(&w.records);
    REQUIRE(rename(in_folder("guard.state"), in_folder("forged.from")) == 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        forge(cases[i].from, cases[i].to);
        CHECK_INT(train("guard", true, 6, 0, &w, &why), cases[i].status);
        mg_buffer_free(&w.records);
    }
}

static void bad_numbers_keep_the_good_state(void)
{
    mg_error why = {0};
    watcher w;
    mg_pack_release(make_pack(in_folder("loop.data"), 12, NULL));
    CHECK_INT(train("bad", false, 0, 1e38, &w, &why), MG_BAD_NUMBER);
    CHECK(strstr(why.text, "not finite"));
    mg_buffer_free(&w.records);
    mg_trained *trained;
    REQUIRE(mg_trained_load(in_folder("bad"), mg_model_find, &trained, &why) == MG_OK);
    mg_trained_free(trained);
}

static mg_status fill_controlled(const mg_pack *pack)
{
    mg_controls controls = {{[MG_DENSITY] = MG_CONTROL_OPTIONAL, [MG_PITCHES] = MG_CONTROL_GIVEN}};
    mg_corpus *c = NULL;
    mg_batch batch = {0};
    mg_error why = {0};
    mg_status status = mg_corpus_open(pack, 0, 16, &c, &why);
    if (!status) status = mg_corpus_control(c, &controls, &why);
    if (!status) status = mg_batch_new(c, 2, &batch, &why);
    if (!status) status = mg_batch_fill(&batch, c, MG_SPLIT_TRAIN, (const uint32_t[]){0, 1}, 2, &why);
    mg_batch_free(&batch);
    mg_corpus_free(c);
    return status;
}

static mg_status take_preset(void)
{
    mg_train_job job = {.options = mg_train_defaults(), .optim = mg_train_optim_defaults()};
    mg_error why = {0};
    mg_status status = mg_preset_take(&job, "jsb", mg_model_find, &why);
    mg_train_job_clear(&job);
    return status;
}

static void presets_say_no_more_than_they_mean(void)
{
    mg_train_job job = {.options = mg_train_defaults(), .optim = mg_train_optim_defaults()};
    mg_error why = {0};
    int64_t length = job.options.length;
    for (size_t i = 0; mg_preset_names[i]; i++) {
        CHECK_INT(mg_preset_take(&job, mg_preset_names[i], mg_model_find, &why), MG_OK);
        CHECK_INT(mg_optim_check(&job.optim, &why), MG_OK);
    }
    job.options = mg_train_defaults();
    job.options.patience = 3;
    CHECK_INT(mg_preset_take(&job, "jsb-bench", mg_model_find, &why), MG_OK);
    CHECK_INT(job.options.batch, 1);
    CHECK_INT(job.options.length, length);
    CHECK_INT(job.options.patience, 3); /* of which it says nothing */
    CHECK_INT(mg_preset_take(&job, "jsb_bench", mg_model_find, &why), MG_BAD_ARGUMENT);
    mg_train_job_clear(&job);
}

static void allocations_may_fail(void)
{
    mg_error why = {0};
    mg_pack *pack = make_pack(in_folder("alloc.data"), 3, NULL);
    mg_corpus *c = NULL;
    CHECK_FAILING_ALLOCATIONS(mg_corpus_open(pack, 0.3, 16, &c, &why));
    mg_corpus_free(c);
    mg_pack_release(pack);
    pack = pack_of("performance388", in_folder("alloc.data"), 3);
    CHECK_FAILING_ALLOCATIONS(fill_controlled(pack));
    mg_pack_release(pack);
    CHECK_FAILING_ALLOCATIONS(take_preset());
    const mg_model *model = mg_model_find("lstm");
    void *config = mg_model_config(model);
    mg_model_adapt(model, config, (mg_data_form){38, 0});
    mg_trained *trained = NULL;
    CHECK_FAILING_ALLOCATIONS(mg_trained_new(model, config, 1, &trained, &why));
    REQUIRE(mg_trained_save(trained, in_folder("alloc"), NULL, &why) == MG_OK);
    mg_trained_free(trained);
    CHECK_FAILING_ALLOCATIONS(mg_trained_load(in_folder("alloc"), mg_model_find, &trained, &why));
    mg_trained_free(trained);
    mg_free(config);
}

int main(void)
{
    snprintf(folder, sizeof folder, "/tmp/mgen-train-%d", (int)getpid());
    mg_error why = {0};
    if (mg_make_folder(folder, &why)) return 3;
    TEST("examples cover every step of every piece once", examples_cover_the_pieces);
    TEST("lanes hold every example once, pieces in a row", lanes_go_on);
    TEST("splits are those of the records, or drawn by path", splits_are_followed);
    TEST("features know the piece up to their step, wherever it was cut", features_know_the_piece_so_far);
    TEST("optional controls come in every choice", optional_controls_come_and_are_left_out);
    TEST("a tree adds alike whoever is done first", tree_has_one_shape);
    TEST("a step is the same at any number of threads", threads_change_nothing);
    TEST("a state that is carried knows what went before", carried_states_are_memory);
    TEST("a rate drops where the loss stalls, as PyTorch's does", stalls_are_waited_for);
    TEST("a training that was stopped and resumed ends with the bytes of one that was not", resumed_is_uninterrupted);
    TEST("a stop may come before the first step", a_stop_may_come_at_once);
    TEST("a damaged state and other data are refused", states_are_guarded);
    TEST("a state whose numbers no training has is refused", forged_states_are_refused);
    TEST("a loss that is not finite ends training, and the last good state is kept", bad_numbers_keep_the_good_state);
    TEST("a preset sets what it says, and leaves the rest", presets_say_no_more_than_they_mean);
    TEST("every allocation may fail", allocations_may_fail);
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) ? 3 : tap_end();
}
