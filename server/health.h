/* health.h - --health: the binary asks the service that runs beside it. */
#ifndef HEALTH_H
#define HEALTH_H

#include <stddef.h>
#include "options.h"

enum { HEALTH_TIMEOUT_MS = 3000 };

/* GET /v2/health/ready at options->listen, everything within HEALTH_TIMEOUT_MS. 0 if the answer is
 * 200, else 1 and why in error. */
int health_probe(const struct options *options, char *error, size_t error_bytes);

#endif
