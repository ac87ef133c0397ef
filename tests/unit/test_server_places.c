/* test_server_places.c - where a model's files may lie, and what is said of files elsewhere: a
 * folder that is one model, weights beside config.json, files that may not be read. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "models.h"

/* The lines of the findings of the model, or of the repository (NULL), each ended. */
static const char *findings_of(const char *model)
{
    static char text[2048];
    const struct repository_snapshot *s = repository_acquire(repository);
    const struct findings *f = model ? &repository_find(s, model)->findings : &s->findings;
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < f->count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s\n", f->lines[i]);
    repository_release(repository, s);
    return text;
}

static void move(const char *from, const char *to)
{
    ck_assert_int_eq(chdir(root.path), 0);
    ck_assert_int_eq(rename(from, to), 0);
}

static void open_at(const char *folder)
{
    struct error error = {0};
    char path[128];

    snprintf(path, sizeof path, "%s/%s", root.path, folder);
    repository = repository_open(path, &options, NULL, &failed, &error);
    ck_assert_msg(repository, "%s", error.detail);
}

/* ---- one model ------------------------------------------------------------------------------- */

START_TEST(model_dir_is_one_model)
{
    put_config("wine", "");
    put_weights("wine", 1, 2);
    put_weights("wine", 7, 5);
    snprintf(options.model_dir, sizeof options.model_dir, "set");
    open_at("wine");
    ck_assert_uint_eq(failed, 0);
    ck_assert(ask("wine", 0) == 5);
    ck_assert_str_eq(findings_of(NULL), "");
    put_weights("wine", 8, 3);
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert(ask("wine", 0) == 3);
}
END_TEST

START_TEST(it_may_have_another_name)
{
    put_config("wine", "");
    put_weights("wine", 1, 2);
    snprintf(options.model_dir, sizeof options.model_dir, "set");
    snprintf(options.model_name, sizeof options.model_name, "red");
    open_at("wine");
    ck_assert(ask("red", 0) == 2);
}
END_TEST

START_TEST(a_folder_that_is_no_name_makes_it_model)
{
    static const char *const names[] = {"20261130", "a b"};

    snprintf(options.model_dir, sizeof options.model_dir, "set");
    for (size_t i = 0; i < 2; i++) {
        put_config("wine", "");
        put_weights("wine", 1, 2);
        move("wine", names[i]);
        open_at(names[i]);
        ck_assert(ask("model", 0) == 2);
        repository_close(repository);
        repository = NULL;
        folder_remove(&root, names[i]);
    }
}
END_TEST

START_TEST(a_repository_that_is_a_model_is_taken_and_told)
{
    char want[512];

    put_config("wine", "");
    put_weights("wine", 1, 2);
    open_at("wine");
    ck_assert(ask("wine", 0) == 2);
    snprintf(want, sizeof want,
             "%s/wine is a model: give its parent, or --model-dir; it is served alone, as wine\n",
             root.path);
    ck_assert_msg(strstr(findings_of(NULL), want), "%s", findings_of(NULL));
}
END_TEST

START_TEST(a_config_beside_models_makes_no_model_of_their_repository)
{
    put_config("wine", "");
    put_weights("wine", 1, 2);
    folder_text(&root, "config.json", "{}");
    snprintf(options.model_name, sizeof options.model_name, "red");
    open_at("");
    ck_assert(ask("wine", 0) == 2);
    ck_assert_msg(strstr(findings_of(NULL), "model_name_unused"), "%s", findings_of(NULL));
}
END_TEST

/* ---- beside config.json ---------------------------------------------------------------------- */

START_TEST(weights_beside_the_config_are_version_1)
{
    put_config("m", "");
    put_weights("m", 1, 2);
    move("m/1/weights.safetensors", "m/model.safetensors");
    ck_assert_int_eq(rmdir("m/1"), 0);
    folder_text(&root, "m/golden.json", "{\"instances\": [[1]], \"predictions\": [[3]]}");
    open_repository();
    ck_assert_str_eq(error_of("m", 1), "golden.json: predictions[0][0]: the network gives 2, "
                                       "expected 3 within 9.99999975e-06");
    ck_assert_int_eq(remove("m/golden.json"), 0);
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert(ask("m", 1) == 2);
    const void *before = model_of("m", 1);
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert_ptr_eq(model_of("m", 1), before);
    ck_assert_str_eq(findings_of("m"), "");
    put_weights("m", 2, 5);
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert(ask("m", 0) == 5);
    ck_assert_str_eq(findings_of("m"),
                     "model m: weights_ignored: file model.safetensors: there are "
                     "version folders, and only those are read\n");
}
END_TEST

