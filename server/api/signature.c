/* signature.c - see signature.h. */
#include "api/signature.h"
#include <string.h>

static bool is_method(const char *name, const char *method)
{
    static const char prefix[] = "tensorflow/serving/";
    enum { PREFIX = sizeof prefix - 1 };

    return strncmp(name, prefix, PREFIX) == 0 && strcmp(name + PREFIX, method) == 0;
}

enum error_id signature_check(struct api_call *call, const json_t *value, const char *method)
{
    const char *name = json_string_value(value);
    char found[OBJECT_FOUND_MAX];

    if (!value)
        return ERROR_OK;
    if (!name)
        return call_fail(call, ERROR_BAD_FIELD, "signature_name: expected a string, found %s",
                         object_found(value, found));
    if (!*name || strcmp(name, "serving_default") == 0 || is_method(name, method))
        return ERROR_OK;
    return call_fail(call, ERROR_BAD_FIELD,
                     "signature_name: the model has no '%.60s', but serving_default", name);
}
