/* fuzz_npz.c - libFuzzer entry: any bytes as an archive of arrays are tensors that lie where they
 * are held, or an error with a message. */
#include "weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return weights_fuzz(npz_read, data, size);
}
