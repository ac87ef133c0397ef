/* test_server_route.c - which row of routes.def a target belongs to; tests/api tells what the rows
 * answer. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include "api/api.h"
#include "suite.h"

static struct options options;
static struct api api = {.options = &options};

static const char *const templates[] = {
#define ANY_VERSION             "[]"
#define VERSION                 "[V]"
#define ROUTE(path, ...)        path,
#define ROUTE_DELETE(path, ...) path,
#include "api/routes.def"
#undef ROUTE_DELETE
#undef ROUTE
};

/* "/v1/models/{model}[]:predict" becomes "/v1/models/x/versions/x:predict". */
static void target_of(const char *template, const char *group, char out[static 200])
{
    for (const char *t = template; *t; t++) {
        if (*t == '[') {
            out = mempcpy(out, group, strlen(group));
            t = strchr(t, ']');
        } else {
            *out++ = *t == '{' ? 'x' : *t;
            if (*t == '{')
                t = strchr(t, '}');
        }
    }
    *out = '\0';
}

static unsigned found(const char *target)
{
    struct api_request request = {.method = "GET", .target = target};
    struct api_reply reply;

    api_end(api_admit(&api, &request, 0, &reply));
    api_reply_fini(&reply);
    return reply.route;
}

/* How many of "", a version and a label it takes. */
static size_t groups_of(const char *template)
{
    const char *group = strchr(template, '[');

    return !group ? 1 : group[1] == 'V' ? 2 : 3;
}

START_TEST(each_route_is_found_with_and_without_its_group)
{
    static const char *const groups[] = {"", "/versions/x", "/labels/x"};
    char target[200];

    for (unsigned route = 0; route < API_ROUTE_OTHER; route++)
        for (size_t g = 0; g < groups_of(templates[route]); g++) {
            target_of(templates[route], groups[g], target);
            ck_assert_msg(found(target) == route, "%s: %s", target, api_route_label(found(target)));
        }
}
END_TEST

START_TEST(a_group_is_taken_whole_once_and_in_its_place)
{
    static const char *const none[] = {
        "/v1/models/x/versions",
        "/v1/models/x/versions:predict",
        "/v1/models/x/versions/:predict",
        "/v1/models/x/labels",
        "/v1/models/x/versions/1/labels/a",
        "/v1/models/x/versions/1/versions/1:predict",
        "/v1/models/x/metadata/versions/1",
        "/v1/models/x:predict/versions/1",
        "/v1/models/x/other/1:predict",
        "/v1/models/versions/1:predict",
        "/v1/models/x[]:predict",
        "/v1/models/x|y",
        "/v1/losses/x/versions/1",
        "/v2/models/x/labels/a/infer",
        "/v2/models/x/versions/1/trace/setting",
        "/v2/models/x%2Fy",
        "/v2%20/models/x",
        "/models/x/invoke/y",
        "/models/x/versions/1",
    };

    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        ck_assert_msg(found(none[i]) == API_ROUTE_OTHER, "%s: %s", none[i],
                      api_route_label(found(none[i])));
}
END_TEST

/* Bytes that no other segment may have, also those that templates are made of. */
START_TEST(an_opaque_segment_takes_any_bytes)
{
    static const char *const names[] = {"x",         "x:y", "a%2Fb%20%C3%BC", "%7Bmodel%7D",
                                        "%5B%7C%5D", "..",  "%FF%01"};
    char target[200];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(target, sizeof target, "/models/%s", names[i]);
        ck_assert_str_eq(api_route_label(found(target)), "/models/{opaque}");
        snprintf(target, sizeof target, "/models/%s/invoke", names[i]);
        ck_assert_str_eq(api_route_label(found(target)), "/models/{opaque}/invoke");
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("routes");
    TCase *tc = tcase_create("rows");

    options_defaults(&options);
    tcase_add_test(tc, each_route_is_found_with_and_without_its_group);
    tcase_add_test(tc, a_group_is_taken_whole_once_and_in_its_place);
    tcase_add_test(tc, an_opaque_segment_takes_any_bytes);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
