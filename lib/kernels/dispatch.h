/* kernels/dispatch.h - which of the tables runs on this CPU, and which one is in use. */
#ifndef AXON_DISPATCH_H
#define AXON_DISPATCH_H

#include <stddef.h>
#include "kernels/kernels.h"

/* The tables that this binary holds and this CPU runs, best first; at least one. Static storage. */
const struct axon_kernels *const *axon__kernels_list(size_t *count);

/* The table in use: the best that passes its probe, until axon_isa_select() says otherwise. */
const struct axon_kernels *axon__kernels(void);

/* The table for a call of about so many multiply-adds: the one in use or, for a short one after
 * axon__kernels_narrow_set(1), its narrow table. Not for what has other bits there. */
const struct axon_kernels *axon__kernels_for(size_t multiply_adds);
void axon__kernels_narrow_set(int on);

#endif
