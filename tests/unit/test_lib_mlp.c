/* test_lib_mlp.c - networks of every activation, shape and number of rows against a plain loop in
 * double; what fired; what NaN may touch; buffer ends; many threads on one model. */
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include "axon/cpu.h"
#include "axon/watch.h"
#include "../oracle/guard.h"
#include "../oracle/oracle.h"
#include "suite.h"

enum { DEPTH_MAX = 4, WIDTH_MAX = 300, ROWS_MAX = 700 };

/* A network with its own weights; sizes[0] is the number of features. */
struct network {
    size_t depth, sizes[DEPTH_MAX + 1];
    const struct axon_activation *activation[DEPTH_MAX];
    float *weight[DEPTH_MAX], *bias[DEPTH_MAX];
    float *scale, *offset;
    struct axon_mlp *mlp;
};

static uint32_t random_state;

static uint32_t random_bits(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

/* Multiples of 1/8 in [-1, 1]: sums of products of them are exact in float, so zero is zero. */
static float *random_floats(size_t n)
{
    float *x = malloc((n ? n : 1) * sizeof *x);

    ck_assert_ptr_nonnull(x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(random_bits() % 17) / 8.0f - 1.0f;
    return x;
}

/* e^x of e^x of e^x overflows: what grows faster than its input gets smaller weights. */
static float size_for(const struct axon_activation *act)
{
    float y = 4;

    axon_activation_forward(act, &y, &y, (struct axon_axis){1, 1, 1}, NULL, 0);
    return y > 16 ? 0.0625f : 1;
}

static void network_create(struct network *net, int scaled)
{
    struct axon_layer layers[DEPTH_MAX];
    struct axon_mlp_spec spec = {
        .features = net->sizes[0], .layers = layers, .layers_count = net->depth};

    random_state = 7;
    for (size_t l = 0; l < net->depth; l++) {
        net->weight[l] = random_floats(net->sizes[l] * net->sizes[l + 1]);
        net->bias[l] = random_floats(net->sizes[l + 1]);
        for (size_t i = 0; i < net->sizes[l] * net->sizes[l + 1]; i++)
            net->weight[l][i] *= size_for(net->activation[l]);
        layers[l] = (struct axon_layer){.units = net->sizes[l + 1],
                                        .weight = net->weight[l],
                                        .bias = net->bias[l],
                                        .activation = net->activation[l]};
    }
    net->scale = scaled ? random_floats(net->sizes[0]) : NULL;
    net->offset = scaled ? random_floats(net->sizes[0]) : NULL;
    spec.scale = net->scale;
    spec.offset = net->offset;
    ck_assert_int_eq(axon_mlp_create(&spec, &net->mlp), AXON_OK);
}

static void network_destroy(struct network *net)
{
    axon_mlp_destroy(net->mlp);
    for (size_t l = 0; l < net->depth; l++) {
        free(net->weight[l]);
        free(net->bias[l]);
    }
    free(net->scale);
    free(net->offset);
}

static void reference_activate(const struct axon_activation *act, double *z, size_t n)
{
    size_t count;
    const struct oracle *oracle = oracle_for((size_t)(act - axon_activation_table(&count)));
    double params[AXON_PARAMETERS_MAX];
    long double y[WIDTH_MAX];

    for (size_t k = 0; k < AXON_PARAMETERS_MAX; k++)
        params[k] = (double)act->parameters[k].value;
    if (act->kind == AXON_ROWWISE)
        oracle_line_for(act)->forward(z, n, params, y);
    for (size_t i = 0; i < n; i++)
        z[i] = act->kind == AXON_ROWWISE ? (double)y[i] : oracle->forward(z[i], params);
}

/* A unit fires when its output is not 0, where there are exact zeros or the row is one; else when
 * it is above 0 before the activation. */
static int fires_by_zero(const struct axon_activation *act)
{
    return act->kind == AXON_ROWWISE || axon_activation_has_zeros(act, NULL, 0);
}

/* One row, the plain way; fired [layer][unit] += 1 where it fires. */
static void reference(const struct network *net, const float *x, double *out,
                      uint32_t fired[DEPTH_MAX][WIDTH_MAX])
{
    double in[WIDTH_MAX];

    for (size_t f = 0; f < net->sizes[0]; f++)
        in[f] = net->scale ? (double)x[f] * (double)net->scale[f] + (double)net->offset[f]
                           : (double)x[f];
    for (size_t l = 0; l < net->depth; l++) {
        for (size_t u = 0; u < net->sizes[l + 1]; u++) {
            out[u] = (double)net->bias[l][u];
            for (size_t f = 0; f < net->sizes[l]; f++)
                out[u] += in[f] * (double)net->weight[l][u * net->sizes[l] + f];
        }
        for (size_t u = 0; u < net->sizes[l + 1]; u++)
            fired[l][u] += !fires_by_zero(net->activation[l]) && out[u] > 0;
        reference_activate(net->activation[l], out, net->sizes[l + 1]);
        for (size_t u = 0; u < net->sizes[l + 1]; u++)
            fired[l][u] += fires_by_zero(net->activation[l]) && out[u] != 0;
        memcpy(in, out, net->sizes[l + 1] * sizeof *in);
    }
}

static struct axon_watch *watch_create(const struct axon_mlp *mlp)
{
    void *memory = aligned_alloc(64, axon_watch_bytes(mlp));

    ck_assert_ptr_nonnull(memory);
    return axon_watch_init(memory, mlp);
}

static void check_watch(const struct network *net, struct axon_watch *watch, size_t rows,
                        uint32_t fired[DEPTH_MAX][WIDTH_MAX])
{
    ck_assert_uint_eq(axon_watch_rows(watch), rows);
    ck_assert_uint_eq(axon_watch_rows_skipped(watch), 0);
    for (size_t l = 0; l < net->depth; l++) {
        int counted = l + 1 < net->depth;
        const uint32_t *got = axon_watch_fired(watch, net->mlp, l);

        ck_assert_int_eq(axon_mlp_layer_watched(net->mlp, l), counted);
        ck_assert_int_eq(got != NULL, counted);
        for (size_t u = 0; counted && u < net->sizes[l + 1]; u++)
            ck_assert_uint_eq(got[u], fired[l][u]);
    }
}

static void check_network(struct network *net, size_t rows, int scaled)
{
    static uint32_t fired[DEPTH_MAX][WIDTH_MAX];
    size_t outputs = net->sizes[net->depth];
    float *x, *y;
    struct axon_watch *watch;
    struct guard scratch;

    network_create(net, scaled);
    x = random_floats(rows * net->sizes[0]);
    y = malloc(rows * outputs * sizeof *y);
    watch = watch_create(net->mlp);
    scratch = guard_create(axon_mlp_scratch_bytes(net->mlp) / sizeof(float), GUARD_AFTER);
    ck_assert_ptr_nonnull(y);
    ck_assert_uint_eq((uintptr_t)scratch.data % 64, 0);
    memset(scratch.data, 0xff, axon_mlp_scratch_bytes(net->mlp)); /* NaN: nothing may read it */
    memset(fired, 0, sizeof fired);
    axon_mlp_predict(net->mlp, x, rows, y, scratch.data, watch);
    for (size_t r = 0; r < rows; r++) {
        double want[WIDTH_MAX];

        reference(net, x + r * net->sizes[0], want, fired);
        for (size_t u = 0; u < outputs; u++)
            ck_assert_msg(fabs((double)y[r * outputs + u] - want[u]) <= 1e-5 * (1 + fabs(want[u])),
                          "row %zu of %zu, output %zu: %g, want %g", r, rows, u,
                          (double)y[r * outputs + u], want[u]);
    }
    check_watch(net, watch, rows, fired);
    guard_destroy(&scratch);
    free(watch);
    free(x);
    free(y);
    network_destroy(net);
}

START_TEST(every_activation_works_hidden_and_as_output_on_every_isa)
{
    size_t rows, isas;
    const struct axon_activation *act = &axon_activation_table(&rows)[_i];
    const char *const *names = axon_isa_list(&isas);

    for (size_t i = 0; i < isas && act->kind != AXON_GATED; i++) {
        struct network net = {.depth = 3, .sizes = {9, 20, 33, 5}, .activation = {act, act, act}};
        struct network even = {.depth = 1, .sizes = {8, 32}, .activation = {act}};

        ck_assert_int_eq(axon_isa_select(names[i]), AXON_OK);
        check_network(&net, 37, 0);
        check_network(&even, 5, 1);
    }
    ck_assert_int_eq(axon_isa_select("auto"), AXON_OK);
}
END_TEST

static const size_t row_counts[] = {1, 2, 3, 15, 16, 17, 64, 255, 256, 257, 511, 513, ROWS_MAX};

START_TEST(any_number_of_rows_will_do)
{
    const struct axon_activation *relu = axon_activation_find("relu");
    struct network net = {.depth = 3,
                          .sizes = {64, 128, 64, 10},
                          .activation = {relu, relu, axon_activation_find("softmax")}};

    check_network(&net, row_counts[_i], _i % 2);
}
END_TEST

START_TEST(any_shape_will_do)
{
    static const size_t shapes[][DEPTH_MAX + 1] = {
        {1, 1, 1},     {1, 17, 1},      {30, 1},        {2, 16, 16, 16}, {3, 15, 31, 47, 2},
        {100, 299, 1}, {5, 300, 48, 3}, {255, 16, 255}, {7, 64},         {16, 32, 64, 128, 256},
    };
    const struct axon_activation *relu = axon_activation_find("relu");
    struct network net = {.activation = {relu, relu, relu, relu}};

    while (net.depth < DEPTH_MAX && shapes[_i][net.depth + 1] != 0)
        net.depth++;
    memcpy(net.sizes, shapes[_i], sizeof net.sizes);
    check_network(&net, 21, 0);
    check_network(&net, 300, 1);
}
END_TEST

START_TEST(no_rows_is_a_no_op)
{
    struct network net = {
        .depth = 1, .sizes = {3, 2}, .activation = {axon_activation_find("tanh")}};
    struct axon_watch *watch;

    network_create(&net, 0);
    watch = watch_create(net.mlp);
    axon_mlp_predict(net.mlp, NULL, 0, NULL, NULL, watch);
    axon_mlp_predict(net.mlp, NULL, 0, NULL, NULL, NULL);
    free(watch);
    network_destroy(&net);
}
END_TEST

START_TEST(nothing_outside_of_the_buffers_is_touched)
{
    const struct axon_activation *relu = axon_activation_find("relu");

    for (size_t outputs = 1; outputs <= 17; outputs++)
        for (int side = 0; side < GUARD_SIDES; side++) {
            struct network net = {
                .depth = 2, .sizes = {7, 19, outputs}, .activation = {relu, relu}};
            struct guard x, y, watch, scratch;

            network_create(&net, outputs % 2 == 0);
            x = guard_create(5 * 7, (enum guard_side)side);
            y = guard_create(5 * outputs, (enum guard_side)side);
            watch = guard_create(axon_watch_bytes(net.mlp) / 4, (enum guard_side)side);
            scratch = guard_create(axon_mlp_scratch_bytes(net.mlp) / 4, (enum guard_side)side);
            axon_mlp_predict(net.mlp, x.data, 5, y.data, scratch.data,
                             axon_watch_init(watch.data, net.mlp));
            guard_destroy(&x);
            guard_destroy(&y);
            guard_destroy(&watch);
            guard_destroy(&scratch);
            network_destroy(&net);
        }
}
END_TEST

/* The second of four rows is skipped; the others are counted as they are without it. */
static void check_skipped(const struct axon_mlp *mlp, const float *x, struct axon_watch *watch)
{
    struct axon_watch *others = watch_create(mlp);
    void *scratch = aligned_alloc(64, axon_mlp_scratch_bytes(mlp));
    float y[3 * 4];

    axon_mlp_predict(mlp, x, 1, y, scratch, others);
    axon_mlp_predict(mlp, x + 2 * 6, 2, y, scratch, others);
    ck_assert_uint_eq(axon_watch_rows_skipped(watch), 1);
    ck_assert_uint_eq(axon_watch_rows(watch), 3);
    for (size_t l = 0; l < 2; l++)
        ck_assert_mem_eq(axon_watch_fired(watch, mlp, l), axon_watch_fired(others, mlp, l),
                         (l ? 9 : 17) * sizeof(uint32_t));
    free(scratch);
    free(others);
}

/* All layers have padding columns, where NaN * 0 stands too. */
START_TEST(a_row_of_nan_or_infinity_leaves_the_other_rows_alone)
{
    const struct axon_activation *relu = axon_activation_find("relu");
    struct network net = {.depth = 3,
                          .sizes = {6, 17, 9, 3},
                          .activation = {relu, relu, axon_activation_find("tanh")}};
    float bad = _i == 0 ? NAN : _i == 1 ? INFINITY : -INFINITY, *x, clean[3 * 4], y[3 * 4];
    struct axon_watch *watch;
    void *scratch;

    network_create(&net, 0);
    scratch = aligned_alloc(64, axon_mlp_scratch_bytes(net.mlp));
    watch = watch_create(net.mlp);
    x = random_floats(6 * 4);
    axon_mlp_predict(net.mlp, x, 4, clean, scratch, NULL);
    for (size_t f = 0; f < 6; f++)
        x[6 + f] = bad;
    axon_mlp_predict(net.mlp, x, 4, y, scratch, watch);
    ck_assert_mem_eq(y, clean, 3 * sizeof *y);
    ck_assert_mem_eq(y + 6, clean + 6, 6 * sizeof *y);
    ck_assert(isnan(y[3]) && isnan(y[4]) && isnan(y[5]));
    check_skipped(net.mlp, x, watch);
    free(watch);
    free(scratch);
    free(x);
    network_destroy(&net);
}
END_TEST

START_TEST(a_watch_is_added_to)
{
    const struct axon_activation *relu = axon_activation_find("relu");
    struct network net = {.depth = 2, .sizes = {4, 8, 2}, .activation = {relu, relu}};
    float *x, y[2 * 10];
    struct axon_watch *once, *twice, *sum;
    void *scratch;

    network_create(&net, 0);
    scratch = aligned_alloc(64, axon_mlp_scratch_bytes(net.mlp));
    once = watch_create(net.mlp);
    twice = watch_create(net.mlp);
    sum = watch_create(net.mlp);
    x = random_floats(4 * 10);
    axon_mlp_predict(net.mlp, x, 10, y, scratch, once);
    axon_mlp_predict(net.mlp, x, 10, y, scratch, twice);
    axon_mlp_predict(net.mlp, x, 10, y, scratch, twice);
    axon_watch_add(sum, once);
    axon_watch_add(sum, once);
    ck_assert_uint_eq(axon_watch_rows(sum), 20);
    for (size_t u = 0; u < 8; u++)
        ck_assert_uint_eq(axon_watch_fired(twice, net.mlp, 0)[u],
                          2 * axon_watch_fired(once, net.mlp, 0)[u]);
    free(once);
    free(twice);
    free(sum);
    free(scratch);
    free(x);
    network_destroy(&net);
}
END_TEST

enum { THREADS = 4, ROUNDS = 50 };

struct worker {
    const struct axon_mlp *mlp;
    const float *x;
    float y[10 * 20];
    pthread_t thread;
};

static void *predict_often(void *argument)
{
    struct worker *worker = argument;
    void *scratch = aligned_alloc(64, axon_mlp_scratch_bytes(worker->mlp));
    struct axon_watch *watch = watch_create(worker->mlp);

    for (int i = 0; scratch && i < ROUNDS; i++)
        axon_mlp_predict(worker->mlp, worker->x, 20, worker->y, scratch, watch);
    free(scratch);
    free(watch);
    return NULL;
}

START_TEST(one_model_serves_many_threads)
{
    static struct worker workers[THREADS];
    const struct axon_activation *relu = axon_activation_find("relu");
    struct network net = {.depth = 3,
                          .sizes = {64, 128, 64, 10},
                          .activation = {relu, relu, axon_activation_find("softmax")}};
    float *x;

    network_create(&net, 1);
    x = random_floats(64 * 20);
    for (size_t t = 0; t < THREADS; t++) {
        workers[t].mlp = net.mlp;
        workers[t].x = x;
        ck_assert_int_eq(pthread_create(&workers[t].thread, NULL, predict_often, &workers[t]), 0);
    }
    for (size_t t = 0; t < THREADS; t++)
        pthread_join(workers[t].thread, NULL);
    for (size_t t = 1; t < THREADS; t++)
        ck_assert_mem_eq(workers[t].y, workers[0].y, sizeof workers[0].y);
    free(x);
    network_destroy(&net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mlp");
    TCase *tcase = suite_case(suite, "mlp");
    size_t count;

    axon_activation_table(&count);
    tcase_add_loop_test(tcase, every_activation_works_hidden_and_as_output_on_every_isa, 0,
                        (int)count);
    tcase_add_loop_test(tcase, any_number_of_rows_will_do, 0,
                        sizeof row_counts / sizeof *row_counts);
    tcase_add_loop_test(tcase, any_shape_will_do, 0, 10);
    tcase_add_test(tcase, no_rows_is_a_no_op);
    tcase_add_test(tcase, nothing_outside_of_the_buffers_is_touched);
    tcase_add_loop_test(tcase, a_row_of_nan_or_infinity_leaves_the_other_rows_alone, 0, 3);
    tcase_add_test(tcase, a_watch_is_added_to);
    tcase_add_test(tcase, one_model_serves_many_threads);
    return suite_run(suite);
}
