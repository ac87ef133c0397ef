/* kernels/probe.h - whether a table of kernels may be used. */
#ifndef AXON_PROBE_H
#define AXON_PROBE_H

#include "kernels/kernels.h"

/* Whether every kernel of the table agrees with baseline on a probe. */
int axon__kernels_agree(const struct axon_kernels *kernels);

#endif
