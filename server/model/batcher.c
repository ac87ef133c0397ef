/* batcher.c - the queues, the workers, and who is woken when.
 *
 * One lock guards all queues and the lower part of every job; networks run, and clients are woken,
 * outside of it. Invariants: a job is woken once, when it stands in no queue and no worker has a
 * piece of it; a queue is in the ring exactly while jobs stand in it; queue->rows is the sum of the
 * rows that no worker has taken yet, those that are promised (batcher_place()) included, and
 * rows_in_line the same with one piece of each job at most. */
#include "model/batcher.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "clock.h"
#include "log.h"
#include "model/private.h"

/* A product of fewer rows than SHARE_ROWS_MIN waits for its weights, not for arithmetic: two
 * workers would take as long for half of it each. */
enum { PIECES_MAX = 1024, SHARE_ROWS_MIN = 32 };

TAILQ_HEAD(ring, batch_queue);

/* What a worker computes in one go. */
struct piece {
    struct batch_job *job;
    size_t first, rows;
    struct model_tally *tally; /* the job's, or its own while others work on the job */
    enum batch_end end; /* BATCH_OPEN unless there is no point in computing it, or it failed */
};
struct batch {
    struct model *model;
    size_t count, rows;
    struct piece pieces[PIECES_MAX];
    struct model_rows parts[PIECES_MAX];
};

struct worker {
    struct batcher *batcher;
    pthread_t thread;
    struct batch batch;
};

struct batcher {
    pthread_mutex_t lock;
    pthread_cond_t work, quiet; /* there is something to take; nobody is busy any more */
    struct ring ring;           /* queues with jobs; the first is served next          */
    unsigned idle;              /* workers that wait                                   */
    unsigned busy;              /* threads with jobs that they have yet to wake        */
    bool stopping, closed;
    double inline_s_max;
    unsigned workers_count;
    struct worker workers[];
};

static struct batch_queue *queue_of(const struct model *m)
{
    struct model_private *p = m->private;

    return &p->queue;
}

/* ---- jobs and queues, under the lock -------------------------------------------------------- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What is left of a request counts as what others may have to wait for: one piece. */
static size_t in_line(const struct model *m, size_t left)
{
    return least(left, m->cost.piece_rows);
}

/* Of a request, `before` rows were left to be taken, and now `after` are. */
static void rows_change(const struct model *m, size_t before, size_t after)
{
    struct batch_queue *q = queue_of(m);

    q->rows += after - before;
    q->rows_in_line += in_line(m, after) - in_line(m, before);
    metrics_model_add(m->metrics, METRIC_queue_rows, 0, (uint64_t)after - before);
}

static void job_queue(struct batcher *b, struct batch_job *job)
{
    struct batch_queue *q = queue_of(job->model);

    if (TAILQ_EMPTY(&q->jobs))
        TAILQ_INSERT_TAIL(&b->ring, q, link);
    TAILQ_INSERT_TAIL(&q->jobs, job, link);
    q->jobs_rows += job->rows - job->taken;
    job->queued = true;
}

static void job_unqueue(struct batcher *b, struct batch_job *job)
{
    struct batch_queue *q = queue_of(job->model);

    TAILQ_REMOVE(&q->jobs, job, link);
    q->jobs_rows -= job->rows - job->taken;
    job->queued = false;
    if (TAILQ_EMPTY(&q->jobs))
        TAILQ_REMOVE(&b->ring, q, link);
}

/* Nothing more of it is computed. It is over, and on the list, unless a worker has a piece. */
static void job_end(struct batcher *b, struct batch_job *job, enum batch_end end,
                    struct batch_jobs *over)
{
    if (job->end == BATCH_OPEN)
        job->end = end;
    if (job->queued) {
        job_unqueue(b, job);
        rows_change(job->model, job->rows - job->taken, 0);
    }
    if (job->pieces == 0)
        TAILQ_INSERT_TAIL(over, job, link);
}

/* Without the lock: a job that has been woken may be gone, and its model with it. */
static void wake(struct batch_jobs *over)
{
    uint64_t now = clock_ns();
    struct batch_job *job, *next;

    for (job = TAILQ_FIRST(over); job; job = next) {
        next = TAILQ_NEXT(job, link);
        job->ended_ns = now;
        if (job->taken == 0) /* it has waited to its end */
            job->taken_ns = now;
        job->wake(job->context);
    }
}

