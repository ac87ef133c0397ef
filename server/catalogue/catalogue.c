/* catalogue.c - see catalogue.h. The tables are walked; no row of them is known here. */
#include "catalogue/catalogue.h"
#include <axon/loss.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tensor/tensor.h"

/* ---- names ---- */

/* A table of the core: rows that begin with their name and have a NULL-terminated list of aliases.
 */
struct table {
    const void *rows;
    size_t count, row_bytes, aliases_offset;
};

static const char *hint_among(const struct table *table, char hint[static NEAREST_HINT_MAX],
                              const char *name, const char *otherwise)
{
    enum { NAMES_MAX = 256 };
    const char *names[NAMES_MAX];
    size_t used = 0;

    for (size_t i = 0; i < table->count; i++) {
        const char *row = (const char *)table->rows + i * table->row_bytes;
        const char *const *alias = (const void *)(row + table->aliases_offset);

        for (const char *n = *(const char *const *)(const void *)row; n && used < NAMES_MAX;
             n = *alias++)
            names[used++] = n;
    }
    return nearest_hint(hint, name, names, used, otherwise);
}

const char *catalogue_activation_hint(char hint[static NEAREST_HINT_MAX], const char *name)
{
    struct table table = {.row_bytes = sizeof(struct axon_activation),
                          .aliases_offset = offsetof(struct axon_activation, aliases)};

    table.rows = axon_activation_table(&table.count);
    return hint_among(&table, hint, name, "; GET /v1/activations lists what there is");
}

const char *catalogue_loss_hint(char hint[static NEAREST_HINT_MAX], const char *name)
{
    struct table table = {.row_bytes = sizeof(struct axon_loss),
                          .aliases_offset = offsetof(struct axon_loss, aliases)};

    table.rows = axon_loss_table(&table.count);
    return hint_among(&table, hint, name, "; GET /v1/losses lists what there is");
}

enum error_id catalogue_dialect(const struct place *at, const json_t *value,
                                const struct axon_dialect **dialect)
{
    size_t count;
    unsigned chosen = 0;
    const struct axon_dialect *table = axon_dialect_table(&count);
    const struct object_choices names = {table, count, sizeof *table};
    enum error_id id = object_choice(at, "dialect", value, names, &chosen);

    *dialect = &table[chosen];
    return id;
}

/* ---- parameters ---- */

size_t catalogue_keys(const struct axon_activation *act, const char **keys)
{
    size_t count = 0;

    for (unsigned i = 0; i < act->parameters_count; i++)
        keys[count++] = act->parameters[i].name;
    for (unsigned i = 0; i < act->parameters_count; i++)
        if (*act->parameters[i].also)
            keys[count++] = act->parameters[i].also;
    keys[count] = NULL;
    return count;
}

enum error_id catalogue_find(const struct place *at, const struct axon_activation *act,
                             const json_t *object, const char *beside,
                             const json_t *values[static AXON_PARAMETERS_MAX])
{
    const char *keys[CATALOGUE_KEYS_MAX + 2];
    size_t count = catalogue_keys(act, keys);

    keys[count] = beside;
    keys[count + 1] = NULL;
    if (object_keys(at, object, keys))
        return at->error->id;
    for (unsigned i = 0; i < act->parameters_count; i++) {
        const struct axon_parameter *p = &act->parameters[i];
        const json_t *also = *p->also ? json_member(object, p->also) : NULL;

        values[i] = json_member(object, p->name);
        if (values[i] && also)
            return object_fail(at, p->also, ERROR_BAD_FIELD,
                               "is \"%s\" by another name; give one of them", p->name);
        values[i] = also ? also : values[i];
    }
    return ERROR_OK;
}

static enum error_id read_list(const struct place *at, const char *name, const json_t *value,
                               size_t channels, float **list)
{
    size_t count = json_array_size(value);

    if (count != channels)
        return object_fail(at, name, ERROR_SHAPE_MISMATCH,
                           "expected an array of %zu numbers, one per channel, found an array of "
                           "%zu",
                           channels, count);
    *list = calloc(count ? count : 1, sizeof **list);
    return *list ? object_floats(at, name, value, *list, count)
                 : object_fail(at, name, ERROR_OUT_OF_MEMORY, "out of memory");
}

enum error_id catalogue_values(const struct place *at, const struct axon_activation *act,
                               const json_t *const *values, size_t channels, float *scalars,
                               float **list)
{
    enum error_id id = ERROR_OK;

    for (unsigned i = 0; i < act->parameters_count && !id; i++) {
        const struct axon_parameter *p = &act->parameters[i];
        bool array = p->per_channel && json_is_array(values[i]);

        if (array && json_array_size(values[i]) == 1) /* one for all channels */
            id = object_floats(at, p->name, values[i], &scalars[i], 1);
        else if (array)
            id = read_list(at, p->name, values[i], channels, list);
        else if (values[i])
            id = object_float(at, p->name, values[i], &scalars[i]);
    }
    return id;
}

/* The number as the shortest text, however near to the bound it is beyond. */
static const char *number(char text[static FLOAT_TEXT_MAX + 1], float value)
{
    text[float_write(text, value)] = '\0';
    return text;
}

double catalogue_printable(float value)
{
    char text[FLOAT_TEXT_MAX + 1];

    return strtod(number(text, value), NULL);
}

enum error_id catalogue_check(const struct place *at, const struct axon_activation *act,
                              const float *params, size_t count, size_t channels)
{
    char value[FLOAT_TEXT_MAX + 1], low[FLOAT_TEXT_MAX + 1], high[FLOAT_TEXT_MAX + 1];
    char name[OBJECT_PATH_MAX];
    size_t bad = 0;
    const struct axon_parameter *p;

    if (axon_activation_check(act, params, count, channels, &bad) == AXON_OK)
        return ERROR_OK;
    p = &act->parameters[bad < act->parameters_count ? bad : 0];
    number(value, params[bad]);
    if (act->ascending && params[bad] >= p->minimum && params[bad] <= p->maximum)
        return object_fail(at, p->name, ERROR_BAD_PARAMETER, "%s is below \"%s\", which is %s",
                           value, p[-1].name, number(low, params[bad - 1]));
    snprintf(name, sizeof name, count > act->parameters_count ? "%s[%zu]" : "%s", p->name, bad);
    return object_fail(at, name, ERROR_BAD_PARAMETER, "%s takes %s to %s, found %s", act->name,
                       number(low, p->minimum), number(high, p->maximum), value);
}
