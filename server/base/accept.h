/* accept.h - what a client asks for: one of two content types, a coding. Pure. */
#ifndef BASE_ACCEPT_H
#define BASE_ACCEPT_H

#include <stdbool.h>

/* True if the Accept header (NULL: none was sent) names the type `wanted`, and prefers it at least
 * as much as `other`. A range whose version parameter is another than `version` is not meant; with
 * NULL any is. A wildcard asks for neither: who sends it takes whatever is sent to everybody. */
bool accept_prefers(const char *accept, const char *wanted, const char *version, const char *other);

/* The quality, 0 to 1, that a list such as Accept-Encoding has for this name, "*" among them; -1:
 * it does not name it. */
double accept_quality(const char *accept, const char *name);

#endif
