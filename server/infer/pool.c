/* pool.c - the workers, who is served when, and who is woken when.
 *
 * Pieces are done, and clients are woken, without the lock. Invariants: a task is woken once, when
 * it stands in no line and no worker has a piece of it; a line is in the ring exactly while tasks
 * stand in it. */
#include "infer/pool.h"
#include <stdlib.h>
#include <time.h>
#include "base/clock.h"
#include "infer/private.h"
#include "base/log.h"

/* ---- tasks and lines, under the lock -------------------------------------------------------- */

/* The smaller, the sooner. */
static uint32_t rank(const struct pool_task *task)
{
    return task->priority - 1; /* of 0, the largest */
}

/* The first in line that is less urgent; NULL: none. Most tasks are alike. */
static struct pool_task *less_urgent(const struct pool_line *line, const struct pool_task *task)
{
    struct pool_task *last = TAILQ_LAST(&line->tasks, pool_tasks), *next;

    if (!last || rank(last) <= rank(task))
        return NULL;
    for (next = TAILQ_FIRST(&line->tasks); rank(next) <= rank(task);)
        next = TAILQ_NEXT(next, link);
    return next;
}

void pool_line_up(struct pool *p, struct pool_task *task)
{
    struct pool_line *line = task->line;
    struct pool_task *next = less_urgent(line, task);

    if (TAILQ_EMPTY(&line->tasks))
        TAILQ_INSERT_TAIL(&p->ring, line, link);
    if (next) {
        TAILQ_INSERT_BEFORE(next, task, link);
        task->since_ns = next->since_ns < task->since_ns ? next->since_ns : task->since_ns;
    } else {
        TAILQ_INSERT_TAIL(&line->tasks, task, link);
    }
    task->waits = true;
}

void pool_step_out(struct pool *p, struct pool_task *task)
{
    struct pool_line *line = task->line;

    TAILQ_REMOVE(&line->tasks, task, link);
    task->waits = false;
    if (TAILQ_EMPTY(&line->tasks))
        TAILQ_REMOVE(&p->ring, line, link);
}

struct pool_piece *pool_take(struct pool *p, struct pool_turn *turn, struct pool_task *task)
{
    struct pool_piece *piece = &turn->pieces[turn->count++];

    *piece = (struct pool_piece){.task = task};
    if (!task->begun)
        task->taken_ns = clock_ns();
    task->begun = true;
    task->pieces++;
    pool_step_out(p, task);
    return piece;
}

/* Nothing more of it is done. It is over, and on the list, unless a worker has a piece. */
static void task_end(struct pool *p, struct pool_task *task, enum task_end end,
                     struct pool_tasks *over)
{
    if (task->end == TASK_OPEN) {
        task->end = end;
        task->line->kind->drop(p, task);
    }
    if (task->waits)
        pool_step_out(p, task);
    if (task->pieces == 0)
        TAILQ_INSERT_TAIL(over, task, link);
}

/* Without the lock: a task that has been woken may be gone, and its line with it. */
static void wake(struct pool_tasks *over)
{
    uint64_t now = clock_ns();
    struct pool_task *task, *next;

    for (task = TAILQ_FIRST(over); task; task = next) {
        next = TAILQ_NEXT(task, link);
        task->ended_ns = now;
        if (!task->begun) /* it has waited to its end */
            task->taken_ns = now;
        task->wake(task->context);
    }
}

/* ---- a worker ------------------------------------------------------------------------------- */

/* The next line that may be served, or NULL and when there will be one (UINT64_MAX: unknown). */
static struct pool_line *line_next(struct pool *p, uint64_t *until_ns)
{
    struct pool_line *line;
    uint64_t now = 0, ready;

    *until_ns = UINT64_MAX;
    for (line = TAILQ_FIRST(&p->ring); line; line = TAILQ_NEXT(line, link)) {
        ready = line->kind->ready_ns ? line->kind->ready_ns(line) : 0;
        if (ready > 0 && now == 0)
            now = clock_ns();
        if (ready <= now)
            return line;
        *until_ns = ready < *until_ns ? ready : *until_ns;
    }
    return NULL;
}

static void unbusy(struct pool *p)
{
    if (--p->busy == 0)
        pthread_cond_broadcast(&p->quiet);
}

/* Leaves out pieces of requests that nobody waits for any more. Their tasks cannot be woken until
 * they are settled, so asking is safe. */
static void run(struct pool_line *line, struct pool_turn *turn)
{
    struct pool_piece *end = turn->pieces + turn->count;
    uint64_t now = clock_ns();

    for (struct pool_piece *piece = turn->pieces; piece < end; piece++) {
        const struct pool_task *task = piece->task;

        if (now >= task->deadline_ns)
            piece->end = TASK_DEADLINE;
        else if (task->is_here && !task->is_here(task->context))
            piece->end = TASK_GONE;
    }
    if (line->kind->run(line, turn))
        return;
    for (struct pool_piece *piece = turn->pieces; piece < end; piece++)
        piece->end = piece->end == TASK_OPEN ? TASK_NO_MEMORY : piece->end;
}

static void settle(struct pool *p, const struct pool_turn *turn, struct pool_tasks *over)
{
    for (size_t i = 0; i < turn->count; i++) {
        const struct pool_piece *piece = &turn->pieces[i];
        struct pool_task *task = piece->task;

        task->pieces--;
        if (task->line->kind->settle)
            task->line->kind->settle(piece);
        if (piece->end != TASK_OPEN || task->end != TASK_OPEN || (piece->more && p->closed))
            task_end(p, task, piece->end != TASK_OPEN ? piece->end : TASK_CUT, over);
        else if (piece->more)
            pool_line_up(p, task);
        else if (task->pieces == 0 && task->line->kind->is_complete(task))
            task_end(p, task, TASK_DONE, over);
    }
}

