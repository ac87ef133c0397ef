/* overlap.h - whether two arrays of floats, or of what is as large, have an element in common;
 * internal to lib/. As numbers: pointers into different arrays must not be compared. */
#ifndef AXON_OVERLAP_H
#define AXON_OVERLAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Neither is empty, but either may be NULL, which meets nothing. */
static inline bool axon__overlap(const void *a, size_t a_count, const void *b, size_t b_count)
{
    uintptr_t p = (uintptr_t)a, q = (uintptr_t)b;

    return a && b && (p < q ? q - p < a_count * sizeof(float) : p - q < b_count * sizeof(float));
}

#endif
