/* stored.c - see stored.h. It knows no format. */
#include "weights/stored.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void stored_fini(struct stored_file *f)
{
    free(f->tensors);
    if (f->release)
        f->release(f->held);
    *f = (struct stored_file){0};
}

struct stored *stored_find(const struct stored_file *f, const char *name)
{
    for (size_t i = 0; i < f->tensors_count; i++)
        if (strcmp(f->tensors[i].name, name) == 0)
            return &f->tensors[i];
    return NULL;
}

const char *stored_shape(const uint64_t *shape, size_t rank, char text[static STORED_SHAPE_MAX])
{
    size_t used = (size_t)snprintf(text, STORED_SHAPE_MAX, "[");

    for (size_t i = 0; i < rank; i++)
        used += (size_t)snprintf(text + used, STORED_SHAPE_MAX - used, "%s%llu", i ? ", " : "",
                                 (unsigned long long)shape[i]);
    snprintf(text + used, STORED_SHAPE_MAX - used, "]");
    return text;
}

/* "[3][5]" of the element at flat index i. */
static void index_write(const struct stored *t, uint64_t i, char *text, size_t size)
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

enum error_id stored_floats(const struct stored_file *f, const struct stored *t, float *out,
                            struct error *error)
{
    binary_load_fn *load = t->type->load;
    const unsigned char *p = t->data;
    char index[STORED_SHAPE_MAX];
    uint64_t i;

    if (!load)
        return error_set(error, ERROR_BAD_TENSOR,
                         "%s: %.64s: %s cannot be weights; F32, F16, BF16 and F64 can", f->path,
                         t->name, t->type->name);
    for (i = 0; i < t->count; i++) {
        out[i] = load(p + i * (t->type->bits / 8));
        if (!isfinite(out[i]))
            break;
    }
    if (i == t->count)
        return ERROR_OK;
    index_write(t, i, index, sizeof index);
    return error_set(error, ERROR_NON_FINITE, "%s: %.64s%s: %s", f->path, t->name, index,
                     isnan(out[i]) ? "NaN" : "infinite, or outside the range of float32");
}

void stored_doubles(const struct stored *t, double *out)
{
    const unsigned char *p = t->data;
    size_t width = t->type->bits / 8;

    if (width == sizeof *out)
        memcpy(out, p, (size_t)t->count * sizeof *out);
    for (uint64_t i = 0; i < t->count && width != sizeof *out; i++)
        out[i] = (double)t->type->load(p + i * width);
}

bool stored_is_floating(const struct stored *t)
{
    return t->type->load != NULL;
}
