/* test_lib_bounds.h - random networks with a declared range, and rows within it, for those who
 * check bounds by brute force: the unit test and tests/exhaustive/bounds.c. */
#ifndef TEST_LIB_BOUNDS_H
#define TEST_LIB_BOUNDS_H

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include "axon/bounds.h"
#include "random.h"

enum { NET_WIDTH_MAX = 200, NET_LAYERS_MAX = 4 };

/* A network and, for each layer, the same cut off after it: with its own activation, and with
 * identity, whose output is what goes into the activation, to the bit. */
struct net {
    size_t features, layers_count;
    struct axon_layer layers[NET_LAYERS_MAX];
    float *weight[NET_LAYERS_MAX], bias[NET_LAYERS_MAX][NET_WIDTH_MAX];
    float params[NET_LAYERS_MAX][AXON_PARAMETERS_MAX];
    float low[NET_WIDTH_MAX], high[NET_WIDTH_MAX], scale[NET_WIDTH_MAX], offset[NET_WIDTH_MAX];
    struct axon_mlp *before[NET_LAYERS_MAX], *after[NET_LAYERS_MAX];
    struct axon_bounds *bounds;
};

/* In [low, high]. */
static inline float random_between(float low, float high)
{
    double share = (double)(random_bits() >> 11) * 0x1p-53;
    float v = (float)((double)low + share * ((double)high - (double)low));

    return v < low ? low : v > high ? high : v;
}

/* A value of the parameter's domain, of a size that networks have; its default every other time. */
static inline float random_parameter(const struct axon_parameter *p)
{
    float low = fmaxf(p->minimum, -4), high = fminf(p->maximum, 4);

    return random_bits() % 2 ? p->value : random_between(fminf(low, high), fmaxf(low, high));
}

static inline void random_parameters(const struct axon_activation *act, float *params)
{
    for (unsigned k = 0; k < act->parameters_count; k++) {
        params[k] = random_parameter(&act->parameters[k]);
        if (act->ascending && k > 0)
            params[k] = fmaxf(params[k], params[k - 1]);
    }
}

static inline const struct axon_activation *random_activation(void)
{
    size_t count;
    const struct axon_activation *table = axon_activation_table(&count), *act;

    do
        act = &table[random_bits() % count];
    while (act->kind == AXON_GATED);
    return act;
}

static inline void net_layer_init(struct net *net, size_t l, size_t features, size_t units,
                                  const struct axon_activation *act)
{
    float size = 2 / sqrtf((float)features);

    net->weight[l] = malloc(features * units * sizeof(float));
    for (size_t u = 0; u < units; u++) {
        float shift = random_between(-size, size); /* some units are all but of one sign */

        for (size_t f = 0; f < features; f++)
            net->weight[l][u * features + f] = random_between(-size, size) + 2 * shift;
        net->bias[l][u] = random_between(-2, 2);
    }
    random_parameters(act, net->params[l]);
    net->layers[l] = (struct axon_layer){units,
                                         net->weight[l],
                                         net->bias[l],
                                         act,
                                         act->parameters_count ? net->params[l] : NULL,
                                         act->parameters_count};
}

static inline void net_cut(struct net *net, size_t layers, struct axon_mlp **out)
{
    struct axon_mlp_spec spec = {net->features, net->scale, net->offset, net->layers, layers};

    if (axon_mlp_create(&spec, out) != AXON_OK)
        abort();
}

