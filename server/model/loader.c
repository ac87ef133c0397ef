/* loader.c - see loader.h. Invariant: `asked` is set under the lock, and cleared before the scan
 * that answers it begins, so that no question is lost and a thousand cost one scan. */
#include "model/loader.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct loader {
    void (*scan)(void *context);
    void *context;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool asked, stopping;
    pthread_t thread;
};

/* Waits for a question. False: there will be none. */
static bool take(struct loader *l)
{
    bool more;

    pthread_mutex_lock(&l->lock);
    while (!l->asked && !l->stopping)
        pthread_cond_wait(&l->changed, &l->lock);
    more = !l->stopping;
    l->asked = false;
    pthread_mutex_unlock(&l->lock);
    return more;
}

static void *run(void *context)
{
    struct loader *l = context;

    while (take(l))
        l->scan(l->context);
    return NULL;
}

struct loader *loader_start(void (*scan)(void *context), void *context)
{
    struct loader *l = calloc(1, sizeof *l);

    if (!l)
        return NULL;
    l->scan = scan;
    l->context = context;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    if (pthread_create(&l->thread, NULL, run, l) == 0)
        return l;
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    free(l);
    return NULL;
}

static void set(struct loader *l, bool *flag)
{
    pthread_mutex_lock(&l->lock);
    *flag = true;
    pthread_cond_signal(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

void loader_ask(struct loader *l)
{
    set(l, &l->asked);
}

void loader_stop(struct loader *l)
{
    if (!l)
        return;
    set(l, &l->stopping);
    pthread_join(l->thread, NULL);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    free(l);
}
