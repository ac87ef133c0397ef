/* slot.c - numbers and scratch memory of the threads that serve.
 *
 * Invariant: a number below SLOT_SHARED belongs to at most one live thread; that number is never
 * handed out for good, it is what all threads beyond the others share. */
#include "base/slot.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { SLOT_ALIGNMENT = 64, SPARE_BYTES_MAX = 65536 };

struct slot {
    bool known;   /* number is valid                                    */
    bool leaving; /* the destructor will run: number and scratch go back */
    unsigned number;
    void *scratch, *spare;
    size_t scratch_bytes, spare_bytes;
};

static __thread struct slot self;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool key_made;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool taken[SLOT_SHARED];

static void slot_leave(void *context)
{
    struct slot *w = context;

    free(w->scratch);
    free(w->spare);
    if (w->number != SLOT_SHARED) {
        pthread_mutex_lock(&lock);
        taken[w->number] = false;
        pthread_mutex_unlock(&lock);
    }
    *w = (struct slot){0}; /* a later destructor of this thread may take a slot again */
}

static void make_key(void)
{
    key_made = pthread_key_create(&key, slot_leave) == 0;
}

static unsigned take_number(void)
{
    unsigned number = 0;

    pthread_mutex_lock(&lock);
    while (number < SLOT_SHARED && taken[number])
        number++;
    if (number < SLOT_SHARED)
        taken[number] = true;
    pthread_mutex_unlock(&lock);
    return number;
}

static __attribute__((noinline)) void slot_enter(void)
{
    pthread_once(&once, make_key);
    self.leaving = key_made && pthread_setspecific(key, &self) == 0;
    self.number = self.leaving ? take_number() : SLOT_SHARED;
    self.known = true;
}

unsigned slot_index(void)
{
    if (!self.known)
        slot_enter();
    return self.number;
}

/* bytes up to SIZE_MAX / 2 */
static size_t rounded(size_t bytes)
{
    return bytes == 0 ? (size_t)SLOT_ALIGNMENT
                      : (bytes + SLOT_ALIGNMENT - 1) / SLOT_ALIGNMENT * SLOT_ALIGNMENT;
}

void *slot_scratch(size_t bytes)
{
    if (!self.known)
        slot_enter();
    if (!self.leaving || bytes > SIZE_MAX / 2)
        return NULL; /* without a destructor the memory would leak with the thread */
    if (bytes > self.scratch_bytes || !self.scratch) {
        free(self.scratch);
        self.scratch = aligned_alloc(SLOT_ALIGNMENT, rounded(bytes));
        self.scratch_bytes = self.scratch ? rounded(bytes) : 0;
    }
    return self.scratch;
}

void *slot_take(size_t bytes)
{
    void *block = self.spare;

    if (!block || self.spare_bytes != bytes)
        return bytes > SIZE_MAX / 2 ? NULL : aligned_alloc(SLOT_ALIGNMENT, rounded(bytes));
    self.spare = NULL;
    return block;
}

void slot_give(void *block, size_t bytes)
{
    void *before = self.spare;

    if (!self.known)
        slot_enter();
    if (!block || !self.leaving || bytes > SPARE_BYTES_MAX) {
        free(block);
        return;
    }
    self.spare = block;
    self.spare_bytes = bytes;
    free(before);
}
