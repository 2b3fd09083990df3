/* SPDX-License-Identifier: MIT */
/** Which pieces are the same music. Exact tiers: each calls more pieces equal than the one before. */
#ifndef MGEN_MATCH_H
#define MGEN_MATCH_H

#include <mgen/base.h>
#include <mgen/data.h>
#include <mgen/midi.h>

MG_PUBLIC_BEGIN

/* ---- what is shared ---- */

/** A stretch of music that two pieces share, in seconds. */
typedef struct { double a_start, a_end, b_start, b_end; } mg_passage;

/** What two pieces share, whatever engine found it. */
typedef struct {
    const char *a, *b;    /**< paths */
    const char *kind;     /**< "T0" .. "T4" */
    double score;         /**< 0 .. 1 */
    double p;             /**< of such a match by chance; NAN where that is no question */
    int transpose;        /**< semitones from a to b */
    double time_ratio;    /**< seconds in b for a second of a */
    const mg_passage *spans;
    size_t n_spans;
} mg_match;

/** Add a match record. */
void mg_match_write(mg_buffer *out, const mg_match *match);

/* ---- exact tiers ---- */

typedef enum {
    MG_T0, /**< the same bytes */
    MG_T1, /**< the same events, track by track: notes, controls, programs, bends, tempi, meters; texts are left out */
    MG_T2, /**< as T1, whatever the order of the tracks */
    MG_T3, /**< the same notes, in quarters: mg_score_id */
    MG_T4, /**< the same notes but for transposition, a factor in time, velocities and lengths */
    MG_TIERS
} mg_tier;

const char *mg_tier_name(mg_tier tier); /**< "T0" */

/** Fewer notes than these are no music that T4 could call the same. */
enum { MG_T4_NOTES = 8, MG_SKETCH = 4 };

/** What identifies a piece. Pieces without notes have T0 only; a record's content has no T0. */
typedef struct {
    mg_hash tier[MG_TIERS];  /**< of T4: of the onsets divided by their greatest common divisor, exact */
    unsigned tiers;          /**< bit 1 << tier for each tier that the piece has */
    uint64_t outline;        /**< of how often each pitch above the lowest occurs: equal for pieces equal in T4 */
    float sketch[MG_SKETCH]; /**< means of smooth functions of onset and pitch: nearly equal for pieces equal in T4 */
    double spread;           /**< standard deviation of the onsets, ticks */
    double start_s, last_s, end_s; /**< first and last onset, last end of a note */
    uint32_t n_notes, n_repairs;
    uint16_t ticks_per_quarter;
    uint8_t n_velocities;    /**< how many different ones */
    uint8_t low;             /**< lowest pitch, drums left out; 0 where there is none */
} mg_fingerprint;

mg_status mg_fingerprint_make(const mg_piece *piece, mg_fingerprint *print, mg_error *why);

/** Whether two scores are equal in T4 though their ticks were rounded: for each pitch above the lowest as many
    onsets, and some line b = ratio * a + offset from which none is farther than half a tick of both files, nor than a
    sixteenth of a quarter. */
mg_status mg_score_same_shape(const mg_score *a, const mg_score *b, bool *is_same, mg_error *why);

/** Whether that can be, by their fingerprints: never false where it is so. */
bool mg_fingerprint_may_match(const mg_fingerprint *a, const mg_fingerprint *b);

/* ---- what mgen-dedup does ---- */

typedef struct {
    mg_piece_options pieces;
    int tier;                   /**< mg_tier: the last one to be used */
    bool clusters;              /**< cluster records instead of match records */
    const char *const *against; /**< paths of a corpus: pieces are compared with it, and not with each other */
    size_t n_against;
} mg_dedup_options;

mg_dedup_options mg_dedup_defaults(void);

/** Find duplicates among the pieces of `source`. Without a corpus each piece that equals one with a lower path (in
    byte order) gets one match record: a is the piece, b the lowest path among those that it equals in the strictest
    tier; so the records of a class of n equal pieces are n - 1. With a corpus, b is the lowest path of the corpus in
    the strictest tier. The records do not depend on threads, nor, without a corpus, on the order of the inputs. A
    path that comes twice is one piece. Memory holds about 300 bytes a piece (of the corpus, if there is one), not the
    music; where rounding leaves doubt in T4, two files are read again. */
mg_status mg_dedup_run(const mg_dedup_options *options, mg_source *source, mg_run *run, mg_error *why);

MG_PUBLIC_END
#endif
