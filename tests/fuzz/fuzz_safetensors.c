/* fuzz_safetensors.c - libFuzzer entry: any bytes as a weights file are tensors that lie where they
 * are held, or an error with a message. */
#include "weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return weights_fuzz(safetensors_read, data, size);
}
