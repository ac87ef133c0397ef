/* test_server_control.c - one model loaded or unloaded by name: what serves then, what is listed,
 * what a reload makes of it, and what a model that fails changes. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "models.h"
#include "starve.h"

static struct error error;

static enum error_id load_with(const struct repository_ask *asked)
{
    error = (struct error){0};
    return repository_load(repository, asked, &error);
}

static enum error_id load(const char *name)
{
    return load_with(&(struct repository_ask){.name = name});
}

static enum error_id unload(const char *name)
{
    error = (struct error){0};
    return repository_unload(repository, name, false, &error);
}

/* From a folder that is not the repository's. */
static enum error_id load_from(const char *opaque, const struct folder *folder, const char *path)
{
    char name[MODEL_NAME_MAX + 1], full[300];

    snprintf(full, sizeof full, "%s/%s", folder->path, path);
    return load_with(&(struct repository_ask){
        .name = repository_name(opaque, name), .folder = full, .opaque = opaque});
}

/* The state of version v of m; REPOSITORY_LOADING stands for none. */
static enum repository_state state_of(const char *m, uint64_t v)
{
    const struct repository_snapshot *s = repository_acquire(repository);
    const struct repository_entry *e = repository_find(s, m);
    const struct repository_version *found = e ? repository_find_version(e, v) : NULL;
    enum repository_state state = found ? repository_state(found) : REPOSITORY_LOADING;

    repository_release(repository, s);
    return state;
}

static size_t models_count(void)
{
    const struct repository_snapshot *s = repository_acquire(repository);
    size_t count = s->entries_count;

    for (size_t i = 1; i < count; i++) /* as look-ups want them */
        ck_assert_int_lt(strcmp(s->entries[i - 1].name, s->entries[i].name), 0);
    repository_release(repository, s);
    return count;
}

static void put_model(const char *name, float w)
{
    put_config(name, "");
    put_weights(name, 1, w);
}

/* A folder that is no part of the repository, with the model "m" of weight 4. */
static struct folder model_elsewhere(void)
{
    struct folder elsewhere = folder_create(), own = root;

    root = elsewhere;
    put_model("m", 4);
    root = own;
    return elsewhere;
}

/* ---- load ----------------------------------------------------------------------------------- */

START_TEST(a_folder_that_appeared_is_loaded_and_others_stay_as_they_are)
{
    put_model("b", 2);
    open_repository();
    const void *before = model_of("b", 1);
    put_model("a", 1);
    put_model("c", 3);
    ck_assert_int_eq(load("c"), ERROR_OK);
    ck_assert(ask("c", 0) == 3);
    ck_assert(ask("a", 0) == -1);
    ck_assert_int_eq(load("a"), ERROR_OK);
    ck_assert(ask("a", 0) == 1);
    ck_assert_ptr_eq(model_of("b", 1), before);
    ck_assert_uint_eq(models_count(), 3);
}
END_TEST

START_TEST(what_did_not_change_is_not_loaded_anew_and_what_did_is)
{
    put_model("m", 1);
    open_repository();
    const void *before = model_of("m", 1);
    ck_assert_int_eq(load("m"), ERROR_OK);
    ck_assert_ptr_eq(model_of("m", 1), before);
    put_weights("m", 2, 2);
    ck_assert_int_eq(load("m"), ERROR_OK);
    ck_assert(ask("m", 0) == 2);
}
END_TEST

START_TEST(a_load_that_fails_leaves_what_serves_and_tells_why)
{
    put_model("m", 1);
    open_repository();
    put_garbage("m", 2);
    ck_assert_int_eq(load("m"), ERROR_LOAD_FAILED);
    ck_assert_ptr_nonnull(strstr(error.detail, "model 'm' version 2: 2/weights.safetensors: "));
    ck_assert_ptr_nonnull(strstr(error.detail, "; version 1 serves"));
    ck_assert(ask("m", 0) == 1);
    ck_assert_int_eq(state_of("m", 2), REPOSITORY_UNAVAILABLE);
    put_weights("m", 2, 2);
    ck_assert_int_eq(load("m"), ERROR_OK);
    ck_assert(ask("m", 0) == 2);
}
END_TEST

START_TEST(a_new_model_that_fails_is_listed_with_the_reason)
{
    open_repository();
    put_config("m", "");
    put_garbage("m", 1);
    ck_assert_int_eq(load("m"), ERROR_LOAD_FAILED);
    ck_assert_int_eq(state_of("m", 1), REPOSITORY_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(error_of("m", 1), "1/weights.safetensors: "));
    ck_assert(!repository_serves(repository));
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_an_unknown_model)
{
    static const char *const names[] = {"nobody", ".", "..", ".hidden"};

    folder_text(&root, ".hidden/config.json", "{}");
    open_repository();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ck_assert_int_eq(load(names[i]), ERROR_UNKNOWN_MODEL);
        ck_assert_ptr_nonnull(strstr(error.detail, names[i]));
    }
    ck_assert_uint_eq(models_count(), 0);
}
END_TEST

