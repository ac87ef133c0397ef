/* models.h - for tests: a temporary repository of models whose answer tells their version.
 *
 * One repository at a time; set_up() and tear_down() are a checked fixture. */
#ifndef MODELS_H
#define MODELS_H

#include <inttypes.h>
#include "folder.h"
#include "base/log.h"
#include "model/repository.h"

/* y = relu(w * x + b) with one unit: the smallest network whose answer tells its version. */
static const char config[] = "{\"input\": {\"features\": 1}, \"layers\": [{\"name\": \"h\", "
                             "\"units\": 1, \"activation\": \"relu\"}]%s}";
static const char header[] =
    "{\"h.weight\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]},"
    "\"h.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}";

static struct folder root;
static struct options options;
static struct repository *repository;
static size_t failed;

static inline const char *no_route(unsigned route)
{
    (void)route;
    return "other";
}

static inline void set_up(void)
{
    const struct metrics_info info = {.version = "",
                                      .revision = "",
                                      .compiler = "",
                                      .isa = "",
                                      .route_label = no_route,
                                      .routes_count = 1,
                                      .window_s = 60};

    ck_assert_int_eq(metrics_init(&info), 0);
    options = (struct options){.neuron_stats = "full", .neuron_window = 60, .neuron_rows_min = 300};
    root = folder_create();
}

static inline void tear_down(void)
{
    repository_close(repository);
    repository = NULL;
    folder_remove(&root, "");
    metrics_fini();
}

static inline void put_config(const char *model, const char *more)
{
    char path[128], text[512];

    snprintf(path, sizeof path, "%s/config.json", model);
    snprintf(text, sizeof text, config, more); // NOLINT: config is the format
    folder_text(&root, path, text);
}

/* Version v of model answers w * x. */
static inline void put_weights(const char *model, uint64_t v, float w)
{
    const float numbers[2] = {w, 0};
    char path[128];
    size_t len;
    unsigned char *file = safetensors_make(header, numbers, sizeof numbers, &len);

    snprintf(path, sizeof path, "%s/%" PRIu64 "/weights.safetensors", model, v);
    folder_write(&root, path, file, len);
    free(file);
}

static inline void put_garbage(const char *model, unsigned v)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%u/weights.safetensors", model, v);
    folder_text(&root, path, "garbage, and long enough");
}

static inline void open_repository(void)
{
    struct error error = {0};

    repository = repository_open(root.path, &options, NULL, &failed, &error);
    ck_assert_msg(repository, "%s", error.detail);
}

/* A request of these rows, answered and counted. */
static inline int serve_rows(struct model *m, const float *x, size_t rows, float *y)
{
    struct model_tally *tally = model_tally_create(m);
    const struct model_rows all = {.x = x, .y = y, .rows = rows, .tally = tally};
    int result = tally ? model_run(m, &all, 1) : -1;

    if (result == 0)
        model_count(m, tally);
    model_tally_destroy(tally);
    return result;
}

/* The answer of model m to 1 in version v (0: newest); -1 if nothing serves. */
static inline float ask(const char *m, uint64_t v)
{
    const struct repository_snapshot *s = repository_acquire(repository);
    const struct repository_entry *e = repository_find(s, m);
    const struct repository_version *found = e ? repository_find_version(e, v) : NULL;
    float x = 1, y = -1;

    if (found && found->model)
        ck_assert_int_eq(serve_rows(found->model, &x, 1, &y), 0);
    repository_release(repository, s);
    return y;
}

/* The error of a version, "" if there is none, "absent" if the version is not listed. */
static inline const char *error_of(const char *m, uint64_t v)
{
    static char text[512];
    const struct repository_snapshot *s = repository_acquire(repository);
    const struct repository_entry *e = repository_find(s, m);
    const struct repository_version *found = e ? repository_find_version(e, v) : NULL;

    snprintf(text, sizeof text, "%s", found ? found->error : "absent");
    repository_release(repository, s);
    return text;
}

static inline const void *model_of(const char *m, uint64_t v)
{
    const struct repository_snapshot *s = repository_acquire(repository);
    const struct repository_entry *e = repository_find(s, m);
    const struct repository_version *found = e ? repository_find_version(e, v) : NULL;
    const void *model = found ? found->model : NULL;

    repository_release(repository, s);
    return model;
}

/* Run the one test case of a suite; the exit status of main(). */
static inline int run_suite(const char *name, TCase *tc)
{
    Suite *s = suite_create(name);

    log_init(LOG_LEVELS, false); /* above the most severe: quiet */
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failures = srunner_ntests_failed(r);
    srunner_free(r);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
