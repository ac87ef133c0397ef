/* check_config.c - loads what the daemon would load, prints the findings, serves nothing. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>
#include "check_config.h"
#include "keys/keys.h"
#include "model/repository.h"

static size_t print_findings(const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        printf("%s\n", findings->lines[i]);
    return findings->count;
}

static size_t print_variables(void)
{
    size_t count = 0;
    char text[256];

    for (size_t next = 0; options_unknown_variable(environ, &next, text, sizeof text); count++)
        printf("%s\n", text);
    return count;
}

static void print_entry(const struct repository_entry *entry)
{
    for (size_t i = 0; i < entry->versions_count; i++) {
        const struct repository_version *v = &entry->versions[i];
        if (v->model)
            printf("model %s version %" PRIu64 ": loads\n", entry->name, v->version);
        else
            printf("model %s version %" PRIu64 ": %s\n", entry->name, v->version, v->error);
    }
}

/* False: the service would not start with them. */
static bool print_keys(const struct options *options, size_t *findings)
{
    struct error error;
    struct keys *keys = *options->keys ? keys_open(options->keys, &error) : NULL;
    char warning[KEYS_WARNING_MAX];

    if (!keys) {
        if (*options->keys)
            printf("keys: %s\n", error.detail);
        return !*options->keys;
    }
    printf("keys: %zu infer, %zu admin in %s\n", keys_count(keys, KEY_INFER),
           keys_count(keys, KEY_ADMIN), options->keys);
    keys_warning(keys, warning);
    if (*warning)
        printf("keys: %s: %s\n", options->keys, warning);
    *findings += *warning != '\0';
    keys_close(keys);
    return true;
}

int check_config(const struct options *options)
{
    size_t failed = 0, findings;
    struct error error;
    struct repository *repository = repository_open(options->models, options, NULL, &failed,
                                                    &error);

    if (!repository) {
        printf("models: %s\n", error.detail);
        return CHECK_FAILED;
    }
    const struct repository_snapshot *snapshot = repository_acquire(repository);
    findings = print_variables() + print_findings(&snapshot->findings);
    failed += !print_keys(options, &findings);
    for (size_t i = 0; i < snapshot->entries_count; i++) {
        print_entry(&snapshot->entries[i]);
        findings += print_findings(&snapshot->entries[i].findings);
    }
    printf("%zu models in %s, %zu failures, %zu findings\n", snapshot->entries_count,
           *options->models ? options->models : "no repository", failed, findings);
    repository_release(repository, snapshot);
    repository_close(repository);
    return failed ? CHECK_FAILED : findings ? CHECK_FINDINGS : CHECK_WELL;
}
