/* access.h - for tests of who may ask: a service with two keys and the models of tests/api, the
 * routes of routes.def with their access, and a request's headers without a body. */
#ifndef ACCESS_H
#define ACCESS_H

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

/* A text of the options. */
static inline void set(char option[static OPTION_TEXT_MAX], const char *text)
{
    snprintf(option, OPTION_TEXT_MAX, "%s", text);
}

/* ---- the routes ---------------------------------------------------------------------- */

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
static inline void path_of(const char *template, char out[static 200])
{
    for (const char *t = template; *t; t++) {
        if (*t == '{') {
            out = mempcpy(out, "tiny", strlen("tiny"));
            t = strchr(t, '}');
        } else {
            *out++ = *t;
        }
    }
    *out = '\0';
}

/* ---- asking -------------------------------------------------------------------------- */

/* The request went in, or what it was refused with. */
enum { ADMITTED = 0 };

struct asked {
    const char *method, *target, *authorization, *x_api_key, *origin, *wants, *forwarded, *host;
    bool remote;
};

static inline unsigned ask(const struct asked *a, struct api_reply *reply)
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
static inline unsigned ask_status(const struct asked *a)
{
    struct api_reply reply;
    unsigned status = ask(a, &reply);

    api_reply_fini(&reply);
    return status;
}

/* ---- the service ---------------------------------------------------------------------- */

static struct folder folder;

static inline void add_line(char *text, enum key_scope scope, const char *name, const char *secret)
{
    struct key_owner owner = {.scope = scope};

    snprintf(owner.name, sizeof owner.name, "%s", name);
    key_write(text + strlen(text), 400, &owner, SALT, secret, strlen(secret));
}

static inline void start(void)
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

static inline void stop(void)
{
    keys_close(keys);
    folder_remove(&folder, "");
    repository_close(api.repository);
    metrics_fini();
}

#endif
