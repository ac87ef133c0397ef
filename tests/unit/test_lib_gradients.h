/* test_lib_gradients.h - what the tests of back-propagation share: a random network, and every
 * gradient of it asked for. */
#ifndef TEST_LIB_GRADIENTS_H
#define TEST_LIB_GRADIENTS_H

#include <math.h>
#include <stdint.h>
#include <string.h>
#include "axon/backward.h"
#include "suite.h"

enum { DEPTH_MAX = 4, WIDTH_MAX = 300, ROWS_MAX = 300 };

struct network {
    size_t depth, sizes[DEPTH_MAX + 1];
    const char *names[DEPTH_MAX];
    const struct axon_activation *activation[DEPTH_MAX];
    float *weight[DEPTH_MAX], *bias[DEPTH_MAX], *scale;
    struct axon_mlp *mlp;
};

static uint32_t random_state;

static inline float random_float(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (float)(random_state >> 8) / 0x1p23f - 1;
}

static inline float *random_floats(size_t n, float size)
{
    float *x = malloc((n ? n : 1) * sizeof *x);

    ck_assert_ptr_nonnull(x);
    for (size_t i = 0; i < n; i++)
        x[i] = size * random_float();
    return x;
}

static inline float *floats(size_t n)
{
    return random_floats(n, NAN); /* what is not written is seen */
}

/* e^x of e^x of e^x overflows: what grows faster than its input gets smaller weights. */
static inline float size_for(const struct axon_activation *act)
{
    float y = 4;

    if (act->kind != AXON_GATED)
        axon_activation_forward(act, &y, &y, (struct axon_axis){1, 1, 1}, NULL, 0);
    return y > 16 ? 0.25f : 1;
}

static inline void network_create(struct network *net, int scaled)
{
    struct axon_layer layers[DEPTH_MAX];
    struct axon_mlp_spec spec = {
        .features = net->sizes[0], .layers = layers, .layers_count = net->depth};

    random_state = 11;
    for (size_t l = 0; l < net->depth; l++) {
        float size = 1.7f / sqrtf((float)net->sizes[l]);

        if (net->names[l])
            net->activation[l] = axon_activation_find(net->names[l]);
        size *= size_for(net->activation[l]);
        net->weight[l] = random_floats(net->sizes[l] * net->sizes[l + 1], size);
        net->bias[l] = random_floats(net->sizes[l + 1], 0.3f);
        layers[l] = (struct axon_layer){.units = net->sizes[l + 1],
                                        .weight = net->weight[l],
                                        .bias = net->bias[l],
                                        .activation = net->activation[l]};
    }
    net->scale = scaled ? random_floats(net->sizes[0], 2) : NULL;
    spec.scale = net->scale;
    ck_assert_int_eq(axon_mlp_create(&spec, &net->mlp), AXON_OK);
}

static inline void network_destroy(struct network *net)
{
    axon_mlp_destroy(net->mlp);
    for (size_t l = 0; l < net->depth; l++) {
        free(net->weight[l]);
        free(net->bias[l]);
    }
    free(net->scale);
}

/* ---- gradients that are all asked for ---- */

struct gradients {
    struct axon_layer_gradients layers[DEPTH_MAX];
    struct axon_mlp_gradients all;
    void *scratch;
};

static inline void *scratch_for(const struct axon_mlp *mlp, size_t rows)
{
    size_t bytes;
    void *scratch;

    ck_assert_int_eq(axon_mlp_backward_scratch_bytes(mlp, rows, &bytes), AXON_OK);
    ck_assert_uint_eq(bytes % 64, 0);
    scratch = aligned_alloc(64, bytes + 64);
    ck_assert_ptr_nonnull(scratch);
    memset(scratch, 0xff, bytes + 64);
    return scratch;
}

static inline void gradients_create(struct gradients *g, const struct network *net, size_t rows)
{
    memset(g, 0, sizeof *g);
    for (size_t l = 0; l < net->depth; l++) {
        size_t units = net->sizes[l + 1];

        g->layers[l].weight = floats(units * net->sizes[l]);
        g->layers[l].bias = floats(units);
        g->layers[l].pre = floats(rows * units);
        g->layers[l].post = floats(rows * units);
        if (strcmp(net->activation[l]->name, "prelu") == 0)
            g->layers[l].slope = floats(units);
    }
    g->all.x = floats(rows * net->sizes[0]);
    g->all.layers = g->layers;
    g->scratch = scratch_for(net->mlp, rows);
}

static inline void gradients_destroy(struct gradients *g)
{
    for (size_t l = 0; l < DEPTH_MAX; l++) {
        free(g->layers[l].weight);
        free(g->layers[l].bias);
        free(g->layers[l].slope);
        free(g->layers[l].pre);
        free(g->layers[l].post);
    }
    free(g->all.x);
    free(g->scratch);
}

static inline void back_propagate(struct gradients *g, const struct network *net, const float *x,
                                  size_t rows, const float *upstream)
{
    gradients_create(g, net, rows);
    ck_assert_int_eq(axon_mlp_forward_keep(net->mlp, x, rows, NULL, g->scratch), AXON_OK);
    ck_assert_int_eq(
        axon_mlp_backward(net->mlp, x, rows, upstream, AXON_UPSTREAM_POST, &g->all, g->scratch),
        AXON_OK);
}

/* got [n] is want [n] within 1e-5 of the largest of them. */
static inline void check_close(const char *what, size_t layer, const float *got, const double *want,
                               size_t n)
{
    double largest = 0;

    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(want[i]));
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(fabs((double)got[i] - want[i]) <= 1e-5 * largest + 1e-12,
                      "%s of layer %zu [%zu of %zu]: %.9g, want %.17g", what, layer, i, n,
                      (double)got[i], want[i]);
}

#endif
