/* test_server_metrics.c - the table, and counting: from many threads, within bounds, with no label
 * from outside. */
#include <axon/activation.h>
#include <pthread.h>
#include "scrape.h"
#include "suite.h"

/* ---- the table ---- */

START_TEST(rows_are_named_and_labelled_by_the_rules)
{
    for (int m = 0; m < METRIC_COUNT; m++) {
        const struct metric_row *row = &metric_rows[m];
        struct label_list list = label_list_of(row);
        size_t labels = *row->labels != '\0', known = 0, length = strlen(row->name);

        for (const char *c = row->labels; *c; c++)
            labels += *c == ',';
        while (list.label[known] != LABEL_COUNT)
            known++;
        ck_assert_msg(known == labels, "%s has a label that labels.def does not have", row->name);
        ck_assert_int_eq(strcmp(row->name + length - (length > 6 ? 6 : 0), "_total") == 0,
                         row->type == TYPE_COUNTER);
        ck_assert_int_eq(strcmp(row->name + length - (length > 5 ? 5 : 0), "_info") == 0,
                         row->type == TYPE_INFO);
        ck_assert_int_eq(row->help[strlen(row->help) - 1], '.');
        for (int other = 0; other < m; other++)
            ck_assert_str_ne(row->name, metric_rows[other].name);
    }
}
END_TEST

START_TEST(bounds_ascend_and_le_says_the_bound)
{
    for (enum metric_type type = 0; type < TYPE_COUNT; type++) {
        const struct bounds *b = bounds_of(type);
        for (unsigned i = 0; b && i < b->count; i++) {
            ck_assert(i == 0 || b->bound[i].value > b->bound[i - 1].value);
            ck_assert_double_eq_tol(strtod(b->bound[i].le, NULL),
                                    (double)b->bound[i].value / b->per_unit, 1e-12);
        }
    }
    ck_assert_str_eq(bounds_of(TYPE_HISTOGRAM)->bound[0].le, "2.5e-05");
    ck_assert_str_eq(bounds_of(TYPE_HISTOGRAM)->bound[17].le, "10.0");
    ck_assert_ptr_null(bounds_of(TYPE_GAUGE));
}
END_TEST

/* Series stay few: what every model has is no histogram of many buckets, and no histogram carries
 * more than a route. */
START_TEST(histograms_are_few_and_short)
{
    for (int m = 0; m < METRIC_COUNT; m++) {
        const struct metric_row *row = &metric_rows[m];
        const struct bounds *b = bounds_of(row->type);

        if (!b || b->count == 0)
            continue;
        ck_assert_uint_lt(b->count, METRICS_BUCKETS_MAX);
        if (row->type >= TYPE_HISTOGRAM_COARSE)
            ck_assert_uint_le(b->count + 1, 12);
        else
            ck_assert_int_eq(row->scope, SCOPE_ROUTE);
        ck_assert_str_eq(row->labels, row->scope == SCOPE_ROUTE     ? "route"
                                      : row->scope == SCOPE_VERSION ? "model,version"
                                                                    : "model");
    }
}
END_TEST

/* ---- global ---- */

START_TEST(known_series_start_at_zero)
{
    expect("axond_log_messages_total{level=\"error\"} 0");
    expect("axond_http_rejected_total{reason=\"framing\"} 0");
    expect("axond_http_rejected_total{reason=\"cut\"} 0");
    expect("axond_activation_outputs_total{activation=\"relu\"} 0");
    expect("axond_http_connections 0");
    expect("axond_reload_successful 0");
    expect("axond_http_requests_total{route=\"/metrics\",method=\"GET\",code=\"200\"} 0");
    expect("axond_http_requests_total{route=\"/v1/x/{x}\",method=\"POST\",code=\"200\"} 0");
    expect("axond_http_requests_total{route=\"/v1/x/{x}\",method=\"POST\",code=\"503\"} 0");
    expect("axond_http_request_duration_seconds_count{route=\"/metrics\"} 0");
    expect("axond_http_request_duration_seconds_count{route=\"other\"} 0");
}
END_TEST

