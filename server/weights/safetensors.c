/* safetensors.c - a .safetensors file in memory: its tensors by name, converted to float32.
 *
 * It knows the format and no models. Invariant: after safetensors_read() every tensor lies within
 * the data and is exactly as long as its shape says, so nobody checks again. */
#include "weights/safetensors.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tensor/binary.h"
#include "json/object.h"

/* Every type of the format, since a file may hold tensors that no layer takes. */
static const struct {
    const char *name;
    unsigned bits;
    binary_load_fn *load; /* NULL: cannot be weights */
} dtypes[] = {
    {"F32", 32, binary_f32}, {"F16", 16, binary_f16}, {"BF16", 16, binary_bf16},
    {"F64", 64, binary_f64}, {"BOOL", 8, NULL},       {"U8", 8, NULL},
    {"I8", 8, NULL},         {"U16", 16, NULL},       {"I16", 16, NULL},
    {"U32", 32, NULL},       {"I32", 32, NULL},       {"U64", 64, NULL},
    {"I64", 64, NULL},       {"C64", 64, NULL},       {"F4", 4, NULL},
    {"F6_E2M3", 6, NULL},    {"F6_E3M2", 6, NULL},    {"F8_*", 8, NULL},
};
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

/* F8_E5M2, F8_E4M3FNUZ, F8_E8M0 and whatever comes yet: their names tell their width. */
static bool is_named(size_t dtype, const char *name)
{
    size_t n = strcspn(dtypes[dtype].name, "*");

    return strncmp(dtypes[dtype].name, name, n) == 0 && (dtypes[dtype].name[n] || !name[n]);
}

static enum error_id dtype_read(struct safetensor *t, const struct place *at, const char *name)
{
    for (t->dtype = 0; t->dtype < DTYPES; t->dtype++)
        if (is_named(t->dtype, name))
            return ERROR_OK;
    return object_fail(at, "dtype", ERROR_BAD_FIELD, "unknown type \"%.40s\"", name);
}

static enum error_id shape_read(struct safetensor *t, const struct place *at, const json_t *shape)
{
    if (json_array_size(shape) > SAFETENSORS_RANK_MAX)
        return object_fail(at, "shape", ERROR_LIMIT_EXCEEDED, "%zu dimensions, at most %d",
                           json_array_size(shape), SAFETENSORS_RANK_MAX);
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

static enum error_id offsets_read(struct safetensor *t, const struct place *at,
                                  const json_t *offsets, size_t data_bytes)
{
    uint64_t values[2] = {0}, bits;

    if (json_array_size(offsets) != 2)
        return object_fail(at, "data_offsets", ERROR_BAD_FIELD, "expected [begin, end]");
    if (object_wholes(at, "data_offsets", offsets, 0, INT64_MAX, values, 2))
        return at->error->id;
    t->begin = values[0];
    t->end = values[1];
    if (t->begin > t->end || t->end > data_bytes)
        return object_fail(at, "data_offsets", ERROR_BAD_FIELD,
                           "[%llu, %llu] is not within the %zu bytes of data",
                           (unsigned long long)t->begin, (unsigned long long)t->end, data_bytes);
    if (__builtin_mul_overflow(t->count, dtypes[t->dtype].bits, &bits))
        return object_fail(at, "shape", ERROR_BAD_FIELD, "%llu values of %s overflow",
                           (unsigned long long)t->count, dtypes[t->dtype].name);
    if (bits % 8 != 0)
        return object_fail(at, "shape", ERROR_BAD_FIELD, "%llu values of %s end within a byte",
                           (unsigned long long)t->count, dtypes[t->dtype].name);
    if (bits / 8 != t->end - t->begin)
        return object_fail(at, "data_offsets", ERROR_BAD_FIELD,
                           "%llu bytes, but %llu values of %s need %llu",
                           (unsigned long long)(t->end - t->begin), (unsigned long long)t->count,
                           dtypes[t->dtype].name, (unsigned long long)(bits / 8));
    return ERROR_OK;
}

static enum error_id tensor_read_entry(struct safetensors *s, const char *name, const json_t *entry,
                                       struct error *error)
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
    struct safetensor *t = &s->tensors[s->tensors_count];
    struct place at = {s->file, name, error};

    t->name = name;
    if (object_read(&at, entry, keys, &e) || dtype_read(t, &at, e.dtype) ||
        shape_read(t, &at, e.shape) || offsets_read(t, &at, e.offsets, s->data_bytes))
        return error->id;
    s->tensors_count++;
    return ERROR_OK;
}

