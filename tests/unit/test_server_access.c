/* test_server_access.c - who may ask: every route of routes.def, by every method and in every
 * spelling, without a key and with one; and whose pages may. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include "api/api.h"
#include "base/log.h"
#include "base/origins.h"
#include "folder.h"
#include "keys/keys.h"
#include "metrics/metrics.h"
#include "model/repository.h"
#include "suite.h"

#define SALT "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
static const char infer_key[] = "infer-secret", admin_key[] = "admin-secret";

static struct options options;
static struct api api = {.options = &options};
static struct keys *keys;

/* ---- the routes -------------------------------------------------------------------------------
 */

enum access { PUBLIC, INFER, ADMIN, METRICS, HOSTING };

static const struct {
    const char *template;
    enum access access;
} routes[] = {
#define ANY_VERSION                                  ""
#define VERSION                                      ""
#define ROUTE(path, get, post, access, ...)          {path, access},
#define ROUTE_DELETE(path, get, delete, access, ...) {path, access},
#include "api/routes.def"
#undef ROUTE_DELETE
#undef ROUTE
};
enum { ROUTES = sizeof routes / sizeof *routes };

static const char *const methods[] = {"GET",    "HEAD",    "POST",  "PUT",
                                      "DELETE", "OPTIONS", "PATCH", "BREW"};
enum { METHODS = sizeof methods / sizeof *methods };

/* "/v1/models/{model}:predict" becomes "/v1/models/tiny:predict". */
static void path_of(const char *template, char out[static 200])
{
    for (const char *t = template; *t; t++) {
        if (*t == '{') {
            out = stpcpy(out, "tiny");
            t = strchr(t, '}');
        } else {
            *out++ = *t;
        }
    }
    *out = '\0';
}

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
            out = stpcpy(out, path + 1);
        else if (*form == '^')
            out += sprintf(out, "%02X%s", (unsigned)(unsigned char)path[1],
                           path[1] ? path + 2 : "");
        else
            *out++ = *form;
    *out = '\0';
}

/* ---- asking -----------------------------------------------------------------------------------
 */

/* The request went in, or what it was refused with. */
enum { ADMITTED = 0 };

struct asked {
    const char *method, *target, *authorization, *x_api_key, *origin, *wants, *forwarded, *host;
    bool remote;
};

static unsigned ask(const struct asked *a, struct api_reply *reply)
{
    struct api_request request = {.method = a->method ? a->method : "GET",
                                  .target = a->target,
                                  .is_local = !a->remote,
                                  .headers = {[REQUEST_AUTHORIZATION] = a->authorization,
                                              [REQUEST_X_API_KEY] = a->x_api_key,
                                              [REQUEST_ORIGIN] = a->origin,
                                              [REQUEST_CORS_METHOD] = a->wants,
                                              [REQUEST_FORWARDED] = a->forwarded,
                                              [REQUEST_HOST] = a->host}};
    struct api_call *call = api_admit(&api, &request, 0, reply);

    api_end(call);
    return call ? ADMITTED : reply->http_status;
}

#define ASK(...) ask_status(&(const struct asked){__VA_ARGS__})
static unsigned ask_status(const struct asked *a)
{
    struct api_reply reply;
    unsigned status = ask(a, &reply);

    api_reply_fini(&reply);
    return status;
}

static bool is_refusal_of_access(unsigned status)
{
    return status == 401 || status == 403;
}

/* ---- keys -------------------------------------------------------------------------------------
 */

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
    strcpy(options.metrics_access, watching[_i].metrics_access);
    ck_assert_uint_eq(ASK(.target = "/metrics"), watching[_i].nobody);
    ck_assert_uint_eq(ASK(.target = "/metrics", .x_api_key = infer_key), watching[_i].infer);
    ck_assert_uint_eq(ASK(.target = "/metrics", .x_api_key = admin_key), watching[_i].admin);
    api.keys = NULL;
    ck_assert_uint_eq(ASK(.target = "/metrics"), ADMITTED);
    ck_assert_uint_eq(ASK(.target = "/metrics", .remote = true), _i == 2 ? 403 : ADMITTED);
    strcpy(options.metrics_access, "infer");
    api.keys = keys;
}
END_TEST

/* --health-route and --predict-route are asked for what the rows that they stand for are, though
 * they be one path, or one that others have. */
