/* test_server_config.c - config.json: what is read, and its bounds. Mistakes are
 * test_server_config_mistakes.c's. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model/config.h"
#include "suite.h"

static int read_text(struct config *c, const char *text, struct error *error)
{
    return config_read(c, text, strlen(text), "config.json", error);
}

/* ---- what is read --------------------------------------------------------------------------- */

static const char documented[] =
    "{\"task\": \"multiclass\","
    " \"input\": {\"name\": \"pixels\", \"features\": 64, \"scale\": 0.0625, \"offset\": -1,"
    "  \"min\": 0, \"max\": 16},"
    " \"layers\": ["
    "  {\"name\": \"hidden1\", \"units\": 128, \"activation\": \"relu\","
    "   \"weight\": \"0.weight\", \"bias\": \"0.bias\"},"
    "  {\"units\": 64, \"activation\": {\"name\": \"LeakyReLU\", \"negative_slope\": 0.02}},"
    "  {\"units\": 3, \"activation\": \"softmax\", \"bias\": null}],"
    " \"output\": {\"name\": \"probabilities\", \"labels\": [\"a\", \"b\", \"c\"]},"
    " \"batching\": {\"rows_max\": 128, \"queue_delay_us\": 5, \"queue_rows_max\": 99},"
    " \"versions\": {\"policy\": \"specific\", \"versions\": [3, 1]},"
    " \"labels\": {\"stable\": 1, \"canary\": 3}}";

START_TEST(the_documented_example_is_read)
{
    struct config c;
    struct error error;

    ck_assert_msg(read_text(&c, documented, &error) == 0, "%s", error.detail);
    ck_assert_int_eq(c.network.task, MODEL_MULTICLASS);
    ck_assert_str_eq(c.network.input_name, "pixels");
    ck_assert_uint_eq(c.network.features, 64);
    ck_assert(c.network.scale[0] == 0.0625f && c.network.scale[63] == 0.0625f &&
              c.network.offset[63] == -1.0f);
    ck_assert(c.network.min[0] == 0 && c.network.max[63] == 16);
    ck_assert_uint_eq(c.network.layers_count, 3);
    ck_assert_str_eq(c.network.layers[0].weight.tensor, "0.weight");
    ck_assert_int_eq(c.network.layers[0].weight.source, CONFIG_TENSOR);
    ck_assert_str_eq(c.network.layers[1].name, "hidden2");
    ck_assert_str_eq(c.network.layers[1].weight.tensor, "hidden2.weight");
    ck_assert_int_eq(c.network.layers[1].weight.source, CONFIG_DEFAULT);
    ck_assert_uint_eq(c.network.layers[1].features, 128);
    ck_assert_str_eq(c.network.layers[1].activation->name, "leaky_relu");
    ck_assert(c.network.layers[1].params[0] == 0.02f);
    ck_assert_str_eq(c.network.layers[2].name, "output");
    ck_assert_int_eq(c.network.layers[2].bias.source, CONFIG_NONE);
    ck_assert_str_eq(c.network.output_name, "probabilities");
    ck_assert_uint_eq(c.network.labels_count, 3);
    ck_assert_str_eq(c.network.labels[2], "c");
    ck_assert_uint_eq(c.serving.batch_rows_max, 128);
    ck_assert_uint_eq(c.serving.queue_delay_us, 5);
    ck_assert_uint_eq(c.serving.queue_rows_max, 99);
    ck_assert_int_eq(c.serving.policy, CONFIG_SPECIFIC);
    ck_assert_uint_eq(c.serving.versions_count, 2);
    ck_assert_uint_eq(c.serving.versions[0], 1);
    ck_assert_uint_eq(c.serving.version_labels_count, 2);
    ck_assert_str_eq(c.serving.version_labels[1].name, "canary");
    ck_assert(network_needs_weights(&c.network));
    config_fini(&c);
}
END_TEST

START_TEST(what_is_left_out_has_its_default)
{
    struct config c;
    struct error error;

    ck_assert_int_eq(read_text(&c,
                               "{\"input\": {\"features\": 2}, \"layers\": "
                               "[{\"units\": 1, \"activation\": \"identity\"}]}",
                               &error),
                     0);
    ck_assert_int_eq(c.network.task, MODEL_TASK_NONE);
    ck_assert_str_eq(c.network.input_name, "input");
    ck_assert_str_eq(c.network.output_name, "output");
    ck_assert_ptr_null(c.network.scale);
    ck_assert_ptr_null(c.network.offset);
    ck_assert_ptr_null(c.network.layers[0].params);
    ck_assert_int_eq(c.serving.policy, CONFIG_LATEST);
    ck_assert_uint_eq(c.serving.latest_count, 1);
    config_fini(&c);
}
END_TEST

