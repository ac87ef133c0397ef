/* memory.h - the memory that all requests may take together: charged before it is allocated.
 *
 * Each request has an account. Its memory is counted there, and charged to the whole in steps of
 * a few KiB, so that most requests touch what all threads share twice only. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The memory of all requests; max is set once, before the first account. */
struct memory {
    atomic_uint_fast64_t charged;
    uint64_t max;
};

enum memory_refusal {
    MEMORY_GRANTED,
    MEMORY_BUSY, /* others hold what it would take */
    MEMORY_NEVER /* it would not fit alone         */
};

/* The memory of one request: one thread at a time uses it. */
struct memory_account {
    struct memory *memory; /* NULL: no bound, and nothing is charged */
    uint64_t used, charged;
    enum memory_refusal refused; /* why the last take or reserve failed, if one did */
};

/* So many bytes are about to be allocated. False: they must not be. A NULL account grants all. */
bool memory_take(struct memory_account *account, uint64_t bytes);

/* So many bytes more will be taken: those takes will not fail. */
bool memory_reserve(struct memory_account *account, uint64_t bytes);

/* So many bytes were freed. They stay charged. */
void memory_give(struct memory_account *account, uint64_t bytes);

/* So many bytes are in use in all: what was charged beyond is given back. */
void memory_settle(struct memory_account *account, uint64_t used);

/* Nothing is in use any more. */
void memory_close(struct memory_account *account);

/* Would so many bytes, alone and now, find room? */
enum memory_refusal memory_look(struct memory *memory, uint64_t bytes);

#endif
