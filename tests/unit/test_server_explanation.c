/* test_server_explanation.c - explanations of the shipped models' held-out rows, against a baseline
 * of them: lists are what plain loops in doubles say, and what is planted is found. */
#include <axon/backward.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "model/explanation.h"
#include "models.h"

enum { MODELS = 2, ALL = 64, CONFIG_LAYERS = 8 };
static const char *const names[MODELS] = {"digits", "breast-cancer"};

static struct model *m; /* a reference */
static float *x;        /* [rows, features] held out */
static size_t rows, features;
static struct baseline *baseline;

static void read_rows(const char *name)
{
    char path[128];
    json_t *json, *list;

    snprintf(path, sizeof path, "tests/data/%s/heldout.json", name);
    json = json_load_file(path, 0, NULL);
    list = json_object_get(json, "instances");
    rows = json_array_size(list);
    ck_assert_uint_gt(rows, 100);
    x = calloc(rows * features, sizeof *x);
    for (size_t i = 0; i < rows * features; i++)
        x[i] = (float)json_number_value(
            json_array_get(json_array_get(list, i / features), i % features));
    json_decref(json);
}

static void moments(const float *values, size_t n, size_t width, double *mean, double *std)
{
    for (size_t j = 0; j < width; j++) {
        double sum = 0, squares = 0;

        for (size_t i = 0; i < n; i++)
            sum += (double)values[i * width + j];
        for (size_t i = 0; i < n; i++)
            squares += pow((double)values[i * width + j] - sum / (double)n, 2);
        mean[j] = sum / (double)n;
        std[j] = sqrt(squares / (double)n);
    }
}

static void *keep(size_t count, const float *from)
{
    size_t bytes;
    void *scratch;

    ck_assert_int_eq(axon_mlp_backward_scratch_bytes(m->mlp, count, &bytes), AXON_OK);
    scratch = aligned_alloc(64, bytes);
    ck_assert_int_eq(axon_mlp_forward_keep(m->mlp, from, count, NULL, scratch), AXON_OK);
    return scratch;
}

static void make_baseline(void)
{
    static const char sha256[SHA256_TEXT + 1] = "of no concern here";
    const char *layers[CONFIG_LAYERS] = {NULL};
    struct baseline_shape shape = {.mlp = m->mlp, .layer_names = layers, .weights_sha256 = sha256};
    void *scratch = keep(rows, x);

    for (size_t l = 0; l < m->layers_count; l++)
        layers[l] = m->layers[l].name;
    baseline = baseline_create(&shape);
    ck_assert_ptr_nonnull(baseline);
    baseline->rows = rows;
    moments(x, rows, features, baseline->input.mean, baseline->input.std);
    for (size_t l = 0; l < baseline->layers_count; l++)
        moments(axon_mlp_kept_post(m->mlp, rows, scratch, l), rows, baseline->layers[l].units,
                baseline->layers[l].mean, baseline->layers[l].std);
    free(scratch);
}

static void open_model(int which)
{
    const struct repository_snapshot *s;
    struct error error = {0};

    set_up();
    repository = repository_open("configs/models", &options, NULL, &failed, &error);
    ck_assert_msg(repository, "%s", error.detail);
    s = repository_acquire(repository);
    m = repository_find_version(repository_find(s, names[which]), 0)->model;
    model_ref(m);
    repository_release(repository, s);
    features = axon_mlp_features(m->mlp);
    read_rows(names[which]);
    make_baseline();
}

static void close_model(void)
{
    baseline_unref(baseline);
    model_unref(m);
    free(x);
    tear_down();
}

/* new: *memory is the caller's */
static struct explanation explain(const float *of, size_t count, size_t top_k, void **memory)
{
    struct explanation e = {.model = m,
                            .baseline = baseline,
                            .x = of,
                            .rows = count,
                            .top_k = top_k,
                            .class = SIZE_MAX};

    *memory = malloc(explanation_bytes(&e));
    explanation_start(&e, *memory);
    while (explanation_advance(&e))
        ;
    return e;
}

/* Is the list sorted by size, and each entry (value - mean) / std of its own? */
static void check_departures(const struct explanation *e, size_t row, size_t list,
                             const float *values, const double *mean, const double *std)
{
    const struct explanation_entry *entries = explanation_list(e, row, list);

    for (size_t k = 0; k < explanation_length(e, list); k++) {
        uint32_t i = entries[k].index;
        double want = ((double)values[i] - mean[i]) / std[i];

        ck_assert(memcmp(&entries[k].value, &values[i], sizeof(float)) == 0);
        if (std[i] > 0)
            ck_assert_double_eq_tol((double)entries[k].size, want, 1e-6 * (1 + fabs(want)));
        ck_assert(k == 0 || fabsf(entries[k].size) <= fabsf(entries[k - 1].size));
    }
}

static double largest(const float *values, const double *mean, const double *std, size_t n)
{
    double z = 0;

    for (size_t i = 0; i < n; i++)
        if (std[i] > 0)
            z = fmax(z, fabs(((double)values[i] - mean[i]) / std[i]));
    return z;
}

