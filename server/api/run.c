/* run.c - a call from its complete body to its end: the phases of a POST, here or after a worker.
 *
 * Knows no resource. Invariants: the phases come in order; between submit and wake nobody touches
 * the call but the worker; what is held is released once. */
#include <stdlib.h>
#include <string.h>
#include "api/call.h"
#include "metrics/metrics.h"
#include "model/model.h"

_Static_assert(sizeof((struct api_account *)0)->model == sizeof((struct model *)0)->name,
               "an account holds any model's name");

/* The access log's account of the call. */
static void tell(struct api_call *call)
{
    struct api_account *a = &call->reply->account;

    a->parse_ns = call->spent_ns[CALL_READ];
    a->queue_ns = call->queue_ns;
    a->compute_ns = call->spent_ns[CALL_COMPUTE];
    a->write_ns = call->spent_ns[CALL_WRITE];
    a->rows = call->rows;
    if (call->model) {
        memcpy(a->model, call->model->name, sizeof call->model->name);
        a->version = call->model->version;
    }
}

/* The call is over: release what it worked with. */
static void close_call(struct api_call *call, bool answered)
{
    tell(call);
    if (call->post) {
        call->post->fini(call, answered);
        call_body_fini(call);
    }
    call_encode_fini(call);
    call->at = CALL_OVER;
    memory_settle(&call->account, sizeof *call + call->reply->body.cap);
}

/* The reply is what was written, or the refusal; what the call worked with is released. */
static void conclude(struct api_call *call, enum error_id id)
{
    if ((id == ERROR_OK && call->reply->body.failed) ||
        (id == ERROR_OUT_OF_MEMORY && call->account.refused))
        id = call_no_memory(call);
    if (id != ERROR_OK)
        api_refuse(call->reply, id, call->error.detail);
    else if (call->post)
        call_write_timing(call);
    buf_trim(&call->reply->body);
    close_call(call, true);
}

/* ---- the phases of a POST ------------------------------------------------------------------- */

/* Does the client want its answer sooner than the service would give up? */
static bool is_own_timeout(const struct api_call *call)
{
    return call->timeout_ns > 0 &&
           (double)call->timeout_ns < call->api->options->request_timeout * 1e9;
}

static enum error_id fail_deadline(struct api_call *call)
{
    bool own = is_own_timeout(call);

    return call_fail(call, ERROR_DEADLINE_EXCEEDED,
                     "the request's deadline of %g s has passed (%s)",
                     own ? (double)call->timeout_ns * 1e-9 : call->api->options->request_timeout,
                     own ? "timeout" : "request_timeout");
}

static uint64_t deadline_ns(const struct api_call *call)
{
    if (call->post->patient)
        return UINT64_MAX;
    return call->received_ns + (is_own_timeout(call)
                                    ? call->timeout_ns
                                    : (uint64_t)(call->api->options->request_timeout * 1e9));
}

static size_t tensors_bytes(const struct envelope *e)
{
    size_t bytes = 0;

    for (size_t i = 0; i < e->fields_count; i++)
        bytes += e->fields[i].tensor.cap * sizeof(float);
    return bytes;
}

/* The body was read. Nobody needs its bytes, or its strings, which are as long as clients like; and
 * what is to come must find room before any of it is made. */
static enum error_id settle(struct api_call *call)
{
    if (call->body.format->kind == BODY_BYTES)
        buf_fini(&call->body.bytes);
    json_decref(call->envelope.json);
    call->envelope.json = NULL;
    memory_settle(&call->account,
                  sizeof *call + tensors_bytes(&call->envelope) + call->state_holds);
    if (call->post->needs)
        call->needs = call->post->needs(call);
    return memory_reserve(&call->account, call->needs.state + call->needs.reply)
               ? ERROR_OK
               : call_no_memory(call);
}

/* The next phase, or its next piece. */
static enum error_id step(struct api_call *call)
{
    enum error_id id;

    if (call->mark_ns > deadline_ns(call))
        return fail_deadline(call);
    call->again = false;
    if (call->phase == CALL_ENCODE) {
        call_encode(call);
        call_mark(call, &call->spent_ns[CALL_WRITE]);
        call->phase += !call->again;
        return ERROR_OK;
    }
    call->parts_seen = 0;
    if (call->phase == CALL_WRITE)
        buf_expect(&call->reply->body, call->needs.reply);
    id = call->post->phases[call->phase](call);
    call_mark(call, &call->spent_ns[call->phase]);
    if (id != ERROR_OK || call->again || call->waits == CALL_WAITS_FOR_BATCH ||
        call->waits == CALL_WAITS_FOR_LOADER)
        return id;
    if (call->phase++ == CALL_READ)
        return settle(call);
    if (call->phase == CALL_ENCODE && !call_encodes(call))
        call->phase = CALL_DONE;
    return ERROR_OK;
}

