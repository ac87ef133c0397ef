/* cpu.c - whether an OpenBLAS chose kernels that suit this CPU.
 *
 * OpenBLAS goes by model numbers and takes a CPU that is newer than itself for a very old one; this
 * goes by feature bits, which do not age. Invariant: nothing here calls the BLAS, so that a program
 * can ask before it loads one. The choice of our own kernels is kernels/dispatch.c. */
#include <string.h>
#include "axon/cpu.h"
#include "gemm.h"

struct core {
    const char *name;
    int avx512; /* needs AVX-512; else AVX2 and FMA */
};

static const struct core cores[] = {
    {"SkylakeX", 1}, {"Cooperlake", 1}, {"SapphireRapids", 1}, {"Haswell", 0}, {"Zen", 0},
};

const char *axon__blas_core_for(const char *core, int has_avx512, int has_avx2_fma)
{
    if (!has_avx512 && !has_avx2_fma)
        return NULL;
    for (size_t i = 0; i < sizeof cores / sizeof *cores; i++)
        if (strcmp(cores[i].name, core) == 0 && cores[i].avx512 == (has_avx512 != 0))
            return NULL;
    return has_avx512 ? "SkylakeX" : "Haswell";
}

const char *axon_blas_core_advice(const char *core)
{
    int avx512 = 0, avx2_fma = 0;

#if defined(__x86_64__)
    __builtin_cpu_init();
    avx2_fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    avx512 = avx2_fma && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512cd");
#endif
    return axon__blas_core_for(core, avx512, avx2_fma);
}
