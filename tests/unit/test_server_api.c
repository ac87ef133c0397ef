/* test_server_api.c - every folder of tests/api: the request is handed to api_handle(), the reply
 * compared.
 *
 * Adding a case adds no code: see tests/api/README.md. */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <axon/activation.h>
#include "api/api.h"
#include "base/clock.h"
#include "base/log.h"
#include "infer/blas.h"
#include "metrics/metrics.h"
#include "model/repository.h"
#include "starve.h"
#include "feed.h"
#include "starved.h"
#include "suite.h"

static glob_t cases;
static struct options options;
static struct api api = {.options = &options};

static char *read_text(const char *folder, const char *name)
{
    char path[512];
    struct buf text;
    FILE *file;
    size_t n;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s: not there", path);
    buf_init(&text, 0);
    do {
        char *room = buf_reserve(&text, 4096);

        ck_assert_ptr_nonnull(room);
        n = fread(room, 1, 4096, file);
        text.len += n;
    } while (n > 0);
    fclose(file);
    buf_append(&text, "", 1);
    return text.data;
}

/* Cut the head (first line, "Name: value" lines, empty line) off text, which becomes the body. */
struct head {
    char *first, *lines[8], *body;
    size_t lines_count;
};

static struct head split(char *text)
{
    struct head head = {.first = strsep(&text, "\n")};

    for (char *line; text && (line = strsep(&text, "\n")) != NULL && *line;)
        head.lines[head.lines_count++] = line;
    head.body = text ? text : "";
    return head;
}

static const char *header_of(const struct head *head, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < head->lines_count; i++)
        if (strncmp(head->lines[i], name, length) == 0 && head->lines[i][length] == ':')
            return head->lines[i] + length + 2;
    return NULL;
}

static const char *const request_names[] = {
#define REQUEST_HEADER(id, name, use) name,
#include "api/headers.def"
};
static const char *const reply_names[] = {
#define REPLY_HEADER(id, name) name,
#include "api/headers.def"
};

/* Those that are written down are there, and but for what most replies have no others. */
static void assert_headers(const char *folder, const struct head *want,
                           const struct api_reply *reply)
{
    for (enum reply_header h = 0; h < REPLY_HEADERS; h++) {
        const char *written = header_of(want, reply_names[h]), *got = reply->headers[h];
        bool usual = h == REPLY_CONTENT_TYPE || h == REPLY_SERVER_TIMING ||
                     h == REPLY_RETRY_AFTER || h == REPLY_ETAG;

        if (written || !usual)
            ck_assert_msg(written ? got && strcmp(written, got) == 0 : !got, "%s: %s: %s", folder,
                          reply_names[h], got ? got : "not there");
    }
}

/* Where OpenBLAS has chosen kernels that do not suit this CPU, every reply that it had a part in
 * says so: that is this machine's, and no case's. */
static void forget_kernels(char *body)
{
    const char *warning = blas_warning();
    char member[512], *at;
    size_t length;

    if (!warning)
        return;
    length = (size_t)snprintf(member, sizeof member, ",\"warnings\":[\"%s\"]", warning);
    ck_assert_uint_lt(length, sizeof member);
    at = strstr(body, member);
    if (at)
        memmove(at, at + length, strlen(at + length) + 1);
}

/* want ends with "..." where the rest does not matter. */
static void assert_body(const char *folder, const char *want, const char *got)
{
    size_t length = strlen(want);

    if (length >= 3 && strcmp(want + length - 3, "...") == 0)
        ck_assert_msg(strncmp(want, got, length - 3) == 0, "%s:\n  want %s\n  got  %.1000s", folder,
                      want, got);
    else
        ck_assert_msg(strcmp(want, got) == 0, "%s:\n  want %s\n  got  %.1000s", folder, want, got);
}

/* As the network does it: the body in pieces of `piece` bytes. */
static void answer_in_pieces(const struct api_request *request, size_t piece,
                             struct api_reply *reply)
{
    struct api_request headers = *request;
    struct api_call *call;

    headers.body = NULL;
    call = api_admit(&api, &headers, request->body_bytes, reply);
    if (!call)
        return;
    feed(call, request->body, request->body_bytes, piece);
    ck_assert(!api_run(call, request->received_ns));
    api_end(call);
}

