/* test_server_reload.c - what stays, changes and goes when a repository is scanned again, under
 * readers and scrapes. */
#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "models.h"
#include "scraped.h"

/* ---- reload --------------------------------------------------------------------------------- */

START_TEST(what_did_not_change_stays_the_same_model)
{
    put_config("m", "");
    put_weights("m", 1, 1);
    open_repository();
    const void *before = model_of("m", 1);
    put_config("n", "");
    put_weights("n", 1, 3);
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert_ptr_eq(model_of("m", 1), before);
    ck_assert(ask("n", 0) == 3);
}
END_TEST

START_TEST(changed_weights_or_golden_rows_load_anew)
{
    put_config("m", "");
    put_weights("m", 1, 1);
    open_repository();
    folder_remove(&root, "m/1/weights.safetensors"); /* so that the inode or the time differs */
    put_weights("m", 1, 4);
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert(ask("m", 0) == 4);
    folder_text(&root, "m/1/golden.json", "{\"instances\": [[2]], \"predictions\": [[9]]}");
    ck_assert_int_eq(repository_reload(repository, NULL), 1);
    ck_assert(ask("m", 0) == 4);
}
END_TEST

/* Formats bring files of their own, and so do baselines. */
START_TEST(any_file_of_the_version_s_folder_counts)
{
    const void *before;

    put_config("m", "");
    put_weights("m", 1, 1);
    open_repository();
    before = model_of("m", 1);
    folder_text(&root, "m/1/.upload", "not there yet");
    folder_text(&root, "m/1/folder/file", "");
    folder_text(&root, "m/notes.txt", "");
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert_ptr_eq(model_of("m", 1), before);
    folder_text(&root, "m/1/weights.bin", "one more");
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert_ptr_ne(model_of("m", 1), before);
    before = model_of("m", 1);
    folder_remove(&root, "m/1/weights.bin");
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert_ptr_ne(model_of("m", 1), before);
}
END_TEST

START_TEST(a_new_version_takes_over_and_a_broken_one_does_not)
{
    put_config("m", "");
    put_weights("m", 1, 1);
    open_repository();
    put_weights("m", 2, 2);
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert(ask("m", 0) == 2);
    ck_assert(ask("m", 1) == -1);
    put_garbage("m", 3);
    ck_assert_int_eq(repository_reload(repository, NULL), 1);
    ck_assert(ask("m", 0) == 2);
    ck_assert_ptr_nonnull(strstr(error_of("m", 3), "3/weights.safetensors: "));
    repository_close(repository); /* and a restart comes to the same */
    open_repository();
    ck_assert_uint_eq(failed, 1);
    ck_assert(ask("m", 0) == 2);
}
END_TEST

START_TEST(a_broken_replacement_of_a_removed_version_leaves_it)
{
    put_config("m", "");
    put_weights("m", 1, 1);
    open_repository();
    folder_remove(&root, "m/1");
    put_garbage("m", 2);
    ck_assert_int_eq(repository_reload(repository, NULL), 1);
    ck_assert(ask("m", 0) == 1);
    put_weights("m", 2, 2);
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert(ask("m", 0) == 2);
    ck_assert_str_eq(error_of("m", 1), "absent");
}
END_TEST

START_TEST(a_removed_folder_removes_the_model)
{
    put_config("m", "");
    put_weights("m", 1, 1);
    put_config("n", "");
    put_weights("n", 1, 3);
    open_repository();
    const struct repository_snapshot *s = repository_acquire(repository);
    struct model *m = repository_find(s, "m")->versions[0].model;
    folder_remove(&root, "m");
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert_str_eq(error_of("m", 1), "absent");
    ck_assert(ask("n", 0) == 3);
    float x = 1, y = 0; /* who still holds it can finish */
    ck_assert_int_eq(serve_rows(m, &x, 1, &y), 0);
    ck_assert(y == 1);
    repository_release(repository, s);
}
END_TEST

START_TEST(a_root_that_has_gone_changes_nothing)
{
    put_config("m", "");
    put_weights("m", 1, 1);
    open_repository();
    char aside[80];
    snprintf(aside, sizeof aside, "%s-aside", root.path);
    ck_assert_int_eq(rename(root.path, aside), 0);
    ck_assert_int_eq(repository_reload(repository, NULL), -1);
    ck_assert(ask("m", 0) == 1);
    ck_assert_int_eq(rename(aside, root.path), 0);
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
}
END_TEST

START_TEST(too_many_models_are_refused_as_a_whole)
{
    open_repository();
    ck_assert_int_eq(chdir(root.path), 0);
    for (int i = 0; i <= 1024; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%d", i);
        ck_assert_int_eq(mkdir(name, 0755), 0);
    }
    ck_assert_int_eq(repository_reload(repository, NULL), -1);
}
END_TEST

static int asked;

static bool at_the_third(void)
{
    return ++asked == 3;
}

START_TEST(a_reload_that_is_told_to_stop_changes_nothing)
{
    static const char *const names[] = {"a", "b", "c", "d"};

    for (size_t i = 0; i < 4; i++) {
        put_config(names[i], "");
        put_weights(names[i], 1, 1);
    }
    open_repository();
    const void *before = model_of("a", 1);
    for (size_t i = 0; i < 4; i++)
        put_weights(names[i], 2, 2);
    asked = 0;
    ck_assert_int_eq(repository_reload(repository, at_the_third), -1);
    ck_assert_int_eq(asked, 3);
    ck_assert_ptr_eq(model_of("a", 1), before);
    for (size_t i = 0; i < 4; i++)
        ck_assert(ask(names[i], 0) == 1);
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        ck_assert(ask(names[i], 0) == 2);
}
END_TEST

