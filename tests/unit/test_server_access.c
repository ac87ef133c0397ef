/* test_server_access.c - who may ask: every route of routes.def, by every method and in every
 * spelling, without a key and with one. */
#include "access.h"

/* Ways to write a target down: whatever decodes to the path, once, is the route; all else is none.
 * "$" stands for the path after its first slash, "^" for the same with its first byte as two
 * hexadecimal digits. */
static const struct {
    const char *form;
    bool same; /* as the path itself */
} spellings[] = {
    {"/$", true},
    {"/$?x=1", true},
    {"/$?", true},
    {"http://127.0.0.1:8000/$", true},
    {"HTTP://any/$", true},
    {"/%^", true},
    {"//$", false},
    {"/$/", false},
    {"/./$", false},
    {"/x/../$", false},
    {"/v2/health/../../$", false},
    {"/v2/health/live/../../../$", false},
    {"/v2/health/live;/$", false},
    {"/%2f$", false},
    {"/%2e/$", false},
    {"/%252e/$", false},
    {"/%25^", false},
    {"/%2e%2e/$", false},
    {"/ui/..%2f$", false},
    {"/%5c$", false},
    {"/$%00", false},
    {"/$%20", false},
    {"/$%3f", false},
    {"http://127.0.0.1:8000//$", false},
    {"/http://127.0.0.1/$", false},
};
enum { SPELLINGS = sizeof spellings / sizeof *spellings };

static void spell(const char *form, const char *path, char out[static 400])
{
    for (; *form; form++)
        if (*form == '$')
            out = mempcpy(out, path + 1, strlen(path + 1));
        else if (*form == '^')
            out += snprintf(out, 300, "%02X%s", (unsigned)(unsigned char)path[1],
                            path[1] ? path + 2 : "");
        else
            *out++ = *form;
    *out = '\0';
}

static bool is_refusal_of_access(unsigned status)
{
    return status == 401 || status == 403;
}

/* One parse decides: in whatever spelling a route is found it asks for its key, and what is no
 * route asks for one, too. */
START_TEST(no_route_is_open_without_a_key_but_the_public_ones)
{
    char path[200], target[400];
    bool takes_any_bytes = strstr(routes[_i].template, "{opaque}") != NULL ||
                           strstr(routes[_i].template, "{rest}") != NULL;

    path_of(routes[_i].template, path);
    for (size_t s = 0; s < SPELLINGS; s++)
        for (size_t m = 0; m < METHODS; m++) {
            struct api_reply reply;
            unsigned status;

            if (!path[1] && strchr(spellings[s].form, '^'))
                continue; /* "/" has no byte to be escaped */
            spell(spellings[s].form, path, target);
            status = ask(&(struct asked){.method = methods[m], .target = target}, &reply);
            if (reply.route < ROUTES && routes[reply.route].access == PUBLIC)
                ck_assert_msg(!is_refusal_of_access(status), "%s %s: %u", methods[m], target,
                              status);
            else
                ck_assert_msg(status == 401 || status == 400, "%s %s: %u", methods[m], target,
                              status);
            if (status == 401)
                ck_assert_str_eq(reply.headers[REPLY_WWW_AUTHENTICATE], "Bearer realm=\"axond\"");
            if (spellings[s].same)
                ck_assert_msg(reply.route == (unsigned)_i, "%s %s: %s", methods[m], target,
                              api_route_label(reply.route));
            else if (!takes_any_bytes)
                ck_assert_msg(reply.route == API_ROUTE_OTHER || reply.route != (unsigned)_i, "%s",
                              target);
            api_reply_fini(&reply);
        }
}
END_TEST

/* A browser's question opens nothing but the answer to it. */
START_TEST(preflight_is_options_alone)
{
    static struct origins origins;
    char path[200];

    ck_assert(origins_read("https://a.example", &origins));
    api.origins = &origins;
    path_of(routes[_i].template, path);
    for (size_t m = 0; m < METHODS; m++) {
        struct asked a = {.method = methods[m], .target = path, .origin = "https://a.example"};
        bool public = routes[_i].access == PUBLIC;

        ck_assert_msg((ask_status(&a) == 401) == !public, "%s %s", methods[m], path);
        a.wants = "POST";
        ck_assert_msg((ask_status(&a) == 401) == (!public && strcmp(methods[m], "OPTIONS") != 0),
                      "%s %s", methods[m], path);
    }
    api.origins = NULL;
}
END_TEST

