/* test_server_metrics.c - the table, counting from many threads, and both exposition formats.
 *
 * Scrapes are compared as text, line by line, as a scraper sees them. */
#include <axon/activation.h>
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "metrics/accept.h"
#include "metrics/process.h"
#include "metrics/registry.h"

static const char *const templates[] = {"/metrics", "/v1/x/{x}", "/v1/x/{x}"};

static const char *template_of(unsigned route)
{
    return templates[route];
}

static bool takes(unsigned route, const char *method)
{
    return strcmp(method, route == 0 ? "GET" : "POST") == 0;
}

static void start(void)
{
    const struct metrics_info info = {.version = "1.2.3",
                                      .revision = "abc",
                                      .compiler = "a \"quoted\\\" one\n",
                                      .blas = "b",
                                      .blas_core = "c",
                                      .isa = "i",
                                      .route_template = template_of,
                                      .route_takes = takes,
                                      .routes_count = 3,
                                      .window_s = 60};
    ck_assert_int_eq(metrics_init(&info), 0);
}

static void stop(void)
{
    metrics_fini();
}

/* new */
static char *scrape_as(const char *accept)
{
    struct buf out;
    const char *type;
    size_t length;

    buf_init(&out, 0);
    metrics_write(&out, accept, &type);
    ck_assert(!out.failed);
    return buf_steal(&out, &length);
}

static const char openmetrics[] = "application/openmetrics-text; version=1.0.0";

static unsigned times(const char *text, const char *line)
{
    char whole[512];
    unsigned count = 0;

    snprintf(whole, sizeof whole, "\n%s\n", line);
    for (const char *at = text; (at = strstr(at, whole)); at++)
        count++;
    return count;
}

/* The line stands in the scrape exactly once. */
static void expect(const char *line)
{
    char *text = scrape_as(NULL);
    const char *like = strstr(text, "\n");

    for (size_t n = strlen(line); n > 0 && times(text, line) != 1; n--) {
        char start[512]; /* the longest beginning that does stand there, to see what differs */
        snprintf(start, sizeof start, "\n%.*s", (int)n, line);
        if ((like = strstr(text, start)))
            break;
    }
    ck_assert_msg(times(text, line) == 1, "\"%s\" stands %u times; there is: %.200s", line,
                  times(text, line), like ? like : "nothing like it");
    free(text);
}

static void expect_nothing_of(const char *part)
{
    char *text = scrape_as(NULL);

    const char *at = strstr(text, part);
    ck_assert_msg(!at, "\"%s\" stands there: %.200s", part, at);
    free(text);
}

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
        ck_assert_msg(known == labels, "%s has a label that registry.c does not know", row->name);
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
    static const enum metric_type types[] = {TYPE_HISTOGRAM, TYPE_HISTOGRAM_ROWS};

    for (size_t t = 0; t < 2; t++) {
        const struct bounds *b = bounds_of(types[t]);
        for (unsigned i = 0; i < b->count; i++) {
            ck_assert(i == 0 || b->bound[i] > b->bound[i - 1]);
            ck_assert_double_eq_tol(strtod(b->le[i], NULL), (double)b->bound[i] / b->per_unit,
                                    1e-12);
        }
    }
    ck_assert_str_eq(bounds_of(TYPE_HISTOGRAM)->le[0], "2.5e-05");
    ck_assert_str_eq(bounds_of(TYPE_HISTOGRAM)->le[17], "10.0");
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
    expect("axond_http_request_duration_seconds_count{route=\"/metrics\",method=\"GET\","
           "code=\"200\"} 0");
}
END_TEST

START_TEST(label_values_are_escaped)
{
    expect("axond_build_info{version=\"1.2.3\",revision=\"abc\",compiler=\"a \\\"quoted\\\\\\\" "
           "one\\n\",blas=\"b\",blas_core=\"c\",isa=\"i\"} 1");
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
    expect("axond_http_request_duration_seconds_sum{route=\"/v1/x/{x}\",method=\"POST\","
           "code=\"200\"} 160");
}
END_TEST

