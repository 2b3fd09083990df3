/* SPDX-License-Identifier: MIT */
/* Event files, read back by the rules of their formats. */
#include "tests/unit/tap.h"

#include "train/tfevents.h"

#include <unistd.h>

/* CRC-32C by the book: a division by x^32 + 0x1edc6f41, bits of a byte from the lowest, result reflected. */
static uint32_t crc32c(const unsigned char *bytes, size_t n)
{
    uint32_t rest = ~0u, crc = 0;
    for (size_t i = 0; i < 8 * n; i++) {
        uint32_t bit = bytes[i / 8] >> i % 8 & 1, out = rest >> 31;
        rest = rest << 1 ^ (out ^ bit ? 0x1edc6f41u : 0);
    }
    for (int i = 0; i < 32; i++) crc |= (rest >> i & 1) << (31 - i);
    return ~crc;
}

static uint64_t little(const unsigned char *p, int bytes)
{
    uint64_t value = 0;
    for (int i = bytes; i > 0; i--) value = value << 8 | p[i - 1];
    return value;
}

static bool has_crc(const unsigned char *bytes, size_t n)
{
    uint32_t crc = crc32c(bytes, n);
    return little(bytes + n, 4) == (uint32_t)((crc >> 15 | crc << 17) + 0xa282ead8u);
}

/* The next record; its length, 0 at the end. */
static size_t next_record(const unsigned char **at, const unsigned char *end, const unsigned char **event)
{
    if (*at == end) return 0;
    REQUIRE(end - *at >= 16 && has_crc(*at, 8));
    size_t n = little(*at, 8);
    REQUIRE((size_t)(end - *at) >= n + 16);
    *event = *at + 12;
    CHECK(has_crc(*event, n));
    *at = *event + n + 4;
    return n;
}

static const char *in_folder(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "/tmp/mgen-events-%d/%s", (int)getpid(), name);
    return path;
}

static void division_is_the_castagnoli_one(void)
{
    CHECK_INT(crc32c((const unsigned char *)"123456789", 9), 0xe3069283u); /* RFC 3720, B.4: the check value */
}

static void events_read_back(void)
{
    mg_error why = {0};
    mg_events *events;
    mg_file file;
    const mg_scalar_value values[] = {{"loss", 2.5}, {"lr", 0.001}};
    REQUIRE(mg_events_open(in_folder("a/b"), &events, &why) == MG_OK);
    REQUIRE(mg_events_add(events, 300, values, 2, &why) == MG_OK);
    REQUIRE(mg_events_add(events, 1, values, 1, &why) == MG_OK);
    CHECK(strstr(mg_events_path(events), "/events.out.tfevents."));
    REQUIRE(mg_file_read(mg_events_path(events), 0, &file, &why) == MG_OK);
    const unsigned char *at = (const unsigned char *)file.data, *end = at + file.size, *event;
    /* As every file of TensorFlow begins: 24 bytes, whose time is a double. */
    static const unsigned char first[] = {0x18, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22, 0x09};
    CHECK(file.size > sizeof first && !memcmp(at, first, sizeof first));
    CHECK_INT(next_record(&at, end, &event), 24);
    CHECK(!memcmp(event + 9, "\x1a\x0d" "brain.Event:2", 15));
    /* 300 as 0xac 0x02; floats 2.5 = 0x40200000 and 0.001 = 0x3a83126f */
    static const unsigned char second[] =
        "\x10\xac\x02\x2a\x18" "\x0a\x0b\x0a\x04" "loss" "\x15\x00\x00\x20\x40"
        "\x0a\x09\x0a\x02" "lr" "\x15\x6f\x12\x83\x3a";
    CHECK_INT(next_record(&at, end, &event), 9 + sizeof second - 1);
    CHECK(event[0] == 9 && !memcmp(event + 9, second, sizeof second - 1));
    static const unsigned char third[] = "\x10\x01\x2a\x0d\x0a\x0b\x0a\x04" "loss" "\x15\x00\x00\x20\x40";
    CHECK_INT(next_record(&at, end, &event), 9 + sizeof third - 1);
    CHECK(!memcmp(event + 9, third, sizeof third - 1));
    CHECK_INT(next_record(&at, end, &event), 0);
    mg_file_free(&file);
    mg_events *more; /* a file of its own, even in the same second */
    REQUIRE(mg_events_open(in_folder("a/b"), &more, &why) == MG_OK);
    CHECK(strcmp(mg_events_path(more), mg_events_path(events)));
    mg_events_close(more);
    mg_events_close(events);
}

static void trouble_is_told(void)
{
    mg_error why = {0};
    mg_events *events;
    CHECK_INT(mg_events_open("/proc/none", &events, &why), MG_IO);
    CHECK(events == NULL && strstr(why.text, "/proc/none"));
    CHECK_FAILING_ALLOCATIONS(mg_events_open(in_folder("c"), &events, &why));
    mg_events_close(events);
}

int main(void)
{
    TEST("the checksum of this test is CRC-32C", division_is_the_castagnoli_one);
    TEST("events read back byte by byte", events_read_back);
    TEST("a folder that cannot be is told", trouble_is_told);
    char command[160];
    snprintf(command, sizeof command, "rm -rf %s", in_folder(""));
    return system(command) ? 3 : tap_end();
}
