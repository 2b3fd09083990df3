/* SPDX-License-Identifier: MIT */
/* A unit test is a program that prints TAP: one line a test, "ok 3 - a sentence about behaviour".

       static void adds(void) { CHECK(1 + 1 == 2); }
       int main(void)
       {
           TEST("one and one make two", adds);
           return tap_end();
       }

   CHECK goes on after a failure, REQUIRE leaves the test. SKIP("why") leaves it too. */
#ifndef TESTS_UNIT_TAP_H
#define TESTS_UNIT_TAP_H

#include <mgen/base.h>

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    int tests, failed;
    bool is_failing;
    const char *skip;
    jmp_buf leave;
} tap;

static inline bool tap_check(bool ok, const char *file, int line, const char *what)
{
    if (!ok) {
        tap.is_failing = true;
        printf("# %s:%d: %s\n", file, line, what);
    }
    return ok;
}

#define CHECK(condition) tap_check((condition), __FILE__, __LINE__, #condition)
#define REQUIRE(condition)                           \
    do {                                             \
        if (!CHECK(condition)) longjmp(tap.leave, 1); \
    } while (0)
#define SKIP(reason)               \
    do {                           \
        tap.skip = (reason);       \
        longjmp(tap.leave, 1);     \
    } while (0)

static inline bool tap_equal_int(long long got, long long want, const char *file, int line, const char *what)
{
    if (got == want) return true;
    tap.is_failing = true;
    printf("# %s:%d: %s is %lld, not %lld\n", file, line, what, got, want);
    return false;
}
#define CHECK_INT(got, want) tap_equal_int((long long)(got), (long long)(want), __FILE__, __LINE__, #got)

static inline bool tap_equal_text(const char *got, const char *want, const char *file, int line, const char *what)
{
    if (got && want && strcmp(got, want) == 0) return true;
    tap.is_failing = true;
    printf("# %s:%d: %s is \"%s\", not \"%s\"\n", file, line, what, got ? got : "(null)", want ? want : "(null)");
    return false;
}
#define CHECK_TEXT(got, want) tap_equal_text((got), (want), __FILE__, __LINE__, #got)

/* |got - want| <= tolerance * max(1, |want|) */
static inline bool tap_near(double got, double want, double tolerance, const char *file, int line, const char *what)
{
    double scale = fabs(want) > 1 ? fabs(want) : 1;
    if (fabs(got - want) <= tolerance * scale) return true;
    tap.is_failing = true;
    printf("# %s:%d: %s is %.17g, not %.17g\n", file, line, what, got, want);
    return false;
}
#define CHECK_NEAR(got, want, tolerance) tap_near((got), (want), (tolerance), __FILE__, __LINE__, #got)

static inline void tap_run(const char *sentence, void (*test)(void))
{
    tap.is_failing = false;
    tap.skip = NULL;
    if (setjmp(tap.leave) == 0) test();
    tap.tests++;
    tap.failed += tap.is_failing;
    printf("%sok %d - %s%s%s\n", tap.is_failing ? "not " : "", tap.tests, sentence, tap.skip ? " # SKIP " : "",
           tap.skip ? tap.skip : "");
    fflush(stdout);
}
#define TEST(sentence, function) tap_run(sentence, function)

static inline int tap_end(void)
{
    printf("1..%d\n", tap.tests);
    return tap.failed > 0;
}

/* Fail the first allocation of `call`, then the second ... until it gets through: each failure must be answered with
   MG_NO_MEMORY (and, under a sanitizer, without a leak). */
#define CHECK_FAILING_ALLOCATIONS(call)                                       \
    do {                                                                      \
        mg_status status_ = MG_NO_MEMORY;                                     \
        for (uint64_t n_ = 1; status_ == MG_NO_MEMORY && n_ < 100000; n_++) { \
            mg_alloc_fail_at(n_);                                             \
            status_ = (call);                                                 \
            mg_alloc_fail_at(0);                                              \
        }                                                                     \
        CHECK_INT(status_, MG_OK);                                            \
    } while (0)

#endif
