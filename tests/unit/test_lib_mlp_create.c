/* test_lib_mlp_create.c - what a specification may say: parameters of a layer reach their units, a
 * model tells its shape, impossible shapes are refused. Its values are test_lib_mlp.c's matter. */
#include <math.h>
#include <stdint.h>
#include "axon/mlp.h"
#include "suite.h"

/* y = the layer alone, of one feature, at x. */
static void predict_layer(const struct axon_layer *layer, float x, float *y)
{
    struct axon_mlp_spec spec = {.features = 1, .layers = layer, .layers_count = 1};
    struct axon_mlp *mlp;
    void *scratch;

    ck_assert_int_eq(axon_mlp_create(&spec, &mlp), AXON_OK);
    ck_assert_uint_eq(axon_mlp_parameters_count(mlp), layer->units); /* there is no bias */
    scratch = aligned_alloc(64, axon_mlp_scratch_bytes(mlp));
    axon_mlp_predict(mlp, &x, 1, y, scratch, NULL);
    free(scratch);
    axon_mlp_destroy(mlp);
}

START_TEST(prelu_slopes_belong_to_their_units)
{
    const float weight[] = {1, 1, 1}, slopes[] = {0.5f, 0.25f, -1.0f};
    struct axon_layer layer = {.units = 3,
                               .weight = weight,
                               .activation = axon_activation_find("prelu"),
                               .params = slopes,
                               .params_count = 3};
    float y[3];

    predict_layer(&layer, -2, y);
    ck_assert(y[0] == -1.0f && y[1] == -0.5f && y[2] == 2.0f);
    layer.params_count = 1;
    predict_layer(&layer, -2, y);
    ck_assert(y[0] == -1.0f && y[1] == -1.0f && y[2] == -1.0f);
}
END_TEST

START_TEST(the_temperature_of_a_softmax_layer_is_used)
{
    const float weight[] = {1, 2, 4}, temperature = 2;
    struct axon_layer layer = {.units = 3,
                               .weight = weight,
                               .activation = axon_activation_find("softmax"),
                               .params = &temperature,
                               .params_count = 1};
    float y[3];

    predict_layer(&layer, 1, y);
    for (size_t u = 0; u < 3; u++)
        ck_assert_near(y[u], exp((double)weight[u] / 2) / (exp(0.5) + exp(1) + exp(2)), 1e-7);
}
END_TEST

START_TEST(a_model_can_be_asked_for_its_shape)
{
    static const float weight[128 * 64], bias[128];
    const struct axon_activation *relu = axon_activation_find("relu");
    struct axon_layer layers[] = {
        {.units = 128, .weight = weight, .bias = bias, .activation = relu},
        {.units = 64, .weight = weight, .bias = bias, .activation = relu},
        {.units = 10, .weight = weight, .activation = axon_activation_find("softmax")}};
    struct axon_mlp_spec spec = {.features = 64, .layers = layers, .layers_count = 3};
    struct axon_mlp *mlp;

    ck_assert_int_eq(axon_mlp_create(&spec, &mlp), AXON_OK);
    ck_assert_uint_eq(axon_mlp_features(mlp), 64);
    ck_assert_uint_eq(axon_mlp_outputs(mlp), 10);
    ck_assert_uint_eq(axon_mlp_layers_count(mlp), 3);
    ck_assert_uint_eq(axon_mlp_layer_units(mlp, 1), 64);
    ck_assert_uint_eq(axon_mlp_parameters_count(mlp), 64 * 128 + 128 + 128 * 64 + 64 + 64 * 10);
    ck_assert_uint_eq(axon_mlp_scratch_bytes(mlp) % 64, 0);
    axon_mlp_destroy(mlp);
}
END_TEST

/* Packing keeps every number: panels of 64 units, the last one narrower. */
START_TEST(weights_can_be_read_back)
{
    enum { FEATURES = 130, UNITS = 75 };
    static float weight[UNITS * FEATURES], bias[UNITS], got[FEATURES];
    struct axon_layer layer = {
        .units = UNITS, .weight = weight, .bias = bias, .activation = axon_activation_find("relu")};
    struct axon_mlp_spec spec = {.features = FEATURES, .layers = &layer, .layers_count = 1};
    struct axon_mlp *mlp;

    for (size_t i = 0; i < UNITS * FEATURES; i++)
        weight[i] = (float)i;
    for (size_t i = 0; i < UNITS; i++)
        bias[i] = -(float)i;
    ck_assert_int_eq(axon_mlp_create(&spec, &mlp), AXON_OK);
    for (size_t u = 0; u < UNITS; u++) {
        axon_mlp_weights(mlp, 0, u, 0, 100, got);
        axon_mlp_weights(mlp, 0, u, 100, 30, got + 100);
        ck_assert_mem_eq(got, weight + u * FEATURES, sizeof got);
        ck_assert(axon_mlp_bias(mlp, 0, u) == bias[u]);
    }
    axon_mlp_destroy(mlp);
}
END_TEST

START_TEST(impossible_shapes_are_refused)
{
    const float weight[4] = {0}, bad_alpha = NAN;
    const struct axon_activation *relu = axon_activation_find("relu");
    const struct axon_activation *leaky = axon_activation_find("leaky_relu");
    const struct {
        size_t features, units, layers_count;
        enum axon_status status;
    } cases[] = {{0, 1, 1, AXON_ESHAPE},
                 {1, 0, 1, AXON_ESHAPE},
                 {1, 1, 0, AXON_ESHAPE},
                 {1, 1, AXON_MLP_LAYERS_MAX + 1, AXON_ESHAPE},
                 {SIZE_MAX, 1, 1, AXON_ESHAPE},
                 {1, SIZE_MAX, 1, AXON_ESHAPE},
                 {1, SIZE_MAX - 7, 1, AXON_ESHAPE},
                 {1 << 30, 1 << 29, 1, AXON_ESHAPE}};
    struct axon_mlp *mlp;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct axon_layer layer = {.units = cases[i].units, .weight = weight, .activation = relu};
        struct axon_mlp_spec spec = {
            .features = cases[i].features, .layers = &layer, .layers_count = cases[i].layers_count};

        mlp = (struct axon_mlp *)&layer;
        ck_assert_int_eq(axon_mlp_create(&spec, &mlp), cases[i].status);
        ck_assert_ptr_null(mlp);
    }
    struct axon_layer layers[] = {{.units = 2, .weight = weight, .activation = relu},
                                  {.units = 2,
                                   .weight = weight,
                                   .activation = leaky,
                                   .params = &bad_alpha,
                                   .params_count = 1}};
    struct axon_mlp_spec spec = {.features = 2, .layers = layers, .layers_count = 2};

    ck_assert_int_eq(axon_mlp_create(&spec, &mlp), AXON_EPARAM);
    ck_assert_ptr_null(mlp);
    layers[1] = (struct axon_layer){
        .units = 2, .weight = weight, .activation = axon_activation_find("glu")};
    ck_assert_int_eq(axon_mlp_create(&spec, &mlp), AXON_EUNSUPPORTED);
    ck_assert_ptr_null(mlp);
    axon_mlp_destroy(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mlp create");
    TCase *tcase = suite_case(suite, "mlp create");

    tcase_add_test(tcase, prelu_slopes_belong_to_their_units);
    tcase_add_test(tcase, the_temperature_of_a_softmax_layer_is_used);
    tcase_add_test(tcase, a_model_can_be_asked_for_its_shape);
    tcase_add_test(tcase, weights_can_be_read_back);
    tcase_add_test(tcase, impossible_shapes_are_refused);
    return suite_run(suite);
}
