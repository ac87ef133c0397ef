/* fuzz_safetensors.c - libFuzzer entry: any bytes as a weights file are tensors within the file, or
 * an error with a message. */
#include <stdlib.h>
#include <string.h>
#include "weights/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

static void read_tensors(const struct safetensors *s)
{
    for (size_t i = 0; i < s->tensors_count; i++) {
        const struct safetensor *t = &s->tensors[i];
        struct error error = {0};
        float *out;

        require(t->begin <= t->end && t->end <= s->data_bytes);
        require(t->count <= s->data_bytes);
        require(safetensors_find(s, t->name) != NULL);
        out = malloc((size_t)t->count * sizeof *out + 1);
        require(out != NULL);
        if (safetensors_floats(s, t, out, &error) != 0)
            require(error.detail[0] != '\0');
        free(out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct safetensors s;
    struct error error = {0};
    uint8_t *bytes = malloc(size + !size); /* a copy of its own, so that ASan sees its end */

    require(bytes != NULL);
    if (size)
        memcpy(bytes, data, size);
    if (safetensors_read(&s, "weights.safetensors", bytes, size, &error) == 0) {
        read_tensors(&s);
        safetensors_fini(&s);
    } else {
        require(error.detail[0] != '\0');
    }
    free(bytes);
    return 0;
}
