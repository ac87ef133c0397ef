/* batch.h - rows for a model: a line per version, of which workers take what is there as one
 * matrix.
 *
 * A worker that is idle takes at once what waits for a model, so batches form by themselves while
 * all workers are busy, and nothing ever waits while one is not (queue_delay_us 0). */
#ifndef BATCH_H
#define BATCH_H

#include "infer/pool.h"

struct model;
struct model_capture;
struct model_tally;

/* The rows of one request. The caller fills in the first group. */
struct batch_job {
    struct pool_task task; /* first: its deadline_ns, wake, is_here and context are the caller's */
    struct model *model;   /* of which the caller holds a reference                              */
    const float *x;        /* [rows, features]                                                   */
    float *y;              /* [rows, outputs]                                                    */
    size_t rows;
    const struct model_capture *capture; /* what else is wanted of them, or NULL (model.h) */
    struct model_tally *tally;           /* what they count, or NULL                        */

    size_t taken; /* rows that workers have, or have had */
};

/* Where should so many rows be computed? A model that asks to wait for company (queue_delay_us) is
 * never computed HERE, but for a pool that is NULL. FULL: queue_rows_max. */
enum task_place batch_reserve(struct pool *p, struct model *m, size_t rows);
void batch_give_back(struct pool *p, struct model *m, size_t rows);

/* The wake may come before this returns. */
void batch_submit(struct pool *p, struct batch_job *job);

#endif
