/* fuzz_table.c - libFuzzer entry: a body of /invocations, with DataFrames, records, values that are
 * skipped and V2's list of inputs, in pieces is what it is in one piece; and a table that is
 * accepted has finite numbers in the columns that are wanted.
 *
 * The first three bytes choose the cuts (fuzz_pieces.c); then comes the body. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "body/columns.h"
#include "body/series.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TABLE_V2, TABLE_INPUTS, TABLE_SPLIT, TABLE_INDEX, TABLE_RECORDS, TABLE_FIELDS };
enum { TABLE_HEAD = 3, TABLE_FEATURES = 3 };

struct table_result {
    struct envelope_field fields[TABLE_FIELDS];
    struct envelope e;
    struct error error;
};

static void table_require(int condition)
{
    if (!condition)
        abort();
}

static void table_feed_copy(struct envelope_reader *r, const char *bytes, size_t len)
{
    char *copy = malloc(len + !len); /* exactly as long as what the caller promises */

    table_require(copy != NULL);
    if (len)
        memcpy(copy, bytes, len);
    envelope_feed(r, copy, len);
    free(copy);
}

/* lengths NULL: all at once */
static void read_table(struct table_result *out, const struct envelope_features *features,
                       const char *body, size_t len, const uint8_t *lengths)
{
    static const struct envelope_limits limits = {
        .tensor = {.rank_max = 8, .elements_max = 4096}, .depth_max = 64, .tokens_max = 1000};
    static struct envelope_reader r;

    *out = (struct table_result){
        .fields = {[TABLE_V2] = {.path = "inputs[].data"},
                   [TABLE_INPUTS] = {.path = "inputs",
                                     .objects = ENVELOPE_OBJECT_OR_LIST,
                                     .features = features},
                   [TABLE_SPLIT] = {.path = "split.data", .objects = ENVELOPE_CELLS},
                   [TABLE_INDEX] = {.path = "split.index", .objects = ENVELOPE_SKIPPED},
                   [TABLE_RECORDS] = {
                       .path = "records", .objects = ENVELOPE_RECORDS, .features = features}}};
    envelope_reader_init(&r, out->fields, TABLE_FIELDS, &limits, NON_FINITE_STRICT,
                         lengths ? WINDOW_UNKNOWN : len);
    for (size_t at = 0, turn = 0; at < len; turn = turn == 2 ? 1 : turn + 1) {
        size_t piece = lengths ? (size_t)lengths[turn] + (turn > 0) : len;
        piece = piece < len - at ? piece : len - at;
        table_feed_copy(&r, body + at, piece);
        at += piece;
    }
    envelope_finish(&r, &out->e, &out->error);
}

static int table_same(const struct envelope_field *a, const struct envelope_field *b)
{
    const struct tensor *s = &a->tensor, *t = &b->tensor;

    return a->present == b->present && s->rank == t->rank && s->count == t->count &&
           memcmp(s->shape, t->shape, sizeof s->shape) == 0 &&
           (s->count == 0 || memcmp(s->data, t->data, s->count * sizeof(float)) == 0);
}

/* Every other column becomes a feature, the last one first. */
static void select_some(struct envelope_field *field)
{
    size_t width = field->tensor.rank == 2 ? field->tensor.shape[1] : 0, taken = 0;
    uint32_t *feature_of = calloc(width + 1, sizeof *feature_of);
    struct error error = {0};

    table_require(feature_of != NULL);
    for (size_t c = width; c > 0; c--)
        feature_of[c - 1] = (width - c) % 2 ? COLUMN_IGNORED : (uint32_t)taken++;
    const struct columns columns = {.features = taken, .feature_of = feature_of};
    if (columns_select(field, &columns, NON_FINITE_STRICT, &error)) {
        table_require(error.detail[0] != '\0');
    } else if (width > 0) {
        table_require(field->tensor.shape[1] == taken);
        for (size_t i = 0; i < field->tensor.count; i++)
            table_require(isfinite(field->tensor.data[i]));
    }
    free(feature_of);
}

static void complete_columns(struct envelope_field *field)
{
    struct error error = {0};

    if (series_complete(field, NULL, &error))
        table_require(error.detail[0] != '\0');
    else
        table_require(field->tensor.rank == 2 && field->tensor.shape[1] == TABLE_FEATURES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const columns[TABLE_FEATURES] = {"a", "b", "c d"};
    struct table_result whole, cut;

    if (size < TABLE_HEAD)
        return 0;
    struct names *names = names_create(columns, TABLE_FEATURES);
    table_require(names != NULL);
    const struct envelope_features features = {.names = names, .all = "x", .count = TABLE_FEATURES};
    const char *body = (const char *)data + TABLE_HEAD;
    read_table(&whole, &features, body, size - TABLE_HEAD, NULL);
    read_table(&cut, &features, body, size - TABLE_HEAD, data);
    table_require(whole.error.id == cut.error.id);
    table_require(strcmp(whole.error.detail, cut.error.detail) == 0);
    table_require(whole.error.id ? !whole.e.json && !cut.e.json && whole.error.detail[0]
                                 : json_equal(whole.e.json, cut.e.json));
    for (size_t i = 0; i < TABLE_FIELDS; i++)
        table_require(table_same(&whole.fields[i], &cut.fields[i]));
    if (!whole.error.id && whole.fields[TABLE_SPLIT].present)
        select_some(&whole.fields[TABLE_SPLIT]);
    if (!whole.error.id && whole.fields[TABLE_INPUTS].series)
        complete_columns(&whole.fields[TABLE_INPUTS]);
    envelope_fini(&whole.e);
    envelope_fini(&cut.e);
    names_destroy(names);
    return 0;
}
