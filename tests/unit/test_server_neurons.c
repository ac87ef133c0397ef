/* test_server_neurons.c - the counters of a version over several workers: the parts of the window
 * are those of all of them, and what a scrape says of few rows, of equal ones, and of none. The
 * clock is the test's. */
#include <axon/mlp.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include "base/clock.h"
#include "neurons/neurons.h"
#include "neurons/predictions.h"
#include "scrape.h"
#include "suite.h"

enum { WORKERS = 4, ROWS_MIN = 40 };

static struct axon_mlp *mlp;
static struct neurons *neurons;
static struct metrics_model *metrics;

static void refresh(struct metrics_model *m, void *context)
{
    neurons_refresh(context, m);
}

/* Unit 0 fires for x > 0, unit 1 never. */
static const struct predictions_shape no_classes;
static const struct predictions_tally no_answers;

static void setup(void)
{
    static const float weight[2] = {1, 0}, bias[2] = {0, -1};
    static const char *const names[] = {"hidden1"};
    const struct axon_activation *relu = axon_activation_find("relu");
    const struct axon_evidence evidence = {.window_s = 60, .rows_min = ROWS_MIN};
    struct axon_layer layers[] = {
        {.units = 2, .weight = weight, .bias = bias, .activation = relu},
        {.units = 1, .weight = weight, .activation = axon_activation_find("identity")}};
    struct axon_mlp_spec spec = {.features = 1, .layers = layers, .layers_count = 2};

    scrape_start();
    ck_assert_int_eq(axon_mlp_create(&spec, &mlp), AXON_OK);
    neurons = neurons_create(mlp, &no_classes, 1, &evidence);
    ck_assert_ptr_nonnull(neurons);
    metrics = metrics_model_create(&(struct metrics_model_spec){.model = "m",
                                                                .version = "1",
                                                                .task = "",
                                                                .layers = names,
                                                                .layers_count = 1,
                                                                .refresh = refresh,
                                                                .context = neurons});
    ck_assert_ptr_nonnull(metrics);
    metrics_model_publish(metrics);
}

static void teardown(void)
{
    metrics_model_destroy(metrics);
    neurons_destroy(neurons);
    axon_mlp_destroy(mlp);
    scrape_stop();
}

/* One row, at time now_s. */
static void serve(float x, double now_s)
{
    void *memory = aligned_alloc(64, axon_watch_bytes(mlp)), *scratch;
    struct axon_watch *watch = axon_watch_init(memory, mlp);
    float y;

    scratch = aligned_alloc(64, (axon_mlp_scratch_bytes(mlp) + 63) / 64 * 64);
    axon_mlp_predict(mlp, &x, 1, &y, scratch, watch);
    ck_assert_int_eq(neurons_add(neurons, watch, &no_answers, now_s), 0);
    free(scratch);
    free(memory);
}

/* Several workers that take turns, one row a second, as of a second that is the test's. */
static struct turn {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int second, seconds;
    float x;
    double began_s;
} turn = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void *work(void *context)
{
    int mine = *(int *)context;

    pthread_mutex_lock(&turn.lock);
    while (turn.second < turn.seconds) {
        if (turn.second % WORKERS != mine) {
            pthread_cond_wait(&turn.changed, &turn.lock);
            continue;
        }
        serve(turn.x * (float)(1 + turn.second % 3), turn.began_s + turn.second);
        turn.second++;
        pthread_cond_broadcast(&turn.changed);
    }
    pthread_mutex_unlock(&turn.lock);
    return NULL;
}

static void serve_in_turns(float x, int seconds, double began_s)
{
    pthread_t threads[WORKERS];
    int numbers[WORKERS];

    turn.second = 0;
    turn.seconds = seconds;
    turn.x = x;
    turn.began_s = began_s;
    for (int i = 0; i < WORKERS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &numbers[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
}

static void expect_window(double now_s, uint64_t rows_least, uint64_t rows_most, uint64_t silent)
{
    struct axon_neurons *sum = neurons_merge(neurons);
    struct axon_neurons_layer is = axon_neurons_layer(sum, 0, AXON_WINDOW_SLIDING, now_s);

    ck_assert_uint_ge(is.rows, rows_least);
    ck_assert_uint_le(is.rows, rows_most);
    ck_assert_uint_eq(is.silent, silent);
    axon_neurons_destroy(sum);
}

/* Were the parts each worker's own, the window would hold WORKERS times as many rows, and unit 0
 * would still seem to fire. */
START_TEST(the_last_rows_are_those_of_all_workers)
{
    serve_in_turns(1, 500, 0);
    expect_window(500, 60, 67, 1); /* a minute, and a part more that is open */
    serve_in_turns(-1, 67, 500);
    expect_window(567, 60, 67, 2);
    expect_window(1e6, ROWS_MIN, ROWS_MIN + 6, 2); /* an hour later: what a verdict needs */
}
END_TEST

START_TEST(a_part_is_not_over_before_its_time)
{
    for (int i = 0; i < 1000; i++) /* all within six seconds: one part, which stays whole */
        serve((float)i, 10 + i * 0.005);
    expect_window(15, 1000, 1000, 1);
    expect_window(74, 1000, 1000, 1);
    for (int i = 0; i < 120; i++) /* ten rows every six seconds: a part each */
        serve((float)i, 16.1 + 6.001 * (i / 10));
    expect_window(16.1 + 6.001 * 11, 100, 110, 1);
}
END_TEST

#define OF_LAYER "{model=\"m\",version=\"1\",layer=\"hidden1\""
#define LAYER    OF_LAYER ",window=\"60s\"} "

START_TEST(no_verdict_is_nan_and_never_0)
{
    expect("axond_dead_relu_ratio" LAYER "NaN");
    expect("axond_silent_unit_ratio" LAYER "NaN");
    expect("axond_relu_zero_fraction" OF_LAYER "} NaN");
    serve(1, clock_s());
    expect("axond_dead_relu_ratio" LAYER "NaN");
    expect("axond_silent_unit_ratio" LAYER "0.5");
    expect("axond_relu_zero_fraction" OF_LAYER "} 0.5");
    for (int i = 0; i < 2 * ROWS_MIN; i++)
        serve(1, clock_s());
    expect("axond_dead_relu_ratio" LAYER "NaN");
    serve(2, clock_s());
    expect("axond_dead_relu_ratio" LAYER "0.5");
    serve(-1, clock_s());
    expect("axond_dead_relu_ratio" LAYER "0.5");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("neurons");
    TCase *tcase = suite_case(suite, "neurons");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, the_last_rows_are_those_of_all_workers);
    tcase_add_test(tcase, a_part_is_not_over_before_its_time);
    tcase_add_test(tcase, no_verdict_is_nan_and_never_0);
    return suite_run(suite);
}
