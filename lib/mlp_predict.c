/* mlp_predict.c - walks the rows in blocks that stay in the cache, layer by layer. */
#include <string.h>
#include "axon/mlp.h"
#include "gemm.h"
#include "kernels/dispatch.h"
#include "mlp_internal.h"

enum {
    /* A product packs its rows anew for each panel, so wide layers want long blocks; up to 512
     * units two blocks of activations fit a 2 MB L2. */
    BLOCK_ROWS = 256,
};

size_t axon_mlp_scratch_bytes(const struct axon_mlp *mlp)
{
    return 2 * (size_t)BLOCK_ROWS * mlp->width * sizeof(float);
}

/* A block of rows on its way through the layers. */
struct block {
    const float *x; /* [rows, features of the layer], ld floats from row to row */
    size_t rows, ld;
};

/* z [rows, stride]: bias and, if it is elementwise, activation, in place. */
static void activate(const struct axon_kernels *kernels, const struct axon__layer *layer, float *z,
                     size_t rows, uint32_t *tally)
{
    size_t id = layer->kind == AXON_ELEMENTWISE ? layer->id : (size_t)AXON_ID_identity;
    struct axon_epilogue e = {.z = z,
                              .rows = rows,
                              .stride = layer->stride,
                              .bias = layer->bias,
                              .params = layer->params,
                              .tally = layer->tallied && tally ? tally + layer->tally_offset
                                                               : NULL};

    kernels->rows[id].epilogue(&e);
}

/* y [rows, units] = a rowwise activation of z [rows, stride]; y has y_stride floats from row to row
 * and may be z. */
static void activate_rows(const struct axon_kernels *kernels, const struct axon__layer *layer,
                          const float *z, float *y, size_t y_stride, size_t rows)
{
    struct axon_axis axis = {1, layer->units, 1};

    for (size_t r = 0; r < rows; r++)
        kernels->rows[layer->id].forward(z + r * layer->stride, y + r * y_stride, axis,
                                         layer->params, layer->params_count);
}

/* The last layer's output [rows, stride] into y [rows, units]: softmax writes there itself. */
static void output(const struct axon_kernels *kernels, const struct axon__layer *last,
                   const float *z, float *y, size_t rows)
{
    if (last->kind == AXON_ROWWISE)
        activate_rows(kernels, last, z, y, last->units, rows);
    else if (z != y)
        for (size_t r = 0; r < rows; r++)
            memcpy(y + r * last->units, z + r * last->stride, last->units * sizeof *y);
}

static void predict_block(const struct axon_mlp *mlp, const struct axon_kernels *kernels,
                          struct block in, float *y, float *scratch, uint32_t *tally)
{
    float *buffers[2] = {scratch, scratch + BLOCK_ROWS * mlp->width};
    const struct axon__layer *last = &mlp->layers[mlp->layers_count - 1];
    int direct = last->stride == last->units; /* no padding: the last layer may write to y itself */

    if (mlp->scale) {
        kernels->affine(in.x, mlp->scale, mlp->offset, buffers[1], in.rows, mlp->features);
        in.x = buffers[1];
    }
    for (const struct axon__layer *layer = mlp->layers; layer <= last; layer++) {
        float *z = layer == last && direct ? y : buffers[(layer - mlp->layers) % 2];

        for (size_t u = 0; u < layer->stride; u += AXON_PANEL)
            axon__gemm(AXON_PLAIN, AXON_PLAIN, in.rows, axon__panel_width(layer, u),
                       layer->features, in.x, in.ld, axon__panel(layer, u),
                       axon__panel_width(layer, u), 0.0f, z + u, layer->stride);
        activate(kernels, layer, z, in.rows, tally);
        if (layer->kind == AXON_ROWWISE && layer != last)
            activate_rows(kernels, layer, z, z, layer->stride, in.rows);
        in.x = z;
        in.ld = layer->stride;
    }
    output(kernels, last, in.x, y, in.rows);
}

/* What NaN inputs made the padding columns count. */
static void clear_padding(const struct axon_mlp *mlp, uint32_t *tally)
{
    for (size_t i = 0; i < mlp->layers_count; i++) {
        const struct axon__layer *layer = &mlp->layers[i];

        memset(tally + layer->tally_offset + layer->units, 0,
               (layer->stride - layer->units) * sizeof *tally);
    }
}

void axon_mlp_predict(const struct axon_mlp *mlp, const float *x, size_t rows, float *y,
                      void *scratch, uint32_t *tally)
{
    const struct axon_kernels *kernels = axon__kernels();
    size_t blocks = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS;

    for (size_t left = blocks; left > 0; left--) {
        struct block in = {x, (rows + left - 1) / left, mlp->features}; /* all but equal blocks */

        predict_block(mlp, kernels, in, y, scratch, tally);
        x += in.rows * mlp->features;
        y += in.rows * mlp->outputs;
        rows -= in.rows;
    }
    if (tally)
        clear_padding(mlp, tally);
}
