/* loss_internal.h - what loss.c asks of loss_registry.c and loss_check.c; internal to lib/. */
#ifndef AXON_LOSS_INTERNAL_H
#define AXON_LOSS_INTERNAL_H

#include "axon/loss.h"
#include "kernels/kernels.h"

/* Its row in the registry and in every table of kernels: an enum axon_loss_id. */
size_t axon__loss_id(const struct axon_loss *loss);

/* The label that does not count; -1, which is no label, for a loss without ignore_index. */
int32_t axon__loss_ignore(const struct axon_loss *loss, const struct axon_loss_options *options);

/* May the result's arrays be written? The batch and its options have been checked. */
enum axon_status axon__loss_check_result(const struct axon_loss *loss,
                                         const struct axon_loss_batch *batch,
                                         const struct axon_loss_options *options,
                                         const struct axon_loss_result *result);

#endif
