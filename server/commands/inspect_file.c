/* inspect_file.c - the arrays of a .safetensors, .npz or .npy file, as the service's readers find
 * them. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "commands/inspect.h"
#include "model/files.h"
#include "tensor/npy.h"
#include "weights/formats.h"

/* Numbers that were seen. */
struct summary {
    uint64_t count, nans, infinities, zeros;
    double min, max, sum; /* of the finite ones */
    uint64_t first;       /* that is not finite, if there is one */
};

static void summary_add(struct summary *s, double value)
{
    uint64_t finite = s->count - s->nans - s->infinities;

    if (!isfinite(value) && s->nans + s->infinities == 0)
        s->first = s->count;
    s->count++;
    s->nans += isnan(value) ? 1 : 0;
    s->infinities += isinf(value) ? 1 : 0;
    if (!isfinite(value))
        return;
    s->min = finite && s->min < value ? s->min : value;
    s->max = finite && s->max > value ? s->max : value;
    s->sum += value;
    s->zeros += fpclassify(value) == FP_ZERO ? 1 : 0;
}

/* "[3, 5]" of the number at place i. */
static void print_index(uint64_t i, size_t rank, const uint64_t *shape)
{
    uint64_t index[STORED_RANK_MAX] = {0};

    for (size_t d = rank; d-- > 0; i /= shape[d])
        index[d] = i % shape[d];
    for (size_t d = 0; d < rank; d++)
        printf("%s%" PRIu64, d ? ", " : "[", index[d]);
    printf(rank ? "]" : "it");
}

static void print_summary(const struct summary *s, size_t rank, const uint64_t *shape)
{
    uint64_t finite = s->count - s->nans - s->infinities;

    if (finite > 0)
        printf("  min %.9g  max %.9g  mean %.9g", s->min, s->max, s->sum / (double)finite);
    printf("  NaN %" PRIu64, s->nans);
    if (s->infinities > 0)
        printf("  infinite %" PRIu64, s->infinities);
    if (s->nans + s->infinities > 0) {
        printf("; the first is ");
        print_index(s->first, rank, shape);
    } else if (s->zeros == s->count && s->count > 0) {
        printf("; all are 0");
    } else if (s->count > 1 && !(s->min < s->max)) {
        printf("; all are equal");
    }
}

static void print_head(const char *name, const char *type, size_t rank, const uint64_t *shape)
{
    char text[STORED_SHAPE_MAX];

    printf("%-24s %-4s %-16s", name, type, stored_shape(shape, rank, text));
}

static enum error_id print_stored(const struct stored *t, struct error *error)
{
    double *numbers = t->type->load ? calloc(t->count + 1, sizeof *numbers) : NULL;
    struct summary s = {0};

    if (t->type->load && !numbers)
        return error_set(error, ERROR_OUT_OF_MEMORY, "%.64s: out of memory", t->name);
    print_head(t->name, t->type->name, t->rank, t->shape);
    if (numbers) {
        stored_doubles(t, numbers);
        for (uint64_t i = 0; i < t->count; i++)
            summary_add(&s, numbers[i]);
        print_summary(&s, t->rank, t->shape);
    }
    printf("\n");
    free(numbers);
    return ERROR_OK;
}

/* An .npz as GET .../sample.npz gives it. */
static void print_sample(const struct stored_file *f)
{
    const struct stored *times = stored_find(f, "unix_seconds");
    const struct stored *x = stored_find(f, "inputs"), *y = stored_find(f, "outputs");

    if (times && x && y && x->rank == 2)
        printf("a sample of %" PRIu64
               " rows that were answered: axond replay MODEL compares them\n",
               x->shape[0]);
}

static enum error_id read_stored(stored_reader *reader, const char *name,
                                 const struct file_bytes *bytes, struct error *error)
{
    struct stored_file f;
    uint64_t numbers = 0;

    if (reader(&f, name, bytes->data, bytes->len, error) != ERROR_OK)
        return error->id;
    for (size_t i = 0; i < f.tensors_count && error->id == ERROR_OK; i++) {
        print_stored(&f.tensors[i], error);
        numbers += f.tensors[i].count;
    }
    printf("%zu arrays, %" PRIu64 " numbers, %zu bytes\n", f.tensors_count, numbers, bytes->len);
    print_sample(&f);
    stored_fini(&f);
    return error->id;
}

static enum error_id read_npy(const char *name, const struct file_bytes *bytes, struct error *error)
{
    static const struct tensor_limits limits = {.rank_max = TENSOR_RANK_MAX,
                                                .elements_max = SIZE_MAX / 16};
    struct npy_array a;
    uint64_t shape[TENSOR_RANK_MAX];
    struct summary s = {0};

    if (npy_find(&a, name, bytes->data, bytes->len, &limits, error) != ERROR_OK)
        return error->id;
    for (size_t d = 0; d < a.rank; d++)
        shape[d] = a.shape[d];
    print_head(name, a.type->descr, a.rank, shape);
    for (size_t i = 0; i < a.count; i++) {
        double value = 0;

        if (a.type->width == sizeof value && a.type->descr[1] == 'f')
            memcpy(&value, a.data + i * sizeof value, sizeof value);
        else
            value = (double)a.type->load(a.data + i * a.type->width);
        summary_add(&s, value);
    }
    print_summary(&s, a.fortran_order ? 0 : a.rank, shape);
    printf("\n%zu numbers%s, %zu bytes\n", a.count, a.fortran_order ? " in Fortran order" : "",
           bytes->len);
    return ERROR_OK;
}

static bool begins_with(const struct file_bytes *bytes, const char *with)
{
    return bytes->len >= strlen(with) && memcmp(bytes->data, with, strlen(with)) == 0;
}

static enum error_id read_file(const char *name, const struct file_bytes *bytes,
                               struct error *error)
{
    enum { HEADER_AT = 8 }; /* of safetensors: after the header's length comes JSON */

    if (begins_with(bytes, "\x93NUMPY"))
        return read_npy(name, bytes, error);
    if (begins_with(bytes, "PK"))
        return read_stored(npz_read, name, bytes, error);
    if (bytes->len > HEADER_AT && bytes->data[HEADER_AT] == '{' && bytes->data[HEADER_AT - 1] == 0)
        return read_stored(safetensors_read, name, bytes, error);
    return error_set(error, ERROR_UNSUPPORTED_MEDIA_TYPE,
                     "%.100s: %zu bytes that begin like no .safetensors, .npz or .npy; a model's "
                     "folder is inspected as a whole",
                     name, bytes->len);
}

enum error_id inspect_file(int folder, const char *name, struct error *error)
{
    size_t length = strlen(name);
    bool npy = length > 4 && strcmp(name + length - 4, ".npy") == 0;
    bool own = npy || (length > 4 && strcmp(name + length - 4, ".npz") == 0) ||
               (length > 12 && strcmp(name + length - 12, ".safetensors") == 0);
    const char *foreign = own ? NULL : weights_foreign_text(name);
    struct file_bytes bytes;

    if (foreign)
        return error_set(error, ERROR_UNSUPPORTED_MEDIA_TYPE, "%.100s: %s", name, foreign);
    if (files_read(folder, name, SIZE_MAX / 4, &bytes, error) != FILES_OK)
        return error->id ? error->id
                         : error_set(error, ERROR_BAD_REQUEST, "%.100s: no such file", name);
    read_file(name, &bytes, error);
    free(bytes.data);
    return error->id;
}
