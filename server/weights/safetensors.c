/* safetensors.c - a .safetensors file in memory as tensors: u64 little-endian header length, a JSON
 * header, and tensors that tile the rest of the file exactly.
 *
 * It knows the format and no models. */
#include "weights/formats.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "json/object.h"

/* Every type of the format, since a file may hold tensors that no layer takes. */
static const struct stored_type dtypes[] = {
    {"F32", 32, binary_f32}, {"F16", 16, binary_f16}, {"BF16", 16, binary_bf16},
    {"F64", 64, binary_f64}, {"BOOL", 8, NULL},       {"U8", 8, NULL},
    {"I8", 8, NULL},         {"U16", 16, NULL},       {"I16", 16, NULL},
    {"U32", 32, NULL},       {"I32", 32, NULL},       {"U64", 64, NULL},
    {"I64", 64, NULL},       {"C64", 64, NULL},       {"F4", 4, NULL},
    {"F6_E2M3", 6, NULL},    {"F6_E3M2", 6, NULL},    {"F8_*", 8, NULL},
};
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

enum { HEADER_TOKENS_MAX = 1 << 18 }; /* far above any network's header */

/* A file while it is read. */
struct reading {
    struct stored_file *file;
    const unsigned char *data; /* [data_bytes] */
    size_t data_bytes;
};

/* F8_E5M2, F8_E4M3FNUZ, F8_E8M0 and whatever comes yet: their names tell their width. */
static bool is_named(const struct stored_type *type, const char *name)
{
    size_t n = strcspn(type->name, "*");

    return strncmp(type->name, name, n) == 0 && (type->name[n] || !name[n]);
}

static enum error_id dtype_read(struct stored *t, const struct place *at, const char *name)
{
    for (t->type = dtypes; t->type < dtypes + DTYPES; t->type++)
        if (is_named(t->type, name))
            return ERROR_OK;
    return object_fail(at, "dtype", ERROR_BAD_FIELD, "unknown type \"%.40s\"", name);
}

static enum error_id shape_read(struct stored *t, const struct place *at, const json_t *shape)
{
    if (json_array_size(shape) > STORED_RANK_MAX)
        return object_fail(at, "shape", ERROR_LIMIT_EXCEEDED, "%zu dimensions, at most %d",
                           json_array_size(shape), STORED_RANK_MAX);
    t->rank = json_array_size(shape);
    if (object_wholes(at, "shape", shape, 0, INT64_MAX, t->shape, t->rank))
        return at->error->id;
    t->count = 1;
    for (size_t i = 0; i < t->rank; i++)
        if (__builtin_mul_overflow(t->count, t->shape[i], &t->count))
            return object_fail(at, "shape", ERROR_BAD_FIELD,
                               "the product of the dimensions overflows");
    return ERROR_OK;
}

static enum error_id offsets_read(struct stored *t, const struct place *at, const json_t *offsets,
                                  const struct reading *r)
{
    uint64_t values[2] = {0}, bits;

    if (json_array_size(offsets) != 2)
        return object_fail(at, "data_offsets", ERROR_BAD_FIELD, "expected [begin, end]");
    if (object_wholes(at, "data_offsets", offsets, 0, INT64_MAX, values, 2))
        return at->error->id;
    if (values[0] > values[1] || values[1] > r->data_bytes)
        return object_fail(
            at, "data_offsets", ERROR_BAD_FIELD, "[%llu, %llu] is not within the %zu bytes of data",
            (unsigned long long)values[0], (unsigned long long)values[1], r->data_bytes);
    if (__builtin_mul_overflow(t->count, t->type->bits, &bits))
        return object_fail(at, "shape", ERROR_BAD_FIELD, "%llu values of %s overflow",
                           (unsigned long long)t->count, t->type->name);
    if (bits % 8 != 0)
        return object_fail(at, "shape", ERROR_BAD_FIELD, "%llu values of %s end within a byte",
                           (unsigned long long)t->count, t->type->name);
    if (bits / 8 != values[1] - values[0])
        return object_fail(
            at, "data_offsets", ERROR_BAD_FIELD, "%llu bytes, but %llu values of %s need %llu",
            (unsigned long long)(values[1] - values[0]), (unsigned long long)t->count,
            t->type->name, (unsigned long long)(bits / 8));
    t->data = r->data + values[0];
    return ERROR_OK;
}

