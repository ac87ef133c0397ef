/* examples.h - the body of TensorFlow Serving's :classify and :regress: rows as objects of
 * features.
 *
 *   {"examples": [{"x": 1}, {"x": [2]}], "context": {"y": 3}, "signature_name": "serving_default"}
 *
 * A feature is the model's input as a whole, or one of its columns where config.json names them.
 * The context's are those of every example that has none of its own. */
#ifndef API_EXAMPLES_H
#define API_EXAMPLES_H

#include "api/inference.h"

/* The tensors of such a body, and their forms: of a struct call_post. */
extern const char *const examples_tensors[];
extern const enum envelope_objects examples_objects[];

/* READ, but for what the method asks of the model: the body's rows are asked for (inference_ask()).
 * method is "classify" or "regress". */
enum error_id examples_read(struct api_call *call, const char *method);

/* As inference_elements(): READ works on rows whose features the context completes. */
size_t examples_elements(const struct api_call *call);

#endif
