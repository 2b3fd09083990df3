/* SPDX-License-Identifier: MIT */
/** What every room stands on: status and error, memory, bytes, hashes, random numbers, processor classes,
    threads, and files that appear whole or not at all.

    Conventions of all public headers:
    - a function that can fail returns mg_status and, where the world is at fault, says why in an mg_error;
    - a pair new/free or open/close owns; every other pointer is borrowed; free(NULL) is fine everywhere;
    - numbers with a unit carry it in the name (onset_s, hop_samples, tempo_bpm). */
#ifndef MGEN_BASE_H
#define MGEN_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MG_VERSION "0.1.0"

#ifdef __cplusplus
#define MG_PUBLIC_BEGIN _Pragma("GCC visibility push(default)") extern "C" {
#define MG_PUBLIC_END } _Pragma("GCC visibility pop")
#else
#define MG_PUBLIC_BEGIN _Pragma("GCC visibility push(default)")
#define MG_PUBLIC_END _Pragma("GCC visibility pop")
#endif
#define MG_PRINTF(text_at, first) __attribute__((__format__(__printf__, text_at, first)))
#define MG_MUST_CHECK __attribute__((warn_unused_result))

MG_PUBLIC_BEGIN

/* ---- status and error ---- */

typedef enum {
    MG_OK = 0,
    MG_NO_MEMORY,    /**< an allocation failed */
    MG_IO,           /**< the system refused: missing file, full disk, read-only folder */
    MG_CLOSED,       /**< the reader of our output went away */
    MG_BAD_DATA,     /**< the input does not follow its format */
    MG_UNSUPPORTED,  /**< a legal input of a kind that is not read */
    MG_TOO_LARGE,    /**< a documented cap was passed */
    MG_BAD_ARGUMENT, /**< an option or argument makes no sense */
    MG_BAD_NUMBER,   /**< NaN or infinity where a number must be finite */
    MG_STOPPED,      /**< asked to stop by a signal */
    MG_END,          /**< no more items; not a failure */
    MG_STATUS_COUNT
} mg_status;

/** One sentence, lower case, without a full stop. */
const char *mg_status_text(mg_status status);

/** Where a failure is described; belongs to the caller, zero it before use. */
typedef struct {
    mg_status status;
    char text[480];  /**< the reason, one sentence */
    char where[64];  /**< place inside the input: "byte 14", "line 3", "record 17"; may be empty */
} mg_error;

/** Fill `why` (may be NULL) and return `status`. */
mg_status mg_fail(mg_error *why, mg_status status, const char *format, ...) MG_PRINTF(3, 4);
/** As mg_fail, telling of `path` what `inner` says was wrong there: "PATH: reason", where the reason does not begin so
    already. */
mg_status mg_fail_in(mg_error *why, mg_status status, const char *path, const mg_error *inner);
/** Add the place to an error that mg_fail has described. */
void mg_error_at(mg_error *why, const char *format, ...) MG_PRINTF(2, 3);
/** As mg_fail with MG_IO, followed by ": " and the text of errno. EPIPE becomes MG_CLOSED, ENOMEM MG_NO_MEMORY. */
mg_status mg_fail_errno(mg_error *why, const char *format, ...) MG_PRINTF(2, 3);

#define MG_TRY(call)                          \
    do {                                      \
        mg_status try_status_ = (call);       \
        if (try_status_) return try_status_;  \
    } while (0)

/* ---- memory ---- */

/** malloc, calloc, realloc of `count` items of `size` bytes; NULL when out of memory or when the product overflows. */
void *mg_alloc(size_t count, size_t size) __attribute__((malloc));
void *mg_alloc_zero(size_t count, size_t size) __attribute__((malloc));
void *mg_realloc(void *block, size_t count, size_t size) MG_MUST_CHECK;
void mg_free(void *block);
char *mg_strdup(const char *text);
char *mg_strndup(const char *text, size_t length);
/** Make the n-th allocation from now fail, and every one after it (0: none). For tests; counts in all threads. */
void mg_alloc_fail_at(uint64_t n);
/** Allocations so far, for tests that walk through them. */
uint64_t mg_alloc_count(void);

