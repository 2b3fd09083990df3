/* SPDX-License-Identifier: MIT */
/** What is measured of a piece of music, and how two sets of pieces compare.

    Metrics are rows of one table. All of a piece's metrics are read from one analysis, which is made once, in about
    one pass over the notes. No metric is ever NaN: one without a value says why. */
#ifndef MGEN_METRIC_H
#define MGEN_METRIC_H

#include <mgen/base.h>
#include <mgen/data.h>
#include <mgen/midi.h>

MG_PUBLIC_BEGIN

/* ---- metrics of a piece ---- */

/** Stands in every record; rises when a definition changes. */
#define MG_METRIC_DEFINITIONS 1

/** Which of its definitions a metric follows. Most have one only. */
typedef enum {
    MG_STRICT, /**< ends of notes are half-open, the last bar is the last note's, bars are those of the meters */
    MG_COMPAT  /**< to the last digit what MusPy 0.5 gives for the same notes, its oddities included */
} mg_meaning;

typedef enum { MG_NUMBER, MG_COUNT, MG_WORDS, MG_LIST } mg_value_kind;

/** What is known of a metric. */
typedef struct {
    const char *name;
    mg_value_kind kind;
    int width;              /**< of a list: how many numbers; 1 otherwise */
    const char *unit;       /**< "1" for shares and other pure numbers, "" for words */
    double low, high;       /**< its range; infinite where open */
    int better;             /**< 1: higher is better, -1: lower, 0: neither, to be held against a reference */
    unsigned meanings;      /**< bit 1 << mg_meaning for each meaning that it has */
    const char *definition; /**< one sentence, of the strict meaning where there is one */
    const char *compat;     /**< what is different in compat; NULL where nothing is */
    const char *source;
} mg_metric;

/** One measurement. */
typedef struct {
    const char *reason; /**< why there is no value; NULL where there is one */
    double number;      /**< of a number or count */
    const char *words;  /**< static text */
    const double *list; /**< as long as the analysis */
} mg_value;

const mg_metric *mg_metric_at(size_t i); /**< NULL past the end */
size_t mg_metric_count(void);
const mg_metric *mg_metric_find(const char *name); /**< NULL if there is none */

/** All that the metrics of a piece share: sorted notes, histograms, how many pitches sound for how long, bars. Time
    and memory are linear in the notes (and their sorting), whatever the ticks. The score must outlive it. */
typedef struct mg_analysis mg_analysis;
mg_status mg_analysis_new(const mg_score *score, mg_meaning meaning, mg_analysis **analysis, mg_error *why);
void mg_analysis_free(mg_analysis *analysis);

/** Measure; the metric must have the meaning of the analysis. */
mg_value mg_metric_measure(const mg_metric *metric, const mg_analysis *analysis);

/* ---- key ---- */

/** Key profiles: how much each degree of a key is expected to sound. music21's weights (Cuthbert and Ariza, ISMIR
    2010). */
typedef enum {
    MG_KRUMHANSL, /**< Krumhansl and Schmuckler; Krumhansl and Kessler 1982 */
    MG_AARDEN,    /**< Aarden and Essen; Aarden 2003 */
    MG_SIMPLE,    /**< Craig Sapp's simple weights */
    MG_BELLMAN,   /**< Bellman and Budge; Bellman 2005 */
    MG_TEMPERLEY, /**< Temperley, Kostka and Payne; Temperley 2007 */
    MG_KEY_PROFILES
} mg_key_profile;

typedef struct {
    double r[24];  /**< Pearson correlation with C major .. B major, C minor .. B minor */
    int best;      /**< index of the highest, the first of equals; -1 where nothing correlates (no or equal weights) */
    double margin; /**< by how much it leads the second */
} mg_key_estimate;

