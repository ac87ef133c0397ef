/* suite.h - what every unit test needs around its tests. */
#ifndef SUITE_H
#define SUITE_H

#include <check.h>
#include <stdlib.h>

enum { SUITE_TIMEOUT_S = 300 }; /* sanitizers and qemu are slow; a hang still ends */

/* check's own macros for floats promote them in silence, which the warnings forbid. */
#define ck_assert_same(got, want) ck_assert_double_eq((double)(got), (double)(want))
#define ck_assert_near(got, want, tolerance) \
    ck_assert_double_eq_tol((double)(got), (double)(want), (double)(tolerance))

/* Runs the suite's tests and returns main()'s status. */
static inline int suite_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static inline TCase *suite_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);

    tcase_set_timeout(tcase, SUITE_TIMEOUT_S);
    suite_add_tcase(suite, tcase);
    return tcase;
}

#endif
