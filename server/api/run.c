/* run.c - a call from its complete body to its end: the phases of a POST, here or after a worker.
 *
 * Knows no resource. Invariants: the phases come in order; between submit and wake nobody touches
 * the call but the worker; what is held is released once. */
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include "api/call.h"
#include "metrics/metrics.h"
#include "model/model.h"

_Static_assert(sizeof((struct api_account *)0)->model == sizeof((struct model *)0)->name,
               "an account holds any model's name");

static void account(struct api_call *call)
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
    account(call);
    if (call->post) {
        call->post->fini(call, answered);
        call_body_fini(call);
    }
    call->at = CALL_OVER;
}

/* The reply is what was written, or the refusal. */
static void conclude(struct api_call *call, enum error_id id)
{
    if (id == ERROR_OK && call->reply->body.failed)
        id = call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
    if (id != ERROR_OK)
        api_refuse(call->reply, id, call->error.detail);
    else if (call->post)
        call_write_timing(call);
    close_call(call, true);
}

/* ---- the phases of a POST ------------------------------------------------------------------- */

static enum error_id fail_deadline(struct api_call *call)
{
    return call_fail(call, ERROR_DEADLINE_EXCEEDED,
                     "the request's deadline of %g s has passed (request_timeout)",
                     call->api->options->request_timeout);
}

static uint64_t deadline_ns(const struct api_call *call)
{
    return call->received_ns + (uint64_t)(call->api->options->request_timeout * 1e9);
}

/* Strings of a body are as long as clients like: nobody needs them after they were read. */
static void drop_json(struct api_call *call)
{
    json_decref(call->envelope.json);
    call->envelope.json = NULL;
}

/* The next phase, or its next piece. */
static enum error_id step(struct api_call *call)
{
    enum error_id id;

    if (call->mark_ns > deadline_ns(call))
        return fail_deadline(call);
    call->again = false;
    id = call->post->phases[call->phase](call);
    call_mark(call, &call->spent_ns[call->phase]);
    if (id != ERROR_OK || call->again || call->queued)
        return id;
    if (call->phase++ == CALL_READ)
        drop_json(call);
    return ERROR_OK;
}

/* By this thread, up to the reply or to where a worker has to go on. */
static void go_on(struct api_call *call)
{
    enum error_id id = ERROR_OK;

    while (id == ERROR_OK && call->phase < CALL_PHASES && !call->queued)
        id = step(call);
    if (call->queued)
        call->at = CALL_WAITING;
    else
        conclude(call, id);
}

bool api_run(struct api_call *call, uint64_t received_ns)
{
    call->reply->http_status = 200;
    call->reply->content_type = "application/json";
    call->received_ns = received_ns;
    call->at = CALL_RUNNING;
    if (!call->post) {
        conclude(call, call->handler(call));
        return false;
    }
    call->mark_ns = call_parse_since(call);
    go_on(call);
    return call->at == CALL_WAITING;
}

/* ---- by a worker ---------------------------------------------------------------------------- */

void api_submit(struct api_call *call, const struct api_waiter *waiter)
{
    call->submitted = true;
    call->job.deadline_ns = deadline_ns(call);
    call->job.wake = waiter->wake;
    call->job.is_here = waiter->is_here;
    call->job.context = waiter->context;
    batcher_submit(call->api->batcher, &call->job);
}

/* The job's times are the call's. The time between the work's end and this thread's turn was spent
 * in waiting, too. */
static void account_job(struct api_call *call)
{
    const struct batch_job *job = &call->job;

    call_mark(call, &call->queue_ns);
    call->queue_ns -= job->ended_ns - job->taken_ns;
    call->spent_ns[CALL_COMPUTE] += job->ended_ns - job->taken_ns;
}

bool api_resume(struct api_call *call)
{
    enum batch_end end = call->job.end;

    account_job(call);
    call->queued = false;
    call->at = CALL_RUNNING;
    call->phase = CALL_WRITE;
    if (end == BATCH_DONE)
        go_on(call);
    else if (end == BATCH_DEADLINE)
        conclude(call, fail_deadline(call));
    else if (end == BATCH_NO_MEMORY)
        conclude(call, call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory"));
    else
        close_call(call, false);
    return end != BATCH_GONE && end != BATCH_CUT;
}

void api_end(struct api_call *call)
{
    if (!call)
        return;
    if (call->at == CALL_WAITING && !call->submitted)
        batcher_give_back(call->api->batcher, call->job.model, call->job.rows);
    if (call->at != CALL_OVER)
        close_call(call, false);
    model_unref(call->model);
    free(call);
}

/* ---- for callers that have nothing else to do ----------------------------------------------- */

static void post(void *semaphore)
{
    sem_post(semaphore);
}

static bool wait_and_resume(struct api_call *call)
{
    sem_t woken;

    sem_init(&woken, 0, 0);
    api_submit(call, &(struct api_waiter){.wake = post, .context = &woken});
    while (sem_wait(&woken) != 0)
        continue;
    sem_destroy(&woken);
    return api_resume(call);
}

void api_handle(const struct api *api, const struct api_request *request, struct api_reply *reply)
{
    struct api_call *call = api_admit(api, request, request->body_bytes, reply);

    if (!call)
        return;
    api_feed(call, request->body, request->body_bytes);
    if (api_run(call, request->received_ns) && !wait_and_resume(call))
        api_refuse(reply, ERROR_DRAINING, "");
    api_end(call);
}
