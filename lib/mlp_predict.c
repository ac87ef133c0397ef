/* mlp_predict.c - walks the rows in blocks that stay in the cache, layer by layer.
 *
 * Knows the kernels and mlp_internal.h. Invariant: what a row gets depends on that row and the
 * model only. dense() promises it of the products, the kernels of the activations; how rows are
 * cut into blocks, and layers into steps, moves no bit. */
#include <stdbool.h>
#include <string.h>
#include "axon/mlp.h"
#include "kernels/dispatch.h"
#include "mlp_internal.h"
#include "watch_internal.h"

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

/* Rows of a block, one after the other, that one watch counts; NULL: nobody counts them. */
struct run {
    size_t rows;
    struct axon_watch *watch;
};

/* A block's rows as runs. A block that nobody watches has none. */
struct runs {
    size_t count;
    struct run run[BLOCK_ROWS];
};

static bool is_counted(const struct axon__layer *layer, const struct runs *runs)
{
    return layer->watched && runs->count > 0;
}

/* Units first ... first + units - 1 of z: bias and elementwise activation, in place. */
static void activate(const struct axon_kernels *kernels, const struct axon__layer *layer,
                     struct block z, size_t first, size_t units, const struct runs *runs)
{
    const struct axon_kernel *kernel = &kernels->rows[layer->id];
    struct axon_epilogue e = {.z = z.data + first,
                              .rows = z.rows,
                              .units = units,
                              .z_stride = z.stride,
                              .params_stride = layer->stride,
                              .bias = layer->bias + first,
                              .params = layer->params + first};

    if (!is_counted(layer, runs)) {
        kernel->epilogue(&e);
        return;
    }
    for (const struct run *run = runs->run; run < runs->run + runs->count; run++) {
        e.rows = run->rows;
        e.tally = run->watch ? run->watch->fired + layer->watch_offset + first : NULL;
        kernel->epilogue(&e);
        e.z += run->rows * z.stride;
    }
}

/* The product itself can apply relu and identity at no cost, if nobody counts. */
static enum axon_finish finish_of(const struct axon__layer *layer, const struct runs *runs)
{
    if (layer->kind != AXON_ELEMENTWISE || layer->id == AXON_ID_identity)
        return AXON_FINISH_IDENTITY;
    return layer->id == AXON_ID_relu && !is_counted(layer, runs) ? AXON_FINISH_RELU
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
                    const float *x, size_t x_stride, struct block z, const struct runs *runs)
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
                               .finish = finish_of(layer, runs)};

        kernels->dense(&d);
        if (d.finish == AXON_FINISH_NONE)
            activate(kernels, layer, z, first, d.units, runs);
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

/* The operands of a block. */
struct work {
    const struct axon_mlp *mlp;
    const struct axon_kernels *kernels;
    const float *x; /* [rows, features] */
    float *y;       /* [rows, outputs]  */
    size_t rows;
    float *scratch;
};

static void predict_block(const struct work *w, const struct runs *runs)
{
    const struct axon_mlp *mlp = w->mlp;
    float *buffers[2] = {w->scratch, w->scratch + BLOCK_ROWS * mlp->width};
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
        if (layer->kind == AXON_ROWWISE && layer != last)
            activate_rows(w->kernels, layer, z);
        x = z.data;
        x_stride = z.stride;
    }
    output(w->kernels, last, z, w->y);
}

/* ---- rows that do not count ------------------------------------------------------------------ */

static bool is_finite(const float *y, size_t n)
{
    uint32_t largest = 0;

    for (size_t i = 0; i < n; i++) {
        uint32_t bits;

        memcpy(&bits, y + i, sizeof bits);
        bits &= 0x7fffffff;
        largest = bits > largest ? bits : largest;
    }
    return largest < 0x7f800000;
}

/* 0 - count, modulo 2^32: what is added to it then is taken from the count. */
static void negate(const struct runs *runs)
{
    for (const struct run *run = runs->run; run < runs->run + runs->count; run++)
        for (size_t i = 0; run->watch && i < run->watch->size; i++)
            run->watch->fired[i] = 0 - run->watch->fired[i];
}

/* Split a run by whether rows' outputs are finite: how many of its first rows are alike. */
static size_t alike(const struct work *w, size_t first, size_t rows, bool *finite)
{
    size_t outputs = w->mlp->outputs, n = 1;

    *finite = is_finite(w->y + first * outputs, outputs);
    while (n < rows && is_finite(w->y + (first + n) * outputs, outputs) == *finite)
        n++;
    return n;
}

/* The block's rows to their watches, whole runs of rows that count or do not. Rows that do
 * not count were counted when they were computed: bad lists them, among rows of nobody. */
static bool note_runs(const struct work *w, const struct runs *runs, struct runs *bad)
{
    bool any = false, finite;

    bad->count = 0;
    for (size_t first = 0, r = 0; r < runs->count; r++)
        for (size_t end = first + runs->run[r].rows, n; first < end; first += n) {
            struct axon_watch *watch = runs->run[r].watch;

            n = alike(w, first, end - first, &finite);
            bad->run[bad->count++] = (struct run){n, finite ? NULL : watch};
            any |= !finite && watch;
            if (watch && finite)
                axon__rows_note(&watch->rows, w->x + first * w->mlp->features, n, w->mlp->features);
            else if (watch)
                watch->skipped += n;
        }
    return any;
}

/* A block is computed twice at most, whichever of its rows are bad: that the same rows fire the
 * same units again is what this file promises. */
static void watch_block(const struct work *w, const struct runs *runs)
{
    struct runs bad;

    if (!note_runs(w, runs, &bad))
        return;
    negate(runs);
    predict_block(w, &bad);
    negate(runs);
}

/* ---- the way in ------------------------------------------------------------------------------ */

/* Where a list of rows has been cut into blocks up to. */
struct cut {
    const struct axon_watched *at;
    size_t taken; /* rows of it */
};

/* The next `rows` of the list. */
static void cut(struct cut *from, size_t rows, struct runs *into)
{
    for (into->count = 0; rows > 0; from->at++, from->taken = 0) {
        // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): the list has all rows
        size_t left = from->at->rows - from->taken, some = left < rows ? left : rows;

        if (some > 0)
            into->run[into->count++] = (struct run){some, from->at->watch};
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

    for (size_t i = 0; i < count; i++) {
        rows += list[i].rows;
        watches += list[i].watch != NULL;
    }
    for (size_t left = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS; left > 0; left--) {
        struct runs runs;

        w.rows = (rows + left - 1) / left; /* all but equal blocks */
        cut(&from, w.rows, &runs);
        if (watches == 0)
            runs.count = 0;
        predict_block(&w, &runs);
        watch_block(&w, &runs);
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
