/* mlp_count.c - what the watches of a block count of it, and what is taken back and counted again
 * when a number is not finite.
 *
 * Knows the kernels, watches and figures. */
#include <math.h>
#include <string.h>
#include "kernels/dispatch.h"
#include "mlp_block.h"

/* ---- |f'| of sampled rows ---- */

enum { SAMPLE_EVERY = 16 }; /* rows of a request */

/* |f'| of one row's units first ... first + units - 1, at most a panel of them; z before bias. */
static void sample_row(const struct axon_kernels *kernels, const struct axon__layer *layer,
                       const float *z, size_t first, size_t units, struct axon_watch *watch)
{
    const struct axon__layer_watch *is = &layer->watch;
    uint32_t *low = axon__counts(&watch->figures, &watch->shape) + is->counts + layer->stride;
    float pre[AXON_PANEL], slope[AXON_PANEL], params[AXON_PARAMETERS_MAX];
    double sum = 0;

    axon__unit_params(layer, first, params);
    for (size_t u = 0; u < units; u++)
        pre[u] = z[u] + layer->bias[first + u];
    kernels->rows[layer->id].gradient(pre, NULL, slope, (struct axon_axis){1, units, 1}, params,
                                      axon__layer_activation(layer)->parameters_count);
    for (size_t u = 0; u < units; u++) {
        float steep = fabsf(slope[u]);

        sum += (double)steep;
        if (steep < is->flat)
            low[first + u + (pre[u] < 0 ? 0 : layer->stride)]++;
    }
    axon__slopes(&watch->figures, &watch->shape)[is->index].sum += sum;
}

/* The rows of a run. */
static void sample_run(const struct axon_kernels *kernels, const struct axon__layer *layer,
                       const struct run *run, struct block z, size_t first, size_t units)
{
    size_t end = first + units < layer->units ? first + units : layer->units, r;

    for (r = (0 - run->row) % SAMPLE_EVERY; r < run->rows; r += SAMPLE_EVERY)
        for (size_t u = first; u < end; u += AXON_PANEL)
            sample_row(kernels, layer, z.data + r * z.stride + u, u,
                       end - u < AXON_PANEL ? end - u : (size_t)AXON_PANEL, run->watch);
}

void axon__sample(const struct axon_kernels *kernels, const struct axon__layer *layer,
                  struct block z, size_t first, size_t units, const struct runs *runs)
{
    for (const struct run *run = runs->run; run < runs->run + runs->count; run++) {
        if (run->watch)
            sample_run(kernels, layer, run, z, first, units);
        z.data += run->rows * z.stride;
    }
}

/* ---- outputs ---- */

void axon__activate_counted(const struct axon_kernels *kernels, const struct axon__layer *layer,
                            struct axon_epilogue e, size_t first, struct runs *runs)
{
    for (const struct run *run = runs->run; run < runs->run + runs->count; run++) {
        struct axon_tally tally;

        e.rows = run->rows;
        e.tally = NULL;
        if (run->watch) {
            tally = axon__watch_tally(run->watch, layer, first, run->before);
            e.tally = &tally;
        }
        kernels->rows[layer->id].epilogue(&e);
        if (run->watch)
            runs->finite &= tally.finite;
        e.z += run->rows * e.z_stride;
    }
}

/* Those of a run. False: a sum is not finite. */
static bool count_run(const struct axon_kernels *kernels, const struct axon__layer *layer,
                      const struct run *run, struct block z, size_t first, size_t units)
{
    struct axon_tally to = axon__watch_tally(run->watch, layer, first, run->before);
    struct axon_columns c = {.x = z.data + first,
                             .rows = run->rows,
                             .n = units,
                             .stride = z.stride,
                             .before = run->before,
                             .mean = to.mean,
                             .squares = to.squares,
                             .fired = to.fired};

    return kernels->columns(&c);
}

static bool keep_run(const struct axon_kernels *kernels, const struct axon__layer *layer,
                     const struct run *run, struct block z, size_t first, size_t units)
{
    float *to = run->kept + layer->watch.moments + first;
    bool fine = true;

    for (size_t r = 0; r < run->rows; r++)
        fine &= kernels->keep(z.data + r * z.stride + first, units,
                              to + r * run->watch->shape.moments);
    return fine;
}

