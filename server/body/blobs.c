/* blobs.c - JSON, then the bytes of its tensors.
 *
 * May know: envelope.h, jansson's values, the names by which the protocol announces bytes.
 * Invariants: memory grows with the bytes that have come, never beyond what the JSON announces; no
 * byte of a tensor is kept twice; on failure nothing is left that the caller would have to release.
 */
#include "body/blobs.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "json/object.h"

void blobs_reader_init(struct blobs_reader *r, struct blobs_head head,
                       struct envelope_field *fields, size_t fields_count,
                       const struct envelope_limits *limits, enum non_finite policy, size_t bytes)
{
    r->head = head;
    r->fields = fields;
    r->fields_count = fields_count;
    r->limits = limits->tensor;
    r->envelope = (struct envelope){.fields = fields, .fields_count = fields_count};
    r->error = (struct error){0};
    r->came = r->blobs_count = r->blob = r->bytes = 0;
    envelope_reader_init(&r->reader, fields, fields_count, limits, policy,
                         head.bytes < bytes ? head.bytes : bytes);
    if (head.bytes > 0 || fields_count == 0)
        return;
    r->blobs[0] = (struct blob){.field = fields, .bytes = SIZE_MAX};
    r->blobs_count = 1;
}

void blobs_reader_fini(struct blobs_reader *r)
{
    envelope_reader_fini(&r->reader);
    envelope_fini(&r->envelope);
}

/* ---- what the JSON announces ---- */

static struct envelope_field *free_field(const struct blobs_reader *r)
{
    for (size_t i = 0; i < r->fields_count; i++)
        if (!r->fields[i].present)
            return &r->fields[i];
    return NULL;
}

/* "inputs[3].parameters.binary_data_size" is wrong. */
static enum error_id refuse_size(struct blobs_reader *r, size_t i, enum error_id id,
                                 const char *why, const char *what)
{
    return error_set(&r->error, id, "inputs[%zu].parameters.binary_data_size: %s%s", i, why, what);
}

static enum error_id add_blob(struct blobs_reader *r, size_t i, size_t bytes)
{
    struct envelope_field *field = free_field(r);

    if (bytes / sizeof(float) > r->limits.elements_max)
        return error_set(&r->error, ERROR_LIMIT_EXCEEDED,
                         "inputs[%zu]: more than %zu elements (elements_max)", i,
                         r->limits.elements_max);
    if (__builtin_add_overflow(r->bytes, bytes, &r->bytes))
        return refuse_size(r, i, ERROR_BAD_TENSOR, "more than there can be, with those before", "");
    if (!field)
        return ERROR_OK;
    field->present = field->blob = true;
    field->blob_bytes = bytes;
    field->input = i;
    r->blobs[r->blobs_count++] = (struct blob){.field = field, .bytes = bytes};
    return ERROR_OK;
}

static enum error_id read_input(struct blobs_reader *r, size_t i, const json_t *input)
{
    const json_t *size = json_member(json_member(input, "parameters"), "binary_data_size");
    char found[OBJECT_FOUND_MAX];
    int64_t bytes;

    if (!size)
        return ERROR_OK;
    if (!json_whole(size, &bytes) || bytes < 0)
        return refuse_size(r, i, ERROR_BAD_FIELD, "expected a number of bytes, found ",
                           object_found(size, found));
    if (json_member(input, "data"))
        return refuse_size(r, i, ERROR_BAD_FIELD,
                           "it and data exclude each other, send one of them", "");
    return add_blob(r, i, (size_t)bytes);
}

static enum error_id finish_json(struct blobs_reader *r)
{
    const json_t *inputs, *input;
    size_t i;

    if (envelope_finish(&r->reader, &r->envelope, &r->error))
        return r->error.id;
    inputs = json_member(r->envelope.json, "inputs");
    json_array_foreach (inputs, i, input) {
        if (read_input(r, i, input))
            return r->error.id;
    }
    return ERROR_OK;
}

/* ---- the bytes ---- */

/* Memory for so many bytes of a tensor: all of a short one at once, else as it comes, doubled. */
static enum error_id grow(struct blobs_reader *r, struct blob *blob, size_t bytes)
{
    enum { AT_ONCE = 65536 };
    struct tensor *t = &blob->field->tensor;
    size_t want = blob->bytes <= AT_ONCE ? blob->bytes : t->cap * 2 * sizeof *t->data, cap;
    float *data = NULL;

