/* fuzz_baseline.c - libFuzzer entry: any bytes as baseline.json are a baseline that holds its
 * invariants and reads back as it was written, or an error with a message. */
#include <axon/activation.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "neurons/baseline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BASELINE_FEATURES = 2, BASELINE_UNITS = 3, BASELINE_CLASSES = 2 };
static const char *const baseline_names[] = {"hidden1", "output"};
static struct baseline_shape baseline_shape = {
    NULL, baseline_names, BASELINE_CLASSES,
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};

static void baseline_require(int condition)
{
    if (!condition)
        abort();
}

static void baseline_start(void)
{
    static const float weight[BASELINE_UNITS * BASELINE_UNITS] = {1};
    const struct axon_layer layers[] = {
        {.units = BASELINE_UNITS, .weight = weight, .activation = axon_activation_find("relu")},
        {.units = BASELINE_CLASSES,
         .weight = weight,
         .activation = axon_activation_find("softmax")}};
    const struct axon_mlp_spec spec = {
        .features = BASELINE_FEATURES, .layers = layers, .layers_count = 2};
    struct axon_mlp *mlp;

    baseline_require(axon_mlp_create(&spec, &mlp) == AXON_OK);
    baseline_shape.mlp = mlp; /* until the process ends */
}

static void baseline_check(const struct baseline *b)
{
    baseline_require(b->rows >= 1 && b->layers_count == 1);
    baseline_require(strcmp(b->weights_sha256, baseline_shape.weights_sha256) == 0);
    for (size_t u = 0; u < BASELINE_UNITS; u++) {
        baseline_require(b->layers[0].firing[u] >= 0 && b->layers[0].firing[u] <= 1);
        baseline_require(isfinite(b->layers[0].mean[u]) && b->layers[0].std[u] >= 0);
    }
    for (size_t f = 0; f < BASELINE_FEATURES; f++) {
        baseline_require(b->input.min[f] <= b->input.max[f]);
        baseline_require(isfinite(b->input.mean[f]) && b->input.std[f] >= 0);
    }
    baseline_require(b->classes_count == 0 || b->classes_count == BASELINE_CLASSES);
    baseline_require(b->temperature >= 0 && isfinite(b->temperature));
    for (size_t a = 0; a < BASELINE_ALPHAS; a++)
        baseline_require(b->quantiles[a] >= 0 && b->quantiles[a] <= 1);
}

static char *baseline_written(const struct baseline *b, size_t *size)
{
    struct baseline_writer writer;
    struct buf text;

    buf_init(&text, 0);
    baseline_writer_init(&writer, b, &text);
    while (!writer.done)
        baseline_writer_go_on(&writer, 3);
    return buf_steal(&text, size);
}

/* The same text again. */
static void baseline_check_written(const struct baseline *b)
{
    struct error error = {0};
    struct baseline *again;
    size_t size, size_again;
    char *text = baseline_written(b, &size), *text_again;

    baseline_require(baseline_read(&again, &baseline_shape, "f", text, size, &error) == ERROR_OK);
    text_again = baseline_written(again, &size_again);
    baseline_require(size == size_again && memcmp(text, text_again, size) == 0);
    free(text);
    free(text_again);
    baseline_unref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct baseline *b = NULL;
    char *text = malloc(size + 1); /* exactly as long as what the caller promises */

    if (!baseline_shape.mlp)
        baseline_start();
    baseline_require(text != NULL);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    if (baseline_read(&b, &baseline_shape, "f", text, size, &error) == ERROR_OK) {
        baseline_check(b);
        baseline_check_written(b);
        baseline_unref(b);
    } else {
        baseline_require(error.detail[0] != '\0');
    }
    free(text);
    return 0;
}
