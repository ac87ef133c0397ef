/* axon/cpu.h - instruction sets, threads, and whether OpenBLAS chose its kernels well.
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

/* Whether this CPU lowers the clock of a core for two thirds of a millisecond after vectors of 512
 * bits, as Intel's Skylake-SP, Cascade Lake and Cooper Lake do: all else on that core is slower by
 * a tenth meanwhile. (Intel 64 and IA-32 Architectures Optimization Reference Manual, "Skylake
 * Server Power Management".) */
int axon_clock_drops(void);

/* On: from the next call on, short calls of axon_mlp_predict() and axon_activation_forward() do
 * with vectors of 256 bits on such a CPU wherever that gives the same bits. Off at the start: it
 * makes the call itself slower, and pays for a program that does more besides, such as a server of
 * small requests. Any thread may call it at any time. */
void axon_clock_spare(int on);

enum { AXON_THREADS_MAX = 64 };

/* How many threads one call may use, the calling one among them, from the next call on. At the
 * start 1: the library makes no threads that its program has not asked for. 0 counts as 1, more
 * than AXON_THREADS_MAX as that. Any thread may call it at any time.
 *
 * axon_activation_forward() and axon_activation_gradient() then make threads for tensors of 4 Mi
 * elements and more, one for each further 2 Mi, and end them before they return; no other function
 * does, but the BLAS has its own. A tensor is cut anywhere if the activation is elementwise with
 * the same parameters for all, and else along axis.outer. Results are the same to the last bit. The
 * threads take no signals but those of their own faults; the work of one that cannot be made is
 * done by the caller. */
void axon_threads_set(unsigned count);

/* What was set. */
unsigned axon_threads(void);

/* "OpenBLAS 0.3.21 ..." as the BLAS library reports itself. Static storage. */
const char *axon_blas_version(void);

/* Name of the BLAS kernels in use, such as "SkylakeX". Static storage. */
const char *axon_blas_core(void);

/* NULL if the kernels in use suit this CPU, else the OPENBLAS_CORETYPE that would ("SkylakeX",
 * "Haswell"). OpenBLAS decides in a constructor, so only a new process can follow the advice. */
const char *axon_blas_core_advice(void);

/* The same decision as a pure function, for tests: core is what BLAS reports, the flags are what
 * the CPU has. NULL if core suits. */
const char *axon_blas_core_for(const char *core, int has_avx512, int has_avx2_fma);

/* BLAS's own threads (start-up: 1; parallelism is the caller's, over rows and requests). */
void axon_blas_threads_set(int threads);

#ifdef __cplusplus
}
#endif

#endif
