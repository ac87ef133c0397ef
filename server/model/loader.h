/* loader.h - the thread that scans and loads, so that nobody who asks for it holds up others.
 *
 * It has a queue: scans that SIGHUP asks for, and tasks of clients that wait. Whoever asks for a
 * scan while one waits in the queue is served by that one, which begins after the question, and so
 * sees all that the asker has written. It knows no repository. */
#ifndef MODEL_LOADER_H
#define MODEL_LOADER_H

#include <stdbool.h>
#include <sys/queue.h>

struct loader;

/* The work that one client waits for. The caller fills in the first group, and keeps all of it in
 * place until `over`. */
struct loader_task {
    void (*run)(void *context);  /* by the loader's thread                             */
    void (*over)(void *context); /* once, from any thread: `done` tells whether it was run */
    void *context;

    bool done;
    TAILQ_ENTRY(loader_task) link;
};

/* scan(context) is called by the loader's own thread, one call at a time, and never during a task.
 * new, or NULL. */
struct loader *loader_start(void (*scan)(void *context), void *context);

/* A scan is to begin, after all that waits already. By any thread; returns at once. */
void loader_ask(struct loader *loader);

/* The same for a task. It may be over before this returns. */
void loader_submit(struct loader *loader, struct loader_task *task);

/* All tasks that wait are over, and so is whatever is submitted from now on; one that runs goes on.
 * Returns once they all are over. */
void loader_close(struct loader *loader);

/* Forget what is asked, wait for the scan or task that runs, and end. NULL is fine. */
void loader_stop(struct loader *loader);

#endif
