/* test_server_model_metrics.c - the metrics of model versions that come, are loaded again, and go.
 */
#include <pthread.h>
#include "scrape.h"
#include "suite.h"

static const char *const layers[] = {"hidden1", "hidden2"};

static void refresh(struct metrics_model *m, void *context)
{
    ++*(int *)context;
    metrics_layer_set(m, METRIC_dead_relu_ratio, 1, AXON_WINDOW_SLIDING, 0.125);
    metrics_layer_set(m, METRIC_dead_relu_ratio, 1, AXON_WINDOW_LOAD, 0.5);
    metrics_layer_set(m, METRIC_relu_outputs_total, 0, AXON_WINDOW_SLIDING, 9007199254740992.0);
    metrics_layer_set(m, METRIC_relu_outputs_total, 2, AXON_WINDOW_LOAD, 77777);
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
    expect("axond_inference_parse_seconds_count{model=\"digits\"} 0");
    metrics_model_withdraw(m);
    expect_nothing_of("digits");
    metrics_model_withdraw(m);
    metrics_model_publish(m);
    metrics_model_destroy(m);
    expect_nothing_of("digits");
    metrics_model_destroy(NULL);
}
END_TEST

/* A request of so many nanoseconds in each phase. */
static void count(struct metrics_model *m, enum metrics_outcome outcome, double seconds)
{
    static const enum metric phases[] = {
        METRIC_inference_parse_seconds, METRIC_inference_queue_seconds,
        METRIC_inference_compute_seconds, METRIC_inference_write_seconds};

    metrics_model_add(m, METRIC_inference_requests_total, outcome, 1);
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
        metrics_model_observe(m, phases[i], (double)(i + 1) * seconds);
    if (outcome != OUTCOME_SUCCESS)
        return;
    metrics_model_observe(m, METRIC_inference_duration_seconds, 10 * seconds);
    metrics_model_add(m, METRIC_inference_rows_total, 0, 5);
    metrics_model_add(m, METRIC_inference_batches_total, 0, 2);
}

static void assert_time(struct metrics_time time, uint64_t times, uint64_t ns)
{
    ck_assert_uint_eq(time.count, times);
    ck_assert_uint_eq(time.ns, ns);
}

START_TEST(a_version_tells_what_it_has_done_itself)
{
    struct metrics_model *one = model("digits", "1"), *two = model("digits", "2");
    struct metrics_statistics s;

    metrics_model_publish(one);
    metrics_model_publish(two);
    count(one, OUTCOME_SUCCESS, 1e-3);
    count(one, OUTCOME_SUCCESS, 2e-3);
    count(one, OUTCOME_INVALID, 5e-3);
    count(one, OUTCOME_DEADLINE, 5e-3);
    count(two, OUTCOME_SUCCESS, 7e-3);
    s = metrics_model_statistics(one);
    assert_time(s.success, 2, 30000000);
    assert_time(s.failure, 2, 100000000);
    assert_time(s.parse, 4, 13000000);
    assert_time(s.queue, 4, 26000000);
    assert_time(s.compute, 4, 39000000);
    assert_time(s.write, 4, 52000000);
    ck_assert_uint_eq(s.rows, 10);
    ck_assert_uint_eq(s.batches, 4);
    s = metrics_model_statistics(two);
    assert_time(s.success, 1, 70000000);
    assert_time(s.failure, 0, 0);
    /* a model's metrics are of all its versions, and of those that have gone */
    expect("axond_inference_parse_seconds_count{model=\"digits\"} 5");
    expect("axond_inference_parse_seconds_sum{model=\"digits\"} 0.02");
    expect("axond_inference_duration_seconds_count{model=\"digits\"} 3");
    metrics_model_destroy(one);
    expect("axond_inference_parse_seconds_count{model=\"digits\"} 5");
    expect("axond_inference_duration_seconds_count{model=\"digits\"} 3");
    s = metrics_model_statistics(two);
    assert_time(s.success, 1, 70000000);
    metrics_model_destroy(two);
}
END_TEST

START_TEST(classes_beyond_the_first_32_are_other)
{
    static const char *names[40];
    static char texts[40][8];
    struct metrics_model *m;

    for (size_t i = 0; i < 40; i++)
        names[i] = memcpy(texts[i], (char[8]){'c', (char)('0' + i / 10), (char)('0' + i % 10)}, 8);
    m = metrics_model_create(&(struct metrics_model_spec){
        .model = "many", .version = "1", .task = "", .classes = names, .classes_count = 40});
    ck_assert_ptr_nonnull(m);
    metrics_model_publish(m);
    expect_nothing_of("axond_predictions_total{");
    metrics_class_add(m, METRIC_predictions_total, 31, 2);
    metrics_class_add(m, METRIC_predictions_total, 32, 3);
    metrics_class_add(m, METRIC_predictions_total, 39, 4);
    metrics_class_add(m, METRIC_inference_rows_total, 0, 4); /* has no classes */
    expect("axond_predictions_total{model=\"many\",version=\"1\",class=\"c00\"} 0");
    expect("axond_predictions_total{model=\"many\",version=\"1\",class=\"c31\"} 2");
    expect("axond_predictions_total{model=\"many\",version=\"1\",class=\"other\"} 7");
    expect_nothing_of("class=\"c32\"");
    metrics_model_destroy(m);
}
END_TEST