static int data_order(const void *a, const void *b)
{
    const struct safetensor *x = a, *y = b;

    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* The tensors tile the data: no holes, no overlaps, nothing behind the last. */
static enum error_id tiling_check(struct safetensors *s, struct error *error)
{
    uint64_t at = 0;

    if (s->tensors_count > 0) /* qsort(NULL) is undefined */
        qsort(s->tensors, s->tensors_count, sizeof *s->tensors, data_order);
    for (size_t i = 0; i < s->tensors_count; i++) {
        const struct safetensor *t = &s->tensors[i];
        if (t->begin != at)
            return error_set(error, ERROR_BAD_TENSOR,
                             "%s: %.64s: begins at %llu, the one before ends at %llu", s->file,
                             t->name, (unsigned long long)t->begin, (unsigned long long)at);
        at = t->end;
    }
    if (at == s->data_bytes)
        return ERROR_OK;
    return error_set(error, ERROR_BAD_TENSOR, "%s: %llu bytes of tensors, but %zu of data", s->file,
                     (unsigned long long)at, s->data_bytes);
}

static enum error_id header_read(struct safetensors *s, struct error *error)
{
    static const struct object_key texts[] = {KEY_CHECKED("*", STRING), KEY_END};
    static const struct object_key keys[] = {KEY_CHECKED("__metadata__", OBJECT),
                                             KEY_CHECKED("*", OBJECT), KEY_END};
    struct place top = {s->file, "", error}, metadata = {s->file, "__metadata__", error};
    const char *name;
    const json_t *entry;

    s->tensors = calloc(json_object_size(s->header) + 1, sizeof *s->tensors);
    if (!s->tensors)
        return error_set(error, ERROR_OUT_OF_MEMORY, "%s: out of memory", s->file);
    if (object_read(&top, s->header, keys, NULL) ||
        object_read(&metadata, json_member(s->header, metadata.path), texts, NULL))
        return error->id;
    json_object_foreach(s->header, name, entry)
    {
        if (strcmp(name, metadata.path) != 0 && tensor_read_entry(s, name, entry, error))
            return error->id;
    }
    return tiling_check(s, error);
}

enum error_id safetensors_read(struct safetensors *s, const char *file, const void *bytes,
                               size_t len, struct error *error)
{
    const unsigned char *p = bytes;
    uint64_t header_bytes;
    enum error_id id;

    *s = (struct safetensors){.file = file};
    if (len < 8)
        return error_set(error, ERROR_BAD_TENSOR, "%s: %zu bytes; even an empty file has 10", file,
                         len);
    header_bytes = binary_read_u64(p);
    if (header_bytes > SAFETENSORS_HEADER_BYTES_MAX || header_bytes > len - 8)
        return error_set(error, ERROR_BAD_TENSOR,
                         "%s: a header of %llu bytes in a file of %zu (at most %d)", file,
                         (unsigned long long)header_bytes, len, SAFETENSORS_HEADER_BYTES_MAX);
    if (header_bytes == 0 || p[8] != '{')
        return error_set(error, ERROR_BAD_TENSOR, "%s: the header does not begin with '{'", file);
    s->data = p + 8 + header_bytes;
    s->data_bytes = len - 8 - (size_t)header_bytes;
    s->header = object_parse(file, (const char *)p + 8, (size_t)header_bytes,
                             SAFETENSORS_HEADER_TOKENS_MAX, error);
    id = s->header ? header_read(s, error) : error->id;
    if (id)
        safetensors_fini(s);
    return id;
}

void safetensors_fini(struct safetensors *s)
{
    free(s->tensors);
    json_decref(s->header);
    *s = (struct safetensors){0};
}

struct safetensor *safetensors_find(const struct safetensors *s, const char *name)
{
    for (size_t i = 0; i < s->tensors_count; i++)
        if (strcmp(s->tensors[i].name, name) == 0)
            return &s->tensors[i];
    return NULL;
}

const char *safetensors_shape(const uint64_t *shape, size_t rank,
                              char text[static SAFETENSORS_SHAPE_MAX])
{
    size_t used = (size_t)snprintf(text, SAFETENSORS_SHAPE_MAX, "[");

    for (size_t i = 0; i < rank; i++)
        used += (size_t)snprintf(text + used, SAFETENSORS_SHAPE_MAX - used, "%s%llu", i ? ", " : "",
                                 (unsigned long long)shape[i]);
    snprintf(text + used, SAFETENSORS_SHAPE_MAX - used, "]");
    return text;
}

/* "[3][5]" of the element at flat index i. */
static void index_write(const struct safetensor *t, uint64_t i, char *text, size_t size)
{
    uint64_t below = t->count;
    size_t used = 0;

    text[0] = '\0';
    for (size_t d = 0; d < t->rank; d++) {
        below /= t->shape[d];
        used += (size_t)snprintf(text + used, size - used, "[%llu]",
                                 (unsigned long long)(i / below % t->shape[d]));
    }
}

enum error_id safetensors_floats(const struct safetensors *s, const struct safetensor *t,
                                 float *out, struct error *error)
{
    binary_load_fn *load = dtypes[t->dtype].load;
    const unsigned char *p = s->data + t->begin;
    char index[SAFETENSORS_SHAPE_MAX];
    uint64_t i;

    if (!load)
        return error_set(error, ERROR_BAD_TENSOR,
                         "%s: %.64s: %s cannot be weights; F32, F16, BF16 and F64 can", s->file,
                         t->name, dtypes[t->dtype].name);
    for (i = 0; i < t->count; i++) {
        out[i] = load(p + i * (dtypes[t->dtype].bits / 8));
        if (!isfinite(out[i]))
            break;
    }
    if (i == t->count)
        return ERROR_OK;
    index_write(t, i, index, sizeof index);
    return error_set(error, ERROR_NON_FINITE, "%s: %.64s%s: %s", s->file, t->name, index,
                     isnan(out[i]) ? "NaN" : "infinite, or outside the range of float32");
}

void safetensors_doubles(const struct safetensors *s, const struct safetensor *t, double *out)
{
    const unsigned char *p = s->data + t->begin;
    size_t width = dtypes[t->dtype].bits / 8;

    if (width == sizeof *out)
        memcpy(out, p, (size_t)t->count * sizeof *out);
    for (uint64_t i = 0; i < t->count && width != sizeof *out; i++)
        out[i] = (double)dtypes[t->dtype].load(p + i * width);
}

bool safetensors_is_floating(const struct safetensor *t)
{
    return dtypes[t->dtype].load != NULL;
}

const char *safetensors_dtype(const struct safetensor *t)
{
    return dtypes[t->dtype].name;
}