/** Room for one more item of a growing array: doubles *items when count == *capacity. False when out of memory. */
bool mg_grow(void **items, size_t count, size_t *capacity, size_t item_size) MG_MUST_CHECK;

/** A growing run of bytes, always followed by a NUL that `length` does not count. Zero it to start; a failed
    allocation sets `failed` and later writes do nothing, so one look at the end suffices. */
typedef struct {
    char *data;
    size_t length, capacity;
    bool failed;
} mg_buffer;

void mg_buffer_add(mg_buffer *buffer, const void *bytes, size_t length);
void mg_buffer_add_text(mg_buffer *buffer, const char *text);
void mg_buffer_add_char(mg_buffer *buffer, char c);
void mg_buffer_print(mg_buffer *buffer, const char *format, ...) MG_PRINTF(2, 3);
/** `length` more bytes to be written at the place returned; NULL when out of memory. */
char *mg_buffer_room(mg_buffer *buffer, size_t length);
void mg_buffer_clear(mg_buffer *buffer); /**< keeps the memory */
void mg_buffer_free(mg_buffer *buffer);

/** Many small things that die together. Zero it to start. Blocks are 16-byte aligned. */
typedef struct {
    struct mg_arena_block *block;
    size_t total; /**< bytes handed out */
} mg_arena;

void *mg_arena_alloc(mg_arena *arena, size_t count, size_t size);
char *mg_arena_strndup(mg_arena *arena, const char *text, size_t length);
void mg_arena_free(mg_arena *arena);

/* ---- numbers ---- */

/** The greatest common divisor; that of 0 and n is n. */
uint64_t mg_gcd(uint64_t a, uint64_t b);
/** Linear between n > 0 sorted values (Hyndman and Fan's type 7): q 0 is the first, 1 the last. */
double mg_quantile(const double *sorted, size_t n, double q);

/* ---- hashes ---- */

typedef struct { uint64_t hi, lo; } mg_hash;

const char *mg_hash_library(void); /**< of xxhash: "0.8.1" */
mg_hash mg_hash_bytes(const void *bytes, size_t length);  /**< XXH3-128 */
uint64_t mg_hash64_bytes(const void *bytes, size_t length); /**< XXH3-64 */
bool mg_hash_equal(mg_hash a, mg_hash b);
/** 32 hex digits and a NUL; the canonical (big-endian) form of XXH128. */
void mg_hash_hex(mg_hash hash, char hex[33]);
bool mg_hash_from_hex(const char *hex, mg_hash *hash);

/** A hash fed in pieces. */
typedef struct mg_hasher mg_hasher;
mg_hasher *mg_hasher_new(void);
void mg_hasher_add(mg_hasher *hasher, const void *bytes, size_t length);
mg_hash mg_hasher_end(mg_hasher *hasher); /**< the hash of all that was added; the hasher may go on */
void mg_hasher_free(mg_hasher *hasher);

/** A set of hashes: 16 bytes an entry, at most 7/10 full. Zero it to start. */
typedef struct {
    mg_hash *slot;
    size_t count, capacity;
    bool has_zero;
} mg_hash_set;

/** *is_new tells whether it was absent. MG_NO_MEMORY leaves the set as it was. */
mg_status mg_hash_set_add(mg_hash_set *set, mg_hash hash, bool *is_new);
bool mg_hash_set_has(const mg_hash_set *set, mg_hash hash);
void mg_hash_set_free(mg_hash_set *set);

/* ---- random numbers ---- */

/** Philox4x32-10 (Salmon et al., SC 2011): a pure function of key and counter, so neither threads nor a restart
    change a draw. The key is the seed; a stream (what for) and a record (which example) fill half the counter. */
