/* inspect_model.c - the models of a folder, loaded as the service loads them, in words. */
#include <axon/activation.h>
#include <axon/bounds.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/names.h"
#include "commands/inspect.h"
#include "model/repository.h"
#include "model/single.h"
#include "model/version.h"
#include "neurons/advice.h"

static void print_layers(const struct model *m)
{
    printf("layers:\n");
    for (size_t i = 0; i < m->layers_count; i++)
        printf("  %-20s %6zu units  %s\n", m->layers[i].name, m->layers[i].units,
               m->layers[i].activation->name);
    printf("parameters: %" PRIu64 "\n", axon_mlp_parameters_count(m->mlp));
}

static void print_list(const char *what, const char *const *names, size_t count)
{
    enum { SHOWN = 20 };

    if (!names || count == 0)
        return;
    printf("%s: ", what);
    for (size_t i = 0; i < count && i < SHOWN; i++)
        printf("%s%s", i ? ", " : "", names[i]);
    if (count > SHOWN)
        printf(", and %zu more", count - SHOWN);
    printf("\n");
}

static void print_baseline(const struct model *m)
{
    struct baseline *b = model_baseline(m);

    if (!b) {
        printf("baseline: none; axond baseline makes one\n");
        return;
    }
    printf("baseline: %" PRIu64 " rows", b->rows);
    if (b->has_confidence)
        printf(", mean confidence %.4f", b->confidence_mean);
    if (b->temperature > 0)
        printf(", calibrated with temperature %.4f", b->temperature);
    printf("\n");
    baseline_unref(b);
}

static void print_bounds(const struct model *m)
{
    size_t outputs = axon_mlp_outputs(m->mlp);
    const struct axon_interval *y = m->bounds ? axon_bounds_after(m->bounds, m->layers_count - 1)
                                              : NULL;
    float low, high;

    if (!y)
        return;
    low = y[0].low;
    high = y[0].high;
    for (size_t i = 1; i < outputs; i++) {
        low = y[i].low < low ? y[i].low : low;
        high = y[i].high > high ? y[i].high : high;
    }
    printf("outputs stay within: %.9g .. %.9g over the %s range\n", (double)low, (double)high,
           m->bounds_declared ? "declared" : "baseline's");
}

static void print_advice(const struct model *m)
{
    const struct advice_list *list = m->advice;

    if (!list || list->count == 0) {
        printf("advice: none\n");
        return;
    }
    printf("advice:\n");
    for (size_t i = 0; i < list->count; i++) {
        const struct advice *a = &list->items[i];

        printf("  %s %s", advice_level_names[a->level], advice_rows[a->id].id);
        if (a->layer != ADVICE_NOWHERE)
            printf(" %s", m->layers[a->layer].name);
        if (a->unit != ADVICE_NOWHERE)
            printf("[%zu]", a->unit);
        printf(": %s\n", a->message);
    }
}

static void print_model(const struct model *m)
{
    const char *task = model_task_name(m->task);

    printf("model %s version %" PRIu64 ": %s%s%zu features (%s) to %zu outputs (%s)\n", m->name,
           m->version, task, *task ? ", " : "", axon_mlp_features(m->mlp), m->input_name,
           axon_mlp_outputs(m->mlp), m->output_name);
    print_layers(m);
    if (m->columns)
        print_list("columns", m->columns->of, m->columns->count);
    print_list("labels", m->labels, m->labels_count);
    print_baseline(m);
    print_bounds(m);
    print_advice(m);
}

/* Its versions; the number of those that did not load. */
static size_t print_entry(const struct repository_entry *entry)
{
    size_t failed = 0;

    for (size_t i = 0; i < entry->versions_count; i++) {
        const struct repository_version *v = &entry->versions[i];

        if (v->model)
            print_model(v->model);
        if (*v->error)
            printf("model %s version %" PRIu64 ": %s\n", entry->name, v->version, v->error);
        failed += *v->error != '\0';
    }
    for (size_t i = 0; i < entry->findings.count; i++)
        printf("%s\n", entry->findings.lines[i]);
    return failed;
}

/* A single one that does not load is the command's own failure. */
static bool fails_alone(const struct repository_snapshot *s, struct error *error)
{
    const struct repository_entry *entry = s->entries_count == 1 ? s->entries : NULL;

    for (size_t i = 0; entry && i < entry->versions_count; i++)
        if (entry->versions[i].model)
            return false;
    if (entry && entry->versions_count > 0)
        error_set(error, ERROR_NOT_READY, "%s", entry->versions[entry->versions_count - 1].error);
    return error->id != ERROR_OK;
}

/* The folder of a version stands for its model. */
static void find_model(char *path)
{
    char *slash = strrchr(path, '/');
    char config[1100];

    snprintf(config, sizeof config, "%s/config.json", path);
    if (access(config, F_OK) == 0 || slash == path || !version_read(slash + 1))
        return;
    snprintf(config, sizeof config, "%.*s/config.json", (int)(slash - path), path);
    if (access(config, F_OK) == 0)
        *slash = '\0';
}

static bool is_model(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool single = fd >= 0 && single_is(fd);

    if (fd >= 0)
        close(fd);
    return single;
}

int inspect_models(const struct options *options, const char *path, struct error *error)
{
    struct options own = *options;
    const struct repository_snapshot *snapshot;
    struct repository *repository;
    size_t failed = 0;

    if (strlen(path) >= sizeof own.models) {
        error_set(error, ERROR_LIMIT_EXCEEDED, "a path of %zu bytes, at most %zu", strlen(path),
                  sizeof own.models - 1);
        return 0;
    }
    snprintf(own.models, sizeof own.models, "%s", path);
    find_model(own.models);
    snprintf(own.model_dir, sizeof own.model_dir, "%s", is_model(own.models) ? own.models : "");
    repository = repository_open(own.models, &own, NULL, &failed, error);
    if (!repository)
        return 0;
    failed = 0;
    snapshot = repository_acquire(repository);
    if (snapshot->entries_count == 0)
        error_set(error, ERROR_NOT_READY, "%s: neither a model nor a folder of models", path);
    else if (!fails_alone(snapshot, error))
        for (size_t i = 0; i < snapshot->entries_count; i++) {
            printf("%s", i ? "\n" : "");
            failed += print_entry(&snapshot->entries[i]);
        }
    repository_release(repository, snapshot);
    repository_close(repository);
    return failed > 0;
}
