/* names.h - whether a row of a registry goes by a name; internal to lib/. */
#ifndef AXON_NAMES_H
#define AXON_NAMES_H

#include <stdbool.h>
#include <string.h>

/* own: the row's name; aliases: NULL-terminated. Case-sensitive. */
static inline bool axon__named(const char *name, const char *own, const char *const *aliases)
{
    if (strcmp(own, name) == 0)
        return true;
    for (; *aliases; aliases++)
        if (strcmp(*aliases, name) == 0)
            return true;
    return false;
}

#endif
