/* work.c - the one line of long work that no model's batch is made of.
 *
 * Invariant: p->elements is the sum over all work that was placed and has neither been given back
 * nor ended. */
#include "infer/work.h"
#include <stdlib.h>
#include "infer/private.h"

static void take(struct pool *p, struct pool_line *line, struct pool_turn *turn)
{
    pool_take(p, turn, TAILQ_FIRST(&line->tasks));
}

static bool run(struct pool_line *line, struct pool_turn *turn)
{
    struct pool_piece *piece = turn->pieces;
    struct work *work = (struct work *)piece->task;

    (void)line;
    if (piece->end == TASK_OPEN)
        piece->more = work->run(work);
    return true;
}

static bool is_complete(const struct pool_task *task)
{
    (void)task;
    return true;
}

static void drop(struct pool *p, struct pool_task *task)
{
    p->elements -= ((struct work *)task)->elements;
}

static const struct pool_kind work_kind = {
    .take = take, .run = run, .is_complete = is_complete, .drop = drop};

size_t work_elements(double seconds)
{
    enum { MANY = 1 << 20 };
    double numbers = seconds / WORK_ELEMENT_S;

    return numbers < MANY ? (size_t)numbers : (size_t)MANY;
}

static bool is_inline(const struct pool *p, size_t elements)
{
    return elements == 0 || (double)elements * WORK_ELEMENT_S <= p->inline_s_max;
}

static bool is_full(const struct pool *p, size_t elements)
{
    return p->elements > 0 &&
           (elements > p->elements_max || p->elements > p->elements_max - elements);
}

bool work_fits(struct pool *p, size_t elements)
{
    bool full;

    if (!p || is_inline(p, elements))
        return true;
    pthread_mutex_lock(&p->lock);
    full = is_full(p, elements);
    pthread_mutex_unlock(&p->lock);
    return !full;
}

static enum task_place reserve(struct pool *p, size_t elements, bool refusable)
{
    bool full;

    if (!p || is_inline(p, elements))
        return TASK_HERE;
    pthread_mutex_lock(&p->lock);
    full = refusable && is_full(p, elements);
    if (!full)
        p->elements += elements;
    pthread_mutex_unlock(&p->lock);
    return full ? TASK_FULL : TASK_QUEUED;
}

enum task_place work_reserve(struct pool *p, size_t elements)
{
    return reserve(p, elements, true);
}

enum task_place work_reserve_next(struct pool *p, size_t elements)
{
    return reserve(p, elements, false);
}

void work_give_back(struct pool *p, size_t elements)
{
    pthread_mutex_lock(&p->lock);
    p->elements -= elements;
    pthread_mutex_unlock(&p->lock);
}

static bool nothing(struct work *work)
{
    (void)work;
    return false;
}

/* Nobody reads the block any more, so the task that frees it stands in it. */
void work_free(struct pool *p, void *block, size_t bytes)
{
    enum { LARGE_BYTES = 1 << 20 };
    struct work *work = block;

    if (!p || bytes < LARGE_BYTES) {
        free(block);
        return;
    }
    *work = (struct work){.task = {.deadline_ns = UINT64_MAX, .wake = free, .context = block},
                          .run = nothing};
    work_submit(p, work);
}

void work_submit(struct pool *p, struct work *work)
{
    work->task.line = &p->long_work;
    pool_submit(p, &work->task, &work_kind);
}
