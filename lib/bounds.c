/* bounds.c - a network's intervals, layer by layer: products in double, widened by what float32
 * may lose; image.c has the activations.
 *
 * Knows the packed layout (mlp_internal.h). Invariant: from the first layer on that may overflow,
 * everything is unknown. */
#include "axon/bounds.h"
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include "mlp_internal.h"

struct layer {
    struct axon_interval *before, *after; /* [units] */
    unsigned char *proof;                 /* [units] enum axon_proof */
};

struct axon_bounds {
    size_t layers_count;
    struct axon_interval *input; /* [features], as the first layer sees it; owned, with the rest */
    struct layer layers[];
};

static const struct axon_interval unknown = {-INFINITY, INFINITY};

/* ---- the input ------------------------------------------------------------------------------- */

/* x * scale + offset, with one rounding or two: either way it is monotone in x. */
static struct axon_interval affine(struct axon_interval x, float scale, float offset)
{
    float ends[] = {fmaf(x.low, scale, offset), x.low * scale + offset, fmaf(x.high, scale, offset),
                    x.high * scale + offset};
    struct axon_interval y = {INFINITY, -INFINITY};

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        y.low = fminf(y.low, ends[i]);
        y.high = fmaxf(y.high, ends[i]);
    }
    return y;
}

static enum axon_status input_init(struct axon_interval *input, const struct axon_mlp *mlp,
                                   const float *low, const float *high)
{
    for (size_t f = 0; f < mlp->features; f++) {
        if (!(isfinite(low[f]) && isfinite(high[f]) && low[f] <= high[f]))
            return AXON_EPARAM;
        input[f] = (struct axon_interval){low[f], high[f]};
        if (mlp->scale)
            input[f] = affine(input[f], mlp->scale[f], mlp->offset[f]);
    }
    return AXON_OK;
}

/* ---- a product ------------------------------------------------------------------------------- */

/* Sums over the features, per unit of a panel. */
struct sums {
    double low[AXON_PANEL], high[AXON_PANEL];   /* of the terms' ends */
    double size[AXON_PANEL];                    /* of the largest |term| */
    double least[AXON_PANEL], most[AXON_PANEL]; /* end of all terms and the bias, for the sign */
};

static void panel_sum(const struct axon__layer *layer, size_t first, const struct axon_interval *x,
                      struct sums *s)
{
    size_t width = axon__panel_width(layer, first);
    const float *weight = axon__panel(layer, first);

    for (size_t u = 0; u < width; u++) {
        double bias = (double)layer->bias[first + u];

        s->low[u] = s->high[u] = s->least[u] = s->most[u] = bias;
        s->size[u] = fabs(bias);
    }
    for (size_t f = 0; f < layer->features; f++, weight += width)
        for (size_t u = 0; u < width; u++) {
            double a = (double)weight[u] * (double)x[f].low;
            double b = (double)weight[u] * (double)x[f].high;
            double low = a < b ? a : b, high = a < b ? b : a;
            double size = high > -low ? high : -low;

            s->low[u] += low;
            s->high[u] += high;
            s->size[u] += size;
            s->least[u] = low < s->least[u] ? low : s->least[u];
            s->most[u] = high > s->most[u] ? high : s->most[u];
        }
}

static float outward(double x, bool up)
{
    float f = (float)(up ? x : -x);

    if ((double)f < (up ? x : -x))
        f = nextafterf(f, INFINITY);
    return up ? f : -f;
}

/* A unit of it. The product errs by (min(n, 128) + n / 128 + 1) 2^-24 of the terms' sizes (axon/
 * mlp.h), the bias adds a rounding, a product below the normal numbers half of the smallest one; a
 * thousandth more covers the higher orders and these sums of doubles. Terms and a bias of one sign
 * have a sum of that sign, however it is rounded. False: it may overflow. */
static bool unit_bound(const struct sums *s, size_t u, size_t features, struct axon_interval *z)
{
    size_t terms = (features < 128 ? features : 128) + features / 128 + 2;
    double lost = 1.001 * 0x1p-24 * (double)terms * s->size[u] + 0x1p-149 * (double)features;
    double low = s->low[u] - lost, high = s->high[u] + lost;

    *z = unknown;
    if (!(s->size[u] + lost < 0.99 * (double)FLT_MAX)) /* NaN is not */
        return false;
    *z = (struct axon_interval){outward(s->least[u] >= 0 ? fmax(low, 0) : low, false),
                                outward(s->most[u] <= 0 ? fmin(high, 0) : high, true)};
    return true;
}

static bool product(const struct axon__layer *layer, const struct axon_interval *x,
                    struct axon_interval *z)
{
    bool bounded = true;
    struct sums s = {0};

