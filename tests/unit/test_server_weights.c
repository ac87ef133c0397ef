/* test_server_weights.c - what the tensors of a weights file become: batch normalizations folded,
 * slopes by tensor, and nothing that could be a layer's left over. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models.h"

/* ---- a weights file from a list of tensors --------------------------------------------------- */

struct tensor_text {
    const char *name, *dtype, *shape;
    size_t count;
    const double *values;
};

static size_t width_of(const char *dtype)
{
    return strcmp(dtype, "F32") == 0 ? 4 : 8;
}

static void put_tensors(const char *path, const struct tensor_text *tensors, size_t count)
{
    char text[2048] = "{";
    unsigned char data[1024];
    size_t used = 1, bytes = 0, len;

    for (size_t i = 0; i < count; i++) {
        const struct tensor_text *t = &tensors[i];
        size_t width = width_of(t->dtype);
        used += (size_t)snprintf(
            text + used, sizeof text - used,
            "%s\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%zu,%zu]"
            "}",
            i ? "," : "", t->name, t->dtype, t->shape, bytes, bytes + t->count * width);
        for (size_t k = 0; k < t->count; k++, bytes += width) {
            float narrow = (float)t->values[k];
            memcpy(data + bytes, width == 4 ? (const void *)&narrow : &t->values[k], width);
        }
    }
    snprintf(text + used, sizeof text - used, "}");
    unsigned char *file = safetensors_make(text, data, bytes, &len);
    folder_write(&root, path, file, len);
    free(file);
}

#define T(name, shape, ...) TENSOR(name, "F32", shape, __VA_ARGS__)
#define TENSOR(name, dtype, shape, ...)                                                        \
    {                                                                                          \
        name, dtype, shape, sizeof((double[]){__VA_ARGS__}) / sizeof(double), (const double[]) \
        {                                                                                      \
            __VA_ARGS__                                                                        \
        }                                                                                      \
    }
#define PUT(...)                                                                      \
    put_tensors("m/1/weights.safetensors", (const struct tensor_text[]){__VA_ARGS__}, \
                sizeof((const struct tensor_text[]){__VA_ARGS__}) / sizeof(struct tensor_text))

static void put_layers(const char *layers, const char *more)
{
    char text[1024];

    snprintf(text, sizeof text, "{\"input\": {\"features\": 2}, \"layers\": [%s]%s}", layers, more);
    folder_text(&root, "m/config.json", text);
}

/* The model's answer to [x0, x1], one output. */
static float answer(float x0, float x1)
{
    const struct repository_snapshot *s = repository_acquire(repository);
    const struct repository_version *v = repository_find_version(repository_find(s, "m"), 1);
    const float x[2] = {x0, x1};
    float y = NAN;

    ck_assert_msg(v && v->model, "%s", v ? v->error : "absent");
    ck_assert_int_eq(serve_rows(v->model, x, 1, &y), 0);
    repository_release(repository, s);
    return y;
}

static size_t findings_count(void)
{
    const struct repository_snapshot *s = repository_acquire(repository);
    size_t count = repository_find(s, "m")->findings.count;

    repository_release(repository, s);
    return count;
}

/* ---- batch normalizations -------------------------------------------------------------------- */

#define LINEAR(name, units) "{\"name\": \"" name "\", \"units\": " units ", \"activation\": "
#define ID                  "\"identity\"}"
#define RELU                "\"relu\"}"

#define DENSE_0 T("0.weight", "[2,2]", 1, 2, 3, 4), T("0.bias", "[2]", 0.5, -0.5)
#define NORM_1                                                   \
    T("1.weight", "[2]", 2, -1), T("1.bias", "[2]", 0.25, 0.75), \
        T("1.running_mean", "[2]", 1, -2), T("1.running_var", "[2]", 0.25, 4)
#define DENSE_2 T("2.weight", "[1,2]", 1, -2), T("2.bias", "[1]", 0.125)

static double norm_1(size_t unit, double z)
{
    return unit == 0 ? (z - 1) / sqrt(0.25 + 1e-5) * 2 + 0.25
                     : (z + 2) / sqrt(4 + 1e-5) * -1 + 0.75;
}

static double relu(double z)
{
    return z > 0 ? z : 0;
}