/* relu in the first layer if it says so, else whatever the table has. */
static inline void net_init(struct net *net, bool relu)
{
    size_t features = net->features = 1 + random_bits() % NET_WIDTH_MAX;

    net->layers_count = 1 + random_bits() % NET_LAYERS_MAX;
    for (size_t f = 0; f < features; f++) {
        net->low[f] = random_between(-1, 1);
        net->high[f] = net->low[f] + (random_bits() % 8 ? random_between(0, 1) : 0);
        net->scale[f] = random_between(-2, 2);
        net->offset[f] = random_between(-1, 1);
    }
    for (size_t l = 0; l < net->layers_count; l++) {
        size_t units = 1 + random_bits() % 40;
        struct axon_layer *layer = &net->layers[l];

        net_layer_init(net, l, features, units,
                       relu ? axon_activation_find("relu") : random_activation());
        net_cut(net, l + 1, &net->after[l]);
        struct axon_layer own = *layer;
        layer->activation = axon_activation_find("identity");
        layer->params = NULL;
        layer->params_count = 0;
        net_cut(net, l + 1, &net->before[l]);
        *layer = own;
        features = units;
    }
    if (axon_bounds_create(net->after[net->layers_count - 1], net->low, net->high, &net->bounds) !=
        AXON_OK)
        abort();
}

static inline void net_fini(struct net *net)
{
    axon_bounds_destroy(net->bounds);
    for (size_t l = 0; l < net->layers_count; l++) {
        axon_mlp_destroy(net->before[l]);
        axon_mlp_destroy(net->after[l]);
        free(net->weight[l]);
    }
}

/* A row within the range: anywhere, at the corners, or at the corner that is worst for a unit of
 * the first layer. */
static inline void net_row(const struct net *net, float *x)
{
    uint64_t kind = random_bits() % 3;
    const float *weight = net->weight[0] + random_bits() % net->layers[0].units * net->features;
    float sign = random_bits() % 2 ? 1 : -1;

    for (size_t f = 0; f < net->features; f++)
        if (kind == 0)
            x[f] = random_between(net->low[f], net->high[f]);
        else if (kind == 1)
            x[f] = random_bits() % 2 ? net->low[f] : net->high[f];
        else
            x[f] = sign * weight[f] * net->scale[f] > 0 ? net->high[f] : net->low[f];
}

/* Values [rows, units] that lie outside of their intervals. NaN lies in what is unbounded. */
static inline size_t outside(const float *y, size_t rows, size_t units,
                             const struct axon_interval *bounds)
{
    size_t count = 0;

    for (size_t r = 0; r < rows; r++)
        for (size_t u = 0; u < units; u++) {
            float v = y[r * units + u];

            count += isnan(v) ? !(isinf(bounds[u].low) && isinf(bounds[u].high))
                              : !(v >= bounds[u].low && v <= bounds[u].high);
        }
    return count;
}

/* Units [units] of which the proof is broken by a row of y [rows, units]. */
static inline size_t refuted(const float *y, size_t rows, size_t units,
                             const struct axon_bounds *bounds, size_t layer)
{
    size_t count = 0;

    for (size_t r = 0; r < rows; r++)
        for (size_t u = 0; u < units; u++) {
            enum axon_proof proof = axon_bounds_proof(bounds, layer, u);

            count += (proof == AXON_PROOF_DEAD && y[r * units + u] != 0.0f) ||
                     (proof == AXON_PROOF_LINEAR && y[r * units + u] == 0.0f);
        }
    return count;
}

/* Values of `rows` random rows that contradict the bounds, before and after every layer. */
static inline size_t net_violations(const struct net *net, size_t rows)
{
    enum { BATCH = 256 };
    static _Alignas(64) float x[BATCH * NET_WIDTH_MAX], y[BATCH * NET_WIDTH_MAX];
    static _Alignas(64) char scratch[4 << 20];
    size_t violations = 0;

    for (size_t done = 0; done < rows; done += BATCH) {
        for (size_t r = 0; r < BATCH; r++)
            net_row(net, x + r * net->features);
        for (size_t l = 0; l < net->layers_count; l++) {
            size_t units = net->layers[l].units;

            axon_mlp_predict(net->before[l], x, BATCH, y, scratch, NULL);
            violations += outside(y, BATCH, units, axon_bounds_before(net->bounds, l));
            axon_mlp_predict(net->after[l], x, BATCH, y, scratch, NULL);
            violations += outside(y, BATCH, units, axon_bounds_after(net->bounds, l));
            violations += refuted(y, BATCH, units, net->bounds, l);
        }
    }
    return violations;
}

#endif
