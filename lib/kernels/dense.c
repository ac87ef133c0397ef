/* kernels/dense.c - what a dense layer does besides its activation: scale and offset of the input.
 */
#include "kernels/kernels.h"
#include "kernels/vec.h"

void AXON_KERNEL(dense, affine)(const float *x, const float *scale, const float *offset, float *y,
                                size_t rows, size_t n)
{
    for (size_t row = 0; row < rows; row++, x += n, y += n) {
        size_t i = 0;

        for (; i + VF_LANES <= n; i += VF_LANES)
            vf_store(y + i, vf_fma(vf_load(x + i), vf_load(scale + i), vf_load(offset + i)));
        if (i < n)
            vf_store_part(y + i,
                          vf_fma(vf_load_part(x + i, n - i, 0.0f),
                                 vf_load_part(scale + i, n - i, 0.0f),
                                 vf_load_part(offset + i, n - i, 0.0f)),
                          n - i);
    }
}