/* Replies that vary from one to the next. */
static bool varies(const char *target)
{
    return strncmp(target, "/metrics", 8) == 0;
}

static void answer(const struct head *head, struct api_reply *reply)
{
    char *target = head->first, *method = strsep(&target, " ");
    struct api_request request = {.method = method,
                                  .target = target,
                                  .is_local = true,
                                  .body = head->body,
                                  .body_bytes = strlen(head->body),
                                  .received_ns = clock_ns()};
    static const size_t pieces[] = {1, 7, SIZE_MAX};
    struct api_reply again;

    for (enum request_header h = 0; h < REQUEST_HEADERS; h++)
        request.headers[h] = header_of(head, request_names[h]);
    api_handle(&api, &request, reply);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        answer_in_pieces(&request, pieces[i], &again);
        ck_assert_uint_eq(again.http_status, reply->http_status);
        ck_assert_uint_eq(again.route, reply->route);
        if (!varies(target))
            ck_assert_uint_eq(again.body.len, reply->body.len);
        if (!varies(target) && reply->body.len > 0) /* a 304 has none */
            ck_assert_mem_eq(again.body.data, reply->body.data, reply->body.len);
        api_reply_fini(&again);
    }
}

START_TEST(reply_is_as_written_down)
{
    const char *folder = cases.gl_pathv[_i];
    char *request_text = read_text(folder, "request"), *reply_text = read_text(folder, "reply");
    struct head request = split(request_text), want = split(reply_text);
    struct api_reply reply;

    answer(&request, &reply);
    if (*want.body)
        want.body[strlen(want.body) - 1] = '\0'; /* the file's last newline */
    buf_append(&reply.body, "", 1);
    forget_kernels(reply.body.data);
    assert_body(folder, want.body, reply.body.data);
    ck_assert_msg(reply.http_status == strtoul(want.first, NULL, 10), "%s: want %s, got %u", folder,
                  want.first, reply.http_status);
    assert_headers(folder, &want, &reply);
    ck_assert_pstr_eq(reply.headers[REPLY_RETRY_AFTER], reply.http_status == 503 ? "1" : NULL);
    api_reply_fini(&reply);
    free(request_text);
    free(reply_text);
}
END_TEST

START_TEST(readiness_turns_false_when_draining)
{
    struct api_request request = {.method = "GET", .target = "/v2/health/ready", .body = ""};
    struct api_reply reply;

    api.draining = true;
    api_handle(&api, &request, &reply);
    ck_assert_uint_eq(reply.http_status, 503);
    api_reply_fini(&reply);
    request.target = "/v2/health/live";
    api_handle(&api, &request, &reply);
    ck_assert_uint_eq(reply.http_status, 200);
    api_reply_fini(&reply);
    api.draining = false;
}
END_TEST

START_TEST(who_runs_the_service_is_on_its_machine)
{
    struct api_request request = {.method = "POST",
                                  .target = "/v1/models/tiny:baseline",
                                  .body = "{}",
                                  .body_bytes = 2,
                                  .received_ns = clock_ns()};
    struct api_reply reply;

    for (int is_local = 0; is_local < 2; is_local++) {
        request.is_local = is_local;
        api_handle(&api, &request, &reply);
        ck_assert_uint_eq(reply.http_status, is_local ? 409 : 403);
        api_reply_fini(&reply);
    }
}
END_TEST

static void predict(const char *body, struct api_reply *reply)
{
    struct api_request request = {.method = "POST",
                                  .target = "/v1/models/tiny:predict",
                                  .body = body,
                                  .body_bytes = strlen(body),
                                  .received_ns = clock_ns()};

    api_handle(&api, &request, reply);
}