START_TEST(a_gauge_that_one_thread_raised_another_may_lower)
{
    pthread_t thread;

    metrics_gauge_add(METRIC_http_connections, 3);
    ck_assert_int_eq(pthread_create(&thread, NULL, count, NULL), 0);
    pthread_join(thread, NULL);
    metrics_gauge_add(METRIC_http_connections, -5);
    expect("axond_http_connections -2");
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
    start();
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
#define BUCKET(le, n)                                                                      \
    expect("axond_http_request_duration_seconds_bucket{route=\"/metrics\",method=\"GET\"," \
           "code=\"200\",le=\"" le "\"} " n)
    BUCKET("2.5e-05", "2");
    BUCKET("5e-05", "3");
    BUCKET("10.0", "3");
    BUCKET("+Inf", "4");
    expect("axond_http_request_duration_seconds_sum{route=\"/metrics\",method=\"GET\","
           "code=\"200\"} 11.0000501");
}
END_TEST

START_TEST(what_clients_choose_never_becomes_a_label)
{
    metrics_http_request(99, "BREW", 404, 0.1, 0, 0);
    metrics_http_request(3, "brew", 404, 0.1, 0, 0);
    metrics_http_request(3, NULL, 404, 0.1, 0, 0);
    metrics_http_request(3, "GET", 12345, 0.1, 0, 0);
    expect("axond_http_requests_total{route=\"other\",method=\"other\",code=\"404\"} 3");
    expect("axond_http_requests_total{route=\"other\",method=\"GET\",code=\"other\"} 1");
    expect_nothing_of("rew");
}
END_TEST

START_TEST(routes_with_one_template_are_one_series)
{
    metrics_http_request(1, "POST", 200, 0.1, 0, 0);
    metrics_http_request(2, "POST", 200, 0.1, 0, 0);
    expect("axond_http_requests_total{route=\"/v1/x/{x}\",method=\"POST\",code=\"200\"} 2");
}
END_TEST

START_TEST(series_are_bounded)
{
    unsigned lines = 0;

    for (unsigned code = 100; code < 600; code++)
        for (unsigned route = 0; route < 4; route++)
            metrics_http_request(route, "GET", code, 0.1, 0, 0);
    char *text = scrape_as(NULL);
    uint64_t sum = 0;
    for (char *at = text; (at = strstr(at, "\naxond_http_requests_total{")); at++, lines++)
        sum += strtoull(strstr(at, "} ") + 2, NULL, 10);
    ck_assert_uint_le(lines, HTTP_SERIES_MAX);
    ck_assert_uint_eq(sum, 2000); /* what found no place is counted as other */
    free(text);
}
END_TEST

/* ---- models ---- */

static const char *const layers[] = {"hidden1", "hidden2"};

static void refresh(struct metrics_model *m, void *context)
{
    ++*(int *)context;
    metrics_layer_set(m, METRIC_dead_relu_ratio, 1, METRICS_WINDOW_SLIDING, 0.125);
    metrics_layer_set(m, METRIC_dead_relu_ratio, 1, METRICS_WINDOW_LOAD, 0.5);
    metrics_layer_set(m, METRIC_relu_outputs_total, 0, METRICS_WINDOW_SLIDING, 9007199254740992.0);
    metrics_layer_set(m, METRIC_relu_outputs_total, 2, METRICS_WINDOW_LOAD, 77777);
}

static int refreshed;

static struct metrics_model *model(const char *name, const char *version)
{
    struct metrics_model *m = metrics_model_create(
        &(struct metrics_model_spec){.model = name,
                                     .version = version,
                                     .task = "multiclass",
                                     .layers = layers,
                                     .layers_count = 2,
                                     .refresh = refresh,
                                     .context = &refreshed});
    ck_assert_ptr_nonnull(m);
    return m;
}

