/* test_lib_edges.c - the numeric edges at which implementations fail, a test each, on every ISA.
 *
 * Values are from mpmath with 40 digits, not from the oracle. */
#include <float.h>
#include <math.h>
#include "../oracle/oracle.h"
#include "axon/activation.h"
#include "axon/cpu.h"
#include "suite.h"

/* Within 2 ULP, and of the right sign also if it is 0. */
static void check(const char *name, float x, float want)
{
    const struct axon_activation *act = axon_activation_find(name);
    size_t count;
    const char *const *isas = axon_isa_list(&count);

    ck_assert_msg(act != NULL, "%s is missing", name);
    for (size_t i = 0; i < count; i++) {
        float y = 42;

        ck_assert_int_eq(axon_isa_select(isas[i]), AXON_OK);
        axon_activation_forward(act, &x, &y, (struct axon_axis){1, 1, 1}, NULL, 0);
        ck_assert_msg(oracle_ulps(y, (double)want) <= 2 && !signbit(y) == !signbit(want),
                      "%s(%.9g) on %s is %.9g, want %.9g", name, (double)x, isas[i], (double)y,
                      (double)want);
    }
}

#define EDGES(EDGE)                                                                   \
    EDGE(sigmoid_of_100_is_1, "sigmoid", 100, 1)                                      \
    EDGE(sigmoid_of_minus_100_is_tiny, "sigmoid", -100, 3.72007598e-44f)              \
    EDGE(sigmoid_of_minus_infinity_is_0, "sigmoid", -INFINITY, 0)                     \
    EDGE(log_sigmoid_of_minus_1000_is_itself, "log_sigmoid", -1000, -1000)            \
    EDGE(log_sigmoid_of_50_is_not_0, "log_sigmoid", 50, -1.92874985e-22f)             \
    EDGE(log_sigmoid_of_minus_infinity, "log_sigmoid", -INFINITY, -INFINITY)          \
    EDGE(log_sigmoid_of_infinity_is_0, "log_sigmoid", INFINITY, -0.0f)                \
    EDGE(softplus_of_minus_50_is_not_0, "softplus", -50, 1.92874985e-22f)             \
    EDGE(softplus_of_minus_100_is_subnormal, "softplus", -100, 3.72007598e-44f)       \
    EDGE(softplus_of_1000_does_not_overflow, "softplus", 1000, 1000)                  \
    EDGE(softplus_of_infinity, "softplus", INFINITY, INFINITY)                        \
    EDGE(softplus_of_minus_infinity_is_0, "softplus", -INFINITY, 0)                   \
    EDGE(gelu_of_minus_10_is_not_0, "gelu", -10, -7.61985302e-23f)                    \
    EDGE(gelu_of_minus_infinity_is_0, "gelu", -INFINITY, -0.0f)                       \
    EDGE(gelu_tanh_of_minus_infinity_is_0, "gelu_tanh", -INFINITY, -0.0f)             \
    EDGE(quick_gelu_of_minus_50_is_not_0, "quick_gelu", -50, -5.50186075e-36f)        \
    EDGE(quick_gelu_of_minus_infinity_is_0, "quick_gelu", -INFINITY, -0.0f)           \
    EDGE(elu_near_0_keeps_its_digits, "elu", -1e-8f, -9.99999989e-9f)                 \
    EDGE(elu_of_a_tiny_number_is_itself, "elu", -1e-20f, -9.99999968e-21f)            \
    EDGE(elu_of_minus_infinity_is_minus_1, "elu", -INFINITY, -1)                      \
    EDGE(elu_of_minus_0_is_minus_0, "elu", -0.0f, -0.0f)                              \
    EDGE(selu_near_0_keeps_its_digits, "selu", -1e-8f, -1.75809932e-8f)               \
    EDGE(selu_of_minus_infinity_is_its_bound, "selu", -INFINITY, -1.75809934f)        \
    EDGE(celu_near_0_keeps_its_digits, "celu", -1e-8f, -9.99999989e-9f)               \
    EDGE(celu_of_minus_infinity_is_minus_1, "celu", -INFINITY, -1)                    \
    EDGE(silu_of_minus_100_is_tiny, "silu", -100, -3.72007598e-42f)                   \
    EDGE(silu_of_minus_infinity_is_0, "silu", -INFINITY, -0.0f)                       \
    EDGE(mish_of_minus_100_is_tiny, "mish", -100, -3.72007598e-42f)                   \
    EDGE(mish_of_minus_infinity_is_0, "mish", -INFINITY, -0.0f)                       \
    EDGE(mish_of_infinity, "mish", INFINITY, INFINITY)                                \
    EDGE(mish_of_1000_is_itself, "mish", 1000, 1000)                                  \
    EDGE(tanh_of_minus_0_is_minus_0, "tanh", -0.0f, -0.0f)                            \
    EDGE(tanh_of_a_tiny_number_is_itself, "tanh", 1e-30f, 1e-30f)                     \
    EDGE(tanh_shrink_near_0_does_not_cancel, "tanh_shrink", 1e-3f, 3.33333247e-10f)   \
    EDGE(tanh_shrink_of_infinity, "tanh_shrink", INFINITY, INFINITY)                  \
    EDGE(softsign_of_infinity_is_1, "softsign", INFINITY, 1)                          \
    EDGE(softsign_of_minus_infinity_is_minus_1, "softsign", -INFINITY, -1)            \
    EDGE(softsign_of_the_largest_float_is_1, "softsign", FLT_MAX, 1)                  \
    EDGE(hard_swish_of_minus_infinity_is_minus_0, "hard_swish", -INFINITY, -0.0f)     \
    EDGE(hard_swish_of_infinity, "hard_swish", INFINITY, INFINITY)                    \
    EDGE(hard_sigmoid_of_minus_3_is_0, "hard_sigmoid", -3, 0)                         \
    EDGE(hard_sigmoid_of_3_is_1, "hard_sigmoid", 3, 1)                                \
    EDGE(sparse_plus_beside_its_zero, "sparse_plus", -0.99999994f, 8.8817842e-16f)    \
    EDGE(squareplus_of_minus_1e4_does_not_cancel, "squareplus", -1e4f, 9.9999999e-5f) \
    EDGE(squareplus_of_minus_3e7_is_not_0, "squareplus", -3e7f, 3.33333333e-8f)       \
    EDGE(squareplus_of_minus_infinity_is_0, "squareplus", -INFINITY, 0)               \
    EDGE(squareplus_of_infinity, "squareplus", INFINITY, INFINITY)                    \
    EDGE(exponential_of_89_is_infinite, "exponential", 89, INFINITY)                  \
    EDGE(exponential_of_minus_100_is_subnormal, "exponential", -100, 3.72007598e-44f) \
    EDGE(exponential_of_minus_infinity_is_0, "exponential", -INFINITY, 0)

#define DEFINE_EDGE(rule, name, x, want) \
    START_TEST(rule)                     \
    {                                    \
        check(name, x, want);            \
    }                                    \
    END_TEST
EDGES(DEFINE_EDGE)

int main(void)
{
    Suite *suite = suite_create("edges");
    TCase *tcase = suite_case(suite, "numeric edges");

#define ADD_EDGE(rule, name, x, want) tcase_add_test(tcase, rule);
    EDGES(ADD_EDGE)
    return suite_run(suite);
}
