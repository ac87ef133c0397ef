/* kernels/dispatch.c - asks the CPU, has the tables probed, remembers the choice.
 *
 * Invariant: a table is used only if this CPU has its instructions and it agrees with baseline on a
 * probe; baseline itself is always there. The choice is one atomic pointer: resolving it twice at
 * once gives the same answer twice. */
#include "kernels/dispatch.h"
#include <stdatomic.h>
#include <string.h>
#include "axon/cpu.h"
#include "kernels/probe.h"

#if defined(__x86_64__)
static const struct axon_kernels *const tables[] = {
    &axon__kernels_table_avx512, &axon__kernels_table_avx2, &axon__kernels_table_baseline};
static const char *const names[] = {"avx512", "avx2", "baseline"};
#else
static const struct axon_kernels *const tables[] = {&axon__kernels_table_baseline};
static const char *const names[] = {"baseline"};
#endif

enum { TABLES = sizeof tables / sizeof *tables };

static _Atomic(const struct axon_kernels *) in_use;

/* How many of the first tables this CPU lacks: every AVX-512 machine has AVX2 and FMA too. */
static size_t lacking(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return 2;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")
               ? 0
               : 1;
#else
    return 0;
#endif
}

const struct axon_kernels *const *axon__kernels_list(size_t *count)
{
    size_t skip = lacking();

    *count = TABLES - skip;
    return tables + skip;
}

/* ---- the choice ---- */

static const struct axon_kernels *best(void)
{
    size_t count;
    const struct axon_kernels *const *list = axon__kernels_list(&count);

    while (count > 1 && !axon__kernels_agree(*list)) {
        list++;
        count--;
    }
    return *list;
}

const struct axon_kernels *axon__kernels(void)
{
    const struct axon_kernels *kernels = atomic_load_explicit(&in_use, memory_order_acquire);

    if (!kernels) {
        kernels = best();
        atomic_store_explicit(&in_use, kernels, memory_order_release);
    }
    return kernels;
}

/* ---- ISAs by name ---- */

const char *const *axon_isa_list(size_t *count)
{
    size_t skip = lacking();

    *count = TABLES - skip;
    return names + skip;
}

const char *axon_isa_name(void)
{
    return axon__kernels()->isa;
}

enum axon_status axon_isa_select(const char *name)
{
    const struct axon_kernels *chosen = NULL;

    if (strcmp(name, "auto") == 0)
        chosen = best();
    for (size_t i = lacking(); i < TABLES && !chosen; i++)
        if (strcmp(names[i], name) == 0 && axon__kernels_agree(tables[i]))
            chosen = tables[i];
    if (!chosen)
        return AXON_EUNSUPPORTED;
    atomic_store_explicit(&in_use, chosen, memory_order_release);
    return AXON_OK;
}
