/* process.h - what the kernel says of this process, as every Prometheus client reports it. */
#ifndef METRICS_PROCESS_H
#define METRICS_PROCESS_H

#include "metrics/metrics.h"

/* The value of a metric of scope PROCESS now; NaN if the kernel does not tell (no /proc, or no
 * limit). */
double process_value(enum metric metric);

#endif
