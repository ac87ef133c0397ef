/* route.c - matches whole segments of a target against the templates of routes.def.
 *
 * A score of rows and a handful of segments: a linear search costs less than any index would. A
 * template's segment is a literal, or {parameter} with an optional literal suffix such as
 * ":predict". */
#include "api/route.h"
#include <stdio.h>
#include <string.h>

static const struct route routes[] = {
#define JSON                                    false
#define NPY                                     true
#define NULL_tensors                            NULL
#define ROUTE(path, get_, post_, body_, query_) {path, get_, post_, post_##_tensors, body_, query_},
#include "api/routes.def"
#undef ROUTE
};

const unsigned API_ROUTE_OTHER = sizeof routes / sizeof *routes;

static const char *const arg_names[ARG_COUNT] = {"activation", "loss", "model", "version", "label"};

const char *api_route_template(unsigned route)
{
    return route < API_ROUTE_OTHER ? routes[route].template : "other";
}

bool api_route_takes(unsigned route, const char *method)
{
    return route < API_ROUTE_OTHER && route_handler(&routes[route], method) != NULL;
}

/* The place of args that "{name}..." fills; a template with a name that is not in arg_names never
 * matches. */
static char *arg_of(struct api_call *call, const char *name, size_t length)
{
    for (size_t i = 0; i < ARG_COUNT; i++)
        if (strlen(arg_names[i]) == length && memcmp(arg_names[i], name, length) == 0)
            return call->args[i];
    return NULL;
}

/* pattern [length] against one decoded segment. */
static bool segment_matches(struct api_call *call, const char *pattern, size_t length,
                            const char *segment)
{
    size_t segment_length, suffix_length, value_length;
    const char *brace;
    char *arg;

    if (*pattern != '{')
        return strncmp(pattern, segment, length) == 0 && segment[length] == '\0';
    segment_length = strlen(segment);
    brace = memchr(pattern, '}', length);
    if (!brace)
        return false;
    suffix_length = (size_t)(pattern + length - (brace + 1));
    if (segment_length <= suffix_length)
        return false;
    value_length = segment_length - suffix_length;
    arg = arg_of(call, pattern + 1, (size_t)(brace - pattern) - 1);
    if (!arg || value_length > CALL_ARG_MAX || memchr(segment, ':', value_length) ||
        memcmp(segment + value_length, brace + 1, suffix_length) != 0)
        return false;
    memcpy(arg, segment, value_length);
    arg[value_length] = '\0';
    return true;
}

/* What a row has taken before it turned out not to fit. */
static void forget_args(struct api_call *call)
{
    for (size_t i = 0; i < ARG_COUNT; i++)
        call->args[i][0] = '\0';
}

static bool route_matches(struct api_call *call, const char *template)
{
    const struct target *target = &call->target;

    for (size_t i = 0; i < target->segments_count; i++) {
        size_t length;

        if (*template ++ != '/')
            return false;
        length = (size_t)(strchrnul(template, '/') - template);
        if (!segment_matches(call, template, length, target->segments[i]))
            return false;
        template += length;
    }
    return *template == '\0';
}

const struct route *route_find(struct api_call *call)
{
    memset(call->args, 0, sizeof call->args);
    for (size_t i = 0; i < API_ROUTE_OTHER; i++) {
        if (route_matches(call, routes[i].template))
            return &routes[i];
        forget_args(call);
    }
    return NULL;
}

api_handler *route_handler(const struct route *route, const char *method)
{
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        return route->get;
    return strcmp(method, "POST") == 0 ? route->post : NULL;
}

void route_allow(const struct route *route, char *out, size_t out_bytes)
{
    snprintf(out, out_bytes, "%s%s%s", route->get ? "GET, HEAD" : "",
             route->get && route->post ? ", " : "", route->post ? "POST" : "");
}

unsigned route_index(const struct route *route)
{
    return (unsigned)(route - routes);
}

enum error_id route_check_query(const struct route *route, struct api_call *call)
{
    const char *const keys[] = {*route->query ? route->query : NULL, NULL};

    return strcmp(route->query, "*") == 0 ? ERROR_OK : call_check_query(call, keys);
}
