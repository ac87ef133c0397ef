/* test_lib_code.c - the code of every activation makes y of x, in plain text that fits a page.
 *
 * Whether it makes the right y is tested where the frameworks are: tests/code. */
#include <string.h>
#include "axon/code.h"
#include "suite.h"

/* The last line assigns y, x is used, and nothing but ASCII in lines of a bearable length. */
static void check_code(const char *name, const char *code, const char *assign)
{
    const char *last = strrchr(code, '\n');

    last = last ? last + 1 : code;
    ck_assert_msg(strncmp(last, assign, strlen(assign)) == 0, "%s: %s", name, code);
    ck_assert_msg(strpbrk(code, "x") != NULL, "%s: %s", name, code);
    for (const char *at = code, *line = code; *at; at++) {
        ck_assert_msg(*at == '\n' || (*at >= ' ' && *at <= '~'), "%s: %s", name, code);
        line = *at == '\n' ? at : line;
        ck_assert_msg(at - line <= 130, "%s: a long line: %s", name, code);
    }
}

START_TEST(every_activation_has_code_for_every_framework)
{
    size_t count;
    const struct axon_activation *table = axon_activation_table(&count);

    for (size_t i = 0; i < count; i++) {
        const struct axon_code *code = axon_activation_code(&table[i]);
        const char *const each[] = {code->pytorch, code->keras, code->jax, code->numpy, code->onnx};

        for (size_t k = 0; k < sizeof each / sizeof *each; k++) {
            ck_assert_ptr_nonnull(each[k]);
            check_code(table[i].name, each[k], "y = ");
        }
    }
}
END_TEST

START_TEST(the_code_is_that_of_its_row)
{
    static const char *const known[][2] = {{"leaky_relu", "negative_slope=0.01"},
                                           {"softplus", "softplus"},
                                           {"gelu_tanh", "tanh"},
                                           {"swiglu", "silu"}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        ck_assert_ptr_nonnull(
            strstr(axon_activation_code(axon_activation_find(known[i][0]))->pytorch, known[i][1]));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("code");
    TCase *tc = suite_case(suite, "code");

    tcase_add_test(tc, every_activation_has_code_for_every_framework);
    tcase_add_test(tc, the_code_is_that_of_its_row);
    return suite_run(suite);
}
