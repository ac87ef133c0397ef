/* probe.h - --health: the binary asks the service that runs beside it. */
#ifndef PROBE_H
#define PROBE_H

#include <stddef.h>
#include "options/options.h"

enum { PROBE_TIMEOUT_MS = 3000 };

/* GET /v2/health/ready at options->listen, everything within PROBE_TIMEOUT_MS, and at the address
 * `also` if that is not "". 0 if an answer is 200, else 1 and why the first is not in error. */
int probe_health(const struct options *options, const char *also, struct error *error);

#endif
