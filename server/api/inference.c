/* inference.c - see inference.h. Knows models and tensors, no dialect and no network. */
#include "api/inference.h"
#include <stdlib.h>
#include <string.h>
#include "api/capture.h"
#include "base/clock.h"
#include "metrics/metrics.h"
#include "model/record.h"

_Static_assert(sizeof(struct inference) <= CALL_STATE_MAX, "a call's state");

/* Rows are arrays, or numbers for a model of one feature; none at all are none of either. */
static enum error_id check_shape(struct api_call *call, const struct tensor *x, const char *name)
{
    size_t features = axon_mlp_features(call->model->mlp);
    char shape[SHAPE_TEXT_MAX];

    if ((x->rank == 2 && x->shape[1] == features) ||
        (x->rank == 1 && (features == 1 || x->shape[0] == 0)))
        return ERROR_OK;
    return call_fail(call, ERROR_SHAPE_MISMATCH, "%s: shape %s, the model takes [rows, %zu]%s",
                     name, shape_text(shape, x->rank, x->shape), features,
                     x->rank == 1 && x->shape[0] == features ? "; put the row into an array of rows"
                                                             : "");
}

enum error_id inference_ask(struct api_call *call, const struct tensor *x, const char *name)
{
    struct inference *i = inference_of(call);
    const struct options *options = call->api->options;

    if (check_shape(call, x, name) != ERROR_OK)
        return call->error.id;
    if (x->shape[0] > options->rows_max)
        return call_fail(call, ERROR_LIMIT_EXCEEDED, "%s: %zu rows, at most %llu (rows_max)", name,
                         x->shape[0], (unsigned long long)options->rows_max);
    i->x = x;
    i->rows = call->rows = x->shape[0];
    i->outputs = axon_mlp_outputs(call->model->mlp);
    /* Both factors are bounded by options and by the model's limits: the product fits 64 bits. */
    if (i->rows * i->outputs > options->elements_max)
        return call_fail(call, ERROR_LIMIT_EXCEEDED,
                         "%s: %zu rows of %zu outputs are more than %llu values (elements_max)",
                         name, i->rows, i->outputs, (unsigned long long)options->elements_max);
    return ERROR_OK;
}

enum error_id inference_check_name(struct api_call *call, const struct envelope_field *field)
{
    if (!field->member || strcmp(field->member, call->model->input_name) == 0)
        return ERROR_OK;
    return call_fail(call, ERROR_BAD_FIELD, "%s: the model has no input '%.60s', its input is '%s'",
                     field->path, field->member, call->model->input_name);
}

enum error_id inference_instances(struct api_call *call, const struct envelope_field *field,
                                  const json_t *value)
{
    char found[OBJECT_FOUND_MAX];

    if (!value)
        return call_fail(call, ERROR_BAD_FIELD, "expected \"%s\": an array of rows of numbers",
                         field->path);
    if (!field->present)
        return call_fail(call, ERROR_BAD_FIELD,
                         "%s: expected an array of rows of numbers, found %s", field->path,
                         object_found(value, found));
    return inference_check_name(call, field) == ERROR_OK
               ? inference_ask(call, &field->tensor, field->path)
               : call->error.id;
}

/* ---- the rows ---- */

/* Room for the outputs, and who computes them. */
static enum error_id reserve(struct api_call *call, struct inference *p)
{
    p->y = call_allocate(call, p->rows * p->outputs, sizeof *p->y);
    if (p->y && memory_take(&call->account, model_tally_bytes(call->model)))
        p->tally = model_tally_create(call->model);
    if (!p->tally)
        return call_no_memory(call);
    if (call->waits == CALL_WAITS_FOR_WORK) /* a worker has the call already, and goes on */
        return ERROR_OK;
    switch (batch_reserve(call->api->pool, call->model, p->rows)) {
    case TASK_HERE:
        return ERROR_OK;
    case TASK_QUEUED:
        call->job = (struct batch_job){.model = call->model,
                                       .x = p->x->data,
                                       .y = p->y,
                                       .rows = p->rows,
                                       .capture = p->capture,
                                       .tally = p->tally};
        call->waits = CALL_WAITS_FOR_BATCH;
        return ERROR_OK;
    case TASK_FULL:
        break;
    }
    return call_fail(call, ERROR_QUEUE_FULL,
                     "model '%s': too many rows wait for it to take %zu more (queue_rows_max)",
                     call->model->name, p->rows);
}

enum error_id inference_compute(struct api_call *call)
{
    struct inference *p = inference_of(call);
    size_t left = p->rows - p->computed, piece = call->model->cost.piece_rows;
    struct model_rows rows = {
        .rows = left < piece ? left : piece, .capture = p->capture, .first = p->computed};

