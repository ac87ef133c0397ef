/* parallel.c - the work of one call on several threads, which live as long as the call.
 *
 * The only file of the core that knows threads. Nothing outlives a call but the number that was
 * set: no pool that a fork would lose or an exit would have to end. Invariant: every slice is done
 * exactly once; one for which no thread can be made, by the caller. */
#include "parallel.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "axon/cpu.h"
#include "kernels/kernels.h"

enum {
    /* Floats of a slice, at least. A thread costs 15 us on a core that is awake and 45 on another;
     * the cheapest row takes 650 for so many. */
    SLICE_MIN = AXON_STREAM_MIN,
    SLICE_MULTIPLE = 1024,   /* floats: a page, in which a slice begins where the array does */
    STACK_BYTES = 256 << 10, /* far more than a kernel needs, but a program's TLS is in it too */
};

static _Atomic unsigned threads = 1;

void axon_threads_set(unsigned count)
{
    if (count < 1)
        count = 1;
    if (count > AXON_THREADS_MAX)
        count = AXON_THREADS_MAX;
    atomic_store_explicit(&threads, count, memory_order_relaxed);
}

unsigned axon_threads(void)
{
    return atomic_load_explicit(&threads, memory_order_relaxed);
}

/* ---- slices ---- */

struct share {
    axon_slice *slice;
    const void *work;
    size_t first, count;
    pthread_t thread;
    bool started;
};

static size_t slices_count(size_t lines, size_t elements)
{
    size_t allowed = axon_threads(), worth = lines / ((SLICE_MIN - 1) / elements + 1);

    return worth < 2 ? 1 : worth < allowed ? worth : allowed;
}

/* No slice is shorter than SLICE_MIN floats: they are cut short, and the last has what is left. */
static void cut(struct share *shares, size_t count, size_t lines, size_t elements)
{
    size_t multiple = SLICE_MULTIPLE % elements == 0 ? SLICE_MULTIPLE / elements : 1;
    // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): multiple is at least 1, as elements divides
    size_t each = lines / count / multiple * multiple;

    for (size_t i = 0; i < count; i++) {
        shares[i].first = i * each;
        shares[i].count = i + 1 < count ? each : lines - i * each;
    }
}

static void *run(void *argument)
{
    const struct share *s = argument;

    s->slice(s->work, s->first, s->count);
    return NULL;
}

/* ---- threads ---- */

/* The program's signals are not for a thread that it does not know; a fault is that thread's. */
static void block_signals(sigset_t *before)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    sigset_t set;

    sigfillset(&set);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&set, faults[i]);
    pthread_sigmask(SIG_BLOCK, &set, before);
}

/* All but the first, which is the caller's. */
static void start(struct share *shares, size_t count)
{
    pthread_attr_t attributes;
    sigset_t before;

    if (pthread_attr_init(&attributes) != 0)
        return;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    block_signals(&before);
    for (size_t i = 1; i < count; i++)
        shares[i].started = pthread_create(&shares[i].thread, &attributes, run, &shares[i]) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

/* The threads work on this frame and on the caller's arrays: a thread that is cancelled must not
 * leave them behind. */
static void run_all(struct share *shares, size_t count)
{
    int cancel;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    start(shares, count);
    for (size_t i = 0; i < count; i++)
        if (!shares[i].started)
            run(&shares[i]);
    for (size_t i = 0; i < count; i++)
        if (shares[i].started)
            pthread_join(shares[i].thread, NULL);
    pthread_setcancelstate(cancel, NULL);
}

void axon__parallel(axon_slice *slice, const void *work, size_t lines, size_t elements)
{
    struct share shares[AXON_THREADS_MAX];
    size_t count = slices_count(lines, elements);

    if (count == 1) {
        slice(work, 0, lines);
        return;
    }
    for (size_t i = 0; i < count; i++)
        shares[i] = (struct share){.slice = slice, .work = work};
    cut(shares, count, lines, elements);
    run_all(shares, count);
}
