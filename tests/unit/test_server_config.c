/* test_server_config.c - config.json: what is read, and what is said about every kind of mistake.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "model/config.h"
#include "suite.h"

static int read_text(struct config *c, const char *text, struct model_error *error)
{
    return config_read(c, text, strlen(text), "config.json", error);
}

/* ---- what is read --------------------------------------------------------------------------- */

static const char documented[] =
    "{\"task\": \"multiclass\","
    " \"input\": {\"name\": \"pixels\", \"features\": 64, \"scale\": 0.0625, \"offset\": -1},"
    " \"layers\": ["
    "  {\"name\": \"hidden1\", \"units\": 128, \"activation\": \"relu\","
    "   \"weight\": \"0.weight\", \"bias\": \"0.bias\"},"
    "  {\"units\": 64, \"activation\": {\"name\": \"leaky_relu\", \"alpha\": 0.02}},"
    "  {\"units\": 3, \"activation\": \"softmax\", \"bias\": null}],"
    " \"output\": {\"name\": \"probabilities\", \"labels\": [\"a\", \"b\", \"c\"]},"
    " \"batching\": {\"rows_max\": 128, \"queue_delay_us\": 5, \"queue_rows_max\": 99},"
    " \"versions\": {\"policy\": \"specific\", \"versions\": [3, 1]},"
    " \"labels\": {\"stable\": 1, \"canary\": 3}}";

START_TEST(the_documented_example_is_read)
{
    struct config c;
    struct model_error error;

    ck_assert_msg(read_text(&c, documented, &error) == 0, "%s", error.text);
    ck_assert_int_eq(c.task, MODEL_MULTICLASS);
    ck_assert_str_eq(c.input_name, "pixels");
    ck_assert_uint_eq(c.features, 64);
    ck_assert(c.scale[0] == 0.0625f && c.scale[63] == 0.0625f && c.offset[63] == -1.0f);
    ck_assert_uint_eq(c.layers_count, 3);
    ck_assert_str_eq(c.layers[0].weight.tensor, "0.weight");
    ck_assert_int_eq(c.layers[0].weight.source, CONFIG_TENSOR);
    ck_assert_str_eq(c.layers[1].name, "hidden2");
    ck_assert_str_eq(c.layers[1].weight.tensor, "hidden2.weight");
    ck_assert_int_eq(c.layers[1].weight.source, CONFIG_DEFAULT);
    ck_assert_uint_eq(c.layers[1].features, 128);
    ck_assert_str_eq(c.layers[1].activation->name, "leaky_relu");
    ck_assert(c.layers[1].params[0] == 0.02f);
    ck_assert_str_eq(c.layers[2].name, "output");
    ck_assert_int_eq(c.layers[2].bias.source, CONFIG_NONE);
    ck_assert_str_eq(c.output_name, "probabilities");
    ck_assert_uint_eq(c.labels_count, 3);
    ck_assert_str_eq(c.labels[2], "c");
    ck_assert_uint_eq(c.batch_rows_max, 128);
    ck_assert_uint_eq(c.queue_delay_us, 5);
    ck_assert_uint_eq(c.queue_rows_max, 99);
    ck_assert_int_eq(c.policy, CONFIG_SPECIFIC);
    ck_assert_uint_eq(c.versions_count, 2);
    ck_assert_uint_eq(c.versions[0], 1);
    ck_assert_uint_eq(c.version_labels_count, 2);
    ck_assert_str_eq(c.version_labels[1].name, "canary");
    ck_assert(config_needs_weights(&c));
    config_fini(&c);
}
END_TEST

START_TEST(what_is_left_out_has_its_default)
{
    struct config c;
    struct model_error error;

    ck_assert_int_eq(read_text(&c,
                               "{\"input\": {\"features\": 2}, \"layers\": "
                               "[{\"units\": 1, \"activation\": \"identity\"}]}",
                               &error),
                     0);
    ck_assert_int_eq(c.task, MODEL_TASK_NONE);
    ck_assert_str_eq(c.input_name, "input");
    ck_assert_str_eq(c.output_name, "output");
    ck_assert_ptr_null(c.scale);
    ck_assert_ptr_null(c.offset);
    ck_assert_ptr_null(c.layers[0].params);
    ck_assert_int_eq(c.policy, CONFIG_LATEST);
    ck_assert_uint_eq(c.latest_count, 1);
    config_fini(&c);
}
END_TEST

