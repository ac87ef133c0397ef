/* private.h - what pool.c, batch.c and work.c share: lines, and what a worker takes of them.
 *
 * One lock guards all lines and the lower part of every task. */
#ifndef INFER_PRIVATE_H
#define INFER_PRIVATE_H

#include <pthread.h>
#include "infer/batch.h"
#include "infer/pool.h"
#include "infer/work.h"
#include "model/line.h"
#include "model/model.h"

enum { PIECES_MAX = 1024 };

/* A part of one task. */
struct pool_piece {
    struct pool_task *task;
    size_t first, rows;        /* batch.c's, as is: */
    struct model_tally *tally; /* the job's, or its own while others work on the job */
    enum task_end end;         /* TASK_OPEN unless there is no point in doing it, or it failed */
    bool more;                 /* it goes back into its line                                   */
};

/* The work of one go of a worker, and its memory for that. */
struct pool_turn {
    size_t count;
    struct pool_piece pieces[PIECES_MAX];
    struct model_rows parts[PIECES_MAX]; /* batch.c's */
};

/* How the tasks of a line are done. All but run are called with the lock. */
struct pool_kind {
    /* A new task is about to stand in the line; NULL: nothing to do. */
    void (*join)(struct pool_task *task);
    /* From when on the line may be served; NULL: at once. */
    uint64_t (*ready_ns)(const struct pool_line *line);
    /* Fill the turn with pieces of tasks that wait, by pool_take() each. */
    void (*take)(struct pool *p, struct pool_line *line, struct pool_turn *turn);
    /* Do those whose end is TASK_OPEN; false: out of memory. */
    bool (*run)(struct pool_line *line, struct pool_turn *turn);
    /* The piece was done, or left out; NULL: nothing to do. */
    void (*settle)(const struct pool_piece *piece);
    /* A worker has done the last piece that is out: is there nothing left to be taken? */
    bool (*is_complete)(const struct pool_task *task);
    /* Nothing more will be taken of it. */
    void (*drop)(struct pool *p, struct pool_task *task);
};

struct pool_worker {
    struct pool *pool;
    pthread_t thread;
    struct pool_turn turn;
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t work, quiet; /* there is something to take; nobody is busy any more */
    struct pool_ring ring;      /* lines in which tasks wait; the first is served next */
    unsigned idle;              /* workers that wait                                   */
    unsigned busy;              /* threads with tasks that they have yet to wake       */
    bool stopping, closed;
    double inline_s_max;
    struct pool_line long_work;      /* work.c's, as is: */
    uint64_t elements, elements_max; /* that wait or are worked on; at most              */
    unsigned workers_count;
    struct pool_worker workers[];
};

/* Into its line, at the end, or out of it. */
void pool_line_up(struct pool *p, struct pool_task *task);
void pool_step_out(struct pool *p, struct pool_task *task);

/* Out of its line, and a piece of it into the turn. */
struct pool_piece *pool_take(struct pool *p, struct pool_turn *turn, struct pool_task *task);

/* A new task, without the lock; the wake may come before this returns. */
void pool_submit(struct pool *p, struct pool_task *task, const struct pool_kind *kind);

#endif
