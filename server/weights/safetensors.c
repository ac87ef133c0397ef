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
#include "model/field.h"

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

static int dtype_read(struct safetensor *t, const struct place *at, const json_t *entry)
{
    const json_t *value;

    if (field_typed(at, entry, "dtype", JSON_STRING, &value) != 0)
        return -1;
    if (!value)
        return field_fail(at, "dtype", "missing");
    for (t->dtype = 0; t->dtype < DTYPES; t->dtype++)
        if (is_named(t->dtype, json_string_value(value)))
            return 0;
    return field_fail(at, "dtype", "unknown type \"%.40s\"", json_string_value(value));
}

/* Read values[n] of an array of whole numbers from 0 on. */
static int wholes_read(const struct place *at, const char *key, const json_t *array,
                       uint64_t *values, size_t n)
{
    char element[FIELD_NAME_MAX], found[FIELD_FOUND_MAX];

    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_array_get(array, i);
        int64_t whole;
        if (json_whole(value, &whole) && whole >= 0) {
            values[i] = (uint64_t)whole;
            continue;
        }
        snprintf(element, sizeof element, "%s[%zu]", key, i);
        return field_fail(at, element, "expected a whole number of at least 0, found %s",
                          field_found(value, found));
    }
    return 0;
}

static int shape_read(struct safetensor *t, const struct place *at, const json_t *entry)
{
    const json_t *shape;

    if (field_typed(at, entry, "shape", JSON_ARRAY, &shape) != 0)
        return -1;
    if (!shape)
        return field_fail(at, "shape", "missing");
    if (json_array_size(shape) > SAFETENSORS_RANK_MAX)
        return field_fail(at, "shape", "%zu dimensions, at most %d", json_array_size(shape),
                          SAFETENSORS_RANK_MAX);
    t->rank = json_array_size(shape);
    if (wholes_read(at, "shape", shape, t->shape, t->rank) != 0)
        return -1;
    t->count = 1;
    for (size_t i = 0; i < t->rank; i++)
        if (__builtin_mul_overflow(t->count, t->shape[i], &t->count))
            return field_fail(at, "shape", "the product of the dimensions overflows");
    return 0;
}

static int offsets_read(struct safetensor *t, const struct place *at, const json_t *entry,
                        size_t data_bytes)
{
    const json_t *offsets;
    uint64_t values[2] = {0}, bits;

    if (field_typed(at, entry, "data_offsets", JSON_ARRAY, &offsets) != 0)
        return -1;
    if (json_array_size(offsets) != 2)
        return field_fail(at, "data_offsets", "expected [begin, end]");
    if (wholes_read(at, "data_offsets", offsets, values, 2) != 0)
        return -1;
    t->begin = values[0];
    t->end = values[1];
    if (t->begin > t->end || t->end > data_bytes)
        return field_fail(at, "data_offsets", "[%llu, %llu] is not within the %zu bytes of data",
                          (unsigned long long)t->begin, (unsigned long long)t->end, data_bytes);
    if (__builtin_mul_overflow(t->count, dtypes[t->dtype].bits, &bits))
        return field_fail(at, "shape", "%llu values of %s overflow", (unsigned long long)t->count,
                          dtypes[t->dtype].name);
    if (bits % 8 != 0)
        return field_fail(at, "shape", "%llu values of %s end within a byte",
                          (unsigned long long)t->count, dtypes[t->dtype].name);
    if (bits / 8 != t->end - t->begin)
        return field_fail(at, "data_offsets", "%llu bytes, but %llu values of %s need %llu",
                          (unsigned long long)(t->end - t->begin), (unsigned long long)t->count,
                          dtypes[t->dtype].name, (unsigned long long)(bits / 8));
    return 0;
}

static int tensor_read_entry(struct safetensors *s, const char *name, const json_t *entry,
                             struct model_error *error)
{
    struct safetensor *t = &s->tensors[s->tensors_count];
    struct place at = {.file = s->file, .error = error};
    char found[FIELD_FOUND_MAX];

    snprintf(at.path, sizeof at.path, "%.64s", name);
    if (!json_is_object(entry))
        return field_fail(&at, NULL, "expected an object, found %s", field_found(entry, found));
    t->name = name; /* keys that the format may get yet are read over */
    if (dtype_read(t, &at, entry) != 0 || shape_read(t, &at, entry) != 0 ||
        offsets_read(t, &at, entry, s->data_bytes) != 0)
        return -1;
    s->tensors_count++;
    return 0;
}

