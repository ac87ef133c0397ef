/* mlp_predict.c - walks the rows in blocks that stay in the cache, layer by layer.
 *
 * Knows the kernels and mlp_internal.h. Invariant: what a row gets depends on that row and the
 * model only. dense() promises it of the products, the kernels of the activations; how rows are
 * cut into blocks, and layers into steps, moves no bit. */
#include <stdbool.h>
#include <string.h>
#include "axon/mlp.h"
#include "kernels/dispatch.h"
#include "mlp_block.h"

enum {
    /* Floats of a layer's output that stay in the L1 cache until they are activated: 16 KB; of its
     * input that stay in the L2 cache while one panel after the other is multiplied: 512 KB. */
    OUTPUT_FLOATS = 4096,
    INPUT_FLOATS = 1 << 17,
    STEP_LONG = 4 * AXON_PANEL,
};

size_t axon_mlp_scratch_bytes(const struct axon_mlp *mlp)
{
    return 2 * (size_t)AXON__BLOCK_ROWS * mlp->width * sizeof(float);
}

/* Units first ... first + units - 1 of z: bias and elementwise activation, in place. */
static void activate(const struct axon_kernels *kernels, const struct axon__layer *layer,
                     struct block z, size_t first, size_t units, struct runs *runs)
{
    struct axon_epilogue e = {.z = z.data + first,
                              .rows = z.rows,
                              .units = units,
                              .z_stride = z.stride,
                              .params_stride = layer->stride,
                              .bias = layer->bias + first,
                              .params = layer->params + first};

    if (axon__is_counted(layer, runs) && layer->watch.full)
        axon__activate_counted(kernels, layer, e, first, runs);
    else
        kernels->rows[layer->id].epilogue(&e);
}

/* The product itself can apply relu and identity at no cost. */
static enum axon_finish finish_of(const struct axon__layer *layer, const struct runs *runs)
{
    if (layer->kind != AXON_ELEMENTWISE)
        return AXON_FINISH_IDENTITY;
    if (layer->id == AXON_ID_relu)
        return AXON_FINISH_RELU;
    return layer->id == AXON_ID_identity && !axon__is_counted(layer, runs) ? AXON_FINISH_IDENTITY
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
                    const float *x, size_t x_stride, struct block z, struct runs *runs)
{
    size_t step = step_of(layer, z.rows);
    bool counted = layer->kind == AXON_ELEMENTWISE && axon__is_counted(layer, runs);

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
                               .finish = finish_of(layer, runs)};

        kernels->dense(&d);
        if (counted && layer->watch.slope == AXON__SLOPE_SAMPLED)
            axon__sample(kernels, layer, z, first, d.units, runs);
        if (d.finish == AXON_FINISH_NONE)
            activate(kernels, layer, z, first, d.units, runs);
        if (counted && !layer->watch.full)
            axon__count_outputs(kernels, layer, z, first, d.units, runs);
    }
}

/* A rowwise activation, in place, of a block of which each row is a call of its own. */
static void activate_rows(const struct axon_kernels *kernels, const struct axon__layer *layer,
                          struct block z)
{
    struct axon_axis axis = {1, layer->units, 1};

    for (size_t r = 0; r < z.rows; r++)
        kernels->rows[layer->id].forward(z.data + r * z.stride, z.data + r * z.stride, axis,
                                         layer->params, layer->params_count);
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
        kernels->rows[last->id].forward(y, y, axis, last->params, last->params_count);
}

void axon__predict_block(const struct work *w, struct runs *runs)
{
    const struct axon_mlp *mlp = w->mlp;
    float *buffers[2] = {w->scratch, w->scratch + AXON__BLOCK_ROWS * mlp->width};
    const struct axon__layer *last = &mlp->layers[mlp->layers_count - 1];
    struct block z = {.rows = w->rows};
    const float *x = w->x;
    size_t x_stride = mlp->features;

    if (mlp->scale) {
        w->kernels->affine(x, mlp->scale, mlp->offset, buffers[1], w->rows, mlp->features);
        x = buffers[1];
    }
    for (const struct axon__layer *layer = mlp->layers; layer <= last; layer++) {
        z.data = buffers[(layer - mlp->layers) % 2];
        z.stride = axon__pitch(layer->stride);
        if (layer == last && last->stride == last->units) { /* no padding: y itself will do */
            z.data = w->y;
            z.stride = last->units;
        }
        product(w->kernels, layer, x, x_stride, z, runs);
        if (layer == last)
            break;
        if (layer->kind == AXON_ROWWISE) {
            activate_rows(w->kernels, layer, z);
            if (axon__is_counted(layer, runs))
                axon__count_rowwise(w->kernels, layer, z, runs);
        }
        if (runs->bad)
            axon__look_at(w->kernels, runs, (size_t)(layer - mlp->layers), z, layer->units);
        x = z.data;
        x_stride = z.stride;
    }
    output(w->kernels, last, z, w->y);
    if (runs->bad)
        axon__look_at(w->kernels, runs, mlp->layers_count - 1,
                      (struct block){w->y, w->rows, mlp->outputs}, mlp->outputs);
}

