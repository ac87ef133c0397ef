/* test_server_names.c - the place of a name among many. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/names.h"
#include "starve.h"
#include "suite.h"

enum { MANY = 1000 };

static char texts[MANY][8];
static const char *many[MANY];

static void setup(void)
{
    for (size_t i = 0; i < MANY; i++) {
        snprintf(texts[i], sizeof texts[i], "c%zu", i * 7 % MANY);
        many[i] = texts[i];
    }
}

START_TEST(each_name_is_found_whatever_is_guessed)
{
    struct names *names = names_create(many, MANY);

    ck_assert_ptr_nonnull(names);
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_uint_eq(names_find(names, many[i], i), i);
        ck_assert_uint_eq(names_find(names, many[i], i + 1), i);
        ck_assert_uint_eq(names_find(names, many[i], (size_t)-1), i);
    }
    names_destroy(names);
}
END_TEST

START_TEST(what_is_no_name_has_no_place)
{
    static const char *const strangers[] = {"", "c", "c1000", "b", "d", "c10000", "C1"};
    struct names *names = names_create(many, MANY);

    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        ck_assert_uint_eq(names_find(names, strangers[i], 0), MANY);
    names_destroy(names);
    names = names_create(NULL, 0);
    ck_assert_uint_eq(names_find(names, "c", 0), 0);
    names_destroy(names);
    names_destroy(NULL);
}
END_TEST

START_TEST(without_memory_there_are_none)
{
    bool made = false;

    for (long n = 1; !made; n++) {
        starve_countdown = n;
        struct names *names = names_create(many, MANY);
        made = starve_countdown > 0 || !STARVE_WORKS;
        starve_countdown = 0;
        ck_assert(made == (names != NULL) || n > 2); /* qsort() takes what it can get */
        names_destroy(names);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("names");
    TCase *t = suite_case(s, "names");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, each_name_is_found_whatever_is_guessed);
    tcase_add_test(t, what_is_no_name_has_no_place);
    tcase_add_test(t, without_memory_there_are_none);

    return suite_run(s);
}
