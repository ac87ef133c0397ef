/* arrays.c - see arrays.h. Knows the query and .npy, no resource. */
#include "api/arrays.h"
#include <string.h>
#include "base/accept.h"
#include "json/value.h"
#include "tensor/npy.h"

/* Text from memory to memory costs 20 times as much. */
enum { CHEAPER = 20 };

/* ---- in ---- */

/* "a,b" as ["a", "b"]. */
static json_t *list_of(const char *text)
{
    json_t *list = json_array();

    for (size_t length; list; text += length + 1) {
        length = strcspn(text, ",");
        call_append(&list, json_stringn(text, length));
        if (!text[length])
            break;
    }
    return list;
}

/* A number or a word of JSON is that value, other text a string: so is one in quotes, though it be
 * a number. */
static json_t *value_of(const char *key, const char *text)
{
    size_t length = strlen(text);
    float number;

    if (strcmp(key, "capture") == 0)
        return list_of(text);
    if (length > 0 && float_read(text, length, &number) == length)
        return json_number(text, length, number);
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return json_boolean(text[0] == 't');
    if (length > 1 && text[0] == '"' && text[length - 1] == '"')
        return json_stringn(text + 1, length - 2);
    return json_string(text);
}

enum error_id arrays_begin(struct api_call *call, struct arrays *arrays)
{
    json_t *object = json_object();

    *arrays = (struct arrays){.bytes = ""};
    call->envelope = (struct envelope){.json = object, .fields = call->fields};
    while (call->post->tensors[call->envelope.fields_count])
        call->envelope.fields_count++;
    for (size_t i = 0; object && i < call->target.query_count; i++) {
        const char *key = call->target.query[i].key;

        if (strcmp(key, "non_finite") != 0 &&
            json_object_set_new(object, key, value_of(key, call->target.query[i].value)) != 0)
            return call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
    }
    return object ? call_binary(call, &arrays->bytes, &arrays->size)
                  : call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
}

/* The tensor stands in the field; to those who look for its key JSON would have it. */
static enum error_id announce(struct api_call *call, size_t field)
{
    call->fields[field].present = true;
    return json_object_set_new(call->envelope.json, call->fields[field].path, json_true()) == 0
               ? ERROR_OK
               : call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
}

enum error_id arrays_read(struct api_call *call, struct arrays *arrays, size_t field,
                          const char *name)
{
    const struct options *options = call->api->options;
    const struct tensor_limits limits = {.rank_max = options->rank_max,
                                         .elements_max = options->elements_max,
                                         .account = &call->account};

    if (arrays->size == 0 && arrays->count > 0)
        return call_fail(call, ERROR_BAD_TENSOR,
                         "body: ends after array %zu, expected %s as .npy after it", arrays->count,
                         name);
    arrays->count++;
    return npy_read_next(&call->fields[field].tensor, name, &arrays->bytes, &arrays->size, &limits,
                         &call->error) == ERROR_OK
               ? announce(call, field)
               : call->error.id;
}

enum error_id arrays_move(struct api_call *call, size_t from, size_t to)
{
    call->fields[to].tensor = call->fields[from].tensor;
    call->fields[from].tensor = (struct tensor){0};
    call->fields[from].present = false;
    json_object_del(call->envelope.json, call->fields[from].path);
    return announce(call, to);
}

enum error_id arrays_end(struct api_call *call, const struct arrays *arrays)
{
    return arrays->size == 0
               ? ERROR_OK
               : call_fail(call, ERROR_BAD_TENSOR, "body: %zu bytes after array %zu, the last one",
                           arrays->size, arrays->count);
}

enum error_id arrays_or_json(struct api_call *call, size_t field)
{
    static const char *const keys[] = {"non_finite", NULL};
    struct arrays arrays;

    if (!call_is_npy(call))
        return call_check_query(call, keys) == ERROR_OK ? call_envelope(call) : call->error.id;
    if (arrays_begin(call, &arrays) != ERROR_OK ||
        arrays_read(call, &arrays, field, call->fields[field].path) != ERROR_OK)
        return call->error.id;
    return arrays_end(call, &arrays);
}

size_t arrays_elements(const struct api_call *call)
{
    return call_is_npy(call) ? call->body.bytes.len / sizeof(float) / CHEAPER : 0;
}

/* ---- out ---- */

bool arrays_asked(const struct api_call *call)
{
    const char *accept = call->headers[REQUEST_ACCEPT];

    return accept && strcasestr(accept, "x-npy") &&
           accept_prefers(accept, "application/x-npy", NULL, "application/json");
}

bool arrays_wanted(const struct api_call *call)
{
    return call_is_npy(call) ? !accept_prefers(call->headers[REQUEST_ACCEPT], "application/json",
                                               NULL, "application/x-npy")
                             : arrays_asked(call);
}

size_t arrays_bytes(size_t count)
{
    return NPY_HEADER_MAX + count * sizeof(float);
}

enum error_id arrays_write(struct api_call *call, const float *values, size_t rank,
                           const size_t *shape)
{
    enum { PIECE = 1 << 18 };
    struct buf *out = &call->reply->body;
    size_t left = 1;

    if (call->parts_seen++ < call->parts_done || call->again)
        return ERROR_OK;
    if (!call->writing) {
        npy_write_header(out, "<f4", rank, shape);
        call->reply->headers[REPLY_CONTENT_TYPE] = "application/x-npy";
        call->part_written = 0;
    }
    for (size_t i = 0; i < rank; i++)
        left *= shape[i];
    left -= call->part_written;
    size_t some = left < PIECE ? left : PIECE;
    buf_append(out, values + call->part_written, some * sizeof *values);
    call->part_written += some;
    call->writing = call->again = some < left && !out->failed;
    call->parts_done += !call->writing;
    return ERROR_OK;
}
