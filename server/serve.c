/* serve.c - start, reload, drain and stop, in this order and each in one place.
 *
 * Invariant: what is opened is closed in the reverse order, also when a later step fails, so that a
 * stopped service has leaked nothing. */
#include <axon/cpu.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "api/api.h"
#include "base/clock.h"
#include "http/http.h"
#include "base/ip.h"
#include "base/origins.h"
#include "keys/keys.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include "infer/batch.h"
#include "model/loader.h"
#include "model/repository.h"
#include "serve.h"
#include "start.h"
#include "base/threads.h"
#include "version.h"

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

static int metrics_start(const struct options *options)
{
    return metrics_init(&(struct metrics_info){
        .version = AXOND_VERSION,
        .revision = AXOND_REVISION,
        .compiler = COMPILER,
        .isa = axon_isa_name(),
        .route_label = api_route_label,
        .route_takes = api_route_takes,
        .routes_count = API_ROUTE_OTHER,
        .window_s = options->neuron_window,
    });
}

static void log_unknown_variables(void)
{
    char text[256];

    for (size_t next = 0; options_unknown_variable(environ, &next, text, sizeof text);)
        log_event(LOG_WARN, "unknown_variable", LOG_S("variable", text));
}

/* A container whose platform has set them serves where no AXOND_... variable says. */
static void log_platform(void)
{
    struct platform_variable v;

    for (size_t next = 0; options_platform_variable(environ, &next, &v);)
        if (v.ignored)
            log_event(LOG_INFO, "platform_variable_ignored", LOG_S("variable", v.name),
                      LOG_S("value", v.value), LOG_S("instead", v.option));
        else
            log_event(LOG_INFO, "platform_variable", LOG_S("variable", v.name),
                      LOG_S("value", v.value), LOG_S("option", v.option));
}

static void stop_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
}

static atomic_bool stopping; /* the signal that ends the service was taken */

/* Many models take long to load, and a drain must not wait for them. */
static bool stop_is_asked(void)
{
    sigset_t pending;

    if (atomic_load(&stopping))
        return true;
    sigpending(&pending);
    return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1;
}

/* The options as they would be after a restart; only the log level changes without one. */
static void reread_options(const struct options *options, int argc, char **argv)
{
    static struct options now;
    enum log_level level;
    struct command_line line;
    struct error error;
    const char *id;

    if (options_read(&now, &line, argc, argv, environ, &error) != OPTIONS_OK ||
        start_models(&now, &error) != 0) {
        log_event(LOG_ERROR, "options_not_reread", LOG_S("error", error.detail));
        return;
    }
    level = log_level_find(now.log_level);
    if (level != log_level()) { /* POST /v2/logging changes it, too */
        log_level_set(level);
        log_event(level, "log_level", LOG_S("level_now", now.log_level));
    }
    for (size_t next = 0; options_difference(options, &now, &next, &id);)
        if (strcmp(id, "log_level") != 0)
            log_event(LOG_WARN, "option_needs_restart", LOG_S("option", id));
}

/* Ready is told once, as soon as the service is of use: a repository whose models all failed serves
 * nobody, until a reload finds one that loads. */
static void log_readiness(struct repository *repository, size_t failed, double started_s)
{
    static bool told;

    if (told)
        return;
    told = repository_serves(repository);
    if (told)
        log_event(LOG_INFO, "ready", LOG_F("seconds", clock_s() - started_s));
    else
        log_event(LOG_ERROR, "not_ready",
                  LOG_S("reason", "no model of the repository serves; model_load_failed and "
                                  "GET /v1/models tell why"),
                  LOG_U("versions_failed", failed));
}

/* For the loader. */
struct reload {
    struct repository *repository;
    double started_s;
};

static void reload(void *context)
{
    const struct reload *r = context;
    int failed = repository_reload(r->repository, stop_is_asked);

    log_readiness(r->repository, failed > 0 ? (size_t)failed : 0, r->started_s);
}

