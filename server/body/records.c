/* records.c - see records.h. May know: base/names.h, the readers of keys, values and what is
 * skipped.
 *
 * Invariant: after a row is closed the tensor has a value for each feature, in their order; a value
 * that was not given is MISSING, a NaN that no text is read as. */
#include "body/records.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "body/tensors.h"
#include "json/fail.h"
#include "json/object.h"

enum { FEATURE_ALL = -2, FEATURE_NONE = -1 };
static const uint32_t MISSING = 0x7fca5e00;

static bool is_missing(float value)
{
    return memcmp(&value, &MISSING, sizeof value) == 0;
}

/* ---- names ---- */

/* "0", "1", ..., without zeros in front: count if it is none below count. */
static size_t number_of(const char *text, size_t count)
{
    size_t n = 0, length = strlen(text);

    if (length == 0 || length > 9 || (text[0] == '0' && length > 1))
        return count;
    for (; *text >= '0' && *text <= '9'; text++)
        n = n * 10 + (size_t)(*text - '0');
    return *text || n > count ? count : n;
}

static size_t find_feature(const struct records *records, const char *key)
{
    const struct envelope_features *of = records->of;
    size_t n = of->names ? names_find(of->names, key, records->guess) : number_of(key, of->count);

    if (n < of->count)
        return n;
    return of->all && strcmp(of->all, key) == 0 ? (size_t)FEATURE_ALL : (size_t)FEATURE_NONE;
}

/* Clients of a model whose features have no names know that of its input. */
static enum error_id refuse_missing(const struct envelope_field *field, size_t row, size_t feature,
                                    struct error *error)
{
    const struct envelope_features *of = field->features;
    const char *name = of->names ? of->names->of[feature] : of->all;
    char number[24], hint[128] = "";

    snprintf(number, sizeof number, "%zu", feature);
    if (field->member)
        snprintf(hint, sizeof hint, "; \"%.60s\" is none of the model's features", field->member);
    return error_set(error, ERROR_BAD_FIELD, "%s[%zu]: no value for \"%.60s\"%s",
                     envelope_field_place(field), row, name ? name : number, hint);
}

enum error_id records_complete(struct envelope_field *rows, const struct envelope_field *common,
                               struct error *error)
{
    const float *given = common && common->present ? common->tensor.data : NULL;
    size_t count = rows->features->count;
    float *values = rows->tensor.data;

    for (size_t i = 0; rows->missing > 0 && i < rows->tensor.count; i++) {
        if (!is_missing(values[i]))
            continue;
        if (!given || is_missing(given[i % count]))
            return refuse_missing(rows, i / count, i % count, error);
        values[i] = given[i % count];
    }
    rows->missing = 0;
    return ERROR_OK;
}

/* ---- a row's values ---- */

size_t records_bytes(const struct records *records)
{
    size_t each = sizeof *records->order + sizeof *records->seen + sizeof *records->values;

    return records->order ? records->of->count * each : 0;
}

void records_fini(struct records *records)
{
    free(records->order); /* the other two are in its block */
    *records = (struct records){.of = NULL};
}

void records_begin(struct envelope_reader *r)
{
    r->records = (struct records){.of = r->field->features, .ordered = true};
    r->tensor.features = true;
}

/* From here on the row's values are named one by one. */
static enum error_id disorder(struct envelope_reader *r)
{
    struct records *records = &r->records;
    size_t count = records->of->count, each = sizeof(uint32_t) * 2 + sizeof(float);

    if (!records->order) {
        if (!memory_take(r->limits.account, count * each))
            return json_no_memory(&r->json);
        records->order = calloc(count, each);
        if (!records->order)
            return json_no_memory(&r->json);
        records->seen = records->order + count;
        records->values = (float *)(records->seen + count);
    }
    for (size_t i = 0; i < records->given; i++) {
        records->order[i] = (uint32_t)i;
        records->seen[i] = (uint32_t)records->rows + 1;
    }
    records->ordered = false;
    return ERROR_OK;
}

/* Has this row given a value to the feature, or to one of all? */
static bool is_given(const struct records *records, size_t feature)
{
    if (feature == (size_t)FEATURE_ALL)
        return records->given > 0;
    return records->ordered ? feature < records->given
                            : records->seen[feature] == (uint32_t)records->rows + 1;
}

/* The row's values from the order in which they came to that of the features. */
static enum error_id put_in_order(struct envelope_reader *r)
{
    struct records *records = &r->records;
    struct tensor *t = &r->field->tensor;
    size_t count = records->of->count, missing = count - records->given;

    if (records->ordered && disorder(r))
        return r->json.error.id;
    if (tensor_reader_reserve(&r->tensor, missing))
        return r->json.error.id;
    float *row = t->data + records->begin;
    if (records->given > 0)
        memcpy(records->values, row, records->given * sizeof *row);
    for (size_t i = 0; missing > 0 && i < count; i++)
        memcpy(&row[i], &MISSING, sizeof *row);
    for (size_t i = 0; i < records->given; i++)
        row[records->order[i]] = records->values[i];
    t->count += missing;
    records->missing += missing;
    return ERROR_OK;
}

