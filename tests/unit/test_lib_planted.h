/* test_lib_planted.h - for tests of neuron counts: a network of which the dead units are known, and
 * rows through it. The clock is the test's. */
#ifndef TEST_LIB_PLANTED_H
#define TEST_LIB_PLANTED_H

#include <stdint.h>
#include <string.h>
#include "axon/neurons.h"
#include "suite.h"

enum { UNITS = 5, WINDOW_S = 60, PART_S = WINDOW_S / AXON_NEURONS_PARTS, ROWS_MIN = 20 };

static struct axon_mlp *mlp;

/* features 2, one ReLU layer of 5 units, one output. Unit 2 is dead by its bias, unit 4 by its zero
 * weights; unit 0 fires for x0 > 0, unit 1 always, unit 3 for x1 > 0. */
static inline void setup(void)
{
    static const float weight[UNITS * 2] = {1, 0, 0, 0, 1, 1, 0, 1, 0, 0},
                                      ones[UNITS] = {1, 1, 1, 1, 1};
    static const float bias[UNITS] = {0, 1, -1000, 0, 0};
    struct axon_layer layers[] = {
        {.units = UNITS,
         .weight = weight,
         .bias = bias,
         .activation = axon_activation_find("relu")},
        {.units = 1, .weight = ones, .activation = axon_activation_find("relu")}};
    struct axon_mlp_spec spec = {.features = 2, .layers = layers, .layers_count = 2};

    ck_assert_int_eq(axon_mlp_create(&spec, &mlp), AXON_OK);
}

static inline void teardown(void)
{
    axon_mlp_destroy(mlp);
}

static inline struct axon_neurons *create_for(const struct axon_mlp *of, uint64_t rows_min)
{
    struct axon_neurons *neurons = axon_neurons_create(
        of, &(struct axon_evidence){.window_s = WINDOW_S, .rows_min = rows_min});

    ck_assert_ptr_nonnull(neurons);
    return neurons;
}

static inline struct axon_neurons *create(void)
{
    return create_for(mlp, 1);
}

/* Rows x [rows, features] through the network, into a part, at time now_s. */
static inline void add(struct axon_neurons *neurons, const struct axon_mlp *of, const float *x,
                       size_t rows, uint64_t part, double now_s)
{
    float y[8 * 4];
    void *scratch = aligned_alloc(64, axon_mlp_scratch_bytes(of));
    void *memory = aligned_alloc(64, axon_watch_bytes(of));
    struct axon_watch *watch = axon_watch_init(memory, of);

    ck_assert_uint_le(rows, 8);
    axon_mlp_predict(of, x, rows, y, scratch, watch);
    axon_neurons_add(neurons, watch, part, now_s);
    free(memory);
    free(scratch);
}

/* `rows` times the same row. */
static inline void serve(struct axon_neurons *neurons, float x0, float x1, size_t rows,
                         uint64_t part, double now_s)
{
    float x[2 * 8];

    for (size_t r = 0; r < 8; r++) {
        x[2 * r] = x0;
        x[2 * r + 1] = x1;
    }
    add(neurons, mlp, x, rows, part, now_s);
}

static inline void check_layer(const struct axon_neurons *neurons, enum axon_window window,
                               double now_s, uint64_t rows, uint64_t silent, uint64_t zero_outputs)
{
    struct axon_neurons_layer is = axon_neurons_layer(neurons, 0, window, now_s);

    ck_assert_uint_eq(is.units, UNITS);
    ck_assert_uint_eq(is.rows, rows);
    ck_assert_uint_eq(is.outputs, rows * UNITS);
    ck_assert_uint_eq(is.silent, silent);
    ck_assert_uint_eq(is.zero_outputs, zero_outputs);
}

static inline void check_verdict(const struct axon_neurons *neurons, enum axon_window window,
                                 double now_s, bool verdict, uint64_t dead)
{
    struct axon_neurons_layer is = axon_neurons_layer(neurons, 0, window, now_s);

    ck_assert_int_eq(is.verdict, verdict);
    ck_assert_uint_eq(is.dead, dead);
    ck_assert_int_eq(axon_neurons_state(neurons, 0, 1, window, now_s),
                     is.rows ? AXON_UNIT_ALIVE : AXON_UNIT_SUSPECT);
    ck_assert_int_eq(axon_neurons_state(neurons, 0, 2, window, now_s),
                     verdict ? AXON_UNIT_DEAD : AXON_UNIT_SUSPECT);
}

#endif
