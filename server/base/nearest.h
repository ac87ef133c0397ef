/* nearest.h - which name a misspelt one was meant to be. Pure. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

/* The one of names [count] that is most like `name`, the first among equals; NULL if none is near.
 * Near is one letter inserted, left out or replaced for every three, and one more from four letters
 * on; upper and lower case are the same letter. A name of more than 64 bytes is near to none. */
const char *nearest(const char *name, const char *const *names, size_t count);

/* How a message ends: "; did you mean \"relu\"?", or without one that is near `otherwise`. Returns
 * hint. */
enum { NEAREST_HINT_MAX = 96 };
const char *nearest_hint(char hint[static NEAREST_HINT_MAX], const char *name,
                         const char *const *names, size_t count, const char *otherwise);

#endif