static enum error_id refuse_incomplete(const struct envelope_reader *r, struct error *error)
{
    size_t feature = 0;

    while (is_given(&r->records, feature))
        feature++;
    return refuse_missing(r->field, r->records.rows, feature, error);
}

static enum error_id close_row(struct envelope_reader *r)
{
    struct records *records = &r->records;
    bool complete = records->given == records->of->count;

    r->json.window.pos++;
    if (!complete && r->field->objects == ENVELOPE_RECORDS)
        return refuse_incomplete(r, &r->json.error);
    if (!(complete && records->ordered) && put_in_order(r))
        return r->json.error.id;
    records->begin = r->field->tensor.count;
    records->given = records->guess = 0;
    records->ordered = true;
    records->rows++;
    tensor_reader_closed(&r->tensor);
    r->row = ENVELOPE_NO_ROW;
    return ERROR_OK;
}

void records_finish(struct envelope_reader *r)
{
    struct tensor *t = &r->field->tensor;

    t->rank = 2;
    t->shape[0] = r->records.rows;
    t->shape[1] = r->records.of->count;
    r->field->missing = r->records.missing;
    memory_give(r->limits.account, records_bytes(&r->records));
    records_fini(&r->records);
}

/* ---- its tokens ---- */

/* As errors within the value call it. */
static const char *name_of(struct records *records)
{
    if (records->feature == (size_t)FEATURE_ALL)
        return records->of->all;
    if (records->of->names)
        return records->of->names->of[records->feature];
    snprintf(records->number, sizeof records->number, "%zu", records->feature);
    return records->number;
}

enum error_id records_key(struct envelope_reader *r)
{
    struct records *records = &r->records;

    if (r->row == ENVELOPE_FEATURE_KEY && window_byte(&r->json.window) == '}')
        return close_row(r);
    if (tensors_read_key(r))
        return r->json.error.id;
    records->feature = find_feature(records, r->json.word.data);
    if (records->feature == (size_t)FEATURE_NONE && !r->field->member) {
        r->field->member = strndup(r->json.word.data, OBJECT_NAME_MAX);
        if (!r->field->member)
            return json_no_memory(&r->json);
    }
    json_consumed(&r->json.word);
    r->row = ENVELOPE_FEATURE_COLON;
    return ERROR_OK;
}

enum error_id records_colon(struct envelope_reader *r)
{
    if (window_byte(&r->json.window) != ':')
        return json_expected(&r->json, ERROR_BAD_JSON, "':'");
    r->json.window.pos++;
    r->row = ENVELOPE_FEATURE_VALUE;
    return ERROR_OK;
}

enum error_id records_value(struct envelope_reader *r)
{
    struct records *records = &r->records;
    char at[TENSOR_PLACE_MAX];

    if (records->feature == (size_t)FEATURE_NONE || window_byte(&r->json.window) == 'n') {
        records->skip = (struct skip){.depth = 0};
        r->row = ENVELOPE_FEATURE_SKIP;
        return ERROR_OK;
    }
    r->tensor.member = name_of(records);
    if (is_given(records, records->feature))
        return error_set(&r->json.error, ERROR_BAD_FIELD,
                         "%s: a value for \"%.60s\" is there twice",
                         tensor_reader_place(&r->tensor, false, at), r->tensor.member);
    if (records->ordered && records->feature != (size_t)FEATURE_ALL &&
        records->feature != records->given && disorder(r))
        return r->json.error.id;
    records->value_begin = r->field->tensor.count;
    tensor_reader_value(&r->tensor);
    r->row = ENVELOPE_NO_ROW;
    return ERROR_OK;
}

enum error_id records_skip(struct envelope_reader *r)
{
    struct skip *skip = &r->records.skip;
    enum error_id id = skip_token(skip, &r->json, r->policy);

    if (skip->state == SKIP_DONE)
        r->row = ENVELOPE_FEATURE_END;
    return id;
}

enum error_id records_value_end(struct envelope_reader *r)
{
    struct records *records = &r->records;
    size_t values = r->field->tensor.count - records->value_begin;
    bool all = records->feature == (size_t)FEATURE_ALL;
    size_t width = all ? records->of->count : 1;
    char at[TENSOR_PLACE_MAX];

    if (values != width)
        return error_set(&r->json.error, ERROR_SHAPE_MISMATCH,
                         "%s.%.60s: %zu value%s, the model takes %zu",
                         tensor_reader_place(&r->tensor, false, at), name_of(records), values,
                         values == 1 ? "" : "s", width);
    if (!records->ordered) {
        records->order[records->given] = (uint32_t)records->feature;
        records->seen[records->feature] = (uint32_t)records->rows + 1;
    }
    records->given += width;
    records->guess = all ? 0 : records->feature + 1;
    return ERROR_OK;
}

enum error_id records_end(struct envelope_reader *r)
{
    char c = window_byte(&r->json.window);

    if (c == '}')
        return close_row(r);
    if (c != ',')
        return json_expected(&r->json, ERROR_BAD_JSON, "',' or '}'");
    r->json.window.pos++;
    r->row = ENVELOPE_FEATURE_NEXT;
    return ERROR_OK;
}