START_TEST(a_norm_is_folded_into_the_layer_in_front)
{
    put_layers(LINEAR("0", "2") ID
               ", {\"name\": \"1\", \"type\": \"batch_norm\", \"epsilon\": 1e-5, "
               "\"activation\": \"relu\"}, " LINEAR("2", "1") ID,
               "");
    PUT(DENSE_0, NORM_1, DENSE_2);
    open_repository();
    for (float x = -2; x < 3; x += 0.5f) {
        double a = relu(norm_1(0, (double)x + 2 * 0.5 + 0.5));
        double b = relu(norm_1(1, 3 * (double)x + 4 * 0.5 - 0.5));
        ck_assert_double_eq_tol((double)answer(x, 0.5f), a - 2 * b + 0.125, 1e-5);
    }
    ck_assert_uint_eq(findings_count(), 0);
}
END_TEST

START_TEST(a_norm_after_an_activation_is_folded_into_the_next_layer)
{
    put_layers(LINEAR("0", "2") RELU
               ", {\"name\": \"1\", \"type\": \"batch_norm\"}, " LINEAR("2", "1") ID,
               "");
    PUT(DENSE_0, NORM_1, DENSE_2);
    open_repository();
    for (float x = -2; x < 3; x += 0.5f) {
        double a = norm_1(0, relu((double)x + 2 * 0.5 + 0.5));
        double b = norm_1(1, relu(3 * (double)x + 4 * 0.5 - 0.5));
        ck_assert_double_eq_tol((double)answer(x, 0.5f), a - 2 * b + 0.125, 1e-5);
    }
}
END_TEST

START_TEST(norms_in_a_row_and_in_front_of_all_are_folded_in_their_order)
{
    put_layers(
        "{\"name\": \"1\", \"type\": \"batch_norm\"}, {\"name\": \"n\", \"type\": "
        "\"batch_norm\", \"weight\": null, \"bias\": [10, 20], \"running_mean\": [0, 0], "
        "\"running_var\": [1, 1], \"epsilon\": 0}, " LINEAR("2", "1") ID
        ", {\"name\": \"m\", \"type\": \"batch_norm\", \"running_mean\": [1], \"running_var\": "
        "\"variance\", \"epsilon\": 0}, {\"name\": \"k\", \"type\": \"batch_norm\", \"weight\": "
        "[3], \"bias\": null, \"running_mean\": [0.5], \"running_var\": [0], \"epsilon\": 1}",
        "");
    PUT(NORM_1, DENSE_2, T("variance", "[1]", 4));
    open_repository();
    for (float x = -2; x < 3; x += 0.5f) {
        double z = norm_1(0, (double)x) + 10 - 2 * (norm_1(1, 0.5) + 20) + 0.125;
        ck_assert_double_eq_tol((double)answer(x, 0.5f), ((z - 1) / 2 - 0.5) * 3, 1e-4);
    }
}
END_TEST

START_TEST(folding_rounds_once)
{
    /* In float32 0.1 * 3 and 0.3 differ; from double the product is rounded as a whole. */
    put_layers(LINEAR("0", "1") "\"identity\", \"bias\": null}, {\"name\": \"1\", \"type\": "
                                "\"batch_norm\", \"epsilon\": 0}",
               "");
    PUT(TENSOR("0.weight", "F64", "[1,2]", 0.1, 0.7), TENSOR("1.weight", "F64", "[1]", 3),
        TENSOR("1.bias", "F64", "[1]", 0), TENSOR("1.running_mean", "F64", "[1]", 0),
        TENSOR("1.running_var", "F64", "[1]", 1));
    open_repository();
    ck_assert((double)answer(1, 0) == (double)(float)(0.1 * 3));
    ck_assert((double)answer(0, 1) == (double)(float)(0.7 * 3));
}
END_TEST

START_TEST(an_untrained_norm_changes_nothing)
{
    put_layers(LINEAR("0", "1") "\"identity\", \"weight\": [[2, 3]]}, {\"type\": \"batch_norm\", "
                                "\"epsilon\": 0}",
               ", \"initializer\": \"he_normal\"");
    open_repository();
    ck_assert(answer(1, 10) == 32);
}
END_TEST

START_TEST(keras_has_another_epsilon)
{
    put_layers(LINEAR("0", "1") "\"identity\", \"weight\": [[1, 0]]}, {\"type\": \"batch_norm\", "
                                "\"running_mean\": [0], \"running_var\": [0.009]}",
               ", \"dialect\": \"keras3\"");
    PUT(T("batch_norm1.weight", "[1]", 1));
    open_repository();
    ck_assert_double_eq_tol((double)answer(1, 0), 10, 1e-6);
}
END_TEST

/* ---- slopes --------------------------------------------------------------------------------- */