START_TEST(a_model_is_seen_from_publish_to_withdraw)
{
    struct metrics_model *m = model("digits", "1");

    expect_nothing_of("digits");
    metrics_model_publish(m);
    expect("axond_model_info{model=\"digits\",version=\"1\",task=\"multiclass\"} 1");
    expect("axond_inference_requests_total{model=\"digits\",version=\"1\",outcome=\"deadline\"} 0");
    expect("axond_inference_parse_duration_seconds_count{model=\"digits\"} 0");
    metrics_model_withdraw(m);
    expect_nothing_of("digits");
    metrics_model_withdraw(m);
    metrics_model_publish(m);
    metrics_model_destroy(m);
    expect_nothing_of("digits");
    metrics_model_destroy(NULL);
}
END_TEST

START_TEST(layer_metrics_are_refreshed_by_the_scrape)
{
    struct metrics_model *m = model("digits", "1");

    metrics_model_publish(m);
    refreshed = 0;
    expect("axond_dead_relu_ratio{model=\"digits\",version=\"1\",layer=\"hidden2\",window=\"60s\"} "
           "0.125");
    ck_assert_int_eq(refreshed, 1);
    expect("axond_dead_relu_ratio{model=\"digits\",version=\"1\",layer=\"hidden2\",window=\"load\"}"
           " 0.5");
    expect("axond_relu_outputs_total{model=\"digits\",version=\"1\",layer=\"hidden1\"} "
           "9007199254740992");
    expect_nothing_of("77777");
    metrics_model_destroy(m);
}
END_TEST

START_TEST(versions_of_a_model_share_what_is_counted_per_model)
{
    struct metrics_model *one = model("digits", "1"), *ten = model("digits", "10"),
                         *two = model("digits", "2"), *other = model("alone", "1");

    metrics_model_publish(ten);
    metrics_model_publish(one);
    metrics_model_publish(other);
    metrics_model_publish(two);
    metrics_model_observe(one, METRIC_inference_compute_duration_seconds, 0.5);
    metrics_model_observe(two, METRIC_inference_compute_duration_seconds, 0.25);
    metrics_model_observe(one, METRIC_batch_rows, 256);
    metrics_model_add(two, METRIC_inference_rows_total, 0, 7);
    expect("axond_inference_compute_duration_seconds_sum{model=\"digits\"} 0.75");
    expect("axond_inference_compute_duration_seconds_count{model=\"alone\"} 0");
    expect("axond_batch_rows_bucket{model=\"digits\",version=\"1\",le=\"128.0\"} 0");
    expect("axond_batch_rows_bucket{model=\"digits\",version=\"1\",le=\"256.0\"} 1");
    expect("axond_batch_rows_sum{model=\"digits\",version=\"1\"} 256");
    expect("axond_inference_rows_total{model=\"digits\",version=\"1\"} 0");
    expect("axond_inference_rows_total{model=\"digits\",version=\"2\"} 7");

    char *text = scrape_as(NULL);
    const char *first = strstr(text, "axond_model_ready{model=\"digits\",version=\"1\"}");
    const char *second = strstr(text, "axond_model_ready{model=\"digits\",version=\"2\"}");
    const char *third = strstr(text, "axond_model_ready{model=\"digits\",version=\"10\"}");
    ck_assert(first && first < second && second < third);
    free(text);

    metrics_model_destroy(one); /* its counts go on with the others */
    expect("axond_inference_compute_duration_seconds_sum{model=\"digits\"} 0.75");
    metrics_model_destroy(ten);
    metrics_model_destroy(two);
    metrics_model_destroy(other);
}
END_TEST

