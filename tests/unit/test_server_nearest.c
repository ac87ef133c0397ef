/* test_server_nearest.c - which name a misspelt one was meant to be. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "base/nearest.h"
#include "suite.h"

static const char *const names[] = {"models", "listen", "listen_max", "bias", "id"};
enum { NAMES = sizeof names / sizeof *names };

static const struct {
    const char *name, *nearest; /* NULL: none */
} cases[] = {
    {"models", "models"},
    {"modles", "models"},        /* two letters that changed places are two replaced */
    {"modls", "models"},         /* left out  */
    {"moddels", "models"},       /* inserted  */
    {"listen_mx", "listen_max"}, /* not to "listen", which is further */
    {"listne", "listen"},
    {"bxxs", "bias"}, /* four letters bear two slips */
    {"bxxx", NULL},   /* but not three               */
    {"BIAS", "bias"}, /* case is no slip */
    {"ix", "id"},     /* two letters bear one        */
    {"xx", NULL},     /* but not two                 */
    {"threads", NULL},
    {"", NULL},
};

START_TEST(nearest_is_a_slip_and_not_another_word)
{
    const char *found = nearest(cases[_i].name, names, NAMES);

    if (cases[_i].nearest)
        ck_assert_pstr_eq(found, cases[_i].nearest);
    else
        ck_assert_msg(!found, "%s: %s", cases[_i].name, found);
}
END_TEST

START_TEST(among_equals_it_is_the_first)
{
    static const char *const equals[] = {"batch", "patch", "match"};

    ck_assert_ptr_eq(nearest("xatch", equals, 3), equals[0]);
    ck_assert_ptr_eq(nearest("xatch", equals + 1, 2), equals[1]);
    ck_assert_ptr_eq(nearest("match", equals, 3), equals[2]);
}
END_TEST

START_TEST(without_names_there_is_none)
{
    static const char *const nameless[] = {"", "full"};

    ck_assert_ptr_null(nearest("listen", names, 0));
    ck_assert_ptr_null(nearest("x", nameless, 2)); /* one letter from nothing */
}
END_TEST

START_TEST(names_of_any_length_are_safe)
{
    static char text[4][70];
    const char *long_names[4];

    for (size_t i = 0; i < 4; i++) { /* 63 to 66 bytes: around the bound */
        memset(text[i], 'a', 63 + i);
        long_names[i] = text[i];
    }
    for (size_t i = 0; i < 4; i++)
        ck_assert_ptr_eq(nearest(text[i], long_names, 4), i < 2 ? text[i] : NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("nearest");
    TCase *tc = tcase_create("nearest");

    tcase_add_loop_test(tc, nearest_is_a_slip_and_not_another_word, 0,
                        sizeof cases / sizeof *cases);
    tcase_add_test(tc, among_equals_it_is_the_first);
    tcase_add_test(tc, without_names_there_is_none);
    tcase_add_test(tc, names_of_any_length_are_safe);
    suite_add_tcase(s, tc);

    return suite_run(s);
}
