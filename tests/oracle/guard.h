/* tests/oracle/guard.h - arrays that lie flush against an unreadable page, so that one float too
 * many is a crash and not luck. */
#ifndef AXON_GUARD_H
#define AXON_GUARD_H

#include <stddef.h>

enum guard_side { GUARD_BEFORE, GUARD_AFTER, GUARD_SIDES };

struct guard {
    float *data; /* [n]; the byte before it, or after it, is unreadable */
    void *map;
    size_t map_bytes;
};

/* Never fails: the test program is ended when there is no memory. */
struct guard guard_create(size_t n, enum guard_side side);
void guard_destroy(struct guard *guard);

#endif