/* Numbers that the next phase works on, more or less. To compress is where to write was: who goes
 * on after a batch waits no second time. */
static size_t elements_of(const struct api_call *call)
{
    size_t elements = 0;

    if (call->phase == CALL_ENCODE)
        return call->submitted ? 0 : call_encode_elements(call);
    elements = call->post->elements ? call->post->elements(call) : call_body_elements(call);
    return elements + (call->phase == CALL_WRITE ? call_encode_elements(call) : 0);
}

/* Who goes on with the call: if it is too much for this thread, call->waits is set. Only what has
 * not begun yet can be refused. */
static enum error_id reserve(struct api_call *call)
{
    struct pool *pool = call->api->pool;
    size_t elements = elements_of(call);

    switch (call->phase == CALL_READ && !call->post->always ? work_reserve(pool, elements)
                                                            : work_reserve_next(pool, elements)) {
    case TASK_HERE:
        return ERROR_OK;
    case TASK_QUEUED:
        call->waits = CALL_WAITS_FOR_WORK;
        call->work.elements = elements;
        return ERROR_OK;
    case TASK_FULL:
        break;
    }
    return call_fail(call, ERROR_QUEUE_FULL,
                     "too much waits for workers to take %zu numbers more (work_elements_max)",
                     elements);
}

/* By this thread, up to the reply or to where a worker has to go on. */
static void go_on(struct api_call *call)
{
    enum error_id id = ERROR_OK;

    while (id == ERROR_OK && call->phase < CALL_DONE && !call->waits) {
        id = reserve(call);
        if (id == ERROR_OK && !call->waits)
            id = step(call);
    }
    if (call->waits)
        call->at = CALL_WAITING;
    else
        conclude(call, id);
}

bool api_feed(struct api_call *call, const char *bytes, size_t *size)
{
    if (!call->post || call_body_feed(call, bytes, size))
        return true;
    conclude(call, call->error.id);
    return false;
}

bool api_run(struct api_call *call, uint64_t received_ns)
{
    call->reply->http_status = 200;
    call->reply->headers[REPLY_CONTENT_TYPE] = "application/json";
    call->reply->body.account = &call->account;
    call->received_ns = received_ns;
    call->at = CALL_RUNNING;
    if (!call->post) {
        enum error_id id = call->handler(call);

        if (id == ERROR_OK && !call->post && call_encodes(call)) {
            call_go_on(call, call_encode_reply);
            call->phase = CALL_ENCODE;
        }
        if (id != ERROR_OK || !call->post) {
            conclude(call, id);
            return false;
        }
    }
    call->spent_ns[CALL_READ] = call->body.fed_ns;
    call->mark_ns = received_ns;
    go_on(call);
    return call->at == CALL_WAITING;
}

/* ---- by a worker ---------------------------------------------------------------------------- */

static bool is_here(void *context)
{
    const struct api_waiter *waiter = &((const struct api_call *)context)->waiter;

    return !waiter->is_here || waiter->is_here(waiter->context);
}

/* From here on a client that is woken may have ended the call. */
static void wake(void *context)
{
    const struct api_waiter *waiter = &((const struct api_call *)context)->waiter;

    waiter->wake(waiter->context);
}

static bool work_on(struct work *work)
{
    struct api_call *call = work->task.context;
    enum error_id id;

    call_mark(call, &call->queue_ns);
    id = step(call);
    if (id == ERROR_OK && call->waits == CALL_WAITS_FOR_BATCH)
        return false;
    if (id == ERROR_OK && call->phase < CALL_DONE)
        return true;
    conclude(call, id);
    return false;
}

static void submit_work(struct api_call *call);

/* The job's times are the call's. Time between its end and somebody's turn was spent in waiting. */
static void account_job(struct api_call *call)
{
    const struct pool_task *task = &call->job.task;

    call_mark(call, &call->queue_ns);
    call->queue_ns -= task->ended_ns - task->taken_ns;
    call->spent_ns[CALL_COMPUTE] += task->ended_ns - task->taken_ns;
}