START_TEST(numbers_may_stand_inline)
{
    struct config c;
    struct model_error error;

    ck_assert_int_eq(
        read_text(&c,
                  "{\"input\": {\"features\": 2}, \"layers\": [{\"units\": 3, \"activation\": "
                  "{\"name\": \"prelu\", \"alpha\": [0, 0.5, 1]}, "
                  "\"weight\": [[1, 2], [3, 4], [5, 6]], \"bias\": [7, 8, 9]}]}",
                  &error),
        0);
    ck_assert_int_eq(c.layers[0].weight.source, CONFIG_INLINE);
    ck_assert(c.layers[0].weight.numbers[0] == 1 && c.layers[0].weight.numbers[5] == 6);
    ck_assert(c.layers[0].bias.numbers[2] == 9);
    ck_assert_uint_eq(c.layers[0].params_count, 3);
    ck_assert(c.layers[0].params[1] == 0.5f);
    ck_assert(!config_needs_weights(&c));
    config_fini(&c);
}
END_TEST

START_TEST(versions_are_whole_numbers_up_to_2_63_less_1)
{
    struct config c;
    struct model_error error;

    ck_assert_msg(
        read_text(&c,
                  "{\"input\": {\"features\": 1}, \"layers\": [{\"units\": 1, \"activation\": "
                  "\"relu\"}], \"labels\": {\"newest\": 9223372036854775807}, \"versions\": "
                  "{\"policy\": \"specific\", \"versions\": [20261130, 4294967296]}}",
                  &error) == 0,
        "%s", error.text);
    ck_assert_uint_eq(c.version_labels[0].version, INT64_MAX);
    ck_assert_uint_eq(c.versions[1], 4294967296);
    config_fini(&c);
}
END_TEST

START_TEST(a_nul_byte_is_no_json)
{
    static const char after[] = "{\"input\": {\"features\": 2\0}, "
                                "\"layers\": [{\"units\": 1, \"activation\": \"relu\"}]}";
    static const char behind[] = "{}\0";
    struct config c;
    struct model_error error;

    ck_assert_int_eq(config_read(&c, after, sizeof after - 1, "config.json", &error), -1);
    ck_assert_msg(strstr(error.text, "config.json:1:25: "), "%s", error.text);
    ck_assert_int_eq(config_read(&c, behind, sizeof behind - 1, "config.json", &error), -1);
    ck_assert_msg(strstr(error.text, "config.json:1:3: "), "%s", error.text);
}
END_TEST

START_TEST(numbers_are_read_as_in_requests)
{
    struct config c;
    struct model_error error;
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
    ck_assert_uint_eq(c.features, 2);
    ck_assert_ptr_null(c.offset);
    ck_assert(c.scale[0] == up && c.scale[1] == up);
    ck_assert_uint_eq(c.layers[0].units, 3);
    ck_assert_uint_eq(c.layers[0].params_count, 1);
    ck_assert(c.layers[0].params[0] == up);
    ck_assert(c.layers[0].weight.numbers[1] == up);
    ck_assert(c.layers[0].weight.numbers[2] == 0x1p53f + 0x1p30f);
    ck_assert(c.layers[0].weight.numbers[3] == 0x1p63f + 0x1p40f);
    ck_assert(c.layers[0].weight.numbers[4] == 12345678901234567890.0f);
    ck_assert_int_eq(c.layers[0].bias.source, CONFIG_NONE);
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
        struct model_error error;

        ck_assert_msg(read_text(&c, want[i].text, &error) == 0, "%s", error.text);
        ck_assert(c.layers[0].params_count == 1 && c.layers[0].params[0] == want[i].leaky);
        ck_assert(c.layers[1].params[0] == 0.125f);
        ck_assert(c.layers[2].params[0] == want[i].slope && c.layers[2].params[1] == 0.25f);
        ck_assert_str_eq(c.layers[3].activation->name, want[i].gelu);
        config_fini(&c);
    }
}
END_TEST

