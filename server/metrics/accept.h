/* accept.h - which exposition format a scraper asks for. Pure. */
#ifndef METRICS_ACCEPT_H
#define METRICS_ACCEPT_H

#include <stdbool.h>

/* True if the Accept header (NULL: none was sent) names application/openmetrics-text, in version
 * 1.0.0 or without one, and prefers it at least as much as text/plain. A wildcard asks for neither:
 * it gets the text format, which everything reads. */
bool accept_openmetrics(const char *accept);

#endif