START_TEST(key_opens_what_its_scope_says_from_anywhere)
{
    char path[200];
    bool admins = routes[_i].access == ADMIN || routes[_i].access == HOSTING;

    path_of(routes[_i].template, path);
    for (size_t m = 0; m < METHODS; m++)
        for (int where = 0; where < 4; where++) {
            struct asked a = {.method = methods[m],
                              .target = path,
                              .remote = where & 1,
                              .forwarded = where & 2 ? "for=192.0.2.1" : NULL};

            a.x_api_key = admin_key;
            ck_assert_msg(!is_refusal_of_access(ask_status(&a)), "%s %s", methods[m], path);
            a.x_api_key = infer_key;
            ck_assert_msg(ask_status(&a) == 403 ? admins
                                                : !admins && !is_refusal_of_access(ask_status(&a)),
                          "%s %s", methods[m], path);
            a.x_api_key = "no-secret";
            ck_assert_msg(ask_status(&a) == 401 ? routes[_i].access != PUBLIC
                                                : routes[_i].access == PUBLIC,
                          "%s %s", methods[m], path);
        }
}
END_TEST

START_TEST(unknown_path_is_told_to_those_with_a_key_only)
{
    ck_assert_uint_eq(ASK(.target = "/nowhere"), 401);
    ck_assert_uint_eq(ASK(.target = "/nowhere", .x_api_key = infer_key), 404);
    ck_assert_uint_eq(ASK(.method = "PATCH", .target = "/v1/models"), 401);
    ck_assert_uint_eq(ASK(.method = "PATCH", .target = "/v1/models", .x_api_key = infer_key), 405);
}
END_TEST

#define LONG_64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
    const char *target, *authorization, *x_api_key;
    unsigned status;
    const char *text;
} credentials[] = {
    {"/v1/models", "Bearer infer-secret", NULL, ADMITTED, NULL},
    {"/v1/models", "bearer  infer-secret", NULL, ADMITTED, NULL},
    {"/v1/models", "Bearer infer-secret", "infer-secret", ADMITTED, NULL},
    {"/v1/models", "Basic aW5mZXItc2VjcmV0", "infer-secret", ADMITTED, NULL},
    {"/v1/models", NULL, NULL, 401, "a key is needed, as Authorization: Bearer KEY or X-API-Key"},
    {"/v1/models", "Bearer other-secret", NULL, 401, "the key is not known here"},
    {"/v1/models", "infer-secret", NULL, 401, "Authorization is not of the scheme Bearer"},
    {"/v1/models", NULL, "", 401, "the key is empty"},
    {"/v1/models", NULL, "infer-secret infer-secret", 401, "a byte that no key has"},
    {"/v1/models", NULL, "infer-secret\x80", 401, "a byte that no key has"},
    {"/v1/models", NULL, LONG_64 LONG_64 LONG_64 LONG_64 "secret", 401,
     "longer than the 256 bytes"},
    {"/v1/models", "Bearer infer-secret", "admin-secret", 400, "different keys"},
    {"/v1/models?key=infer-secret", NULL, NULL, 400, "query: 'key': a key belongs in a header"},
    {"/v1/models?a=b&API_Key=infer-secret", NULL, NULL, 400, "'api_key'"},
    {"/v1/models?access_token=secret", "Bearer infer-secret", NULL, 400, "'access_token'"},
    {"/metrics?%6bey=infer-secret", NULL, NULL, 400, "'key'"},
    {"/nowhere?token=infer-secret", NULL, NULL, 400, "'token'"},
    {"/v2/health/live?key=infer-secret", NULL, NULL, ADMITTED, NULL},
};

/* A refusal says why, and has not a byte of the key in it. */
START_TEST(key_is_one_and_in_a_header)
{
    struct api_reply reply;
    unsigned status = ask(&(struct asked){.target = credentials[_i].target,
                                          .authorization = credentials[_i].authorization,
                                          .x_api_key = credentials[_i].x_api_key},
                          &reply);

    ck_assert_uint_eq(status, credentials[_i].status);
    if (status != ADMITTED) {
        buf_append(&reply.body, "", 1);
        ck_assert_msg(strstr(reply.body.data, credentials[_i].text) != NULL, "%s", reply.body.data);
        ck_assert_ptr_null(strstr(reply.body.data, "secret"));
        ck_assert_str_eq(reply.account.key, "");
    }
    ck_assert_int_eq(status == 401, reply.headers[REPLY_WWW_AUTHENTICATE] != NULL);
    api_reply_fini(&reply);
}
END_TEST

START_TEST(log_learns_the_name_of_the_key)
{
    struct api_reply reply;

    ask(&(struct asked){.target = "/v1/models", .x_api_key = infer_key}, &reply);
    ck_assert_str_eq(reply.account.key, "reader");
    api_reply_fini(&reply);
    ask(&(struct asked){.method = "POST",
                        .target = "/v1/models/tiny:baseline",
                        .x_api_key = infer_key},
        &reply);
    ck_assert_str_eq(reply.account.key, "reader");
    ck_assert_str_eq(reply.headers[REPLY_WWW_AUTHENTICATE],
                     "Bearer realm=\"axond\", error=\"insufficient_scope\", scope=\"admin\"");
    api_reply_fini(&reply);
}
END_TEST