START_TEST(limits_are_refused_by_name_and_number)
{
    struct api_reply reply;

    options.rows_max = 1;
    predict("{\"instances\": [[1, 2], [3, 4]]}", &reply);
    ck_assert_uint_eq(reply.http_status, 400);
    ck_assert_ptr_nonnull(strstr(reply.body.data, "2 rows, at most 1 (rows_max)"));
    api_reply_fini(&reply);
    options.rows_max = 65536;
    options.elements_max = 3;
    predict("{\"instances\": [[1, 2], [3, 4]]}", &reply);
    ck_assert_uint_eq(reply.http_status, 400);
    ck_assert_ptr_nonnull(strstr(reply.body.data, "elements_max"));
    api_reply_fini(&reply);
    options.elements_max = 100;
    options.classes_max = 3;
    predict("{\"instances\": [[1, 2], [3, 4]], \"top_k\": 2}", &reply);
    ck_assert_uint_eq(reply.http_status, 400);
    ck_assert_ptr_nonnull(
        strstr(reply.body.data, "2 rows of 2 classes are more than 3 (classes_max)"));
    api_reply_fini(&reply);
    options_defaults(&options);
}
END_TEST

START_TEST(deadline_that_has_passed_is_504)
{
    struct api_request request = {.method = "POST", .target = "/v1/models/tiny:predict"};
    struct api_reply reply;

    request.body = "{\"instances\": [[1, 2]]}";
    request.body_bytes = strlen(request.body);
    request.received_ns = clock_ns() - 31 * UINT64_C(1000000000);
    api_handle(&api, &request, &reply);
    ck_assert_uint_eq(reply.http_status, 504);
    api_reply_fini(&reply);
}
END_TEST

/* Every allocation of a request fails in turn: what comes out is the whole answer or a 503, and
 * nothing stays behind. */
START_TEST(request_without_memory_is_503_and_leaves_nothing)
{
    struct api_request request = starved[_i];
    struct api_reply whole, reply;
    long live;

    if (!STARVE_WORKS)
        return;
    request.body = request.body ? request.body : "";
    if (request.body_bytes == 0)
        request.body_bytes = strlen(request.body);
    request.received_ns = clock_ns();
    api_handle(&api, &request, &whole);
    for (long n = 1; n < 10000; n++) {
        live = starve_live;
        starve_countdown = n;
        api_handle(&api, &request, &reply);
        bool starving = starve_countdown == 0;
        starve_countdown = 0;
        if (reply.http_status != whole.http_status) {
            ck_assert_uint_eq(reply.http_status, 503);
            ck_assert_str_eq(reply.headers[REPLY_CONTENT_TYPE], "application/json");
            if (reply.body.data) /* not even the error's text may have found room */
                ck_assert_ptr_nonnull(strstr(reply.body.data, "out_of_memory"));
        } else if (strcmp(request.target, "/metrics") != 0) {
            ck_assert_uint_eq(reply.body.len, whole.body.len);
        }
        api_reply_fini(&reply);
        ck_assert_int_eq(starve_live, live);
        if (!starving)
            break;
    }
    api_reply_fini(&whole);
}
END_TEST

START_TEST(body_longer_than_declared_limit_is_413_before_it_is_read)
{
    struct api_request request = {.method = "POST", .target = "/v1/models/tiny:predict"};
    struct api_reply reply;
    struct api_call *call;

    ck_assert_ptr_null(api_admit(&api, &request, options.body_bytes_max + 1, &reply));
    ck_assert_uint_eq(reply.http_status, 413);
    api_reply_fini(&reply);
    for (int i = 0; i < 2; i++) {
        call = api_admit(&api, &request, i ? API_BODY_UNKNOWN : options.body_bytes_max, &reply);
        ck_assert_ptr_nonnull(call);
        ck_assert_uint_eq(api_call_bytes(call), 0);
        api_end(call);
        api_reply_fini(&reply);
    }
}
END_TEST

START_TEST(what_is_not_there_is_refused_before_the_body_is_read)
{
    static const struct {
        const char *target;
        unsigned status;
        const char *code;
    } missing[] = {
        {"/v1/models/nope:predict", 404, "unknown_model"},
        {"/v1/models/tiny/versions/9:predict", 404, "unknown_version"},
        {"/v1/models/tiny/labels/nope:predict", 404, "unknown_version"},
        {"/v1/models/broken:predict", 503, "not_ready"},
        {"/v1/activations/nope", 404, "unknown_activation"},
        {"/v1/losses/nope", 404, "unknown_loss"},
    };

    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        struct api_request request = {
            .method = "POST", .target = missing[i].target, .received_ns = clock_ns()};
        struct api_reply reply;

        ck_assert_ptr_null(api_admit(&api, &request, API_BODY_UNKNOWN, &reply));
        ck_assert_uint_eq(reply.http_status, missing[i].status);
        ck_assert_ptr_nonnull(strstr(reply.body.data, missing[i].code));
        ck_assert_uint_ne(reply.route, API_ROUTE_OTHER);
        api_reply_fini(&reply);
    }
}
END_TEST

