/* line.h - what waits for a version of a model. The data alone, since it lives as long as the
 * model: server/infer owns it, under its lock. */
#ifndef LINE_H
#define LINE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct pool_kind;
struct pool_task;

TAILQ_HEAD(pool_tasks, pool_task);
TAILQ_HEAD(pool_ring, pool_line);

/* Tasks that wait for a worker; in the pool's ring exactly while there are some. */
struct pool_line {
    const struct pool_kind *kind;
    struct pool_tasks tasks; /* of which something is to be taken */
    TAILQ_ENTRY(pool_line) link;
};

struct model_line {
    struct pool_line line;           /* first */
    size_t rows_max, queue_rows_max; /* as `batching` in config.json; */
    uint64_t delay_ns;               /* immutable                     */
    size_t rows, rows_in_line; /* that no worker has taken; of each request one piece at most */
    size_t rows_promised;      /* of rows: those of requests that are on their way into line  */
};

#endif