START_TEST(path_of_a_platform_has_the_access_of_its_row)
{
    static const char *const paths[] = {"/custom", "/v1/models"};

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        strcpy(options.health_route, paths[i]);
        strcpy(options.predict_route, paths[i]);
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

/* ---- pages ------------------------------------------------------------------------------------
 */

static void permit(const char *list)
{
    static struct origins origins;

    ck_assert(origins_read(list, &origins));
    api.origins = *list ? &origins : NULL;
}

/* The CORS headers of a reply that is not a preflight's. */
static void assert_readable(const struct asked *a, const char *origin, const char *vary)
{
    struct api_reply reply;

    ask(a, &reply);
    ck_assert_pstr_eq(reply.headers[REPLY_CORS_ORIGIN], origin);
    ck_assert_int_eq(reply.headers[REPLY_CORS_EXPOSE] != NULL, origin != NULL);
    ck_assert_pstr_eq(reply.headers[REPLY_VARY], vary);
    api_reply_fini(&reply);
}

START_TEST(page_of_an_origin_reads_answers_and_refusals)
{
    static const char site[] = "https://a.example";

    for (int with_keys = 0; with_keys < 2; with_keys++) {
        api.keys = with_keys ? keys : NULL;
        permit("https://a.example,http://localhost:3000");
        assert_readable(&(struct asked){.target = "/v1/models", .origin = site}, site, "Origin");
        assert_readable(&(struct asked){.target = "/nowhere", .origin = site}, site, "Origin");
        assert_readable(&(struct asked){.target = "/%", .origin = site}, site, "Origin");
        assert_readable(&(struct asked){.target = "/v1/models"}, NULL, "Origin");
        assert_readable(&(struct asked){.target = "/v1/models", .origin = "https://b.example"},
                        NULL, "Origin");
        assert_readable(&(struct asked){.target = "/v1/models", .origin = "null"}, NULL, "Origin");
        permit("*");
        assert_readable(&(struct asked){.target = "/v1/models", .origin = site}, "*", NULL);
        assert_readable(&(struct asked){.target = "/v1/models", .origin = "null"}, "*", NULL);
        assert_readable(&(struct asked){.target = "/v1/models"}, NULL, NULL);
        permit("");
        assert_readable(&(struct asked){.target = "/v1/models", .origin = site}, NULL, NULL);
    }
}
END_TEST

/* Each route, asked by a browser before its page asks: without a key, for it has none. */
START_TEST(preflight_needs_no_key_and_does_nothing)
{
    char path[200];
    struct api_request request = {.method = "OPTIONS",
                                  .headers[REQUEST_ORIGIN] = "https://a.example",
                                  .headers[REQUEST_CORS_METHOD] = "POST"};
    struct api_reply reply;

    path_of(routes[_i].template, path);
    request.target = path;
    permit("https://a.example");
    api_handle(&api, &request, &reply);
    ck_assert_uint_eq(reply.http_status, 204);
    ck_assert_uint_eq(reply.body.len, 0);
    ck_assert_ptr_null(reply.headers[REPLY_CONTENT_TYPE]);
    ck_assert_str_eq(reply.headers[REPLY_CORS_ORIGIN], "https://a.example");
    ck_assert_str_eq(reply.headers[REPLY_CORS_METHODS], reply.headers[REPLY_ALLOW]);
    ck_assert_ptr_nonnull(strstr(reply.headers[REPLY_CORS_METHODS], "OPTIONS"));
    ck_assert_ptr_nonnull(strstr(reply.headers[REPLY_CORS_HEADERS], "Authorization, X-API-Key"));
    ck_assert_str_eq(reply.headers[REPLY_CORS_MAX_AGE], "7200");
    api_reply_fini(&reply);
    request.headers[REQUEST_ORIGIN] = "https://b.example";
    api_handle(&api, &request, &reply);
    ck_assert_uint_eq(reply.http_status, routes[_i].access == PUBLIC ? 204 : 401);
    ck_assert_ptr_null(reply.headers[REPLY_CORS_METHODS]);
    api_reply_fini(&reply);
    permit("");
}
END_TEST

/* With a key a page may do what its key may; without keys it may not change the service. */
START_TEST(page_may_change_the_service_with_an_admin_key_alone)
{
    struct asked a = {
        .method = "POST", .target = "/v1/models/tiny:baseline", .origin = "https://a.example"};

    for (int any = 0; any < 2; any++) {
        const char *origin = any ? "*" : "https://a.example";

        permit(origin);
        a.x_api_key = admin_key;
        assert_readable(&a, origin, any ? NULL : "Origin");
        ck_assert_uint_eq(ask_status(&a), ADMITTED);
        a.x_api_key = infer_key;
        ck_assert_uint_eq(ask_status(&a), 403);
        api.keys = NULL;
        assert_readable(&a, NULL, any ? NULL : "Origin");
        ck_assert_uint_eq(ask_status(&a), 403);
        a.method = "OPTIONS";
        a.wants = "POST";
        assert_readable(&a, NULL, any ? NULL : "Origin");
        ck_assert_uint_eq(ask_status(&a), 403);
        a.method = "POST";
        api.keys = keys;
    }
    permit("");
}
END_TEST

/* --hosts keeps out pages of other sites, but those that are named. */
START_TEST(origin_that_is_named_passes_the_hosts)
{
    struct asked a = {.target = "/v1/models",
                      .host = "here.example",
                      .origin = "https://a.example",
                      .x_api_key = infer_key};

    strcpy(options.hosts, "here.example");
    ck_assert_uint_eq(ask_status(&a), 403);
    permit("https://a.example");
    ck_assert_uint_eq(ask_status(&a), ADMITTED);
    a.origin = "https://b.example";
    ck_assert_uint_eq(ask_status(&a), 403);
    a.origin = "https://a.example";
    a.host = "there.example";
    ck_assert_uint_eq(ask_status(&a), 421);
    *options.hosts = '\0';
    permit("");
}
END_TEST

START_TEST(options_tell_what_a_route_takes)
{
    struct api_request request = {.method = "OPTIONS",
                                  .target = "/v1/activations/relu?what=ever",
                                  .headers[REQUEST_X_API_KEY] = infer_key};
    struct api_reply reply;

    api_handle(&api, &request, &reply);
    ck_assert_uint_eq(reply.http_status, 204);
    ck_assert_str_eq(reply.headers[REPLY_ALLOW], "GET, HEAD, POST, OPTIONS");
    ck_assert_uint_eq(reply.body.len, 0);
    ck_assert_ptr_null(reply.headers[REPLY_CORS_METHODS]);
    api_reply_fini(&reply);
}
END_TEST

/* The reply headers that pages need not be told of: those that browsers show anyway, and those that
 * are for browsers. */
START_TEST(reply_header_is_exposed_or_needs_no_exposing)
{
    static const char *const others[] = {
#define REPLY_HEADER(id, name) name,
#include "api/headers.def"
    };
    static const char *const hidden =
        " Content-Type Cache-Control Vary Connection Content-Security-Policy "
        "X-Content-Type-Options Accept-Encoding Access-Control-Allow-Origin "
        "Access-Control-Expose-Headers Access-Control-Allow-Methods Access-Control-Allow-Headers "
        "Access-Control-Max-Age ";
    struct api_reply reply;
    char name[80];

    permit("*");
    ask(&(struct asked){.target = "/v1/models", .origin = "https://a.example"}, &reply);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(name, sizeof name, " %s ", others[i]);
        ck_assert_msg(strstr(hidden, name) || strstr(reply.headers[REPLY_CORS_EXPOSE], others[i]),
                      "%s", others[i]);
    }
    api_reply_fini(&reply);
    permit("");
}
END_TEST