    if (p->rows == 0)
        return ERROR_OK;
    if (!p->y && reserve(call, p) != ERROR_OK)
        return call->error.id;
    if (call->waits == CALL_WAITS_FOR_BATCH)
        return ERROR_OK;
    rows.x = p->x->data + p->computed * axon_mlp_features(call->model->mlp);
    rows.y = p->y + p->computed * p->outputs;
    rows.tally = p->tally;
    if (model_run(call->model, &rows, 1) != 0)
        return call_no_memory(call);
    p->computed += rows.rows;
    call->again = p->computed < p->rows;
    return ERROR_OK;
}

/* ---- the way of a request ---- */

static enum metrics_outcome outcome_of(enum error_id id)
{
    unsigned status = error_http_status(id);

    if (id == ERROR_OK)
        return OUTCOME_SUCCESS;
    if (id == ERROR_DEADLINE_EXCEEDED)
        return OUTCOME_DEADLINE;
    if (status == 429 || status == 503)
        return OUTCOME_REJECTED;
    return status < 500 ? OUTCOME_INVALID : OUTCOME_ERROR;
}

static void observe(struct metrics_model *metrics, enum metric metric, uint64_t ns)
{
    metrics_model_observe(metrics, metric, (double)ns * 1e-9);
}

/* Times of the phases that the request came to. */
static void count_times(const struct api_call *call, bool answered)
{
    struct metrics_model *metrics = call->model->metrics;
    uint64_t total = call->queue_ns;

    observe(metrics, METRIC_inference_parse_seconds, call->spent_ns[CALL_READ]);
    if (call->submitted)
        observe(metrics, METRIC_inference_queue_seconds, call->queue_ns);
    if (call->phase >= CALL_COMPUTE && answered)
        observe(metrics, METRIC_inference_compute_seconds, call->spent_ns[CALL_COMPUTE]);
    if (call->phase >= CALL_WRITE && answered)
        observe(metrics, METRIC_inference_write_seconds, call->spent_ns[CALL_WRITE]);
    for (enum call_phase phase = 0; phase < CALL_PHASES; phase++)
        total += call->spent_ns[phase];
    if (answered && call->error.id == ERROR_OK)
        observe(metrics, METRIC_inference_duration_seconds, total);
}

/* Threads that answer at once share a line of the cache, which is written now and then only. */
static void count_answer(struct model *m, uint64_t now_ns)
{
    if (now_ns - atomic_load_explicit(&m->answered_ns, memory_order_relaxed) > 1000000)
        atomic_store_explicit(&m->answered_ns, now_ns, memory_order_relaxed);
}

/* Every request that was read is counted once, under the model that it was meant for; its rows only
 * if they are answered. */
static void count(const struct api_call *call, bool answered)
{
    const struct inference *p = inference_of(call);
    enum metrics_outcome left = call->submitted ? OUTCOME_CANCELLED : OUTCOME_REJECTED;

    metrics_model_add(call->model->metrics, METRIC_inference_requests_total,
                      answered ? outcome_of(call->error.id) : left, 1);
    count_times(call, answered);
    if (!answered || call->error.id != ERROR_OK)
        return;
    count_answer(call->model, call->mark_ns);
    if (!p->tally)
        return;
    model_count(call->model, p->tally);
    if (call->model->record)
        record_add(call->model->record, p->x->data, p->y, p->rows, clock_unix_s());
}

void inference_fini(struct api_call *call, bool answered)
{
    struct inference *i = inference_of(call);

    if (call->at != CALL_ADMITTED)
        count(call, answered);
    model_tally_destroy(i->tally);
    free(i->y);
    capture_destroy(i->capture);
}

size_t inference_state_bytes(const struct api_call *call)
{
    const struct inference *i = inference_of(call);

    return i->rows * i->outputs * sizeof *i->y + model_tally_bytes(call->model);
}

struct call_needs inference_needs(const struct api_call *call, size_t rank, const size_t *shape)
{
    enum { FRAME_BYTES = 64 };
    const struct inference *i = inference_of(call);

    return (struct call_needs){.state = inference_state_bytes(call),
                               .reply = tensor_text_max(rank, shape) +
                                        capture_text_max(i->capture, call->model, i->rows) +
                                        FRAME_BYTES};
}

/* Numbers that the recorder may copy, and that are freed after it: a few of them cost what one
 * costs as text. */
static size_t recorded(const struct api_call *call)
{
    enum { COPIES = 8 };
    const struct inference *i = inference_of(call);

    return call->model->record ? i->rows * axon_mlp_features(call->model->mlp) / COPIES : 0;
}

size_t inference_elements(const struct api_call *call)
{
    const struct inference *i = inference_of(call);

    return call->phase == CALL_WRITE
               ? i->rows * i->outputs + recorded(call) +
                     capture_bytes(i->capture, call->model, i->rows) / sizeof(float)
               : 0;
}