START_TEST(label_values_are_escaped)
{
    expect("axond_build_info{version=\"1.2.3\",revision=\"abc\",compiler=\"a \\\"quoted\\\\\\\" "
           "one\\n\",isa=\"i\"} 1");
}
END_TEST

enum { THREADS = 8, ROUNDS = 20000 };

static void *count(void *context)
{
    (void)context;
    for (int i = 0; i < ROUNDS; i++) {
        metrics_add(METRIC_http_rejected_total, REJECTED_BODY, 2);
        metrics_gauge_add(METRIC_http_connections, i % 2 ? -1 : 1);
        metrics_http_request(1, "POST", 200, 0.001, 3, 5);
    }
    return NULL;
}

START_TEST(counts_of_many_threads_add_up)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count, NULL), 0);
    free(scrape_as(NULL)); /* under way, for the thread sanitizer */
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    expect("axond_http_rejected_total{reason=\"body\"} 320000");
    expect("axond_http_connections 0");
    expect("axond_http_requests_total{route=\"/v1/x/{x}\",method=\"POST\",code=\"200\"} 160000");
    expect("axond_http_request_bytes_total 480000");
    expect("axond_http_response_bytes_total 800000");
    expect("axond_http_request_duration_seconds_sum{route=\"/v1/x/{x}\"} 160");
}
END_TEST

static void *raise_by_7(void *context)
{
    (void)context;
    metrics_gauge_add(METRIC_http_connections, 7);
    return NULL;
}

START_TEST(a_gauge_that_one_thread_raised_another_may_lower)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, raise_by_7, NULL), 0);
    pthread_join(thread, NULL);
    metrics_gauge_add(METRIC_http_connections, -5);
    expect("axond_http_connections 2");
    metrics_gauge_add(METRIC_http_connections, -3); /* as if the scrape had missed who raised it */
    expect("axond_http_connections 0");
    metrics_gauge_add(METRIC_http_connections, 2);
    expect("axond_http_connections 1");
    metrics_gauge_set(METRIC_reload_success_timestamp_seconds, 1795438800.25);
    expect("axond_reload_success_timestamp_seconds 1795438800.25");
}
END_TEST

START_TEST(an_index_or_metric_that_is_not_there_counts_nothing)
{
    char *before = scrape_as(openmetrics), *after;
    size_t activations;

    axon_activation_table(&activations);
    metrics_add(METRIC_http_rejected_total, REJECTED_COUNT, 1);
    metrics_add(METRIC_activation_outputs_total, (unsigned)activations, 1);
    metrics_add(METRIC_inference_rows_total, 0, 1);
    metrics_add(METRIC_COUNT, 0, 1);
    metrics_gauge_set(METRIC_model_ready, 1);
    after = scrape_as(openmetrics);
    /* what process_ says may move */
    ck_assert_uint_eq((size_t)(strstr(before, "# HELP process_") - before),
                      (size_t)(strstr(after, "# HELP process_") - after));
    ck_assert_mem_eq(before, after, (size_t)(strstr(before, "# HELP process_") - before));
    free(before);
    free(after);
}
END_TEST

START_TEST(counting_before_init_is_harmless)
{
    struct metrics_model_spec spec = {.model = "m", .version = "1", .task = ""};

    metrics_fini();
    metrics_add(METRIC_log_messages_total, 0, 1);
    metrics_gauge_set(METRIC_reload_successful, 1);
    metrics_http_request(0, "GET", 200, 1, 1, 1);
    struct metrics_model *m = metrics_model_create(&spec);
    metrics_model_add(m, METRIC_inference_rows_total, 0, 1);
    metrics_model_destroy(m);
    free(scrape_as(NULL));
    scrape_start();
    expect("axond_log_messages_total{level=\"debug\"} 0");
    expect("axond_http_requests_total{route=\"/metrics\",method=\"GET\",code=\"200\"} 0");
}
END_TEST

/* ---- http ---- */

