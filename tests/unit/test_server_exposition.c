/* test_server_exposition.c - both formats, the choice between them, and the process's own figures.
 */
#include "base/clock.h"
#include "base/accept.h"
#include "metrics/process.h"
#include "scrape.h"
#include "suite.h"

START_TEST(every_family_stands_once_and_together)
{
    static const char *const names[] = {"hidden1"};
    struct metrics_model *m = metrics_model_create(
        &(struct metrics_model_spec){.model = "m",
                                     .version = "1",
                                     .task = "",
                                     .layers = names,
                                     .layers_count = 1,
                                     .classes = names,
                                     .classes_count = 1});
    ck_assert_ptr_nonnull(m);
    metrics_model_publish(m);
    for (enum metric i = 0; i < METRIC_COUNT; i++) { /* each is ignored where it is of no use */
        metrics_model_observe(m, i, 1);
        metrics_model_set(m, i, 1);
        metrics_layer_set(m, i, 0, AXON_WINDOW_LOAD, 1);
        metrics_class_add(m, i, 0, 1);
    }

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
    ck_assert_uint_eq(times(text, "# TYPE axond_inference_parse_seconds summary"),
                      0); /* no model */
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
    ck_assert_msg(accept_prefers(accepts[_i].accept, "application/openmetrics-text", "1.0.0",
                                 "text/plain") == accepts[_i].openmetrics,
                  "Accept: %s", accepts[_i].accept);
}
END_TEST

START_TEST(the_content_type_names_the_format)
{
    struct buf out;

    ck_assert_str_eq(scraped(&out, NULL), "text/plain; version=0.0.4; charset=utf-8");
    buf_fini(&out);
    ck_assert_str_eq(scraped(&out, openmetrics),
                     "application/openmetrics-text; version=1.0.0; charset=utf-8");
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
    Suite *s = suite_create("exposition");
    TCase *tc = tcase_create("rules");

    tcase_add_checked_fixture(tc, scrape_start, scrape_stop);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, every_family_stands_once_and_together);
    tcase_add_test(tc, openmetrics_has_its_own_names_and_its_end);
    tcase_add_loop_test(tc, the_format_is_what_was_asked_for, 0, sizeof accepts / sizeof *accepts);
    tcase_add_test(tc, the_content_type_names_the_format);
    tcase_add_test(tc, process_metrics_are_plausible);
    suite_add_tcase(s, tc);

    return suite_run(s);
}
