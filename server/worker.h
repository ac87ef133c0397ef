/* worker.h - what belongs to one thread that serves requests: its number and its scratch memory.
 *
 * The number indexes the per-thread counters (metrics, neurons), so that the hot path shares no
 * cache line. A thread becomes a worker when it first asks, and stops being one when it ends. */
#ifndef WORKER_H
#define WORKER_H

#include <stddef.h>

/* Each of --threads (at most 256) is two: one that serves connections and one that computes what is
 * queued. A few more are for the threads that load and scrape. */
enum { WORKERS_MAX = 520, WORKER_SHARED = WORKERS_MAX - 1 };

/* 0 .. WORKERS_MAX - 1. A number below WORKER_SHARED belongs to one live thread; that one is shared
 * by all threads that find the others taken, so what the number indexes must bear (rare) sharing:
 * atomics or a lock. */
unsigned worker_index(void);

/* 64-byte aligned memory of this thread alone, at least `bytes` long, valid until the next call by
 * this thread; NULL when out of memory. Contents are undefined at first; a
 * call that asks for no more gets the same memory as it is. Freed when the thread ends. */
void *worker_scratch(size_t bytes);

#endif
