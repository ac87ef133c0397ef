/* test_server_ranking.c - which classes are best, in which order, with which scores. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include "model/ranking.h"
#include "random_below.h"
#include "suite.h"

START_TEST(the_scores_of_one_output)
{
    const float y = 0.953f, logit = 0.4f, far = -200;

    ck_assert(ranking_score(RANKING_OUTPUTS, &y, 0) == y);
    ck_assert(ranking_score(RANKING_PROBABILITY, &y, 0) == 1 - y);
    ck_assert(ranking_score(RANKING_PROBABILITY, &y, 1) == y);
    ck_assert_double_eq_tol((double)ranking_score(RANKING_LOGIT, &logit, 1), 0.598687660112, 1e-7);
    ck_assert_double_eq_tol((double)ranking_score(RANKING_LOGIT, &logit, 0), 0.401312339888, 1e-7);
    ck_assert(ranking_score(RANKING_LOGIT, &far, 0) == 1);
    ck_assert(ranking_score(RANKING_LOGIT, &far, 1) >= 0); /* tiny, and not 1 - 1 by rounding */
}
END_TEST

START_TEST(the_better_class_of_two_comes_first)
{
    const float up = 0.4f, down = -0.4f;
    size_t best[2];

    ranking_best(RANKING_LOGIT, &up, 2, best, 2);
    ck_assert(best[0] == 1 && best[1] == 0);
    ranking_best(RANKING_LOGIT, &down, 2, best, 1);
    ck_assert(best[0] == 0);
    ranking_best(RANKING_PROBABILITY, &up, 2, best, 2);
    ck_assert(best[0] == 0 && best[1] == 1);
}
END_TEST

START_TEST(of_equals_the_first_comes_first_and_nan_last)
{
    const float y[] = {NAN, 2, 1, NAN, 2, INFINITY, -INFINITY};
    static const size_t want[] = {5, 1, 4, 2, 6, 0, 3};
    size_t best[7];

    for (size_t k = 1; k <= 7; k++) {
        ranking_best(RANKING_OUTPUTS, y, 7, best, k);
        for (size_t i = 0; i < k; i++)
            ck_assert_uint_eq(best[i], want[i]);
    }
}
END_TEST

START_TEST(any_number_of_the_best_is_the_beginning_of_all_of_them)
{
    enum { CLASSES = 300 };
    float y[CLASSES];
    size_t all[CLASSES], best[CLASSES];

    for (size_t i = 0; i < CLASSES; i++)
        y[i] = (float)random_below(100);
    ranking_best(RANKING_OUTPUTS, y, CLASSES, all, CLASSES);
    for (size_t i = 1; i < CLASSES; i++)
        ck_assert(y[all[i - 1]] > y[all[i]] || (y[all[i - 1]] == y[all[i]] && all[i - 1] < all[i]));
    for (size_t k = 1; k < CLASSES; k += 7) {
        ranking_best(RANKING_OUTPUTS, y, CLASSES, best, k);
        for (size_t i = 0; i < k; i++)
            ck_assert_uint_eq(best[i], all[i]);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ranking");
    TCase *tc = tcase_create("ranking");

    tcase_add_test(tc, the_scores_of_one_output);
    tcase_add_test(tc, the_better_class_of_two_comes_first);
    tcase_add_test(tc, of_equals_the_first_comes_first_and_nan_last);
    tcase_add_test(tc, any_number_of_the_best_is_the_beginning_of_all_of_them);
    suite_add_tcase(s, tc);

    return suite_run(s);
}
