/* parallel.h - the work of one call on several threads; internal to lib/. */
#ifndef AXON_PARALLEL_H
#define AXON_PARALLEL_H

#include <stddef.h>

/* Does the lines [first, first + count) of the work. */
typedef void axon_slice(const void *work, size_t first, size_t count);

/* Slices that together are the lines [0, lines), by as many threads as axon_threads_set() allows
 * and the work is worth, the calling one among them; returns when all is done. A line is that many
 * floats; neither number is 0. */
void axon__parallel(axon_slice *slice, const void *work, size_t lines, size_t elements);

#endif
