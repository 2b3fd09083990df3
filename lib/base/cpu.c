/* SPDX-License-Identifier: MIT */
/* Which instruction sets this machine runs, and which one is in use. */
#include <mgen/base.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[MG_CPU_CLASSES] = {"baseline", "avx2", "avx512"};

const char *mg_cpu_name(mg_cpu cpu) { return names[cpu]; }

mg_cpu mg_cpu_best(void)
{
#if defined __x86_64__
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return MG_CPU_BASELINE;
    bool v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
              __builtin_cpu_supports("avx512cd");
    return v4 ? MG_CPU_AVX512 : MG_CPU_AVX2;
#else
    return MG_CPU_BASELINE;
#endif
}

static atomic_int chosen = -1;
static atomic_bool allows_extras = true;

void mg_cpu_allow_extras(bool allow) { atomic_store(&allows_extras, allow); }
bool mg_cpu_allows_extras(void) { return atomic_load(&allows_extras); }

bool mg_cpu_has_vnni(void)
{
#if defined __x86_64__
    return mg_cpu_allows_extras() && __builtin_cpu_supports("avx512vnni");
#else
    return false;
#endif
}

bool mg_cpu_has_bf16(void)
{
#if defined __x86_64__
    return mg_cpu_allows_extras() && __builtin_cpu_supports("avx512bf16");
#else
    return false;
#endif
}

static mg_cpu choose(void)
{
    mg_cpu best = mg_cpu_best();
    const char *wish = getenv("MG_CPU");
    for (int cpu = 0; wish && cpu <= (int)best; cpu++)
        if (strcmp(wish, names[cpu]) == 0) return (mg_cpu)cpu;
    return best;
}

mg_cpu mg_cpu_class(void)
{
    int cpu = atomic_load(&chosen);
    if (cpu < 0) atomic_store(&chosen, cpu = (int)choose());
    return (mg_cpu)cpu;
}

bool mg_cpu_force(mg_cpu cpu)
{
    if (cpu > mg_cpu_best()) return false;
    atomic_store(&chosen, (int)cpu);
    return true;
}

mg_status mg_cpu_check_wish(mg_error *why)
{
    const char *wish = getenv("MG_CPU");
    if (!wish || !*wish) return MG_OK;
    for (int cpu = 0; cpu < MG_CPU_CLASSES; cpu++)
        if (strcmp(wish, names[cpu]) == 0)
            return cpu <= (int)mg_cpu_best()
                       ? MG_OK
                       : mg_fail(why, MG_BAD_ARGUMENT, "MG_CPU=%s: this machine lacks it and runs %s at most", wish,
                                 names[mg_cpu_best()]);
    return mg_fail(why, MG_BAD_ARGUMENT, "MG_CPU=%s: choose from %s, %s, %s", wish, names[0], names[1], names[2]);
}

const char *mg_cpu_model(void)
{
#if defined __x86_64__
    static char model[49];
    unsigned *word = (unsigned *)model;
    unsigned leaf[4];
    __asm__("cpuid" : "=a"(leaf[0]), "=b"(leaf[1]), "=c"(leaf[2]), "=d"(leaf[3]) : "a"(0x80000000u), "c"(0));
    if (leaf[0] < 0x80000004u) return "unknown";
    for (unsigned i = 0; i < 3; i++, word += 4)
        __asm__("cpuid" : "=a"(word[0]), "=b"(word[1]), "=c"(word[2]), "=d"(word[3]) : "a"(0x80000002u + i), "c"(0));
    const char *start = model;
    while (*start == ' ') start++;
    return start;
#else
    return "unknown";
#endif
}
