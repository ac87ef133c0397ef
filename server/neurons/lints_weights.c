/* lints_weights.c - lints of the numbers: variance, rows, what bounds prove. Each is a pass or two
 * over the weights; pairs of units are bounded by PAIRS_WORK_MAX. */
#include <axon/initializer.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "neurons/lints.h"

/* ---- variance -------------------------------------------------------------------------------- */

/* The variance by He, Glorot or LeCun, as the activation's row says. */
static double wanted_variance(const struct axon_layer *w, size_t features)
{
    double gain = axon_initializer_gain(w->activation, w->params, w->params_count);
    bool glorot = strncmp(w->activation->initializer, "glorot", 6) == 0;

    /* selu's gain is LeCun's 1 (torch's 3/4 is for its own formula). */
    if (strncmp(w->activation->initializer, "lecun", 5) == 0)
        gain = 1;
    return gain * gain * (glorot ? 2.0 / (double)(features + w->units) : 1.0 / (double)features);
}

static double variance(const float *weight, size_t count)
{
    double sum = 0, squares = 0;

    for (size_t i = 0; i < count; i++) {
        sum += (double)weight[i];
        squares += (double)weight[i] * (double)weight[i];
    }
    return squares / (double)count - sum / (double)count * (sum / (double)count);
}

/* Training moves weights, and the default initialisation of PyTorch is a sixth of He's: only what
 * is far off counts. Few weights have no variance to speak of. */
void lint_initial_variance(const struct advice_subject *s, struct advice_list *found)
{
    enum { WEIGHTS_MIN = 256 };
    static const double drawn_off = 4, trained_off = 100;

    for (size_t l = 0; l + 1 < s->layers_count; l++) {
        const struct axon_layer *w = &s->weights[l];
        size_t count = w->units * s->layers[l].features;
        double off = s->layers[l].drawn ? drawn_off : trained_off, ratio;

        if (w->activation->kind != AXON_ELEMENTWISE || count < WEIGHTS_MIN ||
            s->layers[l].normalized)
            continue;
        ratio = variance(w->weight, count) / wanted_variance(w, s->layers[l].features);
        if (ratio > 0 && isfinite(ratio) && (ratio > off || ratio < 1 / off))
            lint_tell(found, ADVICE_initial_variance, l, ADVICE_NOWHERE,
                      "the variance of its weights is %.3g times what %s takes (%s)", ratio,
                      w->activation->name, w->activation->initializer);
    }
}

/* ---- bounds ---------------------------------------------------------------------------------- */

/* min and max are declared, or the bounds are over what the baseline's rows happened to be. */
static bool is_declared(const struct advice_subject *s)
{
    return s->min && s->max;
}

/* Some units die in every training with relu, one in twenty or more is a mistake. */
static void tell_dead(const struct advice_subject *s, struct advice_list *found, size_t layer,
                      size_t first, size_t count)
{
    enum { FEW = 20 };
    size_t units = s->weights[layer].units;

    if (is_declared(s))
        lint_tell_as(found, ADVICE_proven_dead, count * FEW < units ? ADVICE_INFO : ADVICE_WARNING,
                     layer, first, "%zu of %zu units can never fire, the first is %zu", count,
                     units, first);
    else
        lint_tell_as(
            found, ADVICE_proven_dead, ADVICE_INFO, layer, first,
            "%zu of %zu units fire on nothing within the range of the baseline's rows, the "
            "first is %zu; declare input.min and input.max for a proof",
            count, units, first);
}

void lint_proven_dead(const struct advice_subject *s, struct advice_list *found)
{
    for (size_t l = 0; s->bounds && l + 1 < s->layers_count; l++) {
        size_t count = 0, first = 0;

        for (size_t u = s->weights[l].units; u-- > 0;)
            if (axon_bounds_proof(s->bounds, l, u) == AXON_PROOF_DEAD) {
                count++;
                first = u;
            }
        if (count > 0)
            tell_dead(s, found, l, first, count);
    }
}

void lint_linear_layer(const struct advice_subject *s, struct advice_list *found)
{
    for (size_t l = 0; s->bounds && l + 1 < s->layers_count; l++) {
        size_t count = 0;

        for (size_t u = 0; u < s->weights[l].units; u++)
            count += axon_bounds_proof(s->bounds, l, u) == AXON_PROOF_LINEAR;
        if (count == s->weights[l].units)
            lint_tell(found, ADVICE_linear_layer, l, ADVICE_NOWHERE,
                      "none of its %zu units can be 0 in the %s", count,
                      is_declared(s) ? "declared input range" : "range of the baseline's rows");
    }
}

