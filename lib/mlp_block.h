/* mlp_block.h - a block of rows on its way through the layers, shared by mlp_predict.c, which
 * computes it, and mlp_count.c, which counts what its units do. Internal to lib/. */
#ifndef AXON_MLP_BLOCK_H
#define AXON_MLP_BLOCK_H

#include "mlp_internal.h"
#include "watch_internal.h"

enum {
    /* The weights come from memory once per block, so wide layers want long blocks; up to 512 units
     * two blocks of activations fit a 2 MB L2. */
    AXON__BLOCK_ROWS = 256,
};

/* A block of rows at one place of its way through the layers: [rows, units or features]. */
struct block {
    float *data;
    size_t rows, stride; /* floats from row to row */
};

/* Rows of a block, one after the other, that one watch counts; NULL: nobody counts them. */
struct run {
    size_t rows;
    struct axon_watch *watch;
    float *kept;  /* [rows, moments] of the watch, where they are kept and not counted; or NULL */
    uint64_t row; /* the first one's index in its request */
    uint64_t before; /* rows that the watch has counted until then */
};

/* A block's rows as runs. A block that nobody watches has none. */
struct runs {
    size_t count;
    bool finite; /* false: a sum of what was counted is not */
    bool *bad;   /* [rows], or NULL; else nothing is counted, but rows are looked at: who is bad */
    struct run run[AXON__BLOCK_ROWS];
};

static inline bool axon__is_counted(const struct axon__layer *layer, const struct runs *runs)
{
    return layer->watch.on && runs->count > 0 && !runs->bad;
}

/* The operands of a block. */
struct work {
    const struct axon_mlp *mlp;
    const struct axon_kernels *kernels;
    const float *x; /* [rows, features] */
    float *y;       /* [rows, outputs]  */
    size_t rows;
    float *scratch;
};

/* y of the block; its watches, but for the input, count. */
void axon__predict_block(const struct work *w, struct runs *runs);

/* z [rows, units] of a layer's units from `first` on, before bias and activation: |f'| of rows that
 * are sampled. */
void axon__sample(const struct axon_kernels *kernels, const struct axon__layer *layer,
                  struct block z, size_t first, size_t units, const struct runs *runs);

/* Bias and activation of a layer that is watched in full, in place, and what the watches count of
 * it; e is prepared but for rows and tally. */
void axon__activate_counted(const struct axon_kernels *kernels, const struct axon__layer *layer,
                            struct axon_epilogue e, size_t first, struct runs *runs);

/* Outputs [rows, units], a layer's units from `first` on, that tell all: they are counted or kept.
 */
void axon__count_outputs(const struct axon_kernels *kernels, const struct axon__layer *layer,
                         struct block z, size_t first, size_t units, struct runs *runs);

/* A rowwise layer's outputs are counted. */
void axon__count_rowwise(const struct axon_kernels *kernels, const struct axon__layer *layer,
                         struct block z, struct runs *runs);

/* A layer's outputs, z [rows, units], for numbers that are not finite: runs->bad. */
void axon__look_at(const struct axon_kernels *kernels, const struct runs *runs, size_t layer,
                   struct block z, size_t units);

/* The block as its runs' watches want it: computed once, or three times if something in it is not
 * finite. */
void axon__watch_block(const struct work *w, struct runs *runs);

#endif
