/* filling.c - tensors of the weights file as a layer's arrays, below all that fills layers. */
#include "weights/filling.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

float *filling_own(struct filling *f, size_t count)
{
    float *numbers = calloc(count, sizeof *numbers);

    if (numbers)
        f->w->owned[f->w->owned_count++] = numbers;
    else
        error_set(f->error, ERROR_OUT_OF_MEMORY, "out of memory for %zu weights", count);
    return numbers;
}

/* "it has a, b, c" */
static void tensors_list(const struct stored_file *s, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "%s", s->tensors_count ? "it has " : "it has none");

    for (size_t i = 0; i < s->tensors_count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%.64s", i ? ", " : "",
                                 s->tensors[i].name);
}

static int absent_fail(const struct filling *f, const char *whose, const char *name)
{
    char list[256];

    if (!f->file.path)
        return error_set(f->error, ERROR_BAD_TENSOR,
                         "%s: no such file, and no tensor \"%.80s\" for %s", f->path, name, whose);
    tensors_list(&f->file, list, sizeof list);
    return error_set(f->error, ERROR_BAD_TENSOR, "%s: no tensor \"%.80s\" for %s; %s", f->path,
                     name, whose, list);
}

/* A transposed weight must be made anew: safetensors' NumPy writer stores a view as its memory
 * lies, under the view's shape, and then the shapes fit and the numbers are scrambled. */
static int shape_fail(const struct filling *f, const struct stored *t, const char *whose,
                      const uint64_t *shape, size_t rank)
{
    char want[STORED_SHAPE_MAX], found[STORED_SHAPE_MAX];
    bool transposed = rank == 2 && t->rank == 2 && t->shape[0] == shape[1] &&
                      t->shape[1] == shape[0];

    return error_set(f->error, ERROR_SHAPE_MISMATCH,
                     "%s: %.64s: expected shape %s%s for %s, found %s%s", f->path, t->name,
                     stored_shape(shape, rank, want), rank == 2 ? " (units, features)" : " (units)",
                     whose, stored_shape(t->shape, t->rank, found),
                     transposed ? ": save numpy.ascontiguousarray(W.T)" : "");
}

const float *filling_take(struct filling *f, const char *whose, const char *name,
                          const uint64_t *shape, size_t rank)
{
    struct stored *t = stored_find(&f->file, name);
    float *numbers;

    if (!t) {
        absent_fail(f, whose, name);
        return NULL;
    }
    if (t->rank != rank || memcmp(t->shape, shape, rank * sizeof *shape) != 0) {
        shape_fail(f, t, whose, shape, rank);
        return NULL;
    }
    t->used = true;
    numbers = filling_own(f, (size_t)t->count);
    if (!numbers || stored_floats(&f->file, t, numbers, f->error) != 0)
        return NULL;
    return numbers;
}
