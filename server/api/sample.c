/* sample.c - GET /v1/models/{model}/sample.npz: the rows that a model's flight recorder holds, as
 * NumPy's archive of arrays.
 *
 * A worker's, like every long answer: it copies rows and writes them, a piece at a time, while
 * requests go on. */
#include <stdlib.h>
#include "api/lookup.h"
#include "model/model.h"
#include "model/record.h"
#include "tensor/npz.h"

enum { INPUTS, OUTPUTS, UNIX_SECONDS, ARRAYS };

struct sample {
    struct record_copy *copy;
    struct npz_array arrays[ARRAYS];
    struct npz_writer writer;
};
_Static_assert(sizeof(struct sample) <= CALL_STATE_MAX, "a call's state");

static struct sample *sample_of(const struct api_call *call)
{
    return (struct sample *)(uintptr_t)call->state;
}

/* Arrays of so many rows; copy NULL: their sizes alone matter. */
static void describe(const struct api_call *call, size_t rows, const struct record_copy *copy,
                     struct npz_array arrays[static ARRAYS])
{
    const struct record_shape shape = record_shape(call->model->record);

    arrays[INPUTS] = (struct npz_array){.name = "inputs",
                                        .descr = "<f4",
                                        .width = sizeof(float),
                                        .rank = 2,
                                        .shape = {rows, shape.features},
                                        .data = copy ? copy->inputs : NULL};
    arrays[OUTPUTS] = (struct npz_array){.name = "outputs",
                                         .descr = "<f4",
                                         .width = sizeof(float),
                                         .rank = 2,
                                         .shape = {rows, shape.outputs},
                                         .data = copy ? copy->outputs : NULL};
    arrays[UNIX_SECONDS] = (struct npz_array){.name = "unix_seconds",
                                              .descr = "<f8",
                                              .width = sizeof(double),
                                              .rank = 1,
                                              .shape = {rows},
                                              .data = copy ? copy->unix_seconds : NULL};
}

static enum error_id nothing_to_read(struct api_call *call)
{
    (void)call;
    return ERROR_OK;
}

static enum error_id copy_rows(struct api_call *call)
{
    struct sample *s = sample_of(call);
    struct record *record = call->model->record;

    if (!s->copy) {
        void *memory = call_allocate(call, record_copy_bytes(record), 1);

        if (!memory)
            return call_no_memory(call);
        s->copy = record_copy_begin(record, memory);
        call->rows = s->copy->rows;
    }
    call->again = record_copy_go_on(s->copy, SIZE_MAX);
    return ERROR_OK;
}

static enum error_id write_archive(struct api_call *call)
{
    enum { PIECE_BYTES = 1 << 20 };
    struct sample *s = sample_of(call);

    if (!s->writer.out) {
        describe(call, s->copy->rows, s->copy, s->arrays);
        npz_writer_init(&s->writer, &call->reply->body, s->arrays, ARRAYS);
        call->reply->headers[REPLY_CONTENT_TYPE] = "application/zip";
        call->reply->headers[REPLY_CACHE_CONTROL] = "no-store";
    }
    npz_writer_go_on(&s->writer, PIECE_BYTES);
    call->again = !s->writer.done;
    return ERROR_OK;
}

static void fini(struct api_call *call, bool answered)
{
    struct sample *s = sample_of(call);

    (void)answered;
    record_copy_end(s->copy);
    free(s->copy);
}

/* As of a full recorder: rows come while the request waits. */
static struct call_needs needs(const struct api_call *call)
{
    struct record *record = call->model->record;
    struct npz_array arrays[ARRAYS];

    describe(call, record_shape(record).rows, NULL, arrays);
    return (struct call_needs){.state = record_copy_bytes(record),
                               .reply = npz_bytes_max(arrays, ARRAYS)};
}

/* Bytes are copied and summed, in half of the time that their text would take. */
static size_t elements(const struct api_call *call)
{
    const struct record_shape shape = record_shape(call->model->record);
    size_t numbers = record_rows(call->model->record) * (shape.features + shape.outputs + 2);

    return work_elements((double)numbers * WORK_ELEMENT_S / 2);
}

static const struct call_post sample = {
    .tensors = (const char *const[]){NULL},
    .state_bytes = sizeof(struct sample),
    .phases =
        {[CALL_READ] = nothing_to_read, [CALL_COMPUTE] = copy_rows, [CALL_WRITE] = write_archive},
    .fini = fini,
    .needs = needs,
    .elements = elements,
};

enum error_id sample_get(struct api_call *call)
{
    if (lookup_model(call) != ERROR_OK)
        return call->error.id;
    if (!call->model->record)
        return call_fail(call, ERROR_NO_RECORD,
                         "model '%s' records no rows; \"record\": {\"rows\": 1000} in its "
                         "config.json turns that on",
                         call->model->name);
    return call_go_on(call, &sample);
}