START_TEST(a_model_that_serves_survives_the_load_of_its_missing_folder)
{
    put_model("m", 1);
    open_repository();
    folder_remove(&root, "m");
    ck_assert_int_eq(load("m"), ERROR_LOAD_FAILED);
    ck_assert(ask("m", 0) == 1);
}
END_TEST

START_TEST(without_a_repository_nothing_is_loaded_by_name)
{
    repository = repository_open("", &options, NULL, &failed, &error);
    ck_assert_int_eq(load("m"), ERROR_UNKNOWN_MODEL);
}
END_TEST

START_TEST(a_single_model_is_loaded_by_its_name_alone)
{
    char dir[sizeof root.path + 8];

    put_model("m", 1);
    put_model("n", 2);
    snprintf(dir, sizeof dir, "%s/m", root.path);
    snprintf(options.model_dir, sizeof options.model_dir, "%s", dir);
    repository = repository_open(dir, &options, NULL, &failed, &error);
    ck_assert_int_eq(unload("m"), ERROR_OK);
    ck_assert(ask("m", 0) == -1);
    ck_assert_int_eq(load("m"), ERROR_OK);
    ck_assert(ask("m", 0) == 1);
    ck_assert_int_eq(load("n"), ERROR_UNKNOWN_MODEL);
    ck_assert_int_eq(load("1"), ERROR_UNKNOWN_MODEL);
}
END_TEST

/* ---- a config in place of config.json ------------------------------------------------------- */

static const char scaled[] = "{\"input\": {\"features\": 1, \"scale\": 7}, \"layers\": "
                             "[{\"name\": \"h\", \"units\": 1, \"activation\": \"relu\"}]}";

START_TEST(a_given_config_stands_in_place_of_the_file_until_a_load_without_one)
{
    const struct repository_ask given = {.name = "m", .config = scaled};

    put_model("m", 1);
    open_repository();
    ck_assert_msg(load_with(&given) == ERROR_OK, "%s", error.detail);
    ck_assert(ask("m", 0) == 7);
    const void *before = model_of("m", 1);
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert_ptr_eq(model_of("m", 1), before);
    ck_assert_int_eq(load_with(&given), ERROR_OK);
    ck_assert_ptr_eq(model_of("m", 1), before);
    ck_assert_int_eq(load("m"), ERROR_OK);
    ck_assert(ask("m", 0) == 1);
}
END_TEST

START_TEST(a_given_config_that_is_wrong_changes_nothing)
{
    static const char *const wrong[] = {"", "{", "[]", "{\"layer\": []}",
                                        "{\"max_batch_size\": 8}"};

    put_model("m", 1);
    open_repository();
    const void *before = model_of("m", 1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct repository_ask given = {.name = "m", .config = wrong[i]};

        ck_assert_int_eq(load_with(&given), ERROR_LOAD_FAILED);
        ck_assert_ptr_nonnull(strstr(error.detail, "parameters.config:"));
        ck_assert_ptr_eq(model_of("m", 1), before);
    }
    ck_assert_int_eq(repository_reload(repository, NULL), 0); /* by the file, as before */
    ck_assert_str_eq(error_of("m", 1), "");
}
END_TEST

/* ---- unload --------------------------------------------------------------------------------- */

START_TEST(an_unloaded_model_stays_unloaded_until_it_is_loaded)
{
    put_model("m", 1);
    put_model("n", 2);
    open_repository();
    ck_assert_int_eq(unload("m"), ERROR_OK);
    for (int reload = 0; reload < 2; reload++) {
        ck_assert(ask("m", 0) == -1);
        ck_assert(ask("n", 0) == 2);
        ck_assert_int_eq(state_of("m", 1), REPOSITORY_UNAVAILABLE);
        ck_assert_str_eq(error_of("m", 1), "unloaded");
        ck_assert_int_eq(repository_reload(repository, NULL), 0);
    }
    ck_assert_int_eq(unload("m"), ERROR_OK);
    ck_assert_int_eq(load("m"), ERROR_OK);
    ck_assert(ask("m", 0) == 1);
    ck_assert_int_eq(state_of("m", 1), REPOSITORY_READY);
}
END_TEST