START_TEST(numbers_may_stand_inline)
{
    struct config c;
    struct error error;

    ck_assert_int_eq(
        read_text(&c,
                  "{\"input\": {\"features\": 2}, \"layers\": [{\"units\": 3, \"activation\": "
                  "{\"name\": \"prelu\", \"alpha\": [0, 0.5, 1]}, "
                  "\"weight\": [[1, 2], [3, 4], [5, 6]], \"bias\": [7, 8, 9]}]}",
                  &error),
        0);
    ck_assert_int_eq(c.network.layers[0].weight.source, CONFIG_INLINE);
    ck_assert(c.network.layers[0].weight.numbers[0] == 1 &&
              c.network.layers[0].weight.numbers[5] == 6);
    ck_assert(c.network.layers[0].bias.numbers[2] == 9);
    ck_assert_uint_eq(c.network.layers[0].params_count, 3);
    ck_assert(c.network.layers[0].params[1] == 0.5f);
    ck_assert(!network_needs_weights(&c.network));
    config_fini(&c);
}
END_TEST

START_TEST(versions_are_whole_numbers_up_to_2_63_less_1)
{
    struct config c;
    struct error error;

    ck_assert_msg(
        read_text(&c,
                  "{\"input\": {\"features\": 1}, \"layers\": [{\"units\": 1, \"activation\": "
                  "\"relu\"}], \"labels\": {\"newest\": 9223372036854775807}, \"versions\": "
                  "{\"policy\": \"specific\", \"versions\": [20261130, 4294967296]}}",
                  &error) == 0,
        "%s", error.detail);
    ck_assert_uint_eq(c.serving.version_labels[0].version, INT64_MAX);
    ck_assert_uint_eq(c.serving.versions[1], 4294967296);
    config_fini(&c);
}
END_TEST

START_TEST(a_nul_byte_is_no_json)
{
    static const char after[] = "{\"input\": {\"features\": 2\0}, "
                                "\"layers\": [{\"units\": 1, \"activation\": \"relu\"}]}";
    static const char behind[] = "{}\0";
    struct config c;
    struct error error;

    ck_assert_int_ne(config_read(&c, after, sizeof after - 1, "config.json", &error), ERROR_OK);
    ck_assert_msg(strstr(error.detail, "config.json:1:25: "), "%s", error.detail);
    ck_assert_int_ne(config_read(&c, behind, sizeof behind - 1, "config.json", &error), ERROR_OK);
    ck_assert_msg(strstr(error.detail, "config.json:1:3: "), "%s", error.detail);
}
END_TEST

START_TEST(numbers_are_read_as_in_requests)
{
    struct config c;
    struct error error;
    const float up = 0x1.000002p0f; /* what 1.00000005960464477539062500000001 is nearest to */

    ck_assert_int_eq(
        read_text(&c,
                  "\xef\xbb\xbf{\"input\": {\"features\": 2.0, \"offset\": null, \"scale\": "
                  "1.00000005960464477539062500000001}, \"task\": null, \"layers\": "
                  "[{\"name\": null, \"units\": 0.3e1, \"activation\": {\"name\": \"prelu\", "
                  "\"alpha\": [1.00000005960464477539062500000001]}, \"weight\": [[1, "
                  "1.00000005960464477539062500000001], [9007199791611905, 9223372586610589697], "
                  "[12345678901234567890, 0]], \"bias\": null}], \"batching\": null}",
                  &error),
        0);
    ck_assert_uint_eq(c.network.features, 2);
    ck_assert_ptr_null(c.network.offset);
    ck_assert(c.network.scale[0] == up && c.network.scale[1] == up);
    ck_assert_uint_eq(c.network.layers[0].units, 3);
    ck_assert_uint_eq(c.network.layers[0].params_count, 1);
    ck_assert(c.network.layers[0].params[0] == up);
    ck_assert(c.network.layers[0].weight.numbers[1] == up);
    ck_assert(c.network.layers[0].weight.numbers[2] == 0x1p53f + 0x1p30f);
    ck_assert(c.network.layers[0].weight.numbers[3] == 0x1p63f + 0x1p40f);
    ck_assert(c.network.layers[0].weight.numbers[4] == 12345678901234567890.0f);
    ck_assert_int_eq(c.network.layers[0].bias.source, CONFIG_NONE);
    config_fini(&c);
}
END_TEST

