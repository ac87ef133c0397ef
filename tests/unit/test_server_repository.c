/* test_server_repository.c - folders of models: what serves, and what is said of the rest. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "models.h"

/* ---- what serves ---------------------------------------------------------------------------- */

START_TEST(no_folder_means_no_models)
{
    struct error error = {0};

    repository = repository_open("", &options, NULL, &failed, &error);
    ck_assert_ptr_nonnull(repository);
    ck_assert_uint_eq(failed, 0);
    ck_assert(ask("m", 0) == -1);
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_an_error)
{
    struct error error = {0};

    ck_assert_ptr_null(repository_open("/nonexistent/models", &options, NULL, &failed, &error));
    ck_assert_str_eq(error.detail, "/nonexistent/models: no such file or folder");
}
END_TEST

START_TEST(the_newest_version_serves)
{
    put_config("m", "");
    put_weights("m", 2, 2);
    put_weights("m", 10, 10);
    put_weights("m", 9, 9);
    folder_text(&root, "README.md", "a file is no model");
    folder_text(&root, ".hidden/config.json", "dot-files are not looked at");
    folder_text(&root, "bad name/config.json", "{}");
    folder_text(&root, "m/x/notes", "no version either");
    open_repository();
    ck_assert_uint_eq(failed, 0);
    ck_assert(ask("m", 0) == 10);
    ck_assert(ask("m", 10) == 10);
    ck_assert_str_eq(error_of("m", 9), "absent");
    const struct repository_snapshot *s = repository_acquire(repository);
    ck_assert_uint_eq(s->entries_count, 1);
    repository_release(repository, s);
}
END_TEST

START_TEST(names_that_are_no_version_are_not_loaded)
{
    put_config("m", ", \"versions\": {\"policy\": \"all\"}");
    put_weights("m", 1, 1);
    folder_text(&root, "m/01/weights.safetensors", "x");
    folder_text(&root, "m/0/weights.safetensors", "x");
    folder_text(&root, "m/2x/weights.safetensors", "x");
    folder_text(&root, "m/-3/weights.safetensors", "x");
    folder_text(&root, "m/9223372036854775808/weights.safetensors", "x");
    folder_text(&root, "m/1.0/weights.safetensors", "x");
    folder_text(&root, "m/5", "a file");
    open_repository();
    ck_assert_uint_eq(failed, 0);
    const struct repository_snapshot *s = repository_acquire(repository);
    const struct repository_entry *e = repository_find(s, "m");
    ck_assert_uint_eq(e->versions_count, 1);
    ck_assert_uint_eq(e->findings.count, 7);
    for (size_t i = 0; i < e->findings.count; i++)
        ck_assert_msg(strstr(e->findings.lines[i], "folder 5: is not a folder") ||
                          strstr(e->findings.lines[i], ": a version is a whole number from 1 to "
                                                       "9223372036854775807 without leading zeros"),
                      "%s", e->findings.lines[i]);
    repository_release(repository, s);
}
END_TEST

START_TEST(versions_may_be_dates_and_milliseconds)
{
    put_config("m", ", \"labels\": {\"old\": 20261130}");
    put_weights("m", 20261130, 2);
    put_weights("m", 1796000000000, 3);
    put_weights("m", INT64_MAX, 5);
    open_repository();
    ck_assert_uint_eq(failed, 0);
    ck_assert(ask("m", 0) == 5 && ask("m", INT64_MAX) == 5 && ask("m", 20261130) == 2);
    ck_assert_str_eq(error_of("m", 1796000000000), "absent");
}
END_TEST

static const struct {
    const char *versions;
    int serves[5]; /* of versions 1 to 4; the last is the newest */
} policies[] = {
    {"{\"policy\": \"latest\", \"count\": 1}", {0, 0, 0, 1, 4}},
    {"{\"policy\": \"latest\", \"count\": 3}", {0, 1, 1, 1, 4}},
    {"{\"policy\": \"latest\", \"count\": 9}", {1, 1, 1, 1, 4}},
    {"{\"policy\": \"all\"}", {1, 1, 1, 1, 4}},
    {"{\"policy\": \"specific\", \"versions\": [3, 1]}", {1, 0, 1, 0, 3}},
};
enum { POLICIES = sizeof policies / sizeof *policies };