START_TEST(a_bound_belongs_to_its_bucket)
{
    metrics_http_request(0, "GET", 200, 0.000025, 0, 0);
    metrics_http_request(0, "GET", 200, 0.0000251, 0, 0);
    metrics_http_request(0, "GET", 200, 11, 0, 0);
    metrics_http_request(0, "GET", 200, -1, 0, 0);
#define BUCKET(le, n) \
    expect("axond_http_request_duration_seconds_bucket{route=\"/metrics\",le=\"" le "\"} " n)
    BUCKET("2.5e-05", "2");
    BUCKET("5e-05", "3");
    BUCKET("10.0", "3");
    BUCKET("+Inf", "4");
    expect("axond_http_request_duration_seconds_sum{route=\"/metrics\"} 11.0000501");
}
END_TEST

START_TEST(what_clients_choose_never_becomes_a_label)
{
    metrics_http_request(99, "BREW", 404, 0.1, 0, 0);
    metrics_http_request(3, "brew", 404, 0.1, 0, 0);
    metrics_http_request(3, NULL, 404, 0.1, 0, 0);
    metrics_http_request(3, "GET", 12345, 0.1, 0, 0);
    metrics_http_request(0, "DELETE", 405, 0.1, 0, 0); /* known, but not taken there */
    metrics_http_request(0, "POST", 405, 0.1, 0, 0);
    expect("axond_http_requests_total{route=\"other\",method=\"other\",code=\"404\"} 3");
    expect("axond_http_requests_total{route=\"other\",method=\"GET\",code=\"other\"} 1");
    expect("axond_http_requests_total{route=\"/metrics\",method=\"other\",code=\"405\"} 2");
    expect("axond_http_request_duration_seconds_count{route=\"other\"} 4");
    expect("axond_http_request_duration_seconds_count{route=\"/metrics\"} 2");
    expect_nothing_of("rew");
}
END_TEST

static unsigned series(const char *text)
{
    unsigned lines = 0;

    for (const char *at = text; (at = strstr(at, "\naxond_")); at++)
        lines++;
    return lines;
}

START_TEST(nobody_can_double_the_series)
{
    char *before = scrape_as(NULL), *after;
    uint64_t sum = 0;

    for (unsigned code = 100; code < 600; code++)
        for (unsigned route = 0; route < 4; route++)
            metrics_http_request(route, route ? "POST" : "GET", code, 0.1, 0, 0);
    metrics_http_request(1, "POST", 504, 0.1, 0, 0);
    after = scrape_as(NULL);
    for (char *at = after; (at = strstr(at, "\naxond_http_requests_total{")); at++)
        sum += strtoull(strstr(at, "} ") + 2, NULL, 10);
    ck_assert_uint_le(series(after), series(before) + HTTP_ADDED_MAX + 1);
    ck_assert_uint_lt(HTTP_ADDED_MAX, series(before) + 15 * 21); /* the daemon has more routes */
    ck_assert_uint_eq(sum, 2001); /* what found no place is counted as other */
    free(before);
    free(after);
    expect("axond_http_requests_total{route=\"/v1/x/{x}\",method=\"POST\",code=\"504\"} 2");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("metrics");
    TCase *tc = tcase_create("rules");

    tcase_add_checked_fixture(tc, scrape_start, scrape_stop);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, rows_are_named_and_labelled_by_the_rules);
    tcase_add_test(tc, bounds_ascend_and_le_says_the_bound);
    tcase_add_test(tc, histograms_are_few_and_short);
    tcase_add_test(tc, known_series_start_at_zero);
    tcase_add_test(tc, label_values_are_escaped);
    tcase_add_test(tc, counts_of_many_threads_add_up);
    tcase_add_test(tc, a_gauge_that_one_thread_raised_another_may_lower);
    tcase_add_test(tc, an_index_or_metric_that_is_not_there_counts_nothing);
    tcase_add_test(tc, counting_before_init_is_harmless);
    tcase_add_test(tc, a_bound_belongs_to_its_bucket);
    tcase_add_test(tc, what_clients_choose_never_becomes_a_label);
    tcase_add_test(tc, nobody_can_double_the_series);
    suite_add_tcase(s, tc);

    return suite_run(s);
}
