/* memory.c - see memory.h. Invariants: an account's used never passes its charged; the whole is the
 * sum of what all accounts have charged, and never passes max. */
#include "base/memory.h"
#include <stddef.h>

/* Bytes that are charged at once. */
enum { STEP = 8192 };

static uint64_t rounded(uint64_t bytes)
{
    return (bytes + STEP - 1) / STEP * STEP;
}

enum memory_refusal memory_look(struct memory *memory, uint64_t bytes)
{
    uint64_t charged;

    if (!memory)
        return MEMORY_GRANTED;
    if (bytes > memory->max)
        return MEMORY_NEVER;
    charged = atomic_load_explicit(&memory->charged, memory_order_relaxed);
    return charged > memory->max - bytes ? MEMORY_BUSY : MEMORY_GRANTED;
}

/* In one step, so that threads together never charge more than max. */
static bool charge(struct memory_account *account, uint64_t bytes)
{
    struct memory *memory = account->memory;
    uint_fast64_t charged = atomic_load_explicit(&memory->charged, memory_order_relaxed);

    do {
        if (bytes > memory->max || charged > memory->max - bytes)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&memory->charged, &charged, charged + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    account->charged += bytes;
    return true;
}

bool memory_reserve(struct memory_account *account, uint64_t bytes)
{
    uint64_t used = account->used;

    if (!account->memory || (used <= account->charged && bytes <= account->charged - used))
        return true;
    if (bytes > account->memory->max || used > account->memory->max - bytes) {
        account->refused = MEMORY_NEVER;
        return false;
    }
    /* Near the end of it all a whole step may be too much. */
    if (charge(account, rounded(used + bytes) - account->charged) ||
        charge(account, used + bytes - account->charged))
        return true;
    account->refused = MEMORY_BUSY;
    return false;
}

bool memory_take(struct memory_account *account, uint64_t bytes)
{
    if (!account)
        return true;
    if (!memory_reserve(account, bytes))
        return false;
    account->used += bytes;
    return true;
}

void memory_give(struct memory_account *account, uint64_t bytes)
{
    if (account)
        account->used -= bytes < account->used ? bytes : account->used;
}

static void discharge(struct memory_account *account, uint64_t bytes)
{
    atomic_fetch_sub_explicit(&account->memory->charged, bytes, memory_order_relaxed);
    account->charged -= bytes;
}

void memory_settle(struct memory_account *account, uint64_t used)
{
    account->used = used;
    if (account->memory && account->charged > rounded(used))
        discharge(account, account->charged - rounded(used));
}

void memory_close(struct memory_account *account)
{
    account->used = 0;
    if (account->memory && account->charged > 0)
        discharge(account, account->charged);
}
