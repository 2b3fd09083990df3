/* SPDX-License-Identifier: MIT */
/** Training: sets of examples, steps that do not depend on the number of threads, and the loop with its checkpoints. */
#ifndef MGEN_TRAIN_H
#define MGEN_TRAIN_H

#include <mgen/nn.h>
#include <mgen/optim.h>

MG_PUBLIC_BEGIN

/* ---- sets of examples ---- */

typedef enum { MG_SPLIT_TRAIN, MG_SPLIT_VALID, MG_SPLITS } mg_split;

/** The pieces of a packed set cut into examples of at most `length` steps, each predicting its next token or frame from
    those before, and starting with an empty state. */
typedef struct mg_corpus mg_corpus;

/** Which record belongs to which split is what the records say; where none of them says it, a share of `valid` by the
    hash of the path. Records of the test split are left out. The pack must outlive the corpus. MG_BAD_DATA, with the
    reason, where the encoding is unknown, its vocabulary another, or nothing is left to train on. */
mg_status mg_corpus_open(const mg_pack *pack, double valid, int64_t length, mg_corpus **corpus, mg_error *why);
void mg_corpus_free(mg_corpus *corpus);
size_t mg_corpus_count(const mg_corpus *corpus, mg_split split);  /**< examples */
size_t mg_corpus_pieces(const mg_corpus *corpus, mg_split split);
uint64_t mg_corpus_steps(const mg_corpus *corpus, mg_split split); /**< tokens or frames to predict */
const mg_encoding *mg_corpus_encoding(const mg_corpus *corpus);
mg_hash mg_corpus_hash(const mg_corpus *corpus);                  /**< of the pack's file */
/** Fill what a trained model keeps of its data: encoding, hashes, licences, tempo, grid, how pieces begin. */
mg_status mg_corpus_describe(const mg_corpus *corpus, mg_trained *trained, mg_error *why);

/* ---- batches ---- */

/** Inputs of a step by name, examples first: tokens or roll, targets, mask. */
typedef struct {
    int64_t examples, length;
    double targets; /**< unmasked steps */
    int n_parts;
    struct { const char *name; mg_tensor tensor; } parts[8];
} mg_batch;

/** The order of an epoch's training examples: shuffled by seed and epoch, examples of like length together. New, yours
    (mg_free), NULL when out of memory; batch b is places b * batch .. of it. */
uint32_t *mg_corpus_order(const mg_corpus *corpus, mg_split split, int64_t batch, uint64_t seed, uint64_t epoch);
/** Room for `examples` examples of any length that the corpus has. */
mg_status mg_batch_new(const mg_corpus *corpus, int64_t examples, mg_batch *batch, mg_error *why);
/** Put n examples into it, padded to a common length (2^k or 3 2^k) that few plans serve. */
mg_status mg_batch_fill(mg_batch *batch, const mg_corpus *corpus, mg_split split, const uint32_t *examples, size_t n,
                        mg_error *why);
void mg_batch_free(mg_batch *batch);

/* ---- steps ---- */

/** Parameters with their optimiser, moved step by step. A batch is cut into `shards` parts of equal size whatever the
    number of threads; their gradients meet in a binary tree. */
typedef struct mg_trainer mg_trainer;
typedef struct {
    const mg_model *model;
    const void *config;       /**< lent */
    mg_optim optim;
    mg_tensor_set *params;    /**< lent; moved by steps */
    int64_t batch;            /**< examples a step */
    int shards, threads;
    uint64_t seed;
} mg_trainer_options;
typedef struct { double loss, grad_norm, rate; } mg_step_result;

mg_status mg_trainer_new(const mg_trainer_options *options, mg_trainer **trainer, mg_error *why);
void mg_trainer_free(mg_trainer *trainer);
/** One round of updates. MG_BAD_NUMBER, and nothing moved, where loss or gradient are not finite. */
mg_status mg_trainer_step(mg_trainer *trainer, const mg_batch *batch, mg_step_result *result, mg_error *why);
/** Sum of the negative log-likelihoods of a batch; of the averaged parameters where there is an average. */
mg_status mg_trainer_evaluate(mg_trainer *trainer, const mg_batch *batch, double *nll, mg_error *why);
/** What the plateau schedule asked for: rates are divided by it from now on. */
void mg_trainer_divide(mg_trainer *trainer, double divisor);
uint64_t mg_trainer_steps(const mg_trainer *trainer); /**< made so far */
/** The parameters that evaluation and generation use: the average where there is one, else params. */
const mg_tensor_set *mg_trainer_best_guess(const mg_trainer *trainer);
/** Time by op from now on: `times` has room for threads x mg_op_count(); NULL stops it. For a bench program. */
void mg_trainer_profile(mg_trainer *trainer, mg_op_time *times);

/* ---- the loop ---- */

/** mg_optim_defaults but for what training begins with here. */
mg_optim mg_train_optim_defaults(void);

typedef struct {
    /* what the weights depend on */
    int64_t batch, length;     /**< examples a step, most steps of an example */
    double valid;              /**< share held out where the records name no split */
    int64_t shards;            /**< parts of a batch that threads share */
    /* when to stop, and what to say on the way */
    int64_t epochs, max_steps; /**< 0: no limit */
    double max_seconds;        /**< of this run; 0: no limit */
    int64_t patience;          /**< epochs without a better validation loss before it stops; 0: any number */
    int64_t report;            /**< steps between two records */
    double save_seconds;       /**< between two checkpoints */
} mg_train_options;
extern const mg_option mg_train_data_rows[], mg_train_rows[]; /**< of the first and of the second part */
mg_train_options mg_train_defaults(void);

typedef struct {
    const mg_model *model;
    void *config;             /**< of the model; what follows from the data is set in it */
    mg_optim optim;
    mg_train_options options;
    const char *output;       /**< MODEL.safetensors; MODEL.state lies beside it */
    const char *tool;
    bool resumes;             /**< go on from MODEL.state: options at their defaults take its values */
    bool may_replace;         /**< a MODEL.safetensors that is there */
    bool has_provenance;
    void (*say)(void *user, const char *text); /**< a line for people; may be NULL */
    void *say_user;
} mg_train_job;

/** Train on a packed set: step records to the run's sink, MODEL.state and MODEL.safetensors at every checkpoint and at
    the end. MG_STOPPED when asked to stop and MG_BAD_NUMBER when the loss is not finite: both after saving. Same seed,
    same weights, at any number of threads and however often it was interrupted. */
mg_status mg_train(const mg_train_job *job, const mg_pack *pack, mg_run *run, mg_error *why);

/** NAME.suffix for MODEL.safetensors or MODEL: "tunes.state". New, yours; NULL when out of memory. */
char *mg_train_path(const char *output, const char *suffix);
/** The data of a training: a packed set where `paths` names just one; to resume without paths, MODEL.data; else the
    records of the source, kept as MODEL.data. Records of other kinds are passed over. MG_BAD_DATA where a record cannot
    be used, or there is none; MG_IO where MODEL.safetensors is there and may not be replaced. */
mg_status mg_train_data(const mg_train_job *job, mg_source *source, const char *const *paths, size_t n_paths,
                        mg_run *run, mg_pack **pack, mg_error *why);

MG_PUBLIC_END
#endif
