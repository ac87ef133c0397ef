/* test_lib_torch.c - activations and networks against what PyTorch's autograd says of them, written
 * down in tests/data/torch by tests/oracle/torch_golden.py. The losses are in test_lib_loss.c. */
#include <math.h>
#include <string.h>
#include "../oracle/records.h"
#include "axon/backward.h"
#include "axon/cpu.h"
#include "axon/loss.h"
#include "suite.h"

enum { VALUES_MAX = 1024, LAYERS_MAX = 8 };

/* ---- activations ---- */

/* PyTorch 1.13 has none of these. */
static const char *const absent[] = {"hardmax", "sparsemax", "sparse_plus", "sparse_sigmoid"};

static int is_absent(const char *name)
{
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        if (strcmp(absent[i], name) == 0)
            return 1;
    return 0;
}

/* PyTorch's double of a formula that cancels has lost digits itself: 1e-13 of those of order 1. */
static void check_values(const char *name, const char *what, const float *got, const double *want,
                         size_t n)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(fabs((double)got[i] - want[i]) <= 1e-5 * fabs(want[i]) + 1e-13,
                      "%s: %s[%zu] is %.9g, PyTorch has %.17g", name, what, i, (double)got[i],
                      want[i]);
}

static void check_activation(const struct axon_activation *act, const struct record *record)
{
    const struct record_array *x = record_find(record, "x"), *y = record_find(record, "y");
    const struct record_array *params = record_find(record, "params");
    const float *values = params->count ? params->floats : NULL;
    size_t length = (size_t)record_get(record, "length", 1)->values[0];
    struct axon_axis axis = {x->count / length, length, 1};
    float out[VALUES_MAX];

    ck_assert_uint_le(x->count, VALUES_MAX);
    ck_assert_int_eq(axon_activation_forward(act, x->floats, out, axis, values, params->count),
                     AXON_OK);
    check_values(act->name, "y", out, y->values, y->count);
    ck_assert_int_eq(axon_activation_gradient(act, x->floats,
                                              record_get(record, "upstream", y->count)->floats, out,
                                              axis, values, params->count),
                     AXON_OK);
    check_values(act->name, "gradient", out, record_get(record, "gradient", x->count)->values,
                 x->count);
}

START_TEST(every_activation_and_its_gradient_agree_on_every_isa)
{
    size_t isas, rows, cases = 0;
    const char *const *names = axon_isa_list(&isas);
    const struct axon_activation *act = &axon_activation_table(&rows)[_i];
    struct record record = {.count = 0};
    FILE *file = fopen("tests/data/torch/activations.txt", "r");

    ck_assert_ptr_nonnull(file);
    while (record_next(file, &record)) {
        ck_assert_msg(axon_activation_find(record.name) != NULL, "%s is missing", record.name);
        if (axon_activation_find(record.name) != act)
            continue;
        for (size_t i = 0; i < isas; i++) {
            ck_assert_int_eq(axon_isa_select(names[i]), AXON_OK);
            check_activation(act, &record);
        }
        cases++;
    }
    ck_assert_int_eq(axon_isa_select("auto"), AXON_OK);
    ck_assert_msg((cases == 0) == is_absent(act->name),
                  "%s: %zu cases in tests/data/torch/activations.txt; it wants a row in "
                  "tests/oracle/torch_golden.py, or one in is_absent() if PyTorch has none",
                  act->name, cases);
    fclose(file);
}
END_TEST

/* ---- networks ---- */

/* An array of a layer: "weight" and 1 make "weight1". */
static const struct record_array *of_layer(const struct record *record, const char *what, size_t l)
{
    char key[RECORD_NAME_MAX + 1];

    snprintf(key, sizeof key, "%s%zu", what, l);
    return record_find(record, key);
}

/* The case's name is "loss+activation+activation..." */
static size_t activations_of(const struct record *record,
                             const struct axon_activation *acts[LAYERS_MAX])
{
    char copy[RECORD_NAME_MAX + 1], *rest, *name;
    size_t count = 0;

    snprintf(copy, sizeof copy, "%s", record->name);
    strtok_r(copy, "+", &rest);
    while ((name = strtok_r(NULL, "+", &rest)) && count < LAYERS_MAX)
        acts[count++] = axon_activation_find(name);
    return count;
}

static struct axon_mlp *create(const struct record *record,
                               const struct axon_activation *const *acts, size_t depth)
{
    const struct record_array *sizes = record_get(record, "sizes", depth + 1);
    const struct record_array *scale = record_find(record, "scale");
    struct axon_layer layers[LAYERS_MAX];
    struct axon_mlp_spec spec = {
        .features = (size_t)sizes->values[0], .layers = layers, .layers_count = depth};
    struct axon_mlp *mlp;

    for (size_t l = 0; l < depth; l++) {
        const struct record_array *slope = of_layer(record, "slope", l);

        layers[l] = (struct axon_layer){.units = (size_t)sizes->values[l + 1],
                                        .weight = of_layer(record, "weight", l)->floats,
                                        .bias = of_layer(record, "bias", l)->floats,
                                        .activation = acts[l],
                                        .params = slope ? slope->floats : NULL,
                                        .params_count = slope ? slope->count : 0};
    }
    if (scale) {
        spec.scale = scale->floats;
        spec.offset = record_find(record, "offset")->floats;
    }
    ck_assert_int_eq(axon_mlp_create(&spec, &mlp), AXON_OK);
    return mlp;
}

