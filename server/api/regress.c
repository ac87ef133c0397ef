/* regress.c - POST /v1/models/{model}:regress: TensorFlow Serving's, a number for each example. */
#include "api/examples.h"
#include "api/lookup.h"

static enum error_id read_examples(struct api_call *call)
{
    if (examples_read(call, "regress"))
        return call->error.id;
    if (inference_of(call)->outputs == 1)
        return ERROR_OK;
    return call_fail(call, ERROR_BAD_FIELD,
                     "regress: model '%s' has %zu outputs, and one is the result; :predict answers "
                     "all of them",
                     call->model->name, inference_of(call)->outputs);
}

static enum error_id write_reply(struct api_call *call)
{
    const struct inference *i = inference_of(call);
    enum error_id id = call_write_part(call, "{\"results\":", i->y, 1, &i->rows, "results",
                                       i->policy);

    if (id == ERROR_OK && !call->again)
        buf_puts(&call->reply->body, "}");
    return id;
}

static struct call_needs needs(const struct api_call *call)
{
    return inference_needs(call, 1, &inference_of(call)->rows);
}

const struct call_post models_regress[1] = {{.tensors = examples_tensors,
                                             .objects = examples_objects,
                                             .state_bytes = sizeof(struct inference),
                                             .admit = lookup_model,
                                             .phases = {[CALL_READ] = read_examples,
                                                        [CALL_COMPUTE] = inference_compute,
                                                        [CALL_WRITE] = write_reply},
                                             .fini = inference_fini,
                                             .needs = needs,
                                             .elements = examples_elements}};