/* ---- together with readers and scrapes ------------------------------------------------------ */

/* The value of the first series that begins like this, or -1. */
static double metric(const char *series)
{
    struct buf out;
    const char *found;
    double value = -1;

    scraped(&out, NULL);
    found = strstr(out.data, series);
    if (found)
        value = strtod(strchr(found, '}') + 1, NULL);
    buf_fini(&out);
    return value;
}

static int stop;

static void *predict_all_the_time(void *context)
{
    (void)context;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        float y = ask("m", 0);
        ck_assert(y == 1 || y == 2);
    }
    return NULL;
}

static void *scrape_all_the_time(void *context)
{
    (void)context;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        ck_assert(metric("axond_model_ready{model=\"m\",version=\"1\"}") == 1);
    return NULL;
}

START_TEST(readers_and_scrapes_always_find_a_model_during_reloads)
{
    pthread_t threads[5];

    put_config("m", "");
    put_weights("m", 1, 1);
    open_repository();
    __atomic_store_n(&stop, 0, __ATOMIC_RELAXED);
    pthread_create(&threads[0], NULL, predict_all_the_time, NULL);
    pthread_create(&threads[1], NULL, predict_all_the_time, NULL);
    for (size_t i = 2; i < 5; i++)
        pthread_create(&threads[i], NULL, scrape_all_the_time, NULL);
    for (unsigned i = 0; i < 60; i++) {
        if (i % 3 == 2) {
            put_garbage("m", 1);
        } else {
            folder_remove(&root, "m/1");
            put_weights("m", 1, (float)(i % 3 + 1));
        }
        ck_assert_int_eq(repository_reload(repository, NULL), i % 3 == 2);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (size_t i = 0; i < 5; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

START_TEST(dead_units_are_counted_over_served_rows_only)
{
    float x[4] = {1, 2, 3, -4}, y[4];

    /* The second unit fires on no row; golden rows, on which it would, do not count. */
    folder_text(&root, "m/config.json",
                "{\"input\": {\"features\": 1}, \"layers\": [{\"units\": 2, \"activation\": "
                "\"relu\", \"weight\": [[1], [0]], \"bias\": [0, -1]}, {\"units\": 1, "
                "\"activation\": \"identity\", \"weight\": [[1, 1]]}]}");
    folder_text(&root, "m/1/golden.json", "{\"instances\": [[5]], \"predictions\": [[5]]}");
    options.neuron_rows_min = 4;
    open_repository();
    ck_assert_uint_eq(failed, 0);
    const struct repository_snapshot *s = repository_acquire(repository);
    struct model *m = repository_find(s, "m")->versions[0].model;
    ck_assert(isnan(metric("axond_dead_relu_ratio{model=\"m\",version=\"1\","
                           "layer=\"hidden1\",window=\"load\"}")));
    ck_assert_int_eq(serve_rows(m, x, 4, y), 0);
    ck_assert(y[0] == 1 && y[3] == 0);
    repository_release(repository, s);
    ck_assert(metric("axond_dead_relu_ratio{model=\"m\",version=\"1\",layer=\"hidden1\","
                     "window=\"load\"}") == 0.5);
    ck_assert(metric("axond_dead_relu_ratio{model=\"m\",version=\"1\",layer=\"hidden1\","
                     "window=\"60s\"}") == 0.5);
    ck_assert(metric("axond_relu_outputs_total{model=\"m\",version=\"1\",layer=\"hidden1\"}") == 8);
    ck_assert(metric("axond_relu_zero_outputs_total{model=\"m\",version=\"1\","
                     "layer=\"hidden1\"}") == 5);
    ck_assert(metric("axond_neuron_rows_total{model=\"m\",version=\"1\"}") == 4);
    ck_assert(metric("axond_inference_rows_total{model=\"m\",version=\"1\"}") == 4);
    ck_assert(metric("axond_model_ready{model=\"m\",version=\"1\"}") == 1);
    ck_assert(metric("axond_dead_relu_ratio{model=\"m\",version=\"1\",layer=\"output\"") == -1);
    folder_remove(&root, "m");
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert(metric("axond_model_ready{model=\"m\"") == -1);
}
END_TEST

START_TEST(neuron_statistics_can_be_off)
{
    snprintf(options.neuron_stats, sizeof options.neuron_stats, "off");
    put_config("m", "");
    put_weights("m", 1, 2);
    open_repository();
    ck_assert(ask("m", 0) == 2);
    ck_assert(metric("axond_dead_relu_ratio{model=\"m\"") == -1);
    ck_assert(metric("axond_inference_rows_total{model=\"m\",version=\"1\"}") == 1);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("reload");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, what_did_not_change_stays_the_same_model);
    tcase_add_test(tc, changed_weights_or_golden_rows_load_anew);
    tcase_add_test(tc, any_file_of_the_version_s_folder_counts);
    tcase_add_test(tc, a_new_version_takes_over_and_a_broken_one_does_not);
    tcase_add_test(tc, a_broken_replacement_of_a_removed_version_leaves_it);
    tcase_add_test(tc, a_removed_folder_removes_the_model);
    tcase_add_test(tc, a_root_that_has_gone_changes_nothing);
    tcase_add_test(tc, too_many_models_are_refused_as_a_whole);
    tcase_add_test(tc, a_reload_that_is_told_to_stop_changes_nothing);
    tcase_add_test(tc, readers_and_scrapes_always_find_a_model_during_reloads);
    tcase_add_test(tc, dead_units_are_counted_over_served_rows_only);
    tcase_add_test(tc, neuron_statistics_can_be_off);
    return run_suite("reload", tc);
}
