/* weights.h - for fuzz targets of weights files: any bytes are tensors within what is held, or an
 * error with a message. */
#ifndef FUZZ_WEIGHTS_H
#define FUZZ_WEIGHTS_H

#include <stdlib.h>
#include <string.h>
#include "weights/formats.h"

static inline void weights_require(int condition)
{
    if (!condition)
        abort();
}

/* Reads each number of each tensor, so that ASan sees an end that is none. */
static inline void weights_read_tensors(const struct stored_file *f)
{
    for (size_t i = 0; i < f->tensors_count; i++) {
        const struct stored *t = &f->tensors[i];
        struct error error = {0};
        float *out;
        double *wide;

        weights_require(stored_find(f, t->name) != NULL);
        if (!stored_is_floating(t))
            continue;
        out = malloc((size_t)t->count * sizeof *out + 1);
        wide = malloc((size_t)t->count * sizeof *wide + 1);
        weights_require(out && wide);
        if (stored_floats(f, t, out, &error) != ERROR_OK)
            weights_require(error.detail[0] != '\0');
        stored_doubles(t, wide);
        free(out);
        free(wide);
    }
}

static inline int weights_fuzz(stored_reader *read, const uint8_t *data, size_t size)
{
    struct stored_file f;
    struct error error = {0};
    uint8_t *bytes = malloc(size + !size); /* a copy of its own, so that ASan sees its end */

    weights_require(bytes != NULL);
    if (size)
        memcpy(bytes, data, size);
    if (read(&f, "weights", bytes, size, &error) == ERROR_OK) {
        weights_read_tensors(&f);
        stored_fini(&f);
    } else {
        weights_require(error.detail[0] != '\0' && f.tensors == NULL);
    }
    free(bytes);
    return 0;
}

#endif
