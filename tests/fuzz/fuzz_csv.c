/* fuzz_csv.c - libFuzzer entry: CSV in pieces is what it is in one piece; what is accepted is rows
 * of finite numbers, as wide as the model; what is refused has a message and holds nothing.
 *
 * The first three bytes choose the cuts (fuzz_pieces.c), the next whether the features have names;
 * then comes the text. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "body/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CSV_CUTS = 3, CSV_HEAD = 4, CSV_FEATURES = 3 };

struct csv_result {
    struct envelope_field field;
    struct error error;
};

static void csv_require(int condition)
{
    if (!condition)
        abort();
}

static void csv_feed_copy(struct csv_reader *r, const char *bytes, size_t len)
{
    char *copy = malloc(len + !len); /* exactly as long as what the caller promises */

    csv_require(copy != NULL);
    if (len)
        memcpy(copy, bytes, len);
    csv_feed(r, copy, len);
    free(copy);
}

/* lengths NULL: all at once */
static void read_csv(struct csv_result *out, const struct envelope_features *features,
                     const char *text, size_t len, const uint8_t *lengths)
{
    static const struct tensor_limits limits = {.rank_max = 8, .elements_max = 3000};
    struct csv_reader r;

    *out = (struct csv_result){.field = {.path = "csv"}};
    csv_init(&r, &out->field, features, &limits, NON_FINITE_STRICT);
    for (size_t at = 0, turn = 0; at < len; turn = turn == 2 ? 1 : turn + 1) {
        size_t piece = lengths ? (size_t)lengths[turn] + (turn > 0) : len;
        piece = piece < len - at ? piece : len - at;
        csv_feed_copy(&r, text + at, piece);
        at += piece;
    }
    csv_finish(&r, &out->error);
}

static void check_rows(const struct tensor *t)
{
    csv_require(t->rank == 2 && t->shape[1] == CSV_FEATURES);
    csv_require(t->count == t->shape[0] * CSV_FEATURES);
    for (size_t i = 0; i < t->count; i++)
        csv_require(isfinite(t->data[i]));
}

/* Rows that are taken out as they come are those of the whole, and so is the error. */
static void check_taken(const struct csv_result *whole, const struct envelope_features *features,
                        const char *text, size_t len, const uint8_t *lengths)
{
    static const struct tensor_limits limits = {.rank_max = 8, .elements_max = 3000};
    float *rows = malloc((len + 1) * CSV_FEATURES * sizeof *rows), *next = rows;
    struct csv_result out = {.field = {.path = "csv"}};
    struct csv_reader r;

    csv_require(rows != NULL);
    csv_init(&r, &out.field, features, &limits, NON_FINITE_STRICT);
    for (size_t at = 0, turn = 0; at < len; turn = turn == 2 ? 1 : turn + 1) {
        size_t piece = (size_t)lengths[turn] + (turn > 0);
        piece = piece < len - at ? piece : len - at;
        csv_feed_copy(&r, text + at, piece);
        at += piece;
        next += CSV_FEATURES * csv_take(&r, next, turn + 1);
    }
    csv_finish(&r, &out.error);
    if (whole->error.id == ERROR_OK) {
        next += CSV_FEATURES * csv_take(&r, next, len);
        csv_require((size_t)(next - rows) == whole->field.tensor.count);
        csv_require(next == rows || memcmp(rows, whole->field.tensor.data,
                                           (size_t)(next - rows) * sizeof *rows) == 0);
    }
    if (whole->error.id != ERROR_LIMIT_EXCEEDED)
        csv_require(strcmp(whole->error.detail, out.error.detail) == 0);
    tensor_fini(&out.field.tensor);
    free(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const columns[CSV_FEATURES] = {"a", "b", "c d"};
    struct csv_result whole, cut;

    if (size < CSV_HEAD)
        return 0;
    struct names *names = names_create(columns, CSV_FEATURES);
    csv_require(names != NULL);
    const struct envelope_features features = {.names = data[CSV_CUTS] & 1 ? names : NULL,
                                               .count = CSV_FEATURES};
    const char *text = (const char *)data + CSV_HEAD;
    read_csv(&whole, &features, text, size - CSV_HEAD, NULL);
    read_csv(&cut, &features, text, size - CSV_HEAD, data);
    csv_require(whole.error.id == cut.error.id);
    csv_require(strcmp(whole.error.detail, cut.error.detail) == 0);
    csv_require(whole.field.tensor.count == cut.field.tensor.count);
    check_taken(&whole, &features, text, size - CSV_HEAD, data);
    if (whole.error.id)
        csv_require(whole.error.detail[0] && !whole.field.tensor.data && !cut.field.tensor.data);
    else
        check_rows(&whole.field.tensor);
    if (whole.field.tensor.count)
        csv_require(memcmp(whole.field.tensor.data, cut.field.tensor.data,
                           whole.field.tensor.count * sizeof(float)) == 0);
    tensor_fini(&whole.field.tensor);
    tensor_fini(&cut.field.tensor);
    names_destroy(names);
    return 0;
}
