/* records.c - see records.h. May know: base/names.h, the readers of keys, values and what is
 * skipped.
 *
 * Invariant: after a row is closed the tensor has a value for each feature, in their order, unless
 * the field has gaps: from the first row with one on, places tell whose value is whose. */
#include "body/records.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "body/tensors.h"
#include "json/fail.h"
#include "json/object.h"

enum { FEATURE_ALL = -2, FEATURE_NONE = -1 };
static const uint32_t ROW_END = UINT32_MAX; /* of struct envelope_gaps */

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

/* ---- gaps ---- */

/* A value that nobody has given: a NaN that no text is read as. */
static const uint32_t MISSING = 0x7fca5e00;

static bool is_missing(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits == MISSING;
}

static size_t first_missing(const float *row, size_t count)
{
    size_t i = 0;

    while (i < count && !is_missing(row[i]))
        i++;
    return i;
}

/* The values of a row with gaps, to their places. Returns the places of the next one. */
static const uint32_t *put_values(float *row, const float **values, const uint32_t *places)
{
    for (; *places != ROW_END; places++)
        row[*places] = *(*values)++;
    return places + 1;
}

/* The row that all rows begin as. */
static void init_common(float *row, const struct envelope_field *common, size_t count)
{
    bool is_there = common && common->present;
    const float *values = is_there ? common->tensor.data : NULL;

    for (size_t i = 0; i < count; i++)
        memcpy(&row[i], &MISSING, sizeof *row);
    if (is_there && common->gaps)
        put_values(row, &values, common->gaps->places);
    else if (is_there)
        memcpy(row, values, count * sizeof *row);
}

/* data [rows, features] from the field's values and the row that is common. Returns the place of
 * the first value that is missing, or data's end. */
static size_t fill_gaps(const struct envelope_field *field, const float *common, float *data)
{
    size_t count = field->features->count, whole = field->gaps->whole;
    size_t all = field->tensor.shape[0] * count;
    const float *values = whole > 0 ? field->tensor.data + whole : field->tensor.data;
    const uint32_t *places = field->gaps->places;
    bool may_miss = first_missing(common, count) < count;

    if (whole > 0)
        memcpy(data, field->tensor.data, whole * sizeof *data);
    for (size_t at = whole; at < all; at += count) {
        memcpy(data + at, common, count * sizeof *data);
        places = put_values(data + at, &values, places);
        size_t missing = may_miss ? first_missing(data + at, count) : count;
        if (missing < count)
            return at + missing;
    }
    return all;
}

enum error_id records_complete(struct envelope_field *rows, const struct envelope_field *common,
                               struct memory_account *account, struct error *error)
{
    struct tensor *t = &rows->tensor;
    size_t count = rows->features->count, all = t->shape[0] * count, missing;
    float *data = NULL;

    if (!rows->gaps)
        return ERROR_OK;
    if (memory_take(account, (all + count) * sizeof *data)) /* the row that is common comes last */
        data = malloc((all + count) * sizeof *data);
    if (!data)
        return error_set(error, ERROR_OUT_OF_MEMORY, "%s: no memory for %zu numbers",
                         envelope_field_place(rows), all);
    init_common(data + all, common, count);
    missing = fill_gaps(rows, data + all, data);
    if (missing < all) {
        free(data);
        return refuse_missing(rows, missing / count, missing % count, error);
    }
    memory_give(account, t->cap * sizeof *data + rows->gaps->cap * sizeof *rows->gaps->places);
    free(t->data);
    free(rows->gaps);
    rows->gaps = NULL;
    t->data = data;
    t->count = all;
    t->cap = all + count;
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
        records->values = (void *)(records->seen + count);
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

/* The values of a complete row from the order in which they came to that of the features. */
static void put_in_order(struct envelope_reader *r)
{
    struct records *records = &r->records;
    float *row = r->field->tensor.data + records->begin;

    memcpy(records->values, row, records->given * sizeof *row);
    for (size_t i = 0; i < records->given; i++)
        row[records->order[i]] = records->values[i];
}

/* Room for so many places more. */
static enum error_id grow_gaps(struct envelope_reader *r, size_t more)
{
    enum { CAP_FIRST = 64 };
    struct envelope_gaps *gaps = r->field->gaps, *grown = NULL;
    size_t count = gaps ? gaps->count : 0, cap = gaps ? gaps->cap : 0, before = cap;

    if (more <= cap - count)
        return ERROR_OK;
    cap = cap * 2 > count + more ? cap * 2 : count + more + CAP_FIRST;
    if (memory_take(r->limits.account, (cap - before) * sizeof *gaps->places))
        grown = realloc(gaps, sizeof *gaps + cap * sizeof *gaps->places);
    if (!grown)
        return json_no_memory(&r->json);
    if (!gaps)
        *grown = (struct envelope_gaps){.whole = r->records.begin};
    grown->cap = cap;
    r->field->gaps = grown;
    return ERROR_OK;
}

/* The row stays as it came, and so do all after it: a body of rows that say nothing takes no more
 * memory than its text, until somebody asks for the matrix. */
static enum error_id keep_gaps(struct envelope_reader *r)
{
    const struct records *records = &r->records;

    if (records->rows >= r->limits.elements_max / records->of->count)
        return error_set(&r->json.error, ERROR_LIMIT_EXCEEDED,
                         "%s: more than %zu elements (elements_max)", r->tensor.name,
                         r->limits.elements_max);
    if (grow_gaps(r, records->given + 1))
        return r->json.error.id;
    struct envelope_gaps *gaps = r->field->gaps;
    for (size_t i = 0; i < records->given; i++)
        gaps->places[gaps->count++] = records->ordered ? (uint32_t)i : records->order[i];
    gaps->places[gaps->count++] = ROW_END;
    return ERROR_OK;
}

static enum error_id refuse_incomplete(const struct envelope_reader *r, struct error *error)
{
    size_t feature = 0;

    while (is_given(&r->records, feature))
        feature++;
    return refuse_missing(r->field, r->records.rows, feature, error);
}

static bool may_miss(const struct envelope_field *field)
{
    return field->objects == ENVELOPE_RECORD || field->objects == ENVELOPE_EXAMPLES;
}

static enum error_id close_row(struct envelope_reader *r)
{
    struct records *records = &r->records;
    bool complete = records->given == records->of->count;

    r->json.window.pos++;
    if (!complete && !may_miss(r->field))
        return refuse_incomplete(r, &r->json.error);
    if ((!complete || r->field->gaps) && keep_gaps(r))
        return r->json.error.id;
    if (!r->field->gaps && !records->ordered)
        put_in_order(r);
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

/* Rows of a prediction: a key that nothing reads is an error there. */
static enum error_id refuse_stranger(struct envelope_reader *r)
{
    char at[TENSOR_PLACE_MAX];

    return error_set(&r->json.error, ERROR_BAD_FIELD,
                     "%s: the model has no input and no column \"%.60s\"",
                     tensor_reader_place(&r->tensor, false, at), r->json.word.data);
}

enum error_id records_key(struct envelope_reader *r)
{
    struct records *records = &r->records;

    if (r->row == ENVELOPE_FEATURE_KEY && window_byte(&r->json.window) == '}')
        return close_row(r);
    if (tensors_read_key(r))
        return r->json.error.id;
    records->feature = find_feature(records, r->json.word.data);
    if (records->feature == (size_t)FEATURE_NONE && r->field->objects == ENVELOPE_OBJECT_ROWS)
        return refuse_stranger(r);
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
