/* model_metrics.c - the metrics of loaded model versions: their coming, publishing and going.
 *
 * Invariant: registry.models holds the published versions, ascending, one per model and version;
 * registry.names holds one entry per model that has a version alive, published or not. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "metrics/registry.h"

/* Called with the lock. */
static struct metrics_name *name_acquire(const char *name)
{
    struct metrics_name **at = &registry.names;
    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    if (!*at) {
        struct metrics_name *n = calloc(1, sizeof *n);
        if (!n)
            return NULL;
        n->name = strdup(name);
        n->cells = cells_create(layout_get()->block[SCOPE_MODEL]);
        if (!n->name || !n->cells) {
            free(n->name);
            cells_destroy(n->cells);
            free(n);
            return NULL;
        }
        *at = n;
    }
    (*at)->references++;
    return *at;
}

/* Called with the lock. */
static void name_release(struct metrics_name *name)
{
    if (!name || --name->references > 0)
        return;
    struct metrics_name **at = &registry.names;
    while (*at != name)
        at = &(*at)->next;
    *at = name->next;
    cells_destroy(name->cells);
    free(name->name);
    free(name);
}

static int layers_copy(struct metrics_model *m, const struct metrics_model_spec *spec)
{
    m->layers = calloc(spec->layers_count + 1, sizeof *m->layers);
    m->layer_set = calloc(spec->layers_count * layout_get()->block[SCOPE_LAYER] + 1,
                          sizeof *m->layer_set);
    if (!m->layers || !m->layer_set)
        return -1;
    m->layers_count = spec->layers_count;
    for (size_t i = 0; i < spec->layers_count; i++)
        if (!(m->layers[i] = strdup(spec->layers[i])))
            return -1;
    return 0;
}

/* The first ones, and "other" for those beyond. */
static int classes_copy(struct metrics_model *m, const struct metrics_model_spec *spec)
{
    size_t count = spec->classes_count;

    if (count == 0)
        return 0;
    count = count > METRICS_CLASSES_MAX ? METRICS_CLASSES_MAX + 1 : count;
    m->classes = calloc(count, sizeof *m->classes);
    m->class_cells = cells_create(count * layout_get()->block[SCOPE_CLASS]);
    if (!m->classes || !m->class_cells)
        return -1;
    m->classes_count = count;
    for (size_t i = 0; i < count; i++)
        if (!(m->classes[i] = strdup(i < METRICS_CLASSES_MAX ? spec->classes[i] : "other")))
            return -1;
    return 0;
}

/* A series takes about as long as so many numbers of text. */
enum { NUMBERS_OF_SERIES = 15 };

static size_t numbers_of(const struct metrics_model *m)
{
    const unsigned *block = layout_get()->block;
    size_t series = block[SCOPE_MODEL] + block[SCOPE_VERSION] +
                    m->layers_count * block[SCOPE_LAYER] + m->classes_count * block[SCOPE_CLASS];

    return m->refresh_numbers + series * NUMBERS_OF_SERIES;
}

struct metrics_model *metrics_model_create(const struct metrics_model_spec *spec)
{
    size_t slots = layout_get()->block[SCOPE_VERSION];
    struct metrics_model *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->refresh = spec->refresh;
    m->context = spec->context;
    m->refresh_numbers = spec->refresh_numbers;
    m->version = strdup(spec->version);
    m->task = strdup(spec->task);
    m->values.cells = cells_create(slots);
    m->values.set = calloc(slots, sizeof *m->values.set);
    pthread_mutex_lock(&registry.lock);
    m->name = name_acquire(spec->model);
    m->shared = m->name ? cells_create_part(m->name->cells) : NULL;
    pthread_mutex_unlock(&registry.lock);
    if (m->shared && m->version && m->task && m->values.cells && m->values.set &&
        layers_copy(m, spec) == 0 && classes_copy(m, spec) == 0) {
        m->numbers = numbers_of(m);
        return m;
    }
    metrics_model_destroy(m);
    return NULL;
}

/* Called with the lock. */
static void unlink_model(struct metrics_model *m)
{
    if (!m->published)
        return;
    struct metrics_model **at = &registry.models;
    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    m->published = false;
    atomic_fetch_sub_explicit(&registry.numbers, m->numbers, memory_order_relaxed);
}

static int compare(const struct metrics_model *a, const struct metrics_model *b)
{
    int by_name = strcmp(a->name->name, b->name->name);
    return by_name ? by_name : strverscmp(a->version, b->version);
}

void metrics_model_publish(struct metrics_model *m)
{
    pthread_mutex_lock(&registry.lock);
    unlink_model(m);
    struct metrics_model **at = &registry.models;
    while (*at && compare(*at, m) < 0)
        at = &(*at)->next;
    if (*at && compare(*at, m) == 0)
        unlink_model(*at);
    m->next = *at;
    m->published = true;
    *at = m;
    atomic_fetch_add_explicit(&registry.numbers, m->numbers, memory_order_relaxed);
    pthread_mutex_unlock(&registry.lock);
}

void metrics_model_withdraw(struct metrics_model *m)
{
    pthread_mutex_lock(&registry.lock);
    unlink_model(m);
    pthread_mutex_unlock(&registry.lock);
}

void metrics_model_destroy(struct metrics_model *m)
{
    if (!m)
        return;
    pthread_mutex_lock(&registry.lock);
    unlink_model(m);
    cells_destroy(m->shared);
    name_release(m->name);
    pthread_mutex_unlock(&registry.lock);
    for (size_t i = 0; m->layers && i < m->layers_count; i++)
        free(m->layers[i]);
    free(m->layers);
    free(m->layer_set);
    for (size_t i = 0; i < m->classes_count; i++)
        free(m->classes[i]);
    free(m->classes);
    cells_destroy(m->class_cells);
    free(m->version);
    free(m->task);
    cells_destroy(m->values.cells);
    free(m->values.set);
    free(m);
}

/* ---- versions that failed to load ---- */

static void failed_free(struct failed_version *failed, size_t count)
{
    for (size_t i = 0; failed && i < count; i++)
        free(failed[i].model);
    free(failed);
}

/* new, or NULL when out of memory */
static struct failed_version *failed_copy(const struct metrics_failed *list, size_t count)
{
    struct failed_version *failed = calloc(count + 1, sizeof *failed);

    for (size_t i = 0; failed && i < count; i++) {
        snprintf(failed[i].version, sizeof failed[i].version, "%" PRIu64, list[i].version);
        failed[i].model = strdup(list[i].model);
        if (!failed[i].model) {
            failed_free(failed, i);
            failed = NULL;
        }
    }
    return failed;
}

int metrics_failed_set(const struct metrics_failed *list, size_t count)
{
    struct failed_version *failed = failed_copy(list, count), *before;
    size_t before_count;

    if (!failed)
        return -1;
    pthread_mutex_lock(&registry.lock);
    before = registry.failed;
    before_count = registry.failed_count;
    registry.failed = failed;
    registry.failed_count = count;
    pthread_mutex_unlock(&registry.lock);
    failed_free(before, before_count);
    return 0;
}