/* With the lock, which it lets go in between. */
static void serve(struct pool *p, struct pool_line *line, struct pool_turn *turn)
{
    struct pool_tasks over = TAILQ_HEAD_INITIALIZER(over);

    turn->count = 0;
    line->kind->take(p, line, turn);
    if (!TAILQ_EMPTY(&line->tasks)) { /* other lines have a turn now */
        TAILQ_REMOVE(&p->ring, line, link);
        TAILQ_INSERT_TAIL(&p->ring, line, link);
    }
    p->busy++;
    if (p->idle > 0 && !TAILQ_EMPTY(&p->ring))
        pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);
    run(line, turn);
    pthread_mutex_lock(&p->lock);
    settle(p, turn, &over);
    pthread_mutex_unlock(&p->lock);
    wake(&over);
    pthread_mutex_lock(&p->lock);
    unbusy(p);
}

static void await(struct pool *p, uint64_t until_ns)
{
    struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
                             .tv_nsec = (long)(until_ns % 1000000000)};

    p->idle++;
    if (until_ns == UINT64_MAX)
        pthread_cond_wait(&p->work, &p->lock);
    else
        pthread_cond_timedwait(&p->work, &p->lock, &until);
    p->idle--;
}

static void *work(void *context)
{
    struct pool_worker *w = context;
    struct pool *p = w->pool;
    uint64_t until_ns;

    pthread_mutex_lock(&p->lock);
    while (!p->stopping) {
        struct pool_line *line = line_next(p, &until_ns);

        if (line)
            serve(p, line, &w->turn);
        else
            await(p, until_ns);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static int conditions_init(struct pool *p)
{
    pthread_condattr_t monotonic;

    if (pthread_condattr_init(&monotonic) != 0)
        return -1;
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, &monotonic);
    pthread_cond_init(&p->quiet, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return 0;
}

struct pool *pool_start(unsigned threads, uint64_t inline_us_max, uint64_t elements_max)
{
    struct pool *p = calloc(1, sizeof *p + threads * sizeof *p->workers);

    if (!p || conditions_init(p) != 0) {
        free(p);
        return NULL;
    }
    TAILQ_INIT(&p->ring);
    TAILQ_INIT(&p->long_work.tasks);
    p->elements_max = elements_max;
    p->inline_s_max = (double)inline_us_max * 1e-6;
    for (; p->workers_count < threads; p->workers_count++) {
        struct pool_worker *w = &p->workers[p->workers_count];
        w->pool = p;
        if (pthread_create(&w->thread, NULL, work, w) != 0) {
            pool_stop(p);
            return NULL;
        }
    }
    log_event(LOG_INFO, "workers", LOG_U("threads", threads),
              LOG_U("inline_us_max", inline_us_max));
    return p;
}

void pool_stop(struct pool *p)
{
    if (!p)
        return;
    pool_close(p);
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->workers_count; i++)
        pthread_join(p->workers[i].thread, NULL);
    pthread_cond_destroy(&p->quiet);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* ---- for others ----------------------------------------------------------------------------- */

void pool_submit(struct pool *p, struct pool_task *task, const struct pool_kind *kind)
{
    struct pool_tasks over = TAILQ_HEAD_INITIALIZER(over);

    task->end = TASK_OPEN;
    task->pieces = 0;
    task->begun = false;
    task->submitted_ns = task->taken_ns = task->since_ns = clock_ns();
    pthread_mutex_lock(&p->lock);
    if (task->line->kind != kind) /* the line's first task: workers read this without the lock */
        task->line->kind = kind;
    if (kind->join)
        kind->join(task);
    pool_line_up(p, task);
    if (p->closed)
        task_end(p, task, TASK_CUT, &over);
    else if (p->idle > 0)
        pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);
    wake(&over);
}

/* Under the lock. */
static uint64_t end_late(struct pool *p, uint64_t now_ns, enum task_end why,
                         struct pool_tasks *over)
{
    struct pool_line *line, *next_line;
    struct pool_task *task, *next;
    uint64_t earliest = UINT64_MAX;

    for (line = TAILQ_FIRST(&p->ring); line; line = next_line) {
        next_line = TAILQ_NEXT(line, link);
        for (task = TAILQ_FIRST(&line->tasks); task; task = next) {
            next = TAILQ_NEXT(task, link);
            if (task->deadline_ns <= now_ns)
                task_end(p, task, why, over);
            else if (task->deadline_ns < earliest)
                earliest = task->deadline_ns;
        }
    }
    return earliest;
}

uint64_t pool_look(struct pool *p, uint64_t now_ns)
{
    struct pool_tasks over = TAILQ_HEAD_INITIALIZER(over);
    uint64_t earliest;

    if (!p)
        return UINT64_MAX;
    pthread_mutex_lock(&p->lock);
    earliest = end_late(p, now_ns, TASK_DEADLINE, &over);
    p->busy++;
    pthread_mutex_unlock(&p->lock);
    wake(&over);
    pthread_mutex_lock(&p->lock);
    unbusy(p);
    pthread_mutex_unlock(&p->lock);
    return earliest;
}

void pool_close(struct pool *p)
{
    struct pool_tasks over = TAILQ_HEAD_INITIALIZER(over);

    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->closed = true;
    end_late(p, UINT64_MAX, TASK_CUT, &over);
    pthread_mutex_unlock(&p->lock);
    wake(&over);
    pthread_mutex_lock(&p->lock);
    while (p->busy > 0)
        pthread_cond_wait(&p->quiet, &p->lock);
    pthread_mutex_unlock(&p->lock);
}