/* ---- what a worker takes -------------------------------------------------------------------- */

/* From when on the queue may be served: at once, unless its model asks to wait for company. */
static uint64_t ready_ns(const struct batch_queue *q)
{
    const struct batch_job *first = TAILQ_FIRST(&q->jobs);

    if (q->delay_ns == 0 || q->jobs_rows >= q->rows_max || first->taken > 0)
        return 0;
    return first->submitted_ns + q->delay_ns;
}

/* The next queue that may be served, or NULL and when there will be one (UINT64_MAX: unknown). */
static struct batch_queue *queue_next(struct batcher *b, uint64_t *until_ns)
{
    struct batch_queue *q;
    uint64_t now = 0, ready;

    *until_ns = UINT64_MAX;
    for (q = TAILQ_FIRST(&b->ring); q; q = TAILQ_NEXT(q, link)) {
        ready = ready_ns(q);
        if (ready > 0 && now == 0)
            now = clock_ns();
        if (ready <= now)
            return q;
        *until_ns = ready < *until_ns ? ready : *until_ns;
    }
    return NULL;
}

/* So many of the rows that wait are one worker's part while others are idle. */
static size_t share_of(const struct batcher *b, const struct batch_queue *q)
{
    size_t share = q->jobs_rows / (b->idle + 1) + 1;

    return share > SHARE_ROWS_MIN ? share : SHARE_ROWS_MIN;
}

static void piece_take(struct batcher *b, struct batch *batch, struct batch_job *job, size_t rows)
{
    batch->pieces[batch->count++] = (struct piece){.job = job, .first = job->taken, .rows = rows};
    batch->rows += rows;
    if (job->taken == 0)
        job->taken_ns = clock_ns();
    rows_change(job->model, job->rows - job->taken, job->rows - job->taken - rows);
    job_unqueue(b, job);
    job->taken += rows;
    job->pieces++;
}

/* Fill the batch from the queue, first come, first served, a piece of each job: what is left of a
 * long one goes behind the others, and the queue behind the other models'. */
static void take(struct batcher *b, struct batch_queue *q, struct batch *batch)
{
    struct batch_jobs rest = TAILQ_HEAD_INITIALIZER(rest);
    struct batch_job *job = TAILQ_FIRST(&q->jobs);
    size_t share = share_of(b, q), piece_max = least(share, job->model->cost.piece_rows);

    batch->model = job->model;
    batch->count = batch->rows = 0;
    while ((job = TAILQ_FIRST(&q->jobs)) != NULL && batch->count < PIECES_MAX) {
        size_t left = job->rows - job->taken, rows = least(left, piece_max);

        if (batch->count > 0 && batch->rows + rows > least(share, q->rows_max))
            break;
        piece_take(b, batch, job, rows);
        if (rows < left)
            TAILQ_INSERT_TAIL(&rest, job, link);
    }
    if (!TAILQ_EMPTY(&q->jobs)) {
        TAILQ_REMOVE(&b->ring, q, link);
        TAILQ_INSERT_TAIL(&b->ring, q, link);
    }
    while ((job = TAILQ_FIRST(&rest)) != NULL) {
        TAILQ_REMOVE(&rest, job, link);
        job_queue(b, job);
    }
}

/* ---- a worker ------------------------------------------------------------------------------- */

static void unbusy(struct batcher *b)
{
    if (--b->busy == 0)
        pthread_cond_broadcast(&b->quiet);
}

static struct model_rows rows_of(const struct piece *p)
{
    const struct axon_mlp *mlp = p->job->model->mlp;

    return (struct model_rows){.x = p->job->x + p->first * axon_mlp_features(mlp),
                               .y = p->job->y + p->first * axon_mlp_outputs(mlp),
                               .rows = p->rows,
                               .capture = p->job->capture,
                               .first = p->first,
                               .tally = p->tally};
}

/* Several workers may have a piece of one job: each counts for itself. */
static bool tally_init(struct piece *p)
{
    p->tally = p->job->tally;
    if (!p->tally || p->rows == p->job->rows)
        return true;
    p->tally = model_tally_create(p->job->model);
    return p->tally != NULL;
}

