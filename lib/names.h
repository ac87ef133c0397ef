/* names.h - whether a row of a registry goes by a name; internal to lib/. */
#ifndef AXON_NAMES_H
#define AXON_NAMES_H

#include <stdbool.h>

/* The next character that counts, in lower case; names are ASCII. */
static inline char axon__next_of(const char **name)
{
    while (**name == '_' || **name == '-')
        (*name)++;
    return (char)(**name >= 'A' && **name <= 'Z' ? **name - 'A' + 'a' : **name);
}

/* Are they the same but for case, '_' and '-'? "BCEWithLogitsLoss" is "bce_with_logits_loss". */
static inline bool axon__similar(const char *a, const char *b)
{
    for (;; a++, b++) {
        char of_a = axon__next_of(&a), of_b = axon__next_of(&b);

        if (of_a != of_b || of_a == '\0')
            return of_a == of_b;
    }
}

/* own: the row's name; aliases: NULL-terminated. "LeakyReLU" is "leaky_relu". */
static inline bool axon__named(const char *name, const char *own, const char *const *aliases)
{
    if (axon__similar(name, own))
        return true;
    for (; *aliases; aliases++)
        if (axon__similar(name, *aliases))
            return true;
    return false;
}

#endif
