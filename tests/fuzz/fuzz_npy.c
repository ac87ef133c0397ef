/* fuzz_npy.c - libFuzzer entry: any bytes as .npy arrays are tensors that, written and read again,
 * are the same bit by bit, or an error with a message. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "tensor/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct tensor_limits npy_limits = {.rank_max = TENSOR_RANK_MAX, .elements_max = 4096};

static void npy_require(int condition)
{
    if (!condition)
        abort();
}

static void check_array(const struct tensor *t)
{
    struct tensor back;
    struct error error = {0};
    struct buf out;
    size_t product = 1;

    npy_require(t->rank <= TENSOR_RANK_MAX && t->count <= npy_limits.elements_max);
    for (size_t i = 0; i < t->rank; i++)
        product *= t->shape[i];
    npy_require(product == t->count);
    buf_init(&out, 0);
    npy_write(&out, t->data, t->rank, t->shape);
    npy_require(!out.failed);
    npy_require(npy_read(&back, "body", out.data, out.len, &npy_limits, &error) == ERROR_OK);
    npy_require(back.rank == t->rank && back.count == t->count &&
                memcmp(back.shape, t->shape, t->rank * sizeof *t->shape) == 0 &&
                (t->count == 0 || memcmp(back.data, t->data, t->count * sizeof *t->data) == 0));
    tensor_fini(&back);
    buf_fini(&out);
}

/* The header alone, and the numbers a run at a time, are the same array: t, of bytes [size]. */
static void check_runs(const struct tensor *t, const char *bytes, size_t size)
{
    size_t head = npy_head_bytes(bytes, size), half = t->count / 2;
    struct error error = {0};
    struct npy_array a;
    float *x = malloc((t->count + 1) * sizeof *x);

    npy_require(x && npy_head(&a, "body", bytes, head, &error) == ERROR_OK);
    npy_require(a.count == t->count && a.rank == t->rank && a.data_bytes <= size - head);
    npy_require(npy_load(&a, bytes + head, 0, half, x, "body", &error) == ERROR_OK);
    npy_require(npy_load(&a, bytes + head + half * a.type->width, half, t->count - half, x + half,
                         "body", &error) == ERROR_OK);
    npy_require((a.fortran_order && a.rank > 1) || t->count == 0 ||
                memcmp(x, t->data, t->count * sizeof *x) == 0);
    free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + !size); /* exactly as long as what the caller promises */
    const char *at = copy;
    size_t left = size;

    npy_require(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    while (left > 0) {
        size_t before = left;
        const char *begin = at;
        struct tensor t;
        struct error error = {0};
        enum error_id id = npy_read_next(&t, "body", &at, &left, &npy_limits, &error);

        if (id != ERROR_OK) {
            npy_require(id == error.id && error.detail[0] && !t.data && !t.count);
            break;
        }
        npy_require(left < before && at + left == copy + size);
        check_array(&t);
        check_runs(&t, begin, before);
        tensor_fini(&t);
    }
    free(copy);
    return 0;
}