/* ---- keys ---- */

static void log_keys(const struct options *options, struct keys *keys)
{
    char warning[KEYS_WARNING_MAX];

    log_event(LOG_INFO, "keys", LOG_S("file", options->keys),
              LOG_U("infer", keys_count(keys, KEY_INFER)),
              LOG_U("admin", keys_count(keys, KEY_ADMIN)));
    keys_warning(keys, warning);
    if (*warning)
        log_event(LOG_WARN, "keys_file_open", LOG_S("file", options->keys),
                  LOG_S("reason", warning));
}

/* Who may ask: keys and origins. OPTIONS_OK, or OPTIONS_CONFIG and error. */
static int open_access(struct api *api, struct error *error)
{
    static struct origins origins;
    const struct options *options = api->options;

    if (origins_read(options->cors_origin, &origins) && (origins.any || origins.count > 0))
        api->origins = &origins;
    if (!*options->keys)
        return OPTIONS_OK;
    api->keys = keys_open(options->keys, error);
    if (!api->keys) {
        error_set(error, error->id, "keys: %s", error->detail);
        return OPTIONS_CONFIG;
    }
    log_keys(options, api->keys);
    return OPTIONS_OK;
}

static void reload_keys(const struct options *options, struct keys *keys)
{
    struct error error;

    if (!keys)
        return;
    if (keys_reload(keys, &error) == ERROR_OK)
        log_keys(options, keys);
    else
        log_event(LOG_ERROR, "keys_not_reread", LOG_S("error", error.detail));
}

/* Returns the signal that ends the service. */
static int wait_for_stop(const struct api *api, struct loader *loader, int argc, char **argv)
{
    sigset_t set;
    int signal_number;

    stop_signals(&set);
    sigaddset(&set, SIGHUP);
    for (;;) {
        if (sigwait(&set, &signal_number) != 0)
            continue;
        if (signal_number != SIGHUP) {
            atomic_store(&stopping, true);
            return signal_number;
        }
        reread_options(api->options, argc, argv);
        reload_keys(api->options, api->keys);
        loader_ask(loader);
    }
}

static volatile int cut_now;

static void cut(int signal_number)
{
    (void)signal_number;
    cut_now = 1;
}

/* From now on a second SIGTERM sets cut_now. This thread alone takes the signal, and it is the one
 * that drains and reads cut_now: no data race, and the drain's sleep is cut short as well. */