START_TEST(what_lies_there_instead_is_named)
{
    static const struct {
        const char *file, *message;
    } rows[] = {
        {"m/1/wine.safetensors", "1/wine.safetensors: not a name that is looked for; rename it to "
                                 "weights.safetensors"},
        {"m/model.pt", "model.pt: pickle files can run code and are never read; load it in Python, "
                       "and write this folder with configs/export/from_torch.py"},
        {"m/wine.safetensors", "wine.safetensors: not a name that is looked for"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put_config("m", "");
        folder_text(&root, rows[i].file, "");
        open_repository();
        ck_assert_msg(strstr(error_of("m", 1), rows[i].message), "%s", error_of("m", 1));
        repository_close(repository);
        repository = NULL;
        folder_remove(&root, "m");
    }
    put_weights("m", 1, 2);
    open_repository();
    ck_assert_str_eq(error_of("m", 1), "config.json: no such file");
}
END_TEST

/* ---- permissions ----------------------------------------------------------------------------- */

/* Call check() as somebody who owns nothing here; root may read everything. */
static void as_a_stranger(void (*check)(void))
{
    uid_t before = geteuid();

    if (before == 0)
        ck_assert_int_eq(seteuid(65534), 0);
    check();
    if (before == 0)
        ck_assert_int_eq(seteuid(before), 0);
}

static void open_stranger(void)
{
    open_repository();
}

START_TEST(who_may_not_read_a_file_is_told_mode_owner_and_way_out)
{
    static const struct {
        const char *path;
        mode_t mode;
        const char *place, *mode_text, *way;
    } rows[] = {
        {"m/1/weights.safetensors", 0200, "1/weights.safetensors", ", and it has the mode 0200",
         "r"},
        {"m/1", 0600, "1/weights.safetensors", ", and 1 has the mode 0600", "rx"},
        {"m/config.json", 0, "config.json", ", and it has the mode 0000", "r"},
        {"m", 0200, "m", ", and it has the mode 0200", "rx"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char want[256];
        struct stat st;

        put_config("m", "");
        put_weights("m", 1, 2);
        ck_assert_int_eq(chdir(root.path), 0);
        ck_assert_int_eq(chmod(".", 0755), 0);
        ck_assert_int_eq(stat(rows[i].path, &st), 0);
        ck_assert_int_eq(chmod(rows[i].path, rows[i].mode), 0);
        as_a_stranger(open_stranger);
        snprintf(
            want, sizeof want,
            "%s: permission denied: axond runs as uid %u%s and the owner %u:%u; chmod a+%s it, "
            "or run axond as its owner",
            rows[i].place, geteuid() == 0 ? 65534 : geteuid(), rows[i].mode_text, st.st_uid,
            st.st_gid, rows[i].way);
        ck_assert_str_eq(error_of("m", 1), want);
        repository_close(repository);
        repository = NULL;
        ck_assert_int_eq(chmod(rows[i].path, 0755), 0);
        folder_remove(&root, "m");
    }
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("places");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, model_dir_is_one_model);
    tcase_add_test(tc, it_may_have_another_name);
    tcase_add_test(tc, a_folder_that_is_no_name_makes_it_model);
    tcase_add_test(tc, a_repository_that_is_a_model_is_taken_and_told);
    tcase_add_test(tc, a_config_beside_models_makes_no_model_of_their_repository);
    tcase_add_test(tc, weights_beside_the_config_are_version_1);
    tcase_add_test(tc, what_lies_there_instead_is_named);
    tcase_add_test(tc, who_may_not_read_a_file_is_told_mode_owner_and_way_out);
    return run_suite("places", tc);
}
