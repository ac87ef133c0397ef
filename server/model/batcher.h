/* batcher.h - work that is too large for the thread that read it: a queue per model version, and
 * workers that empty them.
 *
 * A worker that is idle takes at once what is queued for a model, as one matrix, so batches form by
 * themselves while all workers are busy and nothing ever waits while one is not (queue_delay_us 0).
 * Knows models and clocks; clients are a pair of functions to it. */
#ifndef BATCHER_H
#define BATCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct model;
struct model_capture;
struct model_tally;
struct batcher;

enum batch_end {
    BATCH_OPEN,      /* not over yet                                         */
    BATCH_DONE,      /* y is complete                                        */
    BATCH_DEADLINE,  /* its deadline passed before                           */
    BATCH_GONE,      /* its client went away before                          */
    BATCH_CUT,       /* batcher_close()                                      */
    BATCH_NO_MEMORY, /* for a worker's scratch                               */
};

/* The rows of one request. The caller fills in the first group, and keeps all of it in place until
 * the wake; then nobody else knows it any more. */
struct batch_job {
    struct model *model; /* of which the caller holds a reference           */
    const float *x;      /* [rows, features]                                */
    float *y;            /* [rows, outputs]                                 */
    size_t rows;
    const struct model_capture *capture; /* what else is wanted of them, or NULL (model.h) */
    struct model_tally *tally;           /* what they count, or NULL                        */
    uint64_t deadline_ns;                /* as clock_ns()                                   */
    void (*wake)(void *context);         /* once, from any thread                           */
    bool (*is_here)(void *context); /* until the wake, from any thread: does the client still wait?
                                       NULL: yes */
    void *context;

    enum batch_end end; /* to be read after the wake */
    uint64_t submitted_ns, taken_ns, ended_ns;

    TAILQ_ENTRY(batch_job) link; /* the rest is the batcher's, under its lock */
    size_t taken;                /* rows that workers have, or have had       */
    unsigned pieces;             /* that are with a worker now                */
    bool queued;                 /* it stands in its model's queue            */
};

/* new, with this many workers; NULL when out of memory or threads. What is expected to take up to
 * inline_us_max is not queued, unless its model asks to wait for company (queue_delay_us). */
struct batcher *batcher_start(unsigned threads, uint64_t inline_us_max);
/* Joins the workers; every job must have been woken. NULL is fine. */
void batcher_stop(struct batcher *b);

/* Where should a request of so many rows be computed? QUEUED has taken room in the queue, to be
 * used by batcher_submit() or given back by batcher_give_back(). Without a batcher (NULL): HERE. */
enum batch_place {
    BATCH_HERE,   /* by the calling thread: handing it over would cost more than it blocks */
    BATCH_QUEUED, /* by a worker                                                           */
    BATCH_FULL    /* nowhere: queue_rows_max                                               */
};
enum batch_place batcher_place(struct batcher *b, struct model *m, size_t rows);
void batcher_give_back(struct batcher *b, struct model *m, size_t rows);

/* The wake may come before this returns. */
void batcher_submit(struct batcher *b, struct batch_job *job);

/* End what has waited beyond its deadline, or was closed. Returns the next deadline, UINT64_MAX if
 * nothing waits. */
uint64_t batcher_look(struct batcher *b, uint64_t now_ns);

/* End all that waits, and whatever is submitted from now on, with BATCH_CUT; what a worker computes
 * just now is woken when its piece is done. Returns once every job was woken. */
void batcher_close(struct batcher *b);

#endif
