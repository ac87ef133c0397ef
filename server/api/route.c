/* route.c - matches whole segments of a target against the templates of routes.def.
 *
 * A dozen rows, no two of which match the same: most differ in their first bytes, so that a search
 * row by row costs less than any index would. A template's segment is a literal, or {parameter}
 * with an optional literal suffix that begins with a colon, such as ":predict". One group of
 * segments may be optional, "[/versions/{version}|/labels/{label}]": choice 0 leaves it out, choice
 * n takes its n-th alternative. */
#include "api/route.h"
#include <stdio.h>
#include <string.h>

static const struct route routes[] = {
#define JSON                                    false
#define NPY                                     true
#define VERSION_OR_LABEL                        "[/versions/{version}|/labels/{label}]"
#define ROUTE(path, get_, post_, body_, query_) {path, get_, post_, body_, query_},
#include "api/routes.def"
#undef ROUTE
#undef VERSION_OR_LABEL
};

/* As the log and the metrics call them: by the path without the group. */
static const char *const labels[] = {
#define VERSION_OR_LABEL
#define ROUTE(path, ...) path,
#include "api/routes.def"
#undef ROUTE
};

const unsigned API_ROUTE_OTHER = sizeof routes / sizeof *routes;

static const char *const arg_names[ARG_COUNT] = {"activation", "loss",  "model",
                                                 "version",    "label", "asset"};

const char *api_route_label(unsigned route)
{
    return route < API_ROUTE_OTHER ? labels[route] : "other";
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

/* The pattern goes on here, unless a group begins or an alternative ends. */
static const char *pass_group(const char *pattern, unsigned choice)
{
    if (*pattern == '[' && choice > 0) {
        for (pattern++; choice > 1; choice--)
            pattern = strchr(pattern, '|') + 1;
        return pattern;
    }
    return strchr("[|]", *pattern) && *pattern ? strchr(pattern, ']') + 1 : pattern;
}

/* How many there are in a template. */
static unsigned choices(const char *template)
{
    const char *group = strchr(template, '[');
    unsigned count = 1;

    for (; group && *group != ']'; group++)
        count += *group == '[' || *group == '|';
    return count;
}

/* One decoded segment against the pattern at *at, which then is at its end. */
static bool segment_matches(const char **at, const char *segment, unsigned choice)
{
    const char *pattern = *at;

    if (*pattern == '{') {
        size_t length = value_length(segment);

        if (length == 0 || length > CALL_ARG_MAX)
            return false;
        pattern = pass_group(strchr(pattern, '}') + 1, choice);
        segment += length;
    }
    while (*pattern == *segment && *segment)
        pattern++, segment++;
    *at = pass_group(pattern, choice);
    return *segment == '\0' && (**at == '/' || **at == '\0');
}

static bool route_matches(const char *template, unsigned choice, const struct target *target)
{
    for (size_t i = 0; i < target->segments_count; i++)
        if (*template ++ != '/' || !segment_matches(&template, target->segments[i], choice))
            return false;
    return *template == '\0';
}

/* The template has been found to match. Nobody needs the segments any more: they end where the
 * parameter does. */
static void take_args(struct api_call *call, const char *template, unsigned choice)
{
    for (size_t i = 0; i < call->target.segments_count; i++) {
        char *segment = call->target.segments[i];
        const char **arg = *++template == '{' ? arg_of(call, template + 1) : NULL;

        if (arg) {
            segment[value_length(segment)] = '\0';
            *arg = segment;
        }
        template = pass_group(template + strcspn(template, "/[|]"), choice);
    }
}

const struct route *route_find(struct api_call *call)
{
    for (size_t i = 0; i < ARG_COUNT; i++)
        call->args[i] = "";
    for (const struct route *route = routes; route < routes + API_ROUTE_OTHER; route++)
        for (unsigned choice = 0; choice < choices(route->template); choice++)
            if (route_matches(route->template, choice, &call->target)) {
                take_args(call, route->template, choice);
                return route;
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
    enum { KEYS_MAX = 8, TEXT_MAX = 100 };
    const char *keys[KEYS_MAX + 1] = {NULL};
    char text[TEXT_MAX], *rest = text;

    if (call->target.query_count == 0 || strcmp(route->query, "*") == 0)
        return ERROR_OK;
    snprintf(text, sizeof text, "%s", route->query);
    for (size_t n = 0; rest && *rest && n < KEYS_MAX; n++)
        keys[n] = strsep(&rest, " ");
    return call_check_query(call, keys);
}