static int metadata_check(const struct safetensors *s, const json_t *metadata,
                          struct model_error *error)
{
    struct place at = {s->file, "__metadata__", error};
    char found[FIELD_FOUND_MAX], quoted[FIELD_NAME_MAX];
    const char *key;
    const json_t *value;

    if (json_is_null(metadata))
        return 0;
    if (!json_is_object(metadata))
        return field_fail(&at, NULL, "expected an object, found %s", field_found(metadata, found));
    json_object_foreach((json_t *)metadata, key, value)
    {
        snprintf(quoted, sizeof quoted, "%s", key);
        if (!json_is_string(value))
            return field_fail(&at, quoted, "expected a string, found %s",
                              field_found(value, found));
    }
    return 0;
}

static int data_order(const void *a, const void *b)
{
    const struct safetensor *x = a, *y = b;

    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* The tensors tile the data: no holes, no overlaps, nothing behind the last. */
static int tiling_check(struct safetensors *s, struct model_error *error)
{
    uint64_t at = 0;

    if (s->tensors_count > 0) /* qsort(NULL) is undefined */
        qsort(s->tensors, s->tensors_count, sizeof *s->tensors, data_order);
    for (size_t i = 0; i < s->tensors_count; i++) {
        const struct safetensor *t = &s->tensors[i];
        if (t->begin != at)
            return model_error_set(error, "%s: %.64s: begins at %llu, the one before ends at %llu",
                                   s->file, t->name, (unsigned long long)t->begin,
                                   (unsigned long long)at);
        at = t->end;
    }
    if (at == s->data_bytes)
        return 0;
    return model_error_set(error, "%s: %llu bytes of tensors, but %zu of data", s->file,
                           (unsigned long long)at, s->data_bytes);
}

static int header_read(struct safetensors *s, struct model_error *error)
{
    const char *name;
    const json_t *entry;

    s->tensors = calloc(json_object_size(s->header) + 1, sizeof *s->tensors);
    if (!s->tensors)
        return model_error_set(error, "%s: out of memory", s->file);
    json_object_foreach(s->header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0) {
            if (metadata_check(s, entry, error) != 0)
                return -1;
        } else if (tensor_read_entry(s, name, entry, error) != 0) {
            return -1;
        }
    }
    return tiling_check(s, error);
}

int safetensors_read(struct safetensors *s, const char *file, const void *bytes, size_t len,
                     struct model_error *error)
{
    const unsigned char *p = bytes;
    uint64_t header_bytes;
    int result = -1;

    *s = (struct safetensors){.file = file};
    if (len < 8)
        return model_error_set(error, "%s: %zu bytes; even an empty file has 10", file, len);
    header_bytes = binary_read_u64(p);
    if (header_bytes > SAFETENSORS_HEADER_BYTES_MAX || header_bytes > len - 8)
        return model_error_set(error, "%s: a header of %llu bytes in a file of %zu (at most %d)",
                               file, (unsigned long long)header_bytes, len,
                               SAFETENSORS_HEADER_BYTES_MAX);
    if (header_bytes == 0 || p[8] != '{')
        return model_error_set(error, "%s: the header does not begin with '{'", file);
    s->data = p + 8 + header_bytes;
    s->data_bytes = len - 8 - (size_t)header_bytes;
    s->header = field_parse(file, (const char *)p + 8, (size_t)header_bytes,
                            SAFETENSORS_HEADER_TOKENS_MAX, error);
    if (s->header)
        result = header_read(s, error);
    if (result != 0)
        safetensors_fini(s);
    return result;
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

int safetensors_floats(const struct safetensors *s, const struct safetensor *t, float *out,
                       struct model_error *error)
{
    binary_load_fn *load = dtypes[t->dtype].load;
    const unsigned char *p = s->data + t->begin;
    char index[SAFETENSORS_SHAPE_MAX];
    uint64_t i;

    if (!load)
        return model_error_set(error, "%s: %.64s: %s cannot be weights; F32, F16, BF16 and F64 can",
                               s->file, t->name, dtypes[t->dtype].name);
    for (i = 0; i < t->count; i++) {
        out[i] = load(p + i * (dtypes[t->dtype].bits / 8));
        if (!isfinite(out[i]))
            break;
    }
    if (i == t->count)
        return 0;
    index_write(t, i, index, sizeof index);
    return model_error_set(error, "%s: %.64s%s: %s", s->file, t->name, index,
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
