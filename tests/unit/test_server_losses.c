/* test_server_losses.c - /v1/losses with .npy bodies: arrays one after another in and out, options
 * in the query. JSON is in tests/api. */
#include <math.h>
#include <string.h>
#include "api/api.h"
#include "base/clock.h"
#include "tensor/npy.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include "suite.h"

static struct options options;
static struct api api = {.options = &options};
static struct buf body;
static struct api_reply reply;

static void add(const float *values, size_t rank, const size_t *shape)
{
    npy_write(&body, values, rank, shape);
}

static void post(const char *target)
{
    struct api_request request = {.method = "POST",
                                  .target = target,
                                  .headers[REQUEST_CONTENT_TYPE] = "application/x-npy",
                                  .body = body.data,
                                  .body_bytes = body.len,
                                  .received_ns = clock_ns()};

    api_handle(&api, &request, &reply);
}

static void refused(const char *target, const char *part)
{
    post(target);
    buf_append(&reply.body, "", 1);
    ck_assert_uint_eq(reply.http_status, 400);
    ck_assert_msg(strstr(reply.body.data, part) != NULL, "%s", reply.body.data);
    api_reply_fini(&reply);
}

/* The next array of the reply has this shape; its values are new. */
static struct tensor next(const char **at, size_t *left, size_t rank, const size_t *shape)
{
    const struct tensor_limits limits = {.rank_max = 8, .elements_max = 100};
    struct tensor t;
    struct error error;

    ck_assert_int_eq(npy_read_next(&t, "body", at, left, &limits, &error), ERROR_OK);
    ck_assert_uint_eq(t.rank, rank);
    if (rank > 0)
        ck_assert_mem_eq(t.shape, shape, rank * sizeof *shape);
    return t;
}

/* The reply is loss, per_row and gradient, and that is all of it. */
static void answered(const char *target, double loss, size_t rows, double first, size_t rank,
                     const size_t *shape, double slope)
{
    const char *at;
    size_t left;
    struct tensor t[3];

    post(target);
    ck_assert_uint_eq(reply.http_status, 200);
    ck_assert_str_eq(reply.headers[REPLY_CONTENT_TYPE], "application/x-npy");
    at = reply.body.data;
    left = reply.body.len;
    t[0] = next(&at, &left, 0, NULL);
    t[1] = next(&at, &left, 1, &rows);
    t[2] = next(&at, &left, rank, shape);
    ck_assert_uint_eq(left, 0);
    ck_assert_near(t[0].data[0], loss, 1e-6);
    ck_assert_near(t[1].data[0], first, 1e-6);
    ck_assert_near(t[2].data[0], slope, 1e-6);
    for (size_t i = 0; i < 3; i++)
        tensor_fini(&t[i]);
    api_reply_fini(&reply);
}

static const float zeros[4] = {0}, labels[] = {0, 1};
static const size_t two_by_two[] = {2, 2}, two[] = {2};

START_TEST(arrays_come_and_go_one_after_another)
{
    const double ln2 = 0.6931471805599453;

    add(zeros, 2, two_by_two);
    add(labels, 1, two);
    answered("/v1/losses/cross_entropy", ln2, 2, ln2, 2, two_by_two, -0.25);
    answered("/v1/losses/cross_entropy?weight=1,3&reduction=sum", 4 * ln2, 2, ln2, 2, two_by_two,
             -0.5);
    answered("/v1/losses/cross_entropy?weight=1,3&ignore_index=1", ln2, 2, ln2, 2, two_by_two,
             -0.5);
}
END_TEST

START_TEST(the_first_array_is_probabilities_if_the_query_says_so)
{
    static const float p[] = {0.25f, 0.5f}, y[] = {1, 1};

    add(p, 1, two);
    add(y, 1, two);
    answered("/v1/losses/bce?from_logits=false&reduction=sum", log(8.0), 2, log(4.0), 1, two, -4);
}
END_TEST

START_TEST(variances_come_last)
{
    static const float x[] = {2, 1}, y[] = {0, 1}, v[] = {4, 1};

    add(x, 1, two);
    add(y, 1, two);
    refused("/v1/losses/gaussian_nll", "body: 2 arrays, gaussian_nll takes 3");
    add(v, 1, two);
    answered("/v1/losses/gaussian_nll?reduction=sum", (log(4.0) + 1) / 2, 2, (log(4.0) + 1) / 2, 1,
             two, 0.5);
    refused("/v1/losses/mse", "bytes after the last of 2 arrays");
}
END_TEST

START_TEST(nan_passes_untouched)
{
    static const float x[] = {NAN, 1};
    const char *at;
    size_t left;
    struct tensor t;

    add(x, 1, two);
    add(zeros, 1, two);
    post("/v1/losses/mse");
    ck_assert_uint_eq(reply.http_status, 200);
    at = reply.body.data;
    left = reply.body.len;
    t = next(&at, &left, 0, NULL);
    ck_assert(isnan(t.data[0]));
    tensor_fini(&t);
    api_reply_fini(&reply);
}
END_TEST

START_TEST(a_body_cut_at_any_byte_is_refused)
{
    size_t whole;

    add(zeros, 2, two_by_two);
    add(labels, 1, two);
    whole = body.len;
    for (body.len = 0; body.len < whole; body.len++)
        refused("/v1/losses/nll", "\"error\"");
}
END_TEST

START_TEST(what_the_query_may_not_say)
{
    add(zeros, 2, two_by_two);
    add(labels, 1, two);
    refused("/v1/losses/nll?labels=0,1", "query: unknown parameter 'labels'");
    refused("/v1/losses/nll?weight=", "weight");
    refused("/v1/losses/nll?weight=1,2,3", "weight: 3 values, predictions have 2 classes");
    refused("/v1/losses/nll?weight=1,-2", "weight[1]: -2 is below 0");
    refused("/v1/losses/nll?weight=1],[2", "query: weight");
    refused("/v1/losses/nll?ignore_index=", "ignore_index: expected a whole number");
    refused("/v1/losses/nll?reduction=mode", "found \\\"mode\\\"");
}
END_TEST

static void start(void)
{
    const struct metrics_info info = {.version = "test",
                                      .revision = "test",
                                      .compiler = "test",
                                      .isa = "test",
                                      .route_label = api_route_label,
                                      .routes_count = API_ROUTE_OTHER,
                                      .window_s = 60};

    log_init(LOG_LEVELS, false);
    options_defaults(&options);
    ck_assert_int_eq(metrics_init(&info), 0);
    buf_init(&body, 0);
}

static void end(void)
{
    buf_fini(&body);
    metrics_fini();
}

int main(void)
{
    Suite *suite = suite_create("losses");
    TCase *tcase = suite_case(suite, ".npy");

    tcase_add_checked_fixture(tcase, start, end);
    tcase_add_test(tcase, arrays_come_and_go_one_after_another);
    tcase_add_test(tcase, the_first_array_is_probabilities_if_the_query_says_so);
    tcase_add_test(tcase, variances_come_last);
    tcase_add_test(tcase, nan_passes_untouched);
    tcase_add_test(tcase, a_body_cut_at_any_byte_is_refused);
    tcase_add_test(tcase, what_the_query_may_not_say);
    return suite_run(suite);
}
