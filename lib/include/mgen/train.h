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
    identity of the piece. Records of the test split are left out. The pack must outlive the corpus. MG_BAD_DATA, with
    the reason, where the encoding is unknown, its vocabulary another, or nothing is left to train on. */
mg_status mg_corpus_open(const mg_pack *pack, double valid, int64_t length, mg_corpus **corpus, mg_error *why);
void mg_corpus_free(mg_corpus *corpus);
/** From now on each token comes with these controls: each example once for every choice of those that are optional,
    given or left out. MG_BAD_ARGUMENT where the encoding is not of performances. */
mg_status mg_corpus_control(mg_corpus *corpus, const mg_controls *controls, mg_error *why);
size_t mg_corpus_count(const mg_corpus *corpus, mg_split split);  /**< examples */
size_t mg_corpus_pieces(const mg_corpus *corpus, mg_split split);
uint64_t mg_corpus_steps(const mg_corpus *corpus, mg_split split); /**< tokens or frames to predict */
const mg_encoding *mg_corpus_encoding(const mg_corpus *corpus);
bool mg_corpus_has_grids(const mg_corpus *corpus); /**< a quarter has other numbers of steps in some of the pieces */
mg_hash mg_corpus_hash(const mg_corpus *corpus);                  /**< of the pack's file */
mg_data_form mg_corpus_form(const mg_corpus *corpus);             /**< what a model must know of it */
/** Fill what a trained model keeps of its data: encoding, hashes, licences, tempo, grid, how pieces begin. */
mg_status mg_corpus_describe(const mg_corpus *corpus, mg_trained *trained, mg_error *why);

/* ---- batches ---- */

/** Inputs of a step by name, examples first: tokens or roll, features where there are any, targets, mask. */
typedef struct {
    int64_t examples, length;
    double targets;  /**< unmasked steps */
    bool *continues; /**< of each row: its example is not the first of its piece */
    int n_parts;
    struct { const char *name; mg_tensor tensor; } parts[8];
} mg_batch;

/** A place of a batch that no example takes. */
enum { MG_NO_EXAMPLE = UINT32_MAX };
/** The order of an epoch's examples: shuffled by seed and epoch, examples of like length together. New, yours
    (mg_free), NULL when out of memory; batch b is places b * batch .. (b + 1) * batch - 1 of it. */
uint32_t *mg_corpus_order(const mg_corpus *corpus, mg_split split, int64_t batch, uint64_t seed, uint64_t epoch);
/** The same in lanes: pieces are shuffled, laid end to end, and cut into `batch` lanes of equal length; batch b has the
    b-th example of each lane. So a piece goes on in the same row of the next batch. */
uint32_t *mg_corpus_lanes(const mg_corpus *corpus, mg_split split, int64_t batch, uint64_t seed, uint64_t epoch);
/** Room for `examples` examples of any length that the corpus has. */
mg_status mg_batch_new(const mg_corpus *corpus, int64_t examples, mg_batch *batch, mg_error *why);
/** Put n examples into it, padded to a common length (2^k or 3 2^k, or the longest there is) that few plans serve. */
mg_status mg_batch_fill(mg_batch *batch, const mg_corpus *corpus, mg_split split, const uint32_t *examples, size_t n,
                        mg_error *why);
void mg_batch_free(mg_batch *batch);

/* ---- steps ---- */

/** Parameters with their optimisers, moved step by step. A step is an update of one phase: a round is as many of each
    phase in turn as the model says. A batch is cut into `shards` parts of equal size whatever the number of threads
    (one where the phase couples examples); their gradients meet in a binary tree. */
typedef struct mg_trainer mg_trainer;
typedef struct {
    const mg_model *model;
    const void *config;       /**< lent */
    mg_optim optim;
    const mg_optim *of_phase; /**< one for each phase instead of `optim`, copied; NULL: all alike */
    mg_tensor_set *params;    /**< lent; moved by steps */
    int64_t batch;            /**< examples a step */
    int shards;               /**< 0: as many as have four examples or more, of large models 32; eight at most */
    int threads;
    uint64_t seed;
    mg_precision precision;   /**< of products: MG_FLOAT32 or MG_BFLOAT16 */
    bool carries;             /**< a row that continues begins with the state that this row of the batch before left */
} mg_trainer_options;
typedef struct {
    int phase;
    double loss, grad_norm, rate, parts[MG_PARTS];
} mg_step_result;

mg_status mg_trainer_new(const mg_trainer_options *options, mg_trainer **trainer, mg_error *why);
void mg_trainer_free(mg_trainer *trainer);
/** The next update of the round. MG_BAD_NUMBER, and nothing moved, where loss or gradient are not finite. */
mg_status mg_trainer_step(mg_trainer *trainer, const mg_batch *batch, mg_step_result *result, mg_error *why);
/** Sum of the negative log-likelihoods of a batch; of the averaged parameters where there is an average. */
mg_status mg_trainer_evaluate(mg_trainer *trainer, const mg_batch *batch, double *nll, mg_error *why);
/** The states that are carried in training (or in evaluation, which has its own) are zero again. */
void mg_trainer_forget(mg_trainer *trainer, mg_purpose purpose);
/** What the plateau schedule asked for: rates are divided by it from now on. */
void mg_trainer_divide(mg_trainer *trainer, double divisor);
/** Whether the next rate is below the one at which a schedule that drops ends. */
bool mg_trainer_is_over(const mg_trainer *trainer);
/** Operations of the products in the steps that this trainer has made (mg_plan_flops). */
double mg_trainer_flops(const mg_trainer *trainer);
uint64_t mg_trainer_steps(const mg_trainer *trainer); /**< made so far */
/** The parameters that evaluation and generation use: the average where there is one, else params. */
const mg_tensor_set *mg_trainer_best_guess(const mg_trainer *trainer);
int mg_trainer_shards(const mg_trainer *trainer); /**< of a full batch */
/** Time by op from now on: `times` has room for threads x mg_op_count(); NULL stops it. For a bench program. */
void mg_trainer_profile(mg_trainer *trainer, mg_op_time *times);

