/* fuzz_records.c - libFuzzer entry: rows that are objects of features are a matrix of what jansson
 * finds under their keys, the same in pieces as at once, or an error with a message.
 *
 * The first three bytes choose the cuts, as in fuzz_pieces.c; then comes the body. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "body/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS_CONTEXT, RECORDS_EXAMPLES, RECORDS_ROWS, RECORDS_INSTANCES, RECORDS_FIELDS };
enum { RECORDS_HEAD = 3 };
enum { RECORDS_FEATURES = 3 };

static const char *const rows_names[RECORDS_FEATURES] = {"a", "b", "c"},
                         *const *rows_alphabetical[] = {rows_names, rows_names + 1, rows_names + 2};
static const struct names rows_columns = {rows_names, rows_alphabetical, RECORDS_FEATURES};
static const struct envelope_features rows_features = {&rows_columns, "x", RECORDS_FEATURES};
static const struct envelope_limits rows_limits = {
    .tensor = {.rank_max = 8, .elements_max = 4096}, .depth_max = 16, .tokens_max = 1000};

struct rows_result {
    struct envelope_field fields[RECORDS_FIELDS];
    struct envelope e;
    struct error error;
};

static void rows_require(int condition)
{
    if (!condition)
        abort();
}

static void rows_feed(struct envelope_reader *r, const char *bytes, size_t len)
{
    char *copy = malloc(len + !len); /* exactly as long as what the caller promises */

    rows_require(copy != NULL);
    if (len)
        memcpy(copy, bytes, len);
    envelope_feed(r, copy, len);
    free(copy);
}

/* lengths NULL: all at once */
static void rows_read(struct rows_result *out, const char *body, size_t len, const uint8_t *lengths)
{
    static const enum envelope_objects objects[RECORDS_FIELDS] = {
        ENVELOPE_RECORD, ENVELOPE_EXAMPLES, ENVELOPE_RECORDS, ENVELOPE_OBJECT_ROWS};
    static const char *const paths[RECORDS_FIELDS] = {"context", "examples", "rows", "instances"};
    static struct envelope_reader r;

    *out = (struct rows_result){.e = {.json = NULL}};
    for (size_t i = 0; i < RECORDS_FIELDS; i++)
        out->fields[i] = (struct envelope_field){
            .path = paths[i], .objects = objects[i], .features = &rows_features};
    envelope_reader_init(&r, out->fields, RECORDS_FIELDS, &rows_limits, NON_FINITE_STRICT,
                         lengths ? WINDOW_UNKNOWN : len);
    for (size_t at = 0, turn = 0; at < len; turn = turn == 2 ? 1 : turn + 1) {
        size_t piece = lengths ? (size_t)lengths[turn] + (turn > 0) : len;
        piece = piece < len - at ? piece : len - at;
        rows_feed(&r, body + at, piece);
        at += piece;
    }
    envelope_finish(&r, &out->e, &out->error);
}

static void rows_same(const struct envelope_field *a, const struct envelope_field *b)
{
    const struct tensor *s = &a->tensor, *t = &b->tensor;

    rows_require(a->present == b->present && !a->gaps == !b->gaps);
    rows_require(
        !a->gaps ||
        (a->gaps->whole == b->gaps->whole && a->gaps->count == b->gaps->count &&
         memcmp(a->gaps->places, b->gaps->places, a->gaps->count * sizeof *a->gaps->places) == 0));
    rows_require(s->rank == t->rank && s->count == t->count);
    rows_require(memcmp(s->shape, t->shape, sizeof s->shape) == 0);
    rows_require(s->count == 0 || memcmp(s->data, t->data, s->count * sizeof(float)) == 0);
}

/* jansson keeps the last of several, which may be a null after a number. */
static bool rows_unknown(const json_t *row, size_t feature)
{
    return json_is_null(json_object_get(row, rows_names[feature])) ||
           json_is_null(json_object_get(row, "x"));
}

/* NULL: the row has no such value. */
static const json_t *rows_value(const json_t *row, size_t feature)
{
    const json_t *value = json_object_get(row, rows_names[feature]);

    if (json_is_array(value))
        return json_array_get(value, 0);
    if (json_is_number(value))
        return value;
    return json_array_get(json_object_get(row, "x"), feature);
}

/* jansson's numbers are doubles, rounded twice: the last bit may differ. common: of the rows that
 * have no value of their own, or NULL. */
static void rows_check(const struct envelope_field *field, const json_t *rows, const json_t *common)
{
    const struct tensor *t = &field->tensor;
    size_t count = json_is_object(rows) ? 1 : json_array_size(rows);

    rows_require(t->rank == 2 && t->shape[0] == count && t->shape[1] == RECORDS_FEATURES);
    rows_require(t->count == count * RECORDS_FEATURES);
    for (size_t i = 0; i < t->count; i++) {
        const json_t *row = json_is_object(rows) ? rows
                                                 : json_array_get(rows, i / RECORDS_FEATURES);
        const json_t *value = rows_value(row, i % RECORDS_FEATURES);

        value = value ? value : rows_value(common, i % RECORDS_FEATURES);
        if (value && !rows_unknown(row, i % RECORDS_FEATURES)) {
            double want = json_number_value(value), got = (double)t->data[i];
            rows_require(fabs(got - want) <= fabs(want) * 1.2e-7 + 1e-44);
        }
    }
}

/* Rows with gaps are completed, or one that cannot be is named. */
static void rows_check_all(struct rows_result *r, const json_t *want)
{
    for (size_t i = 0; i < RECORDS_FIELDS; i++) {
        struct envelope_field *field = &r->fields[i];
        bool gaps = field->gaps != NULL;

        rows_require(!gaps || i == RECORDS_CONTEXT || i == RECORDS_EXAMPLES);
        if (!field->present || (gaps && i == RECORDS_CONTEXT))
            continue;
        if (i == RECORDS_INSTANCES &&
            !json_is_object(json_array_get(json_object_get(want, "instances"), 0)))
            continue;
        if (records_complete(field, &r->fields[RECORDS_CONTEXT], NULL, &r->error))
            rows_require(gaps && r->error.id == ERROR_BAD_FIELD && r->error.detail[0]);
        else if (want)
            rows_check(field, json_object_get(want, field->path),
                       gaps ? json_object_get(want, "context") : NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rows_result whole, cut;

    if (size < RECORDS_HEAD)
        return 0;
    const char *body = (const char *)data + RECORDS_HEAD;
    rows_read(&whole, body, size - RECORDS_HEAD, NULL);
    rows_read(&cut, body, size - RECORDS_HEAD, data);
    rows_require(whole.error.id == cut.error.id);
    rows_require(strcmp(whole.error.detail, cut.error.detail) == 0);
    for (size_t i = 0; i < RECORDS_FIELDS; i++)
        rows_same(&whole.fields[i], &cut.fields[i]);
    json_t *want = whole.error.id ? NULL : json_loadb(body, size - RECORDS_HEAD, 0, NULL);
    if (!whole.error.id)
        rows_check_all(&whole, want);
    json_decref(want);
    envelope_fini(&whole.e);
    envelope_fini(&cut.e);
    return 0;
}
