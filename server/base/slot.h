/* slot.h - a thread's own slot: its number, its scratch memory and a spare block.
 *
 * The number indexes the per-thread counters (metrics, neurons), so that the hot path shares no
 * cache line. A thread takes a slot when it first asks, and gives it back when it ends. */
#ifndef BASE_SLOT_H
#define BASE_SLOT_H

#include <stddef.h>

/* Each of --threads (at most 256) is two: one that serves connections and one that computes what is
 * queued. A few more are for the threads that load and scrape. */
enum { SLOTS_MAX = 520, SLOT_SHARED = SLOTS_MAX - 1 };

/* 0 .. SLOTS_MAX - 1. A number below SLOT_SHARED belongs to one live thread; that one is shared
 * by all threads that find the others taken, so what the number indexes must bear (rare) sharing:
 * atomics or a lock. */
unsigned slot_index(void);

/* 64-byte aligned memory of this thread alone, at least `bytes` long, valid until the next call by
 * this thread; NULL when out of memory. Contents are undefined at first; a
 * call that asks for no more gets the same memory as it is. Freed when the thread ends. */
void *slot_scratch(size_t bytes);

/* A 64-byte aligned block, of which a thread keeps the last one that it gave back: for what every
 * request needs, always of one size, too large for malloc's own cache. NULL when out of memory. Any
 * thread may give a block back, of the size that was asked for; NULL is fine. */
void *slot_take(size_t bytes);
void slot_give(void *block, size_t bytes);

#endif