START_TEST(what_departs_is_what_plain_loops_find)
{
    void *memory, *scratch;
    struct explanation e;

    open_model(_i);
    e = explain(x, rows, 3, &memory);
    scratch = keep(rows, x);
    ck_assert_uint_eq(explanation_length(&e, EXPLANATION_ODD), 3);
    for (size_t r = 0; r < rows; r++) {
        check_departures(&e, r, EXPLANATION_ODD, x + r * features, baseline->input.mean,
                         baseline->input.std);
        ck_assert_double_eq_tol(
            fabs((double)explanation_list(&e, r, EXPLANATION_ODD)->size),
            largest(x + r * features, baseline->input.mean, baseline->input.std, features), 1e-4);
        for (size_t l = 0; l < baseline->layers_count; l++) {
            const struct baseline_layer *habit = &baseline->layers[l];
            const float *post = axon_mlp_kept_post(m->mlp, rows, scratch, l) + r * habit->units;

            check_departures(&e, r, EXPLANATION_LAYERS + l, post, habit->mean, habit->std);
        }
    }
    free(scratch);
    free(memory);
    close_model();
}
END_TEST

START_TEST(class_logit_and_confidence_are_those_of_the_network)
{
    void *memory, *scratch;
    struct explanation e;
    size_t outputs;

    open_model(_i);
    e = explain(x, rows, 1, &memory);
    scratch = keep(rows, x);
    outputs = axon_mlp_outputs(m->mlp);
    for (size_t r = 0; r < rows; r++) {
        const float *y = axon_mlp_kept_post(m->mlp, rows, scratch, m->layers_count - 1);
        size_t best = outputs == 1 ? y[r] >= 0.5f : 0;
        double served;

        for (size_t k = 1; k < outputs; k++)
            best = y[r * outputs + k] > y[r * outputs + best] ? k : best;
        served = (double)y[r * outputs + (outputs > 1 ? best : 0)];
        ck_assert_uint_eq(e.answers[r].class, best);
        ck_assert_double_eq_tol(e.answers[r].confidence,
                                outputs == 1 && best == 0 ? 1 - served : served, 1e-6);
    }
    free(scratch);
    free(memory);
    close_model();
}
END_TEST

/* A pixel may be 16, whatever the pixels in the corners have shown. */
static float largest_of(size_t feature)
{
    float most = strcmp(m->name, "digits") == 0 ? 16 : 0;

    for (size_t r = 0; r < rows; r++)
        most = fmaxf(most, x[r * features + feature]);
    return most;
}

/* A feature that never varies teaches nothing, and none of its weights means anything. */
START_TEST(a_feature_of_ten_times_its_maximum_ranks_first)
{
    size_t planted = 0, found = 0;
    float *bad;

    open_model(_i);
    bad = malloc(rows * features * sizeof *bad);
    for (size_t f = 0; f < features; f++) {
        void *memory;
        struct explanation e;

        if (baseline->input.std[f] <= 0)
            continue;
        memcpy(bad, x, rows * features * sizeof *bad);
        for (size_t r = 0; r < rows; r++)
            bad[r * features + f] = 10 * largest_of(f);
        e = explain(bad, rows, 1, &memory);
        for (size_t r = 0; r < rows; r++)
            found += explanation_list(&e, r, EXPLANATION_FEATURES)->index == f;
        planted += rows;
        free(memory);
    }
    printf("# %s: %zu of %zu planted features rank first, %.2f %%\n", m->name, found, planted,
           100.0 * (double)found / (double)planted);
    ck_assert_uint_ge(100 * found, 95 * planted);
    free(bad);
    close_model();
}
END_TEST

/* 0 is three deviations from the mean, and nothing else in the row is so far from its own. */
START_TEST(a_sensor_that_is_stuck_at_0_is_odd)
{
    size_t planted = 0, sensors = 0;
    float *bad;

    open_model(_i);
    bad = malloc(rows * features * sizeof *bad);
    for (size_t f = 0; f < features; f++) {
        const struct baseline_input *in = &baseline->input;
        void *memory;
        struct explanation e;

        if (!(in->std[f] > 0) || fabs(in->mean[f]) < 3 * in->std[f])
            continue;
        memcpy(bad, x, rows * features * sizeof *bad);
        for (size_t r = 0; r < rows; r++)
            bad[r * features + f] = 0;
        e = explain(bad, rows, 1, &memory);
        for (size_t r = 0; r < rows; r++) {
            double stuck = fabs(in->mean[f]) / in->std[f];

            if (largest(x + r * features, in->mean, in->std, features) >= stuck)
                continue;
            ck_assert_uint_eq(explanation_list(&e, r, EXPLANATION_ODD)->index, f);
            planted++;
        }
        sensors++;
        free(memory);
    }
    printf("# %s: %zu sensors, %zu rows\n", m->name, sensors, planted);
    ck_assert_uint_gt(planted, 300);
    free(bad);
    close_model();
}
END_TEST

START_TEST(without_a_baseline_nothing_is_odd)
{
    struct explanation e;
    void *memory;

    open_model(0);
    baseline_unref(baseline);
    baseline = NULL;
    e = explain(x, 1, ALL, &memory);
    ck_assert_uint_eq(explanation_length(&e, EXPLANATION_FEATURES), features);
    ck_assert_uint_eq(explanation_entries(&e), features);
    free(memory);
    close_model();
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("explanation");

    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, what_departs_is_what_plain_loops_find, 0, MODELS);
    tcase_add_loop_test(tc, class_logit_and_confidence_are_those_of_the_network, 0, MODELS);
    tcase_add_loop_test(tc, a_feature_of_ten_times_its_maximum_ranks_first, 0, MODELS);
    tcase_add_loop_test(tc, a_sensor_that_is_stuck_at_0_is_odd, 0, MODELS);
    tcase_add_test(tc, without_a_baseline_nothing_is_odd);
    return run_suite("explanation", tc);
}
