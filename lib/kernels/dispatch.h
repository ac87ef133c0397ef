/* kernels/dispatch.h - which of the tables runs on this CPU, and which one is in use. */
#ifndef AXON_DISPATCH_H
#define AXON_DISPATCH_H

#include <stddef.h>
#include "kernels/kernels.h"

/* The tables that this binary holds and this CPU runs, best first; at least one. Static storage. */
const struct axon_kernels *const *axon__kernels_list(size_t *count);

/* The table in use: the best that passes its probe, until axon_isa_select() says otherwise. */
const struct axon_kernels *axon__kernels(void);

#endif
