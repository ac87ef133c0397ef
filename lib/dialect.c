/* dialect.c - the table of what frameworks disagree about; see axon/dialect.h.
 *
 * Knows dialect.def and the registry. Invariant: defaults that a row gives are as many as its
 * activation has parameters, and in their domain (a unit test holds it). */
#include "axon/dialect.h"
#include <float.h>
#include <string.h>
#include "registry.h"

/* ---- the dialects ---- */

#define MEANS(...)
#define DIALECT(id, title) DIALECT_##id,
enum {
#include "dialect.def"
    DIALECT_COUNT
};
#undef DIALECT
#define DIALECT(id, title) {#id, title},
static const struct axon_dialect dialects[DIALECT_COUNT] = {
#include "dialect.def"
};
#undef DIALECT
#undef MEANS

/* ---- what differs ---- */

static const struct difference {
    unsigned dialect;
    enum axon_id name, activation;
    const char *note;
    unsigned params_count;
    float params[AXON_PARAMETERS_MAX];
    enum axon_channels channels;
} differences[] = {
/* sizeof counts what the row lists; the empty first element keeps an empty list valid C. */
#define DEFAULTS(...) \
    .params_count = sizeof((float[]){0, __VA_ARGS__}) / sizeof(float) - 1, .params = {__VA_ARGS__}
#define CHANNELS(which) .channels = AXON_CHANNELS_##which
#define DIALECT(id, title)
#define MEANS(dialect_, name_, activation_, note_, ...) \
    {.dialect = DIALECT_##dialect_,                     \
     .name = AXON_ID_##name_,                           \
     .activation = AXON_ID_##activation_,               \
     .note = note_,                                     \
     __VA_ARGS__},
#include "dialect.def"
};

const struct axon_dialect *axon_dialect_table(size_t *count)
{
    *count = DIALECT_COUNT;
    return dialects;
}

const struct axon_dialect *axon_dialect_find(const char *name)
{
    for (size_t i = 0; i < DIALECT_COUNT; i++)
        if (strcmp(dialects[i].name, name) == 0)
            return &dialects[i];
    return NULL;
}

static const struct difference *difference_of(const struct axon_dialect *dialect, size_t name)
{
    static const struct difference none = {.note = NULL};

    for (size_t i = 0; dialect && i < sizeof differences / sizeof *differences; i++)
        if (&dialects[differences[i].dialect] == dialect && differences[i].name == name)
            return &differences[i];
    return &none;
}

bool axon_dialect_meaning(const struct axon_dialect *dialect, const char *name,
                          struct axon_meaning *meaning)
{
    size_t count;
    const struct axon_activation *table = axon_activation_table(&count);
    const struct axon_activation *act = axon_activation_find(name);
    const struct difference *d;

    if (!act)
        return false;
    d = difference_of(dialect, axon__activation_id(act));
    if (d->note)
        act = &table[d->activation];
    *meaning = (struct axon_meaning){.activation = act, .channels = d->channels, .note = d->note};
    for (unsigned i = 0; i < act->parameters_count; i++)
        meaning->params[i] = d->params_count ? d->params[i] : act->parameters[i].value;
    return true;
}
