/* test_server_baseline.c - baseline.json: what is written reads back as the same baseline, to the
 * bit; what does not fit the network is refused with its place. */
#include <stdio.h>
#include <string.h>
#include <axon/activation.h>
#include "neurons/baseline.h"
#include "random.h"
#include "starve.h"
#include "suite.h"

enum { FEATURES = 2, UNITS = 3, CLASSES = 2 };
static const char sha[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static const char *const names[] = {"hidden1", "output"};
static struct axon_mlp *mlp;
static struct baseline_shape shape;

static void setup(void)
{
    static const float weight[UNITS * UNITS] = {1};
    struct axon_layer layers[] = {
        {.units = UNITS, .weight = weight, .activation = axon_activation_find("relu")},
        {.units = CLASSES, .weight = weight, .activation = axon_activation_find("softmax")}};
    struct axon_mlp_spec spec = {.features = FEATURES, .layers = layers, .layers_count = 2};

    ck_assert_int_eq(axon_mlp_create(&spec, &mlp), AXON_OK);
    shape = (struct baseline_shape){mlp, names, CLASSES, sha};
}

static void teardown(void)
{
    axon_mlp_destroy(mlp);
}

/* Between 0 and 1, with all the bits that a double has. */
static double share(void)
{
    return (double)(random_bits() >> 11) * 0x1p-53;
}

static struct baseline *filled(void)
{
    struct baseline *b = baseline_create(&shape);

    ck_assert_ptr_nonnull(b);
    b->rows = 1 + random_bits() % 1000;
    for (size_t u = 0; u < UNITS; u++) {
        b->layers[0].firing[u] = share();
        b->layers[0].mean[u] = share() - 0.5;
        b->layers[0].std[u] = share();
    }
    for (size_t f = 0; f < FEATURES; f++) {
        b->input.min[f] = (float)-share();
        b->input.max[f] = (float)share();
        b->input.mean[f] = share() * 1e-9;
        b->input.std[f] = share() * 1e9;
    }
    b->classes_count = CLASSES;
    b->classes[1] = b->rows;
    b->has_confidence = true;
    b->confidence_mean = share();
    b->temperature = 0.5 + share();
    b->conformal_rows = 300;
    for (size_t a = 0; a < BASELINE_ALPHAS; a++)
        b->quantiles[a] = 1 - (double)(float)share(); /* often halfway between two floats */
    return b;
}

static struct baseline *read_back(const char *text, struct error *error)
{
    struct baseline *b;

    *error = (struct error){0};
    baseline_read(&b, &shape, "1/baseline.json", text, strlen(text), error);
    return b;
}

static void assert_same(const struct baseline *a, const struct baseline *b)
{
    ck_assert_uint_eq(a->rows, b->rows);
    for (size_t u = 0; u < UNITS; u++) {
        ck_assert_same(a->layers[0].firing[u], b->layers[0].firing[u]);
        ck_assert_same(a->layers[0].mean[u], b->layers[0].mean[u]);
        ck_assert_same(a->layers[0].std[u], b->layers[0].std[u]);
    }
    for (size_t f = 0; f < FEATURES; f++) {
        ck_assert_same(a->input.min[f], b->input.min[f]);
        ck_assert_same(a->input.max[f], b->input.max[f]);
        ck_assert_same(a->input.mean[f], b->input.mean[f]);
        ck_assert_same(a->input.std[f], b->input.std[f]);
    }
    ck_assert_uint_eq(a->classes[1], b->classes[1]);
    ck_assert_same(a->confidence_mean, b->confidence_mean);
    ck_assert_same(a->temperature, b->temperature);
    ck_assert_uint_eq(a->conformal_rows, b->conformal_rows);
    for (size_t i = 0; i < BASELINE_ALPHAS; i++)
        ck_assert_same(a->quantiles[i], b->quantiles[i]);
}

START_TEST(what_is_written_reads_back_to_the_bit)
{
    struct error error;

    for (size_t i = 0; i < 1000; i++) {
        struct baseline *a = filled(), *b;
        struct baseline_writer writer;
        size_t piece = 1 + i % 20; /* of 17 numbers */
        struct buf text;

        buf_init(&text, 0);
        baseline_writer_init(&writer, a, &text);
        while (!writer.done)
            baseline_writer_go_on(&writer, piece);
        b = read_back(text.data, &error);
        ck_assert_msg(b != NULL, "%s", error.detail);
        assert_same(a, b);
        buf_fini(&text);
        baseline_unref(a);
        baseline_unref(b);
    }
}
END_TEST

START_TEST(what_is_optional_may_be_absent)
{
    struct error error;
    struct baseline *b = read_back(
        "{\"rows\": 1, \"weights_sha256\": "
        "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\", \"layers\": "
        "{\"hidden1\": {\"firing\": [0, 0.5, 1], \"mean\": [0, 1, 2], \"std\": [0, 0, 0]}}, "
        "\"input\": {\"min\": [0, 0], \"max\": [0, 1], \"mean\": [0, 0.5], \"std\": [0, 0.5]}, "
        "\"classes\": null}",
        &error);

    ck_assert_msg(b != NULL, "%s", error.detail);
    ck_assert_uint_eq(b->classes_count, 0);
    ck_assert(!b->has_confidence);
    ck_assert_uint_eq(b->conformal_rows, 0);
    baseline_unref(b);
}
END_TEST

/* A part of the document that is exchanged, and the error's detail after the file's name. */
static const struct {
    const char *part, *by, *error;
} mistakes[] = {
    {"\"rows\": 400", "\"rows\": 0",
     "rows: expected a whole number from 1 to 9007199254740992, found 0"},
    {"\"rows\": 400, ", "", "rows: missing; expected a whole number from 1 to 9007199254740992"},
    {"\"rows\": 400", "\"rows\": 1.5",
     "rows: expected a whole number from 1 to 9007199254740992, found 1.5"},
    {"01234567", "11234567",
     "weights_sha256: a baseline of other weights: "
     "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef, but this version's are "
     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
    {"01234567", "0123456",
     "weights_sha256: expected 64 hexadecimal digits in lower case, found "
     "\"012345689abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""},
    {"\"hidden1\": {", "\"hidden2\": {", "layers.hidden2: unknown key; did you mean \"hidden1\"?"},
    {"[0.1, 0.2, 0.3]", "[0.1, 0.2]",
     "layers.hidden1.firing: expected an array of 3 numbers, found an array of 2"},
    {"[0.1, 0.2, 0.3]", "[0.1, 0.2, 1.5]",
     "layers.hidden1.firing[2]: expected a number from 0 to 1, found 1.5"},
    {"[0.1, 0.2, 0.3]", "[0.1, -0.2, 0.3]",
     "layers.hidden1.firing[1]: expected a number from 0 to 1, found -0.2"},
    {"[0.1, 0.2, 0.3]", "[0.1, null, 0.3]",
     "layers.hidden1.firing[1]: expected a number from 0 to 1, found null"},
    {"[0.1, 0.2, 0.3]", "0.1", "layers.hidden1.firing: expected an array, found 0.1"},
    {"[0.1, 0.2, 0.3]", "[0.1, NaN, 0.3]", "1:140: expected a value, found NaN"},
    {"[5, 6, 7]", "[5, 6, 1e39]",
     "layers.hidden1.mean[2]: expected a number from -3.40282347e+38 to 3.40282347e+38, found "
     "1e+39"},
    {"[8, 9, 10]", "[8, 9, -1]",
     "layers.hidden1.std[2]: expected a number from 0 to 3.40282347e+38, found -1"},
    {"\"max\": [1, 1]", "\"max\": [1, -2]", "input.max[1]: -2 is below min[1], -1"},
    {"\"max\": [1, 1]", "\"max\": [1, 1], \"median\": []",
     "input.median: unknown key; did you mean \"mean\"?"},
    {"\"max\": [1, 1], ", "", "input.max: missing; expected an array"},
    {"[300, 100]", "[300, -1]",
     "classes[1]: expected a whole number from 0 to 9007199254740992, found -1"},
    {"[300, 100]", "[400]", "classes: expected an array of 2 numbers, found an array of 1"},
    {"\"mean\": 0.9", "\"mean\": 1.9", "confidence.mean: expected a number from 0 to 1, found 1.9"},
    {"\"mean\": 0.9, ", "", "confidence.mean: expected a number from 0 to 1, found nothing"},
    {"1.25", "0", "confidence.temperature: expected a number from 0.001 to 1000, found 0"},
    {"1.25", "\"warm\"",
     "confidence.temperature: expected a number from 0.001 to 1000, found \"warm\""},
    {"\"0.05\": 0.5", "\"0.2\": 0.5",
     "conformal.quantiles.0.2: unknown key; did you mean \"0.1\"?"},
    {"\"0.05\": 0.5, ", "",
     "conformal.quantiles.0.05: expected a number from 0 to 1, found nothing"},
    {"\"conformal\": {\"rows\": 400", "\"conformal\": {\"rows\": 0",
     "conformal.rows: expected a whole number from 1 to 9007199254740992, found 0"},
    {"\"input\"", "\"inputs\"", "inputs: unknown key; did you mean \"input\"?"},
};

static const char document[] =
    "{\"rows\": 400, \"weights_sha256\": "
    "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\", "
    "\"layers\": {\"hidden1\": {\"firing\": [0.1, 0.2, 0.3], \"mean\": [5, 6, 7], \"std\": [8, 9, "
    "10]}}, \"input\": {\"min\": [-1, -1], \"max\": [1, 1], \"mean\": [0, 0], \"std\": [1, 1]}, "
    "\"classes\": [300, 100], \"confidence\": {\"mean\": 0.9, \"temperature\": 1.25}, "
    "\"conformal\": {\"rows\": 400, \"quantiles\": {\"0.1\": 0.4, \"0.05\": 0.5, \"0.01\": 1}}}";

static const char *exchanged(const char *part, const char *by)
{
    static char text[2048];
    const char *at = strstr(document, part);

    ck_assert_ptr_nonnull(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - document), document, by, at + strlen(part));
    return text;
}

START_TEST(a_mistake_is_refused_with_its_place)
{
    struct error error;
    char want[ERROR_DETAIL_MAX];
    bool has_line = mistakes[_i].error[0] == '1';

    ck_assert_ptr_null(read_back(exchanged(mistakes[_i].part, mistakes[_i].by), &error));
    snprintf(want, sizeof want, "1/baseline.json:%s%s", has_line ? "" : " ", mistakes[_i].error);
    ck_assert_str_eq(error.detail, want);
}
END_TEST

/* A part that is exchanged, and the first one that is left. */
static const struct {
    const char *part, *by, *told;
} none[] = {
    {"[300, 100]", "[300, 100]", "classes"},
    {"[300, 100]", "null", "confidence"},
    {"[300, 100], \"confidence\": {\"mean\": 0.9, \"temperature\": 1.25}", "null", "conformal"}};

START_TEST(a_network_without_classes_has_none)
{
    struct error error;
    char want[ERROR_DETAIL_MAX];

    shape.classes_count = 0;
    ck_assert_ptr_null(read_back(exchanged(none[_i].part, none[_i].by), &error));
    snprintf(want, sizeof want,
             "1/baseline.json: %s: this network gives no probabilities of classes that exclude "
             "each other",
             none[_i].told);
    ck_assert_str_eq(error.detail, want);
}
END_TEST

START_TEST(the_last_reference_frees)
{
    struct baseline *b = baseline_create(&shape);

    ck_assert_ptr_eq(baseline_ref(b), b);
    baseline_unref(b);
    ck_assert_uint_eq(b->layers_count, 1);
    baseline_unref(b);
    ck_assert_ptr_null(baseline_ref(NULL));
    baseline_unref(NULL);
}
END_TEST

/* Every allocation fails in turn. */
START_TEST(without_memory_nothing_is_left)
{
    struct error error;

    if (!STARVE_WORKS)
        return;
    for (long n = 1; n < 10000; n++) {
        long live = starve_live;
        bool starving;

        starve_countdown = n;
        struct baseline *b = read_back(document, &error);
        starving = starve_countdown == 0;
        starve_countdown = 0;
        ck_assert(b || error.id == ERROR_OUT_OF_MEMORY);
        baseline_unref(b);
        ck_assert_int_eq(starve_live, live);
        if (!starving)
            return;
    }
    ck_abort_msg("it never had enough");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("baseline");
    TCase *tc = suite_case(s, "baseline.json");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, what_is_written_reads_back_to_the_bit);
    tcase_add_test(tc, what_is_optional_may_be_absent);
    tcase_add_loop_test(tc, a_mistake_is_refused_with_its_place, 0,
                        sizeof mistakes / sizeof *mistakes);
    tcase_add_loop_test(tc, a_network_without_classes_has_none, 0, sizeof none / sizeof *none);
    tcase_add_test(tc, the_last_reference_frees);
    tcase_add_test(tc, without_memory_nothing_is_left);
    return suite_run(s);
}
