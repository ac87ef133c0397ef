/* clients.h - for tests of the workers: models of which everything goes to the queue, one worker,
 * and clients with rows that are all different.
 *
 * The worker is held at a known place by a job whose client answers "are you here?" late. start()
 * and stop() are a checked fixture. */
#ifndef CLIENTS_H
#define CLIENTS_H

#include <check.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/api.h"
#include "base/clock.h"
#include "models.h"
#include "infer/batch.h"
#include "scraped.h"

enum { FEATURES = 24, OUTPUTS = 10, WORK_MAX = 100000 };

static struct pool *pool;
static struct api api;

/* ---- models --------------------------------------------------------------------------------- */

static inline void put_model(const char *name, const char *batching)
{
    char path[128], text[512];

    snprintf(path, sizeof path, "%s/config.json", name);
    snprintf(text, sizeof text,
             "{\"input\": {\"features\": %d}, \"layers\": ["
             "{\"name\": \"h\", \"units\": 33, \"activation\": \"relu\"},"
             "{\"name\": \"y\", \"units\": %d, \"activation\": \"identity\"}],"
             "\"initializer\": \"he_normal\", \"seed\": 7%s%s}",
             FEATURES, OUTPUTS, *batching ? ", \"batching\": " : "", batching);
    folder_text(&root, path, text);
}

static inline struct model *find(const char *name)
{
    const struct repository_snapshot *s = repository_acquire(repository);
    struct model *m = repository_find_version(repository_find(s, name), 1)->model;

    repository_release(repository, s);
    return m;
}

static inline void start(void)
{
    set_up();
    options_defaults(&options);
    put_model("plain", "");
    put_model("other", "");
    put_model("apart", "{\"rows_max\": 1}");
    put_model("narrow", "{\"queue_rows_max\": 4}");
    put_model("patient", "{\"rows_max\": 8, \"queue_delay_us\": 200000}");
    put_model("calm", "{\"rows_max\": 8, \"queue_delay_us\": 10000000}");
    open_repository();
    pool = pool_start(1, 0, WORK_MAX);
    ck_assert_ptr_nonnull(pool);
    api = (struct api){.options = &options, .repository = repository, .pool = pool};
}

/* Where it does not matter which worker does what. */
static inline void more_workers(void)
{
    pool_stop(pool);
    pool = pool_start(3, 0, WORK_MAX);
    ck_assert_ptr_nonnull(pool);
    api.pool = pool;
}

static inline void stop(void)
{
    pool_stop(pool);
    tear_down();
}

/* The value of a series as it stands in /metrics. */
static inline double metric(const char *series)
{
    struct buf out;
    const char *at;
    char line[256];
    double value;

    scraped(&out, NULL);
    snprintf(line, sizeof line, "\n%s ", series);
    at = strstr(out.data, line);
    ck_assert_msg(at != NULL, "no %s", series);
    value = strtod(at + strlen(line), NULL);
    buf_fini(&out);
    return value;
}

/* ---- clients -------------------------------------------------------------------------------- */

struct client {
    struct batch_job job;
    sem_t woken, asked, allowed;
    unsigned wakes; /* atomically */
    bool hold, leave;
    bool refused; /* its reply is an error whatever was computed */
    float *x, *y, *alone;
};

static inline void woken(void *context)
{
    struct client *c = context;

    __atomic_add_fetch(&c->wakes, 1, __ATOMIC_RELAXED);
    sem_post(&c->woken);
}

static inline bool is_here(void *context)
{
    struct client *c = context;

    if (c->hold) {
        sem_post(&c->asked);
        sem_wait(&c->allowed);
    }
    return !c->leave;
}

/* Rows that are all different, and what the network says of them when they are alone. */
static inline struct client *client_create(struct model *m, size_t rows, unsigned seed)
{
    struct client *c = calloc(1, sizeof *c);

    c->x = calloc(rows, FEATURES * sizeof *c->x);
    c->y = calloc(rows, OUTPUTS * sizeof *c->y);
    c->alone = calloc(rows, OUTPUTS * sizeof *c->alone);
    for (size_t i = 0; i < rows * FEATURES; i++)
        c->x[i] = (float)((i * 2654435761u + seed * 40503u) % 2003) / 1001 - 1;
    ck_assert_int_eq(model_run(m, &(struct model_rows){.x = c->x, .y = c->alone, .rows = rows}, 1),
                     0);
    sem_init(&c->woken, 0, 0);
    sem_init(&c->asked, 0, 0);
    sem_init(&c->allowed, 0, 0);
    c->job = (struct batch_job){
        .model = m,
        .x = c->x,
        .y = c->y,
        .rows = rows,
        .tally = model_tally_create(m),
        .task = {.deadline_ns = UINT64_MAX, .wake = woken, .is_here = is_here, .context = c}};
    return c;
}

static inline void submit(struct client *c)
{
    ck_assert_int_eq(batch_reserve(pool, c->job.model, c->job.rows), TASK_QUEUED);
    batch_submit(pool, &c->job);
}

/* A worker is with c, and stays until release(c). */
static inline void hold(struct client *c)
{
    c->hold = true;
    submit(c);
    sem_wait(&c->asked);
}

static inline void release(struct client *c)
{
    sem_post(&c->allowed);
}

static inline void destroy(struct client *c)
{
    sem_destroy(&c->woken);
    sem_destroy(&c->asked);
    sem_destroy(&c->allowed);
    model_tally_destroy(c->job.tally);
    free(c->x);
    free(c->y);
    free(c->alone);
    free(c);
}

/* The client was woken once, its job ended so, and if it is done, then with the right rows; a reply
 * is counted. */
static inline void expect_end(struct client *c, enum task_end end)
{
    sem_wait(&c->woken);
    ck_assert_uint_eq(__atomic_load_n(&c->wakes, __ATOMIC_RELAXED), 1);
    ck_assert_int_eq(c->job.task.end, end);
    if (end == TASK_DONE)
        ck_assert_mem_eq(c->y, c->alone, c->job.rows * OUTPUTS * sizeof *c->y);
    if (end == TASK_DONE && !c->refused)
        model_count(c->job.model, c->job.tally);
}

#endif