START_TEST(what_is_held_is_answered_and_then_given_back)
{
    float x = 1, y = 0;

    put_model("m", 1);
    open_repository();
    const struct repository_snapshot *s = repository_acquire(repository);
    struct model *m = repository_find(s, "m")->versions[0].model;
    model_ref(m);
    repository_release(repository, s);
    ck_assert_int_eq(unload("m"), ERROR_OK);
    ck_assert_int_eq(state_of("m", 1), REPOSITORY_UNLOADING);
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert_int_eq(state_of("m", 1), REPOSITORY_UNLOADING);
    ck_assert_int_eq(serve_rows(m, &x, 1, &y), 0);
    ck_assert(y == 1);
    model_unref(m);
    ck_assert_int_eq(state_of("m", 1), REPOSITORY_UNAVAILABLE);
}
END_TEST

START_TEST(a_model_whose_folder_is_gone_is_unloaded_and_then_forgotten)
{
    put_model("m", 1);
    open_repository();
    folder_remove(&root, "m");
    ck_assert_int_eq(unload("m"), ERROR_OK);
    ck_assert_str_eq(error_of("m", 1), "unloaded");
    ck_assert_int_eq(load("m"), ERROR_UNKNOWN_MODEL);
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert_str_eq(error_of("m", 1), "absent");
    ck_assert_int_eq(unload("m"), ERROR_OK);
    put_model("m", 5); /* a folder of that name is another model */
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert(ask("m", 0) == 5);
}
END_TEST

START_TEST(a_service_of_which_all_is_unloaded_is_ready)
{
    put_model("m", 1);
    open_repository();
    ck_assert_int_eq(unload("m"), ERROR_OK);
    ck_assert(repository_serves(repository));
    ck_assert_int_eq(unload("nobody"), ERROR_OK);
}
END_TEST

/* ---- models from elsewhere ------------------------------------------------------------------ */

START_TEST(a_folder_of_elsewhere_serves_under_any_name)
{
    static const char *const names[] = {"plain", "a/b \303\274", "0123456789abcdef", "..",
                                        "a name of more than sixty-four bytes, as platforms make "
                                        "them of what their users have called a model"};
    struct folder elsewhere = model_elsewhere();
    char name[MODEL_NAME_MAX + 1];

    open_repository();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ck_assert_msg(load_from(names[i], &elsewhere, "m") == ERROR_OK, "%s", error.detail);
        ck_assert(ask(repository_name(names[i], name), 0) == 4);
        ck_assert_int_ne(*name, '.'); /* a client's path would lose it */
        ck_assert_int_eq(load_from(names[i], &elsewhere, "m"), ERROR_ALREADY_LOADED);
    }
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert_uint_eq(models_count(), sizeof names / sizeof *names);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        repository_name(names[i], name);
        ck_assert(ask(name, 0) == 4);
        ck_assert_int_eq(repository_unload(repository, name, true, &error), ERROR_OK);
        ck_assert_str_eq(error_of(name, 1), "absent");
    }
    ck_assert_uint_eq(models_count(), 0);
    folder_remove(&elsewhere, "");
}
END_TEST

START_TEST(a_folder_of_elsewhere_that_fails_leaves_nothing)
{
    struct folder elsewhere = folder_create();

    folder_text(&elsewhere, "broken/config.json", "{");
    folder_text(&elsewhere, "empty/notes", "");
    open_repository();
    ck_assert_int_eq(load_from("x", &elsewhere, "broken"), ERROR_LOAD_FAILED);
    ck_assert_ptr_nonnull(strstr(error.detail, "config.json:1:"));
    ck_assert_int_eq(load_from("x", &elsewhere, "empty"), ERROR_LOAD_FAILED);
    ck_assert_int_eq(load_from("x", &elsewhere, "nothing"), ERROR_UNKNOWN_MODEL);
    ck_assert_int_eq(load_from("x", &elsewhere, "empty/notes"), ERROR_UNKNOWN_MODEL);
    ck_assert_uint_eq(models_count(), 0);
    folder_remove(&elsewhere, "");
}
END_TEST

START_TEST(a_folder_of_the_repository_does_not_take_the_name_of_a_model_of_elsewhere)
{
    struct folder elsewhere = model_elsewhere();

    open_repository();
    ck_assert_int_eq(load_from("x", &elsewhere, "m"), ERROR_OK);
    put_model("x", 1);
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert(ask("x", 0) == 4);
    folder_remove(&elsewhere, "m"); /* what serves goes on, as that of the repository does */
    ck_assert_int_eq(repository_reload(repository, NULL), 1);
    ck_assert(ask("x", 0) == 4);
    ck_assert_int_eq(repository_unload(repository, "x", true, &error), ERROR_OK);
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert(ask("x", 0) == 1);
    ck_assert_int_eq(load_from("x", &elsewhere, ""), ERROR_ALREADY_LOADED);
    folder_remove(&elsewhere, "");
}
END_TEST

