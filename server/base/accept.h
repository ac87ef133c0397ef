/* accept.h - which of two content types a client asks for. Pure. */
#ifndef BASE_ACCEPT_H
#define BASE_ACCEPT_H

#include <stdbool.h>

/* True if the Accept header (NULL: none was sent) names the type `wanted`, and prefers it at least
 * as much as `other`. A range whose version parameter is another than `version` is not meant; with
 * NULL any is. A wildcard asks for neither: who sends it takes whatever is sent to everybody. */
bool accept_prefers(const char *accept, const char *wanted, const char *version, const char *other);

#endif