/* Within 1e-5 of the array's largest: a sum that cancels is known no better in float. */
static void check_array(const struct record *record, const char *what, size_t layer,
                        const float *got, const struct record_array *want)
{
    double largest = 0;

    for (size_t i = 0; i < want->count; i++)
        largest = fmax(largest, fabs(want->values[i]));
    for (size_t i = 0; i < want->count; i++)
        ck_assert_msg(fabs((double)got[i] - want->values[i]) <= 1e-5 * largest,
                      "%s: %s%zu[%zu] is %.9g, PyTorch has %.10g", record->name, what, layer, i,
                      (double)got[i], want->values[i]);
}

/* The gradient that the record's loss gives, and what it is the gradient of. */
static const float *upstream_of(const struct record *record, size_t rows, size_t outputs,
                                const float *logits, enum axon_upstream *at)
{
    static float gradient[VALUES_MAX];
    static int32_t labels[VALUES_MAX];
    struct axon_loss_batch batch = {.rows = rows, .outputs = outputs, .inner = 1, .input = logits};
    struct axon_loss_result result = {.gradient = gradient};
    const struct record_array *given = record_find(record, "labels");
    char name[RECORD_NAME_MAX + 1];
    double want = record_get(record, "loss", 1)->values[0];

    snprintf(name, sizeof name, "%.*s", (int)strcspn(record->name, "+"), record->name);
    *at = strcmp(name, "upstream") == 0 ? AXON_UPSTREAM_POST : AXON_UPSTREAM_PRE;
    if (*at == AXON_UPSTREAM_POST)
        return record_get(record, "upstream", rows * outputs)->floats;
    for (size_t i = 0; given && i < rows; i++)
        labels[i] = (int32_t)given->values[i];
    if (given)
        batch.labels = labels;
    else
        batch.targets = record_get(record, "targets", rows * outputs)->floats;
    ck_assert_int_eq(axon_loss_apply(axon_loss_find(name, NULL), &batch, NULL, &result), AXON_OK);
    ck_assert_double_le(fabs(result.loss - want), 1e-6 * want);
    return gradient;
}

static const char *const kinds[] = {"dweight", "dbias", "dslope", "dpre", "dpost"};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void check_network(const struct record *record, const struct axon_activation *const *acts,
                          size_t depth)
{
    static float room[LAYERS_MAX][KINDS][VALUES_MAX], dx[VALUES_MAX], y[VALUES_MAX];
    struct axon_mlp *mlp = create(record, acts, depth);
    struct axon_layer_gradients layers[LAYERS_MAX] = {{.weight = NULL}};
    struct axon_mlp_gradients all = {dx, layers};
    const float *x = record_find(record, "x")->floats, *upstream;
    size_t rows = (size_t)record_get(record, "rows", 1)->values[0], bytes;
    enum axon_upstream at;
    void *scratch;

    ck_assert_int_eq(axon_mlp_backward_scratch_bytes(mlp, rows, &bytes), AXON_OK);
    scratch = aligned_alloc(64, bytes);
    for (size_t l = 0; l < depth; l++) {
        float **to[KINDS] = {&layers[l].weight, &layers[l].bias, &layers[l].slope, &layers[l].pre,
                             &layers[l].post};

        for (size_t k = 0; k < KINDS; k++)
            *to[k] = of_layer(record, kinds[k], l) ? room[l][k] : NULL;
    }
    ck_assert_int_eq(axon_mlp_forward_keep(mlp, x, rows, y, scratch), AXON_OK);
    check_array(record, "y", depth, y, record_find(record, "y"));
    upstream = upstream_of(record, rows, axon_mlp_outputs(mlp),
                           axon_mlp_kept_pre(mlp, rows, scratch, depth - 1), &at);
    ck_assert_int_eq(axon_mlp_backward(mlp, x, rows, upstream, at, &all, scratch), AXON_OK);
    check_array(record, "dx", 0, dx, record_find(record, "dx"));
    for (size_t l = 0; l < depth; l++)
        for (size_t k = 0; k < KINDS; k++)
            if (of_layer(record, kinds[k], l))
                check_array(record, kinds[k], l, room[l][k], of_layer(record, kinds[k], l));
    free(scratch);
    axon_mlp_destroy(mlp);
}

START_TEST(every_gradient_of_every_network_agrees)
{
    struct record record = {.count = 0};
    FILE *file = fopen("tests/data/torch/networks.txt", "r");
    size_t cases = 0;

    ck_assert_ptr_nonnull(file);
    while (record_next(file, &record)) {
        const struct axon_activation *acts[LAYERS_MAX];
        size_t depth = activations_of(&record, acts);

        for (size_t l = 0; l < depth; l++)
            ck_assert_msg(acts[l] != NULL, "%s: no such activation", record.name);
        check_network(&record, acts, depth);
        cases++;
    }
    ck_assert_uint_ge(cases, 9);
    fclose(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("torch");
    TCase *tcase = suite_case(suite, "autograd");
    size_t count;

    axon_activation_table(&count);
    tcase_add_loop_test(tcase, every_activation_and_its_gradient_agree_on_every_isa, 0, (int)count);
    tcase_add_test(tcase, every_gradient_of_every_network_agrees);
    return suite_run(suite);
}