void axon__count_outputs(const struct axon_kernels *kernels, const struct axon__layer *layer,
                         struct block z, size_t first, size_t units, struct runs *runs)
{
    for (const struct run *run = runs->run; run < runs->run + runs->count; run++) {
        if (run->watch)
            runs->finite &= (run->kept ? keep_run : count_run)(kernels, layer, run, z, first,
                                                               units);
        z.data += run->rows * z.stride;
    }
}

/* As those of identity, without a bias. */
void axon__count_rowwise(const struct axon_kernels *kernels, const struct axon__layer *layer,
                         struct block z, struct runs *runs)
{
    static const float zeros[AXON_PARAMETERS_MAX * AXON_PANEL];
    float bias[AXON_PANEL];

    for (size_t u = 0; u < AXON_PANEL; u++)
        bias[u] = -0.0f; /* moves no bit, not even that of -0 */
    for (const struct run *run = runs->run; run < runs->run + runs->count; run++) {
        for (size_t u = 0; run->watch && u < layer->stride; u += AXON_PANEL) {
            struct axon_tally tally = axon__watch_tally(run->watch, layer, u, run->before);
            struct axon_epilogue e = {.z = z.data + u,
                                      .rows = run->rows,
                                      .units = axon__panel_width(layer, u),
                                      .z_stride = z.stride,
                                      .params_stride = AXON_PANEL,
                                      .bias = bias,
                                      .params = zeros,
                                      .tally = &tally};

            kernels->rows[AXON_ID_identity].epilogue(&e);
            runs->finite &= tally.finite;
        }
        z.data += run->rows * z.stride;
    }
}

/* ---- rows that are not finite ---- */

static void note_not_finite(struct axon_watch *watch, size_t layer, const float *y, size_t units,
                            uint64_t row)
{
    uint64_t *count = axon__non_finite(&watch->figures, &watch->shape) + layer;

    for (size_t u = 0; u < units; u++) {
        if (isfinite(y[u]))
            continue;
        ++*count;
        if (!watch->first.known || row < watch->first.row)
            watch->first = (struct axon_not_finite){true, layer, u, row};
    }
}

void axon__look_at(const struct axon_kernels *kernels, const struct runs *runs, size_t layer,
                   struct block z, size_t units)
{
    bool *bad = runs->bad;

    for (const struct run *run = runs->run; run < runs->run + runs->count; run++)
        for (size_t r = 0; r < run->rows; r++, bad++, z.data += z.stride)
            if (run->watch && !kernels->finite(z.data, units)) {
                *bad = true;
                note_not_finite(run->watch, layer, z.data, units, run->row + r);
            }
}

/* ---- what a block's rows count -------------------------------------------------------------- */

/* The columns of a run's rows. */
static bool count_columns(const struct work *w, const struct run *run, const float *x)
{
    const struct axon__shape *shape = &w->mlp->shape;
    struct axon__figures *f = &run->watch->figures;
    struct axon_columns c = {.x = x,
                             .rows = run->rows,
                             .n = w->mlp->features,
                             .stride = w->mlp->features,
                             .before = run->before,
                             .mean = axon__mean(f),
                             .squares = axon__squares(f, shape),
                             .least = axon__least(f, shape),
                             .most = axon__most(f, shape),
                             .low = run->watch->low,
                             .high = run->watch->high};
    bool finite = w->kernels->columns(&c);

    f->out += c.out;
    f->ranged += c.low ? run->rows : 0;
    f->rows += run->rows;
    return finite;
}

static void count_sampled(const struct work *w, const struct run *run)
{
    struct axon__slopes *slopes = axon__slopes(&run->watch->figures, &w->mlp->shape);
    size_t first = (0 - run->row) % SAMPLE_EVERY;
    size_t rows = first < run->rows ? (run->rows - first - 1) / SAMPLE_EVERY + 1 : 0;

    for (size_t l = 0; l + 1 < w->mlp->layers_count; l++)
        slopes[l].rows += rows;
}

