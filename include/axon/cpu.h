/* axon/cpu.h - instruction sets, and whether OpenBLAS chose its kernels well.
 *
 * Nothing here reads the environment: the caller passes what the user asked for. */
#ifndef AXON_CPU_H
#define AXON_CPU_H

#include <stddef.h>
#include "axon/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The ISAs that this binary holds and this CPU runs, best first: "avx512", "avx2", "baseline".
 * Static storage; *count >= 1. */
const char *const *axon_isa_list(size_t *count);

/* The ISA in use: the best until axon_isa_select() says otherwise. Static storage. */
const char *axon_isa_name(void);

/* Use this ISA for every later call ("auto": the best whose kernels agree with baseline on a
 * probe). Call it before other threads use the library. AXON_EUNSUPPORTED if the binary or the CPU
 * lacks it, or its probe fails; the choice then stays as it was. */
enum axon_status axon_isa_select(const char *name);

/* Name of the BLAS kernels in use, such as "SkylakeX". Static storage. */
const char *axon_blas_core(void);

/* NULL if these BLAS kernels suit this CPU, else the OPENBLAS_CORETYPE that would ("SkylakeX",
 * "Haswell"). core is axon_blas_core(), or "" before the BLAS is loaded: OpenBLAS decides in its
 * constructor, so only a program that loads it later, or anew, can follow the advice. Calls no
 * BLAS. */
const char *axon_blas_core_advice(const char *core);

/* BLAS's own threads (start-up: 1; parallelism is the caller's, over rows and requests). */
void axon_blas_threads_set(int threads);

#ifdef __cplusplus
}
#endif

#endif