typedef struct {
    uint32_t key[2], stream, record_lo, record_hi;
    uint32_t block;      /**< the next block of four numbers */
    uint32_t ready[4];
    unsigned n_ready;
} mg_random;

void mg_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]);
mg_random mg_random_at(uint64_t seed, const char *stream, uint64_t record);
uint32_t mg_random_bits(mg_random *random);
double mg_random_unit(mg_random *random);                      /**< uniform in [0, 1), 53 bits */
uint32_t mg_random_below(mg_random *random, uint32_t n);       /**< uniform in [0, n), unbiased; n > 0 */
double mg_random_normal(mg_random *random);                    /**< mean 0, deviation 1 (Box-Muller) */
/** A random order of 0 .. n-1 (Fisher-Yates). */
void mg_random_order(mg_random *random, uint32_t *order, uint32_t n);

/* ---- processor ---- */

typedef enum { MG_CPU_BASELINE, MG_CPU_AVX2, MG_CPU_AVX512, MG_CPU_CLASSES } mg_cpu;

mg_cpu mg_cpu_best(void);             /**< the highest class that this machine runs */
/** The class in use: MG_CPU=baseline|avx2|avx512 where the machine has it, else the best. Read once. */
mg_cpu mg_cpu_class(void);
/** Use another class from now on; false if the machine lacks it. For tests and for resuming. */
bool mg_cpu_force(mg_cpu cpu);
/** What is wrong with the class that MG_CPU asks for, if anything is. */
mg_status mg_cpu_check_wish(mg_error *why);
const char *mg_cpu_name(mg_cpu cpu);
/** Instructions that some processors of a class have (VNNI, BF16, AMX) give the same bits sooner; a test may do
    without. */
void mg_cpu_allow_extras(bool allow);
bool mg_cpu_allows_extras(void);
bool mg_cpu_has_vnni(void); /**< and they are allowed */
bool mg_cpu_has_bf16(void); /**< likewise */
/** What the processor calls itself; "unknown" where it does not say. */
const char *mg_cpu_model(void);

/* ---- threads ---- */

/** Run work(user, i) for i in 0 .. n-1 on up to `threads` threads. Which thread gets which i is open, so work must
    depend on i alone. Returns when all are done. */
void mg_each(int threads, size_t n, void (*work)(void *user, size_t i), void *user);
int mg_cores(void); /**< processors this process may use */

/** One of the threads that do one thing together: the rank-th of size. */
typedef struct mg_meeting mg_meeting;
typedef struct {
    int rank, size;
    mg_meeting *meeting; /**< where they wait for each other; NULL: nowhere */
} mg_team;
#define MG_ALONE ((mg_team){0, 1, NULL})
/** Run work(user, team) on `threads` threads at the same time, each with its rank; on one where the caller is one of
    several already. */
void mg_team_run(int threads, void (*work)(void *user, mg_team team), void *user);
/** Wait until all of the team are here. */
void mg_team_meet(mg_team team);
/** Its part of the numbers 0 .. n-1: from .. to-1, in multiples of `grain`; empty where there are not enough. */
void mg_team_part(mg_team team, int64_t n, int64_t grain, int64_t *from, int64_t *to);
/** How many threads a library called from this thread may start from now on; returns how many it might before. */
int mg_library_threads(int threads);

/* ---- stopping and progress ---- */

/** Ask all that runs in this process to stop soon: whatever takes long, or waits for a pipe, then returns MG_STOPPED.
    May be called by a signal handler. */
void mg_stop_ask(void);
bool mg_stop_asked(void);
void mg_stop_forget(void);
/** Ask whatever can go on later from what it saves, a training, to save now. May be called by a signal handler. */
void mg_save_ask(void);
bool mg_save_take(void); /**< whether it was asked since the last call */

double mg_now_s(void); /**< seconds since some moment in the past, never running back */

