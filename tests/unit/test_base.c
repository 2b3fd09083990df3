/* SPDX-License-Identifier: MIT */
/* Memory, bytes, hashes, random numbers, threads. */
#include "tests/unit/tap.h"

static void buffers_grow(void)
{
    mg_buffer b = {0};
    for (int i = 0; i < 1000; i++) mg_buffer_print(&b, "%d,", i);
    CHECK_INT(b.length, 10 * 2 + 90 * 3 + 900 * 4);
    CHECK_INT(b.data[b.length], 0);
    mg_buffer_clear(&b);
    CHECK_TEXT(b.data, "");
    char long_text[1000];
    memset(long_text, 'x', 999);
    long_text[999] = '\0';
    mg_buffer_print(&b, "<%s>", long_text);
    CHECK_INT(b.length, 1001);
    mg_buffer_free(&b);
}

static void buffers_remember_failure(void)
{
    mg_buffer b = {0};
    mg_alloc_fail_at(1);
    mg_buffer_add_text(&b, "lost");
    mg_alloc_fail_at(0);
    mg_buffer_add_text(&b, "also lost");
    CHECK(b.failed && b.length == 0);
    mg_buffer_clear(&b);
    mg_buffer_add_text(&b, "kept");
    CHECK_TEXT(b.data, "kept");
    mg_buffer_free(&b);
}

static void products_that_overflow(void)
{
    CHECK(mg_alloc(SIZE_MAX / 2, 3) == NULL);
    CHECK(mg_alloc_zero(SIZE_MAX, SIZE_MAX) == NULL);
    CHECK(mg_realloc(NULL, SIZE_MAX / 4, 8) == NULL);
    mg_arena arena = {0};
    CHECK(mg_arena_alloc(&arena, SIZE_MAX / 2, 4) == NULL);
    mg_arena_free(&arena);
}

static void arenas_keep_apart(void)
{
    mg_arena arena = {0};
    uint32_t *places[500];
    for (uint32_t i = 0; i < 500; i++) {
        places[i] = mg_arena_alloc(&arena, 1 + i % 200, sizeof **places);
        REQUIRE(places[i] && (uintptr_t)places[i] % 16 == 0);
        for (uint32_t k = 0; k < 1 + i % 200; k++) places[i][k] = i;
    }
    bool is_whole = true;
    for (uint32_t i = 0; i < 500; i++)
        for (uint32_t k = 0; k < 1 + i % 200; k++) is_whole &= places[i][k] == i;
    CHECK(is_whole);
    CHECK_TEXT(mg_arena_strndup(&arena, "abcdef", 3), "abc");
    mg_arena_free(&arena);
}

static void hashes(void)
{
    char hex[33];
    mg_hash_hex(mg_hash_bytes("", 0), hex);
    CHECK_TEXT(hex, "99aa06d3014798d86001c324468d497f"); /* XXH128 of nothing, as xxhsum prints it */
    mg_hash h;
    CHECK(mg_hash_from_hex(hex, &h) && mg_hash_equal(h, mg_hash_bytes("", 0)));
    CHECK(!mg_hash_from_hex("99aa06d3014798d86001c324468d497", &h));
    CHECK(!mg_hash_from_hex("99aa06d3014798d86001c324468d497fa", &h));
    CHECK(!mg_hash_from_hex("99aa06d3014798d86001c324468d497F", &h));
    mg_hasher *hasher = mg_hasher_new();
    mg_hasher_add(hasher, "ab", 2);
    mg_hasher_add(hasher, "c", 1);
    CHECK(mg_hash_equal(mg_hasher_end(hasher), mg_hash_bytes("abc", 3)));
    mg_hasher_free(hasher);
}

