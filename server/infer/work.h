/* work.h - long work of any other kind: activations, losses, the text of long replies. One line for
 * all; a task is done a piece at a time, so that a long one delays nobody by more than a piece. */
#ifndef WORK_H
#define WORK_H

#include "infer/pool.h"

/* The cost of a number from text to text, more or less: no activation is so cheap that its reply's
 * text does not cost ten times as much. */
#define WORK_ELEMENT_S 20e-9

struct work {
    struct pool_task task; /* first: its deadline_ns, wake, is_here and context are the caller's */
    size_t elements;       /* numbers that it works on, about: what it was placed with           */
    /* Do a piece of it; true: there is more. By one worker at a time. */
    bool (*run)(struct work *work);
};

/* Work of so many seconds as numbers, of which there are a million at most: long work is no reason
 * to refuse others their numbers, since its pieces take turns with theirs. */
size_t work_elements(double seconds);

/* Where should work on so many numbers be done? FULL: it would be more than elements_max that wait
 * or are worked on, unless nothing does. */
enum task_place work_reserve(struct pool *p, size_t elements);
void work_give_back(struct pool *p, size_t elements);

/* Would they find room now? */
bool work_fits(struct pool *p, size_t elements);

/* The same for work that was accepted before, and so is never refused. */
enum task_place work_reserve_next(struct pool *p, size_t elements);

/* Free a large block of malloc()'s, which takes some milliseconds: the system takes page by page.
 */
void work_free(struct pool *p, void *block, size_t bytes);

/* The wake may come before this returns. */
void work_submit(struct pool *p, struct work *work);

#endif