/* Under the lock. */
static void tally_settle(const struct piece *p)
{
    if (!p->tally || p->tally == p->job->tally)
        return;
    model_tally_add(p->job->tally, p->tally);
    model_tally_destroy(p->tally);
}

/* Leaves out pieces of requests that nobody waits for any more. Their jobs cannot be woken until
 * they are settled, so asking is safe. */
static void compute(struct batch *batch)
{
    uint64_t now = clock_ns();
    size_t count = 0;
    bool failed;

    for (struct piece *p = batch->pieces; p < batch->pieces + batch->count; p++) {
        if (now >= p->job->deadline_ns)
            p->end = BATCH_DEADLINE;
        else if (p->job->is_here && !p->job->is_here(p->job->context))
            p->end = BATCH_GONE;
        else if (!tally_init(p))
            p->end = BATCH_NO_MEMORY;
        else
            batch->parts[count++] = rows_of(p);
    }
    failed = count > 0 && model_run(batch->model, batch->parts, count) != 0;
    for (struct piece *p = batch->pieces; failed && p < batch->pieces + batch->count; p++)
        p->end = p->end == BATCH_OPEN ? BATCH_NO_MEMORY : p->end;
}

static void settle(struct batcher *b, const struct batch *batch, struct batch_jobs *over)
{
    for (const struct piece *p = batch->pieces; p < batch->pieces + batch->count; p++) {
        struct batch_job *job = p->job;

        job->pieces--;
        tally_settle(p);
        if (p->end != BATCH_OPEN)
            job_end(b, job, p->end, over);
        else if (job->end != BATCH_OPEN || (job->pieces == 0 && job->taken == job->rows))
            job_end(b, job, BATCH_DONE, over);
    }
}

/* With the lock, which it lets go in between. */
static void serve(struct batcher *b, struct batch_queue *q, struct batch *batch)
{
    struct batch_jobs over = TAILQ_HEAD_INITIALIZER(over);

    take(b, q, batch);
    b->busy++;
    if (b->idle > 0 && !TAILQ_EMPTY(&b->ring))
        pthread_cond_signal(&b->work);
    pthread_mutex_unlock(&b->lock);
    compute(batch);
    pthread_mutex_lock(&b->lock);
    settle(b, batch, &over);
    pthread_mutex_unlock(&b->lock);
    wake(&over);
    pthread_mutex_lock(&b->lock);
    unbusy(b);
}

static void await(struct batcher *b, uint64_t until_ns)
{
    struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
                             .tv_nsec = (long)(until_ns % 1000000000)};

    b->idle++;
    if (until_ns == UINT64_MAX)
        pthread_cond_wait(&b->work, &b->lock);
    else
        pthread_cond_timedwait(&b->work, &b->lock, &until);
    b->idle--;
}