START_TEST(an_unloaded_model_of_elsewhere_is_loaded_from_there)
{
    struct folder elsewhere = model_elsewhere();

    open_repository();
    ck_assert_int_eq(load_from("x", &elsewhere, "m"), ERROR_OK);
    ck_assert_int_eq(unload("x"), ERROR_OK);
    ck_assert(ask("x", 0) == -1);
    ck_assert_int_eq(load("x"), ERROR_OK);
    ck_assert(ask("x", 0) == 4);
    ck_assert_int_eq(unload("x"), ERROR_OK);
    ck_assert_int_eq(load_from("x", &elsewhere, "m"), ERROR_OK);
    folder_remove(&elsewhere, "");
}
END_TEST

/* ---- without memory ------------------------------------------------------------------------- */

/* Each allocation fails in turn, and others serve on. */
START_TEST(a_load_or_unload_without_memory_changes_nothing)
{
    const void *before;

    if (!STARVE_WORKS)
        return;
    put_model("m", 1);
    put_model("n", 2);
    open_repository();
    before = model_of("m", 1);
    for (long n = 1; n < 10000; n++) {
        enum error_id loaded, unloaded;
        bool starving;

        starve_countdown = n;
        loaded = load("n");
        starving = starve_countdown == 0;
        starve_countdown = n;
        unloaded = repository_unload(repository, "n", true, &error);
        starve_countdown = 0;
        ck_assert(loaded == ERROR_OK || loaded == ERROR_OUT_OF_MEMORY ||
                  loaded == ERROR_LOAD_FAILED);
        ck_assert(unloaded == ERROR_OK || unloaded == ERROR_OUT_OF_MEMORY);
        ck_assert_ptr_eq(model_of("m", 1), before);
        ck_assert_int_eq(repository_unload(repository, "n", true, &error), ERROR_OK);
        ck_assert(ask("n", 0) == -1);
        if (!starving)
            break;
    }
    ck_assert_int_eq(load("n"), ERROR_OK);
    ck_assert(ask("n", 0) == 2);
}
END_TEST

/* ---- at once -------------------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 50 };

static void *load_and_unload(void *name)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct error e;

        ck_assert_int_eq(repository_load(repository, &(struct repository_ask){.name = name}, &e),
                         ERROR_OK);
        ck_assert_int_eq(repository_unload(repository, name, false, &e), ERROR_OK);
        if (i % 10 == 0)
            ck_assert_int_eq(repository_reload(repository, NULL), 0);
    }
    return NULL;
}

START_TEST(loads_and_unloads_at_once_are_one_after_the_other)
{
    static char names[THREADS][2] = {"a", "b", "a", "c"};
    pthread_t threads[THREADS];

    put_model("a", 1);
    put_model("b", 2);
    put_model("c", 3);
    put_model("d", 4);
    open_repository();
    const void *before = model_of("d", 1);
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, load_and_unload, names[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_ptr_eq(model_of("d", 1), before);
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(state_of(names[i], 1), REPOSITORY_UNAVAILABLE);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("control");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, a_folder_that_appeared_is_loaded_and_others_stay_as_they_are);
    tcase_add_test(tc, what_did_not_change_is_not_loaded_anew_and_what_did_is);
    tcase_add_test(tc, a_load_that_fails_leaves_what_serves_and_tells_why);
    tcase_add_test(tc, a_new_model_that_fails_is_listed_with_the_reason);
    tcase_add_test(tc, a_folder_that_is_not_there_is_an_unknown_model);
    tcase_add_test(tc, a_model_that_serves_survives_the_load_of_its_missing_folder);
    tcase_add_test(tc, without_a_repository_nothing_is_loaded_by_name);
    tcase_add_test(tc, a_single_model_is_loaded_by_its_name_alone);
    tcase_add_test(tc, a_given_config_stands_in_place_of_the_file_until_a_load_without_one);
    tcase_add_test(tc, a_given_config_that_is_wrong_changes_nothing);
    tcase_add_test(tc, an_unloaded_model_stays_unloaded_until_it_is_loaded);
    tcase_add_test(tc, what_is_held_is_answered_and_then_given_back);
    tcase_add_test(tc, a_model_whose_folder_is_gone_is_unloaded_and_then_forgotten);
    tcase_add_test(tc, a_service_of_which_all_is_unloaded_is_ready);
    tcase_add_test(tc, a_folder_of_elsewhere_serves_under_any_name);
    tcase_add_test(tc, a_folder_of_elsewhere_that_fails_leaves_nothing);
    tcase_add_test(tc, a_folder_of_the_repository_does_not_take_the_name_of_a_model_of_elsewhere);
    tcase_add_test(tc, an_unloaded_model_of_elsewhere_is_loaded_from_there);
    tcase_add_test(tc, a_load_or_unload_without_memory_changes_nothing);
    tcase_add_test(tc, loads_and_unloads_at_once_are_one_after_the_other);
    return run_suite("control", tc);
}