static void let_second_signal_cut(void)
{
    static const int stops[] = {SIGTERM, SIGINT};
    struct sigaction action = {.sa_handler = cut};
    sigset_t set;

    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        sigaction(stops[i], &action, NULL);
    stop_signals(&set);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Readiness turns false first, so that balancers look elsewhere while everything still answers. */
static void drain(struct api *api, struct http *http, int signal_number)
{
    const struct options *options = api->options;
    double began_s = clock_s();
    sigset_t set;
    struct timespec lame_duck = {.tv_sec = (time_t)options->lame_duck};

    lame_duck.tv_nsec = (long)((options->lame_duck - (double)lame_duck.tv_sec) * 1e9);
    log_event(LOG_INFO, "draining", LOG_S("signal", strsignal(signal_number)));
    atomic_store(&api->draining, true);
    stop_signals(&set);
    if (options->lame_duck > 0)
        sigtimedwait(&set, NULL, &lame_duck);
    let_second_signal_cut();
    size_t connections = http_drain(http, &cut_now);
    log_event(connections ? LOG_WARN : LOG_INFO, "drained", LOG_U("connections_cut", connections),
              LOG_F("seconds", clock_s() - began_s));
}

/* Which folder was taken is not obvious when none was named, nor that there is none. */
static void log_repository(const char *folder, struct repository *repository, size_t failed)
{
    const struct repository_snapshot *s = repository_acquire(repository);
    size_t models = s->entries_count;

    repository_release(repository, s);
    log_event(models > 0 ? LOG_INFO : LOG_WARN, "repository",
              LOG_S("folder", *folder ? folder : "none"), LOG_U("models", models),
              LOG_U("versions_failed", failed));
}

/* Without keys any site's page may use the service through the browser that shows it, wherever it
 * listens. */
static void warn_if_open_to_pages(const struct api *api)
{
    if (api->origins && api->origins->any && !api->keys)
        log_event(LOG_WARN, "open_to_pages",
                  LOG_S("reason", "every page in a browser that reaches this address may ask "
                                  "(cors_origin), since there are no keys"));
}

/* Whoever reaches the address may ask, and so may the pages that they look at. */
static void warn_if_open(const struct api *api)
{
    const struct options *options = api->options;
    struct listen_address listen;
    struct networks loopback;
    struct ip ip;

    warn_if_open_to_pages(api);
    if (*options->hosts || *options->keys || !options_listen(options->listen, &listen) ||
        !networks_read("127.0.0.0/8,::1", &loopback) ||
        (ip_read(listen.host, strlen(listen.host), &ip) && networks_hold(&loopback, &ip)))
        return;
    log_event(LOG_WARN, "open_to_the_network", LOG_S("listen", options->listen),
              LOG_S("reason", "everybody who reaches this address may ask, since there are no keys "
                              "(--keys); --hosts at least keeps pages of other sites out"));
}

int serve(const struct options *options, int argc, char **argv, double started_s)
{
    size_t failed = 0;
    struct error error = {ERROR_OUT_OF_MEMORY, "out of memory"};
    struct memory memory = {.max = options->bodies_bytes_max};
    struct api api = {.options = options, .memory = &memory};
    struct http *http = NULL;
    struct reload again = {.started_s = started_s};
    unsigned threads = options->threads ? (unsigned)options->threads : threads_count();
    int status = 1;

    if (metrics_start(options) != 0)
        goto out;
    log_event(LOG_INFO, "kernels", LOG_S("isa", axon_isa_name()));
    log_unknown_variables();
    log_platform();
    if ((status = open_access(&api, &error)) != OPTIONS_OK)
        goto out;
    status = 1;
    api.repository = repository_open(options->models, options, stop_is_asked, &failed, &error);
    if (!api.repository) {
        error_set(&error, error.id, "models: %s", error.detail);
        status = stop_is_asked() ? 0 : 1;
        if (status == 0)
            log_event(LOG_INFO, "start_given_up", LOG_S("reason", error.detail));
        goto out;
    }
    log_repository(options->models, api.repository, failed);
    api.pool = pool_start(threads, options->inline_us_max, options->work_elements_max);
    if (!api.pool) {
        error_set(&error, ERROR_NOT_READY, "cannot start %u workers", threads);
        goto out;
    }
    again.repository = api.repository;
    api.loader = loader_start(reload, &again);
    if (!api.loader) {
        error_set(&error, ERROR_NOT_READY, "cannot start the loader's thread");
        goto out;
    }
    http = http_start(&api, options, threads, &error);
    if (!http)
        goto out;
    log_event(LOG_INFO, "listening", LOG_S("address", http_address(http)),
              LOG_U("threads", threads));
    warn_if_open(&api);
    log_readiness(api.repository, failed, started_s);
    drain(&api, http, wait_for_stop(&api, api.loader, argc, argv));
    status = 0;
out:
    if (status != 0)
        log_event(LOG_ERROR, "start_failed", LOG_S("error", error.detail));
    http_destroy(http);
    loader_stop(api.loader);
    pool_stop(api.pool);
    repository_close(api.repository);
    keys_close(api.keys);
    metrics_fini();
    if (status == 0)
        log_event(LOG_INFO, "stopped", LOG_F("uptime_seconds", clock_s() - started_s));
    return status;
}
