/* SPDX-License-Identifier: MIT */
/* How far a training run has come: with the trainer, all that a checkpoint holds. */
#ifndef TRAIN_LOOP_H
#define TRAIN_LOOP_H

#include "train/tfevents.h"
#include "train/trainer.h"

typedef struct {
    uint64_t epoch, place;        /* epochs done, batches done of the next one */
    double epoch_nll, epoch_targets; /* of those batches */
    double best_loss;             /* on the validation set; infinity before the first */
    uint64_t best_step, waited;   /* after which step that was, epochs since */
    mg_plateau plateau;
    mg_step_result last;          /* what the last step gave */
} mg_loop_state;

typedef struct {
    const mg_train_job *job;      /* as it was begun: a schedule's total is not yet known */
    mg_run *run;
    const mg_pack *pack;
    mg_corpus *corpus;
    mg_trained *trained;          /* its params are those that move */
    mg_trainer *trainer;
    mg_tensor_set best;           /* the parameters with the best validation loss; empty without a validation set */
    mg_loop_state at;
    mg_batch batch;
    char *state_path;
    mg_buffer data_path;          /* of the pack, seen from the root; empty where it is MODEL.data */
    double start_s, saved_s, last_valid;
    uint64_t first_step, told_step; /* steps made before this run; the last that has a record */
    double tokens;                /* steps of examples predicted in this run */
    double step_s, peak_gflops;   /* time of its steps alone; what multiply-adds reach on its threads */
    mg_events *events;            /* NULL: none are asked for */
} mg_loop;

uint64_t mg_loop_batches(const mg_loop *loop, mg_split split); /* of an epoch */
bool mg_loop_has_validation(const mg_loop *loop);

/* preset.c: take model, configuration, optimiser and options as far as `about`, of a preset or a state, tells of them;
   the others stay, but for the configuration of another model. */
mg_status mg_job_read(mg_train_job *job, const mg_json *about, mg_model_finder find, mg_error *why);

/* ---- report.c ---- */

void mg_loop_say(const mg_loop *loop, const char *format, ...) MG_PRINTF(2, 3);
void mg_loop_say_begin(const mg_loop *loop);
void mg_loop_say_end(const mg_loop *loop);
void mg_loop_find_peak(mg_loop *loop);
uint64_t mg_loop_last_step(const mg_loop *loop); /* of all, by the options; 0: there is none */
mg_status mg_loop_show_progress(mg_loop *loop, mg_error *why);
/* A step record. `valid`: the loss of the validation set, or where there is none of the epoch that ended; NULL where
   neither is known. `is_best`: none before was better. */
mg_status mg_loop_tell_step(mg_loop *loop, const double *valid, bool is_best, mg_error *why);

/* ---- state.c ---- */

/* MODEL.state, written whole or not at all, and sealed by a checksum. */
mg_status mg_loop_save(const mg_loop *loop, mg_error *why);

/* A state that was read: its text, and its tensors as they lie in the file. */
typedef struct {
    mg_tensors *file;
    mg_json *about;
    char *path;
} mg_saved;
/* MG_BAD_DATA if the file is damaged. */
mg_status mg_saved_open(const char *path, mg_saved *saved, mg_error *why);
void mg_saved_close(mg_saved *saved);
/* Before anything is made: MG_BAD_ARGUMENT where the job is not the one that was begun. */
mg_status mg_saved_check(const mg_saved *saved, const mg_train_job *job, uint64_t seed, mg_error *why);
/* Into a loop that was made from these options; MG_BAD_ARGUMENT if the data are not those that it began with. */
mg_status mg_saved_restore(const mg_saved *saved, mg_loop *loop, mg_error *why);

#endif