    if (bytes <= t->cap * sizeof *data)
        return ERROR_OK;
    want = want > bytes ? want : bytes;
    want = want < blob->bytes ? want : blob->bytes;
    cap = want / sizeof *data + (want % sizeof *data > 0);
    if (memory_take(r->limits.account, (cap - t->cap) * sizeof *data))
        data = realloc(t->data, cap * sizeof *data);
    if (!data)
        return error_set(&r->error, ERROR_OUT_OF_MEMORY, "no memory for %zu bytes of a tensor",
                         want);
    t->data = data;
    t->cap = cap;
    return ERROR_OK;
}

static enum error_id take(struct blobs_reader *r, struct blob *blob, const char *bytes, size_t len)
{
    if ((blob->came + len) / sizeof(float) > r->limits.elements_max)
        return error_set(&r->error, ERROR_LIMIT_EXCEEDED,
                         "the body: more than %zu elements (elements_max)", r->limits.elements_max);
    if (grow(r, blob, blob->came + len))
        return r->error.id;
    memcpy((char *)blob->field->tensor.data + blob->came, bytes, len);
    blob->came += len;
    return ERROR_OK;
}

static enum error_id feed_blobs(struct blobs_reader *r, const char *bytes, size_t len)
{
    while (len > 0 && r->blob < r->blobs_count) {
        struct blob *blob = &r->blobs[r->blob];
        size_t n = len < blob->bytes - blob->came ? len : blob->bytes - blob->came;

        if (n > 0 && take(r, blob, bytes, n))
            return r->error.id;
        r->blob += blob->came == blob->bytes;
        bytes += n;
        len -= n;
    }
    return ERROR_OK;
}

/* The JSON's part of the bytes, and what is after it. */
static enum error_id feed(struct blobs_reader *r, const char *bytes, size_t len, size_t before)
{
    size_t json = before < r->head.bytes ? r->head.bytes - before : 0;

    json = json < len ? json : len;
    if (json > 0 && envelope_feed(&r->reader, bytes, json)) {
        r->error = r->reader.json.error;
        return r->error.id;
    }
    if (json > 0 && before + json == r->head.bytes && finish_json(r))
        return r->error.id;
    return feed_blobs(r, bytes + json, len - json);
}

enum error_id blobs_feed(struct blobs_reader *r, const char *bytes, size_t len)
{
    size_t before = r->came;

    r->came += len;
    if (!r->error.id && feed(r, bytes, len, before))
        blobs_reader_fini(r);
    return r->error.id;
}

/* ---- the end ---- */

/* Does what has come end where the client said? Asked first: a body that was cut is not read as one
 * that is wrong. */
static enum error_id check_ends(struct blobs_reader *r)
{
    bool cut = r->head.bytes != BLOBS_ALL_JSON && r->came < r->head.bytes;

    if (cut)
        return error_set(&r->error, ERROR_BAD_FRAMING,
                         "%s: %zu bytes of JSON, but the body has %zu", r->head.name, r->head.bytes,
                         r->came);
    if (r->error.id || r->head.bytes == BLOBS_ALL_JSON || r->head.bytes == 0 ||
        r->bytes == r->came - r->head.bytes)
        return r->error.id;
    return error_set(&r->error, ERROR_BAD_TENSOR,
                     "inputs: binary_data_size adds up to %zu bytes, but %zu follow the JSON",
                     r->bytes, r->came - r->head.bytes);
}

/* Whole numbers; a rest of bytes shows in blob_bytes. */
static void shape(struct blobs_reader *r)
{
    for (size_t i = 0; i < r->blobs_count; i++) {
        struct envelope_field *field = r->blobs[i].field;

        field->present = field->blob = true;
        field->blob_bytes = r->blobs[i].came;
        field->tensor.rank = 1;
        field->tensor.count = field->tensor.shape[0] = r->blobs[i].came / sizeof(float);
    }
}

enum error_id blobs_finish(struct blobs_reader *r, struct envelope *e, struct error *error)
{
    if (!r->error.id && r->head.bytes == BLOBS_ALL_JSON)
        envelope_finish(&r->reader, &r->envelope, &r->error);
    if (check_ends(r)) {
        blobs_reader_fini(r);
        *error = r->error;
        *e = (struct envelope){0};
        return error->id;
    }
    shape(r);
    *e = r->envelope;
    r->envelope = (struct envelope){0};
    r->reader.fields_count = 0; /* they are e's */
    return ERROR_OK;
}
