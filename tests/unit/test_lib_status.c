/* test_lib_status.c - every status has a name and a text, and so has what is none. */
#include <string.h>
#include "axon/status.h"
#include "suite.h"

START_TEST(every_status_has_its_own_name_and_text)
{
    const char *name = axon_status_name((enum axon_status)_i);

    ck_assert_uint_gt(strlen(name), 0);
    ck_assert_uint_gt(strlen(axon_status_text((enum axon_status)_i)), 0);
    ck_assert_str_ne(name, "unknown");
    for (int other = 0; other < _i; other++)
        ck_assert_str_ne(name, axon_status_name((enum axon_status)other));
}
END_TEST

START_TEST(names_are_stable)
{
    ck_assert_str_eq(axon_status_name(AXON_OK), "ok");
    ck_assert_str_eq(axon_status_name(AXON_ENOMEM), "out_of_memory");
    ck_assert_str_eq(axon_status_name(AXON_ESHAPE), "shape_mismatch");
    ck_assert_str_eq(axon_status_name(AXON_EPARAM), "invalid_parameter");
    ck_assert_str_eq(axon_status_name(AXON_EUNSUPPORTED), "unsupported");
    ck_assert_str_eq(axon_status_name(AXON_EOVERLAP), "overlap");
    ck_assert_str_eq(axon_status_name(AXON_EALIGN), "misaligned");
}
END_TEST

START_TEST(a_value_outside_of_the_enum_reads_as_unknown)
{
    ck_assert_str_eq(axon_status_name(AXON_STATUS_COUNT), "unknown");
    ck_assert_str_eq(axon_status_text((enum axon_status)1000), "unknown status");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("status");
    TCase *tcase = suite_case(suite, "status");

    tcase_add_loop_test(tcase, every_status_has_its_own_name_and_text, 0, AXON_STATUS_COUNT);
    tcase_add_test(tcase, names_are_stable);
    tcase_add_test(tcase, a_value_outside_of_the_enum_reads_as_unknown);
    return suite_run(suite);
}