START_TEST(a_layer_may_override_initializer_and_seed)
{
    struct config c;
    struct model_error error;

    ck_assert_int_eq(
        read_text(&c,
                  "{\"initializer\": \"he_normal\", \"seed\": 7, \"input\": {\"features\": 2}, "
                  "\"layers\": [{\"units\": 3, \"activation\": \"relu\"}, {\"units\": 1, "
                  "\"activation\": \"sigmoid\", \"initializer\": \"glorot_uniform\", "
                  "\"seed\": 8}]}",
                  &error),
        0);
    ck_assert_ptr_eq(c.layers[0].initializer, axon_initializer_find("he_normal"));
    ck_assert_int_eq(c.layers[0].weight.source, CONFIG_DEFAULT);
    ck_assert_uint_eq(c.layers[0].seed, 7);
    ck_assert_ptr_eq(c.layers[1].initializer, axon_initializer_find("glorot_uniform"));
    ck_assert_int_eq(c.layers[1].weight.source, CONFIG_RANDOM);
    ck_assert_uint_eq(c.layers[1].seed, 8);
    ck_assert(!config_needs_weights(&c));
    config_fini(&c);
}
END_TEST

START_TEST(a_sigmoid_output_may_have_two_labels)
{
    struct config c;
    struct model_error error;

    ck_assert_int_eq(read_text(&c,
                               "{\"task\": \"binary\", \"input\": {\"features\": 2}, \"layers\": "
                               "[{\"units\": 1, \"activation\": \"sigmoid\"}], "
                               "\"output\": {\"labels\": [\"no\", \"yes\"]}}",
                               &error),
                     0);
    ck_assert_uint_eq(c.labels_count, 2);
    config_fini(&c);
}
END_TEST

/* ---- mistakes ------------------------------------------------------------------------------- */

#define INPUT      "\"input\": {\"features\": 2}"
#define LAYERS     "\"layers\": [{\"units\": 1, \"activation\": \"relu\"}]"
#define ONE(layer) "{" INPUT ", \"layers\": [{" layer "}]}"
#define TOP(more)  "{" INPUT ", " LAYERS ", " more "}"
#define IN(more)   "{\"input\": {\"features\": 2, " more "}, " LAYERS "}"