/** The key in which the twelve weights (how long each pitch class sounds) make most sense. */
void mg_key_find(mg_key_profile profile, const double weights[12], mg_key_estimate *key);
/** "C# minor"; `key` is an index of mg_key_estimate.r. */
const char *mg_key_words(int key);
/** What the key metrics take: ticks per pitch class summed over the notes (overlaps count twice), drums left out. */
const double *mg_analysis_class_ticks(const mg_analysis *analysis);

/* ---- two sets ---- */

/** One metric in two sets, a and b; b is the reference. */
typedef struct {
    size_t n_a, n_b;         /**< pieces with a value */
    size_t nulls_a, nulls_b; /**< pieces without */
    double a, b;             /**< means */
    double median_a, median_b, sd_a, sd_b; /**< sd: of the sample (n - 1); 0 for a single piece */
    double distance;         /**< (a - b) / sd_b: Glass's delta */
    double low, high;        /**< 95 % bootstrap interval of the distance */
    double wasserstein;      /**< mean shift that turns one distribution into the other, in units of sd_b */
    double p;                /**< permutation test of equal means, two-sided */
    double p_holm;           /**< p corrected over all metrics compared (Holm 1979) */
    bool has_means, has_distance, has_interval, has_p; /**< which of these there are; wasserstein as distance */
    const char *reason;      /**< why one of them is missing; NULL otherwise */
} mg_comparison;

typedef struct {
    int64_t resamples;       /**< of the bootstrap, and permutations */
    uint64_t seed;
    int threads;             /**< the result does not depend on it */
    mg_progress_fn progress; /**< may be NULL */
    void *progress_user;
} mg_compare_options;

/** Compare two sets of pieces, `k` metrics each: values[piece * k + metric], NaN where there is none. Pieces are
    resampled whole, all metrics together; resample r draws from mg_random_at(seed, "bootstrap" or "permutation", r).
    The interval is the percentile bootstrap (Efron 1979) with both sets resampled; p is (1 + permutations whose
    difference in means is at least the observed) / (1 + permutations). */
mg_status mg_compare(const double *a, size_t n_a, const double *b, size_t n_b, size_t k,
                     const mg_compare_options *options, mg_comparison *result, mg_error *why);

/* ---- what mgen-eval does ---- */

typedef struct {
    mg_piece_options pieces;
    int meaning;                /**< mg_meaning */
    const char *only;           /**< names of metrics separated by commas; NULL: all that have the meaning */
    const char *const *paths;   /**< what the source reads: names set a in a comparison; none: standard input */
    size_t n_paths;
    const char *const *against; /**< paths of the reference set */
    size_t n_against;           /**< 0: none */
    bool writes_pieces;         /**< a metrics record for each piece */
    int64_t resamples;
} mg_eval_options;

mg_eval_options mg_eval_defaults(void);
/** Measure every piece of `source`: `metrics` records, and with a reference a `comparison` record at the end. Records
    of kind metrics are taken for the pieces that they tell of. */
mg_status mg_eval_run(const mg_eval_options *options, mg_source *source, mg_run *run, mg_error *why);
/** A `metric` record for every metric. */
mg_status mg_eval_list(mg_run *run, mg_error *why);

/* ---- what mgen-info does ---- */

typedef struct {
    mg_piece_options pieces;
    const char *path; /**< what the card is called; NULL: nothing */
    bool is_one;      /**< the only input is a file, and no folder: its music is told piece by piece */
    bool each, card;  /**< every piece told; all summed up */
} mg_inspect_options;

/** Say what the inputs are. An `info` record for each model, other tensor file and sound; for each packed set and
    record stream, at its end. Music is told by an `info` record a piece where a single file of it was named (or
    `each`), and by one `card` record for all of it otherwise: counts, hours, distributions, duplicates, repairs,
    licences. Memory does not grow with the corpus, but for some 23 bytes a piece by which exact duplicates are found.
    */
mg_status mg_inspect_run(const mg_inspect_options *options, mg_source *source, mg_run *run, mg_error *why);

MG_PUBLIC_END
#endif
