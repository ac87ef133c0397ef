/* watch_plan.c - how the layers of a network are watched, by their activations.
 *
 * Knows the registry and the kernels. Figures that cost nothing are taken of every row;
 * |f'| of curves that no count gives is sampled. */
#include <math.h>
#include "kernels/dispatch.h"
#include "mlp_internal.h"

/* Outputs that are never negative, have no range, and fire by not being 0: they need the least. */
static bool is_lean(size_t id)
{
    return id == AXON_ID_relu || id == AXON_ID_relu6 || id == AXON_ID_relu2 ||
           id == AXON_ID_sparse_plus;
}

static enum axon__slope_from slope_from(const struct axon__layer *layer)
{
    switch (layer->kind == AXON_ELEMENTWISE ? layer->id : (size_t)AXON_ID_COUNT) {
    case AXON_ID_COUNT:
        return AXON__SLOPE_NONE;
    case AXON_ID_relu:
    case AXON_ID_leaky_relu:
    case AXON_ID_prelu:
    case AXON_ID_rrelu:
        return AXON__SLOPE_FIRED;
    case AXON_ID_sigmoid:
        return AXON__SLOPE_SIGMOID;
    case AXON_ID_tanh:
        return AXON__SLOPE_TANH;
    default:
        return AXON__SLOPE_SAMPLED;
    }
}

/* ---- where |f'| is small ---- */

enum { OCTAVE = 64, OCTAVES = 20 }; /* of |z| from 2^-20 to 2^20: near enough to any maximum */

/* The largest |f'| of 2^from <= |z| < 2^to. */
static float steepest(const struct axon__layer *layer, const float *params, size_t params_count,
                      int from, int to)
{
    float z[2 * OCTAVE], slope[2 * OCTAVE], most = 0;

    for (int octave = from; octave < to; octave++) {
        for (int i = 0; i < OCTAVE; i++) {
            z[i] = ldexpf(1 + (float)i / OCTAVE, octave);
            z[OCTAVE + i] = -z[i];
        }
        axon__kernels()->rows[layer->id].gradient(
            z, NULL, slope, (struct axon_axis){1, (size_t)2 * OCTAVE, 1}, params, params_count);
        for (int i = 0; i < 2 * OCTAVE; i++)
            most = fabsf(slope[i]) > most || isnan(slope[i]) ? fabsf(slope[i]) : most;
    }
    return most;
}

/* 1 % of the largest |f'|; NaN for a slope that grows without bounds. */
static float flat_of(const struct axon__layer *layer)
{
    float params[AXON_PARAMETERS_MAX], most, far;
    size_t count = axon__layer_activation(layer)->parameters_count;

    axon__unit_params(layer, 0, params);
    most = steepest(layer, params, count, -OCTAVES, OCTAVES - 1);
    far = steepest(layer, params, count, OCTAVES - 1, OCTAVES);
    return far > most * 1.01f || !isfinite(most) ? NAN : most * 0.01f;
}

/* The declared range, as `statistics` of an applied activation has it; else the flat parts of a
 * curve. Where the flat part is exactly 0, that says more: such a unit is dead, not saturated. */
static void plan_ends(struct axon__layer *layer, bool has_zeros)
{
    const struct axon_activation *act = axon__layer_activation(layer);
    struct axon__layer_watch *watch = &layer->watch;
    bool by_params = act->ascending && !isnan(act->saturation_low);
    float low = by_params ? layer->params[0] : act->saturation_low;
    float high = by_params ? layer->params[layer->stride] : act->saturation_high;
    float margin = high * 0.01f - low * 0.01f; /* the difference may overflow */

    watch->low_end = low + margin;
    watch->high_end = high - margin;
    watch->flat = NAN;
    if (isnan(low) && !has_zeros && layer->kind == AXON_ELEMENTWISE &&
        watch->slope == AXON__SLOPE_SAMPLED)
        watch->flat = flat_of(layer);
    watch->ends = !isnan(watch->low_end) || !isnan(watch->flat);
}

void axon__watch_plan(struct axon__layer *layer, size_t index, struct axon__shape *shape)
{
    const struct axon_activation *act = axon__layer_activation(layer);
    struct axon__layer_watch *watch = &layer->watch;
    float params[AXON_PARAMETERS_MAX];
    bool per_channel = act->parameters_count == 1 && act->parameters[0].per_channel, has_zeros;

    axon__unit_params(layer, 0, params);
    has_zeros = axon_activation_has_zeros(act, params, act->parameters_count);
    *watch = (struct axon__layer_watch){.on = true,
                                        .full = !is_lean(layer->id),
                                        /* each channel may or may not: z > 0 is right for both */
                                        .by_zero = layer->kind == AXON_ROWWISE ||
                                                   (has_zeros && !per_channel),
                                        .slope = slope_from(layer),
                                        .index = index,
                                        .counts = shape->counts,
                                        .moments = shape->moments,
                                        .magnitudes = shape->magnitudes};
    plan_ends(layer, has_zeros || per_channel);
    shape->counts += layer->stride * (watch->full ? 3 : 1);
    shape->moments += layer->stride;
    shape->magnitudes += watch->full ? layer->stride : 0;
    shape->sampled += watch->slope == AXON__SLOPE_SAMPLED;
}