static void *work(void *context)
{
    struct worker *w = context;
    struct batcher *b = w->batcher;
    uint64_t until_ns;

    pthread_mutex_lock(&b->lock);
    while (!b->stopping) {
        struct batch_queue *q = queue_next(b, &until_ns);

        if (q)
            serve(b, q, &w->batch);
        else
            await(b, until_ns);
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

static int conditions_init(struct batcher *b)
{
    pthread_condattr_t monotonic;

    if (pthread_condattr_init(&monotonic) != 0)
        return -1;
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->work, &monotonic);
    pthread_cond_init(&b->quiet, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return 0;
}

struct batcher *batcher_start(unsigned threads, uint64_t inline_us_max)
{
    struct batcher *b = calloc(1, sizeof *b + threads * sizeof *b->workers);

    if (!b || conditions_init(b) != 0) {
        free(b);
        return NULL;
    }
    TAILQ_INIT(&b->ring);
    b->inline_s_max = (double)inline_us_max * 1e-6;
    for (; b->workers_count < threads; b->workers_count++) {
        struct worker *w = &b->workers[b->workers_count];
        w->batcher = b;
        if (pthread_create(&w->thread, NULL, work, w) != 0) {
            batcher_stop(b);
            return NULL;
        }
    }
    log_event(LOG_INFO, "batcher", LOG_U("workers", threads),
              LOG_U("inline_us_max", inline_us_max));
    return b;
}

void batcher_stop(struct batcher *b)
{
    if (!b)
        return;
    pthread_mutex_lock(&b->lock);
    b->stopping = true;
    pthread_cond_broadcast(&b->work);
    pthread_mutex_unlock(&b->lock);
    for (unsigned i = 0; i < b->workers_count; i++)
        pthread_join(b->workers[i].thread, NULL);
    pthread_cond_destroy(&b->quiet);
    pthread_cond_destroy(&b->work);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

/* ---- for others ----------------------------------------------------------------------------- */

/* Who sets queue_delay_us wants batches, and only the queue makes them. */
static bool is_inline(const struct batcher *b, const struct model *m, size_t rows)
{
    return queue_of(m)->delay_ns == 0 && cost_s(&m->cost, rows) <= b->inline_s_max;
}

enum batch_place batcher_place(struct batcher *b, struct model *m, size_t rows)
{
    struct batch_queue *q = queue_of(m);
    bool full;

    if (!b || is_inline(b, m, rows))
        return BATCH_HERE;
    pthread_mutex_lock(&b->lock);
    full = q->rows > 0 && q->rows_in_line + in_line(m, rows) > q->queue_rows_max;
    if (!full)
        rows_change(m, 0, rows);
    pthread_mutex_unlock(&b->lock);
    return full ? BATCH_FULL : BATCH_QUEUED;
}

void batcher_give_back(struct batcher *b, struct model *m, size_t rows)
{
    pthread_mutex_lock(&b->lock);
    rows_change(m, rows, 0);
    pthread_mutex_unlock(&b->lock);
}

void batcher_submit(struct batcher *b, struct batch_job *job)
{
    struct batch_jobs over = TAILQ_HEAD_INITIALIZER(over);

    job->end = BATCH_OPEN;
    job->taken = job->pieces = 0;
    job->submitted_ns = job->taken_ns = clock_ns();
    pthread_mutex_lock(&b->lock);
    job_queue(b, job);
    if (b->closed)
        job_end(b, job, BATCH_CUT, &over);
    else if (b->idle > 0)
        pthread_cond_signal(&b->work);
    pthread_mutex_unlock(&b->lock);
    wake(&over);
}

/* Under the lock. */
static uint64_t end_late(struct batcher *b, uint64_t now_ns, enum batch_end why,
                         struct batch_jobs *over)
{
    struct batch_queue *q, *next_queue;
    struct batch_job *job, *next;
    uint64_t earliest = UINT64_MAX;

    for (q = TAILQ_FIRST(&b->ring); q; q = next_queue) {
        next_queue = TAILQ_NEXT(q, link);
        for (job = TAILQ_FIRST(&q->jobs); job; job = next) {
            next = TAILQ_NEXT(job, link);
            if (job->deadline_ns <= now_ns)
                job_end(b, job, why, over);
            else if (job->deadline_ns < earliest)
                earliest = job->deadline_ns;
        }
    }
    return earliest;
}

uint64_t batcher_look(struct batcher *b, uint64_t now_ns)
{
    struct batch_jobs over = TAILQ_HEAD_INITIALIZER(over);
    uint64_t earliest;

    if (!b)
        return UINT64_MAX;
    pthread_mutex_lock(&b->lock);
    earliest = end_late(b, now_ns, BATCH_DEADLINE, &over);
    b->busy++;
    pthread_mutex_unlock(&b->lock);
    wake(&over);
    pthread_mutex_lock(&b->lock);
    unbusy(b);
    pthread_mutex_unlock(&b->lock);
    return earliest;
}

void batcher_close(struct batcher *b)
{
    struct batch_jobs over = TAILQ_HEAD_INITIALIZER(over);

    if (!b)
        return;
    pthread_mutex_lock(&b->lock);
    b->closed = true;
    end_late(b, UINT64_MAX, BATCH_CUT, &over);
    pthread_mutex_unlock(&b->lock);
    wake(&over);
    pthread_mutex_lock(&b->lock);
    while (b->busy > 0)
        pthread_cond_wait(&b->quiet, &b->lock);
    pthread_mutex_unlock(&b->lock);
}
