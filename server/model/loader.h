/* loader.h - the thread that scans and loads, so that nobody who asks for it has to wait.
 *
 * It has a queue of one: whoever asks while a scan runs is served by the next, which begins after
 * the question, and so sees all that the asker has written. It knows no repository. */
#ifndef MODEL_LOADER_H
#define MODEL_LOADER_H

struct loader;

/* scan(context) is called by the loader's own thread, one call at a time. new, or NULL. */
struct loader *loader_start(void (*scan)(void *context), void *context);

/* A scan is to begin, after the one that runs. By any thread; returns at once. */
void loader_ask(struct loader *loader);

/* Forget what is asked, wait for the scan that runs, and end. NULL is fine. */
void loader_stop(struct loader *loader);

#endif
