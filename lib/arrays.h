/* arrays.h - whether a caller's arrays of floats, or of what is as large, can be worked on;
 * internal to lib/. As numbers: pointers into different arrays must not be compared. */
#ifndef AXON_ARRAYS_H
#define AXON_ARRAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a float may stand; NULL may. */
static inline bool axon__aligned(const void *a)
{
    return (uintptr_t)a % _Alignof(float) == 0;
}

/* Do they have an element in common? Neither is empty, but either may be NULL, which meets nothing.
 */
static inline bool axon__overlap(const void *a, size_t a_count, const void *b, size_t b_count)
{
    uintptr_t p = (uintptr_t)a, q = (uintptr_t)b;

    return a && b && (p < q ? q - p < a_count * sizeof(float) : p - q < b_count * sizeof(float));
}

#endif
