/* loader.c - see loader.h. Invariant: the scan stands in the queue once at most, and leaves it
 * before it begins, so that no question is lost and a thousand cost one scan; a task that left the
 * queue is over before the next one leaves it. */
#include "model/loader.h"
#include <pthread.h>
#include <stdlib.h>

TAILQ_HEAD(tasks, loader_task);

struct loader {
    struct loader_task scan;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct tasks tasks;
    struct loader_task *running; /* NULL: none */
    bool asked, closed, stopping;
    pthread_t thread;
};

/* Waits for a task. NULL: there will be none. */
static struct loader_task *take(struct loader *l)
{
    struct loader_task *task = NULL;

    pthread_mutex_lock(&l->lock);
    l->running = NULL;
    pthread_cond_broadcast(&l->changed);
    while (TAILQ_EMPTY(&l->tasks) && !l->stopping)
        pthread_cond_wait(&l->changed, &l->lock);
    if (!l->stopping) {
        l->running = task = TAILQ_FIRST(&l->tasks);
        TAILQ_REMOVE(&l->tasks, task, link);
        l->asked = l->asked && task != &l->scan;
    }
    pthread_mutex_unlock(&l->lock);
    return task;
}

static void *run(void *context)
{
    struct loader *l = context;
    struct loader_task *task;

    while ((task = take(l)) != NULL) {
        task->run(task->context);
        task->done = true;
        if (task->over)
            task->over(task->context);
    }
    return NULL;
}

struct loader *loader_start(void (*scan)(void *context), void *context)
{
    struct loader *l = calloc(1, sizeof *l);

    if (!l)
        return NULL;
    l->scan.run = scan;
    l->scan.context = context;
    TAILQ_INIT(&l->tasks);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    if (pthread_create(&l->thread, NULL, run, l) == 0)
        return l;
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    free(l);
    return NULL;
}

void loader_ask(struct loader *l)
{
    pthread_mutex_lock(&l->lock);
    if (!l->asked) {
        l->asked = true;
        TAILQ_INSERT_TAIL(&l->tasks, &l->scan, link);
        pthread_cond_broadcast(&l->changed);
    }
    pthread_mutex_unlock(&l->lock);
}

void loader_submit(struct loader *l, struct loader_task *task)
{
    bool closed;

    task->done = false;
    pthread_mutex_lock(&l->lock);
    closed = l->closed;
    if (!closed) {
        TAILQ_INSERT_TAIL(&l->tasks, task, link);
        pthread_cond_broadcast(&l->changed);
    }
    pthread_mutex_unlock(&l->lock);
    if (closed)
        task->over(task->context);
}

void loader_close(struct loader *l)
{
    struct tasks left = TAILQ_HEAD_INITIALIZER(left);
    struct loader_task *task;

    pthread_mutex_lock(&l->lock);
    l->closed = true;
    l->asked = false;
    TAILQ_CONCAT(&left, &l->tasks, link);
    pthread_mutex_unlock(&l->lock);
    while ((task = TAILQ_FIRST(&left)) != NULL) {
        TAILQ_REMOVE(&left, task, link);
        if (task->over)
            task->over(task->context);
    }
    pthread_mutex_lock(&l->lock);
    while (l->running && l->running != &l->scan)
        pthread_cond_wait(&l->changed, &l->lock);
    pthread_mutex_unlock(&l->lock);
}

void loader_stop(struct loader *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    l->stopping = true;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    loader_close(l);
    pthread_join(l->thread, NULL);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    free(l);
}
