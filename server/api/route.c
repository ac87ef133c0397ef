/* route.c - matches whole segments of a target against the templates of routes.def.
 *
 * A score of rows, no two of which match the same: a search that begins at the row that its thread
 * found last, since what is asked for is asked for again, costs less than any index would. A
 * template's segment is a literal, or {parameter} with an optional literal suffix that begins with
 * a colon, such as ":predict". */
#include "api/route.h"
#include <stdio.h>
#include <string.h>

static const struct route routes[] = {
#define JSON                                    false
#define NPY                                     true
#define ROUTE(path, get_, post_, body_, query_) {path, get_, post_, body_, query_},
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
    return route < API_ROUTE_OTHER && route_takes(&routes[route], method);
}

/* The place of args that "{name}..." fills; none for a name that is not in arg_names. */
static const char **arg_of(struct api_call *call, const char *name)
{
    for (size_t i = 0; i < ARG_COUNT; i++) {
        size_t length = strlen(arg_names[i]);

        if (strncmp(arg_names[i], name, length) == 0 && name[length] == '}')
            return &call->args[i];
    }
    return NULL;
}

/* What a parameter takes of a segment. */
static size_t value_length(const char *segment)
{
    return (size_t)(strchrnul(segment, ':') - segment);
}

/* One decoded segment against the pattern at *at, which then is at its end. */
static bool segment_matches(const char **at, const char *segment)
{
    const char *pattern = *at;

    if (*pattern == '{') {
        size_t length = value_length(segment);

        if (length == 0 || length > CALL_ARG_MAX)
            return false;
        pattern = strchr(pattern, '}') + 1;
        segment += length;
    }
    while (*pattern == *segment && *segment)
        pattern++, segment++;
    *at = pattern;
    return *segment == '\0' && (*pattern == '/' || *pattern == '\0');
}

static bool route_matches(const char *template, const struct target *target)
{
    for (size_t i = 0; i < target->segments_count; i++)
        if (*template ++ != '/' || !segment_matches(&template, target->segments[i]))
            return false;
    return *template == '\0';
}

/* The template has been found to match. Nobody needs the segments any more: they end where the
 * parameter does. */
static void take_args(struct api_call *call, const char *template)
{
    for (size_t i = 0; i < call->target.segments_count; i++) {
        char *segment = call->target.segments[i];
        const char **arg = *++template == '{' ? arg_of(call, template + 1) : NULL;

        if (arg) {
            segment[value_length(segment)] = '\0';
            *arg = segment;
        }
        template = strchrnul(template, '/');
    }
}

const struct route *route_find(struct api_call *call)
{
    static _Thread_local size_t last;

    for (size_t i = 0; i < ARG_COUNT; i++)
        call->args[i] = "";
    for (size_t n = 0; n < API_ROUTE_OTHER; n++) {
        size_t i = (last + n) % API_ROUTE_OTHER;

        if (route_matches(routes[i].template, &call->target)) {
            last = i;
            take_args(call, routes[i].template);
            return &routes[i];
        }
    }
    return NULL;
}

bool route_takes(const struct route *route, const char *method)
{
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        return route->get != NULL;
    return strcmp(method, "POST") == 0 && route->post;
}

bool route_is_probe(const struct route *route)
{
    return !route->post && strcmp(route->query, "*") == 0;
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
