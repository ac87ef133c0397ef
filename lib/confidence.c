/* confidence.c - axon/confidence.h by the kernels of the ISA in use. */
#include "axon/confidence.h"
#include "kernels/dispatch.h"

void axon_confidence_rows(const struct axon_confidence *c)
{
    axon__kernels()->confidence(c);
}