static enum error_id tensor_read_entry(const struct reading *r, const char *name,
                                       const json_t *entry, struct error *error)
{
    struct entry {
        const char *dtype;
        const json_t *shape, *offsets;
    } e;
    static const struct object_key keys[] = {
        KEY_REQUIRED("dtype", STRING, struct entry, dtype),
        KEY_REQUIRED("shape", ARRAY, struct entry, shape),
        KEY_REQUIRED("data_offsets", ARRAY, struct entry, offsets),
        KEY_ANY("*"), /* that the format may get yet */
        KEY_END};
    struct stored *t = &r->file->tensors[r->file->tensors_count];
    struct place at = {r->file->path, name, error};

    t->name = name;
    if (object_read(&at, entry, keys, &e) || dtype_read(t, &at, e.dtype) ||
        shape_read(t, &at, e.shape) || offsets_read(t, &at, e.offsets, r))
        return error->id;
    r->file->tensors_count++;
    return ERROR_OK;
}

/* Bytes of it: a whole number, as offsets_read() has seen. */
static uint64_t bytes_of(const struct stored *t)
{
    return t->count * t->type->bits / 8;
}

static int data_order(const void *a, const void *b)
{
    const struct stored *x = a, *y = b;

    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    return (bytes_of(x) > bytes_of(y)) - (bytes_of(x) < bytes_of(y));
}

/* The tensors tile the data: no holes, no overlaps, nothing after the last. */
static enum error_id tiling_check(const struct reading *r, struct error *error)
{
    struct stored_file *f = r->file;
    const unsigned char *at = r->data;

    if (f->tensors_count > 0) /* qsort(NULL) is undefined */
        qsort(f->tensors, f->tensors_count, sizeof *f->tensors, data_order);
    for (size_t i = 0; i < f->tensors_count; i++) {
        const struct stored *t = &f->tensors[i];
        if (t->data != at)
            return error_set(error, ERROR_BAD_TENSOR,
                             "%s: %.64s: begins at %zu, the one before ends at %zu", f->path,
                             t->name, (size_t)(t->data - r->data), (size_t)(at - r->data));
        at += bytes_of(t);
    }
    if (at == r->data + r->data_bytes)
        return ERROR_OK;
    return error_set(error, ERROR_BAD_TENSOR, "%s: %zu bytes of tensors, but %zu of data", f->path,
                     (size_t)(at - r->data), r->data_bytes);
}

static enum error_id header_read(const struct reading *r, const json_t *header, struct error *error)
{
    struct stored_file *f = r->file;
    static const struct object_key texts[] = {KEY_CHECKED("*", STRING), KEY_END};
    static const struct object_key keys[] = {KEY_CHECKED("__metadata__", OBJECT),
                                             KEY_CHECKED("*", OBJECT), KEY_END};
    struct place top = {f->path, "", error}, metadata = {f->path, "__metadata__", error};
    const char *name;
    const json_t *entry;

    f->tensors = calloc(json_object_size(header) + 1, sizeof *f->tensors);
    if (!f->tensors)
        return error_set(error, ERROR_OUT_OF_MEMORY, "%s: out of memory", f->path);
    if (object_read(&top, header, keys, NULL) ||
        object_read(&metadata, json_member(header, metadata.path), texts, NULL))
        return error->id;
    json_object_foreach ((json_t *)header, name, entry) {
        if (strcmp(name, metadata.path) != 0 && tensor_read_entry(r, name, entry, error))
            return error->id;
    }
    return tiling_check(r, error);
}

static void release(void *header)
{
    json_decref(header);
}

enum error_id safetensors_read(struct stored_file *f, const char *path, const void *bytes,
                               size_t len, struct error *error)
{
    const unsigned char *p = bytes;
    struct reading r = {.file = f};
    uint64_t header_bytes;
    enum error_id id;

    *f = (struct stored_file){.path = path, .release = release};
    if (len < 8)
        return error_set(error, ERROR_BAD_TENSOR, "%s: %zu bytes; even an empty file has 10", path,
                         len);
    header_bytes = binary_read_u64(p);
    if (header_bytes > STORED_HEADER_BYTES_MAX || header_bytes > len - 8)
        return error_set(error, ERROR_BAD_TENSOR,
                         "%s: a header of %llu bytes in a file of %zu (at most %d)", path,
                         (unsigned long long)header_bytes, len, STORED_HEADER_BYTES_MAX);
    if (header_bytes == 0 || p[8] != '{')
        return error_set(error, ERROR_BAD_TENSOR, "%s: the header does not begin with '{'", path);
    r.data = p + 8 + header_bytes;
    r.data_bytes = len - 8 - (size_t)header_bytes;
    f->held = object_parse(path, (const char *)p + 8, (size_t)header_bytes, HEADER_TOKENS_MAX,
                           error);
    id = f->held ? header_read(&r, f->held, error) : error->id;
    if (id)
        stored_fini(f);
    return id;
}