static const struct {
    const char *text, *message;
} mistakes[] = {
    /* the text */
    {"", "config.json:1:1: "},
    {"{\n  \"input\" 1}", "config.json:2:11: "},
    {"[1]", "config.json:1:1: expected a JSON object, found an array"},
    {TOP("\"task\": \"binary\", \"task\": \"binary\""),
     "config.json:1:94: the key \"task\" is there twice"},
    {TOP("\"seed\": NaN"), "config.json:1:"},
    {IN("\"scale\": 1e999"),
     "config.json: input.scale: 1.79769313e+308 is outside the range of float32"},
    {IN("\"scale\": 1234567890123456789012345678901234567890"), "is outside the range of float32"},
    {"{\"input\": \"\xff\"}", "config.json:1:"},
    /* keys */
    {TOP("\"layer\": []"), "config.json: layer: unknown key; did you mean \"layers\"?"},
    {TOP("\"zzzzzz\": 1"), "config.json: zzzzzz: unknown key"},
    {IN("\"feature\": 1"), "config.json: input.feature: unknown key; did you mean \"features\"?"},
    {ONE("\"units\": 1, \"activation\": \"relu\", \"wieght\": 1"),
     "config.json: layers[0].wieght: unknown key; did you mean \"weight\"?"},
    {ONE("\"units\": 1, \"activation\": {\"name\": \"leaky_relu\", \"aplha\": 1}"),
     "config.json: layers[0].activation.aplha: unknown key; did you mean \"alpha\"?"},
    {ONE("\"units\": 1, \"activation\": {\"name\": \"relu\", \"alpha\": 1}"),
     "config.json: layers[0].activation.alpha: unknown key"},
    {TOP("\"output\": {\"label\": []}"), "output.label: unknown key; did you mean \"labels\"?"},
    {TOP("\"batching\": {\"rows\": 1}"), "config.json: batching.rows: unknown key"},
    {TOP("\"versions\": {\"polcy\": 1}"), "versions.polcy: unknown key; did you mean \"policy\"?"},
    /* what must be there */
    {"{" LAYERS "}", "config.json: input: missing"},
    {"{\"input\": {}, " LAYERS "}", "config.json: input.features: missing"},
    {"{" INPUT "}", "config.json: layers: expected an array of 1 to 64 layers, found 0"},
    {"{" INPUT ", \"layers\": []}", "layers: expected an array of 1 to 64 layers, found 0"},
    {ONE("\"activation\": \"relu\""), "config.json: layers[0].units: missing"},
    {ONE("\"units\": 1"), "config.json: layers[0].activation: missing; expected a name"},
    /* types */
    {"{\"input\": 3, " LAYERS "}", "config.json: input: expected an object, found 3"},
    {"{" INPUT ", \"layers\": {}}", "config.json: layers: expected an array, found an object"},
    {"{" INPUT ", \"layers\": [7]}", "config.json: layers[0]: expected an object, found 7"},
    {IN("\"name\": 5"), "config.json: input.name: expected a name of 1 to 64"},
    {IN("\"name\": \"a/b\""), "config.json: input.name: expected a name of 1 to 64 letters, "
                              "digits, '.', '_' or '-', found \"a/b\""},
    {IN("\"name\": \"\""), "input.name: expected a name of 1 to 64"},
    {IN("\"scale\": \"1\""),
     "config.json: input.scale: expected a number or an array of 2 numbers, found \"1\""},
    {IN("\"scale\": [1]"), "input.scale: expected an array of 2 numbers, found an array of 1"},
    {IN("\"offset\": [1, true]"), "config.json: input.offset[1]: expected a number, found true"},
    {IN("\"offset\": 1e39"), "input.offset: 1e+39 is outside the range of float32"},
    {TOP("\"task\": \"multi\""), "config.json: task: expected \"binary\", \"multiclass\""},
    {TOP("\"task\": false"), "\"regression\", found false"},
    {ONE("\"units\": 1, \"activation\": 1"),
     "layers[0].activation: expected a name or an object with a name, found 1"},
    {ONE("\"units\": 1, \"activation\": {}"), "an object with a name, found an object"},
    /* numbers */
    {ONE("\"units\": 0, \"activation\": \"relu\""),
     "config.json: layers[0].units: expected a whole number from 1 to 65536, found 0"},
    {ONE("\"units\": -1, \"activation\": \"relu\""), "from 1 to 65536, found -1"},
    {ONE("\"units\": 1099511627776, \"activation\": \"relu\""), "found 1099511627776"},
    {ONE("\"units\": 1.5, \"activation\": \"relu\""), "from 1 to 65536, found 1.5"},
    {ONE("\"units\": \"1\", \"activation\": \"relu\""), "from 1 to 65536, found \"1\""},
    {"{\"input\": {\"features\": 65537}, " LAYERS "}",
     "config.json: input.features: expected a whole number from 1 to 65536, found 65537"},
    {"{\"input\": {\"features\": 65536}, \"layers\": [{\"units\": 65536, "
     "\"activation\": \"relu\"}]}",
     "config.json: layers[0].units: 4295032832 weights up to this layer, at most 268435456"},
    {TOP("\"seed\": -1"), "config.json: seed: expected a whole number from 0"},
    {TOP("\"batching\": {\"rows_max\": 0}"), "batching.rows_max: expected a whole number from 1"},
    /* tables */
    {ONE("\"units\": 1, \"activation\": \"relux\""),
     "layers[0].activation: unknown activation \"relux\"; did you mean \"relu\"?"},
    {ONE("\"units\": 1, \"activation\": {\"name\": \"RELU\"}"), "unknown activation \"RELU\""},
    {ONE("\"units\": 1, \"activation\": \"quantum\""),
     "unknown activation \"quantum\"; GET /v1/activations lists them"},
    {ONE("\"units\": 4, \"activation\": \"swiglu\""),
     "layers[0].activation: swiglu is gated: it would halve the layer's 4 units"},
    {ONE("\"units\": 1, \"activation\": {\"name\": \"hard_tanh\", \"min\": 2}"),
     "config.json: layers[0].activation.max: 1 is below \"min\", which is 2"},
    {TOP("\"dialect\": \"keras\""),
     "config.json: dialect: expected one of torch, keras2, keras3, jax, onnx, found \"keras\""},
    {TOP("\"dialect\": false"), "config.json: dialect: expected one of torch, keras2"},
    {TOP("\"initializer\": \"he\""), "config.json: initializer: expected one of he_normal"},
    {ONE("\"units\": 1, \"activation\": \"relu\", \"initializer\": 3"),
     "config.json: layers[0].initializer: expected one of he_normal, he_uniform"},
    {ONE("\"units\": 1, \"activation\": {\"name\": \"leaky_relu\", \"alpha\": 1e30}"),
     "config.json: layers[0].activation.alpha: leaky_relu takes "},
    {ONE("\"units\": 1, \"activation\": {\"name\": \"leaky_relu\", \"alpha\": [1]}"),
     "layers[0].activation.alpha: expected a number, found an array of 1"},
    {ONE("\"units\": 2, \"activation\": {\"name\": \"prelu\", \"alpha\": [1, 2, 3]}"),
     "layers[0].activation.alpha: expected an array of 2 numbers, found an array of 3"},
    {ONE("\"units\": 2, \"activation\": {\"name\": \"prelu\", \"alpha\": [0, 1e30]}"),
     "layers[0].activation.alpha[1]: prelu takes "},
    /* weights */
    {ONE("\"units\": 2, \"activation\": \"relu\", \"weight\": [[1, 2]]"),
     "layers[0].weight: expected 2 rows (one per unit), found an array of 1"},
    {ONE("\"units\": 1, \"activation\": \"relu\", \"weight\": [[1]]"),
     "layers[0].weight[0]: expected an array of 2 numbers, found an array of 1"},
    {ONE("\"units\": 1, \"activation\": \"relu\", \"weight\": [[1, null]]"),
     "layers[0].weight[0][1]: expected a number, found null"},
    {ONE("\"units\": 1, \"activation\": \"relu\", \"weight\": false"),
     "layers[0].weight: expected a tensor's name of 1 to 255 bytes or an array of rows, found "
     "false"},
    {ONE("\"units\": 1, \"activation\": \"relu\", \"weight\": \"\""), "found \"\""},
    {ONE("\"units\": 1, \"activation\": \"relu\", \"bias\": [1, 2]"),
     "layers[0].bias: expected 1 numbers (one per unit), found an array of 2"},
    {ONE("\"units\": 1, \"activation\": \"relu\", \"bias\": 0"),
     "layers[0].bias: expected a tensor's name of 1 to 255 bytes, an array of numbers or null, "
     "found 0"},
    {ONE("\"units\": 1, \"activation\": \"relu\", \"weight\": \"w\", "
         "\"initializer\": \"he_normal\""),
     "config.json: layers[0].initializer: the layer has a \"weight\" already"},
    /* what does not fit together */
    {"{" INPUT ", \"layers\": [{\"name\": \"output\", \"units\": 1, \"activation\": \"relu\"}, "
     "{\"units\": 1, \"activation\": \"relu\"}]}",
     "config.json: layers[1].name: \"output\" is the name of layers[0] already"},
    {TOP("\"output\": {\"labels\": [\"a\", \"b\", \"c\"]}"),
     "config.json: output.labels: 3 labels for 1 output (at most 4096)"},
    {TOP("\"output\": {\"labels\": []}"), "output.labels: 0 labels for 1 output"},
    {TOP("\"output\": {\"labels\": [7]}"),
     "output.labels[0]: expected a string of at most 256 bytes, found 7"},
    {TOP("\"task\": \"multiclass\""),
     "config.json: task: \"multiclass\" takes 2 to 65536 outputs, the last layer has 1 units"},
    {"{\"task\": \"binary\", " INPUT ", \"layers\": [{\"units\": 3, \"activation\": \"relu\"}]}",
     "config.json: task: \"binary\" takes 1 to 2 outputs, the last layer has 3 units"},
    /* versions and labels */
    {TOP("\"versions\": {\"policy\": \"newest\"}"),
     "config.json: versions.policy: expected \"latest\", \"all\" or \"specific\", found "
     "\"newest\""},
    {TOP("\"versions\": {\"count\": 0}"), "versions.count: expected a whole number from 1"},
    {TOP("\"versions\": {\"policy\": \"all\", \"count\": 2}"),
     "config.json: versions.count: only the policy \"latest\" has a count"},
    {TOP("\"versions\": {\"policy\": \"specific\"}"), "versions.versions: missing"},
    {TOP("\"versions\": {\"versions\": [1]}"),
     "versions.versions: only the policy \"specific\" has a list"},
    {TOP("\"versions\": {\"policy\": \"specific\", \"versions\": []}"),
     "versions.versions: expected an array of 1 to 64 versions"},
    {TOP("\"versions\": {\"policy\": \"specific\", \"versions\": [1, 0]}"),
     "versions.versions[1]: expected a version, a whole number from 1 to 9223372036854775807 "
     "without leading zeros, found 0"},
    {TOP("\"versions\": {\"policy\": \"specific\", \"versions\": [1.5]}"),
     "versions.versions[0]: expected a version, a whole number from 1 to 9223372036854775807 "
     "without leading zeros, found 1.5"},
    {TOP("\"versions\": {\"policy\": \"specific\", \"versions\": [2, 2]}"),
     "versions.versions: 2 is listed twice"},
    {TOP("\"labels\": {\"stable\": 0}"), "config.json: labels.stable: expected a whole number"},
    {TOP("\"labels\": {\"a b\": 1}"), "config.json: labels: \"a b\": a label is 1 to 64"},
    {TOP("\"labels\": [1]"), "config.json: labels: expected an object, found an array of 1"},
};
enum { MISTAKES = sizeof mistakes / sizeof *mistakes };