/* ---- rows ------------------------------------------------------------------------------------ */

static bool is_level(const float *row, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (row[i] != row[0])
            return false;
    return true;
}

enum { TOLD_MAX = 10 }; /* of a layer */

/* The output of a hidden unit without weights is 0: weight decay made it dead, and nothing hangs on
 * it. */
static bool is_nothing(const struct advice_subject *s, size_t layer, size_t unit)
{
    const struct axon_layer *w = &s->weights[layer];
    bool per_channel = w->params_count > w->activation->parameters_count;
    float y = w->bias ? w->bias[unit] : 0;

    if (layer + 1 == s->layers_count || w->activation->kind != AXON_ELEMENTWISE)
        return false;
    axon_activation_forward(w->activation, &y, &y, (struct axon_axis){1, 1, 1},
                            per_channel ? w->params + unit : w->params,
                            per_channel ? 1 : w->params_count);
    return y == 0.0f;
}

void lint_zero_row(const struct advice_subject *s, struct advice_list *found)
{
    for (size_t l = 0; l < s->layers_count; l++) {
        size_t n = s->layers[l].features;

        for (size_t u = 0, told = 0; u < s->weights[l].units && told < TOLD_MAX; u++) {
            const float *row = s->weights[l].weight + u * n;

            if (row[0] != 0 || !is_level(row, n) || is_nothing(s, l, u))
                continue;
            lint_tell(found, ADVICE_zero_row, l, u, "all weights of unit %zu are 0", u);
            told++;
        }
    }
}

void lint_constant_row(const struct advice_subject *s, struct advice_list *found)
{
    enum { FEATURES_MIN = 3 }; /* two equal weights happen */

    for (size_t l = 0; l < s->layers_count; l++) {
        size_t n = s->layers[l].features;

        for (size_t u = 0, told = 0; u < s->weights[l].units && told < TOLD_MAX; u++) {
            const float *row = s->weights[l].weight + u * n;

            if (n >= FEATURES_MIN && row[0] != 0 && is_level(row, n) && ++told > 0)
                lint_tell(found, ADVICE_constant_row, l, u, "all weights of unit %zu are %.6g", u,
                          (double)row[0]);
        }
    }
}

/* Cosine above this, an angle of 0.08 degrees. */
static const double PARALLEL = 1 - 1e-6;

/* Do the rows point into the same direction, and do they still with the bias as one more weight?
 * The bias alone would say so
 * of units that decayed to almost nothing. */
static bool are_parallel(const struct axon_layer *w, size_t n, size_t a, size_t b)
{
    const float *x = w->weight + a * n, *y = w->weight + b * n;
    double p = w->bias ? (double)w->bias[a] : 0, q = w->bias ? (double)w->bias[b] : 0;
    double xy = 0, xx = 0, yy = 0;

    for (size_t i = 0; i < n; i++) {
        xy += (double)x[i] * (double)y[i];
        xx += (double)x[i] * (double)x[i];
        yy += (double)y[i] * (double)y[i];
    }
    return xx > 0 && yy > 0 && xy >= PARALLEL * sqrt(xx) * sqrt(yy) &&
           xy + p * q >= PARALLEL * sqrt(xx + p * p) * sqrt(yy + q * q);
}

/* Units that are compared, each with each: all of a usual layer, the first of a huge one. */
static size_t compared(size_t units, size_t features)
{
    static const double PAIRS_WORK_MAX = 3e7; /* multiplications: some 30 ms */
    double most = sqrt(2 * PAIRS_WORK_MAX / (double)features);

    return (double)units < most ? units : (size_t)most;
}

/* Many units of few weights have parallel ones by chance. */
void lint_cloned_units(const struct advice_subject *s, struct advice_list *found)
{
    enum { FEATURES_MIN = 4 };

    for (size_t l = 0; l + 1 < s->layers_count; l++) {
        const struct axon_layer *w = &s->weights[l];
        size_t n = s->layers[l].features, units = compared(w->units, n), told = 0;

        for (size_t b = 1; b < units && n >= FEATURES_MIN && told < TOLD_MAX; b++)
            for (size_t a = 0; a < b; a++)
                if (are_parallel(w, n, a, b)) {
                    lint_tell(found, ADVICE_cloned_units, l, b,
                              "unit %zu has the weights of unit %zu, but for a factor", b, a);
                    told++;
                    break;
                }
    }
}
