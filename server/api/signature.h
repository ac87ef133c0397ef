/* signature.h - "signature_name" of TensorFlow Serving's calls: a model has one signature, by its
 * own name or by that of the call's method. */
#ifndef API_SIGNATURE_H
#define API_SIGNATURE_H

#include "api/call.h"

/* value is the name in the request, or NULL; method is "predict", "classify" or "regress". 400 that
 * names any other signature. */
enum error_id signature_check(struct api_call *call, const json_t *value, const char *method);

#endif
