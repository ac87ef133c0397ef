/* test_lib_rows.c - what is asked of a row of the registry besides its numbers: the names that it
 * is found by, and whether it has exact zeros with its parameters. */
#include "axon/activation.h"
#include "suite.h"

/* As torch.nn, Keras, jax.nn, ONNX and Hugging Face's transformers write them. */
static const struct {
    const char *pasted, *name;
} pasted[] = {
    {"ReLU", "relu"},
    {"ReLU6", "relu6"},
    {"LeakyReLU", "leaky_relu"},
    {"LeakyRelu", "leaky_relu"},
    {"leakyrelu", "leaky_relu"},
    {"PReLU", "prelu"},
    {"RReLU", "rrelu"},
    {"ELU", "elu"},
    {"SELU", "selu"},
    {"CELU", "celu"},
    {"GELU", "gelu"},
    {"gelu_python", "gelu"},
    {"gelu_new", "gelu_tanh"},
    {"gelu_fast", "gelu_tanh"},
    {"gelu_pytorch_tanh", "gelu_tanh"},
    {"gelu_python_tanh", "gelu_tanh"},
    {"gelu_accurate", "gelu_tanh"},
    {"gelu_10", "clipped_gelu"},
    {"quick_gelu", "quick_gelu"},
    {"QuickGELU", "quick_gelu"},
    {"SiLU", "silu"},
    {"Swish", "silu"},
    {"Mish", "mish"},
    {"Hardswish", "hard_swish"},
    {"HardSwish", "hard_swish"},
    {"hard_silu", "hard_swish"},
    {"Hardsigmoid", "hard_sigmoid"},
    {"HardSigmoid", "hard_sigmoid"},
    {"Hardtanh", "hard_tanh"},
    {"Hardshrink", "hard_shrink"},
    {"Softshrink", "soft_shrink"},
    {"Tanhshrink", "tanh_shrink"},
    {"Shrink", "shrink"},
    {"Clip", "clip"},
    {"clamp", "clip"},
    {"Threshold", "threshold"},
    {"ThresholdedRelu", "threshold"},
    {"ThresholdedReLU", "threshold"},
    {"LogSigmoid", "log_sigmoid"},
    {"log-sigmoid", "log_sigmoid"},
    {"LogSoftmax", "log_softmax"},
    {"Softmin", "softmin"},
    {"Hardmax", "hardmax"},
    {"Softsign", "softsign"},
    {"soft_sign", "softsign"},
    {"Identity", "identity"},
    {"Linear", "identity"},
    {"Exp", "exponential"},
    {"relu2", "relu2"},
    {"squared_relu", "relu2"},
    {"laplace", "laplace"},
    {"xielu", "xielu"},
    {"ScaledTanh", "scaled_tanh"},
    {"GLU", "glu"},
    {"SwiGLU", "swiglu"},
    {"sparse-plus", "sparse_plus"},
};

START_TEST(names_that_people_paste_are_found)
{
    for (size_t i = 0; i < sizeof pasted / sizeof *pasted; i++) {
        const struct axon_activation *act = axon_activation_find(pasted[i].pasted);

        ck_assert_msg(act != NULL, "%s is not found", pasted[i].pasted);
        ck_assert_str_eq(act->name, pasted[i].name);
    }
}
END_TEST

static const struct {
    const char *name;
    float params[2];
    size_t count; /* 0: the defaults */
    bool zeros;
} cases[] = {
    {"relu", {0}, 0, true},
    {"relu6", {0}, 0, true},
    {"hard_swish", {0}, 0, true},
    {"sparse_plus", {0}, 0, true},
    {"sparse_sigmoid", {0}, 0, true},
    {"leaky_relu", {0}, 0, false},
    {"leaky_relu", {0}, 1, true},
    {"leaky_relu", {-0.0f}, 1, true},
    {"prelu", {0.25f, 0}, 2, true},
    {"prelu", {0.25f, 1}, 2, false},
    {"rrelu", {0}, 0, false},
    {"rrelu", {-0.5f, 0.5f}, 2, true},
    {"elu", {0}, 1, true},
    {"elu", {0}, 0, false},
    {"hard_tanh", {0}, 0, false},
    {"hard_tanh", {0, 6}, 2, true},
    {"hard_tanh", {-6, 0}, 2, true},
    {"hard_sigmoid", {0}, 0, true},
    {"hard_sigmoid", {0, 0.5f}, 2, false},
    {"hard_sigmoid", {0, -1}, 2, true},
    {"threshold", {0}, 0, true},
    {"threshold", {0, 0.5f}, 2, false},
    {"threshold", {-2, 0}, 2, true},
    {"hard_shrink", {0}, 0, true},
    {"hard_shrink", {0}, 1, false},
    {"soft_shrink", {0}, 1, false},
    {"sigmoid", {0}, 0, false},
    {"exponential", {0}, 0, false},
    {"softmax", {0}, 0, false},
    {"relu2", {0}, 0, true},
    {"clip", {0}, 0, false},
    {"clip", {0, 6}, 2, true},
    {"selu", {0, 1}, 2, true},
    {"shrink", {2, 0.5f}, 2, true},
    {"shrink", {2, 0}, 2, false},
    {"scaled_tanh", {0}, 0, false},
};

START_TEST(exact_zeros_depend_on_the_parameters)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(axon_activation_has_zeros(axon_activation_find(cases[i].name),
                                                cases[i].count ? cases[i].params : NULL,
                                                cases[i].count) == cases[i].zeros,
                      "%s, %zu", cases[i].name, i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rows");
    TCase *tcase = suite_case(suite, "registry");

    tcase_add_test(tcase, names_that_people_paste_are_found);
    tcase_add_test(tcase, exact_zeros_depend_on_the_parameters);
    return suite_run(suite);
}