/* The inputs of a run's rows are kept. */
static bool keep_inputs(const struct work *w, const struct run *run, const float *x)
{
    bool fine = true;

    for (size_t r = 0; r < run->rows; r++)
        fine &= w->kernels->keep(x + r * w->mlp->features, w->mlp->features,
                                 run->kept + r * w->mlp->shape.moments);
    return fine;
}

/* All that the watches have of their rows; false if some of it is not finite. */
static bool count_block(const struct work *w, struct runs *runs)
{
    const float *x = w->x;
    const float *y = w->y;

    runs->finite = true;
    axon__predict_block(w, runs);
    for (const struct run *run = runs->run; run < runs->run + runs->count; run++) {
        if (run->watch)
            runs->finite &= w->kernels->finite(y, run->rows * w->mlp->outputs) &&
                            (run->kept ? keep_inputs : count_columns)(w, run, x);
        if (run->watch && w->mlp->shape.sampled > 0)
            count_sampled(w, run);
        x += run->rows * w->mlp->features;
        y += run->rows * w->mlp->outputs;
    }
    return runs->finite;
}

/* Rows that were kept count as such. */
static void count_kept(const struct work *w, const struct runs *runs)
{
    size_t features = w->mlp->features;
    const float *x = w->x;

    for (const struct run *run = runs->run; run < runs->run + runs->count; run++) {
        struct axon_watch *watch = run->watch;

        if (run->kept)
            watch->kept += run->rows;
        for (size_t r = 0; run->kept && watch->low && r < run->rows; r++) {
            watch->kept_out += w->kernels->outside(x + r * features, features, watch->low,
                                                   watch->high);
            watch->kept_ranged++;
        }
        x += run->rows * features;
    }
}

/* Before the block, and back to that. A watch that has seen nothing yet need not be copied. */
static void save(const struct runs *runs)
{
    for (const struct run *run = runs->run; run < runs->run + runs->count; run++) {
        struct axon_watch *watch = run->watch;

        if (!watch || run->kept)
            continue;
        watch->has_saved = watch->figures.rows + watch->skipped > 0;
        if (watch->has_saved)
            memcpy(axon__watch_saved(watch), &watch->figures, axon__figures_bytes(&watch->shape));
    }
}

static void restore(const struct runs *runs)
{
    for (const struct run *run = runs->run; run < runs->run + runs->count; run++) {
        struct axon_watch *watch = run->watch;

        if (!watch)
            continue;
        if (run->kept)
            axon__watch_settle(watch);
        else if (watch->has_saved)
            memcpy(&watch->figures, axon__watch_saved(watch), axon__figures_bytes(&watch->shape));
        else
            axon__figures_begin(&watch->figures, &watch->shape);
    }
}

/* The rows of the runs one by one, so that no square of a sum is too large; bad ones are nobody's.
 */
static void split(const struct runs *runs, const bool *bad, struct runs *into)
{
    *into = (struct runs){.count = 0};
    for (const struct run *run = runs->run; run < runs->run + runs->count; run++) {
        uint64_t before = run->watch ? run->watch->figures.rows : 0;

        for (size_t r = 0; r < run->rows; r++, bad++) {
            struct axon_watch *watch = *bad ? NULL : run->watch;

            if (*bad && run->watch) /* who has no watch has no bad row */
                run->watch->skipped++;
            into->run[into->count++] = (struct run){1, watch, NULL, run->row + r, before};
            before += watch != NULL;
        }
    }
}

/* Something was not finite: who, and then the others alone. */
static void count_without_bad(const struct work *w, struct runs *runs)
{
    bool bad[AXON__BLOCK_ROWS] = {false};
    struct runs good;
    size_t row = 0;

    restore(runs);
    runs->bad = bad;
    for (const struct run *run = runs->run; run < runs->run + runs->count; run++)
        for (size_t r = 0; r < run->rows; r++, row++)
            bad[row] = run->watch &&
                       !w->kernels->finite(w->x + row * w->mlp->features, w->mlp->features);
    axon__predict_block(w, runs);
    split(runs, bad, &good);
    count_block(w, &good);
}

void axon__watch_block(const struct work *w, struct runs *runs)
{
    save(runs);
    if (count_block(w, runs))
        count_kept(w, runs);
    else
        count_without_bad(w, runs);
}