    for (size_t first = 0; first < layer->units; first += AXON_PANEL) {
        panel_sum(layer, first, x, &s);
        for (size_t u = 0; u < axon__panel_units(layer, first); u++)
            bounded &= unit_bound(&s, u, layer->features, &z[first + u]);
    }
    return bounded;
}

/* ---- a layer --------------------------------------------------------------------------------- */

/* The parameters of a unit as axon_activation_check() wants them, into params [MAX]. */
static const float *params_of(const struct axon__layer *layer, size_t unit, float *params)
{
    for (size_t k = 0; k < layer->params_count; k++)
        params[k] = layer->kind == AXON_ROWWISE ? layer->params[k]
                                                : layer->params[k * layer->stride + unit];
    return layer->params_count > 0 ? params : NULL;
}

static enum axon_proof prove(const struct axon_activation *act, const float *params,
                             size_t params_count, struct axon_interval y)
{
    if (!axon_activation_has_zeros(act, params, params_count))
        return AXON_PROOF_NONE;
    if (y.low == 0.0f && y.high == 0.0f)
        return AXON_PROOF_DEAD;
    return y.low > 0.0f || y.high < 0.0f ? AXON_PROOF_LINEAR : AXON_PROOF_NONE;
}

static void activate(const struct axon__layer *layer, struct layer *l)
{
    const struct axon_activation *act = axon__layer_activation(layer);
    float own[AXON_PARAMETERS_MAX];

    if (act->kind == AXON_ROWWISE)
        axon_activation_image(act, params_of(layer, 0, own), layer->params_count, l->before,
                              l->after, layer->units);
    for (size_t u = 0; u < layer->units && act->kind == AXON_ELEMENTWISE; u++) {
        const float *params = params_of(layer, u, own);

        axon_activation_image(act, params, layer->params_count, &l->before[u], &l->after[u], 1);
        l->proof[u] = (unsigned char)prove(act, params, layer->params_count, l->after[u]);
    }
}

static void unknown_fill(const struct axon__layer *layer, struct layer *l)
{
    for (size_t u = 0; u < layer->units; u++) {
        l->before[u] = l->after[u] = unknown;
        l->proof[u] = AXON_PROOF_NONE;
    }
}

static void layers_bound(struct axon_bounds *b, const struct axon_mlp *mlp)
{
    const struct axon_interval *x = b->input;
    bool bounded = true;

    for (size_t i = 0; i < mlp->layers_count; i++) {
        const struct axon__layer *layer = &mlp->layers[i];
        struct layer *l = &b->layers[i];

        bounded = bounded && product(layer, x, l->before);
        if (bounded)
            activate(layer, l);
        else
            unknown_fill(layer, l);
        x = l->after;
    }
}

/* ---- create ---------------------------------------------------------------------------------- */

static struct axon_bounds *allocate(const struct axon_mlp *mlp)
{
    struct axon_bounds *b = calloc(1, sizeof *b + mlp->layers_count * sizeof *b->layers);
    size_t units = 0;

    if (!b)
        return NULL;
    b->layers_count = mlp->layers_count;
    for (size_t i = 0; i < mlp->layers_count; i++)
        units += mlp->layers[i].units;
    b->input = calloc(mlp->features + 2 * units, sizeof *b->input);
    b->layers[0].proof = calloc(units, sizeof *b->layers[0].proof);
    if (!b->input || !b->layers[0].proof) {
        axon_bounds_destroy(b);
        return NULL;
    }
    for (size_t i = 0, at = 0; i < mlp->layers_count; at += mlp->layers[i++].units)
        b->layers[i] = (struct layer){.before = b->input + mlp->features + at,
                                      .after = b->input + mlp->features + units + at,
                                      .proof = b->layers[0].proof + at};
    return b;
}

enum axon_status axon_bounds_create(const struct axon_mlp *mlp, const float *low, const float *high,
                                    struct axon_bounds **out)
{
    struct axon_bounds *b = allocate(mlp);
    enum axon_status status = b ? input_init(b->input, mlp, low, high) : AXON_ENOMEM;

    *out = NULL;
    if (status == AXON_OK) {
        layers_bound(b, mlp);
        *out = b;
        return AXON_OK;
    }
    axon_bounds_destroy(b);
    return status;
}

void axon_bounds_destroy(struct axon_bounds *bounds)
{
    if (!bounds)
        return;
    free(bounds->layers[0].proof);
    free(bounds->input);
    free(bounds);
}

const struct axon_interval *axon_bounds_before(const struct axon_bounds *bounds, size_t layer)
{
    return bounds->layers[layer].before;
}

const struct axon_interval *axon_bounds_after(const struct axon_bounds *bounds, size_t layer)
{
    return bounds->layers[layer].after;
}

enum axon_proof axon_bounds_proof(const struct axon_bounds *bounds, size_t layer, size_t unit)
{
    return (enum axon_proof)bounds->layers[layer].proof[unit];
}
