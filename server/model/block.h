/* block.h - arrays one after the other in one block of memory, each at a line of the cache: the
 * same function measures the block and gives out its arrays, so that the two cannot disagree. */
#ifndef MODEL_BLOCK_H
#define MODEL_BLOCK_H

#include <stddef.h>
#include <stdint.h>

enum { BLOCK_LINE = 64 };

struct block {
    char *memory; /* NULL: it is only measured */
    size_t used;
};

/* A block of memory [block_bytes()], which need not be aligned. */
static inline struct block block_of(void *memory)
{
    uintptr_t over = (uintptr_t)memory % BLOCK_LINE;

    return (struct block){memory ? (char *)memory + (BLOCK_LINE - over) % BLOCK_LINE : NULL, 0};
}

/* The next array, of so many bytes; NULL while the block is measured. */
static inline void *block_take(struct block *b, size_t bytes)
{
    char *at = b->memory ? b->memory + b->used : NULL;

    b->used += (bytes + BLOCK_LINE - 1) / BLOCK_LINE * BLOCK_LINE;
    return at;
}

/* Bytes for all arrays that were taken, wherever the memory begins. */
static inline size_t block_bytes(const struct block *b)
{
    return b->used + BLOCK_LINE;
}

#endif
