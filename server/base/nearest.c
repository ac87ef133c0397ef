/* nearest.c - Levenshtein's distance, and the least of it. Capital letters are no distance: GELU
 * means gelu. */
#include "base/nearest.h"
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES_MAX = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Insertions, deletions and substitutions from a to b, one row of the table at a time. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_BYTES_MAX + 1], columns = strlen(b);

    if (strlen(a) > NAME_BYTES_MAX || columns > NAME_BYTES_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t substituted = diagonal + !same(a[i - 1], b[j - 1]);
            diagonal = row[j];
            row[j] = least(substituted, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[columns];
}

const char *nearest(const char *name, const char *const *names, size_t count)
{
    /* Further than this is another word, not a slip. */
    size_t length = strlen(name), bound = length < 4 ? 1 : length / 3 + 1;
    const char *found = NULL;

    for (size_t i = 0; length > 0 && i < count; i++) {
        size_t d = *names[i] ? distance(name, names[i]) : SIZE_MAX; /* "" is no name */
        if (d < bound || (d == bound && !found)) {
            bound = d;
            found = names[i];
        }
    }
    return found;
}

const char *nearest_hint(char hint[static NEAREST_HINT_MAX], const char *name,
                         const char *const *names, size_t count, const char *otherwise)
{
    const char *near = nearest(name, names, count);

    if (near)
        snprintf(hint, NEAREST_HINT_MAX, "; did you mean \"%s\"?", near);
    else
        snprintf(hint, NEAREST_HINT_MAX, "%s", otherwise);
    return hint;
}
