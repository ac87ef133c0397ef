/* names.c - see names.h: the names in the order of the alphabet, halved until one is left. */
#include "base/names.h"
#include <stdlib.h>
#include <string.h>

static int alphabetical_order(const void *a, const void *b)
{
    return strcmp(**(const char *const *const *)a, **(const char *const *const *)b);
}

struct names *names_create(const char *const *of, size_t count)
{
    struct names *names = malloc(sizeof *names);

    if (!names)
        return NULL;
    *names = (struct names){.of = of, .count = count};
    names->alphabetical = calloc(count ? count : 1, sizeof(char **));
    if (!names->alphabetical) {
        free(names);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        names->alphabetical[i] = &of[i];
    qsort(names->alphabetical, count, sizeof *names->alphabetical, alphabetical_order);
    return names;
}

void names_destroy(struct names *names)
{
    if (names)
        free(names->alphabetical);
    free(names);
}

size_t names_find(const struct names *names, const char *name, size_t guess)
{
    size_t low = 0, high = names->count;

    if (guess < names->count && strcmp(names->of[guess], name) == 0)
        return guess;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, *names->alphabetical[middle]);

        if (order == 0)
            return (size_t)(names->alphabetical[middle] - names->of);
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return names->count;
}