#define PRELU "{\"name\": \"prelu\", \"alpha\": \"1.weight\"}}"

START_TEST(slopes_may_be_a_tensor)
{
    put_layers(LINEAR("0", "2") PRELU ", " LINEAR("2", "1") ID, "");
    PUT(DENSE_0, T("1.weight", "[2]", 0.5, -3), DENSE_2);
    open_repository();
    ck_assert(answer(-1, 0) == -0.5f * 0.5f - 2 * 3.5f * 3 + 0.125f);
    ck_assert_uint_eq(findings_count(), 0);
    repository_close(repository);
    PUT(DENSE_0, T("1.weight", "[1]", 0.5), DENSE_2); /* PyTorch's PReLU() has one for all */
    open_repository();
    ck_assert(answer(-1, 0) == -0.25f + 3.5f + 0.125f);
}
END_TEST

/* ---- what is left over, and what does not fit ------------------------------------------------ */

#define CHAIN            LINEAR("0", "2") RELU ", " LINEAR("2", "1") ID
#define BATCH_NORM(more) "{\"name\": \"1\", \"type\": \"batch_norm\"" more "}"

static const struct {
    const char *layers, *more;
    struct tensor_text tensors[9];
    const char *error; /* NULL: loads ... */
    size_t findings;   /* ... with so many */
} files[] = {
    {CHAIN,
     "",
     {DENSE_0, DENSE_2, T("1.weight", "[2]", 1, 1)},
     "1/weights.safetensors: 1.weight [2]: no layer takes it; slopes are \"activation\": "
     "{\"name\": "
     "\"prelu\", \"alpha\": \"1.weight\"}; if the network is right without it, list it under "
     "\"ignore_tensors\"",
     0},
    {CHAIN,
     "",
     {DENSE_0, NORM_1, DENSE_2},
     "1.weight [2] (and 3 more tensors): no layer takes it; a batch normalization is the layer "
     "{\"name\": \"1\", \"type\": \"batch_norm\"}",
     0},
    {CHAIN,
     "",
     {DENSE_0, DENSE_2, T("4.weight", "[1,1]", 1)},
     "4.weight [1, 1]: no layer takes it; a dense layer is {\"units\": 1, \"weight\": "
     "\"4.weight\", ...}",
     0},
    {CHAIN,
     "",
     {DENSE_0, DENSE_2, T("1.weight", "[2]", 1, 1), T("1.bias", "[2]", 1, 1)},
     "1.weight [2] (and 1 more tensor): no layer takes it; a normalization of rows",
     0},
    {CHAIN, "", {DENSE_0, DENSE_2, TENSOR("scale", "F64", "[1]", 1)}, "scale [1]: no layer", 0},
    {CHAIN,
     ", \"ignore_tensors\": [\"1.weight\"]",
     {DENSE_0, DENSE_2, T("1.weight", "[2]", 1, 1)},
     NULL,
     0},
    {CHAIN, ", \"ignore_tensors\": [\"1.weight\", \"0.bias\"]", {DENSE_0, DENSE_2}, NULL, 2},
    {CHAIN, "", {DENSE_0, DENSE_2, TENSOR("1.num_batches_tracked", "I64", "[]", 7)}, NULL, 0},
    {CHAIN, "", {DENSE_0, DENSE_2, TENSOR("ids", "I64", "[2]", 7, 8)}, NULL, 1},
    {CHAIN, "", {DENSE_0, DENSE_2, T("temperature", "[]", 1)}, NULL, 1},
    {CHAIN, "", {DENSE_0, DENSE_2, T("conv", "[1,1,1]", 1)}, NULL, 1},
    {CHAIN,
     "",
     {T("0.weight", "[2,2]", 1, 2, 3, 4), T("0.bias", "[2]", 1, 2), T("2.weight", "[2,1]", 1, 2),
      T("2.bias", "[1]", 1)},
     "2.weight: expected shape [1, 2] (units, features) for the weight of layers[1], found [2, 1]: "
     "save numpy.ascontiguousarray(W.T)",
     0},
    {LINEAR("0", "2") ID ", " BATCH_NORM("") ", " LINEAR("2", "1") ID,
     "",
     {DENSE_0, DENSE_2, T("1.weight", "[2]", 1, 1), T("1.running_mean", "[2]", 1, 1)},
     "no tensor \"1.running_var\" for \"running_var\" of layers[1]; it has 0.weight",
     0},
    {LINEAR("0", "2") ID ", " BATCH_NORM("") ", " LINEAR("2", "1") ID,
     "",
     {DENSE_0, DENSE_2, T("1.running_mean", "[3]", 1, 1, 1), T("1.running_var", "[2]", 1, 1)},
     "1.running_mean: expected shape [2] (units) for \"running_mean\" of layers[1], found [3]",
     0},
    {LINEAR("0", "2") ID ", " BATCH_NORM("") ", " LINEAR("2", "1") ID,
     "",
     {DENSE_0, DENSE_2, T("1.running_mean", "[2]", 1, 1), T("1.running_var", "[2]", 1, -1)},
     "1.running_var[1]: a variance of -1 with an epsilon of 1",
     0},
    {LINEAR("0", "2") ID ", " BATCH_NORM(", \"weight\": \"g\"") ", " LINEAR("2", "1") ID,
     "",
     {DENSE_0, NORM_1, DENSE_2},
     "no tensor \"g\" for \"weight\" of layers[1]",
     0},
    {LINEAR("0", "2") ID ", " BATCH_NORM("") ", " LINEAR("2", "1") ID,
     "",
     {DENSE_0, DENSE_2, T("1.weight", "[2]", 3e38, 1), T("1.running_mean", "[2]", 0, 0),
      T("1.running_var", "[2]", 0, 1)},
     "layers[0] with its batch_norm has a number outside the range of float32",
     0},
    {LINEAR("0", "2") PRELU ", " LINEAR("2", "1") ID,
     "",
     {DENSE_0, DENSE_2, T("1.weight", "[3]", 1, 1, 1)},
     "1.weight: expected shape [2] (units) for \"alpha\" of layers[0].activation, found [3]",
     0},
    {LINEAR("0", "2") PRELU ", " LINEAR("2", "1") ID,
     "",
     {DENSE_0, DENSE_2},
     "no tensor \"1.weight\" for \"alpha\" of layers[0].activation",
     0},
    {LINEAR("0", "2") PRELU ", " LINEAR("2", "1") ID,
     "",
     {DENSE_0, DENSE_2, T("1.weight", "[2]", 1, 1e30)},
     "1.weight[1]: prelu takes ",
     0},
};
enum { FILES = sizeof files / sizeof *files };