static void hash_sets(void)
{
    mg_hash_set set = {0};
    bool is_new = false;
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 5000; i++) {
            REQUIRE(mg_hash_set_add(&set, mg_hash_bytes(&i, sizeof i), &is_new) == MG_OK);
            CHECK_INT(is_new, round == 0);
        }
    CHECK_INT(set.count, 5000);
    CHECK(!mg_hash_set_has(&set, (mg_hash){0, 0}));
    REQUIRE(mg_hash_set_add(&set, (mg_hash){0, 0}, &is_new) == MG_OK);
    CHECK(is_new && mg_hash_set_has(&set, (mg_hash){0, 0}));
    mg_hash_set_free(&set);
    CHECK(!mg_hash_set_has(&set, (mg_hash){1, 1}));
}

/* The known answers that come with Random123. */
static void philox(void)
{
    static const struct { uint32_t key[2], counter[4], want[4]; } cases[] = {
        {{0, 0}, {0, 0, 0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0xa4093822, 0x299f31d0}, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (int c = 0; c < 3; c++) {
        uint32_t out[4];
        mg_philox(cases[c].key, cases[c].counter, out);
        for (int i = 0; i < 4; i++) CHECK_INT(out[i], cases[c].want[i]);
    }
}

static void draws(void)
{
    mg_random a = mg_random_at(1, "test", 0), b = mg_random_at(1, "test", 0), c = mg_random_at(1, "test", 1);
    mg_random d = mg_random_at(1, "other", 0);
    CHECK_INT(mg_random_bits(&a), mg_random_bits(&b));
    CHECK(mg_random_bits(&a) != mg_random_bits(&c));
    CHECK(mg_random_bits(&b) != mg_random_bits(&d));
    double sum = 0, squares = 0, normal = 0, normal_squares = 0;
    int faces[6] = {0};
    enum { N = 60000 };
    for (int i = 0; i < N; i++) {
        double u = mg_random_unit(&a), z = mg_random_normal(&b);
        CHECK(u >= 0 && u < 1);
        sum += u, squares += u * u, normal += z, normal_squares += z * z;
        faces[mg_random_below(&c, 6)]++;
    }
    CHECK_NEAR(sum / N, 0.5, 0.01);
    CHECK_NEAR(squares / N, 1.0 / 3, 0.01);
    CHECK_NEAR(normal / N, 0, 0.02);
    CHECK_NEAR(normal_squares / N, 1, 0.03);
    for (int i = 0; i < 6; i++) CHECK_NEAR(faces[i] / (double)N, 1.0 / 6, 0.01);
    uint32_t order[100], seen[100] = {0};
    mg_random_order(&d, order, 100);
    for (int i = 0; i < 100; i++) seen[order[i]]++;
    for (int i = 0; i < 100; i++) CHECK_INT(seen[i], 1);
}

static void square(void *user, size_t i) { ((uint64_t *)user)[i] = i * i; }

static void threads_do_all_of_it(void)
{
    for (int threads = 1; threads <= 8; threads *= 2) {
        uint64_t squares[1000] = {0};
        mg_each(threads, 1000, square, squares);
        for (size_t i = 0; i < 1000; i++) CHECK_INT(squares[i], i * i);
    }
    mg_each(4, 0, square, NULL);
}

enum { MEETINGS = 200, MOST_TEAM = 9 };
typedef struct {
    int said[MOST_TEAM], size, nested;
    bool all_heard[MOST_TEAM];
} round_table;

/* At each meeting everybody hears what everybody said before it. */
static void talk(void *user, mg_team team)
{
    round_table *t = user;
    if (team.rank == 0) t->size = team.size;
    t->all_heard[team.rank] = true;
    for (int i = 1; i <= MEETINGS; i++) {
        t->said[team.rank] = i;
        mg_team_meet(team);
        for (int k = 0; k < team.size; k++) t->all_heard[team.rank] &= t->said[k] == i;
        mg_team_meet(team);
    }
}

static void count_alone(void *user, mg_team team) { ((round_table *)user)->nested += team.size == 1; }

static void ask_for_more(void *user, mg_team team)
{
    if (team.rank == 0) mg_team_run(4, count_alone, user);
}

static void teams_meet(void)
{
    for (int i = 0; i < 300; i++) { /* of other sizes in turn, so that some threads are left out now and then */
        round_table t = {.size = 0};
        int threads = 1 + i * 7 % MOST_TEAM;
        mg_team_run(threads, talk, &t);
        CHECK_INT(t.size, threads);
        for (int k = 0; k < threads; k++) CHECK(t.all_heard[k]);
        mg_team_run(3, ask_for_more, &t);
        CHECK_INT(t.nested, 1);
    }
    for (int64_t n = 0; n < 200; n += 7)
        for (int size = 1; size < 6; size++) {
            int64_t next = 0, from, to;
            for (int rank = 0; rank < size; rank++) {
                mg_team_part((mg_team){rank, size, NULL}, n, 16, &from, &to);
                if (from >= to) continue;
                CHECK(from == next && from % 16 == 0 && (to % 16 == 0 || to == n));
                next = to;
            }
            CHECK_INT(next, n);
        }
}

static void processor_classes(void)
{
    CHECK(mg_cpu_force(MG_CPU_BASELINE));
    CHECK_INT(mg_cpu_class(), MG_CPU_BASELINE);
    CHECK(mg_cpu_force(mg_cpu_best()));
    CHECK_INT(mg_cpu_class(), mg_cpu_best());
    CHECK_TEXT(mg_cpu_name(MG_CPU_AVX2), "avx2");
}

static void errors_say_why(void)
{
    mg_error why = {0};
    CHECK_INT(mg_fail(&why, MG_BAD_DATA, "%s: %d", "a", 3), MG_BAD_DATA);
    mg_error_at(&why, "byte %d", 7);
    mg_error_at(&why, "line 9"); /* the first place stays */
    CHECK_TEXT(why.text, "a: 3");
    CHECK_TEXT(why.where, "byte 7");
    mg_error outer;
    CHECK_INT(mg_fail_in(&outer, MG_BAD_DATA, "file", &why), MG_BAD_DATA);
    CHECK_TEXT(outer.text, "file: a: 3");
    CHECK_TEXT(outer.where, "byte 7");
    mg_fail_in(&why, MG_BAD_DATA, "file", &outer); /* once is enough */
    CHECK_TEXT(why.text, "file: a: 3");
    mg_fail_in(&why, MG_STOPPED, "file", &(mg_error){0});
    CHECK_TEXT(why.text, "file: stopped on request");
    CHECK_INT(mg_fail(NULL, MG_IO, "nobody asks"), MG_IO);
    for (int s = 0; s < MG_STATUS_COUNT; s++) CHECK(strlen(mg_status_text((mg_status)s)) > 3);
}

static void common_divisors(void)
{
    CHECK_INT(mg_gcd(0, 0), 0);
    CHECK_INT(mg_gcd(0, 7), 7);
    CHECK_INT(mg_gcd(7, 0), 7);
    CHECK_INT(mg_gcd(480, 360), 120);
    CHECK_INT(mg_gcd(17, 4), 1);
    const uint64_t big = 1000003ull * 1000033; /* both prime */
    CHECK(mg_gcd(big * 15, big * 35) == big * 5);
    CHECK(mg_gcd(UINT64_MAX, 3) == 3);
    CHECK(mg_gcd(1ull << 63, 1ull << 40) == 1ull << 40);
}

int main(void)
{
    TEST("greatest common divisors of small and large numbers", common_divisors);
    TEST("a buffer grows and stays ended by a NUL", buffers_grow);
    TEST("a buffer remembers a failed allocation", buffers_remember_failure);
    TEST("sizes that overflow are refused", products_that_overflow);
    TEST("what an arena hands out is apart and aligned", arenas_keep_apart);
    TEST("hashes are XXH3-128 and go through hex", hashes);
    TEST("a hash set knows what is in it, zero included", hash_sets);
    TEST("Philox gives the known answers", philox);
    TEST("draws depend on seed, stream and record, and are distributed as said", draws);
    TEST("every item is worked on, at any number of threads", threads_do_all_of_it);
    TEST("a team hears of each other when it meets, and parts are the whole", teams_meet);
    TEST("the processor class can be forced down and up", processor_classes);
    TEST("errors keep the reason and the innermost place", errors_say_why);
    return tap_end();
}
