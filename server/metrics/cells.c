/* cells.c - per-worker counter blocks.
 *
 * Invariant: a worker's block is published once, by compare-and-swap, and lives as long as the
 * cells. Only its worker writes to it, so an addition is a load and a store; what threads share
 * (the block of SLOT_SHARED, and the spare one) is added to atomically. */
#include <stdlib.h>
#include <string.h>
#include "metrics/cells.h"
#include "base/slot.h"

enum { CACHE_LINE = 64 };

struct cells {
    size_t slots;
    uint64_t *workers[SLOTS_MAX];
    uint64_t spare[];
};

struct cells *cells_create(size_t slots)
{
    if (slots > (SIZE_MAX - sizeof(struct cells)) / sizeof(uint64_t))
        return NULL;
    struct cells *c = calloc(1, sizeof *c + slots * sizeof *c->spare);
    if (c)
        c->slots = slots;
    return c;
}

void cells_destroy(struct cells *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < SLOTS_MAX; i++)
        free(c->workers[i]);
    free(c);
}

static uint64_t *block_create(struct cells *c, uint64_t **place)
{
    size_t lines = (c->slots * sizeof(uint64_t) + CACHE_LINE - 1) / CACHE_LINE;
    uint64_t *block = aligned_alloc(CACHE_LINE, lines * CACHE_LINE);
    if (!block)
        return c->spare;
    memset(block, 0, lines * CACHE_LINE);

    uint64_t *other = NULL;
    if (__atomic_compare_exchange_n(place, &other, block, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return block;
    free(block);
    return other;
}

void cells_add(struct cells *c, size_t slot, uint64_t value)
{
    unsigned worker = slot_index();
    uint64_t **place = &c->workers[worker];
    uint64_t *block = __atomic_load_n(place, __ATOMIC_ACQUIRE);
    if (!block)
        block = block_create(c, place);
    uint64_t *cell = &block[slot];
    if (worker == SLOT_SHARED || block == c->spare)
        __atomic_fetch_add(cell, value, __ATOMIC_RELAXED);
    else
        __atomic_store_n(cell, __atomic_load_n(cell, __ATOMIC_RELAXED) + value, __ATOMIC_RELAXED);
}

uint64_t cells_sum(const struct cells *c, size_t slot)
{
    if (!c)
        return 0;
    uint64_t sum = __atomic_load_n(&c->spare[slot], __ATOMIC_RELAXED);
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        const uint64_t *block = __atomic_load_n(&c->workers[i], __ATOMIC_ACQUIRE);
        if (block)
            sum += __atomic_load_n(&block[slot], __ATOMIC_RELAXED);
    }
    return sum;
}
