/* kernels/smooth.c - forward kernels of the smooth rows. */
#include "kernels/map.h"
#include "kernels/smooth_double.h"
#include "kernels/smooth_exp.h"
#include "kernels/smooth_log.h"

#define DEFINE_PIECEWISE(id)
#define DEFINE_CHANNELWISE(id)
#define DEFINE_SMOOTH(id) DEFINE_FORWARD(id, elementwise)
#define DEFINE_ROWWISE(id)
#define DEFINE_GATED(id)
#define ACT(id, KIND, ...) DEFINE_##KIND(id)
#include "activation.def"
#undef ACT