START_TEST(the_policy_says_which_versions_serve)
{
    char more[128];

    snprintf(more, sizeof more, ", \"versions\": %s", policies[_i].versions);
    put_config("m", more);
    for (unsigned v = 1; v <= 4; v++)
        put_weights("m", v, (float)v);
    open_repository();
    for (unsigned v = 1; v <= 4; v++)
        ck_assert(ask("m", v) == (policies[_i].serves[v - 1] ? (float)v : -1));
    ck_assert(ask("m", 0) == (float)policies[_i].serves[4]);
}
END_TEST

START_TEST(a_labelled_version_serves_beside_the_latest)
{
    put_config("m", ", \"labels\": {\"stable\": 1, \"gone\": 7}");
    for (unsigned v = 1; v <= 3; v++)
        put_weights("m", v, (float)v);
    open_repository();
    ck_assert(ask("m", 1) == 1);
    ck_assert(ask("m", 2) == -1);
    ck_assert(ask("m", 0) == 3);
    const struct repository_snapshot *s = repository_acquire(repository);
    const struct repository_entry *e = repository_find(s, "m");
    ck_assert_uint_eq(repository_find_label(e, "stable")->version, 1);
    ck_assert_ptr_null(repository_find_label(e, "gone"));
    ck_assert_ptr_null(repository_find_label(e, "other"));
    repository_release(repository, s);
}
END_TEST

START_TEST(a_model_whose_config_holds_all_needs_no_version_folder)
{
    folder_text(&root, "m/config.json",
                "{\"input\": {\"features\": 1}, \"layers\": [{\"units\": 1, \"activation\": "
                "\"relu\", \"weight\": [[6]], \"bias\": [1]}]}");
    folder_text(&root, "r/config.json",
                "{\"initializer\": \"he_normal\", \"input\": {\"features\": 1}, \"layers\": "
                "[{\"units\": 1, \"activation\": \"identity\"}]}");
    ck_assert_int_eq(chdir(root.path), 0);
    ck_assert_int_eq(mkdir("r/4", 0755), 0);
    open_repository();
    ck_assert_uint_eq(failed, 0);
    ck_assert(ask("m", 1) == 7);
    ck_assert_str_eq(error_of("r", 4), "");
}
END_TEST

/* ---- what does not load --------------------------------------------------------------------- */

static const char safetensors_names[] =
    "{\"h.weight\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]},"
    "\"h.bais\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}";
static const char safetensors_shape_2[] =
    "{\"h.weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}}";

static const struct {
    const char *file, *content; /* content NULL: a folder of that name */
    int safetensors;            /* content is the header, with 8 bytes of data */
    const char *message;
} breakages[] = {
    {"1/weights.safetensors", "", 0, "1/weights.safetensors: 0 bytes"},
    {"1/weights.safetensors", NULL, 0, "1/weights.safetensors: is not a regular file"},
    {"1/weights.safetensors", safetensors_names, 1,
     "1/weights.safetensors: no tensor \"h.bias\" for the bias (null means none) of layers[0]; "
     "it has h.weight, h.bais"},
    {"1/weights.safetensors", safetensors_shape_2, 1,
     "1/weights.safetensors: h.weight: expected shape [1, 1] (units, features) for the weight "
     "of layers[0], found [1, 2]"},
    {"1/golden.json", "{\"instances\": [[1]], \"predictions\": [[2]]}", 0,
     "1/golden.json: predictions[0][0]: the network gives 1, expected 2 within 9.99999975e-06"},
    {"1/golden.json", "{\"instances\": [[1, 2]], \"predictions\": [[1]]}", 0,
     "1/golden.json: instances[0]: expected an array of 1 numbers, found an array of 2"},
    {"1/golden.json", "{\"instances\": [[1], [2]], \"predictions\": [[1]]}", 0,
     "1/golden.json: predictions: expected an array of 2 to 2 rows, found an array of 1"},
    {"1/golden.json", "{\"instances\": [], \"predictions\": []}", 0,
     "1/golden.json: instances: expected an array"},
    {"1/golden.json", "{\"instances\": [[1]], \"predictions\": [[1]], \"tolerance\": -1}", 0,
     "1/golden.json: tolerance: expected a number of at least 0, found -1"},
    {"1/golden.json", "{\"rows\": 1}", 0, "1/golden.json: rows: unknown key"},
    {"1/golden.json", "{", 0, "1/golden.json:1:2: "},
    {"config.json", "{", 0, "config.json:1:2: "},
    {"config.json", NULL, 0, "config.json: is not a regular file"},
};
enum { BREAKAGES = sizeof breakages / sizeof *breakages };

