/* columns.h - the columns of a table that came, and the features of a model: which is which. */
#ifndef BODY_COLUMNS_H
#define BODY_COLUMNS_H

#include <stdint.h>
#include "body/envelope.h"

#define COLUMN_IGNORED UINT32_MAX

/* feature_of[j] becomes the feature that column j holds, or COLUMN_IGNORED. names [count] are
 * matched with those of the features; where these have none, or the columns are called 0, 1, ...,
 * they are taken in order. ERROR_BAD_FIELD for a name that is missing or there twice,
 * ERROR_SHAPE_MISMATCH for another number of columns than of features; place is where they stand.
 */
enum error_id columns_match(const struct envelope_features *features, const char *const *names,
                            size_t count, const char *place, uint32_t *feature_of,
                            struct error *error);

/* Are they "0", "1", ...: a table without names, as pandas calls its columns? */
bool columns_are_numbered(const char *const *names, size_t count);

/* The columns of a table, [rows, columns]: which of them become which of so many features, and
 * their names. NULL: they are in order; they have none. */
struct columns {
    size_t features;
    const uint32_t *feature_of;
    const char *const *names;
};

/* The values of a field of cells become [rows, features]. Cells that hold no number are refused by
 * row and column, under NON_FINITE_STRICT also what is not finite. */
enum error_id columns_select(struct envelope_field *field, const struct columns *columns,
                             enum non_finite policy, struct error *error);

#endif
