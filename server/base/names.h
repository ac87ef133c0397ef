/* names.h - the place of a name among many, such as the columns of a table. Immutable once made. */
#ifndef BASE_NAMES_H
#define BASE_NAMES_H

#include <stddef.h>

struct names {
    const char *const *of;            /* [count], borrowed; no two are equal */
    const char *const **alphabetical; /* [count] places in `of` */
    size_t count;
};

/* At most UINT32_MAX of them. new, or NULL when out of memory. */
struct names *names_create(const char *const *of, size_t count);
void names_destroy(struct names *names); /* NULL is fine */

/* The place of a name; count if it is none of them. `guess` is looked at first, so that names that
 * come in their order cost one comparison each; it may be any number. */
size_t names_find(const struct names *names, const char *name, size_t guess);

#endif