/* Tensors are held as such and their text is not; what is not read is not held. */
START_TEST(call_holds_what_it_has_read)
{
    static const struct {
        const char *method, *target, *type, *body;
        size_t least, most;
    } held[] = {
        {"POST", "/v1/models/tiny:predict", NULL, "{\"instances\": [[1, 2], [3, 4]", 16, 2000},
        {"POST", "/v1/models/tiny:predict", NULL, "{\"instances\": [[1, 2], [3, x]", 0, 0},
        {"POST", "/v1/models/tiny:predict", NULL, "                              ", 0, 0},
        {"POST", "/v1/activations/relu", "application/x-npy", "\x93NUMPY", 6, 1000},
        {"GET", "/v1/activations/relu", NULL, "{\"data\": [[1, 2], [3, 4]", 0, 0},
    };

    for (size_t i = 0; i < sizeof held / sizeof *held; i++) {
        struct api_request request = {.method = held[i].method,
                                      .target = held[i].target,
                                      .headers[REQUEST_CONTENT_TYPE] = held[i].type};
        struct api_reply reply;
        struct api_call *call = api_admit(&api, &request, API_BODY_UNKNOWN, &reply);

        ck_assert_ptr_nonnull(call);
        feed(call, held[i].body, strlen(held[i].body), SIZE_MAX);
        ck_assert_msg(api_call_bytes(call) >= held[i].least && api_call_bytes(call) <= held[i].most,
                      "%s: %zu", held[i].body, api_call_bytes(call));
        api_end(call);
        api_reply_fini(&reply);
    }
}
END_TEST

static void start(void)
{
    size_t failed;
    struct error error;
    const struct metrics_info info = {.version = "test",
                                      .revision = "test",
                                      .compiler = "test",
                                      .isa = "test",
                                      .route_label = api_route_label,
                                      .routes_count = API_ROUTE_OTHER,
                                      .window_s = 60};

    log_init(LOG_LEVELS, false); /* what fails to load here fails on purpose */
    options_defaults(&options);
    ck_assert_int_eq(metrics_init(&info), 0);
    snprintf(options.model_name, sizeof options.model_name, "tiny");
    api.repository = repository_open("tests/api/models", &options, NULL, &failed, &error);
    ck_assert_msg(api.repository != NULL, "%s", error.detail);
    ck_assert_uint_eq(failed, 1);
}

static void stop(void)
{
    repository_close(api.repository);
    metrics_fini();
}

int main(void)
{
    Suite *suite = suite_create("api");
    TCase *tc = tcase_create("cases");
    int status;

    if (glob("tests/api/*/request", 0, NULL, &cases) != 0)
        return EXIT_FAILURE;
    for (size_t i = 0; i < cases.gl_pathc; i++)
        *strrchr(cases.gl_pathv[i], '/') = '\0';
    tcase_set_timeout(tc, SUITE_TIMEOUT_S);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_loop_test(tc, reply_is_as_written_down, 0, (int)cases.gl_pathc);
    tcase_add_test(tc, readiness_turns_false_when_draining);
    tcase_add_test(tc, who_runs_the_service_is_on_its_machine);
    tcase_add_test(tc, limits_are_refused_by_name_and_number);
    tcase_add_test(tc, deadline_that_has_passed_is_504);
    tcase_add_loop_test(tc, request_without_memory_is_503_and_leaves_nothing, 0,
                        sizeof starved / sizeof *starved);
    tcase_add_test(tc, body_longer_than_declared_limit_is_413_before_it_is_read);
    tcase_add_test(tc, what_is_not_there_is_refused_before_the_body_is_read);
    tcase_add_test(tc, call_holds_what_it_has_read);
    suite_add_tcase(suite, tc);
    status = suite_run(suite);
    globfree(&cases);
    return status;
}