START_TEST(a_mistake_is_named_with_its_place)
{
    struct config c;
    struct model_error error = {""};

    ck_assert_msg(read_text(&c, mistakes[_i].text, &error) == -1, "accepted: %s",
                  mistakes[_i].text);
    ck_assert_msg(strstr(error.text, mistakes[_i].message), "%s\nsays:     %s\ninstead of: %s",
                  mistakes[_i].text, error.text, mistakes[_i].message);
}
END_TEST

START_TEST(every_truncation_is_an_error)
{
    for (size_t n = 0; n < sizeof documented - 1; n++) {
        struct config c;
        struct model_error error = {""};
        char *text = malloc(n + 1);

        memcpy(text, documented, n);
        text[n] = '\0';
        ck_assert_int_eq(config_read(&c, text, n, "config.json", &error), -1);
        ck_assert_str_ne(error.text, "");
        free(text);
    }
}
END_TEST

START_TEST(layers_and_values_are_bounded)
{
    struct config c;
    struct model_error error;
    size_t room = 2 * CONFIG_TOKENS_MAX + 64;
    char *text = malloc(room);
    int used = snprintf(text, room, "{" INPUT ", \"layers\": [{}");

    for (int i = 0; i < CONFIG_LAYERS_MAX; i++)
        used += snprintf(text + used, room - (size_t)used, ",{}");
    snprintf(text + used, room - (size_t)used, "]}");
    ck_assert_int_eq(read_text(&c, text, &error), -1);
    ck_assert_str_eq(error.text,
                     "config.json: layers: expected an array of 1 to 64 layers, found 65");

    /* the object, "k", the array, and as many values as make one token too many */
    used = snprintf(text, room, "{\"k\":[");
    for (int i = 0; i < CONFIG_TOKENS_MAX - 2; i++)
        used += snprintf(text + used, room - (size_t)used, "0,");
    ck_assert_int_eq(read_text(&c, text, &error), -1);
    ck_assert_str_eq(error.text, "config.json:1:8388609: more than 4194304 keys and values");
    free(text);
}
END_TEST

START_TEST(messages_are_printable_utf8)
{
    struct config c;
    struct model_error error;

    ck_assert_int_eq(read_text(&c, "{\"\\u0007\\u00e4\\u007f\": 1}", &error), -1);
    ck_assert_str_eq(error.text, "config.json: ?\xc3\xa4?: unknown key");
    model_error_set(&error, "%s", "\xc3(\xe2\x82\xf0\x9f\x98\x80\xc0\x80\xed\xa0\x80");
    ck_assert_str_eq(error.text, "?(??\xf0\x9f\x98\x80?????");
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
    tcase_add_test(tc, a_sigmoid_output_may_have_two_labels);
    tcase_add_test(tc, versions_are_whole_numbers_up_to_2_63_less_1);
    tcase_add_test(tc, a_nul_byte_is_no_json);
    tcase_add_loop_test(tc, a_mistake_is_named_with_its_place, 0, MISTAKES);
    tcase_add_test(tc, every_truncation_is_an_error);
    tcase_add_test(tc, layers_and_values_are_bounded);
    tcase_add_test(tc, messages_are_printable_utf8);
    suite_add_tcase(s, tc);

    return suite_run(s);
}
