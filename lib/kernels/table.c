/* kernels/table.c - the kernels of one instruction set as a table; data only, no code. */
#include "kernels/kernels.h"

#define STRING_(a) #a
#define STRING(a)  STRING_(a)

#define ROW_LINES(id, smooth)                                             \
    {                                                                     \
        AXON_KERNEL(forward, id), AXON_KERNEL(gradient, id), NULL, smooth \
    }
#define ROW_ROWWISE(id) ROW_LINES(id, 0)
#define ROW_GATED(id)   ROW_LINES(id, 1)
#define ROW_ELEMENTWISE(id, smooth)                                                            \
    {                                                                                          \
        AXON_KERNEL(forward, id), AXON_KERNEL(gradient, id), AXON_KERNEL(epilogue, id), smooth \
    }
#define ROW_PIECEWISE(id)   ROW_ELEMENTWISE(id, 0)
#define ROW_CHANNELWISE(id) ROW_ELEMENTWISE(id, 0)
#define ROW_SMOOTH(id)      ROW_ELEMENTWISE(id, 1)

const struct axon_kernels AXON_KERNEL(kernels, table) = {
    .isa = STRING(AXON_ISA),
#if defined(__AVX512F__)
    .narrow = &axon__kernels_table_avx2,
#else
    .narrow = &AXON_KERNEL(kernels, table),
#endif
    .dense = AXON_KERNEL(dense, product),
    .affine = AXON_KERNEL(dense, affine),
    .losses =
        {
#define LOSS(id, ...) [AXON_LOSS_ID_##id] = AXON_KERNEL(loss, id),
#include "loss.def"
#undef LOSS
        },
    .rows =
        {
#define ACT(id, KIND, ...) [AXON_ID_##id] = ROW_##KIND(id),
#include "activation.def"
#undef ACT
        },
};