#define LAYERS_OF_DIALECT                                                            \
    "\"input\": {\"features\": 2}, \"layers\": ["                                    \
    "{\"units\": 1, \"activation\": \"leaky_relu\"}, "                               \
    "{\"units\": 1, \"activation\": {\"name\": \"leaky_relu\", \"alpha\": 0.125}}, " \
    "{\"units\": 1, \"activation\": {\"name\": \"hard_sigmoid\", \"beta\": 0.25}}, " \
    "{\"units\": 1, \"activation\": \"gelu\"}]}"

START_TEST(the_dialect_sets_defaults_and_what_is_given_wins)
{
    static const struct {
        const char *text, *gelu;
        float leaky, slope;
    } want[] = {{"{" LAYERS_OF_DIALECT, "gelu", 0.01f, 1.0f / 6},
                {"{\"dialect\": \"torch\", " LAYERS_OF_DIALECT, "gelu", 0.01f, 1.0f / 6},
                {"{\"dialect\": \"keras2\", " LAYERS_OF_DIALECT, "gelu", 0.3f, 0.2f},
                {"{\"dialect\": \"keras3\", " LAYERS_OF_DIALECT, "gelu", 0.2f, 1.0f / 6},
                {"{\"dialect\": \"jax\", " LAYERS_OF_DIALECT, "gelu_tanh", 0.01f, 1.0f / 6}};

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct config c;
        struct error error;

        ck_assert_msg(read_text(&c, want[i].text, &error) == 0, "%s", error.detail);
        ck_assert(c.network.layers[0].params_count == 1 &&
                  c.network.layers[0].params[0] == want[i].leaky);
        ck_assert(c.network.layers[1].params[0] == 0.125f);
        ck_assert(c.network.layers[2].params[0] == want[i].slope &&
                  c.network.layers[2].params[1] == 0.25f);
        ck_assert_str_eq(c.network.layers[3].activation->name, want[i].gelu);
        config_fini(&c);
    }
}
END_TEST

START_TEST(a_layer_may_override_initializer_and_seed)
{
    struct config c;
    struct error error;

    ck_assert_int_eq(
        read_text(&c,
                  "{\"initializer\": \"he_normal\", \"seed\": 7, \"input\": {\"features\": 2}, "
                  "\"layers\": [{\"units\": 3, \"activation\": \"relu\"}, {\"units\": 1, "
                  "\"activation\": \"sigmoid\", \"initializer\": \"glorot_uniform\", "
                  "\"seed\": 8}]}",
                  &error),
        0);
    ck_assert_ptr_eq(c.network.layers[0].initializer, axon_initializer_find("he_normal"));
    ck_assert_int_eq(c.network.layers[0].weight.source, CONFIG_DEFAULT);
    ck_assert_uint_eq(c.network.layers[0].seed, 7);
    ck_assert_ptr_eq(c.network.layers[1].initializer, axon_initializer_find("glorot_uniform"));
    ck_assert_int_eq(c.network.layers[1].weight.source, CONFIG_RANDOM);
    ck_assert_uint_eq(c.network.layers[1].seed, 8);
    ck_assert(!network_needs_weights(&c.network));
    config_fini(&c);
}
END_TEST

START_TEST(labels_get_their_scores_by_task_and_last_activation)
{
    static const struct {
        const char *task, *activation, *labels;
        enum ranking ranking;
    } rows[] = {
        {"binary", "\"sigmoid\"", "\"no\", \"yes\"", RANKING_PROBABILITY},
        {"multilabel", "\"hard_sigmoid\"", "\"no\", \"yes\"", RANKING_PROBABILITY},
        {"binary", "{\"name\": \"hard_tanh\", \"min\": 0}", "\"no\", \"yes\"", RANKING_PROBABILITY},
        {"binary", "\"identity\"", "\"no\", \"yes\"", RANKING_LOGIT},
        {"binary", "\"sigmoid\"", "\"yes\"", RANKING_OUTPUTS},
        {"binary", "\"identity\"", "\"yes\"", RANKING_OUTPUTS},
        {"regression", "\"identity\"", "\"price\"", RANKING_NONE},
        {"regression", "\"sigmoid\"", "\"a\", \"b\"", RANKING_NONE},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct config c;
        struct error error;
        char text[256];

        snprintf(text, sizeof text,
                 "{\"task\": \"%s\", \"input\": {\"features\": 2}, \"layers\": [{\"units\": 1, "
                 "\"activation\": %s}], \"output\": {\"labels\": [%s]}}",
                 rows[i].task, rows[i].activation, rows[i].labels);
        ck_assert_msg(read_text(&c, text, &error) == 0, "%s", error.detail);
        ck_assert_int_eq(c.network.ranking, rows[i].ranking);
        config_fini(&c);
    }
}
END_TEST

