/* axon/cpu.h - instruction sets, and an OpenBLAS for gradients, if its kernels are the right ones.
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

/* Gradients (axon/backward.h) do their products by the OpenBLAS whose functions find() tells from
 * now on: dlopen("libopenblas.so.0"), then axon_blas_bind(dlsym, library), which must stay loaded.
 * Without one the kernels that predict do them. OpenBLAS reads OPENBLAS_CORETYPE and
 * OPENBLAS_NUM_THREADS in its constructor, so put what axon_blas_core_advice("") says, and 1, into
 * the environment before; and that before the first thread. One thread at a time may
 * call this, while others take gradients. AXON_EUNSUPPORTED: it is no OpenBLAS, or there is one
 * already; nothing changes then. */
enum axon_status axon_blas_bind(void *(*find)(void *library, const char *name), void *library);

/* Name of the BLAS kernels in use, such as "SkylakeX"; "" without axon_blas_bind(). Static storage.
 */
const char *axon_blas_core(void);

/* NULL if these BLAS kernels suit this CPU, else the OPENBLAS_CORETYPE that would ("SkylakeX",
 * "Haswell"). core is axon_blas_core(), or "" before the BLAS is loaded. Calls no BLAS. */
const char *axon_blas_core_advice(const char *core);

/* BLAS's own threads; nothing without one (parallelism is the caller's, over rows and requests). */
void axon_blas_threads_set(int threads);

#ifdef __cplusplus
}
#endif

#endif
