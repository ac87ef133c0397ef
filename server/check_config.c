/* check_config.c - loads what the daemon would load, prints the findings, serves nothing. */
#include <inttypes.h>
#include <stdio.h>
#include "check_config.h"
#include "model/repository.h"

static void print_entry(const struct repository_entry *entry)
{
    for (size_t i = 0; i < entry->versions_count; i++) {
        const struct repository_version *v = &entry->versions[i];
        if (v->state == MODEL_AVAILABLE)
            printf("model %s version %" PRIu32 ": loads\n", entry->name, v->version);
        else
            printf("model %s version %" PRIu32 ": %s\n", entry->name, v->version, v->error);
    }
}

int check_config(const struct options *options)
{
    size_t failed = 0;
    struct model_error error;
    struct repository *repository = repository_open(options->models, options, &failed, &error);

    if (!repository) {
        printf("models: %s\n", error.text);
        return 2;
    }
    const struct repository_snapshot *snapshot = repository_acquire(repository);
    for (size_t i = 0; i < snapshot->entries_count; i++)
        print_entry(&snapshot->entries[i]);
    printf("%zu models in %s, %zu failures\n", snapshot->entries_count,
           *options->models ? options->models : "no repository", failed);
    repository_release(repository, snapshot);
    repository_close(repository);
    return failed ? 1 : 0;
}