/* ---- the loop ---- */

/** mg_optim_defaults but for what training begins with here. */
mg_optim mg_train_optim_defaults(void);

typedef struct {
    /* what the weights depend on */
    int64_t batch, length;     /**< examples a step, most steps of an example */
    double valid;              /**< share held out where the records name no split */
    int64_t shards;            /**< parts of a batch that threads share; 0: as mg_trainer_options has it */
    mg_controls controls;      /**< what comes in beside the tokens of performances */
    bool carry;                /**< an example begins with the state that the one before it left */
    int precision;             /**< of products, an mg_precision: MG_FLOAT32 or MG_BFLOAT16 */
    /* when to stop */
    int64_t epochs, max_steps; /**< 0: no limit */
    double max_seconds;        /**< of this run; 0: no limit */
    int64_t patience;          /**< epochs without a better validation loss before it stops; 0: any number */
    /* what to do on the way */
    int64_t report;            /**< steps between two records */
    double save_seconds;       /**< between two checkpoints */
} mg_train_options;
extern const mg_option mg_train_data_rows[], mg_train_stop_rows[], mg_train_tell_rows[]; /**< of each part */
mg_train_options mg_train_defaults(void);

typedef struct {
    const mg_model *model;
    void *config;             /**< of the model, yours; what follows from the data is set in it */
    mg_optim optim;
    mg_train_options options;
    const mg_encoding *preset_for; /**< that the preset was made for; NULL: none was taken */
    const char *output;       /**< MODEL.safetensors; MODEL.state lies beside it */
    const char *tool;
    bool resumes;             /**< go on from MODEL.state */
    bool may_replace;         /**< files that are there */
    bool has_provenance;
    char *data_path;          /**< to go on: the packed set, where it is not MODEL.data; yours */
    const char *events;       /**< folder for a new file of events for TensorBoard; NULL: none */
    void (*say)(void *user, const char *text); /**< a line for people; may be NULL */
    void *say_user;
} mg_train_job;

void mg_train_job_clear(mg_train_job *job); /**< frees config and data_path */

/** To go on with the training of job->output: take model, configuration, optimiser, options, provenance and the path
    of the data from its MODEL.state, and the seed. Stop rules and what is done on the way may be changed then, the
    others not. What the job owns is replaced. MG_IO where there is no state, MG_BAD_DATA where it is damaged. */
mg_status mg_train_recall(mg_train_job *job, mg_model_finder find, uint64_t *seed, mg_error *why);

/** Presets: models as they were published or measured, each a file of share/presets. */
extern const char *const mg_preset_names[]; /**< ended by NULL */
/** Take what a preset says into a job; what it does not say stays. MG_BAD_ARGUMENT if there is none of that name. */
mg_status mg_preset_take(mg_train_job *job, const char *name, mg_model_finder find, mg_error *why);
/** A record of kind preset for each: name, what it reproduces, encoding, and all that it sets. */
mg_status mg_preset_list(mg_run *run, mg_error *why);

/** Before anything is read: take the place of the training for this process, until mg_out_abandon. MG_IO where
    another process has it, it cannot be written, or files there may not be replaced. */
mg_status mg_train_lock(const mg_train_job *job, mg_out **lock, mg_error *why);

/** The data of a training. `staged` is the MODEL.data that it becomes with the first checkpoint; NULL: a file that is
    there. */
typedef struct {
    mg_pack *pack;
    mg_out *staged;
} mg_train_set;
/** A packed set where the source is nothing else; to go on where nothing is named, the data that it began with; else
    the records of the source. Records of other kinds are passed over, those that cannot be trained on get error
    records. MG_BAD_DATA where none is left, or two do not go together. */
mg_status mg_train_data(const mg_train_job *job, mg_source *source, mg_run *run, mg_train_set *set, mg_error *why);
void mg_train_set_clear(mg_train_set *set); /**< leaves a MODEL.data that is there as it was */

/** Train on a set: step records to the run's sink, MODEL.state and MODEL.safetensors at every checkpoint and at the
    end. MG_BAD_ARGUMENT, and nothing is changed, where a job that goes on is not the one that was begun, or the data
    are others. MG_STOPPED when asked to stop, after saving. MG_BAD_NUMBER when loss, gradient or weights are no longer
    finite: what was saved last is kept. Same seed, same weights, at any number of threads and however often it was
    interrupted. */
mg_status mg_train(const mg_train_job *job, mg_train_set *set, mg_run *run, mg_error *why);

/** NAME.suffix for MODEL.safetensors or MODEL: "tunes.state". New, yours; NULL when out of memory. */
char *mg_train_path(const char *output, const char *suffix);

MG_PUBLIC_END
#endif