static struct folder folder;

static void add_line(char *text, enum key_scope scope, const char *name, const char *secret)
{
    struct key_owner owner = {.scope = scope};

    strcpy(owner.name, name);
    key_write(text + strlen(text), 400, &owner, SALT, secret, strlen(secret));
}

static void start(void)
{
    const struct metrics_info info = {.version = "test",
                                      .revision = "test",
                                      .compiler = "test",
                                      .isa = "test",
                                      .route_label = api_route_label,
                                      .routes_count = API_ROUTE_OTHER,
                                      .window_s = 60};
    char text[800] = "", path[128];
    struct error error;
    size_t failed;

    log_init(LOG_LEVELS, false);
    options_defaults(&options);
    ck_assert_int_eq(metrics_init(&info), 0);
    folder = folder_create();
    add_line(text, KEY_INFER, "reader", infer_key);
    add_line(text, KEY_ADMIN, "keeper", admin_key);
    folder_text(&folder, "keys", text);
    snprintf(path, sizeof path, "%s/keys", folder.path);
    api.keys = keys = keys_open(path, &error);
    ck_assert_msg(keys != NULL, "%s", error.detail);
    api.repository = repository_open("tests/api/models", &options, NULL, &failed, &error);
    ck_assert_msg(api.repository != NULL, "%s", error.detail);
}

static void stop(void)
{
    keys_close(keys);
    folder_remove(&folder, "");
    repository_close(api.repository);
    metrics_fini();
}

int main(void)
{
    Suite *suite = suite_create("access");
    TCase *tc = suite_case(suite, "keys"), *pages = suite_case(suite, "pages");

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
    tcase_add_checked_fixture(pages, start, stop);
    tcase_add_test(pages, page_of_an_origin_reads_answers_and_refusals);
    tcase_add_loop_test(pages, preflight_needs_no_key_and_does_nothing, 0, ROUTES);
    tcase_add_test(pages, page_may_change_the_service_with_an_admin_key_alone);
    tcase_add_test(pages, origin_that_is_named_passes_the_hosts);
    tcase_add_test(pages, options_tell_what_a_route_takes);
    tcase_add_test(pages, reply_header_is_exposed_or_needs_no_exposing);
    return suite_run(suite);
}