static void break_it(size_t i)
{
    char path[128];

    snprintf(path, sizeof path, "m/%s", breakages[i].file);
    if (breakages[i].safetensors) {
        static const char zeros[8];
        size_t len;
        unsigned char *file = safetensors_make(breakages[i].content, zeros, 8, &len);
        folder_write(&root, path, file, len);
        free(file);
    } else if (breakages[i].content) {
        folder_text(&root, path, breakages[i].content);
    } else {
        char full[256];
        snprintf(full, sizeof full, "%s/%s", root.path, path);
        remove(full);
        ck_assert_int_eq(mkdir(full, 0755), 0);
    }
}

START_TEST(what_does_not_load_says_why)
{
    put_config("m", "");
    put_weights("m", 1, 1);
    break_it((size_t)_i);
    open_repository();
    ck_assert_uint_eq(failed, 1);
    ck_assert_msg(strstr(error_of("m", 1), breakages[_i].message), "%s\nis not %s",
                  error_of("m", 1), breakages[_i].message);
    ck_assert(ask("m", 0) == -1);
}
END_TEST

START_TEST(what_breaks_later_leaves_what_serves)
{
    put_config("m", "");
    put_weights("m", 1, 1);
    open_repository();
    const void *before = model_of("m", 1);
    break_it((size_t)_i);
    ck_assert_int_eq(repository_reload(repository, NULL), 1);
    ck_assert_msg(strstr(error_of("m", 1), breakages[_i].message), "%s", error_of("m", 1));
    ck_assert_ptr_eq(model_of("m", 1), before);
    ck_assert(ask("m", 0) == 1);
    if (strcmp(breakages[_i].file, "config.json") == 0) {
        folder_remove(&root, "m/config.json");
        put_config("m", "");
    } else {
        folder_remove(&root, "m/1");
        put_weights("m", 1, 5);
    }
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert_str_eq(error_of("m", 1), "");
}
END_TEST

