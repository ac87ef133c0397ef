/* columns.c - see columns.h. May know: base/names.h, cell.h.
 *
 * Invariant: after columns_match() each feature is held by exactly one column. */
#include "body/columns.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "body/cell.h"

enum { NUMBER_TEXT = 24 };

bool columns_are_numbered(const char *const *names, size_t count)
{
    char number[NUMBER_TEXT];

    for (size_t i = 0; i < count; i++) {
        snprintf(number, sizeof number, "%zu", i);
        if (strcmp(names[i], number) != 0)
            return false;
    }
    return true;
}

static enum error_id refuse_double(const char *place, const char *name, struct error *error)
{
    return error_set(error, ERROR_BAD_FIELD, "%s: the column \"%.100s\" is there twice", place,
                     name);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Columns that are taken in order must be told apart all the same. */
static enum error_id check_doubles(const char *const *names, size_t count, const char *place,
                                   struct error *error)
{
    const char **sorted = calloc(count ? count : 1, sizeof *sorted);
    enum error_id id = ERROR_OK;

    if (!sorted)
        return error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
    if (count > 0)
        memcpy(sorted, names, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_text);
    for (size_t i = 1; i < count && id == ERROR_OK; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            id = refuse_double(place, sorted[i], error);
    free(sorted);
    return id;
}

static enum error_id take_in_order(const struct envelope_features *features,
                                   const char *const *names, size_t count, const char *place,
                                   uint32_t *feature_of, struct error *error)
{
    if (count != features->count)
        return error_set(error, ERROR_SHAPE_MISMATCH, "%s: %zu column%s, the model takes %zu",
                         place, count, count == 1 ? "" : "s", features->count);
    for (size_t i = 0; i < count; i++)
        feature_of[i] = (uint32_t)i;
    return check_doubles(names, count, place, error);
}

static enum error_id refuse_missing(const struct envelope_features *features,
                                    const unsigned char *found, const char *const *names,
                                    size_t count, const char *place, struct error *error)
{
    size_t missing = 0, stranger = 0;

    while (found[missing])
        missing++;
    while (stranger < count &&
           names_find(features->names, names[stranger], stranger) < features->count)
        stranger++;
    return error_set(error, ERROR_BAD_FIELD, "%s: the column \"%.100s\" is missing%s%.60s%s", place,
                     features->names->of[missing], stranger < count ? "; \"" : "",
                     stranger < count ? names[stranger] : "",
                     stranger < count ? "\" is none of the model's input.columns" : "");
}

static enum error_id take_by_name(const struct envelope_features *features,
                                  const char *const *names, size_t count, const char *place,
                                  uint32_t *feature_of, struct error *error)
{
    unsigned char *found = calloc(features->count ? features->count : 1, 1);
    enum error_id id = ERROR_OK;
    size_t taken = 0;

    if (!found)
        return error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
    for (size_t i = 0; i < count && id == ERROR_OK; i++) {
        size_t feature = names_find(features->names, names[i], taken);

        feature_of[i] = feature < features->count ? (uint32_t)feature : COLUMN_IGNORED;
        if (feature == features->count)
            continue;
        if (found[feature])
            id = refuse_double(place, names[i], error);
        found[feature] = 1;
        taken++;
    }
    if (id == ERROR_OK && taken < features->count)
        id = refuse_missing(features, found, names, count, place, error);
    free(found);
    return id;
}

enum error_id columns_match(const struct envelope_features *features, const char *const *names,
                            size_t count, const char *place, uint32_t *feature_of,
                            struct error *error)
{
    bool by_name = features->names &&
                   !(columns_are_numbered(names, count) &&
                     names_find(features->names, count ? names[0] : "", 0) == features->count);

    return (by_name ? take_by_name : take_in_order)(features, names, count, place, feature_of,
                                                    error);
}

/* ---- the values ---- */

static enum error_id refuse_value(const struct envelope_field *field, size_t row, size_t column,
                                  const char *const *names, float value, struct error *error)
{
    char name[128] = "";

    if (names)
        snprintf(name, sizeof name, " (column \"%.100s\")", names[column]);
    return error_set(
        error, ERROR_BAD_TENSOR, "%s[%zu][%zu]%s: expected a number, found %s%s",
        envelope_field_place(field), row, column, name, cell_name(value),
        isnan(value) && !cell_is_other(value) ? "; ?non_finite=token lets missing values in" : "");
}

static bool is_refused(float value, enum non_finite policy)
{
    return !isfinite(value) && (policy == NON_FINITE_STRICT || cell_is_other(value));
}

/* One row from its columns to its features; they are no more. */
static void put_in_order(const float *given, size_t columns, const uint32_t *feature_of, float *row)
{
    for (size_t i = 0; i < columns; i++)
        if (feature_of[i] != COLUMN_IGNORED)
            row[feature_of[i]] = given[i];
}

static bool is_identity(const uint32_t *feature_of, size_t columns, size_t features)
{
    size_t i = 0;

    while (feature_of && i < columns && feature_of[i] == i)
        i++;
    return !feature_of || (i == columns && columns == features);
}

/* The first of a row's values that is none, among the columns that somebody wants; width: there is
 * none. */
static size_t find_refused(const float *given, size_t width, const uint32_t *feature_of,
                           enum non_finite policy)
{
    size_t c = 0;

    while (c < width &&
           ((feature_of && feature_of[c] == COLUMN_IGNORED) || !is_refused(given[c], policy)))
        c++;
    return c;
}

enum error_id columns_select(struct envelope_field *field, const struct columns *columns,
                             enum non_finite policy, struct error *error)
{
    struct tensor *t = &field->tensor;
    size_t rows = t->shape[0], width = t->rank == 2 ? t->shape[1] : 0;
    bool same = is_identity(columns->feature_of, width, columns->features);
    float *row = malloc((same ? 1 : columns->features) * sizeof *row);
    enum error_id id = ERROR_OK;

    if (!row)
        return error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
    for (size_t r = 0; r < rows && width > 0 && id == ERROR_OK; r++) {
        const float *given = t->data + r * width;
        size_t refused = find_refused(given, width, columns->feature_of, policy);

        if (refused < width)
            id = refuse_value(field, r, refused, columns->names, given[refused], error);
        if (same || id != ERROR_OK)
            continue;
        put_in_order(given, width, columns->feature_of, row);
        memcpy(t->data + r * columns->features, row, columns->features * sizeof *row);
    }
    free(row);
    if (width > 0 && !same) {
        t->shape[1] = columns->features;
        t->count = rows * columns->features;
    }
    return id;
}