typedef struct {
    const char *what;        /**< "files", "steps" */
    uint64_t done, total;    /**< total 0: unknown */
    double share;            /**< of the whole that is done, where total is unknown; 0: unknown as well */
    const char *note;        /**< a few words more ("loss 2.31"); may be NULL */
} mg_progress;

/** Called now and then by whatever takes long. Returns false to ask for a stop: the caller then returns MG_STOPPED. */
typedef bool (*mg_progress_fn)(void *user, const mg_progress *progress);

/* ---- files ---- */

/** A whole file in memory: mapped where possible, read where not (pipes). At most `cap` bytes (0: no cap). */
typedef struct {
    const uint8_t *data;
    size_t size;
    bool is_mapped;
} mg_file;

/** Open a file to be read; a named pipe is waited for. */
mg_status mg_open_to_read(const char *path, int *fd, mg_error *why);
/** What there is to be read next, at most `most` bytes; *n 0 at the end. A pipe is waited for, unless asked to stop. */
mg_status mg_read_some(int fd, const char *name, void *bytes, size_t most, size_t *n, mg_error *why);
mg_status mg_file_read(const char *path, uint64_t cap, mg_file *file, mg_error *why);
mg_status mg_file_read_fd(int fd, const char *name, uint64_t cap, mg_file *file, mg_error *why);
/** What was read of a mapped file leaves memory; it comes back from the file where it is looked at again. */
void mg_file_forget(const mg_file *file);
void mg_file_free(mg_file *file);

/** An output that appears under its name only when complete: written to a temporary beside it, synced, renamed.
    "-" is standard output, which has no such protection. */
typedef struct mg_out mg_out;
mg_status mg_out_open(const char *path, bool may_replace, mg_out **out, mg_error *why);
mg_status mg_out_write(mg_out *out, const void *bytes, size_t length, mg_error *why);
/** Hand on what waits in memory. What goes wrong is told by the next call that can. */
void mg_out_flush(mg_out *out);
/** The file descriptor, for libraries that write by themselves. Flushes first. -1 for a failed output. */
int mg_out_fd(mg_out *out);
const char *mg_out_path(const mg_out *out); /**< as it was given; "standard output" for "-" */
/** Whether it can still be read and changed: no standard output, pipe or device, whose beginning has left. */
bool mg_out_is_staged(const mg_out *out);
/** What was written so far, where it is staged; more may be written behind it. */
mg_status mg_out_read(mg_out *out, mg_file *file, mg_error *why);
uint64_t mg_out_size(const mg_out *out); /**< bytes written so far through mg_out_write */
/** Make it appear and free `out` in any case. */
mg_status mg_out_commit(mg_out *out, mg_error *why);
/** Leave nothing behind. Fine after any failure, and with NULL. */
void mg_out_abandon(mg_out *out);
/** Remove every unfinished temporary of this process; for a signal handler's last act (only unlink is called). */
void mg_out_abandon_all(void);

/** Add the path as it is seen from the root: absolute, without "." and empty steps and, by its letters alone, without
    "..". The same file named twice is the same text, links aside. */
void mg_path_add_absolute(mg_buffer *out, const char *path);

/** A file that nobody else finds and that is gone when closed; zeros are a closed one. */
typedef struct {
    char *name; /**< what it was called, for messages */
    int fd;
} mg_temporary;

/** Open one in the folder of `beside` (TMPDIR where NULL). */
mg_status mg_temporary_open(const char *beside, mg_temporary *file, mg_error *why);
void mg_temporary_close(mg_temporary *file);
/** Write all or fail; EINTR and short writes are gone on with. */
mg_status mg_write_all(int fd, const char *name, const void *bytes, size_t length, mg_error *why);
/** Make `path` and its parents where they are missing. */
mg_status mg_make_folder(const char *path, mg_error *why);

MG_PUBLIC_END
#endif