START_TEST(what_no_layer_takes_is_never_silent)
{
    size_t count = 0;

    put_layers(files[_i].layers, files[_i].more);
    while (count < 9 && files[_i].tensors[count].name)
        count++;
    put_tensors("m/1/weights.safetensors", files[_i].tensors, count);
    open_repository();
    if (!files[_i].error)
        ck_assert_str_eq(error_of("m", 1), "");
    else
        ck_assert_msg(strstr(error_of("m", 1), files[_i].error), "%s\nis not %s", error_of("m", 1),
                      files[_i].error);
    ck_assert_uint_eq(findings_count(), files[_i].findings);
}
END_TEST

/* ---- the file's name ------------------------------------------------------------------------- */

START_TEST(model_safetensors_is_found_too)
{
    const struct tensor_text tensors[] = {DENSE_0, DENSE_2};

    put_layers(CHAIN, "");
    put_tensors("m/1/model.safetensors", tensors, 4);
    open_repository();
    ck_assert_str_eq(error_of("m", 1), "");
    const void *before = model_of("m", 1);
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    ck_assert_ptr_eq(model_of("m", 1), before);
    put_tensors("m/1/weights.safetensors", tensors, 4);
    ck_assert_int_eq(repository_reload(repository, NULL), 1);
    ck_assert_str_eq(error_of("m", 1),
                     "1/weights.safetensors and 1/model.safetensors are both there; remove the "
                     "one that is not meant");
    ck_assert_ptr_eq(model_of("m", 1), before);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("weights");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, a_norm_is_folded_into_the_layer_in_front);
    tcase_add_test(tc, a_norm_after_an_activation_is_folded_into_the_next_layer);
    tcase_add_test(tc, norms_in_a_row_and_in_front_of_all_are_folded_in_their_order);
    tcase_add_test(tc, folding_rounds_once);
    tcase_add_test(tc, an_untrained_norm_changes_nothing);
    tcase_add_test(tc, keras_has_another_epsilon);
    tcase_add_test(tc, slopes_may_be_a_tensor);
    tcase_add_loop_test(tc, what_no_layer_takes_is_never_silent, 0, FILES);
    tcase_add_test(tc, model_safetensors_is_found_too);
    return run_suite("weights", tc);
}