START_TEST(a_version_loaded_again_takes_the_place_of_the_old)
{
    struct metrics_model *old = model("digits", "1"), *again = model("digits", "1");

    metrics_model_publish(old);
    metrics_model_set(old, METRIC_model_load_duration_seconds, 0.5);
    metrics_model_set(again, METRIC_model_load_duration_seconds, 0.125);
    metrics_model_publish(again);
    expect("axond_model_load_duration_seconds{model=\"digits\",version=\"1\"} 0.125");
    metrics_model_withdraw(old);
    metrics_model_destroy(old);
    expect("axond_model_load_duration_seconds{model=\"digits\",version=\"1\"} 0.125");
    metrics_model_destroy(again);
}
END_TEST

static void *scrape_repeatedly(void *context)
{
    for (int i = 0; i < 200; i++)
        free(scrape_as(context));
    return NULL;
}

START_TEST(models_come_and_go_while_others_scrape)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, scrape_repeatedly, NULL), 0);
    for (int i = 0; i < 200; i++) {
        struct metrics_model *m = model("digits", "1");
        metrics_model_publish(m);
        metrics_model_add(m, METRIC_inference_requests_total, OUTCOME_ERROR, 1);
        metrics_model_destroy(m);
    }
    pthread_join(thread, NULL);
    expect_nothing_of("digits");
}
END_TEST

/* ---- formats ---- */

START_TEST(every_family_stands_once_and_together)
{
    struct metrics_model *m = model("digits", "1");
    metrics_model_publish(m);

    for (int f = 0; f < 2; f++) {
        char *text = scrape_as(f ? openmetrics : NULL);
        for (int i = 0; i < METRIC_COUNT; i++) {
            char header[128];
            snprintf(header, sizeof header, "# HELP %s ", metric_rows[i].name);
            const char *at = strstr(text, header);
            ck_assert(f || at || metric_rows[i].scope == SCOPE_PROCESS);
            ck_assert(!at || !strstr(at + 1, header));
        }
        free(text);
    }
    metrics_model_destroy(m);
}
END_TEST

START_TEST(openmetrics_has_its_own_names_and_its_end)
{
    char *text = scrape_as(openmetrics);

    ck_assert_uint_eq(times(text, "# TYPE axond_http_requests counter"), 1);
    ck_assert_uint_eq(times(text, "# TYPE axond_build info"), 1);
    ck_assert_uint_eq(times(text, "# UNIT axond_http_request_duration_seconds seconds"), 1);
    ck_assert_uint_eq(times(text, "# UNIT axond_http_request_bytes bytes"), 1);
    ck_assert_uint_eq(times(text, "axond_http_request_bytes_total 0"), 1);
    ck_assert_str_eq(text + strlen(text) - 7, "\n# EOF\n");
    free(text);
    expect("# TYPE axond_http_requests_total counter");
    expect("# TYPE axond_build_info gauge");
    expect_nothing_of("# UNIT");
    expect_nothing_of("# EOF");
}
END_TEST

static const struct {
    const char *accept;
    bool openmetrics;
} accepts[] = {
    {NULL, false},
    {"", false},
    {"*/*", false},
    {"text/plain", false},
    {"text/html,application/xhtml+xml,*/*;q=0.8", false},
    {"application/openmetrics-text", true},
    {"Application/OpenMetrics-Text ; Version=1.0.0 ; charset=utf-8", true},
    {"application/openmetrics-text; version=\"1.0.0\"", true},
    {"application/openmetrics-text; version=0.0.1", false},
    {"application/openmetrics-text; version=2.0.0, text/plain", false},
    {"application/openmetrics-text;q=0", false},
    {"application/openmetrics-text;q=0.000", false},
    {"application/openmetrics-text;q=bogus", false},
    {"application/openmetrics-text;q=7", false},
    {"application/openmetrics-texts", false},
    {"application/openmetrics-text;q=0.5,text/plain;q=0.9", false},
    {"text/plain;q=0.5,application/openmetrics-text;q=0.5", true},
    {" text/plain;q=0.1 ,\tapplication/openmetrics-text", true},
    {";;;,,,=,q=;", false},
    /* Prometheus 2 and 3 */
    {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
     "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
     true},
    {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
     "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;"
     "escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
     true},
};

