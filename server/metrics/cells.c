/* cells.c - per-worker counter blocks.
 *
 * Invariant: a worker's block is published once, by compare-and-swap, and lives as long as the
 * cells. Only its worker writes to it, so an addition is a load and a store; what threads share
 * (the block of SLOT_SHARED, and the spare one) is added to atomically. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "metrics/cells.h"
#include "base/slot.h"

enum { CACHE_LINE = 64 };

struct cells {
    size_t slots;
    struct cells *whole, *parts, *next; /* what it is a part of; its own; the next one of those */
    _Atomic(_Atomic uint64_t *) workers[SLOTS_MAX];
    _Atomic uint64_t spare[];
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

struct cells *cells_create_part(struct cells *whole)
{
    struct cells *c = cells_create(whole->slots);

    if (!c)
        return NULL;
    c->whole = whole;
    c->next = whole->parts;
    whole->parts = c;
    return c;
}

static void leave_whole(struct cells *c)
{
    struct cells **at = &c->whole->parts;

    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    for (size_t slot = 0; slot < c->slots; slot++)
        cells_add(c->whole, slot, cells_sum(c, slot));
}

void cells_destroy(struct cells *c)
{
    if (!c)
        return;
    if (c->whole)
        leave_whole(c);
    for (size_t i = 0; i < SLOTS_MAX; i++)
        free(c->workers[i]);
    free(c);
}

static _Atomic uint64_t *block_create(struct cells *c, _Atomic(_Atomic uint64_t *) *place)
{
    size_t lines = (c->slots * sizeof(uint64_t) + CACHE_LINE - 1) / CACHE_LINE;
    _Atomic uint64_t *block = aligned_alloc(CACHE_LINE, lines * CACHE_LINE);
    if (!block)
        return c->spare;
    memset(block, 0, lines * CACHE_LINE);

    _Atomic uint64_t *other = NULL;
    if (atomic_compare_exchange_strong_explicit(place, &other, block, memory_order_acq_rel,
                                                memory_order_acquire))
        return block;
    free(block);
    return other;
}

void cells_add(struct cells *c, size_t slot, uint64_t value)
{
    unsigned worker = slot_index();
    _Atomic(_Atomic uint64_t *) *place = &c->workers[worker];
    _Atomic uint64_t *block = atomic_load_explicit(place, memory_order_acquire);
    if (!block)
        block = block_create(c, place);
    _Atomic uint64_t *cell = &block[slot];
    if (worker == SLOT_SHARED || block == c->spare)
        atomic_fetch_add_explicit(cell, value, memory_order_relaxed);
    else
        atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + value,
                              memory_order_relaxed);
}

uint64_t cells_sum(const struct cells *c, size_t slot)
{
    if (!c)
        return 0;
    uint64_t sum = atomic_load_explicit(&c->spare[slot], memory_order_relaxed);
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        const _Atomic uint64_t *block = atomic_load_explicit(&c->workers[i], memory_order_acquire);
        if (block)
            sum += atomic_load_explicit(&block[slot], memory_order_relaxed);
    }
    for (const struct cells *part = c->parts; part; part = part->next)
        sum += cells_sum(part, slot);
    return sum;
}
