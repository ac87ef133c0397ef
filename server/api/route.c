/* route.c - matches whole segments of a target against the templates of routes.def.
 *
 * No two rows match the same, and most differ in their first bytes, so that a search row by row
 * costs less than any index would. A template's segment is a literal, or {parameter} with an
 * optional literal suffix that begins with a colon, such as ":predict". A group of segments may be
 * optional: "[/versions/{version}|/labels/{label}]" is left out, or is one of its alternatives.
 * {opaque} takes a whole segment, whatever stands in it, and {rest} all segments that are left. */
#include "api/route.h"
#include <stdio.h>
#include <string.h>
#include "base/nearest.h"

static const struct route routes[] = {
#define JSON        (1u << BODY_JSON)
#define NPY         (1u << BODY_NPY)
#define CSV         (1u << BODY_CSV)
#define OCTETS      (1u << BODY_OCTETS)
#define BLOBS       (OCTETS | SAGEMAKER | VERTEX)
#define SAGEMAKER   (1u << BODY_SAGEMAKER)
#define VERTEX      (1u << BODY_VERTEX)
#define VERSION     "[/versions/{version}]"
#define ANY_VERSION "[/versions/{version}|/labels/{label}]"
#define ROUTE(path, get_, post_, access_, bodies_, query_) \
    {path, get_, post_, NULL, ACCESS_##access_, bodies_, query_},
#define ROUTE_DELETE(path, get_, delete_, access_, query_) \
    {path, get_, NULL, delete_, ACCESS_##access_, JSON, query_},
#include "api/routes.def"
#undef ROUTE_DELETE
#undef ROUTE
#undef ANY_VERSION
#undef VERSION
};

/* As the log and the metrics call them: by the path without the group. */
static const char *const labels[] = {
#define ANY_VERSION
#define VERSION
#define ROUTE(path, ...)        path,
#define ROUTE_DELETE(path, ...) path,
#include "api/routes.def"
#undef ROUTE_DELETE
#undef ROUTE
};

const unsigned API_ROUTE_OTHER = sizeof routes / sizeof *routes;

static const char *const arg_names[ARG_COUNT] = {"activation", "loss",  "model", "version",
                                                 "label",      "asset", "opaque"};
static const char opaque[] = "{opaque}", all_left[] = "{rest}";

const char *api_route_label(unsigned route)
{
    return route < API_ROUTE_OTHER ? labels[route] : "other";
}

bool api_route_takes(unsigned route, const char *method)
{
    return route < API_ROUTE_OTHER && strcmp(method, "OPTIONS") != 0 &&
           route_takes(&routes[route], method);
}

/* "{name}..." is this part of a segment, which ends there from now on. */
static void take(struct api_call *call, const char *name, char *value, size_t length)
{
    for (size_t i = 0; i < ARG_COUNT; i++) {
        size_t common = 0;

        while (arg_names[i][common] && arg_names[i][common] == name[common])
            common++;
        if (!arg_names[i][common] && name[common] == '}')
            call->args[i] = value;
    }
    value[length] = '\0';
}

static bool fits(struct api_call *call, const char *pattern, size_t segment, char *at);

/* From "[" on, without the group, then with each of its alternatives. */
static bool fits_group(struct api_call *call, const char *pattern, size_t segment, char *at)
{
    if (fits(call, strchr(pattern, ']') + 1, segment, at))
        return true;
    while (*pattern != ']') {
        if (fits(call, pattern + 1, segment, at))
            return true;
        pattern += 1 + strcspn(pattern + 1, "|]");
    }
    return false;
}

/* Every segment of a pattern is asked: most by their first letters alone. */
static bool is_opaque(const char *pattern)
{
    return pattern[0] == opaque[0] && pattern[1] == opaque[1] &&
           strncmp(pattern, opaque, sizeof opaque - 1) == 0;
}

/* From "{" on. Only when all has been found to fit does nobody need the segments any more. */
static bool fits_parameter(struct api_call *call, const char *pattern, size_t segment, char *at)
{
    size_t length = 0;

    if (is_opaque(pattern)) {
        length = strlen(at);
        if (!fits(call, strchr(pattern, '}') + 1, segment, at + length))
            return false;
        take(call, pattern + 1, at, length);
        return true;
    }
    while (at[length] && at[length] != ':')
        length++;
    if (length == 0 || length > CALL_ARG_MAX ||
        !fits(call, strchr(pattern, '}') + 1, segment, at + length))
        return false;
    take(call, pattern + 1, at, length);
    return true;
}

/* The pattern against the target from `at` in that segment on, to the end of both. A plain segment
 * holds none of a pattern's own characters, so what is equal in both is literal. */
static bool fits(struct api_call *call, const char *pattern, size_t segment, char *at)
{
    for (;; pattern++) {
        for (; *at && *at == *pattern; at++)
            pattern++;
        switch (*pattern) {
        case '[':
            return fits_group(call, pattern, segment, at);
        case '{':
            return fits_parameter(call, pattern, segment, at);
        case '|': /* the end of an alternative: on after the group */
            pattern = strchr(pattern, ']');
            break;
        case ']':
            break;
        case '/':
            if (*at || ++segment >= call->target.segments_count)
                return false;
            if (strcmp(pattern + 1, all_left) == 0)
                return true;
            at = call->target.segments[segment];
            if (is_opaque(pattern + 1)) /* which may hold a pattern's own characters */
                return fits_parameter(call, pattern + 1, segment, at);
            if (!target_is_plain(&call->target, segment))
                return false;
            break;
        case '\0':
            return !*at && segment + 1 == call->target.segments_count;
        default:
            return false;
        }
    }
}

/* Is this the target's path? "" is none. */
static bool is_path(const struct target *t, const char *path)
{
    for (size_t i = 0; i < t->segments_count; i++) {
        size_t length = strlen(t->segments[i]);

        if (*path != '/' || strncmp(path + 1, t->segments[i], length) != 0)
            return false;
        path += 1 + length;
    }
    return t->segments_count > 0 && *path == '\0';
}

/* The row that answers so; there is one. */
static const struct route *row_of(api_handler *get, const struct call_post *post)
{
    const struct route *row = routes;

    while (row->get != get || row->post != post)
        row++;
    return row;
}

/* --health-route and --predict-route stand for a row of the table, in front of all others for the
 * method that it takes: they may be paths that others have. */
static const struct route *find_configured(const struct api_call *call, bool any_method)
{
    const struct options *options = call->api->options;
    const struct {
        const char *path;
        api_handler *get;
        const struct call_post *post;
    } configured[] = {{options->health_route, ping_get, NULL},
                      {options->predict_route, NULL, invocations}};

    for (size_t i = 0; i < sizeof configured / sizeof *configured; i++) {
        const struct route *row = row_of(configured[i].get, configured[i].post);

        if (is_path(&call->target, configured[i].path) &&
            (any_method || route_takes(row, call->method)))
            return row;
    }
    return NULL;
}

static const struct route *find(struct api_call *call)
{
    for (const struct route *route = routes; route < routes + API_ROUTE_OTHER; route++)
        if (fits(call, route->template + 1, 0, call->target.segments[0]))
            return route;
    return NULL;
}

const struct route *route_find(struct api_call *call)
{
    const struct options *options = call->api->options;
    bool configured = *options->health_route || *options->predict_route;
    const struct route *route = NULL;

    for (size_t i = 0; i < ARG_COUNT; i++)
        call->args[i] = "";
    if (configured)
        route = find_configured(call, false);
    if (!route && call->target.segments_count > 0 && target_is_plain(&call->target, 0))
        route = find(call);
    return route || !configured ? route : find_configured(call, true);
}

/* The word after the last '/', ':' or '}' of a path or a template. */
static const char *last_word(const char *path)
{
    const char *word = path + strlen(path);

    while (word > path && !strchr("/:}", word[-1]))
        word--;
    return word;
}

const char *route_nearest(const struct target *target)
{
    const char *words[sizeof labels / sizeof *labels], *meant, *near;
    size_t count = sizeof words / sizeof *words, i;

    if (target->segments_count == 0)
        return NULL;
    meant = last_word(target->segments[target->segments_count - 1]);
    for (i = 0; i < count; i++) {
        words[i] = last_word(labels[i]);
        if (*words[i] != *meant) /* "nothing" is no slip of "setting" */
            words[i] = "";
    }
    near = nearest(meant, words, count);
    for (i = 0; near && words[i] != near; i++)
        continue;
    return near ? labels[i] : NULL;
}

bool route_takes(const struct route *route, const char *method)
{
    return strcmp(method, "POST") == 0 ? route->post != NULL : route_handler(route, method) != NULL;
}

api_handler *route_handler(const struct route *route, const char *method)
{
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        return route->get;
    if (strcmp(method, "OPTIONS") == 0)
        return options_answer;
    return strcmp(method, "DELETE") == 0 ? route->remove : NULL;
}

bool route_is_probe(const struct route *route)
{
    return !route->post && !route->remove && strcmp(route->query, "*") == 0;
}

bool route_encodes(unsigned route)
{
    return route != API_ROUTE_OTHER &&
           (strncmp(routes[route].template, "/v2", 3) != 0 || routes[route].post == models_infer);
}

void route_allow(const struct route *route, char *out, size_t out_bytes)
{
    const struct {
        const char *names;
        bool taken;
    } methods[] = {{"GET, HEAD", route->get},
                   {"POST", route->post},
                   {"DELETE", route->remove},
                   {"OPTIONS", true}};
    size_t length = 0;

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (methods[i].taken && length < out_bytes)
            length += (size_t)snprintf(out + length, out_bytes - length, "%s%s", length ? ", " : "",
                                       methods[i].names);
}

const struct call_post *route_post(unsigned route)
{
    return route < API_ROUTE_OTHER ? routes[route].post : NULL;
}

unsigned route_index(const struct route *route)
{
    return (unsigned)(route - routes);
}

const struct route *route_at(unsigned index)
{
    return &routes[index];
}

enum error_id route_check_query(const struct route *route, struct api_call *call)
{
    enum { KEYS_MAX = 8, TEXT_MAX = 100 };
    const char *keys[KEYS_MAX + 1] = {NULL};
    char text[TEXT_MAX], *rest = text;

    if (call->target.query_count == 0 || strchr(route->query, '*') ||
        strcmp(call->method, "OPTIONS") == 0)
        return ERROR_OK;
    snprintf(text, sizeof text, "%s", route->query);
    for (size_t n = 0; rest && *rest && n < KEYS_MAX; n++)
        keys[n] = strsep(&rest, " ");
    return call_check_query(call, keys);
}