static const struct {
    const char *metrics_access;
    unsigned nobody, infer, admin;
} watching[] = {
    {"public", ADMITTED, ADMITTED, ADMITTED},
    {"infer", 401, ADMITTED, ADMITTED},
    {"admin", 401, 403, ADMITTED},
};

START_TEST(metrics_have_a_switch_of_their_own)
{
    set(options.metrics_access, watching[_i].metrics_access);
    ck_assert_uint_eq(ASK(.target = "/metrics"), watching[_i].nobody);
    ck_assert_uint_eq(ASK(.target = "/metrics", .x_api_key = infer_key), watching[_i].infer);
    ck_assert_uint_eq(ASK(.target = "/metrics", .x_api_key = admin_key), watching[_i].admin);
    api.keys = NULL;
    ck_assert_uint_eq(ASK(.target = "/metrics"), ADMITTED);
    ck_assert_uint_eq(ASK(.target = "/metrics", .remote = true), _i == 2 ? 403 : ADMITTED);
    set(options.metrics_access, "infer");
    api.keys = keys;
}
END_TEST

/* --health-route and --predict-route are asked for what the rows that they stand for are, though
 * they be one path, or one that others have. */
START_TEST(path_of_a_platform_has_the_access_of_its_row)
{
    static const char *const paths[] = {"/custom", "/v1/models"};

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        set(options.health_route, paths[i]);
        set(options.predict_route, paths[i]);
        ck_assert_uint_eq(ASK(.target = paths[i]), ADMITTED);
        ck_assert_uint_eq(ASK(.method = "HEAD", .target = paths[i]), ADMITTED);
        ck_assert_uint_eq(ASK(.method = "POST", .target = paths[i]), 401);
        ck_assert(!is_refusal_of_access(
            ASK(.method = "POST", .target = paths[i], .x_api_key = infer_key)));
    }
    ck_assert_uint_eq(ASK(.target = "/custom/"), 401);
    *options.health_route = *options.predict_route = '\0';
    ck_assert_uint_eq(ASK(.target = "/v1/models"), 401);
}
END_TEST

/* A platform's agent is on another machine and has no key; once there are keys, it needs one. */
START_TEST(platform_loads_models_from_anywhere_if_it_may)
{
    const struct asked agent = {.target = "/models", .remote = true},
                       page = {.target = "/models", .origin = "https://a.example"};

    api.keys = NULL;
    ck_assert_uint_eq(ask_status(&agent), 403);
    options.multi_model = true;
    ck_assert_uint_eq(ask_status(&agent), ADMITTED);
    ck_assert_uint_eq(ask_status(&page), 403);
    api.keys = keys;
    ck_assert_uint_eq(ask_status(&agent), 401);
    options.multi_model = false;
}
END_TEST

/* Without keys: the models are everybody's, the service this machine's. */
START_TEST(without_keys_a_route_that_changes_the_service_is_local)
{
    char path[200];

    api.keys = NULL;
    path_of(routes[_i].template, path);
    for (int where = 0; where < 8; where++)
        for (size_t m = 0; m < METHODS; m++) {
            struct asked a = {.method = methods[m],
                              .target = path,
                              .remote = where & 1,
                              .forwarded = where & 2 ? "for=127.0.0.1" : NULL,
                              .origin = where & 4 ? "https://a.example" : NULL,
                              .x_api_key = admin_key};
            bool admins = routes[_i].access == ADMIN || routes[_i].access == HOSTING;

            ck_assert_msg((ask_status(&a) == 403) == (admins && where != 0), "%s %s %d", methods[m],
                          path, where);
        }
    api.keys = keys;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("access");
    TCase *tc = suite_case(suite, "keys");

    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_loop_test(tc, no_route_is_open_without_a_key_but_the_public_ones, 0, ROUTES);
    tcase_add_loop_test(tc, preflight_is_options_alone, 0, ROUTES);
    tcase_add_loop_test(tc, key_opens_what_its_scope_says_from_anywhere, 0, ROUTES);
    tcase_add_test(tc, unknown_path_is_told_to_those_with_a_key_only);
    tcase_add_loop_test(tc, key_is_one_and_in_a_header, 0,
                        sizeof credentials / sizeof *credentials);
    tcase_add_test(tc, log_learns_the_name_of_the_key);
    tcase_add_loop_test(tc, metrics_have_a_switch_of_their_own, 0,
                        sizeof watching / sizeof *watching);
    tcase_add_test(tc, path_of_a_platform_has_the_access_of_its_row);
    tcase_add_test(tc, platform_loads_models_from_anywhere_if_it_may);
    tcase_add_loop_test(tc, without_keys_a_route_that_changes_the_service_is_local, 0, ROUTES);
    return suite_run(suite);
}
