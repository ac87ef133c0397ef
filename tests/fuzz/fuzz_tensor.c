/* fuzz_tensor.c - libFuzzer entry: any bytes as tensor text are a tensor whose text reads back to
 * the same tensor, or an error with a message.
 *
 * The first byte chooses the policy for non-finite numbers, the rest is the text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "tensor/tensor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct tensor_limits tensor_limits = {.rank_max = TENSOR_RANK_MAX,
                                                   .elements_max = 4096};

static void tensor_require(int condition)
{
    if (!condition)
        abort();
}

/* NaN is NaN whatever its bits; all else must be the same bits. */
static int same_values(const struct tensor *a, const struct tensor *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (memcmp(&a->data[i], &b->data[i], sizeof(float)) != 0 &&
            (a->data[i] == a->data[i] || b->data[i] == b->data[i]))
            return 0;
    return 1;
}

static void check_tensor(const struct tensor *t, enum non_finite policy)
{
    struct tensor back;
    struct buf out;
    struct error error;
    size_t product = 1, pos = 0;

    tensor_require(t->rank <= TENSOR_RANK_MAX && t->count <= tensor_limits.elements_max);
    for (size_t i = 0; i < t->rank; i++)
        product *= t->shape[i];
    tensor_require(product == t->count && t->cap >= t->count);
    buf_init(&out, 0);
    tensor_require(!tensor_write(&out, t->data, t->rank, t->shape, "data", policy, &error));
    tensor_require(!out.failed && out.len > 0);
    buf_append(&out, "", 0);
    tensor_require(
        !tensor_read(&back, out.data, out.len, &pos, "data", &tensor_limits, policy, &error));
    tensor_require(pos == out.len && back.rank == t->rank && back.count == t->count);
    tensor_require(memcmp(back.shape, t->shape, sizeof back.shape) == 0 && same_values(t, &back));
    tensor_fini(&back);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum non_finite policy = size && data[0] % 2 ? NON_FINITE_TOKEN : NON_FINITE_STRICT;
    size_t len = size ? size - 1 : 0, pos = 0;
    char *text = malloc(len + 1); /* exactly as long as what the caller promises */
    struct error error = {0};
    struct tensor t;

    tensor_require(text != NULL);
    if (len)
        memcpy(text, data + 1, len);
    text[len] = '\0';
    enum error_id id = tensor_read(&t, text, len, &pos, "data", &tensor_limits, policy, &error);
    tensor_require(pos <= len);
    if (id)
        tensor_require(id == error.id && error.detail[0] && !t.data && !t.count);
    else
        check_tensor(&t, policy);
    tensor_fini(&t);
    free(text);
    return 0;
}
