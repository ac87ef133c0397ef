/* test_server_cors.c - whose pages may ask: what browsers are told before and with a reply, and
 * that a page changes nothing without a key. */
#include "access.h"

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

    set(options.hosts, "here.example");
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

int main(void)
{
    Suite *suite = suite_create("cors");
    TCase *tc = suite_case(suite, "pages");

    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, page_of_an_origin_reads_answers_and_refusals);
    tcase_add_loop_test(tc, preflight_needs_no_key_and_does_nothing, 0, ROUTES);
    tcase_add_test(tc, page_may_change_the_service_with_an_admin_key_alone);
    tcase_add_test(tc, origin_that_is_named_passes_the_hosts);
    tcase_add_test(tc, options_tell_what_a_route_takes);
    tcase_add_test(tc, reply_header_is_exposed_or_needs_no_exposing);
    return suite_run(suite);
}
