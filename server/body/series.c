/* series.c - see series.h. May know: base/names.h, the tensor reader that reads each column.
 *
 * Invariant: every column has as many values as the first. */
#include "body/series.h"
#include <stdlib.h>
#include <string.h>
#include "json/fail.h"

bool series_begins(const struct envelope_reader *r)
{
    const struct envelope_features *of = r->field->features;

    return r->field->objects == ENVELOPE_OBJECT_OR_LIST && of && of->names &&
           (r->field->series || (!r->field->member && strcmp(r->json.word.data, of->all) != 0));
}

/* Room for all of them, with the first; which one came is kept by feature. */
static enum error_id make_room(struct envelope_reader *r)
{
    size_t bytes = sizeof(struct envelope_series) +
                   r->field->features->count * sizeof *r->field->series->order;

    if (memory_take(r->limits.account, bytes))
        r->field->series = calloc(1, bytes);
    if (!r->field->series)
        return json_no_memory(&r->json);
    r->tensor.features = true;
    return ERROR_OK;
}

enum error_id series_key(struct envelope_reader *r)
{
    const struct names *names = r->field->features->names;
    struct envelope_series *series = r->field->series;
    size_t feature;

    if (!series && make_room(r))
        return r->json.error.id;
    series = r->field->series;
    feature = names_find(names, r->json.word.data, series->count);
    json_consumed(&r->json.word);
    r->row = ENVELOPE_SERIES_COLON;
    if (feature == names->count)
        return ERROR_OK;
    if (series->order[feature])
        return error_set(&r->json.error, ERROR_BAD_FIELD,
                         "%s: the column \"%.100s\" is there twice", envelope_field_place(r->field),
                         names->of[feature]);
    series->order[feature] = (uint32_t)++series->count;
    series->begin = r->field->tensor.count;
    r->tensor.member = names->of[feature];
    r->row = ENVELOPE_ROW_COLON;
    return ERROR_OK;
}

enum error_id series_skip(struct envelope_reader *r)
{
    if (window_byte(&r->json.window) != ':')
        return json_expected(&r->json, ERROR_BAD_JSON, "':'");
    r->json.window.pos++;
    r->row = ENVELOPE_SERIES_SKIP;
    return ERROR_OK;
}

enum error_id series_end(struct envelope_reader *r)
{
    struct envelope_series *series = r->field->series;
    size_t values = r->field->tensor.count - series->begin;

    if (series->count == 1)
        series->rows = values;
    if (values != series->rows)
        return error_set(&r->json.error, ERROR_BAD_TENSOR,
                         "%s.%.60s: %zu value%s, the column before has %zu",
                         envelope_field_place(r->field), r->tensor.member, values,
                         values == 1 ? "" : "s", series->rows);
    return ERROR_OK;
}

enum error_id series_complete(struct envelope_field *field, struct memory_account *account,
                              struct error *error)
{
    const struct envelope_series *series = field->series;
    const struct envelope_features *of = field->features;
    struct tensor *t = &field->tensor, turned = {.rank = 2, .shape = {series->rows, of->count}};
    size_t bytes = (series->rows * of->count + 1) * sizeof *turned.data;

    for (size_t f = 0; f < of->count; f++)
        if (!series->order[f])
            return error_set(error, ERROR_BAD_FIELD, "%s: the column \"%.100s\" is missing",
                             envelope_field_place(field), of->names->of[f]);
    if (memory_take(account, bytes))
        turned.data = malloc(bytes);
    if (!turned.data)
        return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the rows");
    turned.count = series->rows * of->count;
    turned.cap = turned.count + 1;
    for (size_t f = 0; f < of->count; f++)
        for (size_t r = 0; r < series->rows; r++)
            turned.data[r * of->count + f] = t->data[(series->order[f] - 1) * series->rows + r];
    memory_give(account, t->cap * sizeof *t->data);
    tensor_fini(t);
    *t = turned;
    free(field->series);
    field->series = NULL;
    return ERROR_OK;
}
