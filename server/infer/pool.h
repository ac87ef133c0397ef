/* pool.h - the workers: whatever is too large for the thread that reads sockets is a task of a
 * worker.
 *
 * Tasks wait in lines: one for each model version (batch.h), and one for all other long work
 * (work.h). The lines take turns, a piece of work each, and within a line so do the tasks of one
 * priority; a more urgent one is done before. Knows models and clocks; clients are a pair of
 * functions to it. */
#ifndef POOL_H
#define POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct pool;

/* How a task's wait was over. */
enum task_end {
    TASK_OPEN,      /* not over yet                     */
    TASK_DONE,      /* it is complete                   */
    TASK_DEADLINE,  /* its deadline passed before       */
    TASK_GONE,      /* its client went away before      */
    TASK_CUT,       /* pool_close()                     */
    TASK_NO_MEMORY, /* for a worker's scratch           */
};

/* Where should it be done? QUEUED has taken room in the line, to be used by a submit or given back.
 * Without a pool (NULL): HERE. */
enum task_place {
    TASK_HERE,   /* by the calling thread: handing it over would cost more than it blocks */
    TASK_QUEUED, /* by a worker                                                           */
    TASK_FULL    /* nowhere: too much waits already                                       */
};

/* The work that one client waits for. The caller fills in the first group, and keeps all of it in
 * place until the wake; then nobody else knows it any more. */
struct pool_task {
    uint64_t deadline_ns;           /* as clock_ns()                                     */
    uint32_t priority;              /* 1 before 2 before 3 ... before 0, those without   */
    void (*wake)(void *context);    /* once, from any thread                             */
    bool (*is_here)(void *context); /* until the wake, from any thread: does the client still wait?
                                       NULL: yes */
    void *context;

    enum task_end end; /* to be read after the wake */
    uint64_t submitted_ns, taken_ns, ended_ns;

    TAILQ_ENTRY(pool_task) link; /* the rest is the pool's, under its lock */
    uint64_t since_ns;           /* it, or one that it has overtaken, was submitted  */
    struct pool_line *line;
    unsigned pieces; /* that are with a worker now            */
    bool waits;      /* it stands in its line                 */
    bool begun;      /* a worker has had a piece of it before */
};

/* new, with this many workers; NULL when out of memory or threads. Work that is expected to take up
 * to inline_us_max is not queued. elements_max: how much of all long work may wait (work.h). */
struct pool *pool_start(unsigned threads, uint64_t inline_us_max, uint64_t elements_max);
/* Closes it, and joins the workers. NULL is fine. */
void pool_stop(struct pool *p);

/* End what has waited beyond its deadline, or was closed. Returns the next deadline, UINT64_MAX if
 * nothing waits. */
uint64_t pool_look(struct pool *p, uint64_t now_ns);

/* End all that waits, and whatever is submitted from now on, with TASK_CUT; what a worker computes
 * just now is woken when its piece is done. Returns once every task was woken. */
void pool_close(struct pool *p);

#endif
