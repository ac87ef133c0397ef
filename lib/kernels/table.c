/* kernels/table.c - the kernels of one instruction set as a table; data only, no code. */
#include "kernels/kernels.h"

#define STRING_(a) #a
#define STRING(a)  STRING_(a)

#define ROW_ROWWISE(id)                                           \
    {                                                             \
        AXON_KERNEL(forward, id), AXON_KERNEL(gradient, id), NULL \
    }
#define ROW_GATED(id) ROW_ROWWISE(id)
#define ROW_PIECEWISE(id)                                                              \
    {                                                                                  \
        AXON_KERNEL(forward, id), AXON_KERNEL(gradient, id), AXON_KERNEL(epilogue, id) \
    }
#define ROW_CHANNELWISE(id) ROW_PIECEWISE(id)
#define ROW_SMOOTH(id)      ROW_PIECEWISE(id)

const struct axon_kernels AXON_KERNEL(kernels, table) = {
    .isa = STRING(AXON_ISA),
    .dense = AXON_KERNEL(dense, product),
    .affine = AXON_KERNEL(dense, affine),
    .columns = AXON_KERNEL(count, columns),
    .outside = AXON_KERNEL(count, outside),
    .keep = AXON_KERNEL(count, keep),
    .finite = AXON_KERNEL(count, finite),
    .join = AXON_KERNEL(count, join),
    .confidence = AXON_KERNEL(rows, confidence),
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
