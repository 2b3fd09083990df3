/* SPDX-License-Identifier: MIT */
/** Sampling: one choice from logits, and whole pieces from a trained model. */
#ifndef MGEN_SAMPLE_H
#define MGEN_SAMPLE_H

#include <mgen/nn.h>

MG_PUBLIC_BEGIN

/* ---- choices ---- */

typedef struct {
    double temperature; /**< logits are divided by it; 0: always the most likely */
    int64_t top_k;      /**< only the k most likely, equals by lowest number; 0: all */
    double top_p;       /**< only the most likely that together reach this probability (Holtzman et al. 2020); 1: all */
} mg_sampling;

/** A number below n by the softmax of n logits. Where `allowed` is not NULL only numbers that it marks are taken; at
    least one must be. `order` is room for n numbers. */
int64_t mg_sample_category(const mg_sampling *sampling, const mg_real *logits, int64_t n, const bool *allowed,
                           int32_t *order, mg_random *random);
/** Log of the probability of a number by the softmax of logits / temperature (1 where that is 0), before any cut. */
double mg_sample_category_log(const mg_sampling *sampling, const mg_real *logits, int64_t n, int64_t chosen);
/** Bits, each 1 with the probability sigmoid(logit / temperature). */
void mg_sample_bits(const mg_sampling *sampling, const mg_real *logits, int64_t n, bool *bits, mg_random *random);

/** The same for bits: the sum of the logs of their probabilities. */
double mg_sample_bits_log(const mg_sampling *sampling, const mg_real *logits, int64_t n, const bool *bits);

/* ---- streams: several pieces that grow side by side ---- */

/** The pieces that one group of streams makes. A piece depends on its number, not on its neighbours: neither on how
    many there are nor on the threads. */
typedef struct {
    mg_sampling sampling;
    int64_t steps;           /**< of the encoding's grid: a piece is over when this much new was said, or more in one
                                  token (mg_encoding_steps), or when its end token is */
    const int32_t *primer;   /**< tokens that all pieces begin with; of rolls as in a packed set */
    size_t n_primer;
    bool injects;            /**< the primer goes on while pieces grow: of each step its pitches are said first, and
                                  what stands below them is drawn; of encodings with a step_end */
    uint64_t seed;
    mg_control_values controls; /**< of a model that is told of the music to come */
    /** Beam search, as Magenta's (events_rnn): `branch` samples go on from each of `beam` beginnings for beam_steps
        tokens or frames (the first time for as many as make the rest whole turns), then the `beam` most likely of all
        are gone on from; the most likely is the piece. Likelihoods are those of mg_sample_category_log. A beam and
        branch of 1, or 0: none. */
    int64_t beam, branch, beam_steps;
    int threads;             /**< that make each step together, to the same bits; 0: one */
    mg_precision precision;  /**< of the weights */
} mg_generation;

typedef struct mg_streams mg_streams;
enum { MG_STREAMS = 16 }; /**< most pieces of a group: they share the reading of the weights */
/** Room for groups of up to `rows` pieces; with a beam search they are made one by one. The sentence in `why` is about
    the trained model, whose file it does not know: mg_fail_in adds that. */
mg_status mg_streams_new(const mg_trained *trained, const mg_generation *generation, int rows, mg_streams **streams,
                         mg_error *why);
/** Another group, for another thread, that shares the weights of the first, which must live as long. */
mg_status mg_streams_beside(const mg_streams *first, mg_streams **streams, mg_error *why);
/** Threads that make a group together: those of its generation, or 1 where the model is too small to share. */
int mg_streams_threads(const mg_streams *streams);
/** Tokens of pieces first .. first + n - 1 into tokens[0 ..] (zeroed buffers of int32_t, yours), primer included.
    MG_BAD_NUMBER where logits are not finite, MG_STOPPED when asked to stop. */
mg_status mg_streams_run(mg_streams *streams, uint64_t first, size_t n, mg_buffer *tokens, mg_error *why);
void mg_streams_free(mg_streams *streams);

/* ---- pieces as files ---- */

