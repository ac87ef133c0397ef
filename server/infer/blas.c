/* blas.c - see blas.h. Invariant: what the pthread_once() has written never changes afterwards. */
#include "infer/blas.h"
#include <axon/cpu.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/log.h"

static const char library_name[] = "libopenblas.so.0";

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_bool is_loaded;
static char warning[256]; /* "": none */

void blas_prepare(void)
{
    const char *core = axon_blas_core_advice("");

    setenv("OPENBLAS_NUM_THREADS", "1", 0);
    if (core)
        setenv("OPENBLAS_CORETYPE", core, 0);
}

static void check_kernels(const char *core)
{
    const char *better = axon_blas_core_advice(core);

    if (!better) {
        log_event(LOG_INFO, "blas_loaded", LOG_S("library", library_name), LOG_S("kernels", core));
        return;
    }
    snprintf(warning, sizeof warning,
             "OpenBLAS runs its kernels for %.40s, and this CPU has those for %s: gradients are "
             "right, but take longer than they need; OPENBLAS_CORETYPE=%s selects them at start",
             core, better, better);
    log_event(LOG_WARN, "blas_kernels", LOG_S("library", library_name), LOG_S("kernels", core),
              LOG_S("better", better), LOG_S("reason", warning));
}

static void load(void)
{
    void *library = dlopen(library_name, RTLD_NOW | RTLD_LOCAL);

    if (library && axon_blas_bind(dlsym, library) == AXON_OK) {
        axon_blas_threads_set(1);
        check_kernels(axon_blas_core());
    } else {
        log_event(LOG_INFO, "blas_absent", LOG_S("library", library_name),
                  LOG_S("kernels", axon_isa_name()));
    }
    atomic_store_explicit(&is_loaded, true, memory_order_release);
}

void blas_load(void)
{
    pthread_once(&once, load);
}

/* Or tried in vain. */
static bool was_loaded(void)
{
    return atomic_load_explicit(&is_loaded, memory_order_acquire);
}

double blas_load_s(void)
{
    return was_loaded() ? 0 : 0.01;
}

const char *blas_warning(void)
{
    return was_loaded() && *warning ? warning : NULL;
}