/* The rows were computed: they may be so many that to free them holds up the thread that sends. A
 * recorder still wants them, once the request is answered. */
static void drop_rows(struct api_call *call)
{
    enum { MANY = 1 << 18 };

    for (size_t i = 0; i < call->envelope.fields_count && !call->model->record; i++) {
        struct tensor *t = &call->envelope.fields[i].tensor;

        if (t->cap < MANY)
            continue;
        memory_give(&call->account, t->cap * sizeof *t->data);
        tensor_fini(t);
    }
}

/* The batch is over. A long reply is written by a worker, too, and a short one by the thread that
 * sends it. */
static void batch_over(void *context)
{
    struct api_call *call = context;

    account_job(call);
    drop_rows(call);
    call->phase = CALL_WRITE;
    if (call->job.task.end == TASK_DONE && reserve(call) == ERROR_OK &&
        call->waits == CALL_WAITS_FOR_WORK)
        submit_work(call);
    else
        wake(call);
}

/* The pool's side of a task. */
static void describe(struct api_call *call, struct pool_task *task, void (*over)(void *call))
{
    task->deadline_ns = deadline_ns(call);
    task->priority = call->priority;
    task->wake = over;
    task->is_here = is_here;
    task->context = call;
}

static void submit_batch(struct api_call *call)
{
    describe(call, &call->job.task, batch_over);
    batch_submit(call->api->pool, &call->job);
}

enum error_id call_leave_to_loader(struct api_call *call, void (*run)(void *call))
{
    if (!call->api->loader) {
        run(call);
        return call->error.id;
    }
    call->load.run = run;
    call->waits = CALL_WAITS_FOR_LOADER;
    return ERROR_OK;
}

/* The reply is for the thread that sends it, and so is the refusal. */
static void load_over(void *context)
{
    struct api_call *call = context;

    call->phase = CALL_WRITE;
    wake(call);
}

static void submit_load(struct api_call *call)
{
    call->load.over = load_over;
    call->load.context = call;
    loader_submit(call->api->loader, &call->load);
}

/* A worker has read the body, too, and the rows are a batch's now. */
static void work_over(void *context)
{
    struct api_call *call = context;

    if (call->waits == CALL_WAITS_FOR_BATCH && call->work.task.end == TASK_DONE)
        submit_batch(call);
    else
        wake(call);
}

static void submit_work(struct api_call *call)
{
    describe(call, &call->work.task, work_over);
    call->work.run = work_on;
    work_submit(call->api->pool, &call->work);
}

void api_submit(struct api_call *call, const struct api_waiter *waiter)
{
    call->submitted = true;
    call->waiter = *waiter;
    if (call->waits == CALL_WAITS_FOR_BATCH)
        submit_batch(call);
    else if (call->waits == CALL_WAITS_FOR_WORK)
        submit_work(call);
    else
        submit_load(call);
}

/* How the wait was over. */
static enum task_end end_of(const struct api_call *call)
{
    if (call->waits == CALL_WAITS_FOR_LOADER)
        return call->load.done ? TASK_DONE : TASK_CUT;
    return call->waits == CALL_WAITS_FOR_BATCH ? call->job.task.end : call->work.task.end;
}

bool api_resume(struct api_call *call)
{
    enum task_end end = end_of(call);

    call->waits = CALL_WAITS_FOR_NOTHING;
    if (call->at == CALL_OVER) /* a worker has completed the reply */
        return true;
    call_mark(call, &call->queue_ns);
    call->at = CALL_RUNNING;
    if (end == TASK_DONE)
        go_on(call);
    else if (end == TASK_DEADLINE)
        conclude(call, fail_deadline(call));
    else if (end == TASK_NO_MEMORY)
        conclude(call, call_no_memory(call));
    else
        close_call(call, false);
    return end != TASK_GONE && end != TASK_CUT;
}

/* Room that was reserved and will not be used. */
static void give_back(struct api_call *call)
{
    if (call->waits == CALL_WAITS_FOR_BATCH)
        batch_give_back(call->api->pool, call->job.model, call->job.rows);
    else if (call->waits == CALL_WAITS_FOR_WORK)
        work_give_back(call->api->pool, call->work.elements);
}

void api_end(struct api_call *call)
{
    if (!call)
        return;
    if (call->at == CALL_WAITING && !call->submitted)
        give_back(call);
    if (call->at != CALL_OVER)
        close_call(call, false);
    model_unref(call->model);
    memory_close(&call->account);
    call->reply->body.account = NULL;
    free(call);
}
