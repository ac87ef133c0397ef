/* test_server_starved_files.c - every allocation on the way from a file's text to its values fails
 * in turn: axond.json, config.json and golden.json. Out of memory is told as such, never as a
 * mistake in a file that is right, and nothing leaks. */
#include <check.h>
#include <fcntl.h>
#include <unistd.h>
#include "options_read.h"
#include "starve.h"
#include "model/config.h"
#include "model/golden.h"
#include "suite.h"

/* Let the n-th allocation of read() fail, for every n that it has. */
static void starve(enum error_id (*read)(void), long allocations_min)
{
    long n = 0;

    ck_assert_msg(read() == ERROR_OK, "%s", error.detail);
    for (bool done = false; !done;) {
        long before = starve_live;

        error = (struct error){0};
        starve_countdown = ++n;
        enum error_id id = read();
        done = starve_countdown > 0 || !STARVE_WORKS;
        starve_countdown = 0;
        long after = starve_live; /* now, since libcheck's assertions allocate */
        ck_assert_msg(id == (done ? ERROR_OK : ERROR_OUT_OF_MEMORY), "allocation %ld: %s: %s", n,
                      error_code(id), error.detail);
        ck_assert_msg(done || strstr(error.detail, "out of memory") ||
                          strstr(error.detail, "memory for"),
                      "allocation %ld: %s", n, error.detail);
        ck_assert_msg(after == before, "allocation %ld: %ld blocks leak", n, after - before);
    }
    ck_assert_msg(!STARVE_WORKS || n > allocations_min, "only %ld allocations", n);
}

static enum error_id read_options(void)
{
    options_defaults(&options);
    return options_read_file(&options, path, &error);
}

START_TEST(axond_json)
{
    folder_text(&folder, "axond.json",
                "\xef\xbb\xbf{\"threads\": 2, \"listen\": \"127.0.0.1:0\",\n \"access_log\": true, "
                "\"lame_duck\": \"1s\",\n \"log_level\": null}");
    starve(read_options, 10);
    ck_assert_uint_eq(options.threads, 2);
}
END_TEST

static enum error_id read_config(void)
{
    static const char text[] =
        "{\"task\": \"multiclass\", \"input\": {\"features\": 2, \"scale\": [1, 2], \"offset\": 1,"
        "  \"min\": 0, \"max\": 16, \"columns\": [\"a\", \"b\"]}, \"dialect\": \"keras3\","
        " \"layers\": ["
        "  {\"units\": 2, \"activation\": {\"name\": \"prelu\", \"alpha\": [1, 2]},"
        "   \"weight\": [[1, 2], [3, 4]], \"bias\": [5, 6]},"
        "  {\"type\": \"batch_norm\", \"running_mean\": [1, 2], \"activation\": \"identity\"},"
        "  {\"units\": 2, \"activation\": \"softmax\", \"weight\": \"a.weight\", \"bias\": null}],"
        " \"output\": {\"labels\": [\"x\", \"y\"]}, \"ignore_tensors\": [\"t\"],"
        " \"versions\": {\"policy\": \"specific\", \"versions\": [3, 1]}, \"labels\": {\"s\": 1}}";
    struct config config;
    enum error_id id = config_read(&config, text, sizeof text - 1, "config.json", &error);

    if (!id)
        config_fini(&config);
    return id;
}

START_TEST(config_json)
{
    starve(read_config, 60);
}
END_TEST

static struct axon_mlp *mlp;
static struct version_source source = {.model = "m", .version = 1, .folder = ""};

static enum error_id read_golden(void)
{
    return golden_check(&source, mlp, &error);
}

START_TEST(golden_json)
{
    const float weight[] = {2, 3};
    const struct axon_layer layer = {
        .units = 1, .weight = weight, .activation = axon_activation_find("identity")};
    const struct axon_mlp_spec spec = {.features = 2, .layers_count = 1, .layers = &layer};

    ck_assert_int_eq(axon_mlp_create(&spec, &mlp), AXON_OK);
    folder_text(&folder, "golden.json",
                "{\"instances\": [[1, 2], [3, 4]], \"predictions\": [[8], [18]], "
                "\"tolerance\": 0.5}");
    source.dirfd = open(folder.path, O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(source.dirfd, 0);
    starve(read_golden, 10);
    close(source.dirfd);
    axon_mlp_destroy(mlp);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("starved_files");
    TCase *tc = tcase_create("starved_files");

    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, axond_json);
    tcase_add_test(tc, config_json);
    tcase_add_test(tc, golden_json);
    suite_add_tcase(s, tc);
    return suite_run(s);
}
