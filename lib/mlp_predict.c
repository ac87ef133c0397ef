/* mlp_predict.c - walks the rows in blocks that stay in the cache, layer by layer.
 *
 * Knows the kernels and mlp_internal.h. Invariant: what a row gets depends on that row and the
 * model only. dense() promises it of the products, the activations of theirs; how rows are cut
 * into blocks, and layers into steps, moves no bit. */
#include <string.h>
#include "axon/mlp.h"
#include "kernels/dispatch.h"
#include "mlp_internal.h"

enum {
    /* The weights come from memory once per block, so wide layers want long blocks; up to 512 units
     * two blocks of activations fit a 2 MB L2. */
    BLOCK_ROWS = 256,
    /* Floats of a layer's output that stay in the L1 cache until they are activated: 16 KB; of its
     * input that stay in the L2 cache while one panel after the other is multiplied: 512 KB. */
    OUTPUT_FLOATS = 4096,
    INPUT_FLOATS = 1 << 17,
    STEP_LONG = 4 * AXON_PANEL,
};

size_t axon_mlp_scratch_bytes(const struct axon_mlp *mlp)
{
    return 2 * (size_t)BLOCK_ROWS * mlp->width * sizeof(float);
}

/* A block of rows at one place of its way through the layers: [rows, units or features]. */
struct block {
    float *data;
    size_t rows, stride; /* floats from row to row */
};

/* Units first ... first + units - 1 of z: bias and elementwise activation, in place. */
static void activate(const struct axon_kernels *kernels, const struct axon__layer *layer,
                     struct block z, size_t first, size_t units, uint32_t *tally)
{
    struct axon_epilogue e = {.z = z.data + first,
                              .rows = z.rows,
                              .units = units,
                              .z_stride = z.stride,
                              .params_stride = layer->stride,
                              .bias = layer->bias + first,
                              .params = layer->params + first};

    if (layer->tallied && tally)
        e.tally = tally + layer->tally_offset + first;
    axon__activation(kernels, layer)->epilogue(&e);
}

/* What the product itself can do of activate(), at no cost: relu and the lack of any, uncounted. */
static enum axon_finish finish_of(const struct axon__layer *layer, const uint32_t *tally)
{
    if (layer->kind != AXON_ELEMENTWISE || layer->id == AXON_ID_identity)
        return AXON_FINISH_IDENTITY;
    return layer->id == AXON_ID_relu && !(layer->tallied && tally) ? AXON_FINISH_RELU
                                                                   : AXON_FINISH_NONE;
}

/* How many units are multiplied before they are activated. */
static size_t step_of(const struct axon__layer *layer, size_t rows)
{
    if (rows * layer->stride <= OUTPUT_FLOATS)
        return layer->stride;
    return rows * layer->features <= INPUT_FLOATS ? AXON_PANEL : STEP_LONG;
}

/* z [rows, layer->stride] = the layer's product with x, bias and elementwise activation. */
static void product(const struct axon_kernels *kernels, const struct axon__layer *layer,
                    const float *x, size_t x_stride, struct block z, uint32_t *tally)
{
    size_t step = step_of(layer, z.rows);

    for (size_t first = 0; first < layer->stride; first += step) {
        size_t left = layer->stride - first;
        struct axon_dense d = {.x = x,
                               .weight = axon__panel(layer, first),
                               .z = z.data + first,
                               .rows = z.rows,
                               .features = layer->features,
                               .units = left < step ? left : step,
                               .x_stride = x_stride,
                               .z_stride = z.stride,
                               .bias = layer->bias + first,
                               .finish = finish_of(layer, tally)};

        kernels->dense(&d);
        if (d.finish == AXON_FINISH_NONE)
            activate(kernels, layer, z, first, d.units, tally);
    }
}

/* A rowwise activation, in place, of a block of which each row is a call of its own. */
static void activate_rows(const struct axon_kernels *kernels, const struct axon__layer *layer,
                          struct block z)
{
    struct axon_axis axis = {1, layer->units, 1};

    for (size_t r = 0; r < z.rows; r++)
        axon__activation(kernels, layer)
            ->forward(z.data + r * z.stride, z.data + r * z.stride, axis, layer->params,
                      layer->params_count);
}

/* z without its padding, [rows, units], into y. A row is moved by whole slices as long as what it
 * spills of its padding is the next rows' place, which they take afterwards. */
static void compact(struct block z, size_t units, size_t stride, float *y)
{
    const float *end = y + z.rows * units;

    for (size_t r = 0; r < z.rows; r++, y += units) {
        const float *from = z.data + r * z.stride;

        if (stride > (size_t)(end - y)) {
            memcpy(y, from, units * sizeof *y);
            continue;
        }
        for (size_t u = 0; u < stride; u += AXON_UNITS_MULTIPLE)
            memcpy(y + u, from + u, AXON_UNITS_MULTIPLE * sizeof *y);
    }
}

/* The last layer's z into y [rows, units], which may be z's own data. */
static void output(const struct axon_kernels *kernels, const struct axon__layer *last,
                   struct block z, float *y)
{
    struct axon_axis axis = {z.rows, last->units, 1};

    if (z.data != y)
        compact(z, last->units, last->stride, y);
    if (last->kind == AXON_ROWWISE)
        axon__activation(kernels, last)->forward(y, y, axis, last->params, last->params_count);
}

static void predict_block(const struct axon_mlp *mlp, const struct axon_kernels *kernels,
                          const float *x, size_t rows, float *y, float *scratch, uint32_t *tally)
{
    float *buffers[2] = {scratch, scratch + BLOCK_ROWS * mlp->width};
    const struct axon__layer *last = &mlp->layers[mlp->layers_count - 1];
    struct block z = {.rows = rows};
    size_t x_stride = mlp->features;

    if (mlp->scale) {
        kernels->affine(x, mlp->scale, mlp->offset, buffers[1], rows, mlp->features);
        x = buffers[1];
    }
    for (const struct axon__layer *layer = mlp->layers; layer <= last; layer++) {
        z.data = buffers[(layer - mlp->layers) % 2];
        z.stride = axon__pitch(layer->stride);
        if (layer == last && last->stride == last->units) { /* no padding: y itself will do */
            z.data = y;
            z.stride = last->units;
        }
        product(kernels, layer, x, x_stride, z, tally);
        if (layer->kind == AXON_ROWWISE && layer != last)
            activate_rows(kernels, layer, z);
        x = z.data;
        x_stride = z.stride;
    }
    output(kernels, last, z, y);
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

static const struct axon_kernels *kernels_for(const struct axon_mlp *mlp, size_t rows)
{
    size_t work;

    if (!mlp->narrows || __builtin_mul_overflow(rows, mlp->parameters, &work))
        return axon__kernels();
    return axon__kernels_for(work);
}

void axon_mlp_predict(const struct axon_mlp *mlp, const float *x, size_t rows, float *y,
                      void *scratch, uint32_t *tally)
{
    const struct axon_kernels *kernels = kernels_for(mlp, rows);
    size_t blocks = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS;

    for (size_t left = blocks; left > 0; left--) {
        size_t some = (rows + left - 1) / left; /* all but equal blocks */

        predict_block(mlp, kernels, x, some, y, scratch, tally);
        x += some * mlp->features;
        y += some * mlp->outputs;
        rows -= some;
    }
    if (tally)
        clear_padding(mlp, tally);
}
