/* test_lib_cpu.c - which ISA and which BLAS kernels are in use, and that they suit this machine.
 *
 * OpenBLAS chooses in a constructor, as its environment says: each test is a process of its own. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include "axon/activation.h"
#include "axon/cpu.h"
#include "gemm.h"
#include "kernels/dispatch.h"
#include "suite.h"

START_TEST(every_listed_isa_can_be_selected_and_computes)
{
    size_t count;
    const char *const *names = axon_isa_list(&count);
    struct axon_axis one = {1, 1, 1};
    float x = 0, y = 9;

    ck_assert_int_eq(axon_isa_select(names[_i]), AXON_OK);
    ck_assert_str_eq(axon_isa_name(), names[_i]);
    axon_activation_forward(axon_activation_find("sigmoid"), &x, &y, one, NULL, 0);
    ck_assert(y == 0.5f);
    ck_assert_int_eq(axon_isa_select("auto"), AXON_OK);
    ck_assert_str_eq(axon_isa_name(), names[0]);
}
END_TEST

START_TEST(the_list_names_the_tables_and_ends_with_baseline)
{
    size_t count, tables;
    const char *const *names = axon_isa_list(&count);
    const struct axon_kernels *const *list = axon__kernels_list(&tables);

    ck_assert_uint_ge(count, 1);
    ck_assert_uint_eq(count, tables);
    for (size_t i = 0; i < count; i++)
        ck_assert_str_eq(names[i], list[i]->isa);
    ck_assert_str_eq(names[count - 1], "baseline");
}
END_TEST

START_TEST(an_unknown_isa_leaves_the_choice_as_it_was)
{
    ck_assert_int_eq(axon_isa_select("baseline"), AXON_OK);
    ck_assert_int_eq(axon_isa_select("avx1024"), AXON_EUNSUPPORTED);
    ck_assert_int_eq(axon_isa_select(""), AXON_EUNSUPPORTED);
    ck_assert_str_eq(axon_isa_name(), "baseline");
}
END_TEST

START_TEST(the_advice_follows_the_features_not_the_model)
{
    /* what Debian 12's OpenBLAS reports on recent Intel servers */
    ck_assert_str_eq(axon__blas_core_for("Prescott", 1, 1), "SkylakeX");
    ck_assert_str_eq(axon__blas_core_for("Prescott", 0, 1), "Haswell");
    ck_assert_ptr_null(axon__blas_core_for("Prescott", 0, 0));
    ck_assert_str_eq(axon__blas_core_for("Haswell", 1, 1), "SkylakeX");
    ck_assert_str_eq(axon__blas_core_for("Zen", 1, 1), "SkylakeX");
    ck_assert_ptr_null(axon__blas_core_for("Haswell", 0, 1));
    ck_assert_ptr_null(axon__blas_core_for("Zen", 0, 1));
    ck_assert_ptr_null(axon__blas_core_for("SkylakeX", 1, 1));
    ck_assert_ptr_null(axon__blas_core_for("Cooperlake", 1, 1));
    ck_assert_ptr_null(axon__blas_core_for("SapphireRapids", 1, 1));
    ck_assert_str_eq(axon__blas_core_for("Sandybridge", 0, 1), "Haswell");
    ck_assert_str_eq(axon__blas_core_for("", 1, 1), "SkylakeX");
    ck_assert_ptr_null(axon__blas_core_for("neoversen1", 0, 0));
}
END_TEST

/* As a program does it that brings OpenBLAS: the advice first, then the library. */
START_TEST(the_blas_kernels_suit_this_cpu_once_the_advice_is_followed)
{
    const char *advice = axon_blas_core_advice("");

    ck_assert_str_eq(axon_blas_core(), "");
    if (advice)
        ck_assert_int_eq(setenv("OPENBLAS_CORETYPE", advice, 1), 0);
    ck_assert_int_eq(axon_blas_bind(dlsym, dlopen("libopenblas.so.0", RTLD_NOW)), AXON_OK);
    ck_assert_msg(!axon_blas_core_advice(axon_blas_core()), "advised %s, got %s", advice,
                  axon_blas_core());
}
END_TEST

int main(void)
{
    Suite *suite;
    TCase *tcase;
    size_t count;

    suite = suite_create("cpu");
    tcase = suite_case(suite, "cpu");
    axon_isa_list(&count);
    tcase_add_loop_test(tcase, every_listed_isa_can_be_selected_and_computes, 0, (int)count);
    tcase_add_test(tcase, the_list_names_the_tables_and_ends_with_baseline);
    tcase_add_test(tcase, an_unknown_isa_leaves_the_choice_as_it_was);
    tcase_add_test(tcase, the_advice_follows_the_features_not_the_model);
    tcase_add_test(tcase, the_blas_kernels_suit_this_cpu_once_the_advice_is_followed);
    return suite_run(suite);
}