/* ---- the way in ------------------------------------------------------------------------------ */

/* Where a list of rows has been cut into blocks up to. */
struct cut {
    const struct axon_watched *at;
    size_t taken; /* rows of it */
};

static void append(struct runs *into, struct run run)
{
    if (run.rows > 0)
        into->run[into->count++] = run;
}

/* Where the watch keeps so few rows, or NULL: they are to be counted. */
static float *place_of(struct axon_watch *watch, size_t rows)
{
    bool keeps = rows + watch->kept <= axon__kept_max(&watch->shape) && watch->every == 1 &&
                 watch->figures.rows + watch->skipped == 0;

    return keeps ? axon__watch_kept(watch) + watch->kept * watch->shape.moments : NULL;
}

/* Rows of one watch: all of them, or one in `every`. */
static void append_watched(struct runs *into, size_t rows, struct axon_watch *watch)
{
    float *kept = place_of(watch, rows);
    uint64_t before, some;

    if (!kept)
        axon__watch_settle(watch);
    before = watch->figures.rows;
    if (watch->every == 1) {
        append(into, (struct run){rows, watch, kept, watch->row, before});
        watch->row += rows;
        return;
    }
    for (; rows > 0; rows -= some, watch->wait -= some) {
        if (watch->wait == 0) {
            append(into, (struct run){1, watch, NULL, watch->row++, before++});
            watch->wait = watch->every - 1;
            rows--;
        }
        some = rows < watch->wait ? rows : watch->wait;
        append(into, (struct run){.rows = some, .row = watch->row});
        watch->row += some;
    }
}

/* The next `rows` of the list. */
static void cut(struct cut *from, size_t rows, struct runs *into)
{
    for (; rows > 0; from->at++, from->taken = 0) {
        // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): the list has all rows
        size_t left = from->at->rows - from->taken, some = left < rows ? left : rows;

        if (from->at->watch)
            append_watched(into, some, from->at->watch);
        else
            append(into, (struct run){.rows = some});
        rows -= some;
        from->taken += some;
        if (from->taken < from->at->rows)
            break;
    }
}

void axon_mlp_predict_watched(const struct axon_mlp *mlp, const float *x, float *y, void *scratch,
                              const struct axon_watched *list, size_t count)
{
    struct cut from = {list, 0};
    struct work w = {.mlp = mlp, .kernels = axon__kernels(), .x = x, .y = y, .scratch = scratch};
    size_t rows = 0, watches = 0;
    struct runs runs;

    for (size_t i = 0; i < count; i++) {
        rows += list[i].rows;
        watches += list[i].watch != NULL;
    }
    for (size_t left = (rows + AXON__BLOCK_ROWS - 1) / AXON__BLOCK_ROWS; left > 0; left--) {
        w.rows = (rows + left - 1) / left; /* all but equal blocks */
        runs.count = 0;
        runs.bad = NULL;
        if (watches > 0) {
            cut(&from, w.rows, &runs);
            axon__watch_block(&w, &runs);
        } else {
            axon__predict_block(&w, &runs);
        }
        w.x += w.rows * mlp->features;
        w.y += w.rows * mlp->outputs;
        rows -= w.rows;
    }
}

void axon_mlp_predict(const struct axon_mlp *mlp, const float *x, size_t rows, float *y,
                      void *scratch, struct axon_watch *watch)
{
    axon_mlp_predict_watched(mlp, x, y, scratch, &(struct axon_watched){rows, watch}, 1);
}