/* Buckets are many series: a mean needs none of them. */
START_TEST(shares_are_observed_in_bulk_and_have_buckets_on_demand)
{
    struct metrics_model *m = model("digits", "1");
    uint32_t counts[METRICS_BUCKETS_MAX] = {0};

    metrics_model_publish(m);
    expect_nothing_of("axond_prediction_confidence_count{");
    counts[metrics_bucket(METRIC_prediction_confidence, 0.9)]++;
    counts[metrics_bucket(METRIC_prediction_confidence, 0.91)]++;
    counts[metrics_bucket(METRIC_prediction_confidence, 1)]++;
    metrics_model_observe_buckets(m, METRIC_prediction_confidence, counts, 2.81);
    expect_nothing_of("le=\"0.9\"");
    expect("axond_prediction_confidence_bucket{model=\"digits\",version=\"1\",le=\"+Inf\"} 3");
    expect("axond_prediction_confidence_count{model=\"digits\",version=\"1\"} 3");
    metrics_model_buckets(m, true);
    expect("axond_prediction_confidence_bucket{model=\"digits\",version=\"1\",le=\"0.9\"} 1");
    expect("axond_prediction_confidence_bucket{model=\"digits\",version=\"1\",le=\"0.999\"} 2");
    expect("axond_prediction_confidence_bucket{model=\"digits\",version=\"1\",le=\"1.0\"} 3");
    expect("axond_prediction_confidence_bucket{model=\"digits\",version=\"1\",le=\"+Inf\"} 3");
    expect("axond_prediction_confidence_sum{model=\"digits\",version=\"1\"} 2.81");
    metrics_model_destroy(m);
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
    metrics_model_observe(one, METRIC_inference_compute_seconds, 0.5);
    metrics_model_observe(two, METRIC_inference_compute_seconds, 0.25);
    metrics_model_observe(one, METRIC_inference_rows_total, 2); /* is not observed */
    metrics_model_add(two, METRIC_inference_rows_total, 0, 7);
    expect("axond_inference_compute_seconds_sum{model=\"digits\"} 0.75");
    expect("axond_inference_compute_seconds_count{model=\"alone\"} 0");
    expect_nothing_of("axond_inference_compute_seconds_bucket");
    expect("axond_inference_rows_total{model=\"digits\",version=\"1\"} 0");
    expect("axond_inference_rows_total{model=\"digits\",version=\"2\"} 7");

    char *text = scrape_as(NULL);
    const char *first = strstr(text, "axond_model_ready{model=\"digits\",version=\"1\"}");
    const char *second = strstr(text, "axond_model_ready{model=\"digits\",version=\"2\"}");
    const char *third = strstr(text, "axond_model_ready{model=\"digits\",version=\"10\"}");
    ck_assert(first && first < second && second < third);
    free(text);

    metrics_model_destroy(one); /* its counts go on with the others */
    expect("axond_inference_compute_seconds_sum{model=\"digits\"} 0.75");
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

/* Most models of a large repository serve nothing most of the time. */
START_TEST(a_model_has_no_histogram_before_its_first_value)
{
    struct metrics_model *idle = model("idle", "1"), *busy = model("busy", "1");

    metrics_model_publish(idle);
    metrics_model_publish(busy);
    expect_nothing_of("axond_inference_duration_seconds");
    metrics_model_observe(busy, METRIC_inference_duration_seconds, 0.0003);
    expect("axond_inference_duration_seconds_bucket{model=\"busy\",le=\"0.00025\"} 0");
    expect("axond_inference_duration_seconds_bucket{model=\"busy\",le=\"0.001\"} 1");
    expect("axond_inference_duration_seconds_bucket{model=\"busy\",le=\"+Inf\"} 1");
    expect_nothing_of("axond_inference_duration_seconds_bucket{model=\"idle\"");
    metrics_model_destroy(idle);
    metrics_model_destroy(busy);
}
END_TEST

START_TEST(a_version_that_failed_is_not_ready_and_nothing_else)
{
    const struct metrics_failed failed[] = {{"broken", 3}, {"digits", 2}};
    struct metrics_model *m = model("digits", "1");

    metrics_model_publish(m);
    ck_assert_int_eq(metrics_failed_set(failed, 2), 0);
    expect("axond_model_ready{model=\"broken\",version=\"3\"} 0");
    expect("axond_model_ready{model=\"digits\",version=\"2\"} 0");
    expect_nothing_of("axond_inference_rows_total{model=\"broken\"");
    expect_nothing_of("axond_model_info{model=\"broken\"");
    ck_assert_int_eq(metrics_failed_set(failed, 1), 0);
    expect("axond_model_ready{model=\"broken\",version=\"3\"} 0");
    expect_nothing_of("axond_model_ready{model=\"digits\",version=\"2\"}");
    ck_assert_int_eq(metrics_failed_set(NULL, 0), 0);
    expect_nothing_of("broken");
    metrics_model_destroy(m);
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

int main(void)
{
    Suite *s = suite_create("model metrics");
    TCase *tc = tcase_create("rules");

    tcase_add_checked_fixture(tc, scrape_start, scrape_stop);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_model_is_seen_from_publish_to_withdraw);
    tcase_add_test(tc, a_version_tells_what_it_has_done_itself);
    tcase_add_test(tc, classes_beyond_the_first_32_are_other);
    tcase_add_test(tc, shares_are_observed_in_bulk_and_have_buckets_on_demand);
    tcase_add_test(tc, layer_metrics_are_refreshed_by_the_scrape);
    tcase_add_test(tc, versions_of_a_model_share_what_is_counted_per_model);
    tcase_add_test(tc, a_model_has_no_histogram_before_its_first_value);
    tcase_add_test(tc, a_version_loaded_again_takes_the_place_of_the_old);
    tcase_add_test(tc, a_version_that_failed_is_not_ready_and_nothing_else);
    tcase_add_test(tc, models_come_and_go_while_others_scrape);
    suite_add_tcase(s, tc);

    return suite_run(s);
}