/** How much new music a piece has at most is said by one of steps, seconds and bars; if none does, 16 bars or, where
    the encoding counts seconds, 30 seconds. */
typedef struct {
    mg_sampling sampling;
    int64_t steps;  /**< of the encoding's grid; 0: not said */
    double seconds; /**< at the tempo that the primer ends with; 0: not said */
    double bars;    /**< of the meter that the primer ends with, else 4/4; 0: not said */
    int64_t beam, branch, beam_steps; /**< as mg_generation has them */
    bool inject;
    int precision;  /**< of the weights, an mg_precision */
    double bpm;     /**< where beats are counted, from MG_SLOWEST_BPM; 0: the primer's, else the data's, else 120 */
} mg_generate_options;
extern const mg_option mg_generate_rows[];
mg_generate_options mg_generate_defaults(void);

typedef struct {
    const char *model_path;
    const char *primer_path;              /**< a file whose first piece every piece begins with; NULL: none */
    const char *primer_melody;            /**< or a list of sixteenths, "[60, -2, 62, -1]"; NULL: none */
    const char *output;                   /**< a folder, for files 0001.mid and so on; "-": standard output */
    uint64_t count;                       /**< for standard output 1; with 0 all is got ready and nothing made */
    mg_generate_options options;
    mg_control_values controls;
    const char *tool;
    bool may_replace, has_provenance;
} mg_generate_job;

/** Generate `count` pieces as MIDI files, an output record for each to the run's sink. Tempos, meters and keys of the
    primer stand in them. MG_BAD_ARGUMENT where an option makes another meaningless. */
mg_status mg_generate(const mg_generate_job *job, mg_model_finder find, mg_run *run, mg_error *why);

/* ---- likelihood: how probable a model finds what there is ---- */

enum { MG_BINS = 10 };
/** What was predicted against what came, as sums by bins of equal width of the probability: of tokens, at each step,
    that of the likeliest one; of frames that of every key. */
typedef struct {
    double predicted[MG_BINS], observed[MG_BINS];
    uint64_t count[MG_BINS];
} mg_calibration;
/** Expected calibration error (Guo et al., ICML 2017): by how much predictions and what came differ, mean of the bins
    by their counts; 0 where nothing was counted. */
double mg_calibration_error(const mg_calibration *calibration);

/** A piece, and what comes out. */
typedef struct {
    const int32_t *tokens; /**< lent; all of the encoding (mg_encoding_check) */
    size_t n;
    int64_t predictions;   /**< mg_example_steps */
    double nats;           /**< their negative log-likelihoods, added up */
} mg_heard;

/** Room to hear pieces: whole ones, from an empty state on, in parts of a fixed length, whatever theirs is. */
typedef struct mg_listener mg_listener;
/** As mg_streams_new, `why` is about the trained model. */
mg_status mg_listener_new(const mg_trained *trained, mg_listener **listener, mg_error *why);
/** Hear up to MG_STREAMS pieces side by side, and add to the calibration. MG_BAD_NUMBER where a likelihood is not
    finite, MG_STOPPED when asked to stop. */
mg_status mg_listener_hear(mg_listener *listener, mg_heard *pieces, size_t n, mg_calibration *calibration,
                           mg_error *why);
void mg_listener_free(mg_listener *listener);

typedef struct {
    mg_piece_options pieces;
    const char *model_path;
    const char *split;        /**< take the pieces of this split alone; NULL: all */
    const char *const *paths; /**< what the source reads, to name the set; none: standard input */
    size_t n_paths;
    int64_t resamples;        /**< of the bootstrap */
} mg_likelihood_options;

/** How probable a model finds the pieces of a source: a metrics record for each and a likelihood record for all, with
    bootstrap intervals over pieces, calibration and outliers. Records with tokens of the model's encoding are taken as
    they are, all else is read as music and encoded. MG_BAD_DATA where there is none. */
mg_status mg_likelihood_run(const mg_likelihood_options *options, mg_model_finder find, mg_source *source, mg_run *run,
                            mg_error *why);

MG_PUBLIC_END
#endif
