/* parameters.c - the keys of an activation's parameters: its own names, and other frameworks'. */
#include "api/application.h"

unsigned parameter_keys(const struct axon_activation *act, const char **names,
                        unsigned whose[static PARAMETER_KEYS_MAX])
{
    unsigned count = 0;

    for (; count < act->parameters_count; count++)
        names[count] = act->parameters[count].name;
    for (unsigned i = 0; i < act->parameters_count; i++)
        if (*act->parameters[i].also) {
            whose[count] = i;
            names[count++] = act->parameters[i].also;
        }
    names[count] = NULL;
    return count;
}

enum error_id parameters_pick(struct api_call *call, const struct axon_activation *act,
                              const json_t *object, const char **names,
                              const json_t *values[static PARAMETER_KEYS_MAX])
{
    unsigned whose[PARAMETER_KEYS_MAX], count = parameter_keys(act, names, whose);

    if (call_pick(call, object, "parameters: ", names, values) != ERROR_OK)
        return call->error.id;
    for (unsigned i = act->parameters_count; i < count; i++) {
        if (values[i] && values[whose[i]])
            return call_fail(call, ERROR_BAD_FIELD,
                             "parameters: %s and %s are one parameter, send one of them",
                             names[whose[i]], names[i]);
        if (values[i])
            values[whose[i]] = values[i];
    }
    return ERROR_OK;
}
