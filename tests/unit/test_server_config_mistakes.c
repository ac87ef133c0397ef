/* test_server_config_mistakes.c - config.json: what is said about every kind of mistake. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include "model/config.h"
#include "suite.h"

#define INPUT      "\"input\": {\"features\": 2}"
#define LAYERS     "\"layers\": [{\"units\": 1, \"activation\": \"relu\"}]"
#define ONE(layer) "{" INPUT ", \"layers\": [{" layer "}]}"
#define TOP(more)  "{" INPUT ", " LAYERS ", " more "}"
#define UNIT       "{\"units\": 1, \"activation\": \"relu\"}"
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
    {TOP("\"\xc2\x9b[2Jzz\": 1"), "config.json: ??[2Jzz: unknown key"}, /* C1: a terminal's CSI */
    {TOP("\"task\": \"\xc2\x85z\""), "found \"??z\""},
    {IN("\"feature\": 1"), "config.json: input.feature: unknown key; did you mean \"features\"?"},
    {ONE("\"units\": 1, \"activation\": \"relu\", \"wieght\": 1"),
     "config.json: layers[0].wieght: unknown key; did you mean \"weight\"?"},
    {ONE("\"units\": 1, \"activation\": {\"name\": \"leaky_relu\", \"aplha\": 1}"),
     "config.json: layers[0].activation.aplha: unknown key; did you mean \"alpha\"?"},
    {ONE("\"units\": 1, \"activation\": {\"name\": \"relu\", \"alpha\": 1}"),
     "config.json: layers[0].activation.alpha: unknown key"},
    {TOP("\"output\": {\"label\": []}"), "output.label: unknown key; did you mean \"labels\"?"},
    {TOP("\"batching\": {\"rows\": 1}"), "config.json: batching.rows: unknown key"},
    {TOP("\"neurons\": {\"stat\": 1}"), "neurons.stat: unknown key; did you mean \"stats\"?"},
    {TOP("\"neurons\": []"), "config.json: neurons: expected an object, found an array"},
    {TOP("\"neurons\": {\"stats\": \"some\"}"), "config.json: neurons.stats: "},
    {TOP("\"neurons\": {\"every\": 0}"),
     "config.json: neurons.every: expected a whole number from 1 to 1000000, found 0"},
    {TOP("\"record\": {\"row\": 1}"), "record.row: unknown key; did you mean \"rows\"?"},
    {TOP("\"record\": {}"), "config.json: record.rows: missing"},
    {TOP("\"record\": 5"), "config.json: record: expected an object, found 5"},
    {TOP("\"record\": {\"rows\": 0}"),
     "config.json: record.rows: expected a whole number from 1 to 65536, found 0"},
    {TOP("\"record\": {\"rows\": 65537}"), "from 1 to 65536, found 65537"},
    {"{\"input\": {\"features\": 4095}, " LAYERS ", \"record\": {\"rows\": 4096}}",
     "config.json: record.rows: 4096 rows of 4095 features and 1 outputs take 67141632 bytes, at "
     "most 67108864"},
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
    {IN("\"min\": [0, 3], \"max\": 2"),
     "config.json: input.max: 2 is below \"min\", which is 3, for feature 1"},
    {IN("\"max\": [1]"), "input.max: expected an array of 2 numbers, found an array of 1"},
    {IN("\"columns\": [\"a\"]"), "config.json: input.columns: 1 names for 2 features"},
    {IN("\"columns\": [\"a\", 1]"),
     "input.columns[1]: expected a string of at most 256 bytes, found 1"},
    {IN("\"columns\": [\"a\", \"a\"]"), "config.json: input.columns: \"a\" names two features"},
    {TOP("\"task\": \"multi\""), "config.json: task: expected one of binary, multiclass, "
                                 "multilabel, regression, found \"multi\""},
    {TOP("\"task\": false"), "regression, found false"},
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
    {ONE("\"units\": 1, \"activation\": {\"name\": \"rel\"}"), "unknown activation \"rel\""},
    {ONE("\"units\": 1, \"activation\": \"quantum\""),
     "unknown activation \"quantum\"; GET /v1/activations lists what there is"},
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
     "config.json: layers[0].activation.alpha: leaky_relu takes -1e6 to 1e6, found 1e30"},
    {ONE("\"units\": 1, \"activation\": {\"name\": \"leaky_relu\", \"alpha\": 1, "
         "\"negative_slope\": 1}"),
     "layers[0].activation.negative_slope: is \"alpha\" by another name; give one of them"},
    {ONE("\"units\": 1, \"activation\": {\"name\": \"leaky_relu\", \"alpha\": [1]}"),
     "layers[0].activation.alpha: expected a number, found an array of 1"},
    {ONE("\"units\": 2, \"activation\": {\"name\": \"prelu\", \"alpha\": [1, 2, 3]}"),
     "layers[0].activation.alpha: expected an array of 2 numbers, one per channel, found an array "
     "of "
     "3"},
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
    /* batch normalizations */
    {ONE("\"type\": \"conv\""),
     "layers[0].type: expected one of dense, batch_norm, found \"conv\""},
    {ONE("\"type\": 3"), "layers[0].type: expected one of dense, batch_norm, found 3"},
    {ONE("\"type\": \"batch_norm\""), "layers: expected an array of 1 to 64 layers, found 0"},
    {"{" INPUT ", \"layers\": [" UNIT ", {\"type\": \"batch_norm\"}]}",
     "layers[1]: a batch_norm after an activation needs a dense layer behind it, which takes it; "
     "there is none"},
    {"{" INPUT ", \"layers\": [" UNIT
     ", {\"type\": \"batch_norm\", \"activation\": \"tanh\"}, " UNIT "]}",
     "layers[1].activation: layers[0] has the activation relu, so the next layer takes this "
     "batch_norm, and no activation can be between them"},
    {"{" INPUT ", \"layers\": [{\"type\": \"batch_norm\", \"activation\": \"tanh\"}, " UNIT "]}",
     "layers[0].activation: no layer is in front of this batch_norm"},
    {"{" INPUT ", \"layers\": [{\"type\": \"batch_norm\", \"units\": 2}, " UNIT "]}",
     "layers[0].units: unknown key"},
    {"{" INPUT ", \"layers\": [{\"type\": \"batch_norm\", \"epsilon\": -1}, " UNIT "]}",
     "layers[0].epsilon: expected a number from 0 to 1, found -1"},
    {"{" INPUT ", \"layers\": [{\"type\": \"batch_norm\", \"bias\": [1, 2, 3]}, " UNIT "]}",
     "layers[0].bias: expected 2 numbers (one per unit), found an array of 3"},
    {"{" INPUT ", \"layers\": [{\"type\": \"batch_norm\", \"name\": \"a\"}, {\"type\": "
     "\"batch_norm\", \"name\": \"a\"}, " UNIT "]}",
     "layers[1].name: \"a\" is the name of layers[0] already"},
    {ONE("\"units\": 1, \"activation\": {\"name\": \"prelu\", \"alpha\": \"\"}"),
     "layers[0].activation.alpha: expected a tensor's name of 1 to 255 bytes, found \"\""},
    {ONE("\"units\": 1, \"activation\": {\"name\": \"leaky_relu\", \"alpha\": \"t\"}"),
     "layers[0].activation.alpha: expected a number, found \"t\""},
    {TOP("\"ignore_tensors\": \"a\""), "ignore_tensors: expected an array, found \"a\""},
    {TOP("\"ignore_tensors\": [1]"),
     "ignore_tensors[0]: expected a string of at most 255 bytes, found 1"},
    /* what does not fit together */
    {"{" INPUT ", \"layers\": [{\"name\": \"output\", \"units\": 1, \"activation\": \"relu\"}, "
     "{\"units\": 1, \"activation\": \"relu\"}]}",
     "config.json: layers[1].name: \"output\" is the name of layers[0] already"},
    {TOP("\"output\": {\"labels\": [\"a\", \"b\", \"c\"]}"),
     "config.json: output.labels: 3 labels for 1 output"},
    {TOP("\"output\": {\"labels\": []}"), "output.labels: 0 labels for 1 output"},
    {TOP("\"output\": {\"labels\": [7]}"),
     "output.labels[0]: expected a string of at most 256 bytes, found 7"},
    {TOP("\"output\": {\"labels\": [\"a\", \"b\"]}"),
     "config.json: output.labels: 2 labels for 1 output take a last activation with range [0, 1], "
     "for instance sigmoid, or identity with \"task\": \"binary\" (a logit); this one is relu, and "
     "the task is not binary"},
    {TOP("\"task\": \"binary\", \"output\": {\"labels\": [\"a\", \"b\"]}"), "this one is relu"},
    {"{" INPUT ", \"layers\": [{\"units\": 1, \"activation\": \"identity\"}], \"output\": "
     "{\"labels\": [\"a\", \"b\"]}}",
     "this one is identity, and the task is not binary"},
    {TOP("\"task\": \"multiclass\""),
     "config.json: task: \"multiclass\" takes 2 to 65536 outputs, the last layer has 1 units"},
    {"{\"task\": \"binary\", " INPUT ", \"layers\": [{\"units\": 3, \"activation\": \"relu\"}]}",
     "config.json: task: \"binary\" takes 1 to 2 outputs, the last layer has 3 units"},
    /* versions and labels */
    {TOP("\"versions\": {\"policy\": \"newest\"}"),
     "config.json: versions.policy: expected one of latest, all, specific, found "
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
     "versions.versions[1]: expected a whole number from 1 to "
     "9223372036854775807, found 0"},
    {TOP("\"versions\": {\"policy\": \"specific\", \"versions\": [1.5]}"),
     "versions.versions[0]: expected a whole number from 1 to "
     "9223372036854775807, found 1.5"},
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
    struct error error = {0};

    ck_assert_msg(config_read(&c, mistakes[_i].text, strlen(mistakes[_i].text), "config.json",
                              &error) != ERROR_OK,
                  "accepted: %s", mistakes[_i].text);
    ck_assert_msg(strstr(error.detail, mistakes[_i].message), "%s\nsays:     %s\ninstead of: %s",
                  mistakes[_i].text, error.detail, mistakes[_i].message);
}
END_TEST

/* With --print: the texts, each with its NUL, for tests/http/config_schema.py. */
int main(int argc, char **argv)
{
    Suite *s;
    TCase *tc;

    if (argc > 1 && strcmp(argv[1], "--print") == 0) {
        for (size_t i = 0; i < MISTAKES; i++)
            fwrite(mistakes[i].text, 1, strlen(mistakes[i].text) + 1, stdout);
        return 0;
    }
    s = suite_create("config_mistakes");
    tc = tcase_create("config_mistakes");
    tcase_add_loop_test(tc, a_mistake_is_named_with_its_place, 0, MISTAKES);
    suite_add_tcase(s, tc);

    return suite_run(s);
}
