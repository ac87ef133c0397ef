/* batch.c - the line of a model's version: who is computed together, and in which pieces.
 *
 * Invariants: a line's rows are the sum of the rows that no worker has taken yet, those that are
 * promised (batch_reserve()) included, and rows_in_line the same with one piece of each job at
 * most.
 */
#include "infer/batch.h"
#include "infer/private.h"
#include "metrics/metrics.h"

/* A product of fewer rows than this waits for its weights, not for arithmetic: two workers would
 * take as long for half of it each. */
enum { SHARE_ROWS_MIN = 32 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static struct batch_job *job_of(struct pool_task *task)
{
    return (struct batch_job *)task;
}

/* The rest of a request counts as one piece: other requests wait for no more than that. */
static size_t in_line(const struct model *m, size_t left)
{
    return least(left, m->cost.piece_rows);
}

/* A request had `before` rows left to be taken, and now has `after`. */
static void rows_change(struct model *m, size_t before, size_t after)
{
    m->line->rows += after - before;
    m->line->rows_in_line += in_line(m, after) - in_line(m, before);
    metrics_model_add(m->metrics, METRIC_queue_rows, 0, (uint64_t)after - before);
}

/* The rows of the jobs that stand in the line. */
static size_t rows_there(const struct model_line *line)
{
    return line->rows - line->rows_promised;
}

/* At once, unless the model asks to wait for company. */
static uint64_t ready_ns(const struct pool_line *pool_line)
{
    const struct model_line *line = (const struct model_line *)pool_line;
    const struct pool_task *first = TAILQ_FIRST(&pool_line->tasks);

    if (line->delay_ns == 0 || rows_there(line) >= line->rows_max || first->begun)
        return 0;
    return first->since_ns + line->delay_ns;
}

/* So many of the rows that wait are one worker's part while others are idle. */
static size_t share_of(const struct pool *p, const struct model_line *line)
{
    size_t share = rows_there(line) / (p->idle + 1) + 1;

    return share > SHARE_ROWS_MIN ? share : SHARE_ROWS_MIN;
}

static void take_rows(struct pool *p, struct pool_turn *turn, struct batch_job *job, size_t rows)
{
    struct pool_piece *piece = pool_take(p, turn, &job->task);
    size_t left = job->rows - job->taken;

    piece->first = job->taken;
    piece->rows = rows;
    rows_change(job->model, left, left - rows);
    job->taken += rows;
}

/* First come, first served, a piece of each job: the rest of a long one goes to the line's end, or
 * to the end of those that are as urgent. */
static void take(struct pool *p, struct pool_line *pool_line, struct pool_turn *turn)
{
    struct pool_tasks rest = TAILQ_HEAD_INITIALIZER(rest);
    struct model_line *line = (struct model_line *)pool_line;
    struct pool_task *task = TAILQ_FIRST(&pool_line->tasks);
    size_t share = share_of(p, line), rows_all = 0;
    size_t piece_max = least(share, job_of(task)->model->cost.piece_rows);

    while ((task = TAILQ_FIRST(&pool_line->tasks)) != NULL && turn->count < PIECES_MAX) {
        struct batch_job *job = job_of(task);
        size_t left = job->rows - job->taken, rows = least(left, piece_max);

        if (turn->count > 0 && rows_all + rows > least(share, line->rows_max))
            break;
        take_rows(p, turn, job, rows);
        rows_all += rows;
        if (rows < left)
            TAILQ_INSERT_TAIL(&rest, task, link);
    }
    while ((task = TAILQ_FIRST(&rest)) != NULL) {
        TAILQ_REMOVE(&rest, task, link);
        pool_line_up(p, task);
    }
}

static struct model_rows rows_of(const struct pool_piece *piece)
{
    const struct batch_job *job = job_of(piece->task);
    const struct axon_mlp *mlp = job->model->mlp;

    return (struct model_rows){.x = job->x + piece->first * axon_mlp_features(mlp),
                               .y = job->y + piece->first * axon_mlp_outputs(mlp),
                               .rows = piece->rows,
                               .capture = job->capture,
                               .first = piece->first,
                               .tally = piece->tally};
}

/* Several workers may have a piece of one job: each counts for itself. */
static bool tally_init(struct pool_piece *piece)
{
    const struct batch_job *job = job_of(piece->task);

    piece->tally = job->tally;
    if (!piece->tally || piece->rows == job->rows)
        return true;
    piece->tally = model_tally_create(job->model);
    return piece->tally != NULL;
}

static void settle(const struct pool_piece *piece)
{
    const struct batch_job *job = job_of(piece->task);

    if (!piece->tally || piece->tally == job->tally)
        return;
    model_tally_add(job->model, job->tally, piece->tally);
    model_tally_destroy(piece->tally);
}

static bool run(struct pool_line *line, struct pool_turn *turn)
{
    struct model *model = job_of(turn->pieces[0].task)->model;
    size_t count = 0;

    (void)line;
    for (size_t i = 0; i < turn->count; i++) {
        struct pool_piece *piece = &turn->pieces[i];

        if (piece->end == TASK_OPEN && !tally_init(piece))
            piece->end = TASK_NO_MEMORY;
        if (piece->end == TASK_OPEN)
            turn->parts[count++] = rows_of(piece);
    }
    return count == 0 || model_run(model, turn->parts, count) == 0;
}

static bool is_complete(const struct pool_task *task)
{
    const struct batch_job *job = (const struct batch_job *)task;

    return job->taken == job->rows;
}

static void drop(struct pool *p, struct pool_task *task)
{
    struct batch_job *job = job_of(task);

    (void)p;
    if (job->taken < job->rows)
        rows_change(job->model, job->rows - job->taken, 0);
    job->taken = job->rows;
}

static void join(struct pool_task *task)
{
    const struct batch_job *job = job_of(task);

    job->model->line->rows_promised -= job->rows;
}

static const struct pool_kind batch_kind = {.join = join,
                                            .ready_ns = ready_ns,
                                            .take = take,
                                            .run = run,
                                            .settle = settle,
                                            .is_complete = is_complete,
                                            .drop = drop};

/* ---- for others ----------------------------------------------------------------------------- */

/* Who sets queue_delay_us wants batches, and only the line makes them. */
static bool is_inline(const struct pool *p, const struct model *m, size_t rows)
{
    return m->line->delay_ns == 0 && cost_s(&m->cost, rows) <= p->inline_s_max;
}

enum task_place batch_reserve(struct pool *p, struct model *m, size_t rows)
{
    struct model_line *line = m->line;
    bool full;

    if (!p || is_inline(p, m, rows))
        return TASK_HERE;
    pthread_mutex_lock(&p->lock);
    full = line->rows > 0 && line->rows_in_line + in_line(m, rows) > line->queue_rows_max;
    if (!full) {
        rows_change(m, 0, rows);
        line->rows_promised += rows;
    }
    pthread_mutex_unlock(&p->lock);
    return full ? TASK_FULL : TASK_QUEUED;
}

void batch_give_back(struct pool *p, struct model *m, size_t rows)
{
    pthread_mutex_lock(&p->lock);
    rows_change(m, rows, 0);
    m->line->rows_promised -= rows;
    pthread_mutex_unlock(&p->lock);
}

void batch_submit(struct pool *p, struct batch_job *job)
{
    job->taken = 0;
    job->task.line = &job->model->line->line;
    pool_submit(p, &job->task, &batch_kind);
}