START_TEST(the_format_is_what_was_asked_for)
{
    ck_assert_msg(accept_openmetrics(accepts[_i].accept) == accepts[_i].openmetrics, "Accept: %s",
                  accepts[_i].accept);
}
END_TEST

START_TEST(the_content_type_names_the_format)
{
    struct buf out;
    const char *type;

    buf_init(&out, 0);
    metrics_write(&out, NULL, &type);
    ck_assert_str_eq(type, "text/plain; version=0.0.4; charset=utf-8");
    metrics_write(&out, openmetrics, &type);
    ck_assert_str_eq(type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    buf_fini(&out);
}
END_TEST

START_TEST(process_metrics_are_plausible)
{
    double now = clock_unix_s(), resident = process_value(METRIC_process_resident_memory_bytes);
    double began = process_value(METRIC_process_start_time_seconds);

    ck_assert_double_gt(resident, 100e3);
    ck_assert_double_ge(process_value(METRIC_process_virtual_memory_bytes), resident);
    ck_assert_double_ge(process_value(METRIC_process_threads), 1);
    ck_assert_double_ge(process_value(METRIC_process_cpu_seconds_total), 0);
    ck_assert_double_le(process_value(METRIC_process_cpu_seconds_total), 3600);
    ck_assert_double_le(began, now + 1);
    ck_assert_double_gt(began, now - 3600);
    double fds = process_value(METRIC_process_open_fds);
    FILE *one = fopen("/dev/null", "r");
    ck_assert_ptr_nonnull(one);
    ck_assert_double_eq(process_value(METRIC_process_open_fds), fds + 1);
    fclose(one);
    ck_assert_double_ge(process_value(METRIC_process_max_fds), fds);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("metrics");
    TCase *table = tcase_create("table"), *counts = tcase_create("counts"),
          *models = tcase_create("models"), *formats = tcase_create("formats");

    tcase_add_test(table, rows_are_named_and_labelled_by_the_rules);
    tcase_add_test(table, bounds_ascend_and_le_says_the_bound);
    tcase_add_test(counts, known_series_start_at_zero);
    tcase_add_test(counts, label_values_are_escaped);
    tcase_add_test(counts, counts_of_many_threads_add_up);
    tcase_add_test(counts, a_gauge_that_one_thread_raised_another_may_lower);
    tcase_add_test(counts, an_index_or_metric_that_is_not_there_counts_nothing);
    tcase_add_test(counts, counting_before_init_is_harmless);
    tcase_add_test(counts, a_bound_belongs_to_its_bucket);
    tcase_add_test(counts, what_clients_choose_never_becomes_a_label);
    tcase_add_test(counts, routes_with_one_template_are_one_series);
    tcase_add_test(counts, series_are_bounded);
    tcase_add_test(models, a_model_is_seen_from_publish_to_withdraw);
    tcase_add_test(models, layer_metrics_are_refreshed_by_the_scrape);
    tcase_add_test(models, versions_of_a_model_share_what_is_counted_per_model);
    tcase_add_test(models, a_version_loaded_again_takes_the_place_of_the_old);
    tcase_add_test(models, models_come_and_go_while_others_scrape);
    tcase_add_test(formats, every_family_stands_once_and_together);
    tcase_add_test(formats, openmetrics_has_its_own_names_and_its_end);
    tcase_add_loop_test(formats, the_format_is_what_was_asked_for, 0,
                        sizeof accepts / sizeof *accepts);
    tcase_add_test(formats, the_content_type_names_the_format);
    tcase_add_test(formats, process_metrics_are_plausible);

    TCase *const all[] = {table, counts, models, formats};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tcase_add_checked_fixture(all[i], start, stop);
        tcase_set_timeout(all[i], 60);
        suite_add_tcase(s, all[i]);
    }
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
