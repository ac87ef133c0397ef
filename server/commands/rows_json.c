/* rows_json.c - rows of one JSON text: an array of them, or an object with them as "instances" or
 * "inputs", or with an activation's tensor as "data". The text is held as a whole; the reader is
 * that of requests. */
#include <stdio.h>
#include <string.h>
#include "body/envelope.h"
#include "commands/rows_formats.h"

static const struct envelope_limits limits = {
    .tensor = {.rank_max = TENSOR_RANK_MAX, .elements_max = SIZE_MAX / 16},
    .depth_max = 64,
    .tokens_max = 10000};

static enum error_id read_array(struct rows *r, const char *text, size_t len, struct error *error)
{
    size_t pos = 0, after;

    if (tensor_read(&r->held, text, len, &pos, "rows", &limits.tensor, NON_FINITE_TOKEN, error))
        return error->id;
    after = pos + strspn(text + pos, " \t\r\n");
    return after == len
               ? ERROR_OK
               : error_set(error, ERROR_BAD_JSON,
                           INPUT_NAME ": byte %zu: expected the end after the array", after);
}

static enum error_id take_field(struct rows *r, const struct envelope *e, struct error *error)
{
    struct envelope_field *fields = e->fields, *found = fields;
    const char *name = r->wanted->input_name;
    bool tensor = e->fields_count == 1;

    if (!tensor && !fields->present)
        found++;
    if (!found->present || json_object_size(e->json) > 1)
        return error_set(error, ERROR_BAD_FIELD, INPUT_NAME ": expected %s and no other key",
                         tensor ? "an array of numbers, or an object with one as \"data\""
                                : "an array of rows, or an object with them as \"instances\" or "
                                  "\"inputs\"");
    if (found->member && name && strcmp(found->member, name) != 0)
        return error_set(error, ERROR_BAD_FIELD,
                         "%s: the model has no input '%.60s', its input is '%s'", found->path,
                         found->member, name);
    r->inputs = found != fields;
    r->held = found->tensor;
    found->tensor = (struct tensor){NULL};
    return ERROR_OK;
}

static enum error_id read_object(struct rows *r, const char *text, size_t len, struct error *error)
{
    struct envelope_field rows[] = {{.path = "instances", .objects = ENVELOPE_OBJECT_ROWS},
                                    {.path = "inputs", .objects = ENVELOPE_OBJECT}};
    struct envelope_field tensor = {.path = "data"};
    bool of_model = r->wanted->features > 0;
    struct envelope e;

    if (envelope_read(&e, of_model ? rows : &tensor, of_model ? 2 : 1, text, len, &limits,
                      NON_FINITE_TOKEN, error) != ERROR_OK)
        return error->id;
    take_field(r, &e, error);
    envelope_fini(&e);
    return error->id;
}

enum error_id rows_json_open(struct rows *r, struct error *error)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'};
    struct input *in = r->in;
    size_t len;
    char *text;

    if (input_need(in, SIZE_MAX / 8, error) != ERROR_OK)
        return error->id;
    text = input_at(in);
    len = input_left(in);
    text[len] = '\0';
    if (len >= sizeof mark && memcmp(text, mark, sizeof mark) == 0) {
        text += sizeof mark;
        len -= sizeof mark;
    }
    if (text[strspn(text, " \t\r\n")] == '{')
        read_object(r, text, len, error);
    else
        read_array(r, text, len, error);
    if (error->id != ERROR_OK)
        return error->id;
    input_take(in, input_left(in));
    r->rank = r->held.rank;
    memcpy(r->shape, r->held.shape, sizeof r->shape);
    r->count = r->rank ? r->shape[0] : 1;
    r->width = 1;
    for (size_t d = 1; d < r->rank; d++)
        r->width *= r->shape[d];
    return r->count == 0 ? ERROR_OK : rows_check(r, r->rank, r->width, error);
}

enum error_id rows_json_read(struct rows *r, float *x, size_t room, size_t *got,
                             struct error *error)
{
    uint64_t left = r->count - r->done;

    (void)error;
    *got = left < room ? (size_t)left : room;
    if (*got > 0)
        memcpy(x, r->held.data + r->done * r->width, *got * r->width * sizeof *x);
    return ERROR_OK;
}