START_TEST(as_many_labels_as_units)
{
    enum { ROOM = CONFIG_UNITS_MAX * 8 + 256 };
    struct config c;
    struct error error;
    char *text = malloc(ROOM);
    int used = snprintf(text, ROOM,
                        "{\"input\": {\"features\": 1}, \"layers\": [{\"units\": %d, "
                        "\"activation\": \"softmax\"}], \"output\": {\"labels\": [\"0\"",
                        CONFIG_UNITS_MAX);

    for (int i = 1; i < CONFIG_UNITS_MAX; i++)
        used += snprintf(text + used, ROOM - (size_t)used, ",\"%d\"", i);
    snprintf(text + used, ROOM - (size_t)used, "]}}");
    ck_assert_msg(read_text(&c, text, &error) == 0, "%s", error.detail);
    ck_assert_uint_eq(c.network.labels_count, CONFIG_UNITS_MAX);
    ck_assert_str_eq(c.network.labels[CONFIG_UNITS_MAX - 1], "65535");
    config_fini(&c);
    free(text);
}
END_TEST

/* ---- bounds ------------------------------------------------------------------------------ */

START_TEST(every_truncation_is_an_error)
{
    for (size_t n = 0; n < sizeof documented - 1; n++) {
        struct config c;
        struct error error = {0};
        char *text = malloc(n + 1);

        memcpy(text, documented, n);
        text[n] = '\0';
        ck_assert_int_ne(config_read(&c, text, n, "config.json", &error), ERROR_OK);
        ck_assert_str_ne(error.detail, "");
        free(text);
    }
}
END_TEST

START_TEST(layers_and_values_are_bounded)
{
    struct config c;
    struct error error;
    size_t room = 2 * CONFIG_TOKENS_MAX + 64;
    char *text = malloc(room);
    int used = snprintf(text, room, "{\"input\": {\"features\": 2}, \"layers\": [{}");

    for (int i = 0; i < CONFIG_LAYERS_MAX; i++)
        used += snprintf(text + used, room - (size_t)used, ",{}");
    snprintf(text + used, room - (size_t)used, "]}");
    ck_assert_int_eq(read_text(&c, text, &error), ERROR_BAD_FIELD);
    ck_assert_str_eq(error.detail,
                     "config.json: layers: expected an array of 1 to 64 layers, found 65");

    /* the object, "k", the array, and as many values as make one token too many */
    used = snprintf(text, room, "{\"k\":[");
    for (int i = 0; i < CONFIG_TOKENS_MAX - 2; i++)
        used += snprintf(text + used, room - (size_t)used, "0,");
    ck_assert_int_eq(read_text(&c, text, &error), ERROR_LIMIT_EXCEEDED);
    ck_assert_str_eq(error.detail, "config.json:1:8388609: more than 4194304 keys and values");
    free(text);
}
END_TEST

START_TEST(messages_are_printable_utf8)
{
    struct config c;
    struct error error;

    ck_assert_int_ne(read_text(&c, "{\"\\u0007\\u00e4\\u007f\": 1}", &error), ERROR_OK);
    ck_assert_ptr_nonnull(strstr(error.detail, "config.json: ?\xc3\xa4?: unknown key"));
    error_set(&error, ERROR_NOT_READY, "%s", "\xc3(\xe2\x82\xf0\x9f\x98\x80\xc0\x80\xed\xa0\x80");
    ck_assert_str_eq(error.detail, "?(??\xf0\x9f\x98\x80?????");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config");
    TCase *tc = tcase_create("config");

    tcase_add_test(tc, the_documented_example_is_read);
    tcase_add_test(tc, what_is_left_out_has_its_default);
    tcase_add_test(tc, numbers_may_stand_inline);
    tcase_add_test(tc, numbers_are_read_as_in_requests);
    tcase_add_test(tc, the_dialect_sets_defaults_and_what_is_given_wins);
    tcase_add_test(tc, a_layer_may_override_initializer_and_seed);
    tcase_add_test(tc, labels_get_their_scores_by_task_and_last_activation);
    tcase_add_test(tc, as_many_labels_as_units);
    tcase_add_test(tc, versions_are_whole_numbers_up_to_2_63_less_1);
    tcase_add_test(tc, a_nul_byte_is_no_json);
    tcase_add_test(tc, every_truncation_is_an_error);
    tcase_add_test(tc, layers_and_values_are_bounded);
    tcase_add_test(tc, messages_are_printable_utf8);
    suite_add_tcase(s, tc);

    return suite_run(s);
}