START_TEST(foreign_formats_are_named_with_the_way_out)
{
    static const struct {
        const char *file, *message;
    } rows[] = {
        {"1/model.pt", "1/model.pt: pickle files can run code and are never read; load it in "
                       "Python, and write this folder with configs/export/from_torch.py"},
        {"1/model.joblib", "1/model.joblib: pickle files can run code and are never read; "
                           "load it in Python, and write this folder with "
                           "configs/export/from_sklearn.py"},
        {"1/model.h5", "1/model.h5: not read; load it in Python, and write this folder with "
                       "configs/export/from_keras.py"},
        {"1/saved_model.pb", "1/saved_model.pb: not read"},
        {"1/arrays.npz", "1/arrays.npz: not a name that is looked for; rename it to weights.npz"},
        {"1/weights.npy", "1/weights.npy: one array is no network; write weights.npz"},
        {"1/model.onnx", "1/model.onnx: this build does not read this format yet"},
        {"1/notes.txt", "1/weights.safetensors: no such file; without it config.json needs"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[64];
        put_config("m", "");
        snprintf(path, sizeof path, "m/%s", rows[i].file);
        folder_text(&root, path, "");
        open_repository();
        ck_assert_uint_eq(failed, 1);
        ck_assert_msg(strstr(error_of("m", 1), rows[i].message), "%s", error_of("m", 1));
        repository_close(repository);
        folder_remove(&root, "m/config.json");
        open_repository();
        ck_assert_msg(strstr(error_of("m", 1),
                             strstr(path, "notes") ? "config.json: no such file" : rows[i].message),
                      "%s", error_of("m", 1));
        repository_close(repository);
        repository = NULL;
        folder_remove(&root, "m");
    }
}
END_TEST

START_TEST(a_model_without_versions_is_listed_as_failed)
{
    put_config("m", "");
    open_repository();
    ck_assert_uint_eq(failed, 1);
    ck_assert_str_eq(error_of("m", 1), "no version folder; expected 1/weights.safetensors");
}
END_TEST

START_TEST(symbolic_links_beneath_the_root_are_not_followed)
{
    put_config("m", "");
    put_weights("m", 1, 1);
    put_config("w", "");
    put_config("v", "");
    ck_assert_int_eq(chdir(root.path), 0);
    ck_assert_int_eq(symlink("m", "linked"), 0);
    ck_assert_int_eq(symlink("../m/1", "v/1"), 0);
    ck_assert_int_eq(mkdir("w/1", 0755), 0);
    ck_assert_int_eq(symlink("../../m/1/weights.safetensors", "w/1/weights.safetensors"), 0);
    open_repository();
    ck_assert_uint_eq(failed, 3);
    ck_assert(ask("m", 0) == 1);
    ck_assert_ptr_nonnull(strstr(error_of("linked", 1), "symbolic link"));
    ck_assert_ptr_nonnull(strstr(error_of("w", 1), "1/weights.safetensors: is or lies behind a "
                                                   "symbolic link"));
    ck_assert_str_eq(error_of("v", 1), "no version folder; expected 1/weights.safetensors");
    repository_close(repository);

    char link[128]; /* the root itself may be one */
    snprintf(link, sizeof link, "%s/m/link", root.path);
    ck_assert_int_eq(symlink(root.path, link), 0);
    struct error error = {0};
    repository = repository_open(link, &options, NULL, &failed, &error);
    ck_assert_ptr_nonnull(repository);
    ck_assert(ask("m", 0) == 1);
}
END_TEST

START_TEST(a_weights_file_cut_at_any_byte_never_serves)
{
    const float numbers[2] = {1, 0};
    size_t len;
    unsigned char *file = safetensors_make(header, numbers, sizeof numbers, &len);

    put_config("m", "");
    for (size_t n = 0; n < len; n++) {
        folder_write(&root, "m/1/weights.safetensors", file, n);
        open_repository();
        ck_assert_uint_eq(failed, 1);
        ck_assert_str_ne(error_of("m", 1), "");
        repository_close(repository);
    }
    folder_write(&root, "m/1/weights.safetensors", file, len);
    open_repository();
    ck_assert_uint_eq(failed, 0);
    free(file);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("repository");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, no_folder_means_no_models);
    tcase_add_test(tc, a_folder_that_is_not_there_is_an_error);
    tcase_add_test(tc, the_newest_version_serves);
    tcase_add_test(tc, names_that_are_no_version_are_not_loaded);
    tcase_add_test(tc, versions_may_be_dates_and_milliseconds);
    tcase_add_loop_test(tc, the_policy_says_which_versions_serve, 0, POLICIES);
    tcase_add_test(tc, a_labelled_version_serves_beside_the_latest);
    tcase_add_test(tc, a_model_whose_config_holds_all_needs_no_version_folder);
    tcase_add_loop_test(tc, what_does_not_load_says_why, 0, BREAKAGES);
    tcase_add_loop_test(tc, what_breaks_later_leaves_what_serves, 0, BREAKAGES);
    tcase_add_test(tc, foreign_formats_are_named_with_the_way_out);
    tcase_add_test(tc, a_model_without_versions_is_listed_as_failed);
    tcase_add_test(tc, symbolic_links_beneath_the_root_are_not_followed);
    tcase_add_test(tc, a_weights_file_cut_at_any_byte_never_serves);
    return run_suite("repository", tc);
}
