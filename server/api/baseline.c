/* baseline.c - POST /v1/models/{model}:baseline: from now on drift is measured against the rows
 * that a window of the counters has seen.
 *
 * No row is kept: the counters that exist are the baseline. A baseline that cannot be written is
 * not put in force either, for a request that fails changes nothing. */
#include "neurons/baseline.h"
#include <inttypes.h>
#include <stdio.h>
#include "api/lookup.h"
#include "base/clock.h"
#include "base/log.h"
#include "model/digest.h"
#include "neurons/drift.h"
#include "neurons/neurons.h"

struct state {
    enum axon_window window;
    bool persist, started;
    struct digest digest;
    struct baseline *made;
    struct baseline_writer writer;
};
_Static_assert(sizeof(struct state) <= CALL_STATE_MAX, "a call's state");

static struct state *state_of(const struct api_call *call)
{
    return (struct state *)(uintptr_t)call->state;
}

static enum error_id admit(struct api_call *call)
{
    if (lookup_model(call) != ERROR_OK)
        return call->error.id;
    return call->model->neurons ? ERROR_OK
                                : call_fail(call, ERROR_BAD_FIELD,
                                            "the neurons of model '%s' are not counted "
                                            "(neuron_stats)",
                                            call->model->name);
}

static enum error_id read_request(struct api_call *call)
{
    char sliding[32];
    const char *windows[AXON_WINDOW_COUNT] = {
        [AXON_WINDOW_LOAD] = "load", [AXON_WINDOW_SLIDING] = sliding};
    struct values {
        enum axon_window window;
        bool persist;
    } values = {AXON_WINDOW_LOAD, false};
    const struct object_key keys[] = {
        KEY_CHOICE("window", struct values, window, windows, AXON_WINDOW_COUNT),
        KEY("persist", BOOLEAN, struct values, persist), KEY_END};
    struct state *s = state_of(call);

    snprintf(sliding, sizeof sliding, "%gs", call->api->options->neuron_window);
    if (call_read_object(call, keys, &values) != ERROR_OK)
        return call->error.id;
    s->window = values.window;
    s->persist = values.persist;
    return ERROR_OK;
}

/* Is there evidence? */
static enum error_id check(struct api_call *call, const struct axon_neurons *n, double now_s)
{
    const struct state *s = state_of(call);
    uint64_t rows = axon_neurons_rows(n, s->window, now_s);
    uint64_t least = call->api->options->neuron_rows_min;

    if (rows < least)
        return call_fail(call, ERROR_NO_EVIDENCE,
                         "the window has %" PRIu64 " rows, a baseline needs at least %" PRIu64
                         " (neuron_rows_min)",
                         rows, least);
    if (!axon_neurons_verdict(n, s->window, now_s))
        return call_fail(call, ERROR_NO_EVIDENCE,
                         "the window's %" PRIu64 " rows are all equal, which proves nothing", rows);
    return ERROR_OK;
}

static enum error_id take(struct api_call *call)
{
    struct model *m = call->model;
    struct state *s = state_of(call);
    struct axon_neurons *n = neurons_merge(m->neurons);
    struct predictions *answers = neurons_predictions(m->neurons);
    struct baseline *before = neurons_baseline(m->neurons);
    double now_s = clock_s();

    if (!n || !answers)
        call_fail(call, ERROR_OUT_OF_MEMORY, "no memory for the counters");
    else if (check(call, n, now_s) == ERROR_OK &&
             !(s->made = drift_baseline(&m->baseline, n, answers, s->window, now_s, before)))
        call_fail(call, ERROR_OUT_OF_MEMORY, "no memory for a baseline");
    axon_neurons_destroy(n);
    predictions_destroy(answers);
    baseline_unref(before);
    return call->error.id;
}

/* The digest of the weights, which takes longest, a piece at a time; then the counters. */
static enum error_id compute(struct api_call *call)
{
    struct state *s = state_of(call);

    if (!s->started)
        digest_start(&s->digest);
    s->started = true;
    call->again = digest_advance(&s->digest, call->model);
    return call->again ? ERROR_OK : take(call);
}

/* A piece of the text, or at its end the file. */
static enum error_id write_reply(struct api_call *call)
{
    enum { PIECE_NUMBERS = 1 << 13 }; /* 4 ms */
    struct state *s = state_of(call);
    struct buf *out = &call->reply->body;

    if (!s->writer.out)
        baseline_writer_init(&s->writer, s->made, out);
    call->again = !s->writer.done;
    if (call->again) {
        baseline_writer_go_on(&s->writer, PIECE_NUMBERS);
        return ERROR_OK;
    }
    if (out->failed)
        return call_no_memory(call);
    if (model_baseline_put(call->model, s->made, s->persist ? call->api->options : NULL, out,
                           &call->error) != ERROR_OK) {
        buf_fini(out);
        return call->error.id;
    }
    log_event(LOG_INFO, "baseline_taken", LOG_S("model", call->model->name),
              LOG_U("version", call->model->version), LOG_U("rows", s->made->rows),
              LOG_S("persisted", s->persist ? "true" : "false"));
    return ERROR_OK;
}

static void fini(struct api_call *call, bool answered)
{
    (void)answered;
    baseline_unref(state_of(call)->made);
}

/* Text of about 20 bytes a number, and each number of a unit is a sum over threads: the counts are
 * merged first. */
static size_t numbers(const struct api_call *call)
{
    const struct axon_mlp *mlp = call->model->mlp;
    size_t count = 4 * axon_mlp_features(mlp) + call->model->answers.classes;

    for (size_t l = 0; l < axon_mlp_layers_count(mlp); l++)
        count += 3 * axon_mlp_layer_units(mlp, l);
    return count;
}

static struct call_needs needs(const struct api_call *call)
{
    enum { NUMBER_BYTES = 26, FRAME_BYTES = 4096 };

    return (struct call_needs){.state = axon_neurons_bytes(call->model->mlp) +
                                        numbers(call) * sizeof(double),
                               .reply = numbers(call) * NUMBER_BYTES + FRAME_BYTES};
}

/* A double as text takes longer than a float32, and every weight goes through the digest. */
static size_t elements(const struct api_call *call)
{
    static const double NUMBER_S = 0.5e-6, WEIGHT_S = 15e-9;

    return work_elements(NUMBER_S * (double)numbers(call) +
                         WEIGHT_S * (double)axon_mlp_parameters_count(call->model->mlp));
}

static const char *const tensors[] = {NULL};

const struct call_post models_baseline[1] = {
    {.tensors = tensors,
     .state_bytes = sizeof(struct state),
     .admit = admit,
     .phases = {[CALL_READ] = read_request, [CALL_COMPUTE] = compute, [CALL_WRITE] = write_reply},
     .fini = fini,
     .needs = needs,
     .elements = elements,
     .body_optional = true},
};
